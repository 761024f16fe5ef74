"""The main picture of each study, and the table behind it."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, format, own_results, views
from explorer.batch_norm import sentences
from explorer.batch_norm.controls import Choices
from explorer.charts import along_steps, error_by_norm, normalizations
from explorer.results import batch_norm as results
from explorer.results import site
from explorer.results.batch_norm import Study
from explorer.section import TABLE_HEIGHT, mean_formats, means_in_words
from explorer.text import language, t

KEY = "batch_norm.main"
SMALL = "batch_norm.small"  # of the same on the home page
SMALL_HEIGHT = 190
LOSS_HEIGHT = 360
AROUND = {"rates": 200, "sizes": 300, "linear": 175}
"""Pixels around the plot, before an audience: axes and legends; the rows of cells and those of the legend come on top."""
WIDE_COLUMNS = 4  # of the legend, before an audience
LEGEND_ROW = 26
OWN_LEGEND = 42


def main_picture(choices: Choices) -> None:
    """Error against learning rate, or against batch size, or the loss along the steps, with every seed."""
    draw(choices, KEY)


def draw(choices: Choices, key: str) -> None:
    """The picture of a study under the element key `key`, and one's own runs over it in words."""
    usual = LOSS_HEIGHT if choices.study.kind == "linear" else error_by_norm.HEIGHT
    versions = site.data_version(), own_results.version()
    columns = WIDE_COLUMNS if views.presented() else normalizations.COLUMNS
    drawn = _chart(versions, language(), choices, views.height(usual, _around(choices)), columns)
    st.vega_lite_chart(spec=views.sized(dict(drawn)), key=key, alt=sentences.alt(choices), width="stretch")
    own_results.legend(
        own_runs(choices), measured(choices), unit="loss" if choices.study.kind == "linear" else "points"
    )


def small(choices: Choices) -> None:
    """The main picture in little, of the published runs alone, for a card."""
    drawn = _chart((site.data_version(), ""), language(), choices, SMALL_HEIGHT, columns=1)
    st.vega_lite_chart(spec=dict(drawn), key=SMALL, alt=sentences.described(choices), width="stretch")


def _around(choices: Choices) -> int:
    around = AROUND[choices.study.kind] + (OWN_LEGEND if own_results.version() else 0)
    if choices.study.kind == "linear":
        return around
    legend = -(-len(choices.norms) // WIDE_COLUMNS)
    return around + error_by_norm.ROW * len(choices.norms) + LEGEND_ROW * legend


def measured(choices: Choices) -> str:
    """The column of the runs that the picture shows, at the end of each."""
    return "train_loss" if choices.study.kind == "linear" else f"{choices.measure}_error"


# Composing a chart takes longer than the queries; the specification is the same for everyone until the data change.
@st.cache_data(max_entries=64, show_spinner=False)
def _chart(versions: tuple[str, str], language: str, choices: Choices, height: int, columns: int) -> dict[str, Any]:
    study, norms = choices.study, list(choices.norms)
    if study.kind == "linear":
        return _loss_along_steps(choices, height, own=bool(versions[1])).specification()
    along = "lr" if study.kind == "rates" else "batch_size"
    y_title = t(f"batch_norm.axis.{choices.measure}_error")
    dots, means, cells = _rows(study, norms, choices.measure, along)
    more = {"own": _own_errors(choices, along) if versions[1] else [], "height": height, "legend_columns": columns}
    if study.kind == "sizes":
        return error_by_norm.over_sizes(dots, means, cells, y_title, **more).specification()
    return error_by_norm.usable_rates(dots, means, cells, _stars(choices), y_title, **more).specification()


def _stars(choices: Choices) -> list[dict[str, Any]]:
    """The mean of each norm at the rate that is its own."""
    own = results.own_rates(choices.study)
    return [
        {"norm": row["norm"], "x": row["lr"], "error": row["mean"]}
        for row in results.means(choices.study, list(choices.norms)).to_pylist()
        if row["measure"] == choices.measure and row["lr"] == own[row["norm"]]
    ]


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


def own_runs(choices: Choices) -> list[dict[str, Any]]:
    """One's own runs of the networks in the picture, with what it shows of a run; whether a run is near its best is not known of them."""
    rows = results.runs(choices.study, list(choices.norms))
    if choices.study.kind == "linear":
        found = own_results.over(rows, results.OWN_MEASURES, results.OWN_LOSSES)
    else:
        found = [row | {"train_loss": None} for row in own_results.over(rows)]
    return [row | {"near_best": None} for row in found]


def _own_errors(choices: Choices, along: str) -> list[dict[str, Any]]:
    """One's own runs that came to the end, as charts/error_by_norm.py takes them."""
    error = measured(choices)
    return [
        row | {"x": row[along], "error": row[error], "difference": own_results.apart(row, error)}
        | {"href": address.link("runs", run=row["run_id"])}
        for row in own_runs(choices)
        if row[error] is not None
    ]  # fmt: skip


def _own_losses(choices: Choices, published: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The losses of one's own runs that came to the end, each beside the published one of the same run and step."""
    theirs = {(row["run_id"], row["epoch"]): row["train_loss"] for row in published}
    found = []
    for row in own_runs(choices):
        for point in row["curve"] if row["train_loss"] is not None else []:
            their = theirs.get((row["run_id"], point["epoch"]))
            apart = None if their is None else point["train_loss"] - their
            found.append(linked(row) | {"x": point["epoch"], "value": point["train_loss"], "difference": apart})
    return found


def _loss_along_steps(choices: Choices, height: int, own: bool) -> Any:
    """The train loss of every seed along the steps, both axes logarithmic."""
    training = results.training(choices.study, list(choices.norms)).to_pylist()
    rows = [linked(row) | {"x": row["epoch"], "value": row["train_loss"]} for row in training]
    mine = _own_losses(choices, training) if own else []
    return along_steps.lines(
        rows, t("batch_norm.axis.loss"), own=mine, height=height, x_title=t("batch_norm.axis.step")
    )


def linked(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its learning rate in words and the address of its run."""
    return dict(row) | {"rate": format.rate(row["lr"]), "href": address.link("runs", run=row["run_id"])}


def shown_runs(choices: Choices) -> pa.Table:
    """The runs behind the picture, and beside them one's own where there are some."""
    factor = 1 if choices.study.kind == "linear" else 100
    rows = results.runs(choices.study, list(choices.norms))
    return own_results.beside(rows, own_runs(choices), measured(choices), factor)


def table(choices: Choices) -> pa.Table:
    """Draws the runs behind the picture, each with a link, and returns them as they are."""
    rows = shown_runs(choices)
    title = t("batch_norm.table.title")
    with st.expander(title, icon=":material/table:"):
        st.dataframe(
            own_results.columns(_in_words(rows, choices.study), rows, measured(choices)),
            hide_index=True,
            height=TABLE_HEIGHT,
            alt=title,
            column_config=_columns(),
            key="batch_norm.table",
        )
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
        told |= {name: column(f"{part}_error") for part, name in _errors().items()}
    if study.kind == "rates":
        told |= {t("batch_norm.table.own"): column("own"), t("batch_norm.table.near_best"): column("near_best")}
    return told if study.kind == "linear" else told | means_in_words(rows, _errors("train", "test"))


def _errors(*parts: str) -> dict[str, str]:
    return {part: t(f"batch_norm.axis.{part}_error") for part in parts or ("train", "val", "test")}


def _columns() -> dict[str, Any]:
    percent = st.column_config.NumberColumn(format="percent")
    errors = {name: percent for name in _errors().values()}
    return (
        errors
        | mean_formats(_errors("train", "test"))
        | own_results.formats()
        | {t("batch_norm.table.run"): st.column_config.LinkColumn(display_text=r"run=([0-9a-f]+)")}
    )
