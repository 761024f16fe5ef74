"""The claim cards: what was claimed, the rule fixed beforehand, what was measured, the verdict, and what speaks against it."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, database
from explorer.activation import controls as activation
from explorer.claim_parts import circumstances, kinds_of_interval, measured, parts_of_claims, rows_of_claims, undecided
from explorer.frame import FILES
from explorer.frame import ICONS as PAGE_ICONS
from explorer.results import batch_norm, batch_size, depth, generalization, generalization_studies, site, wiring
from explorer.text import t

COLOURS = {"shown": "green", "not shown": "gray", "contradicted": "orange", "not tested here": "blue"}
REGIONS = {"N2": "drift", "N3": "covariate-shift", "N4": "probes", "N5": "ablations"}
"""The section of its question's page that a claim is decided in, where it is not the main picture: its anchor."""
SEEN = {"W5": {"show": "damage"}}
"""What the address of a question's page says so that it shows what a claim is about, where that is not its first view."""
ICONS = {"shown": "check", "not shown": "remove", "contradicted": "close", "not tested here": "hourglass_empty"}


def of_question(question: str) -> None:
    """The cards of one question."""
    grid(chosen(question, "all"))


def grid(claims: list[dict[str, Any]]) -> None:
    """A card for each claim of some rows of the table of claims, side by side where there is room; a card tells of every study that tests
    its claim."""
    if not claims:
        st.info(t("claims.none"))
        return
    rows, parts = rows_of_claims(), parts_of_claims()
    cells = st.grid(2, min_column_width=340)
    for code in dict.fromkeys(claim["claim"] for claim in claims):
        with cells.cell():
            card(code, [row for row in rows if row["claim"] == code], [part for part in parts if part["claim"] == code])


def chosen(question: str, verdict: str) -> list[dict[str, Any]]:
    """The rows of claims of a question with a verdict, in the published results or one's own; "all" chooses every one."""
    return [
        claim
        for claim in rows_of_claims()
        if question in ("all", claim["question"]) and verdict in ("all", claim["verdict"], claim["own_verdict"])
    ]


def chosen_by_own(claims: list[dict[str, Any]], verdict: str) -> list[tuple[str, str]]:
    """Claim and study of the published rows among some of `chosen` that only the verdict of one's own results chose."""
    published = [claim for claim in claims if claim["verdict"] not in (None, verdict)]
    return [] if verdict == "all" else [(claim["claim"], claim["study"]) for claim in published]


def card(code: str, claims: list[dict[str, Any]], parts: list[dict[str, Any]]) -> None:
    """One card: `claims` are the rows of this claim, one a study, and `parts` its measured parts."""
    with st.container(border=True, height="stretch"):
        st.markdown(f":gray-badge[{code}] **{t(f'claims.{code}.sentence')}**")
        for claim in claims:
            with st.container(horizontal=True, vertical_alignment="center"):
                if claim["verdict"]:
                    badge(claim["verdict"])
                if claim["own_verdict"]:
                    badge(claim["own_verdict"], t("claims.own"))
                if claim["study"]:
                    st.caption(claim["study"])
            mine = [part for part in parts if part["study"] == claim["study"]]
            told = [f"- {measured(part)}" for part in mine]
            if told:
                st.markdown("\n".join(told))
            if why := undecided(claim, mine):
                st.caption(why)
            if beside := circumstances([part for part in mine if part["published"]]):
                st.caption(beside)
            if claim["verdict"] and (limit := _limit(code)):
                st.caption(limit)
        with st.expander(t("claims.more")):
            for part in ("rule", "against", "change"):
                st.markdown(f"**{t(f'claims.{part}')}**  \n{t(f'claims.{code}.{part}')}")
            for kind in kinds_of_interval(parts):
                st.caption(kind)
        _pictures(claims)


def _limit(code: str) -> str:
    """What was tried for a claim and ends where the best of it lies; "" where nothing is known of that."""
    edge = generalization_studies.decays_at_the_edge() if code == "G8" else None
    if edge is None or not edge[0]:
        return ""
    return t("claims.edge_of_decays", edge=edge[0], all=edge[1], largest=f"{edge[2]:g}")


def _pictures(claims: list[dict[str, Any]]) -> None:
    """The way to the picture of each study, or to the question where none tests the claim; and to the section of the page that is about it."""
    question = claims[0]["question"]
    there = _studies_of_pages()
    tested = [claim["study"] for claim in claims if claim["study"] and claim["verdict"]]
    studies = [study for study in tested if study in there] or [None]
    with st.container(horizontal=True):
        for study in studies:
            code, name = there[study] if study else (None, t(f"site.nav.{question}"))
            seen = SEEN.get(claims[0]["claim"], {}) if study else {}
            st.page_link(
                FILES[question],
                label=t("claims.picture", name=name),
                icon=f":material/{PAGE_ICONS[question]}:",
                query_params=address.parameters(study=code, **seen),
            )
    region = REGIONS.get(claims[0]["claim"])
    if region and tested:
        links = ", ".join(
            f"[{there[study][1]}]({address.link(question, study=there[study][0])}#{region})"
            for study in studies
            if study
        )
        st.caption(t("claims.section", links=links))


def _studies_of_pages() -> dict[str, tuple[str, str]]:
    """The studies that the page of their question can be opened at: its code in the address and its words."""
    offered = [
        (question, each.name, each.code)
        for question, module in (
            ("generalization", generalization),
            ("depth", depth),
            ("batch_norm", batch_norm),
            ("batch_size", batch_size),
            ("wiring", wiring),
        )
        for each in module.studies()
    ]
    offered += [("activation", study, activation.code(study)) for study in activation.offered_studies()]
    return {study: (code, t(f"{question}.study.{code}")) for question, study, code in offered}


def badge(value: str, whose: str = "") -> None:
    """The verdict as a badge: colour, sign and word."""
    word = t(f"site.verdict.{value}")
    st.badge(f"{whose}: {word}" if whose else word, icon=f":material/{ICONS[value]}:", color=COLOURS[value])


def counted() -> None:
    """How many claims have each verdict, as a line of badges."""
    with st.container(horizontal=True, vertical_alignment="center"):
        for verdict, n in site.verdict_counts().items():
            st.badge(f"{n} {t(f'site.verdict.{verdict}')}", icon=f":material/{ICONS[verdict]}:", color=COLOURS[verdict])


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
    parts = parts_of_claims()

    def parts_of(claim: dict[str, Any]) -> str:
        mine = [part for part in parts if part["claim"] == claim["claim"] and part["study"] == claim["study"]]
        return " ".join(measured(part).replace("**", "") for part in mine)

    columns = {
        "claim": [claim["claim"] for claim in claims],
        "question": [t(f"site.nav.{claim['question']}") for claim in claims],
        "sentence": [t(f"claims.{claim['claim']}.sentence") for claim in claims],
        "rule": [t(f"claims.{claim['claim']}.rule") for claim in claims],
        "verdict": [t(f"site.verdict.{claim['verdict']}") if claim["verdict"] else "" for claim in claims],
        "study": [claim["study"] or "" for claim in claims],
        "measured": [parts_of(claim) for claim in claims],
    }
    if database.own_meta() is not None:
        own = [claim["own_verdict"] for claim in claims]
        columns["own_verdict"] = [t(f"site.verdict.{verdict}") if verdict else "" for verdict in own]
    return pa.table({t(f"claims.column.{name}"): pa.array(values, pa.string()) for name, values in columns.items()})


def studies(claims: list[dict[str, Any]]) -> list[str]:
    """The studies of the published results that test some claims."""
    return sorted({claim["study"] for claim in claims if claim["study"] and claim["verdict"]})
