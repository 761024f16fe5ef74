"""A forest plot: one row per changed part, its paired difference from the baseline with a 95% t interval, the zero line, and n."""

from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts import style

ROW = 44


def draw(rows: list[dict[str, Any]], axis_title: str, beside: list[dict[str, Any]] | None = None) -> style.Picture:
    """`rows` (in the order to draw) have name, estimate, low, high (None under three pairs) and label, all in one unit.

    `beside` are the rows of a plot that stands beside this one: both get the axis that holds all of them.
    """
    table = pa.table(
        {
            "name": pa.array([row["name"] for row in rows]),
            "label": pa.array([row["label"] for row in rows]),
            **{name: pa.array([row[name] for row in rows], pa.float32()) for name in ("estimate", "low", "high")},
        }
    )
    all_rows = [*rows, *(beside or [])]
    ends = [value for row in all_rows for value in (row["estimate"], row["low"], row["high"]) if value is not None]
    ends.append(0.0)
    room = 0.08 * (max(ends) - min(ends) or 1)
    domain = [min(ends) - room, max(ends) + room]
    x = alt.X(
        "estimate:Q",
        title=axis_title,
        scale=alt.Scale(domain=domain, nice=False),
        axis=alt.Axis(labelExpr="datum.value == 0 ? '0' : format(datum.value, '+.3~r')", tickCount=6),
    )
    y = alt.Y("name:N", sort=None, title=None, axis=None)
    base = style.named("contrasts").encode(y=y)
    layers = [
        # The zero line, only as high as the marks: through the words it would be read as a letter.
        base.mark_tick(orient="vertical", color=style.NEUTRAL, size=ROW / 3, thickness=1.5).encode(x=alt.datum(0)),
        base.transform_filter("isValid(datum.low)")
        .mark_rule(color=style.MEASURED, strokeWidth=2.5)
        .encode(x=alt.X("low:Q", title=axis_title), x2="high:Q"),
        base.mark_point(color=style.MEASURED, filled=True, size=80, opacity=1, shape="square").encode(x=x),
        # Words stand above their row, so that a phone has room for them.
        base.mark_text(align="left", baseline="bottom", dy=-8, fontSize=12).encode(
            x=alt.value(0), text="label:N", color=alt.value(style.NEUTRAL)
        ),
    ]
    chart = alt.layer(*layers).properties(height=ROW * len(rows))
    return style.Picture(style.fitted(chart), {"contrasts": table})
