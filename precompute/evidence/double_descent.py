"""Claims G1, G2, G3, G4, G5 and G7, by their rules, for a study of test error over x (width) and epochs.

A peak looks higher on the seeds that it was found on: of many places, one is picked where noise happened to add. So
places are found leaving one seed out: for each seed on the mean over the *other* seeds, and the error is read there
on this seed alone. The estimate is the mean of these values, the interval Student's t. What remains was seen in
simulations that are tests, with five seeds: where there is nothing but noise, the estimate is 0 on average, but the
values share seeds, and the interval lies above zero in 8% of cases where 2.5% would be due. Of a true peak it lies
too high in 2.5%, as due, and too low in up to 8%, because its place is missed now and then.

Each function returns the parts of its claim. `details` holds the places of each seed, and in `on_all_seeds` the
places found on the mean over all seeds, which a chart shows, with the (optimistic) estimate there.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from precompute.evidence.grid import MapGrid
from precompute.evidence.intervals import FEWEST_SEEDS, Estimate, estimate_over_seeds, null
from precompute.evidence.landmarks import LEVELS, ridge, threshold
from precompute.evidence.peaks import find_peaks, largest_rise
from precompute.evidence.resamples import all_but_one, means, resamples, weighted_percentile
from precompute.evidence.verdicts import NEGATIVE, POSITIVE, Part, Rule, absent, at_least, below, more_than

HELD_OUT = "student_t_held_out"
"""95% Student t over seeds, paired; the places found on the other seeds. These three are codes, with their words in
the app.
"""
FIXED_PLACES = "student_t"
"""95% Student t over seeds, paired; the places given."""
BOOTSTRAP = "bootstrap"
"""2.5th to 97.5th percentile over resamples of the seeds."""
G5_LEVEL = 0.10
FEWEST_EPOCHS = 4
"""With three epochs a perfect rank correlation comes by chance one time in six, with four one time in twenty-four."""


def peak_over_x(grid: MapGrid) -> list[Part]:
    """G1: at the last epoch the peak is at least 3 points above the minimum before it, and the widest at least 3
    below the peak.
    """
    curve = _curve_over_x(grid)
    threshold_x = {"threshold_x": _thresholds_at_the_end(grid)}
    return [
        curve.part("rise_to_the_peak", "peak", "minimum_before", at_least(3), **threshold_x),
        curve.part("fall_from_the_peak_to_the_widest", "peak", "widest", at_least(3), **threshold_x),
    ]


def widest_below_the_first_minimum(grid: MapGrid) -> list[Part]:
    """G2: at the last epoch the widest network has a lower test error than the minimum before the peak.

    Without a peak in the mean over all seeds there is no first minimum, and the quantity does not exist.
    """
    curve = _curve_over_x(grid)
    if not curve.has_peak:
        nothing = Estimate(None, None, None, len(curve.seeds))
        why = {"why": "no_peak_over_x", "epoch": int(grid.epochs[-1])}
        return [Part("widest_minus_first_minimum", nothing, "points", NEGATIVE, why)]
    return [curve.part("widest_minus_first_minimum", "widest", "minimum_before", NEGATIVE)]


def no_peak_over_x(grid: MapGrid) -> list[Part]:
    """G3: G1's rise, on clean labels, has an interval that includes 0 or is less than 1 point; and a rise of 3 points
    is excluded.

    The second condition is not in the rule as first fixed. It only makes *shown* harder: see `verdicts.absent`.
    """
    return [_curve_over_x(grid).part("rise_to_the_peak", "peak", "minimum_before", absent(small=1, large=3))]


def peak_over_epochs(grid: MapGrid) -> list[Part]:
    """G4: the widest network's test error goes down, up by at least 1 point, and down by at least 1 point, along the
    epochs.

    From the first evaluated epoch to the minimum before the peak, on to the peak, on to the minimum after it.
    """
    used = seeds_with_runs(grid)
    widest = last_with_runs(grid.test_error[:, -1])
    values = 100 * grid.test_error[widest][:, used]
    curve = Curve.with_peak(values, "epoch", grid.epochs, grid.seeds[used], {"first": 0}, {"x": float(grid.xs[widest])})
    return [
        curve.part("first_descent_over_epochs", "first", "minimum_before", POSITIVE),
        curve.part("rise_over_epochs", "peak", "minimum_before", at_least(1)),
        curve.part("second_descent_over_epochs", "peak", "minimum_after", at_least(1)),
    ]


def ridge_follows_threshold(grid: MapGrid) -> list[Part]:
    """G5: Spearman's rank correlation, over epochs, of the x of the ridge and the x of the threshold is above 0.8.

    Over the epochs where the mean over seeds has a clear ridge and reaches the level (10% train error for the
    verdict, all levels in the details); None over fewer than four such epochs, and where one of the two never moves.
    The interval is of a bootstrap over seeds, in which ridge and threshold are found anew at those same epochs; n
    counts seeds. Neighbouring epochs are much alike, so the number of epochs is no number of independent
    observations.
    """
    used = seeds_with_runs(grid)
    test_error, train_error = grid.test_error[:, :, used], grid.train_error[:, :, used]
    counts, weights = resamples(int(used.sum()))
    across = ridge(test_error.transpose(1, 0, 2))
    once = np.ones((1, int(used.sum())), dtype=int)
    details = {"interval": BOOTSTRAP, "level": G5_LEVEL, "by_level": {}}
    for level in LEVELS:
        of_mean = threshold(means(train_error, once)[0], level)
        usable = across.clear & (of_mean >= 0)
        estimate = _rank_correlation(across.peaks.at[usable], of_mean[usable])
        of_resamples = threshold(means(train_error, counts), level)
        correlations = np.array(
            [
                _rank_correlation(ridge_at[both], threshold_at[both])
                for ridge_at, threshold_at in zip(across.resampled, of_resamples)
                for both in [usable & (ridge_at >= 0) & (threshold_at >= 0)]
            ]
        )
        low = high = np.nan
        if used.sum() >= FEWEST_SEEDS and not np.isnan(estimate):
            low, high = (float(weighted_percentile(correlations, weights, percent)) for percent in (2.5, 97.5))
        details["by_level"][f"{level:g}"] = {
            "estimate": null(estimate),
            "low": null(low),
            "high": null(high),
            "epochs": [int(epoch) for epoch in grid.epochs[usable]],
            "ridge_x": [float(x) for x in grid.xs[across.peaks.at[usable]]],
            "threshold_x": [float(x) for x in grid.xs[of_mean[usable]]],
            "percent_of_resamples_with_a_correlation": round(100 * float(weights[~np.isnan(correlations)].sum())),
        }
    chosen = details["by_level"][f"{G5_LEVEL:g}"]
    found = Estimate(chosen["estimate"], chosen["low"], chosen["high"], int(used.sum()))
    if found.estimate is None:
        details["why"] = "too_few_epochs_with_ridge_and_threshold"
    return [Part("rank_correlation_of_ridge_and_threshold", found, "correlation", more_than(0.8), details)]


def no_peak_with_early_stopping(grid: MapGrid) -> list[Part]:
    """G7: test error at each run's epoch of lowest validation error falls from the narrowest to the widest network,
    and nowhere rises by 1 point or more from an earlier minimum (the largest rise over all pairs of x is taken).
    """
    used = seeds_with_runs(grid)
    values = 100 * grid.early_stopped_test_error()[:, used]
    ends = {"narrowest": first_with_runs(values), "widest": last_with_runs(values)}
    curve = Curve.with_largest_rise(values, "x", grid.xs, grid.seeds[used], ends, {"epoch": "best_validation"})
    return [
        curve.part("early_stopped_narrowest_minus_widest", "narrowest", "widest", POSITIVE),
        curve.part("early_stopped_largest_rise", "top", "minimum_before", below(1)),
    ]


class Curve(NamedTuple):
    """Test error of each seed along x or epochs, and the named places on it."""

    values: np.ndarray
    """[P, S] in points."""
    axis: str
    along: np.ndarray
    """[P] x values or epochs."""
    seeds: np.ndarray
    held_out: dict[str, np.ndarray]
    """Place [S] by name, found for each seed on the others; -1 where there is none."""
    on_all: dict[str, int]
    """Place by name, found on the mean over all seeds."""
    fixed: dict[str, int]
    """Places that are not searched for."""
    has_peak: bool
    where: dict
    """What the details say besides: the epoch of a curve over x, the x of a curve over epochs."""

    @classmethod
    def with_peak(
        cls, values: np.ndarray, axis: str, along: np.ndarray, seeds: np.ndarray, fixed: dict, where: dict
    ) -> "Curve":
        """With the peak and the minima beside it, by the rule of the ridge; without a peak, where the curve comes
        nearest to one.
        """
        all_seeds, others = _means_to_search(values)
        names = ("peak", "minimum_before", "minimum_after")
        found = find_peaks(all_seeds)
        held_out = dict(zip(names, find_peaks(others)))
        on_all = {name: int(place) for name, place in zip(names, found)}
        return cls(values, axis, along, seeds, held_out, on_all, fixed, bool(found.exists), where)

    @classmethod
    def with_largest_rise(
        cls, values: np.ndarray, axis: str, along: np.ndarray, seeds: np.ndarray, fixed: dict, where: dict
    ) -> "Curve":
        """With the two ends of the largest rise from an earlier minimum."""
        all_seeds, others = _means_to_search(values)
        names = ("minimum_before", "top")
        held_out = dict(zip(names, largest_rise(others)))
        on_all = {name: int(place) for name, place in zip(names, largest_rise(all_seeds))}
        return cls(values, axis, along, seeds, held_out, on_all, fixed, bool(find_peaks(all_seeds).exists), where)

    def part(self, quantity: str, minuend: str, subtrahend: str, rule: Rule, **more: object) -> Part:
        """The error at one named place minus that at another, as one part of a claim."""
        names = (minuend, subtrahend)
        found = estimate_over_seeds(self._at(minuend) - self._at(subtrahend))
        searched = [name for name in names if name not in self.fixed]
        details = {
            "interval": HELD_OUT if searched else FIXED_PLACES,
            **self.where,
            "seeds": [int(seed) for seed in self.seeds],
            "has_peak": self.has_peak,
            self.axis: {name: float(self.along[self.fixed[name]]) for name in names if name in self.fixed}
            | {name: [self._place(i) for i in self.held_out[name]] for name in searched},
        }
        if searched:
            places = {name: self.fixed.get(name, self.on_all.get(name)) for name in names}
            here = [self.values[place] if place >= 0 else np.full(len(self.seeds), np.nan) for place in places.values()]
            details["on_all_seeds"] = {
                "estimate": estimate_over_seeds(here[0] - here[1]).estimate,
                self.axis: {name: self._place(place) for name, place in places.items()},
            }
        if found.estimate is None:
            details["why"] = "no_seed_with_runs_at_both_places"
        return Part(quantity, found, "points", rule, details | more)

    def _at(self, name: str) -> np.ndarray:
        if name in self.fixed:
            return self.values[self.fixed[name]]
        place = self.held_out[name]
        return np.where(place >= 0, self.values[place, np.arange(len(self.seeds))], np.nan)

    def _place(self, index: int) -> float | None:
        return float(self.along[index]) if index >= 0 else None


def _curve_over_x(grid: MapGrid) -> Curve:
    used = seeds_with_runs(grid)
    values = 100 * grid.test_error[:, -1, used]
    widest = {"widest": last_with_runs(values)}
    return Curve.with_peak(values, "x", grid.xs, grid.seeds[used], widest, {"epoch": int(grid.epochs[-1])})


def _means_to_search(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [P] of values [P, S] over all seeds, and means [S, P] over all but one. With one seed there are no others:
    it stands for them.
    """
    seeds = values.shape[1]
    all_seeds = means(values, np.ones((1, seeds), dtype=int))
    return all_seeds[0], all_seeds if seeds == 1 else means(values, all_but_one(seeds))


def _thresholds_at_the_end(grid: MapGrid) -> dict[str, float | None]:
    mean = means(grid.train_error[:, -1:], np.ones((1, len(grid.seeds)), dtype=int))[0]
    first = {f"{level:g}": int(threshold(mean, level)[0]) for level in LEVELS}
    return {level: float(grid.xs[index]) if index >= 0 else None for level, index in first.items()}


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rho, ties at their mean rank; NaN over fewer than four pairs or where one side is constant."""
    if len(a) < FEWEST_EPOCHS or np.ptp(a) == 0 or np.ptp(b) == 0:
        return np.nan
    return float(np.corrcoef(stats.rankdata(a), stats.rankdata(b))[0, 1])


def seeds_with_runs(grid: MapGrid) -> np.ndarray:
    """[S] whether a seed has any complete run on the map."""
    return np.isfinite(grid.test_error).any(axis=(0, 1))


def first_with_runs(values: np.ndarray) -> int:
    """The first place of values [P, S] with a value."""
    return int(np.isfinite(values).any(axis=1).argmax())


def last_with_runs(values: np.ndarray) -> int:
    """The last place of values [P, S] with a value."""
    return len(values) - 1 - first_with_runs(values[::-1])
