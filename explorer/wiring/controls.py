"""What a reader may change, all of it in the address: the study, the error axis, and the graph that is opened, with its seed and what is
drawn on it."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from explorer import address
from explorer.charts import families
from explorer.results import wiring as results
from explorer.results.wiring import Family, Graph, Study
from explorer.text import t
from explorer.wiring.drawing import SHOWN

FIRST = Family("ws", 4, 0.75)
"""Of the first screen: the setting of the paper."""
OPENED = ("graph", "seed")  # what opens one graph; another study may not have it


@dataclass(frozen=True)
class Opened:
    """A graph, one run of it, and what is drawn on it."""

    graph: Graph
    run: dict[str, Any]
    show: str
    """weights, or damage."""


def study(offered: list[Study]) -> Study:
    """Draws the control of the study, where there is a choice."""
    return address.one_with_code(
        "study", offered, label=t("site.study"), format=lambda each: t(f"wiring.study.{each.code}"), widget="select",
        resets=OPENED,
    )  # fmt: skip


def axis() -> str:
    """Draws the control of the error axis: all families, or those near the best."""
    return address.choice(
        "axis", ["near", "all"], "near", label=t("wiring.control.axis"), format=lambda code: t(f"wiring.axis.{code}"),
        help=t("wiring.control.axis_help"),
    )  # fmt: skip


def opened(of: Study) -> Opened:
    """Draws the controls of the opened graph: which, with which seed, and what is drawn on it."""
    graph = address.one_with_code(
        "graph", [row["of"] for row in in_order(of)], first=first_graph(of), label=t("wiring.control.graph"), widget="select",
        resets=("seed",), format=families.graph_name, help=t("wiring.control.graph_help"),
    )  # fmt: skip
    by_seed = runs_of(of, graph)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        show = address.choice(
            "show", list(SHOWN), SHOWN[0], label=t("wiring.control.show"), format=lambda code: t(f"wiring.show.{code}"),
            help=t("wiring.control.show_help"),
        )  # fmt: skip
        seed = address.one_of(
            "seed", list(by_seed), first_seed(by_seed), label=t("site.seed"), widget="select" if len(by_seed) > 4 else "segmented"
        )  # fmt: skip
    return Opened(graph, by_seed[seed], show)


def runs_of(of: Study, graph: Graph) -> dict[int, dict[str, Any]]:
    """The runs of one graph, by seed."""
    return {row["seed"]: row for row in results.runs(of).to_pylist() if results.graph_of(row) == graph}


def first_seed(by_seed: dict[int, dict[str, Any]]) -> int:
    """The seed of a graph that is opened before a reader opens one: the first that trains, without any the first."""
    trained = [seed for seed, row in by_seed.items() if row["outcome"] == "trained"]
    return (trained or list(by_seed))[0]


def in_order(of: Study) -> list[dict[str, Any]]:
    """The graphs of a study in the order of its families on the page."""
    order = [row["of"] for row in results.families(of)]
    found = [row for row in results.graphs(of) if row["of"].of in order]
    return sorted(found, key=lambda row: (order.index(row["of"].of), row["of"].number))


def first_graph(of: Study) -> Graph:
    """The graph that is opened before a reader opens one: the first of the paper's setting, without it that of the best family."""
    graphs = [row["of"] for row in in_order(of)]
    return next((graph for graph in graphs if graph.of == FIRST), graphs[0])


def remember(key: str, of: Study) -> None:
    """Writes the graph that was clicked in the chart `key` into the address."""
    picked = st.session_state[key].selection.get("opened") or []
    codes = {row["of"].code for row in in_order(of)}
    if picked and picked[0].get("code") in codes:
        code = picked[0]["code"]
        address.put_all({"graph": None if code == first_graph(of).code else code, "seed": None})
