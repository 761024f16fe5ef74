"""What was probed or measured of a run along its steps: a line for each seed in the colour of its normalization, never a band over runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts import normalizations, own_marks, style
from explorer.text import t

HEIGHT, PART = 250, 112
OWN_SIZE = 64  # of a hollow mark, in square pixels: those of a run stand close
CROSS = "✕"


def lines(
    rows: Sequence[Mapping[str, Any]],
    y_title: str,
    *,
    x_title: str,
    y_log: bool = True,
    percent: bool = False,
    early: float | None = None,
    own: Sequence[Mapping[str, Any]] = (),
    height: int = HEIGHT,
) -> style.Picture:
    """`rows`: norm, seed, x (step or epoch), value (None where it is not finite: a cross at the top of the picture), href. Both axes are
    logarithmic, the ordinate unless `y_log` is False. `early` is the last step of the first quarter of the training, where a line stands.
    `own` are values of one's own runs, drawn hollow, with difference (None without a published run) beside those of `rows`."""
    norms = normalizations.in_order(row["norm"] for row in rows)
    table = _table(rows, ("value",), y_log)
    x = _x(rows, x_title)
    scale = alt.Scale(type="log", nice=False) if y_log else alt.Scale(zero=False, nice=True)
    axis = alt.Axis(format=".0%", tickCount=5) if percent else alt.Axis(labelExpr=style.LOG_LABEL, tickCount=5)
    y = alt.Y("value:Q", title=y_title, scale=scale, axis=axis)
    colour, shape = normalizations.channels(norms)
    base = style.named("rows").encode(x=x, color=colour, detail=alt.Detail("seed:N"))
    layers, tables = _first_quarter(early, x_title)
    layers += [
        base.transform_filter(mine).mark_line(strokeWidth=1.4, strokeDash=dash, opacity=0.8, clip=True).encode(y=y)
        for dash, mine in normalizations.by_dash(norms)
    ]
    layers += [
        base.mark_point(filled=True, size=26, opacity=0.9, clip=True, cursor="pointer").encode(
            y=y, shape=shape, href=alt.Href("href:N"), tooltip=_tooltip(x_title, {"value": y_title}, percent)
        ),
        _lost(x, colour),
    ]
    if mine := [row for row in own if not y_log or row["value"] > 0]:
        tables[own_marks.TABLE] = _table(mine, ("value", "difference"), positive=False)
        told = [
            *_tooltip(x_title, {})[:2],
            *own_marks.tooltip("value", y_title, ".3~g", apart="+.2~g", apart_title=t("site.own.difference")),
        ]
        hollow = own_marks.hollow(style.named(own_marks.TABLE), size=OWN_SIZE, cursor="pointer")
        layers.append(hollow.encode(x=x, y=y, color=colour, shape=shape, href=alt.Href("href:N"), tooltip=told))
    return style.Picture(style.fitted(style.layered(*layers, height=height)), tables | {"rows": table})


def ranges(
    rows: Sequence[Mapping[str, Any]], y_title: str, *, x_title: str, early: float | None = None
) -> style.Picture:
    """For each norm a view on one scale: what the loss is between over the moves of one probe, a shaded band a seed, the loss before the
    step as a line. `rows`: norm, seed, x, value (the loss), low, high (None where a move left the finite range: a cross), href."""
    norms = normalizations.in_order(row["norm"] for row in rows)
    numbers = [
        row[name] for row in rows for name in ("value", "low", "high") if row[name] is not None and row[name] > 0
    ]
    domain = [min(numbers, default=0.1) / 1.1, max(numbers, default=1.0) * 1.1]
    axis = alt.Axis(labelExpr=style.LOG_LABEL, tickCount=4, minExtent=style.AXIS_ROOM, maxExtent=style.AXIS_ROOM)
    scale = alt.Scale(type="log", domain=domain, nice=False)
    table = _table(rows, ("value", "low", "high"), True)
    tables = _first_quarter(early, x_title)[1]
    views = []
    for place, norm in enumerate(norms):
        look = normalizations.LOOKS.get(norm, normalizations.OTHER)
        last = place == len(norms) - 1
        along = _x(rows, x_title if last else None)
        base = (
            style.named("rows")
            .transform_filter(f"datum.norm === {norm!r}")
            .encode(x=along, detail=alt.Detail("seed:N"))
        )
        low = alt.Y("low:Q", title=None, scale=scale, axis=axis)
        middle = alt.Y("value:Q", title=None, scale=scale, axis=axis)
        layers = [
            *_first_quarter(early, x_title if last else None)[0],
            base.mark_area(color=look.colour, opacity=0.3, clip=True).encode(y=low, y2=alt.Y2("high:Q")),
            base.mark_line(color=look.colour, strokeWidth=1.6, strokeDash=look.dash, clip=True).encode(y=middle),
            base.mark_point(color=look.colour, filled=True, size=18, shape=look.shape, cursor="pointer").encode(
                y=middle, href=alt.Href("href:N"), tooltip=_tooltip(x_title, {"value": y_title, "low": t("batch_norm.probe.low"), "high": t("batch_norm.probe.high")})
            ),
            base.transform_filter("!isValid(datum.low)").mark_text(text=CROSS, color=look.colour, fontSize=11).encode(y=alt.YValue(7)),
        ]  # fmt: skip
        title = alt.Title(normalizations.name(norm), anchor="start", fontSize=12, fontWeight="normal", offset=3)
        views.append(style.layered(*layers, height=PART, title=title))
    chart = style.stacked(*views, spacing=6)
    return style.Picture(style.fitted(chart), tables | {"rows": table})


def _first_quarter(early: float | None, x_title: str | None) -> tuple[list[alt.Chart], dict[str, pa.Table]]:
    if early is None:
        return [], {}
    rule = style.named("early").mark_rule(color=style.NEUTRAL, strokeDash=[2, 3], strokeWidth=1.2)
    return [rule.encode(x=alt.X("x:Q", title=x_title))], {"early": pa.table({"x": pa.array([early], pa.float64())})}


def _x(rows: Sequence[Mapping[str, Any]], title: str | None) -> alt.X:
    """The logarithmic abscissa; without a title it has no labels either."""
    places = [row["x"] for row in rows] or [1]
    ticks = [tick for power in range(7) for tick in (10**power, 3 * 10**power) if min(places) <= tick <= max(places)]
    if len(ticks) > 6:
        ticks = [tick for tick in ticks if str(tick)[0] == "1"]
    scale = alt.Scale(type="log", domain=[min(places), max(max(places), min(places) + 1)], nice=False)
    return alt.X("x:Q", title=title, scale=scale, axis=alt.Axis(values=ticks, format=",d", grid=False, labels=title is not None))  # fmt: skip


def _lost(x: alt.X, colour: alt.Color) -> alt.Chart:
    """A cross where there is no value, at the top, where no value is."""
    base = style.named("rows").transform_filter("!isValid(datum.value)")
    return base.mark_text(text=CROSS, fontSize=12, fontWeight="bold").encode(x=x, y=alt.YValue(7), color=colour)


def _tooltip(x_title: str, values: dict[str, str], percent: bool = False) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("name:N", title=t("batch_norm.axis.norm")),
        alt.Tooltip("x:Q", title=x_title, format=",d"),
        *(alt.Tooltip(f"{name}:Q", title=title, format=".2%" if percent else ".3~g") for name, title in values.items()),
        alt.Tooltip("seed:Q", title=t("site.seed")),
        alt.Tooltip("rate:N", title=t("batch_norm.axis.rate")),
    ]


def _table(rows: Sequence[Mapping[str, Any]], names: tuple[str, ...], positive: bool) -> pa.Table:
    """Zero has no place on a logarithmic axis: it is written as missing there, as what is not finite."""
    kept = lambda value: None if value is None or (positive and value <= 0) else value
    return pa.table(
        {
            "norm": pa.array([row["norm"] for row in rows], pa.string()),
            "name": pa.array([normalizations.name(row["norm"]) for row in rows], pa.string()),
            "seed": pa.array([row["seed"] for row in rows], pa.int16()),
            "x": pa.array([row["x"] for row in rows], pa.int32()),
            "rate": pa.array([row["rate"] for row in rows], pa.string()),
            "href": pa.array([row["href"] for row in rows], pa.string()),
            **{name: pa.array([kept(row[name]) for row in rows], pa.float32()) for name in names},
        }
    )
