"""One run's errors over its epochs."""

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc

from explorer.charts.style import DASH, MEASURED, NEUTRAL

KINDS = ("test_error", "train_error", "val_error")


def run_curves(table: pa.Table, *, names: dict[str, str], x_title: str, y_title: str, legend: str) -> alt.LayerChart:
    """Train, validation and test error in percent against epoch (log axis), a point per evaluation.

    `table` has epoch and the three errors as fractions, NULL after divergence; `names` gives each its word. Train and test share a hue,
    dashed and solid; validation is grey and dotted.
    """
    long = pa.concat_tables(
        pa.table(
            {
                "epoch": table["epoch"],
                "error": pc.multiply(table[kind].cast(pa.float32()), pa.scalar(100, pa.float32())),
                "kind": pa.array([names[kind]] * table.num_rows, pa.string()),
            }
        )
        for kind in KINDS
    )
    domain = [names[kind] for kind in KINDS]
    key = alt.Legend(title=legend, orient="top", symbolType="stroke", symbolStrokeWidth=2, symbolSize=400)
    colour = alt.Color("kind:N", scale=alt.Scale(domain=domain, range=[MEASURED, MEASURED, NEUTRAL]), legend=key)
    dash = alt.StrokeDash("kind:N", scale=alt.Scale(domain=domain, range=[[1, 0], DASH, [1, 3]]), legend=key)
    x = alt.X("epoch:Q", title=x_title, scale=alt.Scale(type="log", nice=False), axis=alt.Axis(grid=False, tickCount=5))
    y = alt.Y("error:Q", title=y_title, scale=alt.Scale(domainMin=0))
    tooltip = [alt.Tooltip("epoch:Q", title=x_title), alt.Tooltip("error:Q", title=y_title, format=".2f"), "kind:N"]
    base = alt.Chart(long)
    lines = base.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dash)
    points = base.mark_point(filled=True, size=18, opacity=0.9).encode(x=x, y=y, color=colour, tooltip=tooltip)
    return alt.layer(lines, points).properties(height=360)
