"""Number of layers in a fully connected network: plain and residual, with and without batch normalization."""

from precompute.spec import MLPSpec
from precompute.studies.study import Study, trained_by

DEPTHS = (2, 4, 8, 16, 32, 64, 128)
RATES = tuple(2.0**power for power in (-11, -9, -7, -5, -3))
BLOCK = 2
"""Layers of a residual block, as in He et al. 2015 and 2016."""


def _depth_mnist_mlp(size: str) -> list[MLPSpec]:
    """64 ReLU units a layer, 2 to 128 hidden layers, He start, on 10,000 images of MNIST: plain and residual, with and without batch norm.

    No paper does just this. The block is the pre-activation one of He et al. 2016 (arXiv 1603.05027) with fully connected layers: see
    precompute/models/mlp.py. SGD with momentum 0.9, batch 100, 15 epochs at a constant rate, each of five.
    """
    full = size == "full"
    return [
        MLPSpec(
            study="depth/mnist_mlp",
            seed=seed,
            dataset="ylecun/mnist",
            n_train=10_000 if full else 500,
            label_noise=0.0,
            width=64 if full else 8,
            depth=depth,
            start="he",
            residual=residual,
            norm=norm,
            optimizer="sgd",
            momentum=0.9,
            lr=rate,
            batch_size=100 if full else 50,
            epochs=15 if full else 3,
            evaluations=8 if full else 2,
            layer_measures=True,
        )
        for seed in (range(3) if full else range(1))
        for depth in (DEPTHS if full else (2, 6))
        for residual in (0, BLOCK)
        for norm in ("none", "batch")
        for rate in (RATES if full else (2.0**-6,))
    ]


DEPTH_MNIST_MLP = Study(
    name="depth/mnist_mlp",
    question="depth",
    dataset="ylecun/mnist",
    x_axis="depth",
    spec=MLPSpec,
    specs=_depth_mnist_mlp,
    group_flops=3e12,
    train=trained_by("grouped"),
)
