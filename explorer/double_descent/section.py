"""What the sections on one study of double descent have in common: its setup in words, and the table behind the picture with its commands."""

from collections.abc import Collection, Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, format
from explorer.footer import commands_button, table_button
from explorer.results import generalization as results
from explorer.results.generalization import Map, Study
from explorer.results.generalization_studies import Role
from explorer.section import TABLE_HEIGHT
from explorer.text import t

FEWEST_SEEDS = 3  # for an interval


def not_measured(code: str, *studies: str) -> None:
    """One line for a section whose studies have no runs yet."""
    st.subheader(t(f"generalization_studies.{code}.question"))
    names = ", ".join(f"`double_descent/{study}`" for study in studies)
    st.markdown(t("generalization_studies.not_measured", studies=names))


def behind(code: str, rows: pa.Table, *studies: str) -> None:
    """The table behind a picture, its CSV, and the commands that run its studies again."""
    title = t(f"generalization_studies.{code}.table")
    with st.expander(title, icon=":material/table:"):
        st.dataframe(rows, hide_index=True, height=TABLE_HEIGHT, alt=title)
        with st.container(horizontal=True):
            key = f"generalization_studies.{code}.csv"
            table_button(t("site.footer.csv"), lambda: rows, f"generalization-{code}.csv", key)
            lines = "\n".join(f"python -m precompute run double_descent/{study}" for study in studies)
            commands_button(t("site.footer.rerun"), t("generalization_studies.rerun_text"), lines)


def noise_and_regime(prefix: str, offered: Collection[tuple[str, float]], regimes: Sequence[str]) -> tuple[float, str]:
    """Controls of the label noise and of what is held equal, `regimes` in their order, under `prefix` in the address; `offered` are the pairs of
    regime and noise that there are."""
    noises = sorted({noise for _, noise in offered}, reverse=True)
    noise = address.choice(
        f"{prefix}_noise",
        noises,
        results.NOISE if results.NOISE in noises else noises[0],
        label=t("generalization.control.noise"),
        format=lambda value: format.percent(value, 0),
    )
    there = [code for code in regimes if (code, noise) in offered]
    regime = address.choice(
        f"{prefix}_regime",
        there,
        there[0],
        label=t("generalization_studies.data.budget"),
        format=lambda code: t(f"generalization_studies.data.regime.{code}"),
    )
    return noise, regime


def setup(shown: Map) -> str:
    """Data, network and training of a map, in words."""
    return t(f"generalization.setup.{shown.study.code}", **values(shown))


def values(shown: Map) -> dict[str, str]:
    """The settings of a map that are numbers, as they are written in a sentence."""
    numbers = {name: value for name, value in results.settings(shown).items() if isinstance(value, int | float)}
    written = {name: format.plain(value) for name, value in numbers.items()}
    return written | {"label_noise": format.percent(shown.noise, 0)}


def study_name(study: Study | str) -> str:
    """A study, or its full name, as the control above calls it."""
    code = study.code if isinstance(study, Study) else study.partition("/")[2]
    return t(f"generalization.study.{code}")


def role_name(role: Role) -> str:
    """A width and why it is shown: "12, at the ridge"."""
    return t(f"generalization_studies.role.{role.name}", width=format.count(role.width))


def counted(seeds: list[int]) -> str:
    """How many seeds, "3–5 seeds" where they differ, and that fewer than three have no interval."""
    told = format.seeds(*seeds)
    enough = min(seeds, default=0) >= FEWEST_SEEDS
    return told if enough else t("generalization_studies.no_interval", seeds=told)


def interval(row: dict[str, Any]) -> str:
    """Mean of fractions with interval and seeds."""
    return format.interval(row["mean"], row["low"], row["high"], row["n"])


def noise(part: dict[str, Any]) -> str:
    """The label noise at which a part of a claim was measured."""
    return format.percent(part["where"]["label_noise"], 0)
