"""Networks whose nodes are wired by a graph, after Xie et al. 2019 (arXiv 1904.01569, section 3)."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from precompute.graphs import Graph
from precompute.models.cnn import start
from precompute.spec import CLASSES
from precompute.streams import stream
from precompute.wiring_spec import WiringSpec

Part = int | tuple[int, int]
"""A node, or an edge (source, target)."""


class Node(nn.Module):
    """ReLU, a separable convolution (3 x 3 within each channel, then 1 x 1 across them), batch normalization."""

    def __init__(self, channels_in: int, channels: int, stride: int):
        super().__init__()
        self.within = nn.Conv2d(channels_in, channels_in, 3, stride, padding=1, groups=channels_in, bias=False)
        self.across = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, summed: Tensor) -> Tensor:
        return self.norm(self.across(self.within(F.relu(summed))))


class Stage(nn.Module):
    """Nodes 1 to n of a graph. Its input goes as it is to every source; its output is the mean of all sinks.

    Every other node takes the sum of what its edges bring, each times a weight of its own: the sigmoid of a learned scalar, 1/2 at the
    start.
    """

    def __init__(self, graph: Graph, channels_in: int, channels: int, stride: int):
        """The convolutions of the sources take `channels_in` and have the `stride`."""
        super().__init__()
        self.graph, self.channels, self.stride = graph, channels, stride
        sources = set(graph.sources)
        self.nodes = nn.ModuleList(
            Node(channels_in, channels, stride) if node in sources else Node(channels, channels, 1)
            for node in range(1, graph.nodes + 1)
        )
        self.raw = nn.Parameter(torch.zeros(len(graph.edges)))
        self._sinks = graph.sinks
        self._into: dict[int, list[tuple[int, int]]] = {node: [] for node in range(1, graph.nodes + 1)}
        for place, (source, target) in enumerate(graph.edges):
            self._into[target].append((place, source))

    @property
    def weights(self) -> Tensor:
        """Of the edges, in their order, between 0 and 1."""
        return torch.sigmoid(self.raw)

    def outputs(
        self, inputs: Tensor, without: Part | None = None, whole: Mapping[int, Tensor] | None = None
    ) -> dict[int, Tensor]:
        """What each node puts out, by number. What `without`, a node or an edge, would bring counts as zero; a node that is without is not
        in the answer. `whole`, the outputs with everything in place, spares the nodes that the missing part has no way to."""
        weights, made = self.weights.unbind(), {}
        changed = None
        if whole is not None and without is not None:
            changed = self.graph.reached_from(without if isinstance(without, int) else without[1])
        for node, edges in self._into.items():
            if node == without:
                continue
            if changed is not None and node not in changed:
                made[node] = whole[node]
                continue
            summed = None
            for place, source in edges:
                if source != without and (source, node) != without:
                    brought = weights[place] * made[source]
                    summed = brought if summed is None else summed + brought
            if not edges:
                summed = inputs
            elif summed is None:  # nothing is left that feeds it
                side = -(-inputs.shape[-1] // self.stride)
                summed = inputs.new_zeros(len(inputs), self.channels, side, side)
            made[node] = self.nodes[node - 1](summed)
        return made

    def answer(self, made: Mapping[int, Tensor]) -> Tensor:
        """The mean of all sinks, of which one that is not there counts as zero."""
        there = [made[node] for node in self._sinks if node in made]
        if not there:
            return torch.zeros_like(next(iter(made.values())))
        return sum(there[1:], start=there[0]) / len(self._sinks)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.answer(self.outputs(inputs))


class WiredNetwork(nn.Module):
    """Input [examples, 3, side, side] -> logits [examples, classes].

    A 3 x 3 convolution with batch normalization; three stages, of which the second and third halve the image in their first nodes; ReLU,
    the mean over all places, a linear layer. The paper's images are 224 x 224 and it halves them twice before the first stage and in
    every stage; ours are as small as its last two stages' from the start, so the first stage keeps their size. Its 1 x 1 convolution to
    1,280 channels before the last layer, which would have more weights than all stages of a small network, is left out.
    """

    def __init__(self, spec: WiringSpec):
        """Weights start as torch's own layers do, from a stream keyed by the size of the network and the seed, not by its graphs."""
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, spec.width, 3, padding=1, bias=False), nn.BatchNorm2d(spec.width))
        coming = (spec.width, *spec.channels[:-1])
        self.stages = nn.ModuleList(
            Stage(graph, before, channels, stride)
            for graph, before, channels, stride in zip(spec.graphs, coming, spec.channels, (1, 2, 2), strict=True)
        )
        self.last = nn.Linear(spec.channels[-1], CLASSES)
        start(self, stream("init", "wired", spec.nodes, spec.width, spec.params, spec.seed))

    def logits(self, features: Tensor) -> Tensor:
        """From the output of the last stage."""
        return self.last(F.relu(features).mean((2, 3)))

    def forward(self, inputs: Tensor) -> Tensor:
        features = self.stem(inputs)
        for stage in self.stages:
            features = stage(features)
        return self.logits(features)
