"""Claims A1 to A6 and the comparison of activation functions with ReLU, by their rules.

Choices that the rules leave open, made before any result was there:

- Only the fresh runs count (those with `layer_measures`): five seeds that no learning rate was chosen on, each function at the rate that
  validation data chose for it on other seeds. Where fewer than three are finished, or left after those that diverged, nothing is decided;
  from three on, n says how many there are.
- An error is the test error at the last epoch, in points, differences are paired by seed. A run that diverged has no error; it is counted in
  `details`, and its seed drops out of the pair. That makes it harder to show that a function fails. Where it would make it easier to show
  that one does not, there is no interval: in A2 and A4 a run of ReLU, in A3 one of ReLU or with batch normalization, in A5 and A6 any.
- A rule that names several depths is asked at every depth of the grid that it covers, with both starts of the weights. It holds where it
  holds at each of these places; the part reports the one of the places that decide which is furthest from it. It is opposed where it is
  opposed at one of them, by an interval with Bonferroni's correction over the places, so that looking at many of them contradicts nothing
  by chance.
- A1 is about the start of training (epoch 0): the function and the start make that ratio, training may mend it. Depth 5 or more is 8, 16 and
  32. Runs that diverge later count too. Intervals are Student's over the logarithms.
- A2 is at depth 8 in the fully connected network, with both starts.
- A3 is in the convolutional network. "Shrinks by at least half" needs a gap to shrink: sigmoid minus ReLU without batch normalization is above
  0, and with it less than half as much, seed by seed.
- A4 is in the convolutional network without batch normalization, as in Krizhevsky et al. 2012. The epochs to a train error of 25% are those
  up to the first evaluation that finds it. The rate is the one chosen on validation error, not for speed. Where tanh does not get there,
  its last epoch stands for it and the ratio is a lower bound, which can show the claim and not contradict it; where ReLU does not, there is
  no ratio.
- A5 is at depths 1, 2 and 4 with both starts: every pair of the six functions has the whole interval of its difference within 1 point.
- A6 is at depths 4, 8, 16 and 32 with both starts. The share of dead units is that of all hidden units at the last epoch, and "within 1
  point" is asked of the whole interval of the difference from leaky ReLU, on both sides.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from precompute.evidence.contrasts import ContrastRow
from precompute.evidence.depth import POINT, TENTH
from precompute.evidence.furthest import Measured, furthest
from precompute.evidence.grid import StudyResults, final_error
from precompute.evidence.intervals import (
    FEWEST_SEEDS,
    Estimate,
    estimate_over_seeds,
    holm,
    null,
    paired_p,
)
from precompute.evidence.verdicts import NEGATIVE, POSITIVE, Part, Rule, at_least, below
from precompute.spec import Spec

BASELINE = "relu"
FAMILY = ("relu", "leaky_relu", "elu", "gelu", "silu", "mish")
"""Of A5."""
STUDENT, OF_LOGARITHMS = "student_t", "student_t_of_logarithms"
QUARTER = 0.25  # train error of A4

Place = tuple[tuple[str, str | int], ...]
"""What networks share that differ in their function: depth and start of the weights, or the norm. As pairs of name and value."""


class Cell(NamedTuple):
    """The fresh runs of one function at one place."""

    lr: float
    rows: dict[int, Mapping]
    """Row of a shard by seed."""

    def complete(self) -> set[int]:
        return {seed for seed, row in self.rows.items() if row["status"] == "complete"}

    @property
    def diverged(self) -> int:
        return sum(row["status"] == "diverged" for row in self.rows.values())

    def errors(self, seeds: Sequence[int]) -> np.ndarray:
        """[S] test error at the last epoch, in points."""
        return np.array([final_error(self.rows[seed], "test") for seed in seeds])


def cells(study: StudyResults) -> dict[tuple[str, Place], Cell | None]:
    """Every function at every place that the study has a run of; None where its fresh runs are not there yet."""
    found: dict[tuple[str, Place], Cell | None] = {}
    for spec, row in study.runs:
        if not hasattr(spec, "activation"):
            continue
        key = spec.activation, _place(spec)
        if not spec.layer_measures:
            found.setdefault(key, None)
            continue
        if found.get(key) is None:
            found[key] = Cell(spec.lr, {})
        found[key].rows[spec.seed] = row
    return found


def claims(study: StudyResults) -> list[tuple[str, list[Part]]]:
    """The claims that one study tests: A1, A2, A5 and A6 with fully connected networks of the depths that they name, A3 and A4 with and
    without batch normalization. With fewer than three seeds a claim is 'not shown'; a study of which only the tuning runs are there tests none."""
    found = cells(study)
    if not any(found.values()):
        return []
    decided = [
        ("A1", _sigmoid_starves_the_first_layers(found)),
        ("A2", _deep_sigmoid_fails(found)),
        ("A3", _norm_rescues_sigmoid(found)),
        ("A4", _relu_is_sooner_than_tanh(found)),
        ("A5", _hardly_matters(found)),
        ("A6", _units_die_and_it_works(found)),
    ]
    return [(claim, parts) for claim, parts in decided if parts]


def contrasts(study: StudyResults) -> list[ContrastRow]:
    """Each function minus ReLU at each place: test error at the last epoch, paired over the fresh seeds at which both came to the end, p
    corrected over the functions of a place. `baseline` and `changed` name activation, place and the chosen lr. No row without a pair."""
    found = cells(study)
    rows = []
    for place in sorted({place for _, place in found}, key=repr):
        relu = found.get((BASELINE, place))
        if relu is None:
            continue
        family = []
        for (function, at), cell in sorted(found.items(), key=lambda item: item[0][0]):
            if at == place and function != BASELINE and cell is not None:
                difference = _difference(cell, relu)
                if difference.size:
                    family.append((function, cell.lr, difference))
        p = np.array([float(paired_p(difference)) for *_, difference in family])
        for (function, lr, difference), one, adjusted in zip(family, p, holm(p), strict=True):
            told = [
                {"activation": name, **dict(place), "lr": rate} for name, rate in ((BASELINE, relu.lr), (function, lr))
            ]
            rows.append(
                ContrastRow(
                    study.name, "final_test_error_minus_relu", *told, *estimate_over_seeds(difference), "points",
                    null(one), null(adjusted),
                )
            )  # fmt: skip
    return rows


def _sigmoid_starves_the_first_layers(found: Mapping) -> list[Part]:
    places = _places(found, ["sigmoid"], lambda place: place.get("depth", 0) >= 5)
    measured = []
    for place in places:
        cell = found["sigmoid", place]
        ratios = _ratios_at_the_start(cell) if cell else []
        measured.append(Measured(dict(place), np.log10(np.maximum(ratios, np.finfo(np.float32).tiny))))
    return furthest(
        "gradient_norm_first_over_last_at_the_start", "ratio", measured, below(0.1), largest=True,
        details={"interval": OF_LOGARITHMS, "activation": "sigmoid", "epoch": 0}, back=Estimate.as_ratio,
    )  # fmt: skip


def _deep_sigmoid_fails(found: Mapping) -> list[Part]:
    places = _places(found, ["sigmoid", "relu"], lambda place: place.get("depth") == 8)
    measured = [
        Measured(dict(place), _difference(found["sigmoid", place], found["relu", place]), _lost(found["relu", place]))
        for place in places
    ]
    details = {"interval": STUDENT, "diverged": _diverged(found, ["sigmoid", "relu"], places)}
    return furthest("test_error_sigmoid_minus_relu", "points", measured, at_least(5), largest=False, details=details)


def _norm_rescues_sigmoid(found: Mapping) -> list[Part]:
    without, batch = ((("norm", norm),) for norm in ("none", "batch"))
    if not all((function, place) in found for function in ("sigmoid", "relu") for place in (without, batch)):
        return []
    four = [found[function, place] for place in (without, batch) for function in ("sigmoid", "relu")]
    seeds = sorted(set.intersection(*(cell.complete() if cell else set() for cell in four)))
    bare, normed = (
        sigmoid.errors(seeds) - relu.errors(seeds) if seeds else np.array([]) for sigmoid, relu in (four[:2], four[2:])
    )
    details = {"interval": STUDENT, "seeds": seeds}
    details["diverged"] = _diverged(found, ["sigmoid", "relu"], [without, batch])
    if len(seeds) < FEWEST_SEEDS:
        details["why"] = "too_few_seeds"
    gaps = {"gap_without_norm": null(_mean(bare)), "gap_with_norm": null(_mean(normed))}
    lost = any(map(_lost, four[1:]))  # all but the sigmoid without a norm
    if len(seeds) >= FEWEST_SEEDS and not lost:
        for name, gap in (("gap_without_norm", bare), ("gap_with_norm", normed)):
            _, low, high, _ = estimate_over_seeds(gap)
            gaps[f"{name}_interval"] = [low, high]
    parts = [
        Part("gap_of_sigmoid_to_relu_without_norm", estimate_over_seeds(bare), "points", POSITIVE, details | {"norm": "none"}),
        Part("gap_with_norm_minus_half_the_gap_without", estimate_over_seeds(normed - bare / 2), "points", NEGATIVE, details | gaps),
    ]  # fmt: skip
    return [part.undecided("a_run_diverged") for part in parts] if lost and len(seeds) >= FEWEST_SEEDS else parts


def _relu_is_sooner_than_tanh(found: Mapping) -> list[Part]:
    place: Place = (("norm", "none"),)
    if ("relu", place) not in found or ("tanh", place) not in found:
        return []
    relu, tanh = found["relu", place], found["tanh", place]
    seeds = sorted(relu.complete() & tanh.complete()) if relu and tanh else []
    sooner, later = ([_epochs_to_quarter(cell.rows[seed]) for seed in seeds] for cell in (relu, tanh))
    details = {
        "interval": OF_LOGARITHMS, "norm": "none", "train_error": QUARTER, "seeds": seeds,
        "epochs": {"relu": sooner, "tanh": later}, "diverged": _diverged(found, ["relu", "tanh"], [place]),
    }  # fmt: skip
    quantity, rule = "epochs_to_quarter_train_error_tanh_over_relu", _times(3)
    if not seeds or None in sooner:
        why = "relu_does_not_get_there" if seeds else "too_few_seeds"
        return [Part(quantity, Estimate(None, None, None, len(seeds)), "ratio", rule, details | {"why": why})]
    censored = [epochs is None for epochs in later]
    reached = [epochs or tanh.rows[seed]["curves"][-1]["epoch"] for epochs, seed in zip(later, seeds, strict=True)]
    if any(censored):
        details |= {"at_least": True, "tanh_not_there": sum(censored)}
        rule = rule.of_a_lower_bound()
    ratio = Part(quantity, estimate_over_seeds(np.log10(reached) - np.log10(sooner)).as_ratio(), "ratio", rule, details)
    return [ratio.undecided("a_run_diverged") if _lost(relu) else ratio]


def _hardly_matters(found: Mapping) -> list[Part]:
    places = _places(found, FAMILY, lambda place: 0 < place.get("depth", 0) <= 4)
    measured = []
    for place in places:
        for one, other in combinations(FAMILY, 2):
            difference = _difference(found[one, place], found[other, place])
            pair = [one, other]
            if difference.size and difference.mean() < 0:
                difference, pair = -difference, [other, one]
            lost = _lost(found[one, place]) or _lost(found[other, place])
            measured.append(Measured(dict(place) | {"worse": pair[0], "better": pair[1]}, difference, lost))
    details = {"interval": STUDENT, "diverged": _diverged(found, FAMILY, places)}
    return furthest("largest_gap_among_the_six", "points", measured, below(1), largest=True, details=details)


def _units_die_and_it_works(found: Mapping) -> list[Part]:
    places = _places(found, ["relu", "leaky_relu"], lambda place: place.get("depth", 0) >= 4)
    shares, differences = [], []
    for place in places:
        relu, leaky = found["relu", place], found["leaky_relu", place]
        dead = [_dead(relu.rows[seed]) for seed in sorted(relu.complete())] if relu else []
        shares.append(Measured(dict(place), np.array([share for share in dead if share is not None]), _lost(relu)))
        differences.append(Measured(dict(place), _difference(relu, leaky), _lost(relu) or _lost(leaky)))
    details = {"interval": STUDENT, "diverged": _diverged(found, ["relu", "leaky_relu"], places)}
    return [
        *furthest("dead_share_of_relu", "share", shares, TENTH, largest=False, details=details),
        *furthest("test_error_relu_minus_leaky_relu", "points", differences, POINT, largest=True, details=details, sides=abs),
    ]  # fmt: skip


def _times(factor: float) -> Rule:
    """A ratio of that size whose interval is clear of 1. Opposed by an interval wholly below the size."""
    return Rule(f">= {factor:g} and low > 1", lambda e: e.estimate >= factor and e.low > 1, lambda e: e.high < factor)


def _place(spec: Spec) -> Place:
    if hasattr(spec, "depth"):
        return (("depth", spec.depth), ("start", spec.start))
    return (("norm", spec.norm),)


def _places(found: Mapping, functions: Sequence[str], covered: Callable[[dict], bool]) -> list[Place]:
    """The places that a rule covers at which the study has runs of all `functions`."""
    places = {place for _, place in found if covered(dict(place))}
    return sorted(place for place in places if all((function, place) in found for function in functions))


def _difference(a: Cell | None, b: Cell | None) -> np.ndarray:
    """[S] test error of a minus that of b in points, over the seeds at which both came to the end."""
    if a is None or b is None:
        return np.array([])
    seeds = sorted(a.complete() & b.complete())
    return a.errors(seeds) - b.errors(seeds)


def _lost(cell: Cell | None) -> bool:
    """Whether one of its fresh runs diverged."""
    return cell is not None and cell.diverged > 0


def _diverged(found: Mapping, functions: Sequence[str], places: Sequence[Place]) -> dict[str, int]:
    """How many fresh runs of each function diverged at these places."""
    return {name: sum(cell.diverged for place in places if (cell := found[name, place])) for name in functions}


def _ratios_at_the_start(cell: Cell) -> list[float]:
    """By seed: gradient norm of the first layer over that of the last before the first step; a run that diverged later counts."""
    ratios = []
    for _, row in sorted(cell.rows.items()):
        norms = {each["layer"]: each["gradient_norm"] for each in row["layers"] if each["epoch"] == 0}
        if norms and norms[min(norms)] is not None and norms[max(norms)]:
            ratios.append(norms[min(norms)] / norms[max(norms)])
    return ratios


def _dead(row: Mapping) -> float | None:
    """Share of dead units among all hidden ones at the last epoch; layers are equally wide."""
    end = max((each["epoch"] for each in row["layers"]), default=None)
    shares = [each["dead"] for each in row["layers"] if each["epoch"] == end and each["dead"] is not None]
    return float(np.mean(shares)) if shares else None


def _epochs_to_quarter(row: Mapping) -> int | None:
    """The first evaluated epoch with a train error of at most 25%; None where there is none."""
    return next(
        (point["epoch"] for point in row["curves"] if 1 - point["train_correct"] / row["n_train"] <= QUARTER), None
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else np.nan
