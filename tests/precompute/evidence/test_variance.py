import numpy as np
import pytest

from precompute.evidence.variance import variance_components


def drawn(rng, groups=40, size=2, between=1.0, within=0.5):
    labels = np.repeat(np.arange(groups), size)
    return rng.normal(0, between, groups)[labels] + rng.normal(0, within, groups * size), labels


def test_planted_spreads_are_found():
    found = variance_components(*drawn(np.random.default_rng(0), groups=200, size=3))
    assert (found.between, found.within) == pytest.approx((1, 0.5), rel=0.1)
    assert found.ratio.estimate == pytest.approx(2, rel=0.1) and found.ratio.n == 200
    assert found.ratio.low < 2 < found.ratio.high < 1.3 * found.ratio.low


def test_a_small_table_by_hand():
    """Groups (0, 2), (4, 6), (8, 10): mean squares 32 between with 2 degrees of freedom, 2 within with 3."""
    found = variance_components(np.array([0.0, 2, 4, 6, 8, 10]), list("aabbcc"))
    assert (found.between, found.within) == pytest.approx((15**0.5, 2**0.5))
    assert found.ratio.estimate == pytest.approx(7.5**0.5)
    # F(2, 3): 97.5% of it is 16.044, 2.5% is 0.02553
    assert found.ratio.low == pytest.approx(0, abs=1e-9)
    assert found.ratio.high == pytest.approx(((16 / 0.025533 - 1) / 2) ** 0.5, rel=1e-3)


@pytest.mark.parametrize("between", [0.0, 1.0, 3.0])
def test_the_interval_covers_the_true_ratio_in_95_of_100_small_tables(between):
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        found = variance_components(*drawn(rng, groups=5, between=between, within=1.0)).ratio
        covered += found.low <= between <= found.high
    assert 0.93 < covered / 400 < (0.995 if between == 0 else 0.97)


def test_fixed_effects_are_taken_out():
    """Ten seeds that every family has, two for each of its five graphs: neither a family's mean nor what a seed does to all counts."""
    rng = np.random.default_rng(2)
    family, seed = np.repeat(np.arange(9), 10), np.tile(np.arange(10), 9)
    graphs = [(f, s // 2) for f, s in zip(family, seed, strict=True)]
    effect = dict(zip(sorted(set(graphs)), rng.normal(0, 0.4, 45), strict=True))
    values = np.array([effect[each] for each in graphs]) + rng.normal(0, 0.3, 90)
    found = variance_components(values, graphs, family, seed)
    shifted = values + 5.0 * family + 100 * rng.normal(0, 1, 10)[seed]
    assert variance_components(shifted, graphs, family, seed)[:2] == pytest.approx(found[:2])
    assert found.ratio.n == 45 and found.ratio.low < 4 / 3 < found.ratio.high
    whole = variance_components(values, graphs, family)
    assert whole.within == pytest.approx(found.within, rel=0.3)


def test_where_graphs_differ_less_than_chance_the_estimate_is_zero():
    found = variance_components(np.array([0.0, 2, 0.5, 2.5, 0, 1.8]), list("aabbcc"))
    assert (found.between, found.ratio.estimate, found.ratio.low) == (0, 0, 0) and found.ratio.high > 0


def test_too_few_runs_have_no_interval():
    two = variance_components(np.array([0.0, 1, 5, 6]), list("aabb"))
    assert two.between > 0 and two.ratio.estimate > 1 and two.ratio.low is None and two.ratio.high is None
    once = variance_components(np.array([0.0, 1, 5]), list("abc"))
    assert once[:2] == (None, None) and once.ratio.estimate is None
    one = variance_components(np.array([0.0, 1, 5]), list("aaa"))
    assert one.between is None and one.within == pytest.approx(7**0.5) and one.ratio.estimate is None
    nothing = variance_components(np.array([]), [])
    assert nothing[:2] == (None, None) and nothing.ratio.n == 0


def test_groups_of_different_sizes_still_give_the_planted_spread():
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(210), np.tile([1, 2, 3], 70))
    values = rng.normal(0, 2, 210)[labels] + rng.normal(0, 1, len(labels))
    found = variance_components(values, labels)
    assert (found.between, found.within) == pytest.approx((2, 1), rel=0.15)
