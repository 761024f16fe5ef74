"""The grids of the batch size, what follows from their results, and one of them from training to the database."""

import dataclasses
import math

import pytest
import torch

from precompute import __main__ as command
from precompute import shards
from precompute.studies import STUDIES
from precompute.studies import batch_size as studies
from tests.precompute.reading import query

MLP, EQUAL, CNN, MOMENTUM = (
    STUDIES[f"batch_size/{name}"] for name in ("mnist_mlp", "equal_epochs", "mnist_cnn", "momentum")
)


def rates_of(specs) -> dict[tuple, set[float]]:
    """Learning rates by optimizer, momentum, batch size and seed."""
    found: dict[tuple, set[float]] = {}
    for spec in specs:
        found.setdefault((spec.optimizer, spec.momentum, spec.batch_size, spec.seed), set()).add(spec.lr)
    return found


def test_mnist_mlp_has_thirteen_sizes_four_optimizers_ten_rates_a_factor_two_apart_and_three_seeds():
    specs = MLP.specs("full")
    rates = rates_of(specs)
    assert len(specs) == 13 * 4 * 10 * 3 and len(rates) == 13 * 4 * 3
    assert {size for _, _, size, _ in rates} == {2**k for k in range(13)}
    for each in rates.values():
        assert len(each) == 10 and max(each) == 2**9 * min(each), "the same budget at every size"
    assert {(s.n_train, s.width, s.steps, s.last_target) for s in specs} == {(55_000, 64, 60_000, 0.03)}
    assert specs[0].targets == (0.03, 0.035, 0.04, 0.05, 0.07)


def test_all_rates_of_an_optimizer_batch_size_and_seed_are_one_group():
    for study in (MLP, CNN):
        groups = study.groups(study.specs("full"))
        assert all(len({spec.lr for spec in group}) == len(group) == 10 for group in groups)
        assert len(groups) == len(rates_of(study.specs("full")))


def test_momentum_tries_the_same_twelve_rates_with_each_of_seven_momenta_at_three_sizes():
    specs = MOMENTUM.specs("full")
    rates = rates_of(specs)
    assert len(specs) == 7 * 12 * 3 * 3 and len(rates) == 7 * 3 * 3
    assert {momentum for _, momentum, _, _ in rates} == {0.0, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99}
    for size, highest in {16: -2, 128: -1, 1024: 0}.items():
        tried = {tuple(sorted(each)) for (_, _, batch, _), each in rates.items() if batch == size}
        assert tried == {tuple(2.0**e for e in range(highest - 11, highest + 1))}, "one map of rates and momenta"
    assert {(s.optimizer, s.n_train, s.width, s.steps, s.targets[0]) for s in specs} == {
        ("sgd", 55_000, 64, 60_000, 0.04)
    }
    groups = MOMENTUM.groups(specs)
    assert len(groups) == 63 and all(len({spec.lr for spec in group}) == len(group) == 12 for group in groups)


def test_mnist_cnn_is_the_papers_narrow_network_for_a_gpu():
    specs = CNN.specs("full")
    assert CNN.needs_gpu and {spec.batch_size for spec in specs} == {2**k for k in range(14)}
    assert {(s.network, s.width, s.last_target, s.n_params) for s in specs} == {("simple_cnn", 16, 0.015, 821_706)}
    assert {(s.optimizer, s.momentum) for s in specs} == {("sgd", 0.0), ("nesterov", 0.9)}


def test_the_prices_are_finite_and_fall_with_neither_budget_nor_size_forgotten():
    for study in (MLP, EQUAL, CNN, MOMENTUM):
        assert all(0 < spec.flops < math.inf for spec in study.specs("full"))
    by_size = {spec.batch_size: spec.flops for spec in MLP.specs("full")}
    assert by_size[4096] > by_size[256], "at large sizes more examples, and no fewer steps"


def row_of(spec, step_at) -> dict:
    """A finished run that took `step_at(target)` steps."""
    rows = [
        {"target": target, "reached": step_at(target) < math.inf, "step": step_at(target)} for target in spec.targets
    ]
    return {"study": spec.study, "status": "complete", "targets": rows}


def finished_with(best, study=MLP, scale=1000, missing=()):
    """Rows in which steps grow with the distance of the rate from `best`, a function of (batch size, seed)."""

    def row(spec):
        away = abs(math.log2(spec.lr) - best(spec.batch_size, spec.seed))
        return row_of(spec, lambda target: math.inf if target in missing else round(scale * 0.03 / target * 2**away))

    return row


def cells(specs) -> set[tuple]:
    return {(spec.optimizer, spec.momentum, spec.batch_size, math.log2(spec.lr), spec.steps) for spec in specs}


def sgd_only(monkeypatch) -> list:
    """The grid of plain SGD."""
    grid = [spec for spec in studies._mnist_mlp("full") if spec.optimizer == "sgd" and not spec.momentum]
    monkeypatch.setattr(studies, "_mnist_mlp", lambda size: grid)
    return grid


def test_a_best_rate_on_the_edge_widens_the_range_for_all_seeds_until_it_is_inside(monkeypatch):
    grid = sgd_only(monkeypatch)
    row = finished_with(lambda size, seed: 1 if size == 4096 else -11 if size == 1 else -4)
    finished = {spec.run_id: row(spec) for spec in grid}
    first = MLP.follow_up("full", finished)
    # 2^0 took twice the 1,000 steps of 2^1: three times as many for the next
    assert cells(first) == {("sgd", 0.0, 4096, 1.0, 6000), ("sgd", 0.0, 1, -10.0, 12_000)}
    assert {spec.seed for spec in first} == {0, 1, 2} and len(first) == 6
    finished |= {spec.run_id: row(spec) for spec in first}
    second = MLP.follow_up("full", finished)
    assert first == [spec for spec in second if spec in first], "what followed stays what it was"
    assert cells(second) - cells(first) == {("sgd", 0.0, 4096, 2.0, 3000), ("sgd", 0.0, 1, -11.0, 6000)}
    finished |= {spec.run_id: row(spec) for spec in second}
    third = MLP.follow_up("full", finished)
    assert cells(third) - cells(second) == {("sgd", 0.0, 1, -12.0, 3000)}
    finished |= {spec.run_id: row(spec) for spec in third}
    assert MLP.follow_up("full", finished) == third, "the best is inside on both sides"


def test_widening_stops_after_three_and_waits_for_every_seed(monkeypatch):
    grid = sgd_only(monkeypatch)
    row = finished_with(lambda size, seed: 20 if size == 8 else -4)
    finished = {spec.run_id: row(spec) for spec in grid}
    last = next(spec for spec in grid if spec.batch_size == 8 and spec.seed == 2)
    assert MLP.follow_up("full", {run: each for run, each in finished.items() if run != last.run_id}) == []
    for _ in range(6):
        added = MLP.follow_up("full", finished)
        finished |= {spec.run_id: row(spec) for spec in added}
    assert sorted({math.log2(spec.lr) for spec in added}) == [1, 2, 3]


def test_the_best_rate_is_of_the_hardest_target_that_was_reached_and_none_follows_from_none(monkeypatch):
    grid = sgd_only(monkeypatch)
    row = finished_with(lambda size, seed: 1, missing=(0.03, 0.035))
    added = MLP.follow_up("full", {spec.run_id: row(spec) for spec in grid})
    assert {spec.steps for spec in added} == {60_000}, "the last target was not reached: all steps"
    row = finished_with(lambda size, seed: 1, missing=grid[0].targets)
    assert MLP.follow_up("full", {spec.run_id: row(spec) for spec in grid}) == []


def final_row(spec, correct, status="complete") -> dict:
    return {"study": spec.study, "status": status, "curves": [{"epoch": 1, "val_correct": correct}]}


def test_equal_budgets_are_tuned_with_a_seed_of_their_own_and_as_many_rates_each():
    specs = EQUAL.specs("full")
    assert {spec.seed for spec in specs} == {studies.ONE_TUNING_SEED}
    arms = {(spec.epochs, spec.steps) for spec in specs}
    assert arms == {(5, 0), (20, 0), (0, 1000), (0, 5000)}
    by_cell: dict[tuple, set[float]] = {}
    for spec in specs:
        by_cell.setdefault((spec.epochs, spec.steps, spec.batch_size), set()).add(spec.lr)
    assert len(by_cell) == 4 * 6 and {len(rates) for rates in by_cell.values()} == {6}
    steps = {spec.most_steps for spec in specs if spec.epochs == 20 and spec.batch_size == 4096}
    assert steps == {269}, "as near to 20 passes as full batches come"


def test_five_fresh_seeds_follow_at_the_rate_with_most_correct_validation_examples():
    def correct(spec):
        return 4000 - round(100 * abs(math.log2(spec.lr) - (-1 if spec.batch_size >= 256 else -7)))

    finished = {spec.run_id: final_row(spec, correct(spec)) for spec in EQUAL.specs("full")}
    for _ in range(5):
        added = EQUAL.follow_up("full", finished)
        finished |= {spec.run_id: final_row(spec, correct(spec)) for spec in added}
    finals = [spec for spec in added if spec.seed != studies.ONE_TUNING_SEED]
    assert len(finals) == 4 * 6 * 5 and {spec.seed for spec in finals} == set(range(5))
    assert {math.log2(spec.lr) for spec in finals if spec.batch_size >= 256} == {-1}
    assert {math.log2(spec.lr) for spec in finals if spec.batch_size == 64} == {-7}, "found beyond its range"
    assert {math.log2(s.lr) for s in added if s.batch_size == 64 and s.seed == studies.ONE_TUNING_SEED} == {-6, -7, -8}
    assert EQUAL.follow_up("full", {}) == []


def test_a_rate_that_diverged_is_never_the_best():
    specs = EQUAL.specs("full")
    cell = [spec for spec in specs if spec.epochs == 5 and spec.batch_size == 64]
    finished = {spec.run_id: final_row(spec, 3000 + i) for i, spec in enumerate(cell)}
    finished[cell[-1].run_id] = final_row(cell[-1], None, "diverged")
    added = EQUAL.follow_up("full", finished)
    assert {spec.lr for spec in added} == {cell[-2].lr} and len(added) == 5


def test_nothing_follows_from_rates_of_which_one_failed():
    specs = EQUAL.specs("full")
    cell = [spec for spec in specs if spec.epochs == 5 and spec.batch_size == 64]
    finished = {spec.run_id: final_row(spec, 3000 - abs(i - 2)) for i, spec in enumerate(cell)}
    assert len(EQUAL.all_specs("full", finished)) == len(specs) + 5
    finished[cell[0].run_id] |= {"status": "failed", "curves": []}
    assert EQUAL.all_specs("full", finished) == specs


def test_a_range_is_not_widened_before_a_failed_run_is_trained_again(monkeypatch):
    grid = sgd_only(monkeypatch)
    row = finished_with(lambda size, seed: 20 if size == 8 else -4)
    study = dataclasses.replace(MLP, specs=lambda size: grid)
    finished = {spec.run_id: row(spec) for spec in grid}
    assert len(study.all_specs("full", finished)) == len(grid) + 3
    failed = next(spec for spec in grid if spec.batch_size == 8 and spec.lr == min(each.lr for each in grid))
    finished[failed.run_id] |= {"status": "failed", "targets": []}
    assert study.all_specs("full", finished) == grid


@pytest.fixture(scope="module")
def baked(tmp_path_factory, data_folder):
    """Two batch sizes of one optimizer, with the command line, and the database. Returns (call, database)."""
    folder, patch = tmp_path_factory.mktemp("batch_size"), pytest.MonkeyPatch()
    grid = [s for s in MLP.specs("smoke") if s.batch_size in (8, 32) and s.momentum]
    small = dataclasses.replace(MLP, specs=lambda size: grid, follow_up=None)
    patch.setitem(STUDIES, MLP.name, small)
    places = ["--shards", str(folder / "shards"), "--database", str(folder / "results.duckdb"), "--size", "smoke"]
    given = ["--datasets", str(data_folder)]

    def call(*arguments):
        return command.main([*arguments, *places, *(given if arguments[0] == "run" else [])])

    assert call("run", MLP.name, "--executor", "serial") == 0
    assert call("build") == 0
    yield call, folder / "results.duckdb", grid
    patch.undo()


def test_the_database_has_every_target_of_every_run(baked):
    _, database, grid = baked
    assert query(database, "SELECT count(*) FROM targets") == [(5 * len(grid),)]
    assert query(database, "SELECT DISTINCT clock, complete + diverged FROM studies") == [("end", len(grid))]
    found = query(
        database,
        f'SELECT batch_size, lr, v.seed, step FROM "{MLP.name}" v JOIN targets USING (run) WHERE target = 0.25 AND reached',
    )
    assert found and {size for size, *_ in found} <= {8, 32}
    rows = query(database, "SELECT batch_size, rates, runs, reached + not_reached + diverged, seeds FROM tuned")
    assert set(rows) == {(8, 3, 9, 9, 3), (32, 3, 9, 9, 3)} and len(rows) == 10
    fewest = query(database, "SELECT fewest_steps FROM tuned WHERE batch_size = 8 AND target = 0.25")
    steps = [step for size, _, _, step in found if size == 8]
    assert fewest == [(min(steps) if steps else None,)]
    for table in ("validation", "noise_scale"):
        assert query(database, f"SELECT count(*) > 0 FROM {table}") == [(True,)]


def test_a_build_from_the_database_alone_gives_the_same_content(baked, tmp_path, capsys):
    call, database, _ = baked
    (before,) = query(database, "SELECT value FROM meta WHERE key = 'content_hash'")
    assert command.main(["build", "--shards", str(tmp_path), "--database", str(database), "--size", "smoke"]) == 0
    assert query(database, "SELECT value FROM meta WHERE key = 'content_hash'") == [before]
    assert call("verify") == 0


def test_a_run_that_its_group_ended_is_repeated_alone_number_for_number(baked, capsys):
    call, database, _ = baked
    run_id, steps = query(
        database,
        "SELECT run_id, steps FROM runs WHERE status = 'complete' AND steps < 400 "
        "AND run IN (SELECT run FROM targets WHERE NOT reached) UNION ALL "
        "SELECT run_id, steps FROM runs WHERE status = 'complete' LIMIT 1",
    )[0]
    assert call("run", "--run-id", run_id) == 0
    assert "every number of all" in capsys.readouterr().out, (run_id, steps)


@pytest.mark.usefixtures("worker_numerics")
def test_the_cnn_trains_in_its_smallest_size(dataset):
    group = min(CNN.groups(CNN.specs("smoke")), key=lambda each: sum(spec.flops for spec in each))
    runs = CNN.train(group, dataset, torch.device("cpu"))
    assert [shards.row(run, {})["run_id"] for run in runs] == [spec.run_id for spec in group]
    assert all(len(run.targets) == 5 and run.steps <= 60 for run in runs)
