"""What stands below the main picture: learning rates, the ends of perfect scaling, equal budgets, the noise scale, and the tuning counted."""

import json
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, claim_parts, format
from explorer.batch_size import sentences
from explorer.batch_size.controls import Choices, goal
from explorer.batch_size.picture import behind
from explorer.charts import bends, budgets, forest, rates, scaling
from explorer.question_page import READING
from explorer.results import batch_size as results
from explorer.results import site, verdicts
from explorer.results.verdicts import Verdict
from explorer.section import ALPHA, begin
from explorer.text import language, t

EQUAL_UNITS = ("epochs", "steps")
AGAINST = "log2_steps_to_the_target"


def best_rate(choices: Choices) -> None:
    """The best learning rate against batch size, with guides of linear and square-root scaling."""
    verdict = verdicts.verdict("B3", choices.study.name)
    name = t(f"batch_size.optimizer.{choices.focus}")
    seeds = results.seeds_best_rates(choices.study, choices.target, choices.focus)
    subtitle = t("batch_size.rates.subtitle", optimizer=name, target=goal(choices.target))
    begin(sentences.heading("rates", verdict), subtitle, verdicts.badge("B3", verdict))
    if not seeds.num_rows:
        st.markdown(t("batch_size.rates.none", optimizer=name))
        return
    chart = _best_rate_chart(site.data_version(), language(), choices.study, choices.target, choices.focus)
    chosen = [row for row in results.tuned(choices.study, choices.target, choices.focus) if row["best_lr"]]
    st.vega_lite_chart(spec=dict(chart), key="batch_size.rates", alt=_rates_alt(name, chosen, seeds))
    st.caption(t("batch_size.rates.caption"))
    behind("rates", seeds)


@st.cache_data(max_entries=32, show_spinner=False)
def _best_rate_chart(
    version: str, language: str, study: results.Study, target: float, optimizer: str
) -> dict[str, Any]:
    seeds = results.seeds_best_rates(study, target, optimizer).to_pylist()
    linked = [row | {"url": address.link("runs", run=row["run_id"])} for row in seeds]
    chosen = results.tuned(study, target, optimizer)
    return rates.best(linked, chosen, scaling.COLOURS[optimizer], scaling.SHAPES[optimizer]).specification()


def _rates_alt(name: str, chosen: list[dict[str, Any]], seeds: pa.Table) -> str:
    sizes, values = seeds["batch_size"].to_pylist(), seeds["lr"].to_pylist()
    told = t(
        "batch_size.rates.alt",
        optimizer=name,
        low=format.count(min(sizes)),
        high=format.count(max(sizes)),
        low_rate=format.rate(min(values)),
        high_rate=format.rate(max(values)),
    )
    if chosen:
        ends = {"first": format.rate(chosen[0]["best_lr"]), "last": format.rate(chosen[-1]["best_lr"])}
        told += " " + t("batch_size.rates.alt_ends", **ends)
    return f"{told} {t('batch_size.alt.table')}"


def rate_map(choices: Choices) -> None:
    """Every rate at every batch size of one optimizer: reached, not reached, diverged, and a star on the best."""
    name = t(f"batch_size.optimizer.{choices.focus}")
    cells = results.rate_cells(choices.study, choices.target, choices.focus)
    states = [rates.state(row) for row in cells.to_pylist()]
    counted = {state: states.count(state) for state in ("reached", "not_reached", "diverged")}
    st.subheader(t("batch_size.map.title"))
    st.markdown(t("batch_size.map.subtitle", optimizer=name, target=goal(choices.target)), width=READING)
    chart = _rate_map_chart(site.data_version(), language(), choices.study, choices.target, choices.focus)
    alt = t("batch_size.map.alt", optimizer=name, n=len(states), **counted, **_map_ends(cells.to_pylist()))
    if best := [format.rate(row["lr"]) for row in cells.to_pylist() if row["best"]]:
        alt += " " + t("batch_size.map.alt_best", first=best[0], last=best[-1])
    st.vega_lite_chart(spec=dict(chart), key="batch_size.map", alt=f"{alt} {t('batch_size.alt.table')}")
    st.caption(t("batch_size.map.caption", n=len(states), **counted))
    behind("map", cells)


def _map_ends(cells: list[dict[str, Any]]) -> dict[str, str]:
    """Both axes of a map from end to end."""
    sizes, lrs = ([row[name] for row in cells] for name in ("batch_size", "lr"))
    ends = {"low": format.count(min(sizes)), "high": format.count(max(sizes))}
    return ends | {"low_rate": format.rate(min(lrs)), "high_rate": format.rate(max(lrs))}


@st.cache_data(max_entries=32, show_spinner=False)
def _rate_map_chart(version: str, language: str, study: results.Study, target: float, optimizer: str) -> dict[str, Any]:
    of = {"optimizer": "sgd" if optimizer == "momentum" else optimizer, "momentum": 0.0 if optimizer in ("sgd", "adam") else 0.9}  # fmt: skip
    cells = [
        row | {"url": address.link("runs", study=study.name, batch_size=row["batch_size"], lr=row["lr"], **of)}
        for row in results.rate_cells(study, target, optimizer).to_pylist()
    ]
    return rates.tried(cells).specification()


def ends_of_scaling(choices: Choices) -> None:
    """Where perfect scaling ends for every target and optimizer, with the spread of the whole tuning."""
    verdict = verdicts.verdict("B2", choices.study.name)
    rows = results.regimes(choices.study)
    factor = _factor(verdict)
    begin(
        sentences.heading("ends", verdict, factor=factor, target=goal(choices.study.target)),
        t("batch_size.ends.subtitle"),
        verdicts.badge("B2", verdict),
    )
    if not rows:
        st.markdown(t("batch_size.ends.none"))
        return
    chart = _ends_chart(site.data_version(), language(), choices.study, choices.target)
    told = [
        t("batch_size.ends.row", optimizer=t(f"batch_size.optimizer.{row['optimizer']}"), place=sentences.place(row, "perfect"))
        for row in rows
        if row["target"] == choices.target
    ]  # fmt: skip
    listed = "; ".join(told) or t("batch_size.ends.none")
    alt = t("batch_size.ends.alt", n=len(rows), target=goal(choices.target), rows=listed)
    st.vega_lite_chart(spec=dict(chart), key="batch_size.ends", alt=f"{alt} {t('batch_size.alt.table')}")
    bars = [t("batch_size.ends.bars")] if sentences.enough_seeds(choices.study) else []
    st.caption(" ".join([t("batch_size.ends.caption", target=goal(choices.target), rows=listed), *bars]))
    _parts(verdict)
    behind("ends", pa.Table.from_pylist(rows))


def _factor(verdict: Verdict | None) -> str:
    """How many times larger the batch is at which perfect scaling ends with momentum."""
    if verdict is None or verdict.parts[0]["estimate"] is None:
        return ""
    return f"{2 ** verdict.parts[0]['estimate']:.2g}"


@st.cache_data(max_entries=16, show_spinner=False)
def _ends_chart(version: str, language: str, study: results.Study, target: float) -> dict[str, Any]:
    rows = [row | {"goal": goal(row["target"])} for row in results.regimes(study)]
    return bends.ends(rows, goal(target)).specification()


def equal_budgets() -> None:
    """Test error at equal epochs and at equal steps, and the paired difference of the largest batch size from the smallest."""
    runs = results.budgets()
    verdict = verdicts.verdict("B4", results.EQUAL)
    if not runs.num_rows:
        st.subheader(t("batch_size.equal.question"))
        st.markdown(t("batch_size.not_measured", study=f"`{results.EQUAL}`"))
        return
    of = results.settings(results.EQUAL)
    seeds = len(set(runs["seed"].to_pylist()))
    setup = {"width": of["width"], "n_train": format.count(of["n_train"]), "seeds": format.seeds(seeds)}
    begin(sentences.heading("equal", verdict), t("batch_size.equal.subtitle", **setup), verdicts.badge("B4", verdict))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        chart = _equal_chart(site.data_version(), language())
        st.vega_lite_chart(spec=dict(chart), key="batch_size.equal", alt=_equal_alt(runs.to_pylist()))
    with right:
        rows = _largest_minus_smallest()
        if rows:
            st.markdown(f"**{t('batch_size.equal.forest')}**")
            drawn = _equal_forest(site.data_version(), language())
            alt = t("batch_size.equal.forest_alt", rows="; ".join(row["label"] for row in rows))
            st.vega_lite_chart(spec=dict(drawn), key="batch_size.equal.forest", alt=alt)
        _parts(verdict)
    st.caption(" ".join([t("batch_size.equal.caption"), *_diverged(runs.to_pylist())]))
    means = {(row["unit"], row["amount"], row["batch_size"]): row["mean"] for row in _means()}
    drawn = [means.get((row["unit"], row["amount"], row["batch_size"])) for row in runs.to_pylist()]
    behind("equal", runs.append_column("mean", pa.array(drawn, pa.float64())))


def _diverged(runs: list[dict[str, Any]]) -> list[str]:
    """What the crosses are, and how many, where there are any."""
    lost = sum(row["test_error"] is None for row in runs)
    return [t("batch_size.equal.diverged", n=format.count(lost))] if lost else []


@st.cache_data(max_entries=4, show_spinner=False)
def _equal_chart(version: str, language: str) -> dict[str, Any]:
    runs = [
        row | {"budget": _budget(row["unit"], row["amount"]), "url": address.link("runs", run=row["run_id"])}
        for row in results.budgets().to_pylist()
    ]
    return budgets.draw(runs, _means()).specification()


@st.cache_data(max_entries=4, show_spinner=False)
def _equal_forest(version: str, language: str) -> dict[str, Any]:
    return forest.draw(_largest_minus_smallest(), t("batch_size.equal.forest_axis")).specification()


def _means() -> list[dict[str, Any]]:
    """Mean test error of each batch size and budget over its seeds, as the parts of B4 hold them."""
    verdict = verdicts.verdict("B4", results.EQUAL)
    return [
        {"unit": unit, "amount": (amount := part["where"][unit]), "budget": _budget(unit, amount)}
        | {"batch_size": int(size), "mean": mean / 100}
        for part in (verdict.parts if verdict else [])
        for unit in EQUAL_UNITS
        if unit in part["where"]
        for size, mean in sorted(part["where"]["test_error"].items(), key=lambda each: int(each[0]))
        if mean is not None
    ]


def _largest_minus_smallest() -> list[dict[str, Any]]:
    """The rows of the forest: the largest batch size minus the smallest at each budget, largest effect first."""
    rows = results.contrasts(results.EQUAL, "final_test_error")
    by_budget: dict[tuple[str, int], dict[str, Any]] = {}
    for row in rows:
        unit = next(unit for unit in EQUAL_UNITS if unit in row["changed"])
        budget = unit, row["changed"][unit]
        if budget not in by_budget or row["changed"]["batch_size"] > by_budget[budget]["changed"]["batch_size"]:
            by_budget[budget] = row
    found = []
    for (unit, amount), row in by_budget.items():
        sizes = {name: format.count(row[name]["batch_size"]) for name in ("baseline", "changed")}
        name = t("batch_size.equal.row", budget=_budget(unit, amount), **sizes)
        difference = format.quantity(row["estimate"], row["low"], row["high"], row["unit"])
        found.append(row | {"name": name, "label": f"{name}: {difference}, n = {row['n']}"})
    return sorted(found, key=lambda row: -abs(row["estimate"]))


def _equal_alt(runs: list[dict[str, Any]]) -> str:
    sizes = [row["batch_size"] for row in runs]
    parts = [t("batch_size.equal.alt", low=format.count(min(sizes)), high=format.count(max(sizes)))]
    means = _means()
    for budget in dict.fromkeys(row["budget"] for row in means):
        mine = [row for row in means if row["budget"] == budget]
        ends = {"first": format.percent(mine[0]["mean"]), "last": format.percent(mine[-1]["mean"])}
        parts.append(t("batch_size.equal.alt_budget", budget=budget, **ends))
    return " ".join([*parts, *_diverged(runs), t("batch_size.alt.table")])


def _budget(unit: str, amount: int) -> str:
    return t(f"batch_size.equal.{unit}", n=format.count(amount))


def noise_scale(choices: Choices) -> None:
    """The gradient noise scale along training beside the measured end of perfect scaling, for the baseline."""
    study, optimizer = choices.study, choices.study.optimizer
    verdict = verdicts.verdict("B5", study.name)
    rows = results.noise_scale(study, choices.target, optimizer)
    name = t(f"batch_size.optimizer.{optimizer}")
    begin(
        sentences.heading("noise", verdict, ratio=_ratio(verdict)),
        t("batch_size.noise.subtitle", optimizer=name, target=goal(choices.target)),
        verdicts.badge("B5", verdict),
    )
    values = [value for value in rows["value"].to_pylist() if value]
    if not values:
        st.markdown(t("batch_size.noise.none"))
        return
    regime = results.regime(study, choices.target, optimizer)
    chart = _noise_chart(site.data_version(), language(), study, choices.target, optimizer)
    bend = sentences.place(regime, "perfect") if regime else t("batch_size.noise.no_bend")
    ends = {"low": sentences.size(min(values)), "high": sentences.size(max(values)), "bend": bend}
    alt = f"{t('batch_size.noise.alt', **ends)} {t('batch_size.alt.table')}"
    st.vega_lite_chart(spec=dict(chart), key="batch_size.noise", alt=alt)
    st.caption(t("batch_size.noise.caption", **ends))
    _parts(verdict)
    behind("noise", rows)


def _ratio(verdict: Verdict | None) -> str:
    estimate = verdict.parts[0]["estimate"] if verdict else None
    return "" if estimate is None else f"{estimate:.2g}"


@st.cache_data(max_entries=16, show_spinner=False)
def _noise_chart(version: str, language: str, study: results.Study, target: float, optimizer: str) -> dict[str, Any]:
    rows = results.noise_scale(study, target, optimizer).to_pylist()
    return bends.noise(rows, results.regime(study, target, optimizer)).specification()


def tuning_counted(choices: Choices) -> None:
    """Every batch size had the same tuning budget: rates, runs, and how many reached, did not reach, diverged; and how optimistic the best
    of many is."""
    st.subheader(t("batch_size.tuning.title"))
    st.markdown(sentences.tuning(choices), width=READING)
    rows = results.tuned(choices.study, choices.target, choices.focus)
    columns = ("batch_size", "rates", "runs", "reached", "not_reached", "diverged", "seeds_reached", "seeds", "best_lr", "fewest_steps", "steps", "low", "high")  # fmt: skip
    table = pa.table({name: pa.array([row[name] for row in rows]) for name in columns})
    words = {name: st.column_config.Column(t(f"batch_size.tuning.column.{name}")) for name in columns}
    words |= {name: st.column_config.NumberColumn(t(f"batch_size.tuning.column.{name}"), format="%.0f") for name in ("steps", "low", "high")}  # fmt: skip
    st.dataframe(table, hide_index=True, column_config=words, alt=t("batch_size.tuning.alt"))
    least = [row for row in rows if row["steps"]]
    if least:
        row = max(least, key=lambda row: row["steps"] / row["fewest_steps"])
        told = {"batch_size": format.count(row["batch_size"]), "fewest": format.count(row["fewest_steps"])}
        lucky = [t("batch_size.tuning.optimism", **told, steps=sentences.number(row["steps"]))]
        lucky += [t("batch_size.tuning.optimism_interval")] if sentences.enough_seeds(choices.study) else []
        st.caption(" ".join(lucky))


def against_the_baseline(choices: Choices) -> None:
    """Each optimizer against plain SGD at the same batch size, paired by seed, as a forest plot; the reader's optimizer where it is not SGD."""
    rows = results.contrasts(choices.study.name, AGAINST)
    offered = list(dict.fromkeys(row["changed"]["optimizer"] for row in rows))
    if not offered:
        return
    optimizer = choices.focus if choices.focus in offered else offered[0]
    told = _differences(choices.study, optimizer)
    names = {
        "optimizer": t(f"batch_size.optimizer.{optimizer}"),
        "baseline": t(f"batch_size.optimizer.{results.BASELINE}"),
    }
    st.subheader(t("batch_size.against.title", **names))
    target = goal(told[0]["changed"]["target"])
    st.markdown(t("batch_size.against.subtitle", **names, target=target), width=READING)
    least = min(told, key=lambda row: row["estimate"])
    alt = t("batch_size.against.alt", n=len(told), least=least["label"], **names)
    chart = _against_chart(site.data_version(), language(), choices.study, optimizer)
    st.vega_lite_chart(spec=dict(chart), key="batch_size.against", alt=f"{alt} {t('batch_size.alt.table')}")
    clear = sum(row["p_adjusted"] is not None and row["p_adjusted"] < ALPHA for row in told)
    tested = "caption" if sentences.enough_seeds(choices.study) else "caption_few_seeds"
    st.caption(t(f"batch_size.against.{tested}", clear=clear, n=len(told)))
    flat = [row | {part: json.dumps(row[part]) for part in ("baseline", "changed")} for row in told]
    behind("against", pa.Table.from_pylist(flat).drop_columns(["name", "label"]))


def _differences(study: results.Study, optimizer: str) -> list[dict[str, Any]]:
    """The rows of that forest, by batch size."""
    rows = [row for row in results.contrasts(study.name, AGAINST) if row["changed"]["optimizer"] == optimizer]
    told = []
    for row in sorted(rows, key=lambda row: row["changed"]["batch_size"]):
        words = t("batch_size.against.row", batch_size=format.count(row["changed"]["batch_size"]))
        difference = format.quantity(row["estimate"], row["low"], row["high"], row["unit"])
        told.append(row | {"name": words, "label": f"{words}: {difference}, n = {row['n']}"})
    return told


@st.cache_data(max_entries=16, show_spinner=False)
def _against_chart(version: str, language: str, study: results.Study, optimizer: str) -> dict[str, Any]:
    rows = _differences(study, optimizer)
    return forest.draw(rows, t("batch_size.against.axis")).specification()


def _parts(verdict: Verdict | None) -> None:
    """The measured parts of a verdict, each with its bound."""
    if verdict and verdict.parts:
        st.markdown("\n".join(f"- {claim_parts.measured(part)}" for part in verdict.parts), width=READING)
