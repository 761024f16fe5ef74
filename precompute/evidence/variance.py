"""How much of the spread of runs lies between groups of them: variance components of a random-effects analysis of variance."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from precompute.evidence.intervals import CONFIDENCE, FEWEST_SEEDS, Estimate


class Components(NamedTuple):
    """Standard deviations in the unit of the values; None where there are too few runs."""

    between: float | None
    """Between groups: 0 where the estimate of the variance is negative."""
    within: float | None
    """Between runs of one group."""
    ratio: Estimate
    """between / within with its interval; n is the groups."""


def variance_components(values: np.ndarray, groups: Sequence, *fixed: Sequence) -> Components:
    """Components of `values` [n] that lie in `groups` [n] (labels), after the effects of the factors `fixed` (labels [n] each).

    value = mean + fixed effects + (effect of the group) + (rest), the last two independent and normal with mean 0. The variances are
    found by equating mean squares and their expectations (Henderson's third method; the usual one-way analysis without `fixed`). The
    interval of the ratio is Wald's (1940), from the F distribution: exact with equally large groups, near it otherwise, also with few.
    Its ends are those of the variance, which may be below 0, cut off there. It needs three groups beyond what the fixed effects take.
    """
    values = np.asarray(values, dtype=np.float64)
    members, count = _indicators(groups), len(values)
    without = np.hstack([np.ones((count, 1)), *(_indicators(labels) for labels in fixed)])
    whole = np.hstack([without, members])
    rank_without, rank = (np.linalg.matrix_rank(design) if count else 0 for design in (without, whole))
    between_df, within_df = int(rank - rank_without), int(count - rank)
    nothing = Estimate(None, None, None, members.shape[1])
    residuals = _residuals(whole, values)
    within = float(residuals @ residuals) / within_df if within_df else None
    if within is None or between_df < 1:
        return Components(None, None if within is None else within**0.5, nothing)
    explained = _residuals(without, values)
    mean_square = float(explained @ explained - residuals @ residuals) / between_df
    # E[mean_square] = within + size * between, with the trace of the members' part that the fixed effects leave
    size = float((_residuals(without, members) ** 2).sum()) / between_df
    between = max(0.0, (mean_square - within) / size) ** 0.5
    if within <= 1e-20 * float(values @ values):  # equal within every group: no ratio
        return Components(between, 0.0, nothing)
    low = high = None
    if between_df >= FEWEST_SEEDS - 1:
        tail = (1 - CONFIDENCE) / 2
        quantiles = stats.f.ppf([1 - tail, tail], between_df, within_df)
        low, high = (float(max(0.0, (mean_square / within / f - 1) / size) ** 0.5) for f in quantiles)
    return Components(between, within**0.5, nothing._replace(estimate=between / within**0.5, low=low, high=high))


def _indicators(labels: Sequence) -> np.ndarray:
    """One column a label, 1.0 where it applies."""
    names = sorted(set(labels))
    return np.array([[float(label == name) for name in names] for label in labels]).reshape(len(labels), len(names))


def _residuals(design: np.ndarray, values: np.ndarray) -> np.ndarray:
    return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
