"""Means over seeds with 95% Student t intervals."""

from typing import NamedTuple

import numpy as np
from scipy import stats

from precompute.evidence.grid import MEASURED, MapGrid

CONFIDENCE = 0.95
FEWEST_SEEDS = 3
"""With two seeds the interval is nine standard deviations wide on each side, and says nothing that two dots do not."""
RANGES = {"gap": (-1.0, 1.0)} | dict.fromkeys(("train_loss", "val_loss", "test_loss"), (0.0, np.inf))
"""In which the mean of a measure can lie; of all others, which are fractions, from 0 to 1."""


class Intervals(NamedTuple):
    """Arrays of the shape of the values without their last axis."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sd: np.ndarray
    n: np.ndarray


class Estimate(NamedTuple):
    """One number in the unit of its values; None where it does not exist."""

    estimate: float | None
    low: float | None
    high: float | None
    n: int

    def as_ratio(self) -> "Estimate":
        """Of decimal logarithms: of that which they are the logarithms of."""
        return Estimate(*(None if value is None else 10.0**value for value in self[:3]), self.n)


class IntervalRow(NamedTuple):
    """A row of the table `intervals`, with the index into `MapGrid.xs` in the place of the configuration."""

    x: int
    measure: str
    epoch: int | None
    mean: float
    low: float | None
    high: float | None
    sd: float | None
    n: int


def null(value: float) -> float | None:
    """The value as a Python float, None for NaN: the database knows NULL only."""
    return None if np.isnan(value) else float(value)


def t_interval(values: np.ndarray, confidence: float = CONFIDENCE) -> Intervals:
    """Mean of `values` [..., n] along the last axis and its 95% interval: mean ± t(0.975, n - 1) · sd / √n.

    `confidence` asks for another level than 95%.

    NaN entries are left out, and n counts the others. The mean is NaN with n = 0, sd (of n - 1) with n < 2, low and
    high with n < 3. Equal values give an interval of no width. It is Student's (1908), for values drawn independently
    from a normal distribution, and may reach beyond the possible range of a measure: see `within`.
    """
    values = np.asarray(values, dtype=np.float64)
    present = ~np.isnan(values)
    n = present.sum(axis=-1)
    mean = np.where(present, values, 0.0).sum(axis=-1) / np.where(n > 0, n, np.nan)
    squares = np.where(present, values - mean[..., None], 0.0) ** 2
    sd = np.sqrt(squares.sum(axis=-1) / np.where(n > 1, n - 1, np.nan))
    enough = n >= FEWEST_SEEDS
    quantile = stats.t.ppf((1 + confidence) / 2, np.where(enough, n - 1, 1))
    half = np.where(enough, quantile * sd / np.sqrt(np.maximum(n, 1)), np.nan)
    return Intervals(mean, mean - half, mean + half, sd, n)


def within(found: Intervals, lowest: float, highest: float) -> Intervals:
    """The intervals cut off where the mean cannot lie.

    Few seeds near a bound, such as train errors of 0, 0.05 and 0.1%, give a t interval that reaches beyond it. What is cut off holds no mean
    that is possible, so that the rest covers the mean exactly as often as the whole did, whatever the distribution. A t interval on the scale
    of the logit would need a made-up count where a seed has no error at all and would be one for another mean, and a bootstrap of three seeds
    covers far less than it says.
    """
    return found._replace(low=np.maximum(found.low, lowest), high=np.minimum(found.high, highest))


def estimate_over_seeds(values: np.ndarray) -> Estimate:
    """The mean of `values` [S] (NaN where a seed has none) with its t interval, in the unit of the values."""
    found = t_interval(values)
    return Estimate(null(found.mean), null(found.low), null(found.high), int(found.n))


def paired_difference(a: np.ndarray, b: np.ndarray) -> Estimate:
    """Mean of a - b over the seeds that both have, with its t interval; a and b [S] are aligned by seed."""
    return estimate_over_seeds(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64))


def paired_p(differences: np.ndarray) -> np.ndarray:
    """Two-sided p of the t test that `differences` [..., n] have mean 0, along the last axis; NaN entries are left out.

    NaN with fewer than three. Equal differences that are not 0 have p = 0, all 0 have p = 1.
    """
    found = t_interval(differences)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(found.mean) / (found.sd / np.sqrt(found.n))
    t = np.where(found.mean == 0, 0.0, t)
    enough = found.n >= FEWEST_SEEDS
    return np.where(enough, 2 * stats.t.sf(t, np.where(enough, found.n - 1, 1)), np.nan)


def holm(p: np.ndarray) -> np.ndarray:
    """p [m] adjusted by Holm's (1979) step-down procedure: rejecting those below a level keeps the chance of any false rejection
    among the m below that level. NaN stays NaN and is no member of the family."""
    p = np.asarray(p, dtype=np.float64)
    members = np.flatnonzero(~np.isnan(p))
    order = members[np.argsort(p[members], kind="stable")]
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate((len(order) - np.arange(len(order))) * p[order]), 1.0)
    return adjusted


def configuration_intervals(grid: MapGrid) -> list[IntervalRow]:
    """Rows of the table `intervals` for one map: every measure of each x and epoch that at least one run has.

    `gap` is test minus train error of the same run. `early_stopped_test_error` has epoch None. Intervals are cut off at
    the possible range of their measure. Sorted by x, measure, epoch.
    """
    measures = {name: getattr(grid, name) for name in MEASURED}
    measures["gap"] = grid.test_error - grid.train_error
    rows = []
    for measure, values in measures.items():
        found = within(t_interval(values), *RANGES.get(measure, (0.0, 1.0)))
        for x, e in np.argwhere(found.n > 0):
            rows.append(_row(int(x), measure, int(grid.epochs[e]), found, (x, e)))
    found = within(t_interval(grid.early_stopped_test_error()), 0.0, 1.0)
    for x in np.flatnonzero(found.n > 0):
        rows.append(_row(int(x), "early_stopped_test_error", None, found, (x,)))
    return sorted(rows, key=lambda row: (row.x, row.measure, row.epoch or 0))


def _row(x: int, measure: str, epoch: int | None, found: Intervals, cell: tuple) -> IntervalRow:
    mean, low, high, sd = (null(part[cell]) for part in found[:4])
    return IntervalRow(x, measure, epoch, mean, low, high, sd, int(found.n[cell]))
