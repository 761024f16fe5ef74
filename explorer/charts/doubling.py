"""Test error against width on some examples and on twice as many, shaded only where twice as many are clearly worse."""

import altair as alt
import pyarrow as pa

from explorer.charts import against_width, names, style
from explorer.text import t

BAR, HEIGHT = 12, 300


def draw(
    curves: pa.Table, worse: list[int], words: dict[int, str], ceiling: float, study: names.Named
) -> style.Picture:
    """`curves` has width, n_train, mean, low, high, n; `words` what each number of examples is called, the smaller first.

    At each width of `worse` a bar from one curve to the other, with a mark above it; at no other width is anything shaded.
    """
    codes = [str(n_train) for n_train in words]
    rows = curves.append_column("series", curves["n_train"].cast(pa.string()))
    picture = against_width.draw(rows, codes, list(words.values()), against_width.TWO, ceiling, study)
    if not worse:
        picture.chart.height = HEIGHT
        return picture
    at = {(row["width"], row["n_train"]): row["mean"] for row in curves.to_pylist()}
    small, large = words
    shaded = pa.table(
        {
            "width": pa.array(worse, pa.int32()),
            "mean": pa.array([at[width, small] for width in worse], pa.float32()),
            "end": pa.array([at[width, large] for width in worse], pa.float32()),
        }
    )
    x, y = (getattr(picture.chart.layer[-1].encoding, axis) for axis in "xy")
    base = style.named("worse").encode(x=x)
    layers = [
        base.mark_rule(color=style.ACCENT, opacity=0.55, strokeWidth=BAR).encode(y=y, y2=alt.Y2("end:Q")),
        base.mark_point(color=style.ACCENT, shape="triangle-up", size=60, filled=True, opacity=1, yOffset=-12).encode(
            y=alt.Y("end:Q", title=t("generalization.map.error_axis"))
        ),
    ]
    curves_alone = style.layered(*picture.chart.layer)
    chart = style.layered(curves_alone, *layers, height=HEIGHT, title=picture.chart.title)
    return style.Picture(style.fitted(chart), {**picture.tables, "worse": shaded})
