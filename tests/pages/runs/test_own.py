"""One's own runs beside the published ones."""

import json
import os

import duckdb
import pytest

from tests.pages.reading import ask, chart_messages, spoken
from tests.pages.runs.conftest import MAIN, both, drawn
from tests.results_files import ADDED


@both
def test_ones_own_run_lies_over_the_published_one(opened, own, results_file, language):
    run_id = ask(own, "SELECT run_id FROM runs WHERE study = ? AND run < 100000 ORDER BY run LIMIT 1", MAIN)[0][0]
    app = opened("runs", run=run_id, lang=language)
    assert not app.exception
    points = [row["value"] for row in drawn(chart_messages(app)[0]) if row.get("kind") in ("test", "테스트")]
    last = "SELECT 100 * (1 - test_correct / n_test) FROM curves JOIN runs USING (run) WHERE run_id = ? ORDER BY epoch DESC LIMIT 1"
    for file in (results_file, own):
        end = ask(file, last, run_id)[0][0]
        assert any(value == pytest.approx(end, rel=1e-4) for value in points)
    hollow = [
        layer["mark"]
        for layer in json.loads(chart_messages(app)[0].spec)["layer"]
        if layer["mark"].get("filled") is False
    ]
    assert len(hollow) == 1
    table = app.table[0].value.to_string()
    n = ask(own, "SELECT n_test FROM runs WHERE run_id = ?", run_id)[0][0]
    assert f"+{100 * 10 / n:.2f}" in table and "a machine of my own" in table


def test_a_run_that_only_ones_own_results_have_is_shown_as_that(opened, own):
    app = opened("runs", run=ADDED)
    assert not app.exception and "your own results only" in app.info[0].value
    listed = opened("runs", origin="own").dataframe[0].value
    assert len(listed) == 1 and ADDED in listed["run_id"][0]


def test_the_list_has_a_column_of_differences(opened, own):
    app = opened("runs", study=MAIN, origin="both", sort="-apart")
    table = app.dataframe[0].value
    assert list(table["difference"]) == pytest.approx(list(100 * (table["own_test_error"] - table["test_error"])))
    assert (table["difference"] > 0).all()


@both
def test_an_own_file_of_another_schema_is_refused_in_one_line_that_says_what_to_do(opened, own, language):
    with duckdb.connect(str(own)) as connection:
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
    app = opened("runs", lang=language)
    assert not app.exception and len(app.dataframe) == 1
    [line] = [element.value for element in app.warning]
    assert "\n" not in line and str(own) in line and "python -m precompute build --database" in line


def test_three_files_are_one_too_many(opened, own, results_file, monkeypatch):
    monkeypatch.setenv("WHY_RESULTS", os.pathsep.join([str(results_file), str(own), "third.duckdb"]))
    app = opened("runs")
    assert not app.exception and "third.duckdb" in spoken(app) and not app.dataframe
