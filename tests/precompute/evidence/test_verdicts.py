import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from precompute.evidence.intervals import Estimate
from precompute.evidence.verdicts import NEGATIVE, POSITIVE, Part, absent, at_least, below, more_than, verdict

RULES = [POSITIVE, NEGATIVE, at_least(3), more_than(0.8), below(1), absent(small=1, large=3)]


def one_part(rule, estimate, low, high, n=5):
    return verdict([Part("quantity", Estimate(estimate, low, high, n), "points", rule, {})])


@pytest.mark.parametrize(
    ("rule", "interval", "expected"),
    [
        (at_least(3), (4, 2, 6), "shown"),
        (at_least(3), (4, -1, 9), "not shown"),
        (at_least(3), (2, 1, 3.5), "not shown"),
        (at_least(3), (2, 1, 2.9), "contradicted"),
        (POSITIVE, (1, 0.1, 2), "shown"),
        (POSITIVE, (-1, -2, -0.1), "contradicted"),
        (NEGATIVE, (-1, -2, -0.1), "shown"),
        (NEGATIVE, (-1, -3, 1), "not shown"),
        (NEGATIVE, (1, 0.1, 2), "contradicted"),
        (more_than(0.8), (0.8, 0.7, 0.9), "not shown"),
        (more_than(0.8), (0.9, 0.7, 1.0), "shown"),
        (more_than(0.8), (0.3, -0.2, 0.7), "contradicted"),
        (below(1), (0.2, -0.5, 0.9), "shown"),
        (below(1), (0.2, -0.9, 1.3), "not shown"),
        (below(1), (2, 1.2, 2.8), "contradicted"),
        (absent(1, 3), (0.5, 0.2, 0.8), "shown"),
        (absent(1, 3), (1.5, -0.5, 2.9), "shown"),
        (absent(1, 3), (1.5, 0.5, 2.5), "not shown"),
        (absent(1, 3), (2, 1.2, 2.8), "contradicted"),
    ],
)
def test_a_verdict_follows_from_estimate_and_interval(rule, interval, expected):
    assert one_part(rule, *interval) == expected


def test_a_wide_interval_does_not_show_an_absence():
    assert one_part(absent(1, 3), 5, -2, 12) == "not shown"
    assert one_part(below(1), 0.0, -8, 8) == "not shown"


@settings(deadline=None)
@given(st.floats(-20, 20), st.floats(0, 20), st.sampled_from(RULES))
def test_no_interval_is_on_both_sides_of_a_bound(estimate, half, rule):
    part = Part("quantity", Estimate(estimate, estimate - half, estimate + half, 5), "points", rule, {})
    assert not (part.holds and part.opposed)


@pytest.mark.parametrize("rule", RULES)
def test_without_an_interval_nothing_is_decided(rule):
    for estimate in (-50.0, 0.0, 0.9, 50.0, None):
        assert one_part(rule, estimate, None, None, n=2) == "not shown"


def test_one_opposed_part_contradicts_and_one_open_part_leaves_open():
    holds, opposed, open_ = (
        Part("q", Estimate(mean, mean - 1, mean + 1, 5), "points", POSITIVE, {}) for mean in (5, -5, 0)
    )
    assert verdict([holds, holds]) == "shown"
    assert verdict([holds, open_]) == "not shown"
    assert verdict([holds, open_, opposed]) == "contradicted"
