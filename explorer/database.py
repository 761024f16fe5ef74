"""Opens the results file read-only and answers queries with Arrow tables.

The file is attached to an in-memory database rather than opened directly: DuckDB keeps one instance per path and process, so that after a
rename a direct `connect` would go on reading the old file for as long as anyone still holds it. An attached file has no such memory.
"""

import os
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "data" / "schema.sql"

# What DuckDB raises when bytes of the file are not what they should be. Other errors are errors of a query, ours to mend.
BROKEN = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)


# A page asks fifty times for the same few tables at every rerun, and the file never changes under an open connection.
MOST_ANSWERS, LARGEST_ANSWER = 400, 1_000_000  # bytes


class Unusable(Exception):
    """The results file cannot be shown. `kind` names the reason in the texts, `detail` is DuckDB's own short message."""

    kind = "unusable"

    def __init__(self, path: Path, detail: str = "", **versions: int) -> None:
        super().__init__(f"{self.kind}: {path} {detail}".strip())
        self.path, self.detail, self.versions = path, detail, versions


class Missing(Unusable):
    """There is no file."""

    kind = "missing"


class Damaged(Unusable):
    """The file is not a database, or not whole, or not one of ours."""

    kind = "damaged"


class OlderSchema(Unusable):
    """The file was built before the schema changed. `versions` holds `found` and `expected`."""

    kind = "older"


class NewerSchema(Unusable):
    """The file was built by a newer version of this code. `versions` holds `found` and `expected`."""

    kind = "newer"


def location() -> Path:
    """Where the results file is looked for: the environment variable WHY_RESULTS, else data/results.duckdb beside the app."""
    return Path(os.environ.get("WHY_RESULTS") or ROOT / "data" / "results.duckdb").expanduser().resolve()


def expected_schema() -> int:
    """The schema version this code reads, from the one place that states it: data/schema.sql."""
    found = re.search(r"'schema_version',\s*'(\d+)'", SCHEMA.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{SCHEMA} states no schema_version")
    return int(found.group(1))


def meta() -> dict[str, str]:
    """The facts that the file states about itself, by key. Raises Missing, Damaged, OlderSchema or NewerSchema."""
    return _current().meta


def query(sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> pa.Table:
    """The rows of one SELECT, as an Arrow table; the answer to the same question is kept as long as the file is the same.

    Raises Missing, Damaged, OlderSchema or NewerSchema, and DuckDB's own errors for a statement it cannot run.
    """
    opened = _current()
    asked = f"{sql}\0{params!r}"
    kept = opened.answers.get(asked)
    if kept is None:
        kept = _ask(opened, sql, params)
        if kept.nbytes <= LARGEST_ANSWER:
            opened.answers.put(asked, kept)
    return kept


def _ask(opened: "_Opened", sql: str, params: Sequence[Any] | Mapping[str, Any]) -> pa.Table:
    cursor = opened.connection.cursor()  # a connection shared between threads raises, or returns no rows at all
    try:
        cursor.execute("USE results")  # a cursor does not inherit it
        return cursor.sql(sql, params=params or None).to_arrow_table()
    except BROKEN as error:
        raise Damaged(location(), _first_line(error)) from error
    finally:
        cursor.close()


class _Answers:
    """The answers used last, for all sessions; Arrow tables cannot be changed, so that they need no copies."""

    def __init__(self):
        self._kept: OrderedDict[str, pa.Table] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, asked: str) -> pa.Table | None:
        with self._lock:
            if asked in self._kept:
                self._kept.move_to_end(asked)
            return self._kept.get(asked)

    def put(self, asked: str, answer: pa.Table) -> None:
        with self._lock:
            self._kept[asked] = answer
            while len(self._kept) > MOST_ANSWERS:
                self._kept.popitem(last=False)


class _Opened(NamedTuple):
    connection: duckdb.DuckDBPyConnection
    meta: dict[str, str]
    answers: _Answers


def _current() -> _Opened:
    path = location()
    try:
        facts = path.stat()
    except OSError as error:
        raise Missing(path) from error
    return _opened(str(path), facts.st_mtime_ns, facts.st_size, facts.st_ino)


# A file renamed over the old one has other facts, hence its own entry. The one before is not closed by hand: a query that still runs on
# it holds it, and with the last such query it closes itself.
@st.cache_resource(max_entries=1, show_spinner=False)
def _opened(path: str, mtime_ns: int, size: int, inode: int) -> _Opened:
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"ATTACH {_quoted(path)} AS results (READ_ONLY)")
        connection.execute(
            "SET memory_limit = '128MB'; SET threads = 2; SET temp_directory = '';"
            "SET enable_external_access = false; SET lock_configuration = true; USE results"
        )
        meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        _require_schema(Path(path), int(meta["schema_version"]))
        if not meta.get("content_hash"):
            raise ValueError("meta holds no content_hash: the build did not finish")
        _read_everything(connection)
    except Unusable:
        connection.close()
        raise
    except (duckdb.Error, ValueError, KeyError) as error:
        connection.close()
        raise Damaged(Path(path), _first_line(error)) from error
    return _Opened(connection, meta, _Answers())


def _require_schema(path: Path, found: int) -> None:
    expected = expected_schema()
    if found != expected:
        raise (OlderSchema if found < expected else NewerSchema)(path, found=found, expected=expected)


def _read_everything(connection: duckdb.DuckDBPyConnection) -> None:
    # Reading every block once checks its checksum, so that a torn file is found here and not halfway down a page.
    tables = connection.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'results'").fetchall()
    for (table,) in tables:
        connection.execute(f'SELECT sum(hash(COLUMNS(*))) FROM "{table}"').fetchall()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300]
