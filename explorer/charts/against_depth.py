"""Train and test error against depth, plain and residual, with every seed as a dot, and below it how many seeds failed to train.

Both errors are in one view: where a network fails to train, both rise together; where it overfits, the train error stays low under the
test error. A run that failed has no mark on the error axis and is in no mean: it is counted in the row of its network.
"""

import itertools
from typing import Any, Literal

import altair as alt
import pyarrow as pa

from explorer.charts import gaps, own_marks, style
from explorer.charts.along_epochs import label_at
from explorer.text import t

HEIGHT, ROW = 330, 20
ROOM = 64  # for the labels of both ordinates, so that the views line up
SERIES = [(architecture, part) for part in ("test", "train") for architecture in ("plain", "residual")]
LINEAR_UNDER = 0.005  # of the logarithmic axis of errors, which may be zero


def draw(
    dots: list[dict[str, Any]],
    means: list[dict[str, Any]],
    failures: list[dict[str, Any]],
    notes: list[dict[str, Any]],
    scale: Literal["linear", "log"] = "linear",
    own: list[dict[str, Any]] | None = None,
    height: int = HEIGHT,
    legend_columns: int = 1,
) -> style.Picture:
    """`dots`: depth, architecture, train, test (fractions), seed, href. `means`: depth, architecture, part (train, test), mean, low, high
    (None under three seeds), n. `failures`: depth, architecture, failed, n, href. `notes`: depth, error, text, at most three. `own`
    are one's own runs, drawn hollow: depth, architecture, part, error (None of one that failed to train), difference, seed, href. `height`
    is of the errors, in pixels; a wide picture has room for more `legend_columns` than a phone.

    A line joins means only, and breaks where some seed of a network failed to train, since there is no mean.
    """
    depths = sorted({row["depth"] for row in [*dots, *failures]})
    x = _depth_axis(depths)
    tables = {"failures": _failures(failures)}
    mine = [row for row in own or [] if row["error"] is not None]
    top = _errors(dots, means, notes, depths, scale, x, tables, mine, legend_columns)
    top.height = height
    bottom = _failure_rows(x, {row["architecture"] for row in failures})
    chart = style.stacked(top, bottom, spacing=6)
    return style.Picture(style.fitted(chart), tables)


def _depth_axis(depths: list[int]) -> alt.X:
    scale = alt.Scale(type="log", base=2, domain=[depths[0] * 0.9, depths[-1] * 1.11], nice=False)
    axis = alt.Axis(
        values=depths, labelExpr=label_at(depths, [str(depth) for depth in depths]), grid=False, labelOverlap=True
    )
    return alt.X("depth:Q", title=t("depth.axis.depth"), scale=scale, axis=axis)


def _errors(
    dots: list[dict[str, Any]],
    means: list[dict[str, Any]],
    notes: list[dict[str, Any]],
    depths: list[int],
    scale: str,
    x: alt.X,
    tables: dict[str, pa.Table],
    own: list[dict[str, Any]],
    legend_columns: int,
) -> style.Layers:
    words = [series_name(*series) for series in SERIES]
    tables["dots"] = _dots(dots)
    tables["means"] = _means(means, depths)
    errors = [row["error"] for row in (*tables["dots"].to_pylist(), *own)]
    highest = max([error for error in errors if error is not None], default=1.0)
    ceiling = min(1.0, 0.05 * -(-1.06 * highest // 0.05))
    kind = {"type": "symlog", "constant": LINEAR_UNDER} if scale == "log" else {"type": "linear"}
    ticks = [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1] if scale == "log" else None
    y_axis = alt.Axis(format="~%", tickCount=6, minExtent=ROOM, maxExtent=ROOM)
    if ticks:
        y_axis = alt.Axis(
            format="~%", values=[tick for tick in ticks if tick <= ceiling], minExtent=ROOM, maxExtent=ROOM
        )
    title = t("depth.axis.error")
    y = alt.Y("error:Q", title=title, scale=alt.Scale(domain=[0, ceiling], nice=False, **kind), axis=y_axis)
    legend = alt.Legend(
        orient="top", direction="horizontal", columns=legend_columns, title=None, labelLimit=320,
        symbolType="stroke", symbolOpacity=1, symbolSize=400, symbolStrokeWidth=2.2,
    )  # fmt: skip
    colours = [style.ARCHITECTURES[architecture] for architecture, _ in SERIES]
    colour = alt.Color("series:N", scale=alt.Scale(domain=words, range=colours), legend=legend)
    dash = alt.StrokeDash(
        "series:N",
        scale=alt.Scale(domain=words, range=[style.DASH if part == "train" else [1, 0] for _, part in SERIES]),
        legend=legend,
    )
    layers = []
    if any(row["low"] is not None for row in means):
        band = style.named("means").mark_area(opacity=0.16, clip=True)  # breaks where there is no interval
        low = alt.Y("low:Q", title=title)
        layers.append(band.encode(x=x, y=low, y2=alt.Y2("high:Q"), color=colour))
    mean = alt.Y("mean:Q", title=title)
    layers.append(
        style.named("means").mark_line(strokeWidth=2.2, clip=True).encode(x=x, y=mean, color=colour, strokeDash=dash)
    )
    tooltip = [
        alt.Tooltip("series:N", title=" "),
        alt.Tooltip("depth:Q", title=t("depth.axis.depth")),
        alt.Tooltip("error:Q", title=t("depth.axis.error"), format=".2%"),
        alt.Tooltip("seed:Q", title=t("site.seed")),
    ]
    size = alt.Size("part:N", scale=alt.Scale(domain=["test", "train"], range=[46, 20]), legend=None)
    # A layer for each shape: as an encoding, the shape would take the dashes out of the legend.
    for architecture, shape in style.ARCHITECTURE_SHAPES.items():
        mine = style.named("dots").transform_filter(f"datum.architecture == '{architecture}'")
        marks = mine.mark_point(filled=True, opacity=0.8, clip=True, cursor="pointer", shape=shape)
        layers.append(marks.encode(x=x, y=y, color=colour, size=size, href=alt.Href("href:N"), tooltip=tooltip))
    if own:
        layers += _own(own, x, y, colour, tables)
    if notes:
        tables["notes"] = pa.table(
            {
                "depth": pa.array([note["depth"] for note in notes], pa.int32()),
                "error": pa.array(_clear_of_lines([note["error"] for note in notes], means, ceiling), pa.float32()),
                "text": pa.array([note["text"] for note in notes], pa.string()),
            }
        )
        note = style.named("notes").encode(x=x, y=alt.Y("error:Q", title=title), text=alt.Text("text:N"))
        layers.append(
            note.mark_text(align="right", dx=6, baseline="middle", fontSize=12, fontStyle="italic", color=style.NEUTRAL)
        )
    return style.layered(*layers, width="container")


def _own(
    rows: list[dict[str, Any]], x: alt.X, y: alt.Y, colour: alt.Color, tables: dict[str, pa.Table]
) -> list[alt.Chart]:
    """One's own runs: hollow, in the colour and shape of the network, those of the train error smaller as the published ones are."""
    series = [row | {"series": series_name(row["architecture"], row["part"])} for row in rows]
    tables[own_marks.TABLE] = own_marks.table(
        series, depth=pa.int32(), series=pa.string(), architecture=pa.string(), part=pa.string(), error=pa.float32(),
        difference=pa.float32(), seed=pa.int16(), href=pa.string(),
    )  # fmt: skip
    told = [alt.Tooltip("series:N", title=" "), *own_marks.tooltip("error", t("depth.axis.error"), ".2%")]
    layers = []
    for (architecture, shape), part in itertools.product(style.ARCHITECTURE_SHAPES.items(), ("test", "train")):
        mine = style.named(own_marks.TABLE).transform_filter(
            f"datum.architecture == '{architecture}' && datum.part == '{part}'"
        )
        marks = own_marks.hollow(mine, size=own_marks.SIZE if part == "test" else 60, shape=shape, cursor="pointer")
        layers.append(marks.encode(x=x, y=y, color=colour, href=alt.Href("href:N"), tooltip=told))
    return layers


def _clear_of_lines(wanted: list[float], means: list[dict[str, Any]], ceiling: float) -> list[float]:
    """For each note the height nearest to the wanted one at which it crosses no line on the right of the picture, where it stands, nor another note;
    the wanted one where there is none."""
    depths = sorted({row["depth"] for row in means})
    right = depths[len(depths) // 3 :]
    taken = []
    for series in SERIES:
        line = [row["mean"] for row in means if (row["architecture"], row["part"]) == series and row["depth"] in right]
        taken += line + [(one + other) / 2 for one, other in itertools.pairwise(line)]
    placed = []
    for height in wanted:
        steps = [ceiling * step / 40 for step in range(1, 40)]
        free = [step for step in steps if all(abs(step - other) > NOTE_ROOM * ceiling for other in [*taken, *placed])]
        placed.append(min(free, key=lambda step: abs(step - height), default=height))
    return placed


NOTE_ROOM = 0.05
"""Of the height of the picture, above and below a note."""


def _failure_rows(x: alt.X, architectures: set[str]) -> style.Layers:
    order = [each for each in style.ARCHITECTURES if each in architectures]
    names = {each: t(f"depth.architecture.{each}") for each in order}
    y = alt.Y(
        "name:N",
        sort=list(names.values()),
        title=None,
        axis=alt.Axis(minExtent=ROOM, maxExtent=ROOM, ticks=False, domain=False, labelLimit=ROOM),
    )
    bare = x.copy()
    bare.axis = alt.Axis(labels=False, ticks=False, domain=False, grid=False, title=t("depth.axis.failed"))
    tooltip = [
        alt.Tooltip("name:N", title=" "),
        alt.Tooltip("depth:Q", title=t("depth.axis.depth")),
        alt.Tooltip("label:N", title=t("depth.axis.failed")),
    ]
    base = style.named("failures").encode(
        x=bare, y=y, text=alt.Text("label:N"), tooltip=tooltip, href=alt.Href("href:N")
    )
    layers = [
        base.transform_filter("datum.failed == 0").mark_text(fontSize=11, color=style.NEUTRAL, cursor="pointer"),
        # Words, a heavier face and a cross: no failure is told by its colour alone.
        base.transform_filter("datum.failed > 0").mark_text(
            fontSize=12, fontWeight="bold", color=style.ACCENT, cursor="pointer"
        ),
    ]
    return style.layered(*layers, height=ROW * max(1, len(order)), width="container")


def series_name(architecture: str, part: str) -> str:
    """What a line is called in the legend and the table: "plain, train error"."""
    return t("depth.series", architecture=t(f"depth.architecture.{architecture}"), part=t(f"depth.part.{part}"))


def _dots(rows: list[dict[str, Any]]) -> pa.Table:
    found = [row | {"part": part, "error": row[part]} for row in rows for part in ("test", "train")]
    return pa.table(
        {
            "depth": pa.array([row["depth"] for row in found], pa.int32()),
            "series": pa.array([series_name(row["architecture"], row["part"]) for row in found], pa.string()),
            "architecture": pa.array([row["architecture"] for row in found], pa.string()),
            "part": pa.array([row["part"] for row in found], pa.string()),
            "error": pa.array([row["error"] for row in found], pa.float32()),
            "seed": pa.array([row["seed"] for row in found], pa.int16()),
            "href": pa.array([row["href"] for row in found], pa.string()),
        }
    )


def _means(rows: list[dict[str, Any]], depths: list[int]) -> pa.Table:
    """With a row without a value wherever a network has no mean, so that its line breaks there."""
    there = {(row["architecture"], row["part"]) for row in rows}
    places = [(*each, depth) for each in SERIES if each in there for depth in depths]
    found = gaps.at_places(rows, ("architecture", "part", "depth"), places, ("mean", "low", "high", "n"))
    return pa.table(
        {
            "depth": pa.array([row["depth"] for row in found], pa.int32()),
            "series": pa.array([series_name(row["architecture"], row["part"]) for row in found], pa.string()),
            **{name: pa.array([row[name] for row in found], pa.float32()) for name in ("mean", "low", "high")},
            "n": pa.array([row["n"] for row in found], pa.int16()),
        }
    )


def _failures(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.table(
        {
            "depth": pa.array([row["depth"] for row in rows], pa.int32()),
            "name": pa.array([t(f"depth.architecture.{row['architecture']}") for row in rows], pa.string()),
            "failed": pa.array([row["failed"] for row in rows], pa.int16()),
            "n": pa.array([row["n"] for row in rows], pa.int16()),
            "label": pa.array([rate(row["failed"], row["n"]) for row in rows], pa.string()),
            "href": pa.array([row["href"] for row in rows], pa.string()),
        }
    )


def rate(failed: int, n: int) -> str:
    """How many seeds of how many failed, with a cross where any did: "✕ 2/3"."""
    return f"{failed}/{n}" if failed == 0 else f"✕ {failed}/{n}"
