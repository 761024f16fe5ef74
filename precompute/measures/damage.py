"""What a trained network loses when one of its parts is taken out, without training it again (Veit et al. 2016, arXiv 1605.06431)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from precompute.measures.finite import finite
from precompute.models.resnet import CifarResNet

CHUNK = 1000  # examples at once


@torch.no_grad()
def without_each_block(
    network: CifarResNet, inputs: Tensor, labels: Tensor
) -> list[dict[str, float | int | str | None]]:
    """Rows of the table `damage`, without their run, for every block of a residual or plain network.

    A block that is taken out passes on what its shortcut carries, also in a plain network, which has no shortcuts. Running statistics
    stay those of the whole network. What comes before the block is computed once for all that come after it.
    """
    network.eval()
    losses = torch.zeros(len(network.blocks), dtype=torch.float64, device=inputs.device)
    right = torch.zeros(len(network.blocks), dtype=torch.int64, device=inputs.device)
    for images, truth in zip(inputs.split(CHUNK), labels.split(CHUNK), strict=True):
        features = network.stem(images)
        for number, block in enumerate(network.blocks):
            rest = block.carried(features)
            for later in network.blocks[number + 1 :]:
                rest = later(rest)
            logits = network.answer(rest)
            losses[number] += F.cross_entropy(logits.double(), truth, reduction="sum")
            right[number] += (logits.argmax(1) == truth).sum()
            features = block(features)
    losses = (losses / len(labels)).tolist()
    return [
        {"kind": "block", "stage": 1 + 3 * index // len(losses), "part": 1 + index, "target": None}
        | {"test_loss": finite(loss), "test_correct": correct}
        for index, (loss, correct) in enumerate(zip(losses, right.tolist(), strict=True))
    ]
