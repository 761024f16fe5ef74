import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from explorer import database


@pytest.fixture
def copied(results_file, tmp_path, monkeypatch) -> Path:
    """A copy of the results file that the app reads and a test may spoil."""
    path = tmp_path / "results.duckdb"
    shutil.copy(results_file, path)
    monkeypatch.setenv("WHY_RESULTS", str(path))
    return path


def changed(path: Path, statement: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(statement)


def test_a_query_returns_an_arrow_table_and_takes_parameters():
    table = database.query("SELECT key, value FROM meta WHERE key = $key", {"key": "schema_version"})
    assert table.to_pylist() == [{"key": "schema_version", "value": str(database.expected_schema())}]
    assert database.query("SELECT ?::INTEGER + 1 AS n", [41])["n"].to_pylist() == [42]


def test_no_file_is_told_from_a_damaged_one(tmp_path, monkeypatch):
    monkeypatch.setenv("WHY_RESULTS", str(tmp_path / "absent.duckdb"))
    with pytest.raises(database.Missing) as caught:
        database.meta()
    assert caught.value.path == (tmp_path / "absent.duckdb").resolve()


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 1000], ids=["empty", "garbage"])
def test_a_file_that_is_no_database_is_damaged(tmp_path, monkeypatch, content):
    path = tmp_path / "results.duckdb"
    path.write_bytes(content)
    monkeypatch.setenv("WHY_RESULTS", str(path))
    with pytest.raises(database.Damaged):
        database.meta()
    assert path.read_bytes() == content


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_file_cut_short_is_damaged(copied, kept):
    os.truncate(copied, int(copied.stat().st_size * kept))
    with pytest.raises(database.Damaged):
        database.meta()


def test_a_block_with_flipped_bytes_is_damaged(copied):
    with duckdb.connect(str(copied), read_only=True) as connection:
        block = connection.execute(
            "SELECT block_id FROM pragma_storage_info('curves') WHERE column_name = 'test_correct' AND block_id >= 0 LIMIT 1"
        ).fetchone()[0]
        size = connection.execute("SELECT block_size FROM pragma_database_size()").fetchone()[0]
    content = bytearray(copied.read_bytes())
    header = 3 * 4096  # DuckDB's main header and its two database headers stand before the blocks
    for offset in range(100, 200):
        content[header + block * size + offset] ^= 0xFF
    copied.write_bytes(content)
    with pytest.raises(database.Damaged):
        database.meta()


def test_a_database_of_something_else_is_damaged(tmp_path, monkeypatch):
    path = tmp_path / "results.duckdb"
    changed(path, "CREATE TABLE penguins (species VARCHAR)")
    monkeypatch.setenv("WHY_RESULTS", str(path))
    with pytest.raises(database.Damaged):
        database.meta()


def test_a_build_that_did_not_finish_is_damaged(copied):
    changed(copied, "DELETE FROM meta WHERE key = 'content_hash'")
    with pytest.raises(database.Damaged):
        database.meta()


@pytest.mark.parametrize(
    "harm, told",
    [
        ("DROP TABLE regimes", "it has no table regimes"),
        ("ALTER TABLE contrasts DROP COLUMN p_adjusted", "its table contrasts has no column p_adjusted"),
        ("DELETE FROM meta WHERE key = 'git_commit'", "meta holds no git_commit"),
    ],
)
def test_a_file_that_lacks_what_the_pages_read_is_damaged_and_says_what(copied, harm, told):
    changed(copied, harm)
    with pytest.raises(database.Damaged, match=told):
        database.meta()


def test_a_table_that_is_not_there_is_not_looked_for_among_the_names_of_this_program(tmp_path, monkeypatch):
    path = tmp_path / "results.duckdb"
    changed(path, "CREATE TABLE penguins (species VARCHAR)")
    monkeypatch.setenv("WHY_RESULTS", str(path))
    with pytest.raises(database.Damaged) as caught:
        database.meta()
    assert "meta" in caught.value.detail and "Python" not in caught.value.detail


@pytest.mark.parametrize(("step", "kind"), [(-1, database.OlderSchema), (1, database.NewerSchema)])
def test_another_schema_version_is_told_which_way_it_differs(copied, step, kind):
    expected = database.expected_schema()
    changed(copied, f"UPDATE meta SET value = '{expected + step}' WHERE key = 'schema_version'")
    with pytest.raises(kind) as caught:
        database.meta()
    assert caught.value.versions == {"found": expected + step, "expected": expected}


def test_a_file_renamed_over_the_old_one_is_read_at_once_and_the_old_one_let_go(copied, tmp_path):
    before = database.meta()["content_hash"]
    old = copied.stat().st_ino
    newer = tmp_path / "newer.duckdb"
    shutil.copy(copied, newer)
    changed(newer, "UPDATE meta SET value = 'after' WHERE key = 'content_hash'")
    os.replace(newer, copied)
    assert before != "after"
    assert database.meta()["content_hash"] == "after"
    assert database.query("SELECT value FROM meta WHERE key = 'content_hash'")["value"].to_pylist() == ["after"]
    held = {os.stat(f"/proc/self/fd/{name}").st_ino for name in _descriptors()}
    assert old not in held


def _descriptors() -> list[str]:
    return [name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")]


def test_many_threads_get_whole_answers(results_file):
    """Each question is asked once, so that none is answered from what is kept."""
    with duckdb.connect(str(results_file), read_only=True) as connection:
        expected = connection.execute("SELECT count(*), sum(test_correct) FROM curves").fetchone()

    def ask(number: int) -> tuple:
        asked = "SELECT $number AS number, count(*) AS n, sum(test_correct) AS s FROM curves"
        return tuple(database.query(asked, {"number": number}).to_pylist()[0].values())

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(50)))
    assert answers == [(number, *expected) for number in range(50)]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM runs",
        "CREATE TABLE results.mine (n INTEGER)",
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO 'stolen.csv'",
        "ATTACH 'other.duckdb'",
        "SET threads = 64",
        "SET enable_external_access = true",
    ],
)
def test_nothing_can_be_written_nor_read_elsewhere_nor_reconfigured(statement):
    with pytest.raises(duckdb.Error):
        database.query(statement)


def test_memory_and_threads_are_bounded():
    asked = "SELECT name, value FROM duckdb_settings() WHERE name IN ('memory_limit', 'threads')"
    settings = {row["name"]: row["value"] for row in database.query(asked).to_pylist()}
    assert settings == {"threads": "2", "memory_limit": "122.0 MiB"}  # 128 MB


def test_a_second_file_is_asked_by_the_same_statements(own, results_file):
    count = "SELECT count(*) AS n FROM runs"
    published, mine = (database.query(count, of=of)["n"][0].as_py() for of in (database.PUBLISHED, database.OWN))
    assert 0 < mine < published
    assert database.location() == results_file.resolve() and database.own_location() == own
    assert database.meta()["content_hash"] != database.own_meta()["content_hash"] == "a hash of my own"
    assert database.refused() is None
    both = "SELECT count(*) AS n FROM runs JOIN own.runs USING (run_id)"
    assert database.query(both)["n"][0].as_py() == mine - 1  # all but the one that was added


def test_an_empty_first_path_is_the_file_beside_the_app(own, monkeypatch):
    monkeypatch.setenv("WHY_RESULTS", f"{os.pathsep}{own}")
    assert database.location() == database.ROOT / "data" / "results.duckdb"
    assert database.own_location() == own


def test_a_file_whose_name_holds_the_separator_is_one_file(results_file, tmp_path, monkeypatch):
    path = tmp_path / f"a{os.pathsep}b.duckdb"
    shutil.copy(results_file, path)
    monkeypatch.setenv("WHY_RESULTS", str(path))
    assert database.location() == path.resolve() and database.own_location() is None
    assert database.own_meta() is None


@pytest.mark.parametrize(
    ("harm", "kind"),
    [("missing", database.Missing), ("garbage", database.Damaged), ("older", database.OlderSchema),
     ("newer", database.NewerSchema), ("same", database.Same)],
)  # fmt: skip
def test_a_second_file_that_cannot_be_laid_over_is_refused_and_the_published_one_shown(
    own, results_file, monkeypatch, harm, kind
):
    if harm == "missing":
        own.unlink()
    elif harm == "garbage":
        own.write_bytes(b"no database" * 1000)
    elif harm == "same":
        monkeypatch.setenv("WHY_RESULTS", f"{results_file}{os.pathsep}{results_file}")
    else:
        step = -1 if harm == "older" else 1
        changed(own, f"UPDATE meta SET value = '{database.expected_schema() + step}' WHERE key = 'schema_version'")
    assert database.query("SELECT count(*) AS n FROM runs")["n"][0].as_py() > 0
    assert isinstance(database.refused(), kind)
    assert database.own_meta() is None


def test_a_third_file_is_one_too_many(own, results_file, monkeypatch):
    monkeypatch.setenv("WHY_RESULTS", os.pathsep.join([str(results_file), str(own), "third.duckdb"]))
    with pytest.raises(database.TooMany) as caught:
        database.meta()
    assert caught.value.path.name == "third.duckdb"


def test_nothing_can_be_written_into_a_second_file(own):
    for statement in ("DELETE FROM own.runs", "CREATE TABLE own.mine (n INTEGER)"):
        with pytest.raises(duckdb.Error):
            database.query(statement)
