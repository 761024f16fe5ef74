"""A results file: the runs that it holds, and whether it is what it says."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from precompute import shards
from precompute.spec import canonical_json

SCHEMA = Path(__file__).parent.parent / "data" / "schema.sql"
OLDER_SCHEMAS = ("1", "2")  # whose runs and curves have the columns of this one, so that a build takes them over

TABLES = (
    "meta", "studies", "maps", "configurations", "runs", "curves", "layers", "graphs", "nodes", "edges", "edge_weights", "damage", "counts",
    "targets", "validation", "noise_scale", "probes", "shifts", "tuned", "regimes", "families", "intervals", "landmarks", "contrasts", "claims",
    "claim_parts", "published",
)  # fmt: skip
# What two builds of the same content may differ in: times, and facts about the build rather than the results.
OUTSIDE_THE_HASH = {"runs": ("wall_s", "started_at"), "targets": ("seconds",)}
META_OUTSIDE_THE_HASH = ("built_at", "content_hash", "git_commit", "duckdb")


class ResultsError(Exception):
    """A results file cannot be built from what is there, cannot be read, or is not what it says; the message is one line."""


def known_runs(database: Path) -> list[dict]:
    """run_id and status of every run in `database`; none where there is no such file. Raises ResultsError as `published_rows` does."""
    if not database.is_file():
        return []
    with _reading(database) as connection:
        return connection.sql("SELECT run_id, status::VARCHAR AS status FROM runs").to_arrow_table().to_pylist()


def published_rows(database: Path) -> list[dict]:
    """Every run of `database` as the row of a shard; none where there is no such file.

    Raises ResultsError for a file that cannot be read, or whose schema version is neither this one nor of OLDER_SCHEMAS.
    """
    if not database.is_file():
        return []
    with _reading(database) as connection:
        there: dict[str, set[str]] = {}
        for table, column in connection.sql("SELECT table_name, column_name FROM duckdb_columns()").fetchall():
            there.setdefault(table, set()).add(column)
        nested = {  # an older file may lack some tables and columns
            name: [field.name for field in struct if field.name in there[name]]
            for name, struct in shards.NESTED.items()
            if name in there
        }
        lists = "".join(f", coalesce(t_{name}.rows, []) AS {name}" for name in nested)
        rows = connection.sql(
            f"SELECT r.* REPLACE (r.status::VARCHAR AS status), c.settings, c.n_params, s.dataset_copy{lists} "
            "FROM runs r JOIN configurations c USING (configuration) JOIN studies s ON s.study = r.study "
            + " ".join(_as_lists(name, columns) for name, columns in nested.items())
            + " ORDER BY r.run"
        ).to_arrow_table()
    return [
        {name: [] for name in shards.NESTED}
        | {name: row[name] for name in shards.SCHEMA.names if name in row}
        | {
            "spec": canonical_json(
                json.loads(row["settings"]) | {"study": row["study"], "seed": row["seed"], "recipe": row["recipe"]}
            )
        }
        for row in rows.to_pylist()
    ]


@contextmanager
def _reading(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a file whose runs this code can take over. Raises ResultsError where it cannot be read, or is of another schema."""
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            found = connection.sql("SELECT value FROM meta WHERE key = 'schema_version'").fetchall()
            if not found or found[0][0] not in (*OLDER_SCHEMAS, schema_version()):
                raise ResultsError(
                    f"{database} has schema version {found[0][0] if found else 'none'}, this code {schema_version()}: move it away"
                )
            yield connection
    except duckdb.Error as error:
        raise ResultsError(
            f"{database} cannot be read ({str(error).splitlines()[0]}): move it away, or fetch it again"
        ) from None


def _as_lists(table: str, columns: Sequence[str]) -> str:
    """A join that adds the rows of `table` of each run as one list, in their order in the file."""
    fields = ", ".join(f"{column} := {column}" for column in columns)
    return f"LEFT JOIN (SELECT run, list(struct_pack({fields}) ORDER BY rowid) AS rows FROM {table} GROUP BY run) t_{table} USING (run)"


def schema_version() -> str:
    """The version that data/schema.sql declares."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(SCHEMA.read_text())
        return connection.sql("SELECT value FROM meta WHERE key = 'schema_version'").fetchall()[0][0]


def check(connection: duckdb.DuckDBPyConnection, runs: int) -> None:
    """Counts, uniqueness, and no row without the row it speaks of. Raises ResultsError."""
    zero = {
        "runs that are there twice": "SELECT count(*) - count(DISTINCT run_id) FROM runs",
        "runs too many or too few": f"SELECT count(*) - {runs} FROM runs",
        "points of curves that are there twice": "SELECT count(*) - count(DISTINCT (run, epoch)) FROM curves",
        "points without a run": "SELECT count(*) FROM curves ANTI JOIN runs USING (run)",
        "layers without a run": "SELECT count(*) FROM layers ANTI JOIN runs USING (run)",
        "layers that are there twice": "SELECT count(*) - count(DISTINCT (run, epoch, layer)) FROM layers",
        "parts taken out without a run": "SELECT count(*) FROM damage ANTI JOIN runs USING (run)",
        "parts taken out twice": "SELECT count(*) - count(DISTINCT (run, kind, stage, part, target)) FROM damage",
        "damage to nodes that are not in a graph": "SELECT count(*) FROM (SELECT configuration, stage, part AS node FROM damage JOIN runs "
        "USING (run) WHERE kind = 'node') ANTI JOIN nodes USING (configuration, stage, node)",
        "damage to edges that are not in a graph": "SELECT count(*) FROM (SELECT configuration, stage, part AS source, target FROM damage "
        "JOIN runs USING (run) WHERE kind = 'edge') ANTI JOIN edges USING (configuration, stage, source, target)",
        "weights of edges without a run": "SELECT count(*) FROM edge_weights ANTI JOIN runs USING (run)",
        "weights of edges that are not in a graph": "SELECT count(*) FROM (FROM edge_weights JOIN runs USING (run)) "
        "ANTI JOIN edges USING (configuration, stage, source, target)",
        "weights of edges that are there twice": "SELECT count(*) - count(DISTINCT (run, stage, source, target)) FROM edge_weights",
        "edges without a weight": "SELECT count(*) FROM (FROM edges JOIN runs USING (configuration) WHERE status = 'complete') "
        "ANTI JOIN edge_weights USING (run, stage, source, target)",
        "graphs without a configuration": "SELECT count(*) FROM graphs ANTI JOIN configurations USING (configuration)",
        "nodes without a graph": "SELECT count(*) FROM nodes ANTI JOIN graphs USING (configuration, stage)",
        "edges without their nodes": "SELECT count(*) FROM (SELECT configuration, stage, unnest([source, target]) AS node FROM edges) "
        "ANTI JOIN nodes USING (configuration, stage, node)",
        "targets without a run": "SELECT count(*) FROM targets ANTI JOIN runs USING (run)",
        "targets that are there twice": "SELECT count(*) - count(DISTINCT (run, target)) FROM targets",
        "targets reached without a step": "SELECT count(*) FROM targets WHERE reached <> (step IS NOT NULL)",
        "points of validation without a run": "SELECT count(*) FROM validation ANTI JOIN runs USING (run)",
        "points of validation that are there twice": "SELECT count(*) - count(DISTINCT (run, step)) FROM validation",
        "noise scales without a run": "SELECT count(*) FROM noise_scale ANTI JOIN runs USING (run)",
        "noise scales that are there twice": "SELECT count(*) - count(DISTINCT (run, step)) FROM noise_scale",
        "probes without a run": "SELECT count(*) FROM probes ANTI JOIN runs USING (run)",
        "probes that are there twice": "SELECT count(*) - count(DISTINCT (run, step)) FROM probes",
        "shifts without a probe": "SELECT count(*) FROM shifts ANTI JOIN probes USING (run, step)",
        "shifts that are there twice": "SELECT count(*) - count(DISTINCT (run, step, layer)) FROM shifts",
        "counts without a run": "SELECT count(*) FROM counts ANTI JOIN runs USING (run)",
        "counts that are there twice": "SELECT count(*) - count(DISTINCT (run, quantity)) FROM counts",
        "complete runs without points": "SELECT count(*) FROM (FROM runs WHERE status = 'complete') ANTI JOIN curves USING (run) "
        "ANTI JOIN counts USING (run)",
        "complete runs with missing measures": "SELECT count(*) FROM curves JOIN runs USING (run) "
        "WHERE status = 'complete' AND CASE WHEN n_test > 0 THEN test_loss IS NULL OR test_correct IS NULL OR isnan(test_loss) "
        "ELSE train_loss IS NULL OR isnan(train_loss) END",
        "runs without a configuration": "SELECT count(*) FROM runs ANTI JOIN configurations USING (configuration)",
        "configurations without a map": "SELECT count(*) FROM configurations ANTI JOIN maps USING (map)",
        "intervals without a configuration": "SELECT count(*) FROM intervals ANTI JOIN configurations USING (configuration)",
        "landmarks without a map": "SELECT count(*) FROM landmarks ANTI JOIN maps USING (map)",
        "parts without a claim": "SELECT count(*) FROM claim_parts ANTI JOIN claims USING (claim, study)",
    } | {
        f"values of {table}.{column} that are not finite, where the schema has NULL": f"SELECT count(*) FROM {table} WHERE NOT isfinite({column})"
        for table, columns in nullable_numbers(connection).items()
        for column in columns
    }
    for what, query in zero.items():
        found = connection.sql(query).fetchall()[0][0]
        if found:
            raise ResultsError(f"the database has {found} {what}")


def nullable_numbers(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """By table of TABLES, the columns of fractional numbers that are NULL where a number is missing or not finite."""
    found: dict[str, list[str]] = {}
    for table in TABLES:
        for column, kind, null, *_ in connection.sql(f"DESCRIBE {table}").fetchall():
            if kind in ("FLOAT", "DOUBLE") and null == "YES":
                found.setdefault(table, []).append(column)
    return found


def content_hash(connection: duckdb.DuckDBPyConnection) -> str:
    """sha256 over the schema's tables in order, their rows in order, without what OUTSIDE_THE_HASH names."""
    digest = hashlib.sha256()
    for table in TABLES:
        outside = OUTSIDE_THE_HASH.get(table, ())
        columns = [row[0] for row in connection.sql(f"DESCRIBE {table}").fetchall() if row[0] not in outside]
        digest.update(canonical_json([table, *columns]).encode())
        for row in _rows(connection, f"SELECT {', '.join(columns)} FROM {table}"):
            if table != "meta" or row[0] not in META_OUTSIDE_THE_HASH:
                digest.update(repr(row).encode())
    return digest.hexdigest()


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple]:
    cursor = connection.execute(query)
    while rows := cursor.fetchmany(10_000):
        yield from rows


def verify(database: Path) -> str:
    """Reads every column of every table and recomputes the content hash. Returns it. Raises ResultsError."""
    if not database.is_file():
        raise ResultsError(f"no database {database}: python -m precompute build")
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            told = dict(connection.sql("SELECT key, value FROM meta").fetchall())
            if told.get("schema_version") != schema_version():
                raise ResultsError(
                    f"{database} has schema version {told.get('schema_version')}, this code {schema_version()}"
                )
            for table, columns in OUTSIDE_THE_HASH.items():
                for column in columns:
                    connection.sql(f"SELECT count({column}), max({column}) FROM {table}").fetchall()
            found = content_hash(connection)
            check(connection, connection.sql("SELECT count(*) FROM runs").fetchall()[0][0])
    except duckdb.Error as error:
        raise ResultsError(f"{database} is damaged: {str(error).splitlines()[0]}") from None
    if found != told.get("content_hash"):
        raise ResultsError(f"{database} holds {found}, but says {told.get('content_hash')}")
    return found
