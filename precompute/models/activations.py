"""The activation functions by name: one table for all networks."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SATURATED = 0.01
"""Of the largest slope: below it a function counts as saturated."""


class Activation(NamedTuple):
    """A function of one number, applied to each element."""

    function: Callable[..., Tensor]
    """f(x); with a learned slope f(x, slopes), as torch.nn.functional.prelu takes them: one slope, or one for each place along
    dimension 1 of x."""
    largest_slope: float
    """The largest |f'(x)| over all x."""
    learned_slope: float | None = None
    """Start of the slope for x < 0, where it is learned: one for each layer."""


ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": Activation(torch.sigmoid, 0.25),
    "tanh": Activation(torch.tanh, 1.0),
    "softsign": Activation(F.softsign, 1.0),
    "softplus": Activation(F.softplus, 1.0),
    "relu": Activation(F.relu, 1.0),
    "leaky_relu": Activation(F.leaky_relu, 1.0),  # slope 0.01
    "prelu": Activation(F.prelu, 1.0, learned_slope=0.25),
    "elu": Activation(F.elu, 1.0),
    "selu": Activation(F.selu, 1.7580993408473766),  # at 0 from below: scale * alpha
    "gelu": Activation(F.gelu, 1.1289041451851547),  # the exact one; largest at sqrt(2)
    "silu": Activation(F.silu, 1.099839320128867),
    "mish": Activation(F.mish, 1.0884981612517277),
    "hardtanh": Activation(F.hardtanh, 1.0),
    "identity": Activation(lambda x: x, 1.0),
    "cosx_x": Activation(lambda x: torch.cos(x) - x, 2.0),
}
"""cosx_x is cos(x) - x, the oddest of the functions that Ramachandran et al. 2017 (arXiv 1710.05941) found by search."""


def slope(activation: Activation, x: Tensor, *slopes: Tensor) -> Tensor:
    """f'(x) by PyTorch's own differentiation."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        return torch.autograd.grad(activation.function(x, *slopes).sum(), x)[0]


class ActivationLayer(nn.Module):
    """A function of the table as a module, with its slope where that is learned."""

    def __init__(self, name: str):
        super().__init__()
        self.activation = ACTIVATIONS[name]
        learned = self.activation.learned_slope
        self.slope = None if learned is None else nn.Parameter(torch.tensor([learned]))

    def forward(self, x: Tensor) -> Tensor:
        return self.activation.function(x, *([] if self.slope is None else [self.slope]))
