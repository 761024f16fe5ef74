import dataclasses
import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from precompute.datasets import split
from precompute.image_spec import CNNSpec, ResNetSpec
from precompute.models.cnn import five_layer_cnn, images
from precompute.streams import stream
from precompute.training import single
from precompute.training.run import COUNTS, LOSSES, evaluation_epochs

pytestmark = pytest.mark.usefixtures("worker_numerics")

CPU = torch.device("cpu")


def make_spec(width: int = 4, **changes) -> CNNSpec:
    settings = {
        "study": "double_descent/cifar10_cnn_small", "seed": 0, "dataset": "uoft-cs/cifar10", "side": 16, "n_train": 128,
        "label_noise": 0.2, "width": width, "optimizer": "adam", "lr": 1e-3, "batch_size": 32, "epochs": 2,
    }  # fmt: skip
    return CNNSpec(**settings | changes)


@pytest.fixture
def trained(monkeypatch):
    """The networks that single.train measures, as they are when it has ended."""
    seen: list[nn.Module] = []
    measure = single.measure

    def measure_seen(network, *others):
        if not any(network is other for other in seen):
            seen.append(network)
        return measure(network, *others)

    monkeypatch.setattr(single, "measure", measure_seen)
    return seen


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


def numbers(part, spec: CNNSpec) -> torch.Tensor:
    """[n, 3, 16, 16], contiguous, made without the view that is under test."""
    rows = part.reshape(len(part), spec.side, spec.side, 3)
    return torch.stack([rows[..., colour] for colour in range(3)], dim=1).contiguous()


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


def test_what_is_measured_is_what_the_network_says_at_the_end(cifar10, trained):
    spec = make_spec(epochs=3)
    (run,) = single.train([spec], cifar10, CPU)
    part = split(cifar10, 128, 0.2, 0, side=16)
    assert [row["epoch"] for row in run.curves] == evaluation_epochs(3, 36) == [1, 2, 3]
    assert (run.status, run.n_params, run.n_val, run.n_test, run.steps) == ("complete", spec.n_params, 128, 150, 12)
    assert run.wrong_labels == int(part.noisy.sum()) > 10
    network, last = trained[0].eval(), run.curves[-1]
    for name in ("train", "val", "test"):
        logits = network(numbers(getattr(part, f"{name}_inputs"), spec))
        right = logits.argmax(1) == getattr(part, f"{name}_labels")
        loss = F.cross_entropy(logits, getattr(part, f"{name}_labels")).item()
        assert last[f"{name}_loss"] == pytest.approx(loss, abs=1e-6)
        assert last[f"{name}_correct"] == int(right.sum())
        if name == "train":
            assert last["memorized"] == int((right & part.noisy).sum())


def test_a_network_learns_and_memorizes_its_wrong_labels(cifar10):
    (run,) = single.train([make_spec(6, epochs=12, lr=1e-2)], cifar10, CPU)
    first, last = run.curves[0], run.curves[-1]
    assert last["train_loss"] < first["train_loss"] / 2 and last["train_correct"] > first["train_correct"]
    assert last["test_correct"] > 75, "patterns of ten classes; 15 by chance"
    most = max(row["val_correct"] for row in run.curves)
    assert run.best_epoch == next(row["epoch"] for row in run.curves if row["val_correct"] == most)


def test_a_run_has_the_same_bits_alone_beside_others_and_again(cifar10):
    one, other = make_spec(n_train=70), make_spec(3, label_noise=0.0)
    (alone,) = single.train([one], cifar10, CPU)
    torch.manual_seed(3)
    beside = single.train([other, one], cifar10, CPU)
    again = single.train([one, other], cifar10, CPU)
    assert [run.spec for run in beside] == [other, one]
    assert alone.curves == beside[1].curves == again[0].curves
    assert beside[0].curves == again[1].curves != alone.curves


def test_measuring_uses_and_leaves_the_running_statistics(cifar10):
    """One image in front of the network gets the answer that it gets among others: nothing is averaged over test images."""
    spec = make_spec()
    part = split(cifar10, 128, 0.2, 0, side=16)
    sets = {
        name: (images(getattr(part, f"{name}_inputs"), 16), getattr(part, f"{name}_labels"))
        for name in ("train", "val", "test")
    }
    network = five_layer_cnn(spec)
    for batch in sets["train"][0].split(32):  # moves the running statistics, and nothing else
        network.train()(batch)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    whole = single.measure(network, sets, part.noisy)
    assert single.measure(network.train(), sets, part.noisy) == whole
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert set(whole) == {*LOSSES, *COUNTS}

    inputs, labels = sets["test"]
    mixed = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    for chosen in (mixed, mixed[:40], mixed[:1]):
        part_of = single.measure(network, sets | {"test": (inputs[chosen], labels[chosen])}, part.noisy)
        assert {name: part_of[name] for name in part_of if "test" not in name} == {
            name: whole[name] for name in whole if "test" not in name
        }
    alone = [
        single.measure(network, sets | {"test": (inputs[i : i + 1], labels[i : i + 1])}, part.noisy)
        for i in range(0, 150, 10)
    ]
    together = single.measure(network, sets | {"test": (inputs[::10], labels[::10])}, part.noisy)
    assert sum(each["test_correct"] for each in alone) == together["test_correct"]
    assert sum(each["test_loss"] for each in alone) / 15 == pytest.approx(together["test_loss"], abs=1e-6)


def test_sets_larger_than_a_chunk_are_measured_whole(cifar10, monkeypatch):
    part = split(cifar10, 128, 0.2, 0, side=16)
    sets = {"train": (images(part.train_inputs, 16), part.train_labels)}
    network = five_layer_cnn(make_spec())
    whole = single.measure(network, sets, part.noisy)
    monkeypatch.setattr(single, "CHUNK", 50)
    chunked = single.measure(network, sets, part.noisy)
    assert chunked.pop("train_loss") == pytest.approx(whole.pop("train_loss"), abs=1e-6)
    assert chunked == whole


def test_a_huge_rate_is_a_diverged_run_and_the_others_go_on(cifar10):
    calm = make_spec(3)
    lost, kept = single.train([dataclasses.replace(calm, lr=1e30), calm], cifar10, CPU)
    (alone,) = single.train([calm], cifar10, CPU)
    assert (lost.status, kept.status) == ("diverged", "complete")
    assert 1 <= lost.stop_step <= 4 and lost.best_epoch is None and lost.error is None
    assert [row["epoch"] for row in lost.curves] == [1, 2]
    assert all(row[name] is None for row in lost.curves for name in LOSSES + COUNTS)
    assert kept.curves == alone.curves


@pytest.mark.parametrize(("broken", "stop"), [(5, 6), (8, 8)], ids=["a step sees it", "only the evaluation sees it"])
def test_what_was_measured_before_a_run_diverged_is_kept(cifar10, monkeypatch, broken, stop):
    """The update after which everything overflows is in the middle of the second epoch, or its last."""

    class Breaks(torch.optim.Adam):
        steps = 0

        def step(self):
            self.steps += 1
            if self.steps == broken:
                self.param_groups[0]["lr"] = 1e30
            super().step()

    spec = make_spec(epochs=3)
    (whole,) = single.train([spec], cifar10, CPU)
    monkeypatch.setattr(torch.optim, "Adam", Breaks)
    (run,) = single.train([spec], cifar10, CPU)
    assert (run.status, run.stop_step, run.best_epoch) == ("diverged", stop, 1)
    assert run.curves[0] == whole.curves[0]
    assert all(row[name] is None for row in run.curves[1:] for name in LOSSES + COUNTS)


@pytest.mark.parametrize("lr", [1.0, 1e4, 1e10])
def test_no_run_that_counts_as_complete_holds_what_is_not_a_number(cifar10, lr):
    """One step and one evaluation: the only loss that training saw is the one before the step."""
    (run,) = single.train([make_spec(lr=lr, batch_size=128, epochs=1)], cifar10, CPU)
    (row,) = run.curves
    if run.status == "complete":
        assert all(math.isfinite(row[name]) for name in LOSSES)
    else:
        assert run.stop_step == 1 and row["test_loss"] is None
    assert run.status == ("diverged" if lr > 1 else "complete")


@pytest.mark.parametrize(("width", "side"), [(1, 16), (3, 16), (8, 16), (4, 32)])
def test_flops_are_those_that_torch_counts(width, side):
    spec = make_spec(width, side=side, n_train=1000, epochs=7)
    network = five_layer_cnn(spec)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(network(torch.randn(5, 3, side, side)), torch.arange(5)).backward()
    assert spec.flops == counter.get_total_flops() / 5 * 1000 * 7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "newton"}, "no optimizer 'newton'"),
        ({"weight_decay": 0.1}, "no optimizer 'adam' with weight decay 0.1"),
        ({"schedule": "warm"}, "no schedule 'warm'"),
        ({"augment": "cutout"}, "no augmentation 'cutout'"),
        ({"precision": "fp8"}, "no precision 'fp8'"),
        ({"norm": "layer"}, "no norm 'layer'"),
    ],
)
def test_what_no_study_knows_is_refused(cifar10, changes, message):
    with pytest.raises(ValueError, match=message):
        single.train([make_spec(**changes)], cifar10, CPU)


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


SGD = {"optimizer": "sgd", "lr": 0.05, "momentum": 0.9}


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


def test_bf16_stays_fp32_on_a_cpu(cifar10):
    (run,), (same,) = (single.train([make_spec(precision=name)], cifar10, CPU) for name in ("bf16", "fp32"))
    assert run.precision == same.precision == "fp32" and run.curves == same.curves


def test_layers_are_measured_at_the_start_and_at_every_evaluation_and_change_nothing(cifar10):
    plain, watched = make_spec(epochs=3), make_spec(epochs=3, layer_measures=True)
    (without,), (run,) = (single.train([spec], cifar10, CPU) for spec in (plain, watched))
    assert run.curves == without.curves and without.layers == []
    assert [(row["epoch"], row["layer"]) for row in run.layers] == list(itertools.product(range(4), range(1, 6)))
    assert all(row["gradient_norm"] > 0 for row in run.layers)


def test_layers_of_a_diverged_run_are_empty_from_the_divergence_on(cifar10):
    (run,) = single.train([make_spec(lr=1e30, layer_measures=True)], cifar10, CPU)
    assert run.status == "diverged"
    assert all((row["gradient_norm"] is None) == (row["epoch"] > 0) for row in run.layers)


@pytest.mark.parametrize("architecture", ["plain", "residual"])
def test_a_residual_network_trains_and_tells_what_each_block_is_worth(cifar10, trained, architecture):
    spec = ResNetSpec(
        study="s/t", seed=0, dataset="uoft-cs/cifar10", side=16, n_train=128, label_noise=0.0, width=4, depth=8,
        architecture=architecture, batch_size=32, epochs=4, weight_decay=1e-4, schedule="tenth at 0.5 0.75", **SGD,
    )  # fmt: skip
    (run,) = single.train([spec], cifar10, CPU)
    assert (run.status, run.steps, run.n_params) == ("complete", 16, spec.n_params)
    assert run.curves[-1]["train_loss"] < run.curves[0]["train_loss"]
    assert [(row["kind"], row["stage"], row["part"]) for row in run.damage] == [("block", n, n) for n in (1, 2, 3)]
    part = split(cifar10, 128, 0.0, 0, side=16)
    network = trained[0].eval()
    before = network.blocks[0](network.stem(numbers(part.test_inputs, spec)))
    logits = network.answer(network.blocks[2](network.blocks[1].carried(before)))
    assert run.damage[1]["test_correct"] == int((logits.argmax(1) == part.test_labels).sum())


def test_another_number_of_evaluations_measures_less_and_trains_the_same(cifar10):
    often, seldom = (single.train([make_spec(epochs=6, evaluations=n)], cifar10, CPU)[0] for n in (36, 2))
    assert [row["epoch"] for row in seldom.curves] == [1, 6]
    assert [row for row in often.curves if row["epoch"] in (1, 6)] == seldom.curves


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
