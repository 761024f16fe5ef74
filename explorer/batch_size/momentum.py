"""Learning rate against momentum at a few batch sizes, and what each momentum does to the steps."""

import json
from collections import Counter
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, format
from explorer.batch_size.controls import goal
from explorer.batch_size.picture import behind
from explorer.batch_size.sentences import FEWEST_SEEDS
from explorer.charts import rates
from explorer.results import batch_size as results
from explorer.results import site
from explorer.section import ALPHA, begin
from explorer.text import language, t

USUAL = 0.9  # the momentum that the other study has, and that the heading tells of whatever came out
QUANTITY = "log2_steps_to_the_last_target"


def section() -> None:
    """A map of learning rates and momenta for each batch size, with the steps of each momentum over those of none above it."""
    cells = results.momentum_cells()
    sizes = list(dict.fromkeys(cells["batch_size"].to_pylist()))
    if not sizes:
        st.subheader(t("batch_size.momentum.question"))
        st.markdown(t("batch_size.not_measured", study=f"`{results.MOMENTUM}`"))
        return
    rows, of = _changes(), results.settings(results.MOMENTUM)
    setup = {"width": of["width"], "n_train": format.count(of["n_train"]), "seeds": format.seeds(of["seeds"])}
    setup |= {"target": goal(cells["target"][0].as_py()), "n_val": format.count(of["n_val"])}
    begin(_heading(rows), t("batch_size.momentum.subtitle", **setup))
    for column, size in zip(st.columns(len(sizes), gap="medium"), sizes, strict=True):
        with column:
            st.markdown(f"**{t('batch_size.momentum.batch', batch_size=format.count(size))}**")
            chart = _chart(site.data_version(), language(), size)
            st.vega_lite_chart(
                spec=dict(chart), key=f"batch_size.momentum.{size}", alt=_alt(size, cells, rows), width="stretch"
            )
    tried = min(Counter(zip(cells["batch_size"].to_pylist(), cells["momentum"].to_pylist(), strict=True)).values())
    seen = [_caption(cells, rows, of["seeds"]), _diagonals(cells.to_pylist())]
    st.caption(" ".join([*filter(None, seen), t("batch_size.momentum.not_to_conclude", rates=tried)]))
    behind("momentum", cells)
    if rows:
        flat = [row | {part: json.dumps(row[part]) for part in ("baseline", "changed")} for row in rows]
        behind("changes", pa.Table.from_pylist(flat).drop_columns(["batch_size", "momentum"]))


def _changes() -> list[dict[str, Any]]:
    """Each momentum against none by batch size and momentum, with the ratio of the steps and its interval."""
    rows = [
        row | row["changed"] | {name: _ratio(row[end]) for name, end in (("ratio", "estimate"), ("ratio_low", "low"), ("ratio_high", "high"))}
        for row in results.contrasts(results.MOMENTUM, QUANTITY)
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row["batch_size"], row["momentum"]))


def _ratio(doublings: float | None) -> float | None:
    return None if doublings is None else 2.0**doublings


def _heading(rows: list[dict[str, Any]]) -> str:
    """What the usual momentum does at the largest and the smallest batch size, whatever came out."""
    usual = [row for row in rows if row["momentum"] == USUAL]
    if len(usual) < 2:
        return t("batch_size.momentum.question")
    told = {"momentum": f"{USUAL:g}"}
    for name, row in (("small", usual[0]), ("large", usual[-1])):
        told |= {name: format.count(row["batch_size"]), f"{name}_ratio": format.two_digits(row["ratio"])}
    return t("batch_size.momentum.heading", **told)


def _caption(cells: pa.Table, rows: list[dict[str, Any]], seeds: int) -> str:
    """What to see: the cells counted, and at how many of the momenta the change is clear at each batch size."""
    parts = [t("batch_size.momentum.caption", **_counted(cells.to_pylist()))]
    if seeds < FEWEST_SEEDS:
        return " ".join([*parts, t("batch_size.momentum.few_seeds")])
    told: dict[str, list[str]] = {"fewer": [], "more": []}
    for size in dict.fromkeys(row["batch_size"] for row in rows):
        mine = [row for row in rows if row["batch_size"] == size]
        clear = [row for row in mine if row["p_adjusted"] is not None and row["p_adjusted"] < ALPHA]
        for name, sign in (("fewer", -1), ("more", 1)):
            found = sum(sign * row["estimate"] > 0 for row in clear)
            told[name].append(t("batch_size.momentum.of", found=found, n=len(mine), batch_size=format.count(size)))
    if rows:
        parts.append(t("batch_size.momentum.clear", **{name: ", ".join(each) for name, each in told.items()}))
    return " ".join(parts)


def _diagonals(cells: list[dict[str, Any]]) -> str:
    """Of each batch size, between which values the best rate over 1 - momentum lies: how far it is the same for every momentum."""
    parts = []
    for size in dict.fromkeys(row["batch_size"] for row in cells):
        lengths = [row["lr"] / (1 - row["momentum"]) for row in cells if row["batch_size"] == size and row["best"]]
        if lengths:
            ends = {"low": format.two_digits(min(lengths)), "high": format.two_digits(max(lengths))}
            parts.append(t("batch_size.momentum.diagonal", batch_size=format.count(size), **ends))
    return t("batch_size.momentum.diagonals", ends="; ".join(parts)) if parts else ""


def _counted(cells: list[dict[str, Any]]) -> dict[str, int]:
    states = [rates.state(row) for row in cells]
    return {"n": len(states)} | {state: states.count(state) for state in ("reached", "not_reached", "diverged")}


def _alt(size: int, cells: pa.Table, rows: list[dict[str, Any]]) -> str:
    here = [row for row in cells.to_pylist() if row["batch_size"] == size]
    told = t("batch_size.momentum.alt", batch_size=format.count(size), **_counted(here))
    mine = [
        t("batch_size.momentum.alt_change", momentum=f"{row['momentum']:g}", ratio=format.two_digits(row["ratio"]))
        for row in rows
        if row["batch_size"] == size
    ]
    return " ".join([told, *([f"{'; '.join(mine)}."] if mine else []), t("batch_size.alt.table")])


@st.cache_data(max_entries=8, show_spinner=False)
def _chart(version: str, language: str, size: int) -> dict[str, Any]:
    cells = [
        row | {"url": address.link("runs", study=results.MOMENTUM, **{name: row[name] for name in ("batch_size", "momentum", "lr")})}
        for row in results.momentum_cells().to_pylist()
        if row["batch_size"] == size
    ]  # fmt: skip
    rows = _changes()
    ends = [value for row in rows for value in (row["ratio"], row["ratio_low"], row["ratio_high"]) if value] + [1.0]
    here = [
        {"momentum": row["momentum"], "ratio": row["ratio"], "low": row["ratio_low"], "high": row["ratio_high"]}
        for row in rows
        if row["batch_size"] == size
    ]
    return rates.with_momentum(cells, here, (min(ends), max(ends))).specification()
