"""Claims B1 to B5 and the comparison of optimizers, by their rules, from studies of the batch size.

Choices that the rules leave open, made before any result was there:

- The claims are about plain SGD, the baseline, at the target that the study names (4% of MNIST by an MLP, 1.5% by the Simple CNN);
  `details` has every optimizer and target. B2 compares it with heavy-ball momentum of 0.9.
- A quantity is found for each seed by itself, with the best learning rate of that seed at each batch size, and the interval is Student's
  over the seeds: each seed is a whole tuning, so the optimism of best-of-many is in every one of them alike.
- A batch size at which some seed has no rate that reached the target has infinitely many steps. The sizes that a quantity is about then
  start after it, and `details` names it; where it lies among the largest, the quantity does not exist.
- The smallest sizes are the four smallest that reached the target, the largest the four largest of the grid (three doublings each); as
  long as a size of the grid is not finished, there are no largest.
- The bend is the end of perfect scaling: where the efficiency falls below 80%. By the law of McCandlish et al. that is at a quarter of the
  noise scale, well within the factor of ten that B5 asks for.
"""

from collections.abc import Mapping

import numpy as np

from precompute.evidence.contrasts import ContrastRow, corrected_rows
from precompute.evidence.equal_budgets import STUDENT, equal_budgets, equal_contrasts
from precompute.evidence.grid import StudyResults
from precompute.evidence.intervals import (
    CONFIDENCE,
    Estimate,
    estimate_over_seeds,
    null,
    paired_difference,
    t_interval,
)
from precompute.evidence.momentum import momentum_contrasts
from precompute.evidence.tuning import (
    Cell,
    RegimeRow,
    Series,
    TunedRow,
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
    varies_momentum,
)
from precompute.evidence.verdicts import Part, Rule, above, at_least, departs, near, within

__all__ = ["RegimeRow", "TunedRow", "claims", "contrasts", "regime_rows", "tuned_rows"]

BASELINE, MOMENTUM = "sgd", "momentum"
AT_AN_END = 4
"""Batch sizes among the smallest, and among the largest."""
ROUNDING = 0.25
"""What rounding to rates a factor 2 apart can do to a slope over six sizes, at worst."""
CORRECTED = "student_t_over_tunings_97.5"


def claims(study: StudyResults) -> list[tuple[str, list[Part]]]:
    """The claims that one study tests: B1, B2, B3 and B5 with runs that train to targets, B4 with runs of equal budgets, none with several
    momenta."""
    if varies_momentum(study):
        return []
    series = all_series(study)
    if not series:
        parts = equal_budgets(study)
        return [("B4", parts)] if parts else []
    target = claim_target(study.name, series)
    if (BASELINE, target) not in series:
        return []
    found = [
        ("B1", three_regimes(series, target, _planned_sizes(study))),
        ("B3", no_scaling_rule(series, target)),
        ("B5", noise_scale_and_bend(study, series, target)),
    ]
    if (MOMENTUM, target) in series:
        found.insert(1, ("B2", momentum_moves_the_end(series, target)))
    return found


def three_regimes(series: Mapping[tuple[str, float], Series], target: float, planned: set[int]) -> list[Part]:
    """B1: over the smallest sizes the log2 steps fall by 1 ± 0.1 a doubling, over the largest of those `planned` by less than 0.2."""
    one = series[BASELINE, target]
    told = _told(one) | {"regimes": _regimes(series)}
    return [
        _slope("steps_slope_at_the_smallest_sizes", _smallest(one), best_steps, near(-1, 0.1, 0.3), told),
        _slope("steps_slope_at_the_largest_sizes", _largest(one, planned), best_steps, above(-0.2, -0.5), told),
    ]


def momentum_moves_the_end(series: Mapping[tuple[str, float], Series], target: float) -> list[Part]:
    """B2: perfect scaling ends at a batch size at least twice as large with momentum as with SGD, a doubling in log2.

    Both are read from the smallest size on that both reached. An end beyond the largest size is taken at the largest, which is too
    small: for momentum that makes the claim harder, and contradicts nothing; for SGD the quantity does not exist.
    """
    plain, moved = series[BASELINE, target], series[MOMENTUM, target]
    both = _common(plain, moved)
    told = {"interval": STUDENT, "target": target, "baseline": BASELINE, "changed": MOMENTUM}
    told |= {"not_reached": {each.optimizer: each.not_reached() for each in (plain, moved)}}
    ends = [_by_seed(cells, end_of_perfect_scaling) for cells in both]
    beyond = [np.isinf(each) for each in ends]
    told |= {
        "batch_sizes": {name: [null(_finite_power(x)) for x in each] for name, each in zip((BASELINE, MOMENTUM), ends)},
        "by_target": _ends(series),
    }
    quantity, seeds = "doublings_of_the_end_of_perfect_scaling", len(plain.cells[0].seeds)
    if any(len(cells) < 2 for cells in both) or beyond[0].any():
        why = "target_not_reached" if any(len(cells) < 2 for cells in both) else "sgd_does_not_end"
        return [Part(quantity, Estimate(None, None, None, seeds), "doublings", at_least(1), told | {"why": why})]
    changed = np.where(beyond[1], log_sizes(both[1])[-1], ends[1])
    told["at_least"] = bool(beyond[1].any())
    rule = at_least(1).of_a_lower_bound() if told["at_least"] else at_least(1)
    return [Part(quantity, paired_difference(changed, ends[0]), "doublings", rule, told)]


def no_scaling_rule(series: Mapping[tuple[str, float], Series], target: float) -> list[Part]:
    """B3: neither linear (exponent 1) nor square-root scaling (1/2) of the best rate holds over the whole range.

    A rule that holds throughout holds over the smaller half of the sizes that reached the target and over the larger half. It is rejected
    where the slope of the log2 rate in one of the halves is further from its exponent than ROUNDING, interval and all; of the two halves the
    one that is clearer, with intervals of 97.5% since there are two (Bonferroni). It stands where both are within that.
    """
    one = series[BASELINE, target]
    cells = one.from_first_reached()
    half = len(cells) // 2
    halves = {"smaller": cells[:half], "larger": cells[-half:]} if half >= 3 else {}
    told = _told(one) | {
        "interval": CORRECTED,
        "best_rates": {str(cell.batch_size): [null(rate) for rate in cell.best_rate_by_seed] for cell in cells},
        "slopes": {
            name: [null(s) for s in slopes(log_sizes(each), _best_rates(each))] for name, each in halves.items()
        },
    }
    parts = []
    for name, exponent in (("linear", 1.0), ("square_root", 0.5)):
        quantity = f"rate_slope_minus_{name}"
        if not halves:
            nothing = Estimate(None, None, None, len(one.cells[0].seeds))
            parts.append(Part(quantity, nothing, "slope", departs(ROUNDING), told | {"why": "too_few_sizes_reached"}))
            continue
        found = {
            half: _corrected(slopes(log_sizes(each), _best_rates(each)) - exponent) for half, each in halves.items()
        }
        clearer = max(found, key=lambda half: _clearness(found[half]))
        sizes = [cell.batch_size for cell in halves[clearer]]
        details = told | {"half": clearer, "batch_sizes": sizes, "exponent": exponent}
        rule = departs(ROUNDING)
        stands = all(each.low is not None and rule.opposed(each) for each in found.values())
        rule = rule._replace(opposed=lambda _, stands=stands: stands)
        parts.append(Part(quantity, found[clearer], "slope", rule, details))
    return parts


def noise_scale_and_bend(study: StudyResults, series: Mapping[tuple[str, float], Series], target: float) -> list[Part]:
    """B5: the noise scale divided by the batch size at the end of perfect scaling is within 0.1 ... 10.

    The noise scale of a seed: of its best run at each size that reached the target, the last measurement up to the step at which it did;
    tr(Sigma) and |G|^2 averaged over the sizes, then divided. The ratio's interval is Student's in log10.
    """
    one = series[BASELINE, target]
    cells, details = one.from_first_reached(), _told(one)
    seeds = len(one.cells[0].seeds)
    ends = _by_seed(cells, end_of_perfect_scaling) if cells else np.full(seeds, np.nan)
    noise = _noise_by_seed(study, cells, target)
    details |= {
        "noise_scale": [null(each) for each in noise],
        "bend": [null(_finite_power(end)) for end in ends],
    }
    quantity, rule = "noise_scale_over_the_bend", within(0.1, 10)
    if not np.isfinite(ends).all() or not np.isfinite(noise).all() or len(noise) != len(ends):
        why = "no_bend" if not np.isfinite(ends).all() else "no_noise_scale"
        return [Part(quantity, Estimate(None, None, None, seeds), "ratio", rule, details | {"why": why})]
    found = estimate_over_seeds(np.log10(noise) - np.log10(2.0) * ends)
    return [Part(quantity, found.as_ratio(), "ratio", rule, details)]


def contrasts(study: StudyResults) -> list[ContrastRow]:
    """Each optimizer minus SGD, in doublings of the steps to the middle target at each batch size, each seed at its own best rate; p
    corrected over the batch sizes of one optimizer. A size that either did not reach with every seed has no number and no row: the tables
    `targets` and `tuned` tell of it. In a study of equal budgets, each batch size minus the smallest, in points of test error; in one of
    several momenta, each momentum minus none."""
    if varies_momentum(study):
        return momentum_contrasts(study)
    series = all_series(study)
    if not series:
        return equal_contrasts(study)
    target = claim_target(study.name, series)
    plain, rows = series.get((BASELINE, target)), []
    if plain is None:
        return []
    for optimizer in dict.fromkeys(name for name, _ in series):
        if optimizer == BASELINE or (optimizer, target) not in series:
            continue
        pairs = _pairs(plain, series[optimizer, target])
        differences = [changed.best_by_seed - baseline.best_by_seed for baseline, changed in pairs]
        rows += corrected_rows(
            study.name,
            "log2_steps_to_the_target",
            [
                [
                    {"optimizer": name, "batch_size": cell.batch_size, "target": target}
                    for name, cell in ((BASELINE, baseline), (optimizer, changed))
                ]
                for baseline, changed in pairs
            ],
            differences,
            "doublings",
        )
    return rows


def _told(one: Series) -> dict:
    return {"interval": STUDENT, "optimizer": one.optimizer, "target": one.target, "not_reached": one.not_reached()}


def _smallest(one: Series) -> list[Cell]:
    return one.from_first_reached()[:AT_AN_END]


def _planned_sizes(study: StudyResults) -> set[int]:
    """The batch sizes at which the baseline is to be trained."""
    return {spec.batch_size for spec in study.planned if optimizer_name(spec) == BASELINE}


def _largest(one: Series, planned: set[int]) -> list[Cell]:
    """None as long as a planned size is not finished, and where one of them did not reach the target, or is among the smallest."""
    if not planned <= {cell.batch_size for cell in one.cells}:
        return []
    last = one.cells[-AT_AN_END:]
    free = {cell.batch_size for cell in last}.isdisjoint(cell.batch_size for cell in _smallest(one))
    return last if free and all(cell.reached for cell in last) else []


def _slope(quantity: str, cells: list[Cell], values, rule: Rule, told: dict) -> Part:
    details = told | {"batch_sizes": [cell.batch_size for cell in cells]}
    if len(cells) < AT_AN_END:
        nothing = Estimate(None, None, None, len(cells[0].seeds) if cells else 0)
        return Part(quantity, nothing, "slope", rule, details | {"why": "too_few_sizes_reached"})
    by_seed = slopes(log_sizes(cells), values(cells))
    return Part(quantity, estimate_over_seeds(by_seed), "slope", rule, details | {"by_seed": by_seed.tolist()})


def _by_seed(cells: list[Cell], landmark) -> np.ndarray:
    """[S] log2 batch sizes: the landmark of each seed's best steps; empty without cells."""
    if not cells:
        return np.array([])
    return np.array([landmark(log_sizes(cells), steps) for steps in best_steps(cells).T])


def _best_rates(cells: list[Cell]) -> np.ndarray:
    return np.stack([cell.best_rate_by_seed for cell in cells])


def _finite_power(log: float) -> float:
    return 2.0**log if np.isfinite(log) else np.nan


def _regimes(series: Mapping[tuple[str, float], Series]) -> dict:
    """Geometric means over the seeds of the end of perfect scaling and of the start of the flat part, by optimizer and target."""
    found: dict[str, dict[str, dict]] = {}
    for (optimizer, target), each in series.items():
        cells = each.from_first_reached()
        if len(cells) > 1:
            marks = {"perfect_until": end_of_perfect_scaling, "flat_from": start_of_flat_part}
            found.setdefault(optimizer, {})[f"{target:g}"] = {
                name: null(_finite_power(_by_seed(cells, mark).mean())) for name, mark in marks.items()
            }
    return found


def _ends(series: Mapping[tuple[str, float], Series]) -> dict:
    return {
        optimizer: {target: marks["perfect_until"] for target, marks in by_target.items()}
        for optimizer, by_target in _regimes(series).items()
        if optimizer in (BASELINE, MOMENTUM)
    }


def _common(one: Series, other: Series) -> tuple[list[Cell], list[Cell]]:
    """The cells of both from the smallest size on that both reached."""
    starts = [cells[0].batch_size for each in (one, other) if (cells := each.from_first_reached())]
    if len(starts) < 2:
        return [], []
    return tuple(
        [cell for cell in each.from_first_reached() if cell.batch_size >= max(starts)] for each in (one, other)
    )


def _pairs(one: Series, other: Series) -> list[tuple[Cell, Cell]]:
    """The sizes that both reached with every seed."""
    others = {cell.batch_size: cell for cell in other.cells if cell.reached}
    return [(cell, others[cell.batch_size]) for cell in one.cells if cell.reached and cell.batch_size in others]


def _corrected(values: np.ndarray) -> Estimate:
    found = t_interval(values, confidence=1 - (1 - CONFIDENCE) / 2)
    return Estimate(null(found.mean), null(found.low), null(found.high), int(found.n))


def _clearness(found: Estimate) -> float:
    """How far the nearer end of the interval is from 0; negative for one that includes 0."""
    return -np.inf if found.low is None else max(found.low, -found.high)


def _noise_by_seed(study: StudyResults, cells: list[Cell], target: float) -> np.ndarray:
    """[S] tr(Sigma) / |G|^2; NaN where one of the two means is not positive."""
    if not cells:
        return np.array([])
    rows = {
        (spec.batch_size, spec.lr, spec.seed): row
        for spec, row in study.runs
        if optimizer_name(spec) == BASELINE and row["status"] != "failed"
    }
    noise = []
    for place, seed in enumerate(cells[0].seeds.tolist()):
        measured = []
        for cell in cells:
            best = int(cell.steps[:, place].argmin())
            row = rows[cell.batch_size, float(cell.rates[best]), seed]
            before = [each for each in row["noise_scale"] if each["step"] <= cell.steps[best, place]]
            measured += before[-1:]
        squared, trace = (np.mean([each[name] for each in measured] or [np.nan]) for name in ("gradient_sq", "trace"))
        noise.append(trace / squared if squared > 0 and trace > 0 else np.nan)
    return np.array(noise)
