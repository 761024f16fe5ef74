"""The main picture and what moves with its cell: the linked map, the runs behind the cell, and the small multiples."""

import json
import math
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from explorer import address, database, format, own_results, views
from explorer.charts import linked_map, names, panels
from explorer.double_descent import controls, sentences
from explorer.double_descent.controls import Choices
from explorer.footer import commands_button, table_button
from explorer.question_page import READING
from explorer.results import cells as cell_results
from explorer.results import generalization as results
from explorer.results import site
from explorer.results.generalization import Axes, Map, Row, Study
from explorer.section import repeats, table
from explorer.text import language, t

BESIDE = 1 / 12  # of the columns: half of a name
LEAST_ROOM = 2  # columns between the peak and an end of the map
MARGINS, BELOW = 56, 10  # pixels beside and under the picture on a projector
MOST_PANELS = 8


@st.fragment(key="generalization.map")
def main_picture(
    chart: str, start: tuple[int, int], default: tuple[int, int], choices: Choices, axes: Axes, alt: str
) -> None:
    """The linked map under the element key `chart`, starting at the cell `start`. A pick is drawn in the browser; the server learns of it
    for the address."""
    versions = site.data_version(), own_results.version()
    room = (views.screen()[0] - MARGINS, views.height(0, BELOW)) if views.presented() else None
    specification = _linked_map(versions, language(), choices, start, room)
    st.vega_lite_chart(
        spec=views.sized(dict(specification)),
        key=chart,
        on_select=lambda: controls.remember(chart, choices.map, axes, default),
        selection_mode="cell",
        alt=alt,
        width="content" if room else "stretch",
    )


# Composing the chart takes longer than all else on the page; the specification is the same for everyone until the data change.
@st.cache_data(max_entries=32, show_spinner=False)
def _linked_map(
    versions: tuple[str, str],
    language: str,
    choices: Choices,
    start: tuple[int, int],
    screen: tuple[int, int] | None,
) -> dict[str, Any]:
    shown, view = choices.map, choices.view
    axes = results.axes(shown)
    row = results.last_row(shown)
    return linked_map.draw(
        shown_cells(choices, axes),
        axes,
        view,
        results.colour_limits(shown.study, view.measure, choices.scale),
        start,
        choices.level,
        results.threshold(shown, choices.level),
        results.ridge(shown, view.reading),
        _notes(row, axes, results.ridge(shown, "across"), lambda epoch: results.along_the_row(shown, epoch=epoch))
        if view.measure == "test"
        else [],
        slice_limits(shown.study, view),
        screen=screen,
    ).specification()


def slice_limits(study: Study, view: linked_map.View) -> tuple[float, float]:
    """The ends of the slices' error axis, the same for all maps and cells of a study: a linear one may leave the highest values out, a
    logarithmic one has room for all, rounded up to two digits."""
    if not view.log:
        return results.slice_limits(study, view.measure)
    highest = cell_results.highest(study, view.measure)
    if highest <= 0:
        return 0.0, 1.0
    step = 10.0 ** (math.floor(math.log10(highest)) - 1)
    return 0.0, float(f"{step * math.ceil(highest / step):.2g}")


def shown_cells(choices: Choices, axes: Axes) -> pa.Table:
    """The cells in the picture, and beside them what one's own results have of them."""
    cells = cell_results.cells(choices.map, choices.view.measure, axes.seeds)
    return cell_results.with_own(cells, cell_results.own_cells(choices.map, choices.view.measure))


def _notes(
    row: Row | None, axes: Axes, ridge: pa.Table, along: Callable[[int], list[dict[str, Any]]]
) -> list[tuple[int, int, str]]:
    """Names for the regions of a map with a clear peak, each where it is found: beside the ridge, left of the peak, and where the error of
    its row is below that row's peak by intervals that do not overlap. With fewer than two columns between the peak and an end of the map
    there is no room for a name on that side. `ridge` is that across, `along(epoch)` the test error over the widths."""
    if row is None or not row.clear:
        return []
    place, end = axes.widths.index, len(axes.widths) - 1
    peaks = {each["at"]: place(each["position"]) for each in ridge.to_pylist() if each["clear"]}
    before, peak = place(row.before["width"]), place(row.peak["width"])
    at = lambda share, epochs: min(epochs, key=lambda epoch: abs(axes.epochs.index(epoch) - share * len(axes.epochs)))
    top = at(0.94, list(peaks))  # below the outline of the cell that is picked at first
    beside = min(end, peaks[top] + max(1, round(BESIDE * len(axes.widths))))
    found = [(axes.widths[beside], top, t("generalization.note.peak"))]
    if before and peak > LEAST_ROOM:
        found.append((axes.widths[before], at(0.5, axes.epochs), t("generalization.note.before")))
    high = at(0.86, axes.epochs)
    peak = max(peak, peaks.get(high, peak))
    after = _below(along(high), axes.widths[peak])
    if after and end - peak > LEAST_ROOM:
        middle = min(map(place, after), key=lambda column: abs(column - (peak + end) / 2))
        found.append((axes.widths[middle], high, t("generalization.note.after")))
    return found


def _below(cells: list[dict[str, Any]], peak: int) -> list[int]:
    """The widths beyond the peak, but for the widest, whose interval lies below that of the peak."""
    low = next((cell["low"] for cell in cells if cell["width"] == peak), None)
    beyond = [cell for cell in cells[:-1] if cell["width"] > peak and cell["high"] is not None]
    return [cell["width"] for cell in beyond if low is not None and cell["high"] < low]


def legend(choices: Choices, axes: Axes, cells: pa.Table) -> str:
    """What the line, the dots and the signs on the map are."""
    shown = choices.map
    threshold, ridge = results.threshold(shown, choices.level), results.ridge(shown, choices.view.reading)
    lines = sentences.legend(choices.level, threshold, ridge, choices.view, axes)
    return " ".join([lines, *sentences.signs(cells, axes, axes.x)])


def own_legend(choices: Choices) -> None:
    """What is drawn of one's own runs; nothing without a second file."""
    if database.own_meta() is None:
        return
    own, file = cell_results.own_cells(choices.map, choices.view.measure), f"`{database.own_location().name}`"
    if own is None:
        st.caption(t("site.own.none_here", file=file))
        return
    apart = [abs(value) for value in own["difference"].to_pylist() if value is not None]
    told = [t("generalization.legend.own", file=file, n=format.count(own.num_rows))]
    if apart and choices.view.measure != "loss":
        told.append(t("generalization.legend.own_apart", size=format.points(max(apart) / 100, 2, signed=False)))
    st.caption(" ".join(told))


@st.fragment(key="generalization.cell")
def runs_of_the_cell(choices: Choices, axes: Axes, default: tuple[int, int]) -> None:
    """The runs behind the picked cell, each with the way to its page and the command that repeats it."""
    width, epoch = controls.picked(axes, default)
    runs = cell_results.runs_of_cell(choices.map, width, epoch)
    st.subheader(t("generalization.cell.title", place=names.place(axes, width), moment=names.moment(axes, epoch)))
    st.markdown(_cell_in_words(choices.map, width, epoch, axes, runs))
    if runs.num_rows == 0:
        return
    shown = _run_table(runs, axes) | _own_columns(runs, epoch)
    st.dataframe(
        shown,
        hide_index=True,
        alt=t("generalization.cell.alt", n=runs.num_rows),
        column_config={
            t("generalization.cell.run"): st.column_config.LinkColumn(display_text=r"run=([0-9a-f]+)"),
            t("generalization.curve.test_error"): st.column_config.NumberColumn(format="percent"),
            t("generalization.curve.train_error"): st.column_config.NumberColumn(format="percent"),
            t("runs.column.own_test_error"): st.column_config.NumberColumn(format="percent"),
            t("runs.column.difference"): st.column_config.NumberColumn(format="%+.2f"),
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
        commands_button(t("generalization.cell.repeat"), t("generalization.cell.repeat_text"), repeats(runs))
        name = f"{choices.map.study.code}-{axes.x}-{width}-{axes.clock}-{epoch}-noise-{choices.map.noise:g}.csv"
        table_button(t("site.footer.csv"), lambda: runs, name, "generalization.cell.csv")
        with st.popover("SQL", icon=":material/code:"):
            st.code(
                filled(cell_results.runs_of_cell_sql(choices.map), choices.map, width=width, epoch=epoch), language=None
            )


def _cell_in_words(shown: Map, width: int, epoch: int, axes: Axes, runs: pa.Table) -> str:
    means = cell_results.cell_means(shown, width, epoch)
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


def _run_table(runs: pa.Table, axes: Axes) -> dict[str, list[Any]]:
    def column(name: str) -> list[Any]:
        return runs[name].to_pylist()

    return {
        t("generalization.cell.run"): [address.link("runs", run=run_id) for run_id in column("run_id")],
        t("site.seed"): column("seed"),
        t("generalization.cell.status"): [t(f"site.status.{status}") for status in column("status")],
        t("generalization.curve.test_error"): column("test_error"),
        t("generalization.curve.train_error"): column("train_error"),
        t("generalization.measure.loss"): [None if value is None else round(value, 3) for value in column("test_loss")],
        t("generalization.cell.best_epoch", clock=names.clock_word(axes)): column("best_epoch"),
        t("generalization.cell.seconds"): [round(seconds, 1) for seconds in column("wall_s")],
        t("generalization.cell.device"): column("device"),
        t("generalization.cell.commit"): [commit[:10] for commit in column("git_commit")],
    }


def _own_columns(runs: pa.Table, epoch: int) -> dict[str, list[Any]]:
    """One's own test error at the same epoch and its difference in points, where one's own results lie over the published ones."""
    if database.own_meta() is None:
        return {}
    found = cell_results.own_test_errors(runs["run_id"].to_pylist(), epoch)
    own = [found.get(run_id) for run_id in runs["run_id"].to_pylist()]
    pairs = zip(own, runs["test_error"].to_pylist(), strict=True)
    apart = [None if None in pair else 100 * (pair[0] - pair[1]) for pair in pairs]
    return {t("runs.column.own_test_error"): own, t("runs.column.difference"): apart}


@st.fragment(key="generalization.panels")
def small_multiples(
    choices: Choices, maps: list[Map], axes: Axes, default: tuple[int, int], absence: str | None
) -> None:
    """The same map over the variants of its study, or over the label noise where its maps differ in nothing else: one colour scale, one
    picked cell. `absence` is the verdict on the claim that clean labels show no peak."""
    kind = "variant" if choices.map.variant else "noise"
    st.header(t(f"generalization.panels.heading.{kind}"))
    st.markdown(t(f"generalization.panels.text.{kind}"), width=READING)
    cell = controls.picked(axes, default)
    shown = multiples(choices.map, maps)
    cells = cell_results.errors_of_maps(shown, choices.view.measure)
    grid = st.grid(max(3, -(-len(shown) // -(-len(shown) // 4))), min_column_width=230, gap="small")
    for each in shown:
        with grid.cell():
            st.markdown(f"**{_panel_title(each)}**")
            row, own = results.last_row(each), results.axes(each)
            here = controls.nearest(own.widths, cell[0]), controls.nearest(own.epochs, cell[1])
            specification = _panel(site.data_version(), language(), each, choices, here)
            alt = sentences.row_alt(row, each) if row else None
            st.vega_lite_chart(spec=dict(specification), key=f"generalization.panel.{each.key}", alt=alt)
            signs = sentences.signs(cells.filter(pc.equal(cells["map"], each.key)), own, own.x)
            st.caption(" ".join([_panel_caption(each, own, here, choices, row, absence), *signs]))
    if len(shown) < len(multiples(choices.map, maps, most=len(maps))):
        st.caption(t("generalization.panels.more", shown=len(shown)))
    table(cells, t("generalization.panels.table"))


def multiples(shown: Map, maps: list[Map], most: int = MOST_PANELS) -> list[Map]:
    """Which maps stand side by side: the variants at the chosen label noise, or the label noises of a study without variants."""
    return [each for each in maps if not shown.variant or each.noise == shown.noise][:most]


def _panel_title(shown: Map) -> str:
    if shown.variant:
        return controls.variant(shown)
    if shown.noise == 0:
        return t("generalization.panels.clean")
    return t("generalization.panels.noise", noise=format.percent(shown.noise, 0))


@st.cache_data(max_entries=64, show_spinner=False)
def _panel_chart(version: str, language: str, shown: Map, measure: str, scale: str) -> dict[str, Any]:
    cells = cell_results.errors_of_maps([shown], measure)
    axes = results.axes(shown)
    limits = results.colour_limits(shown.study, measure, scale)
    first = axes.widths[0], axes.epochs[0]
    return panels.draw(cells, axes, linked_map.View(measure), limits, first).specification()


def _panel(version: str, language: str, shown: Map, choices: Choices, cell: tuple[int, int]) -> dict[str, Any]:
    """The panel with the picked cell exchanged: its one row is the only thing that changes with a pick."""
    drawn = _panel_chart(version, language, shown, choices.view.measure, choices.scale)
    return {**drawn, "datasets": {**drawn["datasets"], "picked": panels.place(cell, results.axes(shown))}}


def _panel_caption(
    shown: Map, axes: Axes, cell: tuple[int, int], choices: Choices, row: Row | None, absence: str | None
) -> str:
    width, epoch = cell
    means = cell_results.cell_means(shown, width, epoch)
    key = results.COLOURED[choices.view.measure]
    parts = []
    if key in means and key != "test_loss":
        parts.append(
            t(
                "generalization.panels.cell",
                place=names.place(axes, width),
                moment=names.moment(axes, epoch),
                value=sentences.cell(means[key]),
            )
        )
    if choices.view.measure == "test":
        if shown.noise == 0 and not shown.variant and absence is not None:
            parts.insert(0, t(f"generalization.panels.absence.{absence}"))
        elif row is not None and row.clear:
            peak = names.place(axes, row.peak["width"])
            parts.insert(0, t("generalization.panels.peak", place=peak, value=sentences.cell(row.peak)))
        elif row is not None and row.widest["n"] >= sentences.FEWEST_SEEDS:
            parts.insert(0, t("generalization.panels.no_peak"))
    return " ".join(parts)


def filled(sql: str, shown: Map, **values: Any) -> str:
    """A statement with its parameters written in, to be run as it stands, under a line that says which map its number means."""
    for name, value in {"map": shown.key, **values}.items():
        sql = sql.replace(f"${name}", str(value))
    told = [f"label_noise {shown.noise:g}", *(f"{name} {format.plain(value)}" for name, value in shown.variant)]
    return f"-- map {shown.key}: {shown.study.name}, {', '.join(told)}\n{sql.strip()}"
