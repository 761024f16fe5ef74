"""Which steps of a training are probed, and what was found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from precompute.image_spec import ImageSpec
from precompute.measures.landscape import probe
from precompute.spec import DeepLinearSpec
from precompute.training.run import evaluation_epochs

ALONG_IMAGES = (0.5, 1.0, 2.0, 4.0)
ALONG_LINEAR = (0.01, 0.1, 1.0, 3.0, 10.0, 30.0)
"""Moves along the gradient in units of the learning rate at the start: from the first to the last is the range of Santurkar et al. 2018."""
LONGEST = 0.4
"""Times the gradient: the longest move with images, as in the paper, whose network without normalization diverges beyond."""


@dataclass
class Probes:
    """The log-spaced steps of one run that are probed, and their rows of the tables `probes` and `shifts`."""

    steps: set[int]
    """Numbers of updates, counted from 1; a step is probed before it is made."""
    distances: Sequence[float]
    rows: list[dict] = field(default_factory=list)
    shifts: list[dict] = field(default_factory=list)

    @classmethod
    def of_images(cls, spec: ImageSpec, steps: int) -> "Probes":
        """None for a specification that has no probes. The moves are the same all along the training, also where its rate decays.

        Raises ValueError where a step would not be one of plain gradient descent: then the layers would move otherwise than probed.
        """
        points = getattr(spec, "probes", 0)
        if points and (spec.optimizer != "sgd" or spec.momentum or spec.weight_decay):
            raise ValueError("probes are of plain SGD, without momentum and weight decay")
        distances = sorted({min(times * spec.rate, LONGEST) for times in ALONG_IMAGES})
        return cls(set(evaluation_epochs(steps, points)) if points else set(), distances)

    @classmethod
    def of_linear(cls, spec: DeepLinearSpec) -> "Probes":
        return cls(set(evaluation_epochs(spec.epochs, spec.probes)), [times * spec.lr for times in ALONG_LINEAR])

    def before(self, step: int, network: nn.Module, loss: Callable[[], Tensor], rate: float) -> None:
        """Probes the step of number `step` before it is made with `rate` on the batch of `loss`, if it is one of `steps`."""
        if step in self.steps:
            row, shifts = probe(network, loss, rate, self.distances)
            self.rows.append({"step": step} | row)
            self.shifts += [{"step": step} | each for each in shifts]
