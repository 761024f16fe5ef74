"""What the page on batch normalization asks of the results file, on planted runs that went through the real build."""

import math
import shutil

import duckdb
import pytest

from explorer.results import batch_norm as results
from explorer.results.batch_norm import NORMS, Study
from precompute.evidence import StudyResults
from precompute.evidence import batch_norm as evidence
from precompute.studies import STUDIES, batch_norm
from tests import planted_norms
from tests.planted_norms import LINEAR, SIZES, SMALL

THERE = Study(SMALL)


@pytest.fixture(scope="module")
def planted(planted_once):
    return planted_once("norms", planted_norms.plant_every_end)


@pytest.fixture(autouse=True)
def database(planted, monkeypatch):
    monkeypatch.setenv("WHY_RESULTS", str(planted))
    return planted


@pytest.fixture(scope="module")
def arms():
    """The norms as the claims see them, of the same runs."""
    runs = [(spec, as_row(planted_norms.run_of(spec))) for spec in STUDIES[SMALL].specs("full")]
    return evidence.arms(StudyResults(SMALL, "batch_norm", (), runs))


def as_row(run) -> dict:
    names = ("status", "curves", "probes", "shifts", "steps", "n_val", "n_test")
    return {name: getattr(run, name) for name in names} | {"n_train": run.spec.n_train}


def test_studies_come_in_the_order_offered_with_what_they_vary():
    assert [study.name for study in results.studies()] == [SMALL, SIZES, LINEAR]
    assert [study.kind for study in results.studies()] == ["rates", "sizes", "linear"]
    assert results.norms(THERE) == list(NORMS) == list(batch_norm.NORMS)
    assert [study.name for study in results.probed_studies(results.studies())] == [SMALL, LINEAR]


def test_runs_are_counted_and_what_raised_is_in_no_picture():
    counted = results.counted(THERE)
    assert (counted["planned"], counted["done"], counted["failed"]) == (264, 264, 1)
    assert (counted["norms"], counted["rates"], counted["seeds"]) == (8, 11, 3)
    assert results.runs(THERE, ["layer"]).num_rows == 32


def test_the_line_of_the_claim_and_its_quarter_are_those_of_the_build():
    assert results.WITHIN == evidence.WITHIN and (results.NONE, results.BATCH, results.NOISY) == (evidence.NONE, evidence.BATCH, evidence.NOISY)  # fmt: skip
    row = {"steps": 8, "probes": [{"step": step, "smoothness": 1.0} for step in (1, 2, 3)]}
    assert set(evidence._first_quarter(row, "probes", "smoothness")) == {(1, 0), (2, 0)}
    assert results.EARLY == 4


def test_the_own_rate_is_the_one_that_the_build_chooses(arms):
    assert results.own_rates(THERE) == {norm: arm.own_rate for norm, arm in arms.items()}
    assert len(set(results.own_rates(THERE).values())) > 2


def test_the_share_of_usable_rates_is_that_of_the_claim(arms):
    for norm in ("none", "batch"):
        cells = results.cells(THERE, [norm])
        own = arms[norm].complete(arms[norm].own_rate)
        shares = [evidence._share(arms[norm], sorted(arms[norm].runs), seed, evidence._test_error(row)) for seed, row in own.items()]  # fmt: skip
        assert sum(cell["good"] for cell in cells) == pytest.approx(11 * math.fsum(shares))
        assert all(cell["judged"] == 3 for cell in cells)
    lost = {cell["lr"]: (cell["diverged"], cell["complete"]) for cell in results.cells(THERE, ["none"])}
    assert lost[1.0] == lost[2.0] == (3, 0) and lost[0.5] == (0, 3)


def test_speed_and_drift_are_those_of_the_claim(arms):
    rows = results.speed_and_drift(THERE).to_pylist()
    assert {row["norm"] for row in rows} == set(NORMS) and len(rows) == 24
    for row in rows:
        run = arms[row["norm"]].complete(row["lr"])[row["seed"]]
        assert 100 * row["mean_train_error"] == pytest.approx(evidence._mean_train_error(run), rel=1e-9)
        values = [value for value in evidence._first_quarter(run, "shifts", "mean_drift").values()]
        assert row["mean_drift"] == pytest.approx(math.exp(math.fsum(map(math.log, values)) / len(values)), rel=1e-5)
        assert row["left_out"] == 0


def test_means_are_those_of_the_table_of_intervals_where_every_seed_came_to_the_end(database):
    rows = results.means(THERE, ["none"]).to_pylist()
    assert {row["lr"] for row in rows} == {rate for rate in batch_norm.RATES if rate < 1}
    one = next(row for row in rows if (row["lr"], row["measure"]) == (0.125, "test"))
    with duckdb.connect(str(database), read_only=True) as connection:
        expected = connection.execute(
            "SELECT mean, low, high, n FROM intervals JOIN configurations USING (configuration) WHERE study = ? AND epoch = 20"
            " AND measure = 'test_error' AND settings->>'norm' = 'none' AND x = 0.125",
            [SMALL],
        ).fetchone()
    assert (one["mean"], one["low"], one["high"], one["n"]) == pytest.approx(expected) and one["n"] == 3
    sizes = results.means(Study(SIZES), ["none"]).to_pylist()
    assert 4 not in {row["batch_size"] for row in sizes} and 2 in {row["batch_size"] for row in sizes}


def test_both_networks_are_probed_at_the_rate_of_the_one_without_a_norm():
    assert set(results.rates_probed(THERE, "same").values()) == {results.own_rates(THERE)["none"]}
    assert results.rates_probed(THERE, "own") == results.own_rates(THERE)
    rows = results.probes(THERE, {"none": 0.125, "batch": 0.125}).to_pylist()
    assert len(rows) == 72 and {row["lr"] for row in rows} == {0.125}
    assert {row["step"] for row in rows if row["early"]} == {
        row["step"] for row in rows if row["step"] <= row["steps"] / 4
    }


def test_a_pair_without_a_value_on_one_side_is_not_counted():
    at = {"none": 0.125, "batch": 0.125}
    assert results.pairs_narrower(THERE, at) == dict.fromkeys(("range", "change", "smoothness"), (27, 27))
    rows = results.pairs_narrower(THERE, {"none": 1.0, "batch": 1.0})
    before = results.probes(THERE, {"none": 1.0}).to_pylist()
    assert rows["smoothness"][1] == sum(row["early"] and row["smoothness"] is not None for row in before) <= 27


def test_contrasts_tell_where_they_are():
    rows = results.contrasts(THERE)
    at_one = [row for row in rows if row["quantity"].endswith("at_one_rate")]
    assert {row["lr"] for row in at_one} == {rate for rate in batch_norm.RATES if rate < 1}
    assert all(row["lr"] == row["baseline_lr"] for row in at_one)
    sizes = {(row["norm"], row["batch_size"]) for row in results.contrasts(Study(SIZES))}
    assert sizes == {(norm, size) for norm in ("none", "group") for size in batch_norm.BATCH_SIZES}
    [linear] = results.contrasts(Study(LINEAR))
    assert (linear["norm"], linear["unit"]) == ("none", "log10")


def test_every_run_has_the_means_that_are_drawn_of_its_configuration():
    for study in (THERE, Study(SIZES)):
        means = {
            (row["norm"], row["lr"], row["batch_size"], row["measure"]): row
            for row in results.means(study, list(NORMS)).to_pylist()
        }
        rows = results.runs(study, list(NORMS)).to_pylist()
        for row in rows:
            for part in ("train", "test"):
                mean = means.get((row["norm"], row["lr"], row["batch_size"], part), dict.fromkeys(("mean", "low", "high", "n")))  # fmt: skip
                assert [row[f"{part}_{end}"] for end in ("mean", "low", "high")] == [mean[end] for end in ("mean", "low", "high")]  # fmt: skip
                assert row["n"] == mean["n"]
        assert any(row["test_mean"] is not None for row in rows)


def test_the_statement_of_the_footer_gives_the_rows_that_are_shown(database):
    for study in results.studies():
        shown = results.norms(study)
        with duckdb.connect(str(database), read_only=True) as connection:
            found = connection.execute(results.runs_sql(study, shown)).fetchall()
        assert found == [tuple(row.values()) for row in results.runs(study, shown).to_pylist()] and found


def test_a_rate_exactly_two_points_above_the_best_is_near_it_as_in_the_claim(database, tmp_path, monkeypatch):
    file, best = tmp_path / "exactly.duckdb", 9000
    shutil.copy(database, file)
    assert 100 * (1 - (best - 200) / 10_000) > 100 * (1 - best / 10_000) + 2  # not so in doubles without rounding
    own = results.own_rates(THERE)["batch"]
    where = f"study = '{SMALL}' AND seed = 0 AND c.settings->>'norm' = 'batch' AND CAST(c.settings->>'lr' AS DOUBLE)"
    with duckdb.connect(str(file)) as connection:
        for right, rate in ((best - 200, f"<> {own!r}"), (best, f"= {own!r}")):
            connection.execute(
                f"""UPDATE curves SET test_correct = {right} WHERE test_correct IS NOT NULL AND run IN (
                SELECT run FROM runs r JOIN configurations c USING (configuration) WHERE r.{where} {rate})"""
            )
    monkeypatch.setenv("WHY_RESULTS", str(file))
    mine = [row for row in results.runs(THERE, ["batch"]).to_pylist() if row["seed"] == 0]
    assert len(mine) > 2 and all(row["near_best"] for row in mine if row["status"] == "complete")
