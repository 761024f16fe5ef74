"""CUDA graphs in small, on a CPU: what a captured step does is recorded operation by operation, and replayed on the same tensors.

As on a card, a replay sees only what lies in the tensors: a number that Python held when the step was captured stays as it was, and a
tensor that is new in every step is not the one that was captured. What would wait for the device, or draw numbers from a generator, is
refused while capturing.
"""

import contextlib

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "equal", "is_nonzero")
DRAWS = ("rand", "uniform", "normal", "bernoulli", "random", "dropout")


class RecordedGraph(TorchDispatchMode):
    """Takes the place of torch.cuda.CUDAGraph."""

    made: "list[RecordedGraph]"
    """All that were made."""

    def __init__(self):
        super().__init__()
        self.operations, self.replays = [], 0
        self.made.append(self)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name in WAITS or any(word in name for word in DRAWS if "batch_norm" not in name):
            raise RuntimeError(f"{name} cannot be captured")
        out = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, out))
        return out

    @torch.no_grad()
    def replay(self) -> None:
        """The first time there is nothing to do: here, unlike on a card, the step was made while it was captured."""
        self.replays += 1
        if self.replays == 1:
            return
        for func, args, kwargs, out in self.operations:
            for held, new in zip(tree_leaves(out), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(held, torch.Tensor) and held.untyped_storage()._cdata != new.untyped_storage()._cdata:
                    held.copy_(new)


class NoStream:
    """Takes the place of torch.cuda.Stream."""

    def wait_stream(self, other: "NoStream") -> None:
        """Everything is in order already."""


def install(monkeypatch) -> list[RecordedGraph]:
    """From here on a CPU captures as a card does; the graphs that it makes."""
    from precompute.training import beside, captured, grouped, single, stacked, to_target

    monkeypatch.setattr(RecordedGraph, "made", [], raising=False)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", RecordedGraph)
    monkeypatch.setattr(torch.cuda, "graph", lambda graph: graph)
    monkeypatch.setattr(torch.cuda, "Stream", NoStream)
    monkeypatch.setattr(torch.cuda, "current_stream", NoStream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    for module in (beside, captured, grouped, single, stacked, to_target):
        monkeypatch.setattr(module, "captures", lambda device: True)
    return RecordedGraph.made
