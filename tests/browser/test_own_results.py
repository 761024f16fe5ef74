"""One's own results over the published ones in a real browser: their hollow marks are seen."""

import os

import pytest

from tests.browser.conftest import running_server
from tests.browser.test_generalization import FIND_VIEW
from tests.results_files import own_results

CHART = '[data-testid="stVegaLiteChart"]'
HOLLOW = """() => {
  const found = []
  const search = (mark) => {
    for (const item of mark.items ?? []) {
      if (mark.marktype === "symbol" && item.datum?.whose !== undefined) found.push([item.opacity, item.stroke, item.strokeWidth])
      if (mark.marktype === "group") item.items.forEach(search)
    }
  }
  search(view.scenegraph().root)
  return found
}"""


@pytest.mark.parametrize("name", ["activation", "wiring"])
def test_the_hollow_marks_of_ones_own_runs_are_seen(visit, results_file, tmp_path, monkeypatch, name):
    own = own_results(results_file, tmp_path / "own.duckdb", without="false")
    monkeypatch.setenv("WHY_RESULTS", f"{results_file}{os.pathsep}{own}")
    with running_server() as server:
        page = visit(f"{server}/{name}?lang=en")
        page.wait_for_function(FIND_VIEW, arg=CHART, timeout=60_000)
        marks = page.evaluate(HOLLOW)
    assert marks
    assert all(opacity == 1 and stroke and width > 1 for opacity, stroke, width in marks)
