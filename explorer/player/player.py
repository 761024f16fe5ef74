"""The player beside a chart: a slider that plays, steps and scrubs in the browser, and where the chart has them a second one and a trail."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from explorer import views
from explorer.text import t

FOLDER = Path(__file__).parent

# Vega-Lite has no timer and a step through the server takes five times as long, hence a few lines of script.
_component = st.components.v2.component(
    "linked_map_player",
    html=(FOLDER / "player.html").read_text(encoding="utf-8"),
    css=(FOLDER / "player.css").read_text(encoding="utf-8"),
    js=(FOLDER / "player.js").read_text(encoding="utf-8"),
)


class Input(NamedTuple):
    """A bound input of a chart, by the name of its parameter (`cell_e` of the field e of a selection), and its name for the reader."""

    input: str
    name: str


class Slider(NamedTuple):
    """A bound range of a chart over the places of a list, its name for the reader, and what stands at each place in words."""

    input: str
    name: str
    texts: Sequence[str]


def player(
    key: str,
    chart: str,
    played: Slider,
    words: dict[str, str],
    frame_ms: int,
    calm_places: Sequence[int],
    beside: Slider | None = None,
    trail: Input | None = None,
) -> None:
    """Draws the player for the chart in the element whose key is `chart`, letters and underscores. `words` are group, back and forward; a frame of the
    play-through takes `frame_ms`, with reduced motion a second at least, and then only `calm_places` are played. The slider `beside` is not
    played; the `trail` is a checkbox of the chart that is on while it plays."""
    _component(
        key=key,
        data={
            "chart": chart,
            "played": played._asdict(),
            "beside": beside._asdict() if beside else None,
            "trail": trail._asdict() if trail else None,
            "frameMs": frame_ms,
            "calmPlaces": list(calm_places),
            "words": words | {name: t(f"site.player.{name}") for name in ("play", "pause")},
            "presented": views.presented(),
        },
    )
