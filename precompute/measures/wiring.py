"""What is measured of a trained network that a graph wires: its edge weights, and what it loses without each node and each edge."""

import torch
from torch import Tensor
from torch.nn import functional as F

from precompute.measures.finite import finite
from precompute.models.wired import Part, WiredNetwork

DAMAGE_EXAMPLES = 2000
"""The first so many test images. A network has a hundred parts and more, and all 10,000 images without each of them would cost more than
its training."""
CHUNK = 250  # examples at once on a CPU, as few as stay in the cache with the outputs of all nodes


@torch.no_grad()
def edge_weights(network: WiredNetwork) -> list[dict[str, int | float]]:
    """Rows of the table `edge_weights`, without their run."""
    return [
        {"stage": number, "source": source, "target": target, "weight": weight}
        for number, stage in enumerate(network.stages, start=1)
        for (source, target), weight in zip(stage.graph.edges, stage.weights.tolist(), strict=True)
    ]


@torch.no_grad()
def without_each_node_and_edge(
    network: WiredNetwork, inputs: Tensor, labels: Tensor
) -> list[dict[str, float | int | str | None]]:
    """Rows of the table `damage`, without their run: first the whole network (kind none), then stage by stage every node and edge.

    All on the first DAMAGE_EXAMPLES of the test set (inputs and labels). What a missing part would bring counts as zero, in the sums of
    nodes and in the mean of the output node alike: the other weights stay as they are, nothing is divided anew, and batch normalization
    keeps the statistics of the whole network. A node that nothing feeds any more still puts out what its batch normalization makes of
    zero. Of a network without a part only what the part had a way to is computed again.
    """
    network.eval()
    inputs, labels = inputs[:DAMAGE_EXAMPLES], labels[:DAMAGE_EXAMPLES]
    places: list[tuple[int, Part | None]] = [(0, None)]
    for number, stage in enumerate(network.stages, start=1):
        places += [(number, node) for node in range(1, stage.graph.nodes + 1)]
        places += [(number, edge) for edge in stage.graph.edges]
    losses = torch.zeros(len(places), dtype=torch.float64, device=inputs.device)
    right = torch.zeros(len(places), dtype=torch.int64, device=inputs.device)
    chunk = CHUNK if inputs.device.type == "cpu" else DAMAGE_EXAMPLES
    for images, truth in zip(inputs.split(chunk), labels.split(chunk), strict=True):
        features, fed, whole = network.stem(images), [], []
        for stage in network.stages:
            fed.append(features)
            whole.append(stage.outputs(features))
            features = stage.answer(whole[-1])
        for index, (number, part) in enumerate(places):
            rest = features
            if part is not None:
                stage = network.stages[number - 1]
                rest = stage.answer(stage.outputs(fed[number - 1], part, whole[number - 1]))
                for later in network.stages[number:]:
                    rest = later(rest)
            logits = network.logits(rest)
            losses[index] += F.cross_entropy(logits.double(), truth, reduction="sum")
            right[index] += (logits.argmax(1) == truth).sum()
    rows = []
    for (number, part), loss, correct in zip(places, (losses / len(labels)).tolist(), right.tolist(), strict=True):
        told = {"kind": "none", "stage": 0, "part": 0, "target": None}
        if isinstance(part, int):
            told = {"kind": "node", "stage": number, "part": part, "target": None}
        elif part is not None:
            told = {"kind": "edge", "stage": number, "part": part[0], "target": part[1]}
        rows.append(told | {"test_loss": finite(loss), "test_correct": correct, "n_test": len(labels)})
    return rows
