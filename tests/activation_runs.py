"""Made-up runs of the studies of activation functions whose answer is known, in the form in which a build takes them."""

import math
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import numpy as np

from precompute import build, shards
from precompute.image_spec import CNNSpec
from precompute.spec import BornDeadSpec, MLPSpec, Spec, canonical_json
from precompute.studies import STUDIES, activation, activation_cnn
from precompute.training.run import evaluation_epochs

MLP, CNN, DEAD = "activation/mnist_mlp", "activation/cifar10_cnn_small", "activation/born_dead"
N_TRAIN, N_VAL, N_TEST = 10_000, 5000, 10_000
FRESH = (2, 3, 4, 5, 6)
HALF_WAY = {"sigmoid": 5, "relu": 3, "identity": 6}  # places of the best rate; the others' is 4


def mlp(function: str, depth: int, start: str, seed: int, lr: float = 0.125, fresh: bool = True) -> MLPSpec:
    """A specification of the full grid, or of what follows from it."""
    return MLPSpec(
        study=MLP, seed=seed, dataset="ylecun/mnist", n_train=N_TRAIN, label_noise=0.0, width=64, depth=depth, activation=function,
        start=start, optimizer="sgd", momentum=0.9, lr=lr, batch_size=100, epochs=10, evaluations=6, layer_measures=fresh,
    )  # fmt: skip


def cnn(function: str, norm: str, seed: int, lr: float = 0.0625, fresh: bool = True) -> CNNSpec:
    """As `mlp`, of the convolutional study."""
    return CNNSpec(
        study=CNN, seed=seed, dataset="uoft-cs/cifar10", side=16, n_train=5000, label_noise=0.0, width=8, activation=function,
        norm=norm, optimizer="sgd", momentum=0.9, lr=lr, batch_size=128, epochs=30, evaluations=20 if fresh else 4, layer_measures=fresh,
    )  # fmt: skip


def row(
    spec: Spec,
    error: float,
    *,
    diverged: bool = False,
    train_error: Callable[[int], float] | None = None,
    ratio: float = 1.0,
    dead: float = 0.0,
) -> dict:
    """A run that ends with this test error, in points. `train_error` gives points by epoch; `ratio` is of the gradient norms of the first
    and the last layer, `dead` the share of dead units at the end."""
    epochs = evaluation_epochs(spec.epochs, spec.evaluations)
    stop = epochs[-1] if diverged else None
    train = train_error or (lambda epoch: error * (1 + 1 / epoch) / 1.2)
    curves = []
    for epoch in epochs:
        gone = stop is not None and epoch >= stop
        told = {"train": train(epoch), "val": error * (1 + 1 / epoch) - error / epochs[-1], "test": error}
        counts = {"train": spec.n_train, "val": N_VAL, "test": N_TEST}
        curves.append(
            {"epoch": epoch, "memorized": None if gone else 0}
            | {f"{name}_loss": None if gone else 0.03 * points for name, points in told.items()}
            | {f"{name}_correct": None if gone else round(counts[name] * max(0, 1 - points / 100)) for name, points in told.items()}
        )  # fmt: skip
    return {
        "run_id": spec.run_id, "study": spec.study, "spec": canonical_json(spec.as_dict()),
        "status": "diverged" if diverged else "complete", "stop_step": 990 if diverged else None, "error": None,
        "steps": 1000, "epochs": spec.epochs, "best_epoch": epochs[-1], "n_params": spec.n_params, "n_train": spec.n_train,
        "n_val": N_VAL, "n_test": N_TEST, "wrong_labels": 0, "flops": spec.flops, "wall_s": 1.0,
        "curves": curves, "layers": _layers(spec, [0, *epochs], stop, ratio, dead) if spec.layer_measures else [],
    } | PROVENANCE  # fmt: skip


PROVENANCE = {
    "engine": "made up", "precision": "fp32", "device": "none", "torch": "0", "python": "0", "git_commit": "0" * 40,
    "dataset_copy": "made up", "data_fingerprint": "made up", "started_at": datetime(2026, 1, 1),
    "damage": [], "counts": [], "targets": [], "validation": [], "noise_scale": [],
}  # fmt: skip


def _layers(spec: Spec, epochs: list[int], stop: int | None, ratio: float, dead: float) -> list[dict]:
    last = getattr(spec, "depth", 4) + 1
    rows = []
    for epoch in epochs:
        for layer in range(1, last + 1):
            gone, hidden = stop is not None and epoch >= stop, layer < last
            told = {
                "gradient_norm": 0.5 * ratio ** ((last - layer) / (last - 1)),
                "preactivation_mean": 0.1 * layer - 0.02 * epoch,
                "preactivation_sd": 1.0 + 0.05 * epoch,
                "dead": dead * min(1.0, epoch / epochs[-1]) if hidden else None,
                "saturated": 0.3 if hidden else None,
            }
            rows.append({"epoch": epoch, "layer": layer} | {name: None if gone else v for name, v in told.items()})
    return rows


def error_of(spec: Spec) -> tuple[float, bool]:
    """Test error in points and whether the run diverges: a sigmoid fails from 8 layers on, identity is a linear network at 9 points, and
    the others lie within 1.5 points; a rate off the best costs 1.5 points a factor 2, and ELU diverges at the largest; of cos(x) − x one fresh
    seed diverges everywhere."""
    rates = sorted(activation.RATES if spec.study == MLP else activation_cnn.RATES)
    order = sorted(activation_cnn.FUNCTIONS).index(spec.activation)
    if spec.study == MLP:
        fails = spec.activation == "sigmoid" and spec.depth >= 8
        error = 88.7 if fails else 9.0 if spec.activation == "identity" else 5.0 + 0.1 * order + 0.02 * spec.depth
        best = HALF_WAY.get(spec.activation, 4)
    else:
        gap = {"none": 20.0, "batch": 4.0}[spec.norm] if spec.activation == "sigmoid" else 0.2 * order
        error, fails, best = 40.0 - 3 * (spec.norm == "batch") + gap, False, 2
    far = 0 if fails else 1.5 * abs(rates.index(spec.lr) - best)
    jitter = 0.15 * math.sin(7 * spec.seed + 3 * order)
    lost = spec.activation == "elu" and spec.lr == rates[-1]
    return error + far + jitter, lost or (spec.activation == "cosx_x" and spec.seed == FRESH[1])


def made_up(spec: Spec) -> dict:
    """The row of a specification by `error_of`."""
    if isinstance(spec, BornDeadSpec):
        share = 0.9 * (1 - (1 - 2.0**-spec.width) ** (spec.depth - 1))
        count = {"quantity": "born_dead", "value": round(spec.nets * share), "trials": spec.nets}
        zeros = dict.fromkeys(("steps", "epochs", "n_train", "n_val", "n_test", "wrong_labels"), 0)
        told = {
            "run_id": spec.run_id,
            "study": spec.study,
            "spec": canonical_json(spec.as_dict()),
            "status": "complete",
        }
        told |= {"stop_step": None, "error": None, "best_epoch": None, "n_params": spec.n_params, "flops": spec.flops}
        return told | zeros | {"wall_s": 1.0, "curves": [], "layers": []} | PROVENANCE | {"counts": [count]}
    error, diverged = error_of(spec)
    depth = getattr(spec, "depth", 4)
    ratio = 0.2**depth if spec.activation == "sigmoid" else 1.0
    return row(spec, error, diverged=diverged, ratio=ratio, dead=0.2 if spec.activation == "relu" else 0.0)


def rows_of(
    studies: Iterable[str],
    wanted: Callable[[Spec], bool] = lambda spec: True,
    made: Callable[[Spec], dict] = made_up,
) -> list[dict]:
    """The grid of these studies where `wanted`, and what follows from it, each row as `made` has it."""
    rows: list[dict] = []
    for name in studies:
        finished = {spec.run_id: made(spec) for spec in STUDIES[name].specs("full") if wanted(spec)}
        follow = STUDIES[name].all_specs("full", finished)
        finished |= {spec.run_id: made(spec) for spec in follow if spec.run_id not in finished and wanted(spec)}
        rows += finished.values()
    return rows


def baked(folder: Path, rows: list[dict]) -> Path:
    """A database of these rows."""
    for each in rows:
        assert np.isfinite(each["flops"])
    shards.write([{table: [] for table in shards.NESTED} | each for each in rows], folder / "shards")
    build.build(folder / "shards", folder / "results.duckdb")
    return folder / "results.duckdb"
