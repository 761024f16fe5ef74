import numpy as np
import pytest

from precompute.evidence import MapGrid
from precompute.evidence.grid import MEASURED

WIDTHS = np.array([1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256, 512, 1024], float)


@pytest.fixture
def make_grid():
    """A map from given errors [W, E, S]: train error and memorized are half the test error unless given, losses
    twice.
    """

    def make(test_error, label_noise=0.2, train_error=None, val_error=None, xs=None, epochs=None, seeds=None):
        test_error = np.asarray(test_error, dtype=np.float64)
        w, e, s = test_error.shape
        xs = np.arange(1.0, w + 1) if xs is None else np.asarray(xs, dtype=np.float64)
        arrays = {
            name: (0.5 if name.endswith("error") or name == "memorized" else 2.0) * test_error for name in MEASURED
        }
        arrays["test_error"] = test_error
        arrays["train_error"] = (
            arrays["train_error"] if train_error is None else np.asarray(train_error, dtype=np.float64)
        )
        arrays["val_error"] = test_error if val_error is None else np.asarray(val_error, dtype=np.float64)
        return MapGrid(
            settings={"label_noise": label_noise, "epochs": e},
            xs=xs,
            n_params=(795 * xs + 10).astype(int),
            epochs=np.arange(1, e + 1) if epochs is None else np.asarray(epochs),
            seeds=np.arange(s) if seeds is None else np.asarray(seeds),
            **arrays,
        )

    return make


@pytest.fixture
def double_descent_map(make_grid):
    """A map as the paper describes it: a ridge that moves with the threshold to smaller widths as epochs grow.

    At the last of 20 epochs train error reaches 0 at width 16, and there a bump of `height` lies on the falling error.
    """

    def make(label_noise=0.2, height=0.08, sd=0.003, seeds=5, seed=0):
        rng = np.random.default_rng(seed)
        epochs = np.arange(1, 21)
        x = np.log2(WIDTHS)[:, None]
        threshold = 4 + 3 * (20 - epochs)[None, :] / 19
        train = np.clip(0.3 * (threshold - x), 0, None)
        test = 0.1 + 0.4 * 2.0**-x + 0.005 * (10 - x) + height * np.exp(-(((x - threshold) / 0.8) ** 2))

        def noisy(clean):
            return clean[..., None] + rng.normal(0, sd, (*clean.shape, seeds))

        return make_grid(
            noisy(test), label_noise, np.clip(noisy(train), 0, 1), noisy(test), WIDTHS, epochs, np.arange(seeds)
        )

    return make
