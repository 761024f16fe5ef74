"""Behind the main picture: WS(K, P) on a map, error against what graphs are like, hubs, the paired differences from the residual chain, and the
published numbers with what is to be said of them."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import format, question_page
from explorer.charts import families, forest, graph_measures
from explorer.question_page import READING
from explorer.results import site
from explorer.results import wiring as results
from explorer.results.wiring import MEASURES, Study
from explorer.section import begin, points, short_points, table
from explorer.text import language, t
from explorer.wiring import picture, sentences

PARTS = ("test", "train")
RANDOM, NAGO = "random wiring, WS(4, 0.75), C = 78", "optimised graph generator (NAGO)"
"""Series of the table published."""


def ring_map(study: Study) -> None:
    """WS(K, P): mean test error over its graphs, with the places that the grid leaves out."""
    rows = {(row["links"], row["p"]): row for row in results.families(study) if row["family"] == "ws"}
    if len(rows) < 2:
        return
    st.subheader(t("wiring.ring.title"))
    cells = _cells(study)
    alt = t("wiring.ring.alt", cells="; ".join(_cell_in_words(cell) for cell in cells))
    chart = _ring_chart(site.data_version(), language(), study)
    left, right = st.columns((3, 2), gap="large")
    with left:
        st.vega_lite_chart(spec=dict(chart), key="wiring.ring", alt=f"{alt} {t('wiring.alt.table')}")
    with right:
        st.markdown(t("wiring.ring.text"))
        st.caption(t("wiring.ring.caption"))
    told = ("links", "p", "test_error", "low", "high", "n", "sd_graphs", "sd_seeds", "failed", "runs")
    table(pa.table({name: pa.array([row[name] for row in rows.values()]) for name in told}), t("wiring.ring.table"))


def _cells(study: Study) -> list[dict[str, Any]]:
    rows = {(row["links"], row["p"]): row for row in results.families(study) if row["family"] == "ws"}
    found = []
    for links in sorted({links for links, _ in rows}):
        for p in sorted({p for _, p in rows}):
            row = rows.get((links, p))
            error = row and row["test_error"]
            label = t("wiring.ring.not_run" if row is None else "wiring.ring.fails") if error is None else ""
            detail = ""
            if error is not None:
                half = None if row["low"] is None else 50 * (row["high"] - row["low"])
                label, detail = format.percent(error, format.decimals(half)), sentences.counted(row)
                if row["failed"]:
                    detail = t("wiring.ring.failed", failed=row["failed"], n=row["runs"])
            href = None if row is None else picture.runs_link(study, row["of"])
            found.append({"links": links, "p": p, "test_error": error, "label": label, "detail": detail, "href": href})
    return found


def _cell_in_words(cell: dict[str, Any]) -> str:
    told = cell["label"] + (f", {cell['detail']}" if cell["detail"] else "")
    return t("wiring.ring.cell", links=cell["links"], p=f"{cell['p']:g}", value=told)


@st.cache_data(max_entries=16, show_spinner=False)
def _ring_chart(version: str, language: str, study: Study) -> dict[str, Any]:
    return graph_measures.ring_map(_cells(study)).specification()


def measures(study: Study, axis: str) -> None:
    """Test error of every graph against its path length, clustering and degree, as means over its stages."""
    rows = results.graphs(study)
    if len(rows) < 2:
        return
    st.subheader(t("wiring.measures.title"))
    st.markdown(t("wiring.measures.text", n=len(rows)), width=READING)
    grid = st.grid(3, min_column_width=225, gap="medium")
    for measure in MEASURES:
        with grid.cell():
            chart = _measure_chart(site.data_version(), language(), study, measure, axis)
            st.vega_lite_chart(spec=dict(chart), key=f"wiring.measure.{measure}", alt=_measure_alt(rows, measure))
    st.caption(t("wiring.measures.caption"))
    told = ("path_length", "clustering", "mean_degree", "longest_path", "edges", "n_params", "trained", "failed")
    named = {t("wiring.table.graph"): pa.array([families.graph_name(row["of"]) for row in rows])}
    values = {name: pa.array([row[name] for row in rows]) for name in ("test_error", *told)}
    table(pa.table(named | values), t("wiring.measures.table"))


@st.cache_data(max_entries=32, show_spinner=False)
def _measure_chart(version: str, language: str, study: Study, measure: str, axis: str) -> dict[str, Any]:
    rows = [row | {"href": picture.runs_link(study, row["of"].of, row["of"].number)} for row in results.graphs(study)]
    return graph_measures.against(rows, measure, picture.limits(study, axis)).specification()


def _measure_alt(rows: list[dict[str, Any]], measure: str) -> str:
    least, most = (pick(rows, key=lambda row: row[measure]) for pick in (min, max))
    facts = {"measure": t(f"wiring.measure.{measure}"), "n": len(rows)}
    for end, row in (("least", least), ("most", most)):
        error = "–" if row["test_error"] is None else format.percent(row["test_error"])
        facts[end] = t(
            "wiring.measures.end", name=families.graph_name(row["of"]), value=f"{row[measure]:.2f}", error=error
        )
    return f"{t('wiring.measures.alt', **facts)} {t('wiring.alt.table')}"


def hubs(study: Study) -> None:
    """Claim W5: the rank correlation of damage and degree, for nodes and for edges, family by family."""
    found = results.claim(study, "W5")
    rows = [row for row in results.families(study) if row["node_correlation"] is not None]
    heading = t("wiring.hubs.question")
    badges = []
    if found is not None:
        verdict, part = found
        badges = [("W5", verdict)]
        if part["estimate"] is not None:
            value = format.quantity(part["estimate"], None, None, "correlation", digits=2)
            heading = t(f"wiring.hubs.heading.{verdict}", value=value)
    begin(heading, t("wiring.hubs.subtitle"), *badges)
    if not rows:
        st.markdown(t("wiring.hubs.none"))
        return
    for column, kind in zip(st.columns(2, gap="medium"), ("node", "edge"), strict=True):
        mine = _correlations(rows, kind)
        if not mine:
            continue
        with column:
            st.markdown(f"**{t(f'wiring.hubs.{kind}')}**")
            chart = _hub_chart(site.data_version(), language(), study, kind)
            alt = t(
                "wiring.hubs.alt",
                kind=t(f"wiring.hubs.{kind}"),
                n=len(mine),
                most=mine[0]["label"],
                least=mine[-1]["label"],
            )
            st.vega_lite_chart(spec=dict(chart), key=f"wiring.hubs.{kind}", alt=f"{alt} {t('wiring.alt.table')}")
    st.caption(" ".join([*_other_correlations(found), t("wiring.hubs.caption")]))
    told = ("node_correlation", "node_low", "node_high", "edge_correlation", "edge_low", "edge_high", "n")
    named = {t("wiring.table.family"): pa.array([families.name(row["of"]) for row in rows])}
    table(pa.table(named | {name: pa.array([row[name] for row in rows]) for name in told}), t("wiring.hubs.table"))  # fmt: skip


@st.cache_data(max_entries=16, show_spinner=False)
def _hub_chart(version: str, language: str, study: Study, kind: str) -> dict[str, Any]:
    rows = [row for row in results.families(study) if row["node_correlation"] is not None]
    mine, other = (_correlations(rows, each) for each in ((kind, "node" if kind == "edge" else "edge")))
    return forest.draw(mine, t("wiring.hubs.axis"), beside=other).specification()


def _correlations(rows: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Rows of a forest, the largest first."""
    told = []
    for row in rows:
        estimate, low, high = (row[f"{kind}_{name}"] for name in ("correlation", "low", "high"))
        if estimate is not None:
            name = families.name(row["of"])
            label = f"{name}: {format.quantity(estimate, low, high, 'correlation')}, {sentences.counted(row)}"
            told.append({"name": name, "label": label, "estimate": estimate, "low": low, "high": high})
    return sorted(told, key=lambda row: -row["estimate"])


def _other_correlations(found: tuple[str, dict[str, Any]] | None) -> list[str]:
    """What else claim W5 measured over all random graphs: the edges, and the nodes without the edge to the output node."""
    if found is None or found[1]["estimate"] is None:
        return []
    details, told = found[1]["details"], []
    edge = details["edge_correlation"]
    if edge["estimate"] is not None:
        value = format.quantity(edge["estimate"], edge["low"], edge["high"], "correlation")
        told.append(t("wiring.hubs.edges", value=value, n=sentences.graphs(edge["n"])))
    if details["output_edge_left_out"] is not None:
        value = format.quantity(details["output_edge_left_out"], None, None, "correlation", digits=2)
        told.append(t("wiring.hubs.output_left_out", value=value))
    return told


def ablations(study: Study) -> None:
    """Every family minus the residual chain, on the test and on the train error, and how far apart families lie."""
    rows = results.contrasts(study)
    badges = [(code, found[0]) for code in ("W3", "W4") if (found := results.claim(study, code))]
    begin(t("wiring.ablation.heading"), t("wiring.ablation.text"), *badges)
    if not rows:
        st.markdown(t("wiring.ablation.none"), width=READING)
        return
    drawn = _drawn(rows)
    for column, part in zip(st.columns(2, gap="medium"), PARTS, strict=True):
        mine = drawn[part]
        if not mine:
            continue
        with column:
            st.markdown(f"**{t(f'wiring.table.{part}')}**")
            chart = _ablation_chart(site.data_version(), language(), study, part)
            facts = {"n": len(mine), "largest": mine[0]["label"], "smallest": mine[-1]["label"]}
            alt = f"{t('wiring.ablation.alt', part=t(f'wiring.table.{part}'), **facts)} {t('wiring.alt.table')}"
            st.vega_lite_chart(spec=dict(chart), key=f"wiring.forest.{part}", alt=alt)
    st.caption(" ".join([*_apart(study), t("wiring.ablation.caption")]))
    told = ("part", "estimate", "low", "high", "n", "p", "p_adjusted")
    named = {t("wiring.table.family"): pa.array([families.name(row["of"]) for row in rows])}
    table(pa.table(named | {name: pa.array([row[name] for row in rows]) for name in told}), t("wiring.ablation.table"))  # fmt: skip


def _drawn(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {part: [_row(row) for row in rows if row["part"] == part] for part in PARTS}


@st.cache_data(max_entries=16, show_spinner=False)
def _ablation_chart(version: str, language: str, study: Study, part: str) -> dict[str, Any]:
    drawn = _drawn(results.contrasts(study))
    beside = drawn["train" if part == "test" else "test"]
    return forest.draw(drawn[part], t("wiring.ablation.axis"), beside=beside).specification()


def _row(row: dict[str, Any]) -> dict[str, Any]:
    name = families.name(row["of"])
    value = format.quantity(row["estimate"], row["low"], row["high"], "points")
    return row | {"name": name, "label": f"{name}: {value}, n = {row['n']}"}


def _apart(study: Study) -> list[str]:
    """What claims W3 and W4 measured, in words."""
    told = []
    if (found := results.claim(study, "W3")) is not None and found[1]["estimate"] is not None:
        part = found[1]
        facts = {"n": sentences.graphs(part["n"])} | {name: part["details"][name] for name in ("best", "worst")}
        told.append(t("wiring.ablation.families", value=_size(part), **facts))
        if part["low"] is not None:
            told.append(t("wiring.ablation.tukey"))
    if (found := results.claim(study, "W4")) is not None and found[1]["estimate"] is not None:
        told.append(t("wiring.ablation.chain", value=points(found[1]), n=sentences.graphs(found[1]["n"])))
        if found[1]["details"].get("why") == "a_run_failed_to_train":
            told.append(t("wiring.ablation.lost"))
    return told


def _size(part: dict[str, Any]) -> str:
    """A difference without a direction, with its interval."""
    size = short_points(part, signed=False)
    if part["low"] is None:
        return size
    digits = format.decimals((part["high"] - part["low"]) / 2)
    return t("site.format.range", value=size, low=f"{part['low']:.{digits}f}", high=f"{part['high']:.{digits}f}")


def published_numbers() -> list[str]:
    """The table of the paper as hollow marks, each number with its tag, and what to hold against it; returns the sources."""
    rows = question_page.published_numbers(results.QUESTION)
    at = {row["series"]: row for row in rows}
    st.subheader(t("wiring.selection.heading"), anchor=False)
    told = [t("wiring.selection.searched")]
    if {RANDOM, NAGO} <= at.keys():
        random, tuned = at[RANDOM], at[NAGO]
        told.append(
            t(
                "wiring.selection.nago", random=f"{random['y']:g}%", random_tag=random["tag"], tuned=f"{tuned['y']:g}%", tuned_tag=tuned["tag"],
                source=tuned["source"], gain=format.points((tuned["y"] - random["y"]) / 100, signed=False),
                size=f"{random['x']:g}", tuned_size=f"{tuned['x']:g}",
            )
        )  # fmt: skip
    told.append(t("wiring.selection.here"))
    st.markdown("\n".join(f"- {line}" for line in told), width=READING)
    return list(dict.fromkeys(row["source"] for row in rows))
