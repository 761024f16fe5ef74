"""What is measured in the layers of a group of fully connected networks: the table `layers`."""

import torch
from torch import Tensor
from torch.nn import functional as F

from precompute.measures.finite import finite
from precompute.models.activations import SATURATED, slope
from precompute.models.mlp import GroupedMLP

GRADIENT_EXAMPLES = 1000
"""The gradient is of the mean loss over the first so many training examples."""
CHUNK = 1000  # examples at once


def layer_measures(model: GroupedMLP, inputs: Tensor, labels: Tensor) -> list[list[dict[str, float | int | None]]]:
    """For each network a row for each layer with weights, as the table `layers` has them, without the epoch.

    `inputs` are the whole training set as `with_constant` lays it out, `labels` [models, examples]. What enters an activation is measured
    behind the normalization where there is one, and normalized as in training, over CHUNK examples at once. The last layer has no
    activation; its outputs, the logits, are measured as they are. What is not finite in fp32 is None.
    """
    state = model.training, model.updates_running
    model.train()
    model.updates_running = False
    norms = _gradient_norms(model, inputs[:GRADIENT_EXAMPLES], labels[:, :GRADIENT_EXAMPLES])
    moments, silent, flat = _passes(model, inputs)
    model.train(state[0])
    model.updates_running = state[1]

    real = model.is_unit()[:, :, 0]
    units, classes, examples = real.sum(1), labels.new_tensor(model.last_weight.shape[1]), len(inputs)
    rows: list[list[dict]] = [[] for _ in model.rows]
    for layer, (sums, squares) in enumerate(moments):
        count = examples * (units if layer < len(silent) else classes)
        mean = sums / count
        sd = (squares / count - mean**2).clamp(min=0).sqrt()
        found = {"gradient_norm": norms[layer], "preactivation_mean": mean, "preactivation_sd": sd}
        if layer < len(silent):
            found["dead"] = (silent[layer] * real).sum(1) / units
            found["saturated"] = flat[layer] / (examples * units)
        for model_rows, *values in zip(rows, *(each.tolist() for each in found.values()), strict=True):
            told = dict(zip(found, map(finite, values), strict=True))
            model_rows.append({"layer": layer + 1, "dead": None, "saturated": None} | told)
    return rows


def _gradient_norms(model: GroupedMLP, inputs: Tensor, labels: Tensor) -> list[Tensor]:
    """By layer [models]: Euclidean norm of the gradient of the mean loss with respect to the weights, biases left out."""
    loss = F.cross_entropy(model(inputs), labels, reduction="none").mean(1).sum()
    weights = [model.first, *model.hidden_weights, model.last_weight]
    first, *later = torch.autograd.grad(loss, weights)
    first = first[:, : model.inputs]  # behind them lies the bias
    norms = [torch.stack([first[rows].double().norm() for rows in model.rows])]
    return norms + [gradient.double().flatten(1).norm(dim=1) for gradient in later]


@torch.no_grad()
def _passes(model: GroupedMLP, inputs: Tensor) -> tuple[list[tuple[Tensor, Tensor]], list[Tensor], list[Tensor]]:
    """One pass over `inputs`: by layer, sum and sum of squares [models] of what enters the activation, and last of the logits; by hidden
    layer, which units [models, width] were always zero, and how many outputs [models] lay where the function is flat."""
    moments: list[list[Tensor]] = []
    silent: list[Tensor] = []
    flat: list[Tensor] = []
    real = model.is_unit()[:, :, 0]

    def add(layer: int, values: Tensor) -> None:
        # a unit's sum over the chunk in fp32, the rest in fp64: fifty times as fast as fp64 throughout
        found = values.sum(2).double().sum(1), values.square().sum(2).double().sum(1)
        if layer > len(moments):
            moments.append(list(found))
        else:
            moments[layer - 1] = [old + new for old, new in zip(moments[layer - 1], found, strict=True)]

    def watch(layer: int, entering: Tensor, units: Tensor) -> None:
        add(layer, entering)
        zero = units.abs().amax(2) == 0
        level = ((_slopes(model, layer, entering).abs() < _flat_below(model, layer)).sum(2) * real).sum(1)
        if layer > len(silent):
            silent.append(zero)
            flat.append(level)
        else:
            silent[layer - 1] &= zero
            flat[layer - 1] += level

    for chunk in inputs.split(CHUNK):
        logits = model(chunk, watch)
        add(len(silent) + 1, logits)
    return [(sums, squares) for sums, squares in moments], silent, flat


def _slopes(model: GroupedMLP, layer: int, entering: Tensor) -> Tensor:
    flattened = entering.reshape(1, -1, entering.shape[2])
    return slope(model.activation, flattened, *model.slopes_of(layer)).view(entering.shape)


def _flat_below(model: GroupedMLP, layer: int) -> Tensor | float:
    """A hundredth of the largest slope of the function; of a learned one, of each network's."""
    if not model.slopes:
        return SATURATED * model.activation.largest_slope
    return SATURATED * model.slopes[layer - 1][:, :1, None].abs().clamp(min=model.activation.largest_slope)
