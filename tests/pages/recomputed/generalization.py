"""G1 to G8: double descent, twice the data, weight decay."""

import itertools
import math
from operator import mul
from statistics import mean

from scipy import stats

from tests.pages.recomputed.study import Found, Run, Study, interval

# Means over seeds are kept as whole numbers of this share of an example, which up to twelve seeds divide without a remainder.
SHARE = math.lcm(*range(1, 13))
Curve = list[int | None]
"""Wrong examples by place, None where the run is missing, failed or diverged: such places are passed over."""


class TooShort(Exception):
    """A curve without a place between two others has no peak, and without two places no rise."""


def there(curve: Curve, fewest: int) -> list[int]:
    """The places that have a value; raises TooShort where these are fewer."""
    places = [place for place, wrong in enumerate(curve) if wrong is not None]
    if len(places) < fewest:
        raise TooShort
    return places


def peak(curve: Curve) -> tuple[int, int, int, int]:
    """Places of the peak and the minima before and after it, and its height: the place whose smaller side is highest, the first of equals.

    Raises TooShort where no place lies between two others.
    """
    places = there(curve, 3)
    lowest = places[-1]
    after = {}
    for place in reversed(places[1:]):
        lowest = after[place] = place if curve[place] <= curve[lowest] else lowest
    best, before = None, places[0]
    for at, following in itertools.pairwise(places[1:]):
        height = min(curve[at] - curve[before], curve[at] - curve[after[following]])
        if best is None or height > best[3]:
            best = at, before, after[following], height
        before = at if curve[at] < curve[before] else before
    return best


def rise(curve: Curve) -> tuple[int, int]:
    """Places (before, top) of the largest rise from an earlier minimum, the first of equals. Raises TooShort for less than two places."""
    best, places = None, there(curve, 2)
    for top in places[1:]:
        before = min((i for i in places if i < top), key=lambda i: (curve[i], i))
        if best is None or curve[top] - curve[before] > best[2]:
            best = before, top, curve[top] - curve[before]
    return best[:2]


def averaged(curves: dict[int, Curve], times: dict[int, int]) -> Curve:
    """At each place the mean of the seeds that are there, each as many `times`, in SHAREs; None where none of them is."""
    used = [(curve, times[seed]) for seed, curve in curves.items() if times.get(seed)]
    if not used:
        return [None] * max(map(len, curves.values()))
    often = [number for _, number in used]
    share, means = SHARE // sum(often), []
    for values in zip(*(curve for curve, _ in used), strict=True):
        if None not in values:
            means.append(sum(map(mul, values, often)) * share)
        else:
            measured = [(wrong, number) for wrong, number in zip(values, often, strict=True) if wrong is not None]
            count = sum(number for _, number in measured)
            means.append(sum(wrong * number for wrong, number in measured) * (SHARE // count) if count else None)
    return means


def held_out(curves: dict[int, Curve], places, n: int) -> Found:
    """Mean over seeds of curve[a] - curve[b] in points, where `places` finds (a, b) on the mean over the other seeds; none of a seed whose
    others are too short for it, or that has no run at one of the two."""
    differences = []
    for seed, curve in curves.items():
        others = averaged(curves, {s: 1 for s in curves if s != seed or len(curves) == 1})
        try:
            a, b = places(others)
        except TooShort:
            continue
        if curve[a] is not None and curve[b] is not None:
            differences.append(100 * (curve[a] - curve[b]) / n)
    return interval(differences)


def over_x(grid: dict, wrong, seeds: list[int] | None = None) -> tuple[dict[int, Curve], int]:
    """seed -> curve of wrong examples over x, and out of how many test examples; of the seeds that have any run, unless they are given."""
    seeds = seeds or sorted(set.union(*(set(by_seed) for by_seed in grid.values())))
    (n,) = {run.n["test"] for by_seed in grid.values() for run in by_seed.values()}
    found = {s: [wrong(by_seed[s]) if s in by_seed else None for by_seed in grid.values()] for s in seeds}
    return found, n


def has_peak(curves: dict[int, Curve]) -> bool:
    try:
        return peak(averaged(curves, dict.fromkeys(curves, 1)))[3] > 0
    except TooShort:
        return False


def double_descent(study: Study) -> dict[str, dict[str, Found]]:
    """G1 to G5 and G7, without augmentation where the study trains with and without it."""
    both = {run.settings.get("augment") for run in study.runs if run.status == "complete"}
    plain = {"augment": "none"} if "none" in both else {}
    noisy, clean = study.map(label_noise=0.2, **plain), study.map(label_noise=0.0, **plain)
    found: dict[str, dict[str, Found]] = {}
    if noisy:
        curves, n = over_x(noisy, lambda run: run.wrong("test"))
        widest, widest_x = len(noisy) - 1, max(noisy)
        up = held_out(curves, lambda c: peak(c)[:2], n)
        found["G1"] = {
            "rise_to_the_peak": up,
            "fall_from_the_peak_to_the_widest": held_out(curves, lambda c: (peak(c)[0], widest), n),
        }
        below = held_out(curves, lambda c: (widest, peak(c)[1]), n)
        nothing = (None, None, None, len(curves))
        found["G2"] = {"widest_minus_first_minimum": below if has_peak(curves) else nothing}
        found["G4"] = along_epochs(noisy[widest_x], list(curves))
        found["G5"] = {"rank_correlation_of_ridge_and_threshold": ridge_and_threshold(noisy)}
        found["G7"] = early_stopped(noisy)
    if clean:
        curves, n = over_x(clean, lambda run: run.wrong("test"))
        found["G3"] = {"rise_to_the_peak": held_out(curves, lambda c: peak(c)[:2], n)}
    return found


def along_epochs(by_seed: dict[int, Run], seeds: list[int]) -> dict[str, Found]:
    one = next(iter(by_seed.values()))
    n, nothing = one.n["test"], [None] * len(one.curve)
    curves = {s: [by_seed[s].wrong("test", i) for i in range(len(nothing))] if s in by_seed else nothing for s in seeds}
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
    ends = interval(
        [100 * (curve[0] - curve[-1]) / n for curve in curves.values() if None not in (curve[0], curve[-1])]
    )
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

    def ridge(place: int, times: dict[int, int]) -> int | None:
        try:
            at, _, _, height = peak(averaged(test[place], times))
        except TooShort:
            return None
        return at if height > 0 else None

    def threshold(place: int, times: dict[int, int]) -> int | None:
        means, most = averaged(train[place], times), level * n_train * SHARE
        return next((i for i, wrong in enumerate(means) if wrong is not None and wrong <= most + 1e-3), None)

    def clear(place: int) -> bool:
        up = held_out(test[place], lambda c: peak(c)[:2], n)
        down = held_out(test[place], lambda c: (peak(c)[0], peak(c)[2]), n)
        return all(side[1] is not None and side[1] > 0 for side in (up, down))

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
    if not grids:
        return {}
    batch = study.runs[0].settings["batch_size"]
    by_n = [{e for m, e in grids if m == n} for n in {n for n, _ in grids}]
    common = min(set.intersection(*by_n), default=None)
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
    return {"G6": parts} if parts else {}


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
    """G8: at each x the decay with the fewest wrong validation examples, of those that all seeds have; of equals the smallest."""
    grids = {decay: study.map(label_noise=0.2, weight_decay=decay) for decay in study.values("weight_decay")}
    grids = {decay: grid for decay, grid in grids.items() if grid}
    if len(grids) < 2 or 0 not in grids:
        return {}
    tried = {decay: set() for decay in grids}  # at which x, whatever became of the run
    for run in study.runs:
        if run.settings["label_noise"] == 0.2 and run.settings["weight_decay"] in grids:
            tried[run.settings["weight_decay"]].add(run.settings[study.x])
    xs = sorted(set.intersection(*tried.values()))
    seeds = sorted(set.intersection(*({s for by_seed in grid.values() for s in by_seed} for grid in grids.values())))
    if not xs or not seeds:
        return {}
    chosen = {}
    for x in xs:
        by_decay = {decay: grid.get(x, {}) for decay, grid in grids.items()}
        wrong = {d: sum(by[s].wrong("val") for s in seeds) for d, by in by_decay.items() if set(seeds) <= by.keys()}
        chosen[x] = by_decay[min(wrong, key=lambda d: (wrong[d], d), default=0)]
    curves, n = over_x(chosen, lambda run: run.wrong("test"), seeds)
    return {"G8": {"largest_rise_with_the_best_decay": held_out(curves, lambda c: rise(c)[::-1], n)}}
