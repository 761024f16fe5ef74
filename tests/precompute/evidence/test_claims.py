import json
from collections import Counter

import numpy as np
import pytest

from precompute.evidence import StudyResults, all_claims, study_claims
from precompute.evidence.double_descent import peak_over_x

STUDY = "double_descent/mnist_mlp"


def verdicts(*grids):
    rows, _ = study_claims(StudyResults(STUDY, "generalization", grids))
    return {row.claim: row.verdict for row in rows}


def parts(claim, *grids):
    _, rows = study_claims(StudyResults(STUDY, "generalization", grids))
    return [row for row in rows if row.claim == claim]


def over_x(make_grid, curve, sd=0.003, seeds=5, seed=0, **options):
    """A map of one epoch whose test error over x is the curve, with noise of the seeds."""
    curve = np.asarray(curve, dtype=np.float64)
    noise = np.random.default_rng(seed).normal(0, sd, (len(curve), 1, seeds))
    return make_grid(curve[:, None, None] + noise, **options)


def test_a_map_with_a_planted_ridge_shows_what_was_planted(double_descent_map):
    found = verdicts(double_descent_map(0.2), double_descent_map(0.0, height=0))
    assert {claim: found[claim] for claim in ("G1", "G2", "G3", "G5")} == dict.fromkeys(
        ("G1", "G2", "G3", "G5"), "shown"
    )


def test_the_parts_of_g1_say_how_high_and_where(double_descent_map):
    rise, fall = parts("G1", double_descent_map())
    true_rise, true_fall = (part.estimate for part in parts("G1", double_descent_map(sd=0)))
    assert rise.estimate == pytest.approx(true_rise, abs=0.5) and fall.estimate == pytest.approx(true_fall, abs=0.5)
    assert true_rise > 3 and true_fall > 3
    assert rise.low < rise.estimate < rise.high and (rise.n, rise.unit, rise.part, fall.part) == (5, "points", 1, 2)
    assert set(rise.details["x"]["peak"]) <= {14, 16, 18} and fall.details["x"]["widest"] == 1024
    assert rise.details["epoch"] == 20 and rise.details["seeds"] == [0, 1, 2, 3, 4]
    assert rise.details["threshold_x"]["0.1"] in (12, 14)
    assert rise.details["on_all_seeds"]["estimate"] >= rise.estimate


def test_a_curve_that_only_falls_contradicts_the_peak_and_has_no_first_minimum(make_grid):
    grid = over_x(make_grid, np.linspace(0.6, 0.1, 24))
    found = verdicts(grid)
    assert (found["G1"], found["G2"]) == ("contradicted", "not shown")
    (g2,) = parts("G2", grid)
    assert (g2.estimate, g2.low, g2.high, g2.holds, g2.details["why"]) == (None, None, None, False, "no_peak_over_x")


def test_a_peak_of_two_points_contradicts_a_claim_of_three(make_grid):
    low_peak = [0.5, 0.30, 0.31, 0.32, 0.30, 0.25, 0.2]
    assert verdicts(over_x(make_grid, low_peak, sd=0.001))["G1"] == "contradicted"
    assert verdicts(over_x(make_grid, low_peak, sd=0.02))["G1"] == "not shown"


def test_a_peak_without_a_second_descent_below_the_minimum_contradicts_g2(make_grid):
    assert verdicts(over_x(make_grid, [0.5, 0.1, 0.3, 0.25, 0.2]))["G2"] == "contradicted"


def test_a_peak_without_noise_contradicts_g3_and_a_low_one_does_not(make_grid):
    for height, expected in [(0.04, "contradicted"), (0.005, "shown"), (0, "shown")]:
        curve = np.linspace(0.3, 0.2, 24) + height * np.exp(-(((np.arange(24) - 12) / 2) ** 2)) * 2
        assert verdicts(over_x(make_grid, curve, label_noise=0.0))["G3"] == expected


def test_seeds_that_disagree_wildly_do_not_show_that_there_is_no_peak(make_grid):
    curve = np.array([0.5, 0.3, 0.5, 0.3])
    assert verdicts(over_x(make_grid, curve, sd=0.3, seeds=3, label_noise=0.0))["G3"] == "not shown"


def test_epoch_wise_double_descent_of_the_widest_network_is_found(make_grid):
    over_epochs = np.array([0.5, 0.2, 0.3, 0.4, 0.25, 0.15])
    errors = np.stack([np.linspace(0.6, 0.5, 6), over_epochs])[..., None]
    grid = make_grid(errors + np.random.default_rng(0).normal(0, 0.003, (2, 6, 5)), xs=[4, 512])
    assert verdicts(grid)["G4"] == "shown"
    first, rise, second = parts("G4", grid)
    assert [round(part.estimate) for part in (first, rise, second)] == [30, 20, 25]
    assert rise.details["x"] == 512 and rise.details["epoch"] == {"peak": [4] * 5, "minimum_before": [2] * 5}
    assert first.details["epoch"] == {"first": 1, "minimum_before": [2] * 5}


def test_a_widest_network_that_only_improves_contradicts_g4(make_grid):
    errors = np.linspace(0.6, 0.1, 30)[None, :, None] + np.random.default_rng(0).normal(0, 0.002, (2, 30, 5))
    assert verdicts(make_grid(errors))["G4"] == "contradicted"


def test_g5_reports_every_level_and_the_epochs_behind_it(double_descent_map):
    (part,) = parts("G5", double_descent_map())
    assert part.unit == "correlation" and part.n == 5 and part.estimate > 0.95
    assert -1 <= part.low <= part.high <= 1
    assert set(part.details["by_level"]) == {"0.01", "0.05", "0.1"}
    at_ten = part.details["by_level"]["0.1"]
    assert len(at_ten["epochs"]) == len(at_ten["ridge_x"]) == len(at_ten["threshold_x"]) >= 15
    assert at_ten["estimate"] == part.estimate


def test_g5_leaves_out_epochs_without_a_clear_ridge(double_descent_map, make_grid):
    grid = double_descent_map()
    test_error = grid.test_error.copy()
    test_error[:, 4:9] = np.linspace(0.5, 0.1, len(grid.xs))[:, None, None]
    gap = make_grid(test_error, train_error=grid.train_error, xs=grid.xs)
    whole, without = (parts("G5", g)[0].details["by_level"]["0.1"]["epochs"] for g in (grid, gap))
    assert without == [epoch for epoch in whole if not 5 <= epoch <= 9]


def test_a_ridge_that_moves_against_the_threshold_contradicts_g5(double_descent_map, make_grid):
    grid = double_descent_map()
    backwards = make_grid(grid.test_error[:, ::-1], train_error=grid.train_error, xs=grid.xs)
    (part,) = parts("G5", backwards)
    assert part.estimate < -0.9
    assert verdicts(backwards)["G5"] == "contradicted"


def test_a_ridge_that_stands_still_has_no_rank_correlation(make_grid):
    curve = np.array([0.5, 0.3, 0.5, 0.2, 0.1])
    errors = curve[:, None, None] + np.random.default_rng(0).normal(0, 0.001, (5, 8, 5))
    grid = make_grid(errors, train_error=np.zeros((5, 8, 5)))
    (part,) = parts("G5", grid)
    assert (part.estimate, part.low, part.details["why"]) == (None, None, "too_few_epochs_with_ridge_and_threshold")
    assert verdicts(grid)["G5"] == "not shown"


def test_early_stopping_is_judged_at_the_best_validation_epoch(make_grid):
    first, last = np.linspace(0.5, 0.2, 9), np.linspace(0.5, 0.2, 9) + 0.1 * np.eye(9)[5]
    noise = np.random.default_rng(0).normal(0, 0.001, (9, 2, 5))
    test = np.stack([first, last], axis=1)[..., None] + noise
    stops_early, stops_late = (np.broadcast_to(val, (9, 2, 5)) for val in ([[[0.1], [0.2]]], [[[0.2], [0.1]]]))
    assert verdicts(make_grid(test, val_error=stops_early))["G7"] == "shown"
    late = make_grid(test, val_error=stops_late)
    assert verdicts(late)["G7"] == "contradicted"
    falls, rises = parts("G7", late)
    assert falls.holds and not rises.holds
    assert rises.details["x"] == {"top": [6] * 5, "minimum_before": [5] * 5}


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_show_and_contradict_nothing(double_descent_map, seeds):
    grids = double_descent_map(0.2, seeds=seeds), double_descent_map(0.0, seeds=seeds, height=0)
    assert set(verdicts(*grids).values()) == {"not shown"}
    _, rows = study_claims(StudyResults(STUDY, "generalization", grids))
    assert all(row.n == seeds and row.low is None and not row.holds for row in rows)
    assert parts("G1", *grids)[0].estimate > 3


def test_missing_runs_drop_out_of_the_pairs_only(double_descent_map, make_grid):
    whole = double_descent_map(seeds=6)
    test_error = whole.test_error.copy()
    test_error[-1, :, 2] = np.nan
    test_error[:, :, 5] = np.nan
    rise, fall = parts("G1", make_grid(test_error, train_error=whole.train_error, xs=whole.xs))
    assert (rise.n, fall.n) == (5, 4)
    assert rise.holds and fall.holds and rise.details["seeds"] == [0, 1, 2, 3, 4]


def test_every_claim_has_a_row_and_what_no_study_tests_says_so(double_descent_map, make_grid):
    no_runs = make_grid(np.full((5, 2, 5), np.nan), label_noise=0.0)
    rows, measured = all_claims([StudyResults(STUDY, "generalization", [double_descent_map(0.2), no_runs])])
    assert len({row.claim for row in rows}) == len(rows) == 33
    assert {row.claim for row in rows if row.study} == {"G1", "G2", "G4", "G5", "G7"} == {row.claim for row in measured}
    assert all((row.verdict == "not tested here") == (row.study is None) for row in rows)
    questions = Counter(row.question for row in rows)
    assert questions == {
        "generalization": 8,
        "activation": 6,
        "depth": 4,
        "batch_norm": 5,
        "batch_size": 5,
        "wiring": 5,
    }
    assert [row.claim for row in rows][:9] == ["G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "A1"]
    assert all(row.verdict == "not tested here" for row in all_claims([])[0])


def test_each_study_has_its_own_row_for_a_claim(double_descent_map):
    rows, _ = all_claims(
        [
            StudyResults("b", "generalization", [double_descent_map()]),
            StudyResults("a", "generalization", [double_descent_map(seed=1)]),
        ]
    )
    assert [(row.claim, row.study) for row in rows][:4] == [("G1", "a"), ("G1", "b"), ("G2", "a"), ("G2", "b")]


def test_two_maps_of_one_noise_are_refused(double_descent_map):
    with pytest.raises(ValueError, match="which one decides"):
        study_claims(StudyResults(STUDY, "generalization", [double_descent_map(), double_descent_map(seed=1)]))


def test_details_are_json_without_nan(double_descent_map):
    for seeds in (1, 2, 5):
        _, rows = study_claims(
            StudyResults(
                STUDY,
                "generalization",
                [double_descent_map(seeds=seeds), double_descent_map(0.0, height=0, seeds=seeds)],
            )
        )
        for row in rows:
            json.dumps(row.details, allow_nan=False)


@pytest.mark.parametrize("seeds", [3, 5])
def test_noise_alone_hardly_ever_shows_a_peak_or_contradicts_its_absence(make_grid, seeds):
    """500 maps of pure noise, large enough that a rise of 3 points is nothing unusual.

    What is shown stays below 5%. An absence is contradicted by a single held-out interval, which lies above zero in
    up to 8% of such maps (see `double_descent`): the documented limit is held here.
    """
    rng = np.random.default_rng(seeds)
    count = Counter()
    for _ in range(500):
        errors = 0.4 + rng.normal(0, 0.05, (24, 12, seeds))
        noisy = make_grid(errors)
        clean = make_grid(errors[:, ::-1], label_noise=0.0)
        count.update(verdicts(noisy, clean).items())
    for claim in ("G1", "G2", "G3", "G4", "G5", "G7"):
        assert sum(count[claim, found] for found in ("shown", "contradicted", "not shown")) == 500
    for claim in ("G1", "G2", "G4", "G5", "G7"):
        assert count[claim, "shown"] <= 0.05 * 500, (claim, count)
    for claim in ("G3", "G7"):
        assert count[claim, "contradicted"] <= 0.08 * 500, (claim, count)


def test_places_found_on_the_other_seeds_give_no_rise_where_there_is_none(make_grid):
    """Of pure noise (1 point) the highest rise on all seeds is over a point; held out it is zero on average, within 4
    standard errors.
    """
    rng = np.random.default_rng(0)
    rises = [peak_over_x(make_grid(0.4 + rng.normal(0, 0.01, (24, 1, 5))))[0] for _ in range(1500)]
    held_out = np.array([rise.found.estimate for rise in rises])
    assert abs(held_out.mean()) < 4 * held_out.std() / len(rises) ** 0.5 < 0.1
    assert np.mean([rise.details["on_all_seeds"]["estimate"] for rise in rises]) > 1
    above_zero = np.mean([rise.found.low > 0 for rise in rises])
    assert 0.05 < above_zero < 0.10


def test_the_interval_of_a_true_peak_lies_too_high_no_more_often_than_it_says(make_grid):
    """Its places are missed now and then, so it lies too low somewhat more often than the 2.5% due."""
    curve = 0.3 - 0.1 * np.arange(24) / 23 + 0.08 * np.exp(-(((np.arange(24) - 12) / 2) ** 2))
    truth = peak_over_x(make_grid(curve[:, None, None] + np.zeros(5)))[0].found.estimate
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.004, (1500, 24, 1, 5))
    rises = [peak_over_x(make_grid(curve[:, None, None] + one))[0].found for one in noise]
    assert np.mean([rise.low > truth for rise in rises]) < 0.04
    assert np.mean([rise.high < truth for rise in rises]) < 0.10
