"""Batch size: the larger the batch, the faster it learns?

Sources: Shallue et al. 2019 (arXiv 1811.03600), McCandlish et al. 2018 (arXiv 1812.06162), Goyal et al. 2017, Masters & Luschi 2018,
Zhang et al. 2019 (arXiv 1907.04164). Shallue et al. tune learning rate, momentum and a decay for each batch size over 100 random trials;
here the rate is constant and tuned over a grid a factor 2 apart, the momentum is 0.9.
"""

import functools
import math
from collections.abc import Iterable, Mapping, Sequence

from precompute.spec import PATIENCE, StepsSpec
from precompute.studies.study import Study, trained_by

OPTIMIZERS = {
    "sgd": {"optimizer": "sgd"},
    "momentum": {"optimizer": "sgd", "momentum": 0.9},
    "nesterov": {"optimizer": "nesterov", "momentum": 0.9},
    "adam": {"optimizer": "adam"},
}
HIGHEST_RATE = {"sgd": 0, "momentum": -2, "nesterov": -2, "adam": -5}
"""Exponents of 2. With a momentum of 0.9 a rate does about ten times as much."""
RATES = 10
MOST_WIDENED = 3
"""Rates added at most beyond each end of a range."""
ONE_TUNING_SEED = 100


def _spec(study: str, **settings) -> StepsSpec:
    return StepsSpec(study=study, dataset="ylecun/mnist", **settings)


def _mnist_mlp(size: str) -> list[StepsSpec]:
    """Steps to a validation error of an MLP 784-64-10, for batch sizes 2^0 ... 2^12, four optimizers and ten learning rates each."""
    full = size == "full"
    return [
        _spec(
            "batch_size/mnist_mlp",
            seed=seed,
            n_train=55_000 if full else 500,
            width=64 if full else 16,
            lr=2.0**exponent,
            batch_size=batch_size,
            steps=60_000 if full else 400,
            last_target=0.03 if full else 0.15,
            **OPTIMIZERS[name],
        )
        for seed in range(3)
        for name in (OPTIMIZERS if full else ("sgd", "momentum"))
        for batch_size in ([2**k for k in range(13)] if full else (2, 8, 32, 128))
        for exponent in _range(HIGHEST_RATE[name], RATES if full else 3)
    ]


def _mnist_cnn(size: str) -> list[StepsSpec]:
    """The paper's Simple CNN (narrow) to 1.5%, for batch sizes 2^0 ... 2^13, SGD and Nesterov, ten learning rates each."""
    full = size == "full"
    return [
        _spec(
            "batch_size/mnist_cnn",
            network="simple_cnn",
            seed=seed,
            n_train=55_000 if full else 300,
            width=16 if full else 2,
            lr=2.0**exponent,
            batch_size=batch_size,
            steps=60_000 if full else 60,
            last_target=0.015 if full else 0.3,
            **OPTIMIZERS[name],
        )
        for seed in range(3 if full else 1)
        for name in ("sgd", "nesterov")
        for batch_size in ([2**k for k in range(14)] if full else (4, 32))
        for exponent in _range({"sgd": 0, "nesterov": -2}[name], RATES if full else 2)
    ]


MOMENTA = {"full": (0.0, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99), "smoke": (0.0, 0.5, 0.9)}
"""1 minus momentum falls by about a factor 2 each time: a rate then does 1, 2, 4, 10, 20, 50 or 100 times as much."""
HIGHEST_AT = {"full": {16: -2, 128: -1, 1024: 0}, "smoke": {8: -2, 64: -1}}
"""Batch size -> exponent of 2 of the highest rate, the same for every momentum so that they make one map. The sizes are a factor 8 apart:
within the pilot's perfect scaling, about where it ends, and where it is over."""


def _momentum(size: str) -> list[StepsSpec]:
    """The MLP of `batch_size/mnist_mlp` with SGD to 4%: seven momenta and twelve learning rates for each of three batch sizes."""
    full = size == "full"
    return [
        _spec(
            "batch_size/momentum",
            seed=seed,
            n_train=55_000 if full else 500,
            width=64 if full else 16,
            optimizer="sgd",
            momentum=momentum,
            lr=2.0**exponent,
            batch_size=batch_size,
            steps=60_000 if full else 400,
            last_target=0.04 if full else 0.2,
        )
        for seed in range(3)
        for batch_size, highest in HIGHEST_AT[size].items()
        for momentum in MOMENTA[size]
        for exponent in _range(highest, 12 if full else 3)
    ]


def _range(highest: int, count: int) -> Iterable[int]:
    return range(highest, highest - count, -1)


def widened(size: str, finished: Mapping[str, Mapping], grid: Sequence[StepsSpec]) -> list[StepsSpec]:
    """The learning rates beyond an end of the range of `grid` at which the best rate of a batch size lies, a factor 2 at a time and at
    most MOST_WIDENED; for all seeds at once.

    The best is the one with the fewest mean log steps to the hardest target that some rate reached with every seed; where none reached
    any, nothing is widened. A further rate gets PATIENCE times the most steps that the best one took to the last target over the
    seeds, as it would have had in their group, or all steps where the last target was not reached. It follows from the rates within it
    alone, so that it stays the same when its own results come.
    """
    cells: dict[tuple, list[StepsSpec]] = {}
    for spec in grid:
        cells.setdefault((spec.optimizer, spec.momentum, spec.batch_size), []).append(spec)
    return [spec for members in cells.values() for spec in _beyond(members, finished)]


def _beyond(known: list[StepsSpec], finished: Mapping[str, Mapping]) -> list[StepsSpec]:
    known, added = list(known), []
    for _ in range(MOST_WIDENED):
        if any(spec.run_id not in finished for spec in known):
            break
        best = _best_rate(known, finished)
        rates = {spec.lr for spec in known}
        if best is None or min(rates) < best[0] < max(rates):
            break
        rate, steps = best
        further = [
            StepsSpec(**spec.as_dict() | {"lr": rate * (2 if rate == max(rates) else 0.5), "steps": steps})
            for spec in known
            if spec.lr == rate
        ]
        known += further
        added += further
    return added


def _best_rate(specs: Sequence[StepsSpec], finished: Mapping[str, Mapping]) -> tuple[float, int] | None:
    """The best rate, and the most steps that one beyond it may take."""
    by_rate: dict[float, list[StepsSpec]] = {}
    for spec in specs:
        by_rate.setdefault(spec.lr, []).append(spec)

    def steps(spec: StepsSpec, target: float) -> float:
        rows = [row for row in finished[spec.run_id]["targets"] if math.isclose(row["target"], target)]
        return rows[0]["step"] if rows and rows[0]["reached"] else math.inf

    for target in specs[0].targets:
        taken = {rate: [steps(spec, target) for spec in same] for rate, same in by_rate.items()}
        mean = {rate: sum(map(math.log2, each)) / len(each) for rate, each in taken.items()}
        best = min(mean, key=lambda rate: (mean[rate], rate))
        if mean[best] < math.inf:
            last = max(steps(spec, specs[0].last_target) for spec in by_rate[best])
            return best, int(min(PATIENCE * last, max(spec.steps for spec in specs)))
    return None


ARMS = {
    "full": ({"epochs": 5}, {"epochs": 20}, {"steps": 1000}, {"steps": 5000}),
    "smoke": ({"epochs": 2}, {"steps": 40}),
}
SIZES = {"full": (4, 16, 64, 256, 1024, 4096), "smoke": (8, 64)}


def _equal_tuning(size: str) -> list[StepsSpec]:
    """Six rates for each budget and batch size, one seed of its own. The range goes up with the batch size as far as the pilot's best
    rate did, so that every size has as many rates on both sides of what is expected."""
    return [
        _equal(size, seed=ONE_TUNING_SEED, batch_size=batch_size, lr=2.0**exponent, **arm)
        for arm in ARMS[size]
        for batch_size in SIZES[size]
        for exponent in _range(min(0, int(math.log2(batch_size)) - 6), 6 if size == "full" else 3)
    ]


def _equal(size: str, **settings) -> StepsSpec:
    full = size == "full"
    return _spec(
        "batch_size/equal_epochs",
        n_train=55_000 if full else 500,
        width=64 if full else 16,
        optimizer="sgd",
        **settings,
    )


def _equal_follow_up(size: str, finished: Mapping[str, Mapping]) -> list[StepsSpec]:
    """Five fresh seeds at the rate with the most correct validation examples at the end (of equals the larger rate), once all rates of a
    budget and batch size are finished; before, the next rate beyond an end of the range if the best lies there."""
    cells: dict[tuple, list[StepsSpec]] = {}
    for spec in _equal_tuning(size):
        cells.setdefault((spec.steps, spec.epochs, spec.batch_size), []).append(spec)
    follow: list[StepsSpec] = []
    for known in cells.values():
        for _ in range(MOST_WIDENED + 1):
            if any(spec.run_id not in finished for spec in known):
                break
            best = max(known, key=lambda spec: (_last_val_correct(finished[spec.run_id]), spec.lr))
            rates = [spec.lr for spec in known]
            at_the_end = best.lr in (min(rates), max(rates)) and _last_val_correct(finished[best.run_id]) >= 0
            if at_the_end and len(known) < (6 if size == "full" else 3) + MOST_WIDENED:
                further = best.lr * (2 if best.lr == max(rates) else 0.5)
                known = [*known, StepsSpec(**best.as_dict() | {"lr": further})]
                follow.append(known[-1])
                continue
            follow += [StepsSpec(**best.as_dict() | {"seed": seed}) for seed in range(5 if size == "full" else 3)]
            break
    return follow


def _last_val_correct(row: Mapping) -> int:
    """-1 for a run that diverged."""
    return row["curves"][-1]["val_correct"] if row["status"] == "complete" else -1


WHOLE = math.inf
"""A group is never cut: where there is a target, all its rates decide when to stop. At equal budgets they decide nothing for each other, and share
their minibatches; they are few."""
_study = functools.partial(
    Study,
    question="batch_size",
    dataset="ylecun/mnist",
    spec=StepsSpec,
    clock="end",
    group_flops=WHOLE,
    train=trained_by("to_target"),
    group_decides=True,
)
MNIST_MLP = _study(
    name="batch_size/mnist_mlp",
    x_axis="batch_size",
    specs=_mnist_mlp,
    follow_up=lambda size, finished: widened(size, finished, _mnist_mlp(size)),
)
EQUAL_EPOCHS = _study(
    name="batch_size/equal_epochs",
    x_axis="batch_size",
    specs=_equal_tuning,
    follow_up=_equal_follow_up,
)
MOMENTUM = _study(
    name="batch_size/momentum",
    x_axis="lr",
    specs=_momentum,
    follow_up=lambda size, finished: widened(size, finished, _momentum(size)),
)
MNIST_CNN = _study(
    name="batch_size/mnist_cnn",
    x_axis="batch_size",
    specs=_mnist_cnn,
    follow_up=lambda size, finished: widened(size, finished, _mnist_cnn(size)),
    needs_gpu=True,
)
ALL = (MNIST_MLP, MOMENTUM, EQUAL_EPOCHS, MNIST_CNN)
