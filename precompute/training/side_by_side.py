"""Networks that see the same batches and differ in their learning rate: one interface for those that are stacked and those that are not."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from precompute.models.mlp import GroupedMLP, with_constant
from precompute.models.simple_cnn import simple_cnn
from precompute.spec import MLPSpec, StepsSpec
from precompute.training.stacked import StackedAdam, StackedSGD


class GroupedNetworks:
    """Networks of one hidden layer: see GroupedMLP."""

    def __init__(self, specs: Sequence[StepsSpec], device: torch.device):
        self.specs, self.device = list(specs), device
        members = [as_mlp(spec) for spec in specs]
        self.model = GroupedMLP(members).to(device)
        self.optimizer = (StackedAdam if specs[0].optimizer == "adam" else StackedSGD)(self.model, members)

    @staticmethod
    def laid_out(inputs: Tensor) -> Tensor:
        """Flat `inputs` as `logits` takes them."""
        return with_constant(inputs)

    def logits(self, inputs: Tensor) -> Tensor:
        """[networks, classes, examples]."""
        return self.model(inputs)

    def losses(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """[networks] mean losses. A batch of one is taken twice: products with a single column run through another kernel, whose bits
        depend on the other networks, and twice the same has the same mean."""
        if len(labels) == 1:
            inputs, labels = inputs.expand(2, -1), labels.expand(2)
        return F.cross_entropy(self.model(inputs), labels.expand(len(self.specs), -1), reduction="none").mean(1)

    def step(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """One update of every network; the mean losses [networks] before it."""
        losses = self.losses(inputs, labels)
        self.model.zero_grad(set_to_none=True)
        if isinstance(self.optimizer, StackedSGD):
            (losses * self.optimizer.rates).sum().backward()  # networks share no parameter
            self.optimizer.step(scaled=True)
        else:
            losses.sum().backward()
            self.optimizer.step()
        return losses.detach()

    def gradients(self, inputs: Tensor, labels: Tensor) -> list[Tensor]:
        """Of the mean loss of each network: one tensor a parameter, the networks stacked in it as in GroupedMLP."""
        return list(torch.autograd.grad(self.losses(inputs, labels).sum(), list(self.model.parameters())))

    def squared_norms(self, gradients: Sequence[Tensor]) -> Tensor:
        """[networks] squared norms of what `gradients` gives."""
        first, *others = gradients
        count = len(self.specs)
        rows = first[: self.model.rows[-1].stop].reshape(count, -1)  # widths of a group are the same
        return sum(((each.reshape(count, -1)) ** 2).sum(1) for each in (rows, *others))

    @torch.no_grad()
    def only(self, kept: Sequence[int]) -> "GroupedNetworks":
        """The networks at these places as a group of their own, with the state of their optimizers."""
        fewer = GroupedNetworks([self.specs[index] for index in kept], self.device)
        self._copy(fewer, kept, self.model.parameters(), fewer.model.parameters())
        before, after = self.optimizer.optimizer, fewer.optimizer.optimizer
        if isinstance(self.optimizer, StackedSGD):
            old, new = self.optimizer.views, fewer.optimizer.views
            if self.specs[0].momentum and before.state:
                for view in new:
                    after.state[view]["momentum_buffer"] = torch.zeros_like(view)
                buffers = (
                    [state[view]["momentum_buffer"] for view in views]
                    for state, views in ((before.state, old), (after.state, new))
                )
                self._copy(fewer, kept, *buffers)
        else:
            for place, index in enumerate(kept):
                views = zip(before.param_groups[index]["params"], after.param_groups[place]["params"], strict=True)
                for old, new in views:
                    if old in before.state:
                        after.state[new] = {name: value.clone() for name, value in before.state[old].items()}
        return fewer

    def _copy(
        self, fewer: "GroupedNetworks", kept: Sequence[int], old: Iterable[Tensor], new: Iterable[Tensor]
    ) -> None:
        """Copies what belongs to the kept networks from tensors like the parameters to theirs."""
        (old_first, *old_stacked), (new_first, *new_stacked) = old, new
        for index, rows in zip(kept, fewer.model.rows, strict=True):
            new_first[rows] = old_first[self.model.rows[index]]
        for from_, to in zip(old_stacked, new_stacked, strict=True):
            to.copy_(from_[list(kept)])


def as_mlp(spec: StepsSpec) -> MLPSpec:
    """The same network and optimizer as GroupedMLP and the stacked optimizers read them."""
    shared = ("study", "seed", "dataset", "n_train", "width", "optimizer", "lr", "batch_size", "momentum")
    return MLPSpec(**{name: getattr(spec, name) for name in shared}, label_noise=0.0, epochs=max(1, spec.epochs))


class SeparateNetworks:
    """Convolutional networks, one after the other on the same batches."""

    def __init__(self, specs: Sequence[StepsSpec], device: torch.device):
        if any(spec.optimizer not in ("sgd", "nesterov") for spec in specs):
            raise ValueError(f"no optimizer {specs[0].optimizer!r} for {specs[0].network}")
        self.specs, self.device = list(specs), device
        self.networks: list[nn.Module] = [simple_cnn(spec).to(device) for spec in specs]
        self.optimizers = [
            torch.optim.SGD(
                network.parameters(),
                lr=spec.lr,
                momentum=spec.momentum,
                nesterov=spec.optimizer == "nesterov",
                fused=True,
            )
            for spec, network in zip(specs, self.networks, strict=True)
        ]

    @staticmethod
    def laid_out(inputs: Tensor) -> Tensor:
        """Flat `inputs` as `logits` takes them."""
        return inputs

    def logits(self, inputs: Tensor) -> Tensor:
        """[networks, classes, examples]."""
        return torch.stack([network(inputs).T for network in self.networks])

    def step(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """One update of every network; the mean losses [networks] before it."""
        losses = []
        for network, optimizer in zip(self.networks, self.optimizers, strict=True):
            loss = F.cross_entropy(network(inputs), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses)

    def gradients(self, inputs: Tensor, labels: Tensor) -> list[Tensor]:
        """Of the mean loss of each network: the parameters of the first, then of the second, ..."""
        return [
            gradient
            for network in self.networks
            for gradient in torch.autograd.grad(F.cross_entropy(network(inputs), labels), list(network.parameters()))
        ]

    def squared_norms(self, gradients: Sequence[Tensor]) -> Tensor:
        """[networks] squared norms of what `gradients` gives."""
        squares = torch.stack([(gradient**2).sum() for gradient in gradients])
        return squares.view(len(self.specs), -1).sum(1)

    def only(self, kept: Sequence[int]) -> "SeparateNetworks":
        """The networks at these places, with their optimizers."""
        fewer = object.__new__(SeparateNetworks)
        fewer.specs, fewer.device = [self.specs[index] for index in kept], self.device
        fewer.networks = [self.networks[index] for index in kept]
        fewer.optimizers = [self.optimizers[index] for index in kept]
        return fewer


NETWORKS = {"mlp": GroupedNetworks, "simple_cnn": SeparateNetworks}
