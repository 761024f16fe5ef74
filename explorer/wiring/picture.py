"""The main picture and the tables behind it."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, views
from explorer.charts import families, family_strip
from explorer.results import site
from explorer.results import wiring as results
from explorer.results.wiring import Graph, Study
from explorer.section import TABLE_HEIGHT
from explorer.text import language, t
from explorer.wiring import controls, sentences

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
    drawings = {
        row["of"]: _stage(study, next(graph["of"] for graph in controls.in_order(study) if graph["of"].of == row["of"]))
        for row in rows
    }
    return family_strip.draw(rows, runs, results.graphs(study), drawings, limits(study, axis)).specification()


def limits(study: Study, axis: str) -> tuple[float, float]:
    """The ends of the error axis, fractions."""
    runs = results.runs(study).to_pylist()
    errors = [(results.family_of(run), run["test_error"]) for run in runs if run["outcome"] == "trained"]
    return family_strip.near(results.families(study), errors) if axis == "near" else family_strip.whole(errors)


def _stage(study: Study, graph: Graph) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    def of_stage(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if row["stage"] == DRAWN_STAGE]

    return of_stage(results.nodes(study, graph)), of_stage(results.edges(study, graph))


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
