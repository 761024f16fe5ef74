"""A finished run, and when a run is measured."""

from dataclasses import dataclass, field

import numpy as np

from precompute.spec import Spec

EVALUATIONS = 72  # points of the logarithmic schedule before equal ones are merged; 60 remain of 1,000 epochs

COUNTS = ("train_correct", "val_correct", "test_correct", "memorized")
LOSSES = ("train_loss", "val_loss", "test_loss")


def evaluation_epochs(epochs: int) -> list[int]:
    """Log-spaced epochs from 1 to `epochs`, first and last always."""
    return sorted({round(epoch) for epoch in np.geomspace(1, epochs, EVALUATIONS)})


@dataclass
class Run:
    """What a training loop returns for one specification; one row of a shard."""

    spec: Spec
    status: str
    n_params: int = 0
    n_val: int = 0
    n_test: int = 0
    wrong_labels: int = 0
    steps: int = 0
    epochs: int = 0
    flops: float = 0.0
    wall_s: float = 0.0
    stop_step: int | None = None
    error: str | None = None
    best_epoch: int | None = None
    engine: str = ""
    precision: str = "fp32"
    curves: list[dict[str, float | int | None]] = field(default_factory=list)
    """One row per evaluated epoch: epoch, the LOSSES in nats and the COUNTS; all but epoch None from stop_step on."""
