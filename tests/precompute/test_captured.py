"""A captured step is the step: on a CPU by recording and replaying its operations, on a card by its graphs where there is one."""

import dataclasses

import pytest
import torch

from precompute import datasets
from precompute.image_spec import CNNSpec
from precompute.spec import StepsSpec
from precompute.studies import STUDIES
from precompute.training import beside, captured, grouped, single, to_target
from precompute.training.captured import WARM_UP, Captured, Steps, none_lost
from tests.precompute import recorded

pytestmark = pytest.mark.usefixtures("worker_numerics")
CPU = torch.device("cpu")
FOR_A_GPU = [name for name, study in STUDIES.items() if study.needs_gpu]


@pytest.fixture
def graphs(monkeypatch):
    """Has steps captured on the CPU; call it when what is not captured is done."""
    return lambda: recorded.install(monkeypatch)


def cnn(**changes) -> CNNSpec:
    settings = {
        "study": "double_descent/cifar10_cnn", "seed": 0, "dataset": "uoft-cs/cifar10", "side": 16, "n_train": 70,
        "label_noise": 0.2, "width": 3, "optimizer": "sgd", "lr": 0.05, "batch_size": 32, "epochs": 8, "evaluations": 3,
    }  # fmt: skip
    return CNNSpec(**settings | changes)


def rates(name: str, **changes) -> list[StepsSpec]:
    settings = {
        "study": "batch_size/mnist_cnn", "seed": 0, "dataset": "ylecun/mnist", "n_train": 300, "network": name, "momentum": 0.9,
        "width": 2 if name == "simple_cnn" else 8, "optimizer": "nesterov", "batch_size": 32, "steps": 40, "last_target": 0.3,
    }  # fmt: skip
    return [StepsSpec(**settings | changes | {"lr": rate}) for rate in (1e30, 0.1, 0.01, 0.001, 0.0002)]


def timeless(run) -> dict:
    """All that is measured of a run, without times."""
    held = dataclasses.asdict(run) | {"wall_s": 0, "engine": "", "spec": run.spec}
    return held | {"targets": [row | {"seconds": 0} for row in run.targets]}


def test_steps_are_counted_and_the_first_that_is_lost_is_kept():
    losses = iter([[1.0, 2.0], [1.0, float("nan")], [float("inf"), 1.0], [1.0, float("nan")]])
    seen = []

    def update(places: torch.Tensor) -> torch.Tensor:
        seen.append(places.tolist())
        return torch.tensor(next(losses))

    steps = Steps(update, none_lost(2, CPU), capture=False, made=10)
    for batch in ([0, 1, 2], [3, 4], [5, 6, 7], [8]):
        steps(torch.tensor(batch))
    assert seen == [[0, 1, 2], [3, 4], [5, 6, 7], [8]]
    assert steps.made == 14 and steps.not_finite_at.tolist() == [13, 12]


def test_the_first_steps_warm_up_and_one_is_captured(graphs):
    made, calls = graphs(), []
    count = torch.zeros(())

    def step() -> None:
        calls.append(int(count) if not made else None)
        count.add_(1)

    one = Captured(step, capture=True)
    for _ in range(WARM_UP + 5):
        one()
    assert int(count) == WARM_UP + 5, "every call is a step"
    assert calls == [*range(WARM_UP), None] and len(made) == 1 and made[0].replays == 5


def test_a_step_that_waits_for_the_device_cannot_be_captured(graphs):
    graphs()
    loss = torch.ones(())
    waits = Captured(lambda: loss.add_(loss.item()), capture=True)
    with pytest.raises(RuntimeError, match="_local_scalar_dense cannot be captured"):
        for _ in range(WARM_UP + 1):
            waits()


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "adam", "weight_decay": 0.1},
        {"optimizer": "nesterov", "lr": 0.1, "momentum": 0.9, "depth": 2, "norm": "batch", "activation": "prelu"},
    ],
    ids=lambda changes: changes["optimizer"],
)
def test_grouped_mlps_have_the_same_bits_when_captured(dataset, make_spec, graphs, changes):
    """120 examples in batches of 50: the last batch of an epoch is smaller, and has a graph of its own."""
    rate = changes.get("lr", 1e-3)
    specs = [
        make_spec(width, n_train=120, epochs=7, **changes | {"lr": lr}) for width, lr in ((5, rate), (16, rate / 2))
    ]
    specs.append(dataclasses.replace(specs[0], lr=1e30))
    plain = grouped.train(specs, dataset, CPU)
    made = graphs()
    again = grouped.train(specs, dataset, CPU)
    assert [graph.replays for graph in made] == [2 * 7 - WARM_UP, 7 - WARM_UP]
    assert [timeless(run) for run in again] == [timeless(run) for run in plain]
    assert [run.status for run in plain[:2]] == ["complete"] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"momentum": 0.9, "weight_decay": 1e-3, "schedule": "cosine", "augment": "crop_flip"},
        {"optimizer": "adam", "lr": 1e-2, "schedule": "inverse_sqrt 4", "norm": "none"},
    ],
    ids=["sgd", "adam"],
)
def test_a_convolutional_network_follows_its_schedule_and_its_crops_when_captured(cifar10, graphs, changes):
    """Learning rates are in fp32 on a card, so the last digits differ; a rate that had stayed as it was captured would differ in the first."""
    spec = cnn(**changes)
    (plain,), (stays,) = (
        single.train([each], cifar10, CPU) for each in (spec, dataclasses.replace(spec, schedule="constant"))
    )
    made = graphs()
    (again,) = single.train([spec], cifar10, CPU)
    assert [graph.replays for graph in made] == [2 * 8 - WARM_UP, 8 - WARM_UP]
    for ours, theirs, other in zip(again.curves, plain.curves, stays.curves, strict=True):
        assert ours["train_loss"] == pytest.approx(theirs["train_loss"], abs=1e-4)
        assert abs(ours["test_correct"] - theirs["test_correct"]) <= 1
    assert abs(other["train_loss"] - theirs["train_loss"]) > 1e-2


@pytest.mark.parametrize("way", beside.WAYS)
def test_networks_beside_each_other_are_captured_too(cifar10, graphs, way):
    specs = [
        cnn(seed=seed, label_noise=noise, lr=lr) for seed, noise, lr in ((0, 0.2, 0.05), (0, 0.0, 0.02), (1, 0.2, 0.1))
    ]
    specs = [dataclasses.replace(spec, augment="crop_flip", schedule="inverse_sqrt 4") for spec in specs]
    plain = beside.train_beside(specs, cifar10, CPU, way)
    made = graphs()
    again = beside.train_beside(specs, cifar10, CPU, way)
    assert len(made) == 2 and all(graph.replays > 3 for graph in made)
    for ours, theirs in zip(again, plain, strict=True):
        assert ours.status == theirs.status == "complete"
        assert ours.curves[-1]["train_loss"] == pytest.approx(theirs.curves[-1]["train_loss"], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "changes"), [("mlp", {}), ("mlp", {"optimizer": "adam", "momentum": 0.0}), ("simple_cnn", {})]
)
def test_rates_that_end_one_by_one_have_the_same_bits_when_captured(dataset, graphs, name, changes):
    """Each time that one ends, what is left is captured anew."""
    specs = rates(name, **changes)
    plain = to_target.train(specs, dataset, CPU)
    made = graphs()
    again = to_target.train(specs, dataset, CPU)
    assert [timeless(run) for run in again] == [timeless(run) for run in plain]
    assert len({run.steps for run in plain}) > 1 and sum(graph.replays for graph in made) > 10
    assert plain[0].status == "diverged"


@pytest.mark.parametrize("name", FOR_A_GPU)
def test_the_networks_of_every_study_for_a_gpu_can_be_captured(name, data_folder, graphs):
    study = STUDIES[name]
    data = datasets.load(study.dataset, str(data_folder))
    first = study.specs("smoke")[0]
    (group,) = [[dataclasses.replace(each, **({"epochs": 6} if hasattr(each, "side") else {})) for each in group]
                for group in study.groups(study.specs("smoke")) if first in group]  # fmt: skip
    plain = study.train(group, data, CPU)
    made = graphs()
    again = study.train(group, data, CPU)
    assert sum(graph.replays for graph in made) > 1, "replayed, and not only recorded"
    for ours, theirs in zip(again, plain, strict=True):
        assert (ours.status, ours.steps) == (theirs.status, theirs.steps)
        assert [len(rows) for rows in (ours.layers, ours.damage, ours.probes)] == [
            len(rows) for rows in (theirs.layers, theirs.damage, theirs.probes)
        ]
        for one, other in zip(ours.probes, theirs.probes, strict=True):
            assert one["step"] == other["step"] and one["loss"] == pytest.approx(other["loss"], abs=1e-3)
        if ours.status == "complete":
            assert ours.curves[-1]["train_loss"] == pytest.approx(theirs.curves[-1]["train_loss"], abs=1e-3)


def test_noise_that_is_drawn_on_the_cpu_is_not_captured(data_folder, graphs):
    study = STUDIES["batch_norm/cifar10_vgg"]
    spec = next(spec for spec in study.specs("smoke") + study.specs("full") if spec.norm == "noisy_batch")
    small = {name: value for name, value in study.specs("smoke")[0].as_dict().items() if name not in ("norm", "seed")}
    spec = dataclasses.replace(spec, **small)
    made = graphs()
    inputs, labels = torch.randn(spec.n_train, 3, spec.side, spec.side), torch.zeros(spec.n_train, dtype=torch.int64)
    assert not single.Training(spec, inputs, labels).steps.capture and not made
    assert single.Training(dataclasses.replace(spec, norm="batch"), inputs, labels).steps.capture


def test_what_a_run_says_of_its_engine():
    assert captured.engine_on(CPU, "one network", False) == "one network, 1 thread"
    card = torch.device("cuda")  # to be named, there has to be none
    matrix, convolution = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    try:
        captured.set_numerics(card)
        assert captured.engine_on(card, "one network", False) == "one network, not captured, TF32 off"
        torch.backends.cudnn.allow_tf32 = True
        assert captured.engine_on(card, "grouped MLPs", True) == "grouped MLPs, captured, TF32 on"
    finally:
        torch.set_float32_matmul_precision(matrix)
        torch.backends.cudnn.allow_tf32 = convolution
