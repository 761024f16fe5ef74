"""Every number behind a verdict, recomputed from the single runs by code that shares nothing with the build (`recomputed`)."""

import re

import duckdb
import pytest

from tests import planted_wiring
from tests.pages import recomputed

RECOMPUTED = ("generalization", "activation", "depth", "batch_norm", "batch_size", "wiring")
"""Questions whose rules are written down a second time."""


@pytest.fixture(scope="module")
def database() -> str:
    import os

    return os.environ["WHY_RESULTS"]


def rows(database: str, sql: str, *parameters) -> list[dict]:
    with duckdb.connect(database, read_only=True) as connection:
        return connection.sql(sql, params=list(parameters) or None).to_arrow_table().to_pylist()


def holds(bound: str, estimate: float | None, low: float | None, high: float | None) -> bool:
    """Whether a part holds by the words of its rule, read as the sentence that they are."""
    if estimate is None or low is None:
        return False
    if found := re.fullmatch(r"within (\S+) of (\S+), and low and high within (\S+)", bound):
        near, centre, wide = map(float, found.groups())
        return abs(estimate - centre) <= near and low >= centre - wide and high <= centre + wide
    rule = (f"estimate {bound}" if bound[0] in "<>" else bound).replace(" = ", " == ")
    assert re.fullmatch(r"[a-z<>=()\d.\s-]+", rule)
    return eval(rule, {"__builtins__": {}}, {"estimate": estimate, "low": low, "high": high})


def compared(database: str) -> int:
    """Compares every part of the claims with what the runs give; returns how many parts that were."""
    count = 0
    for study in rows(database, "SELECT study, question FROM studies ORDER BY study"):
        if study["question"] not in RECOMPUTED:
            continue
        again = recomputed.claims_of(recomputed.Study(database, study["study"]), study["question"], study["study"])
        parts = rows(database, "SELECT * FROM claim_parts WHERE study = ? ORDER BY claim, part", study["study"])
        assert {part["claim"] for part in parts} == set(again), study["study"]
        for part in parts:
            found = again[part["claim"]][part["quantity"]]
            if isinstance(found, list):  # a quantity of several budgets, in their order
                found = found.pop(0)
            where = part["study"], part["claim"], part["quantity"]
            told, places = found[:2] if isinstance(found, recomputed.Everywhere) else (found, [found])
            for name, value in zip(("estimate", "low", "high", "n"), told, strict=True):
                expected = pytest.approx(value, rel=1e-6, abs=1e-9) if value is not None else None
                assert part[name] == expected, (*where, name)
            assert part["holds"] == all(holds(part["bound"], *place[:3]) for place in places), where
            count += 1
    return count


def test_every_number_behind_a_verdict_is_found_again_from_the_runs(database):
    assert compared(database) >= 20  # else this test sees nothing


@pytest.mark.parametrize("hubs", [1.0, 0.0, -1.0])
def test_and_so_is_it_for_a_whole_grid_of_graphs_of_which_some_fail(tmp_path, hubs):
    def outcome(spec):
        failures = {("ER(0.2)", 3): planted_wiring.DIVERGED, ("WS(2, 0.25)", 4): planted_wiring.FAILED}
        return failures.get((planted_wiring.name(spec), spec.seed), planted_wiring.as_in_the_paper(spec))

    assert compared(str(planted_wiring.plant(tmp_path, outcome, hubs=hubs))) == 5


def test_a_claim_is_shown_just_where_every_part_holds(database):
    verdicts = rows(
        database,
        """SELECT c.verdict::VARCHAR AS verdict, bool_and(p.holds) AS holds, count(*) AS n
        FROM claims c JOIN claim_parts p ON p.claim = c.claim AND p.study = c.study GROUP BY c.claim, c.study, c.verdict""",
    )
    assert verdicts
    assert all((row["verdict"] == "shown") == row["holds"] for row in verdicts)
    untested = rows(database, "SELECT verdict::VARCHAR AS verdict FROM claims WHERE study IS NULL")
    assert all(row["verdict"] == "not tested here" for row in untested)
