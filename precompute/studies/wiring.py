"""Wiring: do the connections between convolutions have to be designed, or may they be drawn at random?

Source: Xie et al. 2019 (arXiv 1904.01569), with graph measures of You et al. 2020 (arXiv 2007.06559). Generators, the way from a graph
to a network, nodes and stages are theirs; the networks are a hundred times smaller.

A seed keys the images, the start and the order of examples, and never the graph. Each random family has five graphs with two seeds
each, graph g with the seeds 2g and 2g + 1, so that spread between graphs and spread between seeds come apart and no two graphs of a
family share a seed; a family with a single graph has it with all ten seeds. Every family thus has ten runs, on the same ten seeds, and
differences are paired. All networks of a study have as many parameters, within 2%, by their channels.
"""

from collections.abc import Sequence

from precompute.graphs import is_random
from precompute.studies.study import Study, trained_by
from precompute.wiring_spec import WiringSpec

FAMILIES = (
    ("er", 0, 0.2), ("er", 0, 0.4), ("er", 0, 0.6),
    ("ba", 2, 0.0), ("ba", 3, 0.0), ("ba", 5, 0.0),
    ("ws", 2, 0.25), ("ws", 4, 0.0), ("ws", 4, 0.25), ("ws", 4, 0.75),
    ("chain", 0, 0.0), ("residual_chain", 0, 0.0), ("complete", 0, 0.0),
)  # fmt: skip
"""Family, links (M of ba, K of ws) and p."""
SMOKE_FAMILIES = (("er", 0, 0.4), ("ws", 4, 0.75), ("residual_chain", 0, 0.0))
SEEDS_A_GRAPH = 2
CHAIN_PARAMS = 64_229
"""Of a chain of ten nodes a stage with 16, 32 and 64 channels."""
RESNET_56_PARAMS = 853_018
"""Of the network of 56 layers in He et al. 2015, table 6."""


def _wired(study: str, families: Sequence[tuple[str, int, float]], seeds: range, **settings: float | str):
    return [
        WiringSpec(
            study=study,
            seed=seed,
            dataset="uoft-cs/cifar10",
            label_noise=0.0,
            family=family,
            links=links,
            p=p,
            graph=seed // SEEDS_A_GRAPH if is_random(family, p) else 0,
            optimizer="sgd",
            lr=0.1,
            momentum=0.9,
            weight_decay=5e-5,
            schedule="cosine",
            **settings,
        )
        for seed in seeds
        for family, links, p in families
    ]


def _cifar10_small(size: str) -> list[WiringSpec]:
    """Three stages of 10 nodes and about 16, 32 and 64 channels on 5,000 images of CIFAR-10 averaged to 16 x 16.

    As in the paper: generators, nodes, stages, SGD with momentum 0.9, 0.1 falling along half a cosine, weight decay 5e-5. Different: 10
    nodes a stage (32), channels (78, 156 and 312), 15 epochs or 600 steps (250 epochs of ImageNet), no label smoothing; images and what
    lies before and behind the stages as in precompute/models/wired.py. A graph of 10 nodes with P = 0.2 is seldom connected: the ones
    that are have more edges than 0.2 of all pairs on average.
    """
    if size == "full":
        settings = {"side": 16, "n_train": 5000, "width": 16, "nodes": 10, "params": CHAIN_PARAMS}
        return _wired("wiring/cifar10_small", FAMILIES, range(10), batch_size=128, epochs=15, evaluations=5, **settings)
    settings = {"side": 16, "n_train": 128, "width": 4, "nodes": 6, "params": 2000}
    return _wired("wiring/cifar10_small", SMOKE_FAMILIES, range(4), batch_size=16, epochs=6, evaluations=2, **settings)


def _cifar10(size: str) -> list[WiringSpec]:
    """Three stages of 32 nodes, as in the paper, with as many parameters as ResNet-56 (about 35, 70 and 140 channels), on the 45,000 images of
    32 x 32 that are left beside 5,000 for validation; with crops and mirror images, 40 epochs, products in bfloat16."""
    settings = {"side": 32, "n_train": 45_000, "width": 32, "nodes": 32, "params": RESNET_56_PARAMS}
    settings |= {"batch_size": 128, "epochs": 40, "evaluations": 8}
    if size != "full":
        settings = {"side": 16, "n_train": 96, "width": 4, "nodes": 8, "params": 2500}
        settings |= {"batch_size": 32, "epochs": 2, "evaluations": 2}
    families, seeds = (FAMILIES, range(10)) if size == "full" else (SMOKE_FAMILIES[1:2], range(2))
    return _wired("wiring/cifar10", families, seeds, augment="crop_flip", precision="bf16", **settings)


CIFAR10_SMALL = Study(
    name="wiring/cifar10_small",
    question="wiring",
    dataset="uoft-cs/cifar10",
    x_axis="graph",
    spec=WiringSpec,
    specs=_cifar10_small,
    group_flops=4e12,
    train=trained_by("single"),
)
CIFAR10 = Study(
    name="wiring/cifar10",
    question="wiring",
    dataset="uoft-cs/cifar10",
    x_axis="graph",
    spec=WiringSpec,
    specs=_cifar10,
    group_flops=3e15,
    needs_gpu=True,
    train=trained_by("single"),
)
ALL = (CIFAR10_SMALL, CIFAR10)
