"""A real Ray cluster of two simulated machines, one processor each, and a head that trains nothing."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ray
from ray import cloudpickle
from ray.cluster_utils import Cluster

from precompute import cluster, executors, shards
from precompute.arguments import Usage, device_of
from precompute.studies import STUDIES
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("worker_numerics")
NAME = "double_descent/mnist_mlp"
STORE = 80 << 20  # bytes: containers often have 64 MB of shared memory


@pytest.fixture(scope="module")
def machines():
    """The cluster, which RAY_ADDRESS names; and at its end no process of it is left."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import the tests
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": STORE})
    made.add_node(num_cpus=1, object_store_memory=STORE)
    os.environ["RAY_ADDRESS"] = made.address
    cluster.connect()
    yield made
    running = processes_below(os.getpid())
    assert running
    ray.shutdown()
    made.shutdown()
    del os.environ["RAY_ADDRESS"]
    deadline = time.monotonic() + 60
    while (left := running & alive()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left


def alive() -> set[tuple[int, str]]:
    """Number and time of start of every process of this machine that has not ended."""
    return {(process, facts[19]) for process, facts in _processes().items()}


def processes_below(parent: int) -> set[tuple[int, str]]:
    """The processes of Ray that this one has started, and those that they have started."""
    facts, found = _processes(), set()
    below = [process for process, told in facts.items() if int(told[1]) == parent and _is_of_ray(process)]
    while below:
        found |= set(below)
        below = [process for process, told in facts.items() if int(told[1]) in below]
    return {(process, facts[process][19]) for process in found}


def _is_of_ray(process: int) -> bool:
    return b"ray" in Path(f"/proc/{process}/cmdline").read_bytes()


def _processes() -> dict[int, list[str]]:
    """What /proc/PID/stat says of every process that has not ended, from its state on."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            facts = stat.read_text().rsplit(")", 1)[1].split()
            if facts[0] != "Z":
                found[int(stat.parent.name)] = facts
    return found


@pytest.fixture
def second_machine(machines):
    node = machines.add_node(num_cpus=1, object_store_memory=STORE)
    yield node
    if node in machines.list_all_nodes():
        machines.remove_node(node)


def results(settings) -> dict[str, tuple]:
    return {row["run_id"]: (row["status"], row["curves"]) for row in shards.read(settings.shards)}


def always(group) -> bool:
    return True


def test_two_machines_give_the_same_bits_as_one_process(tmp_path, settings, make_spec, second_machine):
    specs = [make_spec(width, seed=seed) for seed in range(4) for width in (4, 24)]
    groups = STUDIES[NAME].groups(specs)
    alone = dataclasses.replace(settings, shards=tmp_path / "alone")
    list(executors.run_groups(groups, alone, "serial", 1, always))
    outcomes = list(executors.run_groups(groups, settings, "ray", 1, always))
    assert results(settings) == results(alone) and len(results(settings)) == 8
    assert sorted(outcome.group[0].seed for outcome in outcomes) == sorted(group[0].seed for group in groups)
    assert {row["git_commit"] for row in shards.read(settings.shards)} == {shards.git_commit()}


def slow(group, settings):
    time.sleep(2)
    return executors.train_group(group, settings)


def test_a_machine_that_is_lost_costs_time_and_no_run(machines, second_machine, settings, make_spec):
    groups, lost = [[make_spec(seed=seed)] for seed in range(6)], False
    for _ in cluster.run_groups(groups, settings, always, slow):
        if not lost:
            machines.remove_node(second_machine, allow_graceful=False)
            lost = True
    assert lost and {row["run_id"]: row["status"] for row in shards.read(settings.shards)} == {
        group[0].run_id: "complete" for group in groups
    }


def fragile(group, settings):
    """As train_group, but for one group the process is gone, and for one the specification is broken."""
    if group[0].seed == 1:
        os._exit(9)
    if group[0].seed == 2:
        group = [dataclasses.replace(group[0], optimizer="newton")]
    return executors.train_group(group, settings)


def test_what_dies_and_what_raises_are_failed_runs_and_the_others_go_on(machines, settings, make_spec):
    outcomes = list(cluster.run_groups([[make_spec(seed=seed)] for seed in range(4)], settings, always, fragile))
    errors = {outcome.group[0].seed: outcome.errors for outcome in outcomes if outcome.errors}
    assert set(errors) == {1, 2}
    assert errors[1] == ["WorkerCrashedError in each of 4 attempts"] and "no optimizer 'newton'" in errors[2][0]
    statuses = sorted(row["status"] for row in shards.read(settings.shards))
    assert statuses == ["complete", "complete", "failed", "failed"]


def no_data(group, settings):
    """As train_group on a machine that lacks the data of one group."""
    return executors.train_group(
        group, dataclasses.replace(settings, datasets="/nowhere") if group[0].seed else settings
    )


def test_what_a_machine_lacks_is_no_death_of_its_worker(machines, settings, make_spec):
    groups = [[make_spec(seed=seed)] for seed in range(2)]
    with pytest.raises(OSError, match="on a machine of the cluster: DatasetNotFound: .*no file /nowhere"):
        list(cluster.run_groups(groups, settings, always, no_data))
    assert "failed" not in {row["status"] for row in shards.read(settings.shards)}


def test_a_cluster_without_a_gpu_is_said_where_one_is_asked_for(machines):
    with pytest.raises(Usage, match="no machine of the cluster has a GPU; devices: auto, cpu"):
        device_of("cuda", "ray")
    assert device_of("auto", "ray") == device_of("cpu", "ray") == "cpu"


def test_with_a_deadline_a_group_is_asked_for_when_a_processor_is_free(machines, settings, make_spec):
    groups, asked, ended = [[make_spec(seed=seed)] for seed in range(3)], [], []

    def may_start(group) -> bool:
        asked.append(len(ended))
        return True

    for outcome in executors.run_groups(groups, settings, "ray", 1, may_start, has_deadline=True):
        ended += outcome.statuses
    assert asked == [0, 1, 2]


def test_a_killed_command_goes_on_where_it_was(machines, tmp_path, data_folder):
    folder = tmp_path / "shards"
    command = [sys.executable, "-m", "precompute", "run", NAME, "--size", "smoke", "--executor", "ray"]
    places = ["--shards", folder, "--database", tmp_path / "results.duckdb", "--datasets", data_folder]
    first = subprocess.Popen([*command, *places], cwd=ROOT, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(folder.glob("*.parquet")):
        assert time.monotonic() < deadline and first.poll() is None
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}
    again = subprocess.run([*command, *places], check=False, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert again.returncode == 0, again.stderr
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    rows = list(shards.read(folder))
    assert sorted(row["run_id"] for row in rows) == sorted(spec.run_id for spec in STUDIES[NAME].specs("smoke"))
    assert {row["status"] for row in rows} == {"complete"}


def test_an_address_without_a_cluster_is_one_line(tmp_path):
    command = [sys.executable, "-m", "precompute", "run", NAME, "--executor", "ray", "--shards", tmp_path]
    told = subprocess.run(
        command, check=False, cwd=ROOT, env=os.environ | {"RAY_ADDRESS": "127.0.0.1:1"}, capture_output=True, text=True
    )
    assert told.returncode == 2 and told.stderr.count("\n") == 1
    assert "no Ray cluster at 127.0.0.1:1" in told.stderr


def test_no_group_starts_that_would_not_end_in_time(machines, settings, make_spec):
    groups = [[make_spec(seed=seed)] for seed in range(3)]
    outcomes = list(cluster.run_groups(groups, settings, lambda group: group[0].seed != 1))
    assert sorted(outcome.group[0].seed for outcome in outcomes) == [0, 2]
