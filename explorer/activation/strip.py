"""The main picture, a dot per fresh run, with its title, subtitle, caption and table; and the tuning behind it."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, format, own_results, question_page, views
from explorer.activation import controls
from explorer.charts import functions, functions_at_a_place
from explorer.results import activation as results
from explorer.results import site
from explorer.results.activation import Place
from explorer.results.depth import FAILED_ABOVE, outcome
from explorer.section import begin, rates_at_ends, table
from explorer.text import language, t

KEY = "activation.strip"  # of the main picture
SMALL = "activation.small"  # of the same on the home page
SMALL_HEIGHT = 300
AROUND = 120  # pixels around the rows, before an audience: the axis below and a legend above
FEWEST_SEEDS = 3
LINEAR = "identity"  # bends nothing: a network of it is linear, and stands apart in sentences


def title(place: Place) -> str:
    """The finding in at most ten words: how many functions train with every seed at this place, and how far apart their medians are."""
    rows = counted(place)
    trained, others = (
        [row for row in rows if row["outcome"] == "train"],
        [row for row in rows if row["outcome"] != "train"],
    )
    if not trained:
        some = any(row["outcome"] == "partly" for row in others)
        return t("activation.title.none_whole" if some else "activation.title.none", n=len(rows))
    spread = _points(trained[-1]["median"] - trained[0]["median"])
    values = {"n": len(rows), "trained": len(trained), "spread": spread}
    seeds = max(row["complete"] for row in rows)
    if seeds < FEWEST_SEEDS:
        return t("activation.title.few_seeds", seeds=format.seeds(seeds), **values)
    if len(trained) == 1 and others:
        return t("activation.title.one_trains", name=functions.name(trained[0]["function"]), **values)
    if [row["outcome"] for row in others] == ["fail"]:
        return t("activation.title.one_fails", name=_first_word(others[0]["function"]), **values)
    return t("activation.title.some_fail" if others else "activation.title.all_train", **values)


def counted(place: Place) -> list[dict[str, Any]]:
    """The functions that sentences count and compare, best median first: those that bend something and have a run that ended."""
    return [row for row in results.summary(place) if row["function"] != LINEAR and row["outcome"] != "none"]


def _first_word(code: str) -> str:
    """The name of a function where a sentence begins: "Sigmoid", but "ReLU" and "cos(x) − x" as they are."""
    name = functions.name(code)
    return name.capitalize() if name.islower() and name.isalpha() else name


def _points(fraction: float) -> str:
    return format.points(fraction, signed=False)


def subtitle(place: Place) -> str:
    """Measure, unit, data, fixed settings, and how the rate of each function was chosen."""
    shared = results.settings(place.study)
    rates = [format.rate(value) for value in shared["rates"]]
    return t(
        "activation.subtitle", place=controls.place_in_words(place), setup=controls.setup(place.study),
        fresh=controls.fresh_seeds(place), tuning=format.seeds(shared["tuning_seeds"]),
        n=len(rates), low=rates[0] if rates else "–", high=rates[-1] if rates else "–",
    )  # fmt: skip


def picture(place: Place, log: bool) -> None:
    """The strip plot. A click on a dot opens the runs of that function at this place."""
    versions = site.data_version(), own_results.version()
    height = views.height(0, AROUND) or None
    chart = _chart(versions, language(), place, log, address.link("runs"), height)
    st.vega_lite_chart(spec=views.sized(dict(chart)), key=KEY, alt=alt(place), width="stretch")
    own_results.legend(own_results.over(results.fresh(place)))


def small(place: Place) -> None:
    """The strip plot in little, of the published runs alone, for a card."""
    chart = _chart((site.data_version(), ""), language(), place, True, address.link("runs"), SMALL_HEIGHT)
    st.vega_lite_chart(spec=dict(chart), key=SMALL, alt=described(place), width="stretch")


@st.cache_data(max_entries=64, show_spinner=False)
def _chart(
    versions: tuple[str, str], language: str, place: Place, log: bool, link: str, height: int | None
) -> dict[str, Any]:
    runs = [run | {"href": runs_link(place, run["function"], run["lr"])} for run in results.fresh(place).to_pylist()]
    rows = results.summary(place)
    own = [
        row | {"difference": own_results.apart(row, "test_error"), "href": address.link("runs", run=row["run_id"])}
        for row in (own_results.over(results.fresh(place)) if versions[1] else [])
        if row["test_error"] is not None
    ]
    low, high = results.error_range(place.study)
    ends = min([low, *(row["test_error"] for row in own)]), max([high, *(row["test_error"] for row in own)])
    return functions_at_a_place.strip(runs, rows, ends, log, notes(rows), own, height).specification()


def shown_runs(place: Place) -> pa.Table:
    """The fresh runs in the picture, and beside them one's own where there are some."""
    rows = results.fresh(place)
    own = [row | {"outcome": outcome(row["status"], row["train_error"])} for row in own_results.over(rows)]
    return own_results.beside(rows, own)


def runs_link(place: Place, function: str, lr: float) -> str:
    """The runs page with the fresh runs of one function at a place."""
    return address.link(
        "runs", study=place.study, activation=function, lr=lr, layer_measures=True, **dict(place.settings)
    )


def notes(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Words at the end of a row: of how many runs some trained, how many diverged, or that the function bends nothing."""
    told = {}
    for row in rows:
        words = []
        if row["outcome"] == "partly":
            words.append(t("activation.note.partly", k=row["trained"], n=row["n"]))
        if row["diverged"]:
            words.append(t("activation.note.diverged", k=row["diverged"], n=row["n"]))
        elif row["function"] == LINEAR:
            words.append(t("activation.note.linear"))
        if words:
            told[row["function"]] = ", ".join(words)
    return told


def untrained(rows: list[dict[str, Any]]) -> str:
    """The functions that do not train with every seed, each with how many of its seeds do: "sigmoid (0 of 5)"; "" without any."""
    return ", ".join(
        t("activation.untrained", name=functions.name(row["function"]), k=row["trained"], n=row["n"])
        for row in rows
        if row["outcome"] in ("partly", "fail")
    )


def caption(place: Place) -> str:
    """One sentence of what to see, one of what does not train with every seed, that the linear network is not counted, what was lost, and one
    of what not to conclude."""
    rows = results.summary(place)
    trained = [row for row in counted(place) if row["outcome"] == "train"]
    told = []
    if trained:
        best, worst = trained[0], trained[-1]
        ends = {"best": functions.name(best["function"]), "low": format.percent(best["median"])}
        ends |= {"worst": functions.name(worst["function"]), "high": format.percent(worst["median"])}
        told.append(t("activation.caption.seen", **ends))
    if names := untrained(counted(place)):
        told.append(t("activation.caption.failed", names=names, level=format.percent(FAILED_ABOVE, 0)))
    if any(row["function"] == LINEAR for row in rows):
        told.append(t("activation.caption.linear", name=functions.name(LINEAR)))
    for what in ("diverged", "raised"):
        if k := sum(row[what] for row in rows):
            told.append(t(f"activation.caption.{what}", k=k))
    return " ".join([*told, t("activation.caption.not_to_conclude")])


def alt(place: Place) -> str:
    """The alternative text of the strip plot: what `described` says, and where the table is."""
    return f"{described(place)} {t('activation.alt.table')}"


def described(place: Place) -> str:
    """The strip plot in words: kind, axes, order, what failed."""
    rows = results.summary(place)
    order = [
        f"{functions.name(row['function'])} {format.percent(row['median'])}"
        for row in rows
        if row["median"] is not None
    ]
    low, high = (format.percent(value) for value in results.error_range(place.study))
    told = t("activation.alt.strip", place=controls.place_in_words(place), low=low, high=high, order=", ".join(order))
    parts = [told]
    if names := untrained(rows):
        parts.append(t("activation.alt.untrained", names=names))
    if gone := [f"{functions.name(row['function'])} {row['diverged']}" for row in rows if row["diverged"]]:
        parts.append(t("activation.alt.diverged", names=", ".join(gone)))
    return " ".join(parts)


def behind(place: Place) -> None:
    """The table behind the strip, with a link to the runs of each function: the way for a keyboard."""
    rows = results.summary(place)
    single: dict[str, list[str]] = {}
    runs = shown_runs(place).to_pylist()
    for run in results.fresh(place).to_pylist():
        ended = (
            format.percent(run["test_error"], 2) if run["test_error"] is not None else t(f"site.status.{run['status']}")
        )
        single.setdefault(run["function"], []).append(ended)
    columns = {
        t("activation.function"): [functions.name(row["function"]) for row in rows],
        t("activation.median"): [None if row["median"] is None else format.percent(row["median"], 2) for row in rows],
        t("activation.single"): [", ".join(single[row["function"]]) for row in rows],
        t("activation.trained"): [f"{row['trained']}/{row['n']}" for row in rows],
        t("site.status.diverged"): [row["diverged"] for row in rows],
        t("site.setting.lr"): [format.rate(row["lr"]) for row in rows],
        t("activation.runs"): [runs_link(place, row["function"], row["lr"]) for row in rows],
    }
    if own_results.version():
        columns |= _own_columns([row["function"] for row in rows], runs)
    with st.expander(t("activation.table.strip"), icon=":material/table:"):
        st.dataframe(
            columns, hide_index=True, alt=t("activation.table.strip"),
            column_config={t("activation.runs"): st.column_config.LinkColumn(display_text=t("activation.open_runs"))},
        )  # fmt: skip


def _own_columns(functions_shown: list[str], runs: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The test errors of one's own runs of each function, and their differences from the same published runs, in points."""
    own: dict[str, list[str]] = {code: [] for code in functions_shown}
    apart: dict[str, list[str]] = {code: [] for code in functions_shown}
    for run in runs:
        if run["own_test_error"] is not None:
            own[run["function"]].append(format.percent(run["own_test_error"], 2))
            apart[run["function"]].append("–" if run["difference"] is None else f"{run['difference']:+.2f}")
    names = t("runs.column.own_test_error"), t("runs.column.difference")
    return {name: [", ".join(told[code]) for code in functions_shown] for name, told in zip(names, (own, apart))}


def rates(place: Place) -> None:
    """Function against learning rate: how the rates were chosen, and where a run diverged."""
    cells = results.tuning(place).to_pylist()
    if not cells:
        st.subheader(t("activation.rates.question"))
        st.markdown(t("activation.not_measured", study=f"`{place.study}`"))
        return
    tried, chosen = sorted({cell["lr"] for cell in cells}), [cell for cell in cells if cell["chosen"]]
    lost = sum(cell["diverged"] > 0 for cell in cells)
    at_ends = rates_at_ends(cells, lambda cell: functions.name(cell["function"]))
    picked = sorted({cell["lr"] for cell in chosen})
    if len(picked) > 1:
        heading = t("activation.rates.heading", factor=f"{picked[-1] / picked[0]:,.0f}")
    else:
        heading = t("activation.rates.one" if picked else "activation.rates.question")
    seeds = format.seeds(*(cell["complete"] + cell["diverged"] for cell in cells))
    begin(heading, t("activation.rates.subtitle", place=controls.place_in_words(place), n=len(tried), seeds=seeds))
    st.vega_lite_chart(
        spec=dict(_rate_chart(site.data_version(), language(), place)), key="activation.rates", alt=_rates_alt(place, cells, chosen, lost)
    )  # fmt: skip
    told = [t("activation.rates.legend", k=lost, n=len(cells))]
    differ = len(picked) > 1
    if differ:
        told.append(t("activation.rates.chosen", low=format.rate(picked[0]), high=format.rate(picked[-1])))
    if at_ends:
        told.append(t("question.rates_at_ends", names=", ".join(at_ends)))
    st.caption(" ".join([*told, *[t("activation.rates.not_to_conclude")] * differ]))
    table(pa.Table.from_pylist(cells), t("activation.table.rates"))


@st.cache_data(max_entries=32, show_spinner=False)
def _rate_chart(version: str, language: str, place: Place) -> dict[str, Any]:
    cells = results.tuning(place).to_pylist()
    order = [row["function"] for row in results.summary(place)]
    order += [code for code in functions.in_order({cell["function"] for cell in cells}) if code not in order]
    return functions_at_a_place.rate_map(cells, order).specification()


def _rates_alt(place: Place, cells: list[dict[str, Any]], chosen: list[dict[str, Any]], lost: int) -> str:
    errors = [cell["val_error"] for cell in cells if cell["val_error"] is not None]
    told = ", ".join(f"{functions.name(cell['function'])} {format.rate(cell['lr'])}" for cell in chosen)
    ends = {"low": format.percent(min(errors, default=0)), "high": format.percent(max(errors, default=0))}
    values = {"place": controls.place_in_words(place), "lost": lost, "chosen": told} | ends
    return f"{t('activation.alt.rates', **values)} {t('activation.alt.table')}"


def not_yet() -> None:
    """What stands in the place of the strip while no fresh run is finished."""
    st.title(t("site.question.activation"))
    st.markdown(t("activation.lead"), width=question_page.READING)
    told = ", ".join(
        f"`{each['study']}` {each['complete'] + each['diverged']:,}/{each['planned']:,}" for each in results.studies()
    )
    st.info(t("activation.under_way", studies=told), icon=":material/hourglass_empty:")
