"""What sections of every topic page have: the finding as a heading with its verdicts, the table behind a picture, and what repeats its runs."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import claim_cards, format, question_page
from explorer.footer import commands_button, table_button
from explorer.text import t

TABLE_HEIGHT = 320  # pixels
MEAN = ("mean", "low", "high")
ALPHA = 0.05  # below which a p-value, after its correction, tells a difference from chance


def begin(heading: str, subtitle: str, *badges: tuple[str, str], anchor: str | None = None) -> None:
    """The finding in words, a badge for each claim and verdict, and the measure with its unit, data, settings and seeds. `anchor` is what an
    address names the section by."""
    st.subheader(heading, anchor=anchor)
    if badges:
        with st.container(horizontal=True, vertical_alignment="center"):
            for claim, verdict in badges:
                st.badge(claim, color="gray")
                claim_cards.badge(verdict)
    st.markdown(subtitle, width=question_page.READING)


def table(cells: pa.Table, title: str) -> None:
    """The table behind a chart."""
    with st.expander(title, icon=":material/table:"):
        st.dataframe(cells, hide_index=True, height=TABLE_HEIGHT, alt=title)


def rates_at_ends(cells: Iterable[Mapping[str, Any]], name: Callable[[Mapping[str, Any]], str]) -> list[str]:
    """The names of the networks whose chosen learning rate is the smallest or the largest of several that were tried with them, so that a better
    one may lie beyond. `cells` have lr and chosen, one for each network and rate; `name` is that of the network of a cell."""
    tried: dict[str, list[Mapping[str, Any]]] = {}
    for cell in cells:
        tried.setdefault(name(cell), []).append(cell)
    ends = {each: (min(cell["lr"] for cell in mine), max(cell["lr"] for cell in mine)) for each, mine in tried.items()}
    return [
        each
        for each, mine in tried.items()
        if len(mine) > 1 and any(cell["chosen"] and cell["lr"] in ends[each] for cell in mine)
    ]


def means_in_words(runs: pa.Table, errors: Mapping[str, str]) -> dict[str, list[Any]]:
    """The columns of a table of runs with the means of their networks and the intervals, under their names for the reader. `errors` are the
    codes of the errors and their names."""
    told = {
        t(f"question.means.{end}", error=name): runs[f"{code}_{end}"].to_pylist()
        for code, name in errors.items()
        for end in MEAN
    }
    return told | {t("question.means.n"): runs["n"].to_pylist()}


def mean_formats(errors: Mapping[str, str]) -> dict[str, Any]:
    """How those columns are written."""
    percent = st.column_config.NumberColumn(format="percent")
    return {t(f"question.means.{end}", error=name): percent for name in errors.values() for end in MEAN}


def take_runs(runs: pa.Table, repeat: str, text: str, file_name: str, key: str) -> None:
    """The command that repeats each of some runs, under the label `repeat` with a line of text, and the runs as CSV."""
    with st.container(horizontal=True):
        commands_button(repeat, text, repeats(runs))
        table_button(t("site.footer.csv"), lambda: runs, file_name, key)


def repeats(runs: pa.Table) -> str:
    """The command that repeats each of some runs, a line each."""
    return "\n".join(f"python -m precompute run --run-id {run}" for run in runs["run_id"].to_pylist())


def points(part: dict[str, Any]) -> str:
    """A difference in points with its interval, without the number of seeds."""
    return format.quantity(part["estimate"], part["low"], part["high"], "points")


def short_points(part: dict[str, Any], signed: bool = True) -> str:
    """A difference in points without its interval, for headings, with no more decimals than that supports; unsigned its size alone."""
    half = (part["high"] - part["low"]) / 2 if part["low"] is not None else None
    size = part["estimate"] if signed else abs(part["estimate"])
    return format.points(size / 100, format.decimals(half), signed=signed)
