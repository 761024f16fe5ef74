"""Around the main picture: how the learning rate was chosen, the paired differences as a forest plot, the published numbers and what came
after them."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import format, question_page
from explorer.charts import depth_rate_map, forest
from explorer.depth import picture, sentences
from explorer.question_page import READING
from explorer.results import depth as results
from explorer.results import published, site
from explorer.results.depth import ARCHITECTURES, View
from explorer.section import rates_at_ends, table
from explorer.text import has, language, t


def learning_rates(view: View) -> None:
    """The map of depth × learning rate, plain beside residual; nothing for a study with one rate."""
    rows = results.rate_map(view).to_pylist()
    if len({row["lr"] for row in rows}) < 2:
        return
    st.header(t("depth.rates.heading"))
    st.markdown(t("depth.rates.text"), width=READING)
    for column, kind in zip(st.columns(2, gap="medium"), ARCHITECTURES, strict=True):
        mine = [row for row in rows if row["architecture"] == kind]
        if not mine:
            continue
        with column:
            st.markdown(f"**{t(f'depth.architecture.{kind}')}**")
            chart = _rate_chart(site.data_version(), language(), view, kind)
            st.vega_lite_chart(spec=dict(chart), key=f"depth.rates.{kind}", alt=_rate_alt(mine, kind))
            st.caption(" ".join([t("depth.rates.chosen", rates=sentences.rates(mine)), *_at_ends(mine)]))
    st.caption(t("depth.rates.caption"))
    table(results.rate_map(view), t("depth.rates.table"))


def _at_ends(rows: list[dict[str, Any]]) -> list[str]:
    """The depths of one architecture whose chosen rate is the smallest or the largest tried, in a sentence."""
    depths = rates_at_ends(rows, lambda row: str(row["depth"]))
    names = t("depth.rates.layers", depths=", ".join(depths))
    return [t("question.rates_at_ends", names=names)] if depths else []


@st.cache_data(max_entries=16, show_spinner=False)
def _rate_chart(version: str, language: str, view: View, kind: str) -> dict[str, Any]:
    rows = results.rate_map(view).to_pylist()
    depths, rates = (sorted({row[name] for row in rows}) for name in ("depth", "lr"))
    errors = [row["val_error"] for row in rows if row["val_error"] is not None]
    mine = [
        row | {"href": picture.runs_link(view, row["depth"], kind, row["lr"])}
        for row in rows
        if row["architecture"] == kind
    ]
    return depth_rate_map.draw(mine, depths, rates, max(errors, default=1.0)).specification()


def _rate_alt(rows: list[dict[str, Any]], kind: str) -> str:
    depths, rates = (sorted({row[name] for row in rows}) for name in ("depth", "lr"))
    told = t(
        "depth.rates.alt",
        architecture=t(f"depth.architecture.{kind}"),
        depths=f"{depths[0]}–{depths[-1]}",
        rates=f"{format.rate(rates[0])} – {format.rate(rates[-1])}",
        failed=sum(row["trained"] < row["runs"] for row in rows),
        all=len(rows),
        chosen=sentences.rates(rows),
    )
    return f"{told} {t('depth.alt.table')}"


def ablations(view: View) -> None:
    """Residual minus plain at each depth, and 56 minus 20 layers, on the train and on the test error."""
    rows = results.contrasts(view)
    st.header(t("depth.ablation.heading"))
    if not rows:
        st.markdown(t("depth.ablation.none"), width=READING)
        return
    st.markdown(t("depth.ablation.text"), width=READING)
    drawn = {part: [_row(row) for row in rows if row["part"] == part] for part in ("train", "test")}
    for column, part, other in zip(st.columns(2, gap="medium"), ("train", "test"), ("test", "train"), strict=True):
        mine = drawn[part]
        if not mine:
            continue
        with column:
            st.markdown(f"**{t(f'depth.part.{part}')}**")
            chart = _forest(site.data_version(), language(), view, part, mine, drawn[other])
            facts = {"n": len(mine), "largest": mine[0]["label"], "smallest": mine[-1]["label"]}
            alt = f"{t('depth.ablation.alt', part=t(f'depth.part.{part}'), **facts)} {t('depth.alt.table')}"
            st.vega_lite_chart(spec=dict(chart), key=f"depth.forest.{part}", alt=alt)
    missing = _without_a_pair(view)
    told = t("depth.ablation.missing", depths=", ".join(map(str, missing))) + " " if missing else ""
    st.caption(told + t("depth.ablation.caption"))
    table(pa.Table.from_pylist(rows), t("depth.ablation.table"))


@st.cache_data(max_entries=32, show_spinner=False)
def _forest(
    version: str, language: str, view: View, part: str, _rows: list[dict[str, Any]], _beside: list[dict[str, Any]]
) -> dict[str, Any]:
    """The forest plot of one part; its rows, and those of the other part beside it, are the contrasts of the view, in words."""
    return forest.draw(_rows, t("depth.ablation.axis"), beside=_beside).specification()


def _row(row: dict[str, Any]) -> dict[str, Any]:
    kind = t(f"depth.architecture.{row['architecture']}")
    places = {"depth": row["depth"], "baseline": row["baseline_depth"], "architecture": kind}
    name = t(f"depth.ablation.row.{row['kind']}", **places)
    value = format.quantity(row["estimate"], row["low"], row["high"], "points")
    return row | {"name": name, "label": f"{name}: {value}, n = {row['n']}"}


def _without_a_pair(view: View) -> list[int]:
    """Depths with runs of both kinds at which no seed trained on both sides, so that there is no difference."""
    paired = {row["depth"] for row in results.contrasts(view) if row["kind"] == "residual_minus_plain"}
    return [depth for depth in sentences.in_common(results.failures(view)) if depth not in paired]


def published_numbers() -> list[str]:
    """The table of the paper and its independent replication as hollow marks, and what later work makes of them; returns the sources."""
    rows = published.published(results.QUESTION)
    st.header(t("question.published"))
    st.markdown(t("depth.published.text"), width=READING)
    grid = st.grid(2, min_column_width=360, gap="large")
    for panel in published.PANELS[results.QUESTION]:
        shown = published.of_panel(rows, panel)
        if shown:
            with grid.cell():
                question_page.draw_panel(results.QUESTION, panel, shown)
    st.subheader(t("depth.later.heading"), anchor=False)
    st.markdown("\n".join(f"- {line}" for line in [*_later(rows), t("depth.later.xiao")]), width=READING)
    question_page.published_table(rows)
    return list(dict.fromkeys(row["source"] for row in rows))


def _later(rows: list[dict[str, Any]]) -> list[str]:
    """What later papers report of still deeper networks, with number and tag as the table of published numbers has them."""
    told = []
    for row in rows:
        key = f"depth.later.{row['series'].removeprefix('residual, ').replace('-', '_').replace(' ', '_')}"
        if row["figure"] == "abstract" and has(key):
            facts = {"layers": format.count(int(row["x"])), "error": f"{row['y']:.2f}%", "source": row["source"]}
            told.append(t(key, **facts, tag=row["tag"]))
    return told
