"""Measuring a network in the middle of its training, without a trace."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from precompute.models.normalization import LayerNoise


@contextlib.contextmanager
def untouched(network: nn.Module) -> Iterator[None]:
    """Gives parameters, running statistics, the streams of the noise and the mode of `network` back as they were, bit for bit."""
    tensors = [*(each.data for each in network.parameters()), *network.buffers()]
    before, noise, mode = [each.clone() for each in tensors], noise_of(network), network.training
    try:
        yield
    finally:
        with torch.no_grad():
            for each, was in zip(tensors, before, strict=True):
                each.copy_(was)
        set_noise(network, noise)
        network.train(mode)


def noise_of(network: nn.Module) -> list[Tensor]:
    """Where the streams of the noise stand: what the next step will draw."""
    return [module.draws.get_state() for module in network.modules() if isinstance(module, LayerNoise)]


def set_noise(network: nn.Module, noise: list[Tensor]) -> None:
    """Takes the streams back to where they stood."""
    modules = (module for module in network.modules() if isinstance(module, LayerNoise))
    for module, state in zip(modules, noise, strict=True):
        module.draws.set_state(state)
