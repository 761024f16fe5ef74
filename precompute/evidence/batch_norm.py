"""Claims N1 to N5 and the ablations of a study of normalizations.

Choices that the rules leave open, made before any result was there:

- A norm's *own rate* is the learning rate that validation data choose for it, over the seeds of the study. N1, N2 and N5 ask what a norm
  can do, and take each at its own rate (N1 at all). N3 and N4 ask what it changes in the same step, and take both networks at the rate of
  the one without a norm: lengths of steps and probed moves are then equal. `details` has their estimates at own rates too.
- N1, "the best": the test error of a seed at the norm's own rate. A rate counts where the test error of that seed is at most 2 points
  above it; a rate that diverges does not count. Each norm is held against its own best, or else the better one would win by its height.
- N2, "hardly slows": speed is the mean train error along the training (between its evaluations the curve is a straight line), and noise
  costs less than half of what it costs to have no norm: noisy minus batch, less half of none minus batch, is below 0. "Drift more" is
  two parts, of the means and of the standard deviations of what a layer is fed, each as a ratio to the network without a norm.
- Probes are those of the first quarter of the steps, in which the cosine of the learning rate has fallen by 15% at most; later the
  steps shrink to nothing and all quantities with them. They are averaged over steps (and layers, all but the first) that both
  networks have, ratios by their logarithms.
- N3, "no higher": the whole interval of the difference is at or below 0.
- N5, "within 1 point": not 1 point or more behind; to end in front is to do as well.

Errors are in points at the last epoch, on test data, intervals Student's t over seeds, paired. Runs that diverge are counted, in the details
of every part, and never averaged in. A study of one learning rate decides N3 and N4 alone.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from precompute.evidence.contrasts import ContrastRow
from precompute.evidence.grid import StudyResults, final_error
from precompute.evidence.intervals import Estimate, estimate_over_seeds, paired_difference
from precompute.evidence.verdicts import NEGATIVE, POSITIVE, Part, Rule, below
from precompute.spec import Spec
from precompute.studies.tuning import chosen_rate

NONE, BATCH, NOISY = "none", "batch", "noisy_batch"
WITHIN = 2.0
"""Points of N1."""
STUDENT, LOGARITHMS = "student_t", "student_t_of_logarithms"
NOT_HIGHER = Rule("high <= 0", lambda e: e.high <= 0, lambda e: e.low > 0)
MORE = Rule("low > 1", lambda e: e.low > 1, lambda e: e.high < 1)
LESS = Rule("high < 1", lambda e: e.high < 1, lambda e: e.low > 1)


class Arm(NamedTuple):
    """All runs of one norm."""

    own_rate: float
    runs: dict[float, dict[int, Mapping]]
    """Row of a shard by learning rate and seed. Runs whose code raised are left out: they say nothing of the network."""

    def complete(self, rate: float) -> dict[int, Mapping]:
        """By seed, the runs at `rate` that came to the end."""
        return {seed: row for seed, row in self.runs.get(rate, {}).items() if row["status"] == "complete"}


def claims(study: StudyResults) -> list[tuple[str, list[Part]]]:
    """The claims that one study tests. Each needs its norms; with fewer than three seeds it is 'not shown'."""
    if _scales_its_rate(study):
        return []
    found = arms(study)
    if not {NONE, BATCH} <= found.keys():
        return []
    none, batch = found[NONE], found[BATCH]
    several_rates = len({rate for arm in found.values() for rate in arm.runs}) > 1
    decided: list[tuple[str, list[Part]]] = []
    if several_rates:
        decided.append(("N1", [_range_of_rates(none, batch)]))
        if NOISY in found:
            decided.append(("N2", [_speed(found), *_drifts(found)]))
    decided.append(("N3", [_in_the_same_step("shifts", "cosine", none, batch, NOT_HIGHER)]))
    decided.append(("N4", [_in_the_same_step("probes", "smoothness", none, batch, LESS)]))
    if several_rates and {"l1", "linf"} <= found.keys():
        decided.append(("N5", [_behind(found, norm) for norm in ("l1", "linf")]))
    return [(claim, [_with_why(part) for part in parts]) for claim, parts in decided]


def _with_why(part: Part) -> Part:
    if part.found.estimate is not None:
        return part
    left_out = part.details.get("left_out", 0)  # of the probes of seeds that came to the end on both sides
    why = "no_value_on_both_sides" if left_out else "no_seed_came_to_the_end_on_both_sides"
    return part._replace(details=part.details | {"why": why})


def contrasts(study: StudyResults) -> list[ContrastRow]:
    """Every norm minus batch normalization, paired by seed: test and train error at the last epoch and the mean train error along the
    training, each norm at its own rate; the test error without a norm also at every rate that both have. At each batch size where the
    study has several; of the deep linear networks the logarithm of the last train loss."""
    if _scales_its_rate(study):
        rows = []
        for size in sorted({spec.batch_size for spec, _ in study.runs}):
            found = arms(study, lambda spec, size=size: spec.batch_size == size)
            rows += _against_batch(study.name, found, lambda norm, _, size=size: {"norm": norm, "batch_size": size})
        return rows
    found = arms(study)
    told = lambda norm, rate: {"norm": norm, "lr": rate}
    rows = _against_batch(study.name, found, told)
    if {NONE, BATCH} <= found.keys() and len(found[NONE].runs) > 1:
        for rate in sorted(found[NONE].runs.keys() & found[BATCH].runs.keys()):
            estimate, _ = _paired(found[NONE].complete(rate), found[BATCH].complete(rate), _test_error)
            quantity = "final_test_error_none_minus_batch_norm_at_one_rate"
            rows += _contrast(study.name, quantity, told(BATCH, rate), told(NONE, rate), estimate)
    return rows


def arms(study: StudyResults, takes: Callable[[Spec], bool] = lambda _: True) -> dict[str, Arm]:
    """Every norm that has a run, of the runs whose specification `takes` takes."""
    by_norm: dict[str, list[tuple[Spec, Mapping]]] = {}
    for spec, row in study.runs:
        if takes(spec) and row["status"] != "failed":
            by_norm.setdefault(spec.norm, []).append((spec, row))
    found = {}
    for norm, pairs in by_norm.items():
        runs: dict[float, dict[int, Mapping]] = {}
        for spec, row in pairs:
            runs.setdefault(spec.lr, {})[spec.seed] = row
        found[norm] = Arm(chosen_rate(pairs) if len(runs) > 1 else next(iter(runs)), runs)
    return found


def _scales_its_rate(study: StudyResults) -> bool:
    return any(getattr(spec, "reference_batch", 0) for spec, _ in study.runs)


def _test_error(row: Mapping) -> float:
    return final_error(row, "test")


def _train_error(row: Mapping) -> float:
    return final_error(row, "train")


def _mean_train_error(row: Mapping) -> float:
    epochs = np.array([point["epoch"] for point in row["curves"]], dtype=float)
    errors = np.array([100 * (1 - point["train_correct"] / row["n_train"]) for point in row["curves"]])
    if len(epochs) == 1:
        return float(errors[0])
    return float(((errors[1:] + errors[:-1]) / 2 * np.diff(epochs)).sum() / (epochs[-1] - epochs[0]))


def _paired(
    a: Mapping[int, Mapping], b: Mapping[int, Mapping], quantity: Callable[[Mapping], float]
) -> tuple[Estimate, list[int]]:
    """a minus b over the seeds that both have, and those seeds."""
    seeds = sorted(a.keys() & b.keys())
    return paired_difference(*(np.array([quantity(rows[seed]) for seed in seeds]) for rows in (a, b))), seeds


def _details(interval: str, seeds: Sequence[int], **taken: tuple[Arm, float]) -> dict:
    """What every part tells: seeds, and the rate, the runs and the diverged among them of each norm that it takes."""
    runs = {norm: arm.runs.get(rate, {}) for norm, (arm, rate) in taken.items()}
    return {
        "interval": interval,
        "seeds": list(seeds),
        "rate": {norm: rate for norm, (_, rate) in taken.items()},
        "runs": {norm: len(rows) for norm, rows in runs.items()},
        "diverged": {norm: _diverged(rows.values()) for norm, rows in runs.items()},
    }


def _diverged(rows: Sequence[Mapping]) -> int:
    return sum(row["status"] == "diverged" for row in rows)


def _range_of_rates(none: Arm, batch: Arm) -> Part:
    """N1: the share of learning rates within 2 points of the best, with batch normalization minus without, over the rates that both
    were tried at and the seeds that have them all."""
    rates = sorted(none.runs.keys() & batch.runs.keys())
    tried = [set(arm.runs[rate]) for arm in (none, batch) for rate in rates]
    seeds = sorted(set.intersection(*tried)) if tried else []
    shares = {}
    for norm, arm in ((NONE, none), (BATCH, batch)):
        own = arm.complete(arm.own_rate)
        shares[norm] = [_share(arm, rates, seed, _test_error(own[seed])) if seed in own else math.nan for seed in seeds]
    details = _details(STUDENT, seeds, none=(none, none.own_rate), batch=(batch, batch.own_rate)) | {
        "rates": rates,
        "share": {norm: estimate_over_seeds(np.array(each)).estimate for norm, each in shares.items()},
        "diverged": {
            norm: _diverged([row for rows in arm.runs.values() for row in rows.values()])
            for norm, arm in ((NONE, none), (BATCH, batch))
        },
    }
    estimate = paired_difference(np.array(shares[BATCH]), np.array(shares[NONE]))
    return Part("share_of_rates_that_train_with_minus_without", estimate, "share", POSITIVE, details)


def _share(arm: Arm, rates: Sequence[float], seed: int, best: float) -> float:
    # rounded, so that exactly 2 points above are at most 2, whatever the counts
    good = [
        seed in (there := arm.complete(rate)) and round(_test_error(there[seed]) - best, 9) <= WITHIN for rate in rates
    ]
    return sum(good) / len(rates)


def _speed(found: Mapping[str, Arm]) -> Part:
    """N2, first half: the lag behind batch normalization with noise, less half the lag without a norm."""
    at = {norm: found[norm].complete(found[norm].own_rate) for norm in (NONE, BATCH, NOISY)}
    seeds = sorted(at[NONE].keys() & at[BATCH].keys() & at[NOISY].keys())
    error = {norm: np.array([_mean_train_error(rows[seed]) for seed in seeds]) for norm, rows in at.items()}
    estimate = paired_difference(error[NOISY] - error[BATCH], (error[NONE] - error[BATCH]) / 2)
    details = _details(STUDENT, seeds, **{norm: (found[norm], found[norm].own_rate) for norm in at})
    details["mean_train_error"] = {norm: estimate_over_seeds(each).estimate for norm, each in error.items()}
    return Part("mean_train_error_lag_with_noise_less_half_without_norm", estimate, "points", NEGATIVE, details)


def _drifts(found: Mapping[str, Arm]) -> list[Part]:
    """N2, second half: what layers are fed drifts more with noise behind batch normalization than without a norm."""
    rates = found[NOISY].own_rate, found[NONE].own_rate
    parts = []
    for column in ("mean_drift", "sd_drift"):
        estimate, seeds, about = _compared("shifts", column, found[NOISY], rates[0], found[NONE], rates[1])
        details = (
            _details(LOGARITHMS, seeds, noisy_batch=(found[NOISY], rates[0]), none=(found[NONE], rates[1])) | about
        )
        parts.append(Part(f"{column}_with_noise_over_without_norm", estimate, "ratio", MORE, details))
    return parts


def _in_the_same_step(table: str, column: str, none: Arm, batch: Arm, rule: Rule) -> Part:
    """N3 and N4: a probed quantity with batch normalization against without, at the rate of the network without."""
    rate = none.own_rate
    estimate, seeds, about = _compared(table, column, batch, rate, none, rate)
    is_cosine = column == "cosine"
    details = _details(STUDENT if is_cosine else LOGARITHMS, seeds, none=(none, rate), batch=(batch, rate)) | about
    details["at_own_rates"] = _compared(table, column, batch, batch.own_rate, none, rate)[0].estimate
    quantity = f"{column}_with_{'minus' if is_cosine else 'over'}_without"
    return Part(quantity, estimate, "cosine" if is_cosine else "ratio", rule, details)


def _compared(
    table: str, column: str, a: Arm, rate_a: float, b: Arm, rate_b: float
) -> tuple[Estimate, list[int], dict]:
    """A column of `probes` or `shifts` in the first quarter of the steps, a against b: the mean difference of cosines, the geometric mean
    of the ratio of anything else. With the seeds that have a value, and for the details which steps these are and how many values were
    left out because a side has none, or none above 0."""
    of_a, of_b = a.complete(rate_a), b.complete(rate_b)
    by_seed, steps, left_out = {}, set(), 0
    for seed in sorted(of_a.keys() & of_b.keys()):
        values = []
        sides = [_first_quarter(rows[seed], table, column) for rows in (of_a, of_b)]
        for key in sorted(sides[0].keys() & sides[1].keys()):
            one, other = (side[key] for side in sides)
            if one is None or other is None or (column != "cosine" and min(one, other) <= 0):
                left_out += 1
                continue
            values.append(one - other if column == "cosine" else math.log10(one / other))
            steps.add(key[0])
        if values:
            by_seed[seed] = math.fsum(values) / len(values)
    found = estimate_over_seeds(np.array(list(by_seed.values())))
    if column != "cosine":
        found = found.as_ratio()
    return found, list(by_seed), {"steps": sorted(steps), "left_out": left_out}


def _first_quarter(row: Mapping, table: str, column: str) -> dict[tuple[int, int], float | None]:
    return {
        (each["step"], each.get("layer", 0)): each[column] for each in row[table] if each["step"] <= row["steps"] / 4
    }


def _behind(found: Mapping[str, Arm], norm: str) -> Part:
    """N5, for one norm."""
    arm, batch = found[norm], found[BATCH]
    estimate, seeds = _paired(arm.complete(arm.own_rate), batch.complete(batch.own_rate), _test_error)
    details = _details(STUDENT, seeds, **{norm: (arm, arm.own_rate), BATCH: (batch, batch.own_rate)})
    return Part(f"test_error_{norm}_minus_batch_norm", estimate, "points", below(1.0), details)


def _against_batch(study: str, found: Mapping[str, Arm], told: Callable[[str, float], dict]) -> list[ContrastRow]:
    """Each norm minus batch normalization, at own rates."""
    rows: list[ContrastRow] = []
    if BATCH not in found:
        return rows
    batch = found[BATCH]
    for norm, arm in sorted(found.items()):
        if norm == BATCH:
            continue
        a, b = arm.complete(arm.own_rate), batch.complete(batch.own_rate)
        settings = told(BATCH, batch.own_rate), told(norm, arm.own_rate)
        if any(row["n_test"] == 0 for row in a.values()):
            log_loss = lambda row: math.log10(max(row["curves"][-1]["train_loss"], np.finfo(np.float32).tiny))
            quantity = "log10_final_train_loss_norm_minus_batch_norm"
            rows += _contrast(study, quantity, *settings, _paired(a, b, log_loss)[0], "log10")
            continue
        for name, measured in (
            ("final_test_error", _test_error),
            ("final_train_error", _train_error),
            ("mean_train_error", _mean_train_error),
        ):
            rows += _contrast(study, f"{name}_norm_minus_batch_norm", *settings, _paired(a, b, measured)[0])
    return rows


def _contrast(
    study: str, quantity: str, baseline: dict, changed: dict, found: Estimate, unit: str = "points"
) -> list[ContrastRow]:
    return [ContrastRow(study, quantity, baseline, changed, *found, unit)] if found.n else []
