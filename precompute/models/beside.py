"""Convolutional networks of one architecture as one network, with the channels of each behind those of the one before."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from precompute.models.activations import ActivationLayer


class Linears(nn.Module):
    """A linear layer of each network: [networks, examples, inputs] -> [networks, examples, outputs]."""

    def __init__(self, layers: Sequence[nn.Linear]):
        super().__init__()
        one = layers[0]
        self.weight = nn.Parameter(torch.empty(len(layers), one.out_features, one.in_features))
        self.bias = nn.Parameter(torch.empty(len(layers), one.out_features))

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.baddbmm(self.bias[:, None], inputs, self.weight.transpose(1, 2))


class Apart(nn.Module):
    """Images of all networks [examples, networks * channels, side, side] -> [networks, examples, channels * side * side]."""

    def __init__(self, networks: int):
        super().__init__()
        self.networks = networks

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.reshape(len(inputs), self.networks, -1).transpose(0, 1)


class Beside(nn.Module):
    """Networks that are chains of the same layers, as one chain: convolutions in as many groups as there are networks, batch
    normalization over all their channels, linear layers batched. Input [examples, networks * channels, side, side] -> logits [networks,
    examples, classes].

    The networks stay as they are and live on in it: their parameters and running statistics are views of its own, so that each can be
    measured by itself at any time.
    """

    def __init__(self, networks: Sequence[nn.Sequential]):
        """Moves the numbers of `networks` into its own. Raises ValueError for layers that cannot be put beside each other."""
        super().__init__()
        self.networks, self.pairs = list(networks), []
        """`pairs` are of each own parameter, with those of the networks."""
        self.layers = nn.Sequential(*(self._beside(same) for same in zip(*networks, strict=True)))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layers(inputs)

    def hand_out_gradients(self) -> None:
        """Gives each network its part of the gradients."""
        for own, theirs in self.pairs:
            for parameter, gradient in zip(theirs, _parts(own.grad, theirs), strict=True):
                parameter.grad = gradient

    def _beside(self, layers: Sequence[nn.Module]) -> nn.Module:
        one, count = layers[0], len(layers)
        match one:
            case nn.Conv2d(groups=1, padding_mode="zeros"):
                made = nn.Conv2d(
                    count * one.in_channels, count * one.out_channels, one.kernel_size, one.stride, one.padding,
                    groups=count, bias=one.bias is not None,
                )  # fmt: skip
            case nn.BatchNorm2d():
                made = nn.BatchNorm2d(count * one.num_features, one.eps, one.momentum)
            case nn.Linear():
                made = Linears(layers)
            case nn.Flatten():
                return Apart(count)
            case nn.MaxPool2d() | nn.ReLU() | ActivationLayer(slope=None):
                return one
            case _:
                raise ValueError(f"no way to put layers of the kind {type(one).__name__} beside each other")
        made.to(one.weight)
        for name, own in [*made.named_parameters(), *made.named_buffers()]:
            if name == "num_batches_tracked":  # the momentum is given
                continue
            theirs = [getattr(layer, name) for layer in layers]
            joined = torch.stack if isinstance(one, nn.Linear) else torch.cat
            own.data = joined([each.data for each in theirs])
            for each, part in zip(theirs, _parts(own.data, theirs), strict=True):
                each.data = part
            if isinstance(own, nn.Parameter):
                self.pairs.append((own, theirs))
        return made


def _parts(joined: Tensor, theirs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Views of the part of each network, in the shape of its own."""
    return joined.view(len(theirs), *theirs[0].shape).unbind()
