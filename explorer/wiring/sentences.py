"""What the page says in words, read from the data: title, subtitle, captions, alternative texts. Nothing is estimated here."""

from collections.abc import Callable
from typing import Any

from explorer import format
from explorer.charts import families
from explorer.results import studies
from explorer.results import wiring as results
from explorer.results.wiring import BASELINES, FAILED, Study
from explorer.section import short_points
from explorer.text import t

FEWEST = 3  # units for an interval
POINT = 1.0
"""Of claims W3 and W4, in points."""


def title(study: Study) -> str:
    """The finding in at most ten words: random wiring against the residual chain as claim W4 has it; where most random graphs fail, or
    some do and nothing else is decided, that; where the study has no such pair, how far apart its random families lie."""
    failures, families_apart, pair = (results.claim(study, code) for code in ("W1", "W3", "W4"))
    if failures is not None:
        lost, n = failures[1]["details"]["graphs_failed"], failures[1]["n"]
        if 2 * lost > n or (lost and (pair is None or pair[1]["low"] is None)):
            return t("wiring.title.failed", failed=lost, n=n)
    if pair is not None and pair[1]["estimate"] is not None:
        return _against_the_chain(*pair)
    if families_apart is not None and families_apart[1]["estimate"] is not None:
        return t("wiring.title.families", difference=short_points(families_apart[1], signed=False))
    return t("site.question.wiring")


def _against_the_chain(verdict: str, part: dict[str, Any]) -> str:
    low, high = part["low"], part["high"]
    if low is None or high is None:
        return t("wiring.title.few", difference=short_points(part), n=graphs(part["n"]))
    if verdict == "contradicted":
        return t("wiring.title.worse", difference=short_points(part, signed=False))
    if verdict == "not shown":
        return t("wiring.title.unclear", difference=short_points(part))
    if high < 0:
        return t("wiring.title.better", difference=short_points(part, signed=False))
    return t("wiring.title.matches" if low > -POINT else "wiring.title.no_worse")


def graphs(n: int) -> str:
    """ "5 graphs"."""
    return t("wiring.format.graph" if n == 1 else "wiring.format.graphs", n=format.count(n))


def counted(row: dict[str, Any]) -> str:
    """What n of a row of the table families counts: graphs, or seeds of the one graph there is."""
    return graphs(row["n"]) if row["random"] else format.seeds(row["n"])


def subtitle(study: Study) -> str:
    """Measure, unit, data, fixed settings, parameters, graphs and seeds; and how much of the grid is there."""
    settings = results.settings(study)
    values = {name: format.plain(value) for name, value in settings.items() if isinstance(value, int | float)}
    rows = results.graphs(study)
    told = [t("wiring.subtitle.text", setup=t(f"wiring.setup.{study.code}", **values)), _parameters(rows)]
    told.append(_units(results.families(study), rows))
    done, planned = studies.planned(study.name)
    if done < planned:
        there = {"families": len({row["of"].of for row in rows}), "graphs": len(rows)}
        told.append(t("wiring.subtitle.partly", done=format.count(done), planned=format.count(planned), **there))
    raised = results.runs(study)["outcome"].to_pylist().count("raised")
    if raised:
        told.append(t("wiring.subtitle.raised", n=raised))
    return " ".join(told)


def _parameters(rows: list[dict[str, Any]]) -> str:
    sizes = sorted({row["n_params"] for row in rows})
    ends = {"low": format.count(sizes[0]), "high": format.count(sizes[-1])}
    if len(sizes) == 1:
        return t("wiring.subtitle.one_size", low=ends["low"])
    return t("wiring.subtitle.sizes", **ends, apart=format.percent(sizes[-1] / sizes[0] - 1))


def _units(rows: list[dict[str, Any]], every: list[dict[str, Any]]) -> str:
    """How many graphs a random family has, with how many seeds each, and how many seeds the others have."""
    random, fixed = ([row for row in rows if row["random"] is kind] for kind in (True, False))
    told = []
    if random:
        seeds = [row["runs"] for row in every if row["of"].of.random]
        told.append(
            t(
                "wiring.subtitle.random",
                graphs=_range([row["graphs"] for row in random], graphs, "wiring.format.graphs"),
                seeds=_range(seeds, format.seeds, "site.format.seeds"),
            )
        )
    if fixed:
        seeds = _range([row["runs"] for row in fixed], format.seeds, "site.format.seeds")
        told.append(t("wiring.subtitle.fixed", seeds=seeds))
    if any(row["low"] is not None for row in rows):
        told.append(t("wiring.subtitle.intervals"))
    if any(row["n"] < FEWEST for row in rows):
        told.append(t("wiring.subtitle.few"))
    return " ".join(told)


def _range(numbers: list[int], of_one: Callable[[int], str], of_several: str) -> str:
    """ "2 seeds", as `of_one` has it, or "1–2 seeds", from the text `of_several`."""
    low, high = min(numbers), max(numbers)
    return of_one(low) if low == high else t(of_several, n=f"{low}–{high}")


def caption(study: Study) -> str:
    """One sentence of what to see, one of failures where there are any, one of what not to conclude."""
    rows = [row for row in results.families(study) if row["test_error"] is not None]
    random = [row for row in rows if row["random"]]
    told = []
    if random:
        ends = {"best": families.name(random[0]["of"]), "low": _mean(random[0])}
        if len(random) > 1:
            ends |= {"worst": families.name(random[-1]["of"]), "high": _mean(random[-1])}
        told.append(t("wiring.caption.random" if len(random) > 1 else "wiring.caption.one", **ends))
    beside = [row for row in rows if row["family"] in BASELINES]
    if beside:
        listed = ", ".join(
            t("wiring.caption.baseline", name=families.name(row["of"]), error=_mean(row)) for row in beside
        )
        told.append(t("wiring.caption.baselines", rows=listed))
    lost = failed_runs(study)
    if lost:
        told.append(t("wiring.caption.failed", rows=", ".join(lost)))
    return " ".join([*told, t(f"wiring.caption.not_to_conclude.{study.code}")])


def _mean(row: dict[str, Any]) -> str:
    return format.interval(row["test_error"], row["low"], row["high"], row["n"], counted(row))


def failed_runs(study: Study) -> list[str]:
    """The families with runs that failed to train: "WS(2, 0.25) 2 of 10"."""
    return [
        t("wiring.caption.failed_of", name=families.name(row["of"]), failed=row["failed"], n=row["runs"])
        for row in results.families(study)
        if row["failed"]
    ]


def spread(study: Study) -> str:
    """What claim W2 measured over all random families together, or why nothing."""
    found = results.claim(study, "W2")
    if found is None:
        return ""
    verdict, part = found
    if part["estimate"] is None:
        return t("wiring.spread.none")
    values = {
        "ratio": format.quantity(part["estimate"], part["low"], part["high"], "ratio"),
        "graphs": format.points(part["details"]["sd_graphs"] / 100, 2, signed=False),
        "seeds": format.points(part["details"]["sd_seeds"] / 100, 2, signed=False),
        "n": graphs(part["n"]),
    }
    return t("wiring.spread.told", **values, verdict=t(f"site.verdict.{verdict}"))


def note(row: dict[str, Any]) -> str:
    """The words at the end of a row of the main picture: deviations between graphs and between seeds in points, and failures."""
    told = []
    if row["sd_graphs"] is not None:
        told.append(t("wiring.strip.graphs", sd=f"{100 * row['sd_graphs']:.2f}"))
    if row["sd_seeds"] is not None:
        told.append(t("wiring.strip.seeds", sd=f"{100 * row['sd_seeds']:.2f}"))
    if row["failed"]:
        told.append(t("wiring.strip.failed", failed=row["failed"], n=row["runs"]))
    return " · ".join(told)


def alt(study: Study) -> str:
    """The alternative text of the main picture: what `described` says, and where the table is."""
    return f"{described(study)} {t('wiring.alt.table')}"


def described(study: Study) -> str:
    """The main picture in words: kind, axes, order, spread, failures."""
    rows = results.families(study)
    errors = [run["test_error"] for run in results.runs(study).to_pylist() if run["outcome"] not in (*FAILED, "raised")]
    order = ", ".join(
        f"{families.name(row['of'])} {format.percent(row['test_error'])}"
        for row in rows
        if row["test_error"] is not None
    )
    ends = {"low": format.percent(min(errors)), "high": format.percent(max(errors))} if errors else {}
    told = [t("wiring.alt.strip", families=len(rows), order=order, **ends) if ends else t("wiring.alt.nothing_trains")]
    if lost := failed_runs(study):
        told.append(t("wiring.caption.failed", rows=", ".join(lost)))
    return " ".join(told)
