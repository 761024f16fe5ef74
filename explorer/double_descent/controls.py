"""What a reader may change, all of it in the address, and the picked cell, which the chart writes there."""

import math
from dataclasses import dataclass
from typing import Any

import streamlit as st

from explorer import address, first_picture, format, views
from explorer.charts import names
from explorer.charts.linked_map import View
from explorer.results import generalization as results
from explorer.results.generalization import PAIRS, Axes, Map, Study
from explorer.text import has, t

LEVELS = (0.01, 0.05, 0.1)  # train errors at which the table `landmarks` holds the threshold
START = "generalization.start"
SHOWN = "generalization.shown"
MOUNTS = "generalization.mounts"
PICK = ("width", "epoch")  # what a pick puts into the address, whatever the study calls its axes


@dataclass(frozen=True)
class Choices:
    """The reader's choices: the map, the threshold level as a fraction, how the picture is drawn, and whether the colour scale is that of
    the study or of all studies."""

    map: Map
    level: float
    view: View
    scale: str = "study"


def study(offered: list[Study]) -> Study:
    """Draws the control of the study, where there is more than one, and returns the study."""
    return address.one_with_code(
        "study",
        offered,
        label=t("generalization.control.study"),
        format=lambda each: t(f"generalization.study.{each.code}"),
        widget="select",
        resets=("variant", "noise", *PICK),
    )


def choices(maps: list[Map]) -> Choices:
    """Draws the controls below the study's, for its maps, and returns what they say."""
    finding = results.finding(maps)
    variants = {each.code: each for each in maps}
    code = finding.code
    if any(variants):
        code = address.one_of(
            "variant",
            list(variants),
            finding.code,
            label=t("generalization.control.variant"),
            format=lambda code: variant(variants[code]),
            widget="select",
            resets=PICK,
        )
    noises = {each.noise: each for each in maps if each.code == code}
    noise = address.one_of(
        "noise",
        list(noises),
        results.noisiest(list(noises.values())).noise,
        label=t("generalization.control.noise"),
        format=lambda value: format.percent(value, 0),
    )
    return _picture(noises[noise])


def _picture(shown: Map) -> Choices:
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
        help=t("generalization.control.reading_help", x=names.x_word(shown.study), clock=names.clock_word(shown.study)),
    )
    level = address.choice(
        "threshold",
        LEVELS,
        0.05,
        label=t("generalization.control.threshold"),
        format=lambda value: format.percent(value, 0),
        help=t("generalization.control.threshold_help", x=names.x_word(shown.study)),
    )
    with st.popover(t("generalization.control.axes"), icon=":material/straighten:", width="stretch"):
        x_scale = address.choice(
            "x", ["sampled", "log", "linear"], "sampled", label=t("generalization.control.x"), format=_scale
        )
        y_scale = address.choice("y", ["linear", "log"], "linear", label=t("generalization.control.y"), format=_scale)
        scale = address.choice(
            "scale",
            ["study", "all"],
            "study",
            label=t("generalization.control.scale"),
            format=lambda code: t(f"generalization.scale_of.{code}"),
            help=t("generalization.control.scale_help"),
        )
    return Choices(shown, level, View(measure, reading, x_scale, "linear" if measure == "gap" else y_scale), scale)


def _scale(code: str) -> str:
    return t(f"generalization.scale.{code}")


def variant(shown: Map) -> str:
    """In what a map differs from others of its study beside label noise: "4,000 images, 300 epochs"."""
    return ", ".join(_setting(name, value) for name, value in shown.variant)


def _setting(name: str, value: Any) -> str:
    if isinstance(value, str):
        return t(f"generalization.variant.{name}.{value}")
    key = f"generalization.variant.{name}"
    return t(key, value=format.plain(value)) if has(key) else f"{name} {format.plain(value)}"


def picked(axes: Axes, default: tuple[int, int]) -> tuple[int, int]:
    """The (width, epoch) in the address, or the default; a value that was not sampled becomes the nearest one, with a notice."""
    return (
        _nearest("width", axes.widths, default[0], names.x_name(axes)),
        _nearest("epoch", axes.epochs, default[1], names.clock_name(axes)),
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
    found = nearest(values, wanted)
    if found != wanted:
        address.notice("site.notice.nearest", asked=asked, label=label, shown=format.count(found))
    return found


def nearest(values: list[int], wanted: float) -> int:
    """The sampled value nearest to the one that is wanted."""
    return min(values, key=lambda value: abs(value - wanted))


def mounted(shown: Map, cell: tuple[int, int]) -> tuple[str, tuple[int, int]]:
    """The element key of the linked map and the cell it starts from.

    Both stay as they are while the chart itself moves the cell, or it would be drawn anew at every pick. A cell that came from elsewhere
    (a link, a guided step, the back button) gets a new chart, and so does a map with other axes.
    """
    now = (shown.study.name, shown.variant, cell)
    if st.session_state.get(SHOWN) != now:
        st.session_state[START], st.session_state[SHOWN] = cell, now
        st.session_state[MOUNTS] = st.session_state.get(MOUNTS, 0) + 1
    return f"linked_map_{st.session_state[MOUNTS]}", st.session_state[START]


def remember(chart: str, shown: Map, axes: Axes, default: tuple[int, int]) -> None:
    """Callback of the linked map: writes the picked cell into the address, and redraws what lies outside the chart."""
    places: list[dict[str, Any]] = st.session_state[chart].selection.get("cell") or []
    if not places or not {"w", "e"} <= set(places[0]):
        return
    cell = axes.widths[int(places[0]["w"])], axes.epochs[int(places[0]["e"])]
    st.session_state[SHOWN] = (shown.study.name, shown.variant, cell)
    go(width=cell[0] if cell != default else None, epoch=cell[1] if cell != default else None)
    drawn = first_picture.drawn(results.QUESTION)
    if drawn and views.furnished():  # else they are not on the page, or come with this cell
        st.rerun(["generalization.cell", "generalization.panels"])


def go(**view: Any) -> None:
    """Writes a view into the address: the codes of the controls, width and epoch; None for what is as it is at first."""
    address.put_all(view)
