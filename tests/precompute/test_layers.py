"""What is measured in the layers of a group, against one network at a time written out with its own hooks."""

import math

import pytest
import torch
from torch.nn import functional as F

from precompute.datasets import split
from precompute.measures import layers
from precompute.measures.layers import layer_measures
from precompute.models.mlp import GroupedMLP, start_weights, with_constant

pytestmark = pytest.mark.usefixtures("worker_numerics")

MEASURES = ("gradient_norm", "preactivation_mean", "preactivation_sd", "dead", "saturated")
SLOPES = {
    "relu": lambda z: (z > 0).double(),
    "sigmoid": lambda z: torch.sigmoid(z) * (1 - torch.sigmoid(z)),
    "tanh": lambda z: 1 - torch.tanh(z) ** 2,
}
LARGEST = {"relu": 1, "sigmoid": 0.25, "tanh": 1}
FUNCTIONS = {"relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}


def measured_by_hand(spec, inputs: torch.Tensor, labels: torch.Tensor) -> list[dict]:
    """In float64, all examples at once; batch normalization over all of them, without scale and shift as they are at the start."""
    weights = [(weight.double().requires_grad_(), bias.double()) for weight, bias in start_weights(spec)]
    function = FUNCTIONS[spec.activation]

    def answers(given: torch.Tensor) -> list[torch.Tensor]:
        """What enters the activation of each hidden layer, and the logits."""
        z, found, shortcut = F.linear(given, *weights[0]), [], None
        stem = (spec.depth - 1) % spec.residual + 1 if spec.residual else spec.depth
        for layer, (weight, bias) in enumerate(weights[1:], start=1):
            if spec.residual and layer >= stem and (layer - stem) % spec.residual == 0:
                z = shortcut = z if shortcut is None else z + shortcut
            entering = F.batch_norm(z, None, None, training=True) if spec.norm == "batch" else z
            found.append(entering)
            z = F.linear(function(entering), weight, bias)
        return [*found, z]

    given = inputs.double()
    F.cross_entropy(answers(given)[-1], labels).backward()
    rows = []
    for number, (found, (weight, _)) in enumerate(zip(answers(given), weights, strict=True), start=1):
        found = found.detach()
        row = {"layer": number, "gradient_norm": weight.grad.norm().item(), "dead": None, "saturated": None}
        row |= {"preactivation_mean": found.mean().item(), "preactivation_sd": found.std(correction=0).item()}
        if number <= spec.depth:
            row["dead"] = (function(found) == 0).all(0).double().mean().item()
            flat = SLOPES[spec.activation](found) < 0.01 * LARGEST[spec.activation]
            row["saturated"] = flat.double().mean().item()
        rows.append(row)
    return rows


@pytest.mark.parametrize("activation", FUNCTIONS)
@pytest.mark.parametrize(("residual", "norm"), [(0, "none"), (0, "batch"), (2, "none"), (2, "batch")])
def test_every_measure_of_every_network_is_that_of_the_network_alone(dataset, make_spec, activation, residual, norm):
    changes = {"depth": 4, "activation": activation, "residual": residual, "norm": norm, "start": "he"}
    specs = [make_spec(width, **changes) for width in (16, 5, 9)]
    part = split(dataset, 500, 0.0, 0)
    found = layer_measures(GroupedMLP(specs), with_constant(part.train_inputs), part.train_labels.expand(3, -1))
    for spec, rows in zip(specs, found, strict=True):
        expected = measured_by_hand(spec, part.train_inputs, part.train_labels)
        assert [row["layer"] for row in rows] == [1, 2, 3, 4, 5]
        for row, by_hand in zip(rows, expected, strict=True):
            for name in MEASURES:
                # a pre-activation may lie within rounding of the edge of a flat part: one of 500 examples times the units
                near = 2 / (500 * spec.width) if name == "saturated" else 1e-4
                assert row[name] == (
                    None if by_hand[name] is None else pytest.approx(by_hand[name], rel=1e-4, abs=near)
                )


@pytest.mark.parametrize(("activation", "low", "high"), [("sigmoid", 0, 1.5e-4), ("relu", 0.5, 6)])
def test_eight_layers_deep_the_sigmoid_passes_hardly_any_gradient_down_and_relu_all(
    dataset, make_spec, activation, low, high
):
    """The norm at the first layer over that at the last, before training, from Glorot's start."""
    part, changes = split(dataset, 500, 0.0, 0), {"depth": 8, "activation": activation, "start": "xavier"}
    specs = [make_spec(64, seed=seed, **changes) for seed in range(3)]
    for rows in layer_measures(
        GroupedMLP(specs), with_constant(part.train_inputs), part.train_labels.expand(len(specs), -1)
    ):
        assert low < rows[0]["gradient_norm"] / rows[-1]["gradient_norm"] < high


def test_examples_in_chunks_are_one_set(dataset, make_spec, monkeypatch):
    """Without batch normalization, whose mean and variance are those of the chunk."""
    specs = [make_spec(8, depth=3), make_spec(12, depth=3)]
    part = split(dataset, 500, 0.0, 0)
    model, inputs, labels = GroupedMLP(specs), with_constant(part.train_inputs), part.train_labels.expand(2, -1)
    whole = layer_measures(model, inputs, labels)
    monkeypatch.setattr(layers, "CHUNK", 70)
    for rows, again in zip(whole, layer_measures(model, inputs, labels), strict=True):
        for one, other in zip(rows, again, strict=True):
            for name in MEASURES:
                assert one[name] == (None if other[name] is None else pytest.approx(other[name], rel=1e-5, abs=1e-7))


def test_the_gradient_is_of_the_first_thousand_examples(dataset, make_spec, monkeypatch):
    spec, part = make_spec(6, depth=2), split(dataset, 500, 0.0, 0)
    monkeypatch.setattr(layers, "GRADIENT_EXAMPLES", 120)
    (rows,) = layer_measures(GroupedMLP([spec]), with_constant(part.train_inputs), part.train_labels[None])
    few = measured_by_hand(spec, part.train_inputs[:120], part.train_labels[:120])
    for row, by_hand in zip(rows, few, strict=True):
        assert row["gradient_norm"] == pytest.approx(by_hand["gradient_norm"], rel=1e-4)


def test_a_dead_unit_is_silent_on_every_example_and_its_gradient_is_zero(dataset, make_spec):
    model, part = GroupedMLP([make_spec(8, depth=2)]), split(dataset, 500, 0.0, 0)
    with torch.no_grad():
        model.hidden_biases[0][0, :6] = -1e4  # six of the eight units of the second layer
    (rows,) = layer_measures(model, with_constant(part.train_inputs), part.train_labels[None])
    assert rows[1]["dead"] >= 6 / 8 and rows[1]["saturated"] >= 6 / 8
    with torch.no_grad():
        model.hidden_biases[0][0, :8] = -1e4
    (rows,) = layer_measures(model, with_constant(part.train_inputs), part.train_labels[None])
    assert rows[1]["dead"] == 1 and [row["gradient_norm"] for row in rows] == [0, 0, 0]


def test_measuring_changes_nothing(dataset, make_spec):
    model = GroupedMLP([make_spec(8, depth=3, norm="batch", residual=2)])
    part = split(dataset, 500, 0.0, 0)
    model.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    layer_measures(model, with_constant(part.train_inputs), part.train_labels[None])
    assert not model.training and model.updates_running
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_what_is_not_finite_is_none(dataset, make_spec):
    specs, part = [make_spec(8, depth=2), make_spec(8, depth=2)], split(dataset, 500, 0.0, 0)
    model = GroupedMLP(specs)
    with torch.no_grad():
        model.first[model.rows[0]] = math.inf
    lost, kept = layer_measures(model, with_constant(part.train_inputs), part.train_labels.expand(2, -1))
    assert all(row["gradient_norm"] is None and row["preactivation_sd"] is None for row in lost)
    expected = measured_by_hand(specs[1], part.train_inputs, part.train_labels)
    assert [row["gradient_norm"] for row in kept] == pytest.approx([row["gradient_norm"] for row in expected], rel=1e-4)
