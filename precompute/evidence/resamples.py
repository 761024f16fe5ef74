"""Resamples of the seeds: the bootstrap over runs (Efron 1979), exact where the seeds are few."""

from itertools import combinations_with_replacement
from math import factorial, prod

import numpy as np

EXACT_UP_TO = 6
"""Six seeds have 462 different resamples, seven 1,716: from there on, drawing is as good and does not grow."""
DRAWN = 2000


def resamples(n: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each of n seeds is in each resample [R, n], and the probability of each resample [R], which sums to
    1.

    Up to six seeds these are all multisets of n out of n with their multinomial probabilities, so nothing is random.
    Above, they are 2,000 equally probable draws of a generator with a fixed seed.
    """
    if n > EXACT_UP_TO:
        counts = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=DRAWN)
        return counts, np.full(DRAWN, 1 / DRAWN)
    counts = np.array([np.bincount(draw, minlength=n) for draw in combinations_with_replacement(range(n), n)])
    ways = [factorial(n) / prod(factorial(int(k)) for k in row) for row in counts]
    return counts, np.array(ways) / n**n


def all_but_one(n: int) -> np.ndarray:
    """Counts [n, n] whose row s has every seed once but seed s."""
    return 1 - np.eye(n, dtype=int)


def means(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean [R, ...] of values [..., S] over the seeds of each resample, weighted by counts [R, S].

    NaN entries are left out; NaN where a resample has no seed. Rounded to 12 decimals: equal means must stay equal,
    whatever the order in which a machine adds, or the place of a minimum would depend on it.
    """
    present = ~np.isnan(values)
    totals = np.tensordot(counts, np.where(present, values, 0.0), axes=([1], [-1]))
    numbers = np.tensordot(counts, present.astype(np.float64), axes=([1], [-1]))
    return np.round(totals / np.where(numbers > 0, numbers, np.nan), 12)


def weighted_percentile(values: np.ndarray, weights: np.ndarray, percent: float) -> np.ndarray:
    """The smallest of values [R, ...] below or at which `percent` of the weight [R] lies, along the first axis.

    NaN entries are left out with their weight; NaN where all are. It is always one of the values, never between two.
    """
    order = np.argsort(values, axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    weight = np.where(np.isnan(ordered), 0.0, weights[order])
    below = np.cumsum(weight, axis=0)
    # The tolerance keeps a sum of weights that is the percentage in exact arithmetic from missing it by a rounding.
    reached = below >= (percent / 100) * below[-1] - 1e-12
    first = np.argmax(reached, axis=0)
    return np.take_along_axis(ordered, first[None], axis=0)[0]
