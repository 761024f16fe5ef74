"""What momentum does to the steps: each momentum against none, at each batch size."""

import dataclasses
import math

import numpy as np
import pytest

from precompute.evidence import StudyResults
from precompute.evidence.batch_size import claims, contrasts, regime_rows, tuned_rows
from precompute.evidence.intervals import holm, paired_p, t_interval
from precompute.evidence.momentum import momentum_contrasts
from tests.precompute.evidence.batch_size_runs import row_of, spec_of, study_of

MOMENTA, SIZES, RATES = (0.0, 0.5, 0.9, 0.99), (16, 1024), tuple(2.0**k for k in range(-6, 0))
BEST = -3  # log2 of the best rate of every momentum


def log_steps(size: int, momentum: float, seed: int) -> float:
    """Of the best rate: momentum saves 1 - momentum halvings at the large size only, with a part of each seed's own."""
    gain = -3 * momentum if size == 1024 else 0.0
    return 10 + gain + 0.1 * seed + 0.05 * seed * momentum


def study(seeds=3, planned=(), lost=(), runs_of=lambda spec: True) -> StudyResults:
    """`lost` are (size, momentum, seed) that reach with no rate."""
    runs = []
    for size in SIZES:
        for momentum in MOMENTA:
            for rate in RATES:
                for seed in range(seeds):
                    spec = spec_of(size, rate, seed, "sgd", momentum=momentum)
                    away = abs(math.log2(rate) - BEST)
                    steps = 2 ** (log_steps(size, momentum, seed) + away)
                    # the last target takes 1 / 0.8^2 times the steps of the middle one
                    row = row_of(spec, steps * 0.8**2, budget=0 if (size, momentum, seed) in lost else math.inf)
                    if runs_of(spec):
                        runs.append((spec, row))
    return StudyResults("batch_size/momentum", "batch_size", (), runs, planned)


def test_each_momentum_is_paired_with_none_at_its_own_best_rate_and_corrected_over_the_momenta_of_a_size():
    rows = momentum_contrasts(study())
    assert [(row.changed["batch_size"], row.changed["momentum"]) for row in rows] == [
        (size, momentum) for size in SIZES for momentum in MOMENTA[1:]
    ]
    for size in SIZES:
        mine = [row for row in rows if row.changed["batch_size"] == size]
        differences = [
            np.array([log_steps(size, momentum, seed) - log_steps(size, 0.0, seed) for seed in range(3)])
            for momentum in MOMENTA[1:]
        ]
        adjusted = holm(np.array([paired_p(each) for each in differences]))
        for row, each, p in zip(mine, differences, adjusted, strict=True):
            assert row.baseline == {"batch_size": size, "momentum": 0.0} and row.unit == "doublings" and row.n == 3
            interval = t_interval(each)
            assert (row.estimate, row.low, row.high) == pytest.approx((interval.mean, interval.low, interval.high))
            assert row.p_adjusted == pytest.approx(p)
    assert rows[-1].estimate == pytest.approx(-3 * 0.99 + 0.05 * 0.99), "the seeds' own parts average to 0.05"


def test_a_momentum_that_some_seed_did_not_reach_or_that_has_not_every_seed_has_no_row_and_without_none_there_are_no_rows():
    rows = momentum_contrasts(study(lost={(1024, 0.9, 2)}))
    assert (1024, 0.9) not in {(row.changed["batch_size"], row.changed["momentum"]) for row in rows} and len(rows) == 5
    assert {row.changed["batch_size"] for row in momentum_contrasts(study(lost={(16, 0.0, 0)}))} == {1024}
    rows = momentum_contrasts(study(runs_of=lambda spec: (spec.momentum, spec.seed) != (0.5, 2)))
    assert {row.changed["momentum"] for row in rows} == {0.9, 0.99}, "a momentum with two seeds of three waits"


def test_with_two_seeds_there_is_an_estimate_and_no_interval():
    assert {(row.n, row.low, row.p) for row in momentum_contrasts(study(seeds=2))} == {(2, None, None)}


def test_such_a_study_decides_no_claim_and_has_no_curve_over_the_batch_sizes():
    measured = study()
    assert claims(measured) == [] and tuned_rows(measured) == [] and regime_rows(measured) == []
    assert contrasts(measured) == momentum_contrasts(measured)


def test_one_momentum_that_is_finished_of_several_that_are_planned_decides_nothing_either():
    planned = [spec for spec, _ in study().runs]
    started = study(planned=planned, runs_of=lambda spec: spec.momentum in (0.0, 0.9))
    assert claims(started) == [] and tuned_rows(started) == []
    assert {row.changed["momentum"] for row in contrasts(started)} == {0.9}


def test_a_study_with_one_momentum_is_refused():
    with pytest.raises(ValueError, match="does not vary the momentum"):
        momentum_contrasts(study_of(lambda *told: 100.0, optimizers=("sgd", "momentum", "nesterov")))
    one = dataclasses.replace(study(), runs=[])
    with pytest.raises(ValueError, match="does not vary the momentum"):
        momentum_contrasts(one)
