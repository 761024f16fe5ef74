"""The ways a page can be seen: as itself, embedded in another page (`?embed=true`), or by a presenter (`?present=1`).

An embedded view and a presenter's are without furniture: no navigation, no footer but one line with the source and the link, and they end
with the main picture where a page has one. A presenter's view hides the controls too and has large type.
"""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.charts import style

PRESENT = "present"
PICTURE = "views_picture"  # the container of the main picture, whose key is the class that a script finds it by
LARGER = 1.35  # what a projector needs against a screen
SCREEN = "views.screen"
SMALLEST_SCREEN = (1280, 720)  # of a projector, in pixels; what a presenter's view fits where it is not measured
HEAD = 150  # pixels above a presenter's picture: a title of one line and a step of two
LEAST_HEIGHT = 160

# Rem is what Streamlit measures in, so that one size enlarges all text. What can be operated is hidden, and still there for its keys.
_HIDDEN = (
    "Header", "Sidebar", "ExpandSidebarButton", "ElementToolbar", "Button", "ButtonGroup", "DownloadButton", "Selectbox", "Slider", "Popover",
    "Expander", "Form", "PageLink",
)  # fmt: skip
_PRESENTER = f"""<style>
html {{ font-size: {round(16 * LARGER)}px !important }}
[data-testid="stMainBlockContainer"] h1 {{ font-size: 1.7rem; padding: 0 0 1rem; line-height: 1.2 }}
[data-testid="stMain"] [data-testid="stVerticalBlock"] {{ gap: 0.35rem }}
[data-testid="stMain"] [data-testid="stMarkdownContainer"] p {{ line-height: 1.35 }}
.st-key-views_controls, {", ".join(f'[data-testid="st{name}"]' for name in _HIDDEN)} {{ display: none !important }}
[data-testid="stMainBlockContainer"] {{ padding: 0.4rem 1rem 0.5rem; max-width: none }}
</style>"""


# A caption is paler than a link in it may be; without furniture the source is such a link.
_INK = '<style>[data-testid="stCaptionContainer"] { opacity: 1 !important }</style>'


def embedded() -> bool:
    """Whether the page stands in a frame of another page."""
    return st.context.is_embedded


def presented() -> bool:
    """Whether the page is shown by a presenter."""
    return st.query_params.get(PRESENT) == "1"


def furnished() -> bool:
    """Whether the page has its navigation, controls to take things away, and footer."""
    return not (embedded() or presented())


def dress() -> None:
    """Hides the controls and enlarges the type in a presenter's view, where as in an embedded one captions have the ink of other text."""
    if presented():
        st.html(_PRESENTER)
    if not furnished():
        st.html(_INK)


def picture_and_controls(shares: tuple[int, int] = (2, 1)) -> tuple[DeltaGenerator, DeltaGenerator]:
    """The place of the main picture and, beside it, that of its controls; a presenter has the whole width for the picture."""
    if presented():
        return st.container(key=PICTURE), st.container(key="views_controls")
    picture, controls = st.columns(shares, gap="medium")
    return picture.container(key=PICTURE), controls


def measured() -> bool:
    """Whether a presenter's screen was measured in this session."""
    return SCREEN in st.session_state


def screen() -> tuple[int, int]:
    """Width and height of a presenter's screen, in pixels."""
    return st.session_state.get(SCREEN, SMALLEST_SCREEN)


def remember_screen(width: int, height: int) -> None:
    """For what measures the screen."""
    st.session_state[SCREEN] = (int(width), int(height))


def height(usual: int, around: int) -> int:
    """How high the plot of a main picture is: `usual`, and for a presenter what its screen leaves below the head, without the pixels
    `around` the plot for its axes, legends and further views."""
    return max(LEAST_HEIGHT, screen()[1] - HEAD - around) if presented() else usual


def head(title: str, subtitle: str) -> None:
    """The title of a page and what its main picture shows; a presenter has the latter under the picture."""
    st.title(title)
    if not presented():
        st.markdown(subtitle)


def sized(specification: dict[str, Any]) -> dict[str, Any]:
    """A chart's specification for this view: larger for a presenter."""
    return style.enlarged(specification, LARGER) if presented() else specification
