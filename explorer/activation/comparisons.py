"""One thing changed: the depth, the function against ReLU, batch normalization; and how soon tanh and ReLU learn."""

from collections import Counter
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import claim_parts, format, question_page
from explorer.activation import controls, strip, through_depths
from explorer.charts import forest, functions, functions_at_a_place, with_depth
from explorer.results import activation as results
from explorer.results import site
from explorer.results.activation import CNN, MLP, Place
from explorer.section import ALPHA, begin, points, short_points, table
from explorer.text import language, t

NEAR = 10.0  # points: a difference beyond it has an axis of its own, or the others could not be told apart
QUARTER, TIMES = 0.25, 3  # of claim A4: the train error, and how many times the epochs tanh has to need
SHALLOW = 4  # hidden layers that claim A5 is about, and fewer


def depth(place: Place) -> None:
    """Median test error of every function against depth, with the start of the place; the fully connected study only."""
    if not results.places(MLP):
        _not_measured("depth", MLP)
        return
    start = place["start"] if place.study == MLP else results.places(MLP)[0]["start"]
    rows = results.over_depth(start).to_pylist()
    verdict = results.verdict("A2")
    seeds = controls.fresh_seeds(*(each for each in results.places(MLP) if each["start"] == start))
    begin(
        t(f"activation.depth.heading.{verdict}", **_gap("A2")),
        t("activation.depth.subtitle", start=t(f"activation.start.{start}"), setup=controls.setup(MLP), seeds=seeds),
        ("A2", verdict),
    )
    chart = _depth_chart(site.data_version(), language(), start)
    st.vega_lite_chart(spec=dict(chart), key="activation.depth", alt=_depth_alt(rows, start))
    lost = sum(row["diverged"] for row in rows)
    none = [f"{functions.name(row['function'])} ({row['depth']})" for row in rows if row["median"] is None]
    told = [t("activation.depth.seen", k=lost)]
    if any(row["diverged"] and row["median"] is not None for row in rows):
        told.append(t("activation.depth.some"))
    if none:
        told.append(t("activation.depth.none", names=", ".join(none)))
    st.caption(" ".join([*told, t("activation.depth.not_to_conclude")]))
    table(results.over_depth(start), t("activation.table.depth"))
    through_depths.play_through(start, place["depth"] if place.study == MLP else None)


def _gap(claim: str) -> dict[str, str]:
    """The first measured part of a claim in points, for headings; a dash where there is none."""
    parts = results.parts(claim)
    return {"gap": short_points(parts[0]) if parts and parts[0]["estimate"] is not None else "–"}


@st.cache_data(max_entries=8, show_spinner=False)
def _depth_chart(version: str, language: str, start: str) -> dict[str, Any]:
    return with_depth.errors(results.over_depth(start).to_pylist(), results.error_range(MLP)).specification()


def _depth_alt(rows: list[dict[str, Any]], start: str) -> str:
    depths = sorted({row["depth"] for row in rows})
    ends = []
    for at in (depths[0], depths[-1]):
        mine = sorted(
            (row for row in rows if row["depth"] == at and row["median"] is not None), key=lambda row: row["median"]
        )
        if mine:
            best, worst = mine[0], mine[-1]
            ends.append(
                t(
                    "activation.alt.depth_end", depth=at, best=functions.name(best["function"]), low=format.percent(best["median"]),
                    worst=functions.name(worst["function"]), high=format.percent(worst["median"]),
                )
            )  # fmt: skip
    told = t("activation.alt.depth", start=t(f"activation.start.{start}"), depths=", ".join(map(str, depths)))
    return " ".join([told, *ends, t("activation.alt.table")])


def against_relu(place: Place) -> None:
    """Paired differences from ReLU as a forest plot, those beyond NEAR points on an axis of their own."""
    rows = results.contrasts(place)
    if not rows:
        _not_measured("relu", place.study)
        return
    of_place = {"place": controls.place_in_words(place), "setup": controls.setup(place.study)}
    subtitle = t("activation.relu.subtitle", seeds=format.seeds(*(row["n"] for row in rows)), **of_place)
    if place.study == MLP and place["depth"] <= SHALLOW:
        verdict = results.verdict("A5")
        begin(t(f"activation.relu.heading.{verdict}", **_gap("A5")), subtitle, ("A5", verdict))
    else:
        begin(_clear_differences(rows), subtitle)
    drawn = [_drawn(row) for row in rows]
    near = [row for row in drawn if abs(row["estimate"]) <= NEAR]
    far = [row for row in drawn if abs(row["estimate"]) > NEAR]
    for kind, part in (("near", near), ("far", far)):
        if not part:
            continue
        if near and far:
            st.markdown(f"**{t(f'activation.relu.{kind}', limit=f'{NEAR:g}')}**")
        facts = {"n": len(part), "largest": part[0]["label"], "smallest": part[-1]["label"]}
        st.vega_lite_chart(
            spec=dict(_forest(site.data_version(), language(), place, kind)), key=f"activation.forest.{kind}",
            alt=f"{t('activation.alt.forest', **facts)} {t('activation.alt.table')}",
        )  # fmt: skip
    better = sum(row["high"] is not None and row["high"] < 0 for row in rows)
    worse = sum(row["low"] is not None and row["low"] > 0 for row in rows)
    bare = [functions.name(row["function"]) for row in rows if row["low"] is None]
    n = len(rows) - len(bare)
    told = [t("activation.relu.seen", better=better, worse=worse, open=n - better - worse, n=n)] if n else []
    if bare:
        told.append(t("activation.relu.bare", names=", ".join(bare)))
    without = [row["function"] for row in results.summary(place) if row["function"] != "relu"]
    missing = [functions.name(code) for code in without if code not in {row["function"] for row in rows}]
    if missing:
        told.append(t("activation.relu.missing", names=", ".join(missing)))
    st.caption(" ".join([*told, t("activation.relu.not_to_conclude")]))
    columns = ("function", "estimate", "low", "high", "n", "p_adjusted")
    table(pa.Table.from_pylist([{name: row[name] for name in columns} for row in rows]), t("activation.table.relu"))


def _clear_differences(rows: list[dict[str, Any]]) -> str:
    """How many functions differ from ReLU, in at most ten words; where there are too few seeds to say, only what is shown."""
    tested = [row["p_adjusted"] for row in rows if row["p_adjusted"] is not None]
    if not tested:
        return t("activation.relu.heading.not tested here")
    return t("activation.relu.heading.corrected", k=sum(p < ALPHA for p in tested), n=len(tested))


@st.cache_data(max_entries=64, show_spinner=False)
def _forest(version: str, language: str, place: Place, kind: str) -> dict[str, Any]:
    rows = [row for row in map(_drawn, results.contrasts(place)) if (abs(row["estimate"]) <= NEAR) == (kind == "near")]
    return forest.draw(rows, t("activation.relu.axis")).specification()


def _drawn(row: dict[str, Any]) -> dict[str, Any]:
    """A difference as the forest has it, in the look that its function has everywhere."""
    code = row["function"]
    look = {"colour": functions.colour(code), "shape": functions.shape(code)}
    return row | {"name": functions.name(code), "label": _label(row)} | look


def _label(row: dict[str, Any]) -> str:
    return f"{functions.name(row['function'])}: {points(row)}, n = {row['n']}"


def norm() -> None:
    """What batch normalization changes for each function: the convolutional network without and with it, on one axis."""
    places = results.places(CNN)
    if not places:
        _not_measured("norm", CNN)
        return
    verdict = results.verdict("A3")
    heading = t(f"activation.norm_section.heading.{verdict}", **_rescue())
    subtitle = t("activation.norm_section.subtitle", setup=controls.setup(CNN), seeds=controls.fresh_seeds(*places))
    begin(heading, subtitle, ("A3", verdict))
    if gaps := _both_gaps():
        st.markdown(gaps, width=question_page.READING)
    grid = st.grid(2, min_column_width=330, gap="medium")
    for place in sorted(places, key=lambda place: place["norm"], reverse=True):
        with grid.cell():
            st.markdown(f"**{controls.norm_name(place['norm'])}**")
            chart = _norm_chart(site.data_version(), language(), place)
            st.vega_lite_chart(spec=dict(chart), key=f"activation.norm.{place['norm']}", alt=strip.alt(place))
    parts = [claim_parts.measured(part) for part in results.parts("A3")]
    if parts:
        st.markdown("\n".join(f"- {part}" for part in parts), width=question_page.READING)
    st.caption(t("activation.norm_section.not_to_conclude"))
    rows = [{"norm": place["norm"]} | row for place in places for row in results.summary(place)]
    table(pa.Table.from_pylist(rows), t("activation.table.norm"))


def _rescue() -> dict[str, str]:
    """The gap between sigmoid and ReLU without and with batch normalization, as claim A3 measured it."""
    where = _measured_gaps()
    gaps = {"before": where.get("gap_without_norm"), "after": where.get("gap_with_norm")}
    return {name: "–" if gap is None else format.points(gap / 100) for name, gap in gaps.items()}


def _measured_gaps() -> dict[str, Any]:
    """What the parts of claim A3 say of the gap between sigmoid and ReLU, each with its interval where the database has one, and n."""
    told = {}
    for part in results.parts("A3"):
        if part["quantity"] == "gap_of_sigmoid_to_relu_without_norm" and part["low"] is not None:
            told["gap_without_norm_interval"] = [part["low"], part["high"]]
        told |= {name: value for name, value in part["where"].items() if name.startswith("gap_") and value is not None}
        told["n"] = part["n"]
    return told


def _both_gaps() -> str:
    """Both gaps as a sentence; "" where one of them does not exist."""
    told = _measured_gaps()
    names = "gap_without_norm", "gap_with_norm"
    if not all(name in told for name in names):
        return ""
    before, after = (
        format.quantity(told[name], *told.get(f"{name}_interval", (None, None)), "points") for name in names
    )
    return t("activation.norm_section.gaps", before=before, after=after, seeds=format.seeds(told["n"]))


@st.cache_data(max_entries=8, show_spinner=False)
def _norm_chart(version: str, language: str, place: Place) -> dict[str, Any]:
    runs = [
        run | {"href": strip.runs_link(place, run["function"], run["lr"])} for run in results.fresh(place).to_pylist()
    ]
    rows = results.summary(place)
    return functions_at_a_place.strip(runs, rows, results.error_range(CNN), False, strip.notes(rows)).specification()


def speed() -> None:
    """Train error of ReLU and tanh along the epochs, the level of claim A4 drawn."""
    places = [place for place in results.places(CNN) if place["norm"] == "none"]
    rows = results.epochs_of_training(("relu", "tanh")).to_pylist() if places else []
    if not rows:
        _not_measured("speed", CNN)
        return
    verdict, parts = results.verdict("A4"), results.parts("A4")
    begin(
        t(f"activation.speed.heading.{verdict}"),
        t("activation.speed.subtitle", setup=controls.setup(CNN), norm=controls.norm_name("none"), seeds=_seeds(rows)),
        ("A4", verdict),
    )
    chart = _speed_chart(site.data_version(), language())
    st.vega_lite_chart(spec=dict(chart), key="activation.speed", alt=_speed_alt(rows))
    st.markdown(" ".join(_who_gets_there(rows)), width=question_page.READING)
    if parts:
        st.markdown("\n".join(f"- {claim_parts.measured(part)}" for part in parts), width=question_page.READING)
        if parts[0]["where"].get("at_least"):
            st.markdown(
                t("activation.speed.at_least", k=parts[0]["where"]["tanh_not_there"]), width=question_page.READING
            )
    lost = len({(row["function"], row["seed"]) for row in rows if row["train_error"] is None})
    told = [t("activation.speed.diverged", k=lost)] if lost else []
    st.caption(" ".join([*told, t("activation.speed.not_to_conclude")]))
    table(results.epochs_of_training(("relu", "tanh")), t("activation.table.speed"))


def _seeds(rows: list[dict[str, Any]]) -> str:
    """How many runs of each function are shown."""
    runs = {(row["function"], row["seed"]) for row in rows}
    return format.seeds(*Counter(function for function, _ in runs).values())


def _who_gets_there(rows: list[dict[str, Any]]) -> list[str]:
    """How many runs of each function reach the level of claim A4, and at which epoch the first of them is seen there; and that the ratio of
    the claim could not be seen, where training is too short for it."""
    first: dict[str, dict[int, int]] = {}
    for row in rows:
        there = first.setdefault(row["function"], {})
        if row["train_error"] is not None and row["train_error"] <= QUARTER:
            there[row["seed"]] = min(row["epoch"], there.get(row["seed"], row["epoch"]))
    told = []
    for code in functions.in_order(first):
        n, there = len({row["seed"] for row in rows if row["function"] == code}), first[code]
        facts = {"name": functions.name(code), "k": len(there), "n": n, "epoch": min(there.values(), default=None)}
        told.append(t("activation.speed.there" if there else "activation.speed.never", **facts))
    sentences = [t("activation.speed.reached", values="; ".join(told))]
    soonest, end = min(first.get("relu", {}).values(), default=None), max(row["epoch"] for row in rows)
    if soonest is not None and TIMES * soonest > end:
        sentences.append(
            t("activation.speed.too_short", times=TIMES, soonest=soonest, epochs=end, needed=TIMES * soonest)
        )
    return sentences


@st.cache_data(max_entries=4, show_spinner=False)
def _speed_chart(version: str, language: str) -> dict[str, Any]:
    return with_depth.training(results.epochs_of_training(("relu", "tanh")).to_pylist(), QUARTER).specification()


def _speed_alt(rows: list[dict[str, Any]]) -> str:
    end = max(row["epoch"] for row in rows)
    ends, lost = [], []
    for code in ("relu", "tanh"):
        mine = [row for row in rows if row["function"] == code]
        last = [row["train_error"] for row in mine if row["epoch"] == end and row["train_error"] is not None]
        if last:
            ends.append(f"{functions.name(code)} {format.percent(min(last))}–{format.percent(max(last))}")
        if gone := {row["seed"] for row in mine if row["train_error"] is None}:
            lost.append(f"{functions.name(code)} {len(gone)}")
    told = [t("activation.alt.speed", epoch=end, ends=", ".join(ends))]
    if lost:
        told.append(t("activation.alt.diverged", names=", ".join(lost)))
    return " ".join([*told, t("activation.alt.table")])


def _not_measured(part: str, study: str) -> None:
    st.subheader(t(f"activation.question_of.{part}"))
    st.markdown(t("activation.not_measured", study=f"`{study}`"))
