"""What the tests of a page on a planted database share."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest


def of_planted(page: str) -> tuple[Callable, Callable]:
    """Two fixtures for where a fixture `planted` makes a results file: `database`, that file, which every test of it lets its pages read;
    and `seen`, which opens a view of `page` once for all tests that only read it."""

    @pytest.fixture(autouse=True)
    def database(planted, monkeypatch) -> Path:
        monkeypatch.setenv("WHY_RESULTS", str(planted))
        return planted

    @pytest.fixture
    def seen(once):
        return functools.partial(once, page)

    return database, seen
