"""Signs on a map: cells that hold no value are grey, and a sign says why; a mean that leaves out runs that diverged has one on its colour."""

import itertools

import altair as alt
import pyarrow as pa

from explorer.charts import style
from explorer.charts.landmarks import Drawn

DIVERGED, NOTHING = "×", "–"
GREY = "#b9bdc4"  # no colour of a scale
HALO = ({"stroke": "white", "strokeWidth": 3, "strokeJoin": "round"}, {"color": "#26292e"})


def draw(cells: pa.Table, x: alt.X, y: alt.Y) -> Drawn:
    """`cells` has w, e, state and diverged, as the table "cells" of the picture has. One sign stands at the first cell of every run of such
    cells in a column, so that every region has one and its colours can be read."""
    rows = sorted(cells.select(["w", "e", "state", "diverged"]).to_pylist(), key=lambda row: (row["w"], row["e"]))
    signs = []
    for before, row in itertools.pairwise([{"w": None, "e": None}, *rows]):
        sign, column = _sign(row), (row["w"], row["e"] - 1)
        goes_on = (before["w"], before["e"]) == column and (before["state"], _sign(before)) == (row["state"], sign)
        if sign and not goes_on:
            signs.append({"w": row["w"], "e": row["e"], "sign": sign})
    if not signs:
        return [], {}
    layers = [
        style.named("signs").mark_text(fontSize=12, tooltip=None, **look).encode(x, y, text=alt.Text("sign:N"))
        for look in HALO
    ]
    if any(row["state"] != "value" for row in rows):
        size = alt.RelativeBandSize(band=1.15)
        grey = style.named("cells").transform_filter("datum.state !== 'value'")
        layers.insert(0, grey.mark_rect(color=GREY, width=size, height=size).encode(x, y))
    kinds = {"w": pa.int16(), "e": pa.int16(), "sign": pa.string()}
    return layers, {
        "signs": pa.table({name: pa.array([row[name] for row in signs], kind) for name, kind in kinds.items()})
    }


def _sign(row: dict) -> str | None:
    """What stands in a cell: that a run diverged, whether others are left or not, or that none has finished."""
    if row["diverged"]:
        return DIVERGED
    return None if row["state"] == "value" else NOTHING
