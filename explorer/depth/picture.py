"""The main picture, the table behind it, and the runs of one depth with the command that repeats each."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, format, own_results, views
from explorer.charts import against_depth
from explorer.depth import sentences
from explorer.question_page import READING
from explorer.results import depth as results
from explorer.results import site
from explorer.results.depth import View
from explorer.section import TABLE_HEIGHT, mean_formats, means_in_words, take_runs
from explorer.text import language, t

KEY = "depth.main"
SMALL = "depth.small"  # of the same on the home page
SMALL_HEIGHT = 190
AROUND = 260  # pixels around the plot of errors, before an audience: legend, axes, and the rows of failures


def main_picture(view: View, scale: str) -> None:
    """Train and test error against depth, every seed, and the row of failures."""
    versions = site.data_version(), own_results.version()
    chart = _chart(versions, language(), view, scale, views.height(against_depth.HEIGHT, AROUND), views.presented())
    st.vega_lite_chart(spec=views.sized(dict(chart)), key=KEY, alt=sentences.alt(view), width="stretch")
    own_results.legend(own_runs(view))


def small(view: View) -> None:
    """The main picture in little, of the published runs alone and without notes, for a card."""
    chart = _chart((site.data_version(), ""), language(), view, "linear", SMALL_HEIGHT, wide=False, notes=False)
    st.vega_lite_chart(spec=dict(chart), key=SMALL, alt=sentences.described(view), width="stretch")


# Composing a chart takes longer than the queries; the specification is the same for everyone until the data change.
@st.cache_data(max_entries=32, show_spinner=False)
def _chart(
    versions: tuple[str, str], language: str, view: View, scale: str, height: int, wide: bool, notes: bool = True
) -> dict[str, Any]:
    rows = results.runs(view).to_pylist()
    rate = {(row["depth"], row["architecture"]): row["lr"] for row in rows}

    def href(depth: int, architecture: str) -> str:
        return runs_link(view, depth, architecture, rate[depth, architecture])

    dots = [
        {name: row[name] for name in ("depth", "architecture", "seed")}
        | {"train": row["train_error"], "test": row["test_error"], "href": href(row["depth"], row["architecture"])}
        for row in rows
        if row["outcome"] == "trained"
    ]
    means = [row | {"part": row["measure"]} for row in results.means(view).to_pylist()]
    failures = [
        {"depth": depth, "architecture": kind, "failed": each.failed, "n": each.n, "href": href(depth, kind)}
        for (depth, kind), each in sorted(results.failures(view).items())
    ]
    own = [
        row | {"part": part, "error": row[f"{part}_error"], "difference": own_results.apart(row, f"{part}_error")}
        | {"href": address.link("runs", run=row["run_id"])}
        for row in (own_runs(view) if versions[1] else [])
        for part in ("test", "train")
    ]  # fmt: skip
    sizes = {"height": height, "legend_columns": 4 if wide else 1}
    told = sentences.notes(view) if notes else []
    return against_depth.draw(dots, means, failures, told, scale, own, **sizes).specification()


def own_runs(view: View) -> list[dict[str, Any]]:
    """One's own runs of the networks in the picture; one that failed to train by the same rule has no error there, as in the picture."""
    rows = _laid_over(view)
    return [row if row["outcome"] == "trained" else row | dict.fromkeys(own_results.MEASURES) for row in rows]


def shown_runs(view: View) -> pa.Table:
    """The runs behind the picture, and beside them one's own where there are some."""
    return own_results.beside(results.runs(view), _laid_over(view))


def _laid_over(view: View) -> list[dict[str, Any]]:
    """One's own runs as rows of the table of runs, each with its own outcome."""
    return [
        row | {"outcome": results.outcome(row["status"], row["train_error"])}
        for row in own_results.over(results.runs(view))
    ]


def runs_link(view: View, depth: int, architecture: str, lr: float) -> str:
    """The runs page, with the runs of one network at one rate: the settings that a study does not vary are no filters there."""
    settings: dict[str, Any] = {"study": view.study.name, "depth": depth}
    if view.study.code == "mnist_mlp":
        settings |= {"residual": 2 if architecture == "residual" else 0, "norm": view.norm, "lr": lr}
    else:
        settings["architecture"] = architecture
    return address.link("runs", **settings)


def table(view: View) -> pa.Table:
    """Draws the runs behind the picture, each with a link, and returns them as they are."""
    rows = shown_runs(view)
    title = t("depth.table.title")
    with st.expander(title, icon=":material/table:"):
        st.dataframe(
            _in_words(rows),
            hide_index=True,
            height=TABLE_HEIGHT,
            alt=title,
            column_config=_columns(),
            key="depth.table",
        )
    return rows


def runs_of_a_depth(view: View, depth: int) -> None:
    """The runs of one depth, with the command that repeats each of them."""
    rows = shown_runs(view)
    rows = rows.filter(pa.compute.equal(rows["depth"], depth))
    st.subheader(t("depth.runs.title", depth=format.count(depth)))
    parameters = sorted(set(rows["n_params"].to_pylist()))
    st.markdown(
        t("depth.runs.text", n=rows.num_rows, parameters=" / ".join(format.count(n) for n in parameters)), width=READING
    )
    st.dataframe(
        _in_words(rows),
        hide_index=True,
        alt=t("depth.runs.alt", depth=depth, n=rows.num_rows),
        column_config=_columns(),
    )
    file_name = f"depth-{view.study.code}-{view.norm}-{depth}.csv"
    take_runs(rows, t("depth.runs.repeat"), t("depth.runs.repeat_text"), file_name, "depth.runs.csv")


def _in_words(rows: pa.Table) -> dict[str, list[Any]]:
    def column(name: str) -> list[Any]:
        return rows[name].to_pylist()

    shown = {
        t("depth.table.depth"): column("depth"),
        t("depth.table.architecture"): [t(f"depth.architecture.{kind}") for kind in column("architecture")],
        t("site.seed"): column("seed"),
        t("depth.table.outcome"): [t(f"depth.outcome.{outcome}") for outcome in column("outcome")],
        t("depth.part.train"): column("train_error"),
        t("depth.part.test"): column("test_error"),
        t("depth.table.lr"): column("lr"),
        t("depth.table.n_params"): column("n_params"),
        t("depth.table.run"): [address.link("runs", run=run_id) for run_id in column("run_id")],
    }
    shown |= means_in_words(rows, _errors())
    return own_results.columns(shown, rows)


def _errors() -> dict[str, str]:
    return {part: t(f"depth.part.{part}") for part in ("train", "test")}


def _columns() -> dict[str, Any]:
    errors = {name: st.column_config.NumberColumn(format="percent") for name in _errors().values()}
    link = st.column_config.LinkColumn(display_text=r"run=([0-9a-f]+)")
    return (
        errors
        | mean_formats(_errors())
        | own_results.formats()
        | {
            t("depth.table.run"): link,
            t("depth.table.n_params"): st.column_config.NumberColumn(format="localized"),
        }
    )
