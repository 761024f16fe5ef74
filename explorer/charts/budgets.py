"""Test error against batch size at equal epochs and at equal steps."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts import gaps, log2, style
from explorer.charts.scaling import CROSS
from explorer.text import t

# Unlike those of the optimizers, which stand on the same page.
COLOURS = {"epochs": "#93801c", "steps": "#148f85"}
SHAPES = {"epochs": ["triangle-down", "cross"], "steps": ["triangle-right", "triangle-left"]}
DASHES = [[1, 0], [5, 3], [2, 2], [8, 3, 2, 3]]
"""Of the first number of epochs or steps, the second, ...; the legend has the shapes alone, since dashes would tear them."""
HEIGHT = 320


def draw(runs: Sequence[Mapping[str, Any]], means: Sequence[Mapping[str, Any]]) -> style.Picture:
    """`runs` have budget (its words), unit, batch_size, seed, test_error (a fraction, None where it diverged), url; `means` have budget,
    unit, batch_size and mean, None where there is none: the line breaks there. A hue for each unit, a shape and a dash for each amount of it; a
    cross on the top is a run that diverged, and has no error."""
    budgets = list(dict.fromkeys((row["unit"], row["budget"]) for row in runs))
    words = [word for _, word in budgets]
    place = {unit: [word for each, word in budgets if each == unit] for unit in COLOURS}
    errors = [row["test_error"] for row in runs if row["test_error"] is not None]
    top = max(errors, default=1.0)
    tried = sorted({(row["budget"], row["batch_size"]) for row in (*runs, *means)})
    lines = gaps.at_places(means, ("budget", "batch_size"), tried, ("mean",))
    tables = {
        "runs": pa.table(
            {
                "budget": pa.array([row["budget"] for row in runs], pa.string()),
                "batch_size": pa.array([row["batch_size"] for row in runs], pa.int32()),
                "error": pa.array([row["test_error"] for row in runs], pa.float64()),
                "at": pa.array([top if row["test_error"] is None else row["test_error"] for row in runs], pa.float64()),
                "diverged": pa.array([row["test_error"] is None for row in runs], pa.bool_()),
                "seed": pa.array([row["seed"] for row in runs], pa.int16()),
                "url": pa.array([row["url"] for row in runs], pa.string()),
            }
        ),
        "means": pa.table(
            {
                "budget": pa.array([row["budget"] for row in lines], pa.string()),
                "batch_size": pa.array([row["batch_size"] for row in lines], pa.int32()),
                "error": pa.array([row["mean"] for row in lines], pa.float64()),
            }
        ),
    }  # fmt: skip
    key = alt.Legend(orient="top", title=None, columns=2, labelLimit=260, symbolOpacity=1, symbolSize=120)
    colour = alt.Color("budget:N", scale=alt.Scale(domain=words, range=[COLOURS[unit] for unit, _ in budgets]), legend=key)  # fmt: skip
    at_place = [(unit, place[unit].index(word)) for unit, word in budgets]
    shapes = [SHAPES[unit][number % len(SHAPES[unit])] for unit, number in at_place]
    shape = alt.Shape("budget:N", scale=alt.Scale(domain=words, range=shapes), legend=key)
    dashes = [DASHES[number % len(DASHES)] for _, number in at_place]
    dash = alt.StrokeDash("budget:N", scale=alt.Scale(domain=words, range=dashes), legend=None)
    x = log2.axis(alt.X("batch_size:Q", title=t("batch_size.axis.batch_size")), [row["batch_size"] for row in runs], grid=False)  # fmt: skip
    look = {"scale": alt.Scale(domain=[0, 1.06 * top], nice=False), "axis": alt.Axis(format=".1~%", tickCount=6)}
    y, at = (alt.Y(f"{field}:Q", title=t("batch_size.axis.test_error"), **look) for field in ("error", "at"))
    tooltip = [
        alt.Tooltip("budget:N", title=" "),
        alt.Tooltip("batch_size:Q", title=t("batch_size.axis.batch_size"), format=","),
        alt.Tooltip("error:Q", title=t("batch_size.axis.test_error"), format=".2%"),
        alt.Tooltip("seed:Q", title=t("site.seed")),
    ]
    dots = style.named("runs").encode(x=x, y=at, color=colour, href=alt.Href("url:N"), tooltip=tooltip)
    layers = [
        style.named("means").mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dash),
        dots.transform_filter("!datum.diverged").mark_point(filled=True, size=34, opacity=0.85, cursor="pointer").encode(shape=shape),
        dots.transform_filter("datum.diverged").mark_point(shape=CROSS, size=80, strokeWidth=2, opacity=1, cursor="pointer"),
    ]  # fmt: skip
    return style.Picture(style.fitted(style.layered(*layers, height=HEIGHT)), tables)
