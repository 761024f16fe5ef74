"""The rival explanations in one table: what each says, what our runs say of it in numbers, and what they cannot say."""

from typing import Any

import streamlit as st

from explorer import claim_parts, format
from explorer.batch_norm import sentences
from explorer.batch_norm.evidence import AT_ONE_RATE
from explorer.charts import normalizations
from explorer.question_page import READING
from explorer.results import batch_norm as results
from explorer.results import verdicts
from explorer.results.batch_norm import BATCH, NONE, Study
from explorer.text import t

RIVALS = ("smoothing", "rates", "length", "shift", "identity")
OTHERS = ("layer", "group", "l1", "linf")
ANCHOR = "rivals"


def rivals(studies: list[Study]) -> None:
    """Draws the table."""
    st.subheader(t("batch_norm.rivals.heading"), anchor=ANCHOR)
    st.markdown(t("batch_norm.rivals.text"), width=READING)
    rows = told(studies)
    st.table(
        {
            t("batch_norm.rivals.column.explanation"): [f"**{row['name']}**  \n{row['says']}" for row in rows],
            t("batch_norm.rivals.column.measured"): [row["measured"] for row in rows],
            t("batch_norm.rivals.column.open"): [row["open"] for row in rows],
        },
        border="horizontal",
        hide_index=True,
        alt=t("batch_norm.rivals.alt"),
    )


def told(studies: list[Study]) -> list[dict[str, str]]:
    """A row for each explanation: name, what it says, what was measured, what cannot be said."""
    return [
        {
            "name": t(f"batch_norm.rivals.{rival}.name"),
            "says": t(f"batch_norm.rivals.{rival}.says"),
            "measured": "  \n".join(MEASURED[rival](studies)) or t("batch_norm.rivals.none"),
            "open": t(f"batch_norm.rivals.{rival}.open"),
        }
        for rival in RIVALS
    ]


def _smoothing(studies: list[Study]) -> list[str]:
    return _of_claim("N4", "smoothing", studies)


def _shift(studies: list[Study]) -> list[str]:
    found = _of_claim("N3", "shift", studies)
    for study in studies:
        verdict = verdicts.verdict("N2", study.name)
        drift = next((part for part in verdict.parts if part["quantity"].startswith("mean_drift")), None) if verdict else None  # fmt: skip
        if drift and drift["estimate"] is not None:
            found.append(t("batch_norm.rivals.shift.drift", study=_name(study), value=_value(drift)))
    return found


def _of_claim(claim: str, rival: str, studies: list[Study]) -> list[str]:
    """The first part of a claim in every study that measured it."""
    found = []
    for study in studies:
        verdict = verdicts.verdict(claim, study.name)
        if verdict and verdict.parts[0]["estimate"] is not None:
            word = t(f"site.verdict.{verdict.verdict}")
            told = {"study": _name(study), "value": _value(verdict.parts[0]), "claim": claim, "verdict": word}
            found.append(t(f"batch_norm.rivals.{rival}.measured", **told))
    return found


def _rates(studies: list[Study]) -> list[str]:
    """The lag without a norm at the smallest rate that both have, and at the own rates."""
    found = []
    for study in studies:
        rows = results.contrasts(study)
        at_one = sorted((row for row in rows if row["quantity"] == AT_ONE_RATE), key=lambda row: row["lr"])
        if at_one:
            facts = {"study": _name(study), "rate": format.rate(at_one[0]["lr"]), "value": _difference(at_one[0])}
            found.append(t("batch_norm.rivals.rates.smallest", **facts))
        if own := _own(rows, NONE):
            at = results.own_rates(study)
            facts = {"study": _name(study), "none": format.rate(at[NONE]), "batch": format.rate(at[BATCH])}
            found.append(t("batch_norm.rivals.rates.own", value=_difference(own), **facts))
    return found


def _length(studies: list[Study]) -> list[str]:
    """The other norms, which take the length of the weights out as well."""
    for study in studies:
        if study.kind != "rates":
            continue
        rows = results.contrasts(study)
        told = [
            t("batch_norm.rivals.length.norm", norm=normalizations.name(norm), value=_difference(row))
            for norm in OTHERS
            if (row := _own(rows, norm))
        ]
        if told:
            return [t("batch_norm.rivals.length.measured", study=_name(study), norms="; ".join(told))]
    return []


def _identity(studies: list[Study]) -> list[str]:
    """Batch normalization against no norm where there is no shortcut to be biased to."""
    for study in studies:
        row = _own(results.contrasts(study), NONE) if study.kind == "rates" else None
        if row:
            return [t("batch_norm.rivals.identity.measured", study=_name(study), value=_difference(row))]
    return []


MEASURED = {"smoothing": _smoothing, "rates": _rates, "length": _length, "shift": _shift, "identity": _identity}


def _own(rows: list[dict[str, Any]], norm: str) -> dict[str, Any] | None:
    wanted = sentences.TEST_ERROR, norm
    return next((row for row in rows if (row["quantity"], row["norm"]) == wanted and row["lr"] is not None), None)


def _difference(row: dict[str, Any]) -> str:
    return t("batch_norm.rivals.value", value=format.quantity(row["estimate"], row["low"], row["high"], "points"), n=format.seeds(row["n"]))  # fmt: skip


def _value(part: dict[str, Any]) -> str:
    return t("batch_norm.rivals.value", value=claim_parts.quantity(part), n=format.seeds(part["n"]))


def _name(study: Study) -> str:
    return t(f"batch_norm.short.{study.code}")
