import dataclasses
import itertools

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from precompute.datasets import split
from precompute.spec import RandomFeaturesSpec
from precompute.training import closed_form
from precompute.training.closed_form import Flow, directions, features
from precompute.training.run import COUNTS, LOSSES, evaluation_epochs

pytestmark = pytest.mark.usefixtures("worker_numerics")

CPU = torch.device("cpu")
INFINITE = float("inf")
IMAGES, CLASSES = 20, 10


@pytest.fixture(scope="module")
def drawn() -> torch.Tensor:
    return directions(49, seed=0)


@pytest.fixture(scope="module")
def problem(drawn):
    """Features of 20 examples and of 15 new ones, and one-hot targets."""
    generator = torch.Generator().manual_seed(0)
    train, new = torch.randn(IMAGES, 49, generator=generator), torch.randn(15, 49, generator=generator)
    targets = torch.nn.functional.one_hot(torch.arange(IMAGES) % CLASSES, CLASSES).double()
    return lambda count: (features(train, drawn[:count]), features(new, drawn[:count]), targets)


def make_spec(**changes) -> RandomFeaturesSpec:
    settings = {"study": "double_descent/random_features", "seed": 0, "dataset": "ylecun/mnist", "n_train": 100}
    return RandomFeaturesSpec(**settings | {"label_noise": 0.2, "features": 30, "epochs": 10**4} | changes)


def predicted(flow: Flow, examples: torch.Tensor, targets: torch.Tensor, at: float) -> torch.Tensor:
    return flow.along(examples) @ flow.readout(targets, at)


@pytest.mark.parametrize("count", [12, 30])
def test_the_closed_form_is_the_solution_of_the_differential_equation(problem, count):
    train, new, targets = problem(count)
    a, y = train.numpy(), targets.numpy()

    def slope(_, readout):
        return (a.T @ (y - a @ readout.reshape(count, CLASSES)) / IMAGES).ravel()

    times = [0.5, 3.0, 20.0, 100.0, 500.0]
    start = np.zeros(count * CLASSES)
    solution = solve_ivp(slope, (0, times[-1]), start, "DOP853", t_eval=times, rtol=1e-10, atol=1e-12)
    flow = Flow(train)
    for at, readout in zip(times, solution.y.T, strict=True):
        readout = torch.from_numpy(readout.reshape(count, CLASSES))
        for examples in (train, new):
            assert torch.allclose(predicted(flow, examples, targets, at), examples @ readout, rtol=0, atol=1e-6), at


@pytest.mark.parametrize("count", [12, 20, 30], ids=["fewer features", "as many as examples", "more"])
def test_infinite_time_is_the_pseudo_inverse(problem, count):
    train, new, targets = problem(count)
    readout = torch.linalg.pinv(train) @ targets
    flow = Flow(train)
    for at in (INFINITE, 1e12):
        assert torch.allclose(predicted(flow, new, targets, at), new @ readout, rtol=0, atol=1e-6)
    fits = (predicted(flow, train, targets, INFINITE) - targets).abs().max() < 1e-6
    assert fits == (count >= IMAGES), "as many features as examples fit every label"


def test_it_starts_at_zero_and_leaves_along_the_gradient(problem):
    train, new, targets = problem(30)
    flow = Flow(train)
    assert not predicted(flow, train, targets, 0.0).any()
    soon = predicted(flow, new, targets, 1e-6)
    assert soon.abs().max() < 1e-6
    assert torch.allclose(soon / 1e-6, new @ train.T @ targets / IMAGES, rtol=0, atol=1e-5)


@pytest.mark.parametrize("count", [12, 30])
def test_gradient_descent_approaches_it_as_the_steps_shrink(problem, count):
    train, new, targets = problem(count)
    end, errors = 40, []
    for rate in (0.1, 0.05, 0.025):
        readout = torch.zeros(count, CLASSES, dtype=torch.float64)
        for _ in range(round(end / rate)):
            readout -= rate * train.T @ (train @ readout - targets) / IMAGES
        errors.append((new @ readout - predicted(Flow(train), new, targets, end)).abs().max().item())
    assert errors[0] < 1e-2
    for larger, smaller in itertools.pairwise(errors):
        assert 1.8 < larger / smaller < 2.2


def test_features_are_nested_and_of_about_unit_length(dataset, drawn):
    inputs = split(dataset, 500, 0.0, seed=0).train_inputs
    of_images = directions(784, seed=0)
    # of so few binary digits that every sum is exact: two products of other sizes add up in another order, and a sum may cancel
    short, along = (inputs * 2**8).round() / 2**8, (of_images * 2**16).round() / 2**16
    many, few = features(short, along[:400]), features(short, along[:150])
    assert many.shape == (500, 400) and many.dtype == torch.float64 and many.min() == 0
    assert torch.allclose(many[:, :150] * 400**0.5, few * 150**0.5, rtol=1e-12, atol=0)
    assert abs((features(inputs, of_images) ** 2).sum(1).mean() - 1) < 0.05
    assert torch.equal(directions(49, seed=0), drawn) and not torch.equal(directions(49, seed=1), drawn)


def test_examples_are_the_same_in_every_chunk(monkeypatch, problem, drawn):
    inputs = torch.randn(15, 49, generator=torch.Generator().manual_seed(3))
    whole = features(inputs, drawn[:30])
    monkeypatch.setattr(closed_form, "CHUNK", 4)
    assert torch.allclose(features(inputs, drawn[:30]), whole, rtol=1e-12, atol=0)


@pytest.mark.parametrize("count", [12, 30])
def test_features_that_are_there_twice_change_nothing_but_the_clock(problem, count):
    """The kernel of [F, F] is twice that of F, so that it is at time t where F is at 2t; and half of its directions are empty."""
    train, new, targets = problem(count)
    once, twice = Flow(train), Flow(torch.cat([train, train], dim=1))
    assert len(once.s) == len(twice.s) == min(count, IMAGES)
    for at in (1.0, 100.0, 1e6, 1e9, 1e15, INFINITE):
        expected = predicted(once, new, targets, 2 * at)
        found = predicted(twice, torch.cat([new, new], dim=1), targets, at)
        assert torch.allclose(found, expected, rtol=0, atol=1e-6), at


def test_images_that_are_there_twice_with_two_labels_give_no_blow_up(problem):
    """No readout tells them apart: the directions that would are empty, and their targets are not."""
    train, new, targets = problem(60)
    train, other = torch.cat([train, train]), torch.cat([targets, targets.roll(1, dims=1)])
    flow = Flow(train)
    assert len(flow.s) == IMAGES
    for at in (1e6, 1e9, 1e15, INFINITE):
        assert torch.allclose(
            predicted(flow, train[:IMAGES], other, at), (targets + other[IMAGES:]) / 2, rtol=0, atol=0.05
        )
        assert predicted(flow, new, other, at).abs().max() < 10
    expected = new @ torch.linalg.pinv(train) @ other
    assert torch.allclose(predicted(flow, new, other, INFINITE), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("count", [30, 120])
def test_what_is_measured_equals_a_direct_solution(dataset, count):
    """The readout as the exponential of its linear differential equation, on features made by hand."""
    spec = make_spec(features=count)
    (run,) = closed_form.train([spec], dataset, CPU)
    part = split(dataset, spec.n_train, spec.label_noise, spec.seed)
    rows = directions(784, spec.seed)[:count].numpy()
    sets = {
        name: (np.maximum(getattr(part, f"{name}_inputs").numpy().astype(float) @ rows.T, 0) / np.sqrt(count), truth)
        for name, truth in (("train", part.train_labels), ("val", part.val_labels), ("test", part.test_labels))
    }
    a, targets = sets["train"][0], np.eye(CLASSES)[part.train_labels]
    generator = np.zeros((count + CLASSES, count + CLASSES))
    generator[:count, :count], generator[:count, count:] = -a.T @ a / 100, a.T @ targets / 100
    noisy = part.noisy.numpy()
    assert run.wrong_labels == noisy.sum() > 10
    for row in run.curves[:: len(run.curves) // 3]:
        readout = expm(generator * row["epoch"])[:count, count:]
        for name, (made, truth) in sets.items():
            outputs, truth = made @ readout, truth.numpy()
            loss = ((outputs - np.eye(CLASSES)[truth]) ** 2).sum(1).mean()
            assert row[f"{name}_loss"] == pytest.approx(loss, abs=1e-6)
            right = outputs.argmax(1) == truth
            assert row[f"{name}_correct"] == right.sum()
            if name == "train":
                assert row["memorized"] == (right & noisy).sum()


def test_a_curve_has_log_spaced_times_and_counts_wrong_labels_alone(dataset):
    noisy, clean = closed_form.train(
        [make_spec(features=200, epochs=10**9), make_spec(features=200, epochs=10**9, label_noise=0.0)], dataset, CPU
    )
    for run in (noisy, clean):
        assert (run.status, run.stop_step, run.steps, run.precision) == ("complete", None, 0, "fp64")
        assert (run.n_params, run.n_val, run.n_test) == (2000, 100, 300)
        times = [row["epoch"] for row in run.curves]
        assert times == evaluation_epochs(10**9, 62) and len(times) == 61
        assert (times[0], times[-1]) == (1, 10**9)
        assert all(b / a <= 2 for a, b in itertools.pairwise(times))
        assert all(np.isfinite([row[name] for name in LOSSES + COUNTS]).all() for row in run.curves)
    assert noisy.wrong_labels > 10 and clean.wrong_labels == 0
    assert [row["memorized"] for row in clean.curves] == [0] * 61
    assert noisy.curves[0]["memorized"] < noisy.wrong_labels == noisy.curves[-1]["memorized"]
    assert noisy.curves[-1]["train_correct"] == 100 and noisy.curves[-1]["train_loss"] < 1e-9
    losses = [row["train_loss"] for row in noisy.curves]
    assert losses[0] < 1 and losses == sorted(losses, reverse=True), "a flow never climbs"


def test_the_best_time_is_chosen_on_validation_and_is_the_first_of_equals(dataset):
    runs = closed_form.train([make_spec(features=count) for count in (20, 50, 100, 200)], dataset, CPU)
    by_test, last_of_equals = [], []
    for run in runs:
        most = max(row["val_correct"] for row in run.curves)
        best = [row["epoch"] for row in run.curves if row["val_correct"] == most]
        assert run.best_epoch == best[0]
        last_of_equals.append(best[-1])
        by_test.append(max(run.curves, key=lambda row: (row["test_correct"], -row["epoch"]))["epoch"])
    chosen = [run.best_epoch for run in runs]
    assert chosen != by_test and chosen != last_of_equals, "the example tells the rules apart"


@pytest.mark.parametrize("count", [20, 333])
def test_a_run_has_the_same_bits_alone_and_in_a_group(dataset, count):
    one = make_spec(features=count)
    others = [make_spec(features=other, label_noise=noise) for other in (7, count, 150) for noise in (0.0, 0.1)]
    (alone,) = closed_form.train([one], dataset, CPU)
    (again,) = closed_form.train([one], dataset, CPU)
    together = closed_form.train([*others[:3], one, *others[3:]], dataset, CPU)
    assert [run.spec for run in together] == [*others[:3], one, *others[3:]]
    assert alone.curves == again.curves == together[3].curves
    assert together[2].curves != alone.curves, "other noise is another run"


def test_other_images_are_no_group(dataset):
    for changes in ({"seed": 1}, {"n_train": 50}, {"epochs": 10}):
        with pytest.raises(ValueError, match="share their images"):
            closed_form.train([make_spec(), dataclasses.replace(make_spec(), **changes)], dataset, CPU)
