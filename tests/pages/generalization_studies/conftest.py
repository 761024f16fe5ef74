"""The sections on single studies of double descent: what they draw and say, compared with the database by statements of the tests' own."""

import functools
from pathlib import Path

import pyarrow as pa
import pytest

from tests.pages import reading
from tests.results_files import FIXTURE

LAST = "(SELECT max(epoch) FROM intervals JOIN configurations USING (configuration) WHERE map = c.map)"
MAIN = "c.study = 'double_descent/mnist_mlp' AND CAST(c.settings->>'label_noise' AS DOUBLE) = 0.2"
QUESTIONS = {
    "sample_wise": "Can twice the data make a network worse?",
    "regularization": "Does weight decay remove the peak?",
    "random_features": "Where does theory put the peak, and where is it measured?",
}
CHARTS = [
    "epochs",
    "published.fig9",
    "published.logs",
    "memorised",
    "data",
    "fit",
    "decay.forest",
    "decay.curves",
    "theory",
]
both = pytest.mark.parametrize("language", ["en", "ko"])


@pytest.fixture(autouse=True)
def database(monkeypatch) -> Path:
    monkeypatch.setenv("WHY_RESULTS", str(FIXTURE))
    return FIXTURE


@pytest.fixture
def seen(once):
    return functools.partial(once, "generalization")


def ask(sql: str, file: Path = FIXTURE) -> list[tuple]:
    return reading.ask(file, sql)


def charts(app) -> dict[str, tuple[dict, dict[str, pa.Table], str]]:
    """Specification, tables and alternative text of the charts of these sections, in their order on the page."""
    found = reading.charts(app)
    first = next(place for place, (_, tables, _) in enumerate(found) if "seeds" in tables)
    return dict(zip(CHARTS, found[first:], strict=False))


def headings(app) -> list[str]:
    return [each.value.replace("\u2060", "") for each in app.subheader]


def said(app) -> str:
    return "\n".join(each.value for each in [*app.markdown, *app.caption])


def percents(*values: float) -> list[str]:
    return [f"{100 * value:.1f}%" for value in values]
