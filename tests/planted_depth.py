"""Runs of the depth studies that were never trained: what they measured is planted, all else is as the build makes it.

`plant(folder, small=…, mlp=…)` writes shards of the full grids and builds a database from them. A network that is to fail is said so; the
others end at the errors they are given, a little apart by seed.
"""

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from precompute import build, shards
from precompute.spec import Spec
from precompute.studies import STUDIES
from precompute.training.run import Run

SMALL, MLP = "depth/cifar10_resnet_small", "depth/mnist_mlp"
N_VAL, N_TEST = 5000, 10_000
FAILED, DIVERGED = "failed to train", "diverged"
JITTER = (0.0, 0.004, -0.003, 0.002, -0.001)
"""Added to every error, by seed."""
PROVENANCE = {
    "device": "no device", "torch": "0", "python": "0", "git_commit": "0" * 40, "dataset_copy": "planted",
    "data_fingerprint": "0" * 64, "started_at": datetime.datetime(2026, 1, 1),
}  # fmt: skip

Outcome = tuple[float, float] | str
"""Train and test error as fractions, or FAILED, or DIVERGED."""


def as_in_the_paper(spec: Spec) -> Outcome:
    """Plain networks degrade on the training set, residual ones improve, and at 20 layers both are alike."""
    if spec.architecture == "plain":
        return 0.05 + 0.006 * (spec.depth - 8), 0.30 + 0.004 * abs(spec.depth - 20)
    return 0.06 - 0.001 * (spec.depth - 8), 0.30 - 0.002 * (spec.depth - 20)


def deep_plain_ones_fail(spec: Spec) -> Outcome:
    """Without shortcuts, 64 layers and more fail with every seed, 32 with one; large rates diverge without batch normalization."""
    if spec.norm == "none" and spec.lr == 2.0**-3 and spec.depth >= 8:
        return DIVERGED
    if not spec.residual and (spec.depth >= 64 or spec.depth == 32 and spec.seed == 1):
        return FAILED
    rate = {2.0**-11: 0.1, 2.0**-9: 0.03, 2.0**-7: 0.0, 2.0**-5: 0.02, 2.0**-3: 0.06}[spec.lr]
    return 0.02 + rate + (0 if spec.residual else spec.depth / 1000), 0.06 + rate


def plant(
    folder: Path,
    small: Callable[[Spec], Outcome] | None = None,
    mlp: Callable[[Spec], Outcome] | None = None,
    depths: Sequence[int] | None = None,
) -> Path:
    """Builds folder/results.duckdb from planted runs of the studies that are given, of some depths or of all; returns its path."""
    rows = [
        shards.row(run_of(spec, outcome(spec)), PROVENANCE)
        for study, outcome in ((SMALL, small), (MLP, mlp))
        if outcome is not None
        for spec in STUDIES[study].specs("full")
        if depths is None or spec.depth in depths
    ]
    shards.write(rows, folder / "shards")
    build.build(folder / "shards", folder / "results.duckdb")
    return folder / "results.duckdb"


def run_of(spec: Spec, outcome: Outcome) -> Run:
    """What a training loop would return that ended so."""
    diverged = outcome == DIVERGED
    train, test = (0.89, 0.9) if isinstance(outcome, str) else outcome
    counts = {"val_correct": _right(N_VAL, test, spec), "test_correct": _right(N_TEST, test, spec)}
    counts["train_correct"] = _right(spec.n_train, train, spec)
    names = ("train_loss", "val_loss", "test_loss", *counts)
    measured = dict.fromkeys(names, None) if diverged else dict.fromkeys(names, 1.0) | counts
    return Run(
        spec,
        "diverged" if diverged else "complete",
        n_params=spec.n_params, n_val=N_VAL, n_test=N_TEST, steps=100, epochs=spec.epochs, flops=spec.flops, wall_s=1.0,
        stop_step=3 if diverged else None, best_epoch=None if diverged else spec.epochs, engine="planted",
        curves=[{"epoch": epoch, "memorized": None if diverged else 0} | measured for epoch in (1, spec.epochs)],
        layers=_layers(spec, diverged), damage=[] if diverged else _damage(spec, test),
    )  # fmt: skip


def _right(n: int, error: float, spec: Spec) -> int:
    return round(n * (1 - error - (JITTER[spec.seed] if 0.01 < error < 0.85 else 0)))


def _residual(spec: Spec) -> bool:
    return getattr(spec, "architecture", "") == "residual" or bool(getattr(spec, "residual", 0))


def _layers(spec: Spec, diverged: bool) -> list[dict[str, Any]]:
    last = spec.depth + 1 if hasattr(spec, "residual") else spec.depth
    rows = []
    for epoch in (0, 1, spec.epochs):
        for layer in range(1, last + 1):
            # exactly zero below a certain layer of the deepest plain networks without batch normalization
            gone = getattr(spec, "norm", "batch") == "none" and spec.depth == 128 and not _residual(spec) and layer < 20
            norm = 0.0 if gone else 10 ** (-(last - layer) / (200 if _residual(spec) else 60)) * (1 + 0.1 * spec.seed)
            sd = 1.0 if epoch == 0 else (0.5 if _residual(spec) else 1.5) + 0.01 * layer
            lost = diverged and epoch > 0
            row = {"epoch": epoch, "layer": layer, "preactivation_mean": 0.0, "dead": None, "saturated": None}
            rows.append(row | {"gradient_norm": None if lost else norm, "preactivation_sd": None if lost else sd})
    return rows


def _damage(spec: Spec, test: float) -> list[dict[str, Any]]:
    if hasattr(spec, "residual"):
        return []
    blocks = (spec.depth - 2) // 2
    added = lambda part: 0.02 + 0.1 / part if _residual(spec) else 0.4
    return [
        {"kind": "block", "stage": 1 + 3 * (part - 1) // blocks, "part": part, "target": None, "test_loss": 2.0}
        | {"test_correct": _right(N_TEST, min(0.9, test + added(part)), spec)}
        for part in range(1, blocks + 1)
    ]


def plant_deep_failures(folder: Path) -> Path:
    """The residual study as in the paper; of the fully connected networks deep ones without shortcuts fail."""
    return plant(folder, as_in_the_paper, deep_plain_ones_fail)
