import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from precompute import datasets
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


@pytest.mark.parametrize("n_train", [0, -1, 601, 10**6])
def test_too_large_a_training_set_is_refused(dataset, n_train):
    with pytest.raises(ValueError, match="leaves no"):
        split(dataset, n_train, 0.0, seed=0)


def test_missing_data_is_one_sentence_that_says_where_and_what_to_do(tmp_path):
    with pytest.raises(DatasetNotFound, match=r"no file .*ylecun.mnist.*WHY_DATASETS"):
        datasets.load("ylecun/mnist", str(tmp_path))


def test_a_damaged_file_is_named(tmp_path, data_folder):
    shutil.copytree(data_folder, tmp_path, dirs_exist_ok=True)
    path = next(tmp_path.rglob("train-*.parquet"))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DatasetNotFound, match="cannot be read"):
        datasets.load("ylecun/mnist", str(tmp_path))


def test_the_fingerprint_follows_the_pixels_and_labels(dataset, tmp_path):
    from tests.precompute.conftest import write_dataset

    again = datasets.load("ylecun/mnist", str(write_dataset(tmp_path / "a")))
    other = datasets.load("ylecun/mnist", str(write_dataset(tmp_path / "b", test=301)))
    assert again.fingerprint == dataset.fingerprint != other.fingerprint


def real_copies() -> list[str]:
    """Real data sets at hand, where a folder is named; the synthetic one stands in for every other test."""
    folder = Path(os.environ.get("WHY_DATASETS", "nowhere"))
    return [name for name, source in datasets.SOURCES.items() if (folder / name / source.files[0]).is_file()]


@pytest.mark.parametrize("name", real_copies())
def test_a_real_copy_has_the_known_shape_and_name(name):
    found = datasets.load(name)
    train, shape = (60_000, (28, 28)) if name == "ylecun/mnist" else (50_000, (32, 32, 3))
    assert found.train_images.shape == (train, *shape) and found.test_images.shape == (10_000, *shape)
    assert sorted(np.bincount(found.test_labels)) == sorted(np.bincount(found.test_labels, minlength=10))
    if name == "ylecun/mnist":
        assert (found.fingerprint, found.copy) == (MNIST, "MNIST")
    else:
        assert found.copy in ("CIFAR-10", "CIFAR-10 (JPEG copy)")
