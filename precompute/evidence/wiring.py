"""Claims W1 to W5 and the ablations of a study over wiring.

What their rules leave open was decided before any network was trained: *random graphs* are those of the families with chance in them (er,
ba, and ws with p > 0), each family with its parameters a family of its own, and all of them count, not the best. Failures to train,
units and families are as in precompute/evidence/families.py. Errors are test errors in points at the last epoch.

Where families are compared, it is over the seeds with which all that are compared train, so that a seed's images, start and order are
the same on all sides; the two seeds of a graph are averaged first, and n is the graphs of each family. Where a run of a random graph fails
to train, W3 and W4 have no interval: those that are left would make random wiring look better than it is.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from precompute.evidence.contrasts import ContrastRow
from precompute.evidence.families import (
    Trained,
    Wiring,
    by_family,
    components,
    edge_correlation,
    node_correlation,
    over_units,
)
from precompute.evidence.grid import StudyResults
from precompute.evidence.intervals import (
    CONFIDENCE,
    FEWEST_SEEDS,
    Estimate,
    estimate_over_seeds,
    holm,
    null,
    paired_p,
)
from precompute.evidence.verdicts import Part, Rule, below, more_than

RESIDUAL = Wiring("residual_chain", 0, 0.0)
"""What W4 and the contrasts hold the others against."""
NONE = Rule("estimate = 0", lambda e: e.estimate == 0, lambda e: e.low > 0)
"""W1's "0 failures": a single one contradicts "every"."""
TWICE = Rule("high <= 2", lambda e: e.high <= 2, lambda e: e.low > 2)
"""W2's "at most twice", for the whole interval: to know little is not to have shown that graphs differ little."""
POINT = Rule("high <= 1", lambda e: e.high <= 1, lambda e: e.low > 1)
"""W3's "at most a point", for the whole interval."""

Families = Mapping[Wiring, Mapping[int, Trained]]


def claims(study: StudyResults) -> list[tuple[str, list[Part]]]:
    """W1, W2 and W5 with random graphs, W3 with two families of them, W4 with the residual chain beside them."""
    found = by_family(study)
    drawn = {wiring: runs for wiring, runs in found.items() if wiring.random}
    if not drawn:
        return []
    missing = {spec.run_id for spec in study.planned} - {spec.run_id for spec, _ in study.runs}
    decided = [("W1", [_failures(drawn, whole=not missing)]), ("W2", [_spread(drawn)])]
    if len(drawn) > 1:
        decided.append(("W3", [_largest_difference(drawn)]))
    if RESIDUAL in found:
        decided.append(("W4", [_against_residual(drawn, found[RESIDUAL])]))
    return [*decided, ("W5", [_hubs(drawn)])]


def contrasts(study: StudyResults) -> list[ContrastRow]:
    """Each family minus the residual chain, for the test and the train error at the last epoch, over the seeds with which both train.

    A random family's pairs are its graphs, each with the mean of its seeds; others' are the seeds. p is adjusted by Holm's procedure
    over all families.
    """
    found = by_family(study)
    others = [wiring for wiring in found if wiring != RESIDUAL]
    rows = []
    for part in ("test", "train") if RESIDUAL in found else ():
        pairs = {wiring: list(_minus(found[wiring], found[RESIDUAL], part).values()) for wiring in others}
        p = np.array([float(paired_p(np.array(each))) if each else np.nan for each in pairs.values()])
        for (wiring, each), alone, adjusted in zip(pairs.items(), p, holm(p), strict=True):
            if each:
                estimate = estimate_over_seeds(np.array(each))
                settings = RESIDUAL._asdict(), wiring._asdict()
                quantity = f"final_{part}_error_minus_residual_chain"
                rows.append(
                    ContrastRow(study.name, quantity, *settings, *estimate, "points", null(alone), null(adjusted))
                )
    return rows


def _minus(runs: Mapping[int, Trained], baseline: Mapping[int, Trained], part: str) -> dict[int, float]:
    """By unit of `runs`, how much larger the error of `part` is than the baseline's with the same seeds."""
    seeds = [seed for seed in runs if runs[seed].trains and seed in baseline and baseline[seed].trains]
    return over_units({seed: runs[seed].error(part) - baseline[seed].error(part) for seed in seeds}, runs)


def _failures(drawn: Families, whole: bool) -> Part:
    """W1: the share of random graphs of which a run fails to train, with the exact (Clopper-Pearson) interval. "Every" is shown of the whole
    grid alone; a failure contradicts it before."""
    graphs: dict[tuple[Wiring, int], bool] = {}
    for wiring, runs in drawn.items():
        for run in runs.values():
            key = (wiring, run.spec.graph)
            graphs[key] = graphs.get(key, False) or not run.trains
    failed, n = sum(graphs.values()), len(graphs)
    tail, low, high = (1 - CONFIDENCE) / 2, None, None
    if n >= FEWEST_SEEDS:
        low = float(stats.beta.ppf(tail, failed, n - failed + 1)) if failed else 0.0
        high = float(stats.beta.ppf(1 - tail, failed + 1, n - failed)) if failed < n else 1.0
        low, high = 100 * low, 100 * high
    details = {
        "interval": "clopper_pearson",
        "graphs_failed": failed,
        "runs": sum(map(len, drawn.values())),
        "runs_failed": {str(wiring): count for wiring, runs in drawn.items() if (count := _failed(runs))},
    }
    part = Part("graphs_that_fail_to_train", Estimate(100 * failed / n, low, high, n), "percent", NONE, details)
    return part if whole or failed else part.undecided("planned_runs_missing")


def _failed(runs: Mapping[int, Trained]) -> int:
    return sum(not run.trains for run in runs.values())


def _spread(drawn: Families) -> Part:
    """W2: the standard deviation between graphs over that between seeds of one graph, in all random families together."""
    found = components(list(drawn.values()))
    details = {
        "interval": "f_of_variances",
        "sd_graphs": found.between,
        "sd_seeds": found.within,
        "taken_out": ["family", "seed"] if len(drawn) > 1 else [],
        "by_family": {
            str(wiring): {"sd_graphs": each.between, "sd_seeds": each.within}
            for wiring, each in ((wiring, components([runs])) for wiring, runs in drawn.items())
        },
        "failed_to_train": sum(map(_failed, drawn.values())),
    }
    if found.ratio.estimate is None:
        details["why"] = "too_few_runs"
    return Part("sd_of_graphs_over_sd_of_seeds", found.ratio, "ratio", TWICE, details)


def _shared(families: Sequence[Mapping[int, Trained]]) -> tuple[list[int], dict[int, int]]:
    """The seeds with which every one of `families` trains, and the number of the graph, by seed, that the first has there."""
    seeds = sorted(set.intersection(*({seed for seed, run in runs.items() if run.trains} for runs in families)))
    return seeds, {seed: families[0][seed].spec.graph for seed in seeds}


def _means(runs: Mapping[int, Trained], graph_of: Mapping[int, int]) -> list[float]:
    """Test error by number of the graph that a seed goes with: the mean of its seeds."""
    by_graph: dict[int, list[float]] = {}
    for seed, graph in graph_of.items():
        by_graph.setdefault(graph, []).append(runs[seed].error("test"))
    return [float(np.mean(each)) for _, each in sorted(by_graph.items())]


def _largest_difference(drawn: Families) -> Part:
    """W3: the largest difference of the means of two random families.

    With Tukey's simultaneous interval for all pairs, since the largest of many differences is large by chance: it holds for the largest
    true difference too. The error is what is left of the table family x graph number when the effects of both are taken out.
    """
    seeds, graph_of = _shared(list(drawn.values()))
    details = {"interval": "tukey", "seeds": seeds, "failed_to_train": sum(map(_failed, drawn.values()))}
    if not seeds:
        details["why"] = "no_seed_trains_on_all_sides"
        return Part("largest_difference_of_families", Estimate(None, None, None, 0), "points", POINT, details)
    table = np.array([_means(runs, graph_of) for runs in drawn.values()])
    families, n = table.shape
    means = table.mean(axis=1)
    order, names = np.argsort(means, kind="stable"), [str(wiring) for wiring in drawn]
    details |= {"means": {names[at]: float(means[at]) for at in order}, "worst": names[order[-1]]}
    details["best"] = names[order[0]]
    largest, low, high = float(np.ptp(means)), None, None
    if n >= FEWEST_SEEDS:
        rest = table - means[:, None] - table.mean(axis=0) + table.mean()
        df = (families - 1) * (n - 1)
        half = stats.studentized_range.ppf(CONFIDENCE, families, df) * np.sqrt((rest**2).sum() / df / n)
        low, high = float(max(0.0, largest - half)), float(largest + half)
    part = Part("largest_difference_of_families", Estimate(largest, low, high, n), "points", POINT, details)
    return part.undecided("a_run_failed_to_train") if details["failed_to_train"] else part


def _against_residual(drawn: Families, residual: Mapping[int, Trained]) -> Part:
    """W4: the mean over all random families, each counting the same, minus the residual chain."""
    seeds, graph_of = _shared([*drawn.values(), residual])
    details = {
        "interval": "student_t",
        "seeds": seeds,
        "by_family": {
            str(wiring): estimate_over_seeds(np.array(list(_minus(runs, residual, "test").values()))).estimate
            for wiring, runs in drawn.items()
        },
        "failed_to_train": {"random": sum(map(_failed, drawn.values())), str(RESIDUAL): _failed(residual)},
    }
    if not seeds:
        details["why"] = "no_seed_trains_on_all_sides"
    table = np.array([_means(runs, graph_of) for runs in drawn.values()])
    found = estimate_over_seeds(table.mean(axis=0) - np.array(_means(residual, graph_of)))
    part = Part("test_error_random_minus_residual_chain", found, "points", below(1), details)
    return part.undecided("a_run_failed_to_train") if details["failed_to_train"]["random"] else part


def _hubs(drawn: Families) -> Part:
    """W5: the rank correlation of the damage done by a node and the edges that leave it, the mean over all random graphs.

    Within a stage, since stages differ in how much a node matters; see `node_correlation`. `edge_correlation` is the paper's other
    finding, that an edge matters less the more edges enter its target (negative where it holds), and is no part of the verdict.
    """
    graphs, edges, without_output, by_name = [], [], [], {}
    for wiring, runs in drawn.items():
        mine = list(over_units({seed: node_correlation(run) for seed, run in runs.items()}, runs).values())
        graphs += mine
        edges += over_units({seed: edge_correlation(run) for seed, run in runs.items()}, runs).values()
        without_output += over_units(
            {seed: node_correlation(run, with_output=False) for seed, run in runs.items()}, runs
        ).values()
        by_name[str(wiring)] = float(np.mean(mine)) if mine else None
    found = estimate_over_seeds(np.array(graphs))
    details = {
        "interval": "student_t",
        "by_family": by_name,
        "edge_correlation": estimate_over_seeds(np.array(edges))._asdict(),
        "output_edge_left_out": estimate_over_seeds(np.array(without_output)).estimate,
    }
    if found.estimate is None:
        details["why"] = "no_damage_measured"
    return Part("rank_correlation_of_damage_and_out_degree", found, "correlation", more_than(0.3), details)
