"""The page on batch normalization on a planted grid: what it draws and says is compared with the database by statements of the tests' own."""

from pathlib import Path

import pytest

from tests import planted_norms
from tests.pages.planted import of_planted

VIEWS = ({}, {"norms": "all", "error": "train"}, {"study": "batch_size"}, {"study": "deep_linear"})
PARTS = {
    "batch alone": lambda spec: spec.norm == "batch",
    "none alone": lambda spec: spec.norm == "none",
    "one seed": lambda spec: spec.seed == 0,
    "one rate": lambda spec: getattr(spec, "lr", 0) in (0.125, 1e-4),
    "no batch norm": lambda spec: spec.norm != "batch",
    "two norms, four rates": lambda spec: spec.norm in ("none", "batch") and spec.lr < 2.0**-5,
    "what diverged": lambda spec: spec.norm == "none" and spec.lr >= 1,
    "group alone": lambda spec: spec.norm == "group",
}


@pytest.fixture(scope="package")
def planted(planted_once) -> Path:
    return planted_once("norms", planted_norms.plant_every_end)


database, seen = of_planted("batch_norm")


@pytest.fixture(scope="package")
def other_planted() -> dict:
    """The arguments of a database -> its file, and the arguments themselves, so that none takes the place of another in memory."""
    return {}


@pytest.fixture
def planting(other_planted, tmp_path_factory, monkeypatch):
    """Plants another database, once for all tests that only read it, and lets the page read it."""

    def plant(*arguments, **named) -> Path:
        key = repr((arguments, named))
        if key not in other_planted:
            file = planted_norms.plant(tmp_path_factory.mktemp("other"), *arguments, **named)
            other_planted[key] = file, arguments, named
        file = other_planted[key][0]
        monkeypatch.setenv("WHY_RESULTS", str(file))
        return file

    return plant
