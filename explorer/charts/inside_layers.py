"""What happens inside: maps of layer against epoch, and a function with its slope above the inputs that its layers get."""

from collections.abc import Callable
from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts import style
from explorer.text import t

SCHEME = "cividis"
MAP, CURVES, LAYER = 200, 170, 15
LARGEST_CROSS = 16
SAMPLES = 241
INSIDE = {"gradient": "log_gradient", "dead": "dead", "saturated": "saturated"}
"""What the maps show, by its code in the address, and the column that has it."""


def layer_map(rows: list[dict[str, Any]], measure: str, limits: tuple[float, float]) -> style.Picture:
    """Layer against epoch of one function. `rows` have epoch, layer, value, zeros, and lost: no value, since every run had diverged by then,
    which is a cross. A gradient of 0, which has no logarithm, is written as 0."""
    epochs = sorted({row["epoch"] for row in rows})
    layers = sorted({row["layer"] for row in rows}, reverse=True)
    table = pa.table(
        {
            "epoch": pa.array([row["epoch"] for row in rows], pa.int16()),
            "layer": pa.array([row["layer"] for row in rows], pa.int16()),
            "value": pa.array([row["value"] for row in rows], pa.float32()),
            "zeros": pa.array([row["zeros"] for row in rows], pa.int16()),
            "lost": pa.array([row["lost"] for row in rows], pa.bool_()),
        }
    )
    step = max(1, round(len(layers) / 8))
    shown = [layer for layer in layers if (layer - 1) % step == 0]
    x = alt.X(
        "epoch:O",
        sort=epochs,
        title=t("activation.inside.epoch"),
        axis=alt.Axis(labelAngle=0, ticks=False, domain=False, labelOverlap=True),
    )
    y = alt.Y(
        "layer:O",
        sort=layers,
        title=t("activation.inside.layer"),
        axis=alt.Axis(values=shown, ticks=False, domain=False),
    )
    share = measure != "gradient"
    colour = alt.Color(
        "value:Q",
        scale=alt.Scale(scheme=SCHEME, domain=list(limits), clamp=True),
        legend=alt.Legend(
            orient="top",
            title=t(f"activation.inside.legend.{measure}"),
            format=".0%" if share else "~g",
            gradientLength=90,
            titleLimit=150,
            titleFontSize=10,
        ),
    )
    tooltip = [
        alt.Tooltip("epoch:Q", title=t("activation.inside.epoch")),
        alt.Tooltip("layer:Q", title=t("activation.inside.layer")),
        alt.Tooltip("value:Q", title=t(f"activation.inside.legend.{measure}"), format=".1%" if share else ".2f"),
    ]
    source = style.named("layers").encode(x=x, y=y)
    band = {"width": alt.RelativeBandSize(band=1.1), "height": alt.RelativeBandSize(band=1.1)}
    drawn = [source.transform_filter("isValid(datum.value)").mark_rect(**band).encode(color=colour, tooltip=tooltip)]
    if measure == "gradient":
        drawn.append(source.transform_filter("datum.zeros > 0").mark_text(text="0", color=style.NEUTRAL, fontSize=10))
    size = min(LARGEST_CROSS, 2 * MAP // max(1, len(layers)))
    cross = {"text": "×", "fontSize": size, "fontWeight": "bold", "color": style.NEUTRAL}
    drawn.append(source.transform_filter("datum.lost").mark_text(**cross).encode(tooltip=tooltip[:2]))
    return style.Picture(style.fitted(style.layered(*drawn, height=MAP)), {"layers": table})


def bend(
    f: Callable[[float], float],
    slope: Callable[[float], float],
    colour: str,
    rows: list[dict[str, Any]],
    words: dict[str, str],
    reach: float,
) -> style.Picture:
    """f (solid) and its slope (dashed) within `reach` of 0; under them for each hidden layer what it gets: the mean as a mark, one
    standard deviation on both sides as a bar, at the start (hollow) and at the end (filled). `rows` have layer, when (start or end), mean, sd."""
    at = [reach * (2 * place / (SAMPLES - 1) - 1) for place in range(SAMPLES)]
    curves = pa.table(
        {
            "x": pa.array([*at, *at], pa.float32()),
            "value": pa.array([*map(f, at), *map(slope, at)], pa.float32()),
            "curve": pa.array([words["f"]] * SAMPLES + [words["slope"]] * SAMPLES),
        }
    )
    inputs = pa.table(
        {
            "layer": pa.array([row["layer"] for row in rows], pa.int16()),
            "when": pa.array([words[row["when"]] for row in rows], pa.string()),
            **{name: pa.array([_within(row[name], reach) for row in rows], pa.float32()) for name in ("mean", "low", "high")},
        }
    )  # fmt: skip
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    x = alt.X("x:Q", title=None, scale=scale, axis=alt.Axis(tickCount=7))
    room = alt.Axis(minExtent=style.AXIS_ROOM, maxExtent=style.AXIS_ROOM, tickCount=5)
    key = alt.Legend(orient="top", title=None, symbolType="stroke", symbolSize=400, symbolStrokeWidth=2, labelLimit=300)
    dash = alt.StrokeDash(
        "curve:N", scale=alt.Scale(domain=[words["f"], words["slope"]], range=[[1, 0], style.DASH]), legend=key
    )
    above = style.named("curves").mark_line(color=colour, strokeWidth=2, clip=True).encode(
        x=x, y=alt.Y("value:Q", title=None, axis=room), strokeDash=dash, tooltip=[alt.Tooltip("x:Q", format=".2f"), alt.Tooltip("value:Q", title="y", format=".3f"), alt.Tooltip("curve:N")]
    )  # fmt: skip
    layers = sorted({row["layer"] for row in rows})
    whens = [words["start"], words["end"]]
    step = max(1, round(len(layers) / 8))
    y = alt.Y(
        "layer:O",
        sort=layers,
        title=words["layer"],
        axis=alt.Axis(
            values=[n for n in layers if (n - 1) % step == 0], minExtent=style.AXIS_ROOM, maxExtent=style.AXIS_ROOM
        ),
    )
    offset = alt.YOffset("when:N", sort=whens)
    fill = alt.Fill(
        "when:N",
        scale=alt.Scale(domain=whens, range=["transparent", colour]),
        legend=alt.Legend(orient="bottom", title=None, symbolStrokeColor=colour, symbolType="circle", labelLimit=300),
    )
    base = style.named("inputs").encode(y=y, yOffset=offset)
    axis = alt.Axis(tickCount=7)
    below = [
        base.mark_rule(color=colour, strokeWidth=1.5, opacity=0.7).encode(x=alt.X("low:Q", title=words["input"], scale=scale, axis=axis), x2=alt.X2("high:Q")),
        base.mark_point(size=32, stroke=colour, strokeWidth=1.4, opacity=1).encode(
            x=alt.X("mean:Q", title=words["input"], scale=scale, axis=axis), fill=fill,
            tooltip=[alt.Tooltip("layer:Q", title=words["layer"]), alt.Tooltip("mean:Q", format=".2f"), alt.Tooltip("low:Q", format=".2f"), alt.Tooltip("high:Q", format=".2f"), alt.Tooltip("when:N", title=" ")],
        ),
    ]  # fmt: skip
    above.height = CURVES
    views = [above]
    tables = {"curves": curves}
    if rows:
        views.append(style.layered(*below, height=max(60, LAYER * len(layers))))
        tables["inputs"] = inputs
    return style.Picture(
        style.fitted(style.stacked(*views, spacing=10, resolve={"scale": {"fill": "independent"}})), tables
    )


def _within(value: float, reach: float) -> float:
    """Bars that leave the picture end at its edge; the table has their values."""
    return max(-reach, min(reach, value))
