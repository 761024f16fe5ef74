import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from precompute.image_spec import PreActResNet18Spec
from precompute.models.preact_resnet import Block, PreActResNet18

pytestmark = pytest.mark.usefixtures("worker_numerics")

PAPER = {1: 2_947, 2: 11_332, 4: 44_446, 64: 11_171_146}


def make_spec(width: int = 2, **changes) -> PreActResNet18Spec:
    settings = {
        "study": "double_descent/cifar10_resnet18", "seed": 0, "dataset": "uoft-cs/cifar10", "side": 32, "n_train": 128,
        "label_noise": 0.2, "width": width, "optimizer": "adam", "lr": 1e-4, "batch_size": 32, "epochs": 2,
    }  # fmt: skip
    return PreActResNet18Spec(**settings | changes)


@pytest.mark.parametrize(("width", "params"), PAPER.items())
def test_parameters_are_those_of_the_paper(width, params):
    spec = make_spec(width)
    assert spec.n_params == sum(each.numel() for each in PreActResNet18(spec).parameters()) == params


@pytest.mark.parametrize(("width", "side"), [(4, 32), (8, 16)])
def test_flops_are_those_that_torch_counts(width, side):
    spec = make_spec(width, side=side, n_train=1000, epochs=7)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(PreActResNet18(spec)(torch.randn(5, 3, side, side)), torch.arange(5)).backward()
    assert spec.flops == counter.get_total_flops() / 5 * 1000 * 7


def test_a_block_whose_convolutions_are_zero_passes_its_input_on():
    block, inputs = Block(4, 4, 1), torch.randn(3, 4, 8, 8)
    nn.init.zeros_(block.conv2.weight)
    assert block.shortcut is None and torch.equal(block(inputs), inputs)


def test_a_block_that_halves_the_image_carries_what_its_first_relu_gives():
    block, inputs = Block(4, 8, 2).eval(), torch.randn(3, 4, 8, 8)
    nn.init.zeros_(block.conv2.weight)
    every_second = F.relu(block.norm1(inputs))[:, :, ::2, ::2]
    expected = torch.einsum("oi,bihw->bohw", block.shortcut.weight[:, :, 0, 0], every_second)
    assert torch.allclose(block(inputs), expected, atol=1e-6)


def test_the_start_depends_on_width_and_seed_alone():
    def weights(spec):
        return torch.cat([each.detach().flatten() for each in PreActResNet18(spec).parameters()])

    start = weights(make_spec())
    assert torch.equal(start, weights(make_spec(label_noise=0.0, augment="crop_flip", epochs=5, lr=0.1)))
    assert not torch.equal(start, weights(make_spec(seed=1)))
