"""The claims, fixed before measuring, and their verdicts."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from precompute.evidence import activation, batch_norm, batch_size, depth, generalization, wiring
from precompute.evidence.contrasts import ContrastRow
from precompute.evidence.grid import StudyResults
from precompute.evidence.verdicts import Part, verdict

QUESTIONS = {
    "generalization": ("G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8"),
    "activation": ("A1", "A2", "A3", "A4", "A5", "A6"),
    "depth": ("L1", "L2", "L3", "L4"),
    "batch_norm": ("N1", "N2", "N3", "N4", "N5"),
    "batch_size": ("B1", "B2", "B3", "B4", "B5"),
    "wiring": ("W1", "W2", "W3", "W4", "W5"),
}
"""Every claim by its question, in the order in which they are listed."""

CLAIMS: Mapping[str, Callable[[StudyResults], list[tuple[str, list[Part]]]]] = {
    "generalization": generalization.claims,
    "activation": activation.claims,
    "batch_norm": batch_norm.claims,
    "batch_size": batch_size.claims,
    "depth": depth.claims,
    "wiring": wiring.claims,
}
"""By question: the claims that one study tests, each with its measured parts."""
CONTRASTS: Mapping[str, Callable[[StudyResults], list[ContrastRow]]] = {
    "generalization": generalization.contrasts,
    "activation": activation.contrasts,
    "batch_norm": batch_norm.contrasts,
    "batch_size": batch_size.contrasts,
    "depth": depth.contrasts,
    "wiring": wiring.contrasts,
}
"""By question: the ablations of one study."""


class ClaimRow(NamedTuple):
    """A row of the table `claims`."""

    claim: str
    question: str
    study: str | None
    verdict: str


class ClaimPartRow(NamedTuple):
    """A row of the table `claim_parts`; details is ready for JSON."""

    claim: str
    study: str
    part: int
    quantity: str
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    unit: str
    bound: str
    holds: bool
    details: dict


def all_claims(studies: Sequence[StudyResults]) -> tuple[list[ClaimRow], list[ClaimPartRow]]:
    """Verdicts and parts of every claim.

    A claim has a row for each study that tests it; one that no study has tested has a single row without a study, 'not tested
    here'. Sorted as in `QUESTIONS`, then by study.
    """
    rows, parts = [], []
    for study in studies:
        tested, measured = study_claims(study)
        rows += tested
        parts += measured
    done = {row.claim for row in rows}
    order = [claim for claims in QUESTIONS.values() for claim in claims]
    for question, claims in QUESTIONS.items():
        rows += [ClaimRow(claim, question, None, "not tested here") for claim in claims if claim not in done]
    rows.sort(key=lambda row: (order.index(row.claim), row.study or ""))
    parts.sort(key=lambda row: (order.index(row.claim), row.study, row.part))
    return rows, parts


def study_claims(study: StudyResults) -> tuple[list[ClaimRow], list[ClaimPartRow]]:
    """The claims that one study tests, with their parts."""
    rows, parts = [], []
    for claim, measured in CLAIMS[study.question](study):
        rows.append(ClaimRow(claim, study.question, study.name, verdict(measured)))
        parts += [
            ClaimPartRow(
                claim,
                study.name,
                number,
                part.quantity,
                *part.found,
                part.unit,
                part.rule.bound,
                part.holds,
                part.details,
            )
            for number, part in enumerate(measured, start=1)
        ]
    return rows, parts


def study_contrasts(study: StudyResults) -> list[ContrastRow]:
    """The ablations of one study."""
    return CONTRASTS[study.question](study)
