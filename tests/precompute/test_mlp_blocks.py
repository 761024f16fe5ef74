"""Fully connected networks with shortcuts and batch normalization, against the same networks as most people would write them.

In double precision: normalization divides by small deviations and enlarges what single precision rounds away.
"""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from precompute.datasets import split
from precompute.models.mlp import GroupedMLP, start_weights, with_constant
from precompute.training.grouped import optimizers_of, take_step

pytestmark = pytest.mark.usefixtures("worker_numerics")

NETWORKS = [(0, "batch"), (2, "none"), (2, "batch"), (3, "batch")]
SGD = {"start": "he", "optimizer": "sgd", "momentum": 0.9}


class Written(nn.Module):
    """z_1 = W_1 x + b_1; then blocks that add their input, each of `residual` times normalization, ReLU and a linear layer; then
    normalization, ReLU and the last linear layer. What does not fill a block comes first, without a shortcut."""

    def __init__(self, spec):
        super().__init__()
        self.residual = spec.residual
        self.linear = nn.ModuleList()
        for weight, bias in start_weights(spec):
            layer = nn.Linear(weight.shape[1], weight.shape[0])
            layer.weight.data.copy_(weight)
            layer.bias.data.copy_(bias)
            self.linear.append(layer)
        norm = (lambda: nn.BatchNorm1d(spec.width)) if spec.norm == "batch" else nn.Identity
        self.norm = nn.ModuleList(norm() for _ in range(spec.depth))

    def unit(self, layer: int, inputs: torch.Tensor) -> torch.Tensor:
        """Of hidden layer `layer`, counted from 0: what it hands to the layer behind it."""
        return self.linear[layer + 1](F.relu(self.norm[layer](inputs)))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        hidden = len(self.norm)
        z, layer = self.linear[0](inputs), 0
        while self.residual and (hidden - 1 - layer) % self.residual:
            z, layer = self.unit(layer, z), layer + 1
        while layer < hidden - 1:
            block, start = z, layer
            for layer in range(start, start + (self.residual or 1)):
                block = self.unit(layer, block)
            z, layer = (z + block if self.residual else block), layer + 1
        return self.unit(hidden - 1, z)


def weights_of(model: GroupedMLP, index: int, spec) -> dict[str, torch.Tensor]:
    """Of one network of a group, under the names of `Written`."""
    rows, width = model.rows[index], spec.width
    found = {"linear.0.weight": model.first[rows, : spec.inputs], "linear.0.bias": model.first[rows, spec.inputs]}
    for layer, (weight, bias) in enumerate(zip(model.hidden_weights, model.hidden_biases, strict=True), start=1):
        found |= {
            f"linear.{layer}.weight": weight[index, :width, :width],
            f"linear.{layer}.bias": bias[index, :width, 0],
        }
    found |= {f"linear.{spec.depth}.weight": model.last_weight[index, :, :width]}
    found |= {f"linear.{spec.depth}.bias": model.last_bias[index, :10, 0]}
    for layer, (scale, shift) in enumerate(zip(model.scales, model.shifts, strict=True)):
        found |= {f"norm.{layer}.weight": scale[index, :width, 0], f"norm.{layer}.bias": shift[index, :width, 0]}
    return found


@pytest.fixture
def group(dataset, make_spec):
    """Makes three networks of different widths and rates as a group, the same by hand, and the inputs and labels of 500 examples."""

    def make(residual: int, norm: str, depth: int):
        changes = SGD | {"depth": depth, "residual": residual, "norm": norm}
        specs = [make_spec(width, **changes, lr=rate) for width, rate in ((16, 1 / 16), (7, 1 / 8), (10, 1 / 32))]
        part = split(dataset, 500, 0.0, 0)
        written = [Written(spec).double() for spec in specs]
        return specs, GroupedMLP(specs).double(), written, part.train_inputs.double(), part.train_labels

    return make


@pytest.mark.parametrize(("residual", "norm"), NETWORKS)
@pytest.mark.parametrize("depth", [2, 5, 6])
def test_forward_and_gradients_are_those_of_the_network_written_out(group, residual, norm, depth):
    specs, model, networks, inputs, labels = group(residual, norm, depth)
    inputs, labels = inputs[:100], labels[:100]
    logits = model(with_constant(inputs))
    F.cross_entropy(logits, labels.expand(3, -1), reduction="none").mean(1).sum().backward()
    for index, (spec, network) in enumerate(zip(specs, networks, strict=True)):
        expected = network(inputs)
        assert torch.allclose(logits[index].T, expected, atol=1e-9)
        F.cross_entropy(expected, labels).backward()
        gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
        for name, parameter in weights_of(_gradients(model), index, spec).items():
            assert torch.allclose(parameter, gradients.pop(name), atol=1e-9), name
        assert gradients == {}


class _gradients:
    """A group's gradients in the places of its parameters."""

    def __init__(self, model: GroupedMLP):
        self.rows, self.first = model.rows, model.first.grad
        self.last_weight, self.last_bias = model.last_weight.grad, model.last_bias.grad
        for name in ("hidden_weights", "hidden_biases", "scales", "shifts"):
            setattr(self, name, [parameter.grad for parameter in getattr(model, name)])


@pytest.mark.parametrize(("residual", "norm"), NETWORKS)
def test_ten_steps_of_sgd_with_momentum_end_at_the_same_weights(group, residual, norm):
    specs, model, networks, examples, labels = group(residual, norm, 6)
    optimizers = optimizers_of(model, specs)
    others = [
        torch.optim.SGD(network.parameters(), lr=spec.lr, momentum=spec.momentum)
        for spec, network in zip(specs, networks, strict=True)
    ]
    inputs = with_constant(examples)
    for step in range(10):
        batch = slice(50 * step, 50 * step + 50)
        losses = take_step(model, optimizers, inputs[batch], labels[batch].expand(3, -1))
        for index, (network, optimizer) in enumerate(zip(networks, others, strict=True)):
            optimizer.zero_grad()
            loss = F.cross_entropy(network(examples[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            assert abs(losses[index] - loss) < 1e-6, step
    model.eval()
    logits = model(inputs)
    for index, (spec, network) in enumerate(zip(specs, networks, strict=True)):
        theirs = dict(network.named_parameters())
        for name, ours in weights_of(model, index, spec).items():
            assert torch.allclose(ours, theirs[name], atol=1e-6, rtol=0), name
        # evaluation normalizes with the running statistics, which ten batches have moved
        assert torch.allclose(logits[index].T, network.eval()(examples), atol=1e-6)


def test_a_shortcut_passes_what_it_carries_untouched(group):
    """With zeroed weights in its blocks, a residual network is its first layer and its last."""
    specs, model, _, inputs, _ = group(2, "none", 7)
    inputs = inputs[:20]
    with torch.no_grad():
        for parameter in (*model.hidden_weights, *model.hidden_biases):
            parameter.zero_()
        logits = model(with_constant(inputs))
    for index, spec in enumerate(specs):
        weights = weights_of(model, index, spec)
        first = F.linear(inputs, weights["linear.0.weight"], weights["linear.0.bias"])
        expected = F.linear(F.relu(first), weights["linear.7.weight"], weights["linear.7.bias"])
        assert torch.allclose(logits[index].T, expected, atol=1e-9)


@pytest.mark.parametrize("depth", [1, 2])
def test_without_room_for_a_block_both_networks_are_the_same(group, depth):
    (_, plain, _, examples, _), (_, residual, _, _, _) = (group(span, "batch", depth) for span in (0, 2))
    inputs = with_constant(examples[:50])
    assert torch.equal(plain(inputs), residual(inputs))
