"""The lines drawn on a map: interpolation threshold and ridge."""

from typing import NamedTuple

import numpy as np

from precompute.evidence.grid import MapGrid
from precompute.evidence.intervals import FEWEST_SEEDS, null, t_interval
from precompute.evidence.peaks import Peaks, find_peaks
from precompute.evidence.resamples import all_but_one, means, resamples, weighted_percentile

LEVELS = (0.01, 0.05, 0.10)
"""Train errors at which a network counts as interpolating; Nakkiran et al. (arXiv 1912.02292) use 0.1 for their
heuristic.
"""


class LandmarkRow(NamedTuple):
    """A row of the table `landmarks`, without the map."""

    kind: str
    level: float | None
    line: float
    position: float | None
    low: float | None
    high: float | None
    height: float | None
    clear: bool
    reached: int
    n: int


class Ridge(NamedTuple):
    """The peaks of L parallel lines of a map, each over P places."""

    peaks: Peaks
    """[L] of the mean over seeds."""
    clear: np.ndarray
    """[L] whether rise and fall are both clear of zero."""
    resampled: np.ndarray
    """[R, L] index of the peak in each resample of the seeds, -1 without one."""
    weights: np.ndarray
    """[R] probability of each resample."""
    n: np.ndarray
    """[L] seeds with any value on the line."""


def landmarks(grid: MapGrid) -> list[LandmarkRow]:
    """All rows of one map: thresholds and `ridge_across` at each epoch, `ridge_up` at each x; none for a map without
    runs.

    Ridges are of the test error. Their low and high are percentiles over the resamples that have a peak, None with
    fewer than three seeds or where no resample has one.
    """
    if not grid.has_runs:
        return []
    across = ridge(grid.test_error.transpose(1, 0, 2))
    up = ridge(grid.test_error)
    return [
        *_threshold_rows(grid),
        *_ridge_rows("ridge_across", across, places=grid.xs, lines=grid.epochs),
        *_ridge_rows("ridge_up", up, places=grid.epochs, lines=grid.xs),
    ]


def ridge(values: np.ndarray) -> Ridge:
    """Peaks along the places of values [L, P, S] (line, place, seed), by the rule of `find_peaks` on the mean over
    seeds.

    `clear`: the mean has a peak, and the 95% t intervals of rise and of fall, paired by seed, both lie above zero
    (three seeds or more). For these two each seed is read at the places found on the mean of the *other* seeds. Read
    at places found on the same seeds, one in four flat lines (24 places, 5 seeds, nothing but noise) would be called
    a clear peak; so it is one in fifty.
    """
    used = values[:, :, ~np.isnan(values).all(axis=(0, 1))]
    seeds = used.shape[2]
    peaks = find_peaks(means(used, np.ones((1, seeds), dtype=int))[0])
    others = find_peaks(means(used, all_but_one(seeds)))
    line, seed = np.arange(len(used))[:, None], np.arange(seeds)
    at_peak, before, after = (used[line, place.T, seed] for place in others[:3])
    clear = peaks.exists & (t_interval(at_peak - before).low > 0) & (t_interval(at_peak - after).low > 0)
    counts, weights = resamples(seeds)
    again = find_peaks(means(used, counts))
    return Ridge(peaks, clear, np.where(again.exists, again.at, -1), weights, (~np.isnan(used)).any(axis=1).sum(axis=1))


def threshold(train_error: np.ndarray, level: float) -> np.ndarray:
    """Index of the first x with a train error of at most `level`, along axis -2 of [..., W, E]; -1 where none reaches
    it.
    """
    reached = train_error <= level + 1e-12  # 200 of 4,000 wrong is 5%, whatever the rounding of the mean
    return np.where(reached.any(axis=-2), reached.argmax(axis=-2), -1)


def _threshold_rows(grid: MapGrid) -> list[LandmarkRow]:
    present = ~np.isnan(grid.train_error)
    n = present.any(axis=0).sum(axis=-1)
    mean = means(grid.train_error, np.ones((1, len(grid.seeds)), dtype=int))[0]
    rows = []
    for level in LEVELS:
        of_mean = threshold(mean, level)
        of_seed = threshold(grid.train_error.transpose(2, 0, 1), level)
        for e, epoch in enumerate(grid.epochs):
            single = grid.xs[of_seed[of_seed[:, e] >= 0, e]]
            reached = bool(of_mean[e] >= 0)
            rows.append(
                LandmarkRow(
                    kind="threshold",
                    level=level,
                    line=float(epoch),
                    position=float(grid.xs[of_mean[e]]) if reached else None,
                    low=float(single.min()) if single.size else None,
                    high=float(single.max()) if single.size else None,
                    height=None,
                    clear=reached,
                    reached=int(single.size),
                    n=int(n[e]),
                )
            )
    return rows


def _ridge_rows(kind: str, found: Ridge, places: np.ndarray, lines: np.ndarray) -> list[LandmarkRow]:
    position = np.where(found.resampled >= 0, places.astype(np.float64)[found.resampled], np.nan)
    low, high = (weighted_percentile(position, found.weights, percent) for percent in (2.5, 97.5))
    share = 100 * (found.weights[:, None] * (found.resampled >= 0)).sum(axis=0)
    rows = []
    for line, at in enumerate(lines):
        if found.n[line] == 0:
            continue
        exists = bool(found.peaks.exists[line])
        enough = found.n[line] >= FEWEST_SEEDS
        rows.append(
            LandmarkRow(
                kind=kind,
                level=None,
                line=float(at),
                position=float(places[found.peaks.at[line]]) if exists else None,
                low=null(low[line]) if enough else None,
                high=null(high[line]) if enough else None,
                height=float(found.peaks.height[line]) if exists else None,
                clear=bool(found.clear[line]),
                reached=round(share[line]),
                n=int(found.n[line]),
            )
        )
    return rows
