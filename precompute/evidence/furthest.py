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
    """One part for all places; none without a place. It reports the place with the largest (or smallest) estimate, or size of it where
    `sides` is abs; `back` turns an estimate over the values into the unit.

    The part holds where `rule` holds at every place. It is opposed where it is opposed at one of them, by an interval with Bonferroni's
    correction over the places: looking at many contradicts nothing by chance. Where a place has fewer than three seeds nothing is decided.
    """
    if not measured:
        return []
    estimates = [back(estimate_over_seeds(each.values)) for each in measured]
    corrected = [back(_at_level(each.values, 1 - (1 - CONFIDENCE) / len(measured))) for each in measured]
    there = [place for place, found in enumerate(estimates) if found.estimate is not None]
    details = details | {"places": len(measured)}
    if not there:
        return [Part(quantity, Estimate(None, None, None, 0), unit, rule, details | {"why": "too_few_seeds"})]
    pick = (max if largest else min)(there, key=lambda place: sides(estimates[place].estimate))
    details |= measured[pick].where
    decided = all(found.low is not None for found in estimates)
    details["elsewhere"] = [
        each.where | {"estimate": found.estimate, "n": found.n}
        for each, found in zip(measured, estimates, strict=True)
        if len(measured) <= MOST_TOLD
    ]
    found = estimates[pick]
    if not decided:
        found, details["why"] = Estimate(found.estimate, None, None, found.n), "too_few_seeds"
    everywhere = Rule(
        rule.bound,
        lambda _: all(rule.holds(each) for each in estimates),
        lambda _: any(rule.opposed(each) for each in corrected),
    )
    return [Part(quantity, found, unit, everywhere, details)]


def _at_level(values: np.ndarray, confidence: float) -> Estimate:
    found = t_interval(values, confidence)
    return Estimate(null(found.mean), null(found.low), null(found.high), int(found.n))
