"""Figures of papers on double descent: hollow marks in pictures of their own, beside what of ours has the same axis."""

from typing import Any

import streamlit as st

from explorer import question_page
from explorer.charts import published as charts
from explorer.results import generalization as results
from explorer.results import site
from explorer.text import language, t


def along_the_epochs() -> None:
    """The published curves of networks while they train, which no width is on."""
    found = figures(question_page.published.published(results.QUESTION), along_epochs=True)
    if not found:
        return
    st.markdown(t("generalization_studies.epochs.published"), width=question_page.READING)
    grid = st.grid(2, min_column_width=340, gap="large")
    for figure in found:
        with grid.cell():
            draw(figure)


def alone() -> list[dict[str, Any]]:
    """Every published figure, where there is nothing of ours to stand beside it, and the table of their numbers; returns the rows."""
    rows = question_page.published.published(results.QUESTION)
    st.header(t("question.published"))
    st.markdown(t("question.published_text"), width=question_page.READING)
    grid = st.grid(2, min_column_width=340, gap="large")
    for figure in [*figures(rows, along_epochs=False), *figures(rows, along_epochs=True)]:
        with grid.cell():
            draw(figure)
    question_page.published_table(rows)
    return rows


def figures(rows: list[dict[str, Any]], *, along_epochs: bool) -> list[list[dict[str, Any]]]:
    """The published rows figure by figure: those along the epochs, or those against anything else."""
    names = dict.fromkeys(row["figure"] for row in rows if (row["x_name"] == "epoch") is along_epochs)
    return [[row for row in rows if row["figure"] == name] for name in names]


def draw(rows: list[dict[str, Any]]) -> None:
    """One figure as hollow marks, with its source, how its numbers were obtained, and its notes."""
    word, figure = question_page.word, rows[0]["figure"]
    shown = [row for row in rows if row["x"] > 0]  # epochs counted from 0 have no place on a logarithmic axis
    titles = {"x_title": word(rows[0]["x_name"]), "y_title": t("generalization.published.y")}
    title = f"{rows[0]['source'].split(',')[0]}, {word(figure)}"
    st.markdown(f"**{title}**")
    low, high = min(row["y"] for row in shown), max(row["y"] for row in shown)
    facts = {
        "title": title,
        "n": len(shown),
        "y": titles["y_title"],
        "x": titles["x_title"],
        "low": f"{low:.1f}",
        "high": f"{high:.1f}",
    }
    chart = _chart(site.data_version(), language(), figure, shown, titles)
    told = t("generalization.alt.published", **facts)
    st.vega_lite_chart(spec=dict(chart), key=f"generalization.published.{figure}", alt=told)
    how = ", ".join(t(f"published.tag.{tag}") for tag in dict.fromkeys(row["tag"] for row in rows))
    zero = " " + t("generalization.published.zero") if len(shown) < len(rows) else ""
    notes = " · ".join(dict.fromkeys(word(row["note"]) for row in rows))
    st.caption(
        t("generalization.published.caption", source=rows[0]["source"], figure=word(figure), how=how, note=notes) + zero
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _chart(
    version: str, language: str, figure: str, _rows: list[dict[str, Any]], _titles: dict[str, str]
) -> dict[str, Any]:
    """The picture of a figure; its rows are those of the database that can be drawn, its titles the words for them."""
    shown = [row | {"series": question_page.word(row["series"])} for row in _rows]
    words = _titles | {"series": t("published.series"), "hint": t("published.source")}
    return charts.scatter(shown, **words, x_log=True, y_log=False, height=230).specification()
