"""Normalizations of the channels of a convolution, and noise in their place or behind them."""

import torch
from torch import Tensor, nn

from precompute.image_spec import VGGSpec
from precompute.streams import stream

GROUPS = 8
"""Of channels. Wu & He 2018 (arXiv 1803.08494) take 32 of networks whose layers have 64 channels and more; here they have 16 and more."""
MOMENTUM, EPSILON = 0.1, 1e-5
"""As in torch.nn.BatchNorm2d."""
MEAN_SPREAD, SCALE_SPREAD, AROUND = 0.5, 1.25, 0.1
"""n_mu, n_sigma and r_mu = r_sigma of Santurkar et al. 2018 (arXiv 1805.11604, appendix A)."""


class PowerMeanNorm(nn.Module):
    """L_p normalization of Santurkar et al. 2018 (section 3.3), over examples and places of each channel: the mean is subtracted, and the
    result divided by the p-th power mean of the values as they were before, (mean |x|^p)^(1/p): the mean of |x| for p = 1, the largest
    |x| for p = infinity. A learned scale and shift follow.

    Nothing makes the deviation 1, as the constant of Hoffer et al. 2018 (sqrt(pi / 2) for p = 1) does for normal values around 0: what
    comes out bounds the p-th mean instead. Running means serve evaluation.
    """

    def __init__(self, channels: int, p: float):
        """Raises ValueError for a p that is neither 1 nor infinity."""
        super().__init__()
        if p not in (1, torch.inf):
            raise ValueError(f"no p {p}: it has to be 1 or infinity")
        self.p = p
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_size", torch.ones(channels))

    def forward(self, inputs: Tensor) -> Tensor:
        mean, size = self.running_mean, self.running_size
        if self.training:
            mean, sizes = inputs.mean((0, 2, 3)), inputs.abs()
            size = sizes.mean((0, 2, 3)) if self.p == 1 else sizes.amax((0, 2, 3))
            with torch.no_grad():
                self.running_mean.lerp_(mean, MOMENTUM)
                self.running_size.lerp_(size, MOMENTUM)
        factor = self.weight / (size + EPSILON)
        return inputs * factor[:, None, None] + (self.bias - mean * factor)[:, None, None]


class LayerNoise(nn.Module):
    """Noise of Santurkar et al. 2018 (algorithm 1) that gives a layer another distribution at every step: y = s x + m.

    At each step mu ~ U(-0.5, 0.5) and sigma ~ U(1, 1.25) for the layer, then m ~ U(mu - 0.1, mu + 0.1) and s ~ N(sigma, 0.1), the second
    number its deviation, for each example and unit. A unit of a convolution is a channel; the paper does not say what it is. In
    evaluation there is no noise but its mean, s = 1.125 and m = 0: the paper does not say either, and without it every layer would be
    fed values smaller than those it was trained on.
    """

    def __init__(self, draws: torch.Generator):
        """`draws` is the stream of this layer: of the run's own, and of nothing else."""
        super().__init__()
        self.draws = draws

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training:
            return inputs * ((1 + SCALE_SPREAD) / 2)
        mu, sigma = torch.rand(2, generator=self.draws)
        mu, sigma = MEAN_SPREAD * (2 * mu - 1), 1 + (SCALE_SPREAD - 1) * sigma
        mean = mu + AROUND * (2 * torch.rand(inputs.shape[:2], generator=self.draws) - 1)
        scale = sigma + AROUND * torch.randn(inputs.shape[:2], generator=self.draws)
        mean, scale = (each.to(inputs.device)[:, :, None, None] for each in (mean, scale))
        return inputs * scale + mean


def normalization(spec: VGGSpec, layer: int, channels: int) -> list[nn.Module]:
    """What stands between convolution `layer`, counted from 1, with `channels`, and its ReLU. Raises ValueError for an unknown norm.

    The stream of the noise is keyed by layer and seed, so that it is the same with and without batch normalization, and at every rate.
    """
    made: list[nn.Module] = []
    match spec.norm:
        case "batch" | "noisy_batch":
            made.append(nn.BatchNorm2d(channels))
        case "layer":
            made.append(nn.GroupNorm(1, channels))
        case "group":
            made.append(nn.GroupNorm(GROUPS, channels))
        case "l1" | "linf":
            made.append(PowerMeanNorm(channels, 1 if spec.norm == "l1" else torch.inf))
        case "none" | "noise":
            pass
        case _:
            raise ValueError(f"no norm {spec.norm!r}")
    if spec.norm in ("noise", "noisy_batch"):
        made.append(LayerNoise(stream("layer_noise", layer, spec.seed)))
    return made
