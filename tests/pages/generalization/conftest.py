"""The page on generalization: what it draws and says is compared with the database by statements of the tests' own."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from tests.pages.reading import charts
from tests.results_files import FIXTURE, SHIPPED

FINAL = """
SELECT CAST(c.x AS INTEGER) AS width, i.mean, i.low, i.high, i.n
FROM intervals i JOIN configurations c USING (configuration)
WHERE c.study = 'double_descent/mnist_mlp' AND i.measure = '{measure}' AND CAST(c.settings->>'label_noise' AS DOUBLE) = {noise}
  AND i.epoch = (SELECT max(epoch) FROM intervals JOIN configurations USING (configuration) WHERE study = 'double_descent/mnist_mlp')
ORDER BY c.x
"""


@pytest.fixture
def database(request, monkeypatch) -> Path:
    """The tiny real database of the tests, or the file that a test asks for."""
    file = getattr(request, "param", FIXTURE)
    monkeypatch.setenv("WHY_RESULTS", str(file))
    return file


both = pytest.mark.parametrize("database", [FIXTURE, SHIPPED], ids=["fixture", "shipped"], indirect=True)


def linked_map(app) -> tuple[dict, dict[str, pa.Table], str]:
    return next(chart for chart in charts(app) if "threshold_at" in chart[1])


def panels(app) -> list[tuple[dict, dict[str, pa.Table], str]]:
    return [chart for chart in charts(app) if "picked" in chart[1]]


def percentages(text: str) -> list[str]:
    return re.findall(r"\d+\.\d+(?=%)", text.replace("\u2060", ""))


def allowed(values) -> set[str]:
    """Every way in which a number of the database may be written: in percent with no, one or two decimals."""
    return {f"{100 * value:.{digits}f}" for value in values if value is not None for digits in (0, 1, 2)}
