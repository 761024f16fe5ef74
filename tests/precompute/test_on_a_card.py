"""What only a card can show. Skipped where there is none."""

import dataclasses

import pytest
import torch

from precompute import executors, shards
from precompute.engine import Engine
from precompute.image_spec import CNNSpec
from precompute.studies import STUDIES
from precompute.training import beside, grouped, single

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
CARD = torch.device("cuda")


def cnn(**changes) -> CNNSpec:
    settings = {
        "study": "double_descent/cifar10_cnn", "seed": 0, "dataset": "uoft-cs/cifar10", "side": 16, "n_train": 70,
        "label_noise": 0.2, "width": 4, "optimizer": "sgd", "lr": 0.05, "momentum": 0.9, "schedule": "inverse_sqrt 4",
        "augment": "crop_flip", "batch_size": 32, "epochs": 8, "evaluations": 3,
    }  # fmt: skip
    return CNNSpec(**settings | changes)


def assert_alike(ours, theirs, tolerance: float = 1e-2) -> None:
    """Runs of a few steps on two ways of the same arithmetic."""
    assert (ours.status, ours.steps, ours.stop_step) == (theirs.status, theirs.steps, theirs.stop_step)
    for one, other in zip(ours.curves, theirs.curves, strict=True):
        if other["train_loss"] is not None:
            assert one["train_loss"] == pytest.approx(other["train_loss"], abs=tolerance)


def test_grouped_mlps_are_captured_and_train_as_on_a_cpu(dataset, make_spec):
    specs = [make_spec(width, n_train=120, epochs=7, lr=lr) for width, lr in ((5, 1e-3), (16, 5e-4), (8, 1e30))]
    on_card, on_cpu = (grouped.train(specs, dataset, device) for device in (CARD, torch.device("cpu")))
    for ours, theirs in zip(on_card, on_cpu, strict=True):
        assert ours.engine == "grouped MLPs, captured, TF32 off"
        assert_alike(ours, theirs)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_captured_network_trains_as_one_that_is_not(cifar10, monkeypatch, precision):
    (captured,) = single.train([cnn(precision=precision)], cifar10, CARD)
    training = single.Training
    monkeypatch.setattr(single, "Training", lambda *given: training(*given, capture=False))
    (plain,) = single.train([cnn(precision=precision)], cifar10, CARD)
    assert (captured.engine, plain.engine) == ("one network, captured, TF32 off", "one network, not captured, TF32 off")
    assert captured.precision == plain.precision == precision
    assert_alike(captured, plain, 1e-2 if precision == "fp32" else 5e-2)


@pytest.mark.parametrize("way", beside.WAYS)
def test_networks_beside_each_other_train_as_alone_and_one_that_diverges_spoils_no_other(cifar10, way):
    specs = [cnn(seed=seed, label_noise=noise) for seed, noise in ((0, 0.2), (0, 0.0), (1, 0.2))]
    specs.insert(1, dataclasses.replace(specs[0], lr=1e30))
    together, alone = beside.train(specs, cifar10, CARD, way), single.train(specs, cifar10, CARD)
    assert [run.status for run in together] == ["complete", "diverged", "complete", "complete"]
    for ours, theirs in zip(together, alone, strict=True):
        if theirs.status == "complete":
            assert_alike(ours, theirs, 2e-2)
        assert ours.engine == f"4 networks, {way}, captured, TF32 off"


@pytest.mark.parametrize("name", [name for name, study in STUDIES.items() if study.needs_gpu])
def test_a_group_of_every_study_for_a_gpu_trains_and_is_written_down(name, tmp_path, data_folder):
    study, engine = STUDIES[name], Engine(device="a card", way="streams", beside_up_to=64)
    group = study.groups(study.specs("smoke"), engine)[0]
    settings = executors.Settings(tmp_path, str(data_folder), "cuda", engine)
    outcome = executors.train_group(group, settings)
    assert set(outcome.statuses.values()) <= {"complete", "diverged"}, outcome.errors
    for row in shards.read(tmp_path):
        assert row["device"] == torch.cuda.get_device_name() and "TF32 off" in row["engine"]
        assert row["precision"] == getattr(group[0], "precision", "fp32")
