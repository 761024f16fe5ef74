"""The rules that every results file keeps, each against a row that breaks it."""

import shutil

import duckdb
import pytest

from precompute import results_file
from tests.results_files import FIXTURE

ONE = "(SELECT min(run) FROM runs WHERE status = 'complete' AND study = 'double_descent/mnist_mlp')"
TWICE = {
    "runs": "runs that are there twice",
    "curves": "points of curves that are there twice",
    "layers": "layers that are there twice",
    "damage": "parts taken out twice",
    "edge_weights": "weights of edges that are there twice",
    "targets": "targets that are there twice",
    "validation": "points of validation that are there twice",
    "noise_scale": "noise scales that are there twice",
    "probes": "probes that are there twice",
    "shifts": "shifts that are there twice",
    "counts": "counts that are there twice",
}
WITHOUT = {
    ("curves", "-1 AS run"): "points without a run",
    ("layers", "-1 AS run"): "layers without a run",
    ("damage", "-1 AS run"): "parts taken out without a run",
    ("edge_weights", "-1 AS run"): "weights of edges without a run",
    ("targets", "-1 AS run"): "targets without a run",
    ("validation", "-1 AS run"): "points of validation without a run",
    ("noise_scale", "-1 AS run"): "noise scales without a run",
    ("probes", "-1 AS run"): "probes without a run",
    ("shifts", "-1 AS step"): "shifts without a probe",
    ("counts", "-1 AS run"): "counts without a run",
    ("graphs", "-1 AS configuration"): "graphs without a configuration",
    ("nodes", "-1 AS configuration"): "nodes without a graph",
    ("edges", "-1 AS configuration"): "edges without their nodes",
    ("configurations", "-1 AS configuration, -1 AS map"): "configurations without a map",
    ("intervals", "-1 AS configuration"): "intervals without a configuration",
    ("landmarks", "-1 AS map"): "landmarks without a map",
    ("claim_parts", "'X1' AS claim"): "parts without a claim",
}
OTHER = {
    f"DELETE FROM runs WHERE run = {ONE}": "runs too many or too few",
    f"UPDATE runs SET configuration = -1 WHERE run = {ONE}": "runs without a configuration",
    f"DELETE FROM curves WHERE run = {ONE}": "complete runs without points",
    f"UPDATE curves SET test_loss = NULL WHERE run = {ONE}": "complete runs with missing measures",
    f"UPDATE curves SET test_loss = 'nan' WHERE run = {ONE}": "complete runs with missing measures",
    f"UPDATE curves SET test_correct = NULL WHERE run = {ONE}": "complete runs with missing measures",
    "UPDATE targets SET step = NULL WHERE reached": "targets reached without a step",
    "UPDATE targets SET step = 1 WHERE NOT reached": "targets reached without a step",
    "UPDATE edge_weights SET source = 999 WHERE rowid = 0": "weights of edges that are not in a graph",
    "DELETE FROM edge_weights WHERE rowid = 0": "edges without a weight",
    "INSERT INTO damage SELECT * REPLACE (999 AS part) FROM damage WHERE kind = 'node' LIMIT 1": "damage to nodes that are not in a graph",
    "INSERT INTO damage SELECT * REPLACE (999 AS target) FROM damage WHERE kind = 'edge' LIMIT 1": "damage to edges that are not in a graph",
}
PLANTED = (
    {f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1": told for table, told in TWICE.items()}
    | {f"INSERT INTO {table} SELECT * REPLACE ({key}) FROM {table} LIMIT 1": told for (table, key), told in WITHOUT.items()}
    | OTHER
)  # fmt: skip


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    """A copy of the tiny real file; what a test changes in it is taken back."""
    file = shutil.copy(FIXTURE, tmp_path_factory.mktemp("broken") / "results.duckdb")
    with duckdb.connect(str(file), config={"threads": 1}) as connection:
        yield connection


@pytest.mark.parametrize(("statement", "told"), PLANTED.items(), ids=lambda value: value[:60])
def test_a_row_that_breaks_a_rule_is_refused_by_that_rule(connection, statement, told, monkeypatch):
    monkeypatch.setattr(results_file, "nullable_numbers", lambda _: {})  # these have a test of their own, and take long
    [(runs,)] = connection.execute("SELECT count(*) FROM runs").fetchall()
    connection.execute("BEGIN")
    try:
        assert connection.execute(statement).fetchall() != [(0,)]
        with pytest.raises(results_file.ResultsError, match=rf"^the database has -?\d+ {told}$"):
            results_file.check(connection, runs)
    finally:
        connection.execute("ROLLBACK")


def test_without_such_a_row_no_rule_is_broken(connection):
    results_file.check(connection, connection.execute("SELECT count(*) FROM runs").fetchall()[0][0])
