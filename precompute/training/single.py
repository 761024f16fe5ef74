"""Trains one network at a time, on a CPU or a GPU."""

import functools
import math
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from precompute.datasets import Dataset, split
from precompute.measures.convolutions import layer_rows
from precompute.measures.damage import without_each_block
from precompute.measures.wiring import edge_weights, without_each_node_and_edge
from precompute.models.cnn import five_layer_cnn, images
from precompute.models.preact_resnet import PreActResNet18
from precompute.models.resnet import CifarResNet
from precompute.models.vgg import vgg
from precompute.models.wired import WiredNetwork
from precompute.spec import CNNSpec, ImageSpec, PreActResNet18Spec, ResNetSpec, VGGSpec
from precompute.streams import stream
from precompute.training.augmentation import crop, draw_crops, with_border
from precompute.training.probed import Probes
from precompute.training.run import Run, blank_after, evaluation_epochs, finished
from precompute.wiring_spec import WiringSpec

NETWORKS: dict[type[ImageSpec], Callable[..., nn.Module]] = {
    CNNSpec: five_layer_cnn,
    PreActResNet18Spec: PreActResNet18,
    ResNetSpec: CifarResNet,
    VGGSpec: vgg,
    WiringSpec: WiredNetwork,
}
DAMAGE: dict[type[ImageSpec], Callable[[nn.Module, Tensor, Tensor], list[dict]]] = {
    ResNetSpec: without_each_block,
    WiringSpec: without_each_node_and_edge,
}
"""What is taken out of a trained network: network, test images and labels -> rows of the table `damage`."""
CHUNK = 1000  # examples evaluated at once
CHUNKS = {WiringSpec: 250}
"""The same where it is not CHUNK: of 1,000 images the outputs of all nodes leave the cache, and a pass takes 1.7 times as long."""


def train(specs: Sequence[ImageSpec], dataset: Dataset, device: torch.device) -> list[Run]:
    """Trains each of `specs` by itself and measures it at log-spaced epochs; its layers before the first step too."""
    return [_train_one(spec, dataset, device) for spec in specs]


def _train_one(spec: ImageSpec, dataset: Dataset, device: torch.device) -> Run:
    begun = time.perf_counter()
    data = split(dataset, spec.n_train, spec.label_noise, spec.seed, spec.side)
    sets = {
        "train": (images(data.train_inputs, spec.side).to(device), data.train_labels.to(device)),
        "val": (images(data.val_inputs, spec.side).to(device), data.val_labels.to(device)),
        "test": (images(data.test_inputs, spec.side).to(device), data.test_labels.to(device)),
    }
    inputs, labels = sets["train"]
    network = NETWORKS[type(spec)](spec).to(device, memory_format=torch.channels_last)
    precision = _set_precision(network, spec, device)
    optimizer = make_optimizer(network, spec)
    batches = _Batches(inputs, spec)

    noisy = data.noisy.to(device)
    chunk = CHUNKS.get(type(spec), CHUNK)
    start_loss = measure(network, sets, noisy, chunk)["train_loss"]
    within = _layers_at(0, network, sets["train"], spec)
    not_finite_at = torch.tensor(-1, device=device)
    when, rows = evaluation_epochs(spec.epochs, spec.evaluations), []
    step, steps = 0, spec.epochs * -(-spec.n_train // spec.batch_size)
    probes = Probes.of_images(spec, steps)
    for epoch in range(1, spec.epochs + 1):
        network.train()
        for batch, seen in batches.of_an_epoch():
            for group in optimizer.param_groups:
                group["lr"] = spec.rate * rate_at(spec.schedule, step, steps)
            step += 1
            loss_of_batch = functools.partial(_loss, network, seen, labels[batch])
            probes.before(step, network, loss_of_batch, group["lr"])
            loss = loss_of_batch()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            not_finite_at = torch.where((not_finite_at < 0) & ~loss.detach().isfinite(), step, not_finite_at)
        if epoch == when[len(rows)]:
            rows.append({"epoch": epoch, "step": step} | measure(network, sets, noisy, chunk))
            within += _layers_at(epoch, network, sets["train"], spec)
    run = finished(
        spec,
        data,
        rows,
        start_loss=start_loss,
        not_finite_at=int(not_finite_at),
        steps=step,
        wall_s=time.perf_counter() - begun,
        engine="one network" + ("" if device.type == "cuda" else f", {torch.get_num_threads()} thread"),
    )
    run.precision = precision
    lost = {row["epoch"] for row in run.curves if row["train_loss"] is None}  # from the divergence on
    run.layers = [
        {
            name: None if row["epoch"] in lost and name not in ("epoch", "layer") else value
            for name, value in row.items()
        }
        for row in within
    ]
    run.probes, run.shifts = (blank_after(run.stop_step, rows) for rows in (probes.rows, probes.shifts))
    if type(spec) in DAMAGE and run.status == "complete":
        run.damage = DAMAGE[type(spec)](network, *sets["test"])
    if isinstance(network, WiredNetwork) and run.status == "complete":
        run.edge_weights = edge_weights(network)
    return run


def _loss(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(network(inputs), labels)


def _layers_at(epoch: int, network: nn.Module, training_set: tuple[Tensor, Tensor], spec: ImageSpec) -> list[dict]:
    return [{"epoch": epoch} | row for row in layer_rows(network, *training_set)] if spec.layer_measures else []


def make_optimizer(network: nn.Module, spec: ImageSpec) -> torch.optim.Optimizer:
    """torch's own, fused. Raises ValueError for an optimizer that is none of a specification's, and for adam with weight decay."""
    if spec.optimizer == "adam" and not spec.weight_decay:
        return torch.optim.Adam(network.parameters(), lr=spec.rate, fused=True)
    if spec.optimizer in ("sgd", "nesterov"):
        return torch.optim.SGD(
            network.parameters(),
            lr=spec.rate,
            momentum=spec.momentum,
            weight_decay=spec.weight_decay,
            nesterov=spec.optimizer == "nesterov",
            fused=True,
        )
    raise ValueError(f"no optimizer {spec.optimizer!r} with weight decay {spec.weight_decay}")


def rate_at(schedule: str, step: int, steps: int) -> float:
    """What the learning rate is multiplied by when `step` of `steps` are made. Raises ValueError for an unknown schedule."""
    done = step / steps
    if schedule == "constant":
        return 1.0
    if schedule == "cosine":
        return (1 + math.cos(math.pi * done)) / 2
    if schedule.startswith("inverse_sqrt "):
        return (1 + step // int(schedule.removeprefix("inverse_sqrt "))) ** -0.5
    kind, _, fractions = schedule.partition(" at ")
    if kind != "tenth":
        raise ValueError(f"no schedule {schedule!r}")
    return 0.1 ** sum(done >= float(fraction) for fraction in fractions.split())


class _Batches:
    """The minibatches of an epoch. Order and crops are keyed by the data and the seed, so that runs that differ in anything else see
    the same; the crop of an example in an epoch does not depend on its place in the order."""

    def __init__(self, inputs: Tensor, spec: ImageSpec):
        if spec.augment not in ("none", "crop_flip"):
            raise ValueError(f"no augmentation {spec.augment!r}")
        self.spec, self.crops = spec, spec.augment == "crop_flip"
        self.inputs = with_border(inputs) if self.crops else inputs
        self.order, self.augment = (
            stream(name, spec.dataset, spec.n_train, spec.seed) for name in ("order", "augment")
        )

    def of_an_epoch(self):
        """Yields the places of a batch in the training set, and its images."""
        shuffled = torch.randperm(self.spec.n_train, generator=self.order).to(self.inputs.device)
        if self.crops:
            crops = draw_crops(self.spec.n_train, self.augment).to(self.inputs.device)
        for batch in shuffled.split(self.spec.batch_size):
            yield batch, crop(self.inputs[batch], crops[batch]) if self.crops else self.inputs[batch]


def _set_precision(network: nn.Module, spec: ImageSpec, device: torch.device) -> str:
    """Makes the products of `network` run in the precision of `spec`, logits in fp32; the name of the one that it got."""
    if spec.precision not in ("fp32", "bf16"):
        raise ValueError(f"no precision {spec.precision!r}")
    if spec.precision == "fp32" or device.type != "cuda":
        return "fp32"
    forward = torch.autocast(device.type, torch.bfloat16)(network.forward)
    network.forward = lambda inputs: forward(inputs).float()
    return "bf16"


@torch.no_grad()
def measure(
    network: nn.Module, sets: dict[str, tuple[Tensor, Tensor]], noisy: Tensor, chunk: int = CHUNK
) -> dict[str, float]:
    """LOSSES and COUNTS of `network`, with the running statistics of its batch norms, on whole sets (images, labels).

    `noisy` [n] says which training labels are wrong; `chunk` examples are taken at once.
    """
    network.eval()
    measured: dict[str, float] = {}
    for name, (inputs, labels) in sets.items():
        logits = torch.cat([network(chunk) for chunk in inputs.split(chunk)])
        right = logits.argmax(1) == labels
        measured[f"{name}_loss"] = float(F.cross_entropy(logits.double(), labels))
        measured[f"{name}_correct"] = int(right.sum())
        if name == "train":
            measured["memorized"] = int((right & noisy).sum())
    return measured
