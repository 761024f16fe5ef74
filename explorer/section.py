"""What sections of every topic page have: the finding as a heading with its verdicts, and the table behind a picture."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import claim_cards, format, question_page

TABLE_HEIGHT = 320  # pixels


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


def points(part: dict[str, Any]) -> str:
    """A difference in points with its interval, without the number of seeds."""
    return format.quantity(part["estimate"], part["low"], part["high"], "points")


def short_points(part: dict[str, Any]) -> str:
    """A difference in points without its interval, for headings."""
    half = (part["high"] - part["low"]) / 2 if part["low"] is not None else None
    return format.quantity(part["estimate"], None, None, "points", digits=format.decimals(half))
