"""The residual network for CIFAR-10 of He et al. 2015 (arXiv 1512.03385, section 4.2), and the same without its shortcuts."""

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from precompute.image_spec import ResNetSpec
from precompute.models.activations import ActivationLayer
from precompute.models.cnn import start
from precompute.spec import CLASSES
from precompute.streams import stream


class Block(nn.Module):
    """Two 3 x 3 convolutions, each with batch normalization, ReLU after the first and after the sum with the shortcut."""

    def __init__(self, channels_in: int, channels: int, shortcut: bool):
        """The image halves where the channels double. Modules are registered in the order in which they compute."""
        super().__init__()
        self.stride, self.more, self.shortcut = channels // channels_in, channels - channels_in, shortcut
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=self.stride, padding=1, bias=False)
        self.norm1, self.relu1 = nn.BatchNorm2d(channels), ActivationLayer("relu")
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2, self.relu2 = nn.BatchNorm2d(channels), ActivationLayer("relu")

    def carried(self, inputs: Tensor) -> Tensor:
        """What the shortcut carries, option A of the paper: `inputs` themselves, or every second pixel of them and channels of zeros.

        In a plain network nothing is added; there it is what stands in for the block when it is taken out.
        """
        if not self.more:
            return inputs
        return F.pad(inputs[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.more))

    def forward(self, inputs: Tensor) -> Tensor:
        made = self.norm2(self.conv2(self.relu1(self.norm1(self.conv1(inputs)))))
        return self.relu2(made + self.carried(inputs) if self.shortcut else made)


class CifarResNet(nn.Module):
    """Input [examples, 3, side, side] -> logits [examples, classes], in `spec.depth` layers with weights."""

    def __init__(self, spec: ResNetSpec):
        """Raises ValueError for an unknown architecture, or a depth that is not 6n + 2.

        Weights start as He et al. 2015 (arXiv 1502.01852, equation 10) have it, normal with variance 2 / fan in, where fan in is 9 times
        the channels that come in (the paper allows fan out as well); the last layer as torch's own, since theirs is not told.
        The stream is keyed by depth, width and seed, so that a plain network starts as the residual one does.
        """
        super().__init__()
        if spec.architecture not in ("plain", "residual"):
            raise ValueError(f"no architecture {spec.architecture!r}")
        c, shortcut = spec.width, spec.architecture == "residual"
        channels = [c] * (spec.blocks + 1) + [2 * c] * spec.blocks + [4 * c] * spec.blocks
        self.stem = nn.Sequential(nn.Conv2d(3, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), ActivationLayer("relu"))
        self.blocks = nn.ModuleList(Block(before, after, shortcut) for before, after in itertools.pairwise(channels))
        self.last = nn.Linear(4 * c, CLASSES)
        generator = stream("init", "cifar_resnet", spec.depth, spec.width, spec.seed)
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.Conv2d):
                    module.weight.normal_(0, math.sqrt(2 / module.weight[0].numel()), generator=generator)
        start(self.last, generator)

    def answer(self, features: Tensor) -> Tensor:
        """Logits of what the last block made: the mean over all places, and the linear layer."""
        return self.last(features.mean((2, 3)))

    def forward(self, inputs: Tensor) -> Tensor:
        features = self.stem(inputs)
        for block in self.blocks:
            features = block(features)
        return self.answer(features)
