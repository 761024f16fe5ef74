"""Bakes shards, and the runs that the database already holds, into a new database beside the old one, then renames it."""

import csv
import dataclasses
import hashlib
import itertools
import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from precompute import shards
from precompute.evidence import MapGrid, StudyResults, all_claims, configuration_intervals, landmarks, study_contrasts
from precompute.evidence.batch_size import regime_rows, tuned_rows
from precompute.evidence.families import family_rows
from precompute.graph_rows import graph_rows
from precompute.spec import Spec, canonical_json
from precompute.studies import STUDIES, Study

DATA = Path(__file__).parent.parent / "data"
SCHEMA = DATA / "schema.sql"
PUBLISHED = DATA / "published.csv"
OLDER_SCHEMAS = ("1", "2")  # whose runs and curves have the columns of this one, so that a build takes them over
STORAGE = "v1.5.0"  # same size as the 2.0 default, and DuckDB 1.5 reads it too
BLOCK = 16384  # bytes; the default of 256 KiB would make a small database ten times larger

TABLES = (
    "meta", "studies", "maps", "configurations", "runs", "curves", "layers", "graphs", "nodes", "edges", "edge_weights", "damage", "counts",
    "targets", "validation", "noise_scale", "probes", "shifts", "tuned", "regimes", "families", "intervals", "landmarks", "contrasts", "claims",
    "claim_parts", "published",
)  # fmt: skip
# What two builds of the same content may differ in: times, and facts about the build rather than the results.
OUTSIDE_THE_HASH = {"runs": ("wall_s", "started_at"), "targets": ("seconds",)}
META_OUTSIDE_THE_HASH = ("built_at", "content_hash", "git_commit", "duckdb")


class BuildError(Exception):
    """The database cannot be built from what is there, or is not what it says; the message is one line."""


def known_runs(database: Path) -> list[dict]:
    """run_id and status of every run in `database`; none where there is no such file, or none that can be read."""
    try:
        return [{"run_id": row["run_id"], "status": row["status"]} for row in published_rows(database)]
    except BuildError:
        return []


def published_rows(database: Path) -> list[dict]:
    """Every run of `database` as the row of a shard; none where there is no such file.

    Raises BuildError for a file that cannot be read, or whose schema version is neither this one nor of OLDER_SCHEMAS.
    """
    if not database.is_file():
        return []
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            found = connection.sql("SELECT value FROM meta WHERE key = 'schema_version'").fetchall()
            if not found or found[0][0] not in (*OLDER_SCHEMAS, schema_version()):
                raise BuildError(
                    f"{database} has schema version {found[0][0] if found else 'none'}, this code {schema_version()}: move it away"
                )
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
    except duckdb.Error as error:
        raise BuildError(
            f"{database} cannot be read ({str(error).splitlines()[0]}): move it away, or fetch it again"
        ) from None
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


def _as_lists(table: str, columns: Sequence[str]) -> str:
    """A join that adds the rows of `table` of each run as one list, in their order in the file."""
    fields = ", ".join(f"{column} := {column}" for column in columns)
    return f"LEFT JOIN (SELECT run, list(struct_pack({fields}) ORDER BY rowid) AS rows FROM {table} GROUP BY run) t_{table} USING (run)"


def schema_version() -> str:
    """The version that data/schema.sql declares."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(SCHEMA.read_text())
        return connection.sql("SELECT value FROM meta WHERE key = 'schema_version'").fetchall()[0][0]


def build(folder: Path, database: Path, size: str = "full") -> dict[str, int]:
    """Writes `database` from the shards in `folder` and the runs it already holds. Of equal runs the published one stays.

    Returns how many runs were baked, and how many finished runs are outside the grids of `size` and were left out. A build
    that is killed leaves the old file as it was.
    """
    finished = shards.best_of_equal(itertools.chain(published_rows(database), shards.read(folder)))
    planned = {name: study.all_specs(size, finished) for name, study in STUDIES.items()}
    baked = {
        name: [(spec, finished[spec.run_id]) for spec in specs if spec.run_id in finished]
        for name, specs in planned.items()
    }
    count = sum(map(len, baked.values()))
    if not count:
        raise BuildError(f"no finished run of size {size} in {folder} or {database}: python -m precompute run")

    database.parent.mkdir(parents=True, exist_ok=True)
    for stale in database.parent.glob(f"{database.name}.tmp-*"):  # of killed builds; a live one has its own number
        if not _alive(int(stale.name.split("-")[-1].split(".")[0])):
            stale.unlink(missing_ok=True)
    temporary = database.parent / f"{database.name}.tmp-{os.getpid()}"
    temporary.unlink(missing_ok=True)
    try:
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            connection.execute(
                f"ATTACH '{str(temporary).replace(chr(39), chr(39) * 2)}' AS results (STORAGE_VERSION '{STORAGE}', BLOCK_SIZE {BLOCK})"
            )
            connection.execute("USE results")
            connection.execute(SCHEMA.read_text())
            _fill(connection, {name: rows for name, rows in baked.items() if rows}, planned)
            _check(connection, count)
            for key, value in _facts().items():
                connection.execute("INSERT INTO meta VALUES (?, ?)", [key, value])
            connection.execute("INSERT INTO meta VALUES ('content_hash', ?)", [content_hash(connection)])
            connection.execute("CHECKPOINT")
            connection.execute("USE memory")
            connection.execute("DETACH results")
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(database)
    finally:
        for left in (temporary, temporary.with_name(temporary.name + ".wal")):
            left.unlink(missing_ok=True)
    return {"baked": count, "outside": len(finished) - count}


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _facts() -> dict[str, str]:
    return {
        "built_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "git_commit": shards.git_commit(),
        "duckdb": duckdb.__version__,
    }


def _fill(
    connection: duckdb.DuckDBPyConnection, baked: dict[str, list[tuple[Spec, dict]]], planned: dict[str, list[Spec]]
) -> None:
    tables: dict[str, list[dict]] = {name: [] for name in TABLES}
    results: list[StudyResults] = []
    for name, rows in baked.items():
        study = STUDIES[name]
        counts, one = Counter(row["status"] for _, row in rows), rows[0][1]
        tables["studies"].append(
            {"study": name, "question": study.question, "dataset": study.dataset, "x_axis": study.x_axis}
            | {"clock": study.clock, "loss": study.loss}
            | {key: one[key] for key in ("dataset_copy", "data_fingerprint")}
            | {"planned": len(planned[name])}
            | {status: counts[status] for status in ("complete", "diverged", "failed")}
        )
        results.append(StudyResults(name, study.question, _add_maps(tables, study, rows), rows))
        if len({row["data_fingerprint"] for _, row in rows if row["status"] != "failed"}) > 1:
            raise BuildError(f"{name}: its runs were trained on different copies of the data")
        _create_view(connection, study)
    tables["tuned"] = [row._asdict() for study in results for row in tuned_rows(study)]
    tables["regimes"] = [row._asdict() for study in results for row in regime_rows(study)]
    tables["families"] = [row._asdict() for study in results for row in family_rows(study)]
    tables["contrasts"] = [_plain(row) for study in results for row in study_contrasts(study)]
    claims, parts = all_claims(results)
    tables["claims"], tables["claim_parts"] = [_plain(row) for row in claims], [_plain(row) for row in parts]
    with PUBLISHED.open(newline="", encoding="utf-8") as file:
        tables["published"] = list(csv.DictReader(file))
    for name in TABLES:
        _insert(connection, name, tables[name])


def _add_maps(tables: dict[str, list[dict]], study: Study, rows: list[tuple[Spec, dict]]) -> list[MapGrid]:
    """Adds maps, configurations, runs, curves, intervals and landmarks of a study; returns its maps as arrays."""

    def map_settings(spec: Spec) -> dict:
        return {key: value for key, value in spec.settings().items() if key != study.x_axis}

    def order(pair: tuple[Spec, dict]) -> tuple:
        settings = map_settings(pair[0])
        return (*(settings[key] for key in sorted(settings)), pair[0].settings()[study.x_axis], pair[0].seed)

    grids = []
    for _, members in itertools.groupby(
        sorted(rows, key=order), key=lambda pair: canonical_json(map_settings(pair[0]))
    ):
        members = list(members)
        grid, key = _grid(members, study.x_axis), len(tables["maps"])
        grids.append(grid)
        tables["maps"].append(
            {"map": key, "study": study.name, "settings": canonical_json(map_settings(members[0][0]))}
        )
        configurations = []
        for x, same in itertools.groupby(members, key=lambda pair: pair[0].settings()[study.x_axis]):
            same = list(same)
            configuration = len(tables["configurations"])
            configurations.append(configuration)
            spec = same[0][0]
            tables["configurations"].append(
                {"configuration": configuration, "map": key, "study": study.name, "x": x, "n_params": spec.n_params}
                | {"settings": canonical_json(spec.settings())}
            )
            for name, drawn in graph_rows(spec).items():
                tables[name] += [{"configuration": configuration} | each for each in drawn]
            for spec, row in same:
                run = len(tables["runs"])
                tables["runs"].append(
                    row | {"run": run, "configuration": configuration, "seed": spec.seed, "recipe": spec.recipe}
                )
                for name in shards.NESTED:
                    tables[name] += [{"run": run} | point for point in row[name]]
        tables["intervals"] += [
            {"configuration": configurations[row.x]} | {k: v for k, v in _plain(row).items() if k != "x"}
            for row in configuration_intervals(grid)
        ]
        if study.question == "generalization":
            tables["landmarks"] += [{"map": key} | _plain(row) for row in landmarks(grid)]
    return grids


def _grid(members: Sequence[tuple[Spec, dict]], x_axis: str) -> MapGrid:
    """The complete runs of one map as arrays [x, epoch, seed], NaN elsewhere."""
    complete = [(spec, row) for spec, row in members if row["status"] == "complete"]
    xs = sorted({spec.settings()[x_axis] for spec, _ in members})
    params = {spec.settings()[x_axis]: spec.n_params for spec, _ in members}
    seeds = sorted({spec.seed for spec, _ in members})
    epochs = sorted({point["epoch"] for _, row in complete for point in row["curves"]})
    arrays = {
        name: np.full((len(xs), len(epochs), len(seeds)), np.nan)
        for name in ("train_error", "val_error", "test_error", "train_loss", "val_loss", "test_loss", "memorized")
    }
    for spec, row in complete:
        cell = (
            xs.index(spec.settings()[x_axis]),
            np.searchsorted(epochs, [p["epoch"] for p in row["curves"]]),
            seeds.index(spec.seed),
        )
        for part in ("train", "val", "test"):
            if row[f"n_{part}"]:
                arrays[f"{part}_error"][cell] = [
                    math.nan if point[f"{part}_correct"] is None else 1 - point[f"{part}_correct"] / row[f"n_{part}"]
                    for point in row["curves"]
                ]
                arrays[f"{part}_loss"][cell] = [point[f"{part}_loss"] for point in row["curves"]]
        if row["wrong_labels"]:
            arrays["memorized"][cell] = [point["memorized"] / row["wrong_labels"] for point in row["curves"]]
    settings = {key: value for key, value in members[0][0].settings().items() if key != x_axis}
    return MapGrid(
        settings=settings,
        xs=np.array(xs, dtype=float),
        n_params=np.array([params[x] for x in xs]),
        epochs=np.array(epochs, dtype=int),
        seeds=np.array(seeds),
        **arrays,
    )


def _plain(row: tuple) -> dict:
    return {key: canonical_json(value) if isinstance(value, dict) else value for key, value in row._asdict().items()}


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[dict]) -> None:
    """Adds rows in their order; a key that is no column of the table is left out, a missing one is an error of DuckDB."""
    if not rows:
        return
    columns = [row[0] for row in connection.sql(f"DESCRIBE {table}").fetchall()]
    batch = pa.Table.from_pylist([{column: row.get(column) for column in columns} for row in rows])
    connection.register("batch", batch)
    connection.execute(f"INSERT INTO {table} SELECT {', '.join(columns)} FROM batch")
    connection.unregister("batch")


SQL_TYPES = {int: "INTEGER", float: "DOUBLE", str: "VARCHAR", bool: "BOOLEAN"}


def _create_view(connection: duckdb.DuckDBPyConnection, study: Study) -> None:
    """A view named like the study, with its settings as typed columns."""
    settings = [
        f"(c.settings->>'{field.name}')::{SQL_TYPES[field.type]} AS {field.name}"
        for field in dataclasses.fields(study.spec)
        if field.name not in ("study", "seed", "recipe")
    ]
    connection.execute(
        f'CREATE VIEW "{study.name}" AS SELECT r.run, r.run_id, r.configuration, c.map, r.seed, r.status, c.n_params, '
        f"{', '.join(settings)} FROM runs r JOIN configurations c USING (configuration) WHERE r.study = '{study.name}'"
    )


def _check(connection: duckdb.DuckDBPyConnection, runs: int) -> None:
    """Counts, uniqueness, and no row without the row it speaks of. Raises BuildError."""
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
    }
    for what, query in zero.items():
        found = connection.sql(query).fetchall()[0][0]
        if found:
            raise BuildError(f"the build has {found} {what}; nothing was replaced")


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
    """Reads every column of every table and recomputes the content hash. Returns it. Raises BuildError."""
    if not database.is_file():
        raise BuildError(f"no database {database}: python -m precompute build")
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            told = dict(connection.sql("SELECT key, value FROM meta").fetchall())
            if told.get("schema_version") != schema_version():
                raise BuildError(
                    f"{database} has schema version {told.get('schema_version')}, this code {schema_version()}"
                )
            for table, columns in OUTSIDE_THE_HASH.items():
                for column in columns:
                    connection.sql(f"SELECT count({column}), max({column}) FROM {table}").fetchall()
            found = content_hash(connection)
            _check(connection, connection.sql("SELECT count(*) FROM runs").fetchall()[0][0])
    except duckdb.Error as error:
        raise BuildError(f"{database} is damaged: {str(error).splitlines()[0]}") from None
    if found != told.get("content_hash"):
        raise BuildError(f"{database} holds {found}, but says {told.get('content_hash')}")
    return found
