"""MNIST and CIFAR-10 from the Parquet files of their Hub repositories: a local copy first, else downloaded."""

import dataclasses
import functools
import hashlib
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

from precompute.spec import CLASSES, MOST_VALIDATION, Spec
from precompute.streams import stream


class DatasetNotFound(OSError):
    """No local copy and no download, or a damaged or another one; the message says where it was looked for and what to do."""


@dataclass(frozen=True)
class Source:
    """Where a data set lies on the Hub and how it is named."""

    files: tuple[str, str]  # training, test
    image_column: str
    shape: tuple[int, ...]
    """Of an image: height, width, and three channels where it has colours."""
    copies: dict[str, str]  # sha256 of the training file -> name of that copy
    other_copy: str


NONE = "none"
"""The data set of a study that needs none."""
SOURCES = {
    "ylecun/mnist": Source(
        ("mnist/train-00000-of-00001.parquet", "mnist/test-00000-of-00001.parquet"), "image", (28, 28), {}, "MNIST"
    ),
    "uoft-cs/cifar10": Source(
        ("plain_text/train-00000-of-00001.parquet", "plain_text/test-00000-of-00001.parquet"),
        "img",
        (32, 32, 3),
        # every image went through JPEG once, so errors measured on this copy differ a little from the lossless set
        {"22fe80c1cc15a35e880250dfbe17cb6941066044139518f3713bcdf62e33d987": "CIFAR-10 (JPEG copy)"},
        "CIFAR-10",
    ),
}


@dataclass(frozen=True)
class Dataset:
    """Decoded images [N, H, W] or [N, H, W, 3] uint8 with labels [N] uint8."""

    name: str
    copy: str
    fingerprint: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


@functools.lru_cache(maxsize=2)
def load(name: str, folder: str | Path | None = None) -> Dataset:
    """The data set `name`, from `folder` or the environment variable WHY_DATASETS if given, else from the Hub.

    Raises DatasetNotFound when a file is in neither place or is damaged.
    """
    if name == NONE:
        nothing = np.empty(0, np.uint8)
        return Dataset(NONE, NONE, NONE, nothing, nothing, nothing, nothing)
    source = SOURCES[name]
    train_file, test_file = files(name, folder)
    copy = source.copies.get(_sha256(train_file), source.other_copy)
    train_images, train_labels = _decode(train_file, source)
    test_images, test_labels = _decode(test_file, source)
    digest = hashlib.sha256()
    for array in (train_images, train_labels, test_images, test_labels):
        digest.update(str(array.shape).encode())
        digest.update(array.tobytes())
    return Dataset(name, copy, digest.hexdigest(), train_images, train_labels, test_images, test_labels)


def load_for(specs: Sequence[Spec], name: str, folder: str | Path | None = None) -> Dataset:
    """The data set `name`, which `specs` train on. Raises DatasetNotFound as `load` does, and where it has too few images for one of them."""
    dataset = load(name, folder)
    if name != NONE:
        n_train = max(spec.n_train for spec in specs)
        needed, there = n_train + min(n_train, MOST_VALIDATION), len(dataset.train_labels)
        if there < needed:
            raise DatasetNotFound(
                f"{files(name, folder)[0]} has {there} images, and {specs[0].study} needs {needed}; fetch it again"
            )
    return dataset


def files(name: str, folder: str | Path | None = None) -> list[Path]:
    """Paths of the training and the test file, downloaded if need be. Raises DatasetNotFound."""
    folder = folder or os.environ.get("WHY_DATASETS")
    return [_file(name, file, folder) for file in SOURCES[name].files]


def _file(name: str, file: str, folder: str | Path | None) -> Path:
    if folder:
        path = Path(folder) / name / file
        if path.is_file():
            return path
        raise DatasetNotFound(
            f"{name}: no file {path}. Point --datasets or WHY_DATASETS to a folder that holds {name}/{file}."
        )
    from huggingface_hub import hf_hub_download  # a second to import, and only needed here
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # its retries would bury the one line that says what to do
    try:
        return Path(hf_hub_download(repo_id=name, filename=file, repo_type="dataset"))
    except Exception as error:  # the library raises a dozen kinds; to the caller they are one: not to be had
        raise DatasetNotFound(
            f"{name}: could not download {file} ({type(error).__name__}). "
            f"Point --datasets or WHY_DATASETS to a folder that holds {name}/{file}."
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _decode(path: Path, source: Source) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of a file. Raises DatasetNotFound for a file that is not what its data set has."""
    try:
        table = pq.read_table(path, columns=[source.image_column, "label"])
        encoded = [row["bytes"] for row in table[source.image_column].to_pylist()]
        labels = table["label"].to_numpy()
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise DatasetNotFound(f"{path} cannot be read ({type(error).__name__}); fetch it again") from error
    if not encoded:
        raise DatasetNotFound(f"{path} has no images; fetch it again")
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= CLASSES:
        raise DatasetNotFound(f"{path}: its labels are not the numbers from 0 to {CLASSES - 1}; fetch it again")

    def image(place: int) -> np.ndarray:
        try:
            pixels = np.asarray(Image.open(io.BytesIO(encoded[place])))
        except Exception as error:  # the library raises a dozen kinds; to the caller they are one
            raise DatasetNotFound(
                f"{path}: image {place} is damaged ({type(error).__name__}); fetch it again"
            ) from error
        if pixels.shape != source.shape or pixels.dtype != np.uint8:
            told = f"{pixels.dtype} {list(pixels.shape)}, not uint8 {list(source.shape)}"
            raise DatasetNotFound(f"{path}: image {place} is {told}; fetch it again")
        return pixels

    with ThreadPoolExecutor(2) as pool:  # the decoders release the interpreter lock
        images = np.stack(list(pool.map(image, range(len(encoded)))))
    return images, labels.astype(np.uint8)


@dataclass(frozen=True)
class Split:
    """Flat, standardized inputs float32 [n, features] and labels int64 [n]; train_labels carry the noise, the others are clean."""

    train_inputs: torch.Tensor
    train_labels: torch.Tensor
    clean_labels: torch.Tensor
    val_inputs: torch.Tensor
    val_labels: torch.Tensor
    test_inputs: torch.Tensor
    test_labels: torch.Tensor

    @property
    def noisy(self) -> torch.Tensor:
        """Which training labels were replaced, bool [n]."""
        return self.train_labels != self.clean_labels


def split(dataset: Dataset, n_train: int, label_noise: float, seed: int, side: int | None = None) -> Split:
    """Disjoint training, validation and test sets, keyed by (data set, seed) alone.

    One random order of the original training set per seed: the first n are for training, the last min(n, 5000) for
    validation. One uniform number per original example decides whether its label is noisy, and one which wrong label it
    gets. So a smaller n is a subset of a larger one and less noise a subset of more, and curves over n, noise and width
    are paired. Images are first averaged over equal blocks to `side` pixels, where that is given; then pixels are scaled to mean
    0 and deviation 1 of the training subset, over all its pixels (one pair a channel).

    Raises ValueError when n_train leaves no room for validation, or blocks of that size do not fit.
    """
    total = len(dataset.train_labels)
    n_val = min(n_train, MOST_VALIDATION)
    if not 0 < n_train <= total - n_val:
        raise ValueError(f"n_train = {n_train} of {total} leaves no {n_val} examples for validation")
    order = _order(dataset, seed)
    train, val = order[:n_train], order[total - n_val :]

    clean, labels = dataset.train_labels.astype(np.int64), _labels(dataset, label_noise, seed)
    images = _averaged(dataset.train_images[train], side)
    axes = (0, 1, 2)
    mean, deviation = images.mean(axis=axes), images.std(axis=axes)

    def inputs(pixels: np.ndarray) -> torch.Tensor:
        pixels = _averaged(pixels, side)
        return torch.from_numpy(((pixels - mean) / deviation).astype(np.float32).reshape(len(pixels), -1))

    return Split(
        inputs(dataset.train_images[train]),
        torch.from_numpy(labels[train]),
        torch.from_numpy(clean[train]),
        inputs(dataset.train_images[val]),
        torch.from_numpy(clean[val]),
        inputs(dataset.test_images),
        torch.from_numpy(dataset.test_labels.astype(np.int64)),
    )


def with_noise(part: Split, dataset: Dataset, label_noise: float, seed: int) -> Split:
    """What `split` gives for another label noise than that of `part`, whose inputs it shares."""
    train = _order(dataset, seed)[: len(part.train_labels)]
    labels = _labels(dataset, label_noise, seed)[train]
    return dataclasses.replace(part, train_labels=torch.from_numpy(labels))


def _order(dataset: Dataset, seed: int) -> np.ndarray:
    """The order of the original training set: its first examples are for training, its last for validation."""
    return torch.randperm(len(dataset.train_labels), generator=stream("subset", dataset.name, seed)).numpy()


def _labels(dataset: Dataset, label_noise: float, seed: int) -> np.ndarray:
    """Of the whole training set, with the noise in them."""
    total, noise = len(dataset.train_labels), stream("label_noise", dataset.name, seed)
    chance = torch.rand(total, generator=noise).numpy()
    offset = torch.randint(1, CLASSES, (total,), generator=noise).numpy()
    clean = dataset.train_labels.astype(np.int64)
    return np.where(chance < label_noise, (clean + offset) % CLASSES, clean)


def _averaged(images: np.ndarray, side: int | None) -> np.ndarray:
    """`images` [n, S, S] or [n, S, S, 3] as float64, each block of S / side pixels in both directions replaced by its mean."""
    if side is None or side == images.shape[1]:
        return images.astype(np.float64)
    block, rest = divmod(images.shape[1], side)
    if rest:
        raise ValueError(f"images of {images.shape[1]} pixels cannot be averaged to {side}")
    # whole numbers, whose sums are exact in any order; a mean over two axes of blocks takes NumPy five times as long
    places = [(row, column) for row in range(block) for column in range(block)]
    return sum(images[:, row::block, column::block].astype(np.uint32) for row, column in places) / block**2
