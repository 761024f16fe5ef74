"""The ways a page can be seen: as itself, embedded in another page (`?embed=true`), or by a presenter (`?present=1`).

An embedded view and a presenter's are without furniture: no navigation, no footer but one line with the source and the link, and they end
with the main picture where a page has one. A presenter's view hides the controls too and has large type.
"""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.charts import style

PRESENT = "present"
LARGER = 1.35  # what a projector needs against a screen

# Rem is what Streamlit measures in, so that one size enlarges all text. What can be operated is hidden, and still there for its keys.
_HIDDEN = (
    "Header", "Sidebar", "ExpandSidebarButton", "ElementToolbar", "Button", "ButtonGroup", "DownloadButton", "Selectbox", "Slider", "Popover",
    "Expander", "Form", "PageLink",
)  # fmt: skip
_PRESENTER = f"""<style>
html {{ font-size: {round(16 * LARGER)}px !important }}
.st-key-views_controls, {", ".join(f'[data-testid="st{name}"]' for name in _HIDDEN)} {{ display: none !important }}
[data-testid="stMainBlockContainer"] {{ padding: 1.2rem 2rem 0.5rem; max-width: none }}
</style>"""


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
    """Hides the controls and enlarges the type in a presenter's view; does nothing in the others."""
    if presented():
        st.html(_PRESENTER)


def picture_and_controls(shares: tuple[int, int] = (2, 1)) -> tuple[DeltaGenerator, DeltaGenerator]:
    """The place of the main picture and, beside it, that of its controls; a presenter has the whole width for the picture."""
    if presented():
        return st.container(), st.container(key="views_controls")
    return st.columns(shares, gap="medium")


def sized(specification: dict[str, Any]) -> dict[str, Any]:
    """A chart's specification for this view: larger for a presenter."""
    return style.enlarged(specification, LARGER) if presented() else specification
