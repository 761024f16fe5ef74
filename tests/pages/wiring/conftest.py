"""The page on wiring on a planted grid: what it draws and says is compared with the database by statements of the tests' own."""

from pathlib import Path

import pyarrow as pa
import pytest

from tests import planted_wiring
from tests.pages.planted import of_planted
from tests.pages.reading import charts
from tests.planted_wiring import DIVERGED, FAILED, RAISED, as_in_the_paper, name


def some_fail(spec):
    """Of ER(0.2) one run diverges, of WS(2, 0.25) both seeds of graph 2 stay untrained, and of BA(5) the code of one run raises."""
    failures = {("ER(0.2)", 3): DIVERGED, ("WS(2, 0.25)", 4): FAILED, ("WS(2, 0.25)", 5): FAILED, ("BA(5)", 0): RAISED}
    return failures.get((name(spec), spec.seed), as_in_the_paper(spec))


@pytest.fixture(scope="package")
def planted(planted_once) -> Path:
    return planted_once("wiring", lambda folder: planted_wiring.plant(folder, some_fail))


database, seen = of_planted("wiring")


def with_table(app, name: str) -> list[tuple[dict, dict[str, pa.Table], str]]:
    return [chart for chart in charts(app) if name in chart[1]]


def main_picture(app) -> tuple[dict, dict[str, pa.Table], str]:
    return with_table(app, "lanes")[0]


def drawing(app) -> tuple[dict, dict[str, pa.Table], str]:
    return with_table(app, "paths")[0]
