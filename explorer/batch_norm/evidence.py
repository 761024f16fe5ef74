"""What else was measured: norm against batch size, and the paired differences from batch normalization."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import claim_parts, format
from explorer.batch_norm import picture, sentences
from explorer.batch_norm.controls import Choices
from explorer.charts import forest, normalizations
from explorer.question_page import READING
from explorer.results import batch_norm as results
from explorer.results import site, verdicts
from explorer.results.batch_norm import Study
from explorer.section import begin, table
from explorer.text import language, t

OWN = {
    "rates": ("final_test_error_norm_minus_batch_norm", "mean_train_error_norm_minus_batch_norm"),
    "sizes": ("final_test_error_norm_minus_batch_norm", "final_train_error_norm_minus_batch_norm"),
    "linear": (sentences.LAST_LOSS,),
}
"""The forests of a kind of study, side by side."""
AT_ONE_RATE = "final_test_error_none_minus_batch_norm_at_one_rate"
ANCHORS = {"sizes": "batch-size", "ablations": "ablations"}


def batch_sizes(studies: list[Study]) -> None:
    """Norm against batch size: the mean test error as a map under the seeds, of the first of the studies that vary it."""
    study = next(iter(studies), None)
    if study is None:
        st.subheader(t("batch_norm.sizes.question"), anchor=ANCHORS["sizes"])
        st.markdown(t("batch_norm.not_measured", study="`batch_norm/batch_size`"), width=READING)
        return
    choices = Choices(study, tuple(results.norms(study)), "test")
    begin(sentences.title(study), sentences.subtitle(choices), anchor=ANCHORS["sizes"])
    picture.draw(choices, "batch_norm.sizes")
    st.caption(sentences.caption(choices))
    table(picture.shown_runs(choices), t("batch_norm.sizes.table"))


def ablations(study: Study) -> None:
    """Every norm minus batch normalization as forest plots, and the network without a norm at each learning rate."""
    found = verdicts.verdict("N5", study.name)
    rows = results.contrasts(study)
    badges = [verdicts.badge("N5", found)] if study.kind == "rates" else []
    subtitle = t(f"batch_norm.ablation.subtitle.{study.kind}", setup=sentences.network(study))
    heading = sentences.heading("ablation", found) if study.kind == "rates" else t("batch_norm.ablation.question")
    begin(heading, subtitle, *badges, anchor=ANCHORS["ablations"])
    if not rows:
        st.markdown(t("batch_norm.ablation.none"), width=READING)
        return
    shown = [(quantity, _rows(study, quantity)) for quantity in OWN[study.kind]]
    if study.kind == "rates":
        shown.append((AT_ONE_RATE, _rows(study, AT_ONE_RATE)))
    grid = st.grid(max(1, min(len(shown), 3)), min_column_width=300, gap="medium")
    for quantity, mine in shown:
        if not mine:
            continue
        with grid.cell():
            st.markdown(f"**{t(f'batch_norm.ablation.{quantity}')}**")
            chart = _forest(site.data_version(), language(), study, quantity)
            largest = max(mine, key=lambda row: abs(row["estimate"]))
            smallest = min(mine, key=lambda row: abs(row["estimate"]))
            facts = {"n": len(mine), "largest": largest["label"], "smallest": smallest["label"]}
            alt = f"{t('batch_norm.alt.forest', what=t(f'batch_norm.ablation.{quantity}'), **facts)} {t('batch_norm.alt.table')}"  # fmt: skip
            st.vega_lite_chart(spec=dict(chart), key=f"batch_norm.forest.{quantity}", alt=alt)
    if found and study.kind == "rates":
        st.markdown("\n".join(f"- {claim_parts.measured(part)}" for part in found.parts), width=READING)
    st.caption(" ".join([*_missing(study), t("batch_norm.ablation.caption")]))
    table(pa.Table.from_pylist(rows), t("batch_norm.ablation.table"))


@st.cache_data(max_entries=32, show_spinner=False)
def _forest(version: str, language: str, study: Study, quantity: str) -> dict[str, Any]:
    rows = _rows(study, quantity)
    unit = "log10" if quantity == sentences.LAST_LOSS else "points"
    return forest.draw(rows, t(f"batch_norm.ablation.axis.{unit}")).specification()


def _rows(study: Study, quantity: str) -> list[dict[str, Any]]:
    """The rows of a forest: largest effect first, over learning rates and batch sizes in their order."""
    rows = [row for row in results.contrasts(study) if row["quantity"] == quantity]
    if quantity == AT_ONE_RATE:
        rows.sort(key=lambda row: row["lr"])
    elif study.kind == "sizes":
        rows.sort(key=lambda row: (row["batch_size"], row["norm"]))
    return [_row(study, row) for row in rows]


def _row(study: Study, row: dict[str, Any]) -> dict[str, Any]:
    norm = normalizations.name(row["norm"])
    if row["quantity"] == AT_ONE_RATE:
        name = t("batch_norm.ablation.row.rate", rate=format.rate(row["lr"]))
    elif study.kind == "sizes":
        name = t("batch_norm.ablation.row.size", norm=norm, size=format.count(row["batch_size"]))
    else:
        name = t("batch_norm.ablation.row.own", norm=norm)
    value = format.quantity(row["estimate"], row["low"], row["high"], row["unit"])
    return row | {"name": name, "label": f"{name}: {value}, n = {row['n']}"}


def _missing(study: Study) -> list[str]:
    """Norms of the study that no seed pairs with batch normalization, so that there is no difference."""
    there = {row["norm"] for row in results.contrasts(study)} | {results.BATCH}
    names = [normalizations.name(norm) for norm in results.norms(study) if norm not in there]
    return [t("batch_norm.ablation.missing", names=", ".join(names))] if names else []
