"""While it trains: test and train error of one network along the clock, and the verdicts on its double descent."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, claim_cards, claim_parts, format
from explorer.charts import along_epochs, names
from explorer.double_descent import published, section
from explorer.results import generalization as results
from explorer.results import generalization_studies as studies
from explorer.results import site
from explorer.results.generalization import Map, Study
from explorer.results.generalization_studies import Role, Verdict
from explorer.section import begin
from explorer.text import language, t

PLACES = ("minimum_before", "peak", "minimum_after")  # of claim G4, in the order in which they follow one another


@st.fragment(key="generalization_studies.epochs")
def one_network() -> None:
    """Test and train error of one network along the clock, the places of claim G4 marked, and its verdict for each study."""
    tested = {verdict.study: verdict for verdict in studies.verdicts("G4")}
    offered = [study for study in results.studies() if study.code not in (studies.SAMPLE_WISE, studies.REGULARIZATION)]
    if not offered:
        section.not_measured("epochs", "mnist_mlp")
        published.along_the_epochs()
        return
    slot = st.container()
    left, right = st.columns([2, 3], gap="medium")
    with left:
        study = _study(offered)
    shown = results.finding(results.maps(study))
    roles = studies.roles(shown)
    with right:
        role = _role(roles, study)
    verdict = tested.get(study.name)
    means = studies.along_epochs(shown, [role.width], ["test_error", "train_error"])
    marks = _marks(means, verdict, role)
    with slot:
        begin(
            _heading(study, roles[-1], shown, verdict),
            t(
                "generalization_studies.epochs.subtitle",
                clock=names.clock_word(study),
                place=names.place(study, role.width),
                setup=section.setup(shown),
                seeds=section.counted(means["n"].to_pylist()),
            ),
            ("G4", verdict.verdict if verdict else "not tested here"),
        )
    specification = _one_network_chart(site.data_version(), language(), shown, role)
    st.vega_lite_chart(
        spec=dict(specification),
        key="generalization_studies.epochs.chart",
        alt=_one_network_alt(means, study, role, marks),
    )
    st.caption(_caption(marks, verdict, shown, roles[-1], role))
    published.along_the_epochs()
    if tested:
        st.markdown(t("generalization_studies.epochs.verdicts"))
        _side_by_side(list(tested.values()))
    section.behind("epochs", _with_seeds(means, studies.seeds_along_epochs(shown, role.width)), study.code)


def _study(offered: list[Study]) -> Study:
    return address.one_with_code(
        "epochs_study",
        offered,
        label=t("generalization_studies.epochs.study"),
        format=section.study_name,
        widget="select",
        resets=("epochs_width",),
    )


def _role(roles: list[Role], study: Study) -> Role:
    by_width = {role.width: role for role in roles}
    chosen = address.choice(
        "epochs_width",
        list(by_width),
        roles[-1].width,
        label=names.x_name(study),
        format=lambda width: section.role_name(by_width[width]),
        widget="select",
    )
    return by_width[chosen]


def _marks(means: pa.Table, verdict: Verdict | None, role: Role) -> list[dict[str, Any]]:
    """The places that the rule of claim G4 found on the mean over all seeds, where the width is the one that it looks at."""
    if verdict is None or not verdict.parts or verdict.parts[0]["where"].get("x") != role.width:
        return []
    at = {
        name: epoch
        for part in verdict.parts
        for name, epoch in part["where"].get("on_all_seeds", {}).get("epoch", {}).items()
    }
    test = {row["epoch"]: row for row in means.to_pylist() if row["measure"] == "test_error"}
    places = [(name, int(at[name])) for name in PLACES if at.get(name) is not None]
    return [
        test[epoch] | {"label": str(number), "place": name, "above": name == "peak"}
        for number, (name, epoch) in enumerate(places, start=1)
        if epoch in test
    ]


def _heading(study: Study, widest: Role, shown: Map, verdict: Verdict | None) -> str:
    """What the verdict on G4 says about the widest network, with its mean test error at the places of the rule."""
    means = studies.along_epochs(shown, [widest.width], ["test_error"])
    marks = _marks(means, verdict, widest)
    if verdict is None or len(marks) < len(PLACES):
        rows = means.to_pylist()
        first, end = format.percent(rows[0]["mean"]), format.percent(rows[-1]["mean"])
        place = names.place(study, widest.width)
        return t("generalization_studies.epochs.heading.untested", place=place, first=first, end=end)
    values = dict(zip(("low", "peak", "end"), (format.percent(mark["mean"]) for mark in marks), strict=True))
    return t(f"generalization_studies.epochs.heading.{verdict.verdict}", **values)


def _caption(marks: list[dict[str, Any]], verdict: Verdict | None, shown: Map, widest: Role, role: Role) -> str:
    study, schedule = shown.study, results.settings(shown).get("schedule", "constant")
    rate = study.clock if study.clock == "time" else "constant" if schedule == "constant" else "falling"
    if marks:
        told = [
            f"**{mark['label']}** "
            + t(
                f"generalization_studies.epochs.place.{mark['place']}",
                value=section.interval(mark),
                moment=names.moment(study, mark["epoch"]),
            )
            for mark in marks
        ]
        seen = t("generalization_studies.epochs.marked", places="; ".join(told))
        if verdict and not all(part["where"].get("has_peak") for part in verdict.parts):
            seen += " " + t("generalization_studies.epochs.nearest")
    else:
        key = "unmarked" if verdict and role != widest else "no_places"
        seen = t(f"generalization_studies.epochs.{key}", place=names.place(study, widest.width))
    return f"{seen} {t(f'generalization_studies.epochs.not_to_conclude.{rate}')}"


def _side_by_side(verdicts: list[Verdict]) -> None:
    grid = st.grid(min(3, len(verdicts)), min_column_width=250, gap="medium")
    for verdict in verdicts:
        with grid.cell(), st.container(border=True, height="stretch"):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{section.study_name(verdict.study)}**", width="content")
                claim_cards.badge(verdict.verdict)
            st.markdown("\n".join(f"- {claim_parts.measured(part)}" for part in verdict.parts))


@st.cache_data(max_entries=32, show_spinner=False)
def _one_network_chart(version: str, language: str, shown: Map, role: Role) -> dict[str, Any]:
    means = studies.along_epochs(shown, [role.width], ["test_error", "train_error"])
    verdict = next((each for each in studies.verdicts("G4") if each.study == shown.study.name), None)
    fields = {"epoch": pa.int64(), "mean": pa.float64(), "label": pa.string(), "above": pa.bool_()}
    rows = _marks(means, verdict, role)
    marks = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in fields.items()})
    seeds = studies.seeds_along_epochs(shown, role.width)
    return along_epochs.one(means, seeds, marks, shown.study).specification()


def _one_network_alt(means: pa.Table, study: Study, role: Role, marks: list[dict[str, Any]]) -> str:
    rows = means.to_pylist()
    test, train = ([row for row in rows if row["measure"] == name] for name in ("test_error", "train_error"))
    epochs = [row["epoch"] for row in test]
    told = t(
        "generalization_studies.epochs.alt",
        place=names.place(study, role.width),
        moments=f"{names.moment(study, min(epochs))} – {names.tick(max(epochs))}",
        first=format.percent(test[0]["mean"]),
        low=format.percent(min(row["mean"] for row in test)),
        end=format.percent(test[-1]["mean"]),
        train=format.percent(train[-1]["mean"]),
    )
    places = "; ".join(f"{names.moment(study, mark['epoch'])}: {format.percent(mark['mean'])}" for mark in marks)
    marked = " " + t("generalization_studies.epochs.alt_marks", places=places) if places else ""
    return f"{told}{marked} {t('generalization.alt.table')}"


def _with_seeds(means: pa.Table, seeds: pa.Table) -> pa.Table:
    """The means beside the value of each seed, a column for each."""
    single = {(row["epoch"], row["measure"], row["seed"]): row["value"] for row in seeds.to_pylist()}
    rows = means.to_pylist()
    for seed in sorted(set(seeds["seed"].to_pylist())):
        column = [single.get((row["epoch"], row["measure"], seed)) for row in rows]
        means = means.append_column(f"seed_{seed}", pa.array(column, pa.float64()))
    return means
