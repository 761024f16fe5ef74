"""The gradient norm of every layer at every measured epoch, as a map of its logarithm."""

from collections.abc import Sequence

import altair as alt
import pyarrow as pa

from explorer.charts import style
from explorer.text import t

HEIGHT = 230
SCHEME = "cividis"  # not the scheme of errors: this is no error
MOST_TICKS = 8


def draw(cells: pa.Table, limits: tuple[float, float], epochs: Sequence[int]) -> style.Picture:
    """`cells` has layer, epoch (0 the start), norm, log_norm (NULL where there is no value) and state (value, zero, none). Maps that
    stand side by side get the same `limits`, powers of ten.

    A gradient of exactly zero is no colour but a 0, one that is not finite a cross.
    """
    table = cells.select(["layer", "epoch", "norm", "log_norm", "state"])
    layers = sorted(set(table["layer"].to_pylist()))
    step = max(1, -(-len(layers) // MOST_TICKS))
    ticks = [layer for layer in layers if (layer - 1) % step == 0]
    x = alt.X(
        "layer:O",
        title=t("depth.axis.layer"),
        scale=alt.Scale(domain=layers),
        axis=alt.Axis(values=ticks, labelAngle=0, ticks=False, domain=False),
    )
    y = alt.Y(
        "epoch:O",
        title=t("depth.axis.epoch"),
        scale=alt.Scale(domain=sorted(epochs, reverse=True)),
        axis=alt.Axis(ticks=False, domain=False),
    )
    legend = alt.Legend(
        orient="top",
        direction="horizontal",
        gradientLength=180,
        title=t("depth.axis.gradient"),
        titleLimit=260,
        format="d",
        values=list(range(round(limits[0]), round(limits[1]) + 1, max(1, round(limits[1] - limits[0]) // 6))),
    )
    colour = alt.Color("log_norm:Q", scale=alt.Scale(domain=list(limits), scheme=SCHEME, clamp=True), legend=legend)
    tooltip = [
        alt.Tooltip("layer:Q", title=t("depth.axis.layer")),
        alt.Tooltip("epoch:Q", title=t("depth.axis.epoch")),
        alt.Tooltip("norm:Q", title=t("depth.axis.norm"), format=".3~e"),
    ]
    band = alt.RelativeBandSize(band=1.15)
    base = style.named("cells").encode(x=x, y=y, tooltip=tooltip)
    layers_ = [base.transform_filter("datum.state == 'value'").mark_rect(width=band, height=band).encode(color=colour)]
    for state, mark in (("zero", "0"), ("none", "✕")):
        words = base.transform_filter(f"datum.state == '{state}'")
        layers_.append(
            words.mark_text(fontSize=10, color=style.ACCENT, fontWeight="bold").encode(text=alt.TextValue(mark))
        )
    return style.Picture(style.fitted(style.layered(*layers_, height=HEIGHT)), {"cells": table})
