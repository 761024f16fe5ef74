"""Trains the learning rates of one optimizer, batch size and seed side by side, to a validation error or through a budget of steps.

A group is all of those rates, and the group decides where training stops: a rate ends when it reaches the last target, when it diverges,
at its `most_steps`, or, by the rule of the group, at the first evaluation at which it has taken PATIENCE times the steps of the first
rate that reached the last target. Nothing else couples them. So what is measured of a run up to any step is the same alone and in its
group, and only where it ends is the group's doing. A rate that the rule ends has *not reached* its targets within `Run.steps`; it is a
finished run like any other. To repeat a single run exactly, train it alone to the step at which it ended: see `ends`.
"""

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from precompute.datasets import Dataset, Split, split
from precompute.measures.finite import finite
from precompute.measures.noise_scale import LARGE, SMALL, noise_scale
from precompute.spec import PATIENCE, StepsSpec
from precompute.streams import stream
from precompute.training.captured import Steps, captures, engine_on, none_lost
from precompute.training.run import COUNTS, LOSSES, Run, find_stop_step
from precompute.training.side_by_side import NETWORKS, GroupedNetworks, SeparateNetworks

CHUNK = 2000  # examples evaluated at once
FIRST, RATIO = 16, 1.05
CURVE_EVERY, NOISE_EVERY = 4, 14  # evaluations: a factor 1.2 in steps, and a factor 2


def evaluation_steps(most: int) -> list[int]:
    """The steps after which validation is measured: from 16 on a twentieth more each time, and `most`. So steps to a target are too
    large by at most 5%, on average by half of that, at every batch size alike."""
    steps = itertools.takewhile(lambda step: step < most, (round(FIRST * RATIO**k) for k in itertools.count()))
    return [*dict.fromkeys(steps), most]


def batches(spec: StepsSpec) -> Iterator[Tensor]:
    """Indices of the examples of each step, without end: a new random order of the training set each epoch, one behind the other, cut into
    pieces of the batch size. An epoch may end within a batch, so that every batch is full and n steps take n * batch_size examples.

    Keyed by (data set, n, seed) alone: every batch size sees the same examples in the same order.
    """
    order = stream("order", spec.dataset, spec.n_train, spec.seed)
    left = torch.empty(0, dtype=torch.int64)
    while True:
        while len(left) < spec.batch_size:
            left = torch.cat([left, torch.randperm(spec.n_train, generator=order)])
        whole = len(left) // spec.batch_size * spec.batch_size
        yield from left[:whole].split(spec.batch_size)
        left = left[whole:]


Networks = GroupedNetworks | SeparateNetworks


@dataclass
class Course:
    """What was seen of one run along its steps."""

    spec: StepsSpec
    start_loss: float
    evaluations: list[dict] = field(default_factory=list)
    """step, val_loss, val_correct, and seconds of training so far."""
    noise: list[dict] = field(default_factory=list)
    not_finite_at: int = -1
    seconds: float = 0.0
    reached_at: int | None = None
    """Step of the first evaluation at the last target."""
    steps: int = 0
    end: dict = field(default_factory=dict)
    """LOSSES and COUNTS on whole sets where the run ended."""


def train(
    specs: Sequence[StepsSpec], dataset: Dataset, device: torch.device, ends: Mapping[str, int] | None = None
) -> list[Run]:
    """Trains all of `specs`, which share their `group_key`. `ends` (run_id -> step) ends runs at a step at which they ended before."""
    if len({spec.group_key for spec in specs}) != 1:
        raise ValueError("specifications of a group share their batches, their budget and their shapes")
    begun, one, ends = time.perf_counter(), specs[0], ends or {}
    data = split(dataset, one.n_train, 0.0, one.seed)
    networks = NETWORKS[one.network](specs, device)
    sets = {
        "train": (networks.laid_out(data.train_inputs).to(device), data.train_labels.to(device)),
        "val": (networks.laid_out(data.val_inputs).to(device), data.val_labels.to(device)),
        "test": (networks.laid_out(data.test_inputs).to(device), data.test_labels.to(device)),
    }
    start_losses, _ = measure(networks, *sets["val"])
    courses = [Course(spec, loss) for spec, loss in zip(specs, start_losses, strict=True)]
    _follow(networks, list(courses), sets, ends)
    runs = [_finished(course, data, device) for course in courses]
    seconds_per_flop = (time.perf_counter() - begun) / max(1.0, sum(run.flops for run in runs))
    for run in runs:
        run.wall_s = seconds_per_flop * run.flops
    return runs


def _follow(
    networks: Networks, alive: list[Course], sets: Mapping[str, tuple[Tensor, Tensor]], ends: Mapping[str, int]
) -> None:
    """Trains until every course has ended."""
    one, device = alive[0].spec, networks.device
    inputs, labels = sets["train"]
    when, best = evaluation_steps(one.most_steps), None
    if not one.last_target:
        when = [step for step in when if step == one.most_steps or step in ends.values()]
    steps = steps_of(networks, sets["train"], none_lost(len(alive), device))
    begun, evaluation = time.perf_counter(), 0
    for step, batch in enumerate(batches(one), start=1):
        steps(batch)
        if step != when[evaluation]:
            continue

        lost = steps.not_finite_at.tolist()  # waits for the device
        seconds = (time.perf_counter() - begun) / len(alive)
        val_losses, val_corrects = measure(networks, *sets["val"])
        for place, course in enumerate(alive):
            course.steps, course.not_finite_at = step, lost[place]
            course.seconds += seconds
            course.evaluations.append(
                {"step": step, "val_loss": val_losses[place], "val_correct": val_corrects[place]}
                | {"seconds": course.seconds}
            )
            if one.last_target and lost[place] < 0 and _error(val_corrects[place], sets) <= one.last_target:
                course.reached_at = step
        if one.last_target and evaluation % NOISE_EVERY == 0:
            _add_noise_scales(networks, alive, step, inputs, labels)

        if best is None and any(course.reached_at for course in alive):
            best = step
        over = step == one.most_steps or (best is not None and step >= PATIENCE * best)
        ended = [
            place
            for place, course in enumerate(alive)
            if over
            or course.reached_at is not None
            or course.not_finite_at >= 0
            or finite(val_losses[place]) is None
            or step >= ends.get(course.spec.run_id, step + 1)
        ]
        if ended:
            _measure_ends(networks.only(ended), [alive[place] for place in ended], sets)
            left = [place for place in range(len(alive)) if place not in ended]
            if not left:
                return
            networks, alive = networks.only(left), [alive[place] for place in left]
            steps = steps_of(networks, sets["train"], steps.not_finite_at[left], step)
        evaluation, begun = evaluation + 1, time.perf_counter()


def steps_of(networks: Networks, training_set: tuple[Tensor, Tensor], not_finite_at: Tensor, made: int = 0) -> Steps:
    """The updates of `networks` on the images and labels of `training_set`, after `made` that were made before."""
    inputs, labels = training_set
    return Steps(
        lambda places: networks.step(inputs.index_select(0, places), labels.index_select(0, places)),
        not_finite_at,
        capture=captures(networks.device),
        made=made,
    )


def _error(correct: int, sets: Mapping[str, tuple[Tensor, Tensor]]) -> float:
    examples = len(sets["val"][1])
    return (examples - correct) / examples


@torch.no_grad()
def measure(networks: Networks, inputs: Tensor, labels: Tensor) -> tuple[list[float], list[int]]:
    """Mean loss and correct examples of each network on a whole set."""
    losses = torch.zeros(len(networks.specs), dtype=torch.float64, device=labels.device)
    correct = torch.zeros(len(networks.specs), dtype=torch.int64, device=labels.device)
    for start in range(0, len(labels), CHUNK):
        logits, truth = networks.logits(inputs[start : start + CHUNK]), labels[start : start + CHUNK]
        losses += F.cross_entropy(logits, truth.expand(len(logits), -1), reduction="none").double().sum(1)
        correct += (logits.argmax(1) == truth).sum(1)
    return (losses / len(labels)).tolist(), correct.tolist()


def _measure_ends(networks: Networks, courses: Sequence[Course], sets: Mapping[str, tuple[Tensor, Tensor]]) -> None:
    for name, (inputs, labels) in sets.items():
        losses, corrects = measure(networks, inputs, labels)
        for course, loss, correct in zip(courses, losses, corrects, strict=True):
            course.end |= {f"{name}_loss": loss, f"{name}_correct": correct}


def _add_noise_scales(networks: Networks, courses: Sequence[Course], step: int, inputs: Tensor, labels: Tensor) -> None:
    one = courses[0].spec
    generator = stream("noise_scale", one.dataset, one.n_train, one.seed, step)
    small, large = _noise_batches(one)
    found = noise_scale(networks, inputs, labels, generator, small, large)
    for course, squared, trace in zip(courses, *found, strict=True):
        if finite(squared) is not None and finite(trace) is not None:
            course.noise.append(
                {"step": step, "small_batch": small, "large_batch": large, "gradient_sq": squared, "trace": trace}
                | {"value": finite(trace / squared) if squared > 0 else None}
            )


def _noise_batches(spec: StepsSpec) -> tuple[int, int]:
    """Sizes of the two batches: 64 and 4,096, smaller on a small training set."""
    return (SMALL, LARGE) if spec.n_train >= LARGE else (8, 128)


def _finished(course: Course, data: Split, device: torch.device) -> Run:
    spec, end = course.spec, course.end | {"memorized": 0}
    # the whole training set is not measured along the way: validation stands for it where a run is judged diverged
    losses = [{"step": each["step"]} | dict.fromkeys(LOSSES, each["val_loss"]) for each in course.evaluations]
    stop = find_stop_step(losses, course.not_finite_at, course.start_loss)
    kept, noise = (
        [each for each in rows if stop is None or each["step"] < stop] for rows in (course.evaluations, course.noise)
    )
    thin = [each for place, each in enumerate(kept) if place % CURVE_EVERY == 0 or place == len(kept) - 1]
    thin = thin if spec.last_target else []
    return Run(
        spec,
        status="complete" if stop is None else "diverged",
        n_params=spec.n_params,
        n_val=len(data.val_labels),
        n_test=len(data.test_labels),
        steps=course.steps,
        epochs=course.steps * spec.batch_size // spec.n_train,
        flops=course.steps * spec.batch_size * spec.example_flops,
        stop_step=stop,
        best_epoch=1 if stop is None else None,
        engine=engine_on(device, "grouped MLPs" if spec.network == "mlp" else "separate networks", captures(device)),
        curves=[{"epoch": 1} | {name: None if stop is not None else end[name] for name in LOSSES + COUNTS}],
        targets=[_target_row(target, kept, spec, len(data.val_labels)) for target in spec.targets],
        validation=[{name: each[name] for name in ("step", "val_loss", "val_correct")} for each in thin],
        noise_scale=noise,
    )


def _target_row(target: float, evaluations: Sequence[dict], spec: StepsSpec, n_val: int) -> dict:
    """A row of the table `targets`."""
    errors = [(n_val - each["val_correct"]) / n_val for each in evaluations]
    place = next((place for place, error in enumerate(errors) if error <= target), None)
    row = {"target": target, "reached": place is not None}
    if place is None:
        return row | {"step": None, "examples": None, "seconds": None, "best_val_error": min(errors, default=None)}
    there = evaluations[place]
    return row | {
        "step": there["step"],
        "examples": there["step"] * spec.batch_size,
        "seconds": there["seconds"],
        "best_val_error": errors[place],
    }
