"""Small pictures of a finding, for the home page."""

from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts.style import ACCENT, LABEL_SIZE, MEASURED, Picture, layered, named


def error_against_width(
    row: list[dict[str, Any]], *, x_title: str, y_title: str, peak: int | None, peak_label: str
) -> Picture:
    """Test error in percent against width at one epoch: mean, 95% t band and a point per width; `row` has width, mean, low, high, n.

    `peak` is the width at which `peak_label` is written, or None.
    """
    table = pa.table(
        {
            "width": pa.array([cell["width"] for cell in row], pa.int32()),
            "mean": pa.array([100 * cell["mean"] for cell in row], pa.float32()),
            "low": pa.array([_percent(cell["low"]) for cell in row], pa.float32()),
            "high": pa.array([_percent(cell["high"]) for cell in row], pa.float32()),
            "n": pa.array([cell["n"] for cell in row], pa.int32()),
        }
    )
    first, last = row[0]["width"], row[-1]["width"]
    ticks = [tick for tick in (1, 4, 16, 64, 256, 1024) if first <= tick <= last] or [first, last]
    x = alt.X(
        "width:Q",
        title=x_title,
        scale=alt.Scale(type="log", base=2, nice=False),
        axis=alt.Axis(values=ticks, grid=False, format="d"),
    )
    y = alt.Y("mean:Q", title=y_title, scale=alt.Scale(domainMin=0), axis=alt.Axis(tickCount=5))
    base = named("row")
    band = base.mark_area(color=MEASURED, opacity=0.25).encode(
        x=x, y=alt.Y("low:Q", title=y_title), y2=alt.Y2("high:Q")
    )
    tooltip = [
        alt.Tooltip("width:Q", title=x_title),
        alt.Tooltip("mean:Q", title=y_title, format=".2f"),
        alt.Tooltip("n:Q", title="n"),
    ]
    line = base.mark_line(color=MEASURED, strokeWidth=2.2).encode(x=x, y=y)
    points = base.mark_point(color=MEASURED, filled=True, size=28, opacity=1).encode(x=x, y=y, tooltip=tooltip)
    layers = [band, line, points]
    if peak is not None:
        at_peak = base.transform_filter(f"datum.width == {peak}")
        layers.append(at_peak.mark_point(color=ACCENT, size=110, strokeWidth=2, opacity=1).encode(x=x, y=y))
        text = at_peak.mark_text(dy=-16, fontSize=LABEL_SIZE + 1, color=ACCENT).encode(
            x=x, y=y, text=alt.TextValue(peak_label)
        )
        layers.append(text)
    return Picture(layered(*layers, height=260), {"row": table})


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction
