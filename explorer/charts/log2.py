"""Axes in powers of two: batch sizes, learning rates, and what takes fewer and fewer steps."""

import math
from collections.abc import Iterable

import altair as alt

MOST_TICKS = 7
PADDING = 0.35  # doublings beyond the first and the last value


def axis(
    channel: alt.X | alt.Y, values: Iterable[float], *, grid: bool = True, room: float | None = None
) -> alt.X | alt.Y:
    """A logarithmic axis of base 2 around `values`, labelled at a few powers of two; fractions are written as 1/16. `room` is what its labels
    take, in pixels, where several views are to line up."""
    low, high = limits(values)
    scale = alt.Scale(type="log", base=2, domain=[low, high], nice=False, clamp=False)
    extent = {} if room is None else {"minExtent": room, "maxExtent": room}
    return channel.scale(scale).axis(
        alt.Axis(values=ticks(low, high), labelExpr=LABEL, grid=grid, labelOverlap=True, **extent)
    )


def limits(values: Iterable[float]) -> tuple[float, float]:
    """The ends of an axis that shows all of `values`, which are positive."""
    logs = [math.log2(value) for value in values]
    return 2 ** (min(logs) - PADDING), 2 ** (max(logs) + PADDING)


def ticks(low: float, high: float) -> list[float]:
    """Powers of two between two values, every second, third or further one where there are many."""
    powers = range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)
    step = max(1, -(-len(powers) // MOST_TICKS))
    return [2.0**power for power in powers if power % step == 0]


LABEL = (
    "datum.value >= 1e5 ? format(datum.value, '.2~s') : datum.value >= 1 ? format(datum.value, ',.0f')"
    " : '1/' + format(1 / datum.value, ',.0f')"
)
