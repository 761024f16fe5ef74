import time
from itertools import product

import numpy as np
import pytest

from precompute.evidence import configuration_intervals, landmarks
from precompute.evidence.landmarks import ridge
from precompute.evidence.peaks import find_peaks


def rows_of(grid, kind, level=None):
    return {row.line: row for row in landmarks(grid) if row.kind == kind and row.level == level}


def test_the_threshold_is_the_first_x_of_the_mean_with_the_range_of_the_seeds(make_grid):
    train = np.array([[0.5, 0.5, 0.5], [0.04, 0.09, 0.2], [0.0, 0.06, 0.12], [0.0, 0.0, 0.2]])[:, None]
    grid = make_grid(np.full((4, 1, 3), 0.3), train_error=train, xs=[1, 2, 4, 8])
    at_ten = rows_of(grid, "threshold", 0.10)[1]
    assert (at_ten.position, at_ten.low, at_ten.high) == (4, 2, 2)
    assert (at_ten.clear, at_ten.reached, at_ten.n, at_ten.height) == (True, 2, 3, None)
    at_one = rows_of(grid, "threshold", 0.01)[1]
    assert (at_one.position, at_one.low, at_one.high) == (None, 4, 8)
    assert (at_one.clear, at_one.reached) == (False, 2)


def test_a_train_error_of_exactly_the_level_reaches_it(make_grid):
    counts = np.array([199, 201, 200, 198, 202])
    grid = make_grid(np.full((3, 1, 5), 0.3), train_error=np.broadcast_to(1 - (4000 - counts) / 4000, (3, 1, 5)))
    assert rows_of(grid, "threshold", 0.05)[1].position == 1


def test_a_planted_ridge_is_found_at_every_epoch_and_moves_with_the_threshold(double_descent_map):
    grid = double_descent_map()
    across = rows_of(grid, "ridge_across")
    assert list(across) == list(range(1, 21))
    assert all(row.clear and row.reached == 100 and row.n == 5 for row in across.values())
    assert all(row.low <= row.position <= row.high for row in across.values())
    assert across[20].position in (14, 16, 18)
    assert across[20].height == pytest.approx(0.05, abs=0.02)
    assert across[1].position > 64


def test_the_bar_of_a_ridge_holds_95_percent_of_all_ordered_draws_of_the_seeds(make_grid):
    errors = np.random.default_rng(4).uniform(0.2, 0.4, (9, 1, 4))
    row = rows_of(make_grid(errors), "ridge_across")[1]
    found = [find_peaks(errors[:, 0, list(draw)].mean(axis=1)) for draw in product(range(4), repeat=4)]
    places = np.sort([one.at + 1 for one in found if one.exists])
    low, high = (places[int(np.ceil(share * len(places))) - 1] for share in (0.025, 0.975))
    assert (row.low, row.high) == (low, high) and low <= row.position <= high and low < high
    assert row.reached == round(100 * len(places) / 4**4)


def test_a_planted_peak_over_epochs_is_found(make_grid):
    over_epochs = np.array([0.5, 0.2, 0.4, 0.3, 0.1])
    errors = over_epochs[None, :, None] + np.random.default_rng(0).normal(0, 0.005, (2, 5, 5))
    up = rows_of(make_grid(errors, epochs=[1, 3, 10, 30, 100], xs=[8, 16]), "ridge_up")
    assert {x: row.position for x, row in up.items()} == {8: 10, 16: 10}
    assert all(row.clear and (row.low, row.high) == (10, 10) for row in up.values())


def test_a_monotone_map_has_no_peak(make_grid):
    falling = np.linspace(0.9, 0.1, 12)[:, None, None] + np.linspace(0.05, 0, 6)[None, :, None] + np.zeros(4)
    for row in landmarks(make_grid(falling)):
        if row.kind != "threshold":
            assert (row.position, row.low, row.high, row.height) == (None, None, None, None)
            assert (row.clear, row.reached, row.n) == (False, 0, 4)


def test_flat_noise_is_hardly_ever_called_a_clear_peak():
    noise = np.random.default_rng(5).normal(0, 0.01, (3000, 24, 5))
    found = ridge(noise)
    assert found.peaks.exists.all()
    assert found.clear.mean() < 0.03


def test_a_peak_well_above_the_noise_is_called_clear():
    shape = 0.04 * np.exp(-(((np.arange(24) - 12) / 3) ** 2))
    found = ridge(shape[None, :, None] + np.random.default_rng(6).normal(0, 0.005, (200, 24, 5)))
    assert found.clear.mean() > 0.99


@pytest.mark.parametrize("seeds", [1, 2])
def test_with_fewer_than_three_seeds_a_ridge_has_no_bar_and_is_not_clear(double_descent_map, seeds):
    row = rows_of(double_descent_map(seeds=seeds), "ridge_across")[20]
    assert row.position in (14, 16, 18)
    assert (row.low, row.high, row.clear, row.n) == (None, None, False, seeds)


def test_missing_runs_leave_the_rest_of_the_ridge_in_place(double_descent_map, make_grid):
    whole = double_descent_map()
    test_error = whole.test_error.copy()
    test_error[3, :, 1] = np.nan
    test_error[:, :, 4] = np.nan
    grid = make_grid(test_error, xs=whole.xs)
    across, up = rows_of(grid, "ridge_across"), rows_of(grid, "ridge_up")
    assert across[20].position in (14, 16, 18)
    assert across[20].clear and across[20].n == 4
    assert (up[whole.xs[3]].n, up[whole.xs[4]].n) == (3, 4)


def test_a_map_without_runs_has_no_landmarks(make_grid):
    assert landmarks(make_grid(np.full((4, 3, 2), np.nan))) == []


def test_more_seeds_than_can_be_enumerated_give_the_same_rows_every_time(double_descent_map):
    grid = double_descent_map(seeds=7)
    assert landmarks(grid) == landmarks(grid)


@pytest.mark.alone
def test_three_maps_of_full_size_take_seconds():
    """24 widths, 60 epochs, 5 seeds: the build of the first study."""
    from precompute.evidence import MapGrid
    from precompute.evidence.grid import MEASURED

    rng = np.random.default_rng(0)
    start = time.perf_counter()
    for label_noise in (0.0, 0.1, 0.2):
        arrays = {name: rng.uniform(size=(24, 60, 5)) for name in MEASURED}
        axes = (np.arange(1.0, 25), np.arange(1, 25), np.arange(1, 61), np.arange(5))
        grid = MapGrid({"label_noise": label_noise}, *axes, **arrays)
        assert len(landmarks(grid)) == 4 * 60 + 24
        assert len(configuration_intervals(grid)) == 24 * (8 * 60 + 1)
    assert time.perf_counter() - start < 10
