"""Each family of graphs of a study over wiring: its error, how it spreads over graphs and seeds, and which damage hurts it.

A run *fails to train* when it diverges or when its train error is above 80% at the end, as in the studies of depth. Failures are
counted and never averaged in. The *unit* of a random family is a graph (one for each stage), as the mean of its seeds: two runs of one
graph are not two draws of a graph. The unit of a family with a single graph is a seed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from precompute.evidence.depth import FAILED_ABOVE
from precompute.evidence.grid import StudyResults, final_error
from precompute.evidence.intervals import Estimate, estimate_over_seeds
from precompute.evidence.variance import Components, variance_components
from precompute.graphs import Graph, is_random
from precompute.wiring_spec import WiringSpec


class Wiring(NamedTuple):
    """A family of graphs with its parameters."""

    family: str
    links: int
    p: float

    @property
    def random(self) -> bool:
        return is_random(self.family, self.p)

    def __str__(self) -> str:
        """As the paper writes it, for example WS(4, 0.75); a family without parameters by its name."""
        told = [f"{value:g}" for value in (self.links, self.p) if value or (self.family == "ws" and self.links)]
        return f"{self.family.upper()}({', '.join(told)})" if told else self.family


class Trained(NamedTuple):
    """One run."""

    spec: WiringSpec
    row: Mapping
    """Of a shard."""

    def error(self, part: str) -> float:
        """Of `part` (train, val or test) in points at the last epoch."""
        return final_error(self.row, part)

    @property
    def trains(self) -> bool:
        return self.row["status"] == "complete" and self.error("train") <= 100 * FAILED_ABOVE


def by_family(study: StudyResults) -> dict[Wiring, dict[int, Trained]]:
    """The runs that ended, complete or diverged, by family and seed. One whose code raised says nothing of its graph."""
    found: dict[Wiring, dict[int, Trained]] = {}
    for spec, row in sorted(study.runs, key=lambda run: (*_wiring(run[0]), run[0].seed)):
        if row["status"] != "failed":
            found.setdefault(_wiring(spec), {})[spec.seed] = Trained(spec, row)
    return found


def _wiring(spec: WiringSpec) -> Wiring:
    return Wiring(spec.family, spec.links, spec.p)


def over_units(values: Mapping[int, float | None], runs: Mapping[int, Trained]) -> dict[int, float]:
    """By unit, the mean of `values` (by seed; None where a run has none). The number of a graph, or a seed where there is one graph."""
    found: dict[int, list[float]] = {}
    for seed, value in values.items():
        if value is not None:
            found.setdefault(runs[seed].spec.graph if runs[seed].spec.random else seed, []).append(value)
    return {unit: float(np.mean(each)) for unit, each in sorted(found.items())}


def components(families: Sequence[Mapping[int, Trained]]) -> Components:
    """Of the test errors in points of the runs that train: between graphs and between seeds of one graph.

    With several families their means are taken out, and so is what a seed does to all of them alike, since they share their seeds;
    "within" is then what a seed does to one graph beyond that.
    """
    runs = [run for runs in families for run in runs.values() if run.trains]
    names = [str(_wiring(run.spec)) for run in runs]
    graphs = [(name, run.spec.graph) for name, run in zip(names, runs, strict=True)]
    fixed = (names, [run.spec.seed for run in runs]) if len(set(names)) > 1 else ()
    return variance_components(np.array([run.error("test") for run in runs]), graphs, *fixed)


def node_correlation(run: Trained, with_output: bool = True) -> float | None:
    """Spearman's rank correlation over the nodes of a stage of the errors made without a node and the edges that leave it, averaged over
    the stages where both vary; None where they vary in none.

    The edge from a sink to the output node is an edge like others, unless `with_output` is False.
    """

    def degree(graph: Graph, node: int, _: int | None) -> int:
        return len(graph.after(node)) or int(with_output)

    return _correlation(run, "node", degree)


def edge_correlation(run: Trained) -> float | None:
    """The same over the edges, of the errors made without an edge and the edges that enter its target."""
    return _correlation(run, "edge", lambda graph, _, target: len(graph.before(target)))


def _correlation(run: Trained, kind: str, degree: Callable[[Graph, int, int | None], int]) -> float | None:
    if not run.trains:
        return None
    found = []
    for stage, graph in enumerate(run.spec.graphs, start=1):
        parts = [each for each in run.row["damage"] if (each["kind"], each["stage"]) == (kind, stage)]
        degrees = [degree(graph, each["part"], each["target"]) for each in parts]
        wrong = [-each["test_correct"] for each in parts]
        if len(set(degrees)) > 1 and len(set(wrong)) > 1:
            found.append(float(stats.spearmanr(degrees, wrong).statistic))
    return float(np.mean(found)) if found else None


class FamilyRow(NamedTuple):
    """A row of the table `families`."""

    study: str
    family: str
    links: int
    p: float
    random: bool
    graphs: int
    runs: int
    failed: int
    test_error: float | None
    low: float | None
    high: float | None
    n: int
    sd_graphs: float | None
    sd_seeds: float | None
    sd_ratio_low: float | None
    sd_ratio_high: float | None
    node_correlation: float | None
    node_low: float | None
    node_high: float | None
    edge_correlation: float | None
    edge_low: float | None
    edge_high: float | None


def family_rows(study: StudyResults) -> list[FamilyRow]:
    """Every family of a study over wiring with a run that ended; none for other questions."""
    if study.question != "wiring":
        return []
    rows = []
    for wiring, runs in by_family(study).items():

        def estimate(value: Callable[[Trained], float | None], runs: Mapping[int, Trained] = runs) -> Estimate:
            values = over_units({seed: value(run) for seed, run in runs.items()}, runs)
            return estimate_over_seeds(np.array(list(values.values())))

        error = estimate(lambda run: run.error("test") / 100 if run.trains else None)
        spread = components([runs])
        rows.append(
            FamilyRow(
                study.name,
                *wiring,
                wiring.random,
                len({run.spec.graph for run in runs.values()}),
                len(runs),
                sum(not run.trains for run in runs.values()),
                *error,
                *(None if sd is None else sd / 100 for sd in (spread.between, spread.within)),
                *spread.ratio[1:3],
                *estimate(node_correlation)[:3],
                *estimate(edge_correlation)[:3],
            )
        )
    return rows
