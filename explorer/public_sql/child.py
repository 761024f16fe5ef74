"""The process that runs one statement of a stranger on the results file, and then ends.

Started by `ask.py` as a script, without the rest of the app: it imports what it needs, opens the file read-only, locks DuckDB's
configuration, and gives up what the system lets a process give up: from then on it can open no file and no socket, start no process and
grow no further. Only then does it read the statement. Answers with one line of JSON, and the rows as an Arrow stream.
"""

import json
import os
import signal
import sys
from typing import Any

READY = b"ready\n"
MEGABYTE = 2**20
NICEST = 19

# What a table on a page and a CSV or Parquet file can hold as it is. The rest is shown as DuckDB writes it.
PLAIN = {
    "boolean", "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint", "hugeint", "float", "double",
    "decimal", "date", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns",
}  # fmt: skip


def main(path: str, packages: str, limits: dict[str, Any]) -> None:
    """Says READY, reads one statement, answers. `packages` is where DuckDB is installed, `limits` is a `Limits` of ask.py by name."""
    sys.path.append(packages)
    connection = _locked(path, limits["duckdb_megabytes"])
    # Whatever is loaded at first use must be loaded before files are out of reach.
    _written(_rows(connection.sql("SELECT 'a' AS a, 1 AS b, [1] AS c"), limits)[0])
    _yield_to_the_app()
    _give_up_the_rest(limits)
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    statement = sys.stdin.buffer.read().decode("utf-8", "replace")
    told, table = _answer(connection, statement, limits)
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n")
    if table is not None:
        sys.stdout.buffer.write(_written(table))
    sys.stdout.buffer.flush()


def _yield_to_the_app() -> None:
    """The app goes first on a busy processor, and this process goes first when memory runs out."""
    if hasattr(os, "nice"):
        os.nice(NICEST)
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")
    except OSError:
        pass  # not a Linux, or not allowed: the limits below hold all the same


def _locked(path: str, megabytes: int):
    """A connection to the file, read-only, that can reach nothing else; one thread, `megabytes` of memory, no file to spill into."""
    import duckdb

    connection = duckdb.connect(":memory:", config={"threads": 1, "async_threads": 1})
    quoted = path.replace("'", "''")
    connection.execute(f"ATTACH '{quoted}' AS results (READ_ONLY); USE results")
    connection.execute(
        f"SET memory_limit = '{megabytes}MB'; SET temp_directory = ''; SET python_enable_replacements = false;"
        "SET autoinstall_known_extensions = false; SET autoload_known_extensions = false; SET allow_community_extensions = false;"
        "SET enable_external_access = false; SET lock_configuration = true"
    )
    return connection


def _give_up_the_rest(limits: dict[str, Any]) -> None:
    try:
        import resource
    except ImportError:
        return  # Windows has none of these; there DuckDB's own locks and the clock of the app remain
    seconds = int(limits["seconds"]) + 2  # the app ends this process before; this is for when the app itself is gone
    for name, value in (
        ("RLIMIT_CORE", 0),
        ("RLIMIT_CPU", seconds),
        ("RLIMIT_DATA", limits["megabytes"] * MEGABYTE),
        ("RLIMIT_FSIZE", 0),  # bytes of any file it writes; pipes are none
        ("RLIMIT_NPROC", 0),  # further processes and threads
        ("RLIMIT_NOFILE", 0),  # further files and sockets: those open stay so
    ):
        if hasattr(resource, name):
            try:
                resource.setrlimit(getattr(resource, name), (value, value))
            except (OSError, ValueError):
                pass  # a platform that knows the name but not the limit
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)


def _answer(connection, statement: str, limits: dict[str, Any]):
    """What to tell, and the rows or None: refused when it is not exactly one SELECT, and when DuckDB cannot run it."""
    import duckdb

    try:
        statements = connection.extract_statements(statement)
        if len(statements) != 1:
            return _refused("not_one", str(len(statements))), None
        if statements[0].type != duckdb.StatementType.SELECT:
            return _refused("not_select", statements[0].type.name), None
        table, cut = _rows(connection.sql(statements[0]), limits)
        return {"reason": None, **cut}, table
    except (MemoryError, duckdb.OutOfMemoryException):
        return _refused("memory"), None
    except (duckdb.Error, RuntimeError, ValueError) as error:
        return _refused("error", " ".join(str(error).split("\n\n")[0].split())[: limits["cell"]]), None


def _refused(reason: str, detail: str = "") -> dict[str, str]:
    return {"reason": reason, "detail": detail}


def _rows(relation, limits: dict[str, Any]):
    """The first rows of a relation as an Arrow table, within all limits but for one character of a cell, and whether rows or columns are cut."""
    names = _distinct(relation.columns[: limits["columns"]])
    # One row and one character more than fit say that something was cut; the app cuts the character.
    parts = [
        _column(place, str(kind.id), limits) for place, kind in enumerate(relation.types[: limits["columns"]], start=1)
    ]
    table = relation.limit(limits["rows"] + 1).project(", ".join(parts)).to_arrow_table().rename_columns(names)
    rows = min(table.num_rows, limits["rows"])
    if table.nbytes > limits["bytes"]:
        rows = min(rows, table.num_rows * limits["bytes"] // table.nbytes)
    cut = {"rows_cut": rows < table.num_rows, "columns_cut": len(names) < len(relation.columns)}
    return table.slice(0, rows), cut


def _column(place: int, kind: str, limits: dict[str, Any]) -> str:
    if kind == "hugeint":  # Arrow has nothing for 39 digits: DuckDB says so
        return f"CAST(#{place} AS DECIMAL(38, 0))"
    return f"#{place}" if kind in PLAIN else f"left(CAST(#{place} AS VARCHAR), {limits['cell'] + 1})"


def _distinct(names: list[str]) -> list[str]:
    """Names of columns, numbered where a statement gives the same name twice."""
    found: list[str] = []
    for name in names:
        unique, number = name, 2
        while unique in found:
            unique, number = f"{name}_{number}", number + 1
        found.append(unique)
    return found


def _written(table) -> bytes:
    import pyarrow as pa

    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)
    return out.getvalue().to_pybytes()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
