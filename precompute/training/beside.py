"""Trains convolutional networks of one architecture beside each other, as a card that one of them does not fill asks for.

They may differ in their seed, their label noise and their learning rate. Each sees its own minibatches, those that it would see alone, and
its results are those that it would have alone but for rounding.
"""

import contextlib
import time
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from precompute.datasets import Dataset, split, with_noise
from precompute.image_spec import ImageSpec
from precompute.models.beside import Beside
from precompute.training import single
from precompute.training.captured import Steps, captures, engine_on, none_lost, set_rates
from precompute.training.run import Run, evaluation_epochs, finished

WAYS = ("grouped convolutions", "streams")
"""One network whose convolutions are in groups; or each for itself, on streams of the card that run at the same time."""


def train(specs: Sequence[ImageSpec], dataset: Dataset, device: torch.device, way: str = "") -> list[Run]:
    """Trains `specs` beside each other by `way`, one of WAYS, or where it is empty or there is one specification, one by one."""
    if not way or len(specs) == 1:
        return single.train(specs, dataset, device)
    return train_beside(specs, dataset, device, way)


def train_beside(specs: Sequence[ImageSpec], dataset: Dataset, device: torch.device, way: str) -> list[Run]:
    """Trains all of `specs`, which share their `beside_key`, and measures each at log-spaced epochs."""
    begun, one = time.perf_counter(), specs[0]
    whole = {spec.seed: split(dataset, spec.n_train, 0.0, spec.seed, spec.side) for spec in specs}  # the last of a seed
    held = {seed: single.sets_on(device, data, one) for seed, data in whole.items()}
    splits = [with_noise(whole[spec.seed], dataset, spec.label_noise, spec.seed) for spec in specs]
    sets = [
        held[spec.seed] | {"train": (held[spec.seed]["train"][0], data.train_labels.to(device))}
        for spec, data in zip(specs, splits, strict=True)
    ]
    noisy = [data.noisy.to(device) for data in splits]
    training = Together(specs, [each["train"] for each in sets], way)

    def measured() -> list[dict]:
        return [single.measure(network, *told) for network, *told in zip(training.networks, sets, noisy, strict=True)]

    start_losses = [
        single.start_loss(network, *each["train"]) for network, each in zip(training.networks, sets, strict=True)
    ]
    when, rows = evaluation_epochs(one.epochs, one.evaluations), [[] for _ in specs]
    evaluated = 0
    for epoch in range(1, one.epochs + 1):
        for network in training.networks:
            network.train()
        for batch in training.of_an_epoch():
            training.step(batch)
        if epoch == when[evaluated]:
            evaluated += 1
            for own, found in zip(rows, measured(), strict=True):
                own.append({"epoch": epoch, "step": training.steps.made} | found)
    lost = training.steps.not_finite_at.tolist()
    seconds_per_flop = (time.perf_counter() - begun) / sum(spec.flops for spec in specs)
    runs = [
        finished(
            spec,
            splits[place],
            rows[place],
            start_loss=start_losses[place],
            not_finite_at=lost[place],
            steps=training.steps.made,
            wall_s=seconds_per_flop * spec.flops,
            engine=engine_on(device, f"{len(specs)} networks, {way}", training.steps.capture),
        )
        for place, spec in enumerate(specs)
    ]
    for run in runs:
        run.precision = training.precision
    return runs


class Together:
    """Networks with one optimizer, each with minibatches of its own, on the device of their training sets."""

    def __init__(
        self,
        specs: Sequence[ImageSpec],
        training_sets: Sequence[tuple[Tensor, Tensor]],
        way: str,
        capture: bool | None = None,
    ):
        """`training_sets` are images [n, 3, side, side] and labels [n] of each. Raises ValueError for specifications that differ in more
        than their `beside_key` allows, for layers that are measured on the way, and for an unknown way."""
        one, device = specs[0], training_sets[0][0].device
        if len({spec.beside_key for spec in specs}) != 1 or one.layer_measures or getattr(one, "probes", 0):
            raise ValueError(
                "networks beside each other differ in seed, label noise and rate alone, and have no layers measured"
            )
        if way not in WAYS:
            raise ValueError(f"no way {way!r}; ways: {', '.join(WAYS)}")
        self.specs, self.way = specs, way
        self.networks = [
            single.NETWORKS[type(spec)](spec).to(device, memory_format=torch.channels_last) for spec in specs
        ]
        self.whole = Beside(self.networks) if way == "grouped convolutions" else None
        for network in [*self.networks, *([] if self.whole is None else [self.whole])]:
            self.precision = single.set_precision(network, one, device)
        self.optimizer = single.make_optimizer(list(zip(self.networks, specs, strict=True)))
        seeds = list(dict.fromkeys(spec.seed for spec in specs))
        self.of_seed = [seeds.index(spec.seed) for spec in specs]
        """Which of the minibatches each network sees."""
        self.batches = [
            single.Batches(training_sets[self.of_seed.index(place)][0], specs[self.of_seed.index(place)])
            for place in range(len(seeds))
        ]
        self.which = torch.tensor(self.of_seed, device=device)
        self.labels = torch.stack([labels for _, labels in training_sets])
        capture = captures(device) if capture is None else capture
        self.streams = [torch.cuda.Stream() for _ in specs] if device.type == "cuda" and way == "streams" else []
        self.steps = Steps(self._update, none_lost(len(specs), device), capture=capture)

    def of_an_epoch(self):
        """Yields the places of each batch in the training set of each seed, [seeds, batch]."""
        for batches in zip(*(each.of_an_epoch() for each in self.batches), strict=True):
            yield torch.stack(batches)

    def step(self, batch: Tensor) -> None:
        """One update of every network on the examples at the places `batch` [seeds, batch]."""
        factor = single.rate_at(self.specs[0].schedule, self.steps.made, self.specs[0].updates)
        set_rates(self.optimizer, [spec.rate * factor for spec in self.specs])
        self.steps(batch)

    def _update(self, places: Tensor) -> Tensor:
        seen = [batches.images(own) for batches, own in zip(self.batches, places, strict=True)]
        self.optimizer.zero_grad(set_to_none=True)
        truth = self.labels.gather(1, places.index_select(0, self.which))
        losses = self._grouped(seen, truth) if self.whole is not None else self._on_streams(seen, truth)
        self.optimizer.step()
        return losses

    def _grouped(self, seen: Sequence[Tensor], truth: Tensor) -> Tensor:
        """Gradients of all networks on the images of each seed and the labels [networks, batch], and the losses."""
        logits = self.whole(torch.cat([seen[seed] for seed in self.of_seed], dim=1))
        losses = F.cross_entropy(logits.transpose(1, 2), truth, reduction="none").mean(1)
        self.whole.zero_grad(set_to_none=True)
        losses.sum().backward()  # networks share no parameter
        self.whole.hand_out_gradients()
        return losses.detach()

    def _on_streams(self, seen: Sequence[Tensor], truth: Tensor) -> Tensor:
        """The same, network by network, at the same time on a card."""
        losses = []
        for model, network in enumerate(self.networks):
            with self._aside(model):
                loss = F.cross_entropy(network(seen[self.of_seed[model]]), truth[model])
                loss.backward()
                losses.append(loss.detach())
        for stream in self.streams:
            torch.cuda.current_stream().wait_stream(stream)
        return torch.stack(losses)

    def _aside(self, model: int):
        """The stream of a network, behind what was asked of the card so far; on a CPU nothing."""
        if not self.streams:
            return contextlib.nullcontext()
        self.streams[model].wait_stream(torch.cuda.current_stream())
        return torch.cuda.stream(self.streams[model])
