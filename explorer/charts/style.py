"""What every chart shares: one fixed colour per thing, the scales for errors and differences, and how a composed chart fits its page.

The colours are read on a white and on a near-black ground; text and axes take the colours of the page's own theme.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import altair as alt
import pyarrow as pa

from explorer import format
from explorer.text import t

# Seven categorical colours at most, one fixed colour per thing on all pages; train shares the hue of test and is dashed.
MEASURED = "#3d85c6"
PUBLISHED = "#8e7cc3"
ACCENT = "#d9730d"
NEUTRAL = "#8a8f98"
ARCHITECTURES = {"plain": ACCENT, "residual": MEASURED}  # with the shapes below
ARCHITECTURE_SHAPES = {"plain": "square", "residual": "circle"}

ERROR_SCHEME = "viridis"  # high error is yellow, as in the papers
DIFFERENCE_RANGE = ["#2166ac", "#f7f7f7", "#e08214"]  # blue, white at zero, orange

DASH = [5, 3]
LABEL_SIZE = 11
# Every y axis in one composed chart takes the same room, so that its views line up column by column.
AXIS_ROOM = 46


class Look(NamedTuple):
    """How one curve among a few is told apart: its colour, and beside it a shape and a dash."""

    colour: str
    shape: str = "circle"
    dash: tuple[int, ...] = (1, 0)


NOISES = {
    0.0: Look("#009e73", "triangle-up", (2, 2)),
    0.1: Look("#d55e00", "square", tuple(DASH)),
    0.2: Look(MEASURED),
}
"""By label noise."""
OTHER_NOISE = Look(NEUTRAL, "diamond", (8, 3, 2, 3))


class Picture(NamedTuple):
    """A chart that refers to its data by name, and the tables of those names. Composing a large chart costs hundreds of milliseconds, so
    that its specification is worth keeping; the tables go beside it as Arrow."""

    chart: alt.TopLevelMixin
    tables: dict[str, pa.Table]

    def specification(self) -> dict[str, Any]:
        """What `st.vega_lite_chart` draws. Marks carry no labels of their own for screen readers: the chart has one, and a table beside it."""
        # Canvas: a step of the play-through redraws two views, which takes it half the time of an SVG.
        specification = self.chart.to_dict(validate=False)
        specification["config"] = specification.get("config", {}) | {"aria": False}
        specification["usermeta"] = {"embedOptions": {"renderer": "canvas"}}
        # Held against the schema of Vega-Lite by the tests: a quarter of a first view would go into it.
        return {**specification, "datasets": dict(self.tables)}


LOG_LABEL = (
    "datum.value >= 1e5 || (datum.value > 0 && datum.value < 1e-3)"
    " ? replace(format(datum.value, '.0e'), '+', '') : format(datum.value, '~g')"
)
"""What stands at a tick of an axis over many decades: 0.01, 300, 1e5, 1e-4. As `format`, ~g would write 40 as 4e+1 and 10^10 with all its zeros."""


def named(name: str) -> alt.Chart:
    """A chart on a table that a Picture carries under this name. To be encoded with channels (`alt.X2("high:Q")`, `alt.XValue(0)`) and not
    with bare strings and values, for each of which Altair looks through all of its classes: a fifth of the time of a first view."""
    return alt.Chart(alt.NamedData(name=name))


class Layers(alt.TopLevelMixin, alt.TopLevelLayerSpec):
    """Views one over the other."""


class Stack(alt.TopLevelMixin, alt.TopLevelVConcatSpec):
    """Views one below the other."""


class SideBySide(alt.TopLevelMixin, alt.TopLevelHConcatSpec):
    """Views one beside the other."""


def layered(*views: alt.TopLevelMixin, **properties: Any) -> Layers:
    """What `alt.layer` draws, of views that refer to their data by name; `properties` (height, title, resolve, …) are those of the composed
    specification of Vega-Lite.

    Altair's own functions lift what the views share to the top. They copy every view in depth several times over for it, again for each
    later property, and again for the specification: a third of the time of a first view.
    """
    return Layers(layer=list(views), **properties)


def stacked(*views: alt.TopLevelMixin, **properties: Any) -> Stack:
    """What `alt.vconcat` draws; see `layered`."""
    return Stack(vconcat=list(views), **properties)


def side_by_side(*views: alt.TopLevelMixin, **properties: Any) -> SideBySide:
    """What `alt.hconcat` draws; see `layered`."""
    return SideBySide(hconcat=list(views), **properties)


def fitted(chart: alt.TopLevelMixin) -> alt.TopLevelMixin:
    """Makes a composed chart as wide as its place: without it, layers inside a `vconcat` overflow on a phone. Changes `chart` itself."""
    chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    return chart


def band_named(rows: pa.Table) -> alt.TitleParams:
    """What the bands of a chart are, as a line over it: `rows` have n, the seeds of each mean."""
    words = t("generalization.curve.band", seeds=format.seeds(*rows["n"].to_pylist()))
    look = {"anchor": "start", "fontSize": LABEL_SIZE, "fontWeight": "normal", "color": NEUTRAL}
    return alt.TitleParams(text=words, **look)


def javascript_list(values: Sequence[object]) -> str:
    """A list literal for a Vega expression: numbers as they are, texts quoted, lists within lists."""
    return "[" + ", ".join(javascript_list(v) if isinstance(v, list | tuple) else _literal(v) for v in values) + "]"


def _literal(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def short_number(n: int) -> str:
    """A count with three digits at most: 805, 1.6k, 11.9k, 814k, 2.8M."""
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if n >= limit:
            return f"{n / limit:.3g}{unit}"
    return str(n)


# Sizes that a specification states itself, in pixels; what it leaves to the theme is set here.
_SIZES = ("fontsize", "lineheight", "extent", "titlelimit", "labellimit", "gradientlength", "gradientthickness")
_THEME_SIZES = {
    "axis": {"labelFontSize": 12, "titleFontSize": 12},
    "legend": {"labelFontSize": 12, "titleFontSize": 12},
    "header": {"labelFontSize": 12, "titleFontSize": 12},
    "title": {"fontSize": 14},
    "text": {"fontSize": 12},
}


def enlarged(specification: dict[str, Any], factor: float) -> dict[str, Any]:
    """A copy of a specification with all letters, and the room made for them, `factor` times as large; its data tables are shared."""
    config = dict(specification.get("config", {}))
    for name, sizes in _THEME_SIZES.items():
        config[name] = sizes | config.get(name, {})
    grown = _grown(
        {key: value for key, value in specification.items() if key != "datasets"} | {"config": config}, factor
    )
    return {**grown, "datasets": specification["datasets"]} if "datasets" in specification else grown


def _grown(part: Any, factor: float) -> Any:
    if isinstance(part, list):
        return [_grown(each, factor) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        key: round(value * factor, 1)
        if isinstance(value, int | float) and key.lower().endswith(_SIZES)
        else _grown(value, factor)
        for key, value in part.items()
    }
