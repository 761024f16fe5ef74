"""Networks beside each other are the networks by themselves."""

import dataclasses
import itertools

import pytest
import torch
from torch.nn import functional as F

from precompute.datasets import split, with_noise
from precompute.image_spec import CNNSpec
from precompute.models.beside import Beside
from precompute.models.cnn import five_layer_cnn, images
from precompute.training import beside, single
from precompute.training.beside import WAYS, Together

pytestmark = pytest.mark.usefixtures("worker_numerics")
CPU = torch.device("cpu")


def make_spec(width: int = 3, **changes) -> CNNSpec:
    settings = {
        "study": "double_descent/cifar10_cnn", "seed": 0, "dataset": "uoft-cs/cifar10", "side": 16, "n_train": 70,
        "label_noise": 0.2, "width": width, "optimizer": "sgd", "lr": 0.05, "momentum": 0.9, "batch_size": 32, "epochs": 3,
        "schedule": "inverse_sqrt 2",
    }  # fmt: skip
    return CNNSpec(**settings | changes)


DIFFERENT = [
    {"label_noise": 0.0},
    {"label_noise": 0.2, "lr": 0.02},
    {"seed": 1},
    {"seed": 1, "label_noise": 0.0, "lr": 0.1},
]
"""Networks of one architecture: two seeds, three rates, two noises."""
OPTIMIZERS = [{}, {"optimizer": "adam", "momentum": 0.0, "lr": 1e-3, "schedule": "constant"}, {"augment": "crop_flip"}]


def training_set(spec: CNNSpec, dataset) -> tuple[torch.Tensor, torch.Tensor]:
    return single.sets_on(CPU, split(dataset, spec.n_train, spec.label_noise, spec.seed, spec.side), spec)["train"]


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_gradients_equal_those_of_the_networks_by_themselves(norm):
    """In double precision, where nothing but the mathematics is left to differ."""
    specs = [make_spec(norm=norm, **changes) for changes in DIFFERENT]
    seen = torch.randn(len(specs), 5, 3, 16, 16, generator=torch.Generator().manual_seed(0)).double()
    truth = torch.arange(5).expand(len(specs), -1)
    alone = [five_layer_cnn(spec).double() for spec in specs]
    whole = Beside([five_layer_cnn(spec).double() for spec in specs])
    logits = whole(torch.cat(list(seen), dim=1))
    assert logits.shape == (4, 5, 10)
    F.cross_entropy(logits.transpose(1, 2), truth, reduction="none").mean(1).sum().backward()
    whole.hand_out_gradients()
    for network, own, given, answer in zip(alone, whole.networks, seen, logits, strict=True):
        expected = network(given)
        assert torch.allclose(answer, expected, rtol=0, atol=1e-12)
        F.cross_entropy(expected, truth[0]).backward()
        for ours, theirs in zip(own.parameters(), network.parameters(), strict=True):
            assert ours.grad.shape == theirs.grad.shape
            assert torch.allclose(ours.grad, theirs.grad, rtol=0, atol=1e-12)
        for ours, theirs in zip(own.buffers(), network.buffers(), strict=True):
            if theirs.dim():
                assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_the_networks_are_views_of_the_whole():
    specs = [make_spec(**changes) for changes in DIFFERENT]
    whole = Beside([five_layer_cnn(spec) for spec in specs])
    for network, spec in zip(whole.networks, specs, strict=True):
        for ours, start in zip(network.parameters(), five_layer_cnn(spec).parameters(), strict=True):
            assert torch.equal(ours, start)
    with torch.no_grad():
        for own in whole.parameters():
            own.zero_()
    assert not any(parameter.any() for network in whole.networks for parameter in network.parameters())
    held = {own.untyped_storage().data_ptr() for own in [*whole.parameters(), *whole.buffers()]}
    assert sum(own.numel() for own in whole.parameters()) == sum(spec.n_params for spec in specs)
    assert all(each.untyped_storage().data_ptr() in held for each in whole.networks[2].parameters())


@pytest.fixture
def precision(way):
    """Double, but for what is the same to the bit."""
    torch.set_default_dtype(torch.float32 if way == "streams" else torch.float64)
    yield torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("changes", OPTIMIZERS, ids=["sgd", "adam", "crops"])
@pytest.mark.parametrize("way", WAYS)
def test_ten_steps_equal_those_of_the_networks_by_themselves(cifar10, way, changes, precision):
    """Grouped in double precision: a rounding may move a unit across zero, or turn the sign of a gradient of nothing, of which Adam makes a step.
    The biases of convolutions before batch normalization, whose gradient is rounding, are left out."""
    specs = [make_spec(epochs=4, **changes | one) for one in DIFFERENT]
    if changes.get("optimizer") == "adam":
        specs = [dataclasses.replace(spec, lr=spec.lr / 50) for spec in specs]
    sets = [(inputs.to(precision), labels) for inputs, labels in (training_set(spec, cifar10) for spec in specs)]
    together = Together(specs, sets, way)
    assert all(own.dtype == precision for network in together.networks for own in network.parameters())
    alone = [single.Training(spec, *given) for spec, given in zip(specs, sets, strict=True)]
    for _ in range(4):
        for batch in together.of_an_epoch():
            together.step(batch)
    for training in alone:
        for _ in range(4):
            for batch in training.batches.of_an_epoch():
                training.step(batch)
    assert together.steps.made == alone[0].steps.made == 12 and together.of_seed == [0, 0, 1, 1]
    exact = way == "streams"
    for network, training in zip(together.networks, alone, strict=True):
        named = zip(network.named_parameters(), training.network.parameters(), strict=True)
        for (name, ours), theirs in named:
            if exact:
                assert torch.equal(ours, theirs)
            elif not (name.endswith("bias") and f"{name.split('.')[0]}.running_mean" not in network.state_dict()):
                assert torch.allclose(ours, theirs, rtol=0, atol=1e-9), name


@pytest.mark.parametrize("way", WAYS)
def test_what_is_measured_is_what_a_run_by_itself_measures(cifar10, way):
    specs = [make_spec(**changes) for changes in DIFFERENT]
    together, alone = beside.train_beside(specs, cifar10, CPU, way), single.train(specs, cifar10, CPU)
    for ours, theirs in zip(together, alone, strict=True):
        assert ours.spec == theirs.spec and ours.engine == f"4 networks, {way}, 1 thread"
        told = ("status", "steps", "n_params", "n_val", "n_test", "wrong_labels", "best_epoch", "precision")
        assert [getattr(ours, name) for name in told] == [getattr(theirs, name) for name in told]
        for one, other in zip(ours.curves, theirs.curves, strict=True):
            for name in one:
                tolerance = 1e-4 if name.endswith("loss") else 0 if name == "epoch" else 1
                assert one[name] == pytest.approx(other[name], abs=tolerance), name
    assert len({run.curves[-1]["train_loss"] for run in together}) == 4


@pytest.mark.parametrize("way", WAYS)
def test_each_is_judged_by_the_loss_that_it_starts_with_by_itself(cifar10, monkeypatch, way):
    specs, told = [make_spec(**changes) for changes in DIFFERENT], []
    finished = beside.finished

    def seen(*given, start_loss, **others):
        told.append(start_loss)
        return finished(*given, start_loss=start_loss, **others)

    monkeypatch.setattr(beside, "finished", seen)
    beside.train_beside(specs, cifar10, CPU, way)
    alone = [single.start_loss(five_layer_cnn(spec), *training_set(spec, cifar10)) for spec in specs]
    assert told == pytest.approx(alone, abs=1e-5) and len(set(told)) == len(specs)


def test_one_that_diverges_leaves_the_others_as_they_are(cifar10):
    calm = [make_spec(**changes) for changes in DIFFERENT[:2]]
    wild = dataclasses.replace(calm[0], lr=1e30)
    lost, *kept = beside.train_beside([wild, *calm], cifar10, CPU, "grouped convolutions")
    without = beside.train_beside(calm, cifar10, CPU, "grouped convolutions")
    assert lost.status == "diverged" and lost.curves[-1]["test_loss"] is None
    for ours, theirs in zip(kept, without, strict=True):
        assert ours.status == "complete"
        assert ours.curves[-1]["test_loss"] == pytest.approx(theirs.curves[-1]["test_loss"], abs=1e-4)


def test_without_a_way_or_with_one_network_each_trains_by_itself(cifar10):
    specs = [make_spec(**changes) for changes in DIFFERENT[:2]]
    (one,), two = beside.train(specs[:1], cifar10, CPU, WAYS[0]), beside.train(specs, cifar10, CPU)
    assert {run.engine for run in (one, *two)} == {"one network, 1 thread"} and one.curves == two[0].curves


def test_what_does_not_fit_beside_each_other_is_refused(cifar10):
    one = make_spec()
    sets = [training_set(one, cifar10)] * 2
    for other, way in ((make_spec(4), WAYS[0]), (make_spec(epochs=4), WAYS[1]), (one, "magic")):
        with pytest.raises(ValueError, match="beside each other|no way 'magic'"):
            Together([one, other], sets, way)
    with pytest.raises(ValueError, match="ActivationLayer"):
        Beside([five_layer_cnn(make_spec(activation="prelu"))] * 2)


def test_labels_with_another_noise_are_those_of_a_split_of_their_own(cifar10):
    clean = split(cifar10, 70, 0.0, 1, 16)
    for noise, seed in itertools.product((0.0, 0.2, 0.5), (1,)):
        own, shared = split(cifar10, 70, noise, seed, 16), with_noise(clean, cifar10, noise, seed)
        assert torch.equal(own.train_labels, shared.train_labels) and torch.equal(own.noisy, shared.noisy)
        assert shared.train_inputs is clean.train_inputs and torch.equal(own.train_inputs, shared.train_inputs)
    assert images(clean.train_inputs, 16).shape == (70, 3, 16, 16)
