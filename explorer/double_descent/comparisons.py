"""One thing changed: twice the data, and the best weight decay for each width."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, claim_parts, format, question_page
from explorer.charts import against_width, doubling, forest, names
from explorer.double_descent import controls, section, sentences
from explorer.results import generalization as results
from explorer.results import generalization_studies as studies
from explorer.results import site
from explorer.results.generalization import Row, Study
from explorer.results.generalization_studies import REGIMES, Doubling, Verdict
from explorer.section import begin, points, short_points
from explorer.text import language, t


@st.fragment(key="generalization_studies.data")
def more_data() -> None:
    """Test error against width on n and on 2n examples, shaded where more data is worse beyond Holm's correction, and a count of cells."""
    study, doublings = studies.study(studies.SAMPLE_WISE), studies.doublings()
    if study is None or not doublings:
        section.not_measured("data", studies.SAMPLE_WISE)
        return
    verdict = next(iter(studies.verdicts("G6")), None)
    slot = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = _doubling(doublings, verdict)
    same = [each for each in doublings if (each.regime, each.noise) == (shown.regime, shown.noise)]
    cells, curves, count = studies.doubling_cells([shown]), studies.doubling_curves(shown), studies.count(same)
    seeds = section.counted(cells["n"].to_pylist())
    regime = t(f"generalization_studies.data.regime.{shown.regime}")
    values = {"noise": format.percent(shown.noise, 0), "regime": regime, "small": format.count(shown.n_train)}
    values |= {"large": format.count(shown.twice), "epochs": format.count(shown.epochs)}
    values |= {"epochs_twice": format.count(shown.epochs_twice)}
    with slot:
        begin(
            _data_heading(verdict),
            t("generalization_studies.data.subtitle", **values, seeds=seeds),
            ("G6", verdict.verdict if verdict else "not tested here"),
        )
    chart = _more_data_chart(site.data_version(), language(), shown, study)
    alt = _more_data_alt(curves, cells, values, study)
    st.vega_lite_chart(spec=dict(chart), key="generalization_studies.data.chart", alt=alt)
    told = {"all": count.all, "worse": count.worse, "better": count.better, "undecided": count.undecided}
    pairs = t("generalization_studies.data.pairs" if len(same) > 1 else "generalization_studies.data.pair", n=len(same))
    counted = t("generalization_studies.data.count", **told, **values, pairs=pairs)
    if max(cells["n"].to_pylist()) < section.FEWEST_SEEDS:
        counted = t("generalization_studies.data.few_seeds", **told, **values, pairs=pairs)
    st.markdown(counted, width=question_page.READING)
    seen = t("generalization_studies.data.seen", worse=cells["cell"].to_pylist().count("worse"), all=cells.num_rows)
    cut = sentences.cut(curves.to_pylist(), study)
    st.caption(" ".join([seen, *cut, t("generalization_studies.data.not_to_conclude")]))
    st.markdown(_peaks(study, shown.noise), width=question_page.READING)
    _parts(verdict)
    section.behind("data", _doubling_table(curves, cells), studies.SAMPLE_WISE)


def _doubling(doublings: list[Doubling], verdict: Verdict | None) -> Doubling:
    offered = {(each.regime, each.noise) for each in doublings}
    noise, regime = section.noise_and_regime("data", offered, REGIMES)
    pairs = {each.code: each for each in doublings if (each.regime, each.noise) == (regime, noise)}
    told = [
        part["where"]["n_train"] for part in (verdict.parts if verdict else []) if part["quantity"].endswith(regime)
    ]
    code = "-".join(map(str, told[0])) if told else ""
    return pairs[
        address.choice(
            "data_pair",
            list(pairs),
            code if code in pairs else next(iter(pairs)),
            label=t("generalization_studies.data.examples"),
            format=lambda code: " → ".join(format.count(int(n)) for n in code.split("-")),
        )
    ]


def _data_heading(verdict: Verdict | None) -> str:
    if verdict is None:
        return t("generalization_studies.data.question")
    cells = [
        t(
            f"generalization_studies.data.part.{part['quantity'].rpartition('_at_')[2]}",
            value=short_points(part),
        )
        for part in verdict.parts
        if part["estimate"] is not None
    ]
    return t(f"generalization_studies.data.heading.{verdict.verdict}", cells=", ".join(cells))


def _peaks(study: Study, noise: float) -> str:
    """On which maps of the study, with one label noise, the test error peaks along the width: no verdict is given on each."""
    found = [(each, results.last_row(each)) for each in results.maps(study) if each.noise == noise]
    clear, others = (
        "; ".join(controls.variant(each) for each, row in found if row and row.clear is stands)
        for stands in (True, False)
    )
    nowhere = t("generalization_studies.data.nowhere")
    values = {"clear": clear or nowhere, "others": others or nowhere, "noise": format.percent(noise, 0)}
    return t("generalization_studies.data.peaks", **values)


def _parts(verdict: Verdict | None) -> None:
    """The measured parts of a verdict, each with its bound."""
    if verdict and verdict.parts:
        st.markdown("\n".join(f"- {claim_parts.measured(part)}" for part in verdict.parts), width=question_page.READING)


@st.cache_data(max_entries=32, show_spinner=False)
def _more_data_chart(version: str, language: str, shown: Doubling, study: Study) -> dict[str, Any]:
    curves, cells = studies.doubling_curves(shown), studies.doubling_cells([shown]).to_pylist()
    worse = [cell["width"] for cell in cells if cell["cell"] == "worse"]
    words = {n: t("generalization_studies.data.curve", n=format.count(n)) for n in (shown.n_train, shown.twice)}
    ceiling = results.slice_limits(study, "test")[1]
    return doubling.draw(curves, worse, words, ceiling, study).specification()


def _more_data_alt(curves: pa.Table, cells: pa.Table, values: dict[str, str], study: Study) -> str:
    widths = sorted(set(curves["width"].to_pylist()))
    worse = [cell["width"] for cell in cells.to_pylist() if cell["cell"] == "worse"]
    told = t("generalization_studies.data.alt", **values, places=names.place(study, f"{widths[0]}–{widths[-1]}"))
    at = ", ".join(format.count(width) for width in worse)
    shaded = (
        t("generalization_studies.data.alt_worse", places=names.place(study, at))
        if worse
        else t("generalization_studies.data.alt_none")
    )
    return f"{told} {shaded} {t('generalization.alt.table')}"


def _doubling_table(curves: pa.Table, cells: pa.Table) -> pa.Table:
    """The paired differences with the mean test error on n and on 2n examples."""
    mean = {(row["width"], row["n_train"]): row["mean"] for row in curves.to_pylist()}
    rows = cells.to_pylist()
    for name, key in (("mean_test_error_n", "n_train"), ("mean_test_error_2n", "twice")):
        cells = cells.append_column(name, pa.array([mean.get((row["width"], row[key])) for row in rows], pa.float64()))
    return cells


@st.fragment(key="generalization_studies.decay")
def weight_decay() -> None:
    """The best decay of each width minus none as a forest plot, beside both curves against width."""
    study, rows = studies.study(studies.REGULARIZATION), studies.best_decays()
    if study is None or not rows.num_rows:
        section.not_measured("decay", studies.REGULARIZATION)
        return
    maps = results.maps(study)
    verdict = next(iter(studies.verdicts("G8")), None)
    values = section.values(maps[0])
    tried = sorted({dict(each.variant)["weight_decay"] for each in maps})
    begin(
        _decay_heading(verdict, results.last_row(maps[0])),
        t(
            "generalization_studies.decay.subtitle",
            **{name: values[name] for name in ("n_train", "epochs", "lr", "batch_size", "label_noise")},
            decays=", ".join(f"{decay:g}" for decay in tried),
            seeds=section.counted(rows["n"].to_pylist()),
        ),
        ("G8", verdict.verdict if verdict else "not tested here"),
    )
    told = rows.to_pylist()
    left, right = st.columns([1, 1], gap="medium")
    with left:
        st.markdown(f"**{t('generalization_studies.decay.differences')}**")
        alt = _decay_alt(told)
        forest_plot = _decay_forest(site.data_version(), language())
        st.vega_lite_chart(spec=dict(forest_plot), key="generalization_studies.decay.forest", alt=alt)
    with right:
        st.markdown(f"**{t('generalization_studies.decay.curves')}**")
        curves = _decay_curves(site.data_version(), language(), study)
        alt = _decay_curves_alt(studies.decay_curves().to_pylist(), study)
        st.vega_lite_chart(spec=dict(curves), key="generalization_studies.decay.curves", alt=alt)
        _parts(verdict)
    lower = sum(row["high"] is not None and row["high"] < 0 for row in told)
    higher = sum(row["low"] is not None and row["low"] > 0 for row in told)
    counted = t("generalization_studies.decay.seen", lower=lower, higher=higher, all=len(told), x=names.x_word(study))
    at_the_edge, widths, largest = studies.decays_at_the_edge()
    edge = t("generalization_studies.decay.edge", edge=at_the_edge, all=widths, largest=f"{largest:g}")
    cut = sentences.cut(studies.decay_curves().to_pylist(), study)
    told = [counted, *[edge] * bool(at_the_edge), *cut, t("generalization_studies.decay.not_to_conclude")]
    st.caption(" ".join(told))
    section.behind("decay", rows, studies.REGULARIZATION)


def _decay_heading(verdict: Verdict | None, without: Row | None) -> str:
    """What the verdict on G8 says; where no peak is clear `without` decay, there is none to be gone."""
    if verdict is None or verdict.parts[0]["estimate"] is None:
        return t("generalization_studies.decay.question")
    rise = short_points(verdict.parts[0])
    no_peak = verdict.verdict == "shown" and not (without and without.clear)
    return t(f"generalization_studies.decay.heading.{'no_peak' if no_peak else verdict.verdict}", rise=rise)


@st.cache_data(max_entries=4, show_spinner=False)
def _decay_forest(version: str, language: str) -> dict[str, Any]:
    rows = [row | {"name": _row_name(row), "label": _row_label(row)} for row in studies.best_decays().to_pylist()]
    return forest.draw(rows, t("generalization_studies.decay.axis")).specification()


def _row_name(row: dict[str, Any]) -> str:
    key = "row" if row["decay"] else "row_none"
    return t(f"generalization_studies.decay.{key}", width=format.count(row["width"]), decay=f"{row['decay']:g}")


def _row_label(row: dict[str, Any]) -> str:
    return f"{_row_name(row)}: {points(row)}, n = {row['n']}"


@st.cache_data(max_entries=4, show_spinner=False)
def _decay_curves(version: str, language: str, study: Study) -> dict[str, Any]:
    words = [t(f"generalization_studies.decay.series.{code}") for code in ("without", "best")]
    ceiling = results.slice_limits(study, "test")[1]
    curves = studies.decay_curves()
    picture = against_width.draw(curves, ["without", "best"], words, against_width.TWO, ceiling, study)
    return picture.specification()


def _decay_alt(rows: list[dict[str, Any]]) -> str:
    ordered = sorted(rows, key=lambda row: abs(row["estimate"]))
    ends = {"largest": _row_label(ordered[-1]), "smallest": _row_label(ordered[0])}
    return t("generalization.alt.forest", n=len(rows), **ends)


def _decay_curves_alt(rows: list[dict[str, Any]], study: Study) -> str:
    parts = [t("generalization_studies.decay.alt", x=names.x_word(study))]
    for code in ("without", "best"):
        mine = [row for row in rows if row["series"] == code]
        least, most = min(mine, key=lambda r: r["mean"]), max(mine[len(mine) // 4 :], key=lambda r: r["mean"])
        values = {"least": format.percent(least["mean"]), "most": format.percent(most["mean"])}
        values |= {"least_place": names.place(study, least["width"]), "most_place": names.place(study, most["width"])}
        parts.append(t("generalization.alt.curve", name=t(f"generalization_studies.decay.series.{code}"), **values))
    return " ".join([*parts, t("generalization.alt.table")])
