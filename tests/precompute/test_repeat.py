"""A published run that is repeated where the file holds less of it than a run has."""

import dataclasses

import duckdb
import pytest

from precompute import __main__ as command
from precompute import build, executors, shards
from precompute.repeat import repeat
from precompute.studies import STUDIES

pytestmark = pytest.mark.usefixtures("worker_numerics")
SPEC = STUDIES["double_descent/mnist_mlp"].specs("smoke")[0]


@pytest.fixture
def published(settings, tmp_path):
    """A results file that holds the run."""
    executors.train_group([SPEC], settings)
    build.build(settings.shards, tmp_path / "results.duckdb", "smoke")
    return tmp_path / "results.duckdb"


@pytest.mark.parametrize("damage", ["bytes", "schema"])
def test_a_file_that_cannot_be_read_is_one_line_before_anything_is_trained(published, settings, capsys, damage):
    if damage == "bytes":
        published.write_bytes(b"not a database" * 1000)
    else:
        with duckdb.connect(str(published)) as connection:
            connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    told = ["--database", str(published), "--datasets", settings.datasets, "--device", "cpu"]
    assert command.main(["run", "--run-id", SPEC.run_id, *told]) == 2
    answer = capsys.readouterr()
    assert answer.out == "" and len(answer.err.splitlines()) == 1
    assert ("cannot be read" if damage == "bytes" else "schema version 99") in answer.err


def test_a_repeated_run_is_kept_where_a_folder_is_named(published, settings, tmp_path, capsys):
    own = tmp_path / "own"
    assert repeat(SPEC, settings, published, own) == 0
    assert [row["run_id"] for row in shards.read(own)] == [SPEC.run_id] and len(list(own.iterdir())) == 1
    assert f"kept in {own}" in capsys.readouterr().out
    build.build(own, tmp_path / "own.duckdb", "smoke")
    with duckdb.connect(str(tmp_path / "own.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT run_id FROM runs").fetchall() == [(SPEC.run_id,)]


def test_a_published_failure_that_trains_now_is_said(settings, tmp_path, capsys):
    executors.given_up([SPEC], settings, "planted")
    executors.train_group([dataclasses.replace(SPEC, seed=1)], settings)
    build.build(settings.shards, tmp_path / "results.duckdb", "smoke")
    assert repeat(SPEC, settings, tmp_path / "results.duckdb") == 0
    told = capsys.readouterr().out
    assert "status complete" in told and "holds it as failed: planted" in told and "test error" in told


def test_curves_of_different_length_are_compared_as_far_as_both_go(published, settings, capsys):
    (row,) = shards.read(settings.shards)
    epochs = [point["epoch"] for point in row["curves"]]
    with duckdb.connect(str(published)) as connection:
        connection.execute(f"DELETE FROM curves WHERE epoch = {epochs[-1]}")
    assert repeat(SPEC, settings, published) == 0
    told = capsys.readouterr().out
    assert f"({len(epochs)} here, {len(epochs) - 1} published)" in told
    assert f"from epoch {epochs[-1]} on" in told and f"epoch {epochs[-2]}" in told


def test_a_difference_in_the_layers_alone_is_said(settings, tmp_path, capsys):
    spec = STUDIES["depth/mnist_mlp"].specs("smoke")[0]
    executors.train_group([spec], settings)
    file = tmp_path / "results.duckdb"
    build.build(settings.shards, file, "smoke")
    with duckdb.connect(str(file)) as connection:
        connection.execute("UPDATE layers SET gradient_norm = gradient_norm * 1.5")
    assert repeat(spec, settings, file) == 0
    assert "the numbers differ in layers: " in capsys.readouterr().out
