"""Networks that are dead before they are trained, against the table of a separate simulation and the closed-form bound."""

import math

import duckdb
import pytest
import torch

from precompute.spec import BornDeadSpec
from precompute.training import born_dead
from tests.results_files import SHIPPED

STUDY = "activation/born_dead"
# share of 20,000 networks with a constant output, by width and layers: of Gaussian weights and zero biases, found with a grid of inputs
TABLE = {
    2: {5: "0.50", 10: "0.88", 20: "0.994"},
    4: {5: "0.07", 10: "0.30", 20: "0.62"},
    8: {5: "0.001", 10: "0.008", 20: "0.036"},
}
NETS = 4000


def within_three_standard_errors(share: float, told: str, nets: int) -> bool:
    """Whether a share of `nets` networks is that of the table, as far as its last digit tells."""
    table, rounding = float(told), 0.5 * 10.0 ** -len(told.partition(".")[2])
    return abs(share - table) <= 3 * math.sqrt(table * (1 - table) / nets) + rounding


def bound(width, depth):
    """Lu et al. 2019: from above, on the share of networks of one input that are dead."""
    return 1 - (1 - 2.0**-width) ** (depth - 1)


@pytest.mark.parametrize("width", TABLE)
def test_the_share_is_that_of_the_table_within_chance(width):
    dead = born_dead.dead_by_depth(NETS, width, 20, seed=0)
    for depth, told in TABLE[width].items():
        assert within_three_standard_errors(dead[depth] / NETS, told, NETS), (width, depth)


def test_the_counts_of_the_database_are_those_of_the_table():
    sql = f"""
        SELECT CAST(c.settings->>'width' AS INT), CAST(c.settings->>'depth' AS INT), n.value, n.trials
        FROM counts n JOIN runs r USING (run) JOIN configurations c USING (configuration)
        WHERE c.study = '{STUDY}' AND n.quantity = 'born_dead'
    """
    with duckdb.connect(str(SHIPPED), read_only=True) as connection:
        counted = {(width, depth): (dead, nets) for width, depth, dead, nets in connection.execute(sql).fetchall()}
    for width, shares in TABLE.items():
        for depth, told in shares.items():
            dead, nets = counted[width, depth]
            assert nets == 20_000
            assert within_three_standard_errors(dead / nets, told, nets), (width, depth)


@pytest.mark.parametrize("width", [2, 4, 8])
def test_the_bound_holds_at_every_depth_and_deeper_networks_die_more(width):
    dead = born_dead.dead_by_depth(NETS, width, 20, seed=1)
    assert list(dead) == list(range(2, 21))
    shares = [count / NETS for count in dead.values()]
    assert shares == sorted(shares)
    for depth, share in zip(dead, shares, strict=True):
        assert share <= bound(width, depth) + 4 * math.sqrt(bound(width, depth) / NETS)


def test_one_hidden_layer_dies_only_where_every_unit_looks_away():
    """Of both inputs 1 and -1 a unit sees one: no network of one hidden layer is dead, though the bound allows some."""
    assert born_dead.dead_by_depth(2000, 2, 2, seed=0) == {2: 0}
    assert bound(2, 2) == 0.25


def test_a_network_counted_as_dead_is_constant_on_a_grid_of_inputs():
    """Built again layer by layer from the same draws, and looked at between the two inputs that decide."""
    from precompute.streams import stream

    nets, width, depth = 300, 3, 6
    draws, grid = stream("born_dead", width, 5), torch.linspace(-3, 3, 101, dtype=torch.float64)
    units = grid.expand(nets, 1, -1)
    for _ in range(depth - 1):
        fan_in = units.shape[1]
        weights = torch.randn(nets, width, fan_in, generator=draws).double() * (2 / fan_in) ** 0.5
        units = torch.relu(weights @ units)
    constant = int((units.amax(2) == units.amin(2)).all(1).sum())
    assert constant == born_dead.dead_by_depth(nets, width, depth, seed=5)[depth] > 0


def test_a_run_counts_for_each_depth_what_it_counts_alone():
    specs = [BornDeadSpec(study=STUDY, seed=0, nets=400, width=3, depth=depth) for depth in (2, 5, 9)]
    together = born_dead.train(specs, None, torch.device("cpu"))
    (alone,) = born_dead.train(specs[1:2], None, torch.device("cpu"))
    assert together[1].counts == alone.counts
    assert [run.counts[0]["trials"] for run in together] == [400] * 3 and not together[0].curves
    with pytest.raises(ValueError, match="share the width"):
        born_dead.train(
            [specs[0], BornDeadSpec(study=STUDY, seed=0, nets=400, width=4, depth=2)], None, torch.device("cpu")
        )
