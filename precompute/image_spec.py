"""What defines a run of a convolutional network that trains by itself on images."""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from precompute.spec import CLASSES, Spec


@dataclass(frozen=True, kw_only=True)
class ImageSpec(Spec):
    """A convolutional network trained by itself on a subset of an image data set."""

    dataset: str
    """Repository on the Hugging Face Hub, for example uoft-cs/cifar10."""
    side: int
    """Pixels along each side of the images: 32, or 16 after every 2 x 2 pixels are averaged."""
    n_train: int
    """Training examples. Validation takes as many, at most MOST_VALIDATION, from the rest of the training set."""
    label_noise: float
    """Probability with which a training label is replaced by a uniformly chosen wrong one, once, before training."""
    width: int
    """Channels of the first convolution."""
    optimizer: str
    """adam, sgd, or nesterov (sgd with Nesterov's momentum)."""
    lr: float
    """Learning rate at the start."""
    batch_size: int
    """Examples per step; the last, smaller batch of an epoch is trained on too."""
    epochs: int
    """Passes over the training set."""
    momentum: float = 0.0
    """Momentum of sgd and nesterov."""
    weight_decay: float = 0.0
    """Added to the gradient times the parameter, as torch.optim.SGD does it, for every parameter; not with adam."""
    schedule: str = "constant"
    """The learning rate along the steps: constant; cosine, half a wave down to zero; for example "tenth at 0.5 0.75", a tenth of it from
    each of these fractions of the training on; or for example "inverse_sqrt 512", divided by the root of 1 + floor(step / 512)."""
    augment: str = "none"
    """none, or crop_flip: a crop of the image with 4 pixels of zeros around it, or of its mirror image, drawn anew every epoch."""
    precision: str = "fp32"
    """fp32, or bf16: the products in bfloat16 on a GPU, with weights, batch normalization and loss in fp32. A CPU always takes fp32."""
    layer_measures: bool = False
    """Whether every layer is measured too, at the start and at each evaluation: the rows of the table `layers`."""
    evaluations: int = 36
    """Points of the logarithmic schedule of evaluations before equal ones are merged. On 4,000 images an evaluation is as much work as
    one and a half epochs."""

    @property
    def rate(self) -> float:
        """The learning rate that the optimizer starts with."""
        return self.lr

    @property
    def updates(self) -> int:
        """Steps of the optimizer."""
        return self.epochs * -(-self.n_train // self.batch_size)

    def _flops_of(self, first: int, later: int) -> float:
        """Training's products from the multiplications of one example in the first layer and in all later ones.

        Two a weight, place and example forward, two for its gradient, two for the gradient of the layer's input except at the first.
        """
        return float((4 * first + 6 * later) * self.n_train * self.epochs)

    @property
    def group_key(self) -> tuple:
        """Convolutions train one network at a time on a CPU: every run is a group of its own."""
        return (self.run_id, self.seed)

    @property
    def beside_key(self) -> tuple:
        """Specifications with the same key may train beside each other on a card: they differ in seed, label noise and rate alone."""
        apart = ("seed", "label_noise", "lr")
        return tuple(value for name, value in self.as_dict().items() if name not in apart)


@dataclass(frozen=True, kw_only=True)
class CNNSpec(ImageSpec):
    """The five-layer network of Nakkiran et al. 2019 (arXiv 1912.02292): four 3x3 convolutions of k, 2k, 4k and 8k channels, each with
    normalization and activation, and a linear layer. `width` is k."""

    activation: str = "relu"
    """Name of the activation function."""
    norm: str = "batch"
    """batch, or none."""

    @property
    def layers(self) -> int:
        """Four convolutions and a linear layer."""
        return 5

    @property
    def n_params(self) -> int:
        """Trainable scalars: 378 k^2 + 152 k + 10, biases of the convolutions and batch norm included; 30 k less without batch norm,
        and 4 more with PReLU, which has a slope for each layer."""
        k = self.width
        return 378 * k**2 + (152 if self.norm == "batch" else 122) * k + CLASSES + 4 * (self.activation == "prelu")

    @property
    def flops(self) -> float:
        """Floating-point operations of the products that training needs."""
        k, places = self.width, self.side**2
        later = (18 * places + 72 * places // 4 + 288 * places // 16) * k**2 + 8 * k * CLASSES
        return self._flops_of(27 * k * places, later)


@dataclass(frozen=True, kw_only=True)
class ResNetSpec(ImageSpec):
    """The network for CIFAR-10 of He et al. 2015 (arXiv 1512.03385, section 4.2): a 3x3 convolution, three stages of 2n of them with c,
    2c and 4c channels, and a linear layer. `width` is c, 16 in the paper."""

    depth: int
    """Layers with weights, 6n + 2."""
    architecture: str
    """residual: a shortcut over each two convolutions. plain: none; everything else is the same, the parameters too."""

    @property
    def blocks(self) -> int:
        """n, the pairs of convolutions in each stage. Raises ValueError for a depth that is not 6n + 2."""
        n, rest = divmod(self.depth - 2, 6)
        if rest or n < 1:
            raise ValueError(f"no depth {self.depth}: it has to be 6n + 2")
        return n

    @property
    def layers(self) -> int:
        """All with weights."""
        return self.depth

    def _weights(self) -> tuple[int, int, int]:
        """Of the convolutions of the three stages."""
        c, n = self.width, self.blocks
        return 2 * n * 9 * c**2, (18 + (2 * n - 1) * 36) * c**2, (72 + (2 * n - 1) * 144) * c**2

    @property
    def n_params(self) -> int:
        """Trainable scalars: convolutions without biases, two numbers a channel of each batch norm, the linear layer. Shortcuts have
        none."""
        c, n = self.width, self.blocks
        return 27 * c + sum(self._weights()) + 2 * c + 2 * n * 14 * c + CLASSES * (4 * c + 1)

    @property
    def flops(self) -> float:
        """Floating-point operations of the products that training needs."""
        places = self.side**2
        first, second, third = self._weights()
        later = first * places + second * (places // 4) + third * (places // 16) + 4 * self.width * CLASSES
        return self._flops_of(27 * self.width * places, later)


class VGGLayout(NamedTuple):
    """What a VGG-like network is made of."""

    channels: tuple[int, ...]
    """Of each 3x3 convolution, in units of `width`."""
    halved_after: tuple[int, ...]
    """The convolutions, counted from 1, that maxima over 2 x 2 follow."""
    hidden: int
    """Linear ReLU layers, as wide as the last convolution, before the last layer."""


VGG_LAYOUTS = {
    "small": VGGLayout((1, 1, 2, 2, 4, 4, 4, 4), (2, 4, 6, 8), hidden=0),
    "a": VGGLayout((1, 2, 4, 4, 8, 8, 8, 8), (1, 2, 4, 6, 8), hidden=2),
}
"""a is configuration A of Simonyan & Zisserman 2014 (arXiv 1409.1556) at a width of 64, with linear layers of 512 for images of 32 x 32."""


@dataclass(frozen=True, kw_only=True)
class VGGSpec(ImageSpec):
    """A chain of 3x3 convolutions, each with normalization and ReLU, and linear layers without it. `width` is the channels of the first."""

    norm: str
    """none, batch, layer, group, l1, linf, noisy_batch (noise behind batch normalization) or noise (the same without a normalization): see
    precompute/models/normalization.py."""
    layout: str = "small"
    """One of VGG_LAYOUTS."""
    reference_batch: int = 0
    """Where it is not 0: `lr` is the rate at this batch size, and at others the rate is in proportion to the batch size (Goyal et al.
    2017, arXiv 1706.02677)."""
    probes: int = 0
    """Points of the logarithmic schedule of probed steps before equal ones are merged: the rows of the tables `probes` and `shifts`."""

    @property
    def rate(self) -> float:
        """The learning rate that the optimizer starts with."""
        return self.lr * self.batch_size / self.reference_batch if self.reference_batch else self.lr

    @property
    def layers(self) -> int:
        """All with weights."""
        return len(self.channels) + VGG_LAYOUTS[self.layout].hidden + 1

    @property
    def channels(self) -> list[int]:
        """Of each convolution."""
        return [self.width * multiple for multiple in VGG_LAYOUTS[self.layout].channels]

    @property
    def n_params(self) -> int:
        """Trainable scalars: convolutions and linear layers with biases, two numbers a channel of a normalization. 9,750,922 in
        configuration A without one."""
        channels, hidden = self.channels, VGG_LAYOUTS[self.layout].hidden
        convolutions = sum(9 * before * after + after for before, after in pairwise([3, *channels]))
        last = channels[-1]
        scales_and_shifts = 0 if self.norm in ("none", "noise") else 2 * sum(channels)
        return convolutions + scales_and_shifts + hidden * (last**2 + last) + CLASSES * (last + 1)

    @property
    def flops(self) -> float:
        """Floating-point operations of the products that training needs."""
        layout, channels, places = VGG_LAYOUTS[self.layout], self.channels, self.side**2
        first, later = 27 * channels[0] * places, 0
        for number, (before, after) in enumerate(pairwise(channels), start=1):
            places //= 4 if number in layout.halved_after else 1
            later += 9 * before * after * places
        later += layout.hidden * channels[-1] ** 2 + CLASSES * channels[-1]
        return self._flops_of(first, later)


@dataclass(frozen=True, kw_only=True)
class PreActResNet18Spec(ImageSpec):
    """The pre-activation ResNet18 of He et al. 2016 (arXiv 1603.05027) with k, 2k, 4k and 8k channels, as Nakkiran et al. 2019 (arXiv
    1912.02292, appendix B.1) scale it. `width` is k, 64 in the usual one."""

    @property
    def layers(self) -> int:
        """All with weights but those of the shortcuts."""
        return 18

    @property
    def n_params(self) -> int:
        """Trainable scalars: 2724 k^2 + 213 k + 10."""
        return 2724 * self.width**2 + 213 * self.width + CLASSES

    @property
    def flops(self) -> float:
        """Floating-point operations of the products that training needs."""
        k, places = self.width, self.side**2
        later = (36 * places + 128 * places // 4 + 512 * places // 16 + 2048 * places // 64) * k**2 + 8 * k * CLASSES
        return self._flops_of(27 * k * places, later)
