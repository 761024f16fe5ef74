"""The studies: one file per question. Each declares its grids, its models and how they train."""

from precompute.studies import (
    activation,
    activation_cnn,
    batch_norm,
    batch_size,
    depth,
    depth_mlp,
    double_descent,
    double_descent_gpu,
    wiring,
)
from precompute.studies.study import Study

STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
        *double_descent.ALL,
        *double_descent_gpu.ALL,
        depth_mlp.DEPTH_MNIST_MLP,
        *depth.ALL,
        *activation.ALL,
        *activation_cnn.ALL,
        *batch_norm.ALL,
        *batch_size.ALL,
        *wiring.ALL,
    )
}

__all__ = ["STUDIES", "Study"]
