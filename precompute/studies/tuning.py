"""The learning rate that tuning runs choose, and the runs with fresh seeds that follow from it."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

from precompute.spec import Spec

TUNING_SEEDS = range(2)
FRESH_SEEDS = range(2, 7)


def chosen_rate(runs: Iterable[tuple[Spec, Mapping]]) -> float:
    """The learning rate with the lowest mean validation error at the last epoch over its seeds; of equals the smallest.

    `runs` are all tuning runs of one configuration, each with the row of a shard, that differ in rate and seed only. A rate at which a
    seed diverged or failed is not chosen unless that is so for every rate; then the seeds that came to the end count, and a rate without
    any comes last. Test data has no part in it.
    """
    by_rate: dict[float, list[float | None]] = {}
    for spec, row in runs:
        complete = row["status"] == "complete"
        error = 1 - row["curves"][-1]["val_correct"] / row["n_val"] if complete else None
        by_rate.setdefault(spec.lr, []).append(error)

    def rank(rate: float) -> tuple[bool, float, float]:
        errors = [error for error in by_rate[rate] if error is not None]
        # rounded, so that equal counts of examples are equal means in whatever order they are added
        mean = round(math.fsum(errors) / len(errors), 12) if errors else math.inf
        return len(errors) < len(by_rate[rate]), mean, rate

    return min(by_rate, key=rank)


def at_chosen_rates(
    tuning: Sequence[Spec], finished: Mapping[str, Mapping], seeds: Sequence[int], **changes: object
) -> list[Spec]:
    """For every configuration of `tuning` whose runs are all in `finished` (run_id -> row of a shard): its specification at the chosen
    rate with each of `seeds`, which no tuning run had, and with the fields `changes`. Seed by seed."""
    by_configuration: dict[Spec, list[Spec]] = {}
    for spec in tuning:
        if spec.seed in seeds:
            raise ValueError(f"seed {spec.seed} is not fresh: the rate was tuned on it")
        by_configuration.setdefault(dataclasses.replace(spec, lr=0.0, seed=0), []).append(spec)
    chosen = [
        dataclasses.replace(one, lr=chosen_rate((spec, finished[spec.run_id]) for spec in specs), **changes)
        for one, specs in by_configuration.items()
        if all(spec.run_id in finished for spec in specs)
    ]
    return [dataclasses.replace(spec, seed=seed) for seed in seeds for spec in chosen]
