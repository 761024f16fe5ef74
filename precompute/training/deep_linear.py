"""Trains the deep linear networks of Santurkar et al. 2018 (arXiv 1805.11604) by gradient descent on all examples at once."""

import math
import time
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from precompute.datasets import Dataset
from precompute.spec import DeepLinearSpec
from precompute.streams import stream
from precompute.training.probed import Probes
from precompute.training.run import COUNTS, LOSSES, Run, blank_after, evaluation_epochs, find_stop_step

EVALUATIONS = 24  # points of the logarithmic schedule


def train(specs: Sequence[DeepLinearSpec], dataset: Dataset, device: torch.device) -> list[Run]:
    """Trains each of `specs` by itself, in fp64. A curve has the train loss alone: the mean squared error, summed over the outputs."""
    return [_train_one(spec, device) for spec in specs]


def examples(spec: DeepLinearSpec) -> tuple[Tensor, Tensor]:
    """Inputs x and what they shall become, A x, both float64 [n_train, width]. x and A are standard normal."""
    generator = stream("deep_linear", spec.width, spec.seed)
    true = torch.randn(spec.width, spec.width, generator=generator, dtype=torch.float64)
    inputs = torch.randn(spec.n_train, spec.width, generator=generator, dtype=torch.float64)
    return inputs, inputs @ true.T


def chain(spec: DeepLinearSpec) -> nn.Sequential:
    """[n_train, width] -> [n_train, width]. Weights start normal with variance 1 / width (Glorot & Bengio 2010 for square matrices), from
    a stream keyed by depth, width and seed. Raises ValueError for an unknown norm.

    Batch normalization has no running statistics: every step has all examples, and so has every evaluation.
    """
    if spec.norm not in ("none", "batch"):
        raise ValueError(f"no norm {spec.norm!r}")
    generator = stream("init", "deep_linear", spec.depth, spec.width, spec.seed)
    layers: list[nn.Module] = []
    for layer in range(1, spec.depth + 1):
        matrix = nn.Linear(spec.width, spec.width, bias=False, dtype=torch.float64)
        with torch.no_grad():
            matrix.weight.normal_(0, 1 / math.sqrt(spec.width), generator=generator)
        layers.append(matrix)
        if spec.norm == "batch" and layer < spec.depth:
            layers.append(nn.BatchNorm1d(spec.width, track_running_stats=False, dtype=torch.float64))
    return nn.Sequential(*layers)


def _train_one(spec: DeepLinearSpec, device: torch.device) -> Run:
    begun = time.perf_counter()
    inputs, targets = (each.to(device) for each in examples(spec))
    network, probes = chain(spec).to(device), Probes.of_linear(spec)
    optimizer = torch.optim.SGD(network.parameters(), lr=spec.lr)

    def loss() -> Tensor:
        return (network(inputs) - targets).square().sum(1).mean()

    when, rows = set(evaluation_epochs(spec.epochs, EVALUATIONS)), []
    not_finite_at, losses = -1, []
    for step in range(1, spec.epochs + 2):
        if step <= spec.epochs:
            probes.before(step, network, loss, spec.lr)
        value = loss()
        losses.append(float(value.detach()))
        if step - 1 in when:  # the loss before an update is the one after the last
            rows.append({"epoch": step - 1, "step": step - 1, "loss": losses[-1]})
        if not math.isfinite(losses[-1]):
            not_finite_at = step
            break
        if step <= spec.epochs:
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    told = [{name: row["loss"] for name in LOSSES} | {"step": row["step"]} for row in rows]
    stop_step = find_stop_step(told, not_finite_at, losses[0])
    nothing = dict.fromkeys(LOSSES + COUNTS)
    return Run(
        spec,
        status="complete" if stop_step is None else "diverged",
        n_params=spec.n_params,
        steps=step - 1,
        epochs=step - 1,
        flops=spec.flops * ((step - 1) / spec.epochs),
        wall_s=time.perf_counter() - begun,
        stop_step=stop_step,
        engine="one network" + ("" if device.type == "cuda" else f", {torch.get_num_threads()} thread"),
        precision="fp64",
        curves=[
            {"epoch": row["epoch"]}
            | nothing
            | {"train_loss": row["loss"] if stop_step is None or row["step"] < stop_step else None}
            for row in rows
        ],
        probes=blank_after(stop_step, probes.rows),
        shifts=blank_after(stop_step, probes.shifts),
    )
