"""The main picture, the table behind it, and the same runs counted three ways."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, own_results, views
from explorer.batch_size import sentences
from explorer.batch_size.controls import MEASURES, Choices
from explorer.charts import scaling
from explorer.footer import table_button
from explorer.question_page import READING, word
from explorer.results import batch_size as results
from explorer.results import published, site
from explorer.section import TABLE_HEIGHT
from explorer.text import language, t

KEY = "batch_size.main"
SMALL = "batch_size.small"  # of the same on the home page
AROUND = 150  # pixels around the plot, before an audience: the axis below, the legends above and below
PAPER = {
    "sgd": "MNIST, simple CNN, SGD",
    "momentum": "MNIST, simple CNN, momentum",
    "nesterov": "MNIST, simple CNN, Nesterov momentum",
}


def main_picture(choices: Choices) -> pa.Table:
    """The curve with every seed, what was not reached, the perfect-scaling line and the regimes; returns the rows shown."""
    runs, curve = rows(choices, choices.measure)
    versions = site.data_version(), own_results.version()
    height = views.height(scaling.HEIGHT, AROUND)
    specification = _chart(versions, language(), choices, choices.measure, height=height)
    st.vega_lite_chart(
        spec=views.sized(dict(specification)), key=KEY, width="stretch", alt=sentences.alt(choices, runs, curve)
    )
    own_results.legend(own_runs(choices), "steps", unit="steps")
    return shown_runs(choices)


def small(choices: Choices) -> None:
    """The curve in little, of the published runs alone, for a card."""
    runs, curve = rows(choices, choices.measure)
    drawn = _chart((site.data_version(), ""), language(), choices, choices.measure, small=True)
    st.vega_lite_chart(spec=dict(drawn), key=SMALL, alt=sentences.described(choices, runs, curve), width="stretch")


def shown_runs(choices: Choices) -> pa.Table:
    """The runs behind the curve, and beside them the steps of one's own where there are some."""
    shown = results.tuned_runs(choices.study, choices.target, list(choices.optimizers))
    return own_results.beside(shown, own_runs(choices), "steps", factor=1)


def own_runs(choices: Choices) -> list[dict[str, Any]]:
    """One's own runs of the configurations in the picture, with what they took to the target, or without reaching it."""
    shown = results.tuned_runs(choices.study, choices.target, list(choices.optimizers))
    return own_results.over(shown, results.OWN_MEASURES, results.REACHED, target=choices.target)


def three_ways(choices: Choices) -> None:
    """The same runs counted in steps, in examples and in seconds: the message turns around."""
    st.header(t("batch_size.ways.title"))
    st.markdown(t("batch_size.ways.text"), width=READING)
    grid = st.grid(3, min_column_width=225, gap="medium")
    for measure in MEASURES:
        runs, curve = rows(choices, measure)
        with grid.cell():
            st.markdown(f"**{t(f'batch_size.measure.{measure}')}**")
            drawn = _chart((site.data_version(), ""), language(), choices, measure, small=True)
            counted = Choices(choices.study, choices.optimizer, choices.target, measure, paper=False)
            st.vega_lite_chart(
                spec=dict(drawn), key=f"batch_size.ways.{measure}", alt=sentences.alt(counted, runs, curve)
            )
            st.caption(_least(measure, choices, curve))
    st.caption(t("batch_size.ways.seconds_note"))


def _least(measure: str, choices: Choices, curve: list[dict[str, Any]]) -> str:
    """At which batch size the fewest are needed."""
    mine = [row for row in curve if row["optimizer"] == choices.focus]
    name = t(f"batch_size.optimizer.{choices.focus}")
    if not mine:
        return t("batch_size.ways.none", optimizer=name)
    least = min(mine, key=lambda row: row["value"])
    value = t(f"batch_size.value.{measure}", value=sentences.number(least["value"]))
    return t("batch_size.ways.least", optimizer=name, value=value, batch_size=f"{least['batch_size']:,}")


def rows(choices: Choices, measure: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The runs and the curve with what is counted as `value`; a run that did not reach has what it took, and no seconds."""
    optimizers = list(choices.optimizers)
    runs = results.tuned_runs(choices.study, choices.target, optimizers).to_pylist()
    for row in runs:
        taken = {"steps": row["taken"], "examples": row["taken"] * row["batch_size"], "seconds": None}
        row["value"] = row[measure] if row["state"] == "reached" else taken[measure]
        row["url"] = address.link("runs", run=row["run_id"])
    curve = results.curve(choices.study, choices.target, optimizers).to_pylist()
    for row in curve:
        times = {"steps": 1, "examples": row["batch_size"], "seconds": None}[measure]
        row["value"] = row[measure]
        for end in ("low", "high"):
            row[end] = row[end] * times if row[end] and times else None
    return runs, curve


@st.cache_data(max_entries=64, show_spinner=False)
def _chart(
    versions: tuple[str, str],
    language: str,
    choices: Choices,
    measure: str,
    small: bool = False,
    height: int = scaling.HEIGHT,
) -> dict[str, Any]:
    runs, curve = rows(choices, measure)
    tuned = results.tuned(choices.study, choices.target, choices.focus)
    perfect = [
        {"batch_size": row["batch_size"], "value": row["perfect"] * (row["batch_size"] if measure == "examples" else 1)}
        for row in tuned
        if row["perfect"] and measure != "seconds"
    ]
    return scaling.draw(
        runs,
        curve,
        measure=measure,
        perfect=perfect,
        regime=results.regime(choices.study, choices.target, choices.focus) if measure != "seconds" else None,
        published=_published(choices.focus, measure) if choices.paper and not small else [],
        own=[] if small else _own(choices, measure),
        small=small,
        height=height,
    ).specification()


def _own(choices: Choices, measure: str) -> list[dict[str, Any]]:
    """One's own runs that reached the target, as the chart takes them; the difference is from the same published run."""
    return [
        row | {"value": row[measure], "difference": own_results.apart(row, measure, 1), "url": address.link("runs", run=row["run_id"])}
        for row in own_runs(choices)
        if row[measure] is not None
    ]  # fmt: skip


def paper_line(choices: Choices) -> str | None:
    """Where the published curve that is laid under ours comes from, and that it is digitised; None where there is none."""
    if not choices.paper:
        return None
    rows = _series(choices.focus, choices.measure)
    if not rows:
        return t("batch_size.paper.none")
    goals = word(rows[0]["note"].split(";")[0])
    told = {"source": rows[0]["source"], "series": word(rows[0]["series"]), "goal": goals}
    return t("batch_size.paper.source", **told, how=t(f"published.tag.{rows[0]['tag']}"))


def _series(optimizer: str, measure: str) -> list[dict[str, Any]]:
    """The paper's curve for MNIST with the same optimizer; none for seconds, which it does not give, nor for Adam."""
    if measure == "seconds" or optimizer not in PAPER:
        return []
    rows = published.published(results.QUESTION)
    return [row for row in rows if row["series"] == PAPER[optimizer] and row["y_name"] == "steps to the goal"]


def _published(optimizer: str, measure: str) -> list[dict[str, Any]]:
    """Its points, as the chart takes them."""
    rows = _series(optimizer, measure)
    sources = [": ".join((t(f"published.tag.{row['tag']}"), row["source"].split(",")[0])) for row in rows]
    return [
        {"batch_size": row["x"], "value": row["y"] * (row["x"] if measure == "examples" else 1), "source": source}
        for row, source in zip(rows, sources, strict=True)
    ]


def behind(code: str, shown: pa.Table) -> None:
    """The table behind a picture, each run a link, and its CSV."""
    title = t(f"batch_size.{code}.table")
    with st.expander(title, icon=":material/table:"):
        told, links = shown, {}
        if "run_id" in shown.column_names:
            urls = [address.link("runs", run=run) for run in shown["run_id"].to_pylist()]
            told = shown.set_column(shown.column_names.index("run_id"), "run_id", pa.array(urls, pa.string()))
            links = {"run_id": st.column_config.LinkColumn(t("runs.column.run_id"), display_text=r"run=([0-9a-f]+)")}
        names = {"own_steps": t("site.own.column"), "difference": t("site.own.difference")}
        told = told.rename_columns([names.get(name, name) for name in told.column_names])
        st.dataframe(told, hide_index=True, height=TABLE_HEIGHT, column_config=links, alt=title)
        table_button(t("site.footer.csv"), lambda: shown, f"batch-size-{code}.csv", f"batch_size.{code}.csv")


def sql(choices: Choices) -> str:
    """The statement that gives the rows of the main picture, its parameters written in."""
    names = ", ".join(f"'{name}'" for name in choices.optimizers)
    filled = results.TUNED_RUNS.replace("$study", f"'{choices.study.name}'").replace("$target", f"{choices.target!r}")
    return filled.replace("$optimizers", f"[{names}]")
