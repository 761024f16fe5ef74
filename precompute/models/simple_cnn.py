"""The Simple CNN of Shallue et al. 2019 (arXiv 1811.03600), without its dropout."""

from torch import nn

from precompute.models.cnn import start
from precompute.spec import CLASSES, StepsSpec
from precompute.streams import stream


def simple_cnn(spec: StepsSpec) -> nn.Sequential:
    """Input [examples, 784] flat -> logits [examples, classes].

    Two 5 x 5 convolutions that keep the size, of `spec.width` and twice as many channels, each with ReLU and a maximum over 2 x 2; a
    ReLU layer of 32 `spec.width` units; a linear layer. Width 16 is the paper's narrow network (16, 32, 512). Its dropout of 0.4 is left
    out: the noise of a step would be another thing to key, and the paper's question is the noise of the batch.
    """
    w = spec.width
    network = nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        nn.Conv2d(1, w, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(w, 2 * w, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(7 * 7 * 2 * w, 32 * w), nn.ReLU(), nn.Linear(32 * w, CLASSES),
    )  # fmt: skip
    start(network, stream("init", "simple_cnn", w, spec.seed))
    return network
