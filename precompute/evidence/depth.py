"""Claims L1 to L4 and the ablations of a study of plain and residual networks over depth.

A run *fails to train* when it diverges or when its train error is above 80% at the end (chance is 90%; He et al. 2015 take the same
line to tell when their 110 layers have begun to learn). Failures are counted, in the details of every part, and never averaged in: an
error is compared over the seeds that train on both sides. Where plain networks fail with depth, that makes L1 harder to show. Where it
would make it easier to show that a network does well, there is no interval: of L1 with a failure at 20 layers, of L2 with one at 56, of
L3 with any.

Errors are in points, at the last epoch, with Student t intervals over seeds, paired. Where a study has several learning rates, each
network is taken at the rate that validation data choose, on the same seeds.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from precompute.evidence.contrasts import ContrastRow
from precompute.evidence.grid import StudyResults, final_error
from precompute.evidence.intervals import Estimate, estimate_over_seeds, paired_difference
from precompute.evidence.verdicts import NEGATIVE, POSITIVE, Part, Rule
from precompute.spec import Spec
from precompute.studies.tuning import chosen_rate

FAILED_ABOVE = 0.80  # train error
SHALLOW, DEEP = 20, 56
"""The layers that L1 and L2 compare."""
POINT = Rule("low > -1 and high < 1", lambda e: e.low > -1 and e.high < 1, lambda e: e.low >= 1 or e.high <= -1)
"""L3's "within 1 point", for the whole interval."""
TENTH = Rule("low > 0.1", lambda e: e.low > 0.1, lambda e: e.high <= 0.1)


class Network(NamedTuple):
    """What the runs of one cell share."""

    norm: str
    architecture: str
    """plain or residual."""
    depth: int


class Cell(NamedTuple):
    """The runs of one network at one learning rate."""

    lr: float
    rows: dict[int, Mapping]
    """Row of a shard by seed."""

    def errors(self, part: str, seeds: list[int]) -> np.ndarray:
        """Error of `part` (train or test) in points at the last epoch, NaN for a seed without a run that trains."""
        return np.array([final_error(self.rows[s], part) if self.trains(s) else np.nan for s in seeds])

    def trains(self, seed: int) -> bool:
        row = self.rows.get(seed)
        return row is not None and row["status"] == "complete" and final_error(row, "train") <= 100 * FAILED_ABOVE

    @property
    def failed(self) -> int:
        """Runs that fail to train. One whose code raised is not counted: it says nothing of the network."""
        return sum(row["status"] != "failed" and not self.trains(seed) for seed, row in self.rows.items())


def claims(study: StudyResults) -> list[tuple[str, list[Part]]]:
    """L1 to L3 where networks with batch normalization have 20 and 56 layers; L4 where the gradients of plain ones of 20 or more
    were measured. With fewer than three seeds that train a claim is 'not shown'."""
    found = cells(study)
    plain, residual = (
        {depth: found.get(Network("batch", kind, depth)) for depth in (SHALLOW, DEEP)} for kind in ("plain", "residual")
    )
    decided = []
    if all(plain.values()):
        l1 = _difference("train", plain[DEEP], plain[SHALLOW], POSITIVE, "train_error_deep_minus_shallow", "plain")
        l1 = _undecided_on_survivors(l1, plain[SHALLOW])
        decided.append(("L1", [l1]))
    if all(residual.values()):
        l2 = _difference(
            "test", residual[DEEP], residual[SHALLOW], NEGATIVE, "test_error_deep_minus_shallow", "residual"
        )
        decided.append(("L2", [_undecided_on_survivors(l2, residual[DEEP])]))
    if plain[SHALLOW] and residual[SHALLOW]:
        l3 = _difference("test", plain[SHALLOW], residual[SHALLOW], POINT, "test_error_plain_minus_residual", None)
        decided.append(("L3", [_undecided_on_survivors(l3, plain[SHALLOW], residual[SHALLOW])]))
    return decided + [("L4", [part]) for part in _gradients(found)]


def contrasts(study: StudyResults) -> list[ContrastRow]:
    """Residual minus plain at each depth, and 56 minus 20 layers of each, for the train and the test error at the last epoch.

    `baseline` and `changed` say architecture and depth, norm where the study has several, lr where it was chosen among several.
    """
    found = cells(study)
    several_rates = len({spec.lr for spec, _ in study.runs}) > 1
    several_norms = len({network.norm for network in found}) > 1

    def told(network: Network) -> dict:
        settings = network._asdict()
        if not several_norms:
            del settings["norm"]
        return settings | ({"lr": found[network].lr} if several_rates else {})

    rows = []

    def add(quantity: str, changed: Network, baseline: Network) -> None:
        if changed in found and baseline in found:
            for part in ("train", "test"):
                estimate = _paired(part, found[changed], found[baseline])[0]
                if estimate.n:
                    settings = told(baseline), told(changed)
                    rows.append(
                        ContrastRow(study.name, f"final_{part}_error_{quantity}", *settings, *estimate, "points")
                    )

    for norm in sorted({network.norm for network in found}):
        for depth in sorted({network.depth for network in found}):
            add("residual_minus_plain", Network(norm, "residual", depth), Network(norm, "plain", depth))
        for kind in ("plain", "residual"):
            add("deep_minus_shallow", Network(norm, kind, DEEP), Network(norm, kind, SHALLOW))
    return rows


def cells(study: StudyResults) -> dict[Network, Cell]:
    """Every network of the study that has a run, at the learning rate that validation data choose."""
    by_network: dict[Network, list[tuple[Spec, Mapping]]] = {}
    for spec, row in study.runs:
        by_network.setdefault(_network(spec), []).append((spec, row))
    found = {}
    for network, runs in by_network.items():
        lr = chosen_rate(runs)
        found[network] = Cell(lr, {spec.seed: row for spec, row in runs if spec.lr == lr})
    return found


def _network(spec: Spec) -> Network:
    """Of a ResNetSpec or an MLPSpec: the former always has batch normalization, and a name for what the latter has a number for."""
    architecture = getattr(spec, "architecture", None) or ("residual" if spec.residual else "plain")
    return Network(getattr(spec, "norm", "batch"), architecture, spec.depth)


def _difference(part: str, a: Cell, b: Cell, rule: Rule, quantity: str, architecture: str | None) -> Part:
    """The error of a minus that of b, as one part of a claim."""
    estimate, seeds = _paired(part, a, b)
    sides = (DEEP, SHALLOW) if architecture else ("plain", "residual")
    details = {
        "interval": "student_t",
        "depth": [DEEP, SHALLOW] if architecture else SHALLOW,
        **({"architecture": architecture} if architecture else {}),
        "seeds": seeds,
        "failed_to_train": {str(side): cell.failed for side, cell in zip(sides, (a, b), strict=True)},
        "runs": {str(side): len(cell.rows) for side, cell in zip(sides, (a, b), strict=True)},
    }
    if estimate.estimate is None:
        details["why"] = "no_seed_trains_on_both_sides"
    return Part(quantity, estimate, "points", rule, details)


def _undecided_on_survivors(part: Part, *cells: Cell) -> Part:
    """Without its interval where a run of one of `cells`, which the claim says do well, fails to train."""
    return part.undecided("a_run_failed_to_train") if any(cell.failed for cell in cells) else part


def _paired(part: str, a: Cell, b: Cell) -> tuple[Estimate, list[int]]:
    """The difference over the seeds that train on both sides, and those seeds."""
    seeds = sorted(seed for seed in a.rows.keys() & b.rows.keys() if a.trains(seed) and b.trains(seed))
    return paired_difference(a.errors(part, seeds), b.errors(part, seeds)), seeds


def _gradients(found: Mapping[Network, Cell]) -> list[Part]:
    """L4: in the deepest plain networks with batch normalization, the gradient norm of the first layer over that of the last, at the
    measured epoch (the start among them) where it is smallest, is above 0.1. Seeds whose train error stays high count too: a gradient
    that vanishes would be the reason. One that diverged has no gradient to the end, and is left out. The interval is Student's over the
    logarithms of the seeds."""
    measured = {
        network.depth: cell
        for network, cell in found.items()
        if (network.norm, network.architecture) == ("batch", "plain") and network.depth >= SHALLOW and _ratios(cell)
    }
    if not measured:
        return []
    depth = max(measured)
    ratios = _ratios(measured[depth])
    smallest = {seed: min(by_epoch, key=by_epoch.__getitem__) for seed, by_epoch in ratios.items()}
    estimate = _geometric([ratios[seed][epoch] for seed, epoch in smallest.items()])
    details = {
        "interval": "student_t_of_logarithms",
        "depth": depth,
        "architecture": "plain",
        "seeds": list(smallest),
        "epoch": list(smallest.values()),
        "at_the_start": _geometric([by_epoch[0] for by_epoch in ratios.values() if 0 in by_epoch]).estimate,
        "failed_to_train": sum(not measured[depth].trains(seed) for seed in ratios),
        "runs": len(measured[depth].rows),
    }
    return [Part("gradient_norm_first_over_last", estimate, "ratio", TENTH, details)]


def _ratios(cell: Cell) -> dict[int, dict[int, float]]:
    """By seed and measured epoch, of the complete runs: the gradient norm of the first layer over that of the last."""
    found: dict[int, dict[int, float]] = {}
    for seed, row in sorted(cell.rows.items()):
        if row["status"] != "complete":
            continue
        by_epoch: dict[int, dict[int, float | None]] = {}
        for each in row["layers"]:
            by_epoch.setdefault(each["epoch"], {})[each["layer"]] = each["gradient_norm"]
        ratios = {}
        for epoch, norms in by_epoch.items():
            first, last = norms[min(norms)], norms[max(norms)]
            if first is not None and last:
                ratios[epoch] = first / last
        if ratios:
            found[seed] = ratios
    return found


def _geometric(ratios: list[float]) -> Estimate:
    """The geometric mean with the interval of the logarithms. A ratio of 0 stands as the smallest number that is not."""
    return estimate_over_seeds(np.log10(np.maximum(ratios, np.finfo(np.float32).tiny))).as_ratio()
