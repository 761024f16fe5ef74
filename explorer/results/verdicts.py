"""What one study says about one claim of its question."""

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
