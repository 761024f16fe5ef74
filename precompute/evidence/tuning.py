"""Steps to a target after tuning the learning rate: from the runs of a study that trains to targets, per optimizer and batch size.

A run that does not reach a target has infinitely many steps. So it takes part in every minimum, is never averaged, and a learning rate
that reaches with some seeds only is no candidate for the best.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from precompute.evidence.grid import StudyResults
from precompute.evidence.intervals import FEWEST_SEEDS
from precompute.evidence.resamples import resamples, weighted_percentile
from precompute.spec import Spec, StepsSpec

EFFICIENCY = 0.8
"""Perfect scaling is given up where a batch size takes more than 1 / 0.8 times the examples of the smallest."""
REFERENCE = 3
"""The smallest sizes whose mean examples stand for perfect scaling: one alone would pass its own noise on."""


class Cell(NamedTuple):
    """The tuning of one batch size for one target: R learning rates, S seeds."""

    batch_size: int
    rates: np.ndarray
    """[R] increasing."""
    seeds: np.ndarray
    steps: np.ndarray
    """[R, S] infinite where the target was not reached."""
    diverged: np.ndarray
    """[R, S] whether the run diverged before it reached the target."""

    @property
    def log_steps(self) -> np.ndarray:
        return np.log2(self.steps)

    @property
    def best_by_seed(self) -> np.ndarray:
        """[S] log2 of the fewest steps over the rates: each seed is a tuning of its own."""
        return self.log_steps.min(axis=0)

    @property
    def best_rate_by_seed(self) -> np.ndarray:
        """[S] log2 of the rate with the fewest steps, the mean of equals; NaN where none reached."""
        best = (self.steps == self.steps.min(axis=0)) & np.isfinite(self.steps)
        logs, count = np.log2(self.rates)[:, None], best.sum(axis=0)
        return np.where(count > 0, np.where(best, logs, 0).sum(axis=0) / np.maximum(count, 1), np.nan)

    def tuned(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each resample of the seeds, counts [K, S]: the place of the rate with the fewest mean log2 steps (of equals the
        smallest), and that mean, infinite where no rate reached with every seed of the resample."""
        means = []
        for row in counts:
            taken = row > 0
            means.append((self.log_steps[:, taken] * row[taken]).sum(axis=1) / row.sum())
        means = np.array(means)
        place = means.argmin(axis=1)
        return place, means[np.arange(len(counts)), place]

    @property
    def reached(self) -> bool:
        """Whether each seed has a rate that reached the target."""
        return bool(np.isfinite(self.best_by_seed).all())


HARDEST = {"batch_size/mnist_cnn"}
"""Studies whose claims are about the hardest target."""


class Series(NamedTuple):
    """All batch sizes of one optimizer and target."""

    optimizer: str
    target: float
    cells: list[Cell]

    def from_first_reached(self) -> list[Cell]:
        """The cells from the smallest batch size on that reached the target with every seed, up to the last before one that did not."""
        cells: list[Cell] = []
        for cell in self.cells:
            if cell.reached:
                cells.append(cell)
            elif cells:
                break
        return cells

    def not_reached(self) -> list[int]:
        """Batch sizes at which some seed has no rate that reached the target."""
        return [cell.batch_size for cell in self.cells if not cell.reached]


def optimizer_name(spec: Spec) -> str:
    """sgd, momentum, nesterov or adam."""
    return "momentum" if spec.optimizer == "sgd" and spec.momentum else spec.optimizer


def varies_momentum(study: StudyResults) -> bool:
    """Whether SGD is planned, or has run, with several momenta: an optimizer of such a study is no one curve over the batch sizes."""
    specs = [*study.planned, *(spec for spec, _ in study.runs)]
    return len({spec.momentum for spec in specs if isinstance(spec, StepsSpec) and spec.momentum}) > 1


def all_series(study: StudyResults) -> dict[tuple[str, float], Series]:
    """By optimizer and target. A batch size is there once every rate of it is finished for every seed of the study. None of a study that
    varies the momentum."""
    if varies_momentum(study):
        return {}
    finished = [(spec, row) for spec, row in study.runs if row["status"] != "failed" and row["targets"]]
    seeds = np.array(sorted({spec.seed for spec, _ in finished}))
    by_cell: dict[tuple[str, float, int], dict[tuple[float, int], tuple[float, bool]]] = defaultdict(dict)
    for spec, row in finished:
        for each in row["targets"]:
            steps = float(each["step"]) if each["reached"] else np.inf
            lost = not each["reached"] and row["status"] == "diverged"
            by_cell[optimizer_name(spec), each["target"], spec.batch_size][spec.lr, spec.seed] = steps, lost
    series: dict[tuple[str, float], Series] = {}
    for (optimizer, target, batch_size), found in sorted(by_cell.items()):
        rates = np.array(sorted({rate for rate, _ in found}))
        if len(found) < len(rates) * len(seeds):
            continue
        steps, lost = (
            np.array([[found[rate, seed][part] for seed in seeds.tolist()] for rate in rates.tolist()])
            for part in (0, 1)
        )
        each = series.setdefault((optimizer, target), Series(optimizer, target, []))
        each.cells.append(Cell(batch_size, rates, seeds, steps, lost))
    return series


class TunedRow(NamedTuple):
    """A row of the table `tuned`."""

    study: str
    optimizer: str
    target: float
    batch_size: int
    rates: int
    runs: int
    reached: int
    not_reached: int
    diverged: int
    seeds: int
    seeds_reached: int
    fewest_steps: int | None
    best_lr: float | None
    steps: float | None
    low: float | None
    high: float | None


def tuned_rows(study: StudyResults) -> list[TunedRow]:
    """Every batch size of every optimizer and target, with what its tuning cost; none for a study without targets."""
    return [_tuned_row(study.name, series, cell) for series in all_series(study).values() for cell in series.cells]


def _tuned_row(study: str, series: Series, cell: Cell) -> TunedRow:
    reached = np.isfinite(cell.steps)
    once = np.ones((1, len(cell.seeds)), dtype=int)
    place, mean = (found[0] for found in cell.tuned(once))
    low = high = None
    if np.isfinite(mean) and len(cell.seeds) >= FEWEST_SEEDS:
        counts, weights = resamples(len(cell.seeds))
        low, high = _interval(cell.tuned(counts)[1], weights)
    return TunedRow(
        study, series.optimizer, series.target, cell.batch_size, len(cell.rates), cell.steps.size,
        int(reached.sum()), int((~reached & ~cell.diverged).sum()), int(cell.diverged.sum()),
        len(cell.seeds), int(reached.any(axis=0).sum()),
        int(cell.steps.min()) if reached.any() else None,
        float(cell.rates[place]) if np.isfinite(mean) else None,
        _power(mean), low, high,
    )  # fmt: skip


def _tuned_steps(cells: list[Cell], counts: np.ndarray) -> np.ndarray:
    """[B, K] log2 of the steps after tuning, for each resample of the seeds."""
    return np.stack([cell.tuned(counts)[1] for cell in cells])


def _interval(values: np.ndarray, weights: np.ndarray) -> tuple[float | None, float | None]:
    """2 to the power of the 2.5th and the 97.5th percentile of `values` [K]; None for an infinite end."""
    return tuple(_power(float(weighted_percentile(values, weights, percent))) for percent in (2.5, 97.5))


def _power(log: float) -> float | None:
    return float(2.0**log) if np.isfinite(log) else None


def end_of_perfect_scaling(sizes: np.ndarray, steps: np.ndarray) -> float:
    """log2 of the batch size at which the efficiency first falls below EFFICIENCY; infinite where it does not, NaN with fewer than
    two sizes.

    `sizes` and `steps` are log2, from the smallest size that reached the target on. The efficiency of a size is the mean examples (log2)
    of the REFERENCE smallest over its own examples, read between the sizes along a straight line in log2. Infinite steps end it at the
    size before.
    """
    if len(sizes) < 2:
        return np.nan
    examples = sizes + steps
    above = examples[: min(REFERENCE, len(sizes))].mean() - np.log2(EFFICIENCY)  # as many examples are still perfect
    for place in range(1, len(sizes)):
        before, there = examples[place - 1], examples[place]
        if before <= above < there:
            share = (above - before) / (there - before) if np.isfinite(there) else 0.0
            return float(sizes[place - 1] + share * (sizes[place] - sizes[place - 1]))
    return np.inf


def start_of_flat_part(sizes: np.ndarray, steps: np.ndarray) -> float:
    """log2 of the batch size from which on steps are within 1 / EFFICIENCY of the fewest at any size; NaN with fewer than two sizes."""
    if len(sizes) < 2 or not np.isfinite(steps).all():
        return np.nan
    level = steps.min() - np.log2(EFFICIENCY)
    place = int(np.argmax(steps <= level))
    if place == 0:
        return float(sizes[0])
    before, there = steps[place - 1], steps[place]
    return float(sizes[place - 1] + (before - level) / (before - there) * (sizes[place] - sizes[place - 1]))


def log_sizes(cells: list[Cell]) -> np.ndarray:
    """[B] log2 of the batch sizes."""
    return np.log2([cell.batch_size for cell in cells])


def best_steps(cells: list[Cell]) -> np.ndarray:
    """[B, S] log2 of the fewest steps of each seed at each batch size."""
    return np.stack([cell.best_by_seed for cell in cells])


def slopes(sizes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """[S] least-squares slopes of values [B, S] over sizes [B]."""
    centred = sizes - sizes.mean()
    return (centred[:, None] * values).sum(axis=0) / (centred**2).sum()


class RegimeRow(NamedTuple):
    """A row of the table `regimes`."""

    study: str
    optimizer: str
    target: float
    smallest: int
    largest: int
    perfect_until: float | None
    perfect_low: float | None
    perfect_high: float | None
    flat_from: float | None
    flat_low: float | None
    flat_high: float | None
    seeds: int


def regime_rows(study: StudyResults) -> list[RegimeRow]:
    """Where perfect scaling ends and where the flat part starts, for every optimizer and target that two sizes or more reached."""
    rows = []
    for series in all_series(study).values():
        cells = series.from_first_reached()
        if len(cells) < 2:
            continue
        seeds = len(cells[0].seeds)
        found: list[float | None] = []
        counts, weights = resamples(seeds)
        whole, resampled = (_tuned_steps(cells, each) for each in (np.ones((1, seeds), dtype=int), counts))
        for landmark in (end_of_perfect_scaling, start_of_flat_part):
            found.append(_power(landmark(log_sizes(cells), whole[:, 0])))
            places = np.array([landmark(log_sizes(cells), one) for one in resampled.T])
            some = seeds >= FEWEST_SEEDS and not np.isnan(landmark(log_sizes(cells), whole[:, 0]))
            found += _interval(places, weights) if some else (None, None)
        rows.append(
            RegimeRow(
                study.name, series.optimizer, series.target, cells[0].batch_size, cells[-1].batch_size, *found, seeds
            )
        )
    return rows


def claim_target(study: str, series: Mapping[tuple[str, float], Series]) -> float | None:
    """The target that claims and contrasts are about, fixed before measuring: the third hardest, 4% of 3, 3.5, 4, 5 and 7%, but for a study
    in HARDEST; None where there are not as many."""
    targets, place = sorted({target for _, target in series}), 0 if study in HARDEST else 2
    return targets[place] if len(targets) > place else None
