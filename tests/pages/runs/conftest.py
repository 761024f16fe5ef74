"""The page of runs: what its tests share."""

import re
from pathlib import Path

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

HANGUL = re.compile("[가-힣]")
MAIN = "double_descent/mnist_mlp"
both = pytest.mark.parametrize("language", ["en", "ko"])


@pytest.fixture
def database(results_file) -> Path:
    """What `changed` changes a copy of."""
    return results_file


def drawn(chart) -> list[dict]:
    return [row for each in chart.datasets for row in pa.ipc.open_stream(each.data.data).read_all().to_pylist()]


def links(app: AppTest) -> dict[str, str]:
    return {element.proto.page: element.proto.query_string for element in app.main.get("page_link")}
