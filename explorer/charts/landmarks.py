"""Lines drawn on a map from the table `landmarks`: the interpolation threshold with its spread over seeds, the ridge, and notes."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts import style
from explorer.results.generalization import Axes

LINE = ({"color": "white", "strokeWidth": 4.5, "opacity": 0.85}, {"color": "black", "strokeWidth": 1.6})


Drawn = tuple[list[alt.Chart], dict[str, pa.Table]]  # layers, and the tables they name


def threshold_line(threshold: pa.Table, axes: Axes) -> Drawn:
    """A staircase at the left edge of the first width that has reached the level, epoch by epoch; its band spans the single seeds."""
    steps = [row for row in threshold.to_pylist() if row["width"] is not None and row["epoch"] in axes.epochs]
    if not steps:
        return [], {}
    risers = [
        {
            "e": axes.epochs.index(row["epoch"]),
            "w": axes.widths.index(row["width"]),
            "from": _index(axes.widths, row["low"], down=True),
            "to": _index(axes.widths, row["high"], down=False),
        }
        for row in steps
    ]
    treads = [
        {"e": after["e"], "w": min(before["w"], after["w"]), "to": max(before["w"], after["w"])}
        for before, after in pairwise(risers)
        if before["w"] != after["w"] and after["e"] == before["e"] + 1
    ]
    x, y = _places(axes)
    left, bottom, top = {"bandPosition": 0}, {"bandPosition": 1}, {"bandPosition": 0}
    upright = style.named("threshold")
    drawn = []
    if any(row["from"] is not None and row["to"] is not None and row["to"] > row["from"] for row in risers):
        drawn.append(
            upright.transform_filter("isValid(datum.from) && datum.to > datum.from")
            .mark_rect(color="white", opacity=0.28, tooltip=None)
            .encode(x=x("from", **left), x2=alt.X2("to:O", **left), y=y("e", **top), y2=alt.Y2("e:O", **bottom))
        )
    for look in LINE:
        drawn.append(
            upright.mark_rule(**look, tooltip=None).encode(
                x=x("w", **left), y=y("e", **top), y2=alt.Y2("e:O", **bottom)
            )
        )
        if treads:
            flat = style.named("threshold_treads").mark_rule(**look, tooltip=None)
            drawn.append(flat.encode(x=x("w", **left), x2=alt.X2("to:O", **left), y=y("e", **bottom)))
    return drawn, {"threshold": _table(risers)} | ({"threshold_treads": _table(treads)} if treads else {})


def ridge_line(ridge: pa.Table, axes: Axes, reading: str) -> Drawn:
    """The peak of each row ("across") or column ("up"), only where it is clear of seed noise, with its bootstrap bar."""
    along, over = ("e", "w") if reading == "across" else ("w", "e")
    values = {"e": axes.epochs, "w": axes.widths}
    peaks = [
        {
            along: values[along].index(row["at"]),
            over: values[over].index(row["position"]),
            "from": _index(values[over], row["low"], down=True),
            "to": _index(values[over], row["high"], down=False),
        }
        for row in ridge.to_pylist()
        if row["clear"] and row["position"] in values[over] and row["at"] in values[along]
    ]
    if not peaks:
        return [], {}
    # A click on a dot is a click on its cell, since it carries the same w and e.
    x, y = _places(axes)
    dots = style.named("ridge").encode(x=x("w"), y=y("e"))
    bar = style.named("ridge").transform_filter("isValid(datum.from) && datum.to > datum.from")
    if reading == "across":
        bar = bar.encode(x=x("from"), x2=alt.X2("to:O"), y=y("e"))
    else:
        bar = bar.encode(x=x("w"), y=y("from"), y2=alt.Y2("to:O"))
    layers = [
        bar.mark_rule(color="white", strokeWidth=1, opacity=0.6, tooltip=None),
        dots.mark_point(
            shape="circle",
            filled=True,
            fill="white",
            stroke="#b3261e",
            strokeWidth=1.2,
            size=22,
            opacity=1,
            tooltip=None,
        ),
    ]
    return layers, {"ridge": _table(peaks)}


def notes(found: Sequence[tuple[int, int, str]], axes: Axes) -> Drawn:
    """Short texts on regions of the map, dark on a light plate so that they can be read on every colour."""
    if not found:
        return [], {}
    rows = [
        {"w": axes.widths.index(width), "e": axes.epochs.index(epoch), "text": text} for width, epoch, text in found
    ]
    table = pa.table(
        {
            "w": pa.array([row["w"] for row in rows], pa.int16()),
            "e": pa.array([row["e"] for row in rows], pa.int16()),
            "text": pa.array([row["text"] for row in rows]),
        }
    )
    x, y = _places(axes)
    base = style.named("notes").encode(x=x("w"), y=y("e"), text=alt.Text("text:N"))
    layers = [
        base.mark_text(
            fontSize=12, fontWeight="bold", stroke="black", strokeWidth=3.5, strokeJoin="round", tooltip=None
        ),
        base.mark_text(fontSize=12, fontWeight="bold", color="white", tooltip=None),
    ]
    return layers, {"notes": table}


def _places(axes: Axes):
    scales = {"x": list(range(len(axes.widths))), "y": list(range(len(axes.epochs)))[::-1]}
    return (
        lambda field, **more: alt.X(f"{field}:O", scale=alt.Scale(domain=scales["x"]), **more),
        lambda field, **more: alt.Y(f"{field}:O", scale=alt.Scale(domain=scales["y"]), **more),
    )


def _index(values: list[int], wanted: float | None, down: bool) -> int | None:
    """The place of a sampled value; a bootstrap end between two of them is moved outward, so that a bar never looks shorter than it is."""
    if wanted is None:
        return None
    place = bisect_right(values, wanted) - 1 if down else bisect_left(values, wanted)
    return min(max(place, 0), len(values) - 1)


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], pa.int16()) for name in rows[0]})
