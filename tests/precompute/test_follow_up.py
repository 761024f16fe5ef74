"""Studies whose last runs follow from the results of the first, such as fresh seeds at the rate that tuning chose."""

import dataclasses

import pytest

from precompute import __main__ as command
from precompute import shards
from precompute.studies import STUDIES

pytestmark = pytest.mark.usefixtures("worker_numerics")
NAME = "double_descent/two_stages"


@pytest.fixture
def study(monkeypatch, make_spec):
    """Two widths; then a fresh seed of the one with more correct validation examples."""

    def follow_up(size, finished):
        best = {}
        for spec in specs:
            if spec.run_id not in finished:
                return []
            curves = finished[spec.run_id]["curves"]
            best[spec.width] = curves[-1]["val_correct"] if curves else -1
        return [make_spec(max(best, key=best.get), study=NAME, seed=7, epochs=2)]

    specs = [make_spec(width, study=NAME, epochs=2) for width in (1, 16)]
    made = dataclasses.replace(
        STUDIES["double_descent/mnist_mlp"], name=NAME, specs=lambda size: specs, follow_up=follow_up
    )
    monkeypatch.setitem(STUDIES, NAME, made)
    return made


@pytest.fixture
def run(tmp_path, data_folder):
    def run(name, *more):
        places = [
            "--shards",
            str(tmp_path / "shards"),
            "--database",
            str(tmp_path / "results.duckdb"),
            "--size",
            "smoke",
        ]
        given = ["--datasets", str(data_folder), "--executor", "serial"] if name == "run" else []
        studies = [] if name == "build" else [NAME]
        return command.main([name, *studies, *places, *given, *more])

    return run


def test_one_command_trains_the_grid_and_what_follows_from_it(study, run, tmp_path):
    assert run("run") == 0
    rows = {row["run_id"]: row for row in shards.read(tmp_path / "shards")}
    assert len(rows) == 3
    (last,) = study.follow_up("smoke", rows)
    assert last.width == 16 and rows[last.run_id]["status"] == "complete"


def test_a_run_cut_before_the_second_stage_goes_on_with_it(study, run, tmp_path, capsys):
    assert run("run", "--max-minutes", "0") == 0
    assert "not started" in capsys.readouterr().out
    assert run("run") == 0 and run("run") == 0
    assert "nothing to train" in capsys.readouterr().out
    assert len(list(shards.read(tmp_path / "shards"))) == 3


def test_the_build_holds_both_stages_and_follows_from_the_database_alone(study, run, tmp_path, capsys):
    assert run("run") == 0 and run("build") == 0
    for shard in (tmp_path / "shards").glob("*.parquet"):
        shard.unlink()
    capsys.readouterr()
    assert run("status") == 0
    assert capsys.readouterr().out.splitlines()[1].split()[1:] == ["3", "0", "0", "0"]
    assert run("run") == 0 and "nothing to train" in capsys.readouterr().out


def test_nothing_follows_from_a_failed_run_until_it_is_trained_again(study, run, tmp_path, monkeypatch, capsys):
    def fails_when_wide(group, *told):
        if any(spec.width == 16 for spec in group):
            raise RuntimeError("planted")
        return study.train(group, *told)

    with monkeypatch.context() as patch:
        patch.setitem(STUDIES, NAME, dataclasses.replace(study, train=fails_when_wide, group_flops=1.0))
        assert run("run") == 1 and run("build") == 0
    rows = {row["run_id"]: row for row in shards.read(tmp_path / "shards")}
    assert sorted(row["status"] for row in rows.values()) == ["complete", "failed"]
    assert run("run", "--retry-failed") == 0 and run("build") == 0
    capsys.readouterr()
    assert run("status") == 0
    assert capsys.readouterr().out.splitlines()[1].split()[1:] == ["3", "0", "0", "0"]


def test_plan_says_that_more_follows(study, run, capsys):
    assert run("plan") == 0
    assert "more follow from its results" in capsys.readouterr().out


def test_a_study_for_a_gpu_is_left_out_of_a_plain_run_on_a_cpu(monkeypatch, tmp_path, capsys):
    dear = dataclasses.replace(STUDIES["double_descent/mnist_mlp"], name="double_descent/dear", needs_gpu=True)
    for name in list(STUDIES):
        monkeypatch.delitem(STUDIES, name)
    monkeypatch.setitem(STUDIES, dear.name, dear)
    told = ["--shards", str(tmp_path), "--database", str(tmp_path / "none.duckdb"), "--device", "cpu"]
    assert command.main(["run", *told]) == 0
    assert "double_descent/dear is left out: it is for a GPU" in capsys.readouterr().out
