"""Numbers from papers: hollow marks, never joined by a line, since nothing was measured between them."""

from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts.style import LABEL_SIZE, PUBLISHED, Picture, layered, named

SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right"]
ROW = 22  # pixels for one series of a strip
AXIS, GROUP_LEGEND, LEGEND_LINE = 84, 64, 22
TABLE = "published"
MARK = {"filled": False, "strokeWidth": 1.8, "opacity": 1}


def strip(
    rows: list[dict[str, Any]], *, value: str, series: str, group: str | None, rising: bool, hint: str
) -> Picture:
    """A row per series, best on top, its published values as hollow marks, with the stated spread where there is one.

    `rows` have series, y, spread, group, source; `value`, `series` and `group` are titles; `rising` says that larger is better.
    """
    best = {
        row["series"]: max((r["y"] if rising else -r["y"]) for r in rows if r["series"] == row["series"])
        for row in rows
    }
    order = sorted(best, key=best.get, reverse=True)
    x = alt.X("y:Q", title=value, scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(tickCount=6))
    y = alt.Y(
        "series:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelLimit=190, grid=True, labelFontSize=LABEL_SIZE, labelOverlap=False),
    )
    marks = (
        named(TABLE)
        .mark_point(size=70, color=PUBLISHED, **MARK)
        .encode(x=x, y=y, tooltip=_tooltip(series, value, hint))
    )
    if group is not None:
        marks = marks.encode(shape=_shape("group", group))
    layers = [marks]
    if any(row["spread"] is not None for row in rows):
        bars = named(TABLE).mark_rule(color=PUBLISHED, strokeWidth=1.2).transform_filter("isValid(datum.spread)")
        ends = {"low": "datum.y - datum.spread", "high": "datum.y + datum.spread"}
        layers.insert(
            0, bars.transform_calculate(**ends).encode(x=alt.X("low:Q", title=value), x2=alt.X2("high:Q"), y=y)
        )
    room = AXIS + (GROUP_LEGEND if group else 0)  # Streamlit counts axes and legends into the height
    return Picture(layered(*layers, height=ROW * len(order) + room), {TABLE: _table(rows)})


def scatter(
    rows: list[dict[str, Any]],
    *,
    x_title: str,
    y_title: str,
    series: str,
    x_log: bool,
    y_log: bool,
    hint: str,
    height: int = 260,
) -> Picture:
    """Published values against a number, a shape and a colour per series; `rows` have series, x, y, source."""
    order = list(dict.fromkeys(row["series"] for row in rows))
    legend = alt.Legend(orient="bottom", columns=1, labelLimit=320, title=None, symbolStrokeWidth=1.8)
    shapes = alt.Scale(domain=order, range=SHAPES[: len(order)])
    marks = named(TABLE).mark_point(size=60, **MARK)
    marks = marks.encode(
        x=_axis(alt.X("x:Q", title=x_title), [row["x"] for row in rows], x_log, grid=False),
        y=_axis(alt.Y("y:Q", title=y_title), [row["y"] for row in rows], y_log, grid=True),
        color=alt.Color("series:N", sort=order, legend=legend),
        shape=alt.Shape("series:N", sort=order, scale=shapes, legend=legend),
        tooltip=[alt.Tooltip("x:Q", title=x_title), *_tooltip(series, y_title, hint)],
    )
    return Picture(marks.properties(height=height + LEGEND_LINE * len(order)), {TABLE: _table(rows)})


def _axis(channel: alt.X | alt.Y, values: list[float], log: bool, grid: bool) -> alt.X | alt.Y:
    # thousands as "10k", but a rate of one sixteenth as 0.063 and not as "63m"
    style = "~s" if max(values) >= 10_000 else "~g"
    label = f"format(datum.value, '{style}')"  # as `format` of the axis, a logarithmic scale would round 20 to "2e+1"
    if not log:
        scale = alt.Scale(zero=False, nice=True, padding=8)
        return channel.scale(scale).axis(alt.Axis(grid=grid, labelOverlap=True, tickCount=6, labelExpr=label))
    powers = [10.0**power for power in range(-4, 7) if min(values) <= 10.0**power <= max(values)]
    ticks = (
        powers
        if len(powers) > 2
        else [low * step for low in powers or [min(values)] for step in (0.2, 0.5, 1, 2, 5, 10)]
    )
    scale = alt.Scale(type="log", nice=False, padding=12)
    return channel.scale(scale).axis(alt.Axis(grid=grid, labelOverlap=True, values=ticks, labelExpr=label))


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    names = ("series", "x", "y", "spread", "group", "source")
    kinds = {"x": pa.float32(), "y": pa.float32(), "spread": pa.float32()}
    return pa.table({name: pa.array([row.get(name) for row in rows], kinds.get(name, pa.string())) for name in names})


def _shape(field: str, title: str) -> alt.Shape:
    legend = alt.Legend(orient="bottom", columns=2, title=title, titleLimit=0, labelLimit=200, symbolStrokeWidth=1.8)
    return alt.Shape(f"{field}:N", scale=alt.Scale(range=SHAPES), legend=legend)


def _tooltip(series: str, value: str, hint: str) -> list[alt.Tooltip]:
    return [alt.Tooltip("series:N", title=series), alt.Tooltip("y:Q", title=value), alt.Tooltip("source:N", title=hint)]
