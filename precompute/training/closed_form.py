"""Random ReLU features with a linear readout, trained by gradient flow on the squared error: exact at every time."""

import time
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from precompute.datasets import Dataset, Split, split
from precompute.spec import CLASSES, RandomFeaturesSpec
from precompute.streams import stream
from precompute.training.run import Run, evaluation_epochs, finished

MOST_FEATURES = 10_000
CHUNK = 2000  # examples whose features are made at once
EVALUATIONS = 62  # 61 times remain of a thousand million


def directions(inputs: int, seed: int) -> Tensor:
    """[MOST_FEATURES, inputs] directions, normal with variance 2 / inputs, float64. The first N are the features of a model of N, so
    that models of one seed are nested."""
    drawn = torch.randn(MOST_FEATURES, inputs, generator=stream("features", inputs, seed), dtype=torch.float64)
    return drawn * (2 / inputs) ** 0.5


def features(inputs: Tensor, directions: Tensor) -> Tensor:
    """relu(inputs @ directions.T) / sqrt(N): [n, N] float64, of squared length about 1 for standardized inputs."""
    chunks = [torch.relu(chunk.double() @ directions.T) for chunk in inputs.split(CHUNK)]
    return torch.cat(chunks) / len(directions) ** 0.5


class Flow:
    """Gradient flow of a readout a [N, classes] on 1 / (2 n) * |features @ a - targets|^2, from a = 0, in closed form.

    With the singular value decomposition features = U S V', a(t) = V (1 - exp(-S^2 t / n)) / S U' targets.
    """

    def __init__(self, train: Tensor):
        """`train` [n, N]. Singular values below the precision of the largest count as zero, as in a pseudo-inverse."""
        self.n = len(train)
        self.u, self.s, self.vt = torch.linalg.svd(train, full_matrices=False)
        kept = self.s > self.s[0] * max(train.shape) * torch.finfo(train.dtype).eps
        self.u, self.s, self.vt = self.u[:, kept], self.s[kept], self.vt[kept]

    def along(self, predicted: Tensor) -> Tensor:
        """Features of examples [m, N] in the directions of the decomposition, [m, rank]."""
        return predicted @ self.vt.T

    def readout(self, targets: Tensor, at: float) -> Tensor:
        """V' a(t) [rank, classes]: the readout at time `at`, in the directions of the decomposition. `at` may be infinite."""
        return (-torch.expm1(-(self.s**2) * at / self.n) / self.s)[:, None] * (self.u.T @ targets)


def train(specs: Sequence[RandomFeaturesSpec], dataset: Dataset, device: torch.device) -> list[Run]:
    """Solves all of `specs`, which share their `group_key`; those with the same features share the decomposition.

    Losses are mean squared errors, summed over the classes. There are no steps.
    """
    if len({spec.group_key for spec in specs}) != 1:
        raise ValueError("specifications of a group share their images")
    one = specs[0]
    splits = {noise: split(dataset, one.n_train, noise, one.seed) for noise in {spec.label_noise for spec in specs}}
    data = splits[one.label_noise]
    inputs = {"train": data.train_inputs, "val": data.val_inputs, "test": data.test_inputs}
    drawn = directions(data.train_inputs.shape[1], one.seed)
    runs = {}
    for count in dict.fromkeys(spec.features for spec in specs):
        begun = time.perf_counter()
        chosen = drawn[:count].to(device)
        made = {name: features(each.to(device), chosen) for name, each in inputs.items()}
        flow = Flow(made["train"])
        along = {name: flow.along(each) for name, each in made.items()}
        same = [spec for spec in specs if spec.features == count]
        shared = (time.perf_counter() - begun) / len(same)
        for spec in same:
            begun = time.perf_counter()
            rows = _measured(spec, splits[spec.label_noise], flow, along)
            runs[spec.run_id] = finished(
                spec,
                splits[spec.label_noise],
                rows,
                start_loss=1.0,  # of the zero function
                not_finite_at=-1,
                steps=0,
                wall_s=shared + time.perf_counter() - begun,
                engine="closed form" + ("" if device.type == "cuda" else f", {torch.get_num_threads()} thread"),
            )
            runs[spec.run_id].precision = "fp64"
    return [runs[spec.run_id] for spec in specs]


def _measured(spec: RandomFeaturesSpec, data: Split, flow: Flow, along: dict[str, Tensor]) -> list[dict]:
    device = flow.s.device
    labels = {
        "train": data.train_labels.to(device),
        "val": data.val_labels.to(device),
        "test": data.test_labels.to(device),
    }
    noisy = data.noisy.to(device)
    targets = {name: F.one_hot(each, CLASSES).double() for name, each in labels.items()}
    rows = []
    for at in evaluation_epochs(spec.epochs, EVALUATIONS):
        readout = flow.readout(targets["train"], at)
        row: dict[str, float] = {"epoch": at, "step": 0}
        for name, truth in labels.items():
            predicted = along[name] @ readout
            right = predicted.argmax(1) == truth
            row[f"{name}_loss"] = float(((predicted - targets[name]) ** 2).sum(1).mean())
            row[f"{name}_correct"] = int(right.sum())
            if name == "train":
                row["memorized"] = int((right & noisy).sum())
        rows.append(row)
    return rows
