"""The part of an axis that the rule of a claim leaves to an estimate, read from the words of `claim_parts.bound`."""

import re
from typing import NamedTuple

NUMBER = r"(-?\d+(?:\.\d+)?)"


class Region(NamedTuple):
    """Where the estimate must lie: from `low` to `high` (None: without end), or everywhere else where `outside`.

    What a rule asks of the interval beside that (to be clear of zero, to exclude more) is in the words of the rule.
    """

    low: float | None
    high: float | None
    outside: bool = False

    @property
    def ends(self) -> list[float]:
        return [end for end in (self.low, self.high) if end is not None]


def region(bound: str) -> Region | None:
    """The region of a bound; None for words that are not known here, which nothing is drawn for.

    region(">= 3 and low > 0") is Region(3, None), region("low > 0.25 or high < -0.25") is Region(-0.25, 0.25, True).
    """
    if found := re.match(f"within {NUMBER} of {NUMBER}(?:,|$)", bound):
        size, centre = map(float, found.groups())
        return Region(centre - size, centre + size)
    if found := re.fullmatch(f"low >=? {NUMBER} or high <=? {NUMBER}", bound):
        above, below = map(float, found.groups())
        return Region(below, above, outside=True)
    if found := re.fullmatch(rf"\(low <= 0 or estimate < {NUMBER}\) and high < {NUMBER}", bound):
        return Region(None, float(found[2]))  # further than the first number only with an interval that includes 0
    if found := re.fullmatch(f"estimate = {NUMBER}", bound):
        return Region(float(found[1]), float(found[1]))
    if found := re.search(f"(?:^|estimate )(>=?|<=?) {NUMBER}", bound):  # what is asked of the estimate goes before
        end = float(found[2])
        return Region(end, None) if found[1].startswith(">") else Region(None, end)
    asked = re.fullmatch(f"(?:low >=? {NUMBER})?(?: and )?(?:high <=? {NUMBER})?", bound)
    if not asked or not any(asked.groups()):
        return None
    return Region(*(None if end is None else float(end) for end in asked.groups()))
