import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from precompute.evidence import configuration_intervals, paired_difference, t_interval
from precompute.evidence.intervals import within

errors = st.floats(0, 1, allow_subnormal=False)


def test_known_values_of_students_table():
    found = t_interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert (found.mean, found.n) == (3.0, 5)
    assert found.sd == pytest.approx(1.5811388)
    assert found.high - found.mean == pytest.approx(2.7764451 * 1.5811388 / 5**0.5)
    assert t_interval(np.array([0.0, 1.0, 2.0])).high - 1 == pytest.approx(4.3026527 / 3**0.5)


@settings(deadline=None)
@given(hnp.arrays(float, st.tuples(st.integers(1, 4), st.integers(3, 8)), elements=errors))
def test_agrees_with_scipy_on_each_row(values):
    found = t_interval(values)
    for row, low, high in zip(values, found.low, found.high):
        if row.std() > 1e-6:
            expected = stats.t.interval(0.95, len(row) - 1, loc=row.mean(), scale=stats.sem(row))
            assert (low, high) == pytest.approx(expected)


@settings(deadline=None)
@given(hnp.arrays(float, 6, elements=st.one_of(errors, st.just(np.nan))))
def test_missing_seeds_are_left_out_and_not_counted(values):
    present = values[~np.isnan(values)]
    with_gaps, without = t_interval(values), t_interval(present)
    assert with_gaps.n == len(present)
    np.testing.assert_allclose(with_gaps[:4], without[:4], rtol=1e-9, atol=1e-12)


def test_fewer_than_three_seeds_have_no_interval():
    one, two, none = t_interval(np.array([[0.3, np.nan], [0.3, 0.5], [np.nan, np.nan]])).n
    assert (one, two, none) == (1, 2, 0)
    found = t_interval(np.array([[0.3, np.nan], [0.3, 0.5], [np.nan, np.nan]]))
    assert np.isnan(found.low).all() and np.isnan(found.high).all()
    np.testing.assert_array_equal(np.isnan(found.mean), [False, False, True])
    np.testing.assert_array_equal(np.isnan(found.sd), [True, False, True])


@pytest.mark.parametrize("n", [3, 5])
def test_it_covers_the_true_mean_as_often_as_it_says(n):
    values = np.random.default_rng(n).normal(0.3, 0.02, (40_000, n))
    found = t_interval(values)
    covered = np.mean((found.low <= 0.3) & (0.3 <= found.high))
    assert covered == pytest.approx(0.95, abs=0.005)


def test_the_usual_shortcut_covers_only_81_percent_at_three_seeds():
    values = np.random.default_rng(3).normal(0.3, 0.02, (40_000, 3))
    found = t_interval(values)
    covered = np.mean(np.abs(found.mean - 0.3) <= 1.96 * found.sd / 3**0.5)
    assert covered == pytest.approx(0.81, abs=0.01)


@pytest.mark.parametrize("n", [3, 5])
def test_an_interval_cut_off_at_the_possible_range_covers_the_mean_as_often_as_the_whole(n):
    # skewed towards zero, as train errors are that a few examples in ten thousand make
    values = np.random.default_rng(n).binomial(2_000, 0.0005, (40_000, n)) / 2_000
    whole = t_interval(values)
    cut = within(whole, 0.0, 1.0)
    assert (whole.low < 0).mean() > 0.2 and (cut.low >= 0).all() and (cut.high <= 1).all()
    covers = [(found.low <= 0.0005) & (0.0005 <= found.high) for found in (whole, cut)]
    np.testing.assert_array_equal(*covers)
    np.testing.assert_array_equal(cut.mean, whole.mean)


def test_rows_of_a_map_lie_within_the_possible_range_of_their_measure(make_grid):
    few = np.array([[[0.0, 0.0005, 0.001]]])
    rows = {row.measure: row for row in configuration_intervals(make_grid(few, train_error=1 - few))}
    assert t_interval(few).low < 0
    assert (rows["test_error"].low, rows["train_error"].high) == (0.0, 1.0)
    assert rows["test_error"].high == pytest.approx(t_interval(few).high[0, 0])
    assert rows["gap"].low == -1.0 and rows["test_error"].mean == pytest.approx(0.0005)


def test_a_paired_difference_uses_the_seeds_that_both_have():
    found = paired_difference(np.array([0.5, 0.6, 0.7, np.nan, 0.9]), np.array([0.4, 0.4, 0.4, 0.4, np.nan]))
    assert found.n == 3
    assert found.estimate == pytest.approx(0.2)
    assert found.low == pytest.approx(0.2 - 4.3026527 * 0.1 / 3**0.5)


def test_a_paired_difference_without_a_common_seed_does_not_exist():
    assert paired_difference(np.array([0.5, np.nan]), np.array([np.nan, 0.4])) == (None, None, None, 0)


def test_pairing_removes_what_the_seeds_share():
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 0.1, 5)
    found = paired_difference(0.31 + shared + rng.normal(0, 1e-4, 5), 0.30 + shared)
    assert 0.009 < found.low < found.high < 0.011


def test_rows_of_a_map_hold_every_measure_once_and_no_nan(make_grid):
    rng = np.random.default_rng(1)
    test_error = rng.uniform(0.1, 0.9, (4, 3, 5))
    test_error[1, :, 2:] = np.nan
    test_error[2] = np.nan
    rows = configuration_intervals(make_grid(test_error))
    keys = [(row.x, row.measure, row.epoch) for row in rows]
    assert len(set(keys)) == len(keys) == 3 * (8 * 3 + 1)
    assert not any(np.isnan(value) for row in rows for value in row[3:] if value is not None)
    assert {row.x: row.n for row in rows} == {0: 5, 1: 2, 3: 5}
    assert all((row.low is None) == (row.n < 3) == (row.high is None) for row in rows)


def test_gap_is_of_the_same_seed(make_grid):
    shared = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    grid = make_grid(np.full((1, 1, 5), 0.3) + shared, train_error=np.full((1, 1, 5), 0.1) + shared)
    (gap,) = [row for row in configuration_intervals(grid) if row.measure == "gap"]
    assert (gap.mean, gap.sd) == pytest.approx((0.2, 0.0))


def test_early_stopping_takes_the_first_of_equal_validation_errors_of_each_run(make_grid):
    val = np.array([[[0.3, 0.1], [0.2, 0.2], [0.2, 0.3]]])
    test = np.array([[[0.40, 0.41], [0.42, 0.43], [0.44, 0.45]]])
    grid = make_grid(test, val_error=val)
    np.testing.assert_array_equal(grid.early_stopped_test_error(), [[0.42, 0.41]])
    (row,) = [row for row in configuration_intervals(grid) if row.measure == "early_stopped_test_error"]
    assert row.epoch is None
    assert row.mean == pytest.approx(0.415)


def test_a_measure_that_no_run_has_gives_no_row(make_grid):
    grid = make_grid(np.full((1, 2, 3), 0.3), val_error=np.full((1, 2, 3), np.nan))
    assert not {"val_error", "early_stopped_test_error"} & {row.measure for row in configuration_intervals(grid)}
