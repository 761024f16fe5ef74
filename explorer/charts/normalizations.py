"""The normalizations on every picture: one name, colour, shape and dash each. Those that belong together share a hue and differ in shape and
dash, so that four hues stand side by side; the name is always written beside."""

from collections.abc import Iterable
from typing import NamedTuple

import altair as alt

from explorer.charts import style
from explorer.results.batch_norm import NORMS
from explorer.text import has, t


class Look(NamedTuple):
    """How one normalization is drawn."""

    colour: str
    shape: str
    dash: list[int]


GREEN, PURPLE = "#2a8f6d", "#b5538b"
LOOKS = {
    "none": Look(style.ACCENT, "square", [1, 0]),
    "noise": Look(style.ACCENT, "triangle-down", [2, 3]),
    "batch": Look(style.MEASURED, "circle", [1, 0]),
    "noisy_batch": Look(style.MEASURED, "diamond", [6, 3]),
    "layer": Look(GREEN, "triangle-up", [1, 0]),
    "group": Look(GREEN, "triangle-right", [6, 3]),
    "l1": Look(PURPLE, "cross", [1, 0]),
    "linf": Look(PURPLE, "triangle-left", [6, 3]),
}
COLUMNS = 2
OTHER = Look(style.NEUTRAL, "circle", [2, 2])


def name(norm: str) -> str:
    """A normalization in words; one that is newer than the texts stands for itself."""
    key = f"batch_norm.norm.{norm}"
    return t(key) if has(key) else norm.replace("_", " ")


def in_order(norms: Iterable[str]) -> list[str]:
    """Codes in their fixed order, each once."""
    found = set(norms)
    return [norm for norm in NORMS if norm in found] + sorted(found - set(NORMS))


def colour(norms: list[str], legend: alt.Legend | None) -> alt.Color:
    """The colour of the column `name`, for the norms shown."""
    return alt.Color("name:N", scale=_scale(norms, [LOOKS.get(norm, OTHER).colour for norm in norms]), legend=legend)


def shape(norms: list[str], legend: alt.Legend | None) -> alt.Shape:
    """The shape of the column `name`."""
    return alt.Shape("name:N", scale=_scale(norms, [LOOKS.get(norm, OTHER).shape for norm in norms]), legend=legend)


def by_dash(norms: list[str]) -> list[tuple[list[int], str]]:
    """Each dash and the filter of its norms' rows, for a layer of lines each: as an encoding, a dash would take the shapes out of the legend."""
    dashes: dict[tuple[int, ...], list[str]] = {}
    for norm in norms:
        dashes.setdefault(tuple(LOOKS.get(norm, OTHER).dash), []).append(name(norm))
    return [(list(dash), f"indexof({style.javascript_list(names)}, datum.name) >= 0") for dash, names in dashes.items()]


def channels(norms: list[str], columns: int = COLUMNS) -> tuple[alt.Color, alt.Shape]:
    """Colour and shape, under one legend above the picture."""
    legend = key(columns)
    return colour(norms, legend), shape(norms, legend)


def key(columns: int = COLUMNS) -> alt.Legend:
    """The legend above a picture: marks with their names, as many in a row as a phone has room for unless told otherwise."""
    return alt.Legend(
        orient="top",
        direction="horizontal",
        columns=columns,
        title=None,
        labelLimit=200,
        symbolOpacity=1,
        symbolSize=90,
    )


def _scale(norms: list[str], values: list) -> alt.Scale:
    return alt.Scale(domain=[name(norm) for norm in norms], range=values)
