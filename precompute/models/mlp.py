"""Fully connected networks of one padded width, trained side by side on the same minibatches."""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from precompute.models.activations import ACTIVATIONS
from precompute.spec import CLASSES, PADDING, MLPSpec, padded
from precompute.streams import stream

BOUNDS: dict[str, Callable[[int, int], float]] = {
    "torch": lambda fan_in, fan_out: 1 / math.sqrt(fan_in),
    "xavier": lambda fan_in, fan_out: math.sqrt(6 / (fan_in + fan_out)),
    "he": lambda fan_in, fan_out: math.sqrt(6 / fan_in),
}
"""By start: weights are uniform within it. Glorot & Bengio 2010, equation 16; He et al. 2015 (arXiv 1502.01852), equation 10."""


def start_weights(spec: MLPSpec) -> list[tuple[Tensor, Tensor]]:
    """(weight [out, in], bias [out]) of each layer, uniform within the bound of `spec.start`; biases are zero but for "torch", which starts
    them as torch.nn.Linear does, like its weights.

    Keyed by shape and seed and not by label noise, learning rate, function or start, so that a change of those is paired: two starts
    differ by one factor a layer, and in the biases. Raises ValueError for an unknown start.
    """
    if spec.start not in BOUNDS:
        raise ValueError(f"no start {spec.start!r}; starts: {', '.join(BOUNDS)}")
    generator = stream("init", spec.inputs, spec.width, spec.depth, spec.seed)
    layers = []
    for fan_in, fan_out in zip([spec.inputs] + [spec.width] * spec.depth, [spec.width] * spec.depth + [CLASSES]):
        bound = BOUNDS[spec.start](fan_in, fan_out)
        weight = torch.empty(fan_out, fan_in).uniform_(-bound, bound, generator=generator)
        bias = torch.empty(fan_out).uniform_(-bound, bound, generator=generator)
        layers.append((weight, bias if spec.start == "torch" else torch.zeros(fan_out)))
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

    A plain network of D hidden layers is z_1 = W_1 x + b_1, z_(l+1) = W_(l+1) f(N(z_l)) + b_(l+1), with z_(D+1) the logits; N is batch
    normalization, where `norm` asks for it. A residual one has the same weights. The last D - 1 hidden layers are cut into blocks
    of `residual` layers, what is left over stays plain behind the first layer, and each block adds its input to its output:
    z_(l+2) = z_l + W_(l+2) f(N(W_(l+1) f(N(z_l)) + b_(l+1))) + b_(l+2) for blocks of two layers. That is the pre-activation block of
    He et al. 2016 (arXiv 1603.05027): what passes along the shortcuts is never touched. With an even depth and blocks of two, the first
    two layers are plain, and at depth 2 both networks are the same.
    """

    def __init__(self, specs: Sequence[MLPSpec]):
        """`specs` share inputs, depth, activation, padded width, residual and norm; ValueError otherwise, and for unknown names."""
        super().__init__()
        one = specs[0]
        if len({(s.inputs, s.depth, s.activation, s.padded_width, s.residual, s.norm) for s in specs}) != 1:
            raise ValueError("models of a group share inputs, depth, activation, padded width, residual and norm")
        if one.activation not in ACTIVATIONS or one.norm not in ("none", "batch"):
            raise ValueError(f"no activation {one.activation!r}, or no norm {one.norm!r}")
        models, width, self.inputs = len(specs), one.padded_width, one.inputs
        self.activation = ACTIVATIONS[one.activation]
        self.residual, self.stem = one.residual, (one.depth - 1) % one.residual + 1 if one.residual else one.depth
        """Layers that a block spans, and how many come before the first block."""
        ends = list(itertools.accumulate(spec.width for spec in specs))
        self.rows = [slice(end - spec.width, end) for spec, end in zip(specs, ends)]
        """Which rows of `first` are whose."""
        # one row of zeros for the padded units, then up to a multiple of PADDING: see there
        rows = padded(ends[-1] + (ends[-1] < models * width))
        self.first = nn.Parameter(torch.zeros(rows, padded(one.inputs + 1)))
        self.hidden_weights = nn.ParameterList(torch.zeros(models, width, width) for _ in range(one.depth - 1))
        self.hidden_biases = nn.ParameterList(torch.zeros(models, width, 1) for _ in range(one.depth - 1))
        self.last_weight = nn.Parameter(torch.zeros(models, CLASSES, width))
        # padded like the units: an update of 10 numbers ends in a scalar remainder whose rounding depends on the neighbours
        self.last_bias = nn.Parameter(torch.zeros(models, PADDING, 1))
        learned, normed = self.activation.learned_slope, one.depth if one.norm == "batch" else 0
        self.slopes = nn.ParameterList(
            [] if learned is None else [torch.full((models, PADDING), learned) for _ in range(one.depth)]
        )
        self.scales = nn.ParameterList(torch.ones(models, width, 1) for _ in range(normed))
        self.shifts = nn.ParameterList(torch.zeros(models, width, 1) for _ in range(normed))
        self.register_buffer(
            "running", torch.tensor([0.0, 1.0]).repeat(normed, models * width, 1).transpose(1, 2).clone()
        )
        """[hidden layers, 2, models * width] mean and variance that evaluation normalizes with."""
        self.updates_running = True
        """Whether a pass in training enters its batch into `running`."""
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
            at_zero = self.activation.function(torch.zeros(1, 1), *([] if learned is None else [torch.ones(1)]))
        self.layout: Tensor | None
        self.real: Tensor | None
        self.register_buffer("layout", layout.flatten() if ends[-1] < models * width else None)
        # a padded unit that is not 0 would give its weights out a gradient
        self.register_buffer("real", None if self.layout is None or not at_zero.any() else self.is_unit())

    def is_unit(self) -> Tensor:
        """[models, padded width, 1] 1 for a unit of a network and 0 for padding."""
        widths = torch.tensor([rows.stop - rows.start for rows in self.rows], device=self.first.device)
        return (torch.arange(self.last_weight.shape[2], device=widths.device) < widths[:, None]).float()[:, :, None]

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

    def forward(self, inputs: Tensor, watch: Callable[[int, Tensor, Tensor], None] | None = None) -> Tensor:
        """Logits [models, classes, examples] of `inputs` as `with_constant` lays them out.

        `watch` is told each hidden layer, counted from 1, with what enters its activation and what leaves it, [models, width, examples].
        """
        models, _, width = self.last_weight.shape
        outputs = self.first @ inputs.T
        if self.layout is not None:
            outputs = outputs.index_select(0, self.layout)
        outputs = outputs.view(models, width, len(inputs))
        shortcut = None
        for layer in range(1, len(self.hidden_weights) + 2):
            if self.residual and layer >= self.stem and (layer - self.stem) % self.residual == 0:
                outputs = shortcut = outputs if shortcut is None else outputs + shortcut
            entering = self._normalized(layer, outputs) if self.scales else outputs
            units = self._activated(layer, entering)
            if watch is not None:
                watch(layer, entering, units)
            if layer <= len(self.hidden_weights):
                outputs = torch.baddbmm(self.hidden_biases[layer - 1], self.hidden_weights[layer - 1], units)
        return torch.baddbmm(self.last_bias[:, :CLASSES], self.last_weight, units)

    def slopes_of(self, layer: int) -> list[Tensor]:
        """What the function of a hidden layer, counted from 1, takes besides its input, for one row a unit and model; mostly nothing."""
        if not self.slopes:
            return []
        return [self.slopes[layer - 1][:, :1].expand(-1, self.last_weight.shape[2]).reshape(-1)]

    def _activated(self, layer: int, entering: Tensor) -> Tensor:
        if self.slopes:  # prelu takes a slope for each place along dimension 1
            units = self.activation.function(entering.reshape(1, -1, entering.shape[2]), *self.slopes_of(layer))
            units = units.view(entering.shape)
        else:
            units = self.activation.function(entering)
        return units if self.real is None else units * self.real

    def _normalized(self, layer: int, outputs: Tensor) -> Tensor:
        """Over the examples of the batch in training, with the running statistics in evaluation; as torch.nn.BatchNorm1d."""
        mean, variance = self.running[layer - 1]
        keeps = not self.training or self.updates_running
        normalized = F.batch_norm(
            outputs.reshape(1, -1, outputs.shape[2]),
            mean if keeps else None,
            variance if keeps else None,
            self.scales[layer - 1].view(-1),
            self.shifts[layer - 1].view(-1),
            training=self.training,
            momentum=0.1,
            eps=1e-5,
        )
        return normalized.view(outputs.shape)
