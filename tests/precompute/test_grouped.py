import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from precompute.datasets import split
from precompute.models.mlp import GroupedMLP, start_weights, with_constant
from precompute.training import grouped
from precompute.training.grouped import optimizers_of, take_step

pytestmark = pytest.mark.usefixtures("worker_numerics")

CPU = torch.device("cpu")
OPTIMIZERS = [
    {"optimizer": "adam"},
    {"optimizer": "adam", "weight_decay": 0.1},
    {"optimizer": "sgd", "lr": 0.1},
    {"optimizer": "sgd", "lr": 0.1, "momentum": 0.9},
    {"optimizer": "nesterov", "lr": 0.1, "momentum": 0.9},
]


def separate(spec) -> nn.Sequential:
    """The same network as most people would write it, with the same start."""
    layers: list[nn.Module] = []
    for weight, bias in start_weights(spec):
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data.copy_(weight)
        linear.bias.data.copy_(bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def separate_optimizer(network: nn.Module, spec) -> torch.optim.Optimizer:
    if spec.optimizer == "adam":
        return torch.optim.AdamW(network.parameters(), lr=spec.lr, weight_decay=spec.weight_decay)
    return torch.optim.SGD(
        network.parameters(), lr=spec.lr, momentum=spec.momentum, nesterov=spec.optimizer == "nesterov"
    )


def weights_of(model: GroupedMLP, index: int, spec) -> list[torch.Tensor]:
    first = model.first[model.rows[index]]
    hidden = [
        part
        for weight, bias in zip(model.hidden_weights, model.hidden_biases, strict=True)
        for part in (weight[index, : spec.width, : spec.width], bias[index, : spec.width, 0])
    ]
    last = [model.last_weight[index, :, : spec.width], model.last_bias[index, :10, 0]]
    return [first[:, : spec.inputs], first[:, spec.inputs], *hidden, *last]


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("changes", OPTIMIZERS, ids=lambda changes: "-".join(map(str, changes.values())))
def test_gradients_and_ten_steps_equal_separate_networks(dataset, make_spec, changes, depth):
    rates = (0.5, 1, 1, 2)
    specs = [
        make_spec(width, depth=depth, seed=0, label_noise=noise, **changes | {"lr": rate * changes.get("lr", 1e-3)})
        for width, noise, rate in zip((3, 10, 16, 7), (0, 0.2, 0.1, 0.2), rates, strict=True)
    ]
    parts = [split(dataset, 500, spec.label_noise, spec.seed) for spec in specs]
    model = GroupedMLP(specs)
    optimizers = optimizers_of(model, specs)
    assert len(optimizers) == (3 if changes["optimizer"] == "adam" else 1)
    scale = 1 if changes["optimizer"] == "adam" else torch.tensor([spec.lr for spec in specs])
    networks = [separate(spec) for spec in specs]
    others = [separate_optimizer(network, spec) for network, spec in zip(networks, specs, strict=True)]
    inputs, labels = with_constant(parts[0].train_inputs), torch.stack([part.train_labels for part in parts])
    for step in range(10):
        batch = slice(50 * step, 50 * step + 50)
        losses = take_step(model, optimizers, inputs[batch], labels[:, batch])
        for index, (spec, network, optimizer) in enumerate(zip(specs, networks, others, strict=True)):
            optimizer.zero_grad()
            loss = F.cross_entropy(network(parts[0].train_inputs[batch]), labels[index, batch])
            loss.backward()
            assert abs(losses[index] - loss) < 1e-6
            if step == 0:
                gradient = model.first.grad[model.rows[index]] / (
                    scale if changes["optimizer"] == "adam" else scale[index]
                )
                assert torch.allclose(gradient[:, : spec.inputs], network[0].weight.grad, atol=1e-6, rtol=0)
                assert torch.allclose(gradient[:, spec.inputs], network[0].bias.grad, atol=1e-6, rtol=0)
            optimizer.step()
            for ours, theirs in zip(weights_of(model, index, spec), network.parameters(), strict=True):
                assert torch.allclose(ours, theirs, atol=1e-6, rtol=0), step


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "cosx_x", "prelu"])
def test_padding_stays_exactly_zero(dataset, make_spec, activation, norm):
    changes = {"depth": 2, "activation": activation, "norm": norm, "optimizer": "sgd", "lr": 0.1, "momentum": 0.9}
    specs = [make_spec(3, **changes), make_spec(10, **changes | {"lr": 0.05})]
    part = split(dataset, 500, 0.2, 0)
    model = GroupedMLP(specs)
    optimizers = optimizers_of(model, specs)
    for _ in range(5):
        take_step(model, optimizers, with_constant(part.train_inputs), part.train_labels.expand(2, -1))
    assert not model.first[13:].any() and not model.first[:, 785:].any()
    for index, width in ((0, 3), (1, 10)):
        assert not model.hidden_weights[0][index, width:].any() and not model.hidden_weights[0][index, :, width:].any()
        assert not model.last_weight[index, :, width:].any()


def test_a_run_has_the_same_bits_alone_in_a_pair_and_in_its_group(dataset, make_spec):
    group = [make_spec(width, label_noise=noise) for noise in (0.0, 0.2) for width in (1, 2, 5, 10, 14, 16)]
    together = grouped.train(group, dataset, CPU)
    for index in (0, 3, 7, 11):
        (alone,) = grouped.train([group[index]], dataset, CPU)
        pair = grouped.train([group[4], group[index]], dataset, CPU)
        assert alone.curves == pair[1].curves == together[index].curves


@pytest.mark.parametrize("width", [24, 40, 64, 100])
def test_wider_runs_have_the_same_bits_alone_and_in_a_group(dataset, make_spec, width):
    group = [make_spec(width, label_noise=noise) for noise in (0.0, 0.1, 0.2)]
    together = grouped.train(group, dataset, CPU)
    (alone,) = grouped.train([group[1]], dataset, CPU)
    assert alone.curves == together[1].curves


DEEP = {"optimizer": "sgd", "momentum": 0.9, "start": "he", "depth": 4}


@pytest.mark.parametrize(
    "changes",
    [
        {"activation": "sigmoid"},
        {"activation": "prelu"},
        {"residual": 2},
        {"norm": "batch", "residual": 2, "layer_measures": True},
    ],
    ids=str,
)
def test_deep_runs_of_any_rate_have_the_same_bits_alone_and_in_a_group(dataset, make_spec, changes):
    """Rates that are no powers of two, so that an update by another path would round differently."""
    group = [make_spec(width, **DEEP | changes | {"lr": rate}) for width in (16, 10) for rate in (0.1, 0.03, 0.007)]
    together = grouped.train(group, dataset, CPU)
    for index in (1, 5):
        (alone,) = grouped.train([group[index]], dataset, CPU)
        assert alone.status == "complete"
        assert alone.curves == together[index].curves and alone.layers == together[index].layers


def test_evaluations_are_as_many_as_asked_for_and_layers_are_measured_beside_them(dataset, make_spec):
    spec = make_spec(8, epochs=6, evaluations=3, layer_measures=True, depth=2, optimizer="sgd", lr=0.05)
    (run,) = grouped.train([spec], dataset, CPU)
    assert [row["epoch"] for row in run.curves] == [1, 2, 6]
    assert [(row["epoch"], row["layer"]) for row in run.layers] == [(e, l) for e in (0, 1, 2, 6) for l in (1, 2, 3)]
    (without,) = grouped.train([dataclasses.replace(spec, layer_measures=False)], dataset, CPU)
    assert without.curves == run.curves and without.layers == []


def test_layers_of_a_diverged_run_are_none_from_its_last_step_on(dataset, make_spec):
    spec = make_spec(8, optimizer="sgd", lr=1e30, layer_measures=True)
    (run,) = grouped.train([spec], dataset, CPU)
    assert run.status == "diverged"
    for row in run.layers:
        values = {value for name, value in row.items() if name not in ("epoch", "layer")}
        assert (row["epoch"] == 0) == (values != {None})


def test_what_is_measured_equals_a_separate_network(dataset, make_spec):
    spec = make_spec(12, epochs=2)
    (run,) = grouped.train([spec], dataset, CPU)
    part = split(dataset, spec.n_train, spec.label_noise, spec.seed)
    network = separate(spec)
    optimizer = separate_optimizer(network, spec)
    order = grouped.stream("order", spec.dataset, spec.n_train, spec.seed)
    for _ in range(2):
        for batch in torch.randperm(500, generator=order).split(50):
            optimizer.zero_grad()
            F.cross_entropy(network(part.train_inputs[batch]), part.train_labels[batch]).backward()
            optimizer.step()
    last = run.curves[-1]
    for name in ("train", "val", "test"):
        logits = network(getattr(part, f"{name}_inputs"))
        truth = getattr(part, f"{name}_labels")
        assert last[f"{name}_loss"] == pytest.approx(F.cross_entropy(logits, truth).item(), abs=1e-4)
        assert abs(last[f"{name}_correct"] - (logits.argmax(1) == truth).sum().item()) <= 2
    wrong = (network(part.train_inputs).argmax(1) == part.train_labels) & part.noisy
    assert abs(last["memorized"] - wrong.sum().item()) <= 2
    assert (run.wrong_labels, run.n_val, run.n_test, run.steps) == (int(part.noisy.sum()), 500, 300, 20)
    errors = {row["epoch"]: 500 - row["val_correct"] for row in run.curves}
    assert errors[run.best_epoch] == min(errors.values())


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "prelu"])
def test_a_diverged_run_is_recorded_with_its_step_and_the_others_go_on(dataset, make_spec, activation):
    """What is not a number must not pass from one to the other through the zeros that pad both."""
    calm = make_spec(8, optimizer="sgd", lr=0.01, depth=2, activation=activation)
    wild = dataclasses.replace(calm, lr=1e30)
    lost, kept = grouped.train([wild, calm], dataset, CPU)
    (alone,) = grouped.train([calm], dataset, CPU)
    assert (lost.status, kept.status) == ("diverged", "complete")
    assert 1 <= lost.stop_step <= 10 and lost.best_epoch is None
    assert all(row["test_loss"] is None and row["test_correct"] is None for row in lost.curves)
    assert kept.curves == alone.curves


def test_groups_that_do_not_fit_together_are_refused(dataset, make_spec):
    with pytest.raises(ValueError, match="share their minibatches"):
        grouped.train([make_spec(8), make_spec(8, seed=1)], dataset, CPU)
    with pytest.raises(ValueError, match="padded width"):
        GroupedMLP([make_spec(8), make_spec(20)])
    for wrong in ({"optimizer": "sgd", "weight_decay": 0.1}, {"optimizer": "lion"}):
        with pytest.raises(ValueError, match="no optimizer"):
            optimizers_of(GroupedMLP([make_spec(8)]), [make_spec(8, **wrong)])
