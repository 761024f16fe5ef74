"""Bakes shards, and the runs that the database already holds, into a new database beside the old one, then renames it."""

import csv
import dataclasses
import itertools
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
from precompute.measures.finite import finite
from precompute.results_file import SCHEMA, TABLES, ResultsError, check, content_hash, nullable_numbers, published_rows
from precompute.spec import Spec, canonical_json
from precompute.studies import STUDIES, Study

PUBLISHED = SCHEMA.with_name("published.csv")
STORAGE = "v1.5.0"  # same size as the 2.0 default, and DuckDB 1.5 reads it too
BLOCK = 16384  # bytes; the default of 256 KiB would make a small database ten times larger


def build(folder: Path, database: Path, size: str = "full") -> dict[str, int]:
    """Writes `database` from the shards in `folder` and the runs it already holds. Of equal runs the published one stays.

    Returns how many runs were baked, and how many finished runs are outside the grids of `size` and were left out. A build
    that is killed leaves the old file as it was. Raises ResultsError where there is nothing to bake, where the old file holds runs
    that are outside the grids, which the new one would not have, and where the file cannot be written.
    """
    published = published_rows(database)
    finished = shards.best_of_equal(itertools.chain(published, shards.read(folder)))
    planned = {name: study.all_specs(size, finished) for name, study in STUDIES.items()}
    baked = {
        name: [(spec, finished[spec.run_id]) for spec in specs if spec.run_id in finished]
        for name, specs in planned.items()
    }
    count = sum(map(len, baked.values()))
    if not count and not published:
        raise ResultsError(f"no finished run of size {size} in {folder} or {database}: python -m precompute run")
    held = {row["run_id"] for rows in baked.values() for _, row in rows}
    if lost := Counter(row["study"] for row in published if row["run_id"] not in held):
        raise ResultsError(
            f"{database} holds {lost.total()} runs that the grids of size {size} do not have, and they would be lost "
            f"({', '.join(f'{count} of {study}' for study, count in lost.items())}): give the --size that it was built with, "
            "name another --database, or move it away to build from the shards alone"
        )

    database.parent.mkdir(parents=True, exist_ok=True)
    for stale in database.parent.glob(f"{database.name}.tmp-*"):  # of killed builds; a live one has its own number
        process = stale.name.split("-")[-1].split(".")[0]
        if process.isdecimal() and not _alive(int(process)):
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
            _cut_noise_scales(row for rows in baked.values() for _, row in rows)
            _blank_infinite((row for rows in baked.values() for _, row in rows), nullable_numbers(connection))
            _fill(connection, {name: rows for name, rows in baked.items() if rows}, planned)
            check(connection, count)
            for key, value in _facts().items():
                connection.execute("INSERT INTO meta VALUES (?, ?)", [key, value])
            connection.execute("INSERT INTO meta VALUES ('content_hash', ?)", [content_hash(connection)])
            connection.execute("CHECKPOINT")
            connection.execute("USE memory")
            connection.execute("DETACH results")
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(database)
    except duckdb.Error as error:  # a full disk, a folder that may not be written
        raise ResultsError(
            f"{database} is not written, what was there is whole: {str(error).splitlines()[0]}"
        ) from None
    finally:
        for left in (temporary, temporary.with_name(temporary.name + ".wal")):
            left.unlink(missing_ok=True)
    return {"baked": count, "outside": len(finished) - count}


def _blank_infinite(rows: Iterable[dict], columns: Mapping[str, Sequence[str]]) -> None:
    """None for what is not finite in `columns` (table -> names), in rows of shards or an older file: they may be from before training did so."""
    for row in rows:
        for table in shards.NESTED.keys() & columns.keys():
            for point in row[table]:
                for name in columns[table]:
                    point[name] = finite(point.get(name))


def _cut_noise_scales(rows: Iterable[dict]) -> None:
    """Takes away what was measured after a divergence, in rows of shards or an older file: they may be from before training did so."""
    for row in rows:
        if row["stop_step"] is not None:
            row["noise_scale"] = [each for each in row["noise_scale"] if each["step"] < row["stop_step"]]


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
        counts = Counter(row["status"] for _, row in rows)
        one = next((row for _, row in rows if row["data_fingerprint"]), rows[0][1])  # given-up runs saw no data
        tables["studies"].append(
            {"study": name, "question": study.question, "dataset": study.dataset, "x_axis": study.x_axis}
            | {"clock": study.clock, "loss": study.loss}
            | {key: one[key] for key in ("dataset_copy", "data_fingerprint")}
            | {"planned": len(planned[name])}
            | {status: counts[status] for status in ("complete", "diverged", "failed")}
        )
        results.append(StudyResults(name, study.question, _add_maps(tables, study, rows), rows, planned[name]))
        if len({row["data_fingerprint"] for _, row in rows if row["status"] != "failed"}) > 1:
            raise ResultsError(f"{name}: its runs were trained on different copies of the data")
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
