"""One's own results over the published ones on the pages that are not about runs or claims."""

import os

import pytest

from tests.results_files import own_results


@pytest.fixture
def own(results_file, tmp_path, monkeypatch):
    path = own_results(results_file, tmp_path / "own.duckdb")
    monkeypatch.setenv("WHY_RESULTS", f"{results_file}{os.pathsep}{path}")
    return path


def test_the_runs_behind_a_cell_of_the_map_show_ones_own_error_and_the_difference(opened, own):
    app = opened("generalization")
    assert not app.exception
    table = next(frame.value for frame in app.dataframe if "Own test error" in frame.value)
    there = table.dropna(subset=["Own test error"])
    assert 0 < len(there) < len(table)  # every second run is missing in one's own file
    assert (there["Own − published (points)"] > 0).all()
    assert list(there["Own − published (points)"]) == pytest.approx(
        list(100 * (there["Own test error"] - there["Test error"]))
    )


def test_without_a_second_file_no_page_speaks_of_ones_own(opened):
    app = opened("generalization")
    assert not any("Own test error" in frame.value for frame in app.dataframe)
    assert not app.warning
