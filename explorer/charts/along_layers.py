"""Something measured in every layer, a thin line per seed, plain and residual in their colours."""

import altair as alt
import pyarrow as pa

from explorer.charts import style
from explorer.text import t

HEIGHT = 240


def signal(rows: pa.Table) -> style.Picture:
    """`rows` has architecture, seed, layer, sd (NULL where it was not finite). The ordinate is logarithmic; what is zero or missing breaks
    the line."""
    told = [row | {"sd": row["sd"] if row["sd"] and row["sd"] > 0 else None} for row in rows.to_pylist()]
    table = pa.table(
        {
            "layer": pa.array([row["layer"] for row in told], pa.int16()),
            "sd": pa.array([row["sd"] for row in told], pa.float32()),
            "seed": pa.array([row["seed"] for row in told], pa.int16()),
            "series": pa.array([t(f"depth.architecture.{row['architecture']}") for row in told], pa.string()),
        }
    )
    x = alt.X(
        "layer:Q", title=t("depth.axis.layer"), scale=alt.Scale(nice=False), axis=alt.Axis(grid=False, tickMinStep=1)
    )
    y = alt.Y(
        "sd:Q",
        title=t("depth.axis.sd"),
        scale=alt.Scale(type="log", nice=False, domain=_room(table["sd"].to_pylist())),
        axis=alt.Axis(format="~g", tickCount=5),
    )
    tooltip = [
        alt.Tooltip("series:N", title=" "),
        alt.Tooltip("layer:Q", title=t("depth.axis.layer")),
        alt.Tooltip("sd:Q", title=t("depth.axis.sd"), format=".3~g"),
        alt.Tooltip("seed:Q", title=t("site.seed")),
    ]
    base = style.named("rows").encode(x=x, y=y, color=architecture_colour(), detail=alt.Detail("seed:N"))
    marks = base.mark_line(strokeWidth=1.3, opacity=0.75, clip=True)
    points = base.mark_point(filled=True, size=14, opacity=0.8, clip=True).encode(
        shape=architecture_shape(), tooltip=tooltip
    )
    return style.Picture(style.fitted(style.layered(marks, points, height=HEIGHT)), {"rows": table})


def damage(rows: pa.Table) -> style.Picture:
    """`rows` has architecture, seed, stage, block, damage (fraction). A mark per seed and block; a rule where a new stage begins."""
    told = rows.to_pylist()
    table = pa.table(
        {
            "block": pa.array([row["block"] for row in told], pa.int16()),
            "damage": pa.array([100 * row["damage"] for row in told], pa.float32()),
            "seed": pa.array([row["seed"] for row in told], pa.int16()),
            "series": pa.array([t(f"depth.architecture.{row['architecture']}") for row in told], pa.string()),
        }
    )
    first: dict[int, int] = {}
    for row in told:
        first[row["stage"]] = min(first.get(row["stage"], row["block"]), row["block"])
    edges = pa.table({"block": pa.array([block - 0.5 for stage, block in first.items() if stage > 1], pa.float32())})
    blocks = sorted(set(table["block"].to_pylist()))
    x = alt.X(
        "block:Q",
        title=t("depth.axis.block"),
        scale=alt.Scale(domain=[0.5, blocks[-1] + 0.5], nice=False),
        axis=alt.Axis(grid=False, tickMinStep=1, format="d"),
    )
    y = alt.Y(
        "damage:Q",
        title=t("depth.axis.damage"),
        axis=alt.Axis(labelExpr="format(datum.value, '~g')", tickCount=5),  # as `format`, it would write 40 as 4e+1
    )
    tooltip = [
        alt.Tooltip("series:N", title=" "),
        alt.Tooltip("block:Q", title=t("depth.axis.block")),
        alt.Tooltip("damage:Q", title=t("depth.axis.damage"), format="+.1f"),
        alt.Tooltip("seed:Q", title=t("site.seed")),
    ]
    layers = [
        style.named("edges").mark_rule(color=style.NEUTRAL, strokeDash=[2, 3]).encode(x=x),
        style.named("rows")
        .mark_point(filled=True, size=34, opacity=0.75)
        .encode(x=x, y=y, color=architecture_colour(), shape=architecture_shape(), tooltip=tooltip),
    ]
    return style.Picture(style.fitted(style.layered(*layers, height=HEIGHT)), {"rows": table, "edges": edges})


def architecture_colour() -> alt.Color:
    """Plain and residual in their colours, under the words for them."""
    return alt.Color("series:N", scale=_scale(style.ARCHITECTURES), legend=_legend())


def architecture_shape() -> alt.Shape:
    """Their shapes, which say the same without colour."""
    return alt.Shape("series:N", scale=_scale(style.ARCHITECTURE_SHAPES), legend=_legend())


def _scale(of: dict[str, str]) -> alt.Scale:
    return alt.Scale(domain=[t(f"depth.architecture.{name}") for name in of], range=list(of.values()))


def _legend() -> alt.Legend:
    return alt.Legend(orient="top", direction="horizontal", title=None, symbolOpacity=1, symbolSize=70)


def _room(values: list[float | None]) -> list[float]:
    """An axis of at least a factor of four, so that a constant is seen as one."""
    found = [value for value in values if value is not None] or [1.0]
    low, high = min(found), max(found)
    stretch = max(1.1, (4 * low / high) ** 0.5 if high < 4 * low else 1.1)
    return [low / stretch, high * stretch]
