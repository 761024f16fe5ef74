"""The argument in one picture: what layers are fed drifts more with noise behind batch normalization, and the network still learns fast."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import claim_parts, format
from explorer.batch_norm import sentences
from explorer.batch_norm.inside import at, layers_alt
from explorer.batch_norm.picture import linked
from explorer.charts import along_steps, covariate_shift, normalizations
from explorer.question_page import READING
from explorer.results import batch_norm as results
from explorer.results import site, verdicts
from explorer.results.batch_norm import BATCH, NOISY, NONE, Study
from explorer.section import begin, table
from explorer.text import language, t

ARMS = (NONE, BATCH, NOISY)
ANCHOR = "drift"


def drift(study: Study) -> None:
    """Drift against speed, a mark for each run at its norm's own rate; behind it the drift of every layer and the train error."""
    found = verdicts.verdict("N2", study.name)
    rows = results.speed_and_drift(study)
    subtitle = t("batch_norm.drift.subtitle", setup=sentences.network(study))
    begin(sentences.heading("drift", found), subtitle, verdicts.badge("N2", found), anchor=ANCHOR)
    shown = [row for row in rows.to_pylist() if row["mean_drift"]]
    if not shown:
        st.markdown(t("batch_norm.drift.none"), width=READING)
        return
    chart = _scatter(site.data_version(), language(), study)
    st.vega_lite_chart(spec=dict(chart), key="batch_norm.drift", alt=_alt(shown))
    if found:
        st.markdown("\n".join(f"- {claim_parts.measured(part)}" for part in found.parts), width=READING)
    missing = [normalizations.name(norm) for norm in ARMS if norm not in {row["norm"] for row in shown}]
    told = [t("batch_norm.drift.missing", names=", ".join(missing))] if missing else []
    st.caption(" ".join([t("batch_norm.drift.speaks"), *told, t("batch_norm.drift.not_to_conclude")]))
    _behind(study)
    table(rows, t("batch_norm.drift.table"))


@st.cache_data(max_entries=16, show_spinner=False)
def _scatter(version: str, language: str, study: Study) -> dict[str, Any]:
    rows = [
        linked(row) | {"drift": row["mean_drift"], "error": row["mean_train_error"]}
        for row in results.speed_and_drift(study).to_pylist()
        if row["mean_drift"]
    ]
    return covariate_shift.drift_and_speed(rows).specification()


def _alt(rows: list[dict[str, Any]]) -> str:
    told = [t("batch_norm.alt.drift", n=len(rows))]
    for norm in normalizations.in_order(row["norm"] for row in rows):
        mine = [row for row in rows if row["norm"] == norm]
        drifts, errors = ([row[name] for row in mine] for name in ("mean_drift", "mean_train_error"))
        ends = {"low": f"{min(drifts):.2g}", "high": f"{max(drifts):.2g}"}
        ends |= {"fast": format.percent(min(errors)), "slow": format.percent(max(errors))}
        told.append(t("batch_norm.alt.drift_norm", norm=normalizations.name(norm), **ends))
    return " ".join([*told, t("batch_norm.alt.table")])


def _behind(study: Study) -> None:
    own = results.own_rates(study)
    rates = {norm: own[norm] for norm in ARMS if norm in own}
    rows = results.shifts(study, rates)
    if not rows.num_rows:
        return
    step = _step(rows)
    grid = st.grid(2, min_column_width=330, gap="medium")
    with grid.cell():
        st.markdown(f"**{t('batch_norm.drift.layers', step=format.count(step))}**")
        chart = _layers(site.data_version(), language(), study, tuple(rates.items()), step)
        alt = layers_alt(at(rows, step), "mean_drift", t("batch_norm.axis.mean_drift"), step)
        st.vega_lite_chart(spec=dict(chart), key="batch_norm.drift.layers", alt=alt)
    training = results.training(study, list(rates)).to_pylist()
    if trained := [row for row in training if row["train_error"] is not None]:
        with grid.cell():
            st.markdown(f"**{t('batch_norm.drift.training')}**")
            drawn = _training(site.data_version(), language(), study, tuple(rates))
            st.vega_lite_chart(spec=dict(drawn), key="batch_norm.drift.training", alt=_training_alt(trained))
    st.caption(t("batch_norm.drift.rates", rates=sentences.rates(rates)))


def _step(rows: pa.Table) -> int:
    """The last probed step of the first quarter that every norm has."""
    by_norm: dict[str, set[int]] = {}
    for row in rows.select(["norm", "step", "early"]).to_pylist():
        if row["early"]:
            by_norm.setdefault(row["norm"], set()).add(row["step"])
    common = set.intersection(*by_norm.values()) if by_norm else set()
    return max(common, default=min(rows["step"].to_pylist()))


@st.cache_data(max_entries=16, show_spinner=False)
def _layers(version: str, language: str, study: Study, rates: tuple, step: int) -> dict[str, Any]:
    found = at(results.shifts(study, dict(rates)), step).to_pylist()
    rows = [linked(row) | {"value": row["mean_drift"]} for row in found]
    return covariate_shift.along_layers(rows, t("batch_norm.axis.mean_drift"), y_log=True).specification()


@st.cache_data(max_entries=16, show_spinner=False)
def _training(version: str, language: str, study: Study, norms: tuple) -> dict[str, Any]:
    rows = [linked(row) | {"x": row["epoch"], "value": row["train_error"]} for row in results.training(study, list(norms)).to_pylist()]  # fmt: skip
    return along_steps.lines(
        rows, t("batch_norm.axis.train_error"), x_title=t("batch_norm.axis.epoch"), y_log=False, percent=True
    ).specification()


def _training_alt(rows: list[dict[str, Any]]) -> str:
    last = max(row["epoch"] for row in rows)
    told = [t("batch_norm.alt.training", last=format.count(last))]
    for norm in normalizations.in_order(row["norm"] for row in rows):
        errors = [row["train_error"] for row in rows if row["norm"] == norm and row["epoch"] == last]
        if errors:
            ends = {"low": format.percent(min(errors)), "high": format.percent(max(errors))}
            told.append(t("batch_norm.alt.between", norm=normalizations.name(norm), **ends))
    return " ".join([*told, t("batch_norm.alt.table")])
