"""A stranger's statement: what it gets, what it cannot reach, and that nobody else feels it."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from explorer import database
from explorer.public_sql import ask, child
from explorer.public_sql.ask import LIMITS, Refused
from explorer.results import dictionary
from tests.explorer.public_sql import hostile

SECRET = "the-secret-that-nobody-may-read"
NO_ROWS = {"error", "not_select", "not_one"}


def outcome(statement: str, limits: ask.Limits = LIMITS) -> tuple[str, str]:
    """Why a statement was refused and with what words, or "rows" and the rows as text."""
    try:
        return "rows", str(ask.ask(statement, limits).table.to_pylist())
    except Refused as refused:
        return refused.reason, refused.detail


def processes() -> dict[int, int]:
    """The processes that run a stranger's statement for this one now, and the most memory each has held, in KiB."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            facts = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
            if int(facts["PPid"]) == os.getpid() and str(ask.CHILD).encode() in (folder / "cmdline").read_bytes():
                found[int(folder.name)] = int(facts.get("VmHWM", "0 kB").split()[0])
        except (OSError, ValueError):
            pass  # it has ended meanwhile
    return found


@contextmanager
def others() -> Iterator[dict[str, list[float]]]:
    """Asks the app's own connection all the while, as other readers do; gives the seconds of each answer, and what the processes were like."""
    seen: dict[str, list[float]] = {"answers": [], "at_once": [], "memory": []}
    over = threading.Event()

    def read() -> None:
        while not over.wait(0.05):
            begun = time.monotonic()
            database.query("SELECT count(*), $nth FROM runs", {"nth": len(seen["answers"])})
            seen["answers"].append(time.monotonic() - begun)
            running = processes()
            seen["at_once"].append(len(running))
            seen["memory"].append(max(running.values(), default=0) / 1024)

    database.query("SELECT 1")  # the file is opened before the clock runs
    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield seen
    finally:
        over.set()
        reader.join()


def check_that_others_felt_nothing(seen: dict[str, list[float]]) -> None:
    assert len(seen["answers"]) > 5
    assert max(seen["answers"]) < 1
    assert max(seen["at_once"]) <= ask.MOST_AT_ONCE
    assert max(seen["memory"]) <= LIMITS.megabytes
    assert processes() == {}


def test_the_rows_are_those_of_the_file_with_their_types(results_file):
    sql = "SELECT run_id, seed, wall_s, status, started_at FROM runs ORDER BY run"
    answer = ask.ask(sql)
    with duckdb.connect(str(results_file), read_only=True) as connection:
        expected = connection.execute(sql).fetchall()
    assert [(row["run_id"], row["seed"], row["wall_s"], row["status"]) for row in answer.table.to_pylist()] == [
        row[:4] for row in expected
    ]
    assert answer.table.schema.field("seed").type == pa.int32()
    assert not answer.rows_cut and not answer.columns_cut and answer.cells_cut == 0
    assert 0 < answer.seconds < LIMITS.seconds


def test_every_example_of_the_data_page_has_rows():
    assert all(ask.ask(sql).table.num_rows > 0 for sql in dictionary.EXAMPLES.values())


def test_what_no_table_can_show_is_shown_as_text_and_equal_names_are_numbered():
    answer = ask.ask(
        "SELECT [1, 2] AS a, {'x': NULL} AS a, INTERVAL 1 DAY AS i, '\\xAA'::BLOB AS b, uuid() AS u, NULL AS n, 2 AS a"
    )
    row = answer.table.to_pylist()[0]
    assert list(row) == ["a", "a_2", "i", "b", "u", "n", "a_3"]
    assert (row["a"], row["a_2"], row["i"], row["b"], row["n"], row["a_3"]) == (
        "[1, 2]",
        "{'x': NULL}",
        "1 day",
        "\\xAA",
        None,
        2,
    )


def test_describe_show_and_summarize_are_questions_too():
    assert "runs" in outcome("SHOW TABLES")[1]
    assert "run_id" in outcome("DESCRIBE runs")[1]
    assert "approx_unique" in outcome("SUMMARIZE meta")[1]


def test_more_rows_columns_or_letters_than_allowed_are_cut_and_said():
    rows = ask.ask("SELECT * FROM range(1000000000000)")
    assert rows.table.num_rows == LIMITS.rows and rows.rows_cut
    exactly = ask.ask(f"SELECT * FROM range({LIMITS.rows})")
    assert exactly.table.num_rows == LIMITS.rows and not exactly.rows_cut
    wide = ask.ask("SELECT " + ", ".join(f"{n} AS c{n}" for n in range(LIMITS.columns + 5)))
    assert wide.table.num_columns == LIMITS.columns and wide.columns_cut
    long = ask.ask("SELECT repeat('글', 5000) AS long, repeat('a', 2000) AS fits, 'short' AS short FROM range(3)")
    assert [len(cell) for cell in long.table.to_pylist()[0].values()] == [LIMITS.cell, 2000, 5]
    assert long.cells_cut == 3
    heavy = ask.ask("SELECT range::VARCHAR || repeat('z', 1900) AS a FROM range(10000)")
    assert heavy.rows_cut and 0 < heavy.table.num_rows < LIMITS.rows
    assert heavy.table.nbytes <= LIMITS.bytes


def test_an_error_is_one_line_of_duckdbs():
    reason, words = outcome("SELECT nothing FROM runs")
    assert reason == "error" and words.startswith("Binder Error") and "\n" not in words


def test_a_statement_too_long_to_be_one_is_refused_without_a_process():
    assert outcome("SELECT 1" + " " * ask.LONGEST) == ("too_long", str(ask.LONGEST))


@pytest.mark.alone
def test_a_hundred_hostile_statements_get_nothing_and_nobody_feels_them(results_file, tmp_path):
    secret, folder = tmp_path / "secret.csv", tmp_path / "folder"
    secret.write_text(f"{SECRET}\n{SECRET}\n")
    folder.mkdir(mode=0o777)
    before = (
        hashlib.sha256(results_file.read_bytes()).hexdigest(),
        sorted(path.name for path in results_file.parent.iterdir()),
    )
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        port = listening.getsockname()[1]
        statements = hostile.refused_at_once(secret=secret, folder=folder, port=port, results=results_file)
        assert len(statements) >= 100
        with others() as seen, ThreadPoolExecutor(ask.MOST_AT_ONCE) as pool:
            outcomes = list(pool.map(outcome, statements))
        with pytest.raises(BlockingIOError):
            listening.accept()  # nobody called
    wrong = [
        (statement[:80], *told) for statement, told in zip(statements, outcomes, strict=True) if told[0] not in NO_ROWS
    ]
    assert wrong == []
    assert not any(SECRET in words for _, words in outcomes)
    assert list(folder.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "secret.csv"]
    after = (
        hashlib.sha256(results_file.read_bytes()).hexdigest(),
        sorted(path.name for path in results_file.parent.iterdir()),
    )
    assert after == before
    check_that_others_felt_nothing(seen)


@pytest.mark.alone
def test_bombs_end_at_their_limits_and_nobody_feels_them():
    short = LIMITS._replace(seconds=1.5)
    with others() as seen, ThreadPoolExecutor(ask.MOST_AT_ONCE) as pool:
        memory = list(pool.map(outcome, hostile.GREEDY_FOR_MEMORY))
        slow = list(pool.map(lambda statement: outcome(statement, short), hostile.GREEDY_FOR_TIME))
    assert {reason for reason, _ in memory} <= {"memory", "ended", "slow"}
    assert "memory" in {reason for reason, _ in memory}
    assert {reason for reason, _ in slow} <= {"slow", "memory"} and slow[1][0] == "slow"
    check_that_others_felt_nothing(seen)


def test_a_statement_gets_five_seconds_and_no_more():
    begun = time.monotonic()
    assert outcome(hostile.GREEDY_FOR_TIME[1]) == ("slow", "5")
    assert LIMITS.seconds == 5 <= time.monotonic() - begun
    assert processes() == {}


@pytest.mark.alone
def test_many_at_once_wait_or_are_told_that_it_is_busy():
    short = LIMITS._replace(seconds=0.7)
    with others() as seen, ThreadPoolExecutor(24) as pool:
        outcomes = list(pool.map(lambda _: outcome(hostile.GREEDY_FOR_TIME[1], short)[0], range(24)))
    assert set(outcomes) == {"slow", "busy"}
    assert outcomes.count("slow") >= ask.MOST_AT_ONCE
    check_that_others_felt_nothing(seen)
    assert outcome("SELECT 41 + 1 AS n") == ("rows", "[{'n': 42}]")  # every place has been given back


def test_a_process_killed_from_outside_is_an_answer_that_does_not_come():
    def kill() -> None:
        deadline = time.monotonic() + 30
        while not processes() and time.monotonic() < deadline:
            time.sleep(0.02)
        for process in processes():
            os.kill(process, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    assert outcome(hostile.GREEDY_FOR_TIME[1])[0] in {"ended", "not_started"}
    killer.join()
    assert processes() == {}


def test_the_process_gives_up_files_sockets_and_processes_before_it_reads_a_statement():
    """What holds even if a statement found its way around all of DuckDB's own locks."""
    program = f"""
import json, os, socket, sys
sys.path.insert(0, {str(ask.CHILD.parent)!r})
import child
child._give_up_the_rest({LIMITS._asdict()!r})
tried = {{}}
for name, attempt in {{
    "read": lambda: open({str(ask.CHILD)!r}), "write": lambda: open("/tmp/written-by-a-statement", "w"), "socket": socket.socket,
    "start": lambda: os.posix_spawn({sys.executable!r}, [{sys.executable!r}, "-c", "print(1)"], {{}}), "grow": lambda: bytearray(300 * 2**20),
}}.items():
    try:
        attempt()
        tried[name] = "allowed"
    except (OSError, MemoryError) as error:
        tried[name] = type(error).__name__
print(json.dumps(tried))
"""
    told = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    tried = json.loads(told)
    if os.getuid() == 0:
        tried.pop("start")  # the limit of processes binds everyone but root
    assert set(tried.values()) <= {"OSError", "MemoryError", "BlockingIOError", "PermissionError"}


def test_what_a_process_says_out_of_form_is_no_answer():
    table = child._written(pa.table({"a": [1]}))
    good = b'{"reason": null, "rows_cut": false, "columns_cut": false}\n' + table
    assert ask._understood(good, 10_000, 10, 0.1).table.num_rows == 1
    for bad in (
        b"",
        b"nonsense",
        b"{}\n",
        b'{"reason": null}\n' + table,
        good[:-40],
        b'{"reason": null, "rows_cut": 0, "columns_cut": 0}\nxx',
    ):
        with pytest.raises(Refused, match="ended"):
            ask._understood(bad, 10_000, 10, 0.1)
    with pytest.raises(Refused, match="ended"):
        ask._understood(good, 10, 10, 0.1)


def test_nothing_of_the_environment_goes_to_the_process(monkeypatch):
    monkeypatch.setenv("TOKEN_OF_THE_HOST", SECRET)
    with ask._process(LIMITS) as process:
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert SECRET.encode() not in environment and b"HOME=" not in environment
