"""What networks memorise of the wrong labels while they train, above their test error."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, format, question_page
from explorer.charts import along_epochs, names
from explorer.double_descent import section
from explorer.results import generalization as results
from explorer.results import generalization_studies as studies
from explorer.results import site
from explorer.results.generalization import Map, Study
from explorer.results.generalization_studies import Role
from explorer.section import begin
from explorer.text import language, t


@st.fragment(key="generalization_studies.memorised")
def wrong_labels() -> None:
    """The share of wrong labels that is fitted along the clock, above the test error, for widths that a rule picks."""
    offered = studies.memorising()
    if not offered:
        section.not_measured("memorised", "mnist_mlp")
        return
    slot = st.container()
    study = address.one_with_code(
        "memorised_study",
        offered,
        label=t("generalization_studies.memorised.study"),
        format=section.study_name,
        widget="select",
    )
    shown = results.finding(results.maps(study))
    roles = studies.roles(shown)
    means = studies.along_epochs(shown, [role.width for role in roles], ["memorized", "test_error"])
    turning = next(
        (role for name in ("ridge", "threshold", "widest") for role in roles if role.name == name), roles[-1]
    )
    rows = {(row["measure"], row["epoch"]): row for row in means.to_pylist() if row["width"] == turning.width}
    test = [row for (measure, _), row in rows.items() if measure == "test_error"]
    low, end = min(test, key=lambda row: row["mean"]), test[-1]
    clear = low["high"] is not None and end["low"] is not None and end["low"] > low["high"]
    kind = "rises" if clear else "few_seeds" if low["high"] is None else "unclear"
    values = {"clock": names.clock_word(study), "place": names.place(study, turning.width)}
    short = {
        "first": format.percent(rows["memorized", low["epoch"]]["mean"], 0),
        "last": format.percent(rows["memorized", end["epoch"]]["mean"], 0),
        "low": format.percent(low["mean"]),
        "end": format.percent(end["mean"]),
    }
    with slot:
        begin(
            t(f"generalization_studies.memorised.heading.{kind}", **values, **short),
            t(
                "generalization_studies.memorised.subtitle",
                **values,
                setup=section.setup(shown),
                seeds=section.counted(means["n"].to_pylist()),
            ),
        )
    specification = _memorised_chart(site.data_version(), language(), shown, roles)
    alt = _memorised_alt(means, roles, study)
    st.vega_lite_chart(spec=dict(specification), key="generalization_studies.memorised.chart", width="stretch", alt=alt)
    moments = {"from_moment": names.moment(study, low["epoch"]), "to_moment": names.moment(study, end["epoch"])}
    told = {
        "first": section.interval(rows["memorized", low["epoch"]]),
        "last": section.interval(rows["memorized", end["epoch"]]),
        "low": section.interval(low),
        "end": section.interval(end),
    }
    seen = t(f"generalization_studies.memorised.seen.{kind}", **values, **moments, **told)
    st.caption(f"{seen} {t('generalization_studies.memorised.not_to_conclude', **values)}")
    rule = t("generalization_studies.memorised.rule", x=names.x_word(study))
    st.markdown(rule, width=question_page.READING)
    section.behind("memorised", means, study.code)


@st.cache_data(max_entries=8, show_spinner=False)
def _memorised_chart(version: str, language: str, shown: Map, roles: list[Role]) -> dict[str, Any]:
    means = studies.along_epochs(shown, [role.width for role in roles], ["memorized", "test_error"])
    series = {role.width: section.role_name(role) for role in roles}
    titles = {measure: t(f"generalization_studies.memorised.{measure}") for measure in ("memorized", "test_error")}
    return along_epochs.several(means, series, titles, shown.study).specification()


def _memorised_alt(means: pa.Table, roles: list[Role], study: Study) -> str:
    rows = means.to_pylist()
    parts = []
    for role in roles:
        wrong, test = (
            [row["mean"] for row in rows if row["width"] == role.width and row["measure"] == measure]
            for measure in ("memorized", "test_error")
        )
        values = {
            "wrong": format.percent(wrong[-1], 0),
            "low": format.percent(min(test)),
            "end": format.percent(test[-1]),
        }
        parts.append(t("generalization_studies.memorised.alt_network", network=section.role_name(role), **values))
    told = t("generalization_studies.memorised.alt", clock=names.clock_word(study))
    return " ".join([told, *parts, t("generalization.alt.table")])
