import pytest
import torch
from torch import nn
from torch.nn import functional as F

from precompute.measures import damage
from precompute.measures.damage import without_each_block
from precompute.models.resnet import CifarResNet
from tests.precompute.test_resnet import make_spec

pytestmark = pytest.mark.usefixtures("worker_numerics")


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(50, 3, 16, 16, generator=generator), torch.randint(10, (50,), generator=generator)


def settled(spec, inputs) -> CifarResNet:
    """With running statistics that are not those of the start."""
    network = CifarResNet(spec).train()
    with torch.no_grad():
        for _ in range(5):
            network(inputs)
    return network


@pytest.mark.parametrize("architecture", ["plain", "residual"])
def test_each_row_is_the_network_without_that_block(data, monkeypatch, architecture):
    monkeypatch.setattr(damage, "CHUNK", 20)
    inputs, labels = data
    network = settled(make_spec(14, architecture=architecture), inputs)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    rows = without_each_block(network, inputs, labels)
    assert [(row["kind"], row["stage"], row["part"], row["target"]) for row in rows] == [
        ("block", 1 + index // 2, index + 1, None) for index in range(6)
    ]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    network.eval()
    for taken_out, row in enumerate(rows):
        features = network.stem(inputs)
        for index, block in enumerate(network.blocks):
            features = block.carried(features) if index == taken_out else block(features)
        logits = network.answer(features)
        assert row["test_correct"] == int((logits.argmax(1) == labels).sum())
        assert row["test_loss"] == pytest.approx(F.cross_entropy(logits, labels).item(), abs=1e-5)
    assert len({row["test_loss"] for row in rows}) == 6


def test_a_block_that_does_nothing_is_not_missed(data):
    inputs, labels = data
    network = settled(make_spec(8), inputs)
    for part in network.blocks[0].parameters():
        nn.init.zeros_(part)
    with torch.no_grad():
        logits = network.eval()(inputs)
    first = without_each_block(network, inputs, labels)[0]
    assert first["test_correct"] == int((logits.argmax(1) == labels).sum())
    assert first["test_loss"] == pytest.approx(F.cross_entropy(logits, labels).item(), abs=1e-6)


def test_a_loss_that_is_not_finite_is_none(data):
    network = settled(make_spec(8), data[0])
    nn.init.constant_(network.last.weight, float("inf"))
    assert all(row["test_loss"] is None for row in without_each_block(network, *data))
