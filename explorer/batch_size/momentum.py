"""Learning rate against momentum at a few batch sizes, and what each momentum does to the steps."""

from collections import Counter
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, format
from explorer.batch_size.controls import goal
from explorer.batch_size.picture import behind
from explorer.batch_size.sentences import FEWEST_SEEDS
from explorer.charts import rates
from explorer.question_page import READING
from explorer.results import batch_size as results
from explorer.results import site
from explorer.section import ALPHA, begin
from explorer.text import language, t

USUAL = 0.9  # the momentum that the other study has, and that the heading tells of whatever came out
RATIOS = {"ratio": "estimate", "low": "low", "high": "high"}
QUANTITY = "log2_steps_to_the_last_target"


def section() -> None:
    """A map of learning rates and momenta for each batch size, with the steps of each momentum over those of none above it."""
    cells = results.momentum_cells()
    sizes = list(dict.fromkeys(cells["batch_size"].to_pylist()))
    if not sizes:
        st.subheader(t("batch_size.momentum.question"))
        st.markdown(t("batch_size.momentum.none", study=f"`{results.MOMENTUM}`"))
        return
    changes, seeds = _changes(), max(cells["runs"].to_pylist())
    begin(_heading(changes), _subtitle(changes, seeds))
    for column, size in zip(st.columns(len(sizes), gap="medium"), sizes, strict=True):
        with column:
            st.markdown(f"**{t('batch_size.momentum.batch', batch_size=format.count(size))}**")
            chart = _chart(site.data_version(), language(), size)
            st.vega_lite_chart(
                spec=dict(chart), key=f"batch_size.momentum.{size}", alt=_alt(size, cells, changes), width="stretch"
            )
    if told := _usual(changes):
        st.markdown(told, width=READING)
    tried = min(Counter(zip(cells["batch_size"].to_pylist(), cells["momentum"].to_pylist(), strict=True)).values())
    seen = [_caption(cells, changes, seeds), _diagonals(cells.to_pylist())]
    seen += [t("batch_size.momentum.not_to_conclude", rates=tried)]
    if again := [f"{momentum:g}" for momentum in results.momenta_of_others()]:
        seen.append(t("batch_size.momentum.again", momenta=", ".join(again)))
    st.caption(" ".join(filter(None, seen)))
    behind("momentum", cells)
    behind("momentum_seeds", results.momentum_seeds())
    if changes:
        behind("changes", pa.Table.from_pylist(changes))


def _subtitle(changes: list[dict[str, Any]], seeds: int) -> str:
    """Measure, data, fixed settings and seeds, and what stands above the maps."""
    of = results.settings(results.MOMENTUM)
    setup = {"width": of["width"], "n_train": format.count(of["n_train"]), "seeds": format.seeds(seeds)}
    setup |= {"target": goal(results.hardest_target(results.MOMENTUM)), "n_val": format.count(of["n_val"])}
    parts = [t("batch_size.momentum.subtitle", **setup)]
    if changes:
        parts.append(t("batch_size.momentum.above"))
    if any(row["low"] for row in changes):
        parts.append(t("batch_size.momentum.bars"))
    return " ".join(parts)


def _changes() -> list[dict[str, Any]]:
    """Each momentum against none by batch size and momentum: ratio (of the steps), low, high, n, p, p_adjusted."""
    rows = [
        row["changed"]
        | {name: None if row[end] is None else 2.0 ** row[end] for name, end in RATIOS.items()}
        | {name: row[name] for name in ("n", "p", "p_adjusted")}
        for row in results.contrasts(results.MOMENTUM, QUANTITY)
    ]
    return sorted(rows, key=lambda row: (row["batch_size"], row["momentum"]))


def _is_clear(change: dict[str, Any]) -> bool:
    return change["p_adjusted"] is not None and change["p_adjusted"] < ALPHA


def _heading(changes: list[dict[str, Any]]) -> str:
    """What the usual momentum does at the smallest and the largest batch size, whatever came out."""
    usual = [row for row in changes if row["momentum"] == USUAL and row["p_adjusted"] is not None]
    if len(usual) < 2:
        return t("batch_size.momentum.question")
    told = {
        name: t(
            f"batch_size.momentum.change.{'clear' if _is_clear(row) else 'unclear'}",
            ratio=format.two_digits(row["ratio"]),
            batch_size=format.count(row["batch_size"]),
        )
        for name, row in (("small", usual[0]), ("large", usual[-1]))
    }
    return t("batch_size.momentum.heading", momentum=f"{USUAL:g}", **told)


def _usual(changes: list[dict[str, Any]]) -> str:
    """The steps with the usual momentum over those without at each batch size, with interval and seeds."""
    usual = [row for row in changes if row["momentum"] == USUAL]
    told = [
        t("batch_size.momentum.at", change=_change(row), batch_size=format.count(row["batch_size"])) for row in usual
    ]
    if not told:
        return ""
    code = "usual" if all(row["low"] for row in usual) else "usual_few_seeds"
    seeds = format.seeds(*[row["n"] for row in usual])
    return t(f"batch_size.momentum.{code}", momentum=f"{USUAL:g}", changes="; ".join(told), seeds=seeds)


def _change(row: dict[str, Any]) -> str:
    """A ratio of steps with its interval: "0.40× (0.31–0.52)"."""
    ratio, low, high = (format.two_digits(row[name]) if row[name] else None for name in RATIOS)
    if low is None:
        return t("batch_size.momentum.times", ratio=ratio)
    return t("batch_size.momentum.times_interval", ratio=ratio, low=low, high=high)


def _caption(cells: pa.Table, changes: list[dict[str, Any]], seeds: int) -> str:
    """What to see: the cells counted, and at how many of the momenta the change is clear at each batch size."""
    parts = [t("batch_size.momentum.caption", **_counted(cells.to_pylist()))]
    if seeds < FEWEST_SEEDS:
        return " ".join([*parts, t("batch_size.momentum.few_seeds")])
    told: dict[str, list[str]] = {"fewer": [], "more": []}
    for size in dict.fromkeys(row["batch_size"] for row in changes):
        mine = [row for row in changes if row["batch_size"] == size]
        clear = {f"{row['momentum']:g}": row["ratio"] for row in mine if _is_clear(row)}
        which = {
            "fewer": [m for m, ratio in clear.items() if ratio < 1],
            "more": [m for m, ratio in clear.items() if ratio > 1],
        }
        for name, found in which.items():
            words = {"found": len(found), "n": len(mine), "batch_size": format.count(size)}
            named = f" ({', '.join(found)})" if found else ""
            told[name].append(t("batch_size.momentum.of", **words) + named)
    if changes:
        parts.append(t("batch_size.momentum.clear", **{name: ", ".join(each) for name, each in told.items()}))
    return " ".join(parts)


def _diagonals(cells: list[dict[str, Any]]) -> str:
    """Of each batch size, between which values the best rate over 1 - momentum lies: how far it is the same for every momentum."""
    parts = []
    for size in dict.fromkeys(row["batch_size"] for row in cells):
        lengths = [row["lr"] / (1 - row["momentum"]) for row in cells if row["batch_size"] == size and row["best"]]
        if lengths:
            ends = dict.fromkeys(format.two_digits(end) for end in (min(lengths), max(lengths)))
            parts.append(t("batch_size.momentum.diagonal", batch_size=format.count(size), ends="–".join(ends)))
    return t("batch_size.momentum.diagonals", ends="; ".join(parts)) if parts else ""


def _counted(cells: list[dict[str, Any]]) -> dict[str, int]:
    states = [rates.state(row) for row in cells]
    return {"n": len(states)} | {state: states.count(state) for state in ("reached", "not_reached", "diverged")}


def _alt(size: int, cells: pa.Table, changes: list[dict[str, Any]]) -> str:
    here = [row for row in cells.to_pylist() if row["batch_size"] == size]
    lrs, momenta = ([row[name] for row in here] for name in ("lr", "momentum"))
    ends = {"low_rate": format.rate(min(lrs)), "high_rate": format.rate(max(lrs))}
    ends |= {"low": f"{min(momenta):g}", "high": f"{max(momenta):g}"}
    parts = [t("batch_size.momentum.alt", batch_size=format.count(size), **ends, **_counted(here))]
    best = [
        t("batch_size.momentum.alt_best", momentum=f"{row['momentum']:g}", rate=format.rate(row["lr"]))
        for row in here
        if row["best"]
    ]
    told = [
        t("batch_size.momentum.alt_change", momentum=f"{row['momentum']:g}", change=_change(row))
        for row in changes
        if row["batch_size"] == size
    ]
    for code, words in (("alt_bests", best), ("alt_changes", told)):
        parts += [t(f"batch_size.momentum.{code}", words="; ".join(words))] * bool(words)
    return " ".join([*parts, t("batch_size.alt.table")])


@st.cache_data(max_entries=8, show_spinner=False)
def _chart(version: str, language: str, size: int) -> dict[str, Any]:
    every = results.momentum_cells().to_pylist()
    cells = [
        row | {"url": address.link("runs", study=results.MOMENTUM, **{name: row[name] for name in ("batch_size", "momentum", "lr")})}
        for row in every
        if row["batch_size"] == size
    ]  # fmt: skip
    changes, seeds = _changes(), results.momentum_seeds().to_pylist()
    dots = [
        row | {"url": address.link("runs", run=row["run_id"])}
        for row in seeds
        if row["batch_size"] == size and row["momentum"] and row["ratio"]
    ]
    ends = [row[name] for row in changes for name in RATIOS if row[name]] + [
        row["ratio"] for row in seeds if row["ratio"]
    ]
    here = [row for row in changes if row["batch_size"] == size]
    limits = min([1.0, *ends]), max([1.0, *ends])
    return rates.with_momentum(cells, here, dots, {row["lr"] for row in every}, limits).specification()
