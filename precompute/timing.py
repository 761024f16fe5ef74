"""How long a step of training takes on a device, of the ways to train small networks: the gather of the batch, forward, backward, update.

Training sets are random numbers, which cost as much as others; a timing takes `seconds` at least.
"""

import itertools
import math
import multiprocessing
import time
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from precompute.image_spec import ImageSpec
from precompute.spec import StepsSpec
from precompute.training import single
from precompute.training.beside import Together
from precompute.training.captured import none_lost, set_numerics
from precompute.training.side_by_side import NETWORKS
from precompute.training.to_target import steps_of


def _random_set(spec: ImageSpec, device: torch.device) -> tuple[Tensor, Tensor]:
    """Images and labels of a training set, as `single.sets_on` lays them out."""
    draws = torch.Generator(device).manual_seed(spec.seed)
    flat = torch.randn(spec.n_train, spec.side, spec.side, 3, generator=draws, device=device)
    return flat.permute(0, 3, 1, 2), torch.randint(10, (spec.n_train,), generator=draws, device=device)


def a_step(spec: ImageSpec, device: torch.device, seconds: float, capture: bool | None = None) -> float:
    """Seconds of a step of one network."""
    training = single.Training(spec, *_random_set(spec, device), capture)
    batches = itertools.cycle(_whole(training.batches.of_an_epoch(), spec.batch_size))
    training.network.train()
    return a_call(lambda: training.step(next(batches)), device, seconds)


def a_step_beside(specs: Sequence[ImageSpec], way: str, device: torch.device, seconds: float) -> float:
    """Seconds of a step of networks beside each other, for each of them."""
    by_seed = {spec.seed: _random_set(spec, device) for spec in specs}
    together = Together(specs, [by_seed[spec.seed] for spec in specs], way)
    batches = itertools.cycle(_whole(together.of_an_epoch(), specs[0].batch_size))
    return a_call(lambda: together.step(next(batches)), device, seconds) / len(specs)


def a_step_of_rates(specs: Sequence[StepsSpec], examples: int, device: torch.device, seconds: float) -> float:
    """Seconds of a step of the rates of a group of batch_size/mnist_cnn."""
    networks = NETWORKS[specs[0].network](specs, device)
    inputs = networks.laid_out(torch.randn(examples, 28 * 28)).to(device)
    labels = torch.randint(10, (examples,), device=device)
    steps = steps_of(networks, (inputs, labels), none_lost(len(specs), device))
    order = torch.randperm(examples, device=device)
    batches = itertools.cycle(_whole(order.split(specs[0].batch_size), specs[0].batch_size))
    return a_call(lambda: steps(next(batches)), device, seconds)


def _whole(batches: Iterable[Tensor], size: int) -> list[Tensor]:
    """Without the last, smaller batch of the epoch."""
    return [batch for batch in batches if batch.shape[-1] == size]


def a_step_in_processes(spec: ImageSpec, count: int, device: torch.device, seconds: float) -> float:
    """Seconds of a step of a network, where `count` processes train one each on the same device: their rates are added."""
    context = multiprocessing.get_context("spawn")
    together, rates = context.Barrier(count), context.SimpleQueue()
    workers = [
        context.Process(target=_steps_a_second, args=(spec, device.type, seconds, together, rates))
        for _ in range(count)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    if any(worker.exitcode != 0 for worker in workers):
        for worker in workers:
            worker.kill()
        raise RuntimeError(f"of {count} processes, exit codes were {[worker.exitcode for worker in workers]}")
    return 1 / sum(rates.get() for _ in workers)


def _steps_a_second(spec: ImageSpec, device_name: str, seconds: float, together, rates) -> None:
    """In a process of its own: waits until the others are ready too, trains for a while, and says how fast."""
    device = torch.device(device_name)
    torch.set_num_threads(1)
    set_numerics(device)
    training = single.Training(spec, *_random_set(spec, device))
    batches = itertools.cycle(_whole(training.batches.of_an_epoch(), spec.batch_size))
    training.network.train()
    for _ in range(10):
        training.step(next(batches))
    _wait_for(device)
    together.wait(60)
    begun, made = time.perf_counter(), 0
    while time.perf_counter() - begun < max(2 * seconds, 0.1):
        training.step(next(batches))
        made += 1
        if made % 20 == 0:
            _wait_for(device)  # else only the asking is counted
    _wait_for(device)
    rates.put(made / (time.perf_counter() - begun))


def a_call(call: Callable[[], object], device: torch.device, at_least: float) -> float:
    """The mean of as many calls as take `at_least` seconds, after ten that are not counted: they allocate, and capture."""
    for _ in range(10):
        call()
    calls, took = 5, 0.0
    while True:
        _wait_for(device)
        begun = time.perf_counter()
        for _ in range(calls):
            call()
        _wait_for(device)
        took = time.perf_counter() - begun
        if took >= at_least:
            return took / calls
        calls = math.ceil(calls * max(2.0, min(10.0, 1.2 * at_least / took)))


def of_epochs(epochs: Sequence[Callable[[], None]], device: torch.device) -> float:
    _wait_for(device)
    begun = time.perf_counter()
    for epoch in epochs:
        epoch()
    _wait_for(device)
    return time.perf_counter() - begun


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
