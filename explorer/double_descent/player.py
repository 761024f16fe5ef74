"""The player beside the map: sliders over the sampled epochs and widths, steps, and a play-through that runs in the browser."""

from pathlib import Path

import streamlit as st

from explorer import format, views
from explorer.charts import names
from explorer.charts.linked_map import round_epochs
from explorer.results.generalization import Axes
from explorer.text import t

FOLDER = Path(__file__).parent

# Vega-Lite has no timer and a step through the server takes five times as long, hence a few lines of script.
_component = st.components.v2.component(
    "linked_map_player",
    html=(FOLDER / "player.html").read_text(encoding="utf-8"),
    css=(FOLDER / "player.css").read_text(encoding="utf-8"),
    js=(FOLDER / "player.js").read_text(encoding="utf-8"),
)


def player(chart: str, axes: Axes) -> None:
    """Draws the player for the linked map whose element key is `chart`."""
    words = {name: t(f"generalization.player.{name}") for name in ("group", "play", "pause")}
    words |= {
        name: t(f"generalization.player.{name}", moment=names.clock_word(axes)) for name in ("trail", "back", "forward")
    }
    texts = [
        t(f"generalization.x.{axes.unit}.value", value=format.count(width), parameters=format.count(n))
        for width, n in zip(axes.widths, axes.parameters, strict=True)
    ]
    _component(
        key="generalization.player",
        data={
            "chart": chart,
            "epochs": axes.epochs,
            "widths": axes.widths,
            "epochTexts": [format.count(epoch) for epoch in axes.epochs],
            "widthTexts": texts,
            "roundEpochs": round_epochs(axes),
            "words": words | {"epoch": names.clock_name(axes), "width": names.x_name(axes)},
            "presented": views.presented(),
        },
    )
