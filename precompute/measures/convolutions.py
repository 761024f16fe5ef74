"""What happens inside a convolutional network: the gradient, the pre-activations and the idle units of every layer with weights."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from precompute.measures.finite import finite
from precompute.measures.untouched import untouched
from precompute.models.activations import SATURATED, ActivationLayer, slope
from precompute.models.normalization import LayerNoise, PowerMeanNorm

BATCH = 125
"""Examples at once. Batch normalization takes its mean and variance over them, as over about as many in training."""
GRADIENT_EXAMPLES = 1000


@dataclass(frozen=True)
class Layer:
    """A layer with weights, and the modules that say what it answers."""

    weight: nn.Parameter
    response: nn.Module
    """Its output is the layer's pre-activation: after its normalization (and noise) where there is one, before the activation, and in a residual
    network before the sum with the shortcut (the layer response of He et al. 2015, figure 7)."""
    activation: ActivationLayer | None
    """What follows; its input is the response, or the sum with the shortcut. None for the last layer."""


def layers_of(network: nn.Module) -> list[Layer]:
    """The convolutions and linear layers of a network whose modules are registered in the order in which they compute."""
    found: list[list] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            found.append([module.weight, module, None])
        elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm | PowerMeanNorm | LayerNoise):
            found[-1][1] = module
        elif isinstance(module, ActivationLayer):
            found[-1][2] = module
    return [Layer(*each) for each in found]


def layer_rows(network: nn.Module, inputs: Tensor, labels: Tensor) -> list[dict[str, float | int | None]]:
    """Rows of the table `layers`, without run and epoch, from the training set `inputs` and `labels`.

    Everything is taken in training mode, as a step would see it, in batches of BATCH as they lie, and the network stays as it was. A unit of a convolution is a channel: it is dead when its activation is 0 at every place of every example. The gradient
    is of the mean loss on the first GRADIENT_EXAMPLES. What is not finite in fp32 is None.
    """
    layers = layers_of(network)
    with untouched(network):
        network.train()
        norms = _gradient_norms(network, layers, inputs[:GRADIENT_EXAMPLES], labels[:GRADIENT_EXAMPLES])
        answers = _answers(network, layers, inputs)
    return [
        {"layer": number} | {name: finite(value) for name, value in ({"gradient_norm": norm} | answer).items()}
        for number, (norm, answer) in enumerate(zip(norms, answers, strict=True), start=1)
    ]


def _gradient_norms(network: nn.Module, layers: list[Layer], inputs: Tensor, labels: Tensor) -> list[float]:
    weights = [layer.weight for layer in layers]
    totals = [torch.zeros_like(weight) for weight in weights]
    for batch, truth in zip(inputs.split(BATCH), labels.split(BATCH), strict=True):
        loss = F.cross_entropy(network(batch), truth, reduction="sum") / len(inputs)
        for total, gradient in zip(totals, torch.autograd.grad(loss, weights), strict=True):
            total += gradient
    return [float(total.norm()) for total in totals]


@torch.no_grad()
def _answers(network: nn.Module, layers: list[Layer], inputs: Tensor) -> list[dict[str, float | None]]:
    """Mean and standard deviation of each layer's pre-activation, and the shares of dead units and of saturated activations."""
    seen = [_Seen(layer) for layer in layers]
    try:
        for batch in inputs.split(BATCH):
            network(batch)
        return [each.told() for each in seen]
    finally:
        for each in seen:
            each.unhook()


class _Seen:
    """Sums over what one layer answers while it is hooked."""

    def __init__(self, layer: Layer):
        self.sum, self.squares, self.saturated, self.count = 0.0, 0.0, 0, 0
        self.alive: Tensor | None = None  # bool [channels]
        self.hooks = [layer.response.register_forward_hook(self._add_response)]
        if layer.activation is not None:
            self.hooks.append(layer.activation.register_forward_hook(self._add_activation))

    def _add_response(self, _: nn.Module, __: tuple, response: Tensor) -> None:
        response = response.double()
        self.sum += response.sum()
        self.squares += response.square().sum()
        self.count += response.numel()

    def _add_activation(self, layer: ActivationLayer, inputs: tuple[Tensor], made: Tensor) -> None:
        answers = (made != 0).any(0)  # [channels, height, width], or [units] of a linear layer
        alive = answers.reshape(len(answers), -1).any(1)
        self.alive = alive if self.alive is None else self.alive | alive
        learned = [] if layer.slope is None else [layer.slope]
        largest = max(layer.activation.largest_slope, *(float(each.abs().max()) for each in learned), 0.0)
        self.saturated += (slope(layer.activation, inputs[0], *learned).abs() < SATURATED * largest).sum()

    def told(self) -> dict[str, float | None]:
        mean = float(self.sum) / self.count
        variance = float(self.squares) / self.count - mean**2
        told = {"preactivation_mean": mean, "preactivation_sd": max(variance, 0.0) ** 0.5}
        if self.alive is None:
            return told | {"dead": None, "saturated": None}
        return told | {"dead": 1 - float(self.alive.double().mean()), "saturated": float(self.saturated) / self.count}

    def unhook(self) -> None:
        for hook in self.hooks:
            hook.remove()
