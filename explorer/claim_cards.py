"""The claim cards: what was claimed, the rule fixed beforehand, what was measured, the verdict, and what speaks against it."""

import json
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, database, format
from explorer.activation import controls as activation
from explorer.charts import functions, normalizations
from explorer.database import OWN
from explorer.frame import FILES
from explorer.frame import ICONS as PAGE_ICONS
from explorer.results import batch_norm, batch_size, depth, generalization, generalization_studies, site, wiring
from explorer.results.activation import MLP, Place
from explorer.text import has, t

COLOURS = {"shown": "green", "not shown": "gray", "contradicted": "orange", "not tested here": "blue"}
REGIONS = {"N2": "drift", "N3": "covariate-shift", "N4": "probes", "N5": "ablations"}
"""The section of its question's page that a claim is decided in, where it is not the main picture: its anchor."""
SEEN = {"W5": {"show": "damage"}}
"""What the address of a question's page says so that it shows what a claim is about, where that is not its first view."""
COUNTS_FAILURES = {
    "gradient_norm_first_over_last",
    "graphs_that_fail_to_train",
    "share_of_rates_that_train_with_minus_without",
}
"""The quantities that runs which failed belong to: a gradient has a size whether or not it helps, and a share of failures counts them."""
RESAMPLED, ENOUGH = {"bootstrap"}, 5
"""The kinds of interval that resample the seeds, and the seeds of which they are told without a warning."""
BUDGETS = ("epochs", "steps")
"""The details that tell two parts of one claim, study and quantity apart."""
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


def rows_of_claims() -> list[dict[str, Any]]:
    """Every claim and study that tests it, with its verdict and own_verdict; either is None where that file does not test it."""
    rows = [row | {"own_verdict": None} for row in site.claims().to_pylist()]
    if database.own_meta() is None:
        return rows
    found = {(row["claim"], row["study"]): row for row in rows}
    for own in site.claims(OWN).to_pylist():
        if own["study"] is None:
            continue
        row = found.get((own["claim"], own["study"]))
        if row is None:
            rows.append(own | {"verdict": None, "own_verdict": own["verdict"]})
        else:
            row["own_verdict"] = own["verdict"]
    order = list(dict.fromkeys(row["claim"] for row in rows))
    return sorted(rows, key=lambda row: order.index(row["claim"]))


def parts_of_claims() -> list[dict[str, Any]]:
    """The measured parts, `details` as a dictionary; `own` is the same part in one's own results, None without. A part that only one's own
    results have is a part without an estimate, with `published` False."""
    rows = [_part(row) for row in site.claim_parts().to_pylist()]
    if database.own_meta() is None:
        return rows
    found = {_key(row): row for row in rows}
    for own in map(_part, site.claim_parts(OWN).to_pylist()):
        row = found.get(_key(own))
        if row is None:
            nothing = {"estimate": None, "low": None, "high": None, "n": 0, "holds": False, "details": {}}
            rows.append(own | nothing | {"own": own, "published": False})
        else:
            row["own"] = own
    return rows


def _part(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the table claim_parts as the functions here speak of a part; one that is a part already stays as it is."""
    details = row["details"]
    return (
        {"own": None, "published": True}
        | row
        | {"details": json.loads(details) if isinstance(details, str) else details}
    )


def _key(part: dict[str, Any]) -> tuple:
    """What a part is of, the same in every file: its running number counts the parts that a file has. Only whole numbers are a budget;
    epochs and steps that were measured differ between files."""
    budgets = (part["details"].get(unit) for unit in BUDGETS)
    return part["claim"], part["study"], part["quantity"], *(each if type(each) is int else None for each in budgets)


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


def measured(part: dict[str, Any]) -> str:
    """One measured part of a verdict as a sentence: quantity, estimate with interval and n, the bound, whether it holds. `part` is one of
    `parts_of_claims`, or a row of the table claim_parts."""
    part = _part(part)
    name, where = quantity_name(part), _where(part)
    words = {"quantity": f"{name} ({where})" if where else name, "bound": bound(part)}
    own = part["own"]
    if not part["published"]:
        return t("claims.part_own", **words, value=estimate(own), holds=_holds(own))
    told = t("claims.part", **words, value=estimate(part), holds=_holds(part))
    if own is None:
        return told
    if own["estimate"] is None or part["estimate"] is None:
        return f"{told} {t('claims.own_part', value=estimate(own), holds=_holds(own))}"
    apart = difference(part)
    return f"{told} {t('claims.own_part_apart', value=estimate(own), holds=_holds(own), apart=apart)}"


def _holds(part: dict[str, Any]) -> str:
    return t("claims.holds" if part["holds"] else "claims.fails")


def estimate(part: dict[str, Any]) -> str:
    """The estimate with its interval and n, or that there is none, and why."""
    if part["estimate"] is None:
        why = part["details"].get("why")
        return t("claims.missing") + (f" ({word('why', why).rstrip('.')})" if why else "")
    return f"{quantity(part)}, {counted_in(part)}"


def quantity_name(part: dict[str, Any]) -> str:
    """What a part measures, in words; the whole numbers of its details, such as the epochs of a budget, may stand in them. Of a rule that is
    asked at several places, the words say which one is told: the furthest of all, or of those that decide."""
    told = part if part["published"] else part["own"]
    details, quantity = told["details"], part["quantity"]
    numbers = {name: format.count(value) for name, value in details.items() if type(value) is int}
    decides = not told["holds"] and told["low"] is not None and has(f"claims.quantity_deciding.{quantity}")
    return word("quantity_deciding" if decides else "quantity", quantity, **numbers)


def _where(part: dict[str, Any]) -> str:
    """The pair of functions and the place of the grid that a part is about; "" where it is about no single one."""
    details = part["details"] if part["published"] else part["own"]["details"]
    if not {"depth", "start"} <= details.keys():
        return ""
    place = activation.place_in_words(Place(MLP, (("depth", details["depth"]), ("start", details["start"]))))
    if not {"worse", "better"} <= details.keys():
        return place
    pair = {side: functions.name(details[side]) for side in ("worse", "better")}
    return t("claims.pair", place=place, **pair)


def counted_in(part: dict[str, Any]) -> str:
    """What n of a part counts, in words: seeds, unless its quantity is over something else."""
    key = f"claims.counted.{part['quantity']}"
    return t(key, n=part["n"]) if has(key) else format.seeds(part["n"])


def quantity(part: dict[str, Any]) -> str:
    """The estimate in its unit with its interval."""
    return format.quantity(part["estimate"], part["low"], part["high"], part["unit"])


def difference(part: dict[str, Any]) -> str:
    """One's own estimate minus the published one, in their unit; of ratios their ratio."""
    ours, theirs = part["own"]["estimate"], part["estimate"]
    if part["unit"] == "ratio":
        return f"×{format.ratio(ours / theirs)}" if theirs else "–"
    return format.quantity(ours - theirs, None, None, part["unit"])


def undecided(claim: dict[str, Any], parts: list[dict[str, Any]]) -> str:
    """Why a claim has no verdict either way, and what its runs left out; "" where there is nothing to tell."""
    if claim["verdict"] == "not tested here":
        baked = claim["question"] in site.baked_questions()
        return t("claims.undecided.no_study" if baked else "claims.undecided.not_baked")
    told = []
    if claim["verdict"] == "not shown":
        failing = [part for part in parts if part["published"] and not part["holds"]]
        told += dict.fromkeys(_reason(part) for part in failing)
    for part in parts:
        where = "within" if part["quantity"] in COUNTS_FAILURES else "apart"
        if counts := _failed_to_train(part["details"]):
            told.append(t(f"claims.failed_to_train.{where}", counts=counts))
        diverged = part["details"].get("diverged")
        if isinstance(diverged, dict) and any(diverged.values()):
            counts = ", ".join(f"{_network(code)}: {n}" for code, n in diverged.items())
            told.append(t(f"claims.diverged.{where}", counts=counts))
        sizes = part["details"].get("not_reached")
        if isinstance(sizes, list) and sizes:
            told.append(t("claims.not_reached", sizes=", ".join(map(str, sizes))))
    return " ".join(dict.fromkeys(told))


def _network(code: str) -> str:
    """An activation function, or a normalization, by which networks are told apart, in words."""
    return functions.name(code) if code in functions.FUNCTIONS else normalizations.name(code)


def _failed_to_train(details: dict[str, Any]) -> str:
    """How many runs failed to train, of how many where that is said, side by side where there are sides; "" where nothing is said."""
    lost, of = details.get("failed_to_train", details.get("runs_failed")), details.get("runs")
    if not isinstance(lost, dict):
        return "" if lost is None else f"{lost}" + ("" if of is None else f" / {of}")
    totals = of if isinstance(of, dict) else {}
    return ", ".join(
        f"{word('side', side)}: {n}" + (f" / {totals[side]}" if side in totals else "") for side, n in lost.items()
    )


def _reason(part: dict[str, Any]) -> str:
    """Why a part does not hold; why one has no value stands beside its name already."""
    if part["estimate"] is None:
        return t("claims.undecided.no_value")
    if part["low"] is not None:
        return t("claims.undecided.unclear")
    why = part["details"].get("why")
    return t("claims.undecided.because", why=word("why", why)) if why else t("claims.undecided.few_seeds")


def kinds_of_interval(parts: list[dict[str, Any]]) -> list[str]:
    """How the intervals of some parts were made, in words, and that a bootstrap of few seeds says too little."""
    told: dict[str, int] = {}
    for part in map(_part, parts):
        if code := part["details"].get("interval"):
            told[code] = min(part["n"], told.get(code, part["n"]))
    return [
        " ".join(
            [word("interval", code), *[t("claims.few_resampled", n=least)] * (code in RESAMPLED and least < ENOUGH)]
        )
        for code, least in told.items()
    ]


def bound(part: dict[str, Any]) -> str:
    """What the rule asks of a part, in words; the same code may mean points in one unit and doublings in another."""
    of_unit = f"claims.bound.{part['unit']}.{part['bound']}"
    return t(of_unit) if has(of_unit) else word("bound", part["bound"])


def word(kind: str, code: str, **values: str) -> str:
    """The words of a code of the table claim_parts; a code that is newer than the texts stands for itself."""
    key = f"claims.{kind}.{code}"
    return t(key, **values) if has(key) else code.replace("_", " ")


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
