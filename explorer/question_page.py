"""The parts of a question's page that stands before its runs: what is asked, the numbers it will be held against, the claims."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, claim_cards
from explorer.charts import published as charts
from explorer.footer import footer
from explorer.results import published, site
from explorer.results.published import PUBLISHED, Panel
from explorer.text import language, of, section_texts, t

READING = 760  # pixels: a line of prose no longer than one reads with ease


def introduction(question: str, *, in_part: bool = False) -> None:
    """The question as title, what is asked, and whether its runs exist; `in_part` where the page shows what there is."""
    st.title(t(f"site.question.{question}"))
    st.markdown(t(f"{question}.lead"), width=READING)
    if question in site.baked_questions():
        st.info(t("question.in_part" if in_part else "question.baked"), icon=":material/check:")
        st.page_link(
            "pages/runs.py",
            label=t("site.nav.runs"),
            icon=":material/manage_search:",
            query_params=address.parameters(),
        )
    else:
        st.info(t("question.not_baked"), icon=":material/hourglass_empty:")


def published_numbers(question: str) -> list[dict[str, Any]]:
    """Draws the published numbers, panel by panel, and a table with source, precision and tag; returns the rows."""
    rows = published.published(question)
    st.header(t("question.published"))
    st.markdown(t("question.published_text"), width=READING)
    grid = st.grid(2, min_column_width=360, gap="large")
    for panel in published.PANELS[question]:
        shown = published.of_panel(rows, panel)
        if shown:
            with grid.cell():
                draw_panel(question, panel, shown)
    published_table(rows)
    return rows


def published_table(rows: list[dict[str, Any]]) -> None:
    """All published numbers of a question, each with its source, precision and how it was obtained."""
    with st.expander(t("question.table"), icon=":material/table:"):
        st.dataframe(_in_words(rows), hide_index=True, alt=t("question.table_alt", n=len(rows)))
        st.caption(t("question.tags"))


def draw_panel(question: str, panel: Panel, rows: list[dict[str, Any]], *, titled: bool = True) -> None:
    """One panel of published numbers, with its title, its sources and the word "digitised" where that is what they are."""
    if titled:
        st.subheader(t(f"published.panel.{question}.{panel.key}"), anchor=False)
    chart, alt = _panel(site.data_version(), language(), question, panel, rows)
    st.vega_lite_chart(spec=dict(chart), alt=alt, key=f"published.{question}.{panel.key}")
    st.caption(source_line(rows))


@st.cache_data(max_entries=64, show_spinner=False)
def _panel(
    version: str, language: str, question: str, panel: Panel, _rows: list[dict[str, Any]]
) -> tuple[dict[str, Any], str]:
    """The picture of a panel and its alternative text; its rows are those that the database has for it."""
    shown = [row | {"series": word(row["series"]), "group": row["group"] and word(row["group"])} for row in _rows]
    x_title, y_title = word(_rows[0]["x_name"]), word(_rows[0]["y_name"])
    names = {"series": t("published.series"), "hint": t("published.source")}
    if panel.kind == "strip":
        group = None if panel.group is None else x_title if panel.group == "x" else t("published.group")
        rising = "error" not in _rows[0]["y_name"] and "steps" not in _rows[0]["y_name"]
        picture = charts.strip(shown, value=y_title, group=group, rising=rising, **names)
    else:
        scales = {"x_log": panel.x_log, "y_log": panel.y_log}
        picture = charts.scatter(shown, x_title=x_title, y_title=y_title, **scales, **names)
    return picture.specification(), describe(question, panel, shown, x_title, y_title)


def describe(question: str, panel: Panel, rows: list[dict[str, Any]], x_title: str, y_title: str) -> str:
    """The alternative text of a panel, made from its rows: kind, axes with range, best series, where the table is."""
    low, high = min(rows, key=lambda row: row["y"]), max(rows, key=lambda row: row["y"])
    facts = {"title": t(f"published.panel.{question}.{panel.key}"), "n": len(rows), "y": y_title, "x": x_title}
    ends = {
        "low": f"{low['y']:.4g}",
        "high": f"{high['y']:.4g}",
        "low_series": low["series"],
        "high_series": high["series"],
    }
    return t(f"published.alt.{panel.kind}", **facts, **ends)


def planned(question: str) -> None:
    """What will be measured, and the fixed rules of the claims with their verdicts so far."""
    st.header(t("question.planned"))
    st.markdown(t(f"{question}.plan"), width=READING)
    st.header(t("question.claims"))
    claim_cards.of_question(question)


def known_and_open(question: str) -> None:
    """What is known and what is open, in short."""
    st.header(t("question.known_and_open"))
    numbers = published.named(question)
    with st.grid(2, min_column_width=340, gap="large") as grid:
        with grid.cell():
            st.subheader(t("question.known"), anchor=False)
            st.markdown(t(f"{question}.known", **numbers))
        with grid.cell():
            st.subheader(t("question.open"), anchor=False)
            st.markdown(t(f"{question}.open", **numbers))


def before_its_runs(
    question: str,
    measured: Mapping[str, Callable[[], None]] | None = None,
    numbers: Callable[[], list[dict[str, Any]]] | None = None,
) -> None:
    """The whole page of a question whose main study has no run; stops there. `measured` are the sections that others have runs for already, by
    their study; `numbers` draws the published numbers and gives their rows, where they are not drawn panel by panel."""
    measured = measured or {}
    introduction(question, in_part=bool(measured))
    for section in measured.values():
        section()
    rows = published_numbers(question) if numbers is None else numbers()
    planned(question)
    known_and_open(question)
    foot(question, rows, list(measured))
    st.stop()


def foot(question: str, rows: list[dict[str, Any]], studies: list[str]) -> None:
    """The footer: the published rows are what this page shows, but for what `studies` have below a picture of their own."""
    sources = list(dict.fromkeys(row["source"] for row in rows))
    footer(
        page=question,
        studies=studies,
        table=pa.Table.from_pylist(rows),
        sql=published_sql(question),
        sources=sources,
        rerun="\n".join(f"python -m precompute run {study}" for study in studies) or None,
    )


def published_sql(question: str) -> str:
    """The statement that gives the published rows of a question."""
    return PUBLISHED.replace("$question", f"'{question}'")


def word(text: str) -> str:
    """A name or note of the published table in the reader's language, part by part; what is the same everywhere has no entry."""
    return _word(language(), text)


@lru_cache(maxsize=4096)  # hundreds of rows at every view say the same few names
def _word(language: str, text: str) -> str:
    if f"name.{text}" in section_texts(language, "published"):
        return of(language, f"published.name.{text}")
    for separator in ("; ", ", "):
        if separator in text:
            return separator.join(_word(language, part) for part in text.split(separator))
    return text


def _in_words(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    def column(name: str) -> str:
        return t(f"published.column.{name}")

    return {
        column("source"): [row["source"] for row in rows],
        column("figure"): [word(row["figure"]) for row in rows],
        column("series"): [word(row["series"]) for row in rows],
        column("x_name"): [word(row["x_name"]) for row in rows],
        column("x"): [row["x"] for row in rows],
        column("y_name"): [word(row["y_name"]) for row in rows],
        column("y"): [row["y"] for row in rows],
        column("precision"): [word(row["precision"]) for row in rows],
        column("tag"): [t(f"published.tag.{row['tag']}") for row in rows],
        column("note"): [word(row["note"]) for row in rows],
    }


def source_line(rows: list[dict[str, Any]]) -> str:
    """The sources of published numbers and how each was obtained, as under their picture."""
    places = list(dict.fromkeys(f"{row['source']}" for row in rows))
    tags = list(dict.fromkeys(row["tag"] for row in rows))
    return t("published.caption", sources=" · ".join(places), how=", ".join(t(f"published.tag.{tag}") for tag in tags))
