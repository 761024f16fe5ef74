import dataclasses
import os
from concurrent.futures.process import BrokenProcessPool

import pytest
import torch

from precompute import executors, shards
from precompute.engine import Engine
from precompute.studies import STUDIES

pytestmark = pytest.mark.usefixtures("worker_numerics")
NAME = "double_descent/mnist_mlp"


def results(settings) -> dict[str, tuple]:
    return {
        row["run_id"]: (row["status"], row["stop_step"], row["error"], row["curves"])
        for row in shards.read(settings.shards)
    }


def run(groups, settings, executor="serial", workers=2):
    return list(executors.run_groups(groups, settings, executor, workers, lambda group: True))


def patched(monkeypatch, train):
    monkeypatch.setitem(executors.STUDIES, NAME, dataclasses.replace(STUDIES[NAME], train=train))


def test_two_workers_give_the_same_bits_as_one_process(tmp_path, settings, make_spec):
    specs = [
        make_spec(width, label_noise=noise, seed=seed) for seed in (0, 1) for noise in (0.0, 0.2) for width in (4, 24)
    ]
    groups = STUDIES[NAME].groups(specs)
    run(groups, settings)
    other = dataclasses.replace(settings, shards=tmp_path / "other")
    outcomes = run(groups, other, "processes")
    assert results(settings) == results(other) and len(results(other)) == 8
    assert sum(len(outcome.statuses) for outcome in outcomes) == 8


def test_what_a_study_raises_is_its_own_failed_runs_and_the_others_go_on(settings, make_spec, monkeypatch):
    real = STUDIES[NAME].train

    def train(specs, dataset, device):
        if specs[0].seed == 1:
            raise RuntimeError("planted")
        return real(specs, dataset, device)

    patched(monkeypatch, train)
    outcomes = run([[make_spec(seed=seed)] for seed in (0, 1, 2)], settings)
    assert [list(outcome.statuses.values()) for outcome in outcomes] == [["complete"], ["failed"], ["complete"]]
    assert outcomes[1].errors[0].startswith("RuntimeError: planted (test_executors.py:")


def test_out_of_memory_halves_the_group_and_tries_again(settings, make_spec, monkeypatch):
    real, sizes = STUDIES[NAME].train, []

    def train(specs, dataset, device):
        sizes.append(len(specs))
        if len(specs) > 2:
            raise torch.OutOfMemoryError("planted")
        return real(specs, dataset, device)

    patched(monkeypatch, train)
    (outcome,) = run([[make_spec(width) for width in (2, 4, 6, 8)]], settings)
    assert sizes == [4, 2, 2] and set(outcome.statuses.values()) == {"complete"}


def test_libraries_say_out_of_memory_by_an_error_of_their_own(settings, make_spec, monkeypatch):
    real = STUDIES[NAME].train

    def train(specs, dataset, device):
        if len(specs) > 1:
            raise RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")
        return real(specs, dataset, device)

    patched(monkeypatch, train)
    (outcome,) = run([[make_spec(2), make_spec(4)]], settings)
    assert set(outcome.statuses.values()) == {"complete"}


def test_a_cpu_that_has_no_memory_halves_the_group_too(settings, make_spec, monkeypatch):
    real = STUDIES[NAME].train

    def train(specs, dataset, device):
        if len(specs) > 1:
            torch.empty(1 << 55, dtype=torch.uint8)
        return real(specs, dataset, device)

    patched(monkeypatch, train)
    (outcome,) = run([[make_spec(2), make_spec(4)]], settings)
    assert set(outcome.statuses.values()) == {"complete"}, outcome.errors


def test_a_group_that_decides_when_its_runs_end_is_never_halved(settings, make_spec, monkeypatch):
    sizes = []

    def train(specs, dataset, device):
        sizes.append(len(specs))
        raise torch.OutOfMemoryError("planted")

    monkeypatch.setitem(executors.STUDIES, NAME, dataclasses.replace(STUDIES[NAME], train=train, group_decides=True))
    (outcome,) = run([[make_spec(2), make_spec(4)]], settings)
    assert sizes == [2] and set(outcome.statuses.values()) == {"failed"}


def test_the_way_of_a_card_reaches_the_studies_that_know_it(settings, make_spec, monkeypatch):
    seen, real = [], STUDIES[NAME].train

    def train(specs, dataset, device, **told):
        seen.append(told)
        return real(specs, dataset, device)

    card = dataclasses.replace(settings, engine=Engine(way="streams", beside_up_to=4))
    patched(monkeypatch, train)
    run([[make_spec(2)]], card)
    monkeypatch.setitem(executors.STUDIES, NAME, dataclasses.replace(executors.STUDIES[NAME], may_be_beside=True))
    run([[make_spec(2)]], settings)
    run([[make_spec(2)]], card)
    assert seen == [{}, {}, {"way": ""}], "networks that are not convolutional have none"


def test_one_model_that_does_not_fit_is_a_failed_run(settings, make_spec, monkeypatch):
    def train(specs, dataset, device):
        raise MemoryError("planted")

    patched(monkeypatch, train)
    (outcome,) = run([[make_spec(2), make_spec(4)]], settings)
    assert set(outcome.statuses.values()) == {"failed"} and "MemoryError" in outcome.errors[0]


def die_on_seed_1(group, settings):
    """Stands for a worker that the system kills: train_group, but for one group the process is gone."""
    if group[0].seed == 1:
        os._exit(9)
    return executors.train_group(group, settings)


def test_a_worker_that_dies_costs_only_its_own_group(settings, make_spec, monkeypatch):
    groups = [[make_spec(seed=seed)] for seed in range(5)]
    submit = executors.ProcessPoolExecutor.submit
    monkeypatch.setattr(
        executors.ProcessPoolExecutor, "submit", lambda pool, function, *given: submit(pool, die_on_seed_1, *given)
    )
    outcomes = run(groups, settings, "processes")
    statuses = {row["run_id"]: row["status"] for row in shards.read(settings.shards)}
    assert statuses == {group[0].run_id: "failed" if group[0].seed == 1 else "complete" for group in groups}
    assert {error for outcome in outcomes for error in outcome.errors} == {
        "the worker process died while it trained this group, twice"
    }


def test_a_pool_that_breaks_while_it_is_handed_a_group_loses_none(settings, make_spec, monkeypatch):
    groups = [[make_spec(seed=seed)] for seed in range(3)]
    submit, breaks = executors.ProcessPoolExecutor.submit, iter([False, True])

    def hand(pool, *given):
        if next(breaks, False):
            raise BrokenProcessPool("planted")
        return submit(pool, *given)

    monkeypatch.setattr(executors.ProcessPoolExecutor, "submit", hand)
    outcomes = run(groups, settings, "processes")
    assert sorted(outcome.group[0].seed for outcome in outcomes) == [0, 1, 2]
    assert {row["status"] for row in shards.read(settings.shards)} == {"complete"}


def test_a_group_whose_worker_died_is_tried_again_only_while_there_is_time(settings, make_spec, monkeypatch):
    submit, allowed = executors.ProcessPoolExecutor.submit, iter([True, False])
    monkeypatch.setattr(
        executors.ProcessPoolExecutor, "submit", lambda pool, function, *given: submit(pool, die_on_seed_1, *given)
    )
    group = [make_spec(seed=1)]
    assert list(executors.run_groups([group], settings, "processes", 1, lambda group: next(allowed))) == []
    assert list(shards.read(settings.shards)) == [], "not given up, but left for the next time"


def test_no_group_starts_that_would_not_end_in_time(settings, make_spec):
    groups = [[make_spec(seed=seed)] for seed in range(3)]
    allowed = iter([True, False, True])
    outcomes = list(executors.run_groups(groups, settings, "serial", 1, lambda group: next(allowed)))
    assert [outcome.group[0].seed for outcome in outcomes] == [0, 2]
