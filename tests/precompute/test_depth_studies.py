import itertools
from collections import Counter

import pytest
import torch

from precompute import datasets
from precompute.studies import STUDIES
from tests.precompute.reading import values

SMALL, PAPER = STUDIES["depth/cifar10_resnet_small"], STUDIES["depth/cifar10_resnet"]
RECIPE = {"optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4, "batch_size": 128, "label_noise": 0.0}
DEPTHS = {8, 14, 20, 32, 44, 56}


def test_the_small_grid_has_every_depth_twice_and_more_seeds_where_claims_compare():
    specs = SMALL.specs("full")
    seeds = {}
    for spec in specs:
        seeds.setdefault((spec.depth, spec.architecture), []).append(spec.seed)
    assert set(seeds) == set(itertools.product(DEPTHS, ("plain", "residual")))
    for (depth, _), found in seeds.items():
        assert found == list(range(5 if depth in (20, 56) else 3))
    assert values(specs, "side", "width", "n_train", "epochs", "augment", "precision") == {
        (16, 8, 5000, 30, "none", "fp32")
    }


def test_the_grid_of_the_paper_is_for_a_gpu():
    specs = PAPER.specs("full")
    assert PAPER.needs_gpu and not SMALL.needs_gpu
    assert Counter((spec.depth, spec.architecture) for spec in specs) == dict.fromkeys(
        itertools.product(DEPTHS | {110}, ("plain", "residual")), 3
    )
    assert values(specs, "side", "width", "n_train", "augment", "precision") == {(32, 16, 45_000, "crop_flip", "bf16")}


@pytest.mark.parametrize("study", [SMALL, PAPER], ids=lambda study: study.name)
def test_optimizer_and_drops_are_those_of_the_paper(study):
    specs = study.specs("full")
    assert values(specs, *RECIPE) == {tuple(RECIPE.values())}
    assert values(specs, "schedule", "layer_measures") == {("tenth at 0.5 0.75", True)}
    assert all(len(group) == 1 for group in study.groups(specs))


@pytest.mark.parametrize("study", [SMALL, PAPER], ids=lambda study: study.name)
@pytest.mark.usefixtures("worker_numerics")
def test_a_small_run_has_curves_layers_and_damage(study, data_folder):
    data = datasets.load(study.dataset, str(data_folder))
    for spec in study.specs("smoke")[:2]:
        (run,) = study.train([spec], data, torch.device("cpu"))
        assert run.status == "complete" and run.precision == "fp32"
        assert len(run.layers) == spec.depth * (1 + len(run.curves))
        assert len(run.damage) == (spec.depth - 2) / 2
