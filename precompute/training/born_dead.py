"""Counts networks that are dead before they are trained (Lu et al. 2019, arXiv 1903.06733)."""

import time
from collections.abc import Sequence

import torch

from precompute.datasets import Dataset
from precompute.spec import BornDeadSpec
from precompute.streams import stream
from precompute.training.run import Run


def train(specs: Sequence[BornDeadSpec], dataset: Dataset, device: torch.device) -> list[Run]:
    """Counts for all of `specs`, which share their `group_key`: the deeper networks are the shallower ones with layers put on top."""
    if len({spec.group_key for spec in specs}) != 1:
        raise ValueError("specifications of a group share the width, the number of networks and the seed")
    begun, one = time.perf_counter(), specs[0]
    dead = dead_by_depth(one.nets, one.width, max(spec.depth for spec in specs), one.seed)
    seconds_per_flop = (time.perf_counter() - begun) / sum(spec.flops for spec in specs)
    return [
        Run(
            spec,
            status="complete",
            n_params=spec.n_params,
            flops=spec.flops,
            wall_s=seconds_per_flop * spec.flops,
            engine="all networks of a width together",
            precision="fp64",
            counts=[{"quantity": "born_dead", "value": dead[spec.depth], "trials": spec.nets}],
        )
        for spec in specs
    ]


def dead_by_depth(nets: int, width: int, depth: int, seed: int) -> dict[int, int]:
    """How many of `nets` ReLU networks of each depth from 2 to `depth` have a constant output, exactly.

    One input, depth - 1 hidden layers of `width` units and one linear output; weights normal with variance 2 / fan-in (He et al. 2015), biases
    zero. Such a network f is positively homogeneous: f(x) = x f(1) for x > 0 and |x| f(-1) for x < 0. So it is constant on the whole line
    just when f(1) = f(-1) = 0; and that, but for a set of weights of probability zero, just when the last hidden layer is zero at both.
    No grid of inputs is needed, and nothing is missed between its points.
    """
    draws = stream("born_dead", width, seed)  # layer by layer, so that a deeper network begins as a shallower one
    units = torch.tensor([[1.0, -1.0]], dtype=torch.float64).expand(nets, 1, 2)
    dead = {}
    for layers in range(2, depth + 1):
        weights = torch.randn(nets, width, units.shape[1], generator=draws).double() * (2 / units.shape[1]) ** 0.5
        units = torch.relu(weights @ units)
        dead[layers] = int((units == 0).all(2).all(1).sum())
    return dead
