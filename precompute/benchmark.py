"""How fast the grouped networks train beside one network at a time, all in one run on one thread. For a card: precompute/card.py."""

import resource
import statistics
import time
from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from precompute import datasets
from precompute.executors import matrix_rate
from precompute.models.activations import ActivationLayer
from precompute.models.mlp import GroupedMLP, with_constant
from precompute.spec import CLASSES, MLPSpec
from precompute.studies import STUDIES
from precompute.studies.study import flops_of
from precompute.training.captured import Steps, captures, none_lost
from precompute.training.grouped import optimizers_of, take_step

NARROW = 16
CPU = torch.device("cpu")


def benchmark(folder: str | None, rounds: int = 5) -> dict[str, tuple[float, float]]:
    """Times one epoch of every network of one seed of double_descent/mnist_mlp in three ways, in turn, `rounds` times.

    Prints the medians of the time, the share of this machine's own fp32 matrix rate that training reaches (counting only the
    products that are needed), and the peak memory. Evaluation is left out of all three. Returns, for each way, how many times
    as long as grouped training it took: for all networks, and for those of width up to NARROW.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    study = STUDIES["double_descent/mnist_mlp"]
    specs = [spec for spec in study.specs("full") if spec.seed == 0]
    part = datasets.split(datasets.load(study.dataset, folder), specs[0].n_train, 0.2, 0)
    inputs, labels = part.train_inputs, part.train_labels
    groups = study.groups(specs)
    narrow = [group for group in groups if max(spec.width for spec in group) <= NARROW]

    ways: dict[str, list[Callable[[], None]]] = {
        "one at a time, DataLoader": [with_loader(spec, inputs, labels) for spec in specs],
        "one at a time, tuned": [tuned(spec, inputs, labels) for spec in specs],
        "grouped": [grouped(group, inputs, labels) for group in groups],
    }
    is_narrow = {name: [spec.width <= NARROW for spec in specs] for name in ways} | {
        "grouped": [group in narrow for group in groups]
    }
    for epochs in ways.values():
        for epoch in epochs:
            epoch()  # the first pass allocates
    rates, seconds, narrow_seconds = [], {name: [] for name in ways}, {name: [] for name in ways}
    for _ in range(rounds):
        rates.append(matrix_rate())
        for name, epochs in ways.items():
            times = [_seconds(epoch) for epoch in epochs]
            seconds[name].append(sum(times))
            narrow_seconds[name].append(sum(took for took, small in zip(times, is_narrow[name], strict=True) if small))

    rate = statistics.median(rates)
    print(
        f"fp32 matrix product, one thread: {rate / 1e9:.0f} GFLOP/s; median of {rounds} rounds, {len(specs)} networks"
    )
    print(f"{'':28}{'s an epoch':>12}{'ratio':>8}{'of matrix rate':>16}{f'width <= {NARROW}: s':>18}{'ratio':>8}")
    base, narrow_base = (statistics.median(each["grouped"]) for each in (seconds, narrow_seconds))
    flops = flops_of(specs) / specs[0].epochs
    ratios = {}
    for name in ways:
        took, small = statistics.median(seconds[name]), statistics.median(narrow_seconds[name])
        ratios[name] = took / base, small / narrow_base
        shares = f"{took:12.3f}{ratios[name][0]:8.2f}{flops / took / rate:16.0%}"
        print(f"{name:28}{shares}{small:18.3f}{ratios[name][1]:8.2f}")
    print(
        f"peak memory of this process, with all networks at once: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB"
    )
    return ratios


def benchmark_grid(
    folder: str | None, study: str = "activation/mnist_mlp", size: str = "full", steps: int = 10
) -> dict[int, float]:
    """Times `steps` steps of every network of the first seed of a study of fully connected networks, group by group: the group together,
    then its networks one at a time in the tuned loop.

    Times are of the processor, so that others on the machine count as little as possible; evaluation is left out. Prints them by depth,
    and returns by depth, and under 0 for the whole grid, how many times as long one at a time took.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    declared = STUDIES[study]
    groups = [group for group in declared.groups(declared.specs(size)) if group[0].seed == 0]
    one = groups[0][0]
    part = datasets.split(datasets.load(declared.dataset, folder), one.n_train, 0.0, 0)
    inputs, labels = part.train_inputs, part.train_labels
    rate, took = matrix_rate(), {}
    for group in groups:
        together = _processor_seconds(grouped(group, inputs, labels, steps))
        apart = sum(_processor_seconds(tuned(spec, inputs, labels, steps)) for spec in group)
        needed = flops_of(group) / one.epochs / len(inputs) * one.batch_size * steps
        for key in (group[0].depth, 0):
            before = took.get(key, (0, 0.0, 0.0, 0.0))
            took[key] = tuple(a + b for a, b in zip(before, (len(group), together, apart, needed), strict=True))
    print(
        f"{study}: fp32 matrix product, one thread: {rate / 1e9:.0f} GFLOP/s; {len(groups)} groups, {steps} steps each"
    )
    print(
        f"{'depth':>6}{'networks':>10}{'grouped: ms a step':>20}{'of matrix rate':>16}{'one at a time':>15}{'ratio':>8}"
    )
    for depth, (networks, together, apart, needed) in sorted(took.items(), key=lambda pair: (pair[0] == 0, pair[0])):
        per_step = f"{1e3 * together / steps:20.1f}{needed / together / rate:16.0%}{1e3 * apart / steps:15.1f}"
        print(f"{depth or 'all':>6}{networks:10}{per_step}{apart / together:8.2f}")
    return {depth: apart / together for depth, (_, together, apart, _) in took.items()}


def _processor_seconds(function: Callable[[], None]) -> float:
    """Of the second call: the first allocates."""
    function()
    start = time.thread_time()
    function()
    return time.thread_time() - start


def _seconds(function: Callable[[], None]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _network(spec: MLPSpec) -> nn.Module:
    layers: list[nn.Module] = []
    for inputs in [spec.inputs] + [spec.width] * (spec.depth - 1):
        layers += [nn.Linear(inputs, spec.width), ActivationLayer(spec.activation)]
    return nn.Sequential(*layers, nn.Linear(spec.width, CLASSES))


def with_loader(
    spec: MLPSpec, inputs: torch.Tensor, labels: torch.Tensor, device: torch.device = CPU
) -> Callable[[], None]:
    """One epoch as most scripts write it: the data set in the memory of the CPU, one batch after the other to the device."""
    network = _network(spec).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=spec.lr)
    loader = DataLoader(TensorDataset(inputs, labels), batch_size=spec.batch_size, shuffle=True)

    def epoch() -> None:
        for batch, truth in loader:
            batch, truth = batch.to(device), truth.to(device)
            optimizer.zero_grad()
            loss = F.cross_entropy(network(batch), truth)
            loss.backward()
            optimizer.step()
            loss.item()

    return epoch


def tuned(spec: MLPSpec, inputs: torch.Tensor, labels: torch.Tensor, steps: int | None = None) -> Callable[[], None]:
    """One epoch, or its first `steps`, without a loader, where the data lies: one gather a step, a fused optimizer, no read-back."""
    network = _network(spec).to(inputs.device)
    if spec.optimizer == "adam":
        optimizer = torch.optim.Adam(network.parameters(), lr=spec.lr, fused=True)
    else:
        optimizer = torch.optim.SGD(network.parameters(), lr=spec.lr, momentum=spec.momentum, fused=True)

    def epoch() -> None:
        for batch in torch.randperm(len(inputs)).to(inputs.device).split(spec.batch_size)[:steps]:
            loss = F.cross_entropy(network(inputs.index_select(0, batch)), labels.index_select(0, batch))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    return epoch


def grouped(
    specs: Sequence[MLPSpec], inputs: torch.Tensor, labels: torch.Tensor, steps: int | None = None
) -> Callable[[], None]:
    """The same of all `specs` together, as `run` trains them: captured on a card."""
    device = inputs.device
    model = GroupedMLP(specs).to(device)
    optimizers = optimizers_of(model, specs)
    constant, stacked = with_constant(inputs.cpu()).to(device), labels.expand(len(specs), -1)
    step = Steps(
        lambda places: take_step(model, optimizers, constant.index_select(0, places), stacked.index_select(1, places)),
        none_lost(len(specs), device),
        capture=captures(device),
    )

    def epoch() -> None:
        for batch in torch.randperm(len(inputs)).to(device).split(specs[0].batch_size)[:steps]:
            step(batch)

    return epoch
