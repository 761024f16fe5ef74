"""Training beside a loop as a reader would write it."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from precompute.datasets import split
from precompute.image_spec import CNNSpec
from precompute.models.cnn import five_layer_cnn
from precompute.streams import stream
from precompute.training import single
from tests.precompute.single.networks import CPU, SGD, make_spec, numbers

pytestmark = pytest.mark.usefixtures("worker_numerics")


class PlainBlock(nn.Module):
    """A convolution, batch normalization written out, and what follows."""

    def __init__(self, convolution: nn.Conv2d, pool: bool):
        super().__init__()
        self.weight, self.bias = (nn.Parameter(value.detach().clone()) for value in convolution.parameters())
        channels = len(self.bias)
        self.gain, self.shift = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.mean, self.variance, self.pool = torch.zeros(channels), torch.ones(channels), pool

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        made = F.conv2d(inputs, self.weight, self.bias, padding=1)
        mean, variance = self.mean, self.variance
        if self.training:
            mean, variance = made.mean((0, 2, 3)), made.var((0, 2, 3), correction=0)
            count = made.numel() / len(mean)
            self.mean = 0.9 * self.mean + 0.1 * mean.detach()
            self.variance = 0.9 * self.variance + 0.1 * variance.detach() * count / (count - 1)
        over = lambda values: values[None, :, None, None]
        made = torch.relu((made - over(mean)) / torch.sqrt(over(variance) + 1e-5) * over(self.gain) + over(self.shift))
        return F.max_pool2d(made, 2) if self.pool else made


class Plain(nn.Module):
    """The network of the paper on 16 x 16, as a reader would write it, with the start weights of ours."""

    def __init__(self, spec: CNNSpec):
        super().__init__()
        start = [layer for layer in five_layer_cnn(spec) if isinstance(layer, nn.Conv2d | nn.Linear)]
        self.blocks = nn.ModuleList(PlainBlock(layer, pool=index > 0) for index, layer in enumerate(start[:4]))
        self.last = nn.Linear(8 * spec.width, 10)
        self.last.load_state_dict(start[4].state_dict())

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            inputs = block(inputs)
        return self.last(inputs.amax((2, 3)))


@pytest.mark.parametrize(
    ("n_train", "epochs"), [(128, 1), (128, 2), (70, 1)], ids=["one epoch", "two", "a last batch of 6"]
)
def test_training_equals_a_plain_loop(cifar10, trained, n_train, epochs):
    """The biases of the convolutions are left out: batch normalization takes them away again, so that their gradient is rounding
    and Adam makes steps of any sign of it. They move nothing but the running means, which lag behind them by a few steps."""
    spec = make_spec(n_train=n_train, epochs=epochs)
    (run,) = single.train([spec], cifar10, CPU)
    part = split(cifar10, n_train, 0.2, 0, side=16)
    network, inputs, labels = Plain(spec), numbers(part.train_inputs, spec), part.train_labels
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, foreach=False, fused=False)
    order = stream("order", spec.dataset, n_train, spec.seed)
    for _ in range(epochs):
        for batch in torch.randperm(n_train, generator=order).split(32):
            optimizer.zero_grad()
            F.cross_entropy(network(inputs[batch]), labels[batch]).backward()
            optimizer.step()
    assert run.steps == epochs * -(-n_train // 32)

    network.eval()
    convolutions = [layer for layer in trained[0] if isinstance(layer, nn.Conv2d)]
    norms = [layer for layer in trained[0] if isinstance(layer, nn.BatchNorm2d)]
    same = lambda ours, theirs, tolerance=1e-6: torch.allclose(ours, theirs, rtol=0, atol=tolerance)
    for block, convolution, norm in zip(network.blocks, convolutions, norms, strict=True):
        assert same(convolution.weight, block.weight)
        assert same(norm.weight, block.gain) and same(norm.bias, block.shift)
        assert same(norm.running_var, block.variance, 1e-5)
        assert same(norm.running_mean, block.mean, 10 * spec.lr)
        assert (convolution.bias - block.bias).abs().max() < 2 * spec.lr * run.steps
    assert same(trained[0][-1].weight, network.last.weight) and same(trained[0][-1].bias, network.last.bias)
    for name in ("train", "val", "test"):
        logits = network(numbers(getattr(part, f"{name}_inputs"), spec))
        loss = F.cross_entropy(logits, getattr(part, f"{name}_labels")).item()
        assert run.curves[-1][f"{name}_loss"] == pytest.approx(loss, abs=5e-3)


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        ("constant", [1, 1, 1, 1]),
        ("tenth at 0.5 0.75", [1, 1, 0.1, 0.01]),
        ("tenth at 0.3", [1, 1, 0.1, 0.1]),
        ("inverse_sqrt 2", [1, 1, math.sqrt(1 / 2), math.sqrt(1 / 2)]),
        ("inverse_sqrt 1", [1, math.sqrt(1 / 2), math.sqrt(1 / 3), 1 / 2]),
        ("cosine", [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2]),
    ],
)
def test_the_rate_follows_its_schedule_step_by_step(schedule, factors):
    assert [single.rate_at(schedule, step, 4) for step in range(4)] == pytest.approx(factors)


@pytest.mark.parametrize(
    "changes",
    [
        SGD,
        SGD | {"weight_decay": 0.05, "schedule": "tenth at 0.5 0.75"},
        SGD | {"optimizer": "nesterov", "schedule": "cosine", "norm": "none"},
        SGD | {"augment": "crop_flip", "activation": "prelu"},
    ],
    ids=["momentum", "decay and drops", "nesterov and cosine", "augmentation"],
)
def test_sgd_schedules_and_augmentation_equal_a_plain_loop(cifar10, trained, changes):
    spec = make_spec(n_train=70, epochs=3, **changes)
    (run,) = single.train([spec], cifar10, CPU)
    part = split(cifar10, 70, 0.2, 0, side=16)
    network, inputs, labels = five_layer_cnn(spec), numbers(part.train_inputs, spec), part.train_labels
    parameters = list(network.parameters())
    velocity = [torch.zeros_like(each) for each in parameters]
    order, augment, done = stream("order", spec.dataset, 70, 0), stream("augment", spec.dataset, 70, 0), 0
    for _ in range(3):
        shuffled, seen = torch.randperm(70, generator=order), inputs
        if spec.augment == "crop_flip":
            seen = torch.empty_like(inputs)
            places = torch.randint(9, (70, 2), generator=augment)
            mirrored = torch.randint(2, (70, 1), generator=augment)
            for index, (image, (row, column)) in enumerate(zip(inputs, places.tolist(), strict=True)):
                cut = F.pad(image, (4, 4, 4, 4))[:, row : row + 16, column : column + 16]
                seen[index] = cut.flip(2) if mirrored[index] else cut
        for batch in shuffled.split(32):
            drops = 0.1 ** ((done >= 4.5) + (done >= 6.75))
            waves = (1 + math.cos(math.pi * done / 9)) / 2
            rate = spec.lr * {"constant": 1, "cosine": waves}.get(spec.schedule, drops)
            done += 1
            gradients = torch.autograd.grad(F.cross_entropy(network(seen[batch]), labels[batch]), parameters)
            for parameter, gradient, v in zip(parameters, gradients, velocity, strict=True):
                gradient = gradient + spec.weight_decay * parameter.detach()
                v.mul_(spec.momentum).add_(gradient)
                parameter.data -= rate * (gradient + spec.momentum * v if spec.optimizer == "nesterov" else v)
    assert run.steps == done == 9
    for ours, theirs in zip(trained[0].parameters(), parameters, strict=True):
        assert torch.allclose(ours, theirs, rtol=0, atol=2e-5)


def test_runs_that_differ_in_anything_but_data_and_seed_see_the_same_crops(cifar10, monkeypatch):
    seen = []
    crop = single.crop
    monkeypatch.setattr(single, "crop", lambda *told: seen.append(crop(*told)) or seen[-1])
    for changes in ({}, {"width": 3, "lr": 0.2, "norm": "none"}, {"seed": 1}):
        single.train([make_spec(epochs=1, augment="crop_flip", **SGD | changes)], cifar10, CPU)
    one, two, other = (torch.cat(seen[index : index + 4]) for index in (0, 4, 8))
    assert torch.equal(one, two) and not torch.equal(one, other)
