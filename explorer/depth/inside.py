"""Look behind: the gradient of every layer, the size of the signal, and what each block of a trained network is worth."""

import math
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import format
from explorer.charts import along_layers, layer_map
from explorer.depth import controls, picture
from explorer.question_page import READING
from explorer.results import depth as results
from explorer.results import site
from explorer.results.depth import ARCHITECTURES, View
from explorer.section import table
from explorer.text import language, t


@st.fragment(key="depth.inside")
def look_behind(view: View) -> None:
    """One depth opened: gradients layer by layer, the signal at the start and at the end, the damage of a missing block, its runs."""
    rows = results.runs(view)
    depths = sorted(set(rows["depth"].to_pylist()))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        depth = controls.depth(depths) if len(depths) > 1 else depths[0]
        mine = rows.filter(pa.compute.equal(rows["depth"], depth))
        seed = controls.seed(sorted(set(mine["seed"].to_pylist())))
    _gradients(view, depth, seed)
    _signals(view, depth)
    _damage(view, depth)
    picture.runs_of_a_depth(view, depth)


def _gradients(view: View, depth: int, seed: int) -> None:
    st.subheader(t("depth.gradient.title"))
    rows = results.gradients(view, depth, seed)
    if not rows.num_rows:
        st.markdown(t("depth.gradient.none"))
        return
    st.markdown(t("depth.gradient.text", depth=format.count(depth), seed=seed), width=READING)
    for column, kind in zip(st.columns(2, gap="medium"), ARCHITECTURES, strict=True):
        cells = _of(rows, kind)
        if not cells.num_rows:
            continue
        with column:
            st.markdown(f"**{t(f'depth.architecture.{kind}')}**")
            chart = _gradient_chart(site.data_version(), language(), view, depth, seed, kind)
            st.vega_lite_chart(spec=dict(chart), key=f"depth.gradient.{kind}", alt=_gradient_alt(cells, kind))
    st.caption(" ".join([*(_ratio(_of(rows, kind), kind) for kind in ARCHITECTURES), t("depth.gradient.caption")]))
    table(rows, t("depth.gradient.table"))


@st.cache_data(max_entries=32, show_spinner=False)
def _gradient_chart(version: str, language: str, view: View, depth: int, seed: int, kind: str) -> dict[str, Any]:
    rows = results.gradients(view, depth, seed)
    logs = [value for value in rows["log_norm"].to_pylist() if value is not None] or [0.0]
    limits = float(math.floor(min(logs))), float(max(math.ceil(max(logs)), math.floor(min(logs)) + 1))
    return layer_map.draw(_of(rows, kind), limits, sorted(set(rows["epoch"].to_pylist()))).specification()


def _gradient_alt(cells: pa.Table, kind: str) -> str:
    values = [row for row in cells.to_pylist() if row["state"] == "value"]
    least, most = (pick(values, key=lambda row: row["norm"]) if values else None for pick in (min, max))
    told = t(
        "depth.gradient.alt",
        architecture=t(f"depth.architecture.{kind}"),
        layers=max(cells["layer"].to_pylist()),
        epochs=len(set(cells["epoch"].to_pylist())),
        least=f"{least['norm']:.1e}" if least else "–",
        most=f"{most['norm']:.1e}" if most else "–",
    )
    return f"{told} {t('depth.alt.table')}"


def _ratio(cells: pa.Table, kind: str) -> str:
    """The gradient norm of the first layer over that of the last, at the start and at the last epoch."""
    norms = {(row["epoch"], row["layer"]): row["norm"] for row in cells.to_pylist()}
    if not norms:
        return ""
    epochs, layers = {epoch for epoch, _ in norms}, {layer for _, layer in norms}

    def at(epoch: int) -> str:
        first, last = norms[epoch, min(layers)], norms[epoch, max(layers)]
        return format.ratio(first / last) if first is not None and last else "–"

    return t(
        "depth.gradient.ratio",
        architecture=t(f"depth.architecture.{kind}"),
        start=at(min(epochs)),
        end=at(max(epochs)),
        epoch=max(epochs),
    )


def _signals(view: View, depth: int) -> None:
    rows = results.signals(view, depth)
    if not rows.num_rows:
        return
    st.subheader(t("depth.signal.title"))
    st.markdown(t(f"depth.signal.text.{view.study.code}"), width=READING)
    for column, moment in zip(st.columns(2, gap="medium"), ("start", "end"), strict=True):
        with column:
            st.markdown(f"**{t(f'depth.signal.{moment}')}**")
            chart = _signal_chart(site.data_version(), language(), view, depth, moment)
            alt = _signal_alt(rows, moment)
            st.vega_lite_chart(spec=dict(chart), key=f"depth.signal.{moment}", alt=alt)
    st.caption(t(f"depth.signal.caption.{view.norm}"))
    table(rows, t("depth.signal.table"))


@st.cache_data(max_entries=32, show_spinner=False)
def _signal_chart(version: str, language: str, view: View, depth: int, moment: str) -> dict[str, Any]:
    rows = results.signals(view, depth)
    return along_layers.signal(rows.filter(pa.compute.equal(rows["moment"], moment))).specification()


def _signal_alt(rows: pa.Table, moment: str) -> str:
    told = [t("depth.signal.alt", moment=t(f"depth.signal.{moment}"), layers=max(rows["layer"].to_pylist()))]
    for kind in ARCHITECTURES:
        found = [
            row["sd"]
            for row in rows.to_pylist()
            if (row["architecture"], row["moment"]) == (kind, moment) and row["sd"] is not None
        ]
        if found:
            facts = {"low": f"{min(found):.2g}", "high": f"{max(found):.2g}"}
            told.append(t("depth.signal.alt_range", architecture=t(f"depth.architecture.{kind}"), **facts))
    return " ".join([*told, t("depth.alt.table")])


def _damage(view: View, depth: int) -> None:
    st.subheader(t("depth.damage.title"))
    rows = results.damage(view, depth)
    if not rows.num_rows:
        key = "untrained" if results.blocks_measured(view.study) else "not_measured"
        st.markdown(t(f"depth.damage.{key}"), width=READING)
        return
    st.markdown(t("depth.damage.text", depth=format.count(depth)), width=READING)
    chart = _damage_chart(site.data_version(), language(), view, depth)
    st.vega_lite_chart(spec=dict(chart), key="depth.damage", alt=_damage_alt(rows))
    st.caption(t("depth.damage.caption"))
    table(rows, t("depth.damage.table"))


@st.cache_data(max_entries=16, show_spinner=False)
def _damage_chart(version: str, language: str, view: View, depth: int) -> dict[str, Any]:
    return along_layers.damage(results.damage(view, depth)).specification()


def _damage_alt(rows: pa.Table) -> str:
    told = [t("depth.damage.alt", blocks=max(rows["block"].to_pylist()))]
    for kind in ARCHITECTURES:
        found = _of(rows, kind).to_pylist()
        if found:
            least, most = (pick(found, key=lambda row: row["damage"]) for pick in (min, max))
            facts = {"least": format.points(least["damage"]), "least_block": least["block"]}
            facts |= {"most": format.points(most["damage"]), "most_block": most["block"]}
            told.append(t("depth.damage.alt_range", architecture=t(f"depth.architecture.{kind}"), **facts))
    return " ".join([*told, t("depth.alt.table")])


def _of(rows: pa.Table, kind: str) -> pa.Table:
    return rows.filter(pa.compute.equal(rows["architecture"], kind))
