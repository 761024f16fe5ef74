import errno
import json
import os
import resource

import pyarrow as pa
import pytest

from precompute import shards
from precompute.training.run import Run


@pytest.fixture
def make_rows(make_spec):
    def make(*seeds, status="complete"):
        told = shards.provenance() | {"torch": "2", "dataset_copy": "MNIST", "data_fingerprint": "f"}
        point = {"epoch": 1} | {name: 1.5 for name in ("train_loss", "val_loss", "test_loss")}
        point |= {name: 7 for name in ("train_correct", "val_correct", "test_correct", "memorized")}
        return [shards.row(Run(make_spec(seed=seed), status, curves=[point]), told) for seed in seeds]

    return make


def test_a_shard_reads_back_as_it_was_written(tmp_path, make_rows, make_spec):
    rows = make_rows(0, 1)
    shards.write(rows, tmp_path)
    assert list(shards.read(tmp_path)) == rows
    assert type(make_spec())(**json.loads(rows[1]["spec"])) == make_spec(seed=1)


def test_two_writers_of_the_same_group_leave_one_shard(tmp_path, make_rows):
    assert shards.write(make_rows(0, 1), tmp_path) == shards.write(make_rows(0, 1), tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "another layout"])
def test_a_damaged_shard_moves_aside_which_is_said_and_counts_as_missing(tmp_path, make_rows, damage, capsys):
    kept, bad = shards.write(make_rows(0), tmp_path), shards.write(make_rows(1), tmp_path)
    data = bytearray(bad.read_bytes())
    if damage == "another layout":
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"other": [1]}), bad)
    else:
        if damage == "flipped":
            data[60] ^= 0xFF  # within the first page
        bad.write_bytes(data if damage == "flipped" else data[: 0 if damage == "empty" else len(data) // 2])
    assert [row["seed"] if "seed" in row else row["run_id"] for row in shards.read(tmp_path)] == [
        make_rows(0)[0]["run_id"]
    ]
    assert [path.name for path in (tmp_path / "bad").iterdir()] == [bad.name]
    assert kept.exists() and not bad.exists()
    (line,) = capsys.readouterr().err.splitlines()
    assert str(bad) in line and "count as missing" in line


def test_a_shard_that_may_be_whole_stays_where_it_is(tmp_path, make_rows):
    whole, endless = shards.write(make_rows(0), tmp_path), tmp_path / "0123456789abcdef.parquet"
    endless.symlink_to(endless)
    with pytest.raises(OSError, match="symbolic links"):
        list(shards.read(tmp_path))
    endless.unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            list(shards.read(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [path for path in tmp_path.iterdir()] == [whole] and len(list(shards.read(tmp_path))) == 1


def test_a_lack_of_memory_says_nothing_of_a_shard(tmp_path, make_rows, monkeypatch):
    whole = shards.write(make_rows(0), tmp_path)

    def full(*_, **__):
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    monkeypatch.setattr(shards.pq, "ParquetFile", full)
    with pytest.raises(OSError, match="malloc of size 64 failed") as raised:
        list(shards.read(tmp_path))
    assert raised.value.errno == errno.ENOMEM and whole.exists()


def test_a_shard_that_another_process_moved_is_passed_over(tmp_path, make_rows, capsys):
    shards.write(make_rows(0), tmp_path)
    (tmp_path / "0123456789abcdef.parquet").symlink_to(tmp_path / "gone")
    assert len(list(shards.read(tmp_path))) == 1 and capsys.readouterr().err == ""
    assert not (tmp_path / "bad").exists()


def test_two_machines_with_one_process_number_write_to_names_of_their_own(tmp_path, make_rows, monkeypatch):
    seen, real = set(), os.fsync

    def sync(handle):
        seen.update(path.name for path in tmp_path.iterdir() if ".tmp-" in path.name)
        real(handle)

    monkeypatch.setattr(os, "fsync", sync)
    for _ in range(2):
        shards.write(make_rows(0), tmp_path)
    assert len(seen) == 2


def test_the_temporary_file_of_a_killed_writer_is_passed_over(tmp_path, make_rows):
    whole = shards.write(make_rows(0), tmp_path)
    (tmp_path / "0123456789abcdef.tmp-1").write_bytes(whole.read_bytes()[:50])
    assert len(list(shards.read(tmp_path))) == 1


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, make_rows, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        shards.write(make_rows(0), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_of_equal_runs_the_complete_one_counts_and_then_the_first(make_rows):
    failed, complete, other = make_rows(0, status="failed"), make_rows(0), make_rows(0)
    other[0]["wall_s"] = 9.0
    best = shards.best_of_equal([*failed, *complete, *other])
    assert list(best.values()) == complete


def test_a_failure_and_its_successful_retry_are_two_shards(tmp_path, make_rows):
    shards.write(make_rows(0, status="failed"), tmp_path)
    shards.write(make_rows(0), tmp_path)
    statuses = {row["run_id"]: row["status"] for row in shards.best_of_equal(shards.read(tmp_path)).values()}
    assert list(statuses.values()) == ["complete"]


@pytest.mark.parametrize(
    ("cpuinfo", "told"),
    [
        ("processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\nmodel\t\t: 1\n",
         "AMD EPYC (family 25, model 17)"),
        ("processor\t: 0\nmodel name\t: Some: other\n\n", "Some: other"),
    ],
)  # fmt: skip
def test_processors_of_one_name_are_told_apart_where_the_system_tells_their_model(monkeypatch, cpuinfo, told):
    monkeypatch.setattr(shards.Path, "read_text", lambda path: cpuinfo)
    assert shards.processor() == told
