"""The activation functions by name, and the starts of the weights that they meet."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from precompute.models.activations import ACTIVATIONS, ActivationLayer, slope
from precompute.models.mlp import BOUNDS, start_weights
from precompute.studies import STUDIES
from precompute.training import grouped

MODULES = {
    "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(), "softsign": nn.Softsign(), "softplus": nn.Softplus(), "relu": nn.ReLU(),
    "leaky_relu": nn.LeakyReLU(0.01), "prelu": nn.PReLU(init=0.25), "elu": nn.ELU(1.0), "selu": nn.SELU(), "gelu": nn.GELU(),
    "silu": nn.SiLU(), "mish": nn.Mish(), "hardtanh": nn.Hardtanh(), "identity": nn.Identity(),
}  # fmt: skip
GRID = torch.cat(
    [torch.linspace(-12, 12, 48_001, dtype=torch.float64), torch.tensor([-40, -1e-9, 0.0, 2**0.5, 1e-9, 40]).double()]
)


def learned(name):
    start = ACTIVATIONS[name].learned_slope
    return [] if start is None else [torch.tensor([start], dtype=torch.float64)]


@pytest.mark.parametrize("name", MODULES)
def test_a_function_is_what_pytorch_means_by_its_name(name):
    with torch.no_grad():
        assert torch.equal(ACTIVATIONS[name].function(GRID, *learned(name)), MODULES[name].double()(GRID))
        assert torch.equal(ActivationLayer(name).double()(GRID), MODULES[name](GRID))


def test_cosx_x_is_the_cosine_minus_x():
    assert MODULES.keys() | {"cosx_x"} == ACTIVATIONS.keys()
    assert torch.equal(ACTIVATIONS["cosx_x"].function(GRID), torch.cos(GRID) - GRID)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_largest_slope_is_found_on_a_fine_grid_and_nothing_is_steeper(name):
    steepest = slope(ACTIVATIONS[name], GRID[None], *learned(name)).abs().max().item()
    assert steepest <= ACTIVATIONS[name].largest_slope * (1 + 1e-12)
    assert steepest == pytest.approx(ACTIVATIONS[name].largest_slope, rel=1e-7)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_slope_is_the_limit_of_the_quotient(name):
    """Away from the bends, where a kinked function has none."""
    at = torch.tensor([[-7.3, -2.2, -0.9, -0.3, 0.4, 0.8, 1.7, 6.1]], dtype=torch.float64)
    function, step = ACTIVATIONS[name].function, 1e-6
    quotient = (function(at + step, *learned(name)) - function(at - step, *learned(name))) / (2 * step)
    assert torch.allclose(slope(ACTIVATIONS[name], at, *learned(name)), quotient, atol=1e-8)


def test_a_slope_is_measured_where_gradients_are_off():
    with torch.no_grad():
        assert slope(ACTIVATIONS["tanh"], torch.zeros(1, 3)).tolist() == [[1.0, 1.0, 1.0]]


def test_prelu_has_a_slope_a_layer_that_starts_at_a_quarter_and_learns():
    layer = ActivationLayer("prelu")
    x = torch.tensor([[-2.0, 3.0]])
    assert layer(x).tolist() == [[-0.5, 3.0]] and [p.shape for p in layer.parameters()] == [(1,)]
    (layer(x) - torch.tensor([[-1.0, 3.0]])).square().sum().backward()
    assert layer.slope.grad.item() == pytest.approx(2 * (-0.5 + 1.0) * -2.0)
    assert not list(ActivationLayer("relu").parameters())


@pytest.mark.usefixtures("worker_numerics")
def test_the_slopes_of_a_group_learn_each_with_its_own_rate(dataset, make_spec):
    """A network that trains beside others learns the slopes that it learns alone; a rate of nearly zero leaves them where they start."""
    from precompute.datasets import split
    from precompute.models.mlp import GroupedMLP, with_constant

    changes = {"activation": "prelu", "optimizer": "sgd", "momentum": 0.9, "depth": 2, "start": "he"}
    specs = [make_spec(lr=lr, **changes) for lr in (1e-12, 0.1)]
    data = split(dataset, 500, 0.2, 0)
    inputs, labels = with_constant(data.train_inputs), data.train_labels

    def slopes(group):
        model = GroupedMLP(group)
        optimizers = grouped.optimizers_of(model, group)
        for batch in torch.arange(500).split(100):
            grouped.take_step(model, optimizers, inputs[batch], labels[batch].expand(len(group), -1))
        return torch.stack([slopes[:, 0] for slopes in model.slopes]).detach()

    together, alone = slopes(specs), slopes(specs[1:])
    assert torch.allclose(together[:, 0], torch.tensor(0.25), atol=1e-6)
    assert (together[:, 1] - 0.25).abs().min() > 1e-4 and torch.equal(together[:, 1:], alone)


@pytest.mark.parametrize(
    ("start", "gain"), [("xavier", lambda i, o: math.sqrt(6 / (i + o))), ("he", lambda i, o: math.sqrt(6 / i))]
)
def test_a_start_is_uniform_within_its_bound_and_its_biases_are_zero(make_spec, start, gain):
    layers = start_weights(make_spec(width=64, depth=3, start=start))
    assert [tuple(weight.shape) for weight, _ in layers] == [(64, 784), (64, 64), (64, 64), (10, 64)]
    for weight, bias in layers:
        bound = gain(weight.shape[1], weight.shape[0])
        assert 0.97 * bound < weight.abs().max() <= bound and not bias.any()
        assert weight.var().item() == pytest.approx(bound**2 / 3, rel=0.1)  # of a uniform distribution
    # with as many units in as out, Glorot's variance is half of He's
    assert BOUNDS["he"](64, 64) == pytest.approx(2**0.5 * BOUNDS["xavier"](64, 64))


def test_two_starts_of_one_seed_differ_by_a_factor_a_layer(make_spec):
    """And by nothing else, whatever the function or the rate: a change of start or function is paired."""
    xavier = start_weights(make_spec(depth=2, start="xavier", activation="tanh", lr=0.5))
    he = start_weights(make_spec(depth=2, start="he"))
    for (one, _), (other, _) in zip(xavier, he, strict=True):
        factors = other / one
        assert torch.allclose(factors, factors[0, 0].expand_as(factors), rtol=1e-5)
    assert not torch.equal(he[0][0], start_weights(make_spec(depth=2, start="he", seed=1))[0][0])


def test_an_unknown_start_is_refused(make_spec):
    with pytest.raises(ValueError, match="no start 'lecun'"):
        start_weights(make_spec(start="lecun"))


def test_the_grid_of_the_fully_connected_study():
    specs = STUDIES["activation/mnist_mlp"].specs("full")
    assert len(specs) == len(set(specs)) == 15 * 6 * 2 * 9 * 2
    assert {spec.activation for spec in specs} == set(ACTIVATIONS) and {spec.start for spec in specs} == {
        "xavier",
        "he",
    }
    assert {spec.depth for spec in specs} == {1, 2, 4, 8, 16, 32} and {spec.seed for spec in specs} == {0, 1}
    assert sorted({spec.lr for spec in specs}) == [2.0**power for power in range(-9, 0)]


def test_softplus_and_sigmoid_do_not_vanish_at_zero_so_that_padding_is_masked():
    at_zero = {
        name
        for name in ACTIVATIONS
        if ACTIVATIONS[name].function(torch.zeros(1, 1), *(s.float() for s in learned(name))).any()
    }
    assert at_zero == {"sigmoid", "softplus", "cosx_x"}
    assert F.softplus(torch.zeros(1)).item() == pytest.approx(math.log(2))
