"""The activation functions as plain formulas, with their slopes: the app draws them and holds no torch."""

import math
from collections.abc import Callable
from typing import NamedTuple

LEAK = 0.01  # slope of leaky ReLU for x < 0
PRELU_START = 0.25  # of PReLU's slope, which is learned
SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717  # Klambauer et al. 2017


class Formula(NamedTuple):
    """A function of one number and its derivative. At a bend the derivative is that of the side towards 0 or below it, as in PyTorch."""

    f: Callable[[float], float]
    slope: Callable[[float], float]


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _normal(x: float) -> float:
    """The distribution function of the standard normal."""
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def _density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _leaky(slope: float) -> Formula:
    return Formula(lambda x: x if x > 0 else slope * x, lambda x: 1.0 if x > 0 else slope)


def _mish_slope(x: float) -> float:
    tanh = math.tanh(_softplus(x))
    return tanh + x * (1 - tanh * tanh) * _sigmoid(x)


FORMULAS: dict[str, Formula] = {
    "sigmoid": Formula(_sigmoid, lambda x: _sigmoid(x) * _sigmoid(-x)),
    "tanh": Formula(math.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "softsign": Formula(lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    "hardtanh": Formula(lambda x: max(-1.0, min(1.0, x)), lambda x: 1.0 if -1 < x < 1 else 0.0),
    "relu": _leaky(0.0),
    "leaky_relu": _leaky(LEAK),
    "prelu": _leaky(PRELU_START),
    "elu": Formula(lambda x: x if x > 0 else math.expm1(x), lambda x: 1.0 if x > 0 else math.exp(x)),
    "selu": Formula(
        lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * math.expm1(x)),
        lambda x: SELU_SCALE * (1.0 if x > 0 else SELU_ALPHA * math.exp(x)),
    ),
    "softplus": Formula(_softplus, _sigmoid),
    "gelu": Formula(lambda x: x * _normal(x), lambda x: _normal(x) + x * _density(x)),
    "silu": Formula(lambda x: x * _sigmoid(x), lambda x: _sigmoid(x) * (1 + x * _sigmoid(-x))),
    "mish": Formula(lambda x: x * math.tanh(_softplus(x)), _mish_slope),
    "identity": Formula(lambda x: x, lambda x: 1.0),
    "cosx_x": Formula(lambda x: math.cos(x) - x, lambda x: -math.sin(x) - 1),
}


def born_dead_bound(width: int, layers: int) -> float:
    """Lu et al. 2019 (arXiv 1903.06733): from above, the chance that a ReLU network of one input, zero biases and a symmetric start is
    constant; `layers` are those with weights. 1 − (1 − 2^−N)^(L−1), exact for small chances too."""
    return -math.expm1((layers - 1) * math.log1p(-(2.0**-width)))
