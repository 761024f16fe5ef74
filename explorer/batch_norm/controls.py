"""What a reader may change, all of it in the address: the study, which norms are drawn, the error, and where the probes are read."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from explorer import address, format
from explorer.results import batch_norm as results
from explorer.results.batch_norm import BATCH, NOISY, NONE, NORMS, PLACES, Study
from explorer.text import t

GROUPS = {
    "pair": (NONE, BATCH),
    "noise": (NONE, BATCH, NOISY, "noise"),
    "others": (NONE, BATCH, "layer", "group", "l1", "linf"),
    "all": NORMS,
}
"""The norms that are drawn together, by the code in the address."""
MEASURES = ("test", "train")
INSIDE = ("probes", "at")
"""What opens the probes of one study; another may not have it."""


@dataclass(frozen=True)
class Choices:
    """The study of the main picture, the norms drawn in it, and which error."""

    study: Study
    norms: tuple[str, ...]
    measure: str


def choices(studies: list[Study]) -> Choices:
    """Draws the controls, each where there is something to choose, and returns what they say."""
    study = address.one_with_code(
        "study",
        studies,
        label=t("site.study"),
        format=lambda each: study_name(each.code),
        widget="select",
        resets=("norms", *INSIDE),
    )
    offered = groups(study)
    group = address.one_of(
        "norms",
        list(offered),
        next(iter(offered)),
        label=t("batch_norm.control.norms"),
        format=lambda one: t(f"batch_norm.group.{one}"),
        widget="select",
    )
    measure = MEASURES[0]
    if study.kind != "linear":
        measure = address.choice(
            "error",
            MEASURES,
            measure,
            label=t("batch_norm.control.error"),
            format=lambda one: t(f"batch_norm.error.{one}"),
            help=t("batch_norm.control.error_help"),
        )
    return Choices(study, tuple(offered[group]), measure)


def first(study: Study) -> Choices:
    """Of the first screen of a study."""
    return Choices(study, tuple(next(iter(groups(study).values()))), MEASURES[0])


def groups(study: Study) -> dict[str, list[str]]:
    """The groups of norms that a study can show, each a choice of its own; where batch sizes are varied, or a group holds them all, one."""
    there = results.norms(study)
    if study.kind != "rates":
        return {"all": there}
    found: dict[str, list[str]] = {}
    for group, norms in GROUPS.items():
        mine = there if group == "all" else [norm for norm in norms if norm in there]
        if mine and mine not in found.values():
            found[group] = mine
    return found


def place() -> str:
    """Draws the control of the learning rates at which probes are shown."""
    return address.choice(
        "probes",
        PLACES,
        PLACES[0],
        label=t("batch_norm.control.probes"),
        format=lambda one: t(f"batch_norm.place.{one}"),
        help=t("batch_norm.control.probes_help"),
    )


def step(steps: list[int], default: int) -> int:
    """Draws the control of the probed step that is shown layer by layer."""
    if len(steps) > 1:  # a slider of one value cannot be drawn
        return address.number(
            "at", steps, default, label=t("batch_norm.control.step"), format=format.count, help=t("batch_norm.control.step_help")
        )  # fmt: skip
    return address.chosen("at", steps, default, t("batch_norm.control.step"), format.count)


def columns() -> Any:
    """The row of the controls of a section."""
    return st.container(horizontal=True, vertical_alignment="bottom")


def study_name(code: str) -> str:
    """A study, by its code, in words."""
    return t(f"batch_norm.study.{code}")
