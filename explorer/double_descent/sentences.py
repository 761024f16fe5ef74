"""What the page says in words, read from the data: its title, subtitle and captions, and the alternative texts of its charts.

Nothing is estimated here. A lowest or highest mean may be looked up for a sentence; intervals, landmarks and verdicts are read.
"""

from statistics import multimode
from typing import Any

import pyarrow as pa

from explorer import format
from explorer.charts import names
from explorer.charts.linked_map import View
from explorer.double_descent.controls import Choices
from explorer.results import generalization as results
from explorer.results import studies
from explorer.results.generalization import Axes, Map, Row, Study
from explorer.text import t

FEWEST_SEEDS = 3  # for an interval
MOST_PLACES = 6  # that a sentence names one by one


def title(row: Row, study: Study, verdict: str | None) -> str:
    """The finding of a map in at most ten words, from its last row: what the verdict on G1 says, or what the row shows on a map that it was
    not tested on (None). A peak that stands clear of seed noise is one even where the rule asks for more."""
    end = format.percent(row.widest["mean"])
    if row.peak is None or not (row.clear or verdict == "shown" or row.widest["n"] < FEWEST_SEEDS):
        return t("generalization.title.no_peak", first=format.percent(row.narrowest["mean"]), end=end)
    values = {"peak": format.percent(row.peak["mean"]), "end": end}
    if verdict == "shown" or row.clear and verdict in (None, "not tested here"):
        return t(f"generalization.title.shown_{study.x}", **values)
    if row.clear:
        return t("generalization.title.under_the_rule", **values)
    return t("generalization.title.few_seeds", seeds=format.seeds(row.widest["n"]), **values)


def subtitle(choices: Choices, settings: dict[str, Any], seeds: dict[int, int]) -> str:
    """Measure, unit, data, fixed settings and the number of seeds: that of most widths, and the widths that have another; and what the study
    lacks of its planned runs."""
    study = choices.map.study
    most = multimode(seeds.values())[0] if seeds else 0
    others: dict[int, list[str]] = {}
    for width, n in seeds.items():
        if n != most:
            others.setdefault(n, []).append(format.count(width))
    counted = format.seeds(most)
    if others:
        parts = "; ".join(
            t("generalization.subtitle.fewer", seeds=format.seeds(n), places=names.place(study, ", ".join(w)))
            for n, w in sorted(others.items())
        )
        counted = t("generalization.subtitle.uneven", seeds=counted, fewer=parts)
    units = {"loss": names.loss_unit(study), "gap": t("generalization.subtitle.points")}
    unit = units.get(choices.view.measure, t("generalization.subtitle.percent"))
    values = {name: format.plain(value) for name, value in settings.items() if isinstance(value, int | float)}
    told = t(
        "generalization.subtitle.text",
        measure=t(f"generalization.measure.{choices.view.measure}"),
        unit=unit,
        x=names.x_word(study),
        clock=names.clock_word(study),
        setup=t(f"generalization.setup.{study.code}", **values | {"label_noise": format.percent(choices.map.noise, 0)}),
        seeds=counted,
    )
    return " ".join([told, *format.partly(*studies.planned(study.name))])


def caption(row: Row, choices: Choices) -> str:
    """One sentence of what to see in the last row of the map, one of runs that had not settled by then where there are some, one of what not
    to conclude; before them, where the picture is of another measure than the title, that it is."""
    shown, measure = choices.map, choices.view.measure
    study = shown.study
    values = {"moment": names.moment(study, row.epoch), "noise": format.percent(shown.noise, 0)}
    values |= _cell(study, "end", row.widest)
    if row.peak and row.before:
        values |= _cell(study, "before", row.before) | _cell(study, "peak", row.peak)
    if row.peak and row.clear:
        seen = t("generalization.caption.peak", **values)
    elif row.peak and row.widest["n"] < FEWEST_SEEDS:
        seen = t("generalization.caption.few_seeds", **values)
    else:
        seen = t("generalization.caption.no_peak", **values, **_cell(study, "first", row.narrowest))
    told = [seen]
    if measure != "test":
        told.insert(0, t("generalization.caption.other", measure=t(f"generalization.measure.{measure}")))
    k, n = results.jumped(shown)
    if k:
        above = format.points(results.JUMPED, 0, signed=False)
        told.append(t("generalization.caption.jumped", k=k, n=n, above=above, moment=values["moment"]))
    return " ".join([*told, t(f"generalization.caption.not_to_conclude.{study.code}")])


def legend(level: float, threshold: pa.Table, ridge: pa.Table, view: View, axes: Axes) -> str:
    """What the line and the dots on the map are, with the threshold at the last epoch."""
    rows = {row["epoch"]: row for row in threshold.to_pylist()}
    last = rows.get(axes.epochs[-1])
    end = names.moment(axes, axes.epochs[-1])
    line = t("generalization.legend.threshold", level=format.percent(level, 0), x=names.x_word(axes))
    if last is None or last["width"] is None:
        line += " " + t("generalization.legend.not_reached", moment=end)
    else:
        first = next(epoch for epoch, row in sorted(rows.items()) if row["width"] is not None)
        place = names.place(axes, last["width"])
        if last["low"] is not None:
            place = t(
                "generalization.legend.spread",
                place=place,
                ends="–".join(dict.fromkeys(format.count(int(last[end])) for end in ("low", "high"))),
                reached=last["reached"],
                n=last["n"],
            )
        line += " " + t("generalization.legend.at_the_end", moment=end, place=place)
        if first > axes.epochs[0]:
            line += " " + t("generalization.legend.before", moment=names.moment(axes, first))
    if ridge.num_rows and max(ridge["n"].to_pylist()) < FEWEST_SEEDS:
        return line + " " + t("generalization.legend.ridge_few_seeds")
    clear = sum(ridge["clear"].to_pylist())
    kind = f"generalization.legend.ridge_{view.reading}" + ("" if clear else "_none")
    return line + " " + t(kind, clear=clear, all=ridge.num_rows)


def signs(cells: pa.Table, study: names.Named, x: str) -> list[str]:
    """What the signs on the `cells` of a map say, as far as there are any: how many runs diverged and where, and cells without a run."""
    lost = dict(zip(cells[x].to_pylist(), cells["diverged"].to_pylist(), strict=True))
    told = []
    if places := [value for value, n in lost.items() if n]:
        where = t("generalization.legend.places", some=len(places), all=len(lost), x=names.x_word(study))
        if len(places) <= MOST_PLACES:
            where = names.place(study, ", ".join(map(format.count, places)))
        told.append(t("generalization.legend.diverged", n=format.count(sum(lost.values())), places=where))
    if {"not run", "failed"} & set(cells["state"].to_pylist()):
        told.append(t("generalization.legend.nothing"))
    return told


def cut(rows: list[dict[str, Any]], study: Study) -> list[str]:
    """Where curves against width reach above the end of their ordinate, that they do; `rows` have width, mean and high."""
    ceiling = results.slice_limits(study, "test")[1]
    end, above = format.percent(ceiling, 0), [row for row in rows if row["mean"] > ceiling]
    if above:
        most = max(above, key=lambda row: row["mean"])
        values = {"most": format.percent(most["mean"]), "place": names.place(study, most["width"])}
        return [t("generalization.cut.means", end=end, n=len(above), all=len(rows), **values)]
    return [t("generalization.cut.bands", end=end)] * any((row["high"] or 0) > ceiling for row in rows)


def loss_and_error(shown: Map, row: Row) -> str:
    """Whether, along the last row, the test error peaks, the test loss, both or neither, by one rule for both. That they disagree is said
    only where one has a peak and the other has none; to have found none is not that."""
    if row.widest["n"] < FEWEST_SEEDS:
        return t("generalization.loss.few_seeds")
    error, loss = (results.peak_by_intervals(shown, measure) for measure in ("test_error", "test_loss"))
    key = _agreement(error, loss, results.has_no_peak(shown, "test_error"), results.has_no_peak(shown, "test_loss"))
    study = shown.study
    told = t(
        f"generalization.loss.{key}",
        moment=names.moment(study, row.epoch),
        loss=names.loss_value(study, loss["mean"]) if loss else "",
        loss_place=names.place(study, loss["width"]) if loss else "",
        error=format.percent(error["mean"]) if error else "",
        error_place=names.place(study, error["width"]) if error else "",
    )
    return " ".join([told, *[t("generalization.loss.paired")] * (row.clear and error is None)])


def _agreement(
    error: dict[str, Any] | None, loss: dict[str, Any] | None, no_error_peak: bool, no_loss_peak: bool
) -> str:
    """The key of the sentence on loss and error, each with its clear peak or None, and whether it is known to have none."""
    if error and loss:
        return "both"
    if error:
        return "error" if no_loss_peak else "error_alone"
    if loss:
        return "loss" if no_error_peak else "loss_alone"
    return "neither" if no_error_peak and no_loss_peak else "unsettled"


def map_alt(cells: pa.Table, axes: Axes, choices: Choices, row: Row) -> str:
    """The alternative text of the linked map: kind, axes with their range, main shape, where the table is."""
    column = results.COLOURED[choices.view.measure]
    values = [value for value in cells[column].to_pylist() if value is not None]
    show = (lambda value: f"{value:.2f}") if choices.view.measure == "loss" else format.percent
    text = t(
        "generalization.alt.map",
        measure=t(f"generalization.measure.{choices.view.measure}"),
        places=names.place(axes, f"{axes.widths[0]}–{format.count(axes.widths[-1])}"),
        moments=names.moment(axes, f"{axes.epochs[0]}–{format.count(axes.epochs[-1])}"),
        noise=format.percent(choices.map.noise, 0),
        low=show(min(values)) if values else "–",
        high=show(max(values)) if values else "–",
    )
    missing = sum(state != "value" for state in cells["state"].to_pylist())
    if missing:
        text += " " + t("generalization.alt.missing", missing=missing, all=cells.num_rows)
    told = [text, *signs(cells, axes, axes.x), _shape(row, choices.map.study), t("generalization.alt.table")]
    return " ".join(told).replace("*", "")


def row_alt(row: Row, shown: Map) -> str:
    """The main shape of one row, for small multiples and line charts."""
    study = shown.study
    told = t(
        "generalization.alt.panel",
        x=names.x_word(study),
        clock=names.clock_word(study),
        noise=format.percent(shown.noise, 0),
    )
    return f"{told} {_shape(row, study)} {t('generalization.alt.table')}"


def _shape(row: Row, study: Study) -> str:
    values = {"moment": names.moment(study, row.epoch), "end": format.percent(row.widest["mean"])}
    values["end_place"] = names.place(study, row.widest["width"])
    if row.peak and row.before and row.clear:
        return t(
            "generalization.alt.peak",
            **values,
            before=format.percent(row.before["mean"]),
            before_place=names.place(study, row.before["width"]),
            peak=format.percent(row.peak["mean"]),
            peak_place=names.place(study, row.peak["width"]),
        )
    return t(
        "generalization.alt.no_peak",
        **values,
        first=format.percent(row.narrowest["mean"]),
        first_place=names.place(study, row.narrowest["width"]),
    )


def cell(measured: dict[str, Any]) -> str:
    """Mean with interval and seeds of one cell."""
    return format.interval(measured["mean"], measured["low"], measured["high"], measured["n"])


def _cell(study: Study, name: str, measured: dict[str, Any]) -> dict[str, str]:
    return {name: cell(measured), f"{name}_place": names.place(study, measured["width"])}
