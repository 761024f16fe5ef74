import duckdb
import pytest


@pytest.fixture(params=["en", "ko"])
def language(request, monkeypatch) -> str:
    """Runs a test in both languages, outside a page."""
    monkeypatch.setattr("explorer.text.language", lambda: request.param)
    return request.param


@pytest.fixture
def english(monkeypatch) -> None:
    monkeypatch.setattr("explorer.text.language", lambda: "en")


@pytest.fixture
def raw(results_file):
    """A connection of the test's own to the results file."""
    with duckdb.connect(str(results_file), read_only=True) as connection:
        yield connection
