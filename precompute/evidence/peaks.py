"""Where a curve rises and falls again."""

from typing import NamedTuple

import numpy as np

SMALLEST_HEIGHT = 1e-9
"""Errors come in steps of one example; anything smaller than this is rounding, not a rise."""


class Peaks(NamedTuple):
    """For each curve, arrays of its leading shape: indices (-1 where there are fewer than three points) and heights."""

    at: np.ndarray
    before: np.ndarray
    after: np.ndarray
    rise: np.ndarray
    fall: np.ndarray

    @property
    def height(self) -> np.ndarray:
        """The peak above the higher of the two minima beside it; NaN where there is no candidate."""
        return np.minimum(self.rise, self.fall)

    @property
    def exists(self) -> np.ndarray:
        """Whether the curve has a peak: it both rises to it and falls after it."""
        return self.height > SMALLEST_HEIGHT


def find_peaks(curves: np.ndarray) -> Peaks:
    """The best candidate for a peak of each curve [..., P]; NaN points are passed over.

    With rise(p) = curve[p] - min(curve[:p]) and fall(p) = curve[p] - min(curve[p + 1:]), it is the p that maximises
    min(rise, fall), the first of equals. `before` and `after` are the places of those minima. A curve without a peak
    has a candidate too, with a height of at most 0: the place where it comes nearest to having one.
    """
    filled = np.where(np.isnan(curves), np.inf, curves)
    edge = np.full_like(filled[..., :1], np.inf)
    lowest_before = np.concatenate([edge, np.minimum.accumulate(filled, axis=-1)[..., :-1]], axis=-1)
    lowest_after = np.concatenate([np.minimum.accumulate(filled[..., ::-1], axis=-1)[..., -2::-1], edge], axis=-1)
    rise, fall = curves - lowest_before, curves - lowest_after
    height = np.minimum(rise, fall)
    height = np.where(np.isnan(height), -np.inf, height)
    at = height.argmax(axis=-1)
    there = np.take_along_axis(height, at[..., None], axis=-1)[..., 0] > -np.inf
    place = np.arange(curves.shape[-1])
    before = np.where(place < at[..., None], filled, np.inf).argmin(axis=-1)
    after = np.where(place > at[..., None], filled, np.inf).argmin(axis=-1)
    at_peak = [np.take_along_axis(side, at[..., None], axis=-1)[..., 0] for side in (rise, fall)]
    return Peaks(
        *(np.where(there, index, -1) for index in (at, before, after)),
        *(np.where(there, side, np.nan) for side in at_peak),
    )


def largest_rise(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices (before, at) of the largest rise curve[at] - curve[before], before < at, of each curve [..., P].

    A curve that only falls has its smallest fall there. -1 where there are fewer than two points; NaN points are
    passed over.
    """
    filled = np.where(np.isnan(curves), np.inf, curves)
    edge = np.full_like(filled[..., :1], np.inf)
    lowest_before = np.concatenate([edge, np.minimum.accumulate(filled, axis=-1)[..., :-1]], axis=-1)
    rise = curves - lowest_before
    rise = np.where(np.isnan(rise), -np.inf, rise)
    at = rise.argmax(axis=-1)
    there = np.take_along_axis(rise, at[..., None], axis=-1)[..., 0] > -np.inf
    before = np.where(np.arange(curves.shape[-1]) < at[..., None], filled, np.inf).argmin(axis=-1)
    return np.where(there, before, -1), np.where(there, at, -1)
