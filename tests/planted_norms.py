"""Runs of the batch norm studies that were never trained: what they measured is planted by formulas, all else is as the build makes it.

`plant(folder, story=…, keep=…)` writes shards of the full grids, or of those specifications that `keep` takes, and builds a database from
them. A `Story` says what the runs shall speak for; AS_IN_THE_PAPERS is the one in which every claim is shown.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from precompute import build, shards
from precompute.spec import Spec
from precompute.studies import STUDIES
from precompute.training.run import Run, evaluation_epochs
from tests.planted_depth import PROVENANCE

SMALL, VGG, LINEAR, SIZES = (
    f"batch_norm/{code}" for code in ("cifar10_vgg_small", "cifar10_vgg", "deep_linear", "batch_size")
)
ALL = (SMALL, LINEAR, SIZES)
N_VAL, N_TEST = 5000, 10_000
JITTER = (0.0, 0.004, -0.003, 0.002, -0.001)
"""Added to every error, by seed."""
LAYERS = {SMALL: 9, VGG: 11, LINEAR: 25}


@dataclasses.dataclass(frozen=True)
class Rates:
    """Test error of one norm over the learning rate: `best` at 2 ** `at`, no worse for `flat` doublings to both sides, then `slope` more a
    doubling; diverged from 2 ** `lost` on."""

    best: float
    at: float
    flat: float
    slope: float
    lost: float = 99.0

    def error(self, lr: float) -> float | None:
        away = math.log2(lr)
        return None if away >= self.lost else self.best + self.slope * max(0.0, abs(away - self.at) - self.flat)


@dataclasses.dataclass(frozen=True)
class Story:
    """What the planted runs speak for. Factors are those of a norm over the network without one, 1 where none is given."""

    rates: dict[str, Rates]
    smoothness: dict[str, float]
    cosine: dict[str, float]
    """Added to the cosine of the network without a norm."""
    drift: dict[str, float]
    slowness: dict[str, float]
    """Epochs in which the train error falls by a factor e."""
    spread: float = 1.0
    """Times the differences between seeds."""


AS_IN_THE_PAPERS = Story(
    rates={
        "none": Rates(0.44, -3, 0.4, 0.03, lost=0),
        "batch": Rates(0.33, -2, 2.2, 0.018),
        "noisy_batch": Rates(0.34, -2, 1.8, 0.02),
        "noise": Rates(0.62, -5, 0.3, 0.05, lost=-2),
        "layer": Rates(0.36, -3, 1.2, 0.02, lost=1),
        "group": Rates(0.345, -3, 1.4, 0.02),
        "l1": Rates(0.333, -2, 2.0, 0.018),
        "linf": Rates(0.336, -2, 2.0, 0.018),
    },
    smoothness={"batch": 0.2, "noisy_batch": 0.3},
    cosine={"batch": -0.35, "noisy_batch": -0.4},
    drift={"batch": 0.3, "noisy_batch": 4.0, "noise": 5.0, "layer": 0.5, "group": 0.5, "l1": 0.3, "linf": 0.3},
    slowness={"none": 5.0, "batch": 2.0, "noisy_batch": 2.3, "noise": 9.0},
)
THE_OTHER_WAY = dataclasses.replace(
    AS_IN_THE_PAPERS,
    rates=AS_IN_THE_PAPERS.rates
    | {
        "none": Rates(0.33, -3, 2.2, 0.018),
        "batch": Rates(0.40, -3, 0.4, 0.03, lost=0),
        "l1": Rates(0.46, -3, 0.4, 0.03),
    },
    smoothness={"batch": 4.0, "noisy_batch": 4.0},
    cosine={"batch": 0.3, "noisy_batch": 0.3},
    drift=AS_IN_THE_PAPERS.drift | {"noisy_batch": 0.2},
    slowness={"none": 2.0, "batch": 2.0, "noisy_batch": 9.0},
)
UNCLEAR = dataclasses.replace(
    AS_IN_THE_PAPERS,
    rates=dict.fromkeys(AS_IN_THE_PAPERS.rates, Rates(0.40, -3, 1.0, 0.03)) | {"linf": Rates(0.408, -3, 1.0, 0.03)},
    smoothness={}, cosine={}, drift={}, slowness={}, spread=4.0,
)  # fmt: skip


def plant(
    folder: Path,
    story: Story = AS_IN_THE_PAPERS,
    studies: Iterable[str] = ALL,
    keep: Callable[[Spec], bool] = lambda spec: True,
    failed: Callable[[Spec], bool] = lambda spec: False,
) -> Path:
    """Builds folder/results.duckdb from planted runs of the full grids where `keep`; returns its path. The code of a run `failed` raised."""
    rows = [
        shards.row(_failed(spec) if failed(spec) else run_of(spec, story), PROVENANCE)
        for study in studies
        for spec in STUDIES[study].specs("full")
        if keep(spec)
    ]
    shards.write(rows, folder / "shards")
    build.build(folder / "shards", folder / "results.duckdb")
    return folder / "results.duckdb"


def run_of(spec: Spec, story: Story = AS_IN_THE_PAPERS) -> Run:
    """What a training loop would return."""
    if spec.study == LINEAR:
        return _linear(spec, story)
    error = _error(spec, story)
    steps = spec.epochs * -(-spec.n_train // spec.batch_size)
    epochs = evaluation_epochs(spec.epochs, spec.evaluations)
    stop = None if error is not None else max(1, steps // 3)
    return Run(
        spec,
        "complete" if stop is None else "diverged",
        n_params=spec.n_params, n_val=N_VAL, n_test=N_TEST, steps=steps, epochs=spec.epochs, flops=spec.flops, wall_s=1.0,
        stop_step=stop, best_epoch=spec.epochs if stop is None else None, engine="planted",
        curves=[_curve(spec, story, epoch, error, lost=stop is not None and epoch * steps >= stop * spec.epochs) for epoch in epochs],
        **_probed(spec, story, steps, stop),
    )  # fmt: skip


def _failed(spec: Spec) -> Run:
    return Run(
        spec, "failed", n_params=spec.n_params, steps=0, epochs=0, flops=spec.flops, wall_s=0.0, engine="planted", error="it raised"
    )  # fmt: skip


def _error(spec: Spec, story: Story) -> float | None:
    """Test error at the end, None where it diverges. Batch normalization breaks down at small batches, the others do not."""
    error = story.rates[spec.norm].error(spec.rate if spec.study != SIZES else spec.lr)
    if error is None:
        return None
    broken = 0.04 * max(0.0, 5 - math.log2(spec.batch_size)) if spec.norm == "batch" and spec.study == SIZES else 0.0
    if spec.study == SIZES and spec.norm == "none" and (spec.batch_size, spec.seed) == (4, 1):
        return None
    order = list(story.rates).index(spec.norm) if story.spread > 1 else 0
    return min(
        0.9,
        error + broken + story.spread * JITTER[(spec.seed + order) % len(JITTER)] * (1 + 0.3 * (spec.norm != "none")),
    )


def _curve(spec: Spec, story: Story, epoch: int, error: float | None, lost: bool) -> dict[str, Any]:
    losses, counts = ("train_loss", "val_loss", "test_loss"), ("train_correct", "val_correct", "test_correct")
    if error is None and lost:
        return {"epoch": epoch, "memorized": None} | dict.fromkeys((*losses, *counts))
    end = 0.9 if error is None else error
    left = math.exp(-epoch / story.slowness.get(spec.norm, 3.0)) - math.exp(
        -spec.epochs / story.slowness.get(spec.norm, 3.0)
    )
    train, test = end - 0.1 + (1.0 - end) * left, end + (0.9 - end) * left
    right = {"train_correct": spec.n_train * (1 - train), "val_correct": N_VAL * (1 - test), "test_correct": N_TEST * (1 - test)}  # fmt: skip
    told = {name: round(value) for name, value in right.items()}
    return (
        {"epoch": epoch, "memorized": 0} | {name: 3 * value for name, value in zip(losses, (train, test, test))} | told
    )


def _linear(spec: Spec, story: Story) -> Run:
    fall = {"none": 3.0, "batch": 1.5}[spec.norm]
    epochs = evaluation_epochs(spec.epochs, 24)
    nothing = dict.fromkeys(("val_loss", "test_loss", "train_correct", "val_correct", "test_correct", "memorized"))
    loss = lambda epoch: 12 * (1 + JITTER[spec.seed] * 20) * (1 + epoch) ** (-1 / fall)
    return Run(
        spec, "complete", n_params=spec.n_params, steps=spec.epochs, epochs=spec.epochs, flops=spec.flops, wall_s=1.0, engine="planted",
        curves=[{"epoch": epoch} | nothing | {"train_loss": loss(epoch)} for epoch in epochs],
        **_probed(spec, story, spec.epochs, None),
    )  # fmt: skip


def _probed(spec: Spec, story: Story, steps: int, stop: int | None) -> dict[str, list[dict[str, Any]]]:
    """The tables `probes` and `shifts` of one run; without values from `stop` on."""
    if not getattr(spec, "probes", 0):
        return {"probes": [], "shifts": []}
    probes, shifts = [], []
    wobble = 1 + story.spread * 10 * JITTER[spec.seed] * (1 if spec.norm == "none" else -1)
    for step in evaluation_epochs(steps, spec.probes):
        fades = step**-0.3
        loss, norm = 2.3 * fades, 2 * fades * wobble
        smooth = 10 * wobble * story.smoothness.get(spec.norm, 1.0) * (1 + 0.2 * math.sin(step))
        row = {
            "loss": loss, "loss_low": loss * 0.9, "loss_high": loss * (1 + 0.02 * smooth), "gradient_norm": norm,
            "change_low": 0.1 * smooth * norm, "change_high": 0.3 * smooth * norm, "smoothness": smooth,
        }  # fmt: skip
        lost = stop is not None and step >= stop
        probes.append({"step": step} | (dict.fromkeys(row) if lost else row))
        for layer in range(2, LAYERS[spec.study] + 1):
            cosine = max(
                -1.0,
                min(1.0, 0.9 - 0.01 * layer + story.cosine.get(spec.norm, 0.0) + 0.02 * story.spread * (wobble - 1)),
            )
            drift = 0.05 * wobble * story.drift.get(spec.norm, 1.0) * layer**0.5 * fades
            told = {
                "gradient_norm": norm / layer, "gradient_change": norm / layer * math.sqrt(2 - 2 * cosine), "cosine": cosine,
                "input_mean": 0.3, "input_sd": 1.0, "mean_drift": drift, "sd_drift": 0.6 * drift,
            }  # fmt: skip
            shifts.append({"step": step, "layer": layer} | (dict.fromkeys(told) if lost else told))
    return {"probes": probes, "shifts": shifts}


def plant_every_end(folder: Path) -> Path:
    """As in the papers, where every claim is shown; one run has no code that ran, and every other way to end is there."""
    raised = lambda spec: (spec.study, spec.norm, spec.seed, spec.lr) == (SMALL, "layer", 2, 2.0**-9)
    return plant(folder, failed=raised)
