"""Graphs drawn by one layered layout: nodes and bends are those of the tables `nodes` and `edges`, the same rule for every family.

Every stage has an input node, which feeds the nodes that no edge enters, and an output node, which takes the mean of those that no edge
leaves; both are squares, and their edges, which learn nothing, are dashed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import altair as alt
import pyarrow as pa

from explorer.charts import style
from explorer.text import t

STEPS = 10
"""Straight pieces of which a bent edge is made."""
HEIGHT, LARGE = 140, 200
"""Of a stage in pixels: of one whose nodes bear numbers, and of a larger one."""
MOST_NUMBERED = 16
"""Nodes of a stage up to which each has room for its number."""
LEAST_HEIGHT = 2.2
"""Units of y above and below the middle that a drawing has at least, so that a chain is not blown up."""
FEWER, MORE = "#7fa9d6", "#e08214"
"""Less error without a part, and more; light enough for dark letters."""
WIDTHS, NARROW = [0.4, 6.0], [0.2, 3.0]
"""Of an edge, in pixels, from the smallest value to the largest; in a larger graph narrow."""

Part = tuple[int, int, int | None]
"""Stage and node, or stage, source and target."""


class Path(NamedTuple):
    """An edge as a line of points."""

    stage: int
    source: int | None
    """None for the input node."""
    target: int | None
    """None for the output node."""
    points: list[tuple[float, float]]

    @property
    def name(self) -> str:
        """Unlike that of any other edge of the graph."""
        return f"{self.stage}: {self.source or 'in'}→{self.target or 'out'}"


def paths(nodes: Sequence[Mapping[str, Any]], edges: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Every edge of a graph, those of the input and the output node included. `nodes` have stage, node, x, y, in_degree, out_degree; `edges`
    stage, source, target, bend."""
    at = {(node["stage"], node["node"]): (node["x"], node["y"]) for node in nodes}
    last = {stage: max(x for (of, _), (x, _) in at.items() if of == stage) for stage in {stage for stage, _ in at}}
    found = [
        Path(
            edge["stage"],
            edge["source"],
            edge["target"],
            _curve(at[edge["stage"], edge["source"]], at[edge["stage"], edge["target"]], edge["bend"]),
        )
        for edge in edges
    ]
    for node in nodes:
        stage, number = node["stage"], node["node"]
        place = at[stage, number]
        if node["in_degree"] == 0:
            found.append(Path(stage, None, number, [(0.0, 0.0), place]))
        if node["out_degree"] == 0:
            passed = last[stage] - place[0]  # layers, as in precompute/graphs.py
            found.append(
                Path(
                    stage,
                    number,
                    None,
                    _curve(place, (last[stage] + 1, 0.0), passed / 2 * (1 if number % 2 else -1)),
                )
            )
    return found


def _curve(start: tuple[float, float], end: tuple[float, float], bend: float) -> list[tuple[float, float]]:
    """A parabola whose middle lies `bend` above the middle of the straight line."""
    if bend == 0:
        return [start, end]
    steps = [step / STEPS for step in range(STEPS + 1)]
    return [
        (start[0] + (end[0] - start[0]) * at, start[1] + (end[1] - start[1]) * at + 4 * bend * at * (1 - at))
        for at in steps
    ]


def reach(drawn: Sequence[Path]) -> tuple[float, float]:
    """The largest x and the largest distance from y = 0 of a drawing."""
    places = [place for path in drawn for place in path.points]
    return max(x for x, _ in places), max(abs(y) for _, y in places)


def draw(
    nodes: Sequence[Mapping[str, Any]],
    edges: Sequence[Mapping[str, Any]],
    values: Mapping[Part, float],
    show: Literal["weights", "damage", "bare"],
    titles: Mapping[int, str],
    colour: str = style.MEASURED,
    height: int | None = None,
) -> style.Picture:
    """The stages of a graph one below the other, each `height` pixels high, or as high as its nodes need. `values` are by (stage, source, target) and, for nodes, by (stage, node, None): the learned
    weight of edges between 0 and 1, or what taking a part out adds to the error, in points. `titles` are by stage.

    The width of an edge is its value, the widest being the largest. In the picture of damage the fill of a node is its value too, and its
    number gives way to it. `bare` has neither. Layers are as far apart in all stages; each stage has its own heights.
    """
    drawn = paths(nodes, edges)
    across, _ = reach(drawn)
    stages = sorted(titles)
    numbered = max(node["node"] for node in nodes) <= MOST_NUMBERED
    height = height or (HEIGHT if numbered else LARGE)
    tables = {"paths": _path_table(drawn, values), "nodes": _node_table(nodes, values, show)}
    tables["ends"] = _ends(nodes)
    most = {
        kind: max([abs(value) for part, value in values.items() if (part[2] is None) == (kind == "node")], default=0.0)
        or 1.0
        for kind in ("node", "edge")
    }
    views = []
    for stage in stages:
        up = max(reach([path for path in drawn if path.stage == stage])[1], LEAST_HEIGHT)
        views.append(_stage(stage, titles[stage], (across, up, height), show, most, colour, numbered))
    chart = style.stacked(*views, spacing=2) if len(views) > 1 else views[0]
    return style.Picture(style.fitted(chart), tables)


def _stage(
    stage: int,
    title: str,
    room: tuple[float, float, int],
    show: str,
    most: Mapping[str, float],
    colour: str,
    numbered: bool,
) -> style.Layers:
    across, up, height = room
    x = alt.X("x:Q", scale=alt.Scale(domain=[-0.35, across + 0.35], nice=False), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[-up - 0.45, up + 0.45], nice=False), axis=None)
    mine = f"datum.stage == {stage}"
    lines = (
        style.named("paths")
        .transform_filter(mine)
        .encode(x=x, y=y, detail=alt.Detail("name:N"), order=alt.Order("place:O"))
    )
    layers = [
        lines.transform_filter("datum.learns").mark_line(color=style.NEUTRAL, strokeWidth=1, opacity=0.55),
        lines.transform_filter("!datum.learns").mark_line(
            color=style.NEUTRAL, strokeWidth=1, opacity=0.6, strokeDash=[2, 3]
        ),
    ]
    if show != "bare":
        layers.append(
            _valued(lines.transform_filter("isValid(datum.value)"), show, most, colour, WIDTHS if numbered else NARROW)
        )
    layers += _marks(stage, x, y, show, most, colour, numbered)
    heading = alt.TitleParams(title, anchor="start", fontSize=12, fontWeight="normal", offset=2, color=style.NEUTRAL)
    return style.layered(*layers, height=height, title=heading, width="container")


def _valued(lines: alt.Chart, show: str, most: Mapping[str, float], colour: str, widths: list[float]) -> alt.Chart:
    """Edges as wide as their value."""
    tooltip = [
        alt.Tooltip("label:N", title=t("wiring.drawing.edge")),
        alt.Tooltip("value:Q", title=t(f"wiring.drawing.{show}"), format=".2f" if show == "weights" else "+.1f"),
    ]
    if show == "weights":
        scale = alt.Scale(domain=[0, 1], range=widths, clamp=True)
        key = alt.Legend(
            title=t("wiring.drawing.weights"), orient="top", values=[0.1, 0.5, 0.9], direction="horizontal",
            symbolType="stroke", symbolStrokeColor=colour, titleOrient="left", titleFontWeight="normal",
        )  # fmt: skip
        width = alt.StrokeWidth("value:Q", scale=scale, legend=key)
        return lines.mark_line(color=colour, opacity=0.85).encode(strokeWidth=width, tooltip=tooltip)
    sized = lines.transform_calculate(size="abs(datum.value)")
    width = alt.StrokeWidth("size:Q", scale=alt.Scale(domain=[0, most["edge"]], range=[0, widths[1]]), legend=None)
    # By sign alone: a white that stands for zero would be the brightest line on a dark ground.
    sign = alt.when("datum.value < 0").then(alt.value(FEWER)).otherwise(alt.value(MORE))
    return sized.mark_line(opacity=0.9).encode(strokeWidth=width, stroke=sign, tooltip=tooltip)


def _marks(
    stage: int, x: alt.X, y: alt.Y, show: str, most: Mapping[str, float], colour: str, numbered: bool
) -> list[alt.Chart]:
    """Nodes with their number or their damage, and the squares of the input and the output node."""
    size = 330 if numbered else 60
    mine = f"datum.stage == {stage}"
    base = style.named("nodes").transform_filter(mine).encode(x=x, y=y)
    tooltip = [
        alt.Tooltip("node:Q", title=t("wiring.drawing.node")),
        alt.Tooltip("in_degree:Q", title=t("wiring.drawing.in_degree")),
        alt.Tooltip("out_degree:Q", title=t("wiring.drawing.out_degree")),
    ]
    round_mark = {"filled": True, "size": size, "opacity": 1, "strokeWidth": 1.2}
    if show == "damage":
        tooltip.append(alt.Tooltip("value:Q", title=t("wiring.drawing.damage"), format="+.1f"))
        key = alt.Legend(
            title=t("wiring.drawing.damage"), orient="top", direction="horizontal", gradientLength=140, tickCount=3,
            titleFontWeight="normal", format="+.0f",
        )  # fmt: skip
        circles = base.mark_point(shape="circle", stroke=style.NEUTRAL, **round_mark).encode(
            fill=_difference(most["node"], key), tooltip=tooltip
        )
    else:
        circles = base.mark_point(shape="circle", fill=colour, stroke="white", **round_mark).encode(tooltip=tooltip)
    layers = [
        style.named("ends").transform_filter(mine)
        .mark_point(shape="square", filled=True, size=90, color=style.NEUTRAL, opacity=1).encode(x=x, y=y),
        circles,
    ]  # fmt: skip
    if numbered:
        ink = alt.ColorValue("white" if show != "damage" else "#101318")
        layers.append(
            base.mark_text(fontSize=10, fontWeight="bold", baseline="middle").encode(
                text=alt.Text("label:N"), color=ink
            )
        )
    return layers


def _difference(most: float, legend: alt.Legend) -> alt.Fill:
    """Blue, white at zero, orange: from the largest fall to the largest rise."""
    scale = alt.Scale(domain=[-most, 0, most], range=[FEWER, "#f7f7f7", MORE], interpolate="rgb")
    return alt.Fill("value:Q", scale=scale, legend=legend)


def _path_table(drawn: Sequence[Path], values: Mapping[Part, float]) -> pa.Table:
    rows = [(path, place, x, y) for path in drawn for place, (x, y) in enumerate(path.points)]
    return pa.table(
        {
            "stage": pa.array([path.stage for path, *_ in rows], pa.int8()),
            "name": pa.array([path.name for path, *_ in rows], pa.string()),
            "label": pa.array([path.name.partition(": ")[2] for path, *_ in rows], pa.string()),
            "learns": pa.array([None not in (path.source, path.target) for path, *_ in rows], pa.bool_()),
            "place": pa.array([place for _, place, _, _ in rows], pa.int8()),
            "x": pa.array([x for *_, x, _ in rows], pa.float32()),
            "y": pa.array([y for *_, y in rows], pa.float32()),
            "value": pa.array([_of(values, path) for path, *_ in rows], pa.float32()),
        }
    )


def _of(values: Mapping[Part, float], path: Path) -> float | None:
    if path.source is None or path.target is None:
        return None
    return values.get((path.stage, path.source, path.target))


def _node_table(nodes: Sequence[Mapping[str, Any]], values: Mapping[Part, float], show: str) -> pa.Table:
    found = [values.get((node["stage"], node["node"], None)) for node in nodes]
    labels = [
        f"{value:.0f}".replace("-", "\N{MINUS SIGN}") if show == "damage" and value is not None else f"{node['node']}"
        for node, value in zip(nodes, found, strict=True)
    ]
    kinds = {"stage": pa.int8(), "node": pa.int16(), "in_degree": pa.int16(), "out_degree": pa.int16()}
    kinds |= {"x": pa.float32(), "y": pa.float32()}
    return pa.table(
        {name: pa.array([node[name] for node in nodes], kind) for name, kind in kinds.items()}
        | {
            "value": pa.array(found, pa.float32()),
            "label": pa.array(["0" if each == "\N{MINUS SIGN}0" else each for each in labels], pa.string()),
        }
    )


def _ends(nodes: Sequence[Mapping[str, Any]]) -> pa.Table:
    last: dict[int, float] = {}
    for node in nodes:
        last[node["stage"]] = max(last.get(node["stage"], 0.0), node["x"])
    places = [(stage, x) for stage, most in sorted(last.items()) for x in (0.0, most + 1)]
    return pa.table(
        {
            "stage": pa.array([stage for stage, _ in places], pa.int8()),
            "x": pa.array([x for _, x in places], pa.float32()),
            "y": pa.array([0.0] * len(places), pa.float32()),
        }
    )
