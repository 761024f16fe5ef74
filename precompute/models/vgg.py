"""VGG-like networks (Simonyan & Zisserman 2014, arXiv 1409.1556) for small images, with a normalization of choice."""

import itertools
import math

import torch
from torch import nn

from precompute.image_spec import VGG_LAYOUTS, VGGSpec
from precompute.models.activations import ActivationLayer
from precompute.models.cnn import start
from precompute.models.normalization import normalization
from precompute.spec import CLASSES
from precompute.streams import stream


def vgg(spec: VGGSpec) -> nn.Sequential:
    """Input [examples, 3, side, side] -> logits [examples, classes].

    3 x 3 convolutions with biases, each followed by its normalization and ReLU; maxima over 2 x 2 until one place is left; linear layers.
    The weights of the convolutions start as He et al. 2015 (arXiv 1502.01852, equation 10) have it, normal with variance 2 / fan in, those
    of hidden linear layers likewise, biases at 0, and the last layer as torch's own. The stream is keyed by layout, width and seed, so
    that networks which differ in their normalization alone start alike.

    Raises ValueError for an unknown layout or norm, or images that are not halved to one place.
    """
    if spec.layout not in VGG_LAYOUTS:
        raise ValueError(f"no layout {spec.layout!r}")
    layout, channels = VGG_LAYOUTS[spec.layout], spec.channels
    if spec.side != 2 ** len(layout.halved_after):
        raise ValueError(
            f"layout {spec.layout!r} is for images of {2 ** len(layout.halved_after)} pixels, not {spec.side}"
        )
    layers: list[nn.Module] = []
    for number, (before, after) in enumerate(itertools.pairwise([3, *channels]), start=1):
        layers += [nn.Conv2d(before, after, 3, padding=1), *normalization(spec, number, after), ActivationLayer("relu")]
        if number in layout.halved_after:
            layers.append(nn.MaxPool2d(2))
    layers.append(nn.Flatten())
    for _ in range(layout.hidden):
        layers += [nn.Linear(channels[-1], channels[-1]), ActivationLayer("relu")]
    last = nn.Linear(channels[-1], CLASSES)
    network, generator = nn.Sequential(*layers, last), stream("init", "vgg", spec.layout, spec.width, spec.seed)
    with torch.no_grad():
        for module in layers:
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.weight.normal_(0, math.sqrt(2 / module.weight[0].numel()), generator=generator)
                module.bias.zero_()
    start(last, generator)
    return network
