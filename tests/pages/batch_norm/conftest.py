"""The page on batch normalization on a planted grid: what it draws and says is compared with the database by statements of the tests' own."""

from pathlib import Path

import pytest

from tests import planted_norms
from tests.pages.planted import of_planted
from tests.planted_norms import SMALL

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
def planted(tmp_path_factory) -> Path:
    """Every claim is shown, one run has no code that ran, and every way to end is there."""
    raised = lambda spec: (spec.study, spec.norm, spec.seed, spec.lr) == (SMALL, "layer", 2, 2.0**-9)
    return planted_norms.plant(tmp_path_factory.mktemp("planted"), failed=raised)


database, seen = of_planted("batch_norm")


@pytest.fixture
def planting(tmp_path, monkeypatch):
    """Plants another database and lets the page read it."""

    def plant(*arguments, **named) -> Path:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        file = planted_norms.plant(folder, *arguments, **named)
        monkeypatch.setenv("WHY_RESULTS", str(file))
        return file

    return plant
