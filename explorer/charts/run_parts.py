"""What was measured inside one run: layer by layer along the epochs, and with one part taken out."""

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc

from explorer.charts.style import ACCENT, DIFFERENCE_RANGE, ERROR_SCHEME, MEASURED, NEUTRAL, Picture, layered, named

SHARES, SIGNED, LOGARITHMIC = ("dead", "saturated"), ("preactivation_mean", "cosine"), ("gradient_norm",)
MOST_LABELS = 16


def layer_map(table: pa.Table, measure: str, *, layer: str, epoch: str, title: str) -> Picture:
    """One column of the table `layers` of a run (or of `shifts`, its steps as `epoch`) as colour, layers across and measured epochs upward,
    every cell a measurement.

    The gradient norm has a logarithmic colour scale, on which a zero has no place: it is a cross. What was not measured is left blank.
    """
    shown = table.select(["epoch", "layer", measure]).rename_columns(["epoch", "layer", "value"])
    shown = shown.filter(pc.is_valid(shown["value"]))
    epochs = sorted(set(shown["epoch"].to_pylist()), reverse=True)
    layers = sorted(set(shown["layer"].to_pylist()))
    every = -(-len(layers) // MOST_LABELS)
    x = alt.X(
        "layer:O", title=layer, scale=alt.Scale(domain=layers), axis=alt.Axis(values=layers[::every], labelAngle=0)
    )
    y = alt.Y("epoch:O", title=epoch, scale=alt.Scale(domain=epochs))
    legend = alt.Legend(title=title, orient="top", direction="horizontal", gradientLength=200, tickCount=4)
    colour = alt.Color("value:Q", scale=_scale(shown, measure), legend=legend)
    tooltip = [
        alt.Tooltip("layer:O", title=layer),
        alt.Tooltip("epoch:O", title=epoch),
        alt.Tooltip("value:Q", title=title, format=".3~g"),
    ]
    base = named("layers")
    drawn = base.transform_filter("datum.value > 0") if measure in LOGARITHMIC else base
    cells = drawn.mark_rect(width=alt.RelativeBandSize(band=1.05), height=alt.RelativeBandSize(band=1.05)).encode(
        x=x, y=y, color=colour, tooltip=tooltip
    )
    marks = [cells]
    if measure in LOGARITHMIC:
        zero = base.transform_filter("datum.value <= 0").mark_point(shape="cross", color=NEUTRAL, size=40, opacity=1)
        marks.append(zero.encode(x=x, y=y, tooltip=tooltip))
    return Picture(layered(*marks, height=28 * len(epochs) + 150), {"layers": shown})


def _scale(shown: pa.Table, measure: str) -> alt.Scale:
    values = [value for value in shown["value"].to_pylist()]
    if measure in SHARES:
        return alt.Scale(domain=[0, 1], scheme=ERROR_SCHEME)
    if measure in SIGNED:
        most = max(abs(value) for value in values) or 1
        return alt.Scale(domain=[-most, 0, most], range=DIFFERENCE_RANGE, interpolate="rgb")
    positive = [value for value in values if value > 0] or [1]
    domain = [min(positive), max(positive) if max(positive) > min(positive) else 2 * min(positive)]
    return alt.Scale(type="log" if measure in LOGARITHMIC else "linear", domain=domain, scheme=ERROR_SCHEME)


def damage(table: pa.Table, whole: float | None, *, x_title: str, y_title: str) -> Picture:
    """Test error in percent with each part taken out, as a stem from the error of the whole network (`whole`, a fraction).

    `table` has name (of the part, in order) and test_error (a fraction).
    """
    shown = pa.table(
        {
            "name": table["name"],
            "value": pc.multiply(table["test_error"].cast(pa.float32()), pa.scalar(100, pa.float32())),
            "whole": pa.array([None if whole is None else 100 * whole] * table.num_rows, pa.float32()),
        }
    )
    names = table["name"].to_pylist()
    every = -(-len(names) // MOST_LABELS)
    x = alt.X("name:O", title=x_title, sort=None, axis=alt.Axis(values=names[::every], labelAngle=0))
    y = alt.Y("value:Q", title=y_title, scale=alt.Scale(zero=False))
    base, tables = named("parts"), {"parts": shown}
    tooltip = [alt.Tooltip("name:O", title=x_title), alt.Tooltip("value:Q", title=y_title, format=".2f")]
    layers = [base.mark_point(filled=True, color=ACCENT, size=60, opacity=1).encode(x=x, y=y, tooltip=tooltip)]
    if whole is not None:
        layers.insert(0, base.mark_rule(color=ACCENT, strokeWidth=1.5).encode(x=x, y=y, y2=alt.Y2("whole:Q")))
        tables["whole"] = pa.table({"value": pa.array([100 * whole], pa.float32())})
        layers.append(named("whole").mark_rule(color=MEASURED, strokeWidth=1.5).encode(y=y))
    return Picture(layered(*layers, height=240), tables)
