"""Training to a target: steps, the group that decides where it ends, and what no neighbour may change."""

import dataclasses
import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from precompute.datasets import split
from precompute.models.mlp import start_weights
from precompute.models.simple_cnn import simple_cnn
from precompute.spec import PATIENCE, StepsSpec
from precompute.training import side_by_side, to_target
from precompute.training.to_target import FIRST, batches, evaluation_steps

pytestmark = pytest.mark.usefixtures("worker_numerics")
CPU = torch.device("cpu")


def spec_of(lr: float = 0.01, **changes) -> StepsSpec:
    settings = {
        "study": "batch_size/mnist_mlp", "seed": 0, "dataset": "ylecun/mnist", "n_train": 500, "width": 16,
        "optimizer": "sgd", "lr": lr, "batch_size": 8, "steps": 120, "last_target": 0.05,
    }  # fmt: skip
    return StepsSpec(**settings | changes)


def measured(run) -> tuple:
    """Everything but times."""
    timeless = [{name: value for name, value in row.items() if name != "seconds"} for row in run.targets]
    return run.status, run.steps, run.stop_step, run.curves, run.validation, run.noise_scale, timeless


def test_evaluations_are_a_twentieth_apart_and_end_at_the_last_step():
    steps = evaluation_steps(60_000)
    assert steps[0] == FIRST and steps[-1] == 60_000 and steps == sorted(set(steps))
    assert all(b <= 1.05 * a + 1 for a, b in itertools.pairwise(steps))
    assert evaluation_steps(10) == [10]
    assert set(evaluation_steps(1000)[:-1]) <= set(steps), "a shorter budget is evaluated at the same steps"


def test_every_batch_is_full_and_every_epoch_has_each_example_once():
    spec = spec_of(batch_size=48)
    drawn = torch.cat(list(itertools.islice(batches(spec), 40)))
    assert len(drawn) == 40 * 48
    for epoch in range(3):
        assert sorted(drawn[500 * epoch : 500 * epoch + 500].tolist()) == list(range(500))
    assert not torch.equal(drawn[:500], drawn[500:1000])


def test_every_batch_size_and_rate_sees_the_same_examples_in_the_same_order_and_another_seed_does_not():
    streams = [
        torch.cat(list(itertools.islice(batches(spec), 1000 // spec.batch_size)))
        for spec in (spec_of(), spec_of(0.5, batch_size=1), spec_of(batch_size=1000, optimizer="adam"))
    ]
    assert torch.equal(streams[0], streams[1]) and torch.equal(streams[0], streams[2])
    assert not torch.equal(streams[0], torch.cat(list(itertools.islice(batches(spec_of(seed=1)), 125))))


@pytest.mark.parametrize(
    "changes",
    [{}, {"momentum": 0.9}, {"optimizer": "nesterov", "momentum": 0.9}, {"optimizer": "adam"}],
    ids=["sgd", "momentum", "nesterov", "adam"],
)
def test_weights_follow_torch_optim_also_after_others_have_left_the_group(dataset, changes):
    specs = [spec_of(rate, **changes) for rate in (0.004, 0.002, 0.001)]
    data = split(dataset, 500, 0.0, 0)
    networks = side_by_side.GroupedNetworks(specs, CPU)
    layers: list[nn.Module] = []
    for weight, bias in start_weights(side_by_side.as_mlp(specs[1])):
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data.copy_(weight)
        linear.bias.data.copy_(bias)
        layers += [linear, nn.ReLU()]
    alone = nn.Sequential(*layers[:-1])
    momentum, nesterov = specs[1].momentum, specs[1].optimizer == "nesterov"
    optimizer = (
        torch.optim.Adam(alone.parameters(), lr=0.002)
        if specs[1].optimizer == "adam"
        else torch.optim.SGD(alone.parameters(), lr=0.002, momentum=momentum, nesterov=nesterov)
    )
    inputs = networks.laid_out(data.train_inputs)
    for step, batch in enumerate(itertools.islice(batches(specs[0]), 12)):
        if step == 5:
            networks = networks.only([1, 2])
        networks.step(inputs[batch], data.train_labels[batch])
        optimizer.zero_grad()
        F.cross_entropy(alone(data.train_inputs[batch]), data.train_labels[batch]).backward()
        optimizer.step()
    place = 0
    first = networks.model.first[networks.model.rows[place]]
    assert torch.allclose(first[:, :784], alone[0].weight, atol=1e-6, rtol=0)
    assert torch.allclose(first[:, 784], alone[0].bias, atol=1e-6, rtol=0)
    assert torch.allclose(networks.model.last_weight[place, :, :16], alone[2].weight, atol=1e-6, rtol=0)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 16, 64, 200])
def test_a_run_is_the_same_alone_and_in_its_group_up_to_where_the_group_ends_it(dataset, batch_size):
    changes = {"batch_size": batch_size, "momentum": 0.9, "width": 64, "steps": 90, "last_target": 0.02}
    group = [spec_of(rate, **changes) for rate in (1.0, 0.1, 0.01, 0.003, 1e-5)]
    together = to_target.train(group, dataset, CPU)
    for index in (1, 3, 4):
        (alone,) = to_target.train([group[index]], dataset, CPU, {group[index].run_id: together[index].steps})
        assert measured(alone) == measured(together[index])
        (longer,) = to_target.train([group[index]], dataset, CPU)
        shared = together[index].validation[:-1]
        assert longer.validation[: len(shared)] == shared and longer.steps >= together[index].steps


def test_the_group_ends_three_times_after_the_first_rate_and_a_rate_it_ends_has_not_reached(dataset):
    group = [spec_of(rate, batch_size=32, steps=2000) for rate in (0.05, 1e-6)]
    quick, slow = to_target.train(group, dataset, CPU)
    assert quick.targets[0]["reached"] and quick.targets[0]["step"] == quick.steps
    last = next(step for step in evaluation_steps(2000) if step >= PATIENCE * quick.steps)
    assert slow.steps == last and slow.status == "complete"
    assert not any(row["reached"] for row in slow.targets) and {row["step"] for row in slow.targets} == {None}
    assert all(row["best_val_error"] > 0.5 for row in slow.targets) and slow.validation[-1]["step"] == last


def test_all_five_targets_are_stored_in_order_with_examples(dataset):
    (run,) = to_target.train([spec_of(0.01, batch_size=16)], dataset, CPU)
    assert [row["target"] for row in run.targets] == list(run.spec.targets)
    steps = [row["step"] for row in run.targets if row["reached"]]
    assert steps and steps == sorted(steps, reverse=True), "a harder target takes no fewer steps"
    for row in run.targets:
        if row["reached"]:
            assert row["examples"] == 16 * row["step"] and row["best_val_error"] <= row["target"] and row["seconds"] > 0
    assert set(spec_of(last_target=0.03).targets) == {0.03, 0.035, 0.04, 0.05, 0.07}
    assert run.flops == run.steps * 16 * run.spec.example_flops


def test_a_diverged_rate_is_recorded_and_the_others_go_on(dataset):
    lost, kept = to_target.train([spec_of(1e30), spec_of(0.01)], dataset, CPU)
    (alone,) = to_target.train([spec_of(0.01)], dataset, CPU)
    assert (lost.status, kept.status) == ("diverged", "complete") and 1 <= lost.stop_step <= FIRST
    assert not lost.validation and [row["best_val_error"] for row in lost.targets] == [None] * 5
    assert lost.curves == [{"epoch": 1} | dict.fromkeys(set(lost.curves[0]) - {"epoch"})]
    assert measured(kept) == measured(alone)


def test_a_rate_whose_loss_stays_too_high_goes_on_to_its_last_step_and_keeps_nothing_of_that(dataset, monkeypatch):
    """Only a loss that is not finite ends a run before: whether another one stays above is known at the end."""
    spec = spec_of(0.2, momentum=0.9, batch_size=1, last_target=0.001)
    (run,) = to_target.train([spec], dataset, CPU)
    assert (run.status, run.stop_step, run.steps) == ("diverged", FIRST, spec.steps)
    assert run.validation == run.noise_scale == [] and not any(row["reached"] for row in run.targets)
    monkeypatch.setattr(to_target, "find_stop_step", lambda *told: 40)
    (later,) = to_target.train([spec], dataset, CPU)
    assert [row["step"] for row in later.noise_scale] == [16, 33] and later.validation[-1]["step"] < 40


def test_without_a_target_all_steps_are_taken_and_the_end_is_what_is_measured(dataset):
    (run,) = to_target.train([spec_of(last_target=0.0, steps=0, epochs=2)], dataset, CPU)
    assert run.steps == round(2 * 500 / 8) and run.epochs == 2
    assert len(run.curves) == 1 and run.curves[0]["epoch"] == 1 and not (run.targets or run.validation)
    (longer,) = to_target.train([spec_of(last_target=0.0, steps=126)], dataset, CPU)
    assert longer.curves != run.curves


def test_the_noise_scale_of_a_network_is_measured_from_its_own_gradients(dataset):
    specs = [spec_of(), spec_of(0.02)]
    networks = side_by_side.GroupedNetworks(specs, CPU)
    data = split(dataset, 500, 0.0, 0)
    inputs, labels = networks.laid_out(data.train_inputs)[:20], data.train_labels[:20]
    norms = networks.squared_norms(networks.gradients(inputs, labels))
    loss = networks.losses(inputs, labels)
    by_hand = torch.autograd.grad(loss[0], list(networks.model.parameters()))
    assert float(norms[0]) == pytest.approx(sum(float((each**2).sum()) for each in by_hand), rel=1e-5)
    assert float(norms[0]) == pytest.approx(float(norms[1]), rel=1e-5), "both start alike"
    (run, _) = to_target.train(specs, dataset, CPU)
    assert next(row["step"] for row in run.noise_scale) == FIRST
    assert all(row["value"] is None or row["value"] > 0 for row in run.noise_scale)


def test_the_simple_cnn_has_the_papers_layers_and_trains(dataset):
    spec = spec_of(0.1, network="simple_cnn", width=2, batch_size=16, steps=20, last_target=0.3)
    for width in (2, 16):
        wide = dataclasses.replace(spec, width=width)
        assert sum(each.numel() for each in simple_cnn(wide).parameters()) == wide.n_params
    shapes = [
        tuple(each.weight.shape) for each in simple_cnn(dataclasses.replace(spec, width=16)) if hasattr(each, "weight")
    ]
    assert shapes == [(16, 1, 5, 5), (32, 16, 5, 5), (512, 32 * 49), (10, 512)]
    runs = to_target.train([spec, dataclasses.replace(spec, lr=0.05)], dataset, CPU)
    assert all(run.engine.startswith("separate networks") and run.noise_scale for run in runs)
    (alone,) = to_target.train([spec], dataset, CPU, {spec.run_id: runs[0].steps})
    assert measured(alone) == measured(runs[0])
    with pytest.raises(ValueError, match="no optimizer"):
        to_target.train([dataclasses.replace(spec, optimizer="adam")], dataset, CPU)


def test_groups_that_do_not_belong_together_are_refused(dataset):
    with pytest.raises(ValueError, match="share their batches"):
        to_target.train([spec_of(), spec_of(batch_size=16)], dataset, CPU)


def test_what_plan_prices_knows_the_budget():
    assert (
        spec_of(last_target=0.0).expected_steps == 120
        and spec_of(last_target=0.0, steps=0, epochs=2).expected_steps == 125
    )
    full = spec_of(n_train=55_000, width=64, steps=60_000, last_target=0.03)
    small, large = (dataclasses.replace(full, batch_size=size) for size in (1, 4096))
    assert small.expected_steps == 60_000 and 500 < large.expected_steps < 3000 and math.isfinite(large.flops)
