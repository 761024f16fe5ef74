"""The main picture of each study, and the table behind it."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, views
from explorer.batch_norm import sentences
from explorer.batch_norm.controls import Choices
from explorer.charts import along_steps, error_by_norm, normalizations
from explorer.charts.error_by_norm import rate_name
from explorer.results import batch_norm as results
from explorer.results import site
from explorer.results.batch_norm import Study
from explorer.section import TABLE_HEIGHT
from explorer.text import language, t

KEY = "batch_norm.main"


def main_picture(choices: Choices) -> None:
    """Error against learning rate, or against batch size, or the loss along the steps, with every seed."""
    drawn = chart(site.data_version(), language(), choices)
    st.vega_lite_chart(spec=views.sized(dict(drawn)), key=KEY, alt=sentences.alt(choices), width="stretch")


# Composing a chart takes longer than the queries; the specification is the same for everyone until the data change.
@st.cache_data(max_entries=64, show_spinner=False)
def chart(version: str, language: str, choices: Choices) -> dict[str, Any]:
    study, norms = choices.study, list(choices.norms)
    if study.kind == "linear":
        return loss_along_steps(study, norms).specification()
    along = "lr" if study.kind == "rates" else "batch_size"
    y_title = t(f"batch_norm.axis.{choices.measure}_error")
    dots, means, cells = _rows(study, norms, choices.measure, along)
    if study.kind == "sizes":
        return error_by_norm.over_sizes(dots, means, cells, y_title).specification()
    return error_by_norm.usable_rates(dots, means, cells, sentences.notes(choices), y_title).specification()


def _rows(study: Study, norms: list[str], measure: str, along: str) -> tuple[list[dict], list[dict], list[dict]]:
    """Dots, means and cells as charts/error_by_norm.py takes them."""
    runs = results.runs(study, norms).to_pylist()
    dots = [
        {"norm": row["norm"], "x": row[along], "seed": row["seed"], "error": row[f"{measure}_error"]}
        | {"href": address.link("runs", run=row["run_id"])}
        for row in runs
        if row[f"{measure}_error"] is not None
    ]
    means = [row | {"x": row[along]} for row in results.means(study, norms).to_pylist() if row["measure"] == measure]
    by_place = {(row["norm"], row["x"]): row["mean"] for row in means}
    cells = [
        row | {"x": row[along], "mean": by_place.get((row["norm"], row[along])), "href": runs_link(study, row, along)}
        for row in results.cells(study, norms)
    ]
    return dots, means, cells


def runs_link(study: Study, row: Mapping[str, Any], along: str) -> str:
    """The list of runs of one cell: its norm and what the study varies, where it varies it."""
    varied = {along: row[along]} if along == "lr" or study.kind == "sizes" else {}
    return address.link("runs", study=study.name, norm=row["norm"], **varied)


def loss_along_steps(study: Study, norms: list[str]) -> Any:
    """The train loss of every seed along the steps, both axes logarithmic."""
    rows = [linked(row) | {"x": row["epoch"], "value": row["train_loss"]} for row in results.training(study, norms).to_pylist()]  # fmt: skip
    return along_steps.lines(rows, t("batch_norm.axis.loss"), x_title=t("batch_norm.axis.step"), height=360)


def linked(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its learning rate in words and the address of its run."""
    return dict(row) | {"rate": rate_name(row["lr"]), "href": address.link("runs", run=row["run_id"])}


def table(choices: Choices) -> pa.Table:
    """Draws the runs behind the picture, each with a link, and returns them as they are."""
    rows = results.runs(choices.study, list(choices.norms))
    title = t("batch_norm.table.title")
    with st.expander(title, icon=":material/table:"):
        st.dataframe(
            _in_words(rows, choices.study), hide_index=True, height=TABLE_HEIGHT, alt=title, column_config=_columns(), key="batch_norm.table"
        )  # fmt: skip
    return rows


def _in_words(rows: pa.Table, study: Study) -> dict[str, list[Any]]:
    def column(name: str) -> list[Any]:
        return rows[name].to_pylist()

    told = {
        t("batch_norm.axis.norm"): [normalizations.name(norm) for norm in column("norm")],
        t("batch_norm.axis.rate"): column("lr"),
        t("batch_norm.axis.batch_size"): column("batch_size"),
        t("site.seed"): column("seed"),
        t("runs.status"): [t(f"site.status.{status}") for status in column("status")],
        t("batch_norm.axis.loss"): column("train_loss"),
        t("batch_norm.table.run"): [address.link("runs", run=run_id) for run_id in column("run_id")],
    }
    if study.kind != "linear":
        told |= {t(f"batch_norm.axis.{part}_error"): column(f"{part}_error") for part in ("train", "val", "test")}
    if study.kind == "rates":
        told |= {t("batch_norm.table.own"): column("own"), t("batch_norm.table.near_best"): column("near_best")}
    return told


def _columns() -> dict[str, Any]:
    percent = st.column_config.NumberColumn(format="percent")
    errors = {t(f"batch_norm.axis.{part}_error"): percent for part in ("train", "val", "test")}
    return errors | {t("batch_norm.table.run"): st.column_config.LinkColumn(display_text=r"run=([0-9a-f]+)")}
