"""Runs of the wiring studies that were never trained: what they measured is planted, their graphs are the real ones, all else is as the
build makes it.

`plant(folder, outcome)` writes shards of the full grid, or of a part of it, and builds a database from them.
"""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from precompute import build, shards
from precompute.evidence.families import Wiring
from precompute.graphs import Graph
from precompute.studies import STUDIES
from precompute.training.run import Run
from precompute.wiring_spec import WiringSpec
from tests.planted_depth import PROVENANCE

SMALL, LARGE = "wiring/cifar10_small", "wiring/cifar10"
N_VAL, N_TEST, N_DAMAGE = 5000, 10_000, 2000
FAILED, DIVERGED, RAISED = "failed to train", "diverged", "raised"
BY_FAMILY = {
    "WS(4, 0.75)": 41.2, "WS(4, 0.25)": 41.5, "WS(4, 0)": 42.4, "WS(2, 0.25)": 42.9, "ER(0.2)": 42.0, "ER(0.4)": 41.6, "ER(0.6)": 42.2,
    "BA(2)": 41.8, "BA(3)": 41.4, "BA(5)": 41.7, "chain": 55.3, "residual_chain": 41.9, "complete": 45.8,
}  # fmt: skip
"""Test error in points, by family."""

Outcome = tuple[float, float] | str
"""Train and test error as fractions, or FAILED, DIVERGED, RAISED."""


def name(spec: WiringSpec) -> str:
    """The family as the paper writes it."""
    return str(Wiring(spec.family, spec.links, spec.p))


def as_in_the_paper(spec: WiringSpec) -> Outcome:
    """Random wiring lies around the residual chain, graphs differ as seeds do, and families hardly more."""
    test = BY_FAMILY[name(spec)] + wave(spec, 0.35, 0.45)
    return (test - 18) / 100, test / 100


def wave(spec: WiringSpec, of_graphs: float, of_seeds: float) -> float:
    """What a graph, a seed and a run do to an error, in points: drawn, and the same every time."""

    def drawn(*of: object) -> float:
        return random.Random(" ".join(map(str, of))).gauss(0, 1)

    graph = of_graphs * drawn(name(spec), spec.graph) * spec.random
    return graph + of_seeds * drawn(name(spec), "run", spec.seed) + 0.5 * drawn("seed", spec.seed)


def plant(
    folder: Path,
    outcome: Callable[[WiringSpec], Outcome] = as_in_the_paper,
    *,
    keep: Callable[[WiringSpec], bool] = lambda spec: True,
    study: str = SMALL,
    hubs: float = 1.0,
) -> Path:
    """Builds folder/results.duckdb from planted runs of the study that `keep`; `hubs` is what an edge that leaves a node adds to the damage
    of taking it out, in points. Returns its path."""
    specs = [spec for spec in STUDIES[study].specs("full") if keep(spec)]
    shards.write([shards.row(run_of(spec, outcome(spec), hubs), PROVENANCE) for spec in specs], folder / "shards")
    build.build(folder / "shards", folder / "results.duckdb")
    return folder / "results.duckdb"


def run_of(spec: WiringSpec, outcome: Outcome, hubs: float = 1.0) -> Run:
    """What a training loop would return that ended so."""
    status = outcome if outcome in (DIVERGED,) else "failed" if outcome == RAISED else "complete"
    gone = status != "complete"
    train, test = (0.89, 0.9) if isinstance(outcome, str) else outcome
    counts = {"val_correct": round(N_VAL * (1 - test)), "test_correct": round(N_TEST * (1 - test))}
    counts["train_correct"] = round(spec.n_train * (1 - train))
    losses = dict.fromkeys(("train_loss", "val_loss", "test_loss"), 1.0)
    measured = dict.fromkeys([*losses, *counts]) if gone else losses | counts
    curves = [{"epoch": epoch, "memorized": None if gone else 0} | measured for epoch in (1, spec.epochs)]
    return Run(
        spec,
        status,
        n_params=spec.n_params, n_val=N_VAL, n_test=N_TEST, steps=100, epochs=spec.epochs, flops=spec.flops, wall_s=1.0,
        stop_step=3 if status == DIVERGED else None, best_epoch=None if gone else spec.epochs, engine="planted",
        error="RuntimeError: planted" if status == "failed" else None,
        curves=[] if status == "failed" else curves,
        damage=[] if gone else damage(spec, test, hubs),
        edge_weights=[] if gone else weights(spec),
    )  # fmt: skip


def damage(spec: WiringSpec, test: float, hubs: float) -> list[dict[str, Any]]:
    """Of every node and edge: more for a node that more edges leave, less for an edge into a node that more edges enter."""
    rows = [_part("none", 0, 0, None, test)]
    for stage, graph in enumerate(spec.graphs, start=1):
        for node in range(1, graph.nodes + 1):
            added = 4 / stage + hubs * (len(graph.after(node)) or 1) + 0.7 * math.sin(3 * node + stage + spec.seed)
            rows.append(_part("node", stage, node, None, test + added / 100))
        for source, target in graph.edges:
            added = 6 / (1 + len(graph.before(target))) - 0.6 + 0.5 * math.sin(7 * source + 3 * target + spec.seed)
            rows.append(_part("edge", stage, source, target, test + added / 100))
    return rows


def _part(kind: str, stage: int, part: int, target: int | None, error: float) -> dict[str, Any]:
    told = {"kind": kind, "stage": stage, "part": part, "target": target, "test_loss": 1.0, "n_test": N_DAMAGE}
    return told | {"test_correct": round(N_DAMAGE * (1 - min(error, 0.9)))}


def weights(spec: WiringSpec) -> list[dict[str, Any]]:
    """Of every edge, around the half at which they start."""

    def learned(stage: int, graph: Graph, source: int, target: int) -> float:
        return 0.5 + 0.38 * math.sin(5 * source + 3 * target + stage + 0.3 * spec.seed) * (1 - 1 / (target + 1))

    return [
        {"stage": stage, "source": source, "target": target, "weight": learned(stage, graph, source, target)}
        for stage, graph in enumerate(spec.graphs, start=1)
        for source, target in graph.edges
    ]
