"""What was measured of one run along its training."""

from collections.abc import Mapping

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc

from explorer.charts.own_marks import TABLE
from explorer.charts.style import ACCENT, DASH, MEASURED, NEUTRAL, Picture, layered, named

LOOKS = {"test": (MEASURED, [1, 0]), "train": (MEASURED, DASH), "val": (NEUTRAL, [1, 3])}
LOOKS |= {"high": (ACCENT, [1, 0]), "at": (MEASURED, [1, 0]), "low": (ACCENT, DASH)}
"""Colour and dash: train and test share a hue, dashed and solid; validation is grey and dotted. The ends of a range share one too."""

HEIGHT = 320
FEW = 6  # readings that each have a tick: a logarithmic axis would put fractions of an epoch between them


def run_curves(
    table: pa.Table,
    kinds: Mapping[str, str],
    *,
    x: str = "epoch",
    x_title: str,
    y_title: str,
    legend: str,
    factor: float = 1.0,
    y_log: bool = False,
    own: pa.Table | None = None,
    others: pa.Table | None = None,
    band: pa.Table | None = None,
) -> Picture:
    """Curves of one run against column `x` (log axis), a point per reading.

    `kinds` gives each column to be drawn its word, in the order of the legend; one alone has none. Values are
    multiplied by `factor`; NULL, after divergence, is not drawn, nor is a zero on a log axis. `own` has the same columns of one's own run
    and is drawn as hollow points over the lines. Behind them, thin and grey, stand `others` (seed, x and one more column, on the scale of
    `table`), a line for each seed, and `band` (x, low, high).
    """
    domain = list(kinds.values())
    looks = [LOOKS.get(name.partition("_")[0], (MEASURED, [1, 0])) for name in kinds]
    key = (
        None
        if len(kinds) == 1
        else alt.Legend(title=legend, orient="top", symbolType="stroke", symbolStrokeWidth=2, symbolSize=400)
    )
    colour = alt.Color("kind:N", scale=alt.Scale(domain=domain, range=[look[0] for look in looks]), legend=key)
    dash = alt.StrokeDash("kind:N", scale=alt.Scale(domain=domain, range=[look[1] for look in looks]), legend=key)
    readings = sorted(set(table[x].to_pylist()))
    ticks = {"values": readings} if len(readings) <= FEW else {"tickCount": 5}
    along = alt.X(f"{x}:Q", title=x_title, scale=alt.Scale(type="log", nice=False), axis=alt.Axis(grid=False, **ticks))
    scale = alt.Scale(type="log") if y_log else alt.Scale(domainMin=0)
    y = alt.Y("value:Q", title=y_title, scale=scale, axis=alt.Axis(tickCount=5))
    tooltip = [alt.Tooltip(f"{x}:Q", title=x_title), alt.Tooltip("value:Q", title=y_title, format=".4~g"), "kind:N"]
    base, tables = named("curves"), {"curves": _long(table, kinds, x, factor, y_log)}
    layers = [
        base.mark_line(strokeWidth=2).encode(x=along, y=y, color=colour, strokeDash=dash),
        base.mark_point(filled=True, size=18, opacity=0.9).encode(x=along, y=y, color=colour, tooltip=tooltip),
    ]
    behind = []
    if band is not None and band.num_rows:
        tables["band"] = pa.table({x: band[x]} | {end: _scaled(band[end], factor) for end in ("low", "high")})
        edges = {"y": alt.Y("low:Q", title=y_title), "y2": alt.Y2("high")}
        behind.append(named("band").mark_area(color=NEUTRAL, opacity=0.2).encode(x=along, **edges))
    if others is not None and others.num_rows:
        (column,) = set(others.column_names) - {"seed", x}
        tables["others"] = pa.table({x: others[x], "seed": others["seed"], "value": _scaled(others[column], factor)})
        thin = named("others").mark_line(color=NEUTRAL, strokeWidth=1, opacity=0.6)
        behind.append(thin.encode(x=along, y=y, detail=alt.Detail("seed:N")))
    layers = behind + layers
    if own is not None:
        tables[TABLE] = _long(own, kinds, x, factor, y_log)
        hollow = named(TABLE).mark_point(filled=False, size=55, strokeWidth=1.4)
        layers.append(hollow.encode(x=along, y=y, color=colour, tooltip=tooltip))
    return Picture(layered(*layers, height=HEIGHT), tables)


def with_targets(picture: Picture, targets: pa.Table, *, x_title: str, y_title: str) -> Picture:
    """The same picture with a line at each target (a fraction, drawn in percent) and a diamond at the step where it was reached."""
    reached = pa.table({"value": _scaled(targets["target"], 100), "step": targets["step"]})
    base = named("targets")
    y = alt.Y("value:Q", title=y_title)
    lines = base.mark_rule(color=NEUTRAL, strokeDash=[2, 3], opacity=0.7).encode(y=y)
    marks = (
        base.transform_filter("isValid(datum.step)")
        .mark_point(shape="diamond", filled=True, size=70, color=ACCENT, opacity=1)
        .encode(x=alt.X("step:Q", title=x_title), y=y)
    )
    curves = layered(*picture.chart.layer)
    return Picture(layered(lines, curves, marks, height=HEIGHT), picture.tables | {"targets": reached})


def _long(table: pa.Table, kinds: Mapping[str, str], x: str, factor: float, positive: bool) -> pa.Table:
    long = pa.concat_tables(
        pa.table(
            {
                x: table[x],
                "value": _scaled(table[name], factor),
                "kind": pa.array([word] * table.num_rows, pa.string()),
            }
        )
        for name, word in kinds.items()
    )
    return long.filter(pc.greater(long["value"], 0)) if positive else long


def _scaled(values: pa.ChunkedArray, factor: float) -> pa.ChunkedArray:
    return pc.multiply(values.cast(pa.float32()), pa.scalar(factor, pa.float32()))
