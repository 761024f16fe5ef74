"""The page on activation functions: what it draws and says, compared with the database by statements of the tests' own.

The fixture holds one fresh seed of two functions, so a database of made-up runs stands beside it that is built like the real one and holds
what the page has to tell apart: a function that fails, runs that diverge, five seeds.
"""

from pathlib import Path

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from tests.activation_runs import CNN, DEAD, MLP, baked, rows_of
from tests.pages.planted import of_planted
from tests.pages.reading import ask, charts

FINAL = """
SELECT v.activation, v.seed, v.status::VARCHAR, v.lr, 1 - c.test_correct / r.n_test
FROM "{study}" v JOIN runs r USING (run) LEFT JOIN curves c ON c.run = v.run AND c.epoch = r.epochs
WHERE v.layer_measures AND {where} ORDER BY 1, 2
"""
HERE = "v.depth = 8 AND v.start = 'xavier'"


def some(spec) -> bool:
    """Enough of the grid: the depths of A2 and A5 with one start, and the functions that claims name."""
    if spec.study == MLP:
        return spec.start == "xavier" and spec.depth in (1, 8)
    return spec.study == DEAD or spec.activation in ("sigmoid", "tanh", "relu", "identity", "elu")


@pytest.fixture(scope="package")
def planted(planted_once) -> Path:
    return planted_once("activation", lambda folder: baked(folder, rows_of([MLP, CNN, DEAD], some)))


database, seen = of_planted("activation")


def with_table(app: AppTest, name: str) -> list[tuple[dict, dict[str, pa.Table], str]]:
    return [chart for chart in charts(app) if name in chart[1]]


def medians(database: Path, study: str = MLP, where: str = HERE) -> dict[str, float]:
    sql = f"SELECT activation, median(e) FROM ({FINAL.format(study=study, where=where)}) AS f(activation, seed, status, lr, e)"
    return dict(ask(database, sql + " WHERE status = 'complete' GROUP BY 1 ORDER BY 2"))
