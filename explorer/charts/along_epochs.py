"""Error along the clock of single networks, on a log axis: one network with all its seeds, or a few networks above one another."""

import math

import altair as alt
import pyarrow as pa

from explorer.charts import names, style
from explorer.text import t

HEIGHT = 260
SMALL = 190
MOST_TICKS = 5
DASHES = {"test_error": [1, 0], "train_error": style.DASH}
COLOURS = [style.NEUTRAL, style.ACCENT, "#2a9d8f", style.MEASURED]  # narrowest to widest; a shape goes with each
SHAPES = ["circle", "triangle-up", "square", "diamond"]


def one(means: pa.Table, seeds: pa.Table, marks: pa.Table, study: names.Named) -> style.Picture:
    """Test error (solid) and train error (dashed) of one network along the clock.

    `means` has epoch, measure, mean, low, high, n, `seeds` epoch, seed, measure, value, `marks` epoch, mean, label, above (whether the
    label stands above its mark). A band only where there are intervals.
    """
    words = {measure: t(f"generalization.curve.{measure}") for measure in DASHES}
    tables = {"means": _named(means, words), "seeds": _named(seeds, words), "marks": _single(marks)}
    highest = max([v for v in means["mean"].to_pylist() + seeds["value"].to_pylist() if v is not None], default=1)
    x = log_clock(means["epoch"].to_pylist(), study)
    y = _error("mean", min(1.0, math.ceil(20 * highest) / 20))
    dash = alt.StrokeDash(
        "series:N",
        scale=alt.Scale(domain=list(words.values()), range=list(DASHES.values())),
        legend=alt.Legend(
            orient="top", title=None, symbolSize=500, symbolStrokeWidth=2.2, symbolStrokeColor=style.MEASURED
        ),
    )
    source = style.named("means")
    layers = [
        style.named("seeds")
        .mark_line(color=style.MEASURED, opacity=0.4, strokeWidth=0.8, clip=True)
        .encode(
            x=x,
            y=alt.Y("value:Q", title=t("generalization.map.error_axis")),
            strokeDash=dash,
            detail=alt.Detail("seed:N"),
        ),
        source.mark_line(color=style.MEASURED, strokeWidth=2.2, clip=True).encode(x=x, y=y, strokeDash=dash),
        source.mark_point(color=style.MEASURED, size=60, opacity=0).encode(x=x, y=y, tooltip=_tooltip(study)),
    ]
    if _has_intervals(means):
        band = source.mark_area(color=style.MEASURED, opacity=0.2, clip=True)
        layers.insert(0, band.encode(x=x, y=_low(), y2=alt.Y2("high:Q"), detail=alt.Detail("series:N")))
    if marks.num_rows:
        base = style.named("marks").encode(x=x, y=y)
        layers += [
            base.mark_point(color=style.ACCENT, filled=True, size=90, opacity=1, shape="diamond"),
            *(
                base.transform_filter(f"datum.above === {above}")
                .mark_text(color=style.ACCENT, dy=dy, fontSize=13, fontWeight="bold")
                .encode(text=alt.Text("label:N"))
                for above, dy in (("true", -13), ("false", 15))
            ),
        ]
    return style.Picture(style.fitted(style.layered(*layers, height=HEIGHT)), tables)


def several(means: pa.Table, series: dict[int, str], titles: dict[str, str], study: names.Named) -> style.Picture:
    """A view per measure of `titles`, one above the other on the same axis, a line per width of `series` (with its words), narrowest first.

    `means` has width, epoch, measure, mean, low, high, n.
    """
    table = _named(means, titles)
    table = table.append_column("network", pa.array([series[width] for width in means["width"].to_pylist()]))
    x = log_clock(means["epoch"].to_pylist(), study)
    views = [_view(table, measure, title, list(series.values()), x, study) for measure, title in titles.items()]
    named = {"title": style.band_named(means)} if _has_intervals(means) else {}
    chart = style.stacked(*views, spacing=14, resolve={"scale": {"color": "shared", "shape": "shared"}}, **named)
    return style.Picture(style.fitted(chart), {"means": table})


def _view(table: pa.Table, measure: str, title: str, networks: list[str], x: alt.X, study: names.Named) -> style.Layers:
    mine = [row["high"] or row["mean"] for row in table.to_pylist() if row["measure"] == measure]
    legend = alt.Legend(orient="top", title=None, columns=2, labelLimit=260, symbolOpacity=1, symbolSize=70)
    colour = alt.Color("network:N", scale=alt.Scale(domain=networks, range=COLOURS[-len(networks) :]), legend=legend)
    shape = alt.Shape("network:N", scale=alt.Scale(domain=networks, range=SHAPES[-len(networks) :]), legend=legend)
    ceiling = 1.0 if measure == "memorized" else min(1.0, math.ceil(20 * max(mine, default=1)) / 20)
    y = _error("mean", ceiling, title=None)
    source = style.named("means").transform_filter(f"datum.measure === '{measure}'")
    layers = [
        source.mark_line(strokeWidth=1.8, clip=True).encode(x=x, y=y, color=colour),
        source.mark_point(filled=True, size=26, opacity=1, clip=True).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=[alt.Tooltip("network:N", title=" "), *_tooltip(study)]
        ),
    ]
    if _has_intervals(table):
        band = source.mark_area(opacity=0.15, clip=True)
        layers.insert(0, band.encode(x=x, y=alt.Y("low:Q", title=None), y2=alt.Y2("high:Q"), color=colour))
    words = alt.Title(title, anchor="start", fontSize=13, fontWeight="normal", offset=4)
    return style.layered(*layers, height=SMALL, title=words)


def log_clock(readings: list[int], study: names.Named) -> alt.X:
    """The clock of a study on a log axis, labelled at a few powers of ten."""
    low, high = min(readings, default=1), max(readings, default=10)
    powers = [10**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    ticks = powers[:: math.ceil(len(powers) / MOST_TICKS) or 1] if len(powers) > 1 else sorted({low, high})
    return alt.X(
        "epoch:Q",
        title=names.clock_title(study),
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(values=ticks, labelExpr=label_at(ticks, [names.tick(tick) for tick in ticks]), grid=False),
    )


def label_at(values: list[float], words: list[str]) -> str:
    """A label expression that writes these words at these values."""
    return f"{style.javascript_list(words)}[indexof({style.javascript_list(values)}, datum.value)]"


def _error(field: str, ceiling: float, title: str | None = "") -> alt.Y:
    axis = alt.Axis(format=".0%", tickCount=5, minExtent=style.AXIS_ROOM, maxExtent=style.AXIS_ROOM)
    title = t("generalization.map.error_axis") if title == "" else title
    return alt.Y(f"{field}:Q", title=title, scale=alt.Scale(domain=[0, ceiling]), axis=axis)


def _low() -> alt.Y:
    return alt.Y("low:Q", title=t("generalization.map.error_axis"))


def _tooltip(study: names.Named) -> list[alt.Tooltip]:
    shown = [alt.Tooltip("series:N", title=" "), alt.Tooltip("epoch:Q", title=names.clock_name(study), format=",")]
    ends = (("mean", "mean"), ("low", "low"), ("high", "high"))
    shown += [
        alt.Tooltip(f"{field}:Q", title=t(f"generalization_studies.curve.{word}"), format=".1%") for field, word in ends
    ]
    return [*shown, alt.Tooltip("n:Q", title=t("generalization.map.tooltip.seeds"))]


def _has_intervals(table: pa.Table) -> bool:
    return table["low"].null_count < table.num_rows


def _named(table: pa.Table, words: dict[str, str]) -> pa.Table:
    return _single(table.append_column("series", pa.array([words[code] for code in table["measure"].to_pylist()])))


def _single(table: pa.Table) -> pa.Table:
    """The same with fractions in single precision: seven digits, where the test set resolves four."""
    fields = [pa.field(f.name, pa.float32() if pa.types.is_float64(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(fields))
