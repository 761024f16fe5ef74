"""What momentum does to the steps to a target: each momentum against none, at each batch size, with its own best learning rate.

Fixed before the runs. No claim is decided here: the rules name a momentum of 0.9 and the whole range of batch sizes, which
`batch_size/mnist_mlp` has.
"""

import dataclasses

from precompute.evidence.contrasts import ContrastRow, corrected_rows
from precompute.evidence.grid import StudyResults
from precompute.evidence.tuning import Cell, all_series, varies_momentum

QUANTITY = "log2_steps_to_the_last_target"


def momentum_contrasts(study: StudyResults) -> list[ContrastRow]:
    """Each momentum minus none, in doublings of the steps to the hardest target at each batch size, each seed at its own best rate of that
    momentum; p corrected over the momenta of one batch size. A momentum with which some seed did not reach has no row. Raises ValueError for
    a study that does not vary the momentum."""
    if not varies_momentum(study):
        raise ValueError(f"{study.name} does not vary the momentum")
    momenta = sorted({spec.momentum for spec, _ in study.runs})
    tuned = {momentum: _cells(study, momentum) for momentum in momenta}
    rows: list[ContrastRow] = []
    for batch_size, plain in tuned.get(0.0, {}).items():
        changed = {momentum: cells[batch_size] for momentum, cells in tuned.items() if momentum and batch_size in cells}
        told = [[{"batch_size": batch_size, "momentum": each} for each in (0.0, momentum)] for momentum in changed]
        differences = [cell.best_by_seed - plain.best_by_seed for cell in changed.values()]
        rows += corrected_rows(study.name, QUANTITY, told, differences, "doublings")
    return rows


def _cells(study: StudyResults, momentum: float) -> dict[int, Cell]:
    """By batch size, the tuning of one momentum for the hardest target, where every seed of the study has a rate that reached it. A seed all of whose
    runs failed is none."""
    alone = dataclasses.replace(
        study,
        runs=[(spec, row) for spec, row in study.runs if spec.momentum == momentum],
        planned=[spec for spec in study.planned if spec.momentum == momentum],
    )
    series, seeds = all_series(alone).values(), {spec.seed for spec, row in study.runs if row["status"] != "failed"}
    hardest = min((each.target for each in series), default=None)
    cells = [cell for each in series if each.target == hardest for cell in each.cells]
    return {cell.batch_size: cell for cell in cells if cell.reached and len(cell.seeds) == len(seeds)}
