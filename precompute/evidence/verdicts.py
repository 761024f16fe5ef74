"""From a measured quantity and its rule to a verdict."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from precompute.evidence.intervals import Estimate


class Rule(NamedTuple):
    """What a claim demands of one quantity. Both functions are asked only where there is an interval (three seeds or
    more).
    """

    bound: str
    """The demand, in words of estimate, low and high; the column `claim_parts.bound`."""
    holds: Callable[[Estimate], bool]
    opposed: Callable[[Estimate], bool]
    """Whether the interval lies wholly on the other side of the bound. Never true where `holds` is."""

    def of_a_lower_bound(self) -> "Rule":
        """The same demand for a quantity that is known to be at least what was measured: that can show a claim of much, and oppose none."""
        return self._replace(opposed=lambda e: False)


class Part(NamedTuple):
    """One quantity of a claim, in its unit."""

    quantity: str
    found: Estimate
    unit: str
    rule: Rule
    details: dict

    @property
    def holds(self) -> bool:
        return self.found.low is not None and self.rule.holds(self.found)

    @property
    def opposed(self) -> bool:
        return self.found.low is not None and self.rule.opposed(self.found)

    def undecided(self, why: str) -> "Part":
        """The number alone, without its interval, and the code of why nothing is decided on it; a part without a number has its own why."""
        if self.found.estimate is None:
            return self
        return self._replace(found=self.found._replace(low=None, high=None), details=self.details | {"why": why})


def verdict(parts: Sequence[Part]) -> str:
    """`shown` when every part holds, else `contradicted` when one is opposed, else `not shown`.

    A part without an interval (fewer than three seeds, or a quantity that does not exist) neither holds nor is opposed.
    """
    if all(part.holds for part in parts):
        return "shown"
    return "contradicted" if any(part.opposed for part in parts) else "not shown"


def at_least(size: float) -> Rule:
    """An effect of that size: the estimate reaches it and the interval is clear of 0. Opposed by an interval wholly
    below the size.
    """
    return Rule(f">= {size:g} and low > 0", lambda e: e.estimate >= size and e.low > 0, lambda e: e.high < size)


def more_than(size: float) -> Rule:
    """As `at_least`, for an estimate that must exceed the size."""
    return Rule(f"> {size:g} and low > 0", lambda e: e.estimate > size and e.low > 0, lambda e: e.high <= size)


POSITIVE = Rule("low > 0", lambda e: e.low > 0, lambda e: e.high < 0)
NEGATIVE = Rule("high < 0", lambda e: e.high < 0, lambda e: e.low > 0)


def below(size: float) -> Rule:
    """The absence of an effect of that size: the whole interval is below it. Opposed by an interval wholly at or
    above it.

    An estimate below the size is not enough: a wide interval excludes nothing, and to know little is not to have
    shown an absence.
    """
    return Rule(f"high < {size:g}", lambda e: e.high < size, lambda e: e.low >= size)


def absent(small: float, large: float) -> Rule:
    """Claim G3's "interval includes 0 or less than `small`", and besides the interval must exclude `large`.

    Without the second half, three seeds that disagree wildly would show an absence, because their interval includes
    everything. Opposed by an interval wholly at or above `small`.
    """
    return Rule(
        f"(low <= 0 or estimate < {small:g}) and high < {large:g}",
        lambda e: (e.low <= 0 or e.estimate < small) and e.high < large,
        lambda e: e.low >= small,
    )


def near(value: float, size: float, wide: float) -> Rule:
    """The estimate within `size` of the value, and the whole interval within `wide`: a wide interval excludes nothing. Opposed by an
    interval wholly further away than `size`."""
    return Rule(
        f"within {size:g} of {value:g}, and low and high within {wide:g}",
        lambda e: abs(e.estimate - value) <= size and e.low >= value - wide and e.high <= value + wide,
        lambda e: e.high < value - size or e.low > value + size,
    )


def above(value: float, wide: float) -> Rule:
    """The estimate above the value, and the interval above `wide`. Opposed by an interval wholly at or below the value."""
    return Rule(
        f"> {value:g} and low > {wide:g}",
        lambda e: e.estimate > value and e.low > wide,
        lambda e: e.high <= value,
    )


def within(low: float, high: float) -> Rule:
    """The whole interval within the bounds. Opposed by one wholly outside."""
    return Rule(
        f"low >= {low:g} and high <= {high:g}",
        lambda e: e.low >= low and e.high <= high,
        lambda e: e.high < low or e.low > high,
    )


def departs(size: float) -> Rule:
    """A difference either way of more than that size. Opposed by an interval wholly within it."""
    return Rule(
        f"low > {size:g} or high < {-size:g}",
        lambda e: e.low > size or e.high < -size,
        lambda e: -size < e.low and e.high < size,
    )
