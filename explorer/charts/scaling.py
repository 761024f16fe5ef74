"""Steps to a target against batch size: the curve after tuning with every seed, what was not reached, the perfect-scaling line, regimes."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pyarrow as pa

from explorer import format
from explorer.charts import gaps, log2, own_marks, style
from explorer.text import t

# One colour and one shape for each optimizer, wherever it is drawn.
COLOURS = {"sgd": style.MEASURED, "momentum": style.ACCENT, "nesterov": "#5aa469", "adam": "#b0569c"}
SHAPES = {"sgd": "circle", "momentum": "square", "nesterov": "triangle-up", "adam": "diamond"}
CROSS = "M-0.7,-0.7L0.7,0.7M0.7,-0.7L-0.7,0.7"
HEIGHT, SMALL_HEIGHT = 370, 230
NOTE_LINE = 15


def draw(
    runs: Sequence[Mapping[str, Any]],
    curve: Sequence[Mapping[str, Any]],
    *,
    measure: str,
    perfect: Sequence[Mapping[str, Any]] = (),
    regime: Mapping[str, Any] | None = None,
    published: Sequence[Mapping[str, Any]] = (),
    own: Sequence[Mapping[str, Any]] = (),
    small: bool = False,
    height: int = HEIGHT,
) -> style.Picture:
    """`runs` have optimizer, batch_size, seed, lr, state, url and `value` (steps, examples or seconds; of a run that did not reach the target
    what it took, None for seconds); `curve` has optimizer, batch_size, value, low, high; `perfect` batch_size and value; `published`
    batch_size, value and source; `own` are one's own runs that reached, with optimizer, batch_size, seed, lr, value, difference, url. `regime` is a row of the table regimes, of the curve that the perfect line belongs to.

    A run that did not reach is an arrow upwards, one that diverged a cross, at the top where it has no value: neither is joined by a line, and
    the curve breaks at a batch size that is not on it.
    """
    values = [row["value"] for row in (*runs, *curve, *perfect, *published, *own) if row["value"]]
    values += [row[end] for row in curve for end in ("low", "high") if row.get(end)]
    top = max(values, default=1.0)
    sizes = [row["batch_size"] for row in (*runs, *published)] or [1]
    optimizers = [code for code in COLOURS if any(row["optimizer"] == code for row in runs)]
    x_title, y_title = t("batch_size.axis.batch_size"), t(f"batch_size.axis.{measure}")
    x = log2.axis(alt.X("batch_size:Q", title=x_title), sizes, grid=False)
    y, at = (log2.axis(alt.Y(f"{field}:Q", title=y_title), values or [1.0]) for field in ("value", "at"))
    colour, shape = _by_optimizer(optimizers, legend=not small and len(optimizers) > 1)
    tried = sorted({(row["optimizer"], row["batch_size"]) for row in (*runs, *curve)})
    tables = {"runs": _runs(runs, top), "curve": _curve(curve, tried)}
    layers = _regime(regime, x, x_title, tables, notes=not small and not published) if regime else []
    if perfect:
        tables["perfect"] = _numbers(perfect, ("batch_size", "value"))
        line = style.named("perfect").mark_line(color=style.NEUTRAL, strokeWidth=1.6, strokeDash=[7, 4], clip=True)
        layers.append(line.encode(x=x, y=y))
    curves = style.named("curve").encode(x=x, color=colour)
    layers.append(curves.mark_line(strokeWidth=2.2, clip=True).encode(y=y))
    if any(row.get("low") for row in curve):
        bars = curves.mark_rule(strokeWidth=1.4, opacity=0.75, clip=True).transform_filter("isValid(datum.low)")
        layers.append(bars.encode(y=alt.Y("low:Q", title=y_title), y2=alt.Y2("high:Q")))
    layers += _marks(x, at, colour, shape, y_title, size=22 if small else 42)
    if own:
        layers.append(_own(own, tables, x, y, colour, shape, y_title))
    chart = style.layered(*layers)
    if published:
        below = _published(published, tables, x, y, x_title, y_title)
        chart = style.layered(below, chart, resolve={"scale": {"color": "independent"}})
    chart.height = SMALL_HEIGHT if small else height
    return style.Picture(style.fitted(chart), tables)


def _published(
    rows: Sequence[Mapping[str, Any]], tables: dict[str, pa.Table], x: alt.X, y: alt.Y, x_title: str, y_title: str
) -> alt.Chart:
    """Hollow marks under their source, which says that they are digitised."""
    sources = pa.array([row["source"] for row in rows])
    tables["published"] = _numbers(rows, ("batch_size", "value")).append_column("source", sources)
    key = alt.Legend(orient="bottom", title=None, labelLimit=420, symbolStrokeWidth=1.6)
    colour = alt.Color("source:N", scale=alt.Scale(range=[style.PUBLISHED]), legend=key)
    tooltip = [
        alt.Tooltip("batch_size:Q", title=x_title, format=","),
        alt.Tooltip("value:Q", title=y_title, format=",.3~g"),
    ]
    marks = style.named("published").mark_point(filled=False, size=46, strokeWidth=1.5, opacity=1)
    return marks.encode(x=x, y=y, color=colour, tooltip=[*tooltip, alt.Tooltip("source:N", title=" ")])


def _marks(x: alt.X, y: alt.Y, colour: alt.Color, shape: alt.Shape, y_title: str, size: int) -> list[alt.Chart]:
    """A mark for each run that leads to it: dots, arrows for not reached, crosses for diverged."""
    tooltip = [
        alt.Tooltip("name:N", title=t("batch_size.control.optimizer")),
        alt.Tooltip("batch_size:Q", title=t("batch_size.axis.batch_size"), format=","),
        alt.Tooltip("value:Q", title=y_title, format=",.4~g"),
        alt.Tooltip("rate:N", title=t("batch_size.axis.rate")),
        alt.Tooltip("seed:Q", title=t("site.seed")),
        alt.Tooltip("status:N", title=t("batch_size.state.title")),
    ]
    base = style.named("runs").encode(x=x, y=y, color=colour, href=alt.Href("url:N"), tooltip=tooltip)

    def of(state: str) -> alt.Chart:
        return base.transform_filter(f"datum.state == '{state}'")

    look = {"opacity": 1, "cursor": "pointer"}
    return [
        of("reached").mark_point(filled=True, size=size, **look).encode(shape=shape),
        of("not_reached").mark_point(shape="arrow", filled=True, size=5 * size, **look),
        of("diverged").mark_point(shape=CROSS, filled=False, size=2 * size, strokeWidth=1.8, **look),
    ]


def _own(
    rows: Sequence[Mapping[str, Any]],
    tables: dict[str, pa.Table],
    x: alt.X,
    y: alt.Y,
    colour: alt.Color,
    shape: alt.Shape,
    y_title: str,
) -> alt.Chart:
    """One's own runs that reached the target: hollow, in the colour and shape of their optimizer."""
    named = [
        dict(row) | {"name": t(f"batch_size.optimizer.{row['optimizer']}"), "rate": format.rate(row["lr"])}
        for row in rows
    ]
    tables[own_marks.TABLE] = own_marks.table(
        named, name=pa.string(), batch_size=pa.int32(), value=pa.float64(), difference=pa.float64(), rate=pa.string(), seed=pa.int16(),
        url=pa.string(),
    )  # fmt: skip
    told = [
        alt.Tooltip("name:N", title=t("batch_size.control.optimizer")),
        alt.Tooltip("batch_size:Q", title=t("batch_size.axis.batch_size"), format=","),
        alt.Tooltip("rate:N", title=t("batch_size.axis.rate")),
        *own_marks.tooltip("value", y_title, ",.4~g", apart="+,.4~g", apart_title=t("site.own.difference")),
    ]
    marks = own_marks.hollow(style.named(own_marks.TABLE), cursor="pointer")
    return marks.encode(x=x, y=y, color=colour, shape=shape, href=alt.Href("url:N"), tooltip=told)


def _by_optimizer(optimizers: Sequence[str], legend: bool) -> tuple[alt.Color, alt.Shape]:
    key = alt.Legend(orient="top", title=None, columns=2, symbolOpacity=1, symbolSize=70) if legend else None
    words = [t(f"batch_size.optimizer.{code}") for code in optimizers]
    colours = alt.Scale(domain=words, range=[COLOURS[code] for code in optimizers])
    shapes = alt.Scale(domain=words, range=[SHAPES[code] for code in optimizers])
    return alt.Color("name:N", scale=colours, legend=key), alt.Shape("name:N", scale=shapes, legend=None)


def _regime(
    regime: Mapping[str, Any], x: alt.X, x_title: str, tables: dict[str, pa.Table], notes: bool
) -> list[alt.Chart]:
    """Where perfect scaling ends and where the flat part begins, each with its interval as a band, and a note on each regime."""
    marks = [
        {"batch_size": regime[at], "low": regime[low] or regime[at], "high": regime[high] or regime["largest"], "mark": at}
        for at, low, high in (("perfect_until", "perfect_low", "perfect_high"), ("flat_from", "flat_low", "flat_high"))
        if regime[at]
    ]  # fmt: skip
    if not marks:
        return []
    tables["regimes"] = pa.Table.from_pylist(marks)
    base = style.named("regimes")
    dash = alt.StrokeDash("mark:N", scale=alt.Scale(domain=["perfect_until", "flat_from"], range=[[1, 0], [2, 3]]), legend=None)  # fmt: skip
    layers = []
    if regime["perfect_low"] is not None or regime["flat_low"] is not None:
        band = base.mark_rect(color=style.NEUTRAL, opacity=0.16, clip=True)
        layers.append(
            band.encode(x=alt.X("low:Q", title=x_title), x2=alt.X2("high:Q"), y=alt.YValue(0), y2=alt.Y2Value("height"))
        )
    layers.append(base.mark_rule(color=style.NEUTRAL, strokeWidth=1.6, clip=True).encode(x=x, strokeDash=dash))
    if notes and (told := _notes(regime)):
        tables["notes"] = pa.Table.from_pylist(told)
        for place in range(len(told)):
            text = style.named("notes").transform_filter(f"datum.place == {place}")
            look = {"fontSize": style.LABEL_SIZE + 1, "fontWeight": "bold", "color": style.NEUTRAL, "align": "center"}
            layers.append(
                text.mark_text(**look).encode(x=x, y=alt.YValue(10 + place * NOTE_LINE), text=alt.Text("note:N"))
            )
    return layers


def _notes(regime: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A note in the middle of each regime; none where the flat part begins before perfect scaling ends, so that they cannot be told apart."""
    bend, flat = regime["perfect_until"], regime["flat_from"]
    if bend and flat and flat <= bend:
        return []
    ends = [("perfect", regime["smallest"], bend or flat)]
    if bend and flat:
        ends.append(("diminishing", bend, flat))
    if flat and flat < regime["largest"]:
        ends.append(("flat", flat, regime["largest"]))
    return [
        {"place": place, "note": t(f"batch_size.regime.{code}"), "batch_size": float((low * high) ** 0.5)}
        for place, (code, low, high) in enumerate(ends)
    ]


def _runs(rows: Sequence[Mapping[str, Any]], top: float) -> pa.Table:
    """`at` is where a run is drawn, and no value: the top for one without."""
    return pa.table(
        {
            "name": pa.array([t(f"batch_size.optimizer.{row['optimizer']}") for row in rows], pa.string()),
            "batch_size": pa.array([row["batch_size"] for row in rows], pa.int32()),
            "value": pa.array([row["value"] for row in rows], pa.float64()),
            "at": pa.array([row["value"] or top for row in rows], pa.float64()),
            "rate": pa.array([format.rate(row["lr"]) for row in rows], pa.string()),
            "seed": pa.array([row["seed"] for row in rows], pa.int16()),
            "state": pa.array([row["state"] for row in rows], pa.string()),
            "status": pa.array([t(f"batch_size.state.{row['state']}") for row in rows], pa.string()),
            "url": pa.array([row["url"] for row in rows], pa.string()),
        }
    )


def _curve(rows: Sequence[Mapping[str, Any]], tried: Sequence[tuple[str, int]]) -> pa.Table:
    """With a row without a value for a batch size that not every seed reached, so that the line breaks there."""
    found = gaps.at_places(rows, ("optimizer", "batch_size"), tried, ("value", "low", "high"))
    names = pa.array([t(f"batch_size.optimizer.{row['optimizer']}") for row in found], pa.string())
    return _numbers(found, ("batch_size", "value", "low", "high")).append_column("name", names)


def _numbers(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> pa.Table:
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.float64()) for name in names})
