"""The main picture, beside it the drawing of the graph that is opened, and the tables behind the picture."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, format, views
from explorer.charts import families, family_strip, graph_drawing
from explorer.results import site
from explorer.results import wiring as results
from explorer.results.wiring import Graph, Study
from explorer.section import TABLE_HEIGHT
from explorer.text import language, t
from explorer.wiring import controls, sentences
from explorer.wiring.controls import Opened

KEY = "wiring.main"
DRAWN_STAGE = 1
"""Of the graph that is drawn in each row of the main picture."""


def main_picture(study: Study, axis: str, opened: Graph) -> None:
    """The families with every graph and seed. A click in the lane of a graph opens it, one on a seed leads to its run."""
    chart = dict(_chart(site.data_version(), language(), study, axis))
    graph = next((row for row in results.graphs(study) if row["of"] == opened), None)
    chart["datasets"] = chart["datasets"] | {"opened": family_strip.opened(graph, chart["datasets"])}
    st.vega_lite_chart(
        spec=views.sized(chart), key=KEY, alt=sentences.alt(study), width="stretch",
        on_select=lambda: controls.remember(KEY, study), selection_mode="opened",
    )  # fmt: skip


# Composing a chart takes longer than the queries; the specification is the same for everyone until the data change.
@st.cache_data(max_entries=32, show_spinner=False)
def _chart(version: str, language: str, study: Study, axis: str) -> dict[str, Any]:
    rows = [row | {"note": sentences.note(row)} for row in results.families(study)]
    runs = [
        row | {"of": results.graph_of(row), "href": address.link("runs", run=row["run_id"])}
        for row in results.runs(study).to_pylist()
    ]
    errors = [(run["of"].of, run["test_error"]) for run in runs if run["outcome"] == "trained"]
    limits = family_strip.near(rows, errors) if axis == "near" else family_strip.whole(errors)
    drawings = {
        row["of"]: _stage(study, next(graph["of"] for graph in controls.in_order(study) if graph["of"].of == row["of"]))
        for row in rows
    }
    return family_strip.draw(rows, runs, results.graphs(study), drawings, limits).specification()


def _stage(study: Study, graph: Graph) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    def of_stage(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if row["stage"] == DRAWN_STAGE]

    return of_stage(results.nodes(study, graph)), of_stage(results.edges(study, graph))


def drawing(study: Study, opened: Opened) -> None:
    """The opened graph, stage by stage, with what a run has learned or loses; a run that failed to train has the graph alone."""
    st.markdown(f"**{families.graph_name(opened.graph)}**")
    show = opened.show if _values(opened) else "bare"
    chart = _drawing(site.data_version(), language(), study, opened.graph, opened.run["run_id"], show)
    st.vega_lite_chart(
        spec=dict(chart), key="wiring.drawing", alt=drawing_alt(study, opened.graph, opened.run["run_id"], show)
    )
    st.caption(caption_of_drawing(opened, show))


def caption_of_drawing(opened: Opened, show: str) -> str:
    """What is drawn, of which run, and what not to conclude."""
    facts = {"seed": opened.run["seed"], "outcome": t(f"wiring.outcome.{opened.run['outcome']}")}
    if show == "bare":
        return t("wiring.drawing.bare_caption", **facts)
    error = format.percent(opened.run["test_error"], 2)
    return t(f"wiring.drawing.{show}_caption", seed=facts["seed"], error=error)


def _values(opened: Opened) -> dict[graph_drawing.Part, float]:
    """What is drawn on the parts of the opened graph."""
    return values(opened.run["run_id"], opened.show)


def values(run_id: str, show: str) -> dict[graph_drawing.Part, float]:
    """The learned weights of the edges of a run, or the damage in points of its nodes and edges; none where none were measured."""
    if show == "weights":
        return dict(results.weights(run_id))
    return {
        (row["stage"], row["part"], row["target"]): 100 * row["damage"] for row in results.damage(run_id).to_pylist()
    }


@st.cache_data(max_entries=64, show_spinner=False)
def _drawing(version: str, language: str, study: Study, graph: Graph, run_id: str, show: str) -> dict[str, Any]:
    return graph_drawing.draw(
        results.nodes(study, graph),
        results.edges(study, graph),
        {} if show == "bare" else values(run_id, show),
        show,
        _stage_titles(study, graph),
        families.colour(graph.of.family),
    ).specification()


def _stage_titles(study: Study, graph: Graph) -> dict[int, str]:
    return {
        row["stage"]: t("wiring.drawing.stage", stage=row["stage"], edges=row["edges"], channels=row["channels"])
        for row in results.stages(study, graph)
    }


def drawing_alt(study: Study, graph: Graph, run_id: str, show: str) -> str:
    """The alternative text of a drawing: the graph, its stages, and the largest and the smallest of what is drawn on it."""
    stages = results.stages(study, graph)
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
    found = {} if show == "bare" else values(run_id, show)
    if found:
        write = "{:.2f}".format if show == "weights" else lambda value: format.points(value / 100)
        ends = {
            end: t("wiring.drawing.part", part=part_name(part), value=write(found[part]))
            for end, part in (("least", min(found, key=found.get)), ("most", max(found, key=found.get)))
        }
        told.append(t(f"wiring.drawing.alt_{show}", **ends))
    return " ".join([*told, t("wiring.alt.table")])


def part_name(part: graph_drawing.Part) -> str:
    """ "node 3 of stage 1", or "edge 3→7 of stage 1"."""
    stage, source, target = part
    if target is None:
        return t("wiring.drawing.node_of", node=source, stage=stage)
    return t("wiring.drawing.edge_of", edge=f"{source}→{target}", stage=stage)


def tables(study: Study) -> pa.Table:
    """Draws the tables behind the picture, families and runs, and returns the runs as they are."""
    rows = results.families(study)
    title = t("wiring.table.families")
    with st.expander(title, icon=":material/table:"):
        st.dataframe(_families_in_words(study, rows), hide_index=True, alt=title, column_config=_family_columns())
    runs = results.runs(study)
    title = t("wiring.table.runs")
    with st.expander(title, icon=":material/table:"):
        st.dataframe(
            runs_in_words(runs), hide_index=True, height=TABLE_HEIGHT, alt=title, column_config=run_columns(), key="wiring.table"
        )  # fmt: skip
    return runs


def _families_in_words(study: Study, rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    def column(name: str) -> list[Any]:
        return [row[name] for row in rows]

    def in_points(name: str) -> list[float | None]:
        return [None if value is None else 100 * value for value in column(name)]

    return {
        t("wiring.table.family"): [families.name(row["of"]) for row in rows],
        t("wiring.table.mean"): column("test_error"),
        t("wiring.table.low"): column("low"),
        t("wiring.table.high"): column("high"),
        "n": [sentences.counted(row) for row in rows],
        t("wiring.table.sd_graphs"): in_points("sd_graphs"),
        t("wiring.table.sd_seeds"): in_points("sd_seeds"),
        t("wiring.table.ratio_low"): column("sd_ratio_low"),
        t("wiring.table.ratio_high"): column("sd_ratio_high"),
        t("wiring.table.graphs"): column("graphs"),
        t("wiring.table.number_of_runs"): column("runs"),
        t("wiring.table.failed"): column("failed"),
        t("wiring.table.open_runs"): [runs_link(study, row["of"]) for row in rows],
    }


def runs_link(study: Study, of: results.Family, graph: int | None = None) -> str:
    """The runs page, with the runs of one family or of one graph of it. Settings that a study does not vary are no filters there."""
    varying = {"family": of.family, "links": of.links, "p": of.p, "graph": graph}
    offered = {name for name in varying if len(set(results.settings_of(study, name))) > 1}
    return address.link("runs", study=study.name, **{name: varying[name] for name in varying if name in offered})


def _family_columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    errors = {t(f"wiring.table.{name}"): number(format="percent") for name in ("mean", "low", "high")}
    plain = {
        t(f"wiring.table.{name}"): number(format="%.2f") for name in ("sd_graphs", "sd_seeds", "ratio_low", "ratio_high")
    }  # fmt: skip
    link = st.column_config.LinkColumn(display_text=t("wiring.table.show_runs"))
    return errors | plain | {t("wiring.table.open_runs"): link}


def runs_in_words(runs: pa.Table) -> dict[str, list[Any]]:
    """Runs as a reader's table has them, the run as a link."""

    def column(name: str) -> list[Any]:
        return runs[name].to_pylist()

    return {
        t("wiring.table.graph"): [families.graph_name(results.graph_of(row)) for row in runs.to_pylist()],
        t("site.seed"): column("seed"),
        t("wiring.table.outcome"): [t(f"wiring.outcome.{outcome}") for outcome in column("outcome")],
        t("wiring.table.train"): column("train_error"),
        t("wiring.table.test"): column("test_error"),
        t("wiring.table.n_params"): column("n_params"),
        t("wiring.table.run"): [address.link("runs", run=run_id) for run_id in column("run_id")],
    }


def run_columns() -> dict[str, Any]:
    """The formats of the columns of such a table."""
    errors = {t(f"wiring.table.{part}"): st.column_config.NumberColumn(format="percent") for part in ("train", "test")}
    return errors | {
        t("wiring.table.run"): st.column_config.LinkColumn(display_text=r"run=([0-9a-f]+)"),
        t("wiring.table.n_params"): st.column_config.NumberColumn(format="localized"),
    }
