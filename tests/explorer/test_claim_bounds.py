import duckdb
import pytest

from explorer.claim_bounds import Region, region


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        (">= 3 and low > 0", Region(3, None)),
        ("> 0.8 and low > 0", Region(0.8, None)),
        ("> -0.2 and low > -0.5", Region(-0.2, None)),
        ("low > 0", Region(0, None)),
        ("low > 0.1", Region(0.1, None)),
        ("high < 0.5", Region(None, 0.5)),
        ("(low <= 0 or estimate < 1) and high < 3", Region(None, 3)),
        ("low > -1 and high < 1", Region(-1, 1)),
        ("low >= 0.1 and high <= 10", Region(0.1, 10)),
        ("within 0.1 of -1, and low and high within 0.3", Region(-1.1, -0.9)),
        ("estimate = 0", Region(0, 0)),
        ("high <= 2", Region(None, 2)),
        ("low > 0.25 or high < -0.25", Region(-0.25, 0.25, outside=True)),
    ],
)
def test_the_words_of_a_rule_give_the_region_that_it_leaves_to_the_estimate(bound, expected):
    found = region(bound)
    assert found.outside == expected.outside
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


@pytest.mark.parametrize("bound", ["", "as good as the other", "low > x", "within reach"])
def test_words_that_are_no_rule_give_no_region(bound):
    assert region(bound) is None


def test_every_rule_in_the_results_has_its_region(results_file):
    with duckdb.connect(str(results_file), read_only=True) as connection:
        bounds = connection.execute("SELECT DISTINCT bound FROM claim_parts").fetchall()
    assert bounds
    assert [bound for (bound,) in bounds if region(bound) is None] == []


def test_an_estimate_that_holds_lies_in_its_region(results_file):
    with duckdb.connect(str(results_file), read_only=True) as connection:
        parts = connection.execute("SELECT bound, estimate FROM claim_parts WHERE holds").fetchall()
    assert len(parts) > 5  # else this test sees nothing
    for bound, estimate in parts:
        found = region(bound)
        within = (found.low is None or estimate >= found.low) and (found.high is None or estimate <= found.high)
        assert within != found.outside, (bound, estimate)
