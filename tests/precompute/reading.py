"""How the tests of precompute read a database and a grid."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from precompute.spec import Spec


def query(path: Path, sql: str) -> list[tuple]:
    """The rows of a statement of the test's own."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.sql(sql).fetchall()


def values(specs: Sequence[Spec], *fields: str) -> set:
    """The values of one field, or the tuples of several, that are in a grid."""
    return {
        tuple(getattr(spec, field) for field in fields) if len(fields) > 1 else getattr(spec, fields[0])
        for spec in specs
    }
