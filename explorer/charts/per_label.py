"""Test error against parameters per labelled output, for several studies at once: a view per label noise, and a line at one."""

import altair as alt
import pyarrow as pa

from explorer.charts import style
from explorer.charts.along_epochs import label_at
from explorer.text import t

HEIGHT = 200
COLOURS = {"random_features": "#2a9d8f", "mnist_mlp": style.MEASURED, "cifar10_cnn_small": style.ACCENT}
SHAPES = {"random_features": "diamond", "mnist_mlp": "circle", "cifar10_cnn_small": "square"}
TICKS = [0.001, 0.01, 0.1, 1, 10, 100, 1000]


def draw(rows: pa.Table, studies: dict[str, str], noises: dict[float, str]) -> style.Picture:
    """`rows` as results.generalization_studies.per_label gives them; `studies` and `noises` are what their codes are called, in order.

    No line joins one study with another; a band only where there are intervals.
    """
    table = rows.select(["study", "noise", "width", "n_params", "n"])
    for name in ("ratio", "mean", "low", "high"):
        table = table.append_column(name, rows[name].cast(pa.float32()))
    table = table.append_column("series", pa.array([studies[code] for code in rows["study"].to_pylist()], pa.string()))
    ratios = table["ratio"].to_pylist()
    ticks = [tick for tick in TICKS if min(ratios) <= tick <= max(ratios)]
    x = alt.X(
        "ratio:Q",
        title=t("generalization_studies.theory.x"),
        scale=alt.Scale(type="log", domain=[min(*ratios, 0.9), max(*ratios, 1.1)], nice=False),
        axis=alt.Axis(values=ticks, labelExpr=label_at(ticks, [f"{tick:,g}" for tick in ticks]), grid=False),
    )
    views = [
        _view(table, noise, title, list(studies), list(studies.values()), x, words=place == 0)
        for place, (noise, title) in enumerate(noises.items())
    ]
    named = {"title": style.band_named(rows)} if rows["low"].null_count < rows.num_rows else {}
    chart = style.stacked(*views, spacing=14, resolve={"scale": {"color": "shared", "shape": "shared"}}, **named)
    return style.Picture(
        style.fitted(chart), {"rows": table, "one": pa.table({"ratio": pa.array([1.0], pa.float32())})}
    )


def _view(table: pa.Table, noise: float, title: str, codes: list[str], names: list[str], x: alt.X, words: bool):
    legend = alt.Legend(orient="top", title=None, columns=1, labelLimit=330, symbolOpacity=1, symbolSize=70)
    colour = alt.Color(
        "series:N", scale=alt.Scale(domain=names, range=[COLOURS[code] for code in codes]), legend=legend
    )
    shape = alt.Shape("series:N", scale=alt.Scale(domain=names, range=[SHAPES[code] for code in codes]), legend=legend)
    axis = alt.Axis(format=".0%", tickCount=5, minExtent=style.AXIS_ROOM, maxExtent=style.AXIS_ROOM)
    y_title = t("generalization.curve.test_error")
    y = alt.Y("mean:Q", title=y_title, scale=alt.Scale(domain=[0, 1]), axis=axis)
    source = style.named("rows").transform_filter(f"datum.noise === {noise!r}")
    layers = [
        style.named("one").mark_rule(color=style.NEUTRAL, strokeDash=[2, 2], strokeWidth=1.5).encode(x=x),
        source.mark_line(strokeWidth=1.8, clip=True).encode(x=x, y=y, color=colour),
        source.mark_point(filled=True, size=30, opacity=1, clip=True).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=_tooltip()
        ),
    ]
    if table["low"].null_count < table.num_rows:
        band = source.mark_area(opacity=0.18, clip=True)
        layers.insert(1, band.encode(x=x, y=alt.Y("low:Q", title=y_title), y2=alt.Y2("high:Q"), color=colour))
    if words:
        label = style.named("one").mark_text(
            align="left", baseline="top", dx=5, dy=3, fontSize=11, color=style.NEUTRAL, lineBreak="\n"
        )
        layers.append(label.encode(x=x, y=alt.YValue(0), text=alt.TextValue(t("generalization_studies.theory.line"))))
    heading = alt.Title(title, anchor="start", fontSize=13, fontWeight="normal", offset=4)
    return style.layered(*layers, height=HEIGHT, title=heading)


def _tooltip() -> list[alt.Tooltip]:
    shown = [alt.Tooltip("series:N", title=" ")]
    shown.append(alt.Tooltip("ratio:Q", title=t("generalization_studies.theory.x"), format=".3~g"))
    shown.append(alt.Tooltip("n_params:Q", title=t("generalization.map.tooltip.parameters"), format=","))
    ends = (("mean", "mean"), ("low", "low"), ("high", "high"))
    shown += [
        alt.Tooltip(f"{field}:Q", title=t(f"generalization_studies.curve.{word}"), format=".1%") for field, word in ends
    ]
    return [*shown, alt.Tooltip("n:Q", title=t("generalization.map.tooltip.seeds"))]
