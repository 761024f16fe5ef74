"""Generalization: does a bigger network, or a longer training, generalize worse?

Sources: Nakkiran et al. 2019 (arXiv 1912.02292), Belkin et al. 2019 (arXiv 1812.11118), Nakkiran et al. 2020 (arXiv 2003.01897),
Heckel & Yilmaz 2020 (arXiv 2007.10099). Each study says which of them it follows and what differs.
"""

from precompute.image_spec import CNNSpec
from precompute.spec import MLPSpec, RandomFeaturesSpec
from precompute.studies.study import Study, trained_by

WIDTHS = (1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256, 512, 1024)


SAMPLE_WISE_WIDTHS = (2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 128, 256)
CHANNELS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
FEATURES = (
    10, 20, 30, 40, 60, 80, 100, 130, 160, 200, 250, 300, 350, 400, 450, 500, 550, 600, 650, 700, 740, 780, 810, 840, 870, 890, 910,
    930, 950, 965, 980, 990, 1000, 1010, 1020, 1035, 1050, 1070, 1090, 1120, 1150, 1200, 1250, 1300, 1400, 1500, 1700, 1900, 2100,
    2400, 2700, 3000, 3500, 4000, 4500, 5000, 6000, 7000, 8500, 10000,
)  # fmt: skip
"""Dense around the 1,000 images, where as many features as images fit them exactly."""


def _mlp(
    study: str,
    *,
    seed: int,
    label_noise: float,
    width: int,
    n_train: int,
    batch_size: int,
    epochs: int,
    weight_decay: float = 0.0,
) -> MLPSpec:
    return MLPSpec(
        study=study,
        seed=seed,
        dataset="ylecun/mnist",
        n_train=n_train,
        label_noise=label_noise,
        width=width,
        optimizer="adam",
        lr=1e-3,
        batch_size=batch_size,
        epochs=epochs,
        weight_decay=weight_decay,
    )


def _mnist_mlp(size: str) -> list[MLPSpec]:
    """One hidden ReLU layer on 4,000 images of MNIST. Belkin et al. use the same network and number of images with a squared
    loss; Nakkiran et al. the cross-entropy, Adam and the noise, with larger networks."""
    full = size == "full"
    return [
        _mlp(
            "double_descent/mnist_mlp",
            seed=seed,
            label_noise=label_noise,
            width=width,
            n_train=4000 if full else 500,
            batch_size=250 if full else 50,
            epochs=1000 if full else 40,
        )
        for seed in range(5 if full else 3)
        for label_noise in ((0.0, 0.1, 0.2) if full else (0.0, 0.2))
        for width in (WIDTHS if full else (2, 8, 24, 64))
    ]


def _sample_wise(size: str) -> list[MLPSpec]:
    """The network of `_mnist_mlp` on 1,000 to 8,000 images: for equal epochs, and for equal steps.

    After Nakkiran et al. 2019, section 7 and figure 11, who vary the samples of language models and of the five-layer network; the
    network and the data are ours. 4,000 images take the same steps in both. Five seeds, where three were planned."""
    full = size == "full"
    images, epochs = ((1000, 2000, 4000, 8000), 300) if full else ((250, 500), 20)
    middle = 4000 if full else 500
    arms = [(n, epochs) for n in images] + [(n, epochs * middle // n) for n in images if n != middle]
    return [
        _mlp(
            "double_descent/sample_wise",
            seed=seed,
            label_noise=label_noise,
            width=width,
            n_train=n_train,
            batch_size=250 if full else 50,
            epochs=trained,
        )
        for seed in range(5 if full else 3)
        for n_train, trained in arms
        for label_noise in (0.0, 0.2)
        for width in (SAMPLE_WISE_WIDTHS if full else (2, 8, 24, 64))
    ]


def _regularization(size: str) -> list[MLPSpec]:
    """The network of `_mnist_mlp` with weight decay, 20% noise, 500 epochs.

    After Nakkiran et al. 2020, who tune an l2 penalty of a convolutional network for each width and see no peak any more. Ours is
    Adam with decoupled decay (Loshchilov & Hutter 2019): a step shrinks each weight, biases included, by 1e-3 times the decay."""
    full = size == "full"
    return [
        _mlp(
            "double_descent/regularization",
            seed=seed,
            label_noise=0.2,
            width=width,
            n_train=4000 if full else 500,
            batch_size=250 if full else 50,
            epochs=500 if full else 20,
            weight_decay=decay,
        )
        for seed in range(3)
        for decay in ((0.0, 1e-3, 1e-2, 1e-1, 1.0) if full else (0.0, 1.0))
        for width in (WIDTHS if full else (2, 8, 24, 64))
    ]


def _cifar10_cnn_small(size: str) -> list[CNNSpec]:
    """The five-layer network of Nakkiran et al. 2019 on 4,000 images of CIFAR-10 averaged to 16 x 16.

    Same layers and parameters. The paper trains with SGD on all 50,000 images of 32 x 32 for 500,000 steps; here it is Adam 1e-3,
    200 epochs, no augmentation, and a last maximum over 2 x 2 instead of 4 x 4."""
    full = size == "full"
    return [
        CNNSpec(
            study="double_descent/cifar10_cnn_small",
            seed=seed,
            dataset="uoft-cs/cifar10",
            side=16,
            n_train=4000 if full else 256,
            label_noise=label_noise,
            width=width,
            optimizer="adam",
            lr=1e-3,
            batch_size=128 if full else 64,
            epochs=200 if full else 3,
        )
        for seed in range(3)
        for label_noise in (0.0, 0.2)
        for width in (CHANNELS if full else (1, 2, 4))
    ]


def _random_features(size: str) -> list[RandomFeaturesSpec]:
    """Random ReLU features of 1,000 images of MNIST with a linear readout, squared error, gradient flow from zero.

    The two-layer random-feature model of Belkin et al. 2019 (figure 2, random Fourier features there) along the training time of
    Heckel & Yilmaz 2020: every cell is exact, no step size and no optimizer is involved."""
    full = size == "full"
    return [
        RandomFeaturesSpec(
            study="double_descent/random_features",
            seed=seed,
            dataset="ylecun/mnist",
            n_train=1000 if full else 100,
            label_noise=label_noise,
            features=count,
            epochs=10**9 if full else 10**6,
        )
        for seed in range(5 if full else 3)
        for count in (FEATURES if full else (20, 50, 100, 200, 1000))
        for label_noise in (0.0, 0.2)
    ]


# The widest network alone takes 13.1e12 in 1,000 epochs; groups of that size fill the cache and not more.
MNIST_MLP = Study(
    name="double_descent/mnist_mlp",
    question="generalization",
    dataset="ylecun/mnist",
    x_axis="width",
    spec=MLPSpec,
    specs=_mnist_mlp,
    group_flops=13.2e12,
    train=trained_by("grouped"),
)
CIFAR10_CNN_SMALL = Study(
    name="double_descent/cifar10_cnn_small",
    question="generalization",
    dataset="uoft-cs/cifar10",
    x_axis="width",
    spec=CNNSpec,
    specs=_cifar10_cnn_small,
    group_flops=1e12,
    train=trained_by("single"),
)
SAMPLE_WISE = Study(
    name="double_descent/sample_wise",
    question="generalization",
    dataset="ylecun/mnist",
    x_axis="width",
    spec=MLPSpec,
    specs=_sample_wise,
    group_flops=7.9e12,
    train=trained_by("grouped"),
)
REGULARIZATION = Study(
    name="double_descent/regularization",
    question="generalization",
    dataset="ylecun/mnist",
    x_axis="width",
    spec=MLPSpec,
    specs=_regularization,
    group_flops=6.6e12,
    train=trained_by("grouped"),
)
RANDOM_FEATURES = Study(
    name="double_descent/random_features",
    question="generalization",
    dataset="ylecun/mnist",
    x_axis="features",
    spec=RandomFeaturesSpec,
    specs=_random_features,
    clock="time",
    loss="squared_error",
    group_flops=1.5e12,
    train=trained_by("closed_form"),
)
ALL = (MNIST_MLP, CIFAR10_CNN_SMALL, SAMPLE_WISE, REGULARIZATION, RANDOM_FEATURES)
