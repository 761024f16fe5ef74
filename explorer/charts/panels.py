"""Small multiples: maps of one study side by side, on one colour scale, with one picked cell."""

import altair as alt
import pyarrow as pa

from explorer.charts import linked_map, names, signs, style
from explorer.results.generalization import Axes
from explorer.text import t

HEIGHT = 180


def draw(
    cells: pa.Table, axes: Axes, view: linked_map.View, limits: tuple[float, float], picked: tuple[int, int]
) -> style.Picture:
    """One small map from `cells` (x value and epoch under the study's names, value, seeds, diverged, state); `picked` is the (width, epoch)
    that is marked on every panel."""
    tables = {"cells": _indexed(cells, axes), "picked": place(picked, axes)}
    x, y = _axes(axes)
    marked, marked_tables = signs.draw(tables["cells"], x, y)
    shown = (
        style.named("cells")
        .transform_filter("datum.state === 'value'")
        .mark_rect(width=alt.RelativeBandSize(band=1.15), height=alt.RelativeBandSize(band=1.15))
        .encode(
            x=x, y=y, color=linked_map.colour(view, axes, "value", limits, legend=False), tooltip=_tooltip(axes, view)
        )
    )
    cell = style.named("picked").encode(x=x, y=y)
    look = {"fillOpacity": 0, "height": alt.RelativeBandSize(band=1.8), "tooltip": None}
    marks = [
        cell.mark_rect(stroke=colour, strokeWidth=width, **look) for colour, width in (("white", 4), ("black", 1.6))
    ]
    chart = style.layered(shown, *marked, *marks, height=HEIGHT)
    return style.Picture(style.fitted(chart), tables | marked_tables)


def _axes(axes: Axes) -> tuple[alt.X, alt.Y]:
    round_values = (1, 4, 16, 64, 256, 1024) if axes.x == "width" else (10, 100, 1000, 10_000)
    places = [place for place, width in enumerate(axes.widths) if width in round_values] or [0, len(axes.widths) - 1]
    labels = f"{style.javascript_list(axes.widths)}[datum.value]"
    bottom = alt.Axis(
        values=places,
        labelExpr=labels,
        labelAngle=0,
        title=names.x_title(axes),
        ticks=False,
        domain=False,
    )
    left = alt.Axis(
        values=[
            place
            for place, epoch in enumerate(axes.epochs)
            if place in linked_map.round_epochs(axes) and str(epoch)[0] in "19"
        ],
        labelExpr=f"{style.javascript_list([names.tick(epoch) for epoch in axes.epochs])}[datum.value]",
        title=names.clock_title(axes),
        ticks=False,
        domain=False,
    )
    return (
        alt.X("w:O", scale=alt.Scale(domain=list(range(len(axes.widths)))), axis=bottom),
        alt.Y("e:O", scale=alt.Scale(domain=list(range(len(axes.epochs)))[::-1]), axis=left),
    )


def _tooltip(axes: Axes, view: linked_map.View) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("width:Q", title=names.x_name(axes), format=","),
        alt.Tooltip("epoch:Q", title=names.clock_name(axes), format=","),
        alt.Tooltip("value:Q", title=t(f"generalization.measure.{view.measure}"), format=view.exact_format),
        alt.Tooltip("seeds:Q", title=t("generalization.map.tooltip.seeds")),
    ]


def _indexed(cells: pa.Table, axes: Axes) -> pa.Table:
    same = ["value", "seeds", "diverged", "state"]
    kept = cells.select([axes.x, axes.clock, *same]).rename_columns(["width", "epoch", *same])
    w, e = linked_map.indices(kept["width"], axes.widths), linked_map.indices(kept["epoch"], axes.epochs)
    return kept.append_column("w", w).append_column("e", e)


def place(picked: tuple[int, int], axes: Axes) -> pa.Table:
    """The one-row table "picked" of a (width, epoch)."""
    width, epoch = picked
    return pa.table(
        {"w": pa.array([axes.widths.index(width)], pa.int16()), "e": pa.array([axes.epochs.index(epoch)], pa.int16())}
    )
