"""One map of a study, as arrays: what every function of this package reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from precompute.spec import Spec

MEASURED = ("train_error", "val_error", "test_error", "train_loss", "val_loss", "test_loss", "memorized")


@dataclass(frozen=True)
class MapGrid:
    """The complete runs of one map: W values of the x axis, E evaluated epochs, S seeds.

    Arrays are float64 [W, E, S]. A run that is missing, failed or diverged is NaN at every epoch, so that a mean is
    over the same complete runs at each epoch. Errors and `memorized` are fractions, losses nats. A measure that does
    not exist (`memorized` without label noise, validation without a validation set) is NaN throughout.

    Raises ValueError on wrong shapes, axes that do not increase, repeated seeds, infinite values, and on a run with a
    measure at some epochs only.
    """

    settings: Mapping[str, object]
    """What all configurations of the map share, for example {"label_noise": 0.2}."""
    xs: np.ndarray
    """[W] value of the x axis, for example the width in units; increasing."""
    n_params: np.ndarray
    """[W] trainable scalars at each x."""
    epochs: np.ndarray
    """[E] evaluated epochs, counted from 1; increasing."""
    seeds: np.ndarray
    """[S] seeds."""
    train_error: np.ndarray
    val_error: np.ndarray
    test_error: np.ndarray
    train_loss: np.ndarray
    val_loss: np.ndarray
    test_loss: np.ndarray
    memorized: np.ndarray

    def __post_init__(self) -> None:
        for axis in ("xs", "epochs"):
            if np.any(np.diff(getattr(self, axis)) <= 0):
                raise ValueError(f"{axis} must increase")
        if len(np.unique(self.seeds)) != len(self.seeds):
            raise ValueError("a seed is there twice")
        if np.shape(self.n_params) != np.shape(self.xs):
            raise ValueError("n_params must have one value for each x")
        shape = (len(self.xs), len(self.epochs), len(self.seeds))
        for name in MEASURED:
            values = getattr(self, name)
            if values.shape != shape:
                raise ValueError(f"{name} has shape {values.shape}, not {shape}")
            if np.isinf(values).any():
                raise ValueError(f"{name} holds an infinite value: such a run is diverged, and NaN throughout")
            missing = np.isnan(values)
            if np.any(missing.any(axis=1) & ~missing.all(axis=1)):
                raise ValueError(
                    f"{name} of a run is there at some epochs only: a run that is not complete is NaN throughout"
                )

    @property
    def has_runs(self) -> bool:
        """Whether there is any complete run."""
        return bool(np.isfinite(self.test_error).any())

    def early_stopped_test_error(self) -> np.ndarray:
        """[W, S] test error at each run's epoch of lowest validation error (the first of equals), a fraction.

        NaN where the run or its validation error is missing. The epoch is chosen without test data.
        """
        if not self.has_runs:
            return np.full((len(self.xs), len(self.seeds)), np.nan)
        unmeasured = np.isnan(self.val_error)
        best = np.where(unmeasured, np.inf, self.val_error).argmin(axis=1)
        stopped = np.take_along_axis(self.test_error, best[:, None, :], axis=1)[:, 0, :]
        return np.where(unmeasured.all(axis=1), np.nan, stopped)


@dataclass(frozen=True)
class StudyResults:
    """Everything that is known of one study: what the claims of its question are decided on."""

    name: str
    """question/grid."""
    question: str
    maps: Sequence[MapGrid]
    runs: Sequence[tuple[Spec, Mapping]] = ()
    """Every finished run with its row (see precompute.shards): status, curves, layers, ..."""
    planned: Sequence[Spec] = ()
    """Every run of the grid, finished or not."""


def final_error(row: Mapping, part: str) -> float:
    """Error on `part` (train, val or test) at the last evaluation of the run with this row, in points."""
    return 100 * (1 - row["curves"][-1][f"{part}_correct"] / row[f"n_{part}"])
