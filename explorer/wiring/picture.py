"""The main picture and the tables behind it."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, format, own_results, views
from explorer.charts import families, family_strip
from explorer.results import site
from explorer.results import wiring as results
from explorer.results.depth import outcome
from explorer.results.wiring import Graph, Study
from explorer.section import TABLE_HEIGHT
from explorer.text import language, t
from explorer.wiring import controls, sentences

KEY = "wiring.main"
SMALL = "wiring.small"  # of the same on the home page
SMALL_ROW = 27  # pixels of a family there
DRAWN_STAGE = 1
"""Of the graph that is drawn in each row of the main picture."""
AROUND, LEGEND = 100, 45
"""Pixels around the rows, before an audience: the axis below, and under it the legend of one's own runs where there are some."""


def main_picture(study: Study, axis: str, opened: Graph) -> None:
    """The families with every graph and seed. A click in the lane of a graph opens it, one on a seed leads to its run."""
    versions = site.data_version(), own_results.version()
    height = views.height(0, AROUND + LEGEND * bool(own_results.version())) or None
    chart = dict(_chart(versions, language(), study, axis, height))
    graph = next((row for row in results.graphs(study) if row["of"] == opened), None)
    chart["datasets"] = chart["datasets"] | {"opened": family_strip.opened(graph, chart["datasets"])}
    st.vega_lite_chart(
        spec=views.sized(chart), key=KEY, alt=sentences.alt(study), width="stretch",
        on_select=lambda: controls.remember(KEY, study), selection_mode="opened",
    )  # fmt: skip
    _own_legend(study, axis)


def small(study: Study) -> None:
    """The families in little, of the published runs alone, without drawings and deviations in numbers, for a card."""
    height = SMALL_ROW * len(results.families(study))
    chart = dict(_chart((site.data_version(), ""), language(), study, "near", height, notes=False))
    chart["datasets"] = chart["datasets"] | {"opened": family_strip.opened(None, chart["datasets"])}
    st.vega_lite_chart(spec=chart, key=SMALL, alt=sentences.described(study), width="stretch")


# Composing a chart takes longer than the queries; the specification is the same for everyone until the data change.
@st.cache_data(max_entries=32, show_spinner=False)
def _chart(
    versions: tuple[str, str], language: str, study: Study, axis: str, height: int | None, notes: bool = True
) -> dict[str, Any]:
    rows = [row | {"note": sentences.note(row) if notes else ""} for row in results.families(study)]
    runs = [
        row | {"of": results.graph_of(row), "href": address.link("runs", run=row["run_id"])}
        for row in results.runs(study).to_pylist()
    ]
    drawings = {
        row["of"]: _stage(study, next(graph["of"] for graph in controls.in_order(study) if graph["of"].of == row["of"]))
        for row in rows
    }
    own = [
        row | {"difference": own_results.apart(row, "test_error"), "href": address.link("runs", run=row["run_id"])}
        for row in (own_runs(study) if versions[1] else [])
    ]
    ends = limits(study, axis, own)
    return family_strip.draw(rows, runs, results.graphs(study), drawings, ends, own, height).specification()


def own_runs(study: Study) -> list[dict[str, Any]]:
    """One's own runs of the graphs in the picture, with `of`; one that failed to train by the same rule has no error there, as in the
    picture."""
    rows = [row | {"of": results.graph_of(row)} for row in _laid_over(study)]
    return [row if row["outcome"] == "trained" else row | dict.fromkeys(own_results.MEASURES) for row in rows]


def _laid_over(study: Study) -> list[dict[str, Any]]:
    """One's own runs as rows of the table of runs, each with its own outcome."""
    return [
        row | {"outcome": outcome(row["status"], row["train_error"])} for row in own_results.over(results.runs(study))
    ]


def _own_legend(study: Study, axis: str) -> None:
    """The hollow marks in words, and how many of one's own runs lie beyond the axis."""
    own = own_runs(study)
    there = family_strip.within(own, results.families(study), limits(study, axis, own))
    gone = [row for row in own if row["test_error"] is not None and row not in there]
    own_results.legend([row for row in own if row not in gone])
    if gone:
        st.caption(t("wiring.own_beyond", n=format.count(len(gone))))


def limits(study: Study, axis: str, own: Sequence[dict[str, Any]] = ()) -> tuple[float, float]:
    """The ends of the error axis, fractions; `own` runs have a place on it too."""
    runs = [run for run in results.runs(study).to_pylist() if run["outcome"] == "trained"]
    runs += [run for run in own if run["test_error"] is not None]
    errors = [(results.family_of(run), run["test_error"]) for run in runs]
    return family_strip.near(results.families(study), errors) if axis == "near" else family_strip.whole(errors)


def _stage(study: Study, graph: Graph) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    def of_stage(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if row["stage"] == DRAWN_STAGE]

    return of_stage(results.nodes(study, graph)), of_stage(results.edges(study, graph))


def tables(study: Study) -> pa.Table:
    """Draws the tables behind the picture, families and runs, and returns the runs as they are, beside them one's own where there are
    some."""
    rows = results.families(study)
    title = t("wiring.table.families")
    with st.expander(title, icon=":material/table:"):
        st.dataframe(_families_in_words(study, rows), hide_index=True, alt=title, column_config=_family_columns())
    runs = shown_runs(study)
    title = t("wiring.table.runs")
    with st.expander(title, icon=":material/table:"):
        st.dataframe(
            runs_in_words(runs), hide_index=True, height=TABLE_HEIGHT, alt=title, column_config=run_columns(), key="wiring.table"
        )  # fmt: skip
    return runs


def shown_runs(study: Study) -> pa.Table:
    """The runs behind the picture, and beside them one's own where there are some."""
    return own_results.beside(results.runs(study), _laid_over(study))


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

    shown = {
        t("wiring.table.graph"): [families.graph_name(results.graph_of(row)) for row in runs.to_pylist()],
        t("site.seed"): column("seed"),
        t("wiring.table.outcome"): [t(f"wiring.outcome.{outcome}") for outcome in column("outcome")],
        t("wiring.table.train"): column("train_error"),
        t("wiring.table.test"): column("test_error"),
        t("wiring.table.n_params"): column("n_params"),
        t("wiring.table.run"): [address.link("runs", run=run_id) for run_id in column("run_id")],
    }
    return own_results.columns(shown, runs)


def run_columns() -> dict[str, Any]:
    """The formats of the columns of such a table."""
    errors = {t(f"wiring.table.{part}"): st.column_config.NumberColumn(format="percent") for part in ("train", "test")}
    own = own_results.formats()
    return (
        errors
        | own
        | {
            t("wiring.table.run"): st.column_config.LinkColumn(display_text=r"run=([0-9a-f]+)"),
            t("wiring.table.n_params"): st.column_config.NumberColumn(format="localized"),
        }
    )
