"""What defines a run, and the name that follows from it."""

import dataclasses
import hashlib
import json
import math
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

    @property
    def updates(self) -> float:
        """Steps of the optimizer, as far as they are known before; 0 where there are none."""
        return 0

    @property
    def layers(self) -> int:
        """Layers that a step passes one after the other: what a step costs on a card beside its products goes by them. 0 where there are no
        steps."""
        return 0

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
    """adam, sgd, or nesterov (sgd with Nesterov's momentum)."""
    lr: float
    """Learning rate."""
    batch_size: int
    """Examples per step; the last, smaller batch of an epoch is trained on too."""
    epochs: int
    """Passes over the training set."""
    depth: int = 1
    """Hidden layers."""
    activation: str = "relu"
    """Name of the activation function: see precompute/models/activations.py."""
    weight_decay: float = 0.0
    """Decoupled weight decay (Loshchilov & Hutter 2019), per step and multiplied by the learning rate."""
    momentum: float = 0.0
    """Momentum of sgd and nesterov."""
    start: str = "torch"
    """How the weights start: torch, as torch.nn.Linear does; xavier or he, uniform within Glorot's or He's bound, with biases of zero."""
    residual: int = 0
    """Hidden layers that an identity shortcut spans; 0 for a plain network. See GroupedMLP."""
    norm: str = "none"
    """none, or batch: batch normalization of each hidden layer's output before its activation."""
    layer_measures: bool = False
    """Whether every layer is measured too, at the start and at each evaluation: the rows of the table `layers`."""
    evaluations: int = 72
    """Points of the logarithmic schedule of evaluations before equal ones are merged."""

    @property
    def inputs(self) -> int:
        """Numbers in one example."""
        return INPUTS[self.dataset]

    @property
    def updates(self) -> int:
        """Steps of the optimizer."""
        return self.epochs * -(-self.n_train // self.batch_size)

    @property
    def layers(self) -> int:
        """The hidden ones and the last."""
        return self.depth + 1

    @property
    def padded_width(self) -> int:
        """`width` rounded up to a multiple of PADDING. Padded units have no weights in or out and their activation is 0."""
        return padded(self.width)

    @property
    def n_params(self) -> int:
        """Trainable scalars, padding left out: 795 * width + 10 for one hidden layer on MNIST. A shortcut has none."""
        hidden = self.width * (self.inputs + 1) + (self.depth - 1) * self.width * (self.width + 1)
        scales_and_shifts = 2 * self.width * self.depth if self.norm == "batch" else 0
        slopes = self.depth if self.activation == "prelu" else 0
        return hidden + CLASSES * (self.width + 1) + scales_and_shifts + slopes

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
        same_network = (self.depth, self.activation, self.padded_width, self.residual, self.norm)
        return (*same_batches, *same_network, self.optimizer, self.momentum, self.layer_measures, self.evaluations)


@dataclass(frozen=True, kw_only=True)
class DeepLinearSpec(Spec):
    """A chain of square matrices that learns one: the deep linear network of Santurkar et al. 2018 (arXiv 1805.11604), by gradient descent
    on all examples at once. It minimises the mean over the examples x of |W_depth ... W_1 x - A x|^2; x and A are standard normal."""

    n_train: int
    """Examples."""
    width: int
    """Numbers in an example, and rows and columns of every matrix."""
    depth: int
    """Matrices."""
    norm: str
    """none, or batch: batch normalization over all examples behind every matrix but the last."""
    lr: float
    """Learning rate, constant."""
    epochs: int
    """Steps; each is a pass over all examples."""
    probes: int
    """Points of the logarithmic schedule of probed steps before equal ones are merged."""

    @property
    def n_params(self) -> int:
        """Trainable scalars."""
        return self.depth * self.width**2 + (2 * (self.depth - 1) * self.width if self.norm == "batch" else 0)

    @property
    def flops(self) -> float:
        """What `plan` prices: matrices this small cost about ten times their products."""
        return float(60 * self.depth * self.width**2 * self.n_train * self.epochs)

    @property
    def group_key(self) -> tuple:
        """Each is trained by itself."""
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


PATIENCE = 3
"""Times the steps of the first learning rate that reaches the last target: so long its group goes on. See precompute/training/to_target.py."""


@dataclass(frozen=True, kw_only=True)
class StepsSpec(Spec):
    """A network trained on MNIST with batches of exactly `batch_size`, for a budget of steps or passes, or to a validation error.

    `mlp` has one hidden ReLU layer of `width` units. `simple_cnn` is the Simple CNN of Shallue et al. 2019 without its dropout: two 5x5
    convolutions of `width` and twice as many channels, each with ReLU and a maximum over 2 x 2, a ReLU layer of 32 times as many units
    and a linear layer.
    """

    dataset: str
    """Repository on the Hugging Face Hub, of 28 x 28 pixels in one channel."""
    n_train: int
    """Training examples. Validation takes as many, at most MOST_VALIDATION, from the rest of the training set."""
    width: int
    """Units of the hidden layer; channels of the first convolution."""
    optimizer: str
    """adam, sgd, or nesterov (sgd with Nesterov's momentum)."""
    lr: float
    """Learning rate, constant."""
    batch_size: int
    """Examples per step, in every step."""
    steps: int = 0
    """At most this many optimizer updates; 0 where `epochs` says how long."""
    epochs: int = 0
    """In the place of `steps`: as many updates as come nearest to this many passes over the training set."""
    last_target: float = 0.0
    """Validation error, a fraction, that ends the run once it is reached; 0 for none."""
    momentum: float = 0.0
    """Momentum of sgd and nesterov."""
    network: str = "mlp"
    """mlp, or simple_cnn."""

    @property
    def targets(self) -> tuple[float, ...]:
        """The validation errors for which the steps are stored, the last and hardest first: 3, 3.5, 4, 5 and 7% for a `last_target` of 3%."""
        return tuple(round(self.last_target * part / 6, 6) for part in (6, 7, 8, 10, 14)) if self.last_target else ()

    @property
    def most_steps(self) -> int:
        """At most this many optimizer updates."""
        return self.steps or max(1, round(self.epochs * self.n_train / self.batch_size))

    @property
    def n_params(self) -> int:
        """Trainable scalars: 50,890 for an mlp of width 64, 821,706 for a simple_cnn of width 16."""
        if self.network == "mlp":
            return self.width * (INPUTS[self.dataset] + 1) + CLASSES * (self.width + 1)
        w, dense = self.width, 32 * self.width
        return 26 * w + 2 * w * (25 * w + 1) + dense * (7 * 7 * 2 * w + 1) + CLASSES * (dense + 1)

    @property
    def example_flops(self) -> float:
        """Floating-point operations of the products that training needs for one example.

        Two a weight and place forward, two for its gradient, two for the gradient of the layer's input except at the first.
        """
        if self.network == "mlp":
            return float(4 * INPUTS[self.dataset] * self.width + 6 * CLASSES * self.width)
        w, dense = self.width, 32 * self.width
        return float(4 * 28**2 * 25 * w + 6 * (14**2 * 50 * w**2 + 7 * 7 * 2 * w * dense + CLASSES * dense))

    @property
    def expected_steps(self) -> float:
        """All steps without a target. With one, a guess, since the steps are what is to be found out: a floor and a part that falls with
        the batch size, fitted to a pilot of the 3% target for mlp, and to the published curve for simple_cnn. At most `steps`."""
        if not self.last_target:
            return self.most_steps
        floor, examples = EXPECTED_STEPS[self.network]
        return min(self.most_steps, floor + examples / self.batch_size)

    @property
    def updates(self) -> float:
        """The expected steps."""
        return self.expected_steps

    @property
    def layers(self) -> int:
        """All with weights."""
        return 2 if self.network == "mlp" else 4

    @property
    def flops(self) -> float:
        """What `plan` prices: the products of the expected steps, those of the evaluations (14 on the validation set for every doubling of
        the steps from 16 on, with a target, and one on everything), and for a fully connected network what a step costs beside them, in
        the products that take as long. The row of a finished run has the products of the steps that it took, as elsewhere."""
        steps, forward = self.expected_steps, self.example_flops / 2
        evaluations = 14 * max(1.0, math.log2(steps / 16)) if self.last_target else 0.0
        evaluated = (1 + evaluations) * min(self.n_train, MOST_VALIDATION) + self.n_train + TEST_IMAGES
        fixed = STEP_COST if self.network == "mlp" else 0.0
        return steps * (self.batch_size * self.example_flops + fixed) + evaluated * forward

    @property
    def group_key(self) -> tuple:
        """All learning rates of one optimizer, batch size and seed: they see the same batches, and decide together when to stop."""
        budget = (self.batch_size, self.steps, self.epochs, self.last_target)
        return (self.dataset, self.n_train, self.seed, *budget, self.network, self.width, self.optimizer, self.momentum)


EXPECTED_STEPS = {"mlp": (1200, 270_000), "simple_cnn": (800, 400_000)}
STEP_COST = 7e6
"""Measured: with ten rates a step of a small batch takes 1 ms of one core, in which large batches reach 70 GFLOP/s."""


@dataclass(frozen=True, kw_only=True)
class BornDeadSpec(Spec):
    """Random ReLU networks of one input and one output, of which is counted how many are constant before training."""

    nets: int
    """Networks drawn."""
    width: int
    """Units in each hidden layer."""
    depth: int
    """Layers with weights: one more than hidden layers."""

    @property
    def n_params(self) -> int:
        """Scalars of one network, the biases (zero here) included."""
        return 2 * self.width + (self.depth - 2) * self.width * (self.width + 1) + self.width + 1

    @property
    def flops(self) -> float:
        """What `plan` prices: drawing a weight takes as long as some 200 operations of a matrix product. The networks of a width are
        drawn once for all depths, so all but the deepest are counted too often."""
        return float(200 * self.nets * self.width * (2 + (self.depth - 2) * self.width))

    @property
    def group_key(self) -> tuple:
        """All depths of a width are the same networks, cut at different layers."""
        return (self.nets, self.width, self.seed)
