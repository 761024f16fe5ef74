"""Four papers that change how double descent is read, and how our own runs bear on each: verdicts and numbers from the results file."""

import streamlit as st

from explorer.double_descent import section
from explorer.results import generalization_studies as studies
from explorer.section import points
from explorer.text import t

PAPERS = {  # the claims whose verdicts bear on them
    "effective_parameters": (),
    "regularization": ("G8",),
    "linear": ("G1", "G3"),
    "epochs": ("G4",),
}


def papers() -> None:
    """Each paper in two sentences, and what our runs say about it."""
    st.subheader(t("generalization_studies.critics.title"), anchor=False)
    grid = st.grid(2, min_column_width=340, gap="large")
    for paper, claims in PAPERS.items():
        with grid.cell():
            ours = _ours(paper, claims)
            st.markdown(
                f"**{t(f'generalization_studies.critics.{paper}.source')}** "
                f"{t(f'generalization_studies.critics.{paper}.says')} *{t('generalization_studies.critics.ours')}* {ours}"
            )


def _ours(paper: str, claims: tuple[str, ...]) -> str:
    if not claims:
        return t(f"generalization_studies.critics.{paper}.bears")
    verdicts = [verdict for claim in claims for verdict in studies.verdicts(claim)]
    if paper == "linear":
        verdicts = [verdict for verdict in verdicts if verdict.study.endswith(studies.RANDOM_FEATURES)]
    told = [_in_words(verdict) for verdict in verdicts]
    if not told:
        return t("generalization_studies.critics.untested")
    return t(f"generalization_studies.critics.{paper}.bears", verdicts="; ".join(told))


def _in_words(verdict: studies.Verdict) -> str:
    """A verdict with its study, and the first measured quantity where it is a rise."""
    part = next((part for part in verdict.parts if "rise" in part["quantity"] and part["estimate"] is not None), None)
    values = {
        "claim": verdict.claim,
        "study": section.study_name(verdict.study),
        "verdict": t(f"site.verdict.{verdict.verdict}"),
    }
    if part is None:
        return t("generalization_studies.critics.verdict", **values)
    noise = section.noise(part)
    return t("generalization_studies.critics.verdict_rise", **values, rise=points(part), noise=noise)
