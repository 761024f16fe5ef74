"""Batch normalization: it helps, and the first explanation was wrong.

Sources: Ioffe & Szegedy 2015 (arXiv 1502.03167), Santurkar et al. 2018 (arXiv 1805.11604), whose probes and noise these are, Bjorck et al.
2018, Wu & He 2018 (arXiv 1803.08494).
"""

from precompute.image_spec import VGGSpec
from precompute.spec import DeepLinearSpec
from precompute.studies.study import Study, trained_by

NORMS = ("none", "batch", "noisy_batch", "noise", "layer", "group", "l1", "linf")
RATES = tuple(2.0**power for power in range(-9, 2))
BATCH_SIZES = (2, 4, 8, 16, 32, 128)
REFERENCE_BATCH, REFERENCE_RATE = 128, 2.0**-3


def _vgg(study: str, **settings: float | str) -> VGGSpec:
    return VGGSpec(study=study, dataset="uoft-cs/cifar10", label_noise=0.0, optimizer="sgd", **settings)


def _small(full: bool) -> dict[str, float | str]:
    """What the studies of the small network share."""
    if full:
        size = {"side": 16, "n_train": 5000, "width": 16, "epochs": 20, "evaluations": 6}
    else:
        size = {"side": 16, "n_train": 128, "width": 8, "epochs": 2, "evaluations": 2}
    return size | {"schedule": "cosine"}


def _cifar10_vgg_small(size: str) -> list[VGGSpec]:
    """Eight convolutions of 16-16-32-32-64-64-64-64 channels on 5,000 images of CIFAR-10 averaged to 16 x 16, 20 epochs: eight norms at
    eleven rates.

    Plain SGD, batch 128, He start, as the GPU's study. The rate decays to zero in half a cosine, so that running statistics settle and
    a large rate is not punished for the noise of its last steps; the paper's is constant. The last batch of an epoch has 8 images.
    """
    full = size == "full"
    return [
        _vgg(
            "batch_norm/cifar10_vgg_small",
            seed=seed,
            norm=norm,
            lr=rate,
            batch_size=128 if full else 32,
            probes=12 if full else 3,
            **_small(full),
        )
        for seed in range(3)
        for norm in NORMS
        for rate in (RATES if full else (2.0**-6, 2.0**-3))
    ]


def _cifar10_vgg(size: str) -> list[VGGSpec]:
    """VGG-A on the 45,000 images of 32 x 32 that are left beside 5,000 for validation.

    As in the paper: plain SGD at constant rates, batch 128, no augmentation, 15,136 steps (15,000 there). Different: a He start (Glorot
    there), because in the small network nothing trained at any rate from a Glorot start without a norm, which would decide the
    comparison by the start; and which VGG theirs is, they do not say.
    """
    full = size == "full"
    settings = {
        "side": 32,
        "n_train": 45_000,
        "width": 64,
        "batch_size": 128,
        "epochs": 43,
        "evaluations": 16,
        "probes": 24,
    }
    if not full:
        settings |= {"n_train": 96, "width": 2, "batch_size": 32, "epochs": 2, "evaluations": 2, "probes": 3}
    return [
        _vgg("batch_norm/cifar10_vgg", seed=seed, norm=norm, lr=rate, layout="a", **settings)
        for seed in range(3)
        for norm in ("none", "batch", "noisy_batch")
        for rate in ((0.02, 0.1, 0.5) if full else (0.1,))
    ]


def _deep_linear(size: str) -> list[DeepLinearSpec]:
    """The deep linear network of the paper: 25 matrices of 10 x 10, 10,000 steps on all of 1,000 examples.

    The paper's rate of 1e-6 goes with a loss whose sum or mean over how many examples is not told. Here the loss is the mean, and the
    rate 1e-4: in a pilot on another seed, at 1e-3 the gradient of the network without normalization turned about from one step to the
    next, which theirs does not.
    """
    full = size == "full"
    return [
        DeepLinearSpec(
            study="batch_norm/deep_linear",
            seed=seed,
            n_train=1000 if full else 50,
            width=10 if full else 4,
            depth=25 if full else 5,
            norm=norm,
            lr=1e-4 if full else 1e-3,
            epochs=10_000 if full else 40,
            probes=16 if full else 4,
        )
        for seed in range(5 if full else 3)
        for norm in ("none", "batch")
    ]


def _batch_size(size: str) -> list[VGGSpec]:
    """The small network at batches of 2 to 128 without a norm, with batch and with group normalization, after Wu & He 2018.

    The rate is in proportion to the batch size, as theirs is (the rule of Goyal et al. 2017): 1/8 at 128, 1/512 at 2. So all sizes go
    about as far in an epoch, and differ in the noise of the gradient and in what the statistics are taken over. 1/8 is the rate at which
    the network without a norm was best in the pilot, and batch normalization near its best. It is not tuned anew for each size: a norm
    that ends behind here might end elsewhere at a rate of its own.
    """
    full = size == "full"
    return [
        _vgg(
            "batch_norm/batch_size",
            seed=seed,
            norm=norm,
            lr=REFERENCE_RATE,
            reference_batch=REFERENCE_BATCH,
            batch_size=batch_size,
            **_small(full),
        )
        for seed in range(3)
        for norm in ("none", "batch", "group")
        for batch_size in (BATCH_SIZES if full else (4, 32))
    ]


CIFAR10_VGG_SMALL = Study(
    name="batch_norm/cifar10_vgg_small",
    question="batch_norm",
    dataset="uoft-cs/cifar10",
    x_axis="lr",
    spec=VGGSpec,
    specs=_cifar10_vgg_small,
    group_flops=8e12,
    train=trained_by("single"),
)
CIFAR10_VGG = Study(
    name="batch_norm/cifar10_vgg",
    question="batch_norm",
    dataset="uoft-cs/cifar10",
    x_axis="lr",
    spec=VGGSpec,
    specs=_cifar10_vgg,
    group_flops=3e15,
    needs_gpu=True,
    train=trained_by("single"),
)
DEEP_LINEAR = Study(
    name="batch_norm/deep_linear",
    question="batch_norm",
    dataset="none",
    x_axis="depth",
    spec=DeepLinearSpec,
    specs=_deep_linear,
    loss="squared_error",
    group_flops=8e12,
    train=trained_by("deep_linear"),
)
BATCH_SIZE = Study(
    name="batch_norm/batch_size",
    question="batch_norm",
    dataset="uoft-cs/cifar10",
    x_axis="batch_size",
    spec=VGGSpec,
    specs=_batch_size,
    group_flops=8e12,
    train=trained_by("single"),
)
ALL = (CIFAR10_VGG_SMALL, DEEP_LINEAR, BATCH_SIZE, CIFAR10_VGG)
