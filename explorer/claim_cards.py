"""The claim cards: what was claimed, the rule fixed beforehand, what was measured, the verdict, and what speaks against it."""

import json
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import format
from explorer.results import site
from explorer.text import has, t

COLOURS = {"shown": "green", "not shown": "gray", "contradicted": "orange", "not tested here": "blue"}
ICONS = {"shown": "check", "not shown": "remove", "contradicted": "close", "not tested here": "hourglass_empty"}


def of_question(question: str) -> None:
    """The cards of one question."""
    grid(chosen(question, "all"))


def grid(claims: list[dict[str, Any]]) -> None:
    """Cards side by side where there is room."""
    if not claims:
        st.info(t("claims.none"))
        return
    parts = site.claim_parts().to_pylist()
    cells = st.grid(2, min_column_width=340)
    for claim in claims:
        with cells.cell():
            card(claim, parts)


def chosen(question: str, verdict: str) -> list[dict[str, Any]]:
    """The claims of a question with a verdict; "all" chooses every one."""
    return [
        claim
        for claim in site.claims().to_pylist()
        if question in ("all", claim["question"]) and verdict in ("all", claim["verdict"])
    ]


def card(claim: dict[str, Any], parts: list[dict[str, Any]]) -> None:
    """One card; `parts` are all rows of claim_parts."""
    code = claim["claim"]
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(code, color="gray")
            badge(claim["verdict"])
            if claim["study"]:
                st.caption(claim["study"].split("/")[-1])
        st.markdown(f"**{t(f'claims.{code}.sentence')}**")
        mine = [part for part in parts if part["claim"] == code and part["study"] == claim["study"]]
        if mine:
            st.markdown("\n".join(f"- {measured(part)}" for part in mine))
        with st.expander(t("claims.more")):
            st.markdown(f"**{t('claims.rule')}**  \n{t(f'claims.{code}.rule')}")
            st.markdown(f"**{t('claims.against')}**  \n{t(f'claims.{code}.against')}")
            st.markdown(f"**{t('claims.change')}**  \n{t(f'claims.{code}.change')}")
            for kind in kinds_of_interval(mine):
                st.caption(kind)
            if claim["study"]:
                st.caption(f"{t('claims.study')}: `{claim['study']}`")


def badge(value: str) -> None:
    """The verdict as a badge: colour, sign and word."""
    st.badge(t(f"site.verdict.{value}"), icon=f":material/{ICONS[value]}:", color=COLOURS[value])


def measured(part: dict[str, Any]) -> str:
    """One measured part of a verdict as a sentence: quantity, estimate with interval and n, the bound, whether it holds."""
    if part["estimate"] is None:
        why = json.loads(part["details"]).get("why")
        value = t("claims.missing") + (f" ({_word('why', why).rstrip('.')})" if why else "")
    else:
        number = format.quantity(part["estimate"], part["low"], part["high"], part["unit"])
        value = f"{number}, {format.seeds(part['n'])}"
    words = {"quantity": _word("quantity", part["quantity"]), "bound": _bound(part)}
    return t("claims.part", **words, value=value, holds=t("claims.holds" if part["holds"] else "claims.fails"))


def _bound(part: dict[str, Any]) -> str:
    """The bound in words; one that says its unit may have words of its own for another unit than points."""
    own = f"{part['bound']} [{part['unit']}]"
    return _word("bound", own if has(f"claims.bound.{own}") else part["bound"])


def kinds_of_interval(parts: list[dict[str, Any]]) -> list[str]:
    """How the intervals of some parts were made, in words."""
    codes = [json.loads(part["details"]).get("interval") for part in parts]
    return [_word("interval", code) for code in dict.fromkeys(codes) if code]


def _word(kind: str, code: str) -> str:
    """The words of a code of the table claim_parts; a code that is newer than the texts stands for itself."""
    key = f"claims.{kind}.{code}"
    return t(key) if has(key) else code.replace("_", " ")


def question_name(question: str) -> str:
    """A question in words, or all of them."""
    return t("claims.filter.any_question") if question == "all" else t(f"site.nav.{question}")


def verdict_name(verdict: str) -> str:
    """A verdict in words, or every one."""
    return t("claims.filter.any_verdict") if verdict == "all" else t(f"site.verdict.{verdict}")


def filter_sentence(shown: list[dict[str, Any]], question: str, verdict: str) -> str:
    """What is shown, in words."""
    n, total = len({claim["claim"] for claim in shown}), site.number_of_claims()
    facts = {"question": question_name(question), "verdict": verdict_name(verdict)}
    return t("claims.filter.sentence", shown=n, total=total, **facts)


def as_table(claims: list[dict[str, Any]]) -> pa.Table:
    """The claims with their words and measured parts, one row a claim and study."""
    parts = site.claim_parts().to_pylist()

    def parts_of(claim: dict[str, Any]) -> str:
        mine = [part for part in parts if part["claim"] == claim["claim"] and part["study"] == claim["study"]]
        return " ".join(measured(part).replace("**", "") for part in mine)

    columns = {
        "claim": [claim["claim"] for claim in claims],
        "question": [t(f"site.nav.{claim['question']}") for claim in claims],
        "sentence": [t(f"claims.{claim['claim']}.sentence") for claim in claims],
        "rule": [t(f"claims.{claim['claim']}.rule") for claim in claims],
        "verdict": [t(f"site.verdict.{claim['verdict']}") for claim in claims],
        "study": [claim["study"] or "" for claim in claims],
        "measured": [parts_of(claim) for claim in claims],
    }
    return pa.table({t(f"claims.column.{name}"): pa.array(values, pa.string()) for name, values in columns.items()})


def studies(claims: list[dict[str, Any]]) -> list[str]:
    """The studies that test some claims."""
    return sorted({claim["study"] for claim in claims if claim["study"]})
