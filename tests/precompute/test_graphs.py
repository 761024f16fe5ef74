import itertools
import random

import networkx as nx
import pytest

from precompute.graphs import Graph, bends, draw, is_random, layers, layout, statistics
from precompute.streams import seed_of
from precompute.studies.wiring import ALL, FAMILIES

STAGES = (1, 2, 3)


def ring(nodes: int, links: int) -> set[tuple[int, int]]:
    """The edges of a lattice of which nothing is rewired, directed from the smaller number to the larger."""
    pairs = ((a, (a + step) % nodes) for a in range(nodes) for step in range(1, links // 2 + 1))
    return {(min(pair) + 1, max(pair) + 1) for pair in pairs}


def rewired_share(graph: Graph, links: int) -> float:
    lattice = ring(graph.nodes, links)
    return len(set(graph.edges) - lattice) / len(lattice)


@pytest.fixture(scope="module")
def of_the_studies():
    """Every graph of both studies: (family, links, p, nodes) -> number -> a graph a stage."""
    found = {}
    for study in ALL:
        for spec in study.specs("full"):
            found.setdefault((spec.family, spec.links, spec.p, spec.nodes), {})[spec.graph] = spec.graphs
    return found


def test_every_graph_of_the_studies_is_connected_and_runs_from_small_numbers_to_large(of_the_studies):
    for (family, _, p, nodes), by_number in of_the_studies.items():
        assert set(by_number) == set(range(5 if is_random(family, p) else 1))
        for graph in itertools.chain.from_iterable(by_number.values()):
            assert graph.nodes == nodes and len(set(graph.edges)) == len(graph.edges)
            assert all(1 <= source < target <= nodes for source, target in graph.edges)
            directed = nx.DiGraph(graph.edges)
            assert set(directed) == set(range(1, nodes + 1)) and nx.is_weakly_connected(directed)
            assert nx.is_directed_acyclic_graph(directed)
            assert graph.sources == [node for node in sorted(directed) if directed.in_degree(node) == 0]
            assert graph.sinks == [node for node in sorted(directed) if directed.out_degree(node) == 0]


def test_edge_counts_are_what_the_generators_promise(of_the_studies):
    for (family, links, _, nodes), by_number in of_the_studies.items():
        counts = {len(graph.edges) for graphs in by_number.values() for graph in graphs}
        expected = {
            "ws": nodes * links // 2,
            "ba": links * (nodes - links),
            "chain": nodes - 1,
            "complete": nodes * (nodes - 1) // 2,
        }
        if family in expected:
            assert counts == {expected[family]}, family


def test_no_two_graphs_of_a_random_family_are_the_same(of_the_studies):
    for (family, links, p, nodes), by_number in of_the_studies.items():
        drawn = [graph.edges for graphs in by_number.values() for graph in graphs]
        assert len(set(drawn)) == (len(drawn) if is_random(family, p) else 1), (family, links, p, nodes)


def test_links_are_rewired_as_often_as_the_family_says(of_the_studies):
    """A public re-implementation ships three graphs WS(4, 0.75) that are one file, with none of its 64 edges rewired."""
    for (family, links, p, nodes), by_number in of_the_studies.items():
        if family == "ws":
            shares = [rewired_share(graph, links) for graphs in by_number.values() for graph in graphs]
            assert (max(shares) == 0) if p == 0 else (len(shares) == 15 and max(shares) > 0), (links, p, nodes)
    for p in (0.25, 0.75):
        shares = [rewired_share(draw("ws", 4, p, 32, number, 1), 4) for number in range(100)]
        # 6,400 links; a rewired one falls on a free place of the lattice now and then
        assert p - 0.06 < sum(shares) / 100 < p + 0.02
        assert min(shares) > p - 0.3


def test_links_of_er_are_as_many_as_the_probability_says():
    for p in (0.2, 0.6):
        edges = [len(draw("er", 0, p, 32, number, 1).edges) for number in range(100)]
        assert sum(edges) / 100 / (32 * 31 / 2) == pytest.approx(p, abs=0.01)
        assert len(set(edges)) > 10


def test_ba_begins_with_as_many_nodes_as_a_new_one_brings_edges_and_has_hubs():
    for links, number in itertools.product((2, 3, 5), range(5)):
        graph = draw("ba", links, 0.0, 32, number, 1)
        assert graph.sources == list(range(1, links + 1))
        assert graph.before(links + 1) == graph.sources
        assert all(len(graph.before(node)) == links for node in range(links + 1, 33)), "each brings so many edges"
        degrees = [len(graph.before(node)) + len(graph.after(node)) for node in range(1, 33)]
        assert max(degrees) > 2.5 * links and degrees.index(max(degrees)) < 16


def test_a_graph_is_drawn_again_from_its_stream_until_it_is_connected():
    redrawn = 0
    for number, stage in itertools.product(range(5), STAGES):
        graph = draw("er", 0, 0.2, 10, number, stage)
        rng, thrown_away = random.Random(seed_of("graph", "er", 0, 0.2, 10, number, stage)), 0
        while not nx.is_connected(drawn := nx.gnp_random_graph(10, 0.2, seed=rng)):
            thrown_away += 1
        assert graph.redrawn == thrown_away and len(graph.edges) == drawn.number_of_edges()
        redrawn += thrown_away
    assert redrawn > 15, "most graphs of ten nodes and P = 0.2 fall apart"
    with pytest.raises(ValueError, match="none is connected"):
        draw("er", 0, 0.0, 4, 0, 1)


def test_the_same_arguments_draw_the_same_graph_for_ever():
    """Published runs hold weights for these edges; another version of networkx that draws differently would orphan them."""
    assert draw.__wrapped__("ws", 4, 0.75, 10, 0, 1).edges == (
        (1, 2), (2, 5), (3, 5), (4, 5), (1, 6), (3, 6), (4, 6), (2, 7), (4, 7), (5, 7), (6, 7), (1, 8), (2, 8), (6, 8), (2, 9),
        (5, 9), (8, 9), (4, 10), (5, 10), (9, 10),
    )  # fmt: skip


def test_families_without_chance():
    assert draw("chain", 0, 0.0, 4, 0, 1).edges == ((1, 2), (2, 3), (3, 4))
    assert draw("complete", 0, 0.0, 4, 0, 1).edges == ((1, 2), (1, 3), (2, 3), (1, 4), (2, 4), (3, 4))
    assert set(draw("ws", 4, 0.0, 10, 0, 1).edges) == ring(10, 4)
    residual = draw("residual_chain", 0, 0.0, 8, 0, 1)
    carried = [(1, 2), (1, 4), (3, 4), (1, 6), (3, 6), (5, 6), (1, 8), (3, 8), (5, 8), (7, 8)]
    assert set(residual.edges) == {*carried, (2, 3), (4, 5), (6, 7)}
    assert [is_random(family, p) for family, _, p in FAMILIES] == [True] * 7 + [False, True, True] + [False] * 3
    with pytest.raises(ValueError, match="no residual chain of 7 nodes"):
        draw("residual_chain", 0, 0.0, 7, 0, 1)
    with pytest.raises(ValueError, match="no family of graphs 'tree'"):
        draw("tree", 0, 0.0, 7, 0, 1)


def test_statistics_of_graphs_that_can_be_counted_by_hand():
    complete, chain, lattice = (statistics(draw(*args, 10, 0, 1)) for args in (
        ("complete", 0, 0.0), ("chain", 0, 0.0), ("ws", 4, 0.0)))  # fmt: skip
    assert (complete["path_length"], complete["clustering"], complete["longest_path"]) == (1, 1, 9)
    assert chain["path_length"] == pytest.approx(11 / 3) and (chain["clustering"], chain["longest_path"]) == (0, 9)
    assert (chain["sources"], chain["sinks"], chain["mean_degree"]) == (1, 1, 1.8)
    # ring of ten, two neighbours each side: distances 1 1 2 2 3, of which the last is there once
    assert lattice["path_length"] == pytest.approx((2 * (1 + 1 + 2 + 2) + 3) / 9)
    assert lattice["clustering"] == pytest.approx(0.5) and lattice["mean_degree"] == 4


def test_what_a_node_reaches_and_what_lies_around_it():
    graph = Graph(5, ((1, 3), (2, 3), (3, 4), (2, 5)))
    assert graph.reached_from(1) == {1, 3, 4} and graph.reached_from(2) == {2, 3, 4, 5} and graph.reached_from(4) == {4}
    assert (graph.before(3), graph.after(2), graph.sources, graph.sinks) == ([1, 2], [3, 5], [1, 2], [4, 5])


def test_the_layout_puts_every_edge_forward_and_no_two_nodes_on_one_place(of_the_studies):
    for by_number in of_the_studies.values():
        for graph in by_number[0]:
            places, layer_of = layout(graph), layers(graph)
            assert len(set(places.values())) == graph.nodes == len(places)
            assert all(places[source][0] < places[target][0] for source, target in graph.edges)
            assert {node for node, (x, _) in places.items() if x == 1} == set(graph.sources)
            for x in {x for x, _ in places.values()}:
                assert sum(y for other, y in places.values() if other == x) == pytest.approx(0), "centred"
            for (source, target), bend in bends(graph).items():
                assert (bend == 0) == (layer_of[target] - layer_of[source] == 1)
