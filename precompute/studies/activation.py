"""Activation functions: why the sigmoid was given up, and why ReLU works although its units die.

Sources: Glorot & Bengio 2010; Krizhevsky et al. 2012; Clevert et al. 2015 (arXiv 1511.07289); Ramachandran et al. 2017 (arXiv 1710.05941);
Lu et al. 2019 (arXiv 1903.06733). The convolutional network is in activation_cnn.py.
"""

from collections.abc import Mapping

from precompute.spec import BornDeadSpec, MLPSpec
from precompute.studies.activation_cnn import FUNCTIONS
from precompute.studies.study import Study, trained_by
from precompute.studies.tuning import FRESH_SEEDS, TUNING_SEEDS, at_chosen_rates

DEPTHS = (1, 2, 4, 8, 16, 32)
STARTS = ("xavier", "he")
RATES = tuple(2.0**power for power in range(-9, 0))
BORN_DEAD_WIDTHS = (2, 3, 4, 5, 8, 10, 16)
BORN_DEAD_DEPTHS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50)


def _tuning(size: str) -> list[MLPSpec]:
    """Every function at every learning rate, depth and start, for the choice of the rate.

    After Glorot & Bengio 2010, who train 1 to 5 hidden layers of 1,000 units with sigmoid, tanh and softsign, with tuned rates. Ours are
    64 units, up to 32 layers and more functions, on 10,000 images of MNIST; SGD with momentum 0.9, batch 100, 10 epochs at a constant
    rate. The uniform start within Glorot's bound is their "normalized initialization"; biases start at zero. All functions have the same start
    weights, and the two starts differ by a factor a layer.
    """
    full = size == "full"
    return [
        MLPSpec(
            study="activation/mnist_mlp",
            seed=seed,
            dataset="ylecun/mnist",
            n_train=10_000 if full else 500,
            label_noise=0.0,
            width=64 if full else 8,
            depth=depth,
            activation=function,
            start=start,
            optimizer="sgd",
            momentum=0.9,
            lr=rate,
            batch_size=100 if full else 50,
            epochs=10 if full else 3,
            evaluations=6 if full else 2,
        )
        for seed in (TUNING_SEEDS if full else TUNING_SEEDS[:1])
        for depth in (DEPTHS if full else (1, 3))
        for function in (FUNCTIONS if full else ("sigmoid", "relu"))
        for start in (STARTS if full else STARTS[:1])
        for rate in (RATES if full else (2.0**-6, 2.0**-3))
    ]


def _at_the_chosen_rate(size: str, finished: Mapping[str, Mapping]) -> list[MLPSpec]:
    """Five fresh seeds of every function, depth and start at the rate that its tuning runs chose, with their layers."""
    fresh = FRESH_SEEDS if size == "full" else FRESH_SEEDS[:1]
    return at_chosen_rates(_tuning(size), finished, fresh, layer_measures=True)


def _born_dead(size: str) -> list[BornDeadSpec]:
    """After Lu et al. 2019: ReLU networks of one input, He-started with zero biases, of which some are constant before training. Their
    bound from above on the share is 1 - (1 - 2^-width)^(depth - 1).

    20,000 networks of each width, the same ones cut at each depth. What counts as dead, and why it is decided exactly, is in
    precompute/training/born_dead.py."""
    full = size == "full"
    return [
        BornDeadSpec(study="activation/born_dead", seed=0, nets=20_000 if full else 500, width=width, depth=depth)
        for width in (BORN_DEAD_WIDTHS if full else (2, 4))
        for depth in (BORN_DEAD_DEPTHS if full else (2, 5, 10))
    ]


MNIST_MLP = Study(
    name="activation/mnist_mlp",
    question="activation",
    dataset="ylecun/mnist",
    x_axis="lr",
    spec=MLPSpec,
    specs=_tuning,
    follow_up=_at_the_chosen_rate,
    group_flops=2e12,
    train=trained_by("grouped"),
)
BORN_DEAD = Study(
    name="activation/born_dead",
    question="activation",
    dataset="none",
    x_axis="depth",
    spec=BornDeadSpec,
    specs=_born_dead,
    clock="end",
    group_flops=1e15,
    train=trained_by("born_dead"),
)
ALL = (MNIST_MLP, BORN_DEAD)
