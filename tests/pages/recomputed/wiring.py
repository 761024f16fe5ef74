"""W1 to W5: randomly wired networks."""

import json
import math
from collections import defaultdict
from statistics import mean

import duckdb
import numpy as np
from scipy import stats

from tests.pages.recomputed.study import LEVEL, Found, Run, Study, interval, undecided


def wiring(study: Study) -> dict[str, dict[str, Found]]:
    """W1 to W5 over all random families: er, ba, and ws with p above 0."""
    ended = [run for run in study.runs if run.status in ("complete", "diverged")]
    name = lambda run: (run.settings["family"], run.settings["links"], run.settings["p"])
    trains = lambda run: run.status == "complete" and run.wrong("train") <= 0.8 * run.n["train"]
    random = [run for run in ended if name(run)[0] in ("er", "ba") or (name(run)[0] == "ws" and name(run)[2] > 0)]
    if not random:
        return {}
    graphs: dict[tuple, list[bool]] = defaultdict(list)
    for run in random:
        graphs[name(run), run.settings["graph"]].append(trains(run))
    lost, n = sum(not all(each) for each in graphs.values()), len(graphs)
    ends = stats.binomtest(lost, n).proportion_ci(LEVEL, "exact") if n >= 3 else (None, None)
    low, high = (None if end is None else 100 * float(end) for end in ends)
    failures: Found = (100 * lost / n, low, high, n)
    if not lost and len(study.runs) < study.planned:
        failures = undecided(failures)
    found: dict[str, dict[str, Found]] = {"W1": {"graphs_that_fail_to_train": failures}}
    found["W2"] = {"sd_of_graphs_over_sd_of_seeds": spread([run for run in random if trains(run)], name)}
    of: dict[tuple, dict[int, Run]] = defaultdict(dict)
    for run in ended:
        of[name(run)][run.seed] = run
    drawn = sorted({name(run) for run in random})
    if len(drawn) > 1:
        found["W3"] = {
            "largest_difference_of_families": tukey([graph_means(of, family, drawn, trains) for family in drawn])
        }
    residual = ("residual_chain", 0, 0.0)
    if residual in of:
        sides = [*drawn, residual]
        rows = [graph_means(of, family, sides, trains) for family in sides]
        apart = [mean(column[:-1]) - column[-1] for column in zip(*rows, strict=True)]
        found["W4"] = {"test_error_random_minus_residual_chain": interval(apart)}
    if not all(map(trains, random)):
        for claim in found.keys() & {"W3", "W4"}:
            found[claim] = {quantity: undecided(each) for quantity, each in found[claim].items()}
    by_graph: dict[tuple, list[float]] = defaultdict(list)
    for run, value in hub_correlations(study, [run for run in random if trains(run)]):
        by_graph[name(run), run.settings["graph"]].append(value)
    found["W5"] = {"rank_correlation_of_damage_and_out_degree": interval([mean(each) for each in by_graph.values()])}
    return found


def graph_means(of: dict, family: tuple, families: list[tuple], trains) -> list[float]:
    """Test errors in points of a family by the graph that the first family has with each seed, over seeds with which all families train."""
    seeds = sorted(set.intersection(*({seed for seed, run in of[each].items() if trains(run)} for each in families)))
    found: dict[int, list[float]] = defaultdict(list)
    for seed in seeds:
        found[of[families[0]][seed].settings["graph"]].append(of[family][seed].points("test"))
    return [mean(found[graph]) for graph in sorted(found)]


def tukey(rows: list[list[float]]) -> Found:
    """The largest difference of two row means with Tukey's interval; the error is what rows and columns leave."""
    if not rows[0]:
        return None, None, None, 0
    k, n = len(rows), len(rows[0])
    means, columns = [mean(row) for row in rows], [mean(column) for column in zip(*rows, strict=True)]
    largest, grand = max(means) - min(means), mean(means)
    if n < 3:
        return largest, None, None, n
    left = sum((rows[i][j] - means[i] - columns[j] + grand) ** 2 for i in range(k) for j in range(n))
    df = (k - 1) * (n - 1)
    half = float(stats.studentized_range.ppf(LEVEL, k, df)) * math.sqrt(left / df / n)
    return largest, max(0.0, largest - half), largest + half, n


def spread(runs: list[Run], name) -> Found:
    """The deviation between graphs over that between seeds of one graph, families and seeds taken out: Henderson's third method, with
    projections."""
    groups = sorted({(name(run), run.settings["graph"]) for run in runs})
    nothing = (None, None, None, len(groups))
    if not runs:
        return nothing
    y = np.array([run.points("test") for run in runs])
    column = lambda chosen: np.array([float(chosen(run)) for run in runs])
    fixed = [np.ones(len(runs))]
    if len({name(run) for run in runs}) > 1:
        fixed += [column(lambda run, each=each: name(run) == each) for each in {name(run) for run in runs}]
        fixed += [column(lambda run, each=each: run.seed == each) for each in {run.seed for run in runs}]
    own = np.column_stack(
        [column(lambda run, each=each: (name(run), run.settings["graph"]) == each) for each in groups]
    )
    base, whole = np.column_stack(fixed), np.column_stack([*fixed, own])
    rest = lambda design: np.eye(len(runs)) - design @ np.linalg.pinv(design)
    a = int(np.linalg.matrix_rank(whole) - np.linalg.matrix_rank(base))
    b = int(len(runs) - np.linalg.matrix_rank(whole))
    if a < 1 or b < 1:
        return nothing
    error = float(y @ rest(whole) @ y) / b
    square = (float(y @ rest(base) @ y) - error * b) / a
    size = float(np.trace(own.T @ rest(base) @ own)) / a
    if error <= 1e-20 * float(y @ y):
        return nothing
    ratio = lambda f: math.sqrt(max(0.0, (square / error / f - 1) / size))
    if a < 2:
        return ratio(1.0), None, None, len(groups)
    tail = (1 - LEVEL) / 2
    return ratio(1.0), ratio(stats.f.ppf(1 - tail, a, b)), ratio(stats.f.ppf(tail, a, b)), len(groups)


def hub_correlations(study: Study, runs: list[Run]) -> list[tuple[Run, float]]:
    """Of every run the rank correlation of the errors without a node and the edges that leave it, the mean over stages where both vary."""
    with duckdb.connect(study.database, read_only=True) as connection:
        rows = connection.sql(
            """
            SELECT c.settings, r.seed, d.stage, list(greatest(n.out_degree, 1) ORDER BY d.part) AS degrees,
                   list(-d.test_correct ORDER BY d.part) AS wrong
            FROM damage d JOIN runs r USING (run) JOIN configurations c USING (configuration)
            JOIN nodes n ON n.configuration = c.configuration AND n.stage = d.stage AND n.node = d.part
            WHERE r.study = ? AND d.kind = 'node' GROUP BY ALL ORDER BY d.stage
            """,
            params=[study.name],
        ).to_arrow_table()
    found: dict[tuple, list[float]] = defaultdict(list)
    for row in rows.to_pylist():
        if len(set(row["degrees"])) > 1 and len(set(row["wrong"])) > 1:
            ranks = [stats.rankdata(row[of]) for of in ("degrees", "wrong")]
            found[row["settings"], row["seed"]].append(float(np.corrcoef(*ranks)[0, 1]))
    told = {(json.dumps(json.loads(settings), sort_keys=True), seed): each for (settings, seed), each in found.items()}
    keys = [(run, (json.dumps(run.settings, sort_keys=True), run.seed)) for run in runs]
    return [(run, mean(told[key])) for run, key in keys if key in told]
