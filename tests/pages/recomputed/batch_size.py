"""B1 to B5: steps to a target at each batch size, and equal budgets."""

import itertools
import math
from collections import defaultdict
from statistics import mean
from typing import NamedTuple

from scipy import stats

from tests.pages.recomputed.study import Everywhere, Found, Study, interval, power

PLANNED = {("batch_size/mnist_mlp", 0.03): 13, ("batch_size/mnist_cnn", 0.015): 14}
"""Batch sizes 2^0, 2^1, ... of a study and its hardest target; of smaller grids all that there are."""


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
    """B1, B2, B3 and B5 of a study that trains to targets, at the third hardest of them; of the Simple CNN at the hardest. None of a study of
    several momenta."""
    if study.name == "batch_size/momentum":
        return {}
    targets = sorted({row["target"] for rows in study.targets.values() for row in rows})
    if not targets:
        return equal_budgets(study)
    target = targets[0 if study.name == "batch_size/mnist_cnn" else 2]
    plain, moved = (tunings(study, momentum, target) for momentum in (0.0, 0.9))
    if not plain:
        return {}
    cells, seeds = reached(plain), len(plain[0].steps)
    nothing = (None, None, None)
    whole = {2**k for k in range(PLANNED.get((study.name, targets[0]), 0))} <= {cell.size for cell in plain}
    small, large = cells[:4], plain[-4:] if whole else []
    apart = not {c.size for c in small} & {c.size for c in large} and all(c.reached for c in large)
    ends = [end_of_perfect_scaling(cells, s) for s in range(seeds)] if len(cells) > 1 else []
    halves = [cells[: len(cells) // 2], cells[-(len(cells) // 2) :]] if len(cells) // 2 >= 3 else []
    found = {
        "B1": {
            "steps_slope_at_the_smallest_sizes": interval(slopes(small, lambda c: c.best)) if len(small) == 4 else (*nothing, seeds if small else 0),
            "steps_slope_at_the_largest_sizes": interval(slopes(large, lambda c: c.best)) if apart and len(large) == 4 else (*nothing, seeds if apart and large else 0),
        },
        "B3": {},
        "B5": {"noise_scale_over_the_bend": noise_over_bend(study, cells, ends, seeds)},
    }  # fmt: skip
    for name, exponent in (("linear", 1.0), ("square_root", 0.5)):
        tried = [interval([s - exponent for s in slopes(half, lambda c: c.rates)], 0.975) for half in halves]
        clearest = max(
            tried, key=lambda f: max(f[1], -f[2]) if f[1] is not None else -math.inf, default=(*nothing, seeds)
        )
        stand = [each for each in tried if each[1] is None or not -0.25 < each[1] <= each[2] < 0.25]
        # That the rule stands speaks against the claim, and it stands where both halves say so.
        found["B3"][f"rate_slope_minus_{name}"] = Everywhere([clearest], [clearest], [] if stand else [clearest])
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
    return power(interval(logs))


def equal_budgets(study: Study) -> dict[str, dict[str, Found]]:
    """B4: at each budget, the largest batch size minus the smallest, of the seeds that tuned nothing; no number where one of these diverged."""
    budget = lambda run: (
        ("epochs", run.settings["epochs"]) if run.settings["epochs"] else ("steps", run.settings["steps"])
    )
    runs = [run for run in study.runs if run.status != "failed"]
    rates = defaultdict(set)
    for run in runs:
        rates[budget(run), run.settings["batch_size"], run.seed].add(run.settings["lr"])
    tuning = {seed for (_, _, seed), tried in rates.items() if len(tried) > 1}
    errors: dict[tuple, dict[int, dict[int, float | None]]] = defaultdict(lambda: defaultdict(dict))
    for run in runs:
        if run.seed not in tuning:
            end = run.points("test") if run.status == "complete" else None
            errors[budget(run)][run.settings["batch_size"]][run.seed] = end
    parts = {}
    for (name, _), by_size in sorted(errors.items()):
        small, large = by_size[min(by_size)], by_size[max(by_size)]
        pairs = [(large[s], small[s]) for s in sorted(small.keys() & large.keys())]
        lost = any(None in pair for pair in pairs)
        found = (None, None, None, len(pairs)) if lost else interval([a - b for a, b in pairs])
        parts.setdefault(f"test_error_of_the_largest_minus_the_smallest_at_equal_{name}", []).append(found)
    return {"B4": parts} if parts else {}
