"""Trains the groups on a Ray cluster: the one of RAY_ADDRESS, or one of this machine alone.

A task is one group. What its study raises is its own failed runs, as on one machine. What is raised beside that, of data that is not there
or a disk that is full, says nothing of the group: the command ends with it. Any other error of Ray's means that a worker or its machine
died, and after ATTEMPTS such deaths the group is given up and the others go on. The machines need this package's requirements and the data, in the same
folder or from the Hub; the package itself and the results travel through Ray, and only the machine where the command runs writes shards.
"""

import dataclasses
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import ray

from precompute import shards
from precompute.arguments import Usage
from precompute.executors import Outcome, Settings, given_up, train_group
from precompute.spec import Spec

ATTEMPTS = 4
IN_FLIGHT = 2
"""Groups that wait or train for each processor of the cluster, where there is no deadline: those that wait ask it to grow."""
OBJECT_STORE = (
    100 << 20
)  # bytes, where the cluster is this machine: what travels is small, and containers often have little shared memory


def connect() -> None:
    """Joins the cluster of RAY_ADDRESS, or starts one on this machine. Sends no usage reports. Raises OSError."""
    if ray.is_initialized():
        return
    host, _, port = os.environ.get("RAY_ADDRESS", "").rpartition(":")
    if port.isdigit() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=10).close()  # Ray itself would try for minutes
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    package = Path(__file__).parent
    environment = {"py_modules": [str(package)], "env_vars": {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}}
    alone = {} if "RAY_ADDRESS" in os.environ else {"include_dashboard": False, "object_store_memory": OBJECT_STORE}
    ray.init(runtime_env=environment, log_to_driver=False, logging_level="ERROR", **alone)


def device(asked: str) -> str:
    """The device that the groups train on: of auto, cuda where a machine of the cluster has a GPU. Raises Usage for cuda where none has:
    Ray would wait for one."""
    connect()
    gpus = ray.cluster_resources().get("GPU")
    if asked == "cuda" and not gpus:
        raise Usage("no machine of the cluster has a GPU; devices: auto, cpu")
    return ("cuda" if gpus else "cpu") if asked == "auto" else asked


def run_groups(
    groups: Sequence[Sequence[Spec]],
    settings: Settings,
    may_start: Callable[[Sequence[Spec]], bool],
    train: Callable[[Sequence[Spec], Settings], Outcome] = train_group,
    *,
    in_flight: int = IN_FLIGHT,
) -> Iterator[Outcome]:
    """Trains `groups`, the first ones first, and yields each outcome as it ends. For each processor of the cluster `in_flight` groups wait or
    train; with 1 a group starts right after `may_start` was asked. Raises OSError for what a task raises."""
    connect()
    on_gpu = settings.device == "cuda"
    task = ray.remote(num_cpus=1, num_gpus=int(on_gpu), max_retries=ATTEMPTS - 1, retry_exceptions=False)(_task)
    commit, waiting, running = shards.git_commit(), list(groups), {}
    while waiting or running:
        processors = ray.cluster_resources().get("GPU" if on_gpu else "CPU", 0)  # machines come and go
        while waiting and len(running) < in_flight * max(1, processors):
            group = waiting.pop(0)
            if may_start(group):
                running[task.remote(train, group, settings)] = group
        ended, _ = ray.wait(list(running)) if running else ([], [])
        for reference in ended:
            group = running.pop(reference)
            try:
                outcome, rows = ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                cause = error.cause
                raise OSError(f"on a machine of the cluster: {type(cause).__name__}: {cause}") from cause
            except ray.exceptions.RayError as error:
                yield given_up(group, settings, f"{type(error).__name__} in each of {ATTEMPTS} attempts")
                continue
            shards.write([row | {"git_commit": commit} for row in rows], settings.shards)
            yield outcome


def _task(
    train: Callable[[Sequence[Spec], Settings], Outcome], group: Sequence[Spec], settings: Settings
) -> tuple[Outcome, list[dict[str, Any]]]:
    """Runs on a machine of the cluster: the outcome of a group, and the rows of its shard."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = train(group, dataclasses.replace(settings, shards=Path(folder)))
        return outcome, list(shards.read(Path(folder)))
