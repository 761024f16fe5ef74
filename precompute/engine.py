"""How a card trains and what that costs: what `benchmark --device cuda` measured and chose on it, and until then what is stated here."""

import dataclasses
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_origin

from precompute.image_spec import ImageSpec
from precompute.spec import MLPSpec, Spec, StepsSpec

GROUP_SECONDS = 150.0
"""A group on a card is closed before its price passes this: so much is lost at most when a sitting is cut."""
MOST_BESIDE = 16
"""Networks beside each other: more fill no card better, and cost memory."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What is known of one card. The defaults are stated and not measured: a modest rate, and about twenty small kernels for a layer's
    share of a step."""

    device: str = ""
    """The card by its own name; empty where nothing was measured."""
    torch: str = ""
    """Version that it was measured with."""
    flops_per_second: float = 3e13
    """Rate of training's products in a network that fills the card."""
    seconds_per_layer: float = 1e-4
    """What a layer costs in a step beside its products: its kernels start one after the other."""
    way: str = ""
    """How small convolutional networks of one architecture train, one of precompute.training.beside.WAYS; empty for one by one."""
    beside_up_to: int = 0
    """Channels of the first convolution up to which they do."""
    processes: int = 1
    """Worker processes that share the card."""
    factors: dict[str, float] = field(default_factory=dict)
    """Study -> measured time of a step over the price of it."""
    figures: dict[str, dict[str, float]] = field(default_factory=dict)
    """What was measured, part by part: seconds, operations a second, or losses."""

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            kind = get_origin(each.type) or each.type
            if not isinstance(getattr(self, each.name), (int, float) if kind is float else kind):
                raise TypeError(f"{each.name} is {getattr(self, each.name)!r}")

    def way_of(self, spec: Spec) -> str:
        """How networks of this architecture train."""
        return self.way if isinstance(spec, ImageSpec) and spec.width <= self.beside_up_to else ""

    def key(self, spec: Spec, may_be_beside: bool) -> tuple:
        """Specifications with the same key may train in one group on this card."""
        return spec.beside_key if may_be_beside and self.way_of(spec) else spec.group_key

    def seconds(self, group: Sequence[Spec]) -> float:
        """The price of a group. Networks that take their steps together pay for the start of the kernels once."""
        flops = sum(spec.flops for spec in group)
        starts = [spec.updates * spec.layers for spec in group]
        one = group[0]
        together = isinstance(one, MLPSpec) or (isinstance(one, StepsSpec) and one.network == "mlp") or self.way_of(one)
        in_turn = max(starts) if together else sum(starts)
        price = flops / self.flops_per_second + in_turn * self.seconds_per_layer
        return price * self.factors.get(one.study, 1.0)

    def __str__(self) -> str:
        rate = f"{self.flops_per_second / 1e12:.0f} TFLOP/s, and {1e6 * self.seconds_per_layer:.0f} us a layer and step"
        if not self.device:
            return f"a card is priced at {rate}: stated, not measured (benchmark --device cuda measures one)"
        small = f"{self.way} up to width {self.beside_up_to}" if self.way else "one network after the other"
        return f"{self.device}, measured with torch {self.torch}: {rate}; {small}; processes: {self.processes}"


def read(path: Path) -> dict[str, Engine]:
    """Card -> what was measured of it; nothing where the file is missing. Raises ValueError for a file that is none of ours."""
    if not path.exists():
        return {}
    try:
        return {device: Engine(device=device, **told) for device, told in json.loads(path.read_text()).items()}
    except (TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{path} is no file of measured cards ({error}): move it away; benchmark --device cuda writes one"
        ) from None


def write(engine: Engine, path: Path) -> None:
    """Puts a card's engine in the file, beside those of others."""
    told = dataclasses.asdict(engine)
    others = {name: dataclasses.asdict(other) for name, other in read(path).items()} | {engine.device: told}
    for each in others.values():
        each.pop("device", None)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".tmp-{os.getpid()}")
    temporary.write_text(json.dumps(others, indent=2, sort_keys=True) + "\n")
    temporary.replace(path)
