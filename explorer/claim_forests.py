"""Every measured part of the claims shown, a forest plot for each unit."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, claim_parts, database
from explorer.charts import claim_forest
from explorer.claim_bounds import region
from explorer.results import site
from explorer.text import language, t

UNITS = ("points", "percent", "correlation", "cosine", "share", "slope", "doublings", "ratio")
ANCHOR = "estimates"
STRETCHED = "points"  # the unit whose bounds lie close to zero and whose estimates do not


def way_there(claims: list[dict[str, Any]]) -> str:
    """A link to the pictures below the cards; "" where there are none."""
    return f"[{t('claims.forest.way')}](#{ANCHOR})" if _parts(claims) else ""


def forests(claims: list[dict[str, Any]]) -> None:
    """Draws the parts of the claims shown; nothing where none was measured."""
    parts = _parts(claims)
    if not parts:
        return
    st.header(t("claims.forest.heading"), anchor=ANCHOR)
    stretched = "stretched" == address.choice(
        "axis",
        ["even", "stretched"],
        "even",
        label=t("claims.forest.axis"),
        format=lambda code: t(f"claims.forest.axis_{code}"),
        help=t("claims.forest.axis_help"),
    )
    for unit in sorted({part["unit"] for part in parts}, key=lambda unit: UNITS.index(unit) if unit in UNITS else 99):
        _forest([part for part in parts if part["unit"] == unit], unit, stretched)
    st.caption(
        t("claims.forest.caption") + (" " + t("claims.forest.hollow") if database.own_meta() is not None else "")
    )
    with st.expander(t("claims.forest.table"), icon=":material/table:"):
        st.dataframe(_table(parts), hide_index=True, alt=t("claims.forest.table"))


def _parts(claims: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = {(claim["claim"], claim["study"]) for claim in claims}
    return [part for part in claim_parts.parts_of_claims() if (part["claim"], part["study"]) in keys]


def _forest(parts: list[dict[str, Any]], unit: str, stretched: bool) -> None:
    if all(part["estimate"] is None and (part["own"] is None or part["own"]["estimate"] is None) for part in parts):
        facts = {"n": len(parts), "claims": len({part["claim"] for part in parts})}
        st.caption(t("claims.forest.no_value", unit=claim_parts.word("unit", unit), **facts))
        return
    own = database.own_meta()
    versions = site.data_version(), own and own["content_hash"]
    keys = tuple(_key(part) for part in parts)
    chart = _drawn(versions, language(), unit, keys, stretched and unit == STRETCHED)
    st.vega_lite_chart(spec=dict(chart), key=f"claims.forest.{unit}", alt=_alt(parts, unit))


# A chart of many layers takes longer to compose than all else on the page, and is the same for everyone.
@st.cache_data(max_entries=64, show_spinner=False)
def _drawn(versions: tuple, language: str, unit: str, keys: tuple, stretched: bool) -> dict[str, Any]:
    parts = {_key(part): part for part in claim_parts.parts_of_claims()}
    rows = [_row(parts[key]) for key in keys]
    states = {state: t(f"claims.forest.{state}") for state in claim_forest.STATES}
    title = claim_parts.word("unit", unit)
    return claim_forest.draw(rows, unit, axis_title=title, states=states, stretched=stretched).specification()


def _key(part: dict[str, Any]) -> tuple:
    """One of each part shown: those that only one's own results have are numbered by themselves."""
    return part["claim"], part["study"], part["part"], part["published"]


def _row(part: dict[str, Any]) -> dict[str, Any]:
    own = part["own"] or dict.fromkeys(("estimate", "low", "high"))
    return {
        "name": f"{part['claim']} {part['study']} {part['part']}" + ("" if part["published"] else " own"),
        "label": _label(part),
        "region": region(part["bound"]),
        **{name: part[name] for name in ("estimate", "low", "high", "holds")},
        **{f"own_{name}": own[name] for name in ("estimate", "low", "high")},
    }


def _label(part: dict[str, Any]) -> str:
    """ "G1 mnist_mlp: +5.3 points (+3.3 to +7.4), n = 5. Rise of …": what a phone has no room for stands at the end."""
    facts = {"claim": part["claim"], "study": part["study"].split("/")[-1]}
    told = claim_parts.quantity_name(part)
    if part["estimate"] is None:
        return t("claims.forest.label_none", **facts, quantity=told)
    return t("claims.forest.label", **facts, value=claim_parts.quantity(part), n=part["n"], quantity=told)


def _alt(parts: list[dict[str, Any]], unit: str) -> str:
    there = [part for part in parts if part["estimate"] is not None]
    facts = {
        "unit": claim_parts.word("unit", unit),
        "n": len(parts),
        "claims": len({part["claim"] for part in parts}),
        "holds": sum(part["holds"] for part in parts),
        "none": len(parts) - len(there),
    }
    if not there:
        return t("claims.forest.alt_own", **facts)
    least, most = (pick(there, key=lambda part: part["estimate"]) for pick in (min, max))
    return t("claims.forest.alt", **facts, least=_label(least).rstrip("."), most=_label(most).rstrip("."))


def _table(parts: list[dict[str, Any]]) -> pa.Table:
    columns: dict[str, list[Any]] = {
        "claim": [part["claim"] for part in parts],
        "study": [part["study"] for part in parts],
        "quantity": [claim_parts.quantity_name(part) for part in parts],
        **{name: [part[name] for part in parts] for name in ("estimate", "low", "high", "n")},
        "unit": [claim_parts.word("unit", part["unit"]) for part in parts],
        "bound": [claim_parts.bound(part) for part in parts],
        "holds": [t("claims.forest.holds" if part["holds"] else "claims.forest.fails") for part in parts],
    }
    if database.own_meta() is not None:
        for name in ("estimate", "low", "high", "n"):
            columns[f"own_{name}"] = [part["own"] and part["own"][name] for part in parts]
        columns["difference"] = [
            None if None in (mine, theirs) else mine - theirs
            for mine, theirs in zip(columns["own_estimate"], columns["estimate"], strict=True)
        ]
    return pa.table({t(f"claims.column.{name}"): pa.array(values) for name, values in columns.items()})
