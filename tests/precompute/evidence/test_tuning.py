"""Steps after tuning, on runs whose answer is known."""

import math

import numpy as np
import pytest
from batch_size_runs import MIDDLE, RATES, SIZES, spec_of, study_of

from precompute.evidence.resamples import resamples
from precompute.evidence.tuning import (
    all_series,
    best_steps,
    claim_target,
    end_of_perfect_scaling,
    log_sizes,
    optimizer_name,
    regime_rows,
    slopes,
    start_of_flat_part,
    tuned_rows,
)


def quadratic_steps(batch_size, rate, start=1.0, target=1e-3, variance=50.0):
    """Steps of SGD on the mean of (w - x)^2 / 2 until the expected loss is at the target, in closed form.

    The gradient of an example is w plus noise of that variance. With a = (1 - rate)^2 the expected loss is a^t (start - c) + c, where
    c = rate^2 variance / (2 B (1 - a)) is what noise keeps up.
    """
    a = (1 - rate) ** 2
    c = rate**2 * variance / (2 * batch_size * (1 - a))
    return math.ceil(math.log((target - c) / (start - c)) / math.log(a)) if c < target else math.inf


@pytest.fixture(scope="module")
def quadratic():
    """Sixteen batch sizes, rates down to 2^-18, the largest rate 2^-4."""
    sizes = tuple(2**k for k in range(16))
    return study_of(lambda _, size, rate, seed: quadratic_steps(size, rate), sizes, [2.0**k for k in range(-18, -3)])


def test_the_noisy_quadratic_steps_are_those_of_a_simulation():
    rng = np.random.default_rng(0)
    w = np.full(20_000, math.sqrt(2.0))  # loss 1
    for _ in range(quadratic_steps(4096, 2**-4)):
        w -= 2**-4 * (w + rng.normal(0, math.sqrt(50 / 4096), len(w)))
    assert (w**2 / 2).mean() == pytest.approx(1e-3, rel=0.15)


def test_on_a_noisy_quadratic_perfect_scaling_has_slope_minus_one_and_large_batches_reach_the_floor(quadratic):
    cells = all_series(quadratic)["sgd", MIDDLE].cells
    found = best_steps(cells)
    assert slopes(log_sizes(cells[:4]), found[:4]) == pytest.approx(-1, abs=0.02)
    floor = math.log(1e-3) / (2 * math.log(1 - 2**-4))  # of the largest rate without noise
    assert 2 ** found[-1] == pytest.approx(floor, rel=0.02)
    assert slopes(log_sizes(cells[-3:]), found[-3:]) == pytest.approx(0, abs=0.05)
    rates = np.array([cell.best_rate_by_seed[0] for cell in cells])
    assert slopes(log_sizes(cells[:6]), rates[:6, None]) == pytest.approx(1, abs=0.05) and rates[-1] == -4
    (row,) = [each for each in regime_rows(quadratic) if each.target == MIDDLE]
    assert all(512 < place < 2048 for place in (row.perfect_until, row.flat_from)), "a sharp bend: both are at it"


def test_a_target_that_is_never_reached_is_infinite_and_neither_dropped_nor_averaged():
    study = study_of(lambda _, size, rate, seed: 1000 / size if seed else math.inf, sizes=(1, 2), rates=(0.5, 1.0))
    cell = all_series(study)["sgd", MIDDLE].cells[0]
    assert not cell.reached and cell.best_by_seed.tolist() == [math.inf, math.log2(1000), math.log2(1000)]
    row = next(each for each in tuned_rows(study) if each.target == MIDDLE)
    assert (row.rates, row.runs, row.reached, row.not_reached, row.diverged) == (2, 6, 4, 2, 0)
    assert (row.seeds, row.seeds_reached, row.fewest_steps) == (3, 2, 1000)
    assert (row.best_lr, row.steps, row.low, row.high) == (None, None, None, None)
    assert not regime_rows(study)


def test_a_rate_that_fails_with_one_seed_is_no_candidate_for_the_best():
    study = study_of(
        lambda _, size, rate, seed: {0.25: 900, 0.5: 10 if seed else math.inf, 1.0: math.nan}[rate],
        sizes=(8,), rates=(0.25, 0.5, 1.0))  # fmt: skip
    row = next(each for each in tuned_rows(study) if each.target == MIDDLE)
    assert (row.best_lr, row.steps, row.fewest_steps) == (0.25, pytest.approx(900), 10)
    assert (row.reached, row.not_reached, row.diverged, row.seeds_reached) == (5, 1, 3, 3)


def test_the_counts_add_up_to_the_tuning_budget_at_every_size_and_target():
    study = study_of(
        lambda _, size, rate, seed: math.nan if rate * 64 > size else 4e4 / size / rate,
        sizes=(1, 16, 256),
        budget=60_000,
    )
    rows = tuned_rows(study)
    assert len(rows) == 3 * 5 and {row.runs for row in rows} == {len(RATES) * 3}
    assert all(row.reached + row.not_reached + row.diverged == row.runs for row in rows)
    assert [row.reached for row in rows if row.target == MIDDLE] == [0, 3 * 3, 3 * 9]


def test_the_interval_is_that_of_a_whole_tuning_repeated():
    """Each seed has another best rate: a resample of one seed alone does better than the rate that is best for all."""
    study = study_of(lambda _, size, rate, seed: 100 if rate == 2.0**-seed else 200, sizes=(8,), rates=(0.25, 0.5, 1.0))
    row = next(each for each in tuned_rows(study) if each.target == MIDDLE)
    assert row.steps == pytest.approx(200 / 2 ** (1 / 3)) and row.low == pytest.approx(100)
    assert row.low < row.steps <= row.high <= 200
    cell = all_series(study)["sgd", MIDDLE].cells[0]
    counts, _ = resamples(3)
    assert cell.tuned(counts)[1].min() == pytest.approx(math.log2(100))


def test_best_of_many_noisy_rates_is_optimistic_and_the_interval_reaches_up_to_a_single_rate():
    rng = np.random.default_rng(0)
    study = study_of(lambda *_: 1000 * 2 ** rng.normal(0, 0.3), sizes=(8,))
    row = next(each for each in tuned_rows(study) if each.target == MIDDLE)
    assert row.fewest_steps < row.low <= row.steps <= 1000


def test_equal_best_rates_of_a_seed_are_averaged_in_log():
    study = study_of(lambda _, size, rate, seed: 50 if rate in (0.25, 1.0) else 60, sizes=(8,), rates=(0.25, 0.5, 1.0))
    assert all_series(study)["sgd", MIDDLE].cells[0].best_rate_by_seed.tolist() == [-1, -1, -1]


def test_an_unfinished_batch_size_is_left_out_until_every_seed_has_every_rate():
    study = study_of(lambda *_: 100, sizes=(1, 2), rates=(0.5, 1.0))
    some = type(study)(study.name, study.question, (), study.runs[:-1])
    assert [cell.batch_size for cell in all_series(some)["sgd", MIDDLE].cells] == [1]
    failed = (study.runs[-1][0], {"status": "failed", "targets": []})
    again = type(study)(study.name, study.question, (), [*study.runs[:-1], failed])
    assert [cell.batch_size for cell in all_series(again)["sgd", MIDDLE].cells] == [1]


def test_the_end_of_perfect_scaling_is_read_between_the_sizes():
    sizes = np.arange(8.0)
    bend = np.where(sizes <= 4, -sizes, -4.0)
    assert end_of_perfect_scaling(sizes, 10 + bend) == pytest.approx(4 - math.log2(0.8))
    assert end_of_perfect_scaling(sizes, 10 - sizes) == math.inf
    assert math.isnan(end_of_perfect_scaling(sizes[:1], sizes[:1]))
    cut = np.where(sizes < 6, 10 - sizes, math.inf)
    assert end_of_perfect_scaling(sizes, cut) == 5, "a size that does not get there ends it at the one before"
    assert start_of_flat_part(sizes, 10 + bend) == pytest.approx(4 + math.log2(0.8))
    assert math.isnan(start_of_flat_part(sizes, cut))


def test_the_law_of_mccandlish_bends_at_a_quarter_of_the_noise_scale():
    sizes = np.arange(0.0, 13)
    steps = np.log2(100 * (1 + 256 / 2**sizes))
    assert 2 ** end_of_perfect_scaling(sizes, steps) == pytest.approx(256 / 4, rel=0.05)


def test_optimizers_have_the_names_of_the_page_and_claims_are_about_the_third_target_or_the_one_of_the_paper():
    assert [optimizer_name(spec_of(1, 0.5, 0, name)) for name in ("sgd", "momentum", "nesterov", "adam")] == [
        "sgd", "momentum", "nesterov", "adam"]  # fmt: skip
    series = all_series(study_of(lambda *_: 10, sizes=(1,), rates=(1.0,)))
    assert claim_target("batch_size/mnist_mlp", series) == MIDDLE
    assert claim_target("batch_size/mnist_cnn", series) == min(target for _, target in series)


def test_a_mark_that_the_whole_sample_does_not_have_has_no_interval():
    """At one size each seed reaches the target, but no rate does so with every seed."""
    lost = lambda _, size, rate, seed: math.inf if size == 8 and rate == RATES[-1 - seed] else 1000 / size
    (row,) = [each for each in regime_rows(study_of(lost, rates=RATES[-3:])) if each.target == MIDDLE]
    assert (row.flat_from, row.flat_low, row.flat_high) == (None, None, None)
    assert len(SIZES) == 13
