import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from precompute.image_spec import VGGSpec
from precompute.measures.convolutions import layer_rows, layers_of
from precompute.models.normalization import LayerNoise
from precompute.models.vgg import vgg
from precompute.studies.batch_norm import NORMS

pytestmark = pytest.mark.usefixtures("worker_numerics")


def make_spec(norm: str = "batch", **changes) -> VGGSpec:
    settings = {
        "study": "batch_norm/cifar10_vgg_small", "seed": 0, "dataset": "uoft-cs/cifar10", "side": 16, "n_train": 128,
        "label_noise": 0.0, "width": 8, "optimizer": "sgd", "lr": 0.1, "batch_size": 32, "epochs": 2, "norm": norm,
    }  # fmt: skip
    return VGGSpec(**settings | changes)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("norm", NORMS)
def test_parameters_are_those_of_the_specification(norm):
    for changes in ({}, {"width": 16}, {"layout": "a", "side": 32}):
        spec = make_spec(norm, **changes)
        assert spec.n_params == count(vgg(spec))
    small = 2 * (16 + 16 + 32 + 32 + 64 + 64 + 64 + 64) if norm not in ("none", "noise") else 0
    assert make_spec(norm, width=16).n_params == 146_586 + small


def test_configuration_a_has_the_known_number_of_parameters():
    """9,220,480 in the convolutions of VGG-11, as torchvision's has; three linear layers of 512."""
    spec = make_spec("none", layout="a", side=32, width=64)
    assert spec.channels == [64, 128, 256, 256, 512, 512, 512, 512]
    assert spec.n_params == 9_220_480 + 2 * (512**2 + 512) + 5130 == 9_750_922
    assert make_spec("batch", layout="a", side=32, width=64).n_params == 9_756_426


@pytest.mark.parametrize("changes", [{}, {"width": 16}, {"layout": "a", "side": 32, "width": 2, "norm": "none"}])
def test_flops_are_those_that_torch_counts(changes):
    spec = make_spec(n_train=1000, epochs=7, **changes)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(vgg(spec)(torch.randn(5, 3, spec.side, spec.side)), torch.arange(5)).backward()
    assert spec.flops == counter.get_total_flops() / 5 * 1000 * 7


def test_channels_and_maxima_follow_the_layout():
    network, told = vgg(make_spec("none", width=16)), []
    for module in network:
        module.register_forward_hook(lambda module, _, out: told.append((type(module).__name__, *out.shape[1:3])))
    assert network(torch.randn(2, 3, 16, 16)).shape == (2, 10)
    block = lambda channels, side: [("Conv2d", channels, side), ("ActivationLayer", channels, side)]
    expected = []
    for channels, side in ((16, 16), (32, 8), (64, 4), (64, 2)):
        expected += [*block(channels, side), *block(channels, side), ("MaxPool2d", channels, side // 2)]
    assert told == [*expected, ("Flatten", 64), ("Linear", 10)]


def test_every_norm_stands_between_a_convolution_and_its_activation():
    for norm in NORMS:
        network = vgg(make_spec(norm))
        names = [type(module).__name__ for module in network]
        behind = names[1 : names.index("ActivationLayer")]
        expected = {
            "none": [], "batch": ["BatchNorm2d"], "noisy_batch": ["BatchNorm2d", "LayerNoise"], "noise": ["LayerNoise"],
            "layer": ["GroupNorm"], "group": ["GroupNorm"], "l1": ["PowerMeanNorm"], "linf": ["PowerMeanNorm"],
        }[norm]  # fmt: skip
        assert behind == expected and sum(name in expected for name in names) == 8 * len(expected)
        layers = layers_of(network)
        assert len(layers) == 9 and layers[0].response is network[len(expected)]


def test_weights_start_as_he_et_al_have_it_and_alike_under_every_norm():
    weights = lambda spec: [module.weight for module in vgg(spec) if isinstance(module, nn.Conv2d | nn.Linear)]
    one = weights(make_spec("none", width=16))
    for norm in NORMS:
        assert all(torch.equal(a, b) for a, b in zip(one, weights(make_spec(norm, width=16, lr=2.0)), strict=True))
    assert not torch.equal(one[0], weights(make_spec("none", width=16, seed=1))[0])
    for weight in one[:-1]:
        assert weight.std().item() == pytest.approx(math.sqrt(2 / weight[0].numel()), rel=0.1)
    assert one[-1].abs().max() <= 1 / 8, "the last layer as torch starts it"
    assert all(not module.bias.any() for module in vgg(make_spec("none"))[:-1] if isinstance(module, nn.Conv2d))


def test_layers_are_measured_behind_norm_and_noise_and_leave_the_noise_where_it_was():
    network = vgg(make_spec("noisy_batch"))
    inputs, labels = torch.randn(60, 3, 16, 16), torch.arange(60) % 10
    noise = next(module for module in network if isinstance(module, LayerNoise))
    before = noise.draws.get_state()
    rows = layer_rows(network, inputs, labels)
    assert torch.equal(noise.draws.get_state(), before)
    assert rows == layer_rows(network, inputs, labels) and len(rows) == 9
    assert rows[0]["preactivation_sd"] > 1.02, "batch norm alone would make it 1"


def test_the_rate_is_in_proportion_to_the_batch_where_the_specification_says_so():
    assert make_spec(lr=0.125, batch_size=2).rate == 0.125
    assert make_spec(lr=0.125, batch_size=2, reference_batch=128).rate == 2**-9
    assert make_spec(lr=0.125, batch_size=128, reference_batch=128).rate == 0.125


def test_what_fits_no_layout_is_refused():
    with pytest.raises(ValueError, match="layout 'a' is for images of 32 pixels, not 16"):
        vgg(make_spec(layout="a"))
    with pytest.raises(ValueError, match="no layout 'b'"):
        vgg(make_spec(layout="b"))
