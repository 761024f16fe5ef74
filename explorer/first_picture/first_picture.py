"""The picture that a reader came for is drawn before the rest of its page is sent.

Else the browser lays out the whole page and compiles all its charts before it shows the first: the home page took 3.6 to 4.6 s to its finding
so, and 2.8 to 3.2 s when the rest came after it (six visits each of a warm server, in turn, on two slow cores).
"""

from functools import partial
from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent
REST = 900  # pixels: as high as what comes next, so that the page does not jump

# Only the browser knows when Vega has drawn, hence a few lines of script.
_component = st.components.v2.component("first_picture", js=(FOLDER / "first_picture.js").read_text(encoding="utf-8"))


def drawn(page: str) -> bool:
    """Whether this session's browser has drawn the first picture of a page."""
    return st.session_state.get(_place(page), False)


def wait_for(page: str, place: str) -> None:
    """Ends the run here at a session's first visit of a page; it goes on when the browser has drawn the chart at `place`: the key of a
    container, or of a chart that can be picked in."""
    if drawn(page):
        return
    st.skeleton(height=REST)
    _component(key=f"{page}.first_picture", data={"place": place}, height=1, on_drawn_change=partial(_remember, page))
    st.stop()


def _remember(page: str) -> None:
    st.session_state[_place(page)] = True


def _place(page: str) -> str:
    return f"{page}.drawn"
