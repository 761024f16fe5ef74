"""Results files that tests make: one's own beside the published one, and one of ten thousand runs."""

import shutil
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
FIXTURE, SHIPPED = ROOT / "tests" / "fixtures" / "results.duckdb", ROOT / "data" / "results.duckdb"
ADDED = "feedfacefeedface"


def own_results(published: Path, path: Path, without: str = "run % 2 = 1") -> Path:
    """A copy of the published file without some runs (every second one), ten test examples fewer right in each, and one run more."""
    shutil.copy(published, path)
    with duckdb.connect(str(path)) as connection:
        for statement in (
            f"DELETE FROM runs WHERE {without}",
            "DELETE FROM curves WHERE run NOT IN (SELECT run FROM runs)",
            "UPDATE curves SET test_correct = test_correct - 10 WHERE test_correct > 10",
            "UPDATE runs SET device = 'a machine of my own', wall_s = 2 * wall_s",
            f"INSERT INTO runs SELECT * REPLACE (100000 AS run, '{ADDED}' AS run_id, 99 AS seed) FROM runs ORDER BY run LIMIT 1",
            "INSERT INTO curves SELECT * REPLACE (100000 AS run) FROM curves WHERE run = (SELECT min(run) FROM runs)",
            "UPDATE claim_parts SET estimate = estimate + 1, low = low + 1, high = high + 1",
            "UPDATE meta SET value = 'a hash of my own' WHERE key = 'content_hash'",
        ):
            connection.execute(statement)
    return path


def ten_thousand_runs(folder: Path) -> Path:
    """Plants a database of this schema with ten thousand runs in four studies and fifty readings of each, drawn by a hash."""
    path, schema = folder / "results.duckdb", (ROOT / "data" / "schema.sql").read_text(encoding="utf-8")
    with duckdb.connect(str(path)) as connection:
        connection.execute(schema)
        connection.execute(
            """
            INSERT INTO meta VALUES ('content_hash', 'ten thousand runs'), ('built_at', '2026-01-01 00:00:00'), ('git_commit', 'none');
            INSERT INTO studies SELECT question || '/many_' || i, question, 'data', 'Data', 'print', 'width', 'epoch', 'cross_entropy', 2500, 2400, 75, 25
            FROM (VALUES (0, 'generalization'), (1, 'depth'), (2, 'activation'), (3, 'batch_size')) v(i, question);
            INSERT INTO maps SELECT i, study, '{}' FROM (SELECT row_number() OVER (ORDER BY study) - 1 AS i, study FROM studies);
            INSERT INTO configurations SELECT m.map * 500 + c, m.map, m.study, c % 25, 100 * c,
                json_object('width', c % 25, 'lr', 1 / (1 + c // 25 % 5), 'optimizer', ['sgd', 'adam'][1 + c // 125 % 2], 'norm', 'batch', 'epochs', c // 250)
            FROM maps m, range(500) t(c);
            INSERT INTO runs SELECT i, printf('%016x', hash(i)), i // 5, c.study, i % 5, 1,
                CASE WHEN i % 100 < 96 THEN 'complete' WHEN i % 100 < 99 THEN 'diverged' ELSE 'failed' END, NULL, NULL,
                1000, 50, 40, 4000, 4000, 10000, 0, 1e12, i % 997, 'a processor', 'an engine', 'fp32', '2', '3', 'commit', 'print', TIMESTAMP '2026-01-01' + INTERVAL (i) MINUTE
            FROM range(10000) t(i) JOIN configurations c ON c.configuration = i // 5;
            INSERT INTO curves SELECT r.run, e + 1, 0.5, (hash(r.run * 50 + e) % 4000)::INTEGER, 0.5, 3000, 0.5, (hash(r.run * 50 + e) % 10000)::INTEGER, 0
            FROM runs r, range(50) t(e) ORDER BY r.run, e;
            """
        )
    return path
