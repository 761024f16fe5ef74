"""The graphs by which the nodes of a stage are wired, drawn as Xie et al. 2019 (arXiv 1904.01569, sections 3.2 and 3.3) draw them.

A generator of networkx draws an undirected graph; its nodes are put in order, and every edge is directed from the earlier node to the
later one, so that no cycle is left. Nodes are numbered from 1 in that order.
"""

import functools
import itertools
import random
from dataclasses import dataclass

import networkx as nx

from precompute.streams import seed_of

MOST_DRAWS = 10_000


@dataclass(frozen=True)
class Graph:
    """A directed graph without cycles."""

    nodes: int
    """Nodes, numbered 1 to this. The extra input and output node of a stage are not among them."""
    edges: tuple[tuple[int, int], ...]
    """(source, target) with source < target, sorted by target, then source."""
    redrawn: int = 0
    """Draws that were thrown away because they were not connected."""

    def before(self, node: int) -> list[int]:
        """The nodes with an edge into `node`, in order."""
        return [source for source, target in self.edges if target == node]

    def after(self, node: int) -> list[int]:
        """The nodes with an edge from `node`, in order."""
        return [target for source, target in self.edges if source == node]

    @functools.cached_property
    def sources(self) -> list[int]:
        """Nodes without an edge into them: the input node of the stage feeds them."""
        return [node for node in self._numbers if not self.before(node)]

    @functools.cached_property
    def sinks(self) -> list[int]:
        """Nodes without an edge from them: the output node of the stage takes their mean."""
        return [node for node in self._numbers if not self.after(node)]

    def reached_from(self, node: int) -> frozenset[int]:
        """`node` and every node that its output has a way to."""
        reached = {node}
        for source, target in self.edges:  # sorted by target: a node's own fate is settled before it is a source
            if source in reached:
                reached.add(target)
        return frozenset(reached)

    @property
    def _numbers(self) -> range:
        return range(1, self.nodes + 1)


def is_random(family: str, p: float) -> bool:
    """Whether graphs of the family differ: not for a lattice of which nothing is rewired, and not for the three fixed graphs."""
    return family in ("er", "ba") or (family == "ws" and p > 0)


@functools.cache
def draw(family: str, links: int, p: float, nodes: int, number: int, stage: int) -> Graph:
    """Graph `number` of a family for one stage.

    er: each pair of nodes is linked with probability `p` (Erdős & Rényi). ba: from `links` nodes on, each new node is linked to `links`
    earlier ones, drawn in proportion to their degree (Barabási & Albert); the first new node is linked to all there are. ws: a ring in
    which each node is linked to its `links` nearest; each link is then rewired with probability `p`, clockwise (Watts & Strogatz). The
    order of nodes is as drawn, that in which they were added, or clockwise. chain: each node to the next. complete: each to all later
    ones. residual_chain: see `_residual_chain`.

    A graph that is not connected is drawn again from the same stream until one is, for every family alike. The stream is keyed by the
    arguments and by no seed of training. Raises ValueError for an unknown family, and where no draw is connected.
    """
    rng = random.Random(seed_of("graph", family, links, p, nodes, number, stage))
    for redrawn in range(MOST_DRAWS):
        links_drawn = _undirected(family, links, p, nodes, rng)
        if nx.is_connected(links_drawn):
            edges = [(min(pair) + 1, max(pair) + 1) for pair in links_drawn.edges]
            return Graph(nodes, tuple(sorted(edges, key=lambda edge: edge[::-1])), redrawn)
    raise ValueError(f"{MOST_DRAWS} graphs {family}({links}, {p}) of {nodes} nodes, and none is connected")


def _undirected(family: str, links: int, p: float, nodes: int, rng: random.Random) -> nx.Graph:
    """Nodes 0 to nodes - 1 in the order in which they get their numbers."""
    if family == "er":
        return nx.gnp_random_graph(nodes, p, seed=rng)
    if family == "ba":
        start = nx.Graph()
        start.add_nodes_from(
            range(links + 1)
        )  # in the order in which they are added: networkx's own start has its hub first
        start.add_edges_from((early, links) for early in range(links))
        return nx.barabasi_albert_graph(nodes, links, seed=rng, initial_graph=start)
    if family == "ws":
        return nx.watts_strogatz_graph(nodes, links, p, seed=rng)
    if family == "chain":
        return nx.path_graph(nodes)
    if family == "residual_chain":
        return nx.Graph(_residual_chain(nodes))
    if family == "complete":
        return nx.complete_graph(nodes)
    raise ValueError(f"no family of graphs {family!r}")


def _residual_chain(nodes: int) -> list[tuple[int, int]]:
    """A residual network as a graph, with its sums written out (Veit et al. 2016, arXiv 1605.06431, figure 1), nodes counted from 0.

    A first node, blocks of two nodes, and a last node. What an identity shortcut carries past the blocks is the sum of the first node's
    output and those of all blocks so far: a block's first node, and the last node of all, have an edge from each of them. The chain of
    all nodes is part of it. Raises ValueError for an odd number of nodes, which leaves one over.
    """
    if nodes % 2 or nodes < 4:
        raise ValueError(f"no residual chain of {nodes} nodes: two, and two for each block")
    carried = range(0, nodes - 1, 2)  # the first node, and the second one of each block
    into_blocks = [(node, first) for first in range(1, nodes, 2) for node in carried if node < first]
    return into_blocks + [(first, first + 1) for first in range(1, nodes - 1, 2)]


def statistics(graph: Graph) -> dict[str, int | float]:
    """The columns of the table `graphs` that follow from the graph alone. Path length and clustering are those of the undirected graph,
    as You et al. 2020 (arXiv 2007.06559) and Watts & Strogatz 1998 take them: the mean distance of two nodes in edges, and the mean
    over nodes of the share of pairs of neighbours that are linked."""
    undirected = nx.Graph(graph.edges)
    return {
        "nodes": graph.nodes,
        "edges": len(graph.edges),
        "sources": len(graph.sources),
        "sinks": len(graph.sinks),
        "redrawn": graph.redrawn,
        "path_length": nx.average_shortest_path_length(undirected),
        "longest_path": max(layers(graph).values()) - 1,
        "clustering": nx.average_clustering(undirected),
        "mean_degree": 2 * len(graph.edges) / graph.nodes,
    }


def layers(graph: Graph) -> dict[int, int]:
    """By node the longest way to it, in nodes: 1 for a source."""
    found: dict[int, int] = {}
    for node in range(1, graph.nodes + 1):
        found[node] = 1 + max((found[source] for source in graph.before(node)), default=0)
    return found


def layout(graph: Graph) -> dict[int, tuple[float, float]]:
    """Where each node is drawn, the same rule for all families: x is its layer, y its place in the layer, one apart and centred at 0.

    Within a layer nodes lie in the order of the mean y of the nodes that feed them, of equals the earlier first.
    """
    layer_of = layers(graph)
    places: dict[int, tuple[float, float]] = {}
    for layer, members in itertools.groupby(sorted(layer_of, key=lambda node: (layer_of[node], node)), layer_of.get):

        def height(node: int) -> float:
            fed_by = [places[source][1] for source in graph.before(node)]
            return sum(fed_by) / len(fed_by) if fed_by else 0.0

        ordered = sorted(members, key=lambda node: (height(node), node))
        for place, node in enumerate(ordered):
            places[node] = (float(layer), place - (len(ordered) - 1) / 2)
    return places


def bends(graph: Graph) -> dict[tuple[int, int], float]:
    """How far beside the straight line the middle of each edge is drawn, in the unit of y: 0 to the next layer; a longer edge, which
    would run through the nodes between, bends by half a unit a layer that it passes, up from a source of odd number, down from an even.
    """
    layer_of = layers(graph)
    return {
        (source, target): (layer_of[target] - layer_of[source] - 1) / 2 * (1 if source % 2 else -1)
        for source, target in graph.edges
    }
