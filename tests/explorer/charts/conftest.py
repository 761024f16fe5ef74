"""A small map made by hand: three widths, four epochs, three seeds, with a peak at the middle width."""

import pyarrow as pa
import pytest

from explorer.results.generalization import Axes

WIDTHS, EPOCHS, SEEDS = [2, 8, 64], [1, 3, 10, 40], [0, 1, 2]
AXES = Axes(WIDTHS, [1600, 6370, 50890], EPOCHS, SEEDS)
MEANS = {2: [0.6, 0.5, 0.4, 0.3], 8: [0.5, 0.3, 0.35, 0.4], 64: [0.4, 0.2, 0.15, 0.1]}


@pytest.fixture
def axes() -> Axes:
    return AXES


@pytest.fixture
def cells_of():
    """Makes the table of results.cells.cells: cells_of("test_error", "train_error", seeds=2, missing={(64, 40): "diverged"}, lost={8: 1}),
    where of the runs at width 8 one diverged."""

    def make(
        *names: str,
        seeds: int = 3,
        missing: dict[tuple[int, int], str] | None = None,
        lost: dict[int, int] | None = None,
    ) -> pa.Table:
        rows = []
        for width, n_params in zip(WIDTHS, AXES.parameters, strict=True):
            for place, epoch in enumerate(EPOCHS):
                state = (missing or {}).get((width, epoch), "value")
                row = {"width": width, "n_params": n_params, "epoch": epoch, "state": state}
                row["seeds"] = seeds if state == "value" else 0
                row["diverged"] = (lost or {}).get(width, seeds if state == "diverged" else 0)
                for factor, name in zip((1.0, 0.5), names, strict=False):
                    mean = MEANS[width][place] * factor if state == "value" else None
                    with_interval = mean is not None and seeds >= 3
                    row |= {name: mean, f"{name}_low": mean - 0.01 if with_interval else None}
                    row |= {f"{name}_high": mean + 0.01 if with_interval else None}
                    for seed in SEEDS:
                        here = mean is not None and seed < seeds
                        row[f"{name}_seed_{seed}"] = mean + 0.001 * (seed - 1) if here else None
                rows.append(row)
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        kinds = {
            "width": pa.int16(),
            "epoch": pa.int16(),
            "seeds": pa.int16(),
            "diverged": pa.int16(),
            "n_params": pa.int32(),
            "state": pa.string(),
        }
        return pa.table({name: pa.array(column, kinds.get(name, pa.float32())) for name, column in columns.items()})

    return make


@pytest.fixture
def threshold() -> pa.Table:
    """Not reached at first, then at width 64, at last at width 8, where single seeds reach it at 8 and at 64."""
    rows = [
        {"epoch": 1, "width": None, "low": None, "high": None, "reached": 0, "n": 3},
        {"epoch": 3, "width": 64, "low": 64.0, "high": 64.0, "reached": 3, "n": 3},
        {"epoch": 10, "width": 64, "low": 8.0, "high": 64.0, "reached": 3, "n": 3},
        {"epoch": 40, "width": 8, "low": 8.0, "high": 64.0, "reached": 3, "n": 3},
    ]
    return pa.Table.from_pylist(rows)


@pytest.fixture
def ridge() -> pa.Table:
    """Clear at the last two epochs; the bootstrap end of the first of them lies between two sampled widths."""
    empty = {"position": None, "low": None, "high": None, "height": None, "clear": False, "reached": 0, "n": 3}
    rows = [
        {"at": 1} | empty,
        {"at": 3, "position": 8, "low": 8.0, "high": 8.0, "height": 0.01, "clear": False, "reached": 60, "n": 3},
        {"at": 10, "position": 8, "low": 5.0, "high": 8.0, "height": 0.05, "clear": True, "reached": 90, "n": 3},
        {"at": 40, "position": 8, "low": 8.0, "high": 8.0, "height": 0.1, "clear": True, "reached": 100, "n": 3},
    ]
    return pa.Table.from_pylist(rows)
