import dataclasses
import resource

import pytest

from precompute.benchmark import benchmark, benchmark_grid
from precompute.studies import STUDIES
from tests.precompute.conftest import write_dataset


@pytest.mark.alone
@pytest.mark.usefixtures("worker_numerics")
def test_grouped_training_beats_one_network_at_a_time_in_the_same_run(tmp_path, capsys):
    """The README has the figures of a quiet machine; here only that the order of the three holds on a busy one."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # of the tests that this process ran until now
    ratios = benchmark(str(write_dataset(tmp_path, train=8100)), rounds=1)
    loader, tuned = ratios["one at a time, DataLoader"], ratios["one at a time, tuned"]
    assert loader[0] > 1.5 and loader[1] > 4 and tuned[0] > 0.9 and tuned[1] > 2, ratios
    told = capsys.readouterr().out
    assert "fp32 matrix product, one thread" in told and "peak memory" in told
    assert float(told.split()[-2]) < max(2, before + 0.01), told  # GiB


@pytest.mark.alone
@pytest.mark.usefixtures("worker_numerics")
def test_a_grid_is_timed_by_depth_and_as_a_whole(tmp_path, capsys, monkeypatch):
    """On groups of 32 narrow networks, which gain much more than a busy machine takes away."""
    study = STUDIES["activation/mnist_mlp"]
    one = dataclasses.replace(study.specs("smoke")[0], activation="relu", width=16, seed=0)
    grid = [dataclasses.replace(one, depth=depth, lr=2.0**-power) for depth in (1, 3) for power in range(1, 33)]
    monkeypatch.setitem(STUDIES, study.name, dataclasses.replace(study, specs=lambda size: grid))
    ratios = benchmark_grid(str(write_dataset(tmp_path, train=2200)), size="smoke", steps=20)
    depths = sorted(depth for depth in ratios if depth)
    assert depths == [1, 3] and ratios[0] > 2, ratios
    assert min(ratios[depth] for depth in depths) <= ratios[0] <= max(ratios[depth] for depth in depths)
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told[-len(ratios) :]] == [*map(str, depths), "all"]
