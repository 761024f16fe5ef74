"""What the page says in words, read from the data: its title, subtitle and captions, and the alternative texts of its charts.

Nothing is estimated here. A lowest or highest mean may be looked up for a sentence; intervals, landmarks and verdicts are read.
"""

from statistics import multimode
from typing import Any

import pyarrow as pa

from explorer import format
from explorer.charts.linked_map import View
from explorer.double_descent.controls import Choices
from explorer.results import generalization as results
from explorer.results.generalization import Axes, Row
from explorer.text import t

FEWEST_SEEDS = 3  # for an interval


def title(row: Row, verdict: str | None) -> str:
    """The finding in at most ten words; which words, the verdict on G1 says."""
    end = format.percent(row.widest["mean"])
    peak = row.peak
    if verdict == "shown" and peak:
        return t("generalization.title.shown", peak=format.percent(peak["mean"]), end=end)
    if peak and row.widest["n"] < FEWEST_SEEDS:
        return t(
            "generalization.title.few_seeds",
            seeds=format.seeds(row.widest["n"]),
            peak=format.percent(peak["mean"]),
            end=end,
        )
    return t("generalization.title.no_peak", first=format.percent(row.narrowest["mean"]), end=end)


def subtitle(choices: Choices, settings: dict[str, Any], seeds: dict[int, int]) -> str:
    """Measure, unit, data, fixed settings and the number of seeds: that of most widths, and the widths that have another."""
    most = multimode(seeds.values())[0] if seeds else 0
    others: dict[int, list[str]] = {}
    for width, n in seeds.items():
        if n != most:
            others.setdefault(n, []).append(format.count(width))
    counted = format.seeds(most)
    if others:
        parts = "; ".join(
            t("generalization.subtitle.fewer", seeds=format.seeds(n), widths=", ".join(w))
            for n, w in sorted(others.items())
        )
        counted = t("generalization.subtitle.uneven", seeds=counted, fewer=parts)
    return t(
        f"generalization.subtitle.{'loss' if choices.view.measure == 'loss' else 'error'}",
        measure=t(f"generalization.measure.{choices.view.measure}"),
        n_train=format.count(settings["n_train"]),
        noise=format.percent(choices.noise, 0),
        lr=format.plain(settings["lr"]),
        batch_size=format.count(settings["batch_size"]),
        epochs=format.count(settings["epochs"]),
        seeds=counted,
    )


def caption(row: Row, noise: float) -> str:
    """One sentence of what to see in the last row of the map, one of what not to conclude."""
    values = {"epoch": format.count(row.epoch), "noise": format.percent(noise, 0), **_cell("end", row.widest)}
    if row.peak and row.before:
        values |= _cell("before", row.before) | _cell("peak", row.peak)
    if row.peak and row.clear:
        seen = t("generalization.caption.peak", **values)
    elif row.peak and row.widest["n"] < FEWEST_SEEDS:
        seen = t("generalization.caption.few_seeds", **values)
    else:
        seen = t("generalization.caption.no_peak", **values, **_cell("first", row.narrowest))
    return f"{seen} {t('generalization.caption.not_to_conclude')}"


def legend(level: float, threshold: pa.Table, ridge: pa.Table, view: View, axes: Axes) -> str:
    """What the line and the dots on the map are, with the threshold at the last epoch."""
    rows = {row["epoch"]: row for row in threshold.to_pylist()}
    last = rows.get(axes.epochs[-1])
    line = t("generalization.legend.threshold", level=format.percent(level, 0))
    if last is None or last["width"] is None:
        line += " " + t("generalization.legend.not_reached", epoch=format.count(axes.epochs[-1]))
    else:
        first = next(epoch for epoch, row in sorted(rows.items()) if row["width"] is not None)
        spread = format.count(last["width"])
        if last["low"] is not None:
            spread = t(
                "generalization.legend.spread",
                width=spread,
                low=format.count(int(last["low"])),
                high=format.count(int(last["high"])),
                reached=last["reached"],
                n=last["n"],
            )
        line += " " + t("generalization.legend.at_the_end", epoch=format.count(axes.epochs[-1]), width=spread)
        if first > axes.epochs[0]:
            line += " " + t("generalization.legend.before", epoch=format.count(first))
    clear = sum(ridge["clear"].to_pylist())
    kind = f"generalization.legend.ridge_{view.reading}" + ("" if clear else "_none")
    return line + " " + t(kind, clear=clear, all=ridge.num_rows)


def loss_and_error(noise: float, row: Row) -> str:
    """Whether, along the last row, the test error peaks, the test loss, both or neither."""
    of_loss = results.peak_by_intervals(noise, "test_loss")
    of_error = row.peak if row.clear else None
    kind = ("both" if of_error else "loss") if of_loss else ("error" if of_error else "neither")
    if row.widest["n"] < FEWEST_SEEDS:
        return t("generalization.loss.few_seeds")
    return t(
        f"generalization.loss.{kind}",
        epoch=format.count(row.epoch),
        loss=f"{of_loss['mean']:.2f}" if of_loss else "",
        loss_width=format.count(of_loss["width"]) if of_loss else "",
        error=format.percent(of_error["mean"]) if of_error else "",
        error_width=format.count(of_error["width"]) if of_error else "",
    )


def map_alt(cells: pa.Table, axes: Axes, choices: Choices, row: Row) -> str:
    """The alternative text of the linked map: kind, axes with their range, main shape, where the table is."""
    column = results.COLOURED[choices.view.measure]
    values = [value for value in cells[column].to_pylist() if value is not None]
    show = (lambda value: f"{value:.2f}") if choices.view.measure == "loss" else format.percent
    text = t(
        "generalization.alt.map",
        measure=t(f"generalization.measure.{choices.view.measure}"),
        widths=f"{axes.widths[0]}–{format.count(axes.widths[-1])}",
        epochs=f"{axes.epochs[0]}–{format.count(axes.epochs[-1])}",
        noise=format.percent(choices.noise, 0),
        low=show(min(values)) if values else "–",
        high=show(max(values)) if values else "–",
    )
    missing = sum(state != "value" for state in cells["state"].to_pylist())
    if missing:
        text += " " + t("generalization.alt.missing", missing=missing, all=cells.num_rows)
    return f"{text} {_shape(row)} {t('generalization.alt.table')}"


def row_alt(row: Row, noise: float) -> str:
    """The main shape of one row, for small multiples and line charts."""
    return (
        f"{t('generalization.alt.panel', noise=format.percent(noise, 0))} {_shape(row)} {t('generalization.alt.table')}"
    )


def _shape(row: Row) -> str:
    if row.peak and row.before and row.clear:
        return t(
            "generalization.alt.peak",
            epoch=format.count(row.epoch),
            before=format.percent(row.before["mean"]),
            before_width=row.before["width"],
            peak=format.percent(row.peak["mean"]),
            peak_width=row.peak["width"],
            end=format.percent(row.widest["mean"]),
            end_width=format.count(row.widest["width"]),
        )
    return t(
        "generalization.alt.no_peak",
        epoch=format.count(row.epoch),
        first=format.percent(row.narrowest["mean"]),
        first_width=row.narrowest["width"],
        end=format.percent(row.widest["mean"]),
        end_width=format.count(row.widest["width"]),
    )


def cell(measured: dict[str, Any]) -> str:
    """Mean with interval and seeds of one cell."""
    return format.interval(measured["mean"], measured["low"], measured["high"], measured["n"])


def _cell(name: str, measured: dict[str, Any]) -> dict[str, str]:
    return {name: cell(measured), f"{name}_width": format.count(measured["width"])}
