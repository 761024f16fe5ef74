"""Probes of Santurkar et al. 2018 (arXiv 1805.11604) at one step of training: the loss along the current gradient, internal covariate
shift, and the drift of what each layer is fed. They are of one network at one step, not of a band over runs."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from precompute.measures.finite import finite
from precompute.measures.untouched import noise_of, set_noise, untouched

Row = dict[str, float | int | None]


def probe(
    network: nn.Module, loss: Callable[[], Tensor], rate: float, distances: Sequence[float]
) -> tuple[Row, list[Row]]:
    """A row of the table `probes` and those of `shifts`, without run and step, of the step of plain gradient descent that is about to be
    made: `loss()` is the loss of its batch, `rate` its learning rate, `distances` the lengths of the moves in units of the gradient.

    Everything is in training mode, over the step's own batch, and every evaluation of the loss has the noise that the step will have.
    The network is left untouched, bit for bit, its gradients too. What is not finite in fp32 is None.
    """
    with untouched(network):
        network.train()
        step = _Step(network, loss)
        return step.along_the_gradient(distances), step.shifts(rate)


class _Step:
    """The network and its gradient before the step."""

    def __init__(self, network: nn.Module, loss: Callable[[], Tensor]):
        self.network, self.loss, self.noise = network, loss, noise_of(network)
        self.layers = parameters_by_layer(network)
        self.parameters = [each for layer in self.layers for each in layer]
        self.start = [each.detach().clone() for each in self.parameters]
        with fed(network) as self.inputs:
            value = loss()
        self.value = float(value.detach())
        self.gradient = list(torch.autograd.grad(value, self.parameters))

    def along_the_gradient(self, distances: Sequence[float]) -> Row:
        norm = _norm(self.gradient)
        losses, changes = [], []
        for distance in distances:
            self._move(self.parameters, distance)
            loss = self._again()
            gradient = torch.autograd.grad(loss, self.parameters)
            losses.append(float(loss.detach()))
            changes.append(_norm([after - before for after, before in zip(gradient, self.gradient, strict=True)]))
        self._move(self.parameters, 0.0)
        smoothness = [change / (distance * norm) for change, distance in zip(changes, distances, strict=True) if norm]
        found = {"loss": self.value, "gradient_norm": norm}
        found |= {"loss_low": _all(min, losses), "loss_high": _all(max, losses)}
        found |= {"change_low": _all(min, changes), "change_high": _all(max, changes)}
        found["smoothness"] = _all(max, smoothness) if smoothness else None
        return {name: finite(value) for name, value in found.items()}

    def shifts(self, rate: float) -> list[Row]:
        """Of every layer but the first, which has none below it."""
        rows: list[Row] = []
        place = 0
        for number, layer in enumerate(self.layers[1:], start=2):
            self._move(self.layers[number - 2], rate)
            place += len(self.layers[number - 2])
            weight, before = layer[0], self.gradient[place]
            (after,) = torch.autograd.grad(self._again(), weight)
            rows.append({"layer": number} | _turned(before, after))
        self._move(self.layers[-1], rate)
        with torch.no_grad(), fed(self.network) as after:
            self.loss()  # the streams stand behind the step's own noise: this has the next step's
        for row, old, new in zip(rows, self.inputs[1:], after[1:], strict=True):
            row |= _drifted(old, new)
        return [{name: finite(value) for name, value in row.items()} for row in rows]

    def _move(self, parameters: Sequence[nn.Parameter], distance: float) -> None:
        """Takes `parameters` from where they were before the step along the gradient."""
        moved = {id(each) for each in parameters}
        with torch.no_grad():
            for each, start, gradient in zip(self.parameters, self.start, self.gradient, strict=True):
                if id(each) in moved:
                    each.copy_(start.sub(gradient, alpha=distance) if distance else start)

    def _again(self) -> Tensor:
        set_noise(self.network, self.noise)
        return self.loss()


def parameters_by_layer(network: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters of each convolution or linear layer, its weight first, with those of what stands behind it up to the next, of a
    network whose modules are registered in the order in which they compute."""
    layers: list[list[nn.Parameter]] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            layers.append([])
        if own := list(module.parameters(recurse=False)):
            layers[-1] += own
    return layers


@contextmanager
def fed(network: nn.Module) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """While it is open, what each convolution or linear layer is fed: mean and standard deviation, float64 [units], over the examples and
    places of each unit (a channel, in a convolution)."""
    seen: list[tuple[Tensor, Tensor]] = []

    def see(_: nn.Module, inputs: tuple[Tensor]) -> None:
        values = inputs[0].detach().double()
        over = (0, 2, 3) if values.dim() == 4 else (0,)
        seen.append((values.mean(over), values.std(over, correction=0)))

    hooks = [
        module.register_forward_pre_hook(see)
        for module in network.modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _turned(before: Tensor, after: Tensor) -> Row:
    """Definition 2.1 of the paper: the distance of the two gradients of a layer, and their cosine."""
    norms = _norm([before]), _norm([after])
    product = float((before.double() * after.double()).sum())
    there = all(norms) and all(map(math.isfinite, (*norms, product)))
    cosine = max(-1.0, min(1.0, product / (norms[0] * norms[1]))) if there else None
    return {"gradient_norm": norms[0], "gradient_change": _norm([after - before]), "cosine": cosine}


def _drifted(old: tuple[Tensor, Tensor], new: tuple[Tensor, Tensor]) -> Row:
    """Of what a layer is fed: mean and deviation over all units, examples and places, and how far the units' means and deviations are
    after the step from where they were, relative to their deviations (Euclidean norms over the units)."""
    (mean, sd), size = old, float(old[1].norm())
    whole = float((sd.square().mean() + mean.var(correction=0)).sqrt())
    drift = [float((after - before).norm()) / size if size else None for after, before in zip(new, old, strict=True)]
    return {"input_mean": float(mean.mean()), "input_sd": whole, "mean_drift": drift[0], "sd_drift": drift[1]}


def _norm(tensors: Sequence[Tensor]) -> float:
    return math.sqrt(sum(float(each.double().square().sum()) for each in tensors))


def _all(pick: Callable, values: Sequence[float]) -> float:
    """`pick` of the values, NaN where one is not finite: Python's own min and max pass over NaN."""
    return pick(values) if all(map(math.isfinite, values)) else math.nan
