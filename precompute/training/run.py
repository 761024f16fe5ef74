"""A finished run, and when a run is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from precompute.measures.finite import finite
from precompute.spec import Spec

if TYPE_CHECKING:
    from precompute.datasets import Split

DIVERGED = 10.0  # a train loss that stays above this many times its start value counts as diverged

COUNTS = ("train_correct", "val_correct", "test_correct", "memorized")
LOSSES = ("train_loss", "val_loss", "test_loss")


def evaluation_epochs(epochs: int, points: int) -> list[int]:
    """Log-spaced epochs from 1 to `epochs`, first and last always; at most `points`, since equal ones are merged."""
    return sorted({round(epoch) for epoch in np.geomspace(1, epochs, points)})


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
    layers: list[dict[str, float | int | None]] = field(default_factory=list)
    """One row per evaluated epoch and layer; see the table of that name."""
    damage: list[dict[str, float | int | str | None]] = field(default_factory=list)
    """One row per part that was taken out after training; see the table of that name."""
    edge_weights: list[dict[str, float | int]] = field(default_factory=list)
    """The learned weight of each edge of its graphs; see the table of that name."""
    targets: list[dict[str, float | int | None]] = field(default_factory=list)
    """One row per validation error that the run was to reach; see the table of that name."""
    counts: list[dict[str, int | str]] = field(default_factory=list)
    """What was counted over many small networks; see the table of that name."""
    validation: list[dict[str, float | int]] = field(default_factory=list)
    """Validation along the steps of a run that trains to a target; see the table of that name."""
    noise_scale: list[dict[str, float | int | None]] = field(default_factory=list)
    """The gradient noise scale along the steps; see the table of that name."""
    probes: list[dict[str, float | int | None]] = field(default_factory=list)
    """One row per probed step: the loss along the gradient; see the table of that name."""
    shifts: list[dict[str, float | int | None]] = field(default_factory=list)
    """One row per probed step and layer but the first; see the table of that name."""


def finished(
    spec: Spec,
    split: "Split",
    rows: list[dict],
    *,
    start_loss: float,
    not_finite_at: int,
    steps: int,
    wall_s: float,
    engine: str,
    layers: Sequence[dict] = (),
) -> Run:
    """The run of `spec` from what was measured of it: `rows` have epoch, step, LOSSES and COUNTS at each evaluation, `layers` are those of
    the table of that name.

    `start_loss` is the train loss before the first step, `not_finite_at` the first step whose loss was not finite, -1 for none.
    """
    stop_step = find_stop_step(rows, not_finite_at, start_loss)
    return Run(
        spec,
        status="complete" if stop_step is None else "diverged",
        n_params=spec.n_params,
        n_val=len(split.val_labels),
        n_test=len(split.test_labels),
        wrong_labels=int(split.noisy.sum()),
        steps=steps,
        epochs=spec.epochs,
        flops=spec.flops,
        wall_s=wall_s,
        stop_step=stop_step,
        best_epoch=_best_epoch(rows, stop_step),
        engine=engine,
        curves=[_row(row, stop_step) for row in rows],
        layers=blank_after(stop_step, layers, {row["epoch"]: row["step"] for row in rows}),
    )


def find_stop_step(rows: list[dict], not_finite_at: int, start_loss: float) -> int | None:
    """The step at which a run counts as diverged: where its loss left the finite range of fp32, or from where on its train loss
    stayed above DIVERGED times its start value to the end (at two evaluations or more).

    An evaluation follows the last update, whose own loss may still have been finite: what it finds counts too."""
    lost = [row["step"] for row in rows if any(finite(row[name]) is None for name in LOSSES)]
    if not_finite_at >= 0:
        lost.append(not_finite_at)
    if lost:
        return min(lost)
    above = [row["train_loss"] > DIVERGED * start_loss for row in rows]
    stays = len(above) - (above[::-1].index(False) if False in above else len(above))
    return rows[stays]["step"] if len(above) - stays >= 2 else None


def blank_after(
    stop_step: int | None, rows: Sequence[dict], steps: Mapping[int, int] = MappingProxyType({})
) -> list[dict]:
    """`rows` with None for all but step, epoch and layer from `stop_step` on. Rows of an epoch have no step: `steps` has it, epoch -> step;
    those of an epoch that is not there are from before the first step."""
    if stop_step is None:
        return list(rows)
    return [
        {name: None if name not in ("step", "epoch", "layer") else value for name, value in row.items()}
        if (row["step"] if "step" in row else steps.get(row["epoch"], 0)) >= stop_step
        else row
        for row in rows
    ]


def _row(row: dict, stop_step: int | None) -> dict[str, float | int | None]:
    gone = stop_step is not None and row["step"] >= stop_step
    measures = {name: None if gone else row[name] for name in LOSSES}
    measures |= {name: None if gone else int(row[name]) for name in COUNTS}
    return {"epoch": row["epoch"]} | measures


def _best_epoch(rows: list[dict], stop_step: int | None) -> int | None:
    """The evaluated epoch with the most correct validation examples, the first of equals."""
    alive = [row for row in rows if stop_step is None or row["step"] < stop_step]
    return max(alive, key=lambda row: (row["val_correct"], -row["epoch"]))["epoch"] if alive else None
