"""Bakes shards, and the runs that the database already holds, into a new database."""

from pathlib import Path

import duckdb


def known_runs(database: Path) -> list[dict]:
    """run_id and status of every run in `database`; none where there is no such file."""
    if not database.is_file():
        return []
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute("SELECT run_id, status::VARCHAR FROM runs").fetchall()
    return [{"run_id": run_id, "status": status} for run_id, status in rows]
