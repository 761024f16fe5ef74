"""A study whose code raises, from the command line to the database."""

import dataclasses

import pytest

from precompute import __main__ as commands
from precompute import executors, shards
from precompute.build import build
from precompute.results_file import verify
from precompute.studies import STUDIES
from tests.precompute.reading import query

pytestmark = pytest.mark.usefixtures("worker_numerics")
NAME = "double_descent/mnist_mlp"


@pytest.fixture
def call(tmp_path, data_folder):
    places = ["--size", "smoke", "--shards", str(tmp_path / "shards"), "--database", str(tmp_path / "results.duckdb")]
    return lambda *arguments: commands.main(
        ["run", NAME, *arguments, "--executor", "serial", "--datasets", str(data_folder), *places]
    )


@pytest.fixture
def broken(monkeypatch):
    """The study raises for its second seed."""
    real = STUDIES[NAME].train

    def train(specs, dataset, device):
        if specs[0].seed == 1:
            raise ValueError("planted")
        return real(specs, dataset, device)

    monkeypatch.setitem(executors.STUDIES, NAME, dataclasses.replace(STUDIES[NAME], train=train))
    return monkeypatch


def statuses(folder) -> list[str]:
    return sorted(row["status"] for row in shards.best_of_equal(shards.read(folder / "shards")).values())


def test_failures_are_told_kept_and_trained_again_only_when_asked(call, broken, tmp_path, capsys):
    assert call() == 1
    told = capsys.readouterr().out
    assert "failed: ValueError: planted" in told and "8 runs failed" in told and "--retry-failed" in told
    assert statuses(tmp_path) == ["complete"] * 16 + ["failed"] * 8
    build(tmp_path / "shards", tmp_path / "results.duckdb", "smoke")
    verify(tmp_path / "results.duckdb")
    counted = "SELECT status::VARCHAR, count(*) FROM runs GROUP BY ALL ORDER BY ALL"
    assert query(tmp_path / "results.duckdb", counted) == [("complete", 16), ("failed", 8)]
    assert call() == 0 and "nothing to train" in capsys.readouterr().out
    broken.undo()
    assert call("--retry-failed") == 0
    assert statuses(tmp_path) == ["complete"] * 24
    build(tmp_path / "shards", tmp_path / "results.duckdb", "smoke")
    verify(tmp_path / "results.duckdb")
    assert query(tmp_path / "results.duckdb", counted) == [("complete", 24)]
    assert (
        commands.main(
            [
                "status",
                NAME,
                "--size",
                "smoke",
                "--shards",
                str(tmp_path / "shards"),
                "--database",
                str(tmp_path / "none"),
            ]
        )
        == 0
    )
    assert capsys.readouterr().out.splitlines()[-2].split()[1:] == ["24", "0", "0", "0"]


def test_fail_fast_stops_at_the_first_failure(call, broken, tmp_path):
    assert call("--fail-fast") == 1
    found = statuses(tmp_path)
    assert "failed" in found and len(found) < 24


def test_a_deadline_that_has_passed_starts_no_group(call, tmp_path, capsys):
    assert call("--max-minutes", "0") == 0
    assert statuses(tmp_path) == [] and "9 groups not started" in capsys.readouterr().out
