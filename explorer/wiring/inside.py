"""The graph that is opened, laid out: what each node and edge is worth against its degree, its stages in numbers, and its runs with the command
that repeats each."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from explorer import format
from explorer.charts import families, graph_measures
from explorer.question_page import READING
from explorer.results import site
from explorer.results import wiring as results
from explorer.results.wiring import Study
from explorer.section import table, take_runs
from explorer.text import language, t
from explorer.wiring import drawing, picture
from explorer.wiring.controls import Opened

ANCHOR = "opened"


def opened_graph(study: Study, opened: Opened) -> None:
    """Everything about one graph that the drawing beside the main picture has no room for."""
    st.header(t("wiring.opened.title", name=families.graph_name(opened.graph)), anchor=ANCHOR)
    st.markdown(_stages_in_words(study, opened), width=READING)
    parts = _parts(study, opened)
    if parts:
        _damage(study, opened, parts)
    else:
        st.markdown(t("wiring.opened.nothing", outcome=t(f"wiring.outcome.{opened.run['outcome']}")))
    _weights(study, opened)
    _runs(study, opened)


def _stages_in_words(study: Study, opened: Opened) -> str:
    rows = results.stages(study, opened.graph)
    told = [
        t(
            "wiring.opened.stage", stage=row["stage"], nodes=row["nodes"], edges=row["edges"], channels=row["channels"],
            path=f"{row['path_length']:.2f}", clustering=f"{row['clustering']:.2f}", degree=f"{row['mean_degree']:.1f}",
        )
        for row in rows
    ]  # fmt: skip
    redrawn = sum(row["redrawn"] for row in rows)
    if redrawn:
        told.append(t("wiring.opened.redrawn", n=redrawn))
    return "\n".join(f"- {line}" for line in told)


def _parts(study: Study, opened: Opened) -> list[dict[str, Any]]:
    """Every node and edge with its damage in the opened run: kind, stage, part, target, degree, damage, and its name in words."""
    nodes = {(row["stage"], row["node"]): row for row in results.nodes(study, opened.graph)}
    found = []
    for row in results.damage(opened.run["run_id"]).to_pylist():
        if row["kind"] == "node":
            # the edge from a sink to the output node is an edge like others, as in claim W5
            degree = nodes[row["stage"], row["part"]]["out_degree"] or 1
        else:
            degree = nodes[row["stage"], row["target"]]["in_degree"]
        name = drawing.part_name((row["stage"], row["part"], row["target"]))
        found.append(row | {"degree": degree, "name": name})
    return found


def _damage(study: Study, opened: Opened, parts: list[dict[str, Any]]) -> None:
    st.subheader(t("wiring.damage.title"), anchor=False)
    whole = format.percent(parts[0]["error_whole"], 2)
    images = format.count(parts[0]["n_test"])
    st.markdown(t("wiring.damage.text", seed=opened.run["seed"], whole=whole, images=images), width=READING)
    for column, kind in zip(st.columns(2, gap="medium"), ("node", "edge"), strict=True):
        mine = [part for part in parts if part["kind"] == kind]
        if not mine:
            continue
        with column:
            st.markdown(f"**{t(f'wiring.damage.{kind}')}**")
            title = t(f"wiring.damage.degree_of_{kind}")
            chart = _damage_chart(site.data_version(), language(), study, opened, kind)
            least, most = (pick(mine, key=lambda part: part["damage"]) for pick in (min, max))
            facts = {"n": len(mine), "degree": title, "least": _told(least), "most": _told(most)}
            alt = f"{t('wiring.damage.alt', kind=t(f'wiring.damage.{kind}'), **facts)} {t('wiring.alt.table')}"
            st.vega_lite_chart(spec=dict(chart), key=f"wiring.damage.{kind}", alt=alt)
            st.caption(t("wiring.damage.ends", least=_told(least), most=_told(most)))
    st.caption(t("wiring.damage.caption"))
    columns = ("kind", "stage", "part", "target", "degree", "error_without", "error_whole", "damage")
    table(
        pa.table({name: pa.array([part[name] for part in parts]) for name in columns}),
        t("wiring.damage.table"),
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _damage_chart(version: str, language: str, study: Study, opened: Opened, kind: str) -> dict[str, Any]:
    mine = [part for part in _parts(study, opened) if part["kind"] == kind]
    return graph_measures.damage(mine, t(f"wiring.damage.degree_of_{kind}")).specification()


def _told(part: dict[str, Any]) -> str:
    return t("wiring.drawing.part", part=part["name"], value=format.points(part["damage"]))


def _weights(study: Study, opened: Opened) -> None:
    weights = results.weights(opened.run["run_id"])
    if not weights:
        return
    rows = [
        {name: edge[name] for name in ("stage", "source", "target")}
        | {"weight": weights.get((edge["stage"], edge["source"], edge["target"]))}
        for edge in results.edges(study, opened.graph)
    ]
    table(pa.Table.from_pylist(rows), t("wiring.weights.table"))


def _runs(study: Study, opened: Opened) -> None:
    """The runs of the graph, each with its page and the command that repeats it."""
    every = picture.shown_runs(study)
    mine = every.filter(pa.array([results.graph_of(row) == opened.graph for row in every.to_pylist()]))
    st.subheader(t("wiring.runs.title"), anchor=False)
    parameters = format.count(pc.max(mine["n_params"]).as_py())
    st.markdown(t("wiring.runs.text", n=mine.num_rows, parameters=parameters), width=READING)
    st.dataframe(
        picture.runs_in_words(mine),
        hide_index=True,
        alt=t("wiring.runs.alt", name=families.graph_name(opened.graph), n=mine.num_rows),
        column_config=picture.run_columns(),
    )
    file_name = f"wiring-{study.code}-{opened.graph.code}-{site.data_version()}.csv"
    take_runs(mine, t("wiring.runs.repeat"), t("wiring.runs.repeat_text"), file_name, "wiring.runs.csv")
