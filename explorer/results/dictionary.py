"""The results file as data: its tables, columns and units as it states them itself, and the file to take away."""

import hashlib
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.database import location, query

SAMPLE = """
SELECT CAST(c.settings->>'label_noise' AS DOUBLE) AS label_noise, c.x AS width, i.mean, i.low, i.high, i.n
FROM intervals i JOIN configurations c USING (configuration)
WHERE c.study = 'double_descent/mnist_mlp' AND i.measure = 'test_error'
  AND i.epoch = (SELECT max(epoch) FROM intervals JOIN configurations USING (configuration) WHERE study = 'double_descent/mnist_mlp')
ORDER BY label_noise, width
"""

# Statements to start from in the box of the Data page, by their code in the texts.
EXAMPLES = {
    "error": SAMPLE,
    "peaks": """
SELECT m.study, m.settings->>'label_noise' AS label_noise, l.line AS epoch, l.position AS width, l.low, l.high, l.height, l.clear
FROM landmarks l JOIN maps m USING (map)
WHERE l.kind = 'ridge_across' AND l.position IS NOT NULL
ORDER BY ALL
""",
    "verdicts": """
SELECT c.claim, c.study, c.verdict, p.part, p.quantity, p.estimate, p.low, p.high, p.n, p.unit, p.bound, p.holds
FROM claims c LEFT JOIN claim_parts p USING (claim, study)
ORDER BY c.claim, c.study, p.part
""",
    "failures": """
SELECT study, status, count(*) AS runs, round(sum(wall_s) / 3600, 2) AS hours, count(DISTINCT seed) AS seeds
FROM runs GROUP BY ALL ORDER BY ALL
""",
    "published": """
SELECT source, figure, series, x_name, x, y_name, y, tag, precision
FROM published WHERE question = 'generalization' ORDER BY ALL
""",
    "columns": """
SELECT table_name, column_name, data_type, comment
FROM duckdb_columns() WHERE database_name = 'results' ORDER BY table_oid, column_index
""",
}

COLUMNS = """
SELECT c.table_name AS "table", c.column_name AS "column", c.data_type AS type, coalesce(c.comment, '') AS comment
FROM duckdb_columns() c WHERE c.database_name = 'results' ORDER BY c.table_oid, c.column_index
"""


def tables() -> list[dict[str, Any]]:
    """Every table and view: `table`, `comment`, `view` (whether it is one), `rows`, `columns` (column, type, comment)."""
    found = query(
        """
        SELECT table_name AS "table", coalesce(comment, '') AS comment, false AS view, table_oid AS oid
        FROM duckdb_tables() WHERE database_name = 'results'
        UNION ALL
        SELECT view_name, coalesce(comment, ''), true, view_oid FROM duckdb_views() WHERE database_name = 'results' AND NOT internal
        ORDER BY view, oid
        """
    ).to_pylist()
    columns = query(COLUMNS).to_pylist()
    for table in found:
        quoted = table["table"].replace('"', '""')
        table["rows"] = query(f'SELECT count(*) AS n FROM "{quoted}"')["n"][0].as_py()
        table["columns"] = [column for column in columns if column["table"] == table["table"]]
    return found


def file_bytes() -> bytes:
    """The whole results file."""
    return location().read_bytes()


def file_size() -> int:
    """Its size in bytes."""
    return location().stat().st_size


def checksum() -> str:
    """Its sha256, read anew only when the file has changed."""
    facts = location().stat()
    return _sha256(str(location()), facts.st_mtime_ns, facts.st_size, facts.st_ino)


@st.cache_data(max_entries=4, show_spinner=False)
def _sha256(path: str, mtime_ns: int, size: int, inode: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
