import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from precompute.image_spec import ResNetSpec
from precompute.models.resnet import Block, CifarResNet

pytestmark = pytest.mark.usefixtures("worker_numerics")

PAPER = {8: 75_290, 14: 172_506, 20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962}


def make_spec(depth: int = 8, **changes) -> ResNetSpec:
    settings = {
        "study": "depth/cifar10_resnet_small", "seed": 0, "dataset": "uoft-cs/cifar10", "side": 16, "n_train": 128,
        "label_noise": 0.0, "width": 4, "optimizer": "sgd", "lr": 0.1, "batch_size": 32, "epochs": 2, "depth": depth,
        "architecture": "residual",
    }  # fmt: skip
    return ResNetSpec(**settings | changes)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("architecture", ["plain", "residual"])
@pytest.mark.parametrize(("depth", "params"), PAPER.items())
def test_parameters_are_those_of_the_paper_with_and_without_shortcuts(depth, params, architecture):
    spec = make_spec(depth, width=16, side=32, architecture=architecture)
    assert spec.n_params == count(CifarResNet(spec)) == params


@pytest.mark.parametrize(("depth", "width"), [(8, 1), (8, 8), (20, 3), (56, 8)])
def test_the_formula_counts_every_width(depth, width):
    spec = make_spec(depth, width=width)
    assert spec.n_params == count(CifarResNet(spec))


@pytest.mark.parametrize(("depth", "width", "side"), [(8, 16, 32), (14, 4, 16), (20, 8, 16)])
def test_flops_are_those_that_torch_counts(depth, width, side):
    spec = make_spec(depth, width=width, side=side, n_train=1000, epochs=7)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(CifarResNet(spec)(torch.randn(5, 3, side, side)), torch.arange(5)).backward()
    assert spec.flops == counter.get_total_flops() / 5 * 1000 * 7


@pytest.mark.parametrize("depth", [2, 7, 9, 18, -4])
def test_a_depth_that_is_not_6n_plus_2_is_refused(depth):
    with pytest.raises(ValueError, match="6n \\+ 2"):
        CifarResNet(make_spec(depth))


def test_an_unknown_architecture_is_refused():
    with pytest.raises(ValueError, match="no architecture 'highway'"):
        CifarResNet(make_spec(architecture="highway"))


def test_layers_halve_the_image_and_double_the_channels_as_in_the_paper():
    network, shapes = CifarResNet(make_spec(20, width=4)), []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda _, __, made: shapes.append(tuple(made.shape[1:])))
    network(torch.randn(2, 3, 16, 16))
    assert shapes == [(4, 16, 16)] * 7 + [(8, 8, 8)] * 6 + [(16, 4, 4)] * 6 + [(10,)], "in the order of registration"
    strides = [module.stride[0] for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert [index for index, stride in enumerate(strides) if stride == 2] == [7, 13], "the first of a stage halves"
    assert all(module.bias is None for module in network.modules() if isinstance(module, nn.Conv2d))


def test_the_identity_shortcut_is_one():
    """With zeroed convolutions and a batch norm that answers 0, what comes in goes out, bit for bit."""
    block = Block(6, 6, shortcut=True)
    for part in block.parameters():
        nn.init.zeros_(part)
    inputs = torch.rand(5, 6, 8, 8)
    for mode in (block.train(), block.eval()):
        assert torch.equal(mode(inputs), inputs)
    plain = Block(6, 6, shortcut=False)
    plain.load_state_dict(block.state_dict())
    assert not plain(inputs).any()


def test_a_whole_network_of_such_blocks_passes_its_stem_on():
    network = CifarResNet(make_spec(14, width=2)).eval()
    for block in network.blocks:
        for part in block.parameters():
            nn.init.zeros_(part)
    inputs = torch.randn(3, 3, 16, 16)
    stem = network.stem(inputs)
    features = stem
    for block in network.blocks:
        features = block(features)
    assert torch.equal(features[:, :2], stem[:, :, ::4, ::4]) and not features[:, 2:].any()
    assert torch.equal(network(inputs), network.answer(features))


def test_the_other_shortcut_takes_every_second_pixel_and_adds_channels_of_zeros():
    block, inputs = Block(3, 6, shortcut=True), torch.randn(2, 3, 4, 4)
    carried = block.carried(inputs)
    assert carried.shape == (2, 6, 2, 2) and not carried[:, 3:].any()
    for row, column in itertools.product(range(2), range(2)):
        assert torch.equal(carried[:, :3, row, column], inputs[:, :, 2 * row, 2 * column])


def test_a_block_is_the_formula_of_the_paper():
    block, inputs = Block(3, 6, shortcut=True).train(), torch.rand(4, 3, 8, 8)
    norm = lambda made: F.batch_norm(made, None, None, training=True)
    made = torch.relu(norm(F.conv2d(inputs, block.conv1.weight, stride=2, padding=1)))
    made = norm(F.conv2d(made, block.conv2.weight, padding=1))
    zeros = torch.zeros(4, 3, 4, 4)
    expected = torch.relu(made + torch.cat([inputs[:, :, ::2, ::2], zeros], dim=1))
    assert torch.allclose(block(inputs), expected, atol=1e-6)
    block.shortcut = False
    assert torch.allclose(block(inputs), torch.relu(made), atol=1e-6)


def test_start_weights_follow_depth_width_and_seed_and_nothing_else():
    weights = lambda **changes: nn.utils.parameters_to_vector(CifarResNet(make_spec(**changes)).parameters())
    one = weights()
    torch.manual_seed(5)
    for changes in ({}, {"architecture": "plain"}, {"side": 32}, {"lr": 0.2}, {"n_train": 9}, {"augment": "crop_flip"}):
        assert torch.equal(weights(**changes), one), changes
    assert not torch.equal(weights(seed=1), one)
    assert not torch.equal(weights(depth=14)[:108], one[:108])


def test_convolutions_start_with_variance_two_over_fan_in():
    network = CifarResNet(make_spec(14, width=16))
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    for layer in convolutions:
        expected = (2 / (9 * layer.in_channels)) ** 0.5
        assert layer.weight.std().item() == pytest.approx(expected, rel=0.1)
        assert abs(layer.weight.mean().item()) < expected * 4 / layer.weight.numel() ** 0.5
    assert network.last.weight.abs().max() <= 1 / 8 and network.last.bias.any()


@pytest.mark.parametrize("architecture", ["plain", "residual"])
def test_gradients_are_those_of_finite_differences(architecture):
    """In training mode, in float64. A ReLU has a kink, so that a step of 1e-6 may pass one: those few entries are left out by taking
    the median, and all but a hundredth have to agree."""
    network = CifarResNet(make_spec(width=1, architecture=architecture)).double().train()
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(6, 3, 8, 8, generator=generator, dtype=torch.float64)
    labels = torch.arange(6)
    loss = lambda: F.cross_entropy(network(inputs), labels)
    parameters = list(network.parameters())
    gradients = torch.cat([each.flatten() for each in torch.autograd.grad(loss(), parameters)])
    found, step = [], 1e-6
    with torch.no_grad():
        for parameter in parameters:
            flat = parameter.view(-1)
            for place in range(len(flat)):
                was = flat[place].item()
                flat[place] = was + step
                above = loss()
                flat[place] = was - step
                found.append((above - loss()) / (2 * step))
                flat[place] = was
    off = (torch.stack(found) - gradients).abs() / gradients.abs().clamp(min=1e-3)
    assert gradients.abs().max() > 0.01
    assert off.median() < 1e-7 and (off < 1e-4).double().mean() > 0.99
