"""What a reader may change, all of it in the address, and the picked cell, which the chart writes there."""

import math
from dataclasses import dataclass
from typing import Any

import streamlit as st

from explorer import address, format
from explorer.charts.linked_map import View
from explorer.results.generalization import PAIRS, Axes
from explorer.text import t

LEVELS = (0.01, 0.05, 0.1)  # train errors at which the table `landmarks` holds the threshold
NOISE = 0.2  # the label noise of the finding, where it was run
START = "generalization.start"
SHOWN = "generalization.shown"
MOUNTS = "generalization.mounts"


@dataclass(frozen=True)
class Choices:
    """The reader's choices: label noise and threshold level as fractions, and how the picture is drawn."""

    noise: float
    level: float
    view: View


def finding_noise(noises: list[float]) -> float:
    """The label noise that the title speaks of: 20%, or the highest there is."""
    return NOISE if NOISE in noises else noises[-1]


def choices(noises: list[float]) -> Choices:
    """Draws the controls and returns what they say."""
    noise = address.choice(
        "noise",
        noises,
        finding_noise(noises),
        label=t("generalization.control.noise"),
        format=lambda value: format.percent(value, 0),
    )
    measure = address.choice(
        "measure",
        list(PAIRS),
        "test",
        label=t("generalization.control.measure"),
        format=lambda code: t(f"generalization.measure_short.{code}"),
    )
    reading = address.choice(
        "reading",
        ["across", "up"],
        "across",
        label=t("generalization.control.reading"),
        format=lambda code: t(f"generalization.reading.{code}"),
        help=t("generalization.control.reading_help"),
    )
    level = address.choice(
        "threshold",
        LEVELS,
        0.05,
        label=t("generalization.control.threshold"),
        format=lambda value: format.percent(value, 0),
        help=t("generalization.control.threshold_help"),
    )
    with st.popover(t("generalization.control.axes"), icon=":material/straighten:", width="stretch"):
        x_scale = address.choice(
            "x", ["sampled", "log", "linear"], "sampled", label=t("generalization.control.x"), format=_scale
        )
        y_scale = address.choice("y", ["linear", "log"], "linear", label=t("generalization.control.y"), format=_scale)
    return Choices(noise, level, View(measure, reading, x_scale, "linear" if measure == "gap" else y_scale))


def _scale(code: str) -> str:
    return t(f"generalization.scale.{code}")


def picked(axes: Axes, default: tuple[int, int]) -> tuple[int, int]:
    """The (width, epoch) in the address, or the default; a value that was not sampled becomes the nearest one, with a notice."""
    return (
        _nearest("width", axes.widths, default[0], t("generalization.player.width")),
        _nearest("epoch", axes.epochs, default[1], t("generalization.player.epoch")),
    )


def _nearest(key: str, values: list[int], default: int, label: str) -> int:
    asked = address.get(key)
    if asked is None:
        return default
    try:
        wanted = float(asked)
    except ValueError:
        wanted = math.nan
    if not math.isfinite(wanted):
        address.notice("site.notice.unknown", asked=asked, label=label, shown=format.count(default))
        return default
    found = min(values, key=lambda value: abs(value - wanted))
    if found != wanted:
        address.notice("site.notice.nearest", asked=asked, label=label, shown=format.count(found))
    return found


def mounted(cell: tuple[int, int]) -> tuple[str, tuple[int, int]]:
    """The element key of the linked map and the cell it starts from.

    Both stay as they are while the chart itself moves the cell, or it would be drawn anew at every pick. A cell that came from elsewhere
    (a link, a guided step, the back button) gets a new chart.
    """
    if st.session_state.get(SHOWN) != cell:
        st.session_state[START] = st.session_state[SHOWN] = cell
        st.session_state[MOUNTS] = st.session_state.get(MOUNTS, 0) + 1
    return f"linked_map_{st.session_state[MOUNTS]}", st.session_state[START]


def remember(chart: str, axes: Axes, default: tuple[int, int]) -> None:
    """Callback of the linked map: writes the picked cell into the address, and redraws what lies outside the chart."""
    places: list[dict[str, Any]] = st.session_state[chart].selection.get("cell") or []
    if not places or not {"w", "e"} <= set(places[0]):
        return
    width, epoch = axes.widths[int(places[0]["w"])], axes.epochs[int(places[0]["e"])]
    st.session_state[SHOWN] = (width, epoch)
    go(width=width if (width, epoch) != default else None, epoch=epoch if (width, epoch) != default else None)
    st.rerun(["generalization.cell", "generalization.panels"])


def go(**view: Any) -> None:
    """Writes a view into the address: the codes of the controls, width and epoch; None for what is as it is at first."""
    for key, value in view.items():
        address.put(key, value)
