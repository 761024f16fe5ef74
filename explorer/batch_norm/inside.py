"""Look behind, one network against the other in the same steps: the loss along the gradient, and the gradient of each layer before and after
the layers below it moved."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import claim_parts, format
from explorer.batch_norm import controls, sentences
from explorer.batch_norm.picture import linked
from explorer.charts import along_steps, covariate_shift, normalizations
from explorer.question_page import READING
from explorer.results import batch_norm as results
from explorer.results import site, verdicts
from explorer.results.batch_norm import BATCH, NONE, Study
from explorer.results.verdicts import Verdict
from explorer.section import begin, table
from explorer.text import language, t

PICTURES = ("range", "change", "smoothness")
COLUMNS = {"change": "change_high", "smoothness": "smoothness"}
SHIFTS = ("cosine", "gradient_change")
ANCHORS = {"probes": "probes", "shift": "covariate-shift"}


@st.fragment(key="batch_norm.inside")
def look_behind(study: Study) -> None:
    """The three probe pictures and internal covariate shift layer by layer, at learning rates and at a step that the reader may change."""
    with controls.columns():
        place = controls.place() if _rates_differ(study) else results.PLACES[0]
        rates = _pair(results.rates_probed(study, place))
        rows = results.shifts(study, rates)
        steps = sorted(set(rows["step"].to_pylist()))
        step = controls.step(steps, _last_early(rows)) if steps else 0
    _probes(study, rates)
    _shift(study, rates, step)


def _rates_differ(study: Study) -> bool:
    return len(set(_pair(results.own_rates(study)).values())) > 1


def _pair(rates: Mapping[str, float]) -> dict[str, float]:
    """The networks without and with batch normalization, of those that are there."""
    return {norm: rates[norm] for norm in (NONE, BATCH) if norm in rates}


def _last_early(rows: pa.Table) -> int:
    """The last probed step of the first quarter, where the claims look; the first where there is none."""
    early = [row["step"] for row in rows.select(["step", "early"]).to_pylist() if row["early"]]
    return max(early) if early else min(rows["step"].to_pylist())


def _probes(study: Study, rates: dict[str, float]) -> None:
    found = verdicts.verdict("N4", study.name)
    subtitle = t(
        f"batch_norm.probe.subtitle.{study.kind}", setup=sentences.network(study), rates=sentences.rates(rates)
    )
    begin(sentences.heading("probe", found), subtitle, verdicts.badge("N4", found), anchor=ANCHORS["probes"])
    rows = results.probes(study, rates)
    if not rows.num_rows:
        st.markdown(t("batch_norm.probe.none"), width=READING)
        return
    narrower = results.pairs_narrower(study, rates)
    grid = st.grid(3, min_column_width=240, gap="medium")
    for picture in PICTURES:
        with grid.cell():
            st.markdown(f"**{t(f'batch_norm.probe.{picture}')}**")
            chart = _probe_chart(site.data_version(), language(), study, tuple(rates.items()), picture)
            alt = _probe_alt(rows, picture)
            st.vega_lite_chart(spec=dict(chart), key=f"batch_norm.probe.{picture}", alt=alt, width="stretch")
            k, n = narrower[picture]
            told = [t(f"batch_norm.probe.speaks.{picture}")]
            if n:
                told.insert(0, t("batch_norm.probe.counted", k=format.count(k), n=format.count(n)))
            st.caption(" ".join(told))
    _parts(found)
    lost = sum(row["smoothness"] is None for row in rows.to_pylist())
    if lost:
        st.caption(t("batch_norm.probe.lost", n=format.count(lost), all=format.count(rows.num_rows)))
    st.caption(t("batch_norm.probe.not_to_conclude"))
    table(rows, t("batch_norm.probe.table"))


@st.cache_data(max_entries=64, show_spinner=False)
def _probe_chart(version: str, language: str, study: Study, rates: tuple, picture: str) -> dict[str, Any]:
    found = results.probes(study, dict(rates)).to_pylist()
    early = max((row["steps"] for row in found), default=0) / results.EARLY
    titles = {"y_title": t(f"batch_norm.axis.{picture}"), "x_title": t("batch_norm.axis.step")}
    if picture == "range":
        rows = [linked(row) | {"x": row["step"], "value": row["loss"], "low": row["loss_low"], "high": row["loss_high"]} for row in found]  # fmt: skip
        return along_steps.ranges(rows, early=early, **titles).specification()
    rows = [linked(row) | {"x": row["step"], "value": row[COLUMNS[picture]]} for row in found]
    return along_steps.lines(rows, early=early, **titles).specification()


def _probe_alt(rows: pa.Table, picture: str) -> str:
    found = rows.to_pylist()
    steps = sorted({row["step"] for row in found})
    ends = {"first": format.count(steps[0]), "last": format.count(steps[-1])}
    told = [t("batch_norm.alt.probe", picture=t(f"batch_norm.axis.{picture}"), **ends)]
    for norm in normalizations.in_order(row["norm"] for row in found):
        names = ("loss_low", "loss_high") if picture == "range" else (COLUMNS[picture],) * 2
        mine = [row for row in found if row["norm"] == norm and row[names[0]] is not None and row[names[1]] is not None]
        if mine:
            values = {"low": f"{min(row[names[0]] for row in mine):.2g}", "high": f"{max(row[names[1]] for row in mine):.2g}"}  # fmt: skip
            told.append(t("batch_norm.alt.between", norm=normalizations.name(norm), **values))
    return " ".join([*told, t("batch_norm.alt.table")])


def _shift(study: Study, rates: dict[str, float], step: int) -> None:
    found = verdicts.verdict("N3", study.name)
    subtitle = t(
        "batch_norm.shift.subtitle",
        setup=sentences.network(study),
        rates=sentences.rates(rates),
        step=format.count(step),
    )
    begin(sentences.heading("shift", found), subtitle, verdicts.badge("N3", found), anchor=ANCHORS["shift"])
    rows = at(results.shifts(study, rates), step)
    if not rows.num_rows:
        st.markdown(t("batch_norm.shift.none"), width=READING)
        return
    grid = st.grid(2, min_column_width=330, gap="medium")
    for measure in SHIFTS:
        with grid.cell():
            st.markdown(f"**{t(f'batch_norm.shift.{measure}')}**")
            chart = _shift_chart(site.data_version(), language(), study, tuple(rates.items()), step, measure)
            alt = layers_alt(rows, measure, t(f"batch_norm.axis.{measure}"), step)
            st.vega_lite_chart(spec=dict(chart), key=f"batch_norm.shift.{measure}", alt=alt)
    _parts(found)
    st.caption(f"{t('batch_norm.shift.speaks')} {t('batch_norm.shift.not_to_conclude')}")
    table(results.shifts(study, rates), t("batch_norm.shift.table"))


@st.cache_data(max_entries=64, show_spinner=False)
def _shift_chart(version: str, language: str, study: Study, rates: tuple, step: int, measure: str) -> dict[str, Any]:
    rows = [linked(row) | {"value": row[measure]} for row in at(results.shifts(study, dict(rates)), step).to_pylist()]
    is_cosine = measure == "cosine"
    title = t(f"batch_norm.axis.{measure}")
    return covariate_shift.along_layers(rows, title, y_log=not is_cosine, reference=0.0 if is_cosine else None).specification()  # fmt: skip


def layers_alt(rows: pa.Table, measure: str, title: str, step: int) -> str:
    """The alternative text of a picture of one probed step layer by layer."""
    found = rows.to_pylist()
    layers = [row["layer"] for row in found]
    facts = {"first": min(layers), "last": max(layers), "step": format.count(step)}
    told = [t("batch_norm.alt.layers", picture=title, **facts)]
    for norm in normalizations.in_order(row["norm"] for row in found):
        values = [row[measure] for row in found if row["norm"] == norm and row[measure] is not None]
        if values:
            ends = {"low": f"{min(values):.2g}", "high": f"{max(values):.2g}"}
            told.append(t("batch_norm.alt.between", norm=normalizations.name(norm), **ends))
    return " ".join([*told, t("batch_norm.alt.table")])


def at(rows: pa.Table, step: int) -> pa.Table:
    """The rows of one step."""
    return rows.filter(pa.compute.equal(rows["step"], step))


def _parts(found: Verdict | None) -> None:
    """The measured parts of a verdict, each with its bound, and the same at each norm's own rate."""
    if not found:
        return
    told = [f"- {claim_parts.measured(part)}" for part in found.parts]
    for part in found.parts:
        own = part["where"].get("at_own_rates")
        if own is not None and _rates_differ(Study(found.study)):
            told.append(f"- {t('batch_norm.at_own_rates', value=format.quantity(own, None, None, part['unit']))}")
    st.markdown("\n".join(told), width=READING)
