"""Trains a group of fully connected networks on the same minibatches."""

import time
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from precompute.datasets import Dataset, Split, split
from precompute.measures.layers import layer_measures
from precompute.models.mlp import GroupedMLP, with_constant
from precompute.spec import MLPSpec
from precompute.streams import stream
from precompute.training.captured import Steps, captures, engine_on, none_lost
from precompute.training.run import COUNTS, LOSSES, Run, evaluation_epochs, finished
from precompute.training.stacked import StackedSGD

CHUNK = 2000  # examples evaluated at once


def train(specs: Sequence[MLPSpec], dataset: Dataset, device: torch.device) -> list[Run]:
    """Trains all of `specs`, which share their `group_key`, and measures them at log-spaced epochs."""
    if len({spec.group_key for spec in specs}) != 1:
        raise ValueError("specifications of a group share their minibatches and shapes")
    start = time.perf_counter()
    one = specs[0]
    by_noise = {noise: split(dataset, one.n_train, noise, one.seed) for noise in {spec.label_noise for spec in specs}}
    splits = [by_noise[spec.label_noise] for spec in specs]
    data = _Measured(splits, device)
    model = GroupedMLP(specs).to(device)
    optimizers = optimizers_of(model, specs)

    start_loss = data.start_loss(model)
    layers = [data.measure_layers(model, 0)] if one.layer_measures else []
    steps = Steps(
        lambda places: take_step(
            model, optimizers, data.train_inputs.index_select(0, places), data.train_labels.index_select(1, places)
        ),
        none_lost(len(specs), device),
        capture=captures(device),
    )
    when, measured = evaluation_epochs(one.epochs, one.evaluations), []
    order = stream("order", one.dataset, one.n_train, one.seed)
    for epoch in range(1, one.epochs + 1):
        shuffled = torch.randperm(one.n_train, generator=order).to(device)
        for batch in shuffled.split(one.batch_size):
            steps(batch)
        if epoch == when[len(measured)]:
            measured.append({"epoch": epoch, "step": steps.made} | data.measure(model))
            if one.layer_measures:
                layers.append(data.measure_layers(model, epoch))

    seconds_per_flop = (time.perf_counter() - start) / sum(spec.flops for spec in specs)
    runs, lost = [], steps.not_finite_at.tolist()
    for index, spec in enumerate(specs):
        rows = [
            {name: value[index] if isinstance(value, list) else value for name, value in row.items()}
            for row in measured
        ]
        runs.append(
            finished(
                spec,
                splits[index],
                rows,
                start_loss=start_loss[index],
                not_finite_at=lost[index],
                steps=steps.made,
                wall_s=seconds_per_flop * spec.flops,
                engine=engine_on(device, "grouped MLPs", steps.capture),
                layers=[row for models in layers for row in models[index]],
            )
        )
    return runs


class SliceOptimizer:
    """torch.optim.AdamW over the parameters of neighbouring models, so that others of the group may have another learning rate."""

    def __init__(self, model: GroupedMLP, models: slice, spec: MLPSpec):
        self.model, self.models, self.views = model, models, model.parameters_of(models)
        self.optimizer = torch.optim.AdamW(
            self.views, lr=spec.lr, weight_decay=spec.weight_decay, fused=True, capturable=captures(model.first.device)
        )

    def step(self) -> None:
        """One update from the gradients that the model holds."""
        for view, gradient in zip(self.views, self.model.gradients_of(self.models)):
            view.grad = gradient
        self.optimizer.step()


def optimizers_of(model: GroupedMLP, specs: Sequence[MLPSpec]) -> list[SliceOptimizer] | list[StackedSGD]:
    """Those that together update every model: of Adam one for each stretch of neighbours with the same rate and weight decay, of SGD one
    for all. Raises ValueError for an unknown optimizer, or weight decay with SGD (whose decay in PyTorch is not decoupled)."""
    return optimizers_per_rate(model, specs) if specs[0].optimizer == "adam" else [StackedSGD(model, specs)]


def optimizers_per_rate(model: GroupedMLP, specs: Sequence[MLPSpec]) -> list[SliceOptimizer]:
    """One fused optimizer per stretch of neighbouring models with the same learning rate and weight decay."""
    starts = [
        index
        for index, spec in enumerate(specs)
        if index == 0 or (spec.lr, spec.weight_decay) != (specs[index - 1].lr, specs[index - 1].weight_decay)
    ]
    return [
        SliceOptimizer(model, slice(start, end), specs[start]) for start, end in zip(starts, starts[1:] + [len(specs)])
    ]


def take_step(
    model: GroupedMLP, optimizers: Sequence[SliceOptimizer | StackedSGD], inputs: Tensor, labels: Tensor
) -> Tensor:
    """One update of every model on `inputs` (see `with_constant`) and `labels` [models, batch]; the mean losses [models] before it."""
    logits = model(inputs)
    loss = F.cross_entropy(logits, labels, reduction="none").mean(1)
    model.zero_grad(set_to_none=True)
    # models share no parameter, so the gradient of the sum is each one's own
    if isinstance(optimizers[0], StackedSGD):
        (loss * optimizers[0].rates).sum().backward()
        optimizers[0].step(scaled=True)
    else:
        loss.sum().backward()
        for optimizer in optimizers:
            optimizer.step()
    return loss.detach()


class _Measured:
    """The sets of a group on the device: inputs are shared, training labels differ with the noise."""

    def __init__(self, splits: Sequence[Split], device: torch.device):
        one = splits[0]
        self.train_inputs = with_constant(one.train_inputs).to(device)
        self.train_labels = torch.stack([each.train_labels for each in splits]).to(device)
        self.noisy = torch.stack([each.noisy for each in splits]).to(device)
        self.sets = {
            "train": (self.train_inputs, self.train_labels),
            "val": (with_constant(one.val_inputs).to(device), one.val_labels.to(device).expand(len(splits), -1)),
            "test": (with_constant(one.test_inputs).to(device), one.test_labels.to(device).expand(len(splits), -1)),
        }

    def start_loss(self, model: GroupedMLP) -> list[float]:
        """Train loss of each model; normalized as in training, since nothing has been seen that evaluation could normalize with."""
        model.updates_running = False
        loss = self._measure(model, ["train"])["train_loss"]
        model.updates_running = True
        return loss

    def measure_layers(self, model: GroupedMLP, epoch: int) -> list[list[dict]]:
        """For each model the rows of the table `layers` at `epoch`."""
        return [[{"epoch": epoch} | row for row in rows] for rows in layer_measures(model, *self.sets["train"])]

    def measure(self, model: GroupedMLP) -> dict[str, list[float]]:
        """Each of LOSSES and COUNTS as a list over the models."""
        model.eval()
        found = self._measure(model, list(self.sets))
        model.train()
        return found

    @torch.no_grad()
    def _measure(self, model: GroupedMLP, names: Sequence[str]) -> dict[str, list[float]]:
        totals = {
            name: torch.zeros(len(self.noisy), dtype=torch.float64, device=self.noisy.device)
            for name in LOSSES + COUNTS
        }
        for name in names:
            inputs, labels = self.sets[name]
            for start in range(0, len(inputs), CHUNK):
                end = start + CHUNK
                logits, truth = model(inputs[start:end]), labels[:, start:end]
                losses = F.cross_entropy(logits, truth, reduction="none")
                right = logits.argmax(1) == truth
                totals[f"{name}_loss"] += losses.double().sum(1)
                totals[f"{name}_correct"] += right.sum(1)
                if name == "train":
                    totals["memorized"] += (right & self.noisy[:, start:end]).sum(1)
            totals[f"{name}_loss"] /= len(inputs)
        return {name: total.tolist() for name, total in totals.items()}
