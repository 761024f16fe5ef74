"""What a card can do, measured on it in minutes and side by side: its matrix rates, the ways to train small networks on it, the price of a
step of each study, and what bfloat16 does to the loss that training ends at.

Everything but the last part trains on random images, which cost as much as others. Times are of whole steps: the gather of the batch,
forward, backward and update. On a CPU the same runs in small, to try it out; there nothing is captured, and every step is the plain call.
"""

import dataclasses
import itertools
import statistics
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch

from precompute import datasets, timing
from precompute.benchmark import grouped, tuned, with_loader
from precompute.engine import Engine
from precompute.image_spec import CNNSpec, ImageSpec
from precompute.spec import Spec
from precompute.studies import STUDIES
from precompute.training import single
from precompute.training.beside import WAYS
from precompute.training.captured import captures, give_memory_back, set_numerics

PLAIN, CAPTURED = "plain loop", "captured loop"
PAPER = {"n_train": 45_000, "side": 32, "batch_size": 128}
"""Images as double_descent/cifar10_cnn has them."""
BETTER = 0.9
"""Several processes are chosen where they take less than this share of the time of the best way in one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is measured."""

    matrix: int
    """Rows of the square matrices."""
    seconds: float
    """Of each timing, at least."""
    rounds: int
    images: dict[str, int]
    """Of a timing of convolutions: the settings of its training set."""
    widths: tuple[int, ...]
    """Of the convolutional networks, from small to large."""
    processes: dict[int, tuple[int, ...]]
    """Width -> how many processes are tried."""
    floor: dict[str, int | float]
    """Settings of the networks that train to the floor."""
    seeds: int


SCALES = {
    "full": Scale(
        matrix=8192, seconds=0.5, rounds=3, images=PAPER | {"n_train": 8192}, widths=(2, 4, 8, 16, 64), processes={8: (2, 4), 64: (2, 4)},
        floor={"n_train": 4000, "width": 32, "side": 32, "epochs": 300, "batch_size": 128}, seeds=3,
    ),
    "smoke": Scale(
        matrix=128, seconds=0.01, rounds=1, images={"n_train": 64, "side": 16, "batch_size": 16}, widths=(1, 2), processes={1: (2,)},
        floor={"n_train": 64, "width": 2, "side": 16, "epochs": 2, "batch_size": 32}, seeds=1,
    ),
}  # fmt: skip


def measure(
    device_name: str,
    folder: str | None,
    size: str,
    minutes: float,
    keep: Callable[[Engine], None] = lambda engine: None,
    known: Mapping[str, Engine] = MappingProxyType({}),
) -> Engine:
    """Prints tables of what is measured on `device_name` ("cpu" or "cuda") and gives what was chosen. No part begins after `minutes`, and a
    part that fails says so and leaves the others to be measured.

    `known` (card -> engine) is from before: a part of this card that is not measured anew stays as it was, where it was measured with this
    version of PyTorch. `keep` is told what follows so far after every part, so that a sitting that is cut loses one part; not before it has
    every part that was known."""
    device, scale, deadline = torch.device(device_name), SCALES[size], time.perf_counter() + 60 * minutes
    torch.set_num_threads(1)
    set_numerics(device)
    on_card = captures(device)
    name = torch.cuda.get_device_name(device) if on_card else "this processor, to try things out"
    print(f"{name}, torch {torch.__version__}")
    if not on_card:
        print("no card: nothing is captured, every step is the plain call, and nothing follows from these times")
    before = known.get(name, Engine())
    found = dict(before.figures) if before.torch == torch.__version__ else {}
    parts: dict[str, Callable[[], dict[str, float]]] = {
        "matrix products": lambda: matrix_rates(device, scale),
        "double_descent/mnist_mlp": lambda: mlp_grid(device, scale, size),
        "convolutions": lambda: convolutions(device, scale, found),
        "studies": lambda: studies(device, scale, size, found),
        "floor": lambda: floor(device, scale, folder),
    }
    for part, measured in parts.items():
        if time.perf_counter() > deadline:
            print(f"\n{part}: not measured, the {minutes:g} minutes are over")
            continue
        print(f"\n{part}", flush=True)
        begun = time.perf_counter()
        try:
            found[part] = measured()
        except (RuntimeError, ValueError, datasets.DatasetNotFound) as problem:
            print(f"  not measured: {type(problem).__name__}: {problem}")
        print(f"  ({time.perf_counter() - begun:.0f} s)")
        if found.keys() >= before.figures.keys():
            keep(choose(found, name if on_card else "", torch.__version__))
    return choose(found, name if on_card else "", torch.__version__)


def matrix_rates(device: torch.device, scale: Scale) -> dict[str, float]:
    """Floating-point operations a second of products of square matrices of random numbers, by number format."""
    left, right = (torch.randn(scale.matrix, scale.matrix, device=device) for _ in range(2))
    rates = {}
    for name, precision, dtype in (
        ("fp32", "highest", torch.float32),
        ("TF32", "high", torch.float32),
        ("bf16", "highest", torch.bfloat16),
    ):
        a, b = left.to(dtype), right.to(dtype)
        torch.set_float32_matmul_precision(precision)
        times = [timing.a_call(lambda a=a, b=b: a @ b, device, scale.seconds) for _ in range(scale.rounds)]
        rates[name] = 2 * scale.matrix**3 / statistics.median(times)
        print(f"  {name}, {scale.matrix} rows: {rates[name] / 1e12:.2f} TFLOP/s")
    set_numerics(device)
    return rates


def mlp_grid(device: torch.device, scale: Scale, size: str) -> dict[str, float]:
    """Seconds of an epoch of all networks of one seed of double_descent/mnist_mlp: one at a time with a loader, one at a time in a tuned
    loop, and grouped. Medians of the rounds, which take the ways in turn."""
    study = STUDIES["double_descent/mnist_mlp"]
    specs = [spec for spec in study.specs(size) if spec.seed == 0]
    draws = torch.Generator().manual_seed(0)
    inputs = torch.randn(specs[0].n_train, specs[0].inputs, generator=draws)
    labels = torch.randint(10, (len(inputs),), generator=draws)
    held, truth = inputs.to(device), labels.to(device)
    together = "grouped, captured" if captures(device) else "grouped"
    ways = {
        "one at a time, DataLoader": [with_loader(spec, inputs, labels, device) for spec in specs],
        "one at a time, tuned": [tuned(spec, held, truth) for spec in specs],
        together: [grouped(group, held, truth) for group in study.groups(specs, Engine())],
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for way, epochs in ways.items():
        for epoch in epochs[: 1 if "Loader" in way else None]:
            epoch()  # allocates, and captures
    for _ in range(scale.rounds):
        for way, epochs in ways.items():
            times[way].append(timing.of_epochs(epochs, device))
    found = {way: statistics.median(each) for way, each in times.items()}
    for way, took in found.items():
        print(f"  {way:28}{took:10.4f} s an epoch of {len(specs)} networks{took / found[together]:10.1f} x {together}")
    return found


def convolutions(device: torch.device, scale: Scale, found: dict[str, dict[str, float]]) -> dict[str, float]:
    """Seconds of a step of one network of double_descent/cifar10_cnn by width and way, as "width way"."""
    by_width = {}
    for width in scale.widths:
        specs = _cnns(width, scale.images)
        one = specs[0]
        ways: dict[str, Callable[[], float]] = {
            PLAIN: lambda one=one: timing.a_step(one, device, scale.seconds, capture=False),
            CAPTURED: lambda one=one: timing.a_step(one, device, scale.seconds),
            f"{CAPTURED}, fp32": lambda one=one: timing.a_step(
                dataclasses.replace(one, precision="fp32"), device, scale.seconds
            ),
        }
        ways |= {
            way: lambda way=way, specs=specs: timing.a_step_beside(specs, way, device, scale.seconds) for way in WAYS
        }
        ways |= {
            f"{count} processes": lambda count=count, one=one: timing.a_step_in_processes(
                one, count, device, scale.seconds
            )
            for count in scale.processes.get(width, ())
        }
        for way, timed in ways.items():
            give_memory_back(device)
            try:
                by_width[f"{width} {way}"] = timed()
            except (RuntimeError, ValueError) as problem:
                print(f"  width {width:3} {way:24} not measured: {type(problem).__name__}: {problem}")
                continue
            _tell(one, way, by_width, found.get("matrix products", {}))
    return by_width


def _tell(spec: CNNSpec, way: str, times: dict[str, float], rates: dict[str, float]) -> None:
    took, plain = times[f"{spec.width} {way}"], times.get(f"{spec.width} {PLAIN}")
    share = f"{flops_of_a_step(spec) / took / rates['bf16']:8.1%} of the bf16 matrix rate" if "bf16" in rates else ""
    faster = f"{plain / took:8.2f} x as fast as the {PLAIN}" if plain else ""
    print(f"  width {spec.width:3} {way:24}{1e3 * took:10.3f} ms a network and step{faster}{share}", flush=True)


def studies(device: torch.device, scale: Scale, size: str, found: dict[str, dict[str, float]]) -> dict[str, float]:
    """Seconds of a captured step of a middling network of each study for a GPU; of batch_size/mnist_cnn, of all rates of a group."""
    times, rates = {}, found.get("matrix products", {})
    for name, study in STUDIES.items():
        if not study.needs_gpu:
            continue
        group = middling(name, size)
        one = group[0]
        give_memory_back(device)
        try:
            if isinstance(one, ImageSpec):
                times[name] = timing.a_step(
                    dataclasses.replace(one, n_train=scale.images["n_train"]), device, scale.seconds
                )
            else:
                times[name] = timing.a_step_of_rates(group, scale.images["n_train"], device, scale.seconds)
        except (RuntimeError, ValueError) as problem:
            print(f"  {name:34} not measured: {type(problem).__name__}: {problem}")
            continue
        told = ", ".join(
            f"{key} {one.settings()[key]}" for key in ("width", "depth", "family", "norm") if key in one.settings()
        )
        share = (
            f"{flops_of_a_step(one) / times[name] / rates['bf16']:8.1%} of the bf16 matrix rate"
            if "bf16" in rates and isinstance(one, ImageSpec)
            else ""
        )
        print(f"  {name:34}{1e3 * times[name]:10.3f} ms a step{share}   ({told})", flush=True)
    return times


def middling(name: str, size: str) -> list[Spec]:
    """The group of a study whose step is timed: of double_descent/cifar10_resnet18 the widest, of others the one in the middle of the grid by
    FLOPs, that of batch_size/mnist_cnn at batch 128 or the largest below."""
    study = STUDIES[name]
    groups = study.groups([spec for spec in study.specs(size) if spec.seed == 0])
    if name == "batch_size/mnist_cnn":
        return max((group for group in groups if group[0].batch_size <= 128), key=lambda group: group[0].batch_size)
    ordered = sorted(groups, key=lambda group: group[0].flops)
    return ordered[-1 if name == "double_descent/cifar10_resnet18" else len(ordered) // 2]


def floor(device: torch.device, scale: Scale, folder: str | None) -> dict[str, float]:
    """The train loss that the five-layer network comes down to in each number format, mean over seeds, as `run` would train and measure it."""
    dataset, found = datasets.load("uoft-cs/cifar10", folder), {}
    for precision in ("fp32", "bf16"):
        specs = [
            CNNSpec(
                study="card/floor", seed=seed, dataset=dataset.name, label_noise=0.0, optimizer="adam", lr=1e-3,
                precision=precision, **scale.floor,
            )
            for seed in range(scale.seeds)
        ]  # fmt: skip
        runs = single.train(specs, dataset, device)
        lowest = [min(row["train_loss"] for row in run.curves if row["train_loss"] is not None) for run in runs]
        last = [run.curves[-1] for run in runs]
        found[f"{precision} lowest train loss"] = statistics.mean(lowest)
        found[f"{precision} test error"] = statistics.mean(
            1 - row["test_correct"] / run.n_test for row, run in zip(last, runs, strict=True)
        )
        got = "" if runs[0].precision == precision else f" ({runs[0].precision}: a CPU has no other)"
        print(
            f"  {precision}{got}: lowest train loss after {scale.floor['epochs']} epochs {', '.join(f'{loss:.2e}' for loss in lowest)} in {scale.seeds} seeds;"
            f" test error at the end {found[f'{precision} test error']:.2%}; {statistics.mean(run.wall_s for run in runs):.1f} s a run",
            flush=True,
        )
    return found


def choose(found: dict[str, dict[str, float]], device: str, version: str) -> Engine:
    """What follows from the times: a way for small networks and up to which width, how many processes, and what a step costs."""
    times: dict[int, dict[str, float]] = {}
    for told, took in found.get("convolutions", {}).items():
        width, _, way = told.partition(" ")
        times.setdefault(int(width), {})[way] = took
    way, up_to = _beside(times)
    engine = Engine(
        device=device,
        torch=version,
        way=way,
        beside_up_to=up_to,
        processes=_processes(times),
        figures=dict(found),
        **_price(times),
    )
    factors = {}
    for name, took in found.get("studies", {}).items():
        group = middling(name, "full")
        factors[name] = took * max(spec.updates for spec in group) / engine.seconds(group)
    if way:  # what they gain beside each other is in the price of a group already, but not all of it
        one, apart = _cnns(up_to, PAPER), times[up_to][way]
        factors["double_descent/cifar10_cnn"] = apart * sum(spec.updates for spec in one) / engine.seconds(one)
    return dataclasses.replace(engine, factors={name: float(f"{factor:.3g}") for name, factor in factors.items()})


def _beside(times: dict[int, dict[str, float]]) -> tuple[str, int]:
    """The way, one of WAYS, that is the fastest of all ways in bf16 at most widths, and the largest width up to which it is the fastest;
    nothing and 0 where one network after the other is faster at the smallest."""
    fastest = {}
    for width, ways in sorted(times.items()):
        fair = {way: took for way, took in ways.items() if not way.endswith("fp32")}
        if fair:
            fastest[width] = min(fair, key=fair.get)
    best = max(WAYS, key=lambda way: sum(each == way for each in fastest.values()))
    up_to = [width for width, _ in itertools.takewhile(lambda told: told[1] == best, fastest.items())]
    return (best, max(up_to)) if up_to else ("", 0)


def _processes(times: dict[int, dict[str, float]]) -> int:
    """As many as are faster than every way in one process, at the largest width where any are."""
    for _, ways in sorted(times.items(), reverse=True):
        several = {int(way.split()[0]): took for way, took in ways.items() if way.endswith("processes")}
        others = [took for way, took in ways.items() if not way.endswith(("processes", "fp32"))]
        if several and others and min(several.values()) < BETTER * min(others):
            return min(several, key=several.get)
    return 1


def _price(times: dict[int, dict[str, float]]) -> dict[str, float]:
    """What a layer costs in a step, from the smallest network, whose products cost next to nothing; and the rate of the products, from what
    the largest takes longer."""
    told = {width: ways[CAPTURED] for width, ways in sorted(times.items()) if CAPTURED in ways}
    if not told:
        return {}
    small, large = _cnns(min(told), PAPER)[0], _cnns(max(told), PAPER)[0]
    fixed, whole = told[small.width], told[large.width]
    return {
        "seconds_per_layer": fixed / small.layers,
        "flops_per_second": flops_of_a_step(large) / max(whole - fixed, whole / 2),
    }


def flops_of_a_step(spec: Spec) -> float:
    """Of the products of one update on a whole batch."""
    return spec.flops / spec.n_train / spec.epochs * spec.batch_size


def _cnns(width: int, images: dict[str, int]) -> list[CNNSpec]:
    """The nine networks of a width of double_descent/cifar10_cnn without augmentation: three seeds, three noises."""
    settings = images | {"augment": "none", "width": width}
    of_grid = {(spec.seed, spec.label_noise): spec for spec in STUDIES["double_descent/cifar10_cnn"].specs("full")}
    return [dataclasses.replace(spec, **settings) for spec in of_grid.values()]
