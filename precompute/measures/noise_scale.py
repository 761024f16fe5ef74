"""The gradient noise scale of McCandlish et al. 2018 (arXiv 1812.06162, appendix A.1), from gradients of two batch sizes."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

SMALL, LARGE = 64, 4096


class Differentiable(Protocol):
    """Networks that see the same examples."""

    def gradients(self, inputs: Tensor, labels: Tensor) -> list[Tensor]:
        """Of the mean loss of each network, in any layout."""

    def squared_norms(self, gradients: Sequence[Tensor]) -> Tensor:
        """[networks] squared Euclidean norms of what `gradients` gives, or of a sum of such."""


def two_batch(small_squared: Tensor, large_squared: Tensor, small: int, large: int) -> tuple[Tensor, Tensor]:
    """|G|^2 and tr(Sigma) from the squared norms of gradients of batches of two sizes, each unbiased.

    G is the gradient of the mean loss over all examples and Sigma the covariance of the gradient of one. A gradient of B examples has an
    expected squared norm of |G|^2 + tr(Sigma) / B; two sizes give two equations. The estimate of |G|^2 may be negative. B_simple is
    tr(Sigma) / |G|^2: average both over measurements before dividing, since a quotient of estimates is not unbiased.
    """
    gradient = (large * large_squared - small * small_squared) / (large - small)
    trace = (small_squared - large_squared) / (1 / small - 1 / large)
    return gradient, trace


def noise_scale(
    networks: Differentiable,
    inputs: Tensor,
    labels: Tensor,
    generator: torch.Generator,
    small: int = SMALL,
    large: int = LARGE,
) -> tuple[list[float], list[float]]:
    """Estimates of |G|^2 and tr(Sigma) for each network on the training set `inputs`, `labels`.

    `large` examples are drawn with replacement, so that batches are independent draws from the training set, and cut into batches of
    `small`. The small squared norm is the mean over those; the large one is that of their mean.
    """
    drawn = torch.randint(0, len(labels), (large,), generator=generator).to(labels.device)
    total: list[Tensor] = []
    squares = torch.zeros((), dtype=torch.float64, device=labels.device)
    parts = drawn.split(small)
    for part in parts:
        gradients = networks.gradients(inputs.index_select(0, part), labels.index_select(0, part))
        squares = squares + networks.squared_norms(gradients).double()
        if total:
            for added, gradient in zip(total, gradients, strict=True):
                added.add_(gradient)
        else:
            total = [gradient.clone() for gradient in gradients]
    of_sum = networks.squared_norms(total).double()
    gradient, trace = two_batch(squares / len(parts), of_sum / len(parts) ** 2, small, large)
    return gradient.tolist(), trace.tolist()
