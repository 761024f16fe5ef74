"""Learning rates of a sweep over batch sizes or momenta: the best one at each size, and a map of all of them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import altair as alt
import pyarrow as pa

from explorer import format
from explorer.charts import log2, style
from explorer.charts.scaling import CROSS
from explorer.text import t

GUIDES = {"linear": 1.0, "square_root": 0.5}
DASHES = {"linear": [6, 3], "square_root": [2, 3]}
HEIGHT, ROW, FRAME, UPPER = 320, 24, 150, 130
LEGEND = {"orient": "top", "values": [1, 2, 4]}
STAR = "M0,-1L0.23,-0.31L0.95,-0.31L0.36,0.12L0.59,0.81L0,0.38L-0.59,0.81L-0.36,0.12L-0.95,-0.31L-0.23,-0.31Z"


def best(
    seeds: Sequence[Mapping[str, Any]], chosen: Sequence[Mapping[str, Any]], colour: str, shape: str
) -> style.Picture:
    """The best learning rate against batch size, both log2. `seeds` have batch_size, seed, lr, url: each seed's own best; `chosen` have
    batch_size and best_lr: that of all seeds, joined by a line, which breaks where best_lr is None. Guides of linear and square-root scaling
    start at the first of them."""
    sizes = [row["batch_size"] for row in seeds]
    found = [row for row in chosen if row["best_lr"] is not None]
    guides = _guides(found, min(sizes), max(sizes))
    values = [row["lr"] for row in seeds] + [row["best_lr"] for row in found]
    low, high = log2.limits(values)
    x = log2.axis(alt.X("batch_size:Q", title=t("batch_size.axis.batch_size")), sizes, grid=False)
    y = log2.axis(alt.Y("lr:Q", title=t("batch_size.axis.rate")), [low, high])
    words = {code: t(f"batch_size.rates.guide.{code}") for code in GUIDES}
    dash = alt.StrokeDash(
        "guide:N",
        scale=alt.Scale(domain=list(words.values()), range=list(DASHES.values())),
        legend=alt.Legend(orient="top", title=None, symbolType="stroke", symbolSize=400, symbolStrokeWidth=2, labelLimit=300),
    )  # fmt: skip
    tables = {
        "guides": pa.table(
            {
                "batch_size": pa.array([row["batch_size"] for row in guides], pa.float64()),
                "lr": pa.array([row["lr"] for row in guides], pa.float64()),
                "guide": pa.array([words[row["guide"]] for row in guides], pa.string()),
            }
        ),
        "chosen": pa.table(
            {
                "batch_size": pa.array([row["batch_size"] for row in chosen], pa.int32()),
                "lr": pa.array([row["best_lr"] for row in chosen], pa.float64()),
            }
        ),
        "seeds": _seeds(seeds),
    }
    line = style.named("chosen").mark_line(color=colour, strokeWidth=2.2)
    tooltip = [
        alt.Tooltip("batch_size:Q", title=t("batch_size.axis.batch_size"), format=","),
        alt.Tooltip("rate:N", title=t("batch_size.axis.rate")),
        alt.Tooltip("seed:Q", title=t("site.seed")),
    ]
    dots = style.named("seeds").mark_point(filled=True, size=46, opacity=0.75, color=colour, shape=shape, cursor="pointer")  # fmt: skip
    guide = style.named("guides").mark_line(color=style.NEUTRAL, strokeWidth=1.8, clip=True)
    layers = [
        guide.encode(x=x, y=y, strokeDash=dash),
        line.encode(x=x, y=y),
        dots.encode(x=x, y=y, href=alt.Href("url:N"), tooltip=tooltip),
    ]
    return style.Picture(style.fitted(style.layered(*layers, height=HEIGHT)), tables)


def _guides(chosen: Sequence[Mapping[str, Any]], smallest: int, largest: int) -> list[dict[str, Any]]:
    if not chosen:
        return []
    first = chosen[0]
    return [
        {"batch_size": size, "lr": first["best_lr"] * (size / first["batch_size"]) ** exponent, "guide": code}
        for code, exponent in GUIDES.items()
        for size in (smallest, largest)
    ]


def _seeds(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.table(
        {
            "batch_size": pa.array([row["batch_size"] for row in rows], pa.int32()),
            "lr": pa.array([row["lr"] for row in rows], pa.float64()),
            "rate": pa.array([format.rate(row["lr"]) for row in rows], pa.string()),
            "seed": pa.array([row["seed"] for row in rows], pa.int16()),
            "url": pa.array([row["url"] for row in rows], pa.string()),
        }
    )


def tried(cells: Sequence[Mapping[str, Any]]) -> style.Picture:
    """Every learning rate at every batch size. `cells` have batch_size, lr, runs, reached, not_reached, diverged, steps, ratio, best, url.

    Colour is the steps over those of the best rate of that size, where all seeds reached; a cell that some did not reach says how many
    did, and has a cross where one diverged. A star is the best rate; the ground is what was not tried.
    """
    legend = alt.Legend(**LEGEND, title=t("batch_size.map.legend"), titleLimit=400, gradientLength=180)
    chart, table = _map(cells, "batch_size", t("batch_size.axis.batch_size"), ",", legend)
    return style.Picture(style.fitted(chart), {"cells": table})


def with_momentum(
    cells: Sequence[Mapping[str, Any]],
    changes: Sequence[Mapping[str, Any]],
    seeds: Sequence[Mapping[str, Any]],
    tried: Collection[float],
    limits: tuple[float, float],
) -> style.Picture:
    """Every learning rate with every momentum at one batch size, and above it the steps with each momentum over those without.

    `cells` are as in `tried`, with momentum in the place of batch_size; their ratio is to the fewest steps of the map. `changes` have
    momentum, ratio, and low and high (None under three seeds); `seeds` momentum, seed, ratio and url. The maps of all batch sizes share
    their rows, the rates `tried` at any of them, and the `limits` of the upper axis.
    """
    legend = alt.Legend(**LEGEND, title=t("batch_size.momentum.legend"), titleLimit=170, gradientLength=130)
    chart, table = _map(cells, "momentum", t("batch_size.axis.momentum"), "g", legend, tried)
    tables = {
        "cells": table,
        "changes": pa.table(
            {
                "momentum": pa.array([f"{row['momentum']:g}" for row in changes], pa.string()),
                **{name: pa.array([row[name] for row in changes], pa.float64()) for name in ("ratio", "low", "high")},
            }
        ),
        "seeds": pa.table(
            {
                "momentum": pa.array([f"{row['momentum']:g}" for row in seeds], pa.string()),
                "ratio": pa.array([row["ratio"] for row in seeds], pa.float64()),
                "seed": pa.array([row["seed"] for row in seeds], pa.int16()),
                "url": pa.array([row["url"] for row in seeds], pa.string()),
            }
        ),
    }
    across = list(dict.fromkeys(table["momentum"].to_pylist()))
    x = alt.X("momentum:O", title=None, scale=alt.Scale(domain=across), axis=None)
    y = log2.axis(alt.Y("ratio:Q", title=t("batch_size.momentum.axis")), limits, room=style.AXIS_ROOM)
    of_mean, of_seed = (
        [
            alt.Tooltip("momentum:N", title=t("batch_size.axis.momentum")),
            alt.Tooltip("ratio:Q", title=t("batch_size.momentum.ratio"), format=".3~r"),
            *further,
        ]
        for further in (
            [
                alt.Tooltip(f"{name}:Q", title=t(f"batch_size.momentum.{name}"), format=".3~r")
                for name in ("low", "high")
            ],
            [alt.Tooltip("seed:Q", title=t("site.seed"))],
        )
    )
    dots = style.named("seeds").mark_point(
        color=style.MEASURED, filled=True, size=26, opacity=0.55, xOffset=7, cursor="pointer"
    )
    base = style.named("changes").encode(x=x, tooltip=of_mean)
    bars = base.transform_filter("isValid(datum.low)").mark_rule(color=style.MEASURED, strokeWidth=2.5)
    layers = [
        style.named("changes").mark_rule(color=style.NEUTRAL, strokeWidth=1.5).encode(y=alt.YDatum(1)),
        dots.encode(x=x, y=y, href=alt.Href("url:N"), tooltip=of_seed),
        bars.encode(y=alt.Y("low:Q", title=t("batch_size.momentum.axis")), y2=alt.Y2("high:Q")),
        base.mark_point(color=style.MEASURED, filled=True, size=60, opacity=1, shape="square").encode(y=y),
    ]
    above = style.layered(*layers, height=UPPER)
    return style.Picture(style.fitted(style.stacked(above, chart, spacing=6)), tables)


def _map(
    cells: Sequence[Mapping[str, Any]],
    across: str,
    title: str,
    form: str,
    legend: alt.Legend,
    tried: Collection[float] | None = None,
) -> tuple[style.Layers, pa.Table]:
    """The map of learning rates against the setting `across`, whose values are written in `form`, and its table `cells`. Its rows are the
    rates `tried`, or those of the cells."""
    places = sorted({row[across] for row in cells})
    rates = sorted(tried or {row["lr"] for row in cells}, reverse=True)
    table = pa.table(
        {
            across: pa.array([f"{row[across]:{form}}" for row in cells], pa.string()),
            "rate": pa.array([format.rate(row["lr"]) for row in cells], pa.string()),
            "ratio": pa.array([row["ratio"] for row in cells], pa.float64()),
            "steps": pa.array([row["steps"] for row in cells], pa.float64()),
            "state": pa.array([state(row) for row in cells], pa.string()),
            "best": pa.array([row["best"] for row in cells], pa.bool_()),
            "share": pa.array([f"{row['reached']}/{row['runs']}" for row in cells], pa.string()),
            "diverged": pa.array([row["diverged"] for row in cells], pa.int16()),
            "url": pa.array([row["url"] for row in cells], pa.string()),
        }
    )
    x = alt.X(f"{across}:O", title=title, scale=alt.Scale(domain=[f"{place:{form}}" for place in places]),
              axis=alt.Axis(labelAngle=0, labelOverlap=True, ticks=False, domain=False))  # fmt: skip
    y = alt.Y("rate:O", title=t("batch_size.axis.rate"), scale=alt.Scale(domain=[format.rate(each) for each in rates]),
              axis=alt.Axis(ticks=False, domain=False, minExtent=style.AXIS_ROOM, maxExtent=style.AXIS_ROOM))  # fmt: skip
    colour = alt.Color(
        "ratio:Q",
        scale=alt.Scale(type="log", base=2, scheme=style.ERROR_SCHEME, domain=[1, 4], clamp=True),
        legend=legend,
    )
    tooltip = [
        alt.Tooltip(f"{across}:N", title=title),
        alt.Tooltip("rate:N", title=t("batch_size.axis.rate")),
        alt.Tooltip("share:N", title=t("batch_size.state.reached")),
        alt.Tooltip("diverged:Q", title=t("batch_size.state.diverged")),
        alt.Tooltip("steps:Q", title=t("batch_size.axis.steps"), format=",.4~g"),
    ]
    base = style.named("cells").encode(x=x, y=y, href=alt.Href("url:N"), tooltip=tooltip)
    some = base.transform_filter("datum.state != 'reached'")
    words = {"fontSize": 10, "color": style.NEUTRAL, "cursor": "pointer", "dy": 1}
    layers = [
        base.transform_filter("datum.state == 'reached'").mark_rect(cursor="pointer").encode(color=colour),
        some.mark_rect(fillOpacity=0, stroke=style.NEUTRAL, strokeOpacity=0.5, strokeDash=[2, 2], cursor="pointer"),
        some.transform_filter("datum.state != 'diverged'").mark_text(**words).encode(text=alt.Text("share:N")),
        some.transform_filter("datum.state == 'diverged'").mark_point(
            shape=CROSS, filled=False, color=style.ACCENT, size=60, strokeWidth=2, opacity=1
        ),
        base.transform_filter("datum.best").mark_point(
            shape=STAR, filled=True, size=150, opacity=1, fill="white", stroke="black", strokeWidth=0.8
        ),
    ]
    return style.layered(*layers, height=ROW * len(rates) + FRAME), table


def state(cell: Mapping[str, Any]) -> str:
    """reached (with every seed), diverged (with some seed), or not_reached."""
    if cell["reached"] == cell["runs"]:
        return "reached"
    return "diverged" if cell["diverged"] else "not_reached"
