import numpy as np
import pytest

from precompute.evidence.contrasts import label_noise_contrasts

NOISY = np.array([0.6, 0.3, 0.4, 0.5, 0.2])
CLEAN = np.array([0.5, 0.25, 0.24, 0.2, 0.15])


def one_epoch(curve, seeds=5):
    return curve[:, None, None] + 0.01 * np.arange(seeds)


def test_each_noise_is_compared_with_the_noisiest_at_the_noisiest_maps_places(make_grid):
    grids = [
        make_grid(one_epoch(CLEAN), 0.0),
        make_grid(one_epoch(NOISY), 0.2),
        make_grid(one_epoch((NOISY + CLEAN) / 2), 0.1),
    ]
    rows = label_noise_contrasts("question/study", grids)
    assert {(row.baseline["label_noise"], row.changed["label_noise"]) for row in rows} == {(0.2, 0.0), (0.2, 0.1)}
    clean = {row.quantity: row for row in rows if row.changed == {"label_noise": 0.0}}
    assert {quantity: row.estimate for quantity, row in clean.items()} == pytest.approx(
        {
            "final_test_error_at_the_peak_width": -30.0,
            "rise_to_the_peak_width": (20 - 25) - (50 - 30),
            "final_test_error_of_the_widest": -5.0,
        }
    )
    # The seeds differ by a point each; the pairs do not, so the interval has no width.
    assert all(row.n == 5 and row.unit == "points" and row.high - row.low < 1e-6 for row in rows)


def test_a_baseline_without_a_peak_is_compared_at_the_widest_only(make_grid):
    grids = [make_grid(one_epoch(CLEAN), 0.2), make_grid(one_epoch(NOISY), 0.0)]
    assert [row.quantity for row in label_noise_contrasts("s", grids)] == ["final_test_error_of_the_widest"]


def test_pairs_are_matched_by_seed_and_x(make_grid):
    noisy = make_grid(one_epoch(NOISY), 0.2, xs=[1, 2, 4, 8, 16], seeds=[3, 4, 5, 6, 7])
    clean = make_grid(one_epoch(CLEAN[1:], 4), 0.0, xs=[2, 4, 8, 16], seeds=[9, 5, 4, 3])
    rows = {row.quantity: row for row in label_noise_contrasts("s", [noisy, clean])}
    peak = rows["final_test_error_at_the_peak_width"]
    assert peak.n == 3
    pairs = [(0.20 + 0.03) - (0.5 + 0.00), (0.20 + 0.02) - (0.5 + 0.01), (0.20 + 0.01) - (0.5 + 0.02)]
    assert peak.estimate == pytest.approx(100 * np.mean(pairs))


def test_two_pairs_give_an_estimate_without_an_interval(make_grid):
    grids = [make_grid(one_epoch(CLEAN, 2), 0.0), make_grid(one_epoch(NOISY, 2), 0.2)]
    assert all((row.low, row.high, row.n) == (None, None, 2) for row in label_noise_contrasts("s", grids))


def test_nothing_is_compared_without_a_second_map_with_runs(make_grid):
    grids = [make_grid(one_epoch(NOISY), 0.2), make_grid(np.full((5, 1, 5), np.nan), 0.0)]
    assert label_noise_contrasts("s", grids) == []
    assert label_noise_contrasts("s", []) == []


def test_maps_that_differ_in_more_than_noise_are_refused(make_grid):
    grids = [make_grid(one_epoch(CLEAN), 0.0), make_grid(np.repeat(one_epoch(NOISY), 2, axis=1), 0.2)]
    with pytest.raises(ValueError, match="more than label noise"):
        label_noise_contrasts("s", grids)
