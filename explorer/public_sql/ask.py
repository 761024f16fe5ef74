"""Asks the results file what a stranger wrote, in a process of its own, so that no statement can reach the app or the other readers.

Starting that process takes a fraction of a second, most of it the import of DuckDB and Arrow. It answers over a pipe; whatever it does, it is
ended when its time is up, and at most a few run at once.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
from pyarrow import compute

from explorer.database import location
from explorer.public_sql.child import READY

CHILD = Path(__file__).with_name("child.py")
PACKAGES = str(Path(duckdb.__file__).resolve().parent.parent)
MOST_AT_ONCE = 2
MOST_WAITING = 6
PATIENCE = 12.0  # seconds a statement waits for its turn: the longest two before it take ten
START_SECONDS = 30.0  # to load and open, before the statement; a sleeping host may take long for the first
LONGEST = 20_000  # characters of a statement
HEADER = 4096  # bytes beside the rows: the line of JSON and the schema


class Limits(NamedTuple):
    """What one statement gets: wall time, memory of its process and of DuckDB within it, and the size of what comes back."""

    seconds: float = 5.0
    megabytes: int = 256
    duckdb_megabytes: int = 128
    rows: int = 10_000
    columns: int = 200
    cell: int = 2_000  # characters
    bytes: int = 8 * 2**20


LIMITS = Limits()


class Answer(NamedTuple):
    """The rows and how long they took in seconds, and what was cut off to stay within the limits."""

    table: pa.Table
    cells_cut: int
    seconds: float
    rows_cut: bool
    columns_cut: bool


class Refused(Exception):
    """A statement without an answer. `reason` names why in the texts: too_long, busy, not_one, not_select, error, slow, memory, ended, not_started."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail


_turns = threading.BoundedSemaphore(MOST_AT_ONCE)
_places = threading.BoundedSemaphore(MOST_AT_ONCE + MOST_WAITING)


def ask(statement: str, limits: Limits = LIMITS) -> Answer:
    """The rows of one SELECT. Raises Refused."""
    if len(statement) > LONGEST:
        raise Refused("too_long", str(LONGEST))
    with _turn(), _process(limits) as process:
        heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        most = len(READY) + limits.bytes * 2 + HEADER * limits.columns  # far above what an honest child sends
        talk = threading.Thread(target=_talk, args=(process, statement, most, heard), daemon=True)
        talk.start()
        try:
            if _next(heard, START_SECONDS) != READY:
                raise Refused("not_started")
            begun = time.monotonic()
            said = _next(heard, limits.seconds)
            if said is None:
                raise Refused("slow", f"{limits.seconds:g}")
            if not said:
                raise Refused("ended", f"exit status {process.wait()}")
            return _understood(said, most, limits.cell, time.monotonic() - begun)
        finally:
            _end(process)
            talk.join()


@contextmanager
def _turn() -> Iterator[None]:
    """A place among those that run at once, after those that came before; Refused("busy") when too many wait or it takes too long."""
    if not _places.acquire(blocking=False):
        raise Refused("busy")
    try:
        if not _turns.acquire(timeout=PATIENCE):
            raise Refused("busy")
        try:
            yield
        finally:
            _turns.release()
    finally:
        _places.release()


@contextmanager
def _process(limits: Limits) -> Iterator[subprocess.Popen]:
    # Nothing of the environment goes along but what a system needs to load libraries; the allocators are told to stay small.
    needed = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ}
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_IO_THREADS", "MALLOC_ARENA_MAX"), "1")
    small = one | {"ARROW_DEFAULT_MEMORY_POOL": "system"}
    process = subprocess.Popen(
        [sys.executable, "-I", "-B", str(CHILD), str(location()), PACKAGES, json.dumps(limits._asdict())],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=needed | small, start_new_session=True,
    )  # fmt: skip
    with process:  # closes the pipes and waits for the end
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen) -> None:
    """Ends the process and whatever it might have started; one that has ended already is left alone."""
    if process.poll() is not None:
        return
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _talk(process: subprocess.Popen, statement: str, most: int, heard: "queue.SimpleQueue[bytes]") -> None:
    """Waits until the process is ready, sends the statement, and reads no more than `most` bytes of what it says."""
    try:
        heard.put(process.stdout.read(len(READY)))
        process.stdin.write(statement.encode("utf-8", "replace"))
        process.stdin.close()
        heard.put(process.stdout.read(most + 1))
    except OSError:  # it has ended
        heard.put(b"")


def _next(heard: "queue.SimpleQueue[bytes]", seconds: float) -> bytes | None:
    try:
        return heard.get(timeout=seconds)
    except queue.Empty:
        return None


def _understood(said: bytes, most: int, longest_cell: int, seconds: float) -> Answer:
    """What the process said, which is believed no more than the statement: anything out of form counts as no answer."""
    line, _, rows = said.partition(b"\n")
    if len(said) > most:
        raise Refused("ended")
    try:
        told: dict[str, Any] = json.loads(line)
        if told["reason"] is not None:
            raise Refused(told["reason"], told["detail"])
        table = pa.ipc.open_stream(rows).read_all()
        table.validate(full=True)
        return Answer(*_cut(table, longest_cell), seconds, bool(told["rows_cut"]), bool(told["columns_cut"]))
    except (ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise Refused("ended") from error


def _cut(table: pa.Table, longest: int) -> tuple[pa.Table, int]:
    """The table with no cell of more than `longest` characters, and how many were longer."""
    cut = 0
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            column = table[place]
            cut += compute.sum(compute.greater(compute.utf8_length(column), longest)).as_py() or 0
            table = table.set_column(place, field, compute.utf8_slice_codeunits(column, 0, longest))
    return table, cut
