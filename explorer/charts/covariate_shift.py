"""Internal covariate shift: something measured in every layer, and the drift of what layers are fed against how fast the network trains."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts import normalizations, style
from explorer.text import t

HEIGHT, SCATTER = 240, 320


def along_layers(
    rows: Sequence[Mapping[str, Any]], y_title: str, *, y_log: bool, reference: float | None = None
) -> style.Picture:
    """`rows`: norm, seed, layer, value (None where there is none: no mark), rate, href. A thin line for each seed; `reference` is a value at
    which a line stands."""
    norms = normalizations.in_order(row["norm"] for row in rows)
    kept = lambda value: None if value is None or (y_log and value <= 0) else value
    table = pa.table(
        {
            "name": pa.array([normalizations.name(row["norm"]) for row in rows], pa.string()),
            "seed": pa.array([row["seed"] for row in rows], pa.int16()),
            "layer": pa.array([row["layer"] for row in rows], pa.int16()),
            "value": pa.array([kept(row["value"]) for row in rows], pa.float32()),
            "rate": pa.array([row["rate"] for row in rows], pa.string()),
            "href": pa.array([row["href"] for row in rows], pa.string()),
        }
    )
    layers = sorted(set(table["layer"].to_pylist())) or [1]
    x = alt.X(
        "layer:Q",
        title=t("batch_norm.axis.layer"),
        scale=alt.Scale(domain=[layers[0] - 0.4, layers[-1] + 0.4], nice=False),
        axis=alt.Axis(grid=False, tickMinStep=1, format="d", values=layers if len(layers) <= 12 else layers[:: -(-len(layers) // 12)]),
    )  # fmt: skip
    scale = alt.Scale(type="log", nice=False) if y_log else alt.Scale(zero=False, nice=True)
    y = alt.Y("value:Q", title=y_title, scale=scale, axis=alt.Axis(labelExpr=style.LOG_LABEL, tickCount=5))
    colour, shape = normalizations.channels(norms)
    tooltip = [
        alt.Tooltip("name:N", title=t("batch_norm.axis.norm")),
        alt.Tooltip("layer:Q", title=t("batch_norm.axis.layer")),
        alt.Tooltip("value:Q", title=y_title, format=".3~g"),
        alt.Tooltip("seed:Q", title=t("site.seed")),
        alt.Tooltip("rate:N", title=t("batch_norm.axis.rate")),
    ]
    base = style.named("rows").encode(x=x, y=y, color=colour, detail=alt.Detail("seed:N"))
    marks = [
        *(
            base.transform_filter(mine).mark_line(strokeWidth=1.3, strokeDash=dash, opacity=0.75, clip=True)
            for dash, mine in normalizations.by_dash(norms)
        ),
        base.mark_point(filled=True, size=34, opacity=0.9, clip=True, cursor="pointer").encode(shape=shape, href=alt.Href("href:N"), tooltip=tooltip),
    ]  # fmt: skip
    tables = {"rows": table}
    if reference is not None:
        tables["reference"] = pa.table({"value": pa.array([reference], pa.float32())})
        line = style.named("reference").mark_rule(color=style.NEUTRAL, strokeDash=[2, 3])
        marks.insert(0, line.encode(y=alt.Y("value:Q", title=y_title)))
    return style.Picture(style.fitted(style.layered(*marks, height=HEIGHT)), tables)


def drift_and_speed(rows: Sequence[Mapping[str, Any]]) -> style.Picture:
    """A mark for each run: how far what its layers are fed drifts in a step (log axis) against its mean train error along the training.
    `rows`: norm, seed, drift, error (fractions), rate, href."""
    norms = normalizations.in_order(row["norm"] for row in rows)
    table = pa.table(
        {
            "name": pa.array([normalizations.name(row["norm"]) for row in rows], pa.string()),
            "seed": pa.array([row["seed"] for row in rows], pa.int16()),
            "drift": pa.array([row["drift"] for row in rows], pa.float32()),
            "error": pa.array([row["error"] for row in rows], pa.float32()),
            "rate": pa.array([row["rate"] for row in rows], pa.string()),
            "href": pa.array([row["href"] for row in rows], pa.string()),
        }
    )
    x_title, y_title = t("batch_norm.axis.drift"), t("batch_norm.axis.speed")
    drifts, errors = table["drift"].to_pylist() or [0.1, 1.0], table["error"].to_pylist() or [0.0, 1.0]
    x = alt.X(
        "drift:Q", title=x_title, scale=alt.Scale(type="log", domain=[min(drifts) / 1.25, max(drifts) * 1.25], nice=False),
        axis=alt.Axis(labelExpr=style.LOG_LABEL, tickCount=6),
    )  # fmt: skip
    room = 0.06 * (max(errors) - min(errors) or 0.1)
    y = alt.Y(
        "error:Q", title=y_title, scale=alt.Scale(domain=[min(errors) - room, max(errors) + room], nice=False),
        axis=alt.Axis(format=".0%", tickCount=6),
    )  # fmt: skip
    colour, shape = normalizations.channels(norms)
    tooltip = [
        alt.Tooltip("name:N", title=t("batch_norm.axis.norm")),
        alt.Tooltip("drift:Q", title=x_title, format=".3~g"),
        alt.Tooltip("error:Q", title=y_title, format=".1%"),
        alt.Tooltip("seed:Q", title=t("site.seed")),
        alt.Tooltip("rate:N", title=t("batch_norm.axis.rate")),
    ]
    marks = style.named("rows").mark_point(filled=True, size=95, opacity=0.9, cursor="pointer")
    chart = marks.encode(x=x, y=y, color=colour, shape=shape, href=alt.Href("href:N"), tooltip=tooltip).properties(
        height=SCATTER
    )
    return style.Picture(style.fitted(chart), {"rows": table})
