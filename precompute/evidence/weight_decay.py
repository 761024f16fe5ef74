"""Claim G8, that weight decay removes the peak: the best decay for each width, chosen on validation data."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from precompute.evidence.contrasts import ContrastRow
from precompute.evidence.double_descent import Curve, seeds_with_runs
from precompute.evidence.grid import MapGrid
from precompute.evidence.intervals import paired_difference
from precompute.evidence.verdicts import Part, below


class Chosen(NamedTuple):
    """The best decay at each of the W values of x that all maps have, and what it gives, over the S seeds that all maps have."""

    xs: np.ndarray
    seeds: np.ndarray
    decay: np.ndarray
    """[W] the decay with the lowest mean validation error at the last epoch, of those that all seeds have; of equals the smallest."""
    best: np.ndarray
    """[W, S] test error at the last epoch with that decay, in points."""
    without: np.ndarray
    """[W, S] the same without decay."""


def best_decay(grids: Sequence[MapGrid]) -> Chosen | None:
    """None where there is no map without decay, or no other with runs. Test data has no part in the choice."""
    grids = sorted((grid for grid in grids if grid.has_runs), key=lambda grid: grid.settings["weight_decay"])
    if len(grids) < 2 or grids[0].settings["weight_decay"] != 0:
        return None
    xs, seeds = grids[0].xs, grids[0].seeds[seeds_with_runs(grids[0])]
    for grid in grids[1:]:
        xs, seeds = np.intersect1d(xs, grid.xs), np.intersect1d(seeds, grid.seeds[seeds_with_runs(grid)])
    if not len(xs) or not len(seeds):
        return None

    def last(grid: MapGrid, measure: str) -> np.ndarray:
        places = np.ix_(np.searchsorted(grid.xs, xs), [-1], np.flatnonzero(np.isin(grid.seeds, seeds)))
        return getattr(grid, measure)[places][:, 0]

    validation = np.stack([last(grid, "val_error").mean(axis=1) for grid in grids])  # NaN where a seed is missing
    validation = np.where(np.isnan(validation), np.inf, validation)
    choice = validation.argmin(axis=0)
    test = np.stack([100 * last(grid, "test_error") for grid in grids])
    decays = np.array([grid.settings["weight_decay"] for grid in grids])
    return Chosen(xs, seeds, decays[choice], test[choice, np.arange(len(xs))], test[0])


def weight_decay_contrasts(study: str, grids: Sequence[MapGrid]) -> list[ContrastRow]:
    """At each x, the test error at the last epoch with the best decay minus that without, in points. `baseline` and `changed` say
    weight_decay and x; where no decay is best, the difference is 0 and its interval has no width."""
    chosen = best_decay(grids)
    if chosen is None:
        return []
    rows = []
    for place, x in enumerate(chosen.xs):
        found = paired_difference(chosen.best[place], chosen.without[place])
        if found.n:
            baseline, changed = ({"weight_decay": d, "x": float(x)} for d in (0.0, float(chosen.decay[place])))
            rows.append(ContrastRow(study, "final_test_error_with_the_best_decay", baseline, changed, *found, "points"))
    return rows


def no_peak_with_best_decay(grids: Sequence[MapGrid]) -> list[Part]:
    """G8: with the best decay at each x, test error at the last epoch nowhere rises by 1 point or more from an earlier minimum (the
    largest rise over all pairs of x is taken)."""
    chosen = best_decay(grids)
    if chosen is None:
        return []
    epoch = int(grids[0].epochs[-1])
    curve = Curve.with_largest_rise(chosen.best, "x", chosen.xs, chosen.seeds, {}, {"epoch": epoch})
    decays = {f"{x:g}": float(decay) for x, decay in zip(chosen.xs, chosen.decay, strict=True)}
    return [curve.part("largest_rise_with_the_best_decay", "top", "minimum_before", below(1), decay_at_x=decays)]
