"""What one study says about the claims of its question."""

import json
from typing import Any, NamedTuple

from explorer.database import query


class Verdict(NamedTuple):
    """What one study says about one claim; each part has its details as `where`."""

    claim: str
    study: str
    verdict: str
    parts: list[dict[str, Any]]


def verdict(claim: str, study: str) -> Verdict | None:
    """What a study says about a claim; None where it does not test it."""
    rows = query(
        "SELECT verdict::VARCHAR AS verdict FROM claims WHERE claim = $claim AND study = $study",
        {"claim": claim, "study": study},
    ).to_pylist()
    if not rows:
        return None
    parts = query(
        """
        SELECT claim, study, part, quantity, estimate, low, high, n, unit, bound, holds, details::VARCHAR AS details
        FROM claim_parts WHERE claim = $claim AND study = $study ORDER BY part
        """,
        {"claim": claim, "study": study},
    ).to_pylist()
    return Verdict(claim, study, rows[0]["verdict"], [part | {"where": json.loads(part["details"])} for part in parts])


def badge(claim: str, found: Verdict | None) -> tuple[str, str]:
    """A claim and its verdict, for a badge."""
    return claim, found.verdict if found else "not tested here"


def by_claim(study: str) -> dict[str, str]:
    """The verdicts on the claims that a study tests, by claim."""
    rows = query("SELECT claim, verdict::VARCHAR AS verdict FROM claims WHERE study = $study", {"study": study})
    return dict(zip(rows["claim"].to_pylist(), rows["verdict"].to_pylist(), strict=True))
