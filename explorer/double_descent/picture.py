"""The main picture and what moves with its cell: the linked map, the runs behind the cell, and the small multiples."""

import json
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, format
from explorer.charts import linked_map, panels
from explorer.double_descent import controls, sentences
from explorer.double_descent.controls import Choices
from explorer.footer import as_csv
from explorer.results import generalization as results
from explorer.results import site
from explorer.results.generalization import Axes, Row
from explorer.text import language, t

TABLE_HEIGHT = 320
MOST_NOTES = 3


@st.fragment(key="generalization.map")
def main_picture(
    chart: str, start: tuple[int, int], default: tuple[int, int], choices: Choices, axes: Axes, alt: str
) -> None:
    """The linked map under the element key `chart`, starting at the cell `start`. A pick is drawn in the browser; the server learns of it
    for the address."""
    specification = _linked_map(site.data_version(), language(), choices, start)
    st.vega_lite_chart(
        spec=dict(specification),
        key=chart,
        on_select=lambda: controls.remember(chart, axes, default),
        selection_mode="cell",
        alt=alt,
        width="stretch",
    )


# Composing the chart takes longer than all else on the page; the specification is the same for everyone until the data change.
@st.cache_data(max_entries=32, show_spinner=False)
def _linked_map(version: str, language: str, choices: Choices, start: tuple[int, int]) -> dict[str, Any]:
    axes, view = results.axes(), choices.view
    row = results.last_row(choices.noise)
    return linked_map.draw(
        results.cells(choices.noise, view.measure, axes.seeds),
        axes,
        view,
        results.colour_limits(view.measure),
        start,
        choices.level,
        results.threshold(choices.noise, choices.level),
        results.ridge(choices.noise, view.reading),
        _notes(row, axes) if view.measure == "test" else [],
        results.slice_limits(view.measure),
    ).specification()


def _notes(row: Row | None, axes: Axes) -> list[tuple[int, int, str]]:
    """Names for the three regions of a map with a clear peak, beside what they name."""
    if row is None or not row.clear:
        return []
    place = axes.widths.index
    top, high, middle = (axes.epochs[round(share * (len(axes.epochs) - 1))] for share in (0.97, 0.86, 0.5))
    before, peak, end = place(row.before["width"]), place(row.peak["width"]), len(axes.widths) - 1
    return [
        (axes.widths[before], middle, t("generalization.note.before")),
        (axes.widths[min(peak + 4, end)], top, t("generalization.note.peak")),
        (axes.widths[(min(peak + 6, end) + end) // 2], high, t("generalization.note.after")),
    ][:MOST_NOTES]


def table(cells: pa.Table, title: str) -> None:
    """The table behind a chart."""
    with st.expander(title, icon=":material/table:"):
        st.dataframe(cells, hide_index=True, height=TABLE_HEIGHT, alt=title)


@st.fragment(key="generalization.cell")
def runs_of_the_cell(choices: Choices, axes: Axes, default: tuple[int, int]) -> None:
    """The runs behind the picked cell, each with the way to its page and the command that repeats it."""
    width, epoch = controls.picked(axes, default)
    runs = results.runs_of_cell(choices.noise, width, epoch)
    st.subheader(t("generalization.cell.title", width=format.count(width), epoch=format.count(epoch)))
    st.markdown(_cell_in_words(choices.noise, width, epoch, axes, runs))
    if runs.num_rows == 0:
        return
    shown = _run_table(runs)
    st.dataframe(
        shown,
        hide_index=True,
        alt=t("generalization.cell.alt", n=runs.num_rows),
        column_config={
            t("generalization.cell.run"): st.column_config.LinkColumn(display_text=r"run=([0-9a-f]+)"),
            t("generalization.curve.test_error"): st.column_config.NumberColumn(format="percent"),
            t("generalization.curve.train_error"): st.column_config.NumberColumn(format="percent"),
        },
    )
    settings = json.loads(runs["settings"][0].as_py())
    st.caption(
        t(
            "generalization.cell.configuration",
            settings=", ".join(f"{name} = {value}" for name, value in sorted(settings.items())),
        )
    )
    with st.container(horizontal=True):
        with st.popover(t("generalization.cell.repeat"), icon=":material/replay:"):
            st.caption(t("generalization.cell.repeat_text"))
            st.code(
                "\n".join(f"python -m precompute run --run-id {run_id}" for run_id in runs["run_id"].to_pylist()),
                language=None,
            )
        st.download_button(
            t("site.footer.csv"),
            data=lambda: as_csv(runs),
            file_name=f"width-{width}-epoch-{epoch}-noise-{choices.noise:g}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="generalization.cell.csv",
        )
        with st.popover("SQL", icon=":material/code:"):
            st.code(filled(results.RUNS_OF_CELL, choices.noise, width=width, epoch=epoch), language=None)


def _cell_in_words(noise: float, width: int, epoch: int, axes: Axes, runs: pa.Table) -> str:
    means = results.cell_means(noise, width, epoch)
    parameters = format.count(axes.parameters[axes.widths.index(width)])
    statuses = runs["status"].to_pylist()
    counts = ", ".join(
        f"{statuses.count(status)} {t(f'site.status.{status}')}" for status in site.STATUSES if status in statuses
    )
    if "test_error" not in means:
        return t("generalization.cell.no_value", parameters=parameters, runs=counts or t("generalization.cell.not_run"))
    return t(
        "generalization.cell.text",
        parameters=parameters,
        test=sentences.cell(means["test_error"]),
        train=sentences.cell(means["train_error"]),
        runs=counts,
    )


def _run_table(runs: pa.Table) -> dict[str, list[Any]]:
    def column(name: str) -> list[Any]:
        return runs[name].to_pylist()

    return {
        t("generalization.cell.run"): [address.link("runs", run=run_id) for run_id in column("run_id")],
        t("site.seed"): column("seed"),
        t("generalization.cell.status"): [t(f"site.status.{status}") for status in column("status")],
        t("generalization.curve.test_error"): column("test_error"),
        t("generalization.curve.train_error"): column("train_error"),
        t("generalization.measure.loss"): [None if value is None else round(value, 3) for value in column("test_loss")],
        t("generalization.cell.best_epoch"): column("best_epoch"),
        t("generalization.cell.seconds"): [round(seconds, 1) for seconds in column("wall_s")],
        t("generalization.cell.device"): column("device"),
        t("generalization.cell.commit"): [commit[:10] for commit in column("git_commit")],
    }


@st.fragment(key="generalization.panels")
def small_multiples(
    choices: Choices, noises: list[float], axes: Axes, default: tuple[int, int], absence: str | None
) -> None:
    """The same map at every label noise, one colour scale, one picked cell; `absence` is the verdict on G3."""
    cell = controls.picked(axes, default)
    cells = results.errors_over_noises(choices.view.measure)
    for place, noise in zip(st.columns(max(3, len(noises)), gap="small"), noises, strict=False):
        with place:
            st.markdown(
                f"**{t('generalization.panels.clean') if noise == 0 else t('generalization.panels.noise', noise=format.percent(noise, 0))}**"
            )
            row = results.last_row(noise)
            specification = _panel(site.data_version(), language(), noise, choices.view, cell)
            alt = sentences.row_alt(row, noise) if row else None
            st.vega_lite_chart(spec=dict(specification), key=f"generalization.panel.{noise:g}", alt=alt)
            st.caption(_panel_caption(noise, cell, choices, row, absence))
    table(cells, t("generalization.panels.table"))


@st.cache_data(max_entries=64, show_spinner=False)
def _panel_chart(version: str, language: str, noise: float, view: linked_map.View) -> dict[str, Any]:
    cells = results.errors_over_noises(view.measure)
    mine = cells.filter(pa.compute.equal(cells["noise"], noise))
    axes = results.axes()
    return panels.draw(
        mine, axes, view, results.colour_limits(view.measure), (axes.widths[0], axes.epochs[0])
    ).specification()


def _panel(version: str, language: str, noise: float, view: linked_map.View, cell: tuple[int, int]) -> dict[str, Any]:
    """The panel with the picked cell exchanged: its one row is the only thing that changes with a pick."""
    drawn = _panel_chart(version, language, noise, linked_map.View(view.measure))
    return {**drawn, "datasets": {**drawn["datasets"], "picked": panels.place(cell, results.axes())}}


def _panel_caption(noise: float, cell: tuple[int, int], choices: Choices, row: Row | None, absence: str | None) -> str:
    width, epoch = cell
    means = results.cell_means(noise, width, epoch)
    key = results.COLOURED[choices.view.measure]
    parts = []
    if key in means and key != "test_loss":
        parts.append(
            t(
                "generalization.panels.cell",
                width=format.count(width),
                epoch=format.count(epoch),
                value=sentences.cell(means[key]),
            )
        )
    if choices.view.measure == "test":
        if noise == 0 and absence is not None:
            parts.insert(0, t(f"generalization.panels.absence.{absence}"))
        elif row is not None and row.clear:
            parts.insert(
                0,
                t("generalization.panels.peak", width=format.count(row.peak["width"]), value=sentences.cell(row.peak)),
            )
        elif row is not None:
            parts.insert(0, t("generalization.panels.no_peak"))
    return " ".join(parts)


def filled(sql: str, noise: float, **values: Any) -> str:
    """A statement with its parameters written in, to be run as it stands."""
    for name, value in {"study": f"'{results.STUDY}'", "noise": repr(noise), **values}.items():
        sql = sql.replace(f"${name}", str(value))
    return sql.strip()
