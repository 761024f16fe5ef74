"""Trains one network at a time, on a CPU or a GPU."""

import functools
import math
import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from precompute.datasets import Dataset, Split, split
from precompute.image_spec import CNNSpec, ImageSpec, PreActResNet18Spec, ResNetSpec, VGGSpec
from precompute.measures.convolutions import layer_rows
from precompute.measures.damage import without_each_block
from precompute.measures.untouched import untouched
from precompute.measures.wiring import edge_weights, without_each_node_and_edge
from precompute.models.cnn import five_layer_cnn, images
from precompute.models.normalization import LayerNoise
from precompute.models.preact_resnet import PreActResNet18
from precompute.models.resnet import CifarResNet
from precompute.models.vgg import vgg
from precompute.models.wired import WiredNetwork
from precompute.streams import stream
from precompute.training.augmentation import crop, draw_crops, with_border
from precompute.training.captured import Steps, captures, engine_on, none_lost, rate_on, set_rates
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
"""The same on a CPU where it is not CHUNK: of 1,000 images the outputs of all nodes leave the cache, and a pass takes 1.7 times as long."""


def train(specs: Sequence[ImageSpec], dataset: Dataset, device: torch.device) -> list[Run]:
    """Trains each of `specs` by itself and measures it at log-spaced epochs; its layers before the first step too.

    A network whose loss is not finite makes its updates to the end all the same, as one in a group does: steps, epochs and FLOPs of a run
    are those that were made."""
    return [_train_one(spec, dataset, device) for spec in specs]


def _train_one(spec: ImageSpec, dataset: Dataset, device: torch.device) -> Run:
    begun = time.perf_counter()
    data = split(dataset, spec.n_train, spec.label_noise, spec.seed, spec.side)
    sets, noisy = sets_on(device, data, spec), data.noisy.to(device)
    training = Training(spec, *sets["train"])
    network = training.network
    chunk = CHUNKS.get(type(spec), CHUNK) if device.type == "cpu" else CHUNK
    at_start = start_loss(network, *sets["train"], chunk)
    within = _layers_at(0, network, sets["train"], spec)
    when, rows = evaluation_epochs(spec.epochs, spec.evaluations), []
    probes = Probes.of_images(spec, spec.updates)
    for epoch in range(1, spec.epochs + 1):
        network.train()
        for batch in training.batches.of_an_epoch():
            if training.steps.made + 1 in probes.steps:  # outside of the graph, where steps are captured
                loss = functools.partial(training.loss, training.batches.images(batch), batch)
                probes.before(training.steps.made + 1, network, loss, training.rate)
            training.step(batch)
        if epoch == when[len(rows)]:
            rows.append({"epoch": epoch, "step": training.steps.made} | measure(network, sets, noisy, chunk))
            within += _layers_at(epoch, network, sets["train"], spec)
    run = finished(
        spec,
        data,
        rows,
        start_loss=at_start,
        not_finite_at=int(training.steps.not_finite_at),
        steps=training.steps.made,
        wall_s=time.perf_counter() - begun,
        engine=engine_on(device, "one network", training.steps.capture),
        layers=within,
    )
    run.precision = training.precision
    run.probes, run.shifts = (blank_after(run.stop_step, rows) for rows in (probes.rows, probes.shifts))
    if type(spec) in DAMAGE and run.status == "complete":
        run.damage = DAMAGE[type(spec)](network, *sets["test"])
    if isinstance(network, WiredNetwork) and run.status == "complete":
        run.edge_weights = edge_weights(network)
    return run


class Training:
    """A network with its optimizer and its minibatches, on the device of the training set."""

    def __init__(self, spec: ImageSpec, inputs: Tensor, labels: Tensor, capture: bool | None = None):
        """`inputs` [n, 3, side, side] and `labels` [n] are the training set. `capture` is whether steps are captured: by default on a card,
        but not those of a network with noise, which is drawn on the CPU at every step."""
        self.spec, self.labels = spec, labels
        self.network = NETWORKS[type(spec)](spec).to(inputs.device, memory_format=torch.channels_last)
        self.precision = set_precision(self.network, spec, inputs.device)
        self.optimizer = make_optimizer([(self.network, spec)])
        self.batches = Batches(inputs, spec)
        if capture is None:
            noisy = any(isinstance(module, LayerNoise) for module in self.network.modules())
            capture = captures(inputs.device) and not noisy
        self.steps = Steps(self._update, none_lost(1, inputs.device), capture=capture)

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self.spec.rate * rate_at(self.spec.schedule, self.steps.made, self.spec.updates)

    def step(self, batch: Tensor) -> None:
        """One update on the examples at the places `batch`."""
        set_rates(self.optimizer, [self.rate])
        self.steps(batch)

    def loss(self, inputs: Tensor, places: Tensor) -> Tensor:
        """Mean loss of the images `inputs`, which are those at `places`."""
        return F.cross_entropy(self.network(inputs), self.labels[places])

    def _update(self, places: Tensor) -> Tensor:
        loss = self.loss(self.batches.images(places), places)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach()


def sets_on(device: torch.device, data: Split, spec: ImageSpec) -> dict[str, tuple[Tensor, Tensor]]:
    """Images [n, 3, side, side] and labels of the training, validation and test set, on `device`."""
    return {
        name: (images(inputs, spec.side).to(device), labels.to(device))
        for name, inputs, labels in (
            ("train", data.train_inputs, data.train_labels),
            ("val", data.val_inputs, data.val_labels),
            ("test", data.test_inputs, data.test_labels),
        )
    }


def _layers_at(epoch: int, network: nn.Module, training_set: tuple[Tensor, Tensor], spec: ImageSpec) -> list[dict]:
    return [{"epoch": epoch} | row for row in layer_rows(network, *training_set)] if spec.layer_measures else []


def make_optimizer(networks: Sequence[tuple[nn.Module, ImageSpec]]) -> torch.optim.Optimizer:
    """torch's own, fused, for networks whose specifications differ in their rate alone: a group of parameters for each.

    Raises ValueError for an optimizer that is none of a specification's, and for adam with weight decay."""
    one = networks[0][1]
    device = next(networks[0][0].parameters()).device
    groups = [{"params": list(network.parameters()), "lr": rate_on(device, spec.rate)} for network, spec in networks]
    if one.optimizer == "adam" and not one.weight_decay:
        return torch.optim.Adam(groups, fused=True, capturable=captures(device))
    if one.optimizer in ("sgd", "nesterov"):
        return torch.optim.SGD(
            groups,
            momentum=one.momentum,
            weight_decay=one.weight_decay,
            nesterov=one.optimizer == "nesterov",
            fused=True,
        )
    raise ValueError(f"no optimizer {one.optimizer!r} with weight decay {one.weight_decay}")


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


class Batches:
    """The minibatches of an epoch. Order and crops are keyed by the data and the seed, so that runs that differ in anything else see
    the same; the crop of an example in an epoch does not depend on its place in the order."""

    def __init__(self, inputs: Tensor, spec: ImageSpec):
        if spec.augment not in ("none", "crop_flip"):
            raise ValueError(f"no augmentation {spec.augment!r}")
        self.spec, self.crops = spec, spec.augment == "crop_flip"
        self.inputs = with_border(inputs) if self.crops else inputs
        self.drawn = torch.zeros(spec.n_train, 3, dtype=torch.int64, device=inputs.device)
        """The crops of this epoch: a step finds them in the same place in all epochs."""
        self.order, self.augment = (
            stream(name, spec.dataset, spec.n_train, spec.seed) for name in ("order", "augment")
        )

    def of_an_epoch(self) -> Iterator[Tensor]:
        """Yields the places of each batch in the training set."""
        shuffled = torch.randperm(self.spec.n_train, generator=self.order).to(self.inputs.device)
        if self.crops:
            self.drawn.copy_(draw_crops(self.spec.n_train, self.augment))
        yield from shuffled.split(self.spec.batch_size)

    def images(self, places: Tensor) -> Tensor:
        """The images at `places` as this epoch sees them."""
        return crop(self.inputs[places], self.drawn[places]) if self.crops else self.inputs[places]


def set_precision(network: nn.Module, spec: ImageSpec, device: torch.device) -> str:
    """Makes the products of `network` run in the precision of `spec`, logits in fp32; the name of the one that it got."""
    if spec.precision not in ("fp32", "bf16"):
        raise ValueError(f"no precision {spec.precision!r}")
    if spec.precision == "fp32" or device.type != "cuda":
        return "fp32"
    forward = torch.autocast(device.type, torch.bfloat16)(network.forward)
    network.forward = lambda inputs: forward(inputs).float()
    return "bf16"


@torch.no_grad()
def start_loss(network: nn.Module, inputs: Tensor, labels: Tensor, chunk: int = CHUNK) -> float:
    """Mean loss of `network` on the training set before its first step; normalized as in training, since nothing has been seen that evaluation
    could normalize with: without, a deep residual network starts at 1e2 and more. `network` stays as it was."""
    with untouched(network):
        return float(F.cross_entropy(_logits(network.train(), inputs, chunk).double(), labels))


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
        logits = _logits(network, inputs, chunk)
        right = logits.argmax(1) == labels
        measured[f"{name}_loss"] = float(F.cross_entropy(logits.double(), labels))
        measured[f"{name}_correct"] = int(right.sum())
        if name == "train":
            measured["memorized"] = int((right & noisy).sum())
    return measured


def _logits(network: nn.Module, inputs: Tensor, chunk: int) -> Tensor:
    return torch.cat([network(part) for part in inputs.split(chunk)])
