"""How a test of a page reads the database, the charts and the prose."""

import itertools
import json
import re
from pathlib import Path

import duckdb
import pyarrow as pa
from streamlit.testing.v1 import AppTest


def ask(file: Path, sql: str, *parameters) -> list[tuple]:
    """The rows of a statement of the test's own."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql, parameters).fetchall()


def chart_messages(app: AppTest) -> list:
    """The messages of a page's charts: `.spec`, `.alt`, `.datasets`."""
    return [element.proto for element in app.get("vega_lite_chart")]


def charts(app: AppTest) -> list[tuple[dict, dict[str, pa.Table], str]]:
    """Of every chart of a page its specification, its tables by name and its alternative text."""
    found = []
    for proto in chart_messages(app):
        tables = {each.name: pa.ipc.open_stream(each.data.data).read_all() for each in proto.datasets}
        found.append((json.loads(proto.spec), tables, proto.alt))
    return found


def components(app: AppTest, name: str) -> list[dict]:
    """What each component of that name on a page was given."""
    found = [each.proto for each in app.get("bidi_component") if each.proto.component_name.endswith(name)]
    return [json.loads(each.json) for each in found]


BADGE = re.compile(r":(\w+)-badge\[:material/(\w+): (.*)\]")
"""A badge with a sign, as Streamlit writes it into the page: its colour, sign and words."""
LOOKS = {
    "shown": ("green", "check"), "not shown": ("gray", "remove"), "contradicted": ("orange", "close"),
    "not tested here": ("blue", "hourglass_empty"),
}  # fmt: skip
"""Colour and sign of every verdict."""


def told_in_order(app: AppTest) -> list[str]:
    """The markdown and captions of the body of a page, in the order in which they stand."""
    return [each.value for each in app.main if each.type in ("markdown", "caption")]


def verdicts_on_cards(app: AppTest, studies: set[str]) -> dict[tuple[str, str | None], tuple[str, str, str]]:
    """Colour, sign and words of the badge that stands before the name of each of `studies` on the card of each claim; of a claim that no
    study tests, of its only badge, under None."""
    found: dict[tuple[str, str | None], tuple[str, str, str]] = {}
    claim = None
    for told, after in itertools.pairwise([*told_in_order(app), ""]):
        if card := re.match(r":gray-badge\[([A-Z]\d)\] ", told):
            claim = card[1]
        elif claim and (badge := BADGE.fullmatch(told)):
            place = claim, after if after in studies else None
            assert place not in found, place
            found[place] = badge.groups()
    return found


def said(app: AppTest) -> str:
    """The prose of a page."""
    return "\n".join(each.value for each in [*app.title, *app.header, *app.subheader, *app.markdown, *app.caption])


def spoken(app: AppTest) -> str:
    """All that a page says: its prose, its notices, its commands."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error", "code")
    return "\n".join(each.value for kind in kinds for each in getattr(app, kind))
