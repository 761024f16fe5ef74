"""The five-layer convolutional network of Nakkiran et al. 2019 (arXiv 1912.02292), as in their released model code."""

import math

import torch
from torch import Tensor, nn

from precompute.image_spec import CNNSpec
from precompute.models.activations import ActivationLayer
from precompute.spec import CLASSES
from precompute.streams import stream


def five_layer_cnn(spec: CNNSpec) -> nn.Sequential:
    """Input [examples, 3, side, side] -> logits [examples, classes].

    Convolutions 3 x 3 with biases to k, 2k, 4k and 8k channels, each followed by batch normalization (or none) and the activation;
    maxima over 2 x 2 after the second, third and fourth; the maximum over what is left; a linear layer. On 16 x 16 instead of the
    paper's 32 x 32 the last maximum is over 2 x 2 instead of 4 x 4, and the parameters are the same: 378 k^2 + 152 k + 10.

    Start weights are torch's own defaults, drawn from a stream keyed by width and seed, and not by label noise, activation or norm.
    Raises ValueError for an unknown norm.
    """
    if spec.norm not in ("batch", "none"):
        raise ValueError(f"no norm {spec.norm!r}")
    layers: list[nn.Module] = []
    channels = 3
    for layer, multiple in enumerate((1, 2, 4, 8)):
        layers.append(nn.Conv2d(channels, multiple * spec.width, 3, padding=1))
        if spec.norm == "batch":
            layers.append(nn.BatchNorm2d(multiple * spec.width))
        layers.append(ActivationLayer(spec.activation))
        if layer:
            layers.append(nn.MaxPool2d(2))
        channels = multiple * spec.width
    layers += [nn.MaxPool2d(spec.side // 8), nn.Flatten(), nn.Linear(channels, CLASSES)]
    network = nn.Sequential(*layers)
    start(network, stream("init", "five_layer_cnn", spec.width, spec.seed))
    return network


@torch.no_grad()
def start(network: nn.Module, generator: torch.Generator) -> None:
    """Draws weights and biases of convolutions and linear layers as torch.nn starts them, uniform within 1 / sqrt(fan in)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = 1 / math.sqrt(module.weight[0].numel())
            module.weight.uniform_(-bound, bound, generator=generator)
            if module.bias is not None:
                module.bias.uniform_(-bound, bound, generator=generator)


def images(flat: Tensor, side: int) -> Tensor:
    """Flat inputs [n, side * side * 3], colours last, as images [n, 3, side, side] in the channels_last layout; copies nothing."""
    return flat.view(len(flat), side, side, 3).permute(0, 3, 1, 2)
