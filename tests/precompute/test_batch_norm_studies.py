import dataclasses
import itertools
import math
from collections import Counter

import pytest
import torch
from torch import nn

from precompute import build, datasets, results_file, shards
from precompute.executors import Settings, train_group
from precompute.image_spec import VGGSpec
from precompute.models.normalization import LayerNoise
from precompute.models.vgg import vgg
from precompute.repeat import repeat
from precompute.studies import STUDIES
from precompute.studies.batch_norm import ALL, NORMS
from precompute.training import deep_linear, single
from precompute.training.probed import Probes
from precompute.training.run import evaluation_epochs
from tests.precompute.reading import query, values
from tests.precompute.test_vgg import make_spec

pytestmark = pytest.mark.usefixtures("worker_numerics")
CPU = torch.device("cpu")
SMALL, LINEAR, SIZES, PAPER = ALL


def combinations(specs, *fields: str) -> Counter:
    return Counter(tuple(getattr(spec, field) for field in fields) for spec in specs)


def test_the_small_grid_has_every_norm_at_every_rate():
    specs = SMALL.specs("full")
    rates = [2.0**power for power in range(-9, 2)]
    assert combinations(specs, "norm", "lr", "seed") == dict.fromkeys(itertools.product(NORMS, rates, range(3)), 1)
    assert len(specs) == 264 and not SMALL.needs_gpu
    assert values(specs, "side", "width", "n_train", "batch_size", "epochs", "schedule", "optimizer", "momentum") == {
        (16, 16, 5000, 128, 20, "cosine", "sgd", 0.0)
    }


def test_the_paper_s_grid_is_for_a_gpu():
    specs = PAPER.specs("full")
    assert PAPER.needs_gpu and len(specs) == 27
    grid = itertools.product(("none", "batch", "noisy_batch"), (0.02, 0.1, 0.5), range(3))
    assert combinations(specs, "norm", "lr", "seed") == dict.fromkeys(grid, 1)
    assert values(specs, "layout", "side", "width", "n_train", "batch_size", "schedule") == {
        ("a", 32, 64, 45_000, 128, "constant")
    }
    assert {spec.epochs * math.ceil(spec.n_train / spec.batch_size) for spec in specs} == {15_136}


def test_every_batch_size_goes_about_as_far_in_an_epoch():
    specs = SIZES.specs("full")
    grid = itertools.product(("none", "batch", "group"), (2, 4, 8, 16, 32, 128), range(3))
    assert combinations(specs, "norm", "batch_size", "seed") == dict.fromkeys(grid, 1)
    assert {spec.rate / spec.batch_size for spec in specs} == {2**-10} and values(specs, "lr") == {0.125}
    maps = {tuple(v for k, v in spec.settings().items() if k != "batch_size") for spec in specs}
    assert len(maps) == 3, "one map a norm, the batch size along x"


def test_the_deep_linear_grid():
    specs = LINEAR.specs("full")
    assert combinations(specs, "norm", "seed") == dict.fromkeys(itertools.product(("none", "batch"), range(5)), 1)
    assert values(specs, "width", "depth", "epochs", "n_train") == {(10, 25, 10_000, 1000)}


def test_the_cost_of_probing_stays_below_a_quarter_of_training():
    """A probe is a gradient, one for each move, and for each layer that turns a loss and part of a gradient, at most a whole one."""
    for study in (SMALL, PAPER, LINEAR):
        for spec in study.specs("full"):
            linear = study is LINEAR
            steps = spec.epochs if linear else spec.epochs * math.ceil(spec.n_train / spec.batch_size)
            probes = Probes.of_linear(spec) if linear else Probes.of_images(spec, steps)
            layers = spec.depth if linear else 11 if spec.layout == "a" else 9
            assert probes.steps and {1, steps} <= probes.steps
            assert len(probes.steps) * (1 + len(probes.distances) + layers) < steps / 4
            assert sum(step <= steps / 4 for step in probes.steps) >= len(probes.steps) / 2, "early steps above all"


@pytest.mark.parametrize(
    ("rate", "distances"), [(0.02, [0.01, 0.02, 0.04, 0.08]), (0.125, [0.0625, 0.125, 0.25, 0.4]), (2.0, [0.4])]
)
def test_moves_are_half_to_four_times_the_rate_and_at_most_0_4(rate, distances):
    assert Probes.of_images(make_spec(lr=rate, probes=3), 100).distances == distances


def test_only_plain_sgd_is_probed():
    for changes in ({"momentum": 0.9}, {"weight_decay": 0.1}, {"optimizer": "adam"}):
        with pytest.raises(ValueError, match="plain SGD"):
            Probes.of_images(make_spec(probes=2, **changes), 100)
        assert not Probes.of_images(make_spec(**changes), 100).steps


@pytest.mark.parametrize("norm", NORMS)
def test_a_probed_run_has_the_bits_of_one_that_is_not(cifar10, monkeypatch, norm):
    seen: list[nn.Module] = []

    def made(spec: VGGSpec) -> nn.Module:
        seen.append(vgg(spec))
        return seen[-1]

    monkeypatch.setitem(single.NETWORKS, VGGSpec, made)
    spec = make_spec(norm, schedule="cosine", probes=5, epochs=2, n_train=70)
    (probed,), (plain,) = (single.train([each], cifar10, CPU) for each in (spec, dataclasses.replace(spec, probes=0)))
    assert probed.curves == plain.curves and probed.status == plain.status
    one, other = (network.state_dict() for network in seen)
    assert all(torch.equal(one[name], other[name]) for name in one)
    streams = [[m.draws.get_state() for m in network.modules() if isinstance(m, LayerNoise)] for network in seen]
    assert all(torch.equal(a, b) for a, b in zip(*streams, strict=True))
    steps = evaluation_epochs(6, 5)
    assert [row["step"] for row in probed.probes] == steps and plain.probes == plain.shifts == []
    assert [(row["step"], row["layer"]) for row in probed.shifts] == list(itertools.product(steps, range(2, 10)))
    assert all(math.isfinite(value) for row in probed.probes for value in row.values())
    if norm == "noisy_batch":
        again = single.train([spec], cifar10, CPU)[0]
        assert (again.probes, again.shifts) == (probed.probes, probed.shifts)


def test_the_first_probe_is_of_the_first_batch_before_its_step(cifar10):
    spec = make_spec("batch", probes=3, epochs=1, n_train=64)
    (run,) = single.train([spec], cifar10, CPU)
    network, losses = vgg(spec).to(memory_format=torch.channels_last), []
    optimizer = torch.optim.SGD(network.parameters(), lr=spec.lr)
    part = datasets.split(cifar10, 64, 0.0, 0, side=16)
    inputs = single.images(part.train_inputs, 16)
    for batch in torch.randperm(64, generator=single.stream("order", spec.dataset, 64, 0)).split(32):
        loss = nn.functional.cross_entropy(network(inputs[batch]), part.train_labels[batch])
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert [row["loss"] for row in run.probes] == pytest.approx(losses, rel=1e-6)


def test_probes_are_blank_from_the_divergence_on(cifar10):
    (run,) = single.train([make_spec("none", lr=1e20, probes=8, epochs=2)], cifar10, CPU)
    assert run.status == "diverged" and run.stop_step <= 3
    for row in (*run.probes, *run.shifts):
        told = [value for name, value in row.items() if name not in ("step", "layer")]
        assert row["step"] < run.stop_step or told == [None] * len(told)
    assert run.probes[0]["loss"] is not None


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_a_deep_linear_network_descends_as_a_plain_loop_does(norm):
    spec = dataclasses.replace(LINEAR.specs("smoke")[0], norm=norm, epochs=20)
    (run,) = deep_linear.train([spec], None, CPU)
    inputs, targets = deep_linear.examples(spec)
    network = deep_linear.chain(spec)
    assert spec.n_params == sum(parameter.numel() for parameter in network.parameters())
    weights = [module.weight.detach().clone() for module in network if isinstance(module, nn.Linear)]
    scales = [[torch.ones(4).double(), torch.zeros(4).double()] for _ in weights[:-1]] if norm == "batch" else []
    parameters = [each.requires_grad_() for each in [*weights, *(one for pair in scales for one in pair)]]
    losses = []
    for _ in range(21):
        seen = inputs
        for index, weight in enumerate(weights):
            seen = seen @ weight.T
            if scales and index < len(scales):
                around = seen - seen.mean(0)
                seen = around / (around.square().mean(0) + 1e-5).sqrt() * scales[index][0] + scales[index][1]
        loss = (seen - targets).square().sum() / len(inputs)
        losses.append(float(loss.detach()))
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.data -= spec.lr * gradient
    assert run.status == "complete" and run.steps == run.epochs == 20
    assert [row["train_loss"] for row in run.curves] == pytest.approx([losses[row["epoch"]] for row in run.curves])
    assert run.curves[-1]["epoch"] == 20 and losses[-1] < losses[0]
    assert [row["loss"] for row in run.probes] == pytest.approx([losses[row["step"] - 1] for row in run.probes])
    assert {row["layer"] for row in run.shifts} == {2, 3, 4, 5}


def test_deep_linear_examples_and_start_are_the_same_with_and_without_batch_norm():
    none, batch = LINEAR.specs("smoke")[:2]
    assert (none.norm, batch.norm, none.seed) == ("none", "batch", batch.seed)
    assert all(torch.equal(a, b) for a, b in zip(deep_linear.examples(none), deep_linear.examples(batch), strict=True))
    starts = [[m.weight for m in deep_linear.chain(spec) if isinstance(m, nn.Linear)] for spec in (none, batch)]
    assert all(torch.equal(a, b) for a, b in zip(*starts, strict=True))
    inputs, targets = deep_linear.examples(dataclasses.replace(none, n_train=1000))
    assert torch.linalg.lstsq(inputs, targets).solution.T.shape == (4, 4)
    assert torch.allclose(inputs @ torch.linalg.lstsq(inputs, targets).solution, targets), "linear, without noise"
    weights = starts[0][0]
    assert weights.std().item() == pytest.approx(0.5, rel=0.4)


def test_a_deep_linear_run_that_diverges_is_counted_and_blank():
    spec = dataclasses.replace(LINEAR.specs("smoke")[0], lr=1e3)
    (run,) = deep_linear.train([spec], None, CPU)
    assert run.status == "diverged" and 1 <= run.stop_step <= 40
    losses, network = [], deep_linear.chain(spec)
    inputs, targets = deep_linear.examples(spec)
    while not losses or math.isfinite(losses[-1]):
        loss = (network(inputs) - targets).square().sum(1).mean()
        losses.append(float(loss.detach()))
        for each, gradient in zip(
            network.parameters(), torch.autograd.grad(loss, [*network.parameters()]), strict=True
        ):
            each.data -= spec.lr * gradient
    assert run.steps == run.epochs == len(losses) - 1 < spec.epochs, "the updates before the loss that broke"
    assert run.flops == spec.flops * run.steps / spec.epochs
    assert all(row["train_loss"] is None for row in run.curves if row["epoch"] >= run.stop_step)
    with pytest.raises(ValueError, match="no norm 'layer'"):
        deep_linear.chain(dataclasses.replace(spec, norm="layer"))


@pytest.fixture(scope="module")
def baked(tmp_path_factory, data_folder):
    """One seed of the smoke grids of all four studies, trained and built."""
    folder = tmp_path_factory.mktemp("shards")
    for study in ALL:
        specs = [spec for spec in study.specs("smoke") if spec.seed == 0]
        for group in study.groups(specs):
            train_group(group, Settings(folder, str(data_folder), "cpu"))
    path = tmp_path_factory.mktemp("data") / "results.duckdb"
    build.build(folder, path, "smoke")
    return folder, path


def test_the_smoke_runs_of_every_study_go_through_the_build(baked):
    folder, path = baked
    assert results_file.verify(path)
    rows = list(shards.read(folder))
    assert query(path, "SELECT study, complete + diverged, failed FROM studies ORDER BY ALL") == [
        ("batch_norm/batch_size", 6, 0),
        ("batch_norm/cifar10_vgg", 3, 0),
        ("batch_norm/cifar10_vgg_small", 16, 0),
        ("batch_norm/deep_linear", 2, 0),
    ]
    for table in ("probes", "shifts"):
        told = sum(len(row[table]) for row in rows)
        assert query(path, f"SELECT count(*) FROM {table}") == [(told,)] and told > 50
    assert query(path, "SELECT bool_and(cosine BETWEEN -1 AND 1), min(layer) FROM shifts") == [(True, 2)]
    assert query(path, "SELECT bool_and(loss_low <= loss_high AND change_low <= change_high) FROM probes") == [(True,)]
    linear = query(path, "SELECT count(*), count(train_loss), count(test_correct) FROM curves JOIN runs USING (run) "
                         "WHERE study = 'batch_norm/deep_linear'")  # fmt: skip
    assert linear[0][0] == linear[0][1] > 0 and linear[0][2] == 0
    claims = query(path, "SELECT DISTINCT claim, study FROM claims WHERE question = 'batch_norm' ORDER BY ALL")
    small, paper, deep = (f"batch_norm/{name}" for name in ("cifar10_vgg_small", "cifar10_vgg", "deep_linear"))
    assert set(claims) == {(f"N{n}", small) for n in range(1, 6)} | {
        (f"N{n}", study) for n in (3, 4) for study in (paper, deep)
    }
    sizes = query(path, "SELECT count(DISTINCT changed) FROM contrasts WHERE study = 'batch_norm/batch_size'")
    assert sizes == [(4,)], "two norms at two batch sizes"


@pytest.mark.parametrize("study", [LINEAR, SMALL], ids=lambda study: study.name)
def test_a_published_run_is_repeated_to_the_bit_with_its_probes(baked, data_folder, tmp_path, capsys, study):
    spec = study.specs("smoke")[1]
    assert repeat(spec, Settings(tmp_path, str(data_folder), "cpu"), baked[1]) == 0
    told = capsys.readouterr().out
    assert "every number of all" in told and "train loss" in told
    assert ("test error" in told) == (study is SMALL)
    rows = {row["run_id"]: row for row in results_file.published_rows(baked[1])}
    assert rows[spec.run_id]["probes"] and rows[spec.run_id]["shifts"]


def test_published_rows_give_the_probes_back(baked):
    folder, path = baked
    ours = {row["run_id"]: row for row in shards.read(folder)}
    for row in results_file.published_rows(path):
        for table in ("probes", "shifts", "curves"):
            assert row[table] == ours[row["run_id"]][table]


def test_the_ids_of_other_studies_of_images_are_as_they_were():
    ids = {
        name: STUDIES[name].specs("full")[0].run_id
        for name in ("depth/cifar10_resnet_small", "activation/cifar10_cnn_small")
    }
    assert ids == {"depth/cifar10_resnet_small": "2737ef3d41c1ed68", "activation/cifar10_cnn_small": "d2e362d8398c01a0"}
