"""How many images a network can fit, and whether the test error peaks where that is as many as it is given."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, format, question_page
from explorer.charts import complexity, names
from explorer.double_descent import controls, section
from explorer.results import generalization_studies as studies
from explorer.results import site
from explorer.results.generalization import Study
from explorer.results.generalization_studies import Fit
from explorer.section import begin
from explorer.text import language, t

LEVEL = 0.1  # the heuristic of Nakkiran et al. 2019
REGIMES = ("equal_steps", "equal_epochs")  # the paper's subsets are trained for equal steps


@st.fragment(key="generalization_studies.fit")
def images() -> None:
    """The effective model complexity of every width, and the peak of the test error on each number of images."""
    study, doublings = studies.study(studies.SAMPLE_WISE), studies.doublings()
    if study is None or not doublings:
        section.not_measured("fit", studies.SAMPLE_WISE)
        return
    slot = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        regime, noise, level = _choices({(each.regime, each.noise) for each in doublings})
    maps = studies.in_regime(regime, noise)
    fits, rows, missing = studies.fits(maps, level), studies.complexity(maps, level), studies.missing_fits(maps)
    if not rows.num_rows:
        with slot:
            section.not_measured("fit", studies.SAMPLE_WISE)
        return
    tried = [fit.n_train for fit in fits]
    values = {"noise": format.percent(noise, 0), "regime": t(f"generalization_studies.data.regime.{regime}")}
    values |= {"level": format.percent(level, 0), "tried": ", ".join(format.count(n) for n in tried)}
    seeds = section.counted(rows["n"].to_pylist())
    with slot:
        begin(_heading(fits, missing), t("generalization_studies.fit.subtitle", **values, seeds=seeds))
        if missing:
            st.markdown(t("generalization_studies.fit.missing", n=format.count(missing)), width=question_page.READING)
    chart = _chart(site.data_version(), language(), study, regime, noise, level)
    st.vega_lite_chart(spec=dict(chart), key="generalization_studies.fit.chart", alt=_alt(rows, fits, values, study))
    st.markdown("\n".join(f"- **{_images(fit)}**, {_told(fit, study)}" for fit in fits), width=question_page.READING)
    ends = {"smallest": format.count(tried[0]), "largest": format.count(tried[-1])}
    st.caption(t("generalization_studies.fit.caption", **ends))
    section.behind("fit", rows, studies.SAMPLE_WISE)
    section.behind("fit_peaks", pa.Table.from_pylist([fit._asdict() for fit in fits]), studies.SAMPLE_WISE)


def _choices(offered: set[tuple[str, float]]) -> tuple[str, float, float]:
    """Regime, label noise and train error, as the reader has them."""
    noise, regime = section.noise_and_regime("fit", offered, REGIMES)
    level = address.choice(
        "fit_level",
        controls.LEVELS,
        LEVEL,
        label=t("generalization_studies.fit.level"),
        format=lambda value: format.percent(value, 0),
    )
    return regime, noise, level


def _heading(fits: list[Fit], missing: int) -> str:
    """Of the largest number of images with a clear peak, from where on it is fitted and where the peak is; without one, of the largest. The
    question where runs are missing: where a number of images is first fitted may then be another width."""
    if missing:
        return t("generalization_studies.fit.question")
    clear = [fit for fit in fits if fit.clear and fit.peak]
    fit = (clear or fits)[-1]
    told = {"images": format.count(fit.n_train), "peak": format.count(fit.peak) if clear else ""}
    told |= {"threshold": format.count(fit.threshold) if fit.threshold else ""}
    code = ("fitted" if fit.threshold else "not_fitted") + ("_peak" if clear else "")
    return t(f"generalization_studies.fit.heading.{code}", **told)


def _images(fit: Fit) -> str:
    return t("generalization_studies.fit.images", images=format.count(fit.n_train))


def _told(fit: Fit, study: Study) -> str:
    """What one number of images shows in words: from where on it is fitted, single seeds included, and where the peak is."""
    if fit.threshold:
        told = {"place": names.place(study, fit.threshold), "reached": fit.reached, "all": fit.seeds}
        told |= {"seeds": "" if fit.narrowest is None else _ends(fit.narrowest, fit.widest)}
        first = t(f"generalization_studies.fit.from{'_some' if fit.reached < fit.seeds else ''}", **told)
    else:
        first = t("generalization_studies.fit.not_fitted")
    if not fit.peak:
        second = t("generalization_studies.fit.no_peak")
    else:
        code, peak = "peak" if fit.clear else "unclear", names.place(study, fit.peak)
        if fit.low is None:
            second = t(f"generalization_studies.fit.{code}_few_seeds", place=peak)
        else:
            second = t(f"generalization_studies.fit.{code}", place=peak, ends=_ends(fit.low, fit.high))
    return t("generalization_studies.fit.row", epochs=format.count(fit.epochs), first=first, second=second)


def _ends(low: float, high: float) -> str:
    return format.count(int(low)) if low == high else f"{format.count(int(low))}–{format.count(int(high))}"


@st.cache_data(max_entries=32, show_spinner=False)
def _chart(version: str, language: str, study: Study, regime: str, noise: float, level: float) -> dict[str, Any]:
    maps = studies.in_regime(regime, noise)
    fits = studies.fits(maps, level)
    peaks = [fit._asdict() for fit in fits]
    widths = studies.complexity(maps, level).to_pylist()
    return complexity.draw(widths, peaks, [fit.n_train for fit in fits], study).specification()


def _alt(rows: pa.Table, fits: list[Fit], values: dict[str, str], study: Study) -> str:
    told = rows.to_pylist()
    parts = [
        t(
            "generalization_studies.fit.alt",
            **values,
            places=names.place(study, f"{told[0]['width']}–{told[-1]['width']}"),
        )
    ]
    parts += [f"{_images(fit)}, {_told(fit, study)}" for fit in fits]
    return " ".join([*parts, t("generalization.alt.table")])
