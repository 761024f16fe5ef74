"""Fully connected networks of one padded width, trained side by side on the same minibatches."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from precompute.spec import CLASSES, PADDING, MLPSpec, padded
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
    """`inputs` [examples, features] with a column of ones behind it, then zeros up to a multiple of PADDING.

    The weights of the ones are the first layer's biases: as a separate sum, their gradient would round differently beside
    other models. The zeros make a row of weights whole vectors, so that an update of some rows has no remainder.
    """
    ones = torch.cat([inputs, torch.ones(len(inputs), 1)], dim=1)
    return F.pad(ones, (0, padded(ones.shape[1]) - ones.shape[1]))


class GroupedMLP(nn.Module):
    """M networks that see the same inputs. The first layer is one product over all of them, later layers are batched.

    The first layer holds the units of all networks row below row, without gaps: it is where the time goes. For the later
    layers each network's units are laid out in its padded width; padded units have no weights in or out.
    """

    def __init__(self, specs: Sequence[MLPSpec]):
        """`specs` share inputs, depth, activation and padded width; ValueError otherwise."""
        super().__init__()
        if len({(spec.inputs, spec.depth, spec.activation, spec.padded_width) for spec in specs}) != 1:
            raise ValueError("models of a group share inputs, depth, activation and padded width")
        models, width = len(specs), specs[0].padded_width
        self.activation = ACTIVATIONS[specs[0].activation]
        ends = list(itertools.accumulate(spec.width for spec in specs))
        self.rows = [slice(end - spec.width, end) for spec, end in zip(specs, ends)]
        """Which rows of `first` are whose."""
        # one row of zeros for the padded units, then up to a multiple of PADDING: see there
        rows = padded(ends[-1] + (ends[-1] < models * width))
        self.first = nn.Parameter(torch.zeros(rows, padded(specs[0].inputs + 1)))
        self.hidden_weights = nn.ParameterList(torch.zeros(models, width, width) for _ in range(specs[0].depth - 1))
        self.hidden_biases = nn.ParameterList(torch.zeros(models, width, 1) for _ in range(specs[0].depth - 1))
        self.last_weight = nn.Parameter(torch.zeros(models, CLASSES, width))
        # padded like the units: an update of 10 numbers ends in a scalar remainder whose rounding depends on the neighbours
        self.last_bias = nn.Parameter(torch.zeros(models, PADDING, 1))
        layout = torch.full((models, width), ends[-1])
        with torch.no_grad():
            for model, (spec, rows) in enumerate(zip(specs, self.rows)):
                (weight, bias), *hidden, (last_weight, last_bias) = start_weights(spec)
                self.first[rows, : spec.inputs + 1] = torch.cat([weight, bias[:, None]], dim=1)
                layout[model, : spec.width] = torch.arange(rows.start, rows.stop)
                for layer, (weight, bias) in enumerate(hidden):
                    self.hidden_weights[layer][model, : spec.width, : spec.width] = weight
                    self.hidden_biases[layer][model, : spec.width, 0] = bias
                self.last_weight[model, :, : spec.width] = last_weight
                self.last_bias[model, :CLASSES, 0] = last_bias
        self.layout: Tensor | None
        self.register_buffer("layout", layout.flatten() if ends[-1] < models * width else None)

    def parameters_of(self, models: slice) -> list[Tensor]:
        """Views of the parameters of neighbouring models; an update of a view is an update of the model."""
        rows = slice(self.rows[models][0].start, self.rows[models][-1].stop)
        first, *stacked = self.parameters()
        return [first.detach()[rows], *(parameter.detach()[models] for parameter in stacked)]

    def gradients_of(self, models: slice) -> list[Tensor]:
        """The gradients of `parameters_of`, as views."""
        rows = slice(self.rows[models][0].start, self.rows[models][-1].stop)
        first, *stacked = self.parameters()
        return [first.grad[rows], *(parameter.grad[models] for parameter in stacked)]

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits [models, classes, examples] of `inputs` as `with_constant` lays them out."""
        models, _, width = self.last_weight.shape
        units = self.activation(self.first @ inputs.T)
        if self.layout is not None:
            units = units.index_select(0, self.layout)
        units = units.view(models, width, len(inputs))
        for weight, bias in zip(self.hidden_weights, self.hidden_biases):
            units = self.activation(torch.baddbmm(bias, weight, units))
        return torch.baddbmm(self.last_bias[:, :CLASSES], self.last_weight, units)
