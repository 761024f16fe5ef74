"""Batch sizes that are read off curves: where perfect scaling ends by optimizer and target, and the noise scale beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts import log2, style
from explorer.charts.scaling import COLOURS, SHAPES
from explorer.text import t

ROW, FRAME = 26, 110
NOISE_HEIGHT = 300


def ends(rows: Sequence[Mapping[str, Any]], picked: str) -> style.Picture:
    """The end of perfect scaling, a row for each target (`goal`) and a mark for each optimizer, with its interval.

    `rows` have goal, optimizer, perfect_until, perfect_low, perfect_high, largest. An end beyond the largest size is an arrow there, an
    interval without an upper end goes on to the largest size. `picked` is the goal that is shown above: a dot stands before it.
    """
    optimizers = [code for code in COLOURS if any(row["optimizer"] == code for row in rows)]
    goals = list(dict.fromkeys(row["goal"] for row in rows))
    lines = [(goal, code) for goal in goals for code in optimizers]
    table = pa.table(
        {
            "line": pa.array([lines.index((row["goal"], row["optimizer"])) for row in rows], pa.int16()),
            "name": pa.array([t(f"batch_size.optimizer.{row['optimizer']}") for row in rows], pa.string()),
            "goal": pa.array([row["goal"] for row in rows], pa.string()),
            "batch_size": pa.array([row["perfect_until"] or row["largest"] for row in rows], pa.float64()),
            "low": pa.array([row["perfect_low"] for row in rows], pa.float64()),
            "high": pa.array([row["perfect_high"] or row["largest"] for row in rows], pa.float64()),
            "beyond": pa.array([row["perfect_until"] is None for row in rows], pa.bool_()),
        }
    )
    values = [value for name in ("batch_size", "low", "high") for value in table[name].to_pylist() if value]
    x = log2.axis(alt.X("batch_size:Q", title=t("batch_size.ends.axis")), values)
    labels = [("● " if goal == picked else "") + goal if place == 0 else "" for goal in goals for place, _ in enumerate(optimizers)]  # fmt: skip
    y = alt.Y("line:O", title=t("batch_size.control.target"), scale=alt.Scale(domain=list(range(len(lines)))),
              axis=alt.Axis(labelExpr=f"{style.javascript_list(labels)}[datum.value]", ticks=False, labelLimit=140))  # fmt: skip
    words = [t(f"batch_size.optimizer.{code}") for code in optimizers]
    key = alt.Legend(orient="top", title=None, columns=2, symbolOpacity=1, symbolSize=70)
    colour = alt.Color("name:N", scale=alt.Scale(domain=words, range=[COLOURS[code] for code in optimizers]), legend=key)  # fmt: skip
    shape = alt.Shape("name:N", scale=alt.Scale(domain=words, range=[SHAPES[code] for code in optimizers]), legend=key)
    tooltip = [
        alt.Tooltip("name:N", title=t("batch_size.control.optimizer")),
        alt.Tooltip("goal:N", title=t("batch_size.control.target")),
        *(alt.Tooltip(f"{name}:Q", title=t(f"batch_size.ends.{name}"), format=",.3~g") for name in ("batch_size", "low", "high")),
    ]  # fmt: skip
    base = style.named("ends").encode(y=y, color=colour, tooltip=tooltip)
    layers = [
        base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2.2).encode(
            x=alt.X("low:Q", title=t("batch_size.ends.axis")), x2=alt.X2("high:Q")
        ),
        base.transform_filter("!datum.beyond").mark_point(filled=True, size=70, opacity=1).encode(x=x, shape=shape),
        base.transform_filter("datum.beyond").mark_point(shape="arrow", angle=90, filled=True, size=190, opacity=1).encode(x=x),
    ]  # fmt: skip
    chart = style.layered(*layers, height=ROW * len(lines) + FRAME)
    return style.Picture(style.fitted(chart), {"ends": table})


def noise(rows: Sequence[Mapping[str, Any]], regime: Mapping[str, Any] | None) -> style.Picture:
    """The noise scale along the steps, a thin line for each batch size, and the measured end of perfect scaling as a line with its interval.

    `rows` have batch_size, step, value (examples, None where it could not be formed).
    """
    shown = [row for row in rows if row["value"]]
    bend = regime and regime["perfect_until"]
    values = [row["value"] for row in shown] + ([bend] if bend else [])
    x_title, y_title = t("batch_size.axis.step"), t("batch_size.noise.axis")
    x = log2.axis(alt.X("step:Q", title=x_title), [row["step"] for row in shown], grid=False)
    y = log2.axis(alt.Y("value:Q", title=y_title), values)
    tables = {
        "noise": pa.table(
            {
                "batch_size": pa.array([row["batch_size"] for row in shown], pa.int32()),
                "step": pa.array([row["step"] for row in shown], pa.int32()),
                "value": pa.array([row["value"] for row in shown], pa.float64()),
            }
        )
    }
    tooltip = [
        alt.Tooltip("batch_size:Q", title=t("batch_size.axis.batch_size"), format=","),
        alt.Tooltip("step:Q", title=x_title, format=","),
        alt.Tooltip("value:Q", title=y_title, format=",.3~g"),
    ]
    base = style.named("noise").encode(x=x, y=y, detail=alt.Detail("batch_size:N"))
    layers = [
        base.mark_line(color=style.MEASURED, strokeWidth=1, opacity=0.45),
        base.mark_point(color=style.MEASURED, filled=True, size=26, opacity=0.9).encode(tooltip=tooltip),
    ]
    if bend:
        tables["bend"] = pa.table(
            {
                "value": pa.array([bend], pa.float64()),
                "low": pa.array([regime["perfect_low"] or bend], pa.float64()),
                "high": pa.array([regime["perfect_high"] or regime["largest"]], pa.float64()),
                "note": pa.array([t("batch_size.noise.bend")], pa.string()),
            }
        )
        at = style.named("bend")
        if regime["perfect_low"] is not None:
            band = at.mark_rect(color=style.ACCENT, opacity=0.16, clip=True)
            layers.insert(0, band.encode(y=alt.Y("low:Q", title=y_title), y2=alt.Y2("high:Q"), x=alt.XValue(0), x2=alt.X2Value("width")))  # fmt: skip
        layers.append(at.mark_rule(color=style.ACCENT, strokeWidth=2, strokeDash=[6, 3]).encode(y=y))
        words = at.mark_text(
            align="right", baseline="bottom", dx=-6, dy=-4, color=style.ACCENT, fontSize=12, fontWeight="bold"
        )
        layers.append(words.encode(x=alt.XValue("width"), y=y, text=alt.Text("note:N")))
    return style.Picture(style.fitted(style.layered(*layers, height=NOISE_HEIGHT)), tables)
