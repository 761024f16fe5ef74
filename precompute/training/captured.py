"""The updates of a training: called one by one on a CPU, captured in a CUDA graph and replayed on a card.

The step is the same function on both. It takes no arguments and reads and writes tensors that stay in their places: the places of the
batch in the training set, the parameters, the state of the optimizer, the learning rate, the count of steps. Nothing in it may wait for
the device. So what runs on a card is what the tests run on a CPU, but for the replay.
"""

import gc
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

WARM_UP = 3
"""Steps that a card makes before one is captured: they allocate, choose kernels and create the state of the optimizer. They are steps of
the training like all others."""


def captures(device: torch.device) -> bool:
    """Whether steps are captured on `device`."""
    return device.type == "cuda"


def set_numerics(device: torch.device) -> None:
    """Products of fp32 numbers in fp32 and not in TF32, and the same kernels in every process: what `engine_on` tells."""
    if device.type == "cuda":
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = False


def give_memory_back(device: torch.device) -> None:
    """The memory of trainings that have ended: what captured steps hold goes with them, and they refer to themselves."""
    if device.type == "cuda":
        gc.collect()
        torch.cuda.empty_cache()


def engine_on(device: torch.device, how: str, captured: bool) -> str:
    """What the column `engine` says of networks that trained `how`."""
    if device.type != "cuda":
        return f"{how}, {torch.get_num_threads()} thread"
    on = torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32
    return f"{how}, {'captured' if captured else 'not captured'}, TF32 {'on' if on else 'off'}"


class Captured:
    """`step`, which is called; with `capture` from the fourth time on the CUDA graph of it is replayed instead."""

    def __init__(self, step: Callable[[], None], capture: bool):
        self.step, self.capture, self.calls = step, capture, 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.aside = torch.cuda.Stream() if capture else None
        """Where the first steps are made, as capturing asks for it."""

    def __call__(self) -> None:
        if not self.capture:
            self.step()
        elif self.calls < WARM_UP:
            self._warm_up()
        else:
            if self.graph is None:
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph):  # records the step, and makes none
                    self.step()
                self.graph = graph
            self.graph.replay()
        self.calls += 1

    def _warm_up(self) -> None:
        self.aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.aside):
            self.step()
        torch.cuda.current_stream().wait_stream(self.aside)


class Steps:
    """The updates of networks that train together, and at which of them a loss was not finite."""

    def __init__(
        self,
        update: Callable[[Tensor], Tensor],
        not_finite_at: Tensor,
        *,
        capture: bool,
        made: int = 0,
    ):
        """`update` takes the places of a batch in the training set, [..., batch], and gives the losses [networks] before the update.
        `not_finite_at` [networks] are the steps whose loss was not finite, -1 for none so far; `made` steps are made already."""
        self.update, self.not_finite_at, self.capture, self.made = update, not_finite_at, capture, made
        self._count = torch.full((), made, device=not_finite_at.device)
        self._by_size: dict[torch.Size, tuple[Tensor, Captured]] = {}

    def __call__(self, batch: Tensor) -> None:
        """One update on the examples at the places `batch`. The last, smaller batch of an epoch has a graph of its own."""
        if batch.shape not in self._by_size:
            places = torch.empty_like(batch, device=self.not_finite_at.device)
            self._by_size[batch.shape] = places, Captured(lambda: self._step(places), self.capture)
        places, step = self._by_size[batch.shape]
        places.copy_(batch)
        step()
        self.made += 1

    def _step(self, places: Tensor) -> None:
        losses = self.update(places)
        self._count += 1
        lost = (self.not_finite_at < 0) & ~losses.isfinite()
        self.not_finite_at.copy_(torch.where(lost, self._count, self.not_finite_at))


def none_lost(networks: int, device: torch.device) -> Tensor:
    """`not_finite_at` of networks before their first step."""
    return torch.full((networks,), -1, device=device)


def rate_on(device: torch.device, rate: float) -> float | Tensor:
    """A learning rate as an optimizer takes it: on a card a tensor, which a graph reads anew at every replay."""
    return torch.tensor(rate, device=device) if captures(device) else rate


def set_rates(optimizer: torch.optim.Optimizer, rates: Sequence[float]) -> None:
    """The learning rate of each of its groups of parameters, from the next step on."""
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        if not isinstance(group["lr"], Tensor):
            group["lr"] = rate
        elif group.get("written") != rate:  # most steps have the rate of the one before
            group["lr"].fill_(rate)
            group["written"] = rate
