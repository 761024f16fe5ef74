"""The two slices under the linked map: error against width at the picked epoch, and error against epoch at the picked width."""

import math
import re

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc

from explorer.charts import names, own_marks, style
from explorer.results.generalization import PAIRS, Axes
from explorer.text import t

HEIGHT = 180
TRAIL = 12  # how many earlier rows stay as fading lines while the epochs play
# The columns of the cells that are drawn: means, ends of intervals, single seeds, one's own runs.
VALUES = re.compile("[ab]([lh]|[0-9]+)?|o[ab]_[0-9]+")
# Of the logarithmic axes, which are linear below this much: errors and losses reach 0, or come within a rounding of it.
LINEAR_UNDER = {"test": 0.001, "train": 0.001, "loss": 0.0001}


def row(
    source: pa.Table, axes: Axes, view, limits: tuple[float, float], level: float, lines: list[str]
) -> style.Layers:
    """The measure against width at the epoch `at_e`; `source` as made by linked_map.indexed. `lines` stand under the title."""
    x = _width(axes, view)
    y = _value(axes, view, limits)
    base = style.named("cells")
    trail = (
        base.transform_filter(f"trail && datum.e < at_e && datum.e >= at_e - {TRAIL}")
        .transform_calculate(age="at_e - datum.e")
        .mark_line(color=style.MEASURED, strokeWidth=1, clip=True)
        .encode(x=x, y=y("a"), detail=alt.Detail("e:N"), order=alt.Order("w:Q"), strokeOpacity=_fading())
    )
    title = expression(
        t(f"generalization.map.row.{view.measure}", moment=names.moment(axes, "\0e\0")),
        e=f"format({style.javascript_list(axes.epochs)}[at_e], ',')",
    )
    at_epoch = _threshold_at(axes, x, level) if view.measure in ("test", "train") else []
    curves = style.layered(
        *_curves(x, y, view, axes, source, order="w"),
        _here(x, "w"),
        data=alt.NamedData(name="cells"),
        transform=[alt.FilterTransform(filter="datum.e === at_e")],
    )
    return style.layered(trail, curves, *at_epoch, height=HEIGHT, title=_title(title, lines))


def column(source: pa.Table, axes: Axes, view, limits: tuple[float, float], lines: list[str]) -> style.Layers:
    """The measure against epoch at the width `at_w`. `lines` stand under the title."""
    x = _epoch(axes, view)
    y = _value(axes, view, limits)
    title = expression(
        t(f"generalization.map.column.{view.measure}", place=names.place(axes, "\0w\0")),
        w=f"format({style.javascript_list(axes.widths)}[at_w], ',')",
    )
    curves = style.layered(
        *_curves(x, y, view, axes, source, order="e"),
        _here(x, "e"),
        data=alt.NamedData(name="cells"),
        transform=[alt.FilterTransform(filter="datum.w === at_w")],
    )
    return style.layered(curves, height=HEIGHT, title=_title(title, lines))


def expression(text: str, **parts: str) -> alt.Expr:
    """A text as a Vega expression, what stands between two NULs as a name of `parts` replaced by that expression."""
    pieces = [
        parts[piece] if piece in parts else style.javascript_list([piece])[1:-1] for piece in text.split("\0") if piece
    ]
    return alt.expr(" + ".join(pieces))


def _curves(x: alt.X, y, view, axes: Axes, source: pa.Table, order: str) -> list[alt.Chart]:
    drawn = []
    for short, name in zip("ab", PAIRS[view.measure], strict=True):
        if name is None:
            continue
        dash = style.DASH if short == "b" else [1, 0]
        here = alt.Chart()
        if _any(source, f"{short}l"):
            drawn.append(
                here.mark_area(color=style.MEASURED, opacity=0.22, clip=True).encode(
                    x=x, y=y(f"{short}l"), y2=alt.Y2(f"{short}h:Q")
                )
            )
        fold = here.transform_fold([f"{short}{number}" for number in range(len(axes.seeds))], as_=["seed", "one"])
        drawn += [
            fold.transform_filter("isValid(datum.one)")
            .mark_line(color=style.MEASURED, opacity=0.35, strokeWidth=0.8, strokeDash=dash, clip=True)
            .encode(x=x, y=y("one"), detail=alt.Detail("seed:N"), order=alt.Order(f"{order}:Q")),
            here.mark_line(
                color=style.MEASURED,
                strokeWidth=2.2,
                strokeDash=dash,
                clip=True,
                point=alt.OverlayMarkDef(
                    size=14,
                    filled=True,
                    fill=style.MEASURED if short == "a" else "white",
                    stroke=style.MEASURED,
                    strokeWidth=1,
                ),
            ).encode(x=x, y=y(short), order=alt.Order(f"{order}:Q"), tooltip=_tooltip(axes, short, name, view)),
        ]
    return drawn + _own(x, y, view, axes, source)


def _own(x: alt.X, y, view, axes: Axes, source: pa.Table) -> list[alt.Chart]:
    """One's own runs, hollow: those of the dashed curve with a dashed rim. They are columns of the cells, so that a pick costs nothing more."""
    layers = []
    for short, name in zip("ab", PAIRS[view.measure], strict=True):
        columns = [column for column in source.column_names if column.startswith(f"o{short}_")]
        if not columns:
            continue
        published = f"datum['{short}' + indexof({style.javascript_list(axes.seeds)}, datum.seed)]"
        factor = 1 if view.measure == "loss" else 100
        fold = (
            alt.Chart()
            .transform_fold(columns, as_=["column", "one"])
            .transform_filter("isValid(datum.one)")
            .transform_calculate(seed="toNumber(slice(datum.column, 3))")
            .transform_calculate(difference=f"isValid({published}) ? {factor} * (datum.one - {published}) : null")
        )
        dash = {"strokeDash": [2, 2]} if short == "b" else {}
        told = own_marks.tooltip("one", t(f"generalization.curve.{name}"), view.exact_format)
        marks = own_marks.hollow(fold, size=30, stroke=style.ACCENT, **dash)
        layers.append(marks.encode(x=x, y=y("one"), tooltip=told))
    return layers


def _here(x: alt.X, index: str) -> alt.Chart:
    """An upright line at the picked cell."""
    return (
        alt.Chart()
        .transform_filter(f"datum.{index} === at_{index}")
        .mark_rule(color=style.NEUTRAL, strokeWidth=1.2)
        .encode(x=x)
    )


def threshold_by_epoch(threshold: pa.Table, axes: Axes) -> pa.Table:
    """The threshold at every epoch by index, NULL where not reached: the table "threshold_at"."""
    rows = [row for row in threshold.to_pylist() if row["epoch"] in axes.epochs]
    return pa.table(
        {
            "e": pa.array([axes.epochs.index(row["epoch"]) for row in rows], pa.int16()),
            "w": pa.array([axes.widths.index(row["width"]) if row["width"] else None for row in rows], pa.int16()),
            "width": pa.array([row["width"] for row in rows], pa.int32()),
        }
    )


def _threshold_at(axes: Axes, x: alt.X, level: float) -> list[alt.Chart]:
    """Where the threshold lies in the row, and the words for it; "not reached" where it is not."""
    percent = f"{level:.0%}"
    place = names.place(axes, "\0w\0")
    reached = expression(
        t("generalization.map.threshold_at", level=percent, place=place), w="format(datum.width, ',')"
    ).expr
    missing = expression(t("generalization.map.threshold_missing", level=percent)).expr
    base = style.named("threshold_at").transform_filter("datum.e === at_e")
    words = base.transform_calculate(words=f"isValid(datum.width) ? {reached} : {missing}")
    return [
        base.transform_filter("isValid(datum.width)")
        .mark_rule(color=style.ACCENT, strokeDash=[2, 2], strokeWidth=1.5)
        .encode(x=x),
        words.mark_text(
            align="right", baseline="top", color=style.ACCENT, fontSize=11, dx=-4, dy=3, tooltip=None
        ).encode(x=alt.XValue("width"), y=alt.YValue(0), text=alt.Text("words:N")),
    ]


def _value(axes: Axes, view, limits: tuple[float, float]):
    loss = view.measure == "loss"
    scale, labels = alt.Scale(domain=list(limits)), {"format": ".3~f" if loss else ".1~%", "tickCount": 5}
    if view.log:
        under = LINEAR_UNDER[view.measure]
        scale = alt.Scale(type="symlog", constant=under, domain=list(limits))
        labels = {"labelExpr": style.LOG_LABEL} if loss else {"format": ".1~%"}
        labels["values"] = _log_ticks(under, limits[1], factors=(1,) if loss else (1, 3))
    axis = alt.Axis(
        **labels,
        minExtent=style.AXIS_ROOM,
        maxExtent=style.AXIS_ROOM,
        labelFontSize=style.LABEL_SIZE,
        labelOverlap="greedy",
    )
    unit = names.loss_title(axes) if view.measure == "loss" else t("generalization.map.error_axis")
    return lambda field: alt.Y(f"{field}:Q", scale=scale, axis=axis, title=unit)


def _log_ticks(under: float, high: float, factors: tuple[int, ...]) -> list[float]:
    """0, and from where the axis becomes logarithmic these multiples of every power of ten up to its end."""
    powers = range(round(math.log10(under)), math.floor(math.log10(high)) + 1)
    return [0.0, *(tick for power in powers for factor in factors if (tick := float(f"{factor}e{power}")) <= high)]


def _width(axes: Axes, view) -> alt.X:
    if view.x_scale == "sampled":
        from explorer.charts.linked_map import width_axis

        return width_axis(axes, parameters=False)
    scale = alt.Scale(type=view.x_scale, domain=[axes.widths[0], axes.widths[-1]], nice=False)
    return alt.X(
        "width:Q",
        scale=scale,
        axis=alt.Axis(format="~s", labelOverlap="greedy"),
        title=names.x_title(axes),
    )


def _epoch(axes: Axes, view) -> alt.X:
    title = names.clock_title(axes)
    if view.x_scale == "sampled":
        from explorer.charts.linked_map import round_epochs

        axis = alt.Axis(
            values=round_epochs(axes),
            labelExpr=f"{style.javascript_list([names.tick(epoch) for epoch in axes.epochs])}[datum.value]",
            labelAngle=0,
            labelOverlap="greedy",
        )
        return alt.X("e:O", scale=alt.Scale(domain=list(range(len(axes.epochs)))), axis=axis, title=title)
    scale = alt.Scale(type=view.x_scale, domain=[axes.epochs[0], axes.epochs[-1]], nice=False)
    return alt.X("epoch:Q", scale=scale, axis=alt.Axis(format="~s", labelOverlap="greedy"), title=title)


def _fading() -> alt.StrokeOpacity:
    return alt.StrokeOpacity("age:Q", scale=alt.Scale(domain=[1, TRAIL], range=[0.55, 0.06]), legend=None)


def _tooltip(axes: Axes, short: str, name: str, view) -> list[alt.Tooltip]:
    shown = [alt.Tooltip("width:Q", title=names.x_name(axes), format=",")]
    shown.append(alt.Tooltip("epoch:Q", title=names.clock_name(axes), format=","))
    for ending, word in (("", name), ("l", "low"), ("h", "high")):
        shown.append(
            alt.Tooltip(f"{short}{ending}:Q", title=t(f"generalization.curve.{word}"), format=view.exact_format)
        )
    return [*shown, alt.Tooltip("seeds:Q", title=t("generalization.map.tooltip.seeds"))]


def _title(text: alt.Expr, lines: list[str]) -> alt.Title:
    return alt.Title(
        text,
        subtitle=lines,
        anchor="start",
        fontSize=13,
        fontWeight="normal",
        offset=6,
        subtitleFontSize=11,
        subtitlePadding=2,
        subtitleColor=style.NEUTRAL,
    )


def notes(source: pa.Table, view, limits: tuple[float, float]) -> list[str]:
    """The lines under the title of a slice: what is drawn, what the axis does, and what of all that any cell can show leaves the picture."""
    counts = sorted({n for n in source["seeds"].to_pylist() if n})
    n = "–".join(str(count) for count in dict.fromkeys((counts[0], counts[-1]))) if counts else "0"
    lines = [t("generalization.map.band" if _any(source, "al") else "generalization.map.no_band", n=n)]
    if view.log:
        lines.append(t("generalization.map.log_axis", under=_written(LINEAR_UNDER[view.measure], view)))
    low, high = limits
    drawn = [source[name] for name in source.column_names if VALUES.fullmatch(name)]
    most = max((pc.max(pc.abs(each)).as_py() or 0 for each in drawn), default=0)
    if most > high * (1 + 1e-6):  # the cells are in single precision
        values = {"end": _written(high, view), "most": _written(most, view)}
        lines.append(t("generalization.map.cut_both" if low else "generalization.map.cut", **values))
    return lines


def _written(value: float, view) -> str:
    """A value of the measure in a sentence."""
    return f"{value:.3g}" if view.measure == "loss" else f"{100 * value:.3g}%"


def _any(source: pa.Table, column: str) -> bool:
    return column in source.column_names and source[column].null_count < source.num_rows
