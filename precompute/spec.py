"""What defines a run, and the name that follows from it."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass

CLASSES = 10
INPUTS = {"ylecun/mnist": 28 * 28, "uoft-cs/cifar10": 3 * 32 * 32}
"""Numbers in one image of a data set."""
TEST_IMAGES = 10_000
MOST_VALIDATION = 5000
"""Validation takes as many images as training does, at most this many."""

# With sizes that are multiples of 16 every product and update runs through the same kernel whatever stands beside it, so a
# run's bits do not depend on its group (a test holds this).
PADDING = 16


def padded(size: int) -> int:
    """`size` rounded up to a multiple of PADDING."""
    return -(-size // PADDING) * PADDING


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One model trained once. Subclasses add a study's settings as typed fields with defaults where a field came later."""

    study: str
    """Name of the study, question/grid."""
    seed: int
    """Keys the subset of the data, the noisy labels, the start weights and the order of examples."""
    recipe: int = 1
    """Raised by hand when the mathematics of training changes, so that older runs no longer count as the same."""

    @property
    def run_id(self) -> str:
        """First 16 hex digits of sha256 over study, recipe and all fields that differ from their default.

        A new field with a default therefore leaves the ids of older runs as they were.
        """
        told = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name in ("study", "recipe") or getattr(self, field.name) != field.default
        }
        return hashlib.sha256(canonical_json(told).encode()).hexdigest()[:16]

    def settings(self) -> dict[str, int | float | str]:
        """All fields that make up the configuration: everything but study, recipe and seed."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("study", "recipe", "seed")
        }

    def as_dict(self) -> dict[str, int | float | str]:
        """Every field by name; `type(spec)(**spec.as_dict()) == spec`."""
        return dataclasses.asdict(self)


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces; floats as the shortest text that reads back the same, NaN refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, kw_only=True)
class MLPSpec(Spec):
    """A fully connected network trained on a subset of an image data set."""

    dataset: str
    """Repository on the Hugging Face Hub, for example ylecun/mnist."""
    n_train: int
    """Training examples. Validation takes as many, at most MOST_VALIDATION, from the rest of the training set."""
    label_noise: float
    """Probability with which a training label is replaced by a uniformly chosen wrong one, once, before training."""
    width: int
    """Units in each hidden layer."""
    optimizer: str
    """adam or sgd."""
    lr: float
    """Learning rate."""
    batch_size: int
    """Examples per step; the last, smaller batch of an epoch is trained on too."""
    epochs: int
    """Passes over the training set."""
    depth: int = 1
    """Hidden layers."""
    activation: str = "relu"
    """Name of the activation function."""
    weight_decay: float = 0.0
    """Decoupled weight decay (Loshchilov & Hutter 2019), per step and multiplied by the learning rate."""
    momentum: float = 0.0
    """Heavy-ball momentum of sgd."""

    @property
    def inputs(self) -> int:
        """Numbers in one example."""
        return INPUTS[self.dataset]

    @property
    def padded_width(self) -> int:
        """`width` rounded up to a multiple of PADDING. Padded units have no weights in or out and their activation is 0."""
        return padded(self.width)

    @property
    def n_params(self) -> int:
        """Trainable scalars, padding left out: 795 * width + 10 for one hidden layer on MNIST."""
        hidden = self.width * (self.inputs + 1) + (self.depth - 1) * self.width * (self.width + 1)
        return hidden + CLASSES * (self.width + 1)

    @property
    def flops(self) -> float:
        """Floating-point operations of the products that training needs, padding left out.

        Two a weight and example forward, two for its gradient, two for the gradient of the layer's input except at the first.
        """
        first, later = self.inputs * self.width, (self.depth - 1) * self.width**2 + CLASSES * self.width
        return float((4 * first + 6 * later) * self.n_train * self.epochs)

    @property
    def group_key(self) -> tuple:
        """Specifications with the same key see the same minibatches and have the same shapes: they train together."""
        same_batches = (self.dataset, self.n_train, self.seed, self.batch_size, self.epochs)
        return (*same_batches, self.depth, self.activation, self.padded_width, self.optimizer, self.momentum)


@dataclass(frozen=True, kw_only=True)
class CNNSpec(Spec):
    """The five-layer network of Nakkiran et al. 2019 (arXiv 1912.02292) on a subset of an image data set: four 3x3 convolutions
    of k, 2k, 4k and 8k channels, each with batch normalization and ReLU, and a linear layer."""

    dataset: str
    """Repository on the Hugging Face Hub, for example uoft-cs/cifar10."""
    side: int
    """Pixels along each side of the images: 32, or 16 after every 2 x 2 pixels are averaged."""
    n_train: int
    """Training examples. Validation takes as many, at most MOST_VALIDATION, from the rest of the training set."""
    label_noise: float
    """Probability with which a training label is replaced by a uniformly chosen wrong one, once, before training."""
    width: int
    """k, the channels of the first convolution."""
    optimizer: str
    """adam."""
    lr: float
    """Learning rate."""
    batch_size: int
    """Examples per step; the last, smaller batch of an epoch is trained on too."""
    epochs: int
    """Passes over the training set."""

    @property
    def n_params(self) -> int:
        """Trainable scalars: 378 k^2 + 152 k + 10, biases of the convolutions and batch norm included."""
        return 378 * self.width**2 + 152 * self.width + CLASSES

    @property
    def flops(self) -> float:
        """Floating-point operations of the products that training needs.

        Two a weight, place and example forward, two for its gradient, two for the gradient of the layer's input except at the first.
        """
        k, places = self.width, self.side**2
        first = 27 * k * places
        later = (18 * places + 72 * places // 4 + 288 * places // 16) * k**2 + 8 * k * CLASSES
        return float((4 * first + 6 * later) * self.n_train * self.epochs)

    @property
    def group_key(self) -> tuple:
        """Convolutions train one network at a time on a CPU: every run is a group of its own."""
        return (self.run_id, self.seed)


@dataclass(frozen=True, kw_only=True)
class RandomFeaturesSpec(Spec):
    """A linear readout of random ReLU features, trained by gradient flow on the squared error, in closed form."""

    dataset: str
    """Repository on the Hugging Face Hub."""
    n_train: int
    """Training examples. Validation takes as many, at most MOST_VALIDATION, from the rest of the training set."""
    label_noise: float
    """Probability with which a training label is replaced by a uniformly chosen wrong one, once, before training."""
    features: int
    """Random features, which are never trained; the readout has one weight a feature and class."""
    epochs: int
    """The last time. Time is counted in steps of full-batch gradient descent of rate 1 in the limit of small steps: time t is where
    t / r steps of a small rate r end."""

    @property
    def n_params(self) -> int:
        """Trainable scalars: the readout, without a bias."""
        return CLASSES * self.features

    @property
    def flops(self) -> float:
        """Floating-point operations, roughly: the features of all images, one singular value decomposition, one product with the
        images that are predicted."""
        n, predicted = self.n_train, self.n_train + min(self.n_train, MOST_VALIDATION) + TEST_IMAGES
        rank = min(n, self.features)
        return float(2 * predicted * self.features * (INPUTS[self.dataset] + rank) + 10 * n * self.features * rank)

    @property
    def group_key(self) -> tuple:
        """Runs of one key share their images and features; those that differ in label noise alone share the decomposition too."""
        return (self.dataset, self.n_train, self.seed, self.epochs)
