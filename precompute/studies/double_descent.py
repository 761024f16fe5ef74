"""Generalization: does a bigger network, or a longer training, generalize worse?

Sources: Nakkiran et al. 2019 (arXiv 1912.02292), Belkin et al. 2019 (arXiv 1812.11118).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from precompute.spec import MLPSpec
from precompute.studies.study import Study

if TYPE_CHECKING:
    import torch

    from precompute.datasets import Dataset
    from precompute.training.run import Run

WIDTHS = (1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256, 512, 1024)


def _mnist_mlp(size: str) -> list[MLPSpec]:
    """One hidden ReLU layer on 4,000 images of MNIST. Belkin et al. use the same network and number of images with a squared
    loss; Nakkiran et al. the cross-entropy, Adam and the noise, with larger networks."""
    full = size == "full"
    return [
        MLPSpec(
            study="double_descent/mnist_mlp",
            seed=seed,
            dataset="ylecun/mnist",
            n_train=4000 if full else 500,
            label_noise=label_noise,
            width=width,
            optimizer="adam",
            lr=1e-3,
            batch_size=250 if full else 50,
            epochs=1000 if full else 40,
        )
        for seed in range(5 if full else 3)
        for label_noise in ((0.0, 0.1, 0.2) if full else (0.0, 0.2))
        for width in (WIDTHS if full else (2, 8, 24, 64))
    ]


def _train(specs: Sequence[MLPSpec], dataset: "Dataset", device: "torch.device") -> "list[Run]":
    from precompute.training import grouped

    return grouped.train(specs, dataset, device)


MNIST_MLP = Study(
    name="double_descent/mnist_mlp",
    question="generalization",
    dataset="ylecun/mnist",
    x_axis="width",
    spec=MLPSpec,
    specs=_mnist_mlp,
    group_flops=13.2e12,  # the widest network alone takes 13.1e12
    train=_train,
)
