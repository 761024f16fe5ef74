"""What the kernels of this processor compute backwards, layer by layer, beside double precision, which other kernels compute."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from precompute.image_spec import ImageSpec
from precompute.spec import CLASSES
from precompute.studies import STUDIES
from precompute.training.single import NETWORKS
from tests.precompute.test_preact_resnet import make_spec

pytestmark = pytest.mark.usefixtures("worker_numerics")

IMAGES = 4
LAYERS = nn.Conv2d | nn.Linear


def narrowest(name: str, size: str) -> ImageSpec:
    return min(STUDIES[name].specs(size), key=lambda spec: spec.n_params)


STUDIES_OF_IMAGES = [name for name in STUDIES if isinstance(narrowest(name, "smoke"), tuple(NETWORKS))]


def gradients(layer: nn.Module, inputs: torch.Tensor, of_outputs: torch.Tensor) -> list[torch.Tensor]:
    """Of the parameters, in double precision."""
    again = copy.deepcopy(layer).double()
    again.zero_grad()
    again._forward_hooks.clear()
    (again(inputs.double()) * of_outputs.double()).sum().backward()
    return [parameter.grad for parameter in again.parameters()]


def assert_every_layer_passes_back_what_double_precision_does(spec: ImageSpec) -> None:
    """Each layer is given the same inputs and the same gradients of its outputs again. A gradient is a sum over images and places, and may
    be off by a rounding of the sum of what it adds up, taken without signs."""
    network = NETWORKS[type(spec)](spec).to(memory_format=torch.channels_last)
    entered, left = {}, {}

    def keep(layer: nn.Module, inputs: tuple[torch.Tensor], outputs: torch.Tensor) -> None:
        entered[layer] = inputs[0].detach()
        outputs.register_hook(lambda gradient: left.update({layer: gradient}))

    layers = {name: module for name, module in network.named_modules() if isinstance(module, LAYERS)}
    for layer in layers.values():
        layer.register_forward_hook(keep)
    images = torch.randn(IMAGES, 3, spec.side, spec.side, generator=torch.Generator().manual_seed(0))
    images = images.contiguous(memory_format=torch.channels_last)
    F.cross_entropy(network(images), torch.arange(IMAGES) % CLASSES).backward()

    assert len(left) == len(layers) > 4
    for name, layer in layers.items():
        expected = gradients(layer, entered[layer], left[layer])
        added_up = gradients(layer, entered[layer].abs(), left[layer].abs())
        for parameter, right, whole in zip(layer.parameters(), expected, added_up, strict=True):
            assert ((parameter.grad.double() - right).abs() <= 1e-5 * whole + 1e-30).all(), name


@pytest.mark.parametrize("size", ["smoke", "full"])
@pytest.mark.parametrize("name", STUDIES_OF_IMAGES)
def test_gradients_of_the_narrowest_network_of_each_study_are_right(name, size):
    assert_every_layer_passes_back_what_double_precision_does(narrowest(name, size))


@pytest.mark.parametrize("width", range(1, 18))
def test_gradients_of_a_network_whose_shortcuts_halve_its_images_are_right_whatever_its_width(width):
    """Those of a 1 x 1 convolution with a stride and few channels were not, and memory was written that was not its own."""
    assert_every_layer_passes_back_what_double_precision_does(make_spec(width, side=16))
