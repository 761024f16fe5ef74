"""Optimizers over the stacked parameters of a group, with a learning rate for each model."""

from collections.abc import Sequence

import torch

from precompute.models.mlp import GroupedMLP
from precompute.spec import MLPSpec
from precompute.training.captured import captures


class StackedSGD:
    """torch.optim.SGD for each model of a group with its own rate, in a few calls for all of them.

    PyTorch's update is v = momentum * v + g and then p = p - rate * v. With a constant rate that is the same as rate 1 on the
    gradient rate * g, and so one fused call serves all models. The gradients are multiplied by the rates in `step`, or, at no cost, by the
    caller: the gradient of the sum of `rates` times the losses needs `step(scaled=True)`.
    """

    def __init__(self, model: GroupedMLP, specs: Sequence[MLPSpec]):
        """Reads lr, momentum and optimizer ("sgd", or "nesterov") of `specs`. ValueError where anything but the rate differs, for another
        optimizer, and for weight decay, which in PyTorch is not decoupled."""
        if len({(spec.optimizer, spec.momentum) for spec in specs}) != 1:
            raise ValueError("models of a group share the optimizer and its momentum")
        one = specs[0]
        if one.optimizer not in ("sgd", "nesterov") or any(spec.weight_decay for spec in specs):
            raise ValueError(f"no optimizer {one.optimizer!r} with weight decay {one.weight_decay}")
        self.model = model
        device = model.first.device
        self.rates = torch.tensor([spec.lr for spec in specs], device=device)
        """[models]"""
        rows = torch.cat([rate.expand(owned.stop - owned.start) for rate, owned in zip(self.rates, model.rows)])
        # without the row of zeros that padded units share: a network that diverges gives it a gradient that is not a number
        self.views = model.parameters_of(slice(None))
        _, *stacked = self.views
        self.by_view = [rows[:, None]] + [self.rates.view(-1, *[1] * (each.dim() - 1)) for each in stacked]
        """The rates in shapes that multiply the views."""
        self.optimizer = torch.optim.SGD(
            self.views, lr=1.0, momentum=one.momentum, nesterov=one.optimizer == "nesterov", fused=True
        )

    def step(self, scaled: bool = False) -> None:
        """One update from the gradients that the model holds. `scaled` says that they carry the rates already."""
        for view, gradient, rates in zip(self.views, self.model.gradients_of(slice(None)), self.by_view, strict=True):
            view.grad = gradient if scaled else gradient * rates
        self.optimizer.step()


class StackedAdam:
    """torch.optim.AdamW for each model of a group with its own rate and weight decay: fused, on views of the stacked parameters."""

    def __init__(self, model: GroupedMLP, specs: Sequence[MLPSpec]):
        """Reads lr and weight_decay of `specs`; ValueError for another optimizer than "adam"."""
        if any(spec.optimizer != "adam" for spec in specs):
            raise ValueError("StackedAdam is for specifications whose optimizer is adam")
        self.model = model
        self.slices = [slice(index, index + 1) for index in range(len(specs))]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": model.parameters_of(each), "lr": spec.lr, "weight_decay": spec.weight_decay}
                for each, spec in zip(self.slices, specs, strict=True)
            ],
            fused=True,
            capturable=captures(model.first.device),
        )

    def step(self) -> None:
        """One update from the gradients that the model holds."""
        for each, group in zip(self.slices, self.optimizer.param_groups, strict=True):
            for view, gradient in zip(group["params"], self.model.gradients_of(each), strict=True):
                view.grad = gradient
        self.optimizer.step()
