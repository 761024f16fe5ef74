"""Trains one network at a time: convolutional networks on a CPU."""

import time
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from precompute.datasets import Dataset, split
from precompute.models.cnn import five_layer_cnn, images
from precompute.spec import CNNSpec
from precompute.streams import stream
from precompute.training.run import Run, evaluation_epochs, finished

CHUNK = 1000  # examples evaluated at once
EVALUATIONS = 36  # an evaluation reads 18,000 images, as much work as one and a half epochs on 4,000


def train(specs: Sequence[CNNSpec], dataset: Dataset, device: torch.device) -> list[Run]:
    """Trains each of `specs` by itself and measures it at log-spaced epochs."""
    return [_train_one(spec, dataset, device) for spec in specs]


def _train_one(spec: CNNSpec, dataset: Dataset, device: torch.device) -> Run:
    if spec.optimizer != "adam":
        raise ValueError(f"no optimizer {spec.optimizer!r}")
    begun = time.perf_counter()
    data = split(dataset, spec.n_train, spec.label_noise, spec.seed, spec.side)
    sets = {
        "train": (images(data.train_inputs, spec.side).to(device), data.train_labels.to(device)),
        "val": (images(data.val_inputs, spec.side).to(device), data.val_labels.to(device)),
        "test": (images(data.test_inputs, spec.side).to(device), data.test_labels.to(device)),
    }
    inputs, labels = sets["train"]
    network = five_layer_cnn(spec).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=spec.lr, fused=True)

    noisy = data.noisy.to(device)
    start_loss = measure(network, sets, noisy)["train_loss"]
    not_finite_at = torch.tensor(-1, device=device)
    when, rows = evaluation_epochs(spec.epochs, EVALUATIONS), []
    order, step = stream("order", spec.dataset, spec.n_train, spec.seed), 0
    for epoch in range(1, spec.epochs + 1):
        shuffled = torch.randperm(spec.n_train, generator=order).to(device)
        network.train()
        for batch in shuffled.split(spec.batch_size):
            step += 1
            loss = F.cross_entropy(network(inputs[batch]), labels[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            not_finite_at = torch.where((not_finite_at < 0) & ~loss.detach().isfinite(), step, not_finite_at)
        if epoch == when[len(rows)]:
            rows.append({"epoch": epoch, "step": step} | measure(network, sets, noisy))
    return finished(
        spec,
        data,
        rows,
        start_loss=start_loss,
        not_finite_at=int(not_finite_at),
        steps=step,
        wall_s=time.perf_counter() - begun,
        engine="one network" + ("" if device.type == "cuda" else f", {torch.get_num_threads()} thread"),
    )


@torch.no_grad()
def measure(network: nn.Module, sets: dict[str, tuple[Tensor, Tensor]], noisy: Tensor) -> dict[str, float]:
    """LOSSES and COUNTS of `network`, with the running statistics of its batch norms, on whole sets (images, labels).

    `noisy` [n] says which training labels are wrong.
    """
    network.eval()
    measured: dict[str, float] = {}
    for name, (inputs, labels) in sets.items():
        logits = torch.cat([network(chunk) for chunk in inputs.split(CHUNK)])
        right = logits.argmax(1) == labels
        measured[f"{name}_loss"] = float(F.cross_entropy(logits.double(), labels))
        measured[f"{name}_correct"] = int(right.sum())
        if name == "train":
            measured["memorized"] = int((right & noisy).sum())
    return measured
