"""What the page on batch size asks, compared with the tables by statements of the tests' own."""

import json
import math
import os
import re
from statistics import mean

import duckdb
import pytest

from explorer.results import batch_size as results

NAME = "batch_size/mnist_mlp"


def ask(sql: str, *parameters) -> list[tuple]:
    with duckdb.connect(os.environ["WHY_RESULTS"], read_only=True) as connection:
        return connection.execute(sql, parameters).fetchall()


@pytest.fixture
def study() -> results.Study:
    return next(each for each in results.studies() if each.name == NAME)


def test_a_study_has_its_targets_hardest_first_and_claims_are_about_the_third(study):
    targets = [target for (target,) in ask("SELECT DISTINCT target FROM tuned WHERE study = ? ORDER BY 1", NAME)]
    assert list(study.targets) == targets and study.target == targets[2]
    assert study.optimizers == ("sgd", "momentum") and study.optimizer == "sgd"
    told = ask("SELECT details->>'target' FROM claim_parts WHERE study = ? AND claim = 'B1'", NAME)
    assert {float(target) for (target,) in told} == {study.target}


def test_every_seed_of_every_batch_size_is_one_run_reached_or_not(study):
    rows = results.tuned_runs(study, study.target, list(study.optimizers)).to_pylist()
    expected = ask(
        "SELECT sum(seeds), sum(seeds_reached) FROM tuned WHERE study = ? AND target = ?", NAME, study.target
    )
    assert len(rows) == expected[0][0] and len({row["run_id"] for row in rows}) == len(rows)
    assert sum(row["state"] == "reached" for row in rows) == expected[0][1]
    for row in rows:
        assert (row["steps"] is None) == (row["state"] != "reached"), "what was not reached has no number"
        assert row["best_lr"] is None or (row["lr"] == row["best_lr"] and row["state"] == "reached")


def test_the_runs_are_those_behind_the_tuned_steps(study):
    rows = results.tuned_runs(study, study.target, ["sgd"]).to_pylist()
    checked = 0
    for size, steps in ask(
        "SELECT batch_size, steps FROM tuned WHERE study = ? AND optimizer = 'sgd' AND target = ? AND steps IS NOT NULL",
        NAME,
        study.target,
    ):
        mine = [math.log(row["steps"]) for row in rows if row["batch_size"] == size]
        assert math.exp(sum(mine) / len(mine)) == pytest.approx(steps)
        checked += 1
    curve = results.curve(study, study.target, ["sgd"]).to_pylist()
    assert len(curve) == checked > 0
    assert all(row["examples"] == pytest.approx(row["steps"] * row["batch_size"]) for row in curve)
    assert all(row["seconds"] > 0 and row["low"] <= row["steps"] <= row["high"] for row in curve)


def test_a_target_that_some_seed_never_reached_is_no_point_of_the_curve(study):
    hardest = study.targets[0]
    rows = results.tuned_runs(study, hardest, ["sgd"]).to_pylist()
    assert {row["state"] for row in rows} == {"reached", "not_reached"}
    assert results.curve(study, hardest, ["sgd"]).num_rows == 0
    assert all(row["perfect"] is None for row in results.tuned(study, hardest, "sgd"))
    assert results.regime(study, hardest, "sgd") is None


def test_perfect_scaling_keeps_the_examples_of_the_smallest_sizes_of_the_curve(study):
    rows = {row["batch_size"]: row for row in results.tuned(study, study.target, "sgd")}
    regime = results.regime(study, study.target, "sgd")
    curve = [row for size, row in rows.items() if regime["smallest"] <= size <= regime["largest"]][:3]
    mean = math.exp(sum(math.log(row["steps"] * row["batch_size"]) for row in curve) / len(curve))
    for size, row in rows.items():
        if size < regime["smallest"]:
            assert row["perfect"] is None
        else:
            assert row["perfect"] * size == pytest.approx(mean)


def test_the_cells_of_the_map_add_up_to_the_tuning_and_have_one_best_a_size(study):
    cells = results.rate_cells(study, study.target, "sgd").to_pylist()
    for row in results.tuned(study, study.target, "sgd"):
        mine = [cell for cell in cells if cell["batch_size"] == row["batch_size"]]
        assert len(mine) == row["rates"]
        for name in ("runs", "reached", "not_reached", "diverged"):
            assert sum(cell[name] for cell in mine) == row[name], name
        assert [cell["lr"] for cell in mine if cell["best"]] == ([row["best_lr"]] if row["best_lr"] else [])
        assert all(cell["steps"] is None for cell in mine if cell["reached"] < cell["runs"])
        assert all(cell["ratio"] == pytest.approx(1) for cell in mine if cell["best"])


def test_the_best_rate_of_a_seed_has_its_fewest_steps(study):
    for row in results.seeds_best_rates(study, study.target, "sgd").to_pylist():
        ((fewest, own),) = ask(
            """
            SELECT min(g.step), min(g.step) FILTER (r.run_id = ?) FROM targets g JOIN runs r USING (run) JOIN configurations c USING (configuration)
            WHERE r.study = ? AND g.target = ? AND r.seed = ? AND c.x = ? AND CAST(c.settings->>'momentum' AS DOUBLE) = 0
            """,
            row["run_id"], NAME, study.target, row["seed"], row["batch_size"],
        )  # fmt: skip
        assert fewest == own


def test_the_noise_scale_is_a_quotient_of_means_over_all_seeds_up_to_the_target(study):
    rows = results.noise_scale(study, study.target, "sgd").to_pylist()
    runs = results.tuned_runs(study, study.target, ["sgd"]).to_pylist()
    assert rows
    for row in rows:
        mine = [run for run in runs if run["batch_size"] == row["batch_size"]]
        assert row["seeds"] == len(mine) and all(row["step"] <= run["steps"] for run in mine)
        ids = ", ".join(f"'{run['run_id']}'" for run in mine)
        ((trace, squared),) = ask(
            f"SELECT avg(trace), avg(gradient_sq) FROM noise_scale JOIN runs USING (run) WHERE run_id IN ({ids}) AND step = ?", row["step"]
        )  # fmt: skip
        assert row["value"] == pytest.approx(trace / squared, rel=1e-5)


def test_equal_budgets_leave_out_the_seed_that_tuned():
    rows = results.budgets().to_pylist()
    tuning = {seed for (seed,) in ask("SELECT DISTINCT seed FROM runs WHERE study = ? AND seed >= 100", results.EQUAL)}
    assert rows and tuning and not tuning & {row["seed"] for row in rows}
    errors: dict[str, dict[str, list[float]]] = {"epochs": {}, "steps": {}}
    for row in rows:
        errors[row["unit"]].setdefault(str(row["batch_size"]), []).append(100 * row["test_error"])
    told = ask("SELECT quantity, details->>'test_error' FROM claim_parts WHERE claim = 'B4'")
    assert len(told) == 2
    for quantity, means in told:
        mine = errors[re.search("epochs|steps", quantity)[0]]
        assert {size: mean(values) for size, values in mine.items()} == pytest.approx(json.loads(means))
