"""The claims, fixed before measuring, and their verdicts."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from precompute.evidence import double_descent, more_data, weight_decay
from precompute.evidence.contrasts import ContrastRow, label_noise_contrasts
from precompute.evidence.grid import MapGrid
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

DOUBLE_DESCENT = {
    "G1": (0.2, double_descent.peak_over_x),
    "G2": (0.2, double_descent.widest_below_the_first_minimum),
    "G3": (0.0, double_descent.no_peak_over_x),
    "G4": (0.2, double_descent.peak_over_epochs),
    "G5": (0.2, double_descent.ridge_follows_threshold),
    "G7": (0.2, double_descent.no_peak_with_early_stopping),
}
"""Claims that a study of test error over x and epochs decides: the label noise of the map, and the parts."""
MORE_DATA = {"G6": (0.2, more_data.more_data_hurts)}
"""Claims that a study of several numbers of examples decides."""
WEIGHT_DECAY = {"G8": (0.2, weight_decay.no_peak_with_best_decay)}
"""Claims that a study of several weight decays decides."""


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


def all_claims(studies: Mapping[str, Sequence[MapGrid]]) -> tuple[list[ClaimRow], list[ClaimPartRow]]:
    """Verdicts and parts of every claim, from the maps of each double-descent study by its name.

    A claim has a row for each study with runs on the map it needs; one that no study has tested has a single row
    without a study, 'not tested here'. Sorted as in `QUESTIONS`, then by study.
    """
    rows, parts = [], []
    for study in sorted(studies):
        tested, measured = study_claims(study, studies[study])
        rows += tested
        parts += measured
    done = {row.claim for row in rows}
    order = [claim for claims in QUESTIONS.values() for claim in claims]
    for question, claims in QUESTIONS.items():
        rows += [ClaimRow(claim, question, None, "not tested here") for claim in claims if claim not in done]
    rows.sort(key=lambda row: (order.index(row.claim), row.study or ""))
    parts.sort(key=lambda row: (order.index(row.claim), row.study, row.part))
    return rows, parts


def study_claims(study: str, grids: Sequence[MapGrid]) -> tuple[list[ClaimRow], list[ClaimPartRow]]:
    """The claims that one study tests: those whose maps (by label noise) have runs.

    Which ones follows from what its maps differ in. One that varies the examples or the decay decides the claim about that and no
    other: its plain maps repeat the runs of double_descent/mnist_mlp, and the same evidence would be counted twice. With fewer than
    three seeds a claim is 'not shown', whatever the estimate. Raises ValueError where maps differ in anything else, or two of the
    same kind have the label noise.
    """
    rows, parts = [], []
    for claim, label_noise, measured in _measured(study, grids):
        rows.append(ClaimRow(claim, "generalization", study, verdict(measured)))
        for number, part in enumerate(measured, start=1):
            details = {"label_noise": label_noise, **part.details}
            parts.append(
                ClaimPartRow(
                    claim, study, number, part.quantity, *part.found, part.unit, part.rule.bound, part.holds, details
                )
            )
    return rows, parts


def study_contrasts(study: str, grids: Sequence[MapGrid]) -> list[ContrastRow]:
    """The ablations of one study, by what its maps differ in. Raises ValueError as `study_claims` does."""
    kind = _kind(study, grids)
    if kind == "more data":
        return more_data.more_data_contrasts(study, grids)
    if kind == "weight decay":
        return weight_decay.weight_decay_contrasts(study, grids)
    return label_noise_contrasts(study, grids)


def _measured(study: str, grids: Sequence[MapGrid]) -> list[tuple[str, float, list[Part]]]:
    kind = _kind(study, grids)
    if kind == "label noise":
        one = {claim: _map_with(noise, study, grids) for claim, (noise, _) in DOUBLE_DESCENT.items()}
        found = [
            (claim, noise, measure(one[claim]))
            for claim, (noise, measure) in DOUBLE_DESCENT.items()
            if one[claim] is not None
        ]
    elif kind == "more data":
        found = [(claim, noise, measure(grids, noise)) for claim, (noise, measure) in MORE_DATA.items()]
    else:
        found = []
        for claim, (noise, measure) in WEIGHT_DECAY.items():
            noisy = [grid for grid in grids if grid.has_runs and math.isclose(grid.settings["label_noise"], noise)]
            found.append((claim, noise, measure(noisy)))
    return [each for each in found if each[2]]


def _kind(study: str, grids: Sequence[MapGrid]) -> str:
    """What the maps of a study differ in besides label noise: "label noise" for nothing, "more data" or "weight decay"."""
    grids = [grid for grid in grids if grid.has_runs]
    names = {name for grid in grids for name in grid.settings}
    differ = {name for name in names if len({repr(grid.settings.get(name)) for grid in grids}) > 1} - {"label_noise"}
    if not differ:
        return "label noise"
    if differ <= {"n_train", "epochs"} and "n_train" in differ:
        return "more data"
    if differ == {"weight_decay"}:
        return "weight decay"
    raise ValueError(f"the maps of {study} differ in {', '.join(sorted(differ))}: which claims do they test?")


def _map_with(label_noise: float, study: str, grids: Sequence[MapGrid]) -> MapGrid | None:
    found = [grid for grid in grids if grid.has_runs and math.isclose(grid.settings["label_noise"], label_noise)]
    if len(found) > 1:
        raise ValueError(f"{study} has {len(found)} maps with label noise {label_noise:g}: which one decides?")
    return found[0] if found else None
