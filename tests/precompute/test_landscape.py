import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from precompute.measures.landscape import fed, parameters_by_layer, probe
from precompute.measures.untouched import untouched
from precompute.models.normalization import LayerNoise
from precompute.models.vgg import vgg
from precompute.studies.batch_norm import NORMS
from tests.precompute.test_vgg import make_spec

pytestmark = pytest.mark.usefixtures("worker_numerics")
DISTANCES = (0.05, 0.1, 0.2, 0.4)


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(24, 3, 16, 16, generator=generator), torch.randint(10, (24,), generator=generator)


def test_on_a_quadratic_the_probes_are_those_of_the_closed_form():
    """Loss w'Hw / 2: the gradient is Hw, and a move of eta along it changes it by eta H Hw."""
    network = nn.Linear(2, 1, bias=False).double()
    curvature, w = torch.tensor([1.0, 10.0], dtype=torch.float64), torch.tensor([3.0, -0.5], dtype=torch.float64)
    network.weight.data.copy_(w)
    row, shifts = probe(network, lambda: (curvature * network.weight.square()).sum() / 2, 0.1, DISTANCES)
    gradient = curvature * w
    losses = [float((curvature * (w - eta * gradient).square()).sum()) / 2 for eta in DISTANCES]
    turn = float((curvature * gradient).norm())
    assert row == pytest.approx(
        {
            "loss": float((curvature * w.square()).sum()) / 2, "loss_low": min(losses), "loss_high": max(losses),
            "gradient_norm": float(gradient.norm()), "change_low": 0.05 * turn, "change_high": 0.4 * turn,
            "smoothness": turn / float(gradient.norm()),
        }
    )  # fmt: skip
    assert 1 < row["smoothness"] < 10, "between the curvatures"
    assert shifts == [], "one layer has none below it"


@pytest.mark.parametrize("lower", [0.7, -0.7])
def test_the_shift_of_two_linear_layers_is_that_of_the_closed_form(lower):
    """Loss (w2 w1 - t)^2 / 2, so that w2 has the gradient e w1; then w1 moves by its own, e w2."""
    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)).double()
    w1, w2, target, rate = lower, 0.5, 2.0, 0.8
    for layer, weight in zip(network, (w1, w2), strict=True):
        layer.weight.data.fill_(weight)
    one = torch.ones(1, 1, dtype=torch.float64)
    _, (row,) = probe(network, lambda: (network(one) - target).square().sum() / 2, rate, DISTANCES)
    before = (w2 * w1 - target) * w1
    moved = w1 - rate * (w2 * w1 - target) * w2
    after = (w2 * moved - target) * moved
    assert row["layer"] == 2 and row["gradient_norm"] == pytest.approx(abs(before))
    assert row["gradient_change"] == pytest.approx(abs(after - before))
    assert row["cosine"] == pytest.approx(math.copysign(1, after * before))
    assert (row["cosine"] < 0) == (lower < 0)
    assert row["input_mean"] == pytest.approx(w1) and row["input_sd"] == 0
    assert row["mean_drift"] is None and row["sd_drift"] is None, "relative to a deviation of nothing"


def test_where_the_layers_below_have_no_gradient_there_is_no_shift():
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    network[2].weight.data.zero_()
    x, y = torch.randn(9, 3, generator=torch.Generator().manual_seed(0)), torch.arange(9) % 2
    row, (shift,) = probe(network, lambda: F.cross_entropy(network(x), y), 0.5, DISTANCES)
    assert shift["gradient_change"] == 0 and shift["cosine"] == pytest.approx(1, abs=1e-12)
    assert shift["mean_drift"] == 0 and shift["sd_drift"] == 0 and shift["gradient_norm"] > 0
    assert row["gradient_norm"] > 0


def test_a_dead_network_has_no_direction_and_no_smoothness():
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    for parameter in network.parameters():
        parameter.data.zero_()
    row, (shift,) = probe(network, lambda: network(torch.ones(5, 3)).square().mean(), 0.5, DISTANCES)
    assert row["smoothness"] is None and row["gradient_norm"] == row["change_high"] == 0
    assert shift["cosine"] is None and shift["gradient_change"] == 0


def test_what_leaves_the_finite_range_is_none():
    network = nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(1.0)
    row, _ = probe(network, lambda: torch.exp(network.weight.square()).sum(), 0.1, (0.1, 10.0))
    assert row["loss"] == pytest.approx(math.e)
    assert [row[name] for name in ("loss_low", "loss_high", "change_low", "change_high", "smoothness")] == [None] * 5


def test_what_fp32_cannot_hold_is_none_though_fp64_can():
    """The move takes the weight from 1 to -10, where the loss is e^100 = 2.7e43."""
    network = nn.Linear(1, 1, bias=False).double()
    network.weight.data.fill_(1.0)
    row, _ = probe(network, lambda: torch.exp(network.weight.square()).sum(), 0.1, (11 / (2 * math.e),))
    assert [row[name] for name in ("loss_low", "loss_high", "change_low", "change_high", "smoothness")] == [None] * 5


def by_hand(network: nn.Module, moved: list, rate: float, inputs, labels, noise: int):
    """A copy of `network` whose layers of the indices `moved` made their step, with its gradients; the noise is as many steps on."""
    other = copy.deepcopy(network).train()
    generators = [module.draws.get_state() for module in other.modules() if isinstance(module, LayerNoise)]
    F.cross_entropy(other(inputs), labels).backward()
    with torch.no_grad():
        for index in moved:
            for parameter in parameters_by_layer(other)[index]:
                parameter -= rate * parameter.grad
    other.zero_grad()
    if not noise:
        for module, state in zip((m for m in other.modules() if isinstance(m, LayerNoise)), generators, strict=True):
            module.draws.set_state(state)
    with fed(other) as seen:
        loss = F.cross_entropy(other(inputs), labels)
    loss.backward()
    return other, float(loss.detach()), seen


def same_noise(network: nn.Module) -> nn.Module:
    """A copy whose streams stand where those of `network` do, and are its own."""
    twin = copy.deepcopy(network)
    for module, of in zip(twin.modules(), network.modules(), strict=True):
        if isinstance(module, LayerNoise):
            module.draws = torch.Generator()
            module.draws.set_state(of.draws.get_state())
    return twin


@pytest.mark.parametrize("norm", ["none", "batch", "noisy_batch", "noise"])
def test_the_probes_of_a_network_equal_a_plain_loop(data, norm):
    inputs, labels = data
    network, rate = vgg(make_spec(norm)), 0.1
    row, shifts = probe(network, lambda: F.cross_entropy(network(inputs), labels), rate, DISTANCES)
    layers = range(9)
    base, loss, seen = by_hand(same_noise(network), [], rate, inputs, labels, noise=0)
    assert row["loss"] == pytest.approx(loss, rel=1e-5)
    gradient = [parameter.grad for layer in parameters_by_layer(base) for parameter in layer]
    norm_of = lambda tensors: math.sqrt(sum(float(each.double().square().sum()) for each in tensors))
    losses, changes = [], []
    for distance in DISTANCES:
        other, loss, _ = by_hand(same_noise(network), layers, distance, inputs, labels, noise=0)
        losses.append(loss)
        there = [parameter.grad for layer in parameters_by_layer(other) for parameter in layer]
        changes.append(norm_of([a - b for a, b in zip(there, gradient, strict=True)]))
    assert (row["loss_low"], row["loss_high"]) == pytest.approx((min(losses), max(losses)), rel=1e-3)
    assert (row["change_low"], row["change_high"]) == pytest.approx((min(changes), max(changes)), rel=1e-2)
    ratios = [change / (d * norm_of(gradient)) for change, d in zip(changes, DISTANCES, strict=True)]
    assert row["smoothness"] == pytest.approx(max(ratios), rel=1e-2)

    assert [shift["layer"] for shift in shifts] == list(range(2, 10))
    for shift in shifts[::3]:
        index = shift["layer"] - 1
        other, _, _ = by_hand(same_noise(network), range(index), rate, inputs, labels, noise=0)
        old, new = (parameters_by_layer(each)[index][0].grad.flatten().double() for each in (base, other))
        assert shift["gradient_norm"] == pytest.approx(float(old.norm()), rel=1e-4)
        assert shift["gradient_change"] == pytest.approx(float((new - old).norm()), rel=1e-2)
        assert shift["cosine"] == pytest.approx(float(F.cosine_similarity(old, new, dim=0)), abs=1e-3)

    _, _, after = by_hand(same_noise(network), layers, rate, inputs, labels, noise=1)
    for shift, old, new in zip(shifts, seen[1:], after[1:], strict=True):
        size = float(old[1].norm())
        assert shift["mean_drift"] == pytest.approx(float((new[0] - old[0]).norm()) / size, rel=1e-2)
        assert shift["sd_drift"] == pytest.approx(float((new[1] - old[1]).norm()) / size, rel=1e-2)
        assert shift["input_mean"] == pytest.approx(float(old[0].mean()), rel=1e-3, abs=1e-6)


def test_noise_makes_the_inputs_of_layers_drift_where_nothing_moves(data):
    inputs, labels = data
    drift = {}
    for norm in ("batch", "noisy_batch"):
        network = vgg(make_spec(norm))
        _, shifts = probe(network, lambda network=network: F.cross_entropy(network(inputs), labels), 0.0, DISTANCES)
        assert all(shift["gradient_change"] == 0 for shift in shifts)
        drift[norm] = [shift["mean_drift"] for shift in shifts]
    assert drift["batch"] == [0.0] * 8 and min(drift["noisy_batch"]) > 0.01


def test_what_a_layer_is_fed_is_over_examples_and_places_of_each_channel(data):
    network = vgg(make_spec("none"))
    with fed(network) as seen:
        network(data[0])
    assert [len(mean) for mean, _ in seen] == [3, 8, 8, 16, 16, 32, 32, 32, 32]
    images = data[0].double()
    assert torch.allclose(seen[0][0], images.mean((0, 2, 3))) and torch.allclose(
        seen[0][1], images.std((0, 2, 3), correction=0)
    )
    assert not any(module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize("norm", NORMS)
def test_probing_leaves_every_bit_of_the_network_as_it_was(data, norm):
    inputs, labels = data
    network = vgg(make_spec(norm)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    F.cross_entropy(network(inputs), labels).backward()
    optimizer.step()
    network.eval()
    noises = [module for module in network.modules() if isinstance(module, LayerNoise)]
    state = lambda: (
        [each.clone() for each in network.state_dict().values()]
        + [parameter.grad.clone() for parameter in network.parameters()]
        + [module.draws.get_state() for module in noises]
        + [torch.get_rng_state()]
    )
    before, strides = state(), [parameter.stride() for parameter in network.parameters()]
    probe(network, lambda: F.cross_entropy(network(inputs), labels), 0.1, DISTANCES)
    assert all(torch.equal(a, b) for a, b in zip(before, state(), strict=True))
    assert strides == [parameter.stride() for parameter in network.parameters()]
    assert not network.training and len(noises) == (8 if "nois" in norm else 0)


def test_the_network_comes_back_whole_when_a_probe_fails():
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(RuntimeError, match="planted"), untouched(network):
        network(torch.randn(4, 2))
        network[0].weight.data.fill_(7)
        raise RuntimeError("planted")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
