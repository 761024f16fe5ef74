"""Pictures with depth along the axis: the error of each function, networks born dead, and train error while it trains."""

import itertools
from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts import functions, gaps, style
from explorer.charts.functions_at_a_place import ROOM, log_ticks
from explorer.text import t

HEIGHT = 300
WIDTHS = ["#440154", "#46337e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#9fa01f"]
"""Of networks born dead, narrow to wide: one ordered scale."""
WIDTH_SHAPES = ["circle", "square", "triangle-up", "cross", "triangle-down", "triangle-right", "triangle-left"]
"""Of the same, in that order; the diamond is the reader's own."""
CROSS = "✕"


def errors(rows: list[dict[str, Any]], limits: tuple[float, float]) -> style.Picture:
    """Median test error against depth, a line per function in its colour and shape. `rows` have depth, function, median (None where no run
    came to the end: the line breaks there), complete, diverged. A median of fewer than all runs has "k/n" beside it: of n runs k came to the
    end."""
    codes = functions.in_order({row["function"] for row in rows if row["median"] is not None})
    places = itertools.product(codes, sorted({row["depth"] for row in rows}))
    told = gaps.at_places(rows, ("function", "depth"), places, ("median", "complete", "diverged"))
    names = [functions.name(code) for code in codes]
    table = pa.table(
        {
            "depth": pa.array([row["depth"] for row in told], pa.int16()),
            "name": pa.array([functions.name(row["function"]) for row in told], pa.string()),
            "error": pa.array([row["median"] for row in told], pa.float32()),
            "seeds": pa.array([row["complete"] for row in told], pa.int16()),
            "diverged": pa.array([row["diverged"] for row in told], pa.int16()),
            "some": pa.array([_some(row) for row in told], pa.string()),
        }
    )
    legend = alt.Legend(orient="bottom", title=None, columns=3, symbolSize=70, symbolOpacity=1, labelLimit=110)
    colour = alt.Color(
        "name:N", scale=alt.Scale(domain=names, range=[functions.colour(c) for c in codes]), legend=legend
    )
    shape = alt.Shape("name:N", scale=alt.Scale(domain=names, range=[functions.shape(c) for c in codes]), legend=legend)
    ends = [limits[0] / ROOM, limits[1] * ROOM]
    y = alt.Y(
        "error:Q", title=t("activation.test_error_axis"), scale=alt.Scale(type="log", domain=ends, nice=False),
        axis=alt.Axis(values=log_ticks(*ends), format=".1~%"),
    )  # fmt: skip
    x = alt.X("depth:O", title=t("activation.depth_axis"), axis=alt.Axis(labelAngle=0, grid=False))
    source = style.named("medians").encode(x=x, y=y, color=colour)
    tooltip = [
        alt.Tooltip("name:N", title=t("activation.function")),
        alt.Tooltip("depth:Q", title=t("site.setting.depth")),
        alt.Tooltip("error:Q", title=t("activation.test_error"), format=".2%"),
        alt.Tooltip("seeds:Q", title=t("activation.complete")),
        alt.Tooltip("diverged:Q", title=t("site.status.diverged")),
    ]
    layers = [
        source.mark_line(strokeWidth=1.2, opacity=0.55),
        source.transform_filter("isValid(datum.error)")
        .mark_point(filled=True, size=60, opacity=0.9)
        .encode(shape=shape, tooltip=tooltip),
    ]
    if any(map(_some, told)):
        beside = {"align": "left", "baseline": "middle", "dx": 7, "fontSize": 11}
        layers.append(
            source.transform_filter("isValid(datum.some)").mark_text(**beside).encode(text=alt.Text("some:N"))
        )
    return style.Picture(style.fitted(style.layered(*layers, height=HEIGHT + 140)), {"medians": table})


def _some(row: dict[str, Any]) -> str | None:
    """How many runs a median is of where others diverged: "2/5"."""
    if row["median"] is None or not row["diverged"]:
        return None
    return f"{row['complete']}/{row['complete'] + row['diverged']}"


def born_dead(
    rows: list[dict[str, Any]], bounds: list[dict[str, Any]], own: tuple[int, float], words: dict[str, str]
) -> style.Picture:
    """Share of networks that are constant before training against their layers, a line and marks per width, in a colour and a shape of its own,
    under the bound of its width (dashed). `rows` and `bounds` have width, depth, share; `own` is the reader's depth and bound, a hollow mark."""
    widths = sorted({row["width"] for row in rows} | {row["width"] for row in bounds})
    table, lines = (
        pa.table(
            {
                "width": pa.array([str(row["width"]) for row in part], pa.string()),
                "depth": pa.array([row["depth"] for row in part], pa.int16()),
                "share": pa.array([row["share"] for row in part], pa.float32()),
            }
        )
        for part in (rows, bounds)
    )
    mine = pa.table({"depth": pa.array([own[0]], pa.int16()), "share": pa.array([own[1]], pa.float32())})
    depths = [row["depth"] for row in bounds] or [2, 50]
    x = alt.X(
        "depth:Q", title=words["depth"], scale=alt.Scale(type="log", domain=[min(depths), max(*depths, own[0])], nice=False, padding=8),
        axis=alt.Axis(values=[2, 3, 5, 10, 20, 50, 100], grid=False, format="d"),
    )  # fmt: skip
    y = alt.Y("share:Q", title=words["share"], scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%", tickCount=5))
    names = [str(width) for width in widths]
    legend = alt.Legend(orient="top", title=words["width"], columns=7, symbolOpacity=1)
    colour = alt.Color("width:N", sort=None, scale=alt.Scale(domain=names, range=_ramp(len(widths))), legend=legend)
    shapes = [WIDTH_SHAPES[place % len(WIDTH_SHAPES)] for place in range(len(widths))]
    shape = alt.Shape("width:N", sort=None, scale=alt.Scale(domain=names, range=shapes), legend=legend)
    layers = [
        style.named("bounds").mark_line(strokeDash=style.DASH, strokeWidth=1.3, clip=True).encode(x=x, y=y, color=colour),
        style.named("counted").mark_line(strokeWidth=1.5).encode(x=x, y=y, color=colour),
        style.named("counted").mark_point(filled=True, size=42, opacity=1).encode(
            x=x, y=y, color=colour, shape=shape,
            tooltip=[alt.Tooltip("width:N", title=words["width"]), alt.Tooltip("depth:Q", title=words["depth"]), alt.Tooltip("share:Q", title=words["share"], format=".2%")],
        ),
        style.named("own").mark_point(shape="diamond", filled=False, size=170, stroke=style.ACCENT, strokeWidth=2.5, opacity=1).encode(x=x, y=y),
    ]  # fmt: skip
    tables = {"counted": table, "bounds": lines, "own": mine}
    return style.Picture(style.fitted(style.layered(*layers, height=HEIGHT)), tables)


def training(rows: list[dict[str, Any]], line: float) -> style.Picture:
    """Train error along the epochs, a line per run in the colour of its function, and the level that claim A4 asks for. `rows` have
    function, seed, epoch, train_error, None from where a run had diverged: its line ends, and a cross stands there at the top."""
    codes = functions.in_order({row["function"] for row in rows})
    names = [functions.name(code) for code in codes]
    table = pa.table(
        {
            "name": pa.array([functions.name(row["function"]) for row in rows], pa.string()),
            "seed": pa.array([row["seed"] for row in rows], pa.int16()),
            "epoch": pa.array([row["epoch"] for row in rows], pa.int16()),
            "error": pa.array([row["train_error"] for row in rows], pa.float32()),
        }
    )
    legend = alt.Legend(orient="top", title=None, symbolSize=80, symbolOpacity=1)
    colour = alt.Color(
        "name:N", scale=alt.Scale(domain=names, range=[functions.colour(c) for c in codes]), legend=legend
    )
    shape = alt.Shape("name:N", scale=alt.Scale(domain=names, range=[functions.shape(c) for c in codes]), legend=legend)
    x = alt.X(
        "epoch:Q",
        title=t("activation.inside.epoch"),
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(values=[1, 2, 5, 10, 20, 30], grid=False),
    )
    y = alt.Y(
        "error:Q",
        title=t("activation.speed.axis"),
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", tickCount=5),
    )
    source = style.named("runs").encode(x=x, y=y, color=colour)
    told = [alt.Tooltip("name:N", title=t("activation.function")), alt.Tooltip("seed:Q", title=t("site.seed"))]
    told.append(alt.Tooltip("epoch:Q", title=t("activation.inside.epoch")))
    error = alt.Tooltip("error:Q", title=t("activation.speed.axis"), format=".1%")
    cross = style.named("lost").mark_text(text=CROSS, fontSize=13, fontWeight="bold")
    layers = [
        source.mark_line(strokeWidth=1, opacity=0.6, strokeDash=style.DASH).encode(detail=alt.Detail("seed:N")),
        source.transform_filter("isValid(datum.error)")
        .mark_point(filled=True, size=26, opacity=0.9)
        .encode(shape=shape, tooltip=[*told, error]),
        cross.encode(x=x, y=alt.YValue(7), color=colour, tooltip=told),
        style.named("level")
        .mark_rule(color=style.NEUTRAL, strokeDash=[2, 2])
        .encode(y=alt.Y("error:Q", title=t("activation.speed.axis"))),
    ]
    tables = {"runs": table, "lost": _where_lost(rows), "level": pa.table({"error": pa.array([line], pa.float32())})}
    return style.Picture(style.fitted(style.layered(*layers, height=HEIGHT - 40)), tables)


def _where_lost(rows: list[dict[str, Any]]) -> pa.Table:
    """Of every run that diverged the first epoch at which it had."""
    first: dict[tuple[str, int], int] = {}
    for row in rows:
        if row["train_error"] is None:
            run = row["function"], row["seed"]
            first[run] = min(row["epoch"], first.get(run, row["epoch"]))
    return pa.table(
        {
            "name": pa.array([functions.name(function) for function, _ in first], pa.string()),
            "seed": pa.array([seed for _, seed in first], pa.int16()),
            "epoch": pa.array(list(first.values()), pa.int16()),
        }
    )


def _ramp(n: int) -> list[str]:
    if n <= 1:
        return WIDTHS[:n]
    return [WIDTHS[round(place * (len(WIDTHS) - 1) / (n - 1))] for place in range(n)]
