"""Claim G6, that more data can hurt: the same network on twice the examples, for equal epochs and for equal steps."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from precompute.evidence.contrasts import ContrastRow
from precompute.evidence.grid import MapGrid
from precompute.evidence.intervals import CONFIDENCE, Estimate, holm, null, paired_difference, paired_p, t_interval
from precompute.evidence.verdicts import POSITIVE, Part

REGIMES = ("equal_epochs", "equal_steps")
HOLM = "student_t_holm"
"""Student t over seeds, paired, at the level that Holm's correction over the x values leaves to the cell."""


class Doubling(NamedTuple):
    """One map and the map of twice its training examples, over the W values of x and S seeds that both have."""

    regime: str
    small: MapGrid
    large: MapGrid
    xs: np.ndarray
    difference: np.ndarray
    """[W, S] test error at the last epoch on 2n minus on n examples, in points."""
    p: np.ndarray
    """[W] two-sided, of the paired t test."""
    adjusted: np.ndarray
    """[W] p after Holm's correction over x."""

    @property
    def clear(self) -> np.ndarray:
        """[W] 1 where more data is worse, -1 where it is better, beyond the correction; 0 elsewhere."""
        mean = t_interval(self.difference).mean
        return np.where(self.adjusted < 1 - CONFIDENCE, np.sign(mean), 0).astype(int)


def doublings(grids: Sequence[MapGrid], label_noise: float) -> list[Doubling]:
    """Every n with its 2n at one label noise of which a seed is finished at some x, by regime, then by n. The regimes meet where the step
    counts are the same."""
    grids = [grid for grid in grids if grid.has_runs and np.isclose(grid.settings["label_noise"], label_noise)]
    grids.sort(key=lambda grid: (grid.settings["n_train"], grid.settings["epochs"]))
    common = _equal_epochs(grids)
    found = []
    for regime in REGIMES:
        for small in grids:
            for large in grids:
                if large.settings["n_train"] != 2 * small.settings["n_train"]:
                    continue
                epochs = small.settings["epochs"] == large.settings["epochs"] == common
                if epochs if regime == "equal_epochs" else steps(small) == steps(large):
                    found.append(_doubling(regime, small, large))
    return [each for each in found if np.isfinite(each.difference).any()]


def steps(grid: MapGrid) -> int:
    """Optimizer updates of a run on the map; the last, smaller batch of an epoch is one too."""
    return -(-grid.settings["n_train"] // grid.settings["batch_size"]) * grid.settings["epochs"]


def more_data_contrasts(study: str, grids: Sequence[MapGrid]) -> list[ContrastRow]:
    """Test error on 2n minus on n examples at the last epoch, in points, for each doubling and x: p_adjusted is Holm's, over the x
    values of the doubling. `baseline` and `changed` say label_noise, n_train, epochs and x."""
    rows = []
    for noise in sorted({float(grid.settings["label_noise"]) for grid in grids}):
        for doubling in doublings(grids, noise):
            for place, x in enumerate(doubling.xs):
                found = paired_difference(doubling.difference[place], np.zeros(doubling.difference.shape[1]))
                if found.n == 0:
                    continue
                baseline, changed = (
                    {name: grid.settings[name] for name in ("label_noise", "n_train", "epochs")} | {"x": float(x)}
                    for grid in (doubling.small, doubling.large)
                )
                rows.append(
                    ContrastRow(
                        study,
                        f"more_data_at_{doubling.regime}",
                        baseline,
                        changed,
                        *found,
                        "points",
                        null(doubling.p[place]),
                        null(doubling.adjusted[place]),
                    )
                )
    return rows


def more_data_hurts(grids: Sequence[MapGrid], label_noise: float) -> list[Part]:
    """G6: at some x, twice the examples give a higher test error at the last epoch, the paired interval clear of 0 after Holm's
    correction over x. One part for equal epochs and one for equal steps; both must hold.

    Of the cells where more data is worse, the one with the smallest corrected p is told (of equals, the largest difference), with
    the interval of the level that the correction leaves to it; where none is worse, the one with the largest difference.
    """
    parts = []
    for regime in REGIMES:
        found = [each for each in doublings(grids, label_noise) if each.regime == regime]
        if found:
            parts.append(_part(regime, found))
    return parts


def _part(regime: str, found: list[Doubling]) -> Part:
    cells = [(each, place) for each in found for place in range(len(each.xs))]
    measured = [
        (each, place, float(t_interval(each.difference[place]).mean))
        for each, place in cells
        if np.isfinite(each.difference[place]).any()
    ]
    worse = [cell for cell in measured if cell[2] > 0 and np.isfinite(cell[0].adjusted[cell[1]])]
    if worse:
        each, place, _ = min(worse, key=lambda cell: (cell[0].adjusted[cell[1]], -cell[2]))
    else:
        each, place, _ = max(measured, key=lambda cell: cell[2])
    details = {
        "interval": HOLM,
        "x": float(each.xs[place]),
        "n_train": [each.small.settings["n_train"], each.large.settings["n_train"]],
        "epochs": [each.small.settings["epochs"], each.large.settings["epochs"]],
        "p": null(each.p[place]),
        "p_adjusted": null(each.adjusted[place]),
        "doublings": [
            {
                "n_train": one.small.settings["n_train"],
                "cells": int(np.isfinite(one.p).sum()),
                "worse_at_x": [float(x) for x in one.xs[one.clear > 0]],
                "better": int((one.clear < 0).sum()),
            }
            for one in found
        ],
    }
    return Part(f"more_data_worse_at_{regime}", _corrected(each, place), "points", POSITIVE, details)


def _corrected(each: Doubling, place: int) -> Estimate:
    """The difference with the interval that excludes 0 just when the corrected p is below 5%."""
    p, adjusted = each.p[place], each.adjusted[place]
    factor = adjusted / p if p > 0 and np.isfinite(adjusted) else float(np.isfinite(each.p).sum() or 1)
    found = t_interval(each.difference[place], confidence=1 - (1 - CONFIDENCE) / max(factor, 1.0))
    return Estimate(null(found.mean), null(found.low), null(found.high), int(found.n))


def _doubling(regime: str, small: MapGrid, large: MapGrid) -> Doubling:
    xs, of_small, of_large = np.intersect1d(small.xs, large.xs, return_indices=True)
    _, seed_small, seed_large = np.intersect1d(small.seeds, large.seeds, return_indices=True)
    difference = 100 * (
        large.test_error[:, -1][np.ix_(of_large, seed_large)] - small.test_error[:, -1][np.ix_(of_small, seed_small)]
    )
    p = paired_p(difference)
    return Doubling(regime, small, large, xs, difference, p, holm(p))


def _equal_epochs(grids: Sequence[MapGrid]) -> int | None:
    """The number of epochs that every n was trained for."""
    by_n: dict[int, set[int]] = {}
    for grid in grids:
        by_n.setdefault(grid.settings["n_train"], set()).add(grid.settings["epochs"])
    common = set.intersection(*by_n.values()) if by_n else set()
    return min(common) if common else None
