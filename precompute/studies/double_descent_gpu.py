"""The two networks of Nakkiran et al. 2019 (arXiv 1912.02292) on CIFAR-10 at its full size: studies for a GPU."""

from precompute.image_spec import CNNSpec, PreActResNet18Spec
from precompute.studies.study import Study, trained_by

CHANNELS = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64)
RESNET_CHANNELS = (2, 3, 4, 6, 8, 10, 12, 16, 24, 32, 64)
SEEDS = range(3)


def _cifar10_cnn(size: str) -> list[CNNSpec]:
    """The five-layer network, with and without crops and mirror images.

    As in the paper: the network, the rate 0.1 divided by the root of 1 + floor(step / 512), SGD without momentum, batch 128. Different:
    45,000 images, 5,000 being left for validation; 142 epochs or 49,984 steps where the paper takes 500,000, a tenth; products in
    bfloat16; images standardized by channel."""
    full = size == "full"
    settings = {"side": 32, "n_train": 45_000, "batch_size": 128, "epochs": 142}
    if not full:
        settings |= {"n_train": 64, "batch_size": 32, "epochs": 2, "evaluations": 2}
    return [
        CNNSpec(
            study="double_descent/cifar10_cnn",
            seed=seed,
            dataset="uoft-cs/cifar10",
            label_noise=label_noise,
            width=width,
            optimizer="sgd",
            lr=0.1,
            schedule="inverse_sqrt 512",
            augment=augment,
            precision="bf16",
            **settings,
        )
        for seed in (SEEDS if full else SEEDS[:1])
        for label_noise in ((0.0, 0.1, 0.2) if full else (0.2,))
        for augment in ("none", "crop_flip")
        for width in (CHANNELS if full else (1, 2))
    ]


def _cifar10_resnet18(size: str) -> list[PreActResNet18Spec]:
    """The pre-activation ResNet18 of figure 1, with crops and mirror images and 20% label noise.

    As in the paper: the network, Adam 1e-4, batch 128. Different: 400 epochs, a tenth; 45,000 images, 5,000 being left for validation;
    products in bfloat16; images standardized by channel."""
    full = size == "full"
    settings = {"side": 32, "n_train": 45_000, "batch_size": 128, "epochs": 400}
    if not full:
        settings |= {"n_train": 32, "batch_size": 32, "epochs": 2, "evaluations": 2}
    return [
        PreActResNet18Spec(
            study="double_descent/cifar10_resnet18",
            seed=seed,
            dataset="uoft-cs/cifar10",
            label_noise=0.2,
            width=width,
            optimizer="adam",
            lr=1e-4,
            augment="crop_flip",
            precision="bf16",
            **settings,
        )
        for seed in (SEEDS if full else SEEDS[:1])
        for width in (RESNET_CHANNELS if full else (1, 2))
    ]


CIFAR10_CNN = Study(
    name="double_descent/cifar10_cnn",
    question="generalization",
    dataset="uoft-cs/cifar10",
    x_axis="width",
    spec=CNNSpec,
    specs=_cifar10_cnn,
    needs_gpu=True,
    group_flops=1e12,
    train=trained_by("beside"),
    may_be_beside=True,
)
CIFAR10_RESNET18 = Study(
    name="double_descent/cifar10_resnet18",
    question="generalization",
    dataset="uoft-cs/cifar10",
    x_axis="width",
    spec=PreActResNet18Spec,
    specs=_cifar10_resnet18,
    needs_gpu=True,
    group_flops=1e12,
    train=trained_by("single"),
)
ALL = (CIFAR10_CNN, CIFAR10_RESNET18)
