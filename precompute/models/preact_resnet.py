"""The pre-activation ResNet18 (He et al. 2016, arXiv 1603.05027) of any width, as Nakkiran et al. 2019 (arXiv 1912.02292) use it."""

from torch import Tensor, nn
from torch.nn import functional as F

from precompute.image_spec import PreActResNet18Spec
from precompute.models.cnn import start
from precompute.spec import CLASSES
from precompute.streams import stream


class Block(nn.Module):
    """Normalization, ReLU and a 3 x 3 convolution, twice, and a shortcut around both.

    Where the image halves or the channels change, the shortcut is a 1 x 1 convolution of what the first ReLU gives, else the block's
    input itself. Where the image halves, it is given every second place: a 1 x 1 convolution with a stride is the same, but with fewer
    than 8 channels (16 with AVX-512) oneDNN 3.12 writes past its memory in the backward pass of one on a CPU
    (github.com/uxlfoundation/oneDNN/issues/6035)."""

    def __init__(self, channels_in: int, channels: int, stride: int):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        changes = stride != 1 or channels_in != channels
        self.shortcut = nn.Conv2d(channels_in, channels, 1, bias=False) if changes else None
        self.stride = stride

    def forward(self, inputs: Tensor) -> Tensor:
        units = F.relu(self.norm1(inputs))
        carried = inputs if self.shortcut is None else self.shortcut(units[:, :, :: self.stride, :: self.stride])
        return self.conv2(F.relu(self.norm2(self.conv1(units)))) + carried


class PreActResNet18(nn.Module):
    """Input [examples, 3, side, side] -> logits [examples, classes]: a 3 x 3 convolution, four stages of two blocks with k, 2k, 4k and 8k
    channels, the mean over all places, a linear layer. As in the code that the paper names, nothing normalizes the last block's output.

    Start weights are torch's own defaults, drawn from a stream keyed by width and seed, and not by label noise or augmentation.
    """

    def __init__(self, spec: PreActResNet18Spec):
        super().__init__()
        self.stem = nn.Conv2d(3, spec.width, 3, padding=1, bias=False)
        blocks, channels = [], spec.width
        for stage, multiple in enumerate((1, 2, 4, 8)):
            for block in range(2):
                blocks.append(Block(channels, multiple * spec.width, 2 if stage and not block else 1))
                channels = multiple * spec.width
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Linear(channels, CLASSES)
        start(self, stream("init", "preact_resnet18", spec.width, spec.seed))

    def forward(self, inputs: Tensor) -> Tensor:
        features: Tensor = self.blocks(self.stem(inputs))
        return self.last(features.mean((2, 3)))
