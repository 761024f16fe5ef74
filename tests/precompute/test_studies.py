"""The grids that were announced, and one small run of each study repeated."""

import itertools
import math
import os
from collections import Counter

import pytest
import torch

from precompute import datasets, results_file
from precompute.executors import Settings
from precompute.image_spec import CNNSpec
from precompute.repeat import repeat
from precompute.shards import processor
from precompute.spec import MLPSpec, RandomFeaturesSpec, Spec
from precompute.studies import STUDIES
from precompute.training.closed_form import MOST_FEATURES
from tests.precompute.reading import values
from tests.results_files import FIXTURE, SHIPPED

CPU = torch.device("cpu")
GENERALIZATION = ("mnist_mlp", "cifar10_cnn_small", "sample_wise", "regularization", "random_features")
MNIST, CIFAR10 = "ylecun/mnist", "uoft-cs/cifar10"


def full(name: str) -> list[Spec]:
    return STUDIES[f"double_descent/{name}"].specs("full")


def assert_every_combination_once(specs: list[Spec], *fields: str) -> None:
    counts = Counter(tuple(getattr(spec, field) for field in fields) for spec in specs)
    assert set(counts) == set(itertools.product(*(values(specs, field) for field in fields)))
    assert set(counts.values()) == {1}


def smallest(name: str) -> Spec:
    return min(STUDIES[name].specs("smoke"), key=lambda spec: spec.flops)


def test_the_studies_are_those_of_the_question():
    for name in GENERALIZATION:
        study = STUDIES[f"double_descent/{name}"]
        assert study.question == "generalization" and values(full(name), "dataset") == {study.dataset}
        assert study.x_axis in study.specs("full")[0].settings()


def test_mnist_mlp():
    specs = full("mnist_mlp")
    assert_every_combination_once(specs, "width", "label_noise", "seed")
    assert len(specs) == 24 * 3 * 5 and values(specs, "label_noise") == {0.0, 0.1, 0.2}
    widths = sorted(values(specs, "width"))
    assert (widths[0], widths[-1], len(widths)) == (1, 1024, 24)
    dense = [width for width in widths if 8 <= width <= 24]
    assert max(b - a for a, b in itertools.pairwise(dense)) == 2, "dense around the threshold"
    assert values(specs, "dataset", "n_train", "optimizer", "lr", "batch_size", "epochs", "depth", "weight_decay") == {
        (MNIST, 4000, "adam", 1e-3, 250, 1000, 1, 0.0)
    }


def test_cifar10_cnn_small():
    specs = full("cifar10_cnn_small")
    assert_every_combination_once(specs, "width", "label_noise", "seed")
    assert values(specs, "width") == {1, 2, 3, 4, 6, 8, 12, 16, 24, 32}
    assert values(specs, "label_noise") == {0.0, 0.2} and values(specs, "seed") == {0, 1, 2}
    assert values(specs, "dataset", "side", "n_train", "optimizer", "lr", "batch_size", "epochs") == {
        (CIFAR10, 16, 4000, "adam", 1e-3, 128, 200)
    }


def test_sample_wise():
    specs = full("sample_wise")
    widths = values(specs, "width")
    assert len(widths) == 14 and min(widths) == 2 and max(widths) == 256
    assert widths <= values(full("mnist_mlp"), "width"), "widths of the main study, so that both can be laid together"
    assert values(specs, "label_noise") == {0.0, 0.2} and values(specs, "seed") == set(range(5))
    arms = values(specs, "n_train", "epochs")
    assert arms == {(1000, 300), (2000, 300), (4000, 300), (8000, 300), (1000, 1200), (2000, 600), (8000, 150)}
    assert len(specs) == 7 * 14 * 2 * 5 == len(values(specs, "n_train", "epochs", "width", "label_noise", "seed"))
    assert values(specs, "dataset", "optimizer", "lr", "batch_size", "weight_decay") == {
        (MNIST, "adam", 1e-3, 250, 0.0)
    }


@pytest.mark.parametrize(("size", "images"), [("full", {1000, 2000, 4000, 8000}), ("smoke", {250, 500})])
def test_the_arms_of_sample_wise_have_equal_epochs_or_equal_steps(size, images):
    specs = STUDIES["double_descent/sample_wise"].specs(size)
    steps = {}
    for spec in specs:
        steps[spec.n_train, spec.epochs] = math.ceil(spec.n_train / spec.batch_size) * spec.epochs
    middle = max(n for n, _ in steps if sum(arm[0] == n for arm in steps) == 1)  # has one arm, which is in both
    epochs = next(trained for n, trained in steps if n == middle)
    assert {n for n, trained in steps if trained == epochs} == images, "equal epochs"
    assert {n for n, _ in steps if steps[n, _] == steps[middle, epochs]} == images, "equal steps"
    assert all(trained == epochs or taken == steps[middle, epochs] for (_, trained), taken in steps.items())
    for arm in steps:
        members = [spec for spec in specs if (spec.n_train, spec.epochs) == arm]
        assert_every_combination_once(members, "width", "label_noise", "seed")
        assert len(members) == len(specs) / len(steps)


@pytest.mark.usefixtures("worker_numerics")
def test_equal_steps_are_taken_and_not_only_planned(dataset):
    study = STUDIES["double_descent/sample_wise"]
    arms = {}
    for spec in study.specs("smoke"):
        arms.setdefault((spec.n_train, spec.epochs), spec)
    taken = {arm: study.train([spec], dataset, CPU)[0].steps for arm, spec in arms.items()}
    assert taken == {(250, 20): 100, (500, 20): 200, (250, 40): 200}


def test_regularization():
    specs = full("regularization")
    assert_every_combination_once(specs, "width", "weight_decay", "seed")
    assert values(specs, "weight_decay") == {0.0, 1e-3, 1e-2, 1e-1, 1.0}
    assert values(specs, "width") == values(full("mnist_mlp"), "width") and values(specs, "seed") == {0, 1, 2}
    assert values(specs, "dataset", "n_train", "label_noise", "optimizer", "lr", "batch_size", "epochs") == {
        (MNIST, 4000, 0.2, "adam", 1e-3, 250, 500)
    }


def test_random_features():
    specs = full("random_features")
    assert_every_combination_once(specs, "features", "label_noise", "seed")
    counts = values(specs, "features")
    assert len(counts) == 60 and (min(counts), max(counts)) == (10, 10_000)
    assert 1000 in counts and sum(900 <= count <= 1100 for count in counts) >= 10, (
        "dense where they are as many as images"
    )
    assert max(counts) <= MOST_FEATURES, "more directions than that are not drawn"
    assert values(specs, "label_noise") == {0.0, 0.2} and values(specs, "seed") == set(range(5))
    assert values(specs, "dataset", "n_train", "epochs") == {(MNIST, 1000, 10**9)}


def test_the_studies_for_a_gpu_are_the_papers_networks_at_a_tenth_of_its_training():
    cnn, resnet = full("cifar10_cnn"), full("cifar10_resnet18")
    assert_every_combination_once(cnn, "width", "label_noise", "augment", "seed")
    assert_every_combination_once(resnet, "width", "seed")
    assert values(cnn, "label_noise") == {0.0, 0.1, 0.2} and values(resnet, "label_noise") == {0.2}
    for spec in (*cnn, *resnet):
        assert (spec.side, spec.batch_size, spec.n_train, spec.precision) == (32, 128, 45_000, "bf16")
    assert {math.ceil(spec.n_train / spec.batch_size) * spec.epochs for spec in cnn} == {49_984}
    assert values(resnet, "epochs") == {400}
    assert all(STUDIES[f"double_descent/{name}"].needs_gpu for name in ("cifar10_cnn", "cifar10_resnet18"))


@pytest.mark.parametrize("name", GENERALIZATION)
def test_parameter_counts_follow_the_formula_of_their_network(name):
    for spec in full(name):
        if isinstance(spec, MLPSpec):
            assert spec.n_params == 795 * spec.width + 10
        elif isinstance(spec, CNNSpec):
            assert spec.n_params == 378 * spec.width**2 + 152 * spec.width + 10
        else:
            assert isinstance(spec, RandomFeaturesSpec) and spec.n_params == 10 * spec.features


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.usefixtures("worker_numerics")
def test_a_small_run_of_each_study_gives_the_same_numbers_again(name, data_folder):
    study, spec = STUDIES[name], smallest(name)
    data = datasets.load(study.dataset, str(data_folder))
    (one,), (two,) = (study.train([spec], data, CPU) for _ in range(2))
    assert one.status in ("complete", "diverged") and (one.curves or one.counts)
    assert (one.curves, one.counts) == (two.curves, two.counts)
    told = lambda run: (run.status, run.stop_step, run.best_epoch, run.steps, run.wrong_labels)
    assert told(one) == told(two)
    if name.startswith("double_descent/"):
        assert one.status == "complete" and one.curves[-1]["epoch"] == spec.epochs


# For a GPU, and too small as smoke runs for what the pages of their question are tested with: the tiny database has no runs of them.
NOT_IN_THE_FIXTURE = {"double_descent/cifar10_cnn", "double_descent/cifar10_resnet18"}


def in_the_fixture(name: str) -> dict | None:
    """The smallest smoke run of a study as the tiny database of the tests has it."""
    return next((row for row in results_file.published_rows(FIXTURE) if row["run_id"] == smallest(name).run_id), None)


def test_the_tiny_database_has_the_smallest_run_of_every_study_but_those_that_are_named():
    assert {name for name in STUDIES if in_the_fixture(name) is None} == NOT_IN_THE_FIXTURE


def test_a_repetition_from_another_copy_of_the_data_says_so(settings, capsys):
    assert repeat(smallest("double_descent/mnist_mlp"), settings, FIXTURE) == 0
    told = capsys.readouterr().out
    assert "from another copy of the data: published MNIST, here " in told and "the numbers differ" in told


OTHER_BITS = {"AMD EPYC (family 25, model 1)"}
"""Of one name with the processor of the tiny database, whose family and model were not written down, and seen to compute other bits."""


@pytest.mark.skipif(not os.environ.get("WHY_DATASETS"), reason="needs the real data")
@pytest.mark.parametrize("name", [name for name in STUDIES if name not in NOT_IN_THE_FIXTURE])
@pytest.mark.usefixtures("worker_numerics")
def test_a_small_run_of_each_study_meets_the_published_one(name, tmp_path, capsys):
    """As precompute.repeat states it: the same numbers on the same processor and torch, and elsewhere, or from another copy of the data,
    another run of the same kind, here one that is no further off than the seeds are from each other."""
    spec, rows, published = smallest(name), results_file.published_rows(FIXTURE), in_the_fixture(name)
    copy = datasets.load(
        STUDIES[name].dataset, None
    ).fingerprint  # CIFAR-10 is about as JPEG and as PNG, with other pixels
    assert repeat(spec, Settings(tmp_path, None, "cpu"), FIXTURE) == 0
    told = capsys.readouterr().out
    name_alone = processor().partition(" (family")[0]
    device = processor() if published["device"] != name_alone or processor() in OTHER_BITS else name_alone
    here_as_there = (device, torch.__version__, copy)
    if here_as_there == tuple(published[key] for key in ("device", "torch", "data_fingerprint")):
        assert "every number of all" in told, told
        return
    if published["status"] != "complete" or not published["n_test"]:
        return
    if not published["curves"]:  # counted from draws of the processor, which are the same everywhere
        assert all(told.count(f"{count['value']} of {count['trials']}") == 2 for count in published["counts"]), told
        return
    measures = {line[:14].strip(): line.split()[-2:] for line in told.splitlines()}
    here, there = (float(value.rstrip("%")) for value in measures["test error"])
    others = [
        type(spec)(**spec.as_dict() | {"seed": seed}).run_id for seed in values(STUDIES[name].specs("smoke"), "seed")
    ]
    errors = [
        100 * (1 - row["curves"][-1]["test_correct"] / row["n_test"])
        for row in rows
        if row["run_id"] in others and row["status"] == "complete"
    ]
    assert abs(here - there) <= max(errors) - min(errors), told


def test_every_run_that_is_shipped_is_of_a_grid_or_follows_from_its_results():
    rows = {row["run_id"]: row for row in results_file.published_rows(SHIPPED)}
    planned = {spec.run_id: name for name, study in STUDIES.items() for spec in study.all_specs("full", rows)}
    assert len(rows) > 1000
    assert {run_id: row["study"] for run_id, row in rows.items()} == {run_id: planned.get(run_id) for run_id in rows}
