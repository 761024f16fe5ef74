import itertools
from collections import Counter

import pytest
import torch

from precompute import datasets, shards
from precompute.models.activations import ACTIVATIONS
from precompute.studies import STUDIES
from precompute.studies.activation_cnn import FRESH_SEEDS, FUNCTIONS, RATES

STUDY = STUDIES["activation/cifar10_cnn_small"]


def test_every_function_meets_every_rate_with_and_without_norm():
    specs = STUDY.specs("full")
    assert FUNCTIONS == tuple(ACTIVATIONS) and len(FUNCTIONS) == 15 and len(RATES) == 6
    counts = Counter((spec.activation, spec.norm, spec.lr, spec.seed) for spec in specs)
    assert counts == dict.fromkeys(itertools.product(FUNCTIONS, ("none", "batch"), RATES, (0, 1)), 1)
    assert {(spec.width, spec.side, spec.n_train, spec.epochs, spec.optimizer, spec.momentum) for spec in specs} == {
        (8, 16, 5000, 30, "sgd", 0.9)
    }


def test_nothing_follows_before_the_tuning_is_done():
    assert STUDY.follow_up("full", {}) == []


def test_five_fresh_seeds_follow_at_the_best_rate_with_their_layers():
    best = {("relu", "none"): RATES[2], ("sigmoid", "batch"): RATES[5]}
    finished = {}
    for spec in STUDY.specs("full"):
        right = 900 if best.get((spec.activation, spec.norm), RATES[1]) == spec.lr else 500
        finished[spec.run_id] = {"status": "complete", "n_val": 1000, "curves": [{"val_correct": right}]}
    follow = STUDY.follow_up("full", finished)
    assert len(follow) == 15 * 2 * 5 and len({spec.run_id for spec in follow} | finished.keys()) == 360 + 150
    for spec in follow:
        assert spec.lr == best.get((spec.activation, spec.norm), RATES[1])
        assert spec.seed in FRESH_SEEDS and spec.layer_measures and spec.evaluations == 20
    assert [spec.seed for spec in follow] == sorted(spec.seed for spec in follow)


@pytest.mark.usefixtures("worker_numerics")
def test_the_small_study_trains_its_two_stages(data_folder):
    data = datasets.load(STUDY.dataset, str(data_folder))
    tuning = STUDY.specs("smoke")
    runs = STUDY.train(tuning, data, torch.device("cpu"))
    told = dict.fromkeys(shards.SCHEMA.names) | {"study": STUDY.name}
    finished = {run.spec.run_id: shards.row(run, told) for run in runs}
    follow = [spec for spec in STUDY.all_specs("smoke", finished) if spec.run_id not in finished]
    assert {(spec.activation, spec.norm) for spec in follow} == {(s.activation, s.norm) for s in tuning}
    (run,) = STUDY.train(follow[:1], data, torch.device("cpu"))
    assert run.status == "complete" and run.layers
    finished |= {run.spec.run_id: shards.row(run, told)}
    assert len(STUDY.all_specs("smoke", finished)) == len(tuning) + len(follow), "nothing follows from what followed"
