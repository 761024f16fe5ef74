"""One graph drawn stage by stage, with what a run of it has learned or loses: beside the main picture, and on the page of the run."""

from typing import Any

import streamlit as st

from explorer import format, own_results, views
from explorer.charts import families, graph_drawing
from explorer.database import PUBLISHED
from explorer.results import site
from explorer.results import wiring as results
from explorer.results.wiring import Graph, Study
from explorer.text import language, t

SHOWN = ("weights", "damage")
AROUND = 235
"""Pixels around the stages, before an audience: the name of the graph, the legend, and a heading for each stage."""


def drawn(study: Study, graph: Graph, run: dict[str, Any], show: str, key: str, of: str = PUBLISHED) -> None:
    """Draws a graph under its name. `run` has run_id, seed, outcome and test_error; `show` is one of SHOWN, and of a run that did not come to its
    end the graph alone is drawn."""
    show = show if values(run["run_id"], show, of) else "bare"
    st.markdown(f"**{families.graph_name(graph)}**")
    stages = len(results.stages(study, graph, of))
    height = views.height(0, AROUND) // max(1, stages) or None
    versions = site.data_version(), own_results.version()
    chart = _chart(versions, language(), study, graph, run["run_id"], show, of, height)
    alt = described(study, graph, run["run_id"], show, of)
    st.vega_lite_chart(spec=views.sized(dict(chart)), key=key, alt=alt, width="stretch")
    st.caption(_caption(study, graph, run, show, of))


def values(run_id: str, show: str, of: str = PUBLISHED) -> dict[graph_drawing.Part, float]:
    """The learned weights of the edges of a run, or the damage in points of its nodes and edges; none where none were measured."""
    if show == "weights":
        return dict(results.weights(run_id, of))
    rows = results.damage(run_id, of).to_pylist()
    return {(row["stage"], row["part"], row["target"]): 100 * row["damage"] for row in rows}


@st.cache_data(max_entries=64, show_spinner=False)
def _chart(
    versions: tuple[str, str],
    language: str,
    study: Study,
    graph: Graph,
    run_id: str,
    show: str,
    of: str,
    height: int | None,
) -> dict[str, Any]:
    titles = {
        row["stage"]: t("wiring.drawing.stage", stage=row["stage"], edges=row["edges"], channels=row["channels"])
        for row in results.stages(study, graph, of)
    }
    nodes, edges = results.nodes(study, graph, of), results.edges(study, graph, of)
    found = {} if show == "bare" else values(run_id, show, of)
    colour = families.colour(graph.of.family)
    return graph_drawing.draw(nodes, edges, found, show, titles, colour, height).specification()


def _caption(study: Study, graph: Graph, run: dict[str, Any], show: str, of: str) -> str:
    """What is drawn, of which run, and how to read it."""
    if show == "bare":
        return t("wiring.drawing.bare_caption", seed=run["seed"], outcome=t(f"wiring.outcome.{run['outcome']}"))
    told = {"seed": run["seed"], "error": format.percent(run["test_error"], 2)}
    if show == "damage":
        edges = [value for (_, _, target), value in values(run["run_id"], show, of).items() if target is not None]
        told["widest"] = format.points(max(edges, key=abs) / 100)
        most = max(row["nodes"] for row in results.stages(study, graph, of))
        told["node"] = t(f"wiring.drawing.node_{'numbered' if most <= graph_drawing.MOST_NUMBERED else 'filled'}")
    caption = t(f"wiring.drawing.{show}_caption", **told)
    if run["outcome"] != "trained":
        outcome = t(f"wiring.outcome.{run['outcome']}")
        return f"{t('wiring.drawing.untrained', outcome=outcome)} {caption}"
    return caption


def described(study: Study, graph: Graph, run_id: str, show: str, of: str = PUBLISHED) -> str:
    """The alternative text of a drawing: the graph, its stages, and the largest and the smallest of what is drawn on it."""
    stages = results.stages(study, graph, of)
    told = [
        t("wiring.drawing.alt", name=families.graph_name(graph), n=len(stages)),
        *(
            t(
                "wiring.drawing.alt_stage", stage=row["stage"], nodes=row["nodes"], edges=row["edges"], sources=row["sources"],
                sinks=row["sinks"], longest=row["longest_path"],
            )
            for row in stages
        ),
    ]  # fmt: skip
    found = {} if show == "bare" else values(run_id, show, of)
    if found:
        ends = {
            end: t("wiring.drawing.part", part=part_name(part), value=_value(found[part], show))
            for end, part in (("least", min(found, key=found.get)), ("most", max(found, key=found.get)))
        }
        told.append(t(f"wiring.drawing.alt_{show}", **ends))
    return " ".join([*told, t("wiring.alt.table")])


def _value(value: float, show: str) -> str:
    return f"{value:.2f}" if show == "weights" else format.points(value / 100)


def part_name(part: graph_drawing.Part) -> str:
    """ "node 3 of stage 1", or "edge 3→7 of stage 1"."""
    stage, source, target = part
    if target is None:
        return t("wiring.drawing.node_of", node=source, stage=stage)
    return t("wiring.drawing.edge_of", edge=f"{source}→{target}", stage=stage)
