"""A rule that is asked at several places at once: it holds where it holds at every one of them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from precompute.evidence.intervals import CONFIDENCE, Estimate, estimate_over_seeds, null, t_interval
from precompute.evidence.verdicts import Part, Rule

MOST_TOLD = 12
"""Places that `details` lists one by one."""


class Measured(NamedTuple):
    """One quantity at one place, a number a seed."""

    where: dict
    values: np.ndarray
    lost: bool = False
    """Whether a run has no number whose number would speak against the rule. Nothing is decided on the others alone."""


def furthest(
    quantity: str,
    unit: str,
    measured: Sequence[Measured],
    rule: Rule,
    *,
    largest: bool,
    details: dict,
    back: Callable[[Estimate], Estimate] = lambda found: found,
    sides: Callable[[float], float] = lambda value: value,
) -> list[Part]:
    """One part for all places; none without a place. `back` turns an estimate over the values into the unit.

    The part holds where `rule` holds at every place. It is opposed where it is opposed at one of them, by an interval with Bonferroni's
    correction over the places: looking at many contradicts nothing by chance. Where a place has fewer than three seeds, or has lost a
    run, nothing is decided. It reports the place that decides: of those where it is opposed, else of those where it does not hold, else
    of all, the one with the largest (or smallest) estimate, or size of it where `sides` is abs.
    """
    if not measured:
        return []
    estimates = [back(estimate_over_seeds(each.values)) for each in measured]
    corrected = [back(_at_level(each.values, 1 - (1 - CONFIDENCE) / len(measured))) for each in measured]
    there = [place for place, found in enumerate(estimates) if found.estimate is not None]
    details = details | {"places": len(measured)}
    if not there:
        return [Part(quantity, Estimate(None, None, None, 0), unit, rule, details | {"why": "too_few_seeds"})]
    enough = all(found.low is not None for found in estimates)
    decided = enough and not any(each.lost for each in measured)
    deciding = [place for place in there if decided and rule.opposed(corrected[place])]
    deciding = deciding or [place for place in there if decided and not rule.holds(estimates[place])] or there
    pick = (max if largest else min)(deciding, key=lambda place: sides(estimates[place].estimate))
    details |= measured[pick].where
    details["elsewhere"] = [
        each.where | {"estimate": found.estimate, "n": found.n}
        for each, found in zip(measured, estimates, strict=True)
        if len(measured) <= MOST_TOLD
    ]
    everywhere = Rule(
        rule.bound,
        lambda _: all(rule.holds(each) for each in estimates),
        lambda _: any(rule.opposed(each) for each in corrected),
    )
    part = Part(quantity, estimates[pick], unit, everywhere, details)
    return [part if decided else part.undecided("a_run_diverged" if enough else "too_few_seeds")]


def _at_level(values: np.ndarray, confidence: float) -> Estimate:
    found = t_interval(values, confidence)
    return Estimate(null(found.mean), null(found.low), null(found.high), int(found.n))
