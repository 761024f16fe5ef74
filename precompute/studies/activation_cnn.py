"""Activation functions in a small convolutional network, with and without batch normalization."""

from collections.abc import Mapping

from precompute.image_spec import CNNSpec
from precompute.studies.study import Study, trained_by
from precompute.studies.tuning import FRESH_SEEDS, TUNING_SEEDS, at_chosen_rates

NAME = "activation/cifar10_cnn_small"
FUNCTIONS = (
    "sigmoid", "tanh", "softsign", "softplus", "relu", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish", "hardtanh",
    "identity", "cosx_x",
)  # fmt: skip
RATES = tuple(2.0**power for power in (-10, -8, -6, -4, -2, 0))
"""A factor 4 apart, the same for all functions."""


def _tuning(size: str) -> list[CNNSpec]:
    """The five-layer network of Nakkiran et al. 2019, k = 8, on 5,000 images of CIFAR-10 averaged to 16 x 16: every function at every
    rate, with and without batch normalization, for the choice of the rate. No paper compares the functions in this network.

    SGD with momentum 0.9, batch 128, 30 epochs at a constant rate, start weights as PyTorch's own layers have them, the same for every
    function.
    """
    full = size == "full"
    return [
        CNNSpec(
            study=NAME,
            seed=seed,
            dataset="uoft-cs/cifar10",
            side=16,
            n_train=5000 if full else 128,
            label_noise=0.0,
            width=8 if full else 2,
            activation=function,
            norm=norm,
            optimizer="sgd",
            momentum=0.9,
            lr=rate,
            batch_size=128 if full else 32,
            epochs=30 if full else 2,
            evaluations=4 if full else 2,
        )
        for seed in TUNING_SEEDS
        for function in (FUNCTIONS if full else ("sigmoid", "relu"))
        for norm in ("none", "batch")
        for rate in (RATES if full else (2.0**-6, 2.0**-4))
    ]


def _at_the_chosen_rate(size: str, finished: Mapping[str, Mapping]) -> list[CNNSpec]:
    """Five fresh seeds of every function and norm at the rate that its tuning runs chose, evaluated more often and with their layers."""
    full = size == "full"
    fresh = FRESH_SEEDS if full else FRESH_SEEDS[:1]
    return at_chosen_rates(_tuning(size), finished, fresh, layer_measures=True, evaluations=20 if full else 2)


CIFAR10_CNN_SMALL = Study(
    name=NAME,
    question="activation",
    dataset="uoft-cs/cifar10",
    x_axis="lr",
    spec=CNNSpec,
    specs=_tuning,
    follow_up=_at_the_chosen_rate,
    group_flops=1e12,
    train=trained_by("single"),
)
ALL = (CIFAR10_CNN_SMALL,)
