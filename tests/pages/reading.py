"""How a test of a page reads the database, the charts and the prose."""

import json
from pathlib import Path

import duckdb
import pyarrow as pa
from streamlit.testing.v1 import AppTest


def ask(file: Path, sql: str, *parameters) -> list[tuple]:
    """The rows of a statement of the test's own."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql, parameters).fetchall()


def charts(app: AppTest) -> list[tuple[dict, dict[str, pa.Table], str]]:
    """Of every chart of a page its specification, its tables by name and its alternative text."""
    found = []
    for element in app.get("vega_lite_chart"):
        proto = element.proto
        tables = {each.name: pa.ipc.open_stream(each.data.data).read_all() for each in proto.datasets}
        found.append((json.loads(proto.spec), tables, proto.alt))
    return found


def said(app: AppTest) -> str:
    """The prose of a page."""
    return "\n".join(each.value for each in [*app.title, *app.header, *app.subheader, *app.markdown, *app.caption])


def spoken(app: AppTest) -> str:
    """All that a page says: its prose, its notices, its commands."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error", "code")
    return "\n".join(each.value for kind in kinds for each in getattr(app, kind))
