import dataclasses
import json
import resource
import shutil

import duckdb
import pytest
from scipy import stats

from precompute import build, shards
from precompute.executors import Settings, given_up, train_group
from precompute.results_file import ResultsError, content_hash, known_runs, verify
from precompute.studies import STUDIES
from tests.conftest import ROOT
from tests.precompute.reading import query
from tests.results_files import SHIPPED

pytestmark = pytest.mark.usefixtures("worker_numerics")
STUDY = STUDIES["double_descent/mnist_mlp"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data_folder):
    """Shards of the smoke grid on the synthetic set."""
    folder = tmp_path_factory.mktemp("shards")
    for group in STUDY.groups(STUDY.specs("smoke")):
        train_group(group, Settings(folder, str(data_folder), "cpu"))
    return folder


@pytest.fixture(scope="module")
def built(trained, tmp_path_factory):
    """The database of these shards. Tests that change it take `database`, a copy."""
    path = tmp_path_factory.mktemp("built") / "results.duckdb"
    build.build(trained, path, "smoke")
    return path


@pytest.fixture
def database(built, tmp_path):
    return shutil.copy(built, tmp_path / "results.duckdb")


def test_every_run_and_point_of_the_shards_is_in_the_database(built, trained):
    rows = {row["run_id"]: row for row in shards.read(trained)}
    found = query(
        built, "SELECT run_id, epoch, train_loss, val_loss, test_loss, train_correct, val_correct, test_correct, memorized "
        "FROM runs JOIN curves USING (run)",
    )  # fmt: skip
    told = {
        (run_id, point["epoch"], *list(point.values())[1:]) for run_id, row in rows.items() for point in row["curves"]
    }
    assert len(found) == len(told) == sum(len(row["curves"]) for row in rows.values())
    assert {row[:2] for row in found} == {row[:2] for row in told}
    assert {row[:2] + row[5:] for row in found} == {(row[0], row[1], *row[5:]) for row in told}


def test_intervals_are_student_t_over_the_seeds(built):
    """Recomputed in SQL from the counts: with three seeds t(0.975, 2) is 4.3027. No error lies outside 0 and 1, nor does an interval."""
    wrong = query(
        built,
        """WITH own AS (SELECT configuration, epoch, avg(1 - test_correct / n_test) m, stddev_samp(1 - test_correct / n_test) s,
            count(*) n FROM curves JOIN runs USING (run) WHERE status = 'complete' GROUP BY ALL)
        SELECT count(*) FROM own JOIN intervals i USING (configuration, epoch) WHERE measure = 'test_error' AND
        (abs(m - mean) > 1e-6 OR i.n != own.n OR abs(greatest(0, m - 4.302652729911275 * s / sqrt(3)) - low) > 1e-6
         OR abs(least(1, m + 4.302652729911275 * s / sqrt(3)) - high) > 1e-6)""",
    )
    assert wrong == [(0,)]
    assert query(built, "SELECT count(*) > 100, min(n), max(n) FROM intervals WHERE measure = 'test_error'") == [
        (True, 3, 3)
    ]


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_intervals_of_the_shipped_file_are_those_of_its_runs(part):
    """Of every configuration and epoch, with the quantile of as many seeds as there are; below three there is no interval."""
    quantiles = ", ".join(f"({n}, {stats.t.ppf(0.975, n - 1)})" for n in range(3, 31))
    wrong = query(
        SHIPPED,
        f"""WITH errors AS (SELECT configuration, epoch, 1 - {part}_correct / n_{part} AS error FROM curves JOIN runs USING (run)
            WHERE status = 'complete' AND n_{part} > 0 AND {part}_correct IS NOT NULL),
        own AS (SELECT configuration, epoch, avg(error) AS m, stddev_samp(error) / sqrt(count(*)) AS s, count(*) AS n FROM errors GROUP BY ALL),
        told AS (SELECT * FROM intervals WHERE measure = '{part}_error'),
        joined AS (SELECT own.*, told.n AS told_n, mean, low, high, greatest(0, m - t * s) AS own_low, least(1, m + t * s) AS own_high
            FROM own FULL JOIN told USING (configuration, epoch) LEFT JOIN (VALUES {quantiles}) quantiles(seeds, t) ON seeds = own.n)
        SELECT count(*), count(*) FILTER (n IS DISTINCT FROM told_n OR abs(m - mean) > 1e-6 OR (low IS NULL) <> (n < 3) OR
            (high IS NULL) <> (n < 3) OR abs(own_low - low) > 1e-6 OR abs(own_high - high) > 1e-6), max(n) FROM joined""",
    )  # fmt: skip
    [(compared, differing, most)] = wrong
    assert compared > 5000 and differing == 0 and 3 <= most <= 30


def test_the_view_of_a_study_has_its_settings_as_typed_columns(built):
    types = dict(query(built, 'SELECT column_name, column_type FROM (DESCRIBE "double_descent/mnist_mlp")'))
    assert (types["width"], types["label_noise"], types["optimizer"], types["n_params"]) == (
        "INTEGER",
        "DOUBLE",
        "VARCHAR",
        "BIGINT",
    )
    assert query(built, 'SELECT count(*), count(DISTINCT width) FROM "double_descent/mnist_mlp"') == [(24, 4)]
    assert query(built, 'SELECT bool_and(n_params = 795 * width + 10) FROM "double_descent/mnist_mlp"') == [(True,)]


def test_every_table_and_column_has_a_comment(built):
    assert query(built, "SELECT table_name FROM duckdb_tables() WHERE comment IS NULL") == []
    views = "SELECT view_name FROM duckdb_views() WHERE NOT internal"
    assert (
        query(
            built,
            f"SELECT * FROM duckdb_columns() WHERE NOT internal AND comment IS NULL AND table_name NOT IN ({views})",
        )
        == []
    )


def test_two_builds_of_the_same_runs_have_the_same_content_hash(built, trained, tmp_path):
    build.build(trained, tmp_path / "again.duckdb", "smoke")
    assert verify(built) == verify(tmp_path / "again.duckdb")


def test_a_build_keeps_the_runs_of_the_database_when_the_shards_are_gone(database, tmp_path):
    before = verify(database)
    assert build.build(tmp_path / "no shards", database, "smoke") == {"baked": 24, "outside": 0}
    assert verify(database) == before


def test_of_equal_runs_in_a_shard_and_the_database_the_published_one_stays(database, trained, tmp_path):
    before, row = verify(database), next(shards.read(trained))
    other = [point | {"test_correct": 0, "test_loss": 9.0} for point in row["curves"]]
    shards.write([row | {"curves": other}], tmp_path / "shards")
    assert build.build(tmp_path / "shards", database, "smoke") == {"baked": 24, "outside": 0}
    assert verify(database) == before


def test_runs_that_were_trained_on_different_copies_of_the_data_are_refused(trained, tmp_path):
    first, *others = shards.read(trained)
    shards.write([first | {"data_fingerprint": "of another copy"}, *others], tmp_path / "shards")
    with pytest.raises(ResultsError, match="its runs were trained on different copies of the data"):
        build.build(tmp_path / "shards", tmp_path / "results.duckdb", "smoke")
    assert not (tmp_path / "results.duckdb").exists()


def test_a_build_of_another_size_never_loses_the_runs_of_the_database(database, trained, tmp_path):
    before = database.read_bytes()
    for folder in (trained, tmp_path / "no shards"):
        with pytest.raises(
            ResultsError, match=r"holds 24 runs that the grids of size full do not have.*--size.*another"
        ):
            build.build(folder, database, "full")
    assert database.read_bytes() == before


def test_a_grid_that_lost_a_run_is_baked_once_the_old_database_is_moved_away(database, trained, monkeypatch):
    smaller = dataclasses.replace(STUDY, specs=lambda size: STUDY.specs(size)[1:])
    monkeypatch.setitem(build.STUDIES, STUDY.name, smaller)
    with pytest.raises(ResultsError, match=r"holds 1 runs .*\(1 of double_descent/mnist_mlp\)"):
        build.build(trained, database, "smoke")
    database.rename(database.with_name("old.duckdb"))
    assert build.build(trained, database, "smoke") == {"baked": 23, "outside": 1}


def test_a_failed_build_leaves_the_old_database(database, trained, monkeypatch):
    before = database.read_bytes()

    def broken(*_):
        raise ResultsError("planted")

    monkeypatch.setattr(build, "check", broken)
    with pytest.raises(ResultsError, match="planted"):
        build.build(trained, database, "smoke")
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]


def test_a_disk_that_is_full_is_one_line_and_leaves_the_old_database(database, trained):
    before, (soft, hard) = database.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # stands for it
    try:
        with pytest.raises(ResultsError, match="is not written, what was there is whole") as raised:
            build.build(trained, database, "smoke")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(str(raised.value).splitlines()) == 1 and database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]


def test_an_infinite_value_is_found_and_the_next_build_writes_null(tmp_path):
    path = tmp_path / "results.duckdb"
    shutil.copy(ROOT / "tests" / "fixtures" / "results.duckdb", path)
    there = "SELECT count(change_high), count(*) FROM probes"
    [(told, rows)] = query(path, there)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE probes SET change_high = 'inf' WHERE rowid = 7 AND change_high IS NOT NULL")
    with pytest.raises(ResultsError, match="1 values of probes.change_high that are not finite"):
        verify(path)
    build.build(tmp_path / "no shards", path, "smoke")
    assert verify(path) and query(path, there) == [(told - 1, rows)]


def test_the_next_build_cuts_noise_scales_where_the_run_diverged(tmp_path):
    path = tmp_path / "results.duckdb"
    shutil.copy(ROOT / "tests" / "fixtures" / "results.duckdb", path)
    steps = "SELECT list(step ORDER BY step) FROM noise_scale JOIN runs USING (run) WHERE run_id = '40bf543569492fd8'"
    rest = "SELECT count(*) FROM noise_scale JOIN runs USING (run) WHERE status = 'complete'"
    [(told,)] = query(path, steps)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"UPDATE runs SET status = 'diverged', stop_step = {told[2]} WHERE run_id = '40bf543569492fd8'"
        )
    others = query(path, rest)
    build.build(tmp_path / "no shards", path, "smoke")
    assert query(path, steps) == [(told[:2],)] and query(path, rest) == others


def test_a_study_is_named_after_the_data_of_a_run_that_saw_it(trained, tmp_path, data_folder):
    first, rows = STUDY.specs("smoke")[0], list(shards.read(trained))
    given_up([first], Settings(tmp_path / "shards", str(data_folder), "cpu"), "planted")
    shards.write([row for row in rows if row["run_id"] != first.run_id], tmp_path / "shards")
    build.build(tmp_path / "shards", tmp_path / "results.duckdb", "smoke")
    told = (rows[0]["dataset_copy"], rows[0]["data_fingerprint"], 1)
    assert query(tmp_path / "results.duckdb", "SELECT dataset_copy, data_fingerprint, failed FROM studies") == [told]


def test_the_leftover_of_a_killed_build_is_cleared(database, trained):
    leftover = database.with_name(database.name + ".tmp-999999999")
    leftover.write_bytes(b"half")
    build.build(trained, database, "smoke")
    assert not leftover.exists()


def test_a_file_of_somebody_else_beside_the_database_is_left_alone(database, trained):
    other = database.with_name(database.name + ".tmp-backup")
    other.write_bytes(b"mine")
    build.build(trained, database, "smoke")
    assert other.read_bytes() == b"mine"


def test_a_flipped_byte_is_found(database):
    data = bytearray(database.read_bytes())
    data[len(data) // 2] ^= 0xFF
    database.write_bytes(data)
    with pytest.raises(ResultsError, match="damaged|holds"):
        verify(database)


def test_a_changed_value_is_found(database):
    with duckdb.connect(str(database)) as connection:
        connection.execute("UPDATE curves SET test_correct = test_correct + 1 WHERE run = 3 AND epoch = 1")
    with pytest.raises(ResultsError, match="but says"):
        verify(database)


def test_times_are_outside_the_content_hash(database):
    before = verify(database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("UPDATE runs SET wall_s = wall_s + 1, started_at = started_at + INTERVAL 1 DAY")
        assert content_hash(connection) == before


def test_another_schema_version_is_refused_and_named(database, trained):
    with duckdb.connect(str(database)) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(ResultsError, match="schema version 99"):
        build.build(trained, database, "smoke")
    with pytest.raises(ResultsError, match="schema version 99"):
        verify(database)


def test_a_file_that_is_no_database_is_refused_and_kept(trained, tmp_path):
    path = tmp_path / "results.duckdb"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(ResultsError, match="cannot be read"):
        build.build(trained, path, "smoke")
    assert path.read_bytes() == b"not a database" * 1000
    with pytest.raises(ResultsError, match="cannot be read"):
        known_runs(path)


def test_nothing_to_bake_is_said(tmp_path):
    with pytest.raises(ResultsError, match="no finished run"):
        build.build(tmp_path, tmp_path / "results.duckdb", "smoke")


def test_failed_and_diverged_runs_are_counted_and_never_averaged(trained, tmp_path):
    rows = list(shards.read(trained))
    nothing = dict.fromkeys(shards.CURVE.names[1:])
    lost = next(row for row in rows if json.loads(row["spec"])["width"] == 8)
    gone = next(row for row in rows if json.loads(row["spec"])["width"] == 24)
    changed = [
        row | {"status": "failed", "error": "planted", "curves": []} if row is lost
        else row | {"status": "diverged", "stop_step": 1, "curves": [nothing | {"epoch": p["epoch"]} for p in row["curves"]]}
        if row is gone
        else row
        for row in rows
    ]  # fmt: skip
    shards.write(changed, tmp_path / "shards")
    path = tmp_path / "results.duckdb"
    build.build(tmp_path / "shards", path, "smoke")
    assert query(path, "SELECT complete, diverged, failed FROM studies") == [(22, 1, 1)]
    for row in (lost, gone):
        found = query(
            path,
            f"SELECT DISTINCT i.n FROM intervals i JOIN runs r USING (configuration) WHERE run_id = '{row['run_id']}'",
        )
        assert found == [(2,)]
    assert (
        query(
            path,
            f"SELECT count(*), count(test_loss) FROM curves JOIN runs USING (run) WHERE run_id = '{gone['run_id']}'",
        )[0][1]
        == 0
    )
    verify(path)


def test_claims_without_a_study_are_listed_as_not_tested(built):
    found = dict(query(built, "SELECT claim, verdict::VARCHAR FROM claims WHERE study IS NULL"))
    assert set(found.values()) == {"not tested here"} and {"A1", "L1", "N1", "B1", "W1", "G6", "G8"} <= set(found)
    assert query(built, "SELECT count(DISTINCT claim) FROM claims") == [(33,)]


def test_the_published_numbers_carry_their_source_and_no_unverified_one(built):
    assert query(built, "SELECT count(*) FROM published WHERE tag NOT IN ('V1', 'V2', 'A', 'D', 'C')") == [(0,)]
    assert query(built, "SELECT count(*) FROM published WHERE source = '' OR figure = '' OR precision = ''") == [(0,)]
    assert query(
        built,
        "SELECT count(*) FROM published WHERE tag = 'D' AND note NOT ILIKE '%digitised%' AND precision NOT ILIKE '%digitised%'",
    ) == [(0,)]
