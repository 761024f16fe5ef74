"""The fresh runs of every function at one depth after the other, played through in the browser."""

from typing import Any

import streamlit as st

from explorer import format, player
from explorer.activation import strip
from explorer.charts import functions_at_a_place
from explorer.results import activation as results
from explorer.results import site
from explorer.results.activation import MLP
from explorer.section import table
from explorer.text import language, t

CHART = "activation_through_depths"  # what the player finds it by
WIDTH = 420  # pixels of the player
FRAME_MS = 1000  # a depth of the play-through


def play_through(start: str, depth: int | None) -> None:
    """The depths with one start of the weights, at first `depth`, or the least where it is None; nothing where there is but one."""
    rows = results.summary_over_depth(start)
    depths = sorted({row["depth"] for row in rows})
    if len(depths) < 2:
        return
    trained = {each: _trained(rows, each) for each in depths}
    ends = {"first": _in_words(depths[0]), "last": _in_words(depths[-1])}
    ends |= {"first_trained": trained[depths[0]], "last_trained": trained[depths[-1]]}
    st.markdown(f"**{t('activation.through.heading', **ends)}**")
    words = {name: t(f"activation.through.{name}") for name in ("group", "back", "forward")}
    with st.container(width=WIDTH):
        played = player.Slider(functions_at_a_place.PLACE, t("activation.depth_axis"), [str(each) for each in depths])
        player.player("activation.player", CHART, played, words, FRAME_MS, range(len(depths)))
    place = depths.index(depth) if depth in depths else 0
    chart = _chart(site.data_version(), language(), start, place)
    with st.container(key=CHART):  # a chart that is not asked what is selected has no class of its own
        st.vega_lite_chart(spec=dict(chart), key="activation.through_depths", alt=_alt(trained, start))
    told = t("activation.through.seen", k=sum(row["diverged"] for row in rows))
    st.caption(f"{told} {t('activation.through.not_to_conclude')}")
    shown = results.fresh_over_depth(start)
    table(shown.select(["function", "depth", "seed", "test_error", "lr", "status"]), t("activation.table.through"))


def _trained(rows: list[dict[str, Any]], depth: int) -> str:
    """How many functions train with every seed at a depth, counted as in the title of the page: "12 of 14"."""
    bent = [row for row in rows if row["depth"] == depth and row["function"] != strip.LINEAR]
    ended = [row for row in bent if row["outcome"] != "none"]
    return t("activation.through.trained", k=sum(row["outcome"] == "train" for row in ended), n=len(ended))


def _in_words(depth: int) -> str:
    return t("activation.through.depth_one" if depth == 1 else "activation.through.depth", depth=depth)


@st.cache_data(max_entries=32, show_spinner=False)
def _chart(version: str, language: str, start: str, place: int) -> dict[str, Any]:
    rows = results.summary_over_depth(start)
    depths = sorted({row["depth"] for row in rows})
    notes = {depth: _notes([row for row in rows if row["depth"] == depth]) for depth in depths}
    runs, words = results.fresh_over_depth(start).to_pylist(), [_in_words(depth) for depth in depths]
    return functions_at_a_place.through_depths(runs, notes, results.error_range(MLP), words, place).specification()


def _notes(rows: list[dict[str, Any]]) -> dict[str, str]:
    """What stands at the end of each row of the strip, and where not one run trains though some end, that too."""
    counted = [row | {"outcome": "partly"} if row["outcome"] == "fail" and row["complete"] else row for row in rows]
    return strip.notes(counted)


def _alt(trained: dict[int, str], start: str) -> str:
    low, high = (format.percent(value) for value in results.error_range(MLP))
    by_depth = ", ".join(f"{depth}: {told}" for depth, told in trained.items())
    told = t("activation.alt.through", start=t(f"activation.start.{start}"), low=low, high=high, trained=by_depth)
    return f"{told} {t('activation.alt.table')}"
