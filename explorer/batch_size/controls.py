"""What a reader may change, all of it in the address: the study, the optimizer, the target, what is counted, and the paper's curve."""

from dataclasses import dataclass

import streamlit as st

from explorer import address, format
from explorer.results.batch_size import Study
from explorer.text import t

ALL = "all"
MEASURES = ("steps", "examples", "seconds")
PAPER = ("off", "on")


@dataclass(frozen=True)
class Choices:
    """The reader's choices. `optimizer` is a code or ALL; `focus` the one that regimes and slices are about: the baseline where ALL are
    shown."""

    study: Study
    optimizer: str
    target: float
    measure: str
    paper: bool

    @property
    def optimizers(self) -> tuple[str, ...]:
        return self.study.optimizers if self.optimizer == ALL else (self.optimizer,)

    @property
    def focus(self) -> str:
        return self.study.optimizer if self.optimizer == ALL else self.optimizer


def choices(studies: list[Study]) -> Choices:
    """Draws the controls in one row and returns what they say. A study alone has no control, nor has an optimizer alone."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        study = address.one_with_code(
            "study",
            studies,
            label=t("site.study"),
            format=lambda each: t(f"batch_size.study.{each.code}"),
            widget="select",
            resets=("optimizer", "target"),
        )
        several = len(study.optimizers) > 1
        optimizer = address.one_of(
            "optimizer",
            [*study.optimizers, ALL] if several else study.optimizers,
            study.optimizer,
            label=t("batch_size.control.optimizer"),
            format=lambda code: t(f"batch_size.optimizer.{code}"),
        )
        target = address.one_of(
            "target",
            study.targets,
            study.target,
            label=t("batch_size.control.target"),
            format=goal,
            help=t("batch_size.control.target_help"),
        )
        measure = address.choice(
            "measure",
            MEASURES,
            "steps",
            label=t("batch_size.control.measure"),
            format=lambda code: t(f"batch_size.measure.{code}"),
        )
        paper = address.choice(
            "paper",
            PAPER,
            "off",
            label=t("batch_size.control.paper"),
            format=lambda code: t(f"batch_size.paper.{code}"),
            help=t("batch_size.control.paper_help"),
        )
    return Choices(study, optimizer, target, measure, paper == "on")


def first(study: Study) -> Choices:
    """Of the first screen of a study."""
    return Choices(study, study.optimizer, study.target, MEASURES[0], paper=False)


def goal(target: float) -> str:
    """A target as it is written: 3.5%, 4%, 12.25%."""
    digits = next(
        digits for digits in range(4) if digits == 3 or abs(round(100 * target, digits) - 100 * target) < 1e-6
    )
    return format.percent(target, digits)
