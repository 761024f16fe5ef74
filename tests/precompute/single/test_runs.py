"""What a run keeps: measures, layers, damage; and what becomes of one that diverges."""

import dataclasses
import itertools
import math

import pytest
import torch
from torch.nn import functional as F

from precompute.datasets import split
from precompute.image_spec import ResNetSpec, VGGSpec
from precompute.models.cnn import five_layer_cnn, images
from precompute.models.resnet import CifarResNet
from precompute.models.vgg import vgg
from precompute.training import single
from precompute.training.run import COUNTS, LOSSES, evaluation_epochs
from tests.precompute.single.networks import CPU, SGD, make_spec, numbers

pytestmark = pytest.mark.usefixtures("worker_numerics")


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


def test_the_start_loss_is_normalized_as_in_training_and_leaves_the_network_as_it_was(cifar10):
    """With running statistics that have seen nothing the sums of a deep residual network grow, and with them its loss."""
    spec = ResNetSpec(
        study="s/t", seed=0, dataset="uoft-cs/cifar10", side=16, n_train=128, label_noise=0.0, width=4, depth=56,
        architecture="residual", batch_size=32, epochs=2, **SGD,
    )  # fmt: skip
    part = split(cifar10, 128, 0.0, 0, side=16)
    told = images(part.train_inputs, 16), part.train_labels
    network = CifarResNet(spec)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = single.start_loss(network, *told)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    loss = F.cross_entropy(network.train()(told[0]), told[1]).item()
    assert found == pytest.approx(loss, abs=1e-6) and found < 10
    assert single.measure(CifarResNet(spec), {"train": told}, part.noisy)["train_loss"] > 100


def test_the_start_loss_draws_no_noise_that_training_would_draw(cifar10):
    spec = VGGSpec(
        study="s/t", seed=0, dataset="uoft-cs/cifar10", side=16, n_train=128, label_noise=0.0, width=8,
        norm="noisy_batch", optimizer="sgd", lr=0.1, batch_size=32, epochs=2,
    )  # fmt: skip
    part = split(cifar10, 128, 0.0, 0, side=16)
    inputs, network = images(part.train_inputs, 16), vgg(spec)
    single.start_loss(network, inputs, part.train_labels)
    assert torch.equal(network.train()(inputs), vgg(spec).train()(inputs))


def test_a_run_is_judged_by_the_loss_that_training_starts_with(cifar10, monkeypatch):
    """Evaluations of thirty times the loss of guessing are a divergence, also of a network whose start would be above without its norm."""
    spec = ResNetSpec(
        study="s/t", seed=0, dataset="uoft-cs/cifar10", side=16, n_train=128, label_noise=0.0, width=4, depth=56,
        architecture="residual", batch_size=32, epochs=2, **SGD,
    )  # fmt: skip
    measure = single.measure
    monkeypatch.setattr(single, "measure", lambda *told: measure(*told) | {"train_loss": 70.0})
    (run,) = single.train([spec], cifar10, CPU)
    assert (run.status, run.stop_step) == ("diverged", 4)


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
