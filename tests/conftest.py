"""All tests read the tiny real database of tests/fixtures, or the one that WHY_RESULTS names."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("WHY_RESULTS", str(ROOT / "tests" / "fixtures" / "results.duckdb"))


@pytest.fixture
def results_file() -> Path:
    """The results file that the tests read. To be copied before it is changed."""
    return Path(os.environ["WHY_RESULTS"])
