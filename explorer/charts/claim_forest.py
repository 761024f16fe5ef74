"""The measured parts of claims on one axis: estimate and interval of each, and where its rule needs the estimate to lie."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts import style
from explorer.claim_bounds import Region

ROW = 40
NEEDED = 0.16  # opacity of the ground on which an estimate fits the rule
STATES = ("holds", "fails")
COLOURS, SHAPES = [style.MEASURED, style.ACCENT], ["square", "diamond"]
LOGARITHMIC = ("ratio",)
"""Units whose own axis is logarithmic."""


def draw(
    rows: list[dict[str, Any]], unit: str, *, axis_title: str, states: Mapping[str, str], stretched: bool
) -> style.Picture:
    """`rows`, in the order to draw, have name (unique), label, estimate, low, high (None where there is none), holds, region, and
    own_estimate, own_low, own_high (None without one's own). All are in one unit.

    `states` are the words of the legend for STATES. `stretched` asks for an axis that is even between -1 and 1 and logarithmic beyond.
    One's own estimate stands hollow under the published one.
    """
    numbers = ("estimate", "low", "high", "own_estimate", "own_low", "own_high")
    domain = _domain(rows, numbers, unit)
    left, right = zip(*(pair for row in rows for pair in [_edges(row["region"], domain)]), strict=True)
    table = pa.table(
        {
            "name": pa.array([row["name"] for row in rows]),
            "label": pa.array([row["label"] for row in rows]),
            "state": pa.array([states["holds" if row["holds"] else "fails"] for row in rows]),
            "outside": pa.array([row["region"] is not None and row["region"].outside for row in rows]),
            "from": pa.array(left, pa.float32()),
            "to": pa.array(right, pa.float32()),
            "axis_from": pa.array([domain[0]] * len(rows), pa.float32()),
            "axis_to": pa.array([domain[1]] * len(rows), pa.float32()),
            **{name: pa.array([row[name] for row in rows], pa.float32()) for name in numbers},
        }
    )
    kind = "log" if unit in LOGARITHMIC else "symlog" if stretched else "linear"
    # A ratio of 0 has no place on a logarithmic axis: it stands at its end, and the words above say 0.
    more = {"symlog": {"constant": 1}, "log": {"clamp": True}}.get(kind, {})
    scale = alt.Scale(type=kind, domain=domain, nice=False, **more)
    axis = alt.Axis(
        format="~g" if kind == "log" else "~f",
        **({"values": _stretched_ticks(domain)} if kind == "symlog" else {"tickCount": 6}),
    )

    def along(name: str) -> alt.X:
        return alt.X(f"{name}:Q", title=axis_title, scale=scale, axis=axis)

    words = [states[state] for state in STATES]
    legend = alt.Legend(title=None, orient="top", symbolSize=90)
    colour = alt.Color("state:N", scale=alt.Scale(domain=words, range=COLOURS), legend=legend)
    shape = alt.Shape("state:N", scale=alt.Scale(domain=words, range=SHAPES), legend=legend)
    base = style.named("parts").encode(y=alt.Y("name:N", sort=None, title=None, axis=None))
    one_sided, two_sided = base.transform_filter("!datum.outside"), base.transform_filter("datum.outside")
    ground = {"color": style.MEASURED, "opacity": NEEDED, "height": 18, "yOffset": 7}
    rule, own_rule = {"strokeWidth": 2.5, "yOffset": 5}, {"strokeWidth": 1.3, "strokeDash": [3, 2], "yOffset": 13}
    layers = [
        one_sided.mark_bar(**ground).encode(x=along("from"), x2=alt.X2("to:Q")),
        two_sided.mark_bar(**ground).encode(x=along("axis_from"), x2=alt.X2("from:Q")),
        two_sided.mark_bar(**ground).encode(x=along("to"), x2=alt.X2("axis_to:Q")),
        base.transform_filter("isValid(datum.low)").mark_rule(**rule).encode(x=along("low"), x2=alt.X2("high:Q"), color=colour),
        base.mark_point(filled=True, size=80, opacity=1, yOffset=5).encode(x=along("estimate"), color=colour, shape=shape),
        base.transform_filter("isValid(datum.own_low)")
        .mark_rule(**own_rule).encode(x=along("own_low"), x2=alt.X2("own_high:Q"), color=colour),
        base.transform_filter("isValid(datum.own_estimate)")
        .mark_point(filled=False, size=70, strokeWidth=1.6, yOffset=13).encode(x=along("own_estimate"), color=colour, shape=shape),
        # Words stand above their row and end where the picture ends, so that a phone has room for them.
        base.mark_text(align="left", baseline="bottom", dy=-4, fontSize=12, limit=alt.ExprRef("width"))
        .encode(x=alt.XValue(0), text=alt.Text("label:N"), color=alt.ColorValue(style.NEUTRAL)),
    ]  # fmt: skip
    tables = {"parts": table}
    if unit not in LOGARITHMIC:
        layers.append(
            style.named("zero").mark_rule(color=style.NEUTRAL, strokeWidth=1, opacity=0.7).encode(x=along("estimate"))
        )
        tables["zero"] = pa.table({"estimate": pa.array([0.0], pa.float32())})
    chart = style.layered(*layers, height=ROW * len(rows))
    return style.Picture(style.fitted(chart), tables)


def _domain(rows: list[dict[str, Any]], numbers: tuple[str, ...], unit: str) -> list[float]:
    ends = [row[name] for row in rows for name in numbers if row[name] is not None]
    ends += [end for row in rows if row["region"] for end in row["region"].ends]
    if unit in LOGARITHMIC:
        ends = [end for end in ends if end > 0] + [1.0]
        return [min(ends) / 2, max(ends) * 2]
    ends.append(0.0)
    room = 0.06 * (max(ends) - min(ends) or 1)
    return [min(ends) - room, max(ends) + room]


def _edges(region: Region | None, domain: list[float]) -> tuple[float | None, float | None]:
    if region is None:
        return None, None
    return domain[0] if region.low is None else region.low, domain[1] if region.high is None else region.high


def _stretched_ticks(domain: list[float]) -> list[float]:
    steps = [1, 3, 10, 30, 100]
    ticks = [-step for step in reversed(steps)] + [0, *steps]
    return [tick for tick in ticks if domain[0] <= tick <= domain[1]]
