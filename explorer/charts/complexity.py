"""How many images networks of each width can fit, and at which width the test error peaks on as many."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pyarrow as pa

from explorer.charts import log2, names, style
from explorer.text import t

HEIGHT = 300
BELOW = 0.5  # doublings below the smallest number of images: where a network stands that fits none
KINDS = ("fitted", "none", "all", "peak", "unclear")


def draw(
    widths: Sequence[Mapping[str, Any]], peaks: Sequence[Mapping[str, Any]], tried: Sequence[int], study: names.Named
) -> style.Picture:
    """`widths` have width, images (None for none), fewest, most (of the single seeds, 0 for none); `peaks` have n_train, peak (None for
    none), low, high (None without a bootstrap interval), clear; `tried` are the numbers of images, in order.

    A network that fits the most images that were tried points up, as it may fit more; one that fits none points down. A peak is a ring, so
    that the network under it stays in sight; one that is not clear of seed noise is dashed.
    """
    bottom = tried[0] / 2**BELOW

    def kind(images: int | None) -> str:
        return "none" if not images else "all" if images == tried[-1] else "fitted"

    tables = {
        "widths": pa.table(
            {
                "width": pa.array([row["width"] for row in widths], pa.int32()),
                "images": pa.array([row["images"] for row in widths], pa.int32()),
                **{
                    name: pa.array([row[field] or bottom for row in widths], pa.float64())
                    for name, field in (("at", "images"), ("low", "fewest"), ("high", "most"))
                },
                "kind": pa.array([t(f"generalization_studies.fit.mark.{kind(row['images'])}") for row in widths]),
            }
        ),
        "peaks": pa.table(
            {
                "n_train": pa.array([row["n_train"] for row in peaks if row["peak"]], pa.int32()),
                **{
                    name: pa.array([row[field] for row in peaks if row["peak"]], pa.float64())
                    for name, field in (("width", "peak"), ("low", "low"), ("high", "high"))
                },
                "kind": pa.array(
                    [t(f"generalization_studies.fit.mark.{'peak' if row['clear'] else 'unclear'}") for row in peaks if row["peak"]],
                    pa.string(),
                ),
            }
        ),
    }  # fmt: skip
    reach = [value for name in ("width", "low", "high") for value in tables["peaks"][name].to_pylist() if value]
    x = log2.axis(
        alt.X("width:Q", title=names.x_title(study)), [*tables["widths"]["width"].to_pylist(), *reach], grid=False
    )
    domain = [bottom / 2**0.25, tried[-1] * 2**0.35]
    y_title = t("generalization_studies.fit.axis")
    axis = alt.Axis(values=list(tried), format=",", grid=True)
    scale = alt.Scale(type="log", base=2, domain=domain, nice=False)
    at, images = (alt.Y(f"{field}:Q", title=y_title, scale=scale, axis=axis) for field in ("at", "n_train"))
    shown = [code for code in KINDS if t(f"generalization_studies.fit.mark.{code}") in _kinds(tables)]
    words = [t(f"generalization_studies.fit.mark.{code}") for code in shown]
    key = alt.Legend(orient="top", title=None, columns=2, labelLimit=320, symbolOpacity=1, symbolSize=80)
    colours = {"peak": style.ACCENT, "unclear": style.ACCENT}
    shapes = {
        "fitted": "circle",
        "none": "triangle-down",
        "all": "triangle-up",
        "peak": "diamond",
        "unclear": "diamond",
    }
    colour = alt.Color("kind:N", scale=alt.Scale(domain=words, range=[colours.get(code, style.MEASURED) for code in shown]), legend=key)  # fmt: skip
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=words, range=[shapes[code] for code in shown]), legend=key)
    fills = ["transparent" if code in colours else style.MEASURED for code in shown]
    fill = alt.Fill("kind:N", scale=alt.Scale(domain=words, range=fills), legend=key)
    dashes = [style.DASH if code == "unclear" else [1, 0] for code in shown]
    dash = alt.StrokeDash("kind:N", scale=alt.Scale(domain=words, range=dashes), legend=key)
    of_width = [
        alt.Tooltip("width:Q", title=names.x_name(study), format=","),
        alt.Tooltip("kind:N", title=" "),
        alt.Tooltip("images:Q", title=y_title, format=","),
    ]
    of_peak = [
        alt.Tooltip("n_train:Q", title=t("generalization_studies.data.examples"), format=","),
        alt.Tooltip("kind:N", title=" "),
        *(alt.Tooltip(f"{name}:Q", title=t(f"generalization_studies.fit.{name}"), format=",") for name in ("width", "low", "high")),
    ]  # fmt: skip
    by_width, by_peak = style.named("widths"), style.named("peaks")
    layers = [
        by_width.transform_filter("datum.low < datum.high")
        .mark_rule(color=style.MEASURED, strokeWidth=2.2, opacity=0.6)
        .encode(x=x, y=alt.Y("low:Q", title=y_title), y2=alt.Y2("high:Q")),
        by_width.mark_line(color=style.MEASURED, strokeWidth=1.2, opacity=0.6).encode(x=x, y=at),
        by_width.mark_point(size=70, opacity=1).encode(
            x=x, y=at, color=colour, shape=shape, fill=fill, tooltip=of_width
        ),
        by_peak.transform_filter("isValid(datum.low)")
        .mark_rule(color=style.ACCENT, strokeWidth=2.2)
        .encode(x=alt.X("low:Q", title=names.x_title(study)), x2=alt.X2("high:Q"), y=images),
        by_peak.mark_point(size=320, opacity=1, strokeWidth=2.4).encode(
            x=x, y=images, color=colour, shape=shape, fill=fill, strokeDash=dash, tooltip=of_peak
        ),
    ]
    return style.Picture(style.fitted(style.layered(*layers, height=HEIGHT)), tables)


def _kinds(tables: Mapping[str, pa.Table]) -> set[str]:
    return {kind for table in tables.values() for kind in table["kind"].to_pylist()}
