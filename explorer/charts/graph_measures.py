"""Error against what a graph is like: the map of WS(K, P), path length, clustering and degree; and damage against the degree of a part."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts import families, style
from explorer.text import t

HEIGHT, CELL = 250, 84
BELOW = "▼"  # stands at the lower edge
STAGE_SHAPES = {1: "circle", 2: "square", 3: "triangle-up"}
STAGE_COLOURS = {1: style.MEASURED, 2: style.ACCENT, 3: "#5aa469"}


def ring_map(cells: Sequence[Mapping[str, Any]]) -> style.Picture:
    """K across, P up, coloured by mean test error, with its value written in it. `cells` have links, p, label, and test_error (a fraction; None
    where the grid has no such family, or where no run of it trains) and href (None where there are no runs)."""
    table = pa.table(
        {
            "links": pa.array([f"{cell['links']}" for cell in cells], pa.string()),
            "p": pa.array([f"{cell['p']:g}" for cell in cells], pa.string()),
            "error": pa.array([cell["test_error"] for cell in cells], pa.float32()),
            "label": pa.array([cell["label"] for cell in cells], pa.string()),
            "detail": pa.array([cell["detail"] for cell in cells], pa.string()),
            "href": pa.array([cell["href"] for cell in cells], pa.string()),
        }
    )
    links = [f"{value}" for value in sorted({cell["links"] for cell in cells})]
    shares = [f"{value:g}" for value in sorted({cell["p"] for cell in cells}, reverse=True)]
    errors = [cell["test_error"] for cell in cells if cell["test_error"] is not None] or [0.0, 1.0]
    middle = (min(errors) + max(errors)) / 2
    bare = {"grid": False, "ticks": False, "domain": False, "labelAngle": 0}
    x = alt.X("links:O", sort=links, title=t("wiring.ring.links"), axis=alt.Axis(**bare))
    y = alt.Y("p:O", sort=shares, title=t("wiring.ring.p"), axis=alt.Axis(**bare))
    key = alt.Legend(title=t("wiring.test_error"), orient="top", format=".1~%", gradientLength=180, tickCount=4)
    colour = alt.Color(
        "error:Q",
        scale=alt.Scale(scheme=style.ERROR_SCHEME, domain=[min(errors), max(errors) + 1e-6], nice=False),
        legend=key,
    )
    base = style.named("cells").encode(x=x, y=y)
    there = base.transform_filter("isValid(datum.error)")
    dark = there.transform_filter(f"datum.error < {middle}")
    light = there.transform_filter(f"datum.error >= {middle}")
    none = base.transform_filter("!isValid(datum.error)")
    band = {"width": alt.RelativeBandSize(band=1.02), "height": alt.RelativeBandSize(band=1.02)}
    word = {"fontSize": 13, "fontWeight": "bold", "dy": -8, "cursor": "pointer"}
    small = {"fontSize": style.LABEL_SIZE, "dy": 10, "cursor": "pointer"}
    layers = [
        there.mark_rect(cursor="pointer", **band).encode(color=colour, href=alt.Href("href:N")),
        none.mark_rect(fillOpacity=0, stroke=style.NEUTRAL, strokeDash=[3, 3], width=alt.RelativeBandSize(band=0.94), height=alt.RelativeBandSize(band=0.9)),
        none.mark_text(fontSize=12, color=style.NEUTRAL).encode(text=alt.Text("label:N")),
    ]  # fmt: skip
    for part, ink in ((dark, "white"), (light, "black")):
        layers.append(part.mark_text(color=ink, **word).encode(text=alt.Text("label:N"), href=alt.Href("href:N")))
        layers.append(part.mark_text(color=ink, **small).encode(text=alt.Text("detail:N"), href=alt.Href("href:N")))
    return style.Picture(style.fitted(style.layered(*layers, height=CELL * len(shares) + 110)), {"cells": table})


def against(graphs: Sequence[Mapping[str, Any]], measure: str, limits: tuple[float, float]) -> style.Picture:
    """Test error of every graph against a measure of it, a colour and a shape per generator. `graphs` have `of`, the measure, test_error (None
    where no seed trains), trained, href. `limits` are the ends of the axis: a graph beyond them is an arrow at that edge, and one of which no
    seed trains a cross at the upper one."""
    low, high = limits
    table = pa.table(
        {
            "generator": pa.array([families.generator(graph["of"].of.family) for graph in graphs], pa.string()),
            "name": pa.array([families.graph_name(graph["of"]) for graph in graphs], pa.string()),
            "value": pa.array([graph[measure] for graph in graphs], pa.float32()),
            "error": pa.array([graph["test_error"] for graph in graphs], pa.float32()),
            "mark": pa.array([_mark(graph["test_error"], limits) for graph in graphs], pa.string()),
            "n": pa.array([graph["trained"] for graph in graphs], pa.int16()),
            "href": pa.array([graph["href"] for graph in graphs], pa.string()),
        }
    )
    codes = families.in_order({graph["of"].of.family for graph in graphs})
    words = [families.generator(code) for code in codes]
    key = alt.Legend(orient="bottom", title=None, columns=2, symbolSize=60, symbolOpacity=1, labelLimit=130)
    colour = alt.Color(
        "generator:N", scale=alt.Scale(domain=words, range=[families.colour(c) for c in codes]), legend=key
    )
    shape = alt.Shape(
        "generator:N", scale=alt.Scale(domain=words, range=[families.shape(c) for c in codes]), legend=key
    )
    x = alt.X(
        "value:Q", title=t(f"wiring.measure.{measure}"), scale=alt.Scale(zero=False, nice=True, padding=6),
        axis=alt.Axis(tickCount=5, grid=False),
    )  # fmt: skip
    y = alt.Y(
        "error:Q",
        title=t("wiring.test_error"),
        scale=alt.Scale(domain=[low, high], nice=False, zero=False),
        axis=alt.Axis(format=".1~%", tickCount=5),
    )
    tooltip = [
        alt.Tooltip("name:N", title=t("wiring.strip.graph")),
        alt.Tooltip("value:Q", title=t(f"wiring.measure.{measure}"), format=".3~f"),
        alt.Tooltip("error:Q", title=t("wiring.test_error"), format=".2%"),
        alt.Tooltip("n:Q", title="n"),
    ]
    word = {"fontWeight": "bold", "fontSize": 13, "cursor": "pointer"}
    base = style.named("graphs").encode(x=x, color=colour, href=alt.Href("href:N"), tooltip=tooltip)
    layers = [
        base.transform_filter("datum.mark == ''")
        .mark_point(filled=True, size=60, opacity=0.85, cursor="pointer").encode(y=y, shape=shape),
        base.transform_filter(f"datum.mark != '' && datum.mark != '{BELOW}'")
        .mark_text(**word).encode(y=alt.YValue(6), text=alt.Text("mark:N")),
        base.transform_filter(f"datum.mark == '{BELOW}'").mark_text(dy=-6, **word)
        .encode(y=alt.YValue("height"), text=alt.Text("mark:N")),
    ]  # fmt: skip
    return style.Picture(style.fitted(style.layered(*layers, height=HEIGHT + 80)), {"graphs": table})


def _mark(error: float | None, limits: tuple[float, float]) -> str:
    """What stands at an edge instead of a mark on the axis."""
    low, high = limits
    return "✕" if error is None else "▲" if error > high else BELOW if error < low else ""


def damage(parts: Sequence[Mapping[str, Any]], x_title: str) -> style.Picture:
    """Error added in points by taking a part out, against its degree, a shape and a colour for each stage. `parts` have name, stage, degree,
    damage (a fraction)."""
    stages = sorted({part["stage"] for part in parts})
    words = {stage: t("wiring.stage", stage=stage) for stage in stages}
    table = pa.table(
        {
            "name": pa.array([part["name"] for part in parts], pa.string()),
            "stage": pa.array([words[part["stage"]] for part in parts], pa.string()),
            "degree": pa.array([part["degree"] + 0.14 * (part["stage"] - 2) for part in parts], pa.float32()),
            "edges": pa.array([part["degree"] for part in parts], pa.int16()),
            "damage": pa.array([100 * part["damage"] for part in parts], pa.float32()),
        }
    )
    key = alt.Legend(orient="top", title=None, symbolSize=60, symbolOpacity=1)
    scale = {"domain": list(words.values())}
    colour = alt.Color("stage:N", scale=alt.Scale(range=[STAGE_COLOURS[s] for s in stages], **scale), legend=key)
    shape = alt.Shape("stage:N", scale=alt.Scale(range=[STAGE_SHAPES[s] for s in stages], **scale), legend=key)
    most = max(part["degree"] for part in parts)
    least = min(part["degree"] for part in parts)
    x = alt.X(
        "degree:Q", title=x_title, scale=alt.Scale(domain=[least - 0.5, most + 0.5], nice=False),
        axis=alt.Axis(tickMinStep=1, format="d", grid=False),
    )  # fmt: skip
    y = alt.Y(
        "damage:Q",
        title=t("wiring.damage.axis"),
        axis=alt.Axis(labelExpr="format(datum.value, '~g')", tickCount=5),
    )
    tooltip = [
        alt.Tooltip("name:N", title=t("wiring.damage.part")),
        alt.Tooltip("edges:Q", title=x_title),
        alt.Tooltip("damage:Q", title=t("wiring.damage.axis"), format="+.1f"),
    ]
    marks = style.named("parts").mark_point(filled=True, size=44, opacity=0.75)
    zero = style.named("zero").mark_rule(color=style.NEUTRAL, opacity=0.6).encode(y=alt.Y("damage:Q"))
    layers = [zero, marks.encode(x=x, y=y, color=colour, shape=shape, tooltip=tooltip)]
    tables = {"parts": table, "zero": pa.table({"damage": pa.array([0.0], pa.float32())})}
    return style.Picture(style.fitted(style.layered(*layers, height=HEIGHT)), tables)
