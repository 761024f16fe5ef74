"""The linked map: test error (or another measure) over width and epoch, with the row and the column through the picked cell under it.

One composed chart, linked in the browser: a pick redraws both slices without a trip to the server. Its specification must not depend on
the picked cell, or the chart would be mounted anew; what changes with the cell is an expression.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import pyarrow as pa

from explorer.charts import landmarks, names, own_marks, signs, slices, style
from explorer.results.generalization import PAIRS, Axes
from explorer.text import t

MAP_HEIGHT = 330
# Before an audience, in pixels: what the letters of that size take around each plot, and how much of the width is the map's.
MAP_SHARE, BESIDE_AXIS, BETWEEN, LEGENDS, AROUND_MAP, AROUND_SLICE, LEAST_SLICE = 0.56, 96, 14, 115, 135, 119, 80
LINE = 17  # of each line under the title of a slice but the first


@dataclass(frozen=True)
class View:
    """What a reader may change about the picture: codes as they stand in the address."""

    measure: str = "test"  # test | train | gap | loss
    reading: str = "across"  # across | up
    x_scale: str = "sampled"  # sampled | log | linear: both slices' abscissa
    y_scale: str = "linear"  # linear | log: the slices' ordinate

    @property
    def format(self) -> str:
        """How d3 writes a value of the measure."""
        return ".2f" if self.measure == "loss" else ".0%"

    @property
    def log(self) -> bool:
        """Whether the slices' ordinate is logarithmic; a gap may be negative."""
        return self.y_scale == "log" and self.measure != "gap"

    @property
    def exact_format(self) -> str:
        """As `format`, with the decimals of a tooltip."""
        return ".3g" if self.measure == "loss" else ".2%"


def draw(
    cells: pa.Table,
    axes: Axes,
    view: View,
    limits: tuple[float, float],
    start: tuple[int, int],
    level: float,
    threshold: pa.Table,
    ridge: pa.Table,
    notes: Sequence[tuple[int, int, str]] = (),
    slice_limits: tuple[float, float] | None = None,
    screen: tuple[int, int] | None = None,
) -> style.Picture:
    """The map of `cells` (see results.cells.cells), its threshold line and ridge, and its two slices.

    `start` is the (width, epoch) picked at first, `limits` the ends of the colour scale, `slice_limits` those of the slices' error axis (the
    same unless given), `level` the train error of the threshold and `notes` are (width, epoch, text).
    With a `screen`, the pixels that there are for all of it, the slices stand beside the map and not under it. The selection `cell` holds indices into `axes`: w, a width, and e, an epoch.
    """
    source = indexed(cells, axes)
    places = {"w": axes.widths.index(start[0]), "e": axes.epochs.index(start[1])}
    # Fields alone would do for clicks, but the bound inputs are the way in for the keyboard and for the player.
    cell = alt.selection_point(
        "cell",
        fields=["w", "e"],
        on="click",
        clear=False,
        value=[places],
        bind={
            "w": alt.binding_range(
                min=0,
                max=len(axes.widths) - 1,
                step=1,
                name=t("generalization.map.input", axis=names.x_name(axes)) + " ",
            ),
            "e": alt.binding_range(
                min=0,
                max=len(axes.epochs) - 1,
                step=1,
                name=t("generalization.map.input", axis=names.clock_name(axes)) + " ",
            ),
        },
    )
    signals = [
        alt.param("at_w", expr=f"isValid(cell.w) ? cell.w[0] : {places['w']}"),
        alt.param("at_e", expr=f"isValid(cell.e) ? cell.e[0] : {places['e']}"),
        alt.param("trail", value=False, bind=alt.binding_checkbox(name=t("generalization.map.trail_input") + " ")),
    ]
    line, line_tables = landmarks.threshold_line(threshold, axes)
    peaks, peak_tables = landmarks.ridge_line(ridge, axes, view.reading)
    words, word_tables = landmarks.notes(notes, axes)
    marked, marked_tables = signs.draw(source, width_axis(axes), epoch_axis(axes))
    own, own_tables = _own_places(source, axes)
    picture = style.layered(
        _cells(source, axes, view, limits).add_params(cell),
        *marked,
        *line,
        *peaks,
        *own,
        *words,
        *_marker(axes),
        height=MAP_HEIGHT,
        title=_title(t(f"generalization.map.title.{view.measure}", moment=names.clock_word(axes))),
    )
    ends = slice_limits or limits
    lines = slices.notes(source, view, ends)
    row = slices.row(source, axes, view, ends, level, lines)
    column = slices.column(source, axes, view, ends, lines)
    below = (row, column) if view.reading == "across" else (column, row)
    if screen is None:
        chart = style.fitted(style.stacked(picture, *below, spacing=14))
    else:
        chart = _wide(picture, below, screen, len(lines))
    chart.params = [signal.param for signal in signals]
    marker = pa.table({"one": pa.array([1], pa.int16())})
    tables = {"cells": source, "marker": marker, "threshold_at": slices.threshold_by_epoch(threshold, axes)}
    tables |= marked_tables | line_tables | peak_tables | word_tables | own_tables
    return style.Picture(chart, tables)


def _wide(
    picture: style.Layers,
    below: Sequence[style.Layers],
    screen: tuple[int, int],
    lines: int,
) -> style.SideBySide:
    """The map with its slices beside it, as large as a projector's screen allows: sizes in pixels, since nothing fits them to their place.
    Under the title of a slice stand so many `lines`."""
    width, height = screen
    left = round(MAP_SHARE * (width - 2 * BESIDE_AXIS - BETWEEN))
    right = width - 2 * BESIDE_AXIS - BETWEEN - left
    each = round((height - LEGENDS - BETWEEN) / len(below)) - AROUND_SLICE - LINE * (lines - 1)
    parts = [part.properties(width=right, height=max(LEAST_SLICE, each)) for part in below]
    whole = picture.properties(width=left, height=max(2 * LEAST_SLICE, height - LEGENDS - AROUND_MAP))
    return style.side_by_side(whole, style.stacked(*parts, spacing=BETWEEN), spacing=BETWEEN)


def indexed(cells: pa.Table, axes: Axes) -> pa.Table:
    """`cells` with the indices w and e, and with the short names that the slices read: a and b for the means of the solid and the
    dashed curve, al, ah, bl, bh for their intervals, a0, a1, … and b0, b1, … for the single seeds in order. What one's own results have of a
    cell has the seed in its name: oa_0, ob_0."""
    columns = {
        "w": indices(cells[axes.x], axes.widths),
        "e": indices(cells[axes.clock], axes.epochs),
        "width": cells[axes.x],
        "epoch": cells[axes.clock],
    }
    for name in ("n_params", "seeds", "diverged", "state"):
        columns[name] = cells[name]
    for short, name in zip("ab", _pair_of(cells), strict=False):
        columns |= {short: cells[name], f"{short}l": cells[f"{name}_low"], f"{short}h": cells[f"{name}_high"]}
        for number, seed in enumerate(axes.seeds):
            columns[f"{short}{number}"] = cells[f"{name}_seed_{seed}"]
        own = f"own_{name}_seed_"
        columns |= {f"o{short}_{at.removeprefix(own)}": cells[at] for at in cells.column_names if at.startswith(own)}
    return pa.table(columns)


def indices(column: pa.ChunkedArray, values: list[int]) -> pa.Array:
    """The place of each entry of a column in a list of values."""
    places = {value: place for place, value in enumerate(values)}
    return pa.array([places[value] for value in column.to_pylist()], pa.int16())


def _pair_of(cells: pa.Table) -> list[str]:
    found = next(pair for pair in PAIRS.values() if all(name in cells.column_names for name in pair if name))
    return [name for name in found if name]


def colour(view: View, axes: Axes, field: str, limits: tuple[float, float], legend: bool = True) -> alt.Color:
    """The colour of a measure: viridis with yellow for high, or blue to orange through white at zero for the gap; clamped to `limits`."""
    low, high = limits
    if view.measure == "gap":
        scale = alt.Scale(domain=[low, 0, high], range=style.DIFFERENCE_RANGE, interpolate="rgb", clamp=True)
    else:
        scale = alt.Scale(domain=[low, high], scheme=style.ERROR_SCHEME, clamp=True)
    bar = alt.Legend(
        orient="top",
        direction="horizontal",
        format=view.format,
        gradientLength=200,
        gradientThickness=10,
        tickCount=5,
        title=t(
            f"generalization.map.legend.{view.measure}",
            high=f"{high:g}" if view.measure == "loss" else f"{high:.0%}",
            loss=names.loss_title(axes),
        ),
        titleLimit=340,
        offset=4,
    )
    return alt.Color(f"{field}:Q", scale=scale, legend=bar if legend else None)


def width_axis(axes: Axes, parameters: bool = True) -> alt.X:
    """Widths as they were sampled, each with its number of parameters underneath."""
    title = t("generalization.map.parameters_below", axis=names.x_title(axes)) if parameters else names.x_title(axes)
    texts = [
        [str(w), style.short_number(n)] if parameters else str(w)
        for w, n in zip(axes.widths, axes.parameters, strict=True)
    ]
    axis = alt.Axis(
        labelExpr=f"{style.javascript_list(texts)}[datum.value]",
        labelAngle=0,
        labelOverlap="greedy",
        ticks=False,
        title=title,
        domain=False,
        labelFontSize=style.LABEL_SIZE,
        labelLineHeight=12,
    )
    return alt.X("w:O", scale=alt.Scale(domain=list(range(len(axes.widths)))), axis=axis)


def epoch_axis(axes: Axes) -> alt.Y:
    """Epochs as they were sampled, the first at the bottom, labelled at round numbers."""
    axis = alt.Axis(
        values=round_epochs(axes),
        labelExpr=f"{style.javascript_list([names.tick(epoch) for epoch in axes.epochs])}[datum.value]",
        title=names.clock_title(axes),
        domain=False,
        ticks=False,
        labelFontSize=style.LABEL_SIZE,
        minExtent=style.AXIS_ROOM,
        maxExtent=style.AXIS_ROOM,
        labelOverlap="greedy",
    )
    return alt.Y("e:O", scale=alt.Scale(domain=list(range(len(axes.epochs)))[::-1]), axis=axis)


def round_epochs(axes: Axes) -> list[int]:
    """Indices of the sampled epochs nearest to 1, 2, 5, 10, … that may carry a label; the last one always does."""
    last = axes.epochs[-1]
    multiples = (1, 2, 5) if last < names.MOST_DIGITS else (1,)
    wanted = [m * 10**k for k in range(len(str(last))) for m in multiples if m * 10**k <= last]
    near = {min(range(len(axes.epochs)), key=lambda i: abs(axes.epochs[i] - value)) for value in wanted}
    return sorted(near | {len(axes.epochs) - 1})


def _cells(source: pa.Table, axes: Axes, view: View, limits: tuple[float, float]) -> alt.Chart:
    field = "b" if view.measure == "train" else "a"
    words = {
        "width": names.x_name(axes),
        "n_params": t("generalization.map.tooltip.parameters"),
        "epoch": names.clock_name(axes),
        "seeds": t("generalization.map.tooltip.seeds"),
    }
    if any(source["diverged"].to_pylist()):
        words["diverged"] = t("generalization.map.tooltip.diverged")
    tooltip = [alt.Tooltip(f"{column}:Q", title=word, format=",") for column, word in words.items()]
    tooltip.append(
        alt.Tooltip(f"{field}:Q", title=t(f"generalization.measure.{view.measure}"), format=view.exact_format)
    )
    return (
        style.named("cells")
        .transform_filter("datum.state === 'value'")
        .mark_rect(width=alt.RelativeBandSize(band=1.15), height=alt.RelativeBandSize(band=1.15), cursor="pointer")
        .encode(
            x=width_axis(axes),
            y=epoch_axis(axes),
            color=colour(view, axes, field, limits),
            tooltip=tooltip,
        )
    )


def _marker(axes: Axes) -> list[alt.Chart]:
    """The picked cell: white around black, so that it stands out on the dark and on the light end of the scale."""
    place = style.named("marker").transform_calculate(w="at_w", e="at_e").encode(x=width_axis(axes), y=epoch_axis(axes))
    return [
        place.mark_rect(
            fillOpacity=0, stroke="white", strokeWidth=5, height=alt.RelativeBandSize(band=1.6), tooltip=None
        ),
        place.mark_rect(
            fillOpacity=0, stroke="black", strokeWidth=2, height=alt.RelativeBandSize(band=1.6), tooltip=None
        ),
    ]


def _own_places(source: pa.Table, axes: Axes) -> tuple[list[alt.Chart], dict[str, pa.Table]]:
    """A broken outline around the cells that one's own results have: one around neighbouring x values of the same epochs."""
    there = [name for name in source.column_names if name.startswith("oa_")]
    if not there:
        return [], {}
    reach: dict[int, list[int]] = {}
    for row in source.select(["w", "e", *there]).to_pylist():
        if any(row[name] is not None for name in there):
            reach.setdefault(row["w"], []).append(row["e"])
    blocks: list[dict[str, int]] = []
    for w, epochs in sorted(reach.items()):
        first, last = min(epochs), max(epochs)
        if blocks and blocks[-1] == blocks[-1] | {"w_end": w - 1, "e": first, "e_end": last}:
            blocks[-1]["w_end"] = w
        else:
            blocks.append({"w": w, "w_end": w, "e": first, "e_end": last})
    x, y = width_axis(axes), epoch_axis(axes)
    x.bandPosition, y.bandPosition = 0, 1  # the first epoch is at the bottom
    ends = {"x2": alt.X2("w_end:O", bandPosition=1), "y2": alt.Y2("e_end:O", bandPosition=0)}
    place = style.named(own_marks.TABLE).encode(x=x, y=y, **ends)
    look = {"fillOpacity": 0, "tooltip": None}
    layers = [
        place.mark_rect(stroke="black", strokeWidth=3, **look),
        place.mark_rect(stroke="white", strokeWidth=1.6, strokeDash=[5, 4], **look),
    ]
    return layers, {own_marks.TABLE: pa.Table.from_pylist(blocks)}


def _title(text: str) -> alt.Title:
    return alt.Title(text, anchor="start", fontSize=13, fontWeight="normal", offset=6)
