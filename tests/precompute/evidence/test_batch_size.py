"""Claims B1 to B5 and the contrasts, on made-up runs of which the answer is known."""

import dataclasses
import json
import math

import numpy as np
import pytest
from batch_size_runs import MIDDLE, SIZES, spec_of, study_of

from precompute.evidence import StudyResults, all_claims, study_claims, study_contrasts
from precompute.evidence.intervals import Estimate
from precompute.evidence.verdicts import Part, above, departs, near, within

RATES = tuple(2.0**k for k in range(-9, 1))


def mccandlish(scale=64, floor=100, exponent=1.0, sd=0.03, seed=0, top=-1):
    """Steps floor * (1 + scale / B) at the best rate, which rises with B to the power `exponent` up to 2^top; a doubling off it costs
    30%. `scale` may be a dictionary by optimizer."""
    rng = np.random.default_rng(seed)

    def steps(optimizer, size, rate, _):
        bend = scale[optimizer] if isinstance(scale, dict) else scale
        best = min(top, -8.25 + exponent * math.log2(size))
        return floor * (1 + bend / size) * 1.3 ** (abs(math.log2(rate) - best)) * 2 ** rng.normal(0, sd)

    return steps


def noise_of(value, early=1.0):
    """Measured at step 10 and, ten times larger than at the start, at step 90."""

    def rows(*_):
        return [{"step": 10, "gradient_sq": 1.0, "trace": early}, {"step": 90, "gradient_sq": 0.1, "trace": 0.1 * value},
                {"step": 10**6, "gradient_sq": 1.0, "trace": 1e9}]  # fmt: skip

    return rows


def verdicts(study):
    rows, _ = study_claims(study)
    return {row.claim: row.verdict for row in rows}


def parts(claim, study):
    _, rows = study_claims(study)
    return [row for row in rows if row.claim == claim]


def test_three_regimes_a_later_bend_and_a_rate_that_stops_rising_show_b1_b2_b3_and_b5():
    study = study_of(
        mccandlish({"sgd": 64, "momentum": 256}), optimizers=("sgd", "momentum"), noise=noise_of(100))  # fmt: skip
    assert verdicts(study) == dict.fromkeys(("B1", "B2", "B3", "B5"), "shown")
    small, large = parts("B1", study)
    assert small.estimate == pytest.approx(-0.95, abs=0.06) and small.unit == "slope" and small.n == 3
    assert small.details["batch_sizes"] == [1, 2, 4, 8] and large.details["batch_sizes"] == [512, 1024, 2048, 4096]
    assert set(small.details["regimes"]) == {"sgd", "momentum"} and len(small.details["regimes"]["sgd"]) == 5
    (moved,) = parts("B2", study)
    assert moved.estimate == pytest.approx(2, abs=0.5) and moved.unit == "doublings" and not moved.details["at_least"]
    (ratio,) = parts("B5", study)
    assert ratio.estimate == pytest.approx(100 / 16, rel=0.3) and ratio.unit == "ratio"
    assert ratio.details["noise_scale"] == pytest.approx([100] * 3), "at the last measurement before the target"
    json.dumps([row._asdict() for row in study_claims(study)[1]], allow_nan=False)


def test_a_curve_of_half_slope_or_one_without_an_end_contradicts_b1():
    half = study_of(lambda _, size, rate, seed: 1000 / math.sqrt(size) * (1 + 0.01 * seed))
    assert verdicts(half)["B1"] == "contradicted"
    endless = study_of(lambda _, size, rate, seed: 1e6 / size * (1 + 0.01 * seed))
    assert verdicts(endless)["B1"] == "contradicted" and parts("B1", endless)[0].holds


def test_b1_waits_for_the_largest_sizes_of_the_grid():
    """Of a part of the grid the four largest are not the largest: they lie before the bend."""
    steps = mccandlish(256, sd=0.01)
    assert verdicts(study_of(steps, sizes=SIZES[:8]))["B1"] == "contradicted"
    part = study_of(steps, sizes=SIZES[:8], planned=SIZES)
    assert verdicts(part)["B1"] == "not shown" and parts("B1", part)[1].estimate is None
    assert verdicts(study_of(steps, planned=SIZES))["B1"] == "shown"


def test_a_wide_interval_shows_nothing_and_an_interval_on_the_other_side_contradicts():
    for rule, shown, unclear, opposed in [
        (near(-1, 0.1, 0.3), (-1.05, -1.2, -0.8), (-1.05, -1.5, -0.6), (-0.7, -0.8, -0.6)),
        (above(-0.2, -0.5), (-0.1, -0.4, 0.2), (-0.1, -0.7, 0.5), (-0.4, -0.5, -0.3)),
        (within(0.1, 10), (2, 0.5, 8), (2, 0.05, 80), (40, 20, 80)),
        (departs(0.25), (-0.5, -0.6, -0.4), (-0.5, -1.2, 0.2), (0.1, 0, 0.2)),
    ]:
        for numbers, holds, against in ((shown, True, False), (unclear, False, False), (opposed, False, True)):
            part = Part("x", Estimate(*numbers, 3), "slope", rule, {})
            assert (part.holds, part.opposed) == (holds, against), (rule.bound, numbers)


def test_momentum_that_moves_nothing_contradicts_b2_and_an_end_beyond_the_largest_size_counts_as_the_largest():
    same = study_of(mccandlish(64, sd=0.01), optimizers=("sgd", "momentum"))
    assert verdicts(same)["B2"] == "contradicted"
    endless = study_of(mccandlish({"sgd": 64, "momentum": 10**9}, sd=0.01), optimizers=("sgd", "momentum"))
    (part,) = parts("B2", endless)
    assert part.holds and part.details["at_least"] and part.estimate == pytest.approx(8, abs=0.6)
    assert part.details["batch_sizes"]["momentum"] == [None] * 3
    swapped = study_of(mccandlish({"sgd": 10**9, "momentum": 64}, sd=0.01), optimizers=("sgd", "momentum"))
    (part,) = parts("B2", swapped)
    assert part.estimate is None and part.details["why"] == "sgd_does_not_end" and not part.holds


def test_too_small_a_grid_contradicts_nothing():
    """SGD ends within a doubling of the largest size, momentum beyond it: by how much is not known."""
    cut_off = study_of(mccandlish({"sgd": 9000, "momentum": 10**9}, sd=0.01), optimizers=("sgd", "momentum"))
    (part,) = parts("B2", cut_off)
    assert part.details["at_least"] and part.high < 1 and not part.holds
    assert verdicts(cut_off)["B2"] == "not shown"


def test_b2_reads_both_from_the_smallest_size_that_both_reached():
    steps = mccandlish({"sgd": 64, "momentum": 256}, sd=0.01)

    def late(optimizer, size, rate, seed):
        return math.inf if optimizer == "sgd" and size < 4 else steps(optimizer, size, rate, seed)

    (part,) = parts("B2", study_of(late, optimizers=("sgd", "momentum")))
    assert part.holds and part.details["not_reached"] == {"sgd": [1, 2], "momentum": []}


def test_b2_has_no_number_where_momentum_stops_reaching_before_sgd_starts():
    def apart(optimizer, size, rate, seed):
        return math.inf if (size < 16 if optimizer == "sgd" else size > 8) else 1000 / size

    (part,) = parts("B2", study_of(apart, optimizers=("sgd", "momentum")))
    assert part.estimate is None and part.details["why"] == "target_not_reached"


def test_a_rule_of_the_rate_stands_only_where_it_stands_in_both_halves():
    """Linear at the smaller sizes; at the larger ones the seeds disagree, which says nothing."""
    rates = tuple(2.0**k for k in range(-12, 12))

    def steps(optimizer, size, rate, seed):
        place = math.log2(size)
        best = -9 + min(place, 6) + max(0, place - 6) * (0, 1, 2)[seed]
        return 1000 * 1.5 ** abs(math.log2(rate) - best)

    study = study_of(steps, rates=rates)
    assert verdicts(study)["B3"] == "not shown"
    assert parts("B3", study)[0].details["half"] == "smaller"


@pytest.mark.parametrize("exponent", [1.0, 0.5])
def test_a_rate_that_follows_a_rule_over_the_whole_range_contradicts_b3(exponent):
    steps = mccandlish(exponent=exponent, sd=0.02, top=20)
    study = study_of(steps, rates=tuple(2.0**k for k in range(-10, 6)))
    assert verdicts(study)["B3"] == "contradicted"
    linear, root = parts("B3", study)
    assert (linear.holds, root.holds) == (exponent != 1.0, exponent != 0.5)


def test_a_noise_scale_far_from_the_bend_contradicts_b5():
    for value, verdict in ((100, "shown"), (1e4, "contradicted"), (0.5, "contradicted")):
        study = study_of(mccandlish(sd=0.01), noise=noise_of(value))
        assert verdicts(study)["B5"] == verdict, value
    for squared, trace in ((-1.0, 3.0), (1.0, -3.0)):
        rows = [{"step": 1, "gradient_sq": squared, "trace": trace}]
        (part,) = parts("B5", study_of(mccandlish(), noise=lambda *_, rows=rows: rows))
        assert part.estimate is None and part.details["why"] == "no_noise_scale"


def test_small_sizes_that_did_not_reach_the_target_are_told_and_the_claim_starts_after_them():
    steps = mccandlish(sd=0.01)
    study = study_of(lambda o, size, rate, seed: math.inf if size == 1 and seed == 2 else steps(o, size, rate, seed))
    small, _ = parts("B1", study)
    assert small.details["batch_sizes"] == [2, 4, 8, 16] and small.details["not_reached"] == [1]
    assert verdicts(study)["B1"] == "shown"


def test_a_large_size_that_did_not_reach_the_target_leaves_the_claim_without_a_number():
    steps = mccandlish(sd=0.01)
    study = study_of(lambda o, size, rate, seed: math.inf if size == 1024 else steps(o, size, rate, seed))
    _, large = parts("B1", study)
    assert large.estimate is None and large.details["why"] == "too_few_sizes_reached" and not large.holds
    assert large.details["not_reached"] == [1024] and verdicts(study)["B1"] == "not shown"


def test_a_study_without_sgd_or_without_any_size_reached_decides_nothing_and_breaks_nothing():
    assert verdicts(study_of(mccandlish(), optimizers=("adam",))) == {}
    nothing = study_of(lambda *_: math.inf, optimizers=("sgd", "momentum"))
    assert set(verdicts(nothing).values()) == {"not shown"} and study_contrasts(nothing) == []
    diverged = study_of(lambda *_: math.nan)
    assert set(verdicts(diverged).values()) == {"not shown"}
    assert set(verdicts(study_of(mccandlish(), sizes=(2, 8, 32))).values()) <= {"not shown", "contradicted"}


def test_contrasts_are_paired_in_log2_and_a_size_that_was_not_reached_has_none():
    def steps(optimizer, size, rate, seed):
        if (optimizer, size) == ("adam", 2):
            return math.inf
        return (1000 + 100 * seed) / size / {"sgd": 1, "momentum": 2, "adam": 4}[optimizer] * (1 if rate == 0.5 else 2)

    study = study_of(steps, sizes=(1, 2, 4), rates=(0.5, 1.0), optimizers=("sgd", "momentum", "adam"))
    rows = study_contrasts(study)
    assert {(row.changed["optimizer"], row.changed["batch_size"]) for row in rows} == {
        ("momentum", 1), ("momentum", 2), ("momentum", 4), ("adam", 1), ("adam", 4)}  # fmt: skip
    for row in rows:
        assert row.estimate == pytest.approx({"momentum": -1, "adam": -2}[row.changed["optimizer"]])
        assert row.baseline == {"optimizer": "sgd", "batch_size": row.changed["batch_size"], "target": MIDDLE}
        assert (row.unit, row.n) == ("doublings", 3) and row.p <= row.p_adjusted


def budget_study(error, seeds=range(5), sizes=(4, 64, 4096), diverged=(), planned=()):
    """Final runs of both arms, with a tuning seed of three rates whose errors are far off."""
    runs = []
    for arm in ({"epochs": 5}, {"epochs": 20}, {"steps": 1000}, {"steps": 5000}):
        for size in sizes:
            for seed, rate in [(seed, 0.5) for seed in seeds] + [(100, rate) for rate in (0.25, 0.5, 1.0)]:
                spec = spec_of(size, rate, seed, **{"last_target": 0.0, "steps": 0} | arm)
                spec = dataclasses.replace(spec, study="batch_size/equal_epochs")
                wrong = 900 if seed == 100 else error(next(iter(arm)), size, seed)
                lost = (size, seed) in diverged
                curve = {"epoch": 1, "test_correct": None if lost else 1000 - wrong}
                row = {"status": "diverged" if lost else "complete", "targets": [], "curves": [curve], "n_test": 1000}
                runs.append((spec, row))
    return StudyResults("batch_size/equal_epochs", "batch_size", (), runs, planned or [spec for spec, _ in runs])


def large_worse_in_epochs(arm, size, seed):
    return 30 + seed + (20 if arm == "epochs" and size == 4096 else 0) - (5 if arm == "steps" and size == 4096 else 0)


def test_worse_at_equal_epochs_and_not_at_equal_steps_shows_b4():
    study = budget_study(large_worse_in_epochs)
    assert verdicts(study) == {"B4": "shown"}
    found = parts("B4", study)
    assert [(part.estimate, part.n) for part in found] == [(pytest.approx(2), 5)] * 2 + [(pytest.approx(-0.5), 5)] * 2
    assert found[0].details["epochs"] == 5 and found[3].details["steps"] == 5000
    assert set(found[0].details["test_error"]) == {"4", "64", "4096"} and found[0].details["batch_sizes"] == [4, 4096]


def test_worse_at_equal_steps_too_contradicts_b4_and_no_difference_at_equal_epochs_does_not_show_it():
    assert verdicts(budget_study(lambda arm, size, seed: 30 + seed + 20 * (size == 4096)))["B4"] == "contradicted"
    assert verdicts(budget_study(lambda arm, size, seed: 30 + (seed - 2) * (size == 4096)))["B4"] != "shown"


def test_b4_waits_for_the_largest_size_of_the_grid():
    """Of a part of the grid the largest size would be another one, which may do as well."""
    whole = budget_study(large_worse_in_epochs)
    part = budget_study(large_worse_in_epochs, sizes=(4, 64), planned=whole.planned)
    assert verdicts(part) == {"B4": "not shown"}
    found = parts("B4", part)
    assert len(found) == 4 and {(each.estimate, each.n) for each in found} == {(None, 0)}
    assert all(each.details["batch_sizes"] == [4, 4096] and each.details["why"] for each in found)


def test_a_final_run_that_diverged_is_not_averaged_over():
    study = budget_study(large_worse_in_epochs, diverged={(4096, 3)})
    assert verdicts(study) == {"B4": "not shown"}
    assert {part.details["why"] for part in parts("B4", study)} == {"a_run_diverged"}
    assert {row.changed["batch_size"] for row in study_contrasts(study)} == {64}


def test_contrasts_of_equal_budgets_are_against_the_smallest_size():
    rows = study_contrasts(budget_study(large_worse_in_epochs))
    assert len(rows) == 4 * 2
    found = {(row.changed.get("epochs"), row.changed["batch_size"]): row.estimate for row in rows}
    assert found[5, 4096] == pytest.approx(2) and found[20, 64] == pytest.approx(0)


def test_all_five_claims_are_in_the_table_of_claims():
    to_target = study_of(mccandlish({"sgd": 64, "momentum": 256}), optimizers=("sgd", "momentum"), noise=noise_of(100))
    rows, measured = all_claims([to_target, budget_study(large_worse_in_epochs)])
    found = {row.claim: row.verdict for row in rows if row.question == "batch_size"}
    assert found == dict.fromkeys(("B1", "B2", "B3", "B4", "B5"), "shown")
    json.dumps([row.details for row in measured], allow_nan=False)
    assert len(SIZES) == 13 and len(RATES) == 10
