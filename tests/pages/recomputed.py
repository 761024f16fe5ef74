"""The measured parts of the claims once more, from the tables of single runs, in plain Python and whole numbers of examples.

Written from the rules as the schema and the texts state them, and with nothing of precompute: what the two have in common is the data.
"""

import itertools
import json
import math
from collections import defaultdict
from statistics import mean, stdev
from typing import NamedTuple

import duckdb
import numpy as np
from scipy import stats

LEVEL = 0.95
Found = tuple[float | None, float | None, float | None, int]  # estimate, low, high, n


class Run(NamedTuple):
    settings: dict
    seed: int
    status: str
    steps: int
    n: dict[str, int]
    curve: list[dict]  # by epoch

    def wrong(self, part: str, place: int = -1) -> int:
        return self.n[part] - self.curve[place][f"{part}_correct"]

    def points(self, part: str, place: int = -1) -> float:
        return 100 * self.wrong(part, place) / self.n[part]


class Study:
    """The runs of one study with what was measured of them."""

    def __init__(self, database: str, name: str):
        self.database, self.name = database, name
        with duckdb.connect(database, read_only=True) as connection:
            ask = lambda sql: connection.sql(sql, params=[name]).to_arrow_table().to_pylist()
            self.x = ask("SELECT x_axis FROM studies WHERE study = ?")[0]["x_axis"]
            rows = ask(
                "SELECT r.*, c.settings FROM runs r JOIN configurations c USING (configuration) WHERE r.study = ?"
            )
            tables = {
                table: ask(f"SELECT t.* FROM {table} t JOIN runs r USING (run) WHERE r.study = ? ORDER BY ALL")
                for table in ("curves", "layers", "targets", "noise_scale")
            }
        of: dict[str, dict[int, list]] = {table: defaultdict(list) for table in tables}
        for table, found in tables.items():
            for row in found:
                of[table][row["run"]].append(row)
        self.runs = []
        self.layers, self.targets, self.noise = {}, {}, {}
        for row in rows:
            sizes = {part: row[f"n_{part}"] for part in ("train", "val", "test")}
            settings = json.loads(row["settings"])
            run = Run(settings, row["seed"], row["status"], row["steps"], sizes, of["curves"][row["run"]])
            key = len(self.runs)
            self.runs.append(run)
            self.layers[key], self.targets[key] = of["layers"][row["run"]], of["targets"][row["run"]]
            self.noise[key] = of["noise_scale"][row["run"]]

    def map(self, **settings) -> dict[float, dict[int, Run]]:
        """x -> seed -> complete run, of the runs with these settings, x and seeds in order."""
        found: dict[float, dict[int, Run]] = defaultdict(dict)
        for run in sorted(self.runs, key=lambda run: (run.settings[self.x], run.seed)):
            if run.status == "complete" and all(run.settings[name] == value for name, value in settings.items()):
                assert run.seed not in found[run.settings[self.x]], "two runs of one seed in one cell"
                found[run.settings[self.x]][run.seed] = run
        return dict(found)

    def values(self, name: str) -> list:
        return sorted({run.settings[name] for run in self.runs if run.status == "complete"})


def interval(values: list[float], level: float = LEVEL) -> Found:
    n = len(values)
    if n < 3:
        return (mean(values) if n else None), None, None, n
    half = stats.t.ppf((1 + level) / 2, n - 1) * stdev(values) / math.sqrt(n)
    return mean(values), mean(values) - half, mean(values) + half, n


def peak(curve: list[int]) -> tuple[int, int, int, int]:
    """Places of the peak and the minima before and after it, and its height: the place whose smaller side is highest, the first of equals."""
    best = None
    for at in range(1, len(curve) - 1):
        before = min(range(at), key=lambda i: (curve[i], i))
        after = min(range(at + 1, len(curve)), key=lambda i: (curve[i], i))
        height = min(curve[at] - curve[before], curve[at] - curve[after])
        if best is None or height > best[3]:
            best = at, before, after, height
    return best


def rise(curve: list[int]) -> tuple[int, int]:
    """Places (before, top) of the largest rise from an earlier minimum, the first of equals."""
    best = None
    for top in range(1, len(curve)):
        before = min(range(top), key=lambda i: (curve[i], i))
        if best is None or curve[top] - curve[before] > best[2]:
            best = before, top, curve[top] - curve[before]
    return best[:2]


def held_out(curves: dict[int, list[int]], places, n: int) -> Found:
    """Mean over seeds of curve[a] - curve[b] in points, where `places` finds (a, b) on the sum over the other seeds."""
    differences = []
    for seed, curve in curves.items():
        others = [sum(values) for values in zip(*(c for s, c in curves.items() if s != seed or len(curves) == 1))]
        a, b = places(others)
        differences.append(100 * (curve[a] - curve[b]) / n)
    return interval(differences)


def over_x(grid: dict, wrong) -> tuple[dict[int, list[int]], int]:
    """seed -> curve of wrong examples over x, and out of how many."""
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in grid.values())))
    assert all(sorted(by_seed) == seeds for by_seed in grid.values()), "a run is missing: these sums need all of them"
    n = next(iter(grid.values()))[seeds[0]].n["test"]
    return {seed: [wrong(by_seed[seed]) for by_seed in grid.values()] for seed in seeds}, n


def total(curves: dict[int, list[int]]) -> list[int]:
    return [sum(values) for values in zip(*curves.values(), strict=True)]


def double_descent(study: Study) -> dict[str, dict[str, Found]]:
    """G1 to G5 and G7."""
    noisy, clean = study.map(label_noise=0.2), study.map(label_noise=0.0)
    found: dict[str, dict[str, Found]] = {}
    if noisy:
        curves, n = over_x(noisy, lambda run: run.wrong("test"))
        widest = len(noisy) - 1
        up = held_out(curves, lambda c: peak(c)[:2], n)
        found["G1"] = {
            "rise_to_the_peak": up,
            "fall_from_the_peak_to_the_widest": held_out(curves, lambda c: (peak(c)[0], widest), n),
        }
        below = held_out(curves, lambda c: (widest, peak(c)[1]), n)
        there = peak(total(curves))[3] > 0
        found["G2"] = {"widest_minus_first_minimum": below if there else (None, None, None, len(curves))}
        found["G4"] = along_epochs(noisy[max(noisy)])
        found["G5"] = {"rank_correlation_of_ridge_and_threshold": ridge_and_threshold(noisy)}
        found["G7"] = early_stopped(noisy)
    if clean:
        curves, n = over_x(clean, lambda run: run.wrong("test"))
        found["G3"] = {"rise_to_the_peak": held_out(curves, lambda c: peak(c)[:2], n)}
    return found


def along_epochs(by_seed: dict[int, Run]) -> dict[str, Found]:
    n = next(iter(by_seed.values())).n["test"]
    curves = {seed: [run.wrong("test", place) for place in range(len(run.curve))] for seed, run in by_seed.items()}
    return {
        "first_descent_over_epochs": held_out(curves, lambda c: (0, peak(c)[1]), n),
        "rise_over_epochs": held_out(curves, lambda c: peak(c)[:2], n),
        "second_descent_over_epochs": held_out(curves, lambda c: (peak(c)[0], peak(c)[2]), n),
    }


def early_stopped(grid: dict) -> dict[str, Found]:
    def stopped(run: Run) -> int:
        best = max(range(len(run.curve)), key=lambda place: (run.curve[place]["val_correct"], -place))
        return run.wrong("test", best)

    curves, n = over_x(grid, stopped)
    ends = interval([100 * (curve[0] - curve[-1]) / n for curve in curves.values()])
    top = held_out(curves, lambda c: rise(c)[::-1], n)
    return {"early_stopped_narrowest_minus_widest": ends, "early_stopped_largest_rise": top}


def ridge_and_threshold(grid: dict, level: float = 0.1) -> Found:
    """G5, with its bootstrap: every way to draw the seeds with replacement, weighted by how often it comes."""
    epochs = range(len(next(iter(next(iter(grid.values())).values())).curve))
    test, train = [], []
    for place in epochs:
        curves, n = over_x(grid, lambda run, place=place: run.wrong("test", place))
        test.append(curves)
        train.append(over_x(grid, lambda run, place=place: run.wrong("train", place))[0])
    n_train = next(iter(next(iter(grid.values())).values())).n["train"]
    seeds = list(test[0])

    def summed(curves: dict, times: dict[int, int]) -> list[int]:
        return [sum(times[s] * curves[s][i] for s in seeds) for i in range(len(grid))]

    def ridge(place: int, times: dict[int, int]) -> int | None:
        at, _, _, height = peak(summed(test[place], times))
        return at if height > 0 else None

    def threshold(place: int, times: dict[int, int]) -> int | None:
        sums, most = summed(train[place], times), level * n_train * len(seeds)
        return next((i for i, wrong in enumerate(sums) if wrong <= most + 1e-6), None)

    def clear(place: int) -> bool:
        up = held_out(test[place], lambda c: peak(c)[:2], n)
        down = held_out(test[place], lambda c: (peak(c)[0], peak(c)[2]), n)
        return len(seeds) >= 3 and up[1] > 0 and down[1] > 0

    once = dict.fromkeys(seeds, 1)
    usable = [p for p in epochs if ridge(p, once) is not None and threshold(p, once) is not None and clear(p)]

    def correlation(times: dict[int, int]) -> float:
        pairs = [(ridge(p, times), threshold(p, times)) for p in usable]
        pairs = [pair for pair in pairs if None not in pair]
        if len(pairs) < 4 or any(len(set(side)) == 1 for side in zip(*pairs)):
            return math.nan
        return float(stats.spearmanr(*zip(*pairs)).statistic)

    estimate = correlation(once)
    if math.isnan(estimate):
        return None, None, None, len(seeds)
    drawn = []
    for draw in itertools.combinations_with_replacement(seeds, len(seeds)):
        times = {seed: draw.count(seed) for seed in seeds}
        ways = math.factorial(len(seeds)) / math.prod(map(math.factorial, times.values()))
        value = correlation(times)
        if not math.isnan(value):
            drawn.append((value, ways))
    drawn.sort()
    weight = sum(ways for _, ways in drawn)

    def percentile(share: float) -> float:
        so_far = 0.0
        for value, ways in drawn:
            so_far += ways
            if so_far >= share * weight - 1e-9:
                return value
        raise AssertionError

    return estimate, percentile(0.025), percentile(0.975), len(seeds)


def more_data(study: Study) -> dict[str, dict[str, Found]]:
    """G6: the cell where twice the data is most clearly worse, by Holm's corrected p over x."""
    grids = {
        (n, epochs): grid
        for n in study.values("n_train")
        for epochs in study.values("epochs")
        if (grid := study.map(label_noise=0.2, n_train=n, epochs=epochs))
    }
    batch = study.runs[0].settings["batch_size"]
    common = min(set.intersection(*({e for m, e in grids if m == n} for n in {n for n, _ in grids})))
    regimes = {
        "equal_epochs": lambda a, b: a[1] == b[1] == common,
        "equal_steps": lambda a, b: math.ceil(a[0] / batch) * a[1] == math.ceil(b[0] / batch) * b[1],
    }
    parts = {}
    for regime, fits in regimes.items():
        cells = []
        for small, large in itertools.product(grids, grids):
            if large[0] == 2 * small[0] and fits(small, large):
                cells += family(grids[small], grids[large])
        if cells:
            worse = [cell for cell in cells if mean(cell[0]) > 0 and cell[2] is not None]
            chosen = min(worse, key=lambda c: (c[2], -mean(c[0]))) if worse else max(cells, key=lambda c: mean(c[0]))
            differences, p, adjusted, size = chosen
            factor = adjusted / p if p else size
            parts[f"more_data_worse_at_{regime}"] = interval(differences, 1 - 0.05 / max(factor, 1))
    return {"G6": parts}


def family(small: dict, large: dict) -> list[tuple[list[float], float | None, float | None, int]]:
    """Of each x that both have: paired differences in points, p, Holm's p, and the number of comparisons."""
    cells = []
    for x in sorted(small.keys() & large.keys()):
        seeds = sorted(small[x].keys() & large[x].keys())
        differences = [large[x][s].points("test") - small[x][s].points("test") for s in seeds]
        p = float(stats.ttest_1samp(differences, 0).pvalue) if len(seeds) >= 3 and any(differences) else None
        cells.append((differences, 1.0 if p is None and len(seeds) >= 3 else p))
    order = sorted((i for i, cell in enumerate(cells) if cell[1] is not None), key=lambda i: cells[i][1])
    adjusted, most = {}, 0.0
    for rank, place in enumerate(order):
        most = max(most, (len(order) - rank) * cells[place][1])
        adjusted[place] = min(most, 1.0)
    return [(differences, p, adjusted.get(i), len(order)) for i, (differences, p) in enumerate(cells)]


def weight_decay(study: Study) -> dict[str, dict[str, Found]]:
    """G8: at each x the decay with the fewest wrong validation examples, of equals the smallest."""
    grids = {decay: study.map(label_noise=0.2, weight_decay=decay) for decay in study.values("weight_decay")}
    xs = sorted(set.intersection(*(set(grid) for grid in grids.values())))
    if len(grids) < 2 or 0 not in grids or not xs:
        return {}
    seeds = sorted(set.intersection(*(set(by_seed) for grid in grids.values() for by_seed in grid.values())))
    chosen = {}
    for x in xs:
        wrong = {decay: sum(grid[x][s].wrong("val") for s in seeds) for decay, grid in grids.items()}
        chosen[x] = {s: grids[min(wrong, key=lambda d: (wrong[d], d))][x][s] for s in seeds}
    curves, n = over_x(chosen, lambda run: run.wrong("test"))
    return {"G8": {"largest_rise_with_the_best_decay": held_out(curves, lambda c: rise(c)[::-1], n)}}


def depth(study: Study) -> dict[str, dict[str, Found]]:
    """L1 to L4 of networks with batch normalization, each at the rate that validation data choose."""
    cells: dict[tuple, dict[float, list[int]]] = defaultdict(lambda: defaultdict(list))
    for key, run in enumerate(study.runs):
        if run.settings.get("norm", "batch") == "batch":
            kind = run.settings.get("architecture") or ("residual" if run.settings["residual"] else "plain")
            cells[kind, run.settings["depth"]][run.settings["lr"]].append(key)
    best = {}
    for cell, by_rate in cells.items():

        def rank(rate: float, by_rate=by_rate) -> tuple:
            done = [study.runs[k] for k in by_rate[rate] if study.runs[k].status == "complete"]
            error = round(mean(r.wrong("val") / r.n["val"] for r in done), 12) if done else math.inf
            return len(done) < len(by_rate[rate]), error, rate

        best[cell] = {study.runs[k].seed: k for k in by_rate[min(by_rate, key=rank)]}

    def trained(cell: tuple, part: str) -> dict[int, float]:
        runs = {seed: study.runs[k] for seed, k in best[cell].items()}
        return {s: r.points(part) for s, r in runs.items() if r.status == "complete" and r.points("train") <= 80}

    def apart(a: tuple, b: tuple, part: str) -> Found | None:
        if a not in best or b not in best:
            return None
        one, other = trained(a, part), trained(b, part)
        return interval([one[s] - other[s] for s in sorted(one.keys() & other.keys())])

    found = {
        "L1": {"train_error_deep_minus_shallow": apart(("plain", 56), ("plain", 20), "train")},
        "L2": {"test_error_deep_minus_shallow": apart(("residual", 56), ("residual", 20), "test")},
        "L3": {"test_error_plain_minus_residual": apart(("plain", 20), ("residual", 20), "test")},
        "L4": {"gradient_norm_first_over_last": gradient_ratio(study, best)},
    }
    return {claim: parts for claim, parts in found.items() if None not in parts.values()}


def gradient_ratio(study: Study, best: dict) -> Found | None:
    deep = [
        cell
        for cell in best
        if cell[0] == "plain" and cell[1] >= 20 and any(study.layers[k] for k in best[cell].values())
    ]
    if not deep:
        return None
    smallest = []
    for _, key in sorted(best[max(deep)].items()):
        norms: dict[int, dict[int, float]] = defaultdict(dict)
        for row in study.layers[key]:
            norms[row["epoch"]][row["layer"]] = row["gradient_norm"]
        ratios = [by[min(by)] / by[max(by)] for by in norms.values() if by[min(by)] is not None and by[max(by)]]
        if ratios and study.runs[key].status == "complete":
            smallest.append(math.log(min(ratios)))
    estimate, low, high, n = interval(smallest)
    return *(None if value is None else math.exp(value) for value in (estimate, low, high)), n


class Tuning(NamedTuple):
    """One batch size of one optimizer for one target: seed -> rate -> steps, infinite where not reached."""

    size: int
    steps: dict[int, dict[float, float]]
    keys: dict[tuple[int, float], int]

    @property
    def best(self) -> list[float]:
        return [math.log2(min(by_rate.values())) for by_rate in self.steps.values()]

    @property
    def reached(self) -> bool:
        return all(map(math.isfinite, (min(by_rate.values()) for by_rate in self.steps.values())))

    @property
    def rates(self) -> list[float]:
        """log2 of the best rate of each seed, the mean of equals."""
        return [
            mean(math.log2(rate) for rate, steps in by.items() if steps == min(by.values()))
            for by in self.steps.values()
        ]


def tunings(study: Study, momentum: float, target: float) -> list[Tuning]:
    seeds = sorted({run.seed for key, run in enumerate(study.runs) if study.targets[key]})
    found: dict[int, dict[int, dict[float, float]]] = defaultdict(lambda: {seed: {} for seed in seeds})
    keys: dict[int, dict[tuple[int, float], int]] = defaultdict(dict)
    for key, run in enumerate(study.runs):
        if run.settings["optimizer"] == "sgd" and run.settings["momentum"] == momentum and run.status != "failed":
            for row in study.targets[key]:
                if row["target"] == target:
                    size, lr = run.settings["batch_size"], run.settings["lr"]
                    found[size][run.seed][lr] = row["step"] if row["reached"] else math.inf
                    keys[size][run.seed, lr] = key
    whole = [size for size, by in found.items() if len({tuple(sorted(rates)) for rates in by.values()}) == 1]
    return [Tuning(size, found[size], keys[size]) for size in sorted(whole)]


def reached(cells: list[Tuning]) -> list[Tuning]:
    started = itertools.dropwhile(lambda cell: not cell.reached, cells)
    return list(itertools.takewhile(lambda cell: cell.reached, started))


def slope(xs: list[float], ys: list[float]) -> float:
    return float(stats.linregress(xs, ys).slope)


def slopes(cells: list[Tuning], values) -> list[float]:
    by_seed = zip(*(values(cell) for cell in cells), strict=True)
    return [slope([math.log2(cell.size) for cell in cells], list(ys)) for ys in by_seed]


def end_of_perfect_scaling(cells: list[Tuning], seed: int) -> float:
    """log2 of the size at which the examples pass those of the three smallest, divided by 0.8."""
    sizes = [math.log2(cell.size) for cell in cells]
    examples = [size + cell.best[seed] for size, cell in zip(sizes, cells, strict=True)]
    limit = mean(examples[:3]) + math.log2(1 / 0.8)
    for i in range(1, len(cells)):
        if examples[i - 1] <= limit < examples[i]:
            share = (limit - examples[i - 1]) / (examples[i] - examples[i - 1])
            return sizes[i - 1] + share * (sizes[i] - sizes[i - 1])
    return math.inf


def batch_size(study: Study) -> dict[str, dict[str, Found]]:
    """B1, B2, B3 and B5 of a study that trains to targets, at the third hardest of them."""
    targets = sorted({row["target"] for rows in study.targets.values() for row in rows})
    if not targets:
        return equal_budgets(study)
    plain, moved = (tunings(study, momentum, targets[2]) for momentum in (0.0, 0.9))
    if not plain:
        return {}
    cells, seeds = reached(plain), len(plain[0].steps)
    nothing = (None, None, None)
    small, large = cells[:4], plain[-4:]
    apart = not {c.size for c in small} & {c.size for c in large} and all(c.reached for c in large)
    ends = [end_of_perfect_scaling(cells, s) for s in range(seeds)] if len(cells) > 1 else []
    halves = [cells[: len(cells) // 2], cells[-(len(cells) // 2) :]] if len(cells) // 2 >= 3 else []
    found = {
        "B1": {
            "steps_slope_at_the_smallest_sizes": interval(slopes(small, lambda c: c.best)) if len(small) == 4 else (*nothing, seeds if small else 0),
            "steps_slope_at_the_largest_sizes": interval(slopes(large, lambda c: c.best)) if apart and len(large) == 4 else (*nothing, seeds if apart else 0),
        },
        "B3": {},
        "B5": {"noise_scale_over_the_bend": noise_over_bend(study, cells, ends, seeds)},
    }  # fmt: skip
    for name, exponent in (("linear", 1.0), ("square_root", 0.5)):
        tried = [interval([s - exponent for s in slopes(half, lambda c: c.rates)], 0.975) for half in halves]
        clearest = max(
            tried, key=lambda f: max(f[1], -f[2]) if f[1] is not None else -math.inf, default=(*nothing, seeds)
        )
        found["B3"][f"rate_slope_minus_{name}"] = clearest
    if moved:
        found["B2"] = {"doublings_of_the_end_of_perfect_scaling": doublings(plain, moved, seeds)}
    return found


def doublings(plain: list[Tuning], moved: list[Tuning], seeds: int) -> Found:
    start = max((reached(cells)[0].size for cells in (plain, moved) if reached(cells)), default=0)
    both = [[cell for cell in reached(cells) if cell.size >= start] for cells in (plain, moved)]
    if any(len(cells) < 2 for cells in both):
        return None, None, None, seeds
    last = math.log2(both[1][-1].size)
    ends = [[end_of_perfect_scaling(cells, s) for s in range(seeds)] for cells in both]
    if math.inf in ends[0]:
        return None, None, None, seeds
    return interval([min(b, last) - a for a, b in zip(*ends, strict=True)])


def noise_over_bend(study: Study, cells: list[Tuning], ends: list[float], seeds: int) -> Found:
    nothing = (None, None, None, seeds)
    if not ends or math.inf in ends:
        return nothing
    logs = []
    for place in range(seeds):
        rows = []
        for cell in cells:
            seed = list(cell.steps)[place]
            steps = cell.steps[seed]
            rate = min(steps, key=lambda rate: (steps[rate], rate))
            before = [row for row in study.noise[cell.keys[seed, rate]] if row["step"] <= steps[rate]]
            rows += before[-1:]
        trace, squared = mean(row["trace"] for row in rows), mean(row["gradient_sq"] for row in rows)
        if trace <= 0 or squared <= 0:
            return nothing
        logs.append(math.log(trace / squared) - ends[place] * math.log(2))
    estimate, low, high, n = interval(logs)
    return *(None if value is None else math.exp(value) for value in (estimate, low, high)), n


def equal_budgets(study: Study) -> dict[str, dict[str, Found]]:
    """B4: at each budget, the largest batch size minus the smallest, of the seeds that tuned nothing."""
    budget = lambda run: (
        ("epochs", run.settings["epochs"]) if run.settings["epochs"] else ("steps", run.settings["steps"])
    )
    rates = defaultdict(set)
    for run in study.runs:
        rates[budget(run), run.settings["batch_size"], run.seed].add(run.settings["lr"])
    tuning = {seed for (_, _, seed), tried in rates.items() if len(tried) > 1}
    errors: dict[tuple, dict[int, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for run in study.runs:
        if run.seed not in tuning:
            assert run.status == "complete"
            errors[budget(run)][run.settings["batch_size"]][run.seed] = run.points("test")
    parts = {}
    for (name, _), by_size in sorted(errors.items()):
        small, large = by_size[min(by_size)], by_size[max(by_size)]
        differences = [large[s] - small[s] for s in sorted(small.keys() & large.keys())]
        parts.setdefault(f"test_error_of_the_largest_minus_the_smallest_at_equal_{name}", []).append(
            interval(differences)
        )
    return {"B4": parts} if parts else {}


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
    found: dict[str, dict[str, Found]] = {"W1": {"graphs_that_fail_to_train": (100 * lost / n, low, high, n)}}
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


def claims_of(study: Study, question: str, name: str) -> dict[str, dict[str, Found]]:
    """claim -> quantity -> what was found, or a list of it where a quantity is measured at several budgets; of one study."""
    if question == "depth":
        return depth(study)
    if question == "batch_size":
        return batch_size(study)
    if question == "wiring":
        return wiring(study)
    if "sample_wise" in name:
        return more_data(study)
    if "regularization" in name:
        return weight_decay(study)
    return double_descent(study) if question == "generalization" else {}
