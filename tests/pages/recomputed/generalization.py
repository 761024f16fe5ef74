"""G1 to G8: double descent, twice the data, weight decay."""

import itertools
import math
from statistics import mean

from scipy import stats

from tests.pages.recomputed.study import Found, Run, Study, interval


class TooShort(Exception):
    """A curve without a place between two others has no peak."""


def peak(curve: list[int]) -> tuple[int, int, int, int]:
    """Places of the peak and the minima before and after it, and its height: the place whose smaller side is highest, the first of equals.

    Raises TooShort where no place lies between two others.
    """
    if len(curve) < 3:
        raise TooShort
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
    """Mean over seeds of curve[a] - curve[b] in points, where `places` finds (a, b) on the sum over the other seeds; none of a curve too
    short for it."""
    differences = []
    for seed, curve in curves.items():
        others = [sum(values) for values in zip(*(c for s, c in curves.items() if s != seed or len(curves) == 1))]
        try:
            a, b = places(others)
        except TooShort:
            continue
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
    """G1 to G5 and G7, without augmentation where the study trains with and without it."""
    both = {run.settings.get("augment") for run in study.runs if run.status == "complete"}
    plain = {"augment": "none"} if "none" in both else {}
    noisy, clean = study.map(label_noise=0.2, **plain), study.map(label_noise=0.0, **plain)
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
        there = len(noisy) > 2 and peak(total(curves))[3] > 0
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
        if len(grid) < 3:
            return None
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
        if not seeds:
            continue
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
