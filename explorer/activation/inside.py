"""Look behind: layer by layer, the gradient that vanishes and the unit that dies; and each function above the inputs that it gets."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, claim_parts, format
from explorer.activation import controls
from explorer.activation.formulas import FORMULAS, PRELU_START
from explorer.charts import functions, inside_layers
from explorer.charts.inside_layers import INSIDE
from explorer.claim_bounds import region
from explorer.results import activation as results
from explorer.results import site
from explorer.results.activation import MLP, Place
from explorer.section import begin, short_points, table
from explorer.text import language, t

COMPARED = ("sigmoid", "tanh", "relu")  # always there; the reader adds one
CLAIM = {"gradient": "A1", "dead": "A6"}  # no claim is about saturated outputs
FEWEST_LAYERS = {"A1": 5, "A6": 4}  # hidden ones, of the fully connected networks that the rule of a claim is about
NO_ENDS = {"low": None, "high": None}
DECADES = 12  # a gradient map shows no more; below it all is one colour
REACH = 6.0  # f and its slope are drawn this far on both sides of 0


@st.fragment(key="activation.layers")
def layers(place: Place) -> None:
    """Layer × epoch maps side by side on one scale."""
    rows = results.layers(place).to_pylist()
    there = functions.in_order({row["function"] for row in rows})
    if not rows:
        _not_measured("layers", place)
        return
    slot = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure = address.choice(
            "inside", list(INSIDE), "gradient", label=t("activation.inside.measure"),
            format=lambda code: t(f"activation.inside.{code}"),
        )  # fmt: skip
        shown = _compared(there)
    claim = CLAIM.get(measure)
    of_place = {"place": controls.place_in_words(place), "seeds": controls.fresh_seeds(place)}
    badges = [(claim, results.verdict(claim))] if claim and _is_about(claim, place) else []
    with slot:
        begin(
            _claimed(claim, badges) if claim else _most_saturated(place, rows, shown),
            t("activation.inside.subtitle", setup=controls.setup(place.study), **of_place),
            *badges,
        )
    limits = _limits(rows, measure)
    grid = st.grid(min(4, len(shown)), min_column_width=190, gap="small")
    for code in shown:
        with grid.cell():
            st.markdown(f"**{functions.name(code)}**")
            chart = _layer_chart(site.data_version(), language(), place, code, measure, limits)
            st.vega_lite_chart(
                spec=dict(chart), key=f"activation.layers.{code}", alt=_layer_alt(place, code, rows, measure)
            )
    told = [_layer_sentence(place, rows, shown, measure), *_lost(place, shown)]
    st.caption(" ".join([*told, t(f"activation.inside.not_to_conclude.{measure}")]))
    table(results.layers(place), t("activation.table.layers"))


def _claimed(claim: str, badges: list[tuple[str, str]]) -> str:
    """What the verdict of a claim says, or, where its rule is not about the networks shown, what is measured. A6 asks for two things, so that
    the one that contradicts it is told."""
    verdict = badges[0][1] if badges else "not tested here"
    if (claim, verdict) == ("A6", "contradicted"):
        for part in filter(_opposed, results.parts(claim)):
            where = {"depth": part["where"]["depth"], "start": t(f"activation.start.{part['where']['start']}")}
            value = (
                short_points(part, signed=False) if part["unit"] == "points" else claim_parts.quantity(part | NO_ENDS)
            )
            return t(f"activation.inside.contradicted.{part['quantity']}", value=value, **where)
    return t(f"activation.inside.heading.{claim}.{verdict}")


def _opposed(part: dict[str, Any]) -> bool:
    """Whether the interval of a part lies wholly outside of what the rule leaves to its estimate."""
    asked = region(part["bound"])
    if asked is None or part["low"] is None:
        return False
    below, above = (
        asked.low is not None and part["high"] <= asked.low,
        asked.high is not None and part["low"] >= asked.high,
    )
    return below or above


def _most_saturated(place: Place, rows: list[dict[str, Any]], shown: list[str]) -> str:
    """The function shown that ends with the largest share of saturated outputs, in at most ten words."""
    shares = {code: _share_at_the_end(place, rows, code, "saturated")[0] for code in shown}
    ended = {code: share for code, share in shares.items() if share is not None}
    if not ended:
        return t("activation.inside.heading.saturated_none")
    most = max(ended, key=ended.get)
    return t("activation.inside.heading.saturated", name=functions.name(most), share=format.percent(ended[most]))


def _is_about(claim: str, place: Place) -> bool:
    """Whether the rule of a claim is about the networks of a place, so that its verdict may stand over their picture."""
    return place.study == MLP and place["depth"] >= FEWEST_LAYERS[claim]


def _compared(there: list[str]) -> list[str]:
    fixed = [code for code in COMPARED if code in there]
    others = [code for code in there if code not in fixed]
    if not others:
        return fixed
    default = "gelu" if "gelu" in others else others[0]
    asked = address.choice(
        "beside", others, default, label=t("activation.inside.beside"), format=functions.name, widget="select"
    )
    return [*fixed, asked]


def _limits(rows: list[dict[str, Any]], measure: str) -> tuple[float, float]:
    if measure != "gradient":
        return 0.0, 1.0
    values = [row["log_gradient"] for row in rows if row["log_gradient"] is not None]
    high = max(values, default=0.0)
    return max(min(values, default=-1.0), high - DECADES), high


@st.cache_data(max_entries=128, show_spinner=False)
def _layer_chart(
    version: str, language: str, place: Place, function: str, measure: str, limits: tuple[float, float]
) -> dict[str, Any]:
    mine = [row for row in results.layers(place).to_pylist() if row["function"] == function]
    lost = bool(_runs(place)[function]["diverged"])
    measured = {row["layer"] for row in mine if measure == "gradient" or row[INSIDE[measure]] is not None}
    cells = [row | {"value": row[INSIDE[measure]]} for row in mine if row["layer"] in measured]
    for cell in cells:
        cell["lost"] = lost and cell["value"] is None and not cell["zeros"]
    return inside_layers.layer_map(cells, measure, limits).specification()


def _of(rows: list[dict[str, Any]], function: str, measure: str) -> list[dict[str, Any]]:
    column = INSIDE[measure]
    return [row for row in rows if row["function"] == function and row[column] is not None]


def _runs(place: Place) -> dict[str, dict[str, Any]]:
    """Of each function how many fresh runs it has at a place (n) and how many of them diverged."""
    return {row["function"]: row for row in results.summary(place)}


def _last_epoch(place: Place) -> int:
    """Where training ends, also for a function of which no run comes so far."""
    return results.settings(place.study)["epochs"]


def _share_at_the_end(
    place: Place, rows: list[dict[str, Any]], code: str, measure: str
) -> tuple[float, int] | tuple[None, int]:
    """The share over all hidden layers after the last epoch of the training, and over how many seeds; None where no run came so far."""
    last = [row for row in _of(rows, code, measure) if row["epoch"] == _last_epoch(place)]
    if not last:
        return None, 0
    return sum(row[INSIDE[measure]] for row in last) / len(last), min(row["n"] for row in last)


def _layer_sentence(place: Place, rows: list[dict[str, Any]], shown: list[str], measure: str) -> str:
    """What each map says in one number: the gradient of the first layer over that of the last at the start, or the share at the end. A
    function of which no run came to the end is told as diverged, a mean over fewer than all seeds with their number."""
    told, runs = [], _runs(place)
    for code in shown:
        name, n = functions.name(code), runs[code]["n"]
        if measure == "gradient":
            start = {row["layer"]: row for row in rows if row["function"] == code and row["epoch"] == 0}
            if start:
                told.append(f"{name} {_ratio(start[min(start)], start[max(start)])}")
            continue
        share, seeds = _share_at_the_end(place, rows, code, measure)
        if share is not None:
            of = {"name": name, "share": format.percent(share), "k": seeds, "n": n}
            told.append(t("activation.inside.some", **of) if seeds < n else f"{name} {of['share']}")
        elif runs[code]["diverged"]:
            told.append(t("activation.inside.none", name=name))
    return t(f"activation.inside.seen.{measure}", values=", ".join(told), decades=DECADES) if told else ""


def _lost(place: Place, shown: list[str]) -> list[str]:
    """Which of the functions shown have runs that diverged, as a sentence; nothing where none has."""
    names = _diverged(place, shown)
    return [t("activation.inside.diverged", names=", ".join(names))] if names else []


def _diverged(place: Place, shown: list[str]) -> list[str]:
    """Of some functions those with runs that diverged, and how many: "cos(x) − x (5 of 5)"."""
    runs = _runs(place)
    return [
        t("activation.untrained", name=functions.name(code), k=runs[code]["diverged"], n=runs[code]["n"])
        for code in shown
        if runs[code]["diverged"]
    ]


def _ratio(first: dict[str, Any], last: dict[str, Any]) -> str:
    """The gradient norm of the first layer over that of the last in words: 0 where the first is exactly 0 with some seed, a dash where there is
    none."""
    if last["log_gradient"] is None or (first["log_gradient"] is None and not first["zeros"]):
        return "–"
    if first["zeros"]:
        return "0"
    return format.quantity(10 ** (first["log_gradient"] - last["log_gradient"]), None, None, "ratio")


def _layer_alt(place: Place, code: str, rows: list[dict[str, Any]], measure: str) -> str:
    mine = _of(rows, code, measure)
    values = [row[INSIDE[measure]] for row in mine]
    write = (lambda value: f"{value:.1f}") if measure == "gradient" else format.percent
    told = t(
        "activation.alt.layers", name=functions.name(code), measure=t(f"activation.inside.legend.{measure}"),
        layers=len({row["layer"] for row in mine}), epochs=_last_epoch(place),
        place=controls.place_in_words(place), low=write(min(values)) if values else "–", high=write(max(values)) if values else "–",
    )  # fmt: skip
    if gone := _diverged(place, [code]):
        told += " " + t("activation.alt.diverged", names=gone[0])
    return f"{told} {t('activation.alt.table')}"


@st.fragment(key="activation.bend")
def bends(place: Place) -> None:
    """f and its slope, with mean and standard deviation of what each layer puts in."""
    rows = results.layers(place).to_pylist()
    there = [code for code in functions.in_order({row["function"] for row in rows}) if code in FORMULAS] or list(
        FORMULAS
    )
    default = "sigmoid" if "sigmoid" in there else there[0]
    slot = st.container()
    code = address.choice(
        "function", there, default, label=t("activation.function"), format=functions.name, widget="select"
    )
    inputs = _inputs(place, rows, code)
    with slot:
        of_place = {"place": controls.place_in_words(place), "seeds": controls.fresh_seeds(place)}
        begin(t("activation.bend.heading"), t("activation.bend.subtitle", **of_place))
    chart = _bend_chart(site.data_version(), language(), place, code)
    st.vega_lite_chart(spec=dict(chart), key="activation.bend", alt=_bend_alt(code, inputs), width="stretch")
    told = [
        t("activation.bend.seen", name=functions.name(code), largest=f"{_largest_slope(code):.2f}", reach=f"{REACH:g}")
    ]
    if code == "prelu":
        told.append(t("activation.bend.prelu", slope=f"{PRELU_START:g}"))
    st.caption(" ".join([*told, *_without_end(place, code), t("activation.bend.not_to_conclude")]))
    table(pa.Table.from_pylist(inputs), t("activation.table.inputs"))


def _largest_slope(code: str) -> float:
    return max(abs(FORMULAS[code].slope(REACH * place / 500)) for place in range(-500, 501))


def _without_end(place: Place, code: str) -> list[str]:
    """That runs of a function diverged, so that what its layers get at the last epoch is told by fewer seeds, or by none."""
    runs = _runs(place).get(code)
    if not runs or not runs["diverged"]:
        return []
    key = "diverged" if runs["diverged"] < runs["n"] else "all_diverged"
    return [t(f"activation.bend.{key}", name=functions.name(code), k=runs["diverged"], n=runs["n"])]


def _inputs(place: Place, rows: list[dict[str, Any]], code: str) -> list[dict[str, Any]]:
    """What each hidden layer puts into its function, at the start and at the last epoch, without the latter where no run came so far."""
    mine = [row for row in rows if row["function"] == code and row["mean"] is not None]
    if not mine:
        return []
    end, logits = _last_epoch(place), max(row["layer"] for row in mine)
    return [
        {
            "layer": row["layer"],
            "when": "start" if row["epoch"] == 0 else "end",
            "epoch": row["epoch"],
            "mean": row["mean"],
        }
        | {"sd": row["sd"], "low": row["mean"] - row["sd"], "high": row["mean"] + row["sd"], "n": row["n"]}
        for row in mine
        if row["epoch"] in (0, end) and row["layer"] < logits
    ]


@st.cache_data(max_entries=64, show_spinner=False)
def _bend_chart(version: str, language: str, place: Place, code: str) -> dict[str, Any]:
    words = {key: t(f"activation.bend.{key}") for key in ("f", "slope", "start", "end", "input", "layer")}
    inputs = _inputs(place, results.layers(place).to_pylist(), code)
    return inside_layers.bend(*FORMULAS[code], functions.colour(code), inputs, words, REACH).specification()


def _bend_alt(code: str, inputs: list[dict[str, Any]]) -> str:
    told = t(
        "activation.alt.bend", name=functions.name(code), reach=f"{REACH:g}", largest=f"{_largest_slope(code):.2f}"
    )
    ends = [row for row in inputs if row["when"] == "end"]
    if ends:
        widest = max(ends, key=lambda row: row["sd"])
        told += " " + t(
            "activation.alt.bend_inputs", layer=widest["layer"], mean=f"{widest['mean']:.2f}", sd=f"{widest['sd']:.2f}"
        )
    return f"{told} {t('activation.alt.table')}"


def _not_measured(part: str, place: Place) -> None:
    st.subheader(t(f"activation.question_of.{part}"))
    st.markdown(t("activation.not_measured", study=f"`{place.study}`"))
