import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from precompute.measures import convolutions
from precompute.measures.convolutions import layer_rows, layers_of
from precompute.models.activations import ACTIVATIONS, ActivationLayer, slope
from precompute.models.cnn import five_layer_cnn
from precompute.models.resnet import CifarResNet
from tests.precompute.single.networks import make_spec as make_cnn
from tests.precompute.test_resnet import make_spec

pytestmark = pytest.mark.usefixtures("worker_numerics")


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(60, 3, 16, 16, generator=generator), torch.randint(10, (60,), generator=generator)


def test_the_layers_of_a_network_are_found_in_order():
    network = CifarResNet(make_spec(8))
    layers = layers_of(network)
    assert len(layers) == 8
    assert layers[0].weight is network.stem[0].weight and layers[0].response is network.stem[1]
    block = network.blocks[1]
    assert (layers[3].response, layers[3].activation) == (block.norm1, block.relu1)
    assert (layers[4].response, layers[4].activation) == (block.norm2, block.relu2)
    assert layers[7].weight is network.last.weight and layers[7].response is network.last
    assert layers[7].activation is None
    bare = layers_of(five_layer_cnn(make_cnn(norm="none")))
    assert all(isinstance(layer.response, nn.Conv2d) for layer in bare[:4]) and len(bare) == 5


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "prelu", "hardtanh"])
@pytest.mark.parametrize("norm", ["batch", "none"])
def test_rows_of_the_five_layer_network_equal_a_plain_loop(data, norm, activation):
    """One batch, so that the plain loop may take its mean and variance over all examples."""
    inputs, labels = data
    network = five_layer_cnn(make_cnn(norm=norm, activation=activation))
    if activation == "relu":
        channel = network[1] if norm == "batch" else network[0]
        channel.bias.data[2] = -1e3  # a unit that dies
        if norm == "none":
            channel.weight.data[2] = 0
    rows = layer_rows(network, inputs, labels)
    assert [row["layer"] for row in rows] == [1, 2, 3, 4, 5]

    table, seen = ACTIVATIONS[activation], inputs
    network.train()
    for module in network:
        made = module(seen)
        if isinstance(module, ActivationLayer):
            row, learned = rows.pop(0), [] if module.slope is None else [module.slope]
            assert row["preactivation_mean"] == pytest.approx(seen.mean().item(), rel=1e-4, abs=1e-5)
            assert row["preactivation_sd"] == pytest.approx(seen.std(correction=0).item(), rel=1e-4)
            dead = [bool((made[:, unit] == 0).all()) for unit in range(made.shape[1])]
            assert row["dead"] == pytest.approx(sum(dead) / len(dead), abs=1e-12)
            flat = slope(table, seen, *learned).abs() < 0.01 * table.largest_slope
            assert row["saturated"] == pytest.approx(flat.double().mean().item(), abs=1e-12)
            if len(rows) == 4:
                assert row["dead"] == (0.25 if activation == "relu" else 0)
        seen = made
    (last,) = rows
    assert last["preactivation_mean"] == pytest.approx(seen.mean().item(), rel=1e-4, abs=1e-6)
    assert last["dead"] is None and last["saturated"] is None


def test_gradients_are_of_the_mean_loss_over_the_first_examples_in_batches(data, monkeypatch):
    inputs, labels = data
    monkeypatch.setattr(convolutions, "GRADIENT_EXAMPLES", 50)
    monkeypatch.setattr(convolutions, "BATCH", 20)
    network = CifarResNet(make_spec(8))
    rows = layer_rows(network, inputs, labels)
    loss = sum(
        F.cross_entropy(network(inputs[batch]), labels[batch]) * len(labels[batch]) / 50
        for batch in (slice(0, 20), slice(20, 40), slice(40, 50))
    )
    loss.backward()
    convolved = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    for row, module in zip(rows, convolved, strict=True):
        assert row["gradient_norm"] == pytest.approx(module.weight.grad.norm().item(), rel=1e-4)


def test_measuring_leaves_running_statistics_gradients_and_hooks_alone(data):
    inputs, labels = data
    network = CifarResNet(make_spec(8)).train()
    network(inputs).sum().backward()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    gradients = [parameter.grad.clone() for parameter in network.parameters()]
    first, second = layer_rows(network, inputs, labels), layer_rows(network.eval(), inputs, labels)
    assert first == second, "always in training mode"
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(torch.equal(p.grad, was) for p, was in zip(network.parameters(), gradients, strict=True))
    assert not any(module._forward_hooks for module in network.modules())


def test_the_response_of_a_residual_layer_is_taken_before_the_sum(data):
    inputs, labels = data
    network = CifarResNet(make_spec(8))
    for block in network.blocks:
        nn.init.constant_(block.norm2.weight, 0.25)
        nn.init.constant_(block.norm2.bias, 0.5)
    rows = layer_rows(network, inputs, labels)
    for row in (rows[2], rows[4], rows[6]):
        assert row["preactivation_sd"] == pytest.approx(0.25, rel=1e-3)
        assert row["preactivation_mean"] == pytest.approx(0.5, rel=1e-3)
    assert rows[1]["preactivation_sd"] == pytest.approx(1, rel=1e-3)


def test_the_units_of_a_hidden_linear_layer_are_counted_too():
    network = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), ActivationLayer("relu"), nn.Linear(4, 3))
    network[1].weight.data[:2], network[1].bias.data[:] = 0, torch.tensor([-1.0, 1.0, 1.0, 1.0])
    inputs = torch.randn(20, 6, 1, 1, generator=torch.Generator().manual_seed(0))
    hidden, last = layer_rows(network, inputs, torch.arange(20) % 3)
    assert hidden["dead"] == 0.25 and last["dead"] is None


def test_what_is_not_finite_is_none(data):
    inputs, labels = data
    network = five_layer_cnn(make_cnn(norm="none"))
    network[0].weight.data[0, 0, 0, 0] = math.nan
    rows = layer_rows(network, inputs, labels)
    assert all(
        row[name] is None for row in rows for name in ("gradient_norm", "preactivation_mean", "preactivation_sd")
    )
