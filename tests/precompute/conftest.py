import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from precompute.executors import Settings
from precompute.spec import MLPSpec


def write_dataset(folder: Path, train: int = 1200, test: int = 300) -> Path:
    """Ten noisy patterns in the files and columns of ylecun/mnist and of uoft-cs/cifar10: small, and learnable.

    `train` and `test` are how many images the first has; the second has 640 and 150.
    """
    rng = np.random.default_rng(0)
    stripes, colours = rng.random((10, 28, 28)) > 0.7, np.random.default_rng(1).random((10, 32, 32, 3)) > 0.7
    _write(folder / "ylecun/mnist/mnist", "image", stripes, {"train": train, "test": test}, rng)
    _write(folder / "uoft-cs/cifar10/plain_text", "img", colours, {"train": 640, "test": 150}, rng)
    return folder


def _write(folder: Path, column: str, patterns: np.ndarray, counts: dict[str, int], rng: np.random.Generator) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in counts.items():
        labels = rng.integers(0, 10, count)
        pixels = 160 * patterns[labels] + rng.normal(40, 60, (count, *patterns.shape[1:]))
        rows = []
        for image, label in zip(np.clip(pixels, 0, 255).astype(np.uint8), labels, strict=True):
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "PNG")
            rows.append({column: {"bytes": buffer.getvalue(), "path": None}, "label": int(label)})
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}-00000-of-00001.parquet")


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("datasets"))


@pytest.fixture(scope="session")
def dataset(data_folder):
    from precompute import datasets

    return datasets.load("ylecun/mnist", str(data_folder))


@pytest.fixture(scope="session")
def cifar10(data_folder):
    from precompute import datasets

    return datasets.load("uoft-cs/cifar10", str(data_folder))


@pytest.fixture
def settings(tmp_path, data_folder) -> Settings:
    return Settings(tmp_path / "shards", str(data_folder), "cpu")


THREADS = torch.get_num_threads()


@pytest.fixture(autouse=True)
def numerics_of_a_fresh_process():
    """Training in this very process leaves it with one thread and without denormal numbers, which is no start for a test."""

    def give_back():
        torch.set_flush_denormal(False)
        torch.set_num_threads(THREADS)

    give_back()  # after the fixtures of a module, some of which train
    yield
    give_back()


@pytest.fixture
def worker_numerics(numerics_of_a_fresh_process):
    """As in every worker: sums differ between one and two threads."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


@pytest.fixture
def make_spec():
    def make(width: int = 8, **changes) -> MLPSpec:
        settings = {
            "study": "double_descent/mnist_mlp", "seed": 0, "dataset": "ylecun/mnist", "n_train": 500, "label_noise": 0.2,
            "width": width, "optimizer": "adam", "lr": 1e-3, "batch_size": 50, "epochs": 3,
        }  # fmt: skip
        return MLPSpec(**settings | changes)

    return make
