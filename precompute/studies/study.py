"""What a study declares."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from precompute.engine import GROUP_SECONDS, MOST_BESIDE, Engine
from precompute.spec import Spec

if TYPE_CHECKING:  # planning and building need no torch
    import torch

    from precompute.datasets import Dataset
    from precompute.training.run import Run

SIZES = ("full", "smoke")


@dataclass(frozen=True, kw_only=True)
class Study:
    """One grid of runs that speaks to a question."""

    name: str
    """question/grid."""
    question: str
    """Code of the question, one of the topic pages."""
    dataset: str
    """Repository on the Hugging Face Hub."""
    x_axis: str
    """The setting along the x axis of its maps."""
    spec: type[Spec]
    """The type of its specifications."""
    specs: Callable[[str], list[Spec]]
    """Size, one of SIZES -> every specification of the grid, first seeds first."""
    group_flops: float
    """A group is closed before its products pass this many floating-point operations: a few minutes of one core."""
    follow_up: Callable[[str, Mapping[str, Mapping]], list[Spec]] | None = None
    """Size and the runs of the study that came to an end, run_id -> row of a shard, -> the further specifications that follow from them, such
    as fresh seeds at the learning rate that the tuning runs chose. Asked again after they are trained, until it has nothing new."""
    needs_gpu: bool = False
    """Whether a CPU would take days: such a study trains on one only when it is named."""
    clock: str = "epoch"
    """What the evaluations count: epoch, time (of gradient flow), or end (there is one, where training ended)."""
    loss: str = "cross_entropy"
    """What the losses are: cross_entropy or squared_error."""
    train: "Callable[[Sequence[Spec], Dataset, torch.device], list[Run]]"
    """Trains one group."""
    group_decides: bool = False
    """Whether the group decides when its runs end. `train` then also takes `ends`, the steps (run_id -> step) at which runs ended before:
    to repeat one alone."""
    may_be_beside: bool = False
    """Whether its networks may train beside each other on a card. `train` then also takes the `way`, one of precompute.training.beside.WAYS."""

    def all_specs(self, size: str, finished: Mapping[str, Mapping]) -> list[Spec]:
        """The grid and what follows from the runs that are finished, each once. `finished` may hold runs of other studies.

        Nothing follows from a failed run: trained again it may say otherwise, and what had followed would be outside of the grid."""
        specs = self.specs(size)
        if self.follow_up is not None:
            ended = {
                run_id: row
                for run_id, row in finished.items()
                if row["study"] == self.name and row["status"] != "failed"
            }
            specs = list({spec.run_id: spec for spec in [*specs, *self.follow_up(size, ended)]}.values())
        return specs

    def groups(self, specs: Sequence[Spec], engine: Engine | None = None) -> list[list[Spec]]:
        """`specs` in groups that train together: seed by seed, within a seed the dearest first, so that workers end together.

        `engine` is of the card that they are to train on: there a group is as large as GROUP_SECONDS allow, and networks may train beside
        each other that would not on a CPU."""
        by_key: dict[tuple, list[Spec]] = {}
        for spec in specs:
            key = spec.group_key if engine is None else engine.key(spec, self.may_be_beside)
            by_key.setdefault(key, []).append(spec)
        groups = []
        for members in by_key.values():
            group: list[Spec] = []
            for spec in members:
                if group and self._is_full(group, spec, engine):
                    groups.append(group)
                    group = []
                group.append(spec)
            groups.append(group)
        return sorted(groups, key=lambda group: (group[0].seed, -flops_of(group)))

    def _is_full(self, group: Sequence[Spec], spec: Spec, engine: Engine | None) -> bool:
        """Whether `group` has no room for `spec`."""
        if engine is None or self.group_decides:
            return flops_of(group) + spec.flops > self.group_flops
        beside = self.may_be_beside and len(group) == MOST_BESIDE
        return beside or engine.seconds([*group, spec]) > GROUP_SECONDS


def trained_by(module: str) -> "Callable[[Sequence[Spec], Dataset, torch.device], list[Run]]":
    """`train` of the module of that name in precompute/training. It is imported when it is called: declaring a study needs no torch."""

    def train(*group: object, **settings: object) -> "list[Run]":
        return importlib.import_module(f"precompute.training.{module}").train(*group, **settings)

    return train


def flops_of(specs: Sequence[Spec]) -> float:
    """Floating-point operations of the products that training all of `specs` needs."""
    return sum(spec.flops for spec in specs)
