"""Theory beside measurement: random features in closed form and networks, against parameters per labelled output."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import format, question_page
from explorer.charts import per_label
from explorer.double_descent import section
from explorer.results import generalization as results
from explorer.results import generalization_studies as studies
from explorer.results import site
from explorer.results.generalization import Map, Study
from explorer.section import begin
from explorer.text import language, t


@st.fragment(key="generalization_studies.theory")
def beside_measurement() -> None:
    """Random features in closed form beside the networks, test error against parameters per labelled output."""
    exact = studies.study(studies.RANDOM_FEATURES)
    if exact is None:
        section.not_measured("theory", studies.RANDOM_FEATURES)
        return
    maps = _theory_maps(exact)
    rows = studies.per_label(maps)
    codes = list(dict.fromkeys(rows["study"].to_pylist()))
    verdicts = {verdict.study.partition("/")[2]: verdict.verdict for verdict in studies.verdicts("G1")}
    networks = [code for code in codes if code != exact.code]
    peaks = {code: _peak(maps, code, rows) for code in codes}
    begin(
        _theory_heading(peaks[exact.code], {code: peaks[code] for code in networks}),
        t(
            "generalization_studies.theory.subtitle",
            exact=section.setup(results.finding(results.maps(exact))),
            networks="; ".join(section.study_name(f"/{code}") for code in networks) or "–",
            seeds=section.counted(rows["n"].to_pylist()),
        ),
    )
    chart = _theory_chart(site.data_version(), language(), maps)
    st.vega_lite_chart(
        spec=dict(chart),
        key="generalization_studies.theory.chart",
        width="stretch",
        alt=_theory_alt(rows, peaks, codes),
    )
    st.caption(f"{t('generalization_studies.theory.seen')} {t('generalization_studies.theory.not_to_conclude')}")
    told = [
        t(
            "generalization_studies.theory.verdict",
            study=section.study_name(f"/{code}"),
            verdict=t(f"site.verdict.{verdicts.get(code, 'not tested here')}"),
        )
        for code in codes
    ]
    st.markdown("\n".join(f"- {each}" for each in told), width=question_page.READING)
    section.behind("theory", rows, *codes)


def _theory_maps(exact: Study) -> list[Map]:
    """The maps of the exact model and of the networks at the label noises that the exact model has; variants have no place here."""
    noises = {each.noise for each in results.maps(exact)}
    networks = [s for s in results.studies() if s.code in ("mnist_mlp", "cifar10_cnn_small")]
    return [each for study in (exact, *networks) for each in results.maps(study) if each.noise in noises]


def _peak(maps: list[Map], code: str, rows: pa.Table) -> dict[str, Any] | None:
    """The cell of the clear peak of the last row, at the highest label noise; None where no peak stands clear of seed noise."""
    noisiest = max((each for each in maps if each.study.code == code), key=lambda each: each.noise)
    row = results.last_row(noisiest)
    if row is None or not row.clear:
        return None
    wanted = (code, noisiest.noise, row.peak["width"])
    return next(each for each in rows.to_pylist() if (each["study"], each["noise"], each["width"]) == wanted)


def _theory_heading(exact: dict[str, Any] | None, measured: dict[str, dict[str, Any] | None]) -> str:
    """At how many parameters per labelled output the exact model peaks, and each network."""
    if not measured:
        return t("generalization_studies.theory.heading_alone", theory=_ratio(exact))
    told = "; ".join(f"{section.study_name(f'/{code}')}: {_ratio(peak)}" for code, peak in measured.items())
    return t("generalization_studies.theory.heading", theory=_ratio(exact), networks=told)


def _ratio(cell: dict[str, Any] | None) -> str:
    return f"{cell['ratio']:.2g}" if cell else t("generalization_studies.theory.no_peak")


@st.cache_data(max_entries=4, show_spinner=False)
def _theory_chart(version: str, language: str, maps: list[Map]) -> dict[str, Any]:
    rows = studies.per_label(maps)
    words = {code: section.study_name(f"/{code}") for code in dict.fromkeys(rows["study"].to_pylist())}
    noises = {
        noise: t("generalization.panels.noise", noise=format.percent(noise, 0))
        if noise
        else t("generalization.panels.clean")
        for noise in dict.fromkeys(rows["noise"].to_pylist())
    }
    return per_label.draw(rows, words, noises).specification()


def _theory_alt(rows: pa.Table, peaks: dict[str, dict[str, Any] | None], codes: list[str]) -> str:
    ratios = rows["ratio"].to_pylist()
    parts = [t("generalization_studies.theory.alt", low=f"{min(ratios):.2g}", high=f"{max(ratios):.3g}")]
    for code in codes:
        name, peak = section.study_name(f"/{code}"), peaks[code]
        if peak:
            values = {"ratio": _ratio(peak), "value": format.percent(peak["mean"])}
            parts.append(t("generalization_studies.theory.alt_peak", study=name, **values))
        else:
            parts.append(t("generalization_studies.theory.alt_no_peak", study=name))
    return " ".join([*parts, t("generalization.alt.table")])
