import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from precompute.evidence.peaks import find_peaks, largest_rise

curves = hnp.arrays(
    float, st.integers(3, 12), elements=st.one_of(st.integers(0, 40).map(lambda k: k / 40), st.just(np.nan))
)


def test_a_planted_peak_is_found_with_the_minima_beside_it():
    found = find_peaks(np.array([0.6, 0.3, 0.4, 0.5, 0.45, 0.1, 0.2]))
    assert (found.at, found.before, found.after) == (3, 1, 5)
    assert (found.rise, found.fall, found.height) == pytest.approx((0.2, 0.4, 0.2))
    assert found.exists


@pytest.mark.parametrize("curve", [[3, 2, 1], [1, 2, 3], [2, 2, 2, 2], [3, 1, 2]])
def test_a_curve_that_does_not_rise_and_fall_has_no_peak(curve):
    assert not find_peaks(np.array(curve, dtype=float)).exists


def test_a_curve_of_two_points_has_not_even_a_candidate():
    found = find_peaks(np.array([[0.3, 0.2], [0.1, 0.2]]))
    assert (found.at == -1).all() and not found.exists.any()


def test_the_highest_point_is_not_the_peak_if_the_curve_ends_there():
    assert find_peaks(np.array([0.2, 0.4, 0.3, 0.9])).at == 1


@settings(deadline=None)
@given(curves)
def test_it_is_the_best_of_all_places(curve):
    found = find_peaks(curve)
    heights = {}
    for p in range(1, len(curve) - 1):
        sides = curve[:p], curve[p + 1 :]
        if np.isfinite(curve[p]) and all(np.isfinite(side).any() for side in sides):
            heights[p] = min(curve[p] - np.nanmin(side) for side in sides)
    if not heights:
        assert found.at == -1
        return
    assert found.height == pytest.approx(max(heights.values()))
    assert found.at == min(p for p, height in heights.items() if height == max(heights.values()))
    assert found.before < found.at < found.after
    assert curve[found.at] - curve[found.before] == found.rise
    assert curve[found.at] - curve[found.after] == found.fall


@settings(deadline=None)
@given(curves)
def test_the_largest_rise_is_the_best_of_all_pairs(curve):
    before, at = largest_rise(curve)
    pairs = [curve[j] - curve[i] for j in range(len(curve)) for i in range(j) if np.isfinite(curve[j] - curve[i])]
    if not pairs:
        assert (before, at) == (-1, -1)
    else:
        assert before < at
        assert curve[at] - curve[before] == max(pairs)


def test_many_curves_at_once_are_as_each_alone():
    many = np.random.default_rng(0).normal(size=(4, 5, 9))
    together = find_peaks(many)
    for index in np.ndindex(4, 5):
        for part, alone in zip(together, find_peaks(many[index])):
            assert part[index] == alone
