"""What defines a run of a network whose stages are wired by a graph."""

import functools
from dataclasses import dataclass

from precompute.graphs import Graph, draw, is_random
from precompute.image_spec import ImageSpec
from precompute.spec import CLASSES

STAGES = 3


@dataclass(frozen=True, kw_only=True)
class WiringSpec(ImageSpec):
    """A network of three stages of nodes that a graph wires (Xie et al. 2019, arXiv 1904.01569); see precompute/models/wired.py.

    `width` is the channels of the first convolution. The stages have channels as 1 to 2 to 4, as many as bring the trainable scalars
    nearest to `params`: a node that is fed from the stage before has fewer weights than others, and graphs differ in how many are.
    """

    family: str
    """er, ba, ws, chain, residual_chain or complete: see precompute/graphs.py."""
    graph: int
    """Number of the graphs within their family; a family without chance has the number 0 only."""
    nodes: int
    """Of each stage."""
    params: int
    """Trainable scalars to come nearest to."""
    links: int = 0
    """ba: edges that each new node brings (M). ws: nearest nodes on the ring that each node is linked to (K)."""
    p: float = 0.0
    """er: probability of each link (P). ws: probability that a link is rewired (P)."""

    @property
    def random(self) -> bool:
        """Whether the graphs of its family differ."""
        return is_random(self.family, self.p)

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """Of the stages, each drawn for itself."""
        return tuple(
            draw(self.family, self.links, self.p, self.nodes, self.graph, stage) for stage in range(1, STAGES + 1)
        )

    @property
    def channels(self) -> tuple[int, ...]:
        """Of the stages."""
        return _channels(self.graphs, self.width, self.params)

    @property
    def layers(self) -> int:
        """The stem, the linear layer, two convolutions a node, and a third of a layer for what an edge multiplies and adds."""
        return 2 + sum(2 * graph.nodes + len(graph.edges) // 3 for graph in self.graphs)

    @property
    def n_params(self) -> int:
        """Trainable scalars: convolutions without biases, two numbers a channel of each batch norm, a weight an edge, the linear layer."""
        return _n_params(self.graphs, self.width, self.channels)

    @property
    def flops(self) -> float:
        """Floating-point operations of the products of the convolutions that training needs; the sums over edges are left out."""
        later, coming, places = 10 * self.channels[-1], self.width, self.side**2
        for stage, (graph, channels) in enumerate(zip(self.graphs, self.channels, strict=True)):
            places = -(-places // 4) if stage else places
            fed = len(graph.sources)
            later += places * (fed * coming * (9 + channels) + (graph.nodes - fed) * channels * (9 + channels))
            coming = channels
        return self._flops_of(27 * self.width * self.side**2, later)


def _n_params(graphs: tuple[Graph, ...], width: int, channels: tuple[int, ...]) -> int:
    count, coming = 27 * width + 2 * width, width
    for graph, own in zip(graphs, channels, strict=True):
        fed = len(graph.sources)
        count += fed * coming * (9 + own) + (graph.nodes - fed) * own * (9 + own) + 2 * graph.nodes * own
        count += len(graph.edges)
        coming = own
    return count + CLASSES * (coming + 1)


@functools.cache
def _channels(graphs: tuple[Graph, ...], width: int, params: int) -> tuple[int, ...]:
    """c, 2c and 4c for a c in fortieths, each rounded: the three then grow one at a time, and the scalars in small steps."""

    def of(fortieths: int) -> tuple[int, ...]:
        return tuple((2**stage * fortieths + 20) // 40 for stage in range(STAGES))

    fortieths = 20  # one channel in the first stage
    while _n_params(graphs, width, of(fortieths)) < params:
        fortieths += 1
    around = (of(max(fortieths - 1, 20)), of(fortieths))
    return min(around, key=lambda channels: abs(_n_params(graphs, width, channels) - params))
