"""Runs of a study of the batch size, made up from a formula for their steps."""

import math

from precompute.evidence import StudyResults
from precompute.spec import StepsSpec

TARGET = 0.03
MIDDLE = 0.04
SIZES = tuple(2**k for k in range(13))
RATES = tuple(2.0**k for k in range(-9, 1))
OPTIMIZERS = {
    "sgd": {"optimizer": "sgd"}, "momentum": {"optimizer": "sgd", "momentum": 0.9},
    "nesterov": {"optimizer": "nesterov", "momentum": 0.9}, "adam": {"optimizer": "adam"},
}  # fmt: skip


def spec_of(batch_size, lr, seed, optimizer="sgd", **changes) -> StepsSpec:
    settings = {"last_target": TARGET, "steps": 60_000} | changes
    return StepsSpec(
        study="batch_size/mnist_mlp", dataset="ylecun/mnist", n_train=55_000, width=64, batch_size=batch_size, lr=lr, seed=seed,
        **OPTIMIZERS[optimizer], **settings,
    )  # fmt: skip


def row_of(spec, steps, noise=(), status="complete", budget=math.inf) -> dict:
    """`steps` at the middle target, 20% fewer for each easier one and more for each harder; beyond `budget` not reached."""
    rows = []
    for place, target in enumerate(spec.targets):
        taken = steps * 0.8 ** (place - 2)
        reached = status == "complete" and taken <= budget
        rows.append(
            {"target": target, "reached": reached, "step": taken if reached else None}
            | {"examples": None, "seconds": None, "best_val_error": 0.1}
        )
    return {"status": status, "targets": rows, "noise_scale": list(noise), "curves": [], "study": spec.study}


def study_of(
    steps, sizes=SIZES, rates=RATES, seeds=3, optimizers=("sgd",), budget=math.inf, noise=None, planned=()
) -> StudyResults:
    """`steps(optimizer, batch size, rate, seed)`, infinite for a run that does not get there, NaN for one that diverges. `planned` are the
    batch sizes of the grid."""
    runs = []
    for optimizer in optimizers:
        for size in sizes:
            for rate in rates:
                for seed in range(seeds):
                    spec, taken = spec_of(size, rate, seed, optimizer), steps(optimizer, size, rate, seed)
                    measured = noise(optimizer, size, rate, seed) if noise else ()
                    status = "diverged" if math.isnan(taken) else "complete"
                    runs.append((spec, row_of(spec, taken, measured, status, budget)))
    grid = [spec_of(size, rates[0], 0) for size in planned]
    return StudyResults("batch_size/mnist_mlp", "batch_size", (), runs, grid)
