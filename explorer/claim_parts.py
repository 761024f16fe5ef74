"""What is known of the claims: their verdicts in the published results and in one's own, and each measured part, in words."""

import json
from typing import Any

from explorer import database, format
from explorer.activation import controls as activation
from explorer.batch_size.controls import goal
from explorer.charts import functions, normalizations
from explorer.database import OWN
from explorer.results import site
from explorer.results.activation import MLP, Place
from explorer.text import has, t

COUNTS_FAILURES = {
    "gradient_norm_first_over_last",
    "graphs_that_fail_to_train",
    "share_of_rates_that_train_with_minus_without",
}
"""The quantities that runs which failed belong to: a gradient has a size whether or not it helps, and a share of failures counts them."""
DIFFERENCES_OF_SHARES = {"share_of_rates_that_train_with_minus_without"}
"""Quantities in shares that are differences, which are told in points: of a difference in percent nobody knows what it is a percentage of."""
RESAMPLED, ENOUGH = {"bootstrap"}, 5
"""The kinds of interval that resample the seeds, and the seeds of which they are told without a warning."""
BUDGETS = ("epochs", "steps")
"""The details that tell two parts of one claim, study and quantity apart."""


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
    return _in_its_unit(part, part["estimate"], part["low"], part["high"])


def difference(part: dict[str, Any]) -> str:
    """One's own estimate minus the published one, in their unit; of ratios their ratio."""
    ours, theirs = part["own"]["estimate"], part["estimate"]
    if part["unit"] == "ratio":
        return f"×{format.ratio(ours / theirs)}" if theirs else "–"
    return _in_its_unit(part, ours - theirs, None, None)


def _in_its_unit(part: dict[str, Any], *ends: float | None) -> str:
    if part["quantity"] in DIFFERENCES_OF_SHARES:
        return format.quantity(*(None if end is None else 100 * end for end in ends), "points")
    return format.quantity(*ends, part["unit"])


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


def circumstances(parts: list[dict[str, Any]]) -> str:
    """The target that parts are about, and what else was found that the rule does not look at: the same at the other targets, or at each
    network's own learning rate; "" where there is nothing of the kind."""
    told = []
    for part in parts:
        details, unit = part["details"], part["unit"]
        if "target" in details:
            target = goal(details["target"])
            told.append(t("claims.at_target", target=target))
        if "by_target" in details:
            of = [details["by_target"].get(details[side], {}) for side in ("changed", "baseline")]
            factors = [
                f"{goal(float(target))} ×{format.ratio(of[0][target] / end)}"
                for target, end in of[1].items()
                if end and of[0].get(target)
            ]
            told.append(t("claims.by_target", factors=", ".join(factors)))
        if (own := details.get("at_own_rates")) is not None:
            told.append(t("batch_norm.at_own_rates", value=format.quantity(own, None, None, unit)))
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
