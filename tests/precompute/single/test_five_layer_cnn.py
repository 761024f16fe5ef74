"""The five-layer CNN: its size, its start, its view of the pixels."""

import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from precompute.datasets import split
from precompute.models.cnn import five_layer_cnn, images
from precompute.streams import stream
from tests.precompute.single.networks import SGD, make_spec

pytestmark = pytest.mark.usefixtures("worker_numerics")


@pytest.mark.parametrize("side", [16, 32])
@pytest.mark.parametrize("width", [1, 2, 4, 8, 64])
def test_parameters_are_378_kk_plus_152_k_plus_10(width, side):
    spec = make_spec(width, side=side)
    count = sum(parameter.numel() for parameter in five_layer_cnn(spec).parameters())
    assert spec.n_params == count == 378 * width**2 + 152 * width + 10


@pytest.mark.parametrize(("width", "side"), [(1, 16), (3, 16), (3, 32)])
def test_channels_double_and_maxima_halve_the_images(width, side):
    network = five_layer_cnn(make_spec(width, side=side))
    told, named = [], ("Conv2d", "BatchNorm2d", "MaxPool2d", "Flatten", "Linear")

    def tell(module, _, out):
        name = type(module).__name__
        told.append((name if name in named else "activation", tuple(out.shape[1:])))

    for layer in network:
        layer.register_forward_hook(tell)
    logits = network(torch.randn(2, 3, side, side))
    block = lambda channels, pixels: [
        (name, (channels, pixels, pixels)) for name in ("Conv2d", "BatchNorm2d", "activation")
    ]
    assert told == [
        *block(width, side),
        *block(2 * width, side),
        ("MaxPool2d", (2 * width, side // 2, side // 2)),
        *block(4 * width, side // 2),
        ("MaxPool2d", (4 * width, side // 4, side // 4)),
        *block(8 * width, side // 4),
        ("MaxPool2d", (8 * width, side // 8, side // 8)),
        ("MaxPool2d", (8 * width, 1, 1)),
        ("Flatten", (8 * width,)),
        ("Linear", (10,)),
    ]
    assert logits.shape == (2, 10)


def test_start_weights_follow_width_and_seed_and_nothing_else():
    weights = lambda **changes: nn.utils.parameters_to_vector(five_layer_cnn(make_spec(**changes)).parameters())
    one = weights()
    torch.manual_seed(5)
    for changes in ({}, {"label_noise": 0.0}, {"side": 32}, {"lr": 0.1}, {"n_train": 100}, {"epochs": 9}):
        assert torch.equal(weights(**changes), one), changes
    assert not torch.equal(weights(seed=1), one)
    assert weights(width=5).shape != one.shape and not torch.equal(weights(width=5)[:27], one[:27])


def test_start_weights_are_as_torch_starts_its_own_layers():
    network = five_layer_cnn(make_spec(16))
    convolutions = [layer for layer in network if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert len(convolutions) == 5
    for layer, inputs in zip(convolutions, (27, 144, 288, 576, 128), strict=True):
        own = type(layer)(*((layer.in_channels, layer.out_channels, 3) if hasattr(layer, "kernel_size") else (128, 10)))
        bound = 1 / math.sqrt(inputs)
        for ours, theirs in ((layer.weight, own.weight), (layer.bias, own.bias)):
            assert ours.shape == theirs.shape
            assert ours.abs().max() <= bound and theirs.abs().max() <= bound * (1 + 1e-6)
        assert layer.weight.abs().max() > 0.97 * bound and own.weight.abs().max() > 0.97 * bound
        assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1), "uniform"
        assert layer.bias.abs().max() > 0.5 * bound, "biases are drawn too"
    for norm in network:
        if isinstance(norm, nn.BatchNorm2d):
            assert (norm.weight == 1).all() and not norm.bias.any() and not norm.running_mean.any()


def test_the_view_has_every_pixel_in_its_place_and_copies_nothing(cifar10):
    part = split(cifar10, 20, 0.0, seed=0, side=16)
    flat = part.train_inputs
    viewed = images(flat, 16)
    assert viewed.shape == (20, 3, 16, 16)
    assert viewed.data_ptr() == flat.data_ptr() and viewed.is_contiguous(memory_format=torch.channels_last)
    for image, colour, row, column in itertools.product((0, 7, 19), range(3), range(16), range(16)):
        assert viewed[image, colour, row, column] == flat[image, (row * 16 + column) * 3 + colour]
    order = torch.randperm(640, generator=stream("subset", "uoft-cs/cifar10", 0))
    red = torch.from_numpy(cifar10.train_images[order[7]][..., 0].astype(float))
    red = red.view(8, 2, 2, 8, 2, 2).mean((2, 5)).flatten(0, 1).reshape(16, 16)
    found = torch.corrcoef(torch.stack([viewed[7, 0].flatten().double(), red.flatten()]))[0, 1]
    assert found > 1 - 1e-6, "the red of the image itself, top row first"


@pytest.mark.parametrize(("width", "side"), [(1, 16), (3, 16), (8, 16), (4, 32)])
def test_flops_are_those_that_torch_counts(width, side):
    spec = make_spec(width, side=side, n_train=1000, epochs=7)
    network = five_layer_cnn(spec)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(network(torch.randn(5, 3, side, side)), torch.arange(5)).backward()
    assert spec.flops == counter.get_total_flops() / 5 * 1000 * 7


@pytest.mark.parametrize("activation", ["relu", "prelu", "cosx_x"])
@pytest.mark.parametrize("norm", ["batch", "none"])
def test_parameters_without_norm_and_with_learned_slopes(norm, activation):
    for width in (1, 3, 8):
        spec = make_spec(width, norm=norm, activation=activation)
        count = sum(parameter.numel() for parameter in five_layer_cnn(spec).parameters())
        linear = (152 if norm == "batch" else 122) * width
        assert spec.n_params == count == 378 * width**2 + linear + 10 + 4 * (activation == "prelu")


def test_every_function_and_norm_starts_from_the_same_weights():
    def weights(**changes) -> list[torch.Tensor]:
        network = five_layer_cnn(make_spec(**changes))
        return [layer.weight for layer in network if isinstance(layer, nn.Conv2d | nn.Linear)]

    for changes in ({"activation": "tanh"}, {"norm": "none"}, SGD):
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(weights(), weights(**changes), strict=True))
