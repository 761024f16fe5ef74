"""A1 to A6: activation functions, each at the rate that other seeds chose for it."""

import itertools
import math
from collections import defaultdict
from collections.abc import Callable
from statistics import mean

from tests.pages.recomputed.study import LEVEL, Everywhere, Found, Run, Study, interval, power, undecided

SIX = ("relu", "leaky_relu", "elu", "gelu", "silu", "mish")
SMALLEST_NORM_RATIO = 2.0**-126  # below it a number of 32 bits loses its digits: what is less has no logarithm to trust

Place = tuple  # (depth, start of the weights), or (norm,)
Keys = dict[int, int]  # key of the run by seed


def activation(study: Study) -> dict[str, dict[str, Found | Everywhere]]:
    """Of the runs that no rate was chosen on; differences in points, paired by seed, of the runs that came to the end."""
    fresh: dict[tuple[str, Place], Keys] = defaultdict(dict)
    for key, run in enumerate(study.runs):
        if "activation" in run.settings:
            of = run.settings
            place = (of["depth"], of["start"]) if "depth" in of else (of["norm"],)
            here = fresh[of["activation"], place]
            if of["layer_measures"]:
                here[run.seed] = key
    if not any(fresh.values()):  # born_dead, or a study of which only the tuning runs are there
        return {}

    def places(functions: tuple[str, ...], covered: Callable[[int], bool]) -> list[Place]:
        """Those of the depths that a rule covers, at which all the functions were tried."""
        tried = [{place for function, place in fresh if function == each} for each in functions]
        return sorted(place for place in set.intersection(*tried) if len(place) == 2 and covered(place[0]))

    def ended(function: str, place: Place) -> dict[int, Run]:
        runs = {seed: study.runs[key] for seed, key in fresh[function, place].items()}
        return {seed: run for seed, run in sorted(runs.items()) if run.status == "complete"}

    def apart(one: str, other: str, place: Place) -> list[float]:
        a, b = ended(one, place), ended(other, place)
        return [100 * (a[seed].wrong("test") - b[seed].wrong("test")) / a[seed].n["test"] for seed in a if seed in b]

    def dead(place: Place) -> list[float]:
        """Of each seed the share of dead units among all hidden ones, whose layers are equally wide, at the end."""
        shares = []
        for seed in ended("relu", place):
            rows = study.layers[fresh["relu", place][seed]]
            last = max(row["epoch"] for row in rows)
            shares.append(mean(row["dead"] for row in rows if row["epoch"] == last and row["dead"] is not None))
        return shares

    def lost(functions: tuple[str, ...], places: list[Place]) -> bool:
        """Whether a run of one of the functions diverged at one of the places."""
        keys = [key for function in functions for place in places for key in fresh[function, place].values()]
        return any(study.runs[key].status == "diverged" for key in keys)

    within = lambda estimate, low, high: low > -1 and high < 1
    beyond = lambda estimate, low, high: low >= 1 or high <= -1
    found: dict[str, dict[str, Found | Everywhere]] = {}
    if deep := places(("sigmoid",), lambda depth: depth >= 5):
        logs = [[math.log(ratio) for ratio in ratios_at_the_start(study, fresh["sigmoid", at])] for at in deep]
        quantity = "gradient_norm_first_over_last_at_the_start"
        small, large = (lambda estimate, low, high: high < 0.1), (lambda estimate, low, high: low >= 0.1)
        found["A1"] = {quantity: everywhere(logs, lambda estimate: estimate, small, large, power)}
    if eight := places(("sigmoid", "relu"), lambda depth: depth == 8):
        gaps = [apart("sigmoid", "relu", at) for at in eight]
        much, little = (lambda estimate, low, high: estimate >= 5 and low > 0), (lambda estimate, low, high: high < 5)
        told = everywhere(gaps, lambda estimate: -estimate, much, little, lost=lost(("relu",), eight))
        found["A2"] = {"test_error_sigmoid_minus_relu": told}
    if all((function, (norm,)) in fresh for function in ("sigmoid", "relu") for norm in ("none", "batch")):
        found["A3"] = rescue({(f, norm): ended(f, (norm,)) for f in ("sigmoid", "relu") for norm in ("none", "batch")})
        if lost(("relu",), [("none",), ("batch",)]) or lost(("sigmoid",), [("batch",)]):
            found["A3"] = {quantity: undecided(each) for quantity, each in found["A3"].items()}
    if all((function, ("none",)) in fresh for function in ("relu", "tanh")):
        found["A4"] = sooner(ended("relu", ("none",)), ended("tanh", ("none",)))
        if lost(("relu",), [("none",)]):
            told = {
                quantity: each.told[0] if isinstance(each, Everywhere) else each
                for quantity, each in found["A4"].items()
            }
            found["A4"] = {quantity: undecided(each) for quantity, each in told.items()}
    if shallow := places(SIX, lambda depth: depth <= 4):
        gaps = []
        for at, (one, other) in itertools.product(shallow, itertools.combinations(SIX, 2)):
            gap = apart(one, other, at)
            gaps.append([-each for each in gap] if sum(gap) < 0 else gap)
        small, large = (lambda estimate, low, high: high < 1), (lambda estimate, low, high: low >= 1)
        told = everywhere(gaps, lambda estimate: estimate, small, large, lost=lost(SIX, shallow))
        found["A5"] = {"largest_gap_among_the_six": told}
    if many := places(("relu", "leaky_relu"), lambda depth: depth >= 4):
        shares, gaps = [dead(at) for at in many], [apart("relu", "leaky_relu", at) for at in many]
        more, less = (lambda estimate, low, high: low > 0.1), (lambda estimate, low, high: high <= 0.1)
        found["A6"] = {
            "dead_share_of_relu": everywhere(
                shares, lambda estimate: -estimate, more, less, lost=lost(("relu",), many)
            ),
            "test_error_relu_minus_leaky_relu": everywhere(
                gaps, abs, within, beyond, lost=lost(("relu", "leaky_relu"), many)
            ),
        }
    return found


def everywhere(
    values: list[list[float]],
    far: Callable[[float], float],
    holds: Callable[[float, float, float], bool],
    opposed: Callable[[float, float, float], bool],
    back: Callable[[Found], Found] = lambda found: found,
    lost: bool = False,
) -> Everywhere:
    """Of a list of values by seed for each place. Nothing is decided where one place has fewer than three, or runs are lost. `holds` and
    `opposed` say of an estimate and its interval what the rule makes of them: the place that is told is one that decides."""
    each = [back(interval(here)) for here in values]
    corrected = [back(interval(here, 1 - (1 - LEVEL) / len(values))) for here in values]
    if not any(found[3] for found in each):
        return Everywhere([(None, None, None, 0)], each, [])
    decided = not lost and all(found[1] is not None for found in each)
    against = [one for one, other in zip(each, corrected, strict=True) if decided and opposed(*other[:3])]
    failing = [found for found in each if decided and not holds(*found[:3])]
    measured = against or failing or [found for found in each if found[3]]
    most = max(far(found[0]) for found in measured)
    told = [found for found in measured if math.isclose(far(found[0]), most, rel_tol=1e-9, abs_tol=1e-9)]
    if not decided:
        told = [undecided(found) for found in told]
        return Everywhere(told, told, [])
    return Everywhere(told, each, corrected)


def ratios_at_the_start(study: Study, keys: Keys) -> list[float]:
    """Of every run, those that diverge later too: the gradient norm of the first layer over that of the last."""
    ratios = []
    for _, key in sorted(keys.items()):
        norms = [row["gradient_norm"] for row in study.layers[key] if row["epoch"] == 0]  # sorted by layer
        if norms and norms[0] is not None and norms[-1]:
            ratios.append(max(norms[0] / norms[-1], SMALLEST_NORM_RATIO))
    return ratios


def rescue(ended: dict[tuple[str, str], dict[int, Run]]) -> dict[str, Found]:
    """A3, over the seeds with which all four networks come to the end."""
    seeds = sorted(set.intersection(*(set(runs) for runs in ended.values())))
    gap = {
        norm: [ended["sigmoid", norm][s].points("test") - ended["relu", norm][s].points("test") for s in seeds]
        for norm in ("none", "batch")
    }
    halves = [normed - bare / 2 for bare, normed in zip(gap["none"], gap["batch"], strict=True)]
    return {
        "gap_of_sigmoid_to_relu_without_norm": interval(gap["none"]),
        "gap_with_norm_minus_half_the_gap_without": interval(halves),
        "gap_without_norm": interval(gap["none"]),
        "gap_with_norm": interval(gap["batch"]),
    }


def sooner(relu: dict[int, Run], tanh: dict[int, Run]) -> dict[str, Found | Everywhere]:
    """A4. A tanh that does not get to a train error of 25% has its last epoch for it: that can show the claim, not speak against it."""

    def epochs(run: Run) -> int | None:
        there = (point for point in run.curve if 4 * (run.n["train"] - point["train_correct"]) <= run.n["train"])
        return next((point["epoch"] for point in there), None)

    seeds = sorted(relu.keys() & tanh.keys())
    quantity = "epochs_to_quarter_train_error_tanh_over_relu"
    if any(epochs(relu[seed]) is None for seed in seeds):
        return {quantity: (None, None, None, len(seeds))}
    late = {seed: epochs(tanh[seed]) for seed in seeds}
    reached = {seed: tanh[seed].curve[-1]["epoch"] if late[seed] is None else late[seed] for seed in seeds}
    ratio = power(interval([math.log(reached[seed] / epochs(relu[seed])) for seed in seeds]))
    return {quantity: Everywhere([ratio], [ratio], []) if None in late.values() else ratio}
