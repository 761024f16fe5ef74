"""The small networks of images that these tests train, and their pixels without the view that is under test."""

import torch

from precompute.image_spec import CNNSpec

CPU = torch.device("cpu")
SGD = {"optimizer": "sgd", "lr": 0.05, "momentum": 0.9}


def make_spec(width: int = 4, **changes) -> CNNSpec:
    settings = {
        "study": "double_descent/cifar10_cnn_small", "seed": 0, "dataset": "uoft-cs/cifar10", "side": 16, "n_train": 128,
        "label_noise": 0.2, "width": width, "optimizer": "adam", "lr": 1e-3, "batch_size": 32, "epochs": 2,
    }  # fmt: skip
    return CNNSpec(**settings | changes)


def numbers(part, spec: CNNSpec) -> torch.Tensor:
    """[n, 3, 16, 16], contiguous, made without the view that is under test."""
    rows = part.reshape(len(part), spec.side, spec.side, 3)
    return torch.stack([rows[..., colour] for colour in range(3)], dim=1).contiguous()
