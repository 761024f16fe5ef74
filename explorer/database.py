"""Opens the results file read-only and answers queries with Arrow tables.

The file is attached to an in-memory database rather than opened directly: DuckDB keeps one instance per path and process, so that after a
rename a direct `connect` would go on reading the old file for as long as anyone still holds it. An attached file has no such memory.

A second file, of the reader's own runs, may be attached beside it under the name `own`. Every statement can be asked of either file, and one
that names `own.runs` of both.
"""

import functools
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "data" / "schema.sql"
SHIPPED = ROOT / "data" / "results.duckdb"
PUBLISHED, OWN = "results", "own"  # the names under which the files are attached
FACTS = ("content_hash", "built_at", "git_commit")  # what the pages say of every file

# What DuckDB raises when bytes of the file are not what they should be. Other errors are errors of a query, ours to mend.
BROKEN = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)


# A page asks fifty times for the same few tables at every rerun, and the file never changes under an open connection.
MOST_ANSWERS, LARGEST_ANSWER = 400, 1_000_000  # bytes
MEMORY = "128MB"  # of DuckDB: a list of runs beside one's own takes more than 48


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


class TooMany(Unusable):
    """WHY_RESULTS names more than two files; `path` is the third."""

    kind = "too_many"


class Same(Unusable):
    """The file of one's own runs is the published file once more."""

    kind = "same"


def location() -> Path:
    """Where the results file is looked for: the first path in the environment variable WHY_RESULTS, else data/results.duckdb beside the app."""
    return _paths()[0].resolve()


def own_location() -> Path | None:
    """Where one's own results are looked for: the second path in WHY_RESULTS, None without one. Raises TooMany where there is a third."""
    own = _own(_paths())
    return None if own is None else own.resolve()


def _paths() -> list[Path]:
    # Separated as in PATH. A file that has the separator in its name is one path all the same.
    given = os.environ.get("WHY_RESULTS", "")
    named = [given] if os.path.isfile(os.path.expanduser(given)) else given.split(os.pathsep)
    first, *others = named
    return [Path(first).expanduser() if first else SHIPPED, *(Path(each).expanduser() for each in others if each)]


def _own(paths: list[Path]) -> Path | None:
    _, *others = paths
    if len(others) > 1:
        raise TooMany(others[1].resolve())
    return others[0] if others else None


def expected_schema() -> int:
    """The schema version this code reads, from the one place that states it: data/schema.sql."""
    found = re.search(r"'schema_version',\s*'(\d+)'", SCHEMA.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{SCHEMA} states no schema_version")
    return int(found.group(1))


def meta() -> dict[str, str]:
    """The facts that the file states about itself, by key. Raises Missing, Damaged, OlderSchema, NewerSchema or TooMany."""
    return _current().meta


def own_meta() -> dict[str, str] | None:
    """The same of the file of one's own runs; None where there is none, or none that can be laid over the published one."""
    return _current().own


def refused() -> Unusable | None:
    """Why the file of one's own runs is not laid over the published one; None where it is, or where none was named."""
    return _current().refused


def query(sql: str, params: Sequence[Any] | Mapping[str, Any] = (), *, of: str = PUBLISHED) -> pa.Table:
    """The rows of one SELECT, as an Arrow table; the answer to the same question is kept as long as the file is the same. `of` is the
    file asked: PUBLISHED, or OWN where there is one.

    Raises Missing, Damaged, OlderSchema, NewerSchema or TooMany, and DuckDB's own errors for a statement it cannot run.
    """
    opened = _current()
    asked = f"{of}\0{sql}\0{params!r}"
    kept = opened.answers.get(asked)
    if kept is None:
        kept = _ask(opened, sql, params, of)
        if kept.nbytes <= LARGEST_ANSWER:
            opened.answers.put(asked, kept)
    return kept


def _ask(opened: "_Opened", sql: str, params: Sequence[Any] | Mapping[str, Any], of: str) -> pa.Table:
    cursor = opened.connection.cursor()  # a connection shared between threads raises, or returns no rows at all
    try:
        cursor.execute(f"USE {of}")  # a cursor does not inherit it
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


class _Facts(NamedTuple):
    """What a file renamed over another changes."""

    mtime_ns: int
    size: int
    inode: int


class _Opened(NamedTuple):
    connection: duckdb.DuckDBPyConnection
    meta: dict[str, str]
    answers: _Answers
    own: dict[str, str] | None
    refused: Unusable | None


# A file renamed over the old one has other facts, hence is opened anew. The one before is not closed by hand: a query that still runs on it
# holds it, and with the last such query it closes itself. Asked some two hundred times a view, this is no `st.cache_resource`, which takes
# thirty times as long to find what it keeps.
_kept: tuple[tuple, _Opened] | None = None
_opening = threading.Lock()


def _current() -> _Opened:
    global _kept
    path, *_ = paths = _paths()
    own = _own(paths)
    asked = path, _facts(path), own, own and _facts(own)
    kept = _kept
    if kept is None or kept[0] != asked:
        with _opening:
            if _kept is None or _kept[0] != asked:
                _kept = asked, _opened(*asked)
            kept = _kept
    return kept[1]


def _facts(path: Path) -> _Facts | None:
    """None where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return _Facts(found.st_mtime_ns, found.st_size, found.st_ino)


def _opened(path: Path, facts: _Facts | None, own: Path | None, own_facts: _Facts | None) -> _Opened:
    path, own = path.resolve(), own and own.resolve()
    if facts is None:
        raise Missing(path)
    connection = duckdb.connect(":memory:")
    try:
        # a name that is no table of the file is an error, and not looked for among the names of this program
        connection.execute(f"SET memory_limit = '{MEMORY}'; SET threads = 2; SET temp_directory = ''")
        connection.execute("SET python_enable_replacements = false")
        meta = _attach(connection, path, PUBLISHED)
        own_meta, problem = None, None
        try:
            own_meta = None if own is None else _attach_own(connection, own, path, own_facts)
        except (
            Unusable
        ) as error:  # the published runs are shown all the same, and a line that says why the others are not
            problem = error
        # what was read to check the files is not kept: most of it no page asks for
        connection.execute(f"SET memory_limit = '1MB'; SET memory_limit = '{MEMORY}'")
        connection.execute(f"SET enable_external_access = false; SET lock_configuration = true; USE {PUBLISHED}")
    except (Unusable, duckdb.Error):
        connection.close()
        raise
    return _Opened(connection, meta, _Answers(), own_meta, problem)


def _attach_own(
    connection: duckdb.DuckDBPyConnection, own: Path, published: Path, facts: _Facts | None
) -> dict[str, str]:
    if facts is None:
        raise Missing(own)
    if os.path.samefile(own, published):  # DuckDB attaches a file once
        raise Same(own)
    return _attach(connection, own, OWN)


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> dict[str, str]:
    """Attaches a results file read-only under that name and reads it whole; returns its meta."""
    try:
        connection.execute(f"ATTACH {_quoted(path)} AS {name} (READ_ONLY)")
        meta = dict(connection.execute(f"SELECT key, value FROM {name}.meta").fetchall())
        _require_schema(path, int(meta["schema_version"]))
        if lacking := [key for key in FACTS if not meta.get(key)]:
            raise ValueError(f"meta holds no {lacking[0]}: the build did not finish")
        _require_columns(connection, name)
        _read_everything(connection, name)
    except (duckdb.Error, ValueError, KeyError) as error:
        raise Damaged(path, _first_line(error)) from error
    return meta


def _require_schema(path: Path, found: int) -> None:
    expected = expected_schema()
    if found != expected:
        raise (OlderSchema if found < expected else NewerSchema)(path, found=found, expected=expected)


def _require_columns(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    asked = "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = ? AND NOT internal"
    there = set(connection.execute(asked, [name]).fetchall())
    for table, column in _columns():
        if (table, column) not in there:
            whole = all(known != table for known, _ in there)
            raise ValueError(f"it has no table {table}" if whole else f"its table {table} has no column {column}")


@functools.cache
def _columns() -> list[tuple[str, str]]:
    """Every table and column of a results file, as data/schema.sql states them."""
    stated = re.sub(r"(?ms)^COMMENT ON.*?;$", "", SCHEMA.read_text(encoding="utf-8"))  # they take most of the time
    with duckdb.connect(":memory:") as connection:
        connection.execute(stated)
        return connection.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal").fetchall()


def _read_everything(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    # Reading every block once checks its checksum, so that a torn file is found here and not halfway down a page.
    tables = connection.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = ?", [name]).fetchall()
    for (table,) in tables:
        connection.execute(f'SELECT sum(hash(COLUMNS(*))) FROM {name}."{table}"').fetchall()


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300]
