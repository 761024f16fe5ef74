"""Fully connected networks of one padded width, trained side by side on the same minibatches."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from precompute.spec import CLASSES, PADDING, MLPSpec
from precompute.streams import stream

ACTIVATIONS = {"relu": F.relu}


def start_weights(spec: MLPSpec) -> list[tuple[Tensor, Tensor]]:
    """(weight [out, in], bias [out]) of each layer as torch.nn.Linear starts them: uniform within 1 / sqrt(in).

    Keyed by shape and seed and not by label noise or learning rate, so that a change of those is paired.
    """
    generator = stream("init", spec.inputs, spec.width, spec.depth, spec.seed)
    layers = []
    for fan_in, fan_out in zip([spec.inputs] + [spec.width] * spec.depth, [spec.width] * spec.depth + [CLASSES]):
        bound = 1 / math.sqrt(fan_in)
        weight = torch.empty(fan_out, fan_in).uniform_(-bound, bound, generator=generator)
        layers.append((weight, torch.empty(fan_out).uniform_(-bound, bound, generator=generator)))
    return layers


def with_constant(inputs: Tensor) -> Tensor:
    """`inputs` [examples, features] with a column of ones behind it, whose weights are the first layer's biases.

    As a separate sum, the gradient of the biases would round differently beside other models.
    """
    return torch.cat([inputs, torch.ones(len(inputs), 1)], dim=1)


class GroupedMLP(nn.Module):
    """M networks that see the same inputs. The first layer is one product over all of them, later layers are batched."""

    def __init__(self, specs: Sequence[MLPSpec]):
        """`specs` share depth, activation and padded width; ValueError otherwise."""
        super().__init__()
        if len({(spec.inputs, spec.depth, spec.activation, spec.padded_width) for spec in specs}) != 1:
            raise ValueError("models of a group share inputs, depth, activation and padded width")
        models, width = len(specs), specs[0].padded_width
        self.activation = ACTIVATIONS[specs[0].activation]
        self.first = nn.Parameter(torch.zeros(models, width, specs[0].inputs + 1))
        self.hidden_weights = nn.ParameterList(torch.zeros(models, width, width) for _ in range(specs[0].depth - 1))
        self.hidden_biases = nn.ParameterList(torch.zeros(models, width, 1) for _ in range(specs[0].depth - 1))
        self.last_weight = nn.Parameter(torch.zeros(models, CLASSES, width))
        # padded like the units: an update of 10 numbers ends in a scalar remainder whose rounding depends on the neighbours
        self.last_bias = nn.Parameter(torch.zeros(models, PADDING, 1))
        with torch.no_grad():
            for model, spec in enumerate(specs):
                (weight, bias), *hidden, (last_weight, last_bias) = start_weights(spec)
                self.first[model, : spec.width] = torch.cat([weight, bias[:, None]], dim=1)
                for layer, (weight, bias) in enumerate(hidden):
                    self.hidden_weights[layer][model, : spec.width, : spec.width] = weight
                    self.hidden_biases[layer][model, : spec.width, 0] = bias
                self.last_weight[model, :, : spec.width] = last_weight
                self.last_bias[model, :CLASSES, 0] = last_bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits [models, classes, examples] of `inputs` [examples, features + 1], the last column ones."""
        models, width, features = self.first.shape
        first = self.first.view(models * width, features) @ inputs.T
        units = self.activation(first).view(models, width, len(inputs))
        for weight, bias in zip(self.hidden_weights, self.hidden_biases):
            units = self.activation(torch.baddbmm(bias, weight, units))
        return torch.baddbmm(self.last_bias[:, :CLASSES], self.last_weight, units)
