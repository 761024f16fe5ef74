import dataclasses
import io
import itertools
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from precompute import datasets, executors
from precompute.datasets import DatasetNotFound, split
from precompute.streams import stream

MNIST = "25c98f992c005963b7428e1f38418b233c9b286cc403519287eb8063f0bcfe07"


def test_a_stream_depends_on_its_name_and_fields_and_on_nothing_else():
    draw = lambda *key: torch.rand(5, generator=stream(*key))
    torch.manual_seed(1)
    first = draw("init", 4, 0.1)
    torch.manual_seed(2)
    assert torch.equal(first, draw("init", 4, 0.1))
    assert not torch.equal(first, draw("order", 4, 0.1))
    assert not torch.equal(first, draw("init", 4, 0.2))


def test_the_sets_are_disjoint(dataset):
    part = split(dataset, 500, 0.2, seed=0)
    rows = lambda inputs: {row.tobytes() for row in inputs.numpy()}
    train, val, test = rows(part.train_inputs), rows(part.val_inputs), rows(part.test_inputs)
    assert len(train) == len(val) == 500 and len(test) == 300
    assert not train & val and not train & test and not val & test


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.2])
def test_noise_replaces_labels_by_wrong_ones_only_in_training(dataset, noise):
    part = split(dataset, 500, noise, seed=3)
    assert torch.equal(part.noisy, part.train_labels != part.clean_labels)
    share = part.noisy.float().mean().item()
    assert abs(share - noise) <= 4 * np.sqrt(noise * (1 - noise) / 500)
    assert set(part.train_labels.tolist()) <= set(range(10))


def test_wrong_labels_are_uniform_over_the_other_classes(dataset):
    parts = [split(dataset, 500, 0.999, seed=seed) for seed in range(20)]
    offsets = torch.cat([((part.train_labels - part.clean_labels) % 10)[part.noisy] for part in parts])
    counts = torch.bincount(offsets, minlength=10)[1:].double()
    expected = len(offsets) / 9
    assert ((counts - expected) ** 2 / expected).sum() < 26.1  # chi squared, 8 degrees of freedom, p = 0.001


def test_less_noise_and_fewer_images_are_parts_of_more(dataset):
    small, large = split(dataset, 250, 0.1, seed=0), split(dataset, 500, 0.2, seed=0)
    assert torch.equal(small.clean_labels, large.clean_labels[:250])
    noisy = small.noisy
    assert noisy.sum() > 0 and torch.equal(small.train_labels[noisy], large.train_labels[:250][noisy])
    assert (large.noisy[:250] & ~noisy).sum() > 0


def test_another_seed_is_another_subset_and_other_noise(dataset):
    one, two = split(dataset, 500, 0.2, seed=0), split(dataset, 500, 0.2, seed=1)
    assert not torch.equal(one.clean_labels, two.clean_labels)
    assert not torch.equal(one.noisy, two.noisy)


def test_inputs_are_standardized_by_the_training_subset_alone(dataset):
    part = split(dataset, 500, 0.0, seed=0)
    assert (
        abs(part.train_inputs.double().mean()) < 1e-6 and abs(part.train_inputs.double().std(correction=0) - 1) < 1e-6
    )
    assert abs(part.test_inputs.double().mean()) > 1e-6


@pytest.mark.parametrize(("shape", "side"), [((32, 32, 3), 16), ((32, 32, 3), 8), ((28, 28), 14), ((28, 28), 4)])
def test_averaging_equals_a_plain_loop(shape, side):
    images = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8)
    block = shape[0] // side
    expected = np.zeros((3, side, side, *shape[2:]))
    for image, row, column in itertools.product(range(3), range(shape[0]), range(shape[1])):
        expected[image, row // block, column // block] += images[image, row, column] / block**2
    averaged = datasets._averaged(images, side)
    assert averaged.shape == expected.shape and averaged.dtype == np.float64
    assert np.allclose(averaged, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("side", [None, 32])
def test_without_averaging_the_pixels_stay_what_they_were(cifar10, dataset, side):
    part = split(cifar10, 100, 0.2, seed=0, side=side)
    order = torch.randperm(640, generator=stream("subset", "uoft-cs/cifar10", 0)).numpy()
    images = cifar10.train_images[order[:100]]
    mean = [images[..., channel].astype(float).mean() for channel in range(3)]
    deviation = [images[..., channel].astype(float).std() for channel in range(3)]
    for inputs, pixels in (
        (part.train_inputs, images),
        (part.val_inputs, cifar10.train_images[order[-100:]]),
        (part.test_inputs, cifar10.test_images),
    ):
        expected = (pixels.astype(float) - mean) / deviation
        assert torch.allclose(inputs.double(), torch.from_numpy(expected).flatten(1), rtol=0, atol=1e-6)
    assert torch.equal(split(dataset, 100, 0.2, 0).train_inputs, split(dataset, 100, 0.2, 0, 28).train_inputs)


def test_averaged_images_are_scaled_a_channel_and_by_the_training_subset_alone(cifar10):
    part, whole = split(cifar10, 100, 0.2, seed=0, side=16), split(cifar10, 100, 0.2, seed=0)
    assert part.train_inputs.shape == (100, 16 * 16 * 3) and part.test_inputs.shape == (150, 16 * 16 * 3)
    channels = part.train_inputs.double().view(-1, 3)
    assert channels.mean(0).abs().max() < 1e-6 and (channels.std(0, correction=0) - 1).abs().max() < 1e-6
    assert part.test_inputs.double().view(-1, 3).mean(0).abs().min() > 1e-6
    order = torch.randperm(640, generator=stream("subset", "uoft-cs/cifar10", 0)).numpy()
    blocks = cifar10.train_images[order[:100]].astype(float)
    blocks = sum(blocks[:, row::2, column::2] for row in (0, 1) for column in (0, 1)) / 4
    expected = torch.from_numpy((blocks - blocks.mean((0, 1, 2))) / blocks.std((0, 1, 2)))
    assert torch.allclose(part.train_inputs.double(), expected.flatten(1), rtol=0, atol=1e-6)
    for labels in ("train_labels", "clean_labels", "val_labels", "test_labels"):
        assert torch.equal(getattr(part, labels), getattr(whole, labels)), "pixels do not choose the examples"


@pytest.mark.parametrize("side", [5, 12, 31, 33, 64])
def test_a_side_that_does_not_divide_the_images_is_refused(cifar10, side):
    with pytest.raises(ValueError, match="cannot be averaged"):
        split(cifar10, 100, 0.0, seed=0, side=side)


@pytest.mark.parametrize("n_train", [0, -1, 601, 10**6])
def test_too_large_a_training_set_is_refused(dataset, n_train):
    with pytest.raises(ValueError, match="leaves no"):
        split(dataset, n_train, 0.0, seed=0)


def test_missing_data_is_one_sentence_that_says_where_and_what_to_do(tmp_path):
    with pytest.raises(DatasetNotFound, match=r"no file .*ylecun.mnist.*WHY_DATASETS"):
        datasets.load("ylecun/mnist", str(tmp_path))


def test_a_damaged_file_is_named(tmp_path, data_folder):
    shutil.copytree(data_folder, tmp_path, dirs_exist_ok=True)
    path = next((tmp_path / "ylecun").rglob("train-*.parquet"))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DatasetNotFound, match="cannot be read"):
        datasets.load("ylecun/mnist", str(tmp_path))


def _changed(folder, place, **columns):
    """The training file of MNIST, with other columns in one row."""
    path = next((folder / "ylecun").rglob("train-*.parquet"))
    rows = pq.read_table(path).to_pylist()
    rows[place] |= columns
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def _png(shape, mode="L"):
    buffer = io.BytesIO()
    Image.new(mode, shape).save(buffer, "PNG")
    return {"bytes": buffer.getvalue(), "path": None}


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"image": {"bytes": b"\x89PNG nothing", "path": None}}, r"image 7 is damaged \(UnidentifiedImageError\)"),
        ({"image": {"bytes": _png((28, 28))["bytes"][:-30], "path": None}}, "image 7 is damaged"),
        ({"image": {"bytes": None, "path": None}}, "image 7 is damaged"),
        ({"image": None}, "cannot be read"),
        ({"image": _png((27, 28))}, r"image 7 is uint8 \[28, 27\], not uint8 \[28, 28\]"),
        ({"image": _png((28, 28), "RGB")}, r"image 7 is uint8 \[28, 28, 3\]"),
        ({"image": _png((28, 28), "1")}, "image 7 is bool"),
        ({"label": 10}, "labels are not the numbers from 0 to 9"),
        ({"label": -1}, "labels are not"),
        ({"label": None}, "labels are not"),
    ],
)
def test_what_is_no_such_data_set_is_named_with_its_file(tmp_path, data_folder, columns, told):
    shutil.copytree(data_folder, tmp_path, dirs_exist_ok=True)
    path = _changed(tmp_path, 7, **columns)
    with pytest.raises(DatasetNotFound, match=f"{path}.*{told}.*fetch it again"):
        datasets.load("ylecun/mnist", str(tmp_path))


def test_a_file_without_images_is_named(tmp_path, data_folder):
    shutil.copytree(data_folder, tmp_path, dirs_exist_ok=True)
    path = next((tmp_path / "ylecun").rglob("test-*.parquet"))
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    with pytest.raises(DatasetNotFound, match=f"{path} has no images"):
        datasets.load("ylecun/mnist", str(tmp_path))


def test_a_file_of_too_few_images_is_named_and_trains_nothing(tmp_path, data_folder, make_spec, settings):
    shutil.copytree(data_folder, tmp_path, dirs_exist_ok=True)
    path = next((tmp_path / "ylecun").rglob("train-*.parquet"))
    pq.write_table(pq.read_table(path).slice(0, 999), path)
    spec = make_spec(n_train=500)
    with pytest.raises(DatasetNotFound, match=f"{path} has 999 images, and {spec.study} needs 1000"):
        datasets.load_for([spec], "ylecun/mnist", str(tmp_path))
    with pytest.raises(DatasetNotFound, match="has 999 images"):
        executors.train_group([spec], dataclasses.replace(settings, datasets=str(tmp_path)))
    assert not settings.shards.exists()
    assert len(datasets.load_for([make_spec(n_train=499)], "ylecun/mnist", str(tmp_path)).train_labels) == 999


def test_the_fingerprint_follows_the_pixels_and_labels(dataset, tmp_path):
    from tests.precompute.conftest import write_dataset

    again = datasets.load("ylecun/mnist", str(write_dataset(tmp_path / "a")))
    other = datasets.load("ylecun/mnist", str(write_dataset(tmp_path / "b", test=301)))
    assert again.fingerprint == dataset.fingerprint != other.fingerprint


def real_copies() -> list[str]:
    """Real data sets at hand, where a folder is named; the synthetic one stands in for every other test."""
    folder = Path(os.environ.get("WHY_DATASETS", "nowhere"))
    return [name for name, source in datasets.SOURCES.items() if (folder / name / source.files[0]).is_file()]


NONE_AT_HAND = pytest.param(None, marks=pytest.mark.skip("WHY_DATASETS names no folder with a real data set"))


@pytest.mark.parametrize("name", real_copies() or [NONE_AT_HAND])
def test_a_real_copy_has_the_known_shape_and_name(name):
    found = datasets.load(name)
    train, shape = (60_000, (28, 28)) if name == "ylecun/mnist" else (50_000, (32, 32, 3))
    assert found.train_images.shape == (train, *shape) and found.test_images.shape == (10_000, *shape)
    digits = np.bincount(found.test_labels)
    if name == "ylecun/mnist":
        assert digits.tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        assert (found.fingerprint, found.copy) == (MNIST, "MNIST")
    else:
        assert len(digits) == 10 and (digits == 1000).all()
        assert found.copy in ("CIFAR-10", "CIFAR-10 (JPEG copy)")
