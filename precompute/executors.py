"""Who trains the groups: this process, a pool of one-thread workers, or a cluster."""

import functools
import multiprocessing
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from precompute import shards
from precompute.engine import Engine
from precompute.spec import Spec
from precompute.studies import STUDIES
from precompute.studies.study import flops_of

EXECUTORS = ("serial", "processes", "ray")


@dataclass
class Outcome:
    """What became of one group."""

    group: Sequence[Spec]
    seconds: float
    statuses: dict[str, str] = field(default_factory=dict)
    """run_id -> status."""
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Settings:
    """How groups train."""

    shards: Path
    datasets: str | None
    device: str
    engine: Engine | None = None
    """How the card trains; None on a CPU."""


def train_group(group: Sequence[Spec], settings: Settings, ends: Mapping[str, int] | None = None) -> Outcome:
    """Trains one group and writes its shard. What the code raises is recorded as failed runs; only an interrupt passes.

    `ends` (run_id -> step) says at which step runs ended before, for studies in which the group decides that.
    """
    import torch

    from precompute import datasets
    from precompute.training.captured import give_memory_back, set_numerics
    from precompute.training.run import Run

    torch.set_num_threads(1)
    torch.set_flush_denormal(
        True
    )  # gradients fade below 1e-38 once a network fits its data; such numbers cost a hundred times
    study, start = STUDIES[group[0].study], time.perf_counter()
    device = torch.device(settings.device)
    set_numerics(device)
    told = shards.provenance() | {"torch": torch.__version__}
    if device.type == "cuda":
        told["device"] = torch.cuda.get_device_name(device)
    dataset = datasets.load_for(group, study.dataset, settings.datasets)
    told |= {"dataset_copy": dataset.copy, "data_fingerprint": dataset.fingerprint}
    try:
        train = study.train
        if ends and study.group_decides:
            train = functools.partial(study.train, ends=ends)
        if settings.engine is not None and study.may_be_beside:
            train = functools.partial(train, way=settings.engine.way_of(group[0]))
        runs = _train_within_memory(train, group, dataset, device, may_halve=not study.group_decides)
    except Exception as error:  # noqa: BLE001 - whatever a study raises is its own failed run, and the others go on
        message = f"{type(error).__name__}: {error}"
        where = traceback.extract_tb(error.__traceback__)[-1]
        runs = [Run(spec, "failed", error=f"{message} ({Path(where.filename).name}:{where.lineno})") for spec in group]
        _end_if_the_card_is_lost(device)
    give_memory_back(device)
    shards.write([shards.row(run, told) for run in runs], settings.shards)
    return Outcome(
        group,
        time.perf_counter() - start,
        {run.spec.run_id: run.status for run in runs},
        sorted({run.error for run in runs if run.error}),
    )


def _train_within_memory(train: Callable, group: Sequence[Spec], dataset, device, may_halve: bool = True) -> list:
    """Out of memory halves the group and tries again, down to one model; not a group that decides when its runs end."""
    from precompute.training.captured import give_memory_back

    try:
        return train(group, dataset, device)
    except (RuntimeError, MemoryError) as error:
        if len(group) == 1 or not may_halve or not _is_out_of_memory(error):
            raise
    give_memory_back(device)
    half = len(group) // 2
    return [run for part in (group[:half], group[half:]) for run in _train_within_memory(train, part, dataset, device)]


def _is_out_of_memory(error: Exception) -> bool:
    """PyTorch says so of a card by a class of its own; of a CPU, and the libraries under it, by a RuntimeError."""
    import torch

    told = ("out of memory", "ALLOC_FAILED", "DefaultCPUAllocator")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(each in str(error) for each in told)


def _end_if_the_card_is_lost(device) -> None:
    """After some errors a process can use its card no more, and every later group would fail for the error of this one. A worker then ends:
    the group is tried once more in a process of its own, and the others go on in new ones."""
    import torch

    if device.type != "cuda" or multiprocessing.parent_process() is None:
        return
    try:
        torch.cuda.synchronize(device)
    except RuntimeError:
        os._exit(1)


def run_groups(
    groups: Sequence[Sequence[Spec]],
    settings: Settings,
    executor: str,
    workers: int,
    may_start: Callable[[Sequence[Spec]], bool],
    has_deadline: bool = False,
) -> Iterator[Outcome]:
    """Trains `groups` in order and yields each outcome as it ends. A group is started only when `may_start(group)` says so; with a deadline
    that is asked when a processor is free."""
    if executor == "serial":
        for group in groups:
            if may_start(group):
                yield train_group(group, settings)
    elif executor == "ray":
        from precompute import cluster  # an extra: see requirements-cluster.txt

        yield from cluster.run_groups(groups, settings, may_start, in_flight=1 if has_deadline else cluster.IN_FLIGHT)
    else:
        yield from _in_processes(list(groups), settings, workers, may_start)


def _in_processes(
    waiting: list[Sequence[Spec]], settings: Settings, workers: int, may_start: Callable[[Sequence[Spec]], bool]
) -> Iterator[Outcome]:
    """A worker's death breaks the whole pool. The groups it was training are tried again, each alone in a pool of its own, so
    that the one that kills its worker is found and recorded as failed, and the others lose nothing but time."""
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # before a worker imports torch
    while waiting:
        running: dict[Future, Sequence[Spec]] = {}
        with _pool(workers) as pool:
            try:
                while waiting or running:
                    while waiting and len(running) < workers:
                        if may_start(waiting[0]):
                            running[pool.submit(train_group, waiting[0], settings)] = waiting[0]
                        del waiting[0]  # only now: where a worker has just died, `submit` raises
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        outcome = future.result()
                        del running[future]
                        yield outcome
                return
            except BrokenProcessPool:
                suspects = list(running.values())
            except BaseException:  # an interrupt: do not wait for minutes of training
                for process in multiprocessing.active_children():
                    process.terminate()
                raise
        for group in filter(may_start, suspects):
            with _pool(1) as pool:
                try:
                    yield pool.submit(train_group, group, settings).result()
                except BrokenProcessPool:
                    yield given_up(group, settings, "the worker process died while it trained this group, twice")


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_the_parent
    )


def _end_with_the_parent() -> None:
    """A killed parent cannot end its workers; without this they would train on for nobody."""

    def watch() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def given_up(group: Sequence[Spec], settings: Settings, error: str) -> Outcome:
    """Records the runs of a group that cannot be trained as failed."""
    from precompute.training.run import Run

    told = shards.provenance() | {"torch": "", "dataset_copy": "", "data_fingerprint": ""}
    runs = [Run(spec, "failed", error=error) for spec in group]
    shards.write([shards.row(run, told) for run in runs], settings.shards)
    return Outcome(group, 0.0, {run.spec.run_id: "failed" for run in runs}, [error])


def matrix_rate(seconds: float = 0.5) -> float:
    """Floating-point operations a second of one thread's fp32 matrix product, measured now for about `seconds`."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    a, best, start = torch.rand(1024, 1024), float("inf"), time.perf_counter()
    while time.perf_counter() - start < seconds:
        before = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - before)
    torch.set_num_threads(threads)
    return 2 * 1024**3 / best


def estimated_seconds(specs: Sequence[Spec], flops_per_second: float, workers: int) -> float:
    """Wall time on a CPU if the products ran at `flops_per_second` in each of `workers`."""
    return flops_of(specs) / flops_per_second / workers
