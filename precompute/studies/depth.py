"""Number of layers: why is a deeper network worse, until it has shortcuts?

Source: He et al. 2015 (arXiv 1512.03385), section 4.2: the residual network for CIFAR-10 and its plain twin, which is the same without
shortcuts. The network is theirs, option A shortcuts without parameters and ReLU after the sum.
"""

from precompute.image_spec import ResNetSpec
from precompute.studies.study import Study, trained_by

DEPTHS = (8, 14, 20, 32, 44, 56)
MORE_SEEDS_AT = (20, 56)
"""The depths that the claims compare: five seeds there, three elsewhere."""
DROPS = "tenth at 0.5 0.75"
"""Of the rate 0.1, as in the paper: after 32,000 and 48,000 of its 64,000 steps."""


def _resnet(study: str, *, seed: int, depth: int, architecture: str, **settings: float | str) -> ResNetSpec:
    return ResNetSpec(
        study=study,
        seed=seed,
        dataset="uoft-cs/cifar10",
        label_noise=0.0,
        depth=depth,
        architecture=architecture,
        optimizer="sgd",
        lr=0.1,
        momentum=0.9,
        weight_decay=1e-4,
        schedule=DROPS,
        layer_measures=True,
        **settings,
    )


def _cifar10_resnet_small(size: str) -> list[ResNetSpec]:
    """The network of the paper with half its channels (8-16-32) on 5,000 images of CIFAR-10 averaged to 16 x 16.

    As in the paper: layers, shortcuts, He start, SGD 0.1 with momentum 0.9 and weight decay 1e-4 on all parameters, batch 128, a tenth
    of the rate from half and from three quarters of the training on. Different: the channels, the images (5,000 of 45,000; 16 x 16;
    standardized by channel, not by pixel), 30 epochs or 1,200 steps (64,000 there), no crops and mirror images, and the last batch of
    an epoch has 8 images. The paper's 110 layers, which start at a rate of 0.01, are left out.
    """
    if size == "full":
        grid = [
            (seed, depth, architecture)
            for seed in range(5)
            for depth in (DEPTHS if seed < 3 else MORE_SEEDS_AT)
            for architecture in ("plain", "residual")
        ]
        settings = {"side": 16, "n_train": 5000, "width": 8, "batch_size": 128, "epochs": 30, "evaluations": 12}
    else:
        grid = [(seed, depth, kind) for seed in range(3) for depth in (8, 20) for kind in ("plain", "residual")]
        settings = {"side": 16, "n_train": 128, "width": 2, "batch_size": 32, "epochs": 2, "evaluations": 2}
    return [
        _resnet("depth/cifar10_resnet_small", seed=seed, depth=depth, architecture=architecture, **settings)
        for seed, depth, architecture in grid
    ]


def _cifar10_resnet(size: str) -> list[ResNetSpec]:
    """The network of the paper, 16-32-64 channels, on the 45,000 images of 32 x 32 that are left beside 5,000 for validation.

    As in the paper: also crops of the padded image or its mirror image. Different: 40 epochs or 14,080 steps (164 or 64,000 there) with
    the drops at the same shares of them, products in bfloat16, images standardized by channel, and 110 layers begin at 0.1 like all
    others (the paper takes 0.01 for the first 400 steps or so, and says that 0.1 converges too, some epochs later).
    """
    full = size == "full"
    settings = {"side": 32, "width": 16, "batch_size": 128, "epochs": 40, "n_train": 45_000, "evaluations": 16}
    if not full:
        settings |= {"side": 16, "width": 2, "batch_size": 32, "epochs": 2, "n_train": 96, "evaluations": 2}
    return [
        _resnet(
            "depth/cifar10_resnet",
            seed=seed,
            depth=depth,
            architecture=architecture,
            augment="crop_flip",
            precision="bf16",
            **settings,
        )
        for seed in range(3)
        for depth in ((*DEPTHS, 110) if full else (8,))
        for architecture in ("plain", "residual")
    ]


CIFAR10_RESNET_SMALL = Study(
    name="depth/cifar10_resnet_small",
    question="depth",
    dataset="uoft-cs/cifar10",
    x_axis="depth",
    spec=ResNetSpec,
    specs=_cifar10_resnet_small,
    group_flops=8e12,
    train=trained_by("single"),
)
CIFAR10_RESNET = Study(
    name="depth/cifar10_resnet",
    question="depth",
    dataset="uoft-cs/cifar10",
    x_axis="depth",
    spec=ResNetSpec,
    specs=_cifar10_resnet,
    group_flops=3e15,
    needs_gpu=True,
    train=trained_by("single"),
)
ALL = (CIFAR10_RESNET_SMALL, CIFAR10_RESNET)
