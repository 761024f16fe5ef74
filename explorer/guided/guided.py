"""Guided steps: each is a sentence that moves the page's own picture by writing into the address, so that free play goes on from there.

A page names its steps once. `show` draws them under the picture as sentences with a button each. In a presenter's view `presented` draws
the sentence of the step now shown, and the arrow keys (or those of a presenter's remote control) go from one to the next.

A guess before something is revealed is asked with `ask` as long as `guessed` gives None, and answered with `reveal`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from explorer import address, views
from explorer.text import t

FOLDER = Path(__file__).parent
KEYS = "guided.keys"
GUESS, SKIP = "guess", "skip"
WENT, SEEN = "guided.went", "guided.seen"  # steps gone to in this session, and how many of them were brought into view
NEXT, PREVIOUS = ("ArrowRight", "PageDown"), ("ArrowLeft", "PageUp")  # a remote control sends the page keys

_component = st.components.v2.component("guided_keys", js=(FOLDER / "keys.js").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Step:
    """One step: `name` finds its texts (<page>.step.<name>.title, .text and .show), `view` is what the address holds then (None takes a
    key out), `values` are the numbers in its sentence."""

    name: str
    view: dict[str, Any]
    values: dict[str, str] = field(default_factory=dict)


def show(page: str, steps: Sequence[Step]) -> None:
    """The steps side by side, each a sentence and a button that shows its view in the picture above; nothing where there are none."""
    if not steps:
        return
    if not views.presented():
        _bring_into_view()
    st.header(t(f"{page}.step.heading"))
    for number, (place, step) in enumerate(zip(st.columns(len(steps), gap="medium"), steps, strict=True), start=1):
        with place:
            st.markdown(_sentence(page, number, step))
            st.button(
                t(f"{page}.step.{step.name}.show"),
                key=f"{page}.step.{number}",
                type="tertiary",
                icon=":material/north_east:",
                on_click=_go,
                args=(step.view,),
            )


def _bring_into_view() -> None:
    """After a step the picture that it changed, which stands above the steps and mostly above the screen."""
    went = st.session_state.get(WENT, 0)
    if went != st.session_state.get(SEEN, 0):
        st.session_state[SEEN] = went
        find = f"document.querySelector('.st-key-{views.PICTURE}')?.scrollIntoView({{block: 'start'}})"
        st.html(f"<script>/* {went} */ {find}</script>", unsafe_allow_javascript=True)


def presented(page: str, steps: Sequence[Step], *, arrows: bool = True) -> None:
    """In a presenter's view the sentence of the step in the address, and the keys to the others; nothing elsewhere. Without `arrows` the
    arrow keys are left to the picture, and the page keys alone go through the steps. Ends the run here until the screen is measured."""
    if not views.presented():
        return
    numbers = range(1, len(steps) + 1)
    shown = address.chosen(address.STEP, numbers, 0, t("site.step.label"), lambda _: t("site.step.none"))
    if shown:
        st.markdown(_sentence(page, shown, steps[shown - 1]))
    kinds = slice(0 if arrows else 1, None)

    def turned() -> None:
        wanted = min(max(shown + st.session_state[KEYS]["turned"], 1), len(steps))
        if steps and wanted != shown:
            _go(steps[wanted - 1].view | {address.STEP: wanted})

    def measured() -> None:
        views.remember_screen(*st.session_state[KEYS]["screen"])

    _component(
        key=KEYS,
        data={"next": NEXT[kinds], "previous": PREVIOUS[kinds], "screen": views.screen() if views.measured() else None},
        height=1,
        on_turned_change=turned,
        on_screen_change=measured,
    )
    if not views.measured():  # the picture is drawn once, as large as the screen
        st.skeleton(height=views.height(0, 0))
        st.stop()


def guessed(prefix: str, codes: Sequence[str]) -> str | None:
    """What the address says was guessed before something is revealed, SKIP where the reader would not; None as long as nothing was."""
    return address.chosen(GUESS, [*codes, SKIP], None, t(f"{prefix}.guess"), lambda _: t("site.guess.open"))


def ask(prefix: str, codes: Sequence[str], **values: str) -> None:
    """The question <prefix>.question with a button for each guess (<prefix>.<code>), and one to skip it."""
    page = prefix.partition(".")[0]
    st.markdown(t(f"{prefix}.question", **values))
    with st.container(horizontal=True):
        for code in codes:
            st.button(t(f"{prefix}.{code}"), key=f"{page}.{GUESS}.{code}", on_click=address.put, args=(GUESS, code))
        skip = {"type": "tertiary", "on_click": address.put, "args": (GUESS, SKIP)}
        st.button(t("site.guess.skip"), key=f"{page}.{GUESS}.{SKIP}", **skip)


def reveal(prefix: str, told: str) -> None:
    """The guess, the answer `told`, and a button that hides it again."""
    page, said = prefix.partition(".")[0], address.get(GUESS)
    if said != SKIP:
        st.markdown(t("site.guess.guessed", guess=t(f"{prefix}.{said}")))
    st.markdown(told)
    st.button(
        t("site.guess.again"), key=f"{page}.{GUESS}.again", type="tertiary", on_click=address.put, args=(GUESS, None)
    )


def _go(view: dict[str, Any]) -> None:
    address.put_all(view)
    st.session_state[WENT] = st.session_state.get(WENT, 0) + 1


def _sentence(page: str, number: int, step: Step) -> str:
    title, text = (t(f"{page}.step.{step.name}.{part}", **step.values) for part in ("title", "text"))
    return f"**{number}. {title}** {text}"
