"""Ablations: what changes when one part of the baseline does, paired by seed."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from precompute.evidence.grid import MapGrid
from precompute.evidence.intervals import Estimate, estimate_over_seeds, holm, null, paired_difference, paired_p
from precompute.evidence.peaks import find_peaks
from precompute.evidence.resamples import means


class ContrastRow(NamedTuple):
    """A row of the table `contrasts`."""

    study: str
    quantity: str
    baseline: dict
    changed: dict
    estimate: float
    low: float | None
    high: float | None
    n: int
    unit: str
    p: float | None = None
    p_adjusted: float | None = None


def label_noise_contrasts(study: str, grids: Sequence[MapGrid]) -> list[ContrastRow]:
    """Each label noise of a study against its noisiest map (the baseline), in points, changed minus baseline, at the
    last epoch.

    Quantities, each a test error or a difference of two test errors of the same seed:
    `final_test_error_at_the_peak_width`, where the baseline has its `ridge_across`; `rise_to_the_peak_width`, the
    same minus the error at the minimum before that peak; `final_test_error_of_the_widest`, at the largest x that both
    maps have runs of. The first two are read at the places where the baseline's mean over seeds has its peak and
    minimum (no rows without a peak). They were chosen on the baseline's own seeds, so they favour the baseline's
    height a little.

    Seeds are matched by number; a row needs one seed in common. Raises ValueError where maps differ in more than
    label noise.
    """
    grids = sorted((grid for grid in grids if grid.has_runs), key=lambda grid: -float(grid.settings["label_noise"]))
    shared = [{name: value for name, value in grid.settings.items() if name != "label_noise"} for grid in grids]
    if any(other != shared[0] for other in shared[1:]):
        raise ValueError(f"the maps of {study} differ in more than label noise")
    if len({grid.settings["label_noise"] for grid in grids}) < len(grids):
        raise ValueError(f"{study} has two maps with the same label noise")
    if len(grids) < 2:
        return []
    baseline = grids[0]
    error = baseline.test_error[:, -1]
    peak = find_peaks(means(error, np.ones((1, error.shape[1]), dtype=int))[0])
    rows = []
    for changed in grids[1:]:
        before, after, xs = _final_errors(baseline, changed)
        quantities = {}
        if peak.exists and baseline.xs[peak.at] in xs:
            top = int(np.searchsorted(xs, baseline.xs[peak.at]))
            quantities["final_test_error_at_the_peak_width"] = paired_difference(after[top], before[top])
            if baseline.xs[peak.before] in xs:
                foot = int(np.searchsorted(xs, baseline.xs[peak.before]))
                quantities["rise_to_the_peak_width"] = paired_difference(
                    after[top] - after[foot], before[top] - before[foot]
                )
        common = np.flatnonzero((~np.isnan(after - before)).any(axis=1))
        if common.size:
            widest = common[-1]
            quantities["final_test_error_of_the_widest"] = paired_difference(after[widest], before[widest])
        for quantity, found in quantities.items():
            if found.n > 0:
                rows.append(_row(study, quantity, baseline, changed, found))
    return rows


def _final_errors(baseline: MapGrid, changed: MapGrid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Test errors of both maps at the last epoch, in points, [x, seed] over the x values and seeds in common, and
    those xs.
    """
    xs, of_baseline, of_changed = np.intersect1d(baseline.xs, changed.xs, return_indices=True)
    _, seed_of_baseline, seed_of_changed = np.intersect1d(baseline.seeds, changed.seeds, return_indices=True)
    return (
        100 * baseline.test_error[:, -1][np.ix_(of_baseline, seed_of_baseline)],
        100 * changed.test_error[:, -1][np.ix_(of_changed, seed_of_changed)],
        xs,
    )


def _row(study: str, quantity: str, baseline: MapGrid, changed: MapGrid, found: Estimate) -> ContrastRow:
    noise = ({"label_noise": float(grid.settings["label_noise"])} for grid in (baseline, changed))
    return ContrastRow(study, quantity, *noise, found.estimate, found.low, found.high, found.n, "points")


def corrected_rows(
    study: str, quantity: str, told: Sequence[Sequence[dict]], differences: Sequence[np.ndarray], unit: str
) -> list[ContrastRow]:
    """One row a comparison, with p corrected over all of them."""
    p = np.array([float(paired_p(each)) for each in differences])
    adjusted = holm(p)
    return [
        ContrastRow(
            study, quantity, *told[place], *estimate_over_seeds(each), unit, null(p[place]), null(adjusted[place])
        )
        for place, each in enumerate(differences)
    ]
