"""Validation error over depth and learning rate, with the chosen rate outlined and failures drawn unlike any value."""

from typing import Any

import altair as alt
import pyarrow as pa

from explorer import format
from explorer.charts import style
from explorer.text import t

ROW, AXIS = 30, 110


def draw(rows: list[dict[str, Any]], depths: list[int], rates: list[float], ceiling: float) -> style.Picture:
    """`rows` of one architecture, as results.depth.rate_map gives them; maps that stand side by side share axes and `ceiling`.

    A cell has a colour only where every seed trained. Where one did not, it has the ground's colour and says how many diverged (✕) and how
    many stayed above 80% train error (–).
    """
    table = pa.table(
        {
            "d": pa.array([depths.index(row["depth"]) for row in rows], pa.int16()),
            "r": pa.array([rates.index(row["lr"]) for row in rows], pa.int16()),
            "depth": pa.array([row["depth"] for row in rows], pa.int32()),
            "rate": pa.array([format.rate(row["lr"]) for row in rows], pa.string()),
            "val_error": pa.array([row["val_error"] for row in rows], pa.float32()),
            "chosen": pa.array([row["chosen"] for row in rows], pa.bool_()),
            "label": pa.array([label(row) for row in rows], pa.string()),
            "href": pa.array([row["href"] for row in rows], pa.string()),
        }
    )
    x = alt.X(
        "r:O",
        title=t("depth.axis.rate"),
        scale=alt.Scale(domain=list(range(len(rates)))),
        axis=alt.Axis(
            labelExpr=f"{style.javascript_list([format.rate(rate) for rate in rates])}[datum.value]",
            labelAngle=0,
            labelFlush=False,
            ticks=False,
            domain=False,
        ),
    )
    y = alt.Y(
        "d:O",
        title=t("depth.axis.depth"),
        scale=alt.Scale(domain=list(range(len(depths)))[::-1]),
        axis=alt.Axis(labelExpr=f"{style.javascript_list(depths)}[datum.value]", ticks=False, domain=False),
    )
    legend = alt.Legend(
        orient="top", direction="horizontal", gradientLength=160, format="~%", title=t("depth.axis.val_error")
    )
    colour = alt.Color(
        "val_error:Q", scale=alt.Scale(domain=[0, ceiling], scheme=style.ERROR_SCHEME, clamp=True), legend=legend
    )
    tooltip = [
        alt.Tooltip("depth:Q", title=t("depth.axis.depth")),
        alt.Tooltip("rate:N", title=t("depth.axis.rate")),
        alt.Tooltip("val_error:Q", title=t("depth.axis.val_error"), format=".2%"),
        alt.Tooltip("label:N", title=t("depth.axis.failed")),
    ]
    base = style.named("cells").encode(x=x, y=y, tooltip=tooltip, href=alt.Href("href:N"))
    chosen = base.transform_filter("datum.chosen")
    layers = [
        base.transform_filter("isValid(datum.val_error)").mark_rect(cursor="pointer").encode(color=colour),
        base.transform_filter("!isValid(datum.val_error)").mark_rect(
            fillOpacity=0.08, fill=style.NEUTRAL, stroke=style.NEUTRAL, strokeDash=[2, 2], cursor="pointer"
        ),
        base.transform_filter("!isValid(datum.val_error)")
        .mark_text(fontSize=11, color=style.NEUTRAL)
        .encode(text=alt.Text("label:N")),
        chosen.mark_rect(fillOpacity=0, stroke="white", strokeWidth=3.5),
        chosen.mark_rect(fillOpacity=0, stroke="black", strokeWidth=1.6),
    ]
    return style.Picture(style.fitted(style.layered(*layers, height=ROW * len(depths) + AXIS)), {"cells": table})


def label(row: dict[str, Any]) -> str:
    """What the seeds of a cell did where some failed: "✕2 –1" for two that diverged and one that stayed near chance; "" where none did."""
    told = [f"{sign}{row[name]}" for sign, name in (("✕", "diverged"), ("–", "untrained")) if row[name]]
    return " ".join(told)
