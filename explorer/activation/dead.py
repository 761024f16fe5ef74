"""Networks that are dead before they are trained, under the closed-form bound, with the reader's own width and depth."""

from typing import Any

import streamlit as st

from explorer import address, format, question_page
from explorer.activation.formulas import born_dead_bound
from explorer.charts import with_depth
from explorer.results import activation as results
from explorer.results import site
from explorer.results.activation import BORN_DEAD
from explorer.section import begin, table
from explorer.text import language, t

WIDTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 64)
LAYERS = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100)
WIDTH, DEPTH = 4, 10
SMALLEST = 0.00005  # a chance below it is written as a power of ten


@st.fragment(key="activation.dead")
def born_dead() -> None:
    """Share of networks that are constant at the start, counted, against width and depth, and what the bound says of the reader's own."""
    rows = results.born_dead().to_pylist() if results.has_runs(BORN_DEAD) else []
    if not rows:
        st.subheader(t("activation.question_of.dead"))
        st.markdown(t("activation.not_measured", study=f"`{BORN_DEAD}`"))
    else:
        worst, widest = max(rows, key=lambda row: row["share"]), max(rows, key=lambda row: (row["width"], row["depth"]))
        begin(
            t(
                "activation.dead.heading",
                worst=format.percent(worst["share"]),
                width=worst["width"],
                depth=worst["depth"],
            ),
            t("activation.dead.subtitle", nets=f"{max(row['nets'] for row in rows):,}"),
        )
    left, right = st.columns(2)
    with left:
        width = address.number("n", WIDTHS, WIDTH, label=t("activation.dead.width"))
    with right:
        layers = address.number("l", LAYERS, DEPTH, label=t("activation.dead.layers"))
    if rows:
        chart = _chart(site.data_version(), language(), width, layers)
        st.vega_lite_chart(spec=dict(chart), key="activation.dead", alt=_alt(rows))
    st.markdown(own(width, layers, rows), width=question_page.READING)
    if rows:
        above = sum(row["share"] > born_dead_bound(row["width"], row["depth"]) for row in rows)
        seen = t(
            "activation.dead.seen", k=len(rows) - above, n=len(rows), width=widest["width"], depth=widest["depth"],
            share=format.percent(widest["share"], 2),
        )  # fmt: skip
        st.caption(f"{seen} {t('activation.dead.not_to_conclude')}")
        table(results.born_dead(), t("activation.table.dead"))


def own(width: int, layers: int, rows: list[dict[str, Any]]) -> str:
    """What the bound says of a width and a depth, and what was counted there, of the rows of `born_dead`."""
    bound = born_dead_bound(width, layers)
    told = t("activation.dead.own", width=width, layers=layers, bound=_chance(bound))
    if not rows:
        return told
    counted = {(row["width"], row["depth"]): row for row in rows}.get((width, layers))
    if counted is None:
        return f"{told} {t('activation.dead.not_counted')}"
    values = {name: f"{counted[name]:,}" for name in ("dead", "nets")}
    return f"{told} {t('activation.dead.counted', share=format.percent(counted['share'], 2), **values)}"


def _chance(share: float) -> str:
    if share >= SMALLEST:
        return format.percent(share, 2 if share < 0.1 else 1)
    return format.power_of_ten(share)


@st.cache_data(max_entries=64, show_spinner=False)
def _chart(version: str, language: str, width: int, layers: int) -> dict[str, Any]:
    rows = results.born_dead().to_pylist()
    depths = sorted({row["depth"] for row in rows})
    bounds = [
        {"width": each, "depth": depth, "share": born_dead_bound(each, depth)}
        for each in sorted({row["width"] for row in rows})
        for depth in range(depths[0], depths[-1] + 1)
    ]
    words = {key: t(f"activation.dead.{key}_axis") for key in ("width", "depth", "share")}
    return with_depth.born_dead(rows, bounds, (layers, born_dead_bound(width, layers)), words).specification()


def _alt(rows: list[dict[str, Any]]) -> str:
    widths, depths = sorted({row["width"] for row in rows}), sorted({row["depth"] for row in rows})
    ends = []
    for width in widths:
        last = max((row for row in rows if row["width"] == width), key=lambda row: row["depth"])
        ends.append(f"{width}: {format.percent(last['share'])}")
    values = {"widths": ", ".join(map(str, widths)), "first": depths[0], "last": depths[-1], "ends": ", ".join(ends)}
    return f"{t('activation.alt.dead', **values)} {t('activation.alt.table')}"
