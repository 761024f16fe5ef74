"""Error against learning rate or batch size, a colour and a shape for each normalization, every seed a dot; and below it, cell by cell, the
rates that train or the map of mean errors.

A run that diverged has no mark on the error axis and is in no mean: it is counted in the cell of its network.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pyarrow as pa

from explorer import format
from explorer.charts import gaps, log2, normalizations, own_marks, style
from explorer.text import t

HEIGHT, ROW, ROOM = 330, 26, 104
"""Pixels; ROOM is for the labels of both ordinates, so that the views line up."""
CELL = 2**0.5
"""A cell reaches this factor to both sides of its learning rate; sizes have the same place."""
STEP = 0.05
STAR = "★"


def usable_rates(
    dots: Sequence[Mapping[str, Any]],
    means: Sequence[Mapping[str, Any]],
    cells: Sequence[Mapping[str, Any]],
    stars: Sequence[Mapping[str, Any]],
    y_title: str,
    *,
    own: Sequence[Mapping[str, Any]] = (),
    height: int = HEIGHT,
    legend_columns: int = normalizations.COLUMNS,
) -> style.Picture:
    """`dots`: norm, x (the learning rate), error (fraction), seed, href. `means`: norm, x, mean, low, high (None under three seeds). `cells`:
    norm, x, good, judged, runs, diverged, href. `stars`, of the rate that is a norm's own: norm, x, error. `own` are one's own runs, drawn
    hollow: norm, x, error, difference (points, None without a published run), seed, href. `height` is of the errors, in pixels; a wide
    picture has room for more `legend_columns` than a phone.

    A cell says how many of its seeds are within two points of their best, and a cross counts those that diverged; it is filled where all are,
    outlined where some are.
    """
    norms = normalizations.in_order(row["norm"] for row in [*dots, *cells])
    rates = [row["x"] for row in [*dots, *cells]]
    tables = {"cells": _usable(cells)}
    top = _errors(dots, means, stars, own, norms, legend_columns, t("batch_norm.axis.rate"), rates, y_title, tables)
    top.height = height
    base = _cells(norms)
    middle, left = (_along(field, t("batch_norm.axis.usable"), rates, labels=False) for field in ("x", "from"))
    tooltip = [
        alt.Tooltip("name:N", title=t("batch_norm.axis.norm")),
        alt.Tooltip("rate:N", title=t("batch_norm.axis.rate")),
        alt.Tooltip("good:Q", title=t("batch_norm.axis.good")),
        alt.Tooltip("judged:Q", title=t("batch_norm.axis.judged")),
        alt.Tooltip("diverged:Q", title=t("site.status.diverged")),
    ]
    colour = normalizations.colour(norms, normalizations.key(legend_columns))
    place = base.encode(x=left, x2=alt.X2("to:Q"), href=alt.Href("href:N"), tooltip=tooltip)
    words = base.encode(x=middle, text=alt.Text("label:N"), href=alt.Href("href:N"), tooltip=tooltip)
    every, some, look = "datum.state == 'all'", "datum.state == 'some'", {"cursor": "pointer", "clip": True}
    text = {"fontSize": 10, "cursor": "pointer"}
    layers = [
        place.mark_rect(fillOpacity=0, stroke=style.NEUTRAL, strokeOpacity=0.35, **look),
        place.transform_filter(every).mark_rect(stroke=style.NEUTRAL, strokeOpacity=0.35, **look).encode(color=colour),
        place.transform_filter(some).mark_rect(filled=False, strokeWidth=2, **look).encode(color=colour),
        # A number, and a cross: neither what trains nor what failed is told by colour alone. Black is read on each of the colours, grey on
        # the ground of either theme.
        words.transform_filter(every).mark_text(color="black", **text),
        words.transform_filter(f"!({every}) && datum.diverged == 0").mark_text(color=style.NEUTRAL, **text),
        words.transform_filter("datum.diverged > 0").mark_text(fontWeight="bold", color=style.ACCENT, **text),
    ]
    bottom = style.layered(*layers, height=ROW * len(norms), width="container")
    return style.Picture(style.fitted(style.stacked(top, bottom, spacing=8)), tables)


def over_sizes(
    dots: Sequence[Mapping[str, Any]],
    means: Sequence[Mapping[str, Any]],
    cells: Sequence[Mapping[str, Any]],
    y_title: str,
    *,
    own: Sequence[Mapping[str, Any]] = (),
    height: int = HEIGHT,
    legend_columns: int = normalizations.COLUMNS,
) -> style.Picture:
    """As `usable_rates` with the batch size as x, and under it the map of the mean errors. `cells` have mean too, None where a seed
    diverged: such a cell has no colour and a cross with the number of seeds."""
    norms = normalizations.in_order(row["norm"] for row in [*dots, *cells])
    sizes = [row["x"] for row in [*dots, *cells]]
    tables = {"cells": _map_cells(cells)}
    top = _errors(dots, means, [], own, norms, legend_columns, t("batch_norm.axis.batch_size"), sizes, y_title, tables)
    top.height = height
    base = _cells(norms)
    middle, left = (_along(field, t("batch_norm.axis.map"), sizes, labels=False) for field in ("x", "from"))
    values = [row["mean"] for row in cells if row["mean"] is not None] or [0.0, 1.0]
    colour = alt.Color(
        "mean:Q",
        scale=alt.Scale(scheme=style.ERROR_SCHEME, domain=[min(values), max(values)]),
        legend=alt.Legend(
            orient="bottom", title=y_title, format=".0%", gradientLength=180, tickCount=4, titleLimit=300
        ),
    )
    tooltip = [
        alt.Tooltip("name:N", title=t("batch_norm.axis.norm")),
        alt.Tooltip("size:N", title=t("batch_norm.axis.batch_size")),
        alt.Tooltip("mean:Q", title=y_title, format=".1%"),
        alt.Tooltip("diverged:Q", title=t("site.status.diverged")),
    ]
    place = base.encode(x=left, x2=alt.X2("to:Q"), href=alt.Href("href:N"), tooltip=tooltip)
    words = base.encode(x=middle, text=alt.Text("label:N"), href=alt.Href("href:N"), tooltip=tooltip)
    # Black or white, whichever stands off from the colour under it.
    ink = alt.condition(f"datum.mean > {(min(values) + max(values)) / 2}", alt.value("black"), alt.value("white"))
    layers = [
        place.transform_filter("isValid(datum.mean)").mark_rect(cursor="pointer", clip=True).encode(color=colour),
        place.transform_filter("!isValid(datum.mean)").mark_rect(
            cursor="pointer", clip=True, fillOpacity=0, stroke=style.NEUTRAL, strokeDash=[2, 2], strokeOpacity=0.6
        ),
        words.transform_filter("isValid(datum.mean)").mark_text(fontSize=11, cursor="pointer").encode(color=ink),
        words.transform_filter("!isValid(datum.mean)").mark_text(
            fontSize=11, fontWeight="bold", color=style.ACCENT, cursor="pointer"
        ),
    ]
    bottom = style.layered(*layers, height=ROW * len(norms), width="container")
    chart = style.stacked(top, bottom, spacing=8, resolve={"scale": {"color": "independent", "shape": "independent"}})
    return style.Picture(style.fitted(chart), tables)


def _errors(
    dots: Sequence[Mapping[str, Any]],
    means: Sequence[Mapping[str, Any]],
    stars: Sequence[Mapping[str, Any]],
    own: Sequence[Mapping[str, Any]],
    norms: list[str],
    legend_columns: int,
    x_title: str,
    places: Sequence[float],
    title: str,
    tables: dict[str, pa.Table],
) -> style.Layers:
    x = _along("x", x_title, places, labels=True)
    tables["dots"] = _dots(dots)
    tables["means"] = _means(means, norms, sorted({row["x"] for row in [*dots, *means]}))
    errors = [row["error"] for row in (*dots, *own)]
    errors += [row[end] for row in means for end in ("low", "high") if row[end] is not None]
    low, high = (max(0.0, min(errors)), min(1.0, max(errors))) if errors else (0.0, 1.0)
    domain = [max(0.0, STEP * math.floor(low / STEP - 0.2)), min(1.0, STEP * math.ceil(high / STEP + 0.2))]
    scale = alt.Scale(domain=domain, nice=False)
    axis = alt.Axis(format=".0%", tickCount=6, minExtent=ROOM, maxExtent=ROOM)
    # The scale goes with every field: an area would draw zero into the axis.
    y, mean, lower = (alt.Y(f"{field}:Q", title=title, scale=scale, axis=axis) for field in ("error", "mean", "low"))
    colour, shape = normalizations.channels(norms, legend_columns)
    layers: list[alt.Chart] = []
    if any(row["low"] is not None for row in means):
        band = style.named("means").mark_area(opacity=0.14, clip=True)  # breaks where there is no interval
        layers.append(band.encode(x=x, y=lower, y2=alt.Y2("high:Q"), color=colour))
    for dash, mine in normalizations.by_dash(norms):
        line = style.named("means").transform_filter(mine).mark_line(strokeWidth=2.2, strokeDash=dash, clip=True)
        layers.append(line.encode(x=x, y=mean, color=colour))
    tooltip = [
        alt.Tooltip("name:N", title=t("batch_norm.axis.norm")),
        alt.Tooltip("place:N", title=x_title),
        alt.Tooltip("error:Q", title=title, format=".2%"),
        alt.Tooltip("seed:Q", title=t("site.seed")),
    ]
    marks = style.named("dots").mark_point(filled=True, size=48, opacity=0.85, clip=True, cursor="pointer")
    layers.append(marks.encode(x=x, y=y, color=colour, shape=shape, href=alt.Href("href:N"), tooltip=tooltip))
    if own:
        tables[own_marks.TABLE] = _dots(own).append_column(
            "difference", pa.array([row["difference"] for row in own], pa.float32())
        )
        hollow = own_marks.hollow(style.named(own_marks.TABLE), cursor="pointer")
        told = [*tooltip[:2], *own_marks.tooltip("error", title, ".2%")]
        layers.append(hollow.encode(x=x, y=y, color=colour, shape=shape, href=alt.Href("href:N"), tooltip=told))
    if stars:
        tables["stars"] = pa.table(
            {
                "name": pa.array([normalizations.name(row["norm"]) for row in stars], pa.string()),
                "x": pa.array([row["x"] for row in stars], pa.float64()),
                "error": pa.array([row["error"] for row in stars], pa.float32()),
            }
        )
        # Above the mean, which dots lie over.
        star = style.named("stars").mark_text(text=STAR, fontSize=18, dy=-16, clip=True)
        layers.append(star.encode(x=x, y=y, color=colour))
    return style.layered(*layers, width="container")


def _along(field: str, title: str, places: Sequence[float], labels: bool) -> alt.X:
    """The abscissa, on which the first and the last cell are whole. That of the cells has the labels of the picture above."""
    ends = [min(places) / CELL, max(places) * CELL]
    scale = alt.Scale(type="log", base=2, domain=ends, nice=False)
    if not labels:
        axis = alt.Axis(labels=False, ticks=False, domain=False, grid=False)
    else:
        axis = alt.Axis(values=log2.ticks(*ends), labelExpr=log2.LABEL, grid=False, labelOverlap=True)
    return alt.X(f"{field}:Q", title=title, scale=scale, axis=axis)


def _cells(norms: list[str]) -> alt.Chart:
    names = [normalizations.name(norm) for norm in norms]
    axis = alt.Axis(minExtent=ROOM, maxExtent=ROOM, ticks=False, domain=False, labelLimit=ROOM - 6, grid=False, labelOverlap=False)  # fmt: skip
    return style.named("cells").encode(y=alt.Y("name:N", sort=names, scale=alt.Scale(domain=names), title=None, axis=axis))  # fmt: skip


def _dots(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.table(
        {
            "name": pa.array([normalizations.name(row["norm"]) for row in rows], pa.string()),
            "x": pa.array([row["x"] for row in rows], pa.float64()),
            "place": pa.array([format.rate(row["x"]) for row in rows], pa.string()),
            "error": pa.array([row["error"] for row in rows], pa.float32()),
            "seed": pa.array([row["seed"] for row in rows], pa.int16()),
            "href": pa.array([row["href"] for row in rows], pa.string()),
        }
    )


def _means(rows: Sequence[Mapping[str, Any]], norms: list[str], places: list[float]) -> pa.Table:
    """With a row without a value wherever a norm has no mean, so that its line breaks there."""
    ends = ("mean", "low", "high")
    found = gaps.at_places(rows, ("norm", "x"), itertools.product(norms, places), ends)
    return pa.table(
        {
            "name": pa.array([normalizations.name(row["norm"]) for row in found], pa.string()),
            "x": pa.array([row["x"] for row in found], pa.float64()),
            **{end: pa.array([row[end] for row in found], pa.float32()) for end in ends},
        }
    )


def _places(rows: Sequence[Mapping[str, Any]]) -> dict[str, pa.Array]:
    return {
        "name": pa.array([normalizations.name(row["norm"]) for row in rows], pa.string()),
        "x": pa.array([row["x"] for row in rows], pa.float64()),
        "from": pa.array([row["x"] / CELL for row in rows], pa.float64()),
        "to": pa.array([row["x"] * CELL for row in rows], pa.float64()),
        "diverged": pa.array([row["diverged"] for row in rows], pa.int16()),
        "href": pa.array([row["href"] for row in rows], pa.string()),
    }


def _usable(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.table(
        _places(rows)
        | {
            "rate": pa.array([format.rate(row["x"]) for row in rows], pa.string()),
            "good": pa.array([row["good"] for row in rows], pa.int16()),
            "judged": pa.array([row["judged"] for row in rows], pa.int16()),
            "state": pa.array([usable_state(row) for row in rows], pa.string()),
            "label": pa.array([usable_label(row) for row in rows], pa.string()),
        }
    )


def _map_cells(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.table(
        _places(rows)
        | {
            "size": pa.array([f"{row['x']:,.0f}" for row in rows], pa.string()),
            "mean": pa.array([row["mean"] for row in rows], pa.float32()),
            "label": pa.array([map_label(row) for row in rows], pa.string()),
        }
    )


def usable_state(row: Mapping[str, Any]) -> str:
    """all where every run is within two points of its best, some, or none."""
    return "none" if not row["good"] else "all" if row["good"] == row["runs"] else "some"


def usable_label(row: Mapping[str, Any]) -> str:
    """Seeds within two points of their best, of how many; with a cross those that diverged: "3/3", "✕3"."""
    if row["diverged"]:
        return (
            f"✕{row['diverged']}"
            if row["diverged"] == row["runs"] or not row["good"]
            else f"{row['good']}✕{row['diverged']}"
        )
    return f"{row['good']}/{row['judged']}" if row["judged"] else "–"


def map_label(row: Mapping[str, Any]) -> str:
    """The mean error in percent, or how many seeds diverged."""
    return f"{100 * row['mean']:.1f}" if row["mean"] is not None else f"✕{row['diverged']}/{row['runs']}"
