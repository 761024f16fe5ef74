"""The hollow marks of one's own runs over a picture of the published ones, with a place of their own in its legend."""

from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts import style
from explorer.text import t

TABLE = "own"  # the name of their table in a Picture
SIZE = 110  # so that the mark of a published run shows within
STROKE = 1.6


def hollow(base: alt.Chart, *, size: int = SIZE, named: bool = True, **mark: Any) -> alt.Chart:
    """Hollow points of a chart on the table of one's own runs, to be encoded like the published ones. `named` puts them into the legend.

    Their word goes by the channel of opacity, which no other marks of such pictures use, so that it disturbs no scale or legend; under the
    picture, where a phone has room for it.
    """
    word = t("site.own.mark")
    key = alt.Legend(
        title=None, orient="bottom", symbolType="circle", symbolSize=80, symbolFillColor="transparent",
        symbolStrokeColor=style.NEUTRAL, symbolStrokeWidth=STROKE, labelLimit=260,
    )  # fmt: skip
    # Words are points of a range for an opacity: one end alone is no range, and the marks would not be seen.
    whose = alt.Opacity("whose:N", scale=alt.Scale(domain=[word], range=[1, 1]), legend=key if named else None)
    points = base.transform_calculate(whose=style.javascript_list([word])[1:-1])
    return points.mark_point(filled=False, size=size, strokeWidth=STROKE, clip=True, **mark).encode(opacity=whose)


def table(rows: list[dict[str, Any]], **kinds: pa.DataType) -> pa.Table:
    """The rows of one's own runs as the table of a picture: the named columns, each of its kind."""
    return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in kinds.items()})


def tooltip(
    value: str, title: str, format: str, apart: str = "+.2f", apart_title: str | None = None
) -> list[alt.Tooltip]:
    """What a hollow mark says of itself: that it is one's own, its value, its difference from the same published run, its seed."""
    return [
        alt.Tooltip("whose:N", title=" "),
        alt.Tooltip(f"{value}:Q", title=title, format=format),
        alt.Tooltip("difference:Q", title=apart_title or t("runs.column.difference"), format=apart),
        alt.Tooltip("seed:Q", title=t("site.seed")),
    ]
