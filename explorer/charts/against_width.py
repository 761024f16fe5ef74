"""Test error against width in a few curves: at the last epoch and stopped early, or at several label noises. Ours alone."""

import altair as alt
import pyarrow as pa

from explorer.charts import names, style
from explorer.text import t

HEIGHT = 200
TWO = [style.Look(style.MEASURED), style.Look(style.ACCENT, "square", tuple(style.DASH))]


def draw(
    rows: pa.Table, series: list[str], words: list[str], looks: list[style.Look], ceiling: float, study: names.Named
) -> style.Picture:
    """`rows` has width, series, mean, low, high (fractions), n; `series` are its codes in order, `words` what they are called, `looks` how
    each is drawn.

    Mean with its 95% t interval as a band, a mark per width; the ordinate ends at `ceiling`.
    """
    table = pa.table(
        {
            "width": rows["width"].cast(pa.int32()),
            "series": pa.array([words[series.index(code)] for code in rows["series"].to_pylist()]),
            **{name: rows[name].cast(pa.float32()) for name in ("mean", "low", "high")},
            "n": rows["n"].cast(pa.int16()),
        }
    )
    widths = sorted(set(table["width"].to_pylist()))
    base = 10 if study.unit == "features" else 2
    round_values = (10, 100, 1000, 10_000) if base == 10 else (1, 4, 16, 64, 256, 1024)
    ticks = [width for width in round_values if widths and widths[0] <= width <= widths[-1]] or widths
    x = alt.X(
        "width:Q",
        title=names.x_title(study),
        scale=alt.Scale(type="log", base=base, nice=False),
        axis=alt.Axis(values=ticks, grid=False, format=","),
    )
    y = alt.Y(
        "mean:Q",
        title=t("generalization.map.error_axis"),
        scale=alt.Scale(domain=[0, ceiling]),
        axis=alt.Axis(format=".0%", tickCount=5),
    )
    legend = alt.Legend(
        orient="top", direction="horizontal", title=None, labelLimit=320, columns=2, symbolOpacity=1, symbolSize=70
    )
    colours, shapes, dashes = (list(each) for each in zip(*looks, strict=True))
    colour = alt.Color("series:N", scale=alt.Scale(domain=words, range=colours), legend=legend)
    dash = alt.StrokeDash("series:N", scale=alt.Scale(domain=words, range=[list(d) for d in dashes]), legend=legend)
    shape = alt.Shape("series:N", scale=alt.Scale(domain=words, range=shapes), legend=legend)
    source = style.named("rows")
    tooltip = [
        alt.Tooltip("series:N", title=" "),
        alt.Tooltip("width:Q", title=names.x_name(study), format=","),
    ]
    tooltip += [
        alt.Tooltip(f"{field}:Q", title=t(f"generalization.curve.{word}"), format=".1%")
        for field, word in (("mean", "test_error"), ("low", "low"), ("high", "high"))
    ]
    tooltip.append(alt.Tooltip("n:Q", title=t("generalization.map.tooltip.seeds")))
    layers = [
        source.mark_line(strokeWidth=2, clip=True).encode(x=x, y=y, color=colour, strokeDash=dash),
        source.mark_point(filled=True, size=34, opacity=1, clip=True).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=tooltip
        ),
    ]
    named = {}
    if table["low"].null_count < table.num_rows:
        named = {"title": style.band_named(table)}
        band = source.mark_area(opacity=0.2, clip=True).encode(
            x=x, y=alt.Y("low:Q", title=t("generalization.map.error_axis")), y2=alt.Y2("high:Q"), color=colour
        )
        layers.insert(0, band)
    return style.Picture(style.fitted(style.layered(*layers, height=HEIGHT, **named)), {"rows": table})
