"""Small multiples: the same map at each label noise, on one colour scale, with one picked cell."""

import altair as alt
import pyarrow as pa

from explorer.charts import linked_map, style
from explorer.results.generalization import Axes
from explorer.text import t

HEIGHT = 180


def draw(
    cells: pa.Table, axes: Axes, view: linked_map.View, limits: tuple[float, float], picked: tuple[int, int]
) -> style.Picture:
    """One small map from `cells` (width, epoch, value, seeds); `picked` is the (width, epoch) that is marked on every panel."""
    tables = {"cells": _indexed(cells, axes), "picked": place(picked, axes)}
    x, y = _axes(axes)
    shown = (
        style.named("cells")
        .mark_rect(width=alt.RelativeBandSize(band=1.15), height=alt.RelativeBandSize(band=1.15))
        .encode(x=x, y=y, color=linked_map.colour(view, "value", limits, legend=False), tooltip=_tooltip(view))
    )
    cell = style.named("picked").encode(x=x, y=y)
    look = {"fillOpacity": 0, "height": alt.RelativeBandSize(band=1.8), "tooltip": None}
    marks = [
        cell.mark_rect(stroke=colour, strokeWidth=width, **look) for colour, width in (("white", 4), ("black", 1.6))
    ]
    # What was not run shows the ground, which no colour of the scale is.
    return style.Picture(style.fitted(alt.layer(shown, *marks).properties(height=HEIGHT)), tables)


def _axes(axes: Axes) -> tuple[alt.X, alt.Y]:
    places = [place for place, width in enumerate(axes.widths) if width in (1, 4, 16, 64, 256, 1024)] or None
    labels = f"{style.javascript_list(axes.widths)}[datum.value]"
    bottom = alt.Axis(
        values=places,
        labelExpr=labels,
        labelAngle=0,
        title=t("generalization.map.width_only"),
        ticks=False,
        domain=False,
    )
    left = alt.Axis(
        values=[
            place
            for place, epoch in enumerate(axes.epochs)
            if place in linked_map.round_epochs(axes) and str(epoch)[0] in "19"
        ],
        labelExpr=f"format({style.javascript_list(axes.epochs)}[datum.value], ',')",
        title=t("generalization.map.epoch_title"),
        ticks=False,
        domain=False,
    )
    return (
        alt.X("w:O", scale=alt.Scale(domain=list(range(len(axes.widths)))), axis=bottom),
        alt.Y("e:O", scale=alt.Scale(domain=list(range(len(axes.epochs)))[::-1]), axis=left),
    )


def _tooltip(view: linked_map.View) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("width:Q", title=t("generalization.map.tooltip.width"), format=","),
        alt.Tooltip("epoch:Q", title=t("generalization.map.tooltip.epoch"), format=","),
        alt.Tooltip("value:Q", title=t(f"generalization.measure.{view.measure}"), format=view.exact_format),
        alt.Tooltip("seeds:Q", title=t("generalization.map.tooltip.seeds")),
    ]


def _indexed(cells: pa.Table, axes: Axes) -> pa.Table:
    w = pa.array([axes.widths.index(width) for width in cells["width"].to_pylist()], pa.int16())
    e = pa.array([axes.epochs.index(epoch) for epoch in cells["epoch"].to_pylist()], pa.int16())
    kept = cells.select(["width", "epoch", "value", "seeds"])
    return kept.append_column("w", w).append_column("e", e)


def place(picked: tuple[int, int], axes: Axes) -> pa.Table:
    """The one-row table "picked" of a (width, epoch)."""
    width, epoch = picked
    return pa.table(
        {"w": pa.array([axes.widths.index(width)], pa.int16()), "e": pa.array([axes.epochs.index(epoch)], pa.int16())}
    )
