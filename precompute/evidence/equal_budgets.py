"""Claim B4 and its contrasts: batch sizes at equal epochs and at equal steps, from studies of equal budgets."""

import numpy as np

from precompute.evidence.contrasts import ContrastRow, corrected_rows
from precompute.evidence.grid import StudyResults, final_error
from precompute.evidence.intervals import Estimate, null, paired_difference
from precompute.evidence.verdicts import POSITIVE, Part, below
from precompute.spec import Spec

HURT = 0.5
"""Points of test error; a loss that is below it counts as none."""
STUDENT = "student_t_over_tunings"


def equal_budgets(study: StudyResults) -> list[Part]:
    """B4: the largest batch size minus the smallest, test error at the end: above 0 at each number of epochs, and less than HURT points
    at each number of steps. Over fresh seeds, at the rate that tuning chose on validation data; a run that diverged is not left out. As long
    as the largest or the smallest size of the grid has no fresh run, a budget has no number."""
    parts, planned = [], _planned_sizes(study)
    for arm, errors in sorted(_final_errors(study).items()):
        name, amount = arm
        sizes = planned.get(arm) or set(errors)
        smallest, largest = min(sizes), max(sizes)
        if smallest == largest:
            continue
        rule = POSITIVE if name == "epochs" else below(HURT)
        ends = [errors.get(size, {}) for size in (largest, smallest)]
        seeds = sorted(ends[0].keys() & ends[1].keys())
        high, low = (np.array([end[seed] for seed in seeds]) for end in ends)
        details = {"interval": STUDENT, name: amount, "batch_sizes": [smallest, largest]}
        details["test_error"] = {
            str(size): null(np.mean(list(each.values()))) for size, each in sorted(errors.items())
        }  # in points
        if not seeds:
            found, details["why"] = Estimate(None, None, None, 0), "no_seed_came_to_the_end_on_both_sides"
        elif np.isnan(high - low).any():
            found, details["why"] = Estimate(None, None, None, len(seeds)), "a_run_diverged"
        else:
            found = paired_difference(high, low)
        quantity = f"test_error_of_the_largest_minus_the_smallest_at_equal_{name}"
        parts.append(Part(quantity, found, "points", rule, details))
    return parts


def equal_contrasts(study: StudyResults) -> list[ContrastRow]:
    """Each batch size minus the smallest, in points of test error at the end; p corrected over the sizes of one budget."""
    rows = []
    for (name, amount), errors in sorted(_final_errors(study).items()):
        smallest = min(errors)
        told, differences = [], []
        for size in sorted(errors.keys() - {smallest}):
            seeds = sorted(errors[size].keys() & errors[smallest].keys())
            difference = np.array([errors[size][seed] - errors[smallest][seed] for seed in seeds])
            if len(seeds) and not np.isnan(difference).any():
                told.append([{name: amount, "batch_size": each} for each in (smallest, size)])
                differences.append(difference)
        rows += corrected_rows(study.name, "final_test_error", told, differences, "points")
    return rows


def _final_errors(study: StudyResults) -> dict[tuple[str, int], dict[int, dict[int, float]]]:
    """(epochs or steps, how many) -> batch size -> seed -> test error in points at the end, NaN for a run that diverged. Without the
    seed of the tuning: the one that has several rates at a batch size."""
    runs = [(spec, row) for spec, row in study.runs if row["status"] != "failed"]
    tuning = {
        spec.seed
        for spec, _ in runs
        if len({other.lr for other, _ in runs if _budget(other) == _budget(spec) and other.seed == spec.seed}) > 1
    }
    errors: dict[tuple[str, int], dict[int, dict[int, float]]] = {}
    for spec, row in runs:
        if spec.seed not in tuning:
            correct = row["curves"][-1]["test_correct"]
            error = np.nan if row["status"] != "complete" or correct is None else final_error(row, "test")
            errors.setdefault(_arm(spec), {}).setdefault(spec.batch_size, {})[spec.seed] = error
    return errors


def _planned_sizes(study: StudyResults) -> dict[tuple[str, int], set[int]]:
    """The batch sizes of the grid, by epochs or steps."""
    sizes: dict[tuple[str, int], set[int]] = {}
    for spec in study.planned:
        sizes.setdefault(_arm(spec), set()).add(spec.batch_size)
    return sizes


def _arm(spec: Spec) -> tuple[str, int]:
    return ("epochs", spec.epochs) if spec.epochs else ("steps", spec.steps)


def _budget(spec: Spec) -> tuple:
    return spec.batch_size, spec.epochs, spec.steps
