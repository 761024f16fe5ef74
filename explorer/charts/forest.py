"""A forest plot: one row per changed part, its paired difference from the baseline with a 95% t interval, the zero line, and n."""

import unicodedata
from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts import style

ROW, LINE = 38, 14  # pixels: of a row whose words take one line, and of every further line
COLUMNS = 60  # Latin letters that a phone has room for


def draw(rows: list[dict[str, Any]], axis_title: str, beside: list[dict[str, Any]] | None = None) -> style.Picture:
    """`rows` (in the order to draw) have name, estimate, low, high (None under three pairs) and label, all in one unit. A long label takes
    several lines. Rows may have colour and shape, where what they are about has a look of its own on every picture; others are all alike.

    `beside` are the rows of a plot that stands beside this one: both get the axis that holds all of them.
    """
    labels = [_wrapped(row["label"]) for row in rows]
    further = max(map(len, labels), default=1) - 1
    table = pa.table(
        {
            "name": pa.array([row["name"] for row in rows]),
            "label": pa.array(["\n" * (further + 1 - len(label)) + "\n".join(label) for label in labels]),
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
    colour, shape = _looks(rows)
    layers = [
        # The zero line, only as high as the marks: through the words it would be read as a letter.
        base.mark_tick(orient="vertical", color=style.NEUTRAL, size=ROW / 3, thickness=1.5).encode(x=alt.XDatum(0)),
        base.transform_filter("isValid(datum.low)")
        .mark_rule(color=style.MEASURED, strokeWidth=2.5)
        .encode(x=alt.X("low:Q", title=axis_title), x2=alt.X2("high:Q"), **colour),
        base.mark_point(color=style.MEASURED, filled=True, size=80, opacity=1, shape="square").encode(
            x=x, **colour, **shape
        ),
        # Words stand above their row, so that a phone has room for them; all take as many lines, the first of which Vega puts in place.
        base.mark_text(
            align="left", baseline="bottom", dy=-8 - LINE * further, fontSize=12, lineBreak="\n", lineHeight=LINE
        ).encode(x=alt.XValue(0), text=alt.Text("label:N"), color=alt.ColorValue(style.NEUTRAL)),
    ]
    chart = style.layered(*layers, height=(ROW + LINE * further) * len(rows))
    return style.Picture(style.fitted(chart), {"contrasts": table})


def _looks(rows: list[dict[str, Any]]) -> tuple[dict[str, alt.Color], dict[str, alt.Shape]]:
    """The colour and the shape of each row by its name, as encodings; none where rows have no look of their own."""
    if not all({"colour", "shape"} <= row.keys() for row in rows):
        return {}, {}
    names = [row["name"] for row in rows]
    colours, shapes = (alt.Scale(domain=names, range=[row[look] for row in rows]) for look in ("colour", "shape"))
    return (
        {"color": alt.Color("name:N", scale=colours, legend=None)},
        {"shape": alt.Shape("name:N", scale=shapes, legend=None)},
    )


def _wrapped(label: str) -> list[str]:
    """The lines of a label "what: numbers", none wider than COLUMNS where a space allows it, the numbers in a line of their own."""
    if _width(label) <= COLUMNS:
        return [label]
    what, colon, numbers = label.rpartition(": ")
    lines = [""]
    for word in f"{what}{colon}".split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _width(longer) > COLUMNS:
            lines.append(word)
        else:
            lines[-1] = longer
    return [*(line for line in lines if line), numbers]


def _width(text: str) -> int:
    # A Korean letter is as wide as two Latin ones.
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text)
