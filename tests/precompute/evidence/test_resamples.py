from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from precompute.evidence.resamples import all_but_one, means, resamples, weighted_percentile


@pytest.mark.parametrize(("n", "multisets"), [(1, 1), (2, 3), (3, 10), (5, 126), (6, 462)])
def test_few_seeds_are_resampled_exactly(n, multisets):
    counts, weights = resamples(n)
    assert counts.shape == (multisets, n)
    assert (counts.sum(axis=1) == n).all()
    assert weights.sum() == pytest.approx(1)
    # Each seed is in a resample once on average, with the variance of a multinomial draw.
    np.testing.assert_allclose(weights @ counts, np.ones(n))
    np.testing.assert_allclose(weights @ (counts - 1) ** 2, np.full(n, 1 - 1 / n))


def test_many_seeds_are_drawn_and_always_the_same():
    counts, weights = resamples(9)
    assert counts.shape == (2000, 9)
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_array_equal(counts, resamples(9)[0])


def test_percentiles_over_multisets_equal_those_over_all_ordered_draws():
    values = np.random.default_rng(0).normal(size=4)
    counts, weights = resamples(4)
    draws = np.sort([np.mean(draw) for draw in product(values, repeat=4)])
    for percent in (2.5, 50, 97.5):
        expected = draws[int(np.ceil(percent / 100 * len(draws))) - 1]
        assert weighted_percentile(means(values, counts), weights, percent) == pytest.approx(expected)


@settings(deadline=None)
@given(hnp.arrays(float, (5, 3), elements=st.one_of(st.floats(0, 1), st.just(np.nan))), st.floats(0, 100))
def test_a_percentile_is_one_of_the_values_or_nan_without_any(values, percent):
    found = weighted_percentile(values, np.array([0.1, 0.2, 0.3, 0.15, 0.25]), percent)
    for column, value in zip(values.T, found):
        assert value in column if np.isfinite(column).any() else np.isnan(value)


def test_means_leave_missing_seeds_out():
    values = np.array([[1.0, 2.0, 6.0], [1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])
    found = means(values, np.array([[1, 1, 1], [2, 1, 0], [0, 3, 0]]))
    np.testing.assert_allclose(found, [[3, 2, np.nan], [4 / 3, 1, np.nan], [2, np.nan, np.nan]])


def test_each_seed_is_left_out_once():
    np.testing.assert_allclose(means(np.array([1.0, 2.0, 6.0]), all_but_one(3)), [4, 3.5, 1.5])
