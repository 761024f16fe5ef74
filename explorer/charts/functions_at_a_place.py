"""Pictures with a row for each activation function: the strip of fresh runs, and the map of learning rates."""

from typing import Any

import altair as alt
import pyarrow as pa

from explorer import format
from explorer.charts import functions, own_marks, style
from explorer.text import t

ROW, AXIS = 26, 70
PLACE, DEPTH_SIZE = "depth_place", 22
TICKS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
MORE_TICKS = [0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0]
"""For a short axis, on which fewer than three of the others lie."""
ROOM = 1.12  # of a log axis, beyond the smallest and largest value


def strip(
    runs: list[dict[str, Any]],
    summary: list[dict[str, Any]],
    limits: tuple[float, float],
    log: bool,
    notes: dict[str, str],
    own: list[dict[str, Any]] | None = None,
    height: int | None = None,
) -> style.Picture:
    """A dot per fresh run on a row per function, in the order of `summary`, with a tick at its median. `runs` have function, seed,
    test_error, href; `limits` are the ends of the axis; `notes` are words at the end of a function's row, as for runs that diverged. `own` are
    one's own runs, drawn hollow: function, seed, test_error, difference, href. `height`, in pixels, is that of the rows at most."""
    rows = [each["function"] for each in summary]
    names = [functions.name(code) for code in rows]
    told = _with_error(runs)
    dots = _run_table(told, href=pa.array([run["href"] for run in told], pa.string()))
    medians = pa.table(
        {
            "name": pa.array([functions.name(row["function"]) for row in summary if row["median"] is not None], pa.string()),
            "median": pa.array([row["median"] for row in summary if row["median"] is not None], pa.float32()),
        }
    )  # fmt: skip
    texts = pa.table(
        {
            "name": pa.array([functions.name(code) for code in notes], pa.string()),
            "note": pa.array(list(notes.values()), pa.string()),
        }
    )
    x = _error_axis(limits, log)
    y = _rows(names)
    looks = _colour_and_shape(rows)
    marks = _run_marks(style.named("dots"), cursor="pointer").encode(x=x, y=y, href=alt.Href("href:N"), **looks)
    layers = [
        style.named("medians")
        .mark_tick(thickness=2, size=18, color=style.NEUTRAL)
        .encode(x=alt.X("median:Q", title=t("activation.test_error_axis")), y=y),
        marks,
    ]
    tables = {"dots": dots, "medians": medians}
    if own:
        mine = [run | {"name": functions.name(run["function"]), "error": run["test_error"]} for run in own]
        tables[own_marks.TABLE] = own_marks.table(
            mine,
            name=pa.string(),
            function=pa.string(),
            seed=pa.int16(),
            error=pa.float32(),
            difference=pa.float32(),
            href=pa.string(),
        )
        told = [alt.Tooltip("name:N", title=t("activation.function"))]
        told += own_marks.tooltip("error", t("activation.test_error"), ".2%")
        marked = own_marks.hollow(style.named(own_marks.TABLE), cursor="pointer")
        layers.append(marked.encode(x=x, y=y, href=alt.Href("href:N"), tooltip=told, **looks))
    if notes:
        layers.append(_words_at_the_end(style.named("notes"), y))
        tables["notes"] = texts
    usual = ROW * len(rows) + AXIS
    chart = style.layered(*layers, height=usual if height is None else min(height, 2 * usual))
    return style.Picture(style.fitted(chart), tables)


def through_depths(
    runs: list[dict[str, Any]],
    notes: dict[int, dict[str, str]],
    limits: tuple[float, float],
    words: list[str],
    start: int,
) -> style.Picture:
    """A dot per fresh run of one depth on a row per function, in one order for all depths; which depth is shown, told in its title, is the
    parameter PLACE, a place in the list of depths, at first `start`. `runs` have depth, function, seed, test_error, lr; `notes` are words
    at the end of a function's row by depth; `words` are those for each depth, in order."""
    depths = sorted({run["depth"] for run in runs})
    rows = functions.in_order({run["function"] for run in runs})
    told = _with_error(runs)
    texts = [(depth, functions.name(code), note) for depth in depths for code, note in notes[depth].items()]
    tables = {
        "dots": _run_table(told, depth=pa.array([run["depth"] for run in told], pa.int16())),
        "notes": pa.table(
            {
                "depth": pa.array([depth for depth, _, _ in texts], pa.int16()),
                "name": pa.array([name for _, name, _ in texts], pa.string()),
                "note": pa.array([note for _, _, note in texts], pa.string()),
            }
        ),
    }
    x, y = _error_axis(limits, log=True), _rows([functions.name(code) for code in rows])
    shown = f"datum.depth === {style.javascript_list(depths)}[{PLACE}]"
    layers = [
        _run_marks(style.named("dots").transform_filter(shown)).encode(x=x, y=y, **_colour_and_shape(rows)),
        _words_at_the_end(style.named("notes").transform_filter(shown), y),
    ]
    title = alt.Title(
        alt.expr(f"{style.javascript_list(words)}[{PLACE}]"), fontSize=DEPTH_SIZE, anchor="start", offset=8
    )
    chart = style.fitted(style.layered(*layers, height=ROW * len(rows) + AXIS, title=title))
    bound = alt.binding_range(min=0, max=len(depths) - 1, step=1, name=t("activation.depth_axis") + " ")
    chart.params = [alt.param(PLACE, value=start, bind=bound).param]
    return style.Picture(chart, tables)


def rate_map(cells: list[dict[str, Any]], order: list[str]) -> style.Picture:
    """Function against learning rate, coloured by validation error on a log scale. A cell of which a seed diverged has a cross and no
    colour; the chosen one is outlined. `cells` have function, lr, val_error (None where a seed diverged), complete, diverged, chosen."""
    rates = sorted({cell["lr"] for cell in cells})
    table = pa.table(
        {
            "name": pa.array([functions.name(cell["function"]) for cell in cells], pa.string()),
            "rate": pa.array([format.rate(cell["lr"]) for cell in cells], pa.string()),
            "error": pa.array([cell["val_error"] for cell in cells], pa.float32()),
            "seeds": pa.array([cell["complete"] for cell in cells], pa.int16()),
            "diverged": pa.array([cell["diverged"] for cell in cells], pa.int16()),
            "chosen": pa.array([cell["chosen"] for cell in cells], pa.bool_()),
        }
    )
    errors = [cell["val_error"] for cell in cells if cell["val_error"]]
    limits = [min(errors, default=0.01), max(errors, default=1.0)]
    names = [functions.name(code) for code in order]
    x = alt.X(
        "rate:O", sort=[format.rate(value) for value in rates], title=t("activation.rate_axis"),
        axis=alt.Axis(labelAngle=0, labelOverlap=True, ticks=False, domain=False),
    )  # fmt: skip
    y = _rows(names, grid=False)
    band = {"width": alt.RelativeBandSize(band=1.06), "height": alt.RelativeBandSize(band=1.06)}
    ticks = log_ticks(*limits)
    colour = alt.Color(
        "error:Q",
        scale=alt.Scale(scheme=style.ERROR_SCHEME, type="log", domain=limits, clamp=True),
        legend=alt.Legend(
            orient="top", title=t("activation.val_error"), format=".1~%", values=ticks, gradientLength=220
        ),
    )
    tooltip = [
        alt.Tooltip("name:N", title=t("activation.function")),
        alt.Tooltip("rate:N", title=t("site.setting.lr")),
        alt.Tooltip("error:Q", title=t("activation.val_error"), format=".2%"),
        alt.Tooltip("seeds:Q", title=t("activation.complete")),
        alt.Tooltip("diverged:Q", title=t("site.status.diverged")),
    ]
    cellwise = style.named("cells").encode(x=x, y=y)
    layers = [
        cellwise.transform_filter("isValid(datum.error)").mark_rect(**band).encode(color=colour, tooltip=tooltip),
        cellwise.transform_filter("datum.diverged > 0")
        .mark_text(text="×", fontSize=18, fontWeight="bold", color=style.NEUTRAL)
        .encode(tooltip=tooltip),
    ]
    outline = {
        "fillOpacity": 0,
        "width": alt.RelativeBandSize(band=0.86),
        "height": alt.RelativeBandSize(band=0.8),
        "tooltip": None,
    }
    layers += [
        cellwise.transform_filter("datum.chosen").mark_rect(stroke=stroke, strokeWidth=width, **outline)
        for stroke, width in (("white", 4), ("black", 1.6))
    ]
    chart = style.layered(*layers, height=ROW * len(order) + AXIS + 50)
    return style.Picture(style.fitted(chart), {"cells": table})


def log_ticks(low: float, high: float) -> list[float]:
    """Round fractions between two ends of a logarithmic axis."""
    few = [tick for tick in TICKS if low <= tick <= high]
    return few if len(few) > 2 else [tick for tick in MORE_TICKS if low <= tick <= high]


def _with_error(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs that came to the end."""
    return [run for run in runs if run["test_error"] is not None]


def _run_table(runs: list[dict[str, Any]], **further: pa.Array) -> pa.Table:
    """What the dots of `runs` are drawn from, with `further` columns."""
    return pa.table(
        {
            "name": pa.array([functions.name(run["function"]) for run in runs], pa.string()),
            "function": pa.array([run["function"] for run in runs], pa.string()),
            "seed": pa.array([run["seed"] for run in runs], pa.int16()),
            "error": pa.array([run["test_error"] for run in runs], pa.float32()),
            "lr": pa.array([format.rate(run["lr"]) for run in runs], pa.string()),
        }
        | further
    )


def _run_marks(source: alt.Chart, **look: Any) -> alt.Chart:
    """A dot per row of a `_run_table`, which tells its run."""
    tooltip = [
        alt.Tooltip("name:N", title=t("activation.function")),
        alt.Tooltip("error:Q", title=t("activation.test_error"), format=".2%"),
        alt.Tooltip("seed:Q", title=t("site.seed")),
        alt.Tooltip("lr:N", title=t("site.setting.lr")),
    ]
    return source.mark_point(filled=True, size=75, opacity=0.8, **look).encode(tooltip=tooltip)


def _colour_and_shape(codes: list[str]) -> dict[str, Any]:
    """The channels that tell the functions apart."""
    colours = alt.Scale(domain=codes, range=[functions.colour(code) for code in codes])
    shapes = alt.Scale(domain=codes, range=[functions.shape(code) for code in codes])
    return {
        "color": alt.Color("function:N", scale=colours, legend=None),
        "shape": alt.Shape("function:N", scale=shapes, legend=None),
    }


def _words_at_the_end(source: alt.Chart, y: alt.Y) -> alt.Chart:
    """The column `note` at the right end of each row."""
    side = {"align": "right", "baseline": "bottom", "dy": -6, "fontSize": style.LABEL_SIZE, "color": style.NEUTRAL}
    return source.mark_text(**side).encode(x=alt.XValue(alt.expr("width")), y=y, text=alt.Text("note:N"))


def _rows(names: list[str], grid: bool = True) -> alt.Y:
    axis = alt.Axis(labelLimit=110, grid=grid, ticks=False, domain=False, labelOverlap=False, labelFontSize=12)
    return alt.Y("name:N", sort=names, scale=alt.Scale(domain=names), title=None, axis=axis)


def _error_axis(limits: tuple[float, float], log: bool) -> alt.X:
    low, high = limits
    title = t("activation.test_error_axis")
    if not log:
        scale = alt.Scale(domain=[0, min(1.0, high * ROOM)], nice=False)
        return alt.X("error:Q", title=title, scale=scale, axis=alt.Axis(format=".0%", tickCount=6))
    ends = [low / ROOM, high * ROOM]
    ticks = log_ticks(*ends)
    scale = alt.Scale(type="log", domain=ends, nice=False)
    return alt.X("error:Q", title=title, scale=scale, axis=alt.Axis(values=ticks, format=".1~%", labelOverlap=True))
