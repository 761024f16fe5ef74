"""What the page on batch size says in words, read from the results file: title, subtitle, captions, alternative texts."""

from collections.abc import Sequence
from typing import Any

from explorer import format
from explorer.batch_size.controls import ALL, Choices, goal
from explorer.results import batch_size as results
from explorer.results import verdicts
from explorer.results.batch_size import Study
from explorer.results.verdicts import Verdict
from explorer.text import t

FEWEST_SEEDS = 3  # for an interval


def title(choices: Choices) -> str:
    """The finding of the picture in at most ten words: what the verdict on B1 says of the optimizer and the target that it is decided on, of
    others where their curve bends."""
    study, claimed = choices.study, (choices.focus, choices.target) == (choices.study.optimizer, choices.study.target)
    regime = results.regime(study, choices.target, choices.focus)
    if regime is None:
        return t("batch_size.title.not_reached", target=goal(choices.target))
    bend = regime["perfect_until"]
    values = {"seeds": format.seeds(regime["seeds"]), "largest": format.count(regime["largest"])}
    values |= {"bend": size(bend) if bend else ""}
    values |= {"optimizer": t(f"batch_size.optimizer.{choices.focus}"), "target": goal(choices.target)}
    ending = "bend" if bend else "endless"
    if regime["seeds"] < FEWEST_SEEDS:
        return t(f"batch_size.title.few_seeds_{ending}", **values)
    if not claimed:
        return t(f"batch_size.title.{ending}_of", **values)
    verdict = verdicts.verdict("B1", study.name)
    if verdict and verdict.verdict == "contradicted":
        return t("batch_size.title.contradicted")
    if bend and verdict and verdict.verdict == "shown":
        return t("batch_size.title.shown", **values)
    return t(f"batch_size.title.{ending}", **values)


def subtitle(choices: Choices) -> str:
    """Measure, unit, data, fixed settings, tuning and seeds."""
    study, of = choices.study, results.settings(choices.study.name)
    tuned = results.tuned(study, choices.target)
    setup = t(
        f"batch_size.setup.{study.code}",
        width=of["width"],
        n_train=format.count(of["n_train"]),
        most_steps=format.count(of["most_steps"]),
    )
    return t(
        "batch_size.subtitle",
        measure=t(f"batch_size.axis.{choices.measure}"),
        target=goal(choices.target),
        n_val=format.count(of["n_val"]),
        setup=setup,
        rates=_range([row["rates"] for row in tuned]),
        seeds=format.seeds(of["seeds"]),
    )


def caption(choices: Choices) -> str:
    """One sentence of what to see, one of what not to conclude."""
    regime = results.regime(choices.study, choices.target, choices.focus)
    values = {"optimizer": t(f"batch_size.optimizer.{choices.focus}"), "target": goal(choices.target)}
    if regime is None:
        seen = t("batch_size.caption.not_reached", **values)
    else:
        values |= {"smallest": format.count(regime["smallest"]), "largest": format.count(regime["largest"])}
        values |= {"bend": place(regime, "perfect"), "flat": place(regime, "flat")}
        seen = t(f"batch_size.caption.{_shape(regime)}", **values)
    return f"{seen} {t(f'batch_size.caption.not_to_conclude.{choices.measure}')}"


def _shape(regime: dict[str, Any]) -> str:
    if regime["perfect_until"] is None:
        return "endless"
    return "bend" if regime["flat_from"] and regime["flat_from"] > regime["perfect_until"] else "sharp"


def legend(choices: Choices) -> str:
    """What each mark is, with what was left out of the curve."""
    parts = [t("batch_size.legend.marks")]
    if choices.measure != "seconds":  # which have neither intervals nor regimes
        parts.append(lines(choices))
    missing = [row for row in results.tuned(choices.study, choices.target) if row["best_lr"] is None]
    for optimizer in choices.optimizers:
        sizes = [format.count(row["batch_size"]) for row in missing if row["optimizer"] == optimizer]
        if sizes:
            name = t(f"batch_size.optimizer.{optimizer}")
            parts.append(t("batch_size.legend.missing", optimizer=name, sizes=", ".join(sizes)))
    return " ".join(parts)


def lines(choices: Choices) -> str:
    """What the bars, lines and bands on the curve are."""
    parts = [t("batch_size.legend.regimes", optimizer=t(f"batch_size.optimizer.{choices.focus}"))]
    if enough_seeds(choices.study):
        seeds = format.seeds(results.settings(choices.study.name)["seeds"])
        parts = [t("batch_size.legend.interval", seeds=seeds), *parts, t("batch_size.legend.regimes_bands")]
    return " ".join(parts)


def enough_seeds(study: Study) -> bool:
    """Whether there are as many as an interval needs."""
    return results.settings(study.name)["seeds"] >= FEWEST_SEEDS


def tuning(choices: Choices) -> str:
    """How much tuning every batch size had, and what came of it, in numbers."""
    rows = results.tuned(choices.study, choices.target, None if choices.optimizer == ALL else choices.optimizer)
    least = min(row["rates"] for row in rows)
    told = {
        name: format.count(sum(row[name] for row in rows)) for name in ("runs", "reached", "not_reached", "diverged")
    }
    return t(
        "batch_size.tuning.counted",
        sizes=len({row["batch_size"] for row in rows}),
        optimizers=", ".join(t(f"batch_size.optimizer.{code}") for code in choices.optimizers),
        rates=least,
        seeds=format.seeds(rows[0]["seeds"]),
        widened=sum(row["rates"] > least for row in rows),
        cells=len(rows),
        target=goal(choices.target),
        **told,
    )


def alt(choices: Choices, runs: Sequence[dict[str, Any]], curve: Sequence[dict[str, Any]]) -> str:
    """The alternative text of the main picture: what `described` says, and where the table is."""
    return f"{described(choices, runs, curve)} {t('batch_size.alt.table')}"


def described(choices: Choices, runs: Sequence[dict[str, Any]], curve: Sequence[dict[str, Any]]) -> str:
    """The main picture in words: kind, axes with range, main shape, what was not reached."""
    sizes = [row["batch_size"] for row in runs]
    told = t(
        "batch_size.alt.curve",
        measure=t(f"batch_size.axis.{choices.measure}"),
        low=format.count(min(sizes)),
        high=format.count(max(sizes)),
        target=goal(choices.target),
        n=len(runs),
        missing=sum(row["state"] != "reached" for row in runs),
    )
    parts = [told]
    for optimizer in choices.optimizers:
        mine = [row for row in curve if row["optimizer"] == optimizer]
        if mine:
            first, last = mine[0], mine[-1]
            ends = {"first": number(first["value"]), "last": number(last["value"])}
            ends |= {"from_size": format.count(first["batch_size"]), "to_size": format.count(last["batch_size"])}
            parts.append(t("batch_size.alt.series", optimizer=t(f"batch_size.optimizer.{optimizer}"), **ends))
    return " ".join(parts)


def heading(section: str, verdict: Verdict | None, **values: str) -> str:
    """The finding of a section in words, by its verdict; its question where nothing is tested."""
    if verdict is None or any(part["estimate"] is None for part in verdict.parts):
        return t(f"batch_size.{section}.question")
    return t(f"batch_size.{section}.heading.{verdict.verdict}", **values)


def place(regime: dict[str, Any], which: str) -> str:
    """A batch size that was read off a curve, with its interval: "21 (18–26)"; an end beyond the largest size is said to be that."""
    at = regime["perfect_until" if which == "perfect" else "flat_from"]
    low, high = regime[f"{which}_low"], regime[f"{which}_high"]
    if at is None:
        return t("batch_size.place.beyond", largest=format.count(regime["largest"]))
    if low is None:
        return size(at)
    if high is None:
        return t("batch_size.place.open", at=size(at), low=size(low), largest=format.count(regime["largest"]))
    return t("batch_size.place.interval", at=size(at), low=size(low), high=size(high))


def size(value: float) -> str:
    """A batch size read between the sampled ones, with two digits: 88, 1,200."""
    return format.count(int(float(f"{value:.2g}")))


def number(value: float) -> str:
    """A mean number of steps, examples or seconds with three digits."""
    return f"{value:.3g}" if value < 100 else format.count(int(float(f"{value:.3g}")))


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low}–{high}"
