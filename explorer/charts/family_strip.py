"""A row for each family of graphs: one of its graphs drawn, its test error with a mark for every graph and every seed, and how far graphs
and seeds lie apart, on one scale."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt
import pyarrow as pa

from explorer.charts import families, graph_drawing, own_marks, style
from explorer.results.wiring import Family
from explorer.text import t

ROW, AXIS = 58, 46
DRAWING = 0.25
"""Share of the width that the drawings have."""
GAP, EDGE = 0.03, 0.05
"""Shares of the width between drawings and errors, and at the right for what has no place on the axis."""
DRAWN = (0.24, 0.96)
"""Where in its row the drawing begins and ends, under the name of the family."""
NEAR = 1.5
"""The near axis ends this many points beyond the random families, the rings WS(K, 0) and the residual chain."""
OWN_SIZE = 60
"""Of a hollow mark: a run's dot shows within, and the lanes of a family stay apart."""


class Layout(NamedTuple):
    """Where in its row, as shares of the height, the name, the note, the first and the last lane of runs, and the bars of the deviations
    stand; and whether a graph is drawn at its left, or the note stands there."""

    name: float
    note: float
    lanes: tuple[float, float]
    bars: tuple[float, float]
    drawn: bool


TALL = Layout(0.14, 0.14, (0.28, 0.66), (0.8, 0.91), drawn=True)
LOW = Layout(0.3, 0.74, (0.14, 0.66), (0.81, 0.93), drawn=False)
"""Of rows lower than ROW: words and drawing have no room one under the other."""


def draw(
    rows: Sequence[Mapping[str, Any]],
    runs: Sequence[Mapping[str, Any]],
    graphs: Sequence[Mapping[str, Any]],
    drawings: Mapping[Family, tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]],
    limits: tuple[float, float],
    own: Sequence[Mapping[str, Any]] = (),
    height: int | None = None,
) -> style.Picture:
    """`rows` are those of the table families in the order to draw, with `of` and `note`; `runs` have `of` (a Graph), seed, outcome,
    test_error, href; `graphs` have `of`, test_error, trained. `drawings` are nodes and edges of one stage. `limits` are the ends of the axis,
    fractions: a family whose mean lies beyond them is an arrow at the edge with that mean, and has no marks. `own` are one's own runs, drawn
    hollow in their lane: `of`, seed, test_error, difference, href. `height`, in pixels, is that of all rows at most; rows lower than usual
    are without drawings.

    A run that failed to train is a cross at the right edge, in its lane, and has no place on the axis.
    """
    usual = ROW * len(rows) + AXIS
    height = usual if height is None else min(height, 2 * usual)
    layout = TALL if height >= ROW * len(rows) else LOW
    place = {row["of"]: number for number, row in enumerate(rows)}
    lanes = _lanes([*runs, *own], place, layout.lanes)
    gone = beyond(rows, limits)
    mine = _own_table(within(own, rows, limits), lanes)
    tables = {
        "rows": _row_table(rows, gone, limits[1], layout),
        "runs": _run_table(runs, lanes, gone),
        "graphs": _graph_table(graphs, lanes, gone),
        "lanes": _lane_table(graphs, lanes),
        "spread": _spread_table(rows, gone, layout.bars),
        **_drawing_tables(drawings if layout.drawn else {}, place),
        **({own_marks.TABLE: mine} if mine.num_rows else {}),
    }
    down = alt.Scale(domain=[len(rows), 0], nice=False, zero=False)
    left = style.layered(*_drawings(down))
    right = style.layered(*_errors(down, limits, layout, hollow=mine.num_rows > 0))
    chart = style.layered(left, right, height=height, resolve={"scale": {"x": "independent"}})
    return style.Picture(style.fitted(chart), tables)


def beyond(rows: Sequence[Mapping[str, Any]], limits: tuple[float, float]) -> set[Family]:
    """The families that have no marks, since their mean lies beyond the ends of the axis."""
    return {row["of"] for row in rows if row["test_error"] is not None and not _within(row["test_error"], limits)}


def within(
    own: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], limits: tuple[float, float]
) -> list[Mapping[str, Any]]:
    """One's own runs that have a place on the axis: those with an error within it, of a family whose runs are on it."""
    gone = beyond(rows, limits)
    there = [row for row in own if row["test_error"] is not None and row["of"].of not in gone]
    return [row for row in there if _within(row["test_error"], limits)]


def opened(graph: Mapping[str, Any] | None, picture: Mapping[str, pa.Table]) -> pa.Table:
    """The ring around the mark of the opened graph; no row where there is none. It goes into a specification as the table "opened"."""
    marks = picture["graphs"]
    mine = [row for row in marks.to_pylist() if graph is not None and row["code"] == graph["of"].code]
    return pa.Table.from_pylist(mine, schema=marks.schema)


def near(rows: Sequence[Mapping[str, Any]], errors: Sequence[tuple[Family, float]]) -> tuple[float, float]:
    """The ends of an axis that holds the random families, the rings WS(K, 0) that they are rewired from, and the residual chain."""
    close = [error for of, error in errors if any(row["of"] == of and _is_near(row) for row in rows)]
    close = close or [error for _, error in errors] or [0.0, 1.0]
    return max(0.0, min(close) - NEAR / 300), min(1.0, max(close) + NEAR / 100)


def whole(errors: Sequence[tuple[Family, float]]) -> tuple[float, float]:
    """The ends of an axis that holds everything."""
    all_errors = [error for _, error in errors] or [0.0, 1.0]
    room = 0.03 * (max(all_errors) - min(all_errors)) or 0.01
    return max(0.0, min(all_errors) - room), min(1.0, max(all_errors) + room)


def _within(error: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= error <= limits[1]


def _is_near(row: Mapping[str, Any]) -> bool:
    return row["random"] or row["family"] in ("residual_chain", "ws")


def _lanes(
    runs: Sequence[Mapping[str, Any]], place: Mapping[Family, int], ends: tuple[float, float]
) -> dict[Any, float]:
    """The y of every graph, and of every run by graph and seed: a random family has a lane for each graph, another for each seed. `ends`
    are the first and the last lane in their row."""
    found: dict[Any, float] = {}
    for family, row in place.items():
        mine = [run for run in runs if run["of"].of == family]
        numbers = sorted({run["of"].number for run in mine})
        several = len(numbers) > 1
        seeds = sorted({run["seed"] for run in mine})
        for run in mine:
            order, among = (numbers, run["of"].number) if several else (seeds, run["seed"])
            found[run["of"], run["seed"]] = row + _lane(order.index(among), len(order), ends)
        for number in numbers:
            graph = next(run["of"] for run in mine if run["of"].number == number)
            found[graph] = row + _lane(numbers.index(number), len(numbers), ends)
    return found


def _lane(rank: int, of: int, ends: tuple[float, float]) -> float:
    first, last = ends
    return (first + last) / 2 if of == 1 else first + (last - first) * rank / (of - 1)


def _errors(down: alt.Scale, limits: tuple[float, float], layout: Layout, hollow: bool) -> list[alt.Chart]:
    low, high = limits
    wide = high - low
    shown = 1 - DRAWING - GAP - EDGE
    scale = alt.Scale(domain=[low - wide * (DRAWING + GAP) / shown, high + wide * EDGE / shown], nice=False, zero=False)
    title = t("wiring.strip.axis")
    near_by = {} if layout.drawn else {"labelPadding": 6, "titlePadding": 4}  # low rows need what the axis can spare
    axis = alt.Axis(
        values=ticks(low, high), format=".1~%", labelOverlap=True, grid=True, title=title, domain=False, **near_by
    )

    def across(name: str) -> alt.X:
        return alt.X(f"{name}:Q", scale=scale, axis=axis, title=title)

    def up(name: str) -> alt.Y:
        return alt.Y(f"{name}:Q", scale=down, axis=None)

    colour = alt.Color("family:N", scale=_by_family(families.colour), legend=None)
    rows, runs = style.named("rows"), style.named("runs")
    graphs, spread = style.named("graphs"), style.named("spread")
    trained = runs.transform_filter("datum.place == 'axis'")
    words = {"fontSize": 12, "baseline": "middle"}
    pick = alt.selection_point("opened", fields=["code"], on="click", clear=False)
    run_hint = [
        alt.Tooltip("name:N", title=t("wiring.strip.graph")),
        alt.Tooltip("seed:Q", title=t("site.seed")),
        alt.Tooltip("outcome:N", title=t("wiring.table.outcome")),
        alt.Tooltip("error:Q", title=t("wiring.test_error"), format=".2%"),
    ]
    graph_hint = [
        alt.Tooltip("name:N", title=t("wiring.strip.graph")),
        alt.Tooltip("error:Q", title=t("wiring.strip.mean_of_seeds"), format=".2%"),
        alt.Tooltip("n:Q", title="n"),
    ]
    thick = {"strokeWidth": 4, "strokeCap": "butt"}
    note_at, side = (alt.XValue(alt.expr("width")), "right") if layout.drawn else (alt.XValue(0), "left")
    own = own_marks.hollow(style.named(own_marks.TABLE), size=OWN_SIZE, cursor="pointer")
    own_hint = [
        alt.Tooltip("name:N", title=t("wiring.strip.graph")),
        *own_marks.tooltip("error", t("wiring.test_error"), ".2%"),
    ]
    own = own.encode(x=across("error"), y=up("y"), color=colour, href=alt.Href("href:N"), tooltip=own_hint)
    return [
        rows.transform_filter("isValid(datum.low)").mark_rect(opacity=0.13, clip=True)
        .encode(x=across("low"), x2=alt.X2("high:Q"), y=up("first"), y2=alt.Y2("last:Q"), color=colour),
        rows.transform_filter("isValid(datum.mean)").mark_rule(strokeWidth=1.6, opacity=0.9, clip=True)
        .encode(x=across("mean"), y=up("first"), y2=alt.Y2("last:Q"), color=colour),
        rows.mark_rule(color=style.NEUTRAL, opacity=0.25).encode(x=alt.XValue(0), x2=alt.X2Value("width"), y=up("end")),
        rows.mark_text(align="left", fontWeight="bold", **words).encode(x=alt.XValue(0), y=up("label"), text=alt.Text("name:N"), color=colour),
        rows.mark_text(align=side, color=style.NEUTRAL, **(words | {"fontSize": style.LABEL_SIZE}))
        .encode(x=note_at, y=up("note_label"), text=alt.Text("note:N")),
        spread.transform_filter("datum.kind == 'graphs'").mark_rule(clip=True, **thick)
        .encode(x=across("from"), x2=alt.X2("to:Q"), y=up("y"), color=colour),
        spread.transform_filter("datum.kind == 'seeds'").mark_rule(clip=True, strokeDash=[3, 2], **(thick | {"strokeWidth": 3}))
        .encode(x=across("from"), x2=alt.X2("to:Q"), y=up("y"), color=colour),
        graphs.transform_filter("datum.inside").mark_point(filled=True, shape="diamond", size=80, opacity=0.95, stroke="white", strokeWidth=0.6)
        .encode(x=across("error"), y=up("y"), color=colour),
        style.named("opened").transform_filter("datum.inside").mark_point(filled=False, shape="circle", size=210, strokeWidth=2.2, color=style.ACCENT, opacity=1)
        .encode(x=across("error"), y=up("y")),
        style.named("lanes").mark_rect(opacity=0.001, cursor="pointer")
        .encode(x=alt.XValue(0), x2=alt.X2Value("width"), y=up("from"), y2=alt.Y2("to:Q"), tooltip=graph_hint).add_params(pick),
        trained.mark_point(filled=True, shape="circle", size=24, opacity=0.75, cursor="pointer")
        .encode(x=across("error"), y=up("y"), color=colour, href=alt.Href("href:N"), tooltip=run_hint),
        runs.transform_filter("datum.place == 'failed'").mark_text(text="✕", align="right", cursor="pointer", color=style.ACCENT, fontWeight="bold", fontSize=11)
        .encode(x=alt.XValue(alt.expr("width")), y=up("y"), href=alt.Href("href:N"), tooltip=run_hint),
        rows.transform_filter("isValid(datum.beyond)").mark_text(align="right", fontWeight="bold", **words)
        .encode(x=alt.XValue(alt.expr("width")), y=up("middle"), text=alt.Text("beyond:N"), color=colour),
        *([own] if hollow else []),
    ]  # fmt: skip


def _drawings(down: alt.Scale) -> list[alt.Chart]:
    y = alt.Y("y:Q", scale=down, axis=None)
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, 1 / DRAWING], nice=False), axis=None)
    colour = alt.Color("family:N", scale=_by_family(families.colour), legend=None)
    lines = style.named("lines").mark_line(strokeWidth=0.8, opacity=0.75)
    dots = style.named("dots").mark_point(filled=True, shape="circle", size=14, opacity=1)
    return [
        lines.encode(x=x, y=y, color=colour, detail=alt.Detail("path:N"), order=alt.Order("place:O")),
        dots.encode(x=x, y=y, color=colour),
    ]


def _by_family(look: Any) -> alt.Scale:
    codes = list(families.GENERATORS)
    return alt.Scale(domain=codes, range=[look(code) for code in codes])


def ticks(low: float, high: float) -> list[float]:
    """Round fractions between two ends, four to eight of them."""
    for step in (0.0025, 0.005, 0.01, 0.02, 0.025, 0.05, 0.1, 0.2):
        found = [round(step * k, 6) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
        if len(found) <= 8:
            return found
    return [low, high]


def _row_table(rows: Sequence[Mapping[str, Any]], gone: set[Family], high: float, layout: Layout) -> pa.Table:
    first, last = layout.lanes
    table = []
    for number, row in enumerate(rows):
        mean = row["test_error"]
        beyond = f"{'▸' if mean > high else '◂'} {100 * mean:.1f}%" if row["of"] in gone else None
        table.append(
            {
                "family": row["family"], "name": families.name(row["of"]), "note": row["note"], "beyond": beyond,
                "mean": None if beyond else mean, "low": None if beyond else row["low"], "high": None if beyond else row["high"],
                "label": number + layout.name, "note_label": number + layout.note,
                "first": number + first - 0.06, "last": number + last + 0.06, "middle": number + (first + last) / 2,
                "end": float(number + 1),
            }
        )  # fmt: skip
    words = ("family", "name", "note", "beyond")
    return pa.table(
        {
            key: pa.array([row[key] for row in table], pa.string() if key in words else pa.float32())
            for key in (table[0] if table else {})
        }
    )


def _run_table(runs: Sequence[Mapping[str, Any]], lanes: Mapping[Any, float], beyond: set[Family]) -> pa.Table:
    def place(run: Mapping[str, Any]) -> str:
        if run["outcome"] == "trained":
            return "beyond" if run["of"].of in beyond else "axis"
        return "code" if run["outcome"] == "raised" else "failed"

    told = [run for run in runs if (run["of"], run["seed"]) in lanes]
    return pa.table(
        {
            "family": pa.array([run["of"].of.family for run in told], pa.string()),
            "name": pa.array([families.graph_name(run["of"]) for run in told], pa.string()),
            "code": pa.array([run["of"].code for run in told], pa.string()),
            "seed": pa.array([run["seed"] for run in told], pa.int16()),
            "y": pa.array([lanes[run["of"], run["seed"]] for run in told], pa.float32()),
            "error": pa.array([run["test_error"] if place(run) in ("axis", "beyond") else None for run in told], pa.float32()),
            "place": pa.array([place(run) for run in told], pa.string()),
            "outcome": pa.array([t(f"wiring.outcome.{run['outcome']}") for run in told], pa.string()),
            "href": pa.array([run["href"] for run in told], pa.string()),
        }
    )  # fmt: skip


def _graph_table(graphs: Sequence[Mapping[str, Any]], lanes: Mapping[Any, float], beyond: set[Family]) -> pa.Table:
    told = [graph for graph in graphs if graph["test_error"] is not None and graph["of"] in lanes]
    return pa.table(
        {
            "family": pa.array([graph["of"].of.family for graph in told], pa.string()),
            "name": pa.array([families.graph_name(graph["of"]) for graph in told], pa.string()),
            "code": pa.array([graph["of"].code for graph in told], pa.string()),
            "y": pa.array([lanes[graph["of"]] for graph in told], pa.float32()),
            "error": pa.array([graph["test_error"] for graph in told], pa.float32()),
            "inside": pa.array([graph["of"].of not in beyond for graph in told], pa.bool_()),
            "n": pa.array([graph["trained"] for graph in told], pa.int16()),
        }
    )


def _own_table(runs: Sequence[Mapping[str, Any]], lanes: Mapping[Any, float]) -> pa.Table:
    told = [
        {
            "family": run["of"].of.family, "name": families.graph_name(run["of"]), "seed": run["seed"],
            "y": lanes[run["of"], run["seed"]], "error": run["test_error"], "difference": run["difference"], "href": run["href"],
        }
        for run in runs
    ]  # fmt: skip
    kinds = {"family": pa.string(), "name": pa.string(), "seed": pa.int16(), "y": pa.float32(), "error": pa.float32()}
    return own_marks.table(told, **kinds, difference=pa.float32(), href=pa.string())


def _lane_table(graphs: Sequence[Mapping[str, Any]], lanes: Mapping[Any, float]) -> pa.Table:
    """What can be clicked: the lane of each graph through the whole width, and the whole row of a family with one graph."""
    told = [graph for graph in graphs if graph["of"] in lanes]
    edges = []
    for graph in told:
        mine = sorted(lanes[other["of"]] for other in told if other["of"].of == graph["of"].of)
        row, at = math.floor(mine[0]), lanes[graph["of"]]
        below = [other for other in mine if other < at]
        above = [other for other in mine if other > at]
        edges.append(((below[-1] + at) / 2 if below else row, (above[0] + at) / 2 if above else row + 1))
    return pa.table(
        {
            "code": pa.array([graph["of"].code for graph in told], pa.string()),
            "name": pa.array([families.graph_name(graph["of"]) for graph in told], pa.string()),
            "error": pa.array([graph["test_error"] for graph in told], pa.float32()),
            "n": pa.array([graph["trained"] for graph in told], pa.int16()),
            "from": pa.array([edge[0] for edge in edges], pa.float32()),
            "to": pa.array([edge[1] for edge in edges], pa.float32()),
        }
    )


def _spread_table(rows: Sequence[Mapping[str, Any]], beyond: set[Family], bars: tuple[float, float]) -> pa.Table:
    told = [
        (row["family"], kind, number + at, row["test_error"] - row[f"sd_{kind}"], row["test_error"] + row[f"sd_{kind}"])
        for number, row in enumerate(rows)
        for kind, at in zip(("graphs", "seeds"), bars, strict=True)
        if row["test_error"] is not None and row[f"sd_{kind}"] is not None and row["of"] not in beyond
    ]  # fmt: skip
    kinds = {"family": pa.string(), "kind": pa.string(), "y": pa.float32(), "from": pa.float32(), "to": pa.float32()}
    return pa.table({name: pa.array([row[at] for row in told], kind) for at, (name, kind) in enumerate(kinds.items())})


def _drawing_tables(drawings: Mapping[Family, Any], place: Mapping[Family, int]) -> dict[str, pa.Table]:
    """Every drawing in its row: the layers of all on one scale, the heights of each within its row."""
    found = {family: graph_drawing.paths(*drawn) for family, drawn in drawings.items() if family in place}
    across = max([graph_drawing.reach(paths)[0] for paths in found.values()], default=1.0)
    lines, dots = [], []
    for family, paths in found.items():
        row, tall = place[family], max(graph_drawing.reach(paths)[1], graph_drawing.LEAST_HEIGHT)

        def at(x: float, y: float, row: int = row, tall: float = tall) -> tuple[float, float]:
            top, bottom = DRAWN
            return 0.01 + 0.98 * x / across, row + (top + bottom) / 2 - (bottom - top) / 2 * y / tall

        for path in paths:
            name = f"{family.code} {path.name}"
            lines += [(family.family, name, step, *at(x, y)) for step, (x, y) in enumerate(path.points)]
        dots += [(family.family, *at(node["x"], node["y"])) for node in drawings[family][0]]
    return {
        "lines": pa.table(
            {
                "family": pa.array([row[0] for row in lines], pa.string()),
                "path": pa.array([row[1] for row in lines], pa.string()),
                "place": pa.array([row[2] for row in lines], pa.int8()),
                "x": pa.array([row[3] for row in lines], pa.float32()),
                "y": pa.array([row[4] for row in lines], pa.float32()),
            }
        ),
        "dots": pa.table(
            {
                "family": pa.array([row[0] for row in dots], pa.string()),
                "x": pa.array([row[1] for row in dots], pa.float32()),
                "y": pa.array([row[2] for row in dots], pa.float32()),
            }
        ),
    }
