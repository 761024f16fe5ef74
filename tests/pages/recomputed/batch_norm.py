"""N1 to N5: normalizations, each at the rate that validation data choose for it, or two of them at one rate."""

import math
from collections import defaultdict
from collections.abc import Callable

from tests.pages.recomputed.study import Found, Run, Study, chosen_rate, interval, power

Keys = dict[int, int]  # key of the run by seed
Arm = dict[float, Keys]  # of one norm, by learning rate
WITHIN = 2  # points of N1


def batch_norm(study: Study) -> dict[str, dict[str, Found]]:
    """A run whose code raised is no run. Where the rate follows the batch size, no claim is asked."""
    arms: dict[str, Arm] = defaultdict(lambda: defaultdict(dict))
    for key, run in enumerate(study.runs):
        if run.settings.get("reference_batch"):
            return {}
        if run.status != "failed":
            arms[run.settings["norm"]][run.settings["lr"]][run.seed] = key
    if not {"none", "batch"} <= arms.keys():
        return {}
    own = {norm: own_rate(study, arm) for norm, arm in arms.items()}

    def ended(norm: str, rate: float) -> Keys:
        keys = arms[norm].get(rate, {})
        return {seed: key for seed, key in keys.items() if study.runs[key].status == "complete"}

    def paired(quantity: Callable[[list[Run]], float], *norms: str) -> Found:
        """Of the runs of these norms at their own rates, seed by seed."""
        sides = [ended(norm, own[norm]) for norm in norms]
        seeds = sorted(set.intersection(*map(set, sides)))
        return interval([quantity([study.runs[side[seed]] for side in sides]) for seed in seeds])

    def behind(norm: str) -> Found:
        return paired(lambda runs: runs[0].points("test") - runs[1].points("test"), norm, "batch")

    def drift(column: str) -> Found:
        noisy, none = (ended(norm, own[norm]) for norm in ("noisy_batch", "none"))
        return power(interval(probed(study, study.shifts, noisy, none, lambda a, b: log_ratio(a[column], b[column]))))

    same = ended("batch", own["none"]), ended("none", own["none"])
    turned = probed(study, study.shifts, *same, lambda a, b: difference(a["cosine"], b["cosine"]))
    smoother = probed(study, study.probes, *same, lambda a, b: log_ratio(a["smoothness"], b["smoothness"]))
    found = {
        "N3": {"cosine_with_minus_without": interval(turned)},
        "N4": {"smoothness_with_over_without": power(interval(smoother))},
    }
    if len({rate for arm in arms.values() for rate in arm}) == 1:
        return found
    shares = [shares_that_train(study, arms, norm, own[norm]) for norm in ("batch", "none")]
    both = sorted(shares[0].keys() & shares[1].keys())
    found["N1"] = {
        "share_of_rates_that_train_with_minus_without": interval([shares[0][s] - shares[1][s] for s in both])
    }
    if "noisy_batch" in arms:

        def lag(runs: list[Run]) -> float:
            noisy, batch, none = map(mean_train_error, runs)
            return noisy - batch - (none - batch) / 2

        found["N2"] = {
            "mean_train_error_lag_with_noise_less_half_without_norm": paired(lag, "noisy_batch", "batch", "none"),
            "mean_drift_with_noise_over_without_norm": drift("mean_drift"),
            "sd_drift_with_noise_over_without_norm": drift("sd_drift"),
        }
    if {"l1", "linf"} <= arms.keys():
        found["N5"] = {f"test_error_{norm}_minus_batch_norm": behind(norm) for norm in ("l1", "linf")}
    return found


def own_rate(study: Study, arm: Arm) -> float:
    if len(arm) == 1:
        return next(iter(arm))
    return chosen_rate({rate: [study.runs[key] for key in keys.values()] for rate, keys in arm.items()})


def shares_that_train(study: Study, arms: dict[str, Arm], norm: str, own: float) -> dict[int, float]:
    """N1: of each seed the share of the rates that both norms were tried at, at which it ends at most 2 points above its end at the own
    rate. Only seeds that have all those runs; one that is lost at the own rate has nothing to be held against."""
    none, batch = arms["none"], arms["batch"]
    rates = sorted(none.keys() & batch.keys())
    if not rates:
        return {}
    seeds = set.intersection(*(set(arm[rate]) for arm in (none, batch) for rate in rates))
    shares = {}
    for seed in sorted(seeds & arms[norm][own].keys()):
        best = study.runs[arms[norm][own][seed]]
        if best.status != "complete":
            continue
        tried = [study.runs[arms[norm][rate][seed]] for rate in rates]
        near = lambda run, best=best: 100 * (run.wrong("test") - best.wrong("test")) <= WITHIN * run.n["test"]
        shares[seed] = sum(run.status == "complete" and near(run) for run in tried) / len(rates)
    return shares


def mean_train_error(run: Run) -> float:
    """In points, along the training from the first evaluation to the last, straight lines between evaluations."""
    epochs = [point["epoch"] for point in run.curve]
    errors = [run.points("train", place) for place in range(len(epochs))]
    if len(epochs) == 1:
        return errors[0]
    pieces = zip(epochs, epochs[1:], errors, errors[1:])
    return math.fsum((end - start) * (a + b) / 2 for start, end, a, b in pieces) / (epochs[-1] - epochs[0])


def probed(study: Study, tables: dict[int, list[dict]], a: Keys, b: Keys, compared: Callable) -> list[float]:
    """Of each seed that ended in both: the mean over the steps (and layers) of the first quarter that both have of `compared`, of the rows
    where it gives a number."""
    means = []
    for seed in sorted(a.keys() & b.keys()):
        sides = [
            {(row["step"], row.get("layer")): row for row in tables[key] if 4 * row["step"] <= study.runs[key].steps}
            for key in (a[seed], b[seed])
        ]
        values = [compared(sides[0][at], sides[1][at]) for at in sides[0].keys() & sides[1].keys()]
        if there := [value for value in values if value is not None]:
            means.append(math.fsum(there) / len(there))
    return means


def difference(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def log_ratio(a: float | None, b: float | None) -> float | None:
    """None too where one is not above 0 and has no logarithm."""
    return None if a is None or b is None or min(a, b) <= 0 else math.log(a / b)
