"""python -m precompute: trains the networks and bakes their results."""

import argparse
import importlib.util
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from precompute import engine, executors, shards
from precompute.engine import Engine
from precompute.progress import EFFICIENCY, Progress
from precompute.spec import Spec
from precompute.studies import STUDIES, Study
from precompute.studies.study import SIZES, flops_of

ROOT = Path(__file__).parent.parent
DATABASE = ROOT / "data" / "results.duckdb"
SHARDS = ROOT / "data" / "shards"
ENGINES = ROOT / "data" / "engines.json"


class Usage(Exception):
    """Bad input: printed as one line, exit 2."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Returns 0, 1 when runs failed or a check did not pass, or 2 for bad input."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return options.command(options)
    except Usage as problem:
        print(f"precompute: {problem}", file=sys.stderr)
        return 2
    except OSError as problem:  # a full disk, a folder that may not be written
        print(
            f"precompute: {problem}; finished groups and the old database are whole, the same command goes on",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nstopped; finished groups are kept, the same command goes on", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m precompute",
        description="Trains the small networks of the studies and bakes their results into data/results.duckdb. "
        "Usual order: plan (what would it cost?), run (train; may be stopped and repeated), build (bake), verify (check).",
        epilog="Studies: " + ", ".join(STUDIES),
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function, summary: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=summary)
        added.set_defaults(command=function)
        added.add_argument(
            "--shards",
            type=Path,
            default=SHARDS,
            metavar="DIR",
            help="folder of finished groups (default: data/shards)",
        )
        added.add_argument(
            "--database", type=Path, default=DATABASE, metavar="FILE", help="default: data/results.duckdb"
        )
        added.add_argument(
            "--size", default="full", help="full: what the app shows. smoke: a grid of seconds, to try things out"
        )
        return added

    def choose(added: argparse.ArgumentParser) -> None:
        added.add_argument("studies", nargs="*", metavar="STUDY", help="which studies (default: all); plan lists them")
        added.add_argument(
            "--workers",
            type=int,
            metavar="N",
            help="worker processes (default: one a core; on a card what was measured to be best, else one)",
        )

    def on_a_card(added: argparse.ArgumentParser) -> None:
        added.add_argument("--device", default="auto", help="auto, cpu or cuda")
        added.add_argument(
            "--engines",
            type=Path,
            default=ENGINES,
            metavar="FILE",
            help="what `benchmark --device cuda` measured and chose on this card (default: data/engines.json)",
        )

    added = command("plan", plan, "Print runs, FLOPs and estimated minutes of each study; trains nothing.")
    choose(added)
    on_a_card(added)

    added = command("run", run, "Train what is missing. Stop it at any time: the same command goes on where it was.")
    choose(added)
    added.add_argument("--run-id", metavar="ID", help="repeat this one run, and compare it with the database")
    on_a_card(added)
    added.add_argument(
        "--executor",
        default="processes",
        help="processes: one-thread workers; serial: this process; ray: the cluster of $RAY_ADDRESS, else this machine",
    )
    added.add_argument(
        "--datasets",
        metavar="DIR",
        help="folder with ylecun/mnist/... (default: $WHY_DATASETS, else the Hugging Face Hub)",
    )
    added.add_argument(
        "--max-minutes", type=float, metavar="M", help="start no group that would not end within M minutes"
    )
    added.add_argument("--retry-failed", action="store_true", help="train failed runs again")
    added.add_argument("--fail-fast", action="store_true", help="stop at the first failed run")

    added = command("status", status, "Count complete, diverged, failed and missing runs of each study.")
    choose(added)

    command("build", bake, "Bake the finished runs, with those the database already holds, into the database.")
    added = command(
        "benchmark",
        compare_speed,
        "Time grouped training beside one network at a time, in one run. Takes about four minutes. With --device cuda measure "
        "this card, choose how it trains, and write that down for `run`.",
    )
    added.add_argument("--datasets", metavar="DIR", help="as for run")
    on_a_card(added)
    added.add_argument(
        "--max-minutes",
        type=float,
        default=9.0,
        metavar="M",
        help="on a card: begin no part that would pass M (default: 9)",
    )
    command("verify", verify, "Read every column of the database and check its content hash.")
    return parser


def chosen(names: Sequence[str], size: str) -> list[Study]:
    """The named studies, or all. Raises Usage for unknown names or sizes."""
    if size not in SIZES:
        raise Usage(f"no size {size!r}; sizes: {', '.join(SIZES)}")
    for name in names:
        if name not in STUDIES:
            raise Usage(f"no study {name!r}; studies: {', '.join(STUDIES)}")
    return [STUDIES[name] for name in (names or STUDIES)]


def with_specs(studies: Sequence[Study], options: argparse.Namespace) -> list[tuple[Study, list[Spec]]]:
    """Each study with its specifications, and those that follow from its finished runs."""
    finished = _finished(options) if any(study.follow_up for study in studies) else {}
    return [(study, study.all_specs(options.size, finished)) for study in studies]


def plan(options: argparse.Namespace) -> int:
    """Prices the studies: on a CPU by their FLOPs at this machine's own matrix rate, measured now; on a card by what was measured of it, or by
    what is stated. Where no device is named, studies for a GPU are priced on a card, and the others on what is here."""
    studies = with_specs(chosen(options.studies, options.size), options)
    here = _device(options.device, "serial") if options.device != "cuda" else "cuda"  # a plan for another machine
    workers = _workers(options, None)
    rate = executors.matrix_rate() * EFFICIENCY
    card = _card(options)
    print(f"one worker trains at about {rate / 1e9:.0f} GFLOP/s here; {workers} workers")
    print(card)
    print(f"{'study':34} {'runs':>6} {'groups':>7} {'TFLOP':>8} {'minutes':>8}   missing: runs, minutes")
    for study, specs in studies:
        missing = _missing(specs, options)
        on = card if here == "cuda" or (study.needs_gpu and options.device == "auto") else None
        if on is None:
            minutes, left = (executors.estimated_seconds(each, rate, workers) / 60 for each in (specs, missing))
        else:
            minutes, left = (sum(map(on.seconds, study.groups(each, on))) / 60 for each in (specs, missing))
        print(
            f"{study.name:34} {len(specs):6} {len(study.groups(specs, on)):7} {flops_of(specs) / 1e12:8.1f} {minutes:8.1f}"
            f"   {len(missing)}, {left:.1f}{' on a card' if on else ''}{'; more follow from its results' if study.follow_up else ''}"
            f"{'; for a GPU' if study.needs_gpu else ''}"
        )
    return 0


def _card(options: argparse.Namespace) -> Engine:
    """What is known of the card that is here; without one, of the first card that was measured."""
    try:
        measured = engine.read(options.engines)
    except ValueError as problem:
        raise Usage(str(problem)) from None
    import torch

    name = torch.cuda.get_device_name() if torch.cuda.is_available() else next(iter(measured), "")
    return measured.get(name, Engine())


def _workers(options: argparse.Namespace, card: Engine | None) -> int:
    """As many worker processes as were asked for; else one a core, or on a card what was measured to be best."""
    if options.workers is not None and options.workers < 1:
        raise Usage("--workers takes a number from 1")
    return options.workers or (card.processes if card else os.cpu_count() or 1)


def _known(options: argparse.Namespace) -> dict[str, str]:
    """run_id -> status of every run that is finished, in the shards or in the database."""
    rows = list(shards.read(options.shards, ("run_id", "status")))
    try:
        from precompute import results_file
    except ModuleNotFoundError as missing:  # training machines need no duckdb; then only the shards count
        if missing.name != "duckdb":
            raise
    else:
        rows += results_file.known_runs(options.database)
    return {run_id: row["status"] for run_id, row in shards.best_of_equal(rows).items()}


def _finished(options: argparse.Namespace) -> dict[str, dict]:
    """run_id -> row of every finished run, in the shards or in the database."""
    rows = list(shards.read(options.shards))
    try:
        from precompute import results_file
    except ModuleNotFoundError as missing:
        if missing.name != "duckdb":
            raise
    else:
        try:
            rows += results_file.published_rows(options.database)
        except results_file.ResultsError as problem:
            raise Usage(str(problem)) from None
    return shards.best_of_equal(rows)


def _missing(specs: Sequence[Spec], options: argparse.Namespace, retry_failed: bool = False) -> list[Spec]:
    known = _known(options)
    return [spec for spec in specs if spec.run_id not in known or (retry_failed and known[spec.run_id] == "failed")]


def run(options: argparse.Namespace) -> int:
    """Trains the missing runs of the chosen studies, group by group."""
    if options.executor not in executors.EXECUTORS:
        raise Usage(f"no executor {options.executor!r}; executors: {', '.join(executors.EXECUTORS)}")
    _workers(options, None)
    device = _device(options.device, options.executor)
    card = _card(options) if device == "cuda" else None
    if card is not None:
        print(card)
    settings = executors.Settings(options.shards, options.datasets, device, card)
    studies = chosen(options.studies, options.size)
    if options.run_id:
        return _repeat(options, settings)
    if settings.device == "cpu" and not options.studies and options.size == "full":
        for study in studies:
            if study.needs_gpu:
                print(f"{study.name} is left out: it is for a GPU; name it to train it here")
        studies = [study for study in studies if not study.needs_gpu]
    groups = _groups(studies, options, card, options.retry_failed)
    if not groups:
        print("nothing to train: every run is finished")
        return 0
    _check_data({study.dataset for study in studies}, options.datasets)
    options.shards.mkdir(parents=True, exist_ok=True)

    started, failed = time.perf_counter(), []
    while groups:
        trained, left = _train(groups, settings, options, started)
        failed += [run_id for run_id, status in trained.items() if status == "failed"]
        if left or (failed and options.fail_fast) or not any(study.follow_up for study in studies):
            break
        groups = [
            group for group in _groups(studies, options, card) if not {spec.run_id for spec in group} <= trained.keys()
        ]  # what follows from the results
    if failed:
        print(
            f"{len(failed)} runs failed: {' '.join(failed[:20])}{' ...' if len(failed) > 20 else ''}; --retry-failed trains them again"
        )
    return 1 if failed else 0


def _groups(
    studies: Sequence[Study], options: argparse.Namespace, card: Engine | None, retry_failed: bool = False
) -> list[list[Spec]]:
    """The missing runs of the studies, in groups."""
    return [
        group
        for study, specs in with_specs(studies, options)
        for group in study.groups(_missing(specs, options, retry_failed), card)
    ]


def _train(
    groups: Sequence[Sequence[Spec]], settings: executors.Settings, options: argparse.Namespace, started: float
) -> tuple[dict[str, str], int]:
    """Trains groups within what is left of --max-minutes since `started`; run_id -> status, and how many groups were not started."""
    workers = 1 if options.executor == "serial" else min(_workers(options, settings.engine), len(groups))
    minutes = None if options.max_minutes is None else options.max_minutes - (time.perf_counter() - started) / 60
    progress = Progress(groups, workers, minutes, settings.engine)
    statuses: dict[str, str] = {}
    try:
        for outcome in executors.run_groups(groups, settings, options.executor, workers, progress.may_start):
            progress.ended(outcome)
            statuses |= outcome.statuses
            if options.fail_fast and "failed" in outcome.statuses.values():
                break
    finally:
        progress.close()
    return statuses, progress.groups - progress.ended_groups


def _device(name: str, executor: str) -> str:
    if name not in ("auto", "cpu", "cuda"):
        raise Usage(f"no device {name!r}; devices: auto, cpu, cuda")
    if executor == "ray":
        if importlib.util.find_spec("ray") is None:
            raise Usage("the executor ray is an extra: pip install -r precompute/requirements-cluster.txt")
        from precompute import cluster

        try:
            return cluster.device(name)
        except (OSError, RuntimeError) as problem:
            raise Usage(f"no Ray cluster at {os.environ.get('RAY_ADDRESS', 'this machine')}: {problem}") from None
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise Usage("no CUDA device is available here; devices: auto, cpu")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"


def _check_data(names: set[str], folder: str | None) -> None:
    """Finds, fetches and decodes the data once before the first worker starts, so that bad data is one line."""
    from precompute import datasets

    for name in sorted(names):
        try:
            datasets.load(name, folder)
        except datasets.DatasetNotFound as problem:
            raise Usage(str(problem)) from None


def _repeat(options: argparse.Namespace, settings: executors.Settings) -> int:
    """Trains one run again, beside the published one, and prints both."""
    from precompute.repeat import repeat

    by_id = {spec.run_id: spec for study in STUDIES.values() for size in SIZES for spec in study.specs(size)}
    if options.run_id not in by_id:
        finished = _finished(options)
        by_id |= {
            spec.run_id: spec
            for study in STUDIES.values()
            for size in SIZES
            for spec in study.all_specs(size, finished)
        }
    if options.run_id not in by_id:
        raise Usage(f"no run {options.run_id!r} in any study; the app's Runs page and the view of a study list them")
    _check_data({STUDIES[by_id[options.run_id].study].dataset}, options.datasets)
    return repeat(by_id[options.run_id], settings, options.database)


def status(options: argparse.Namespace) -> int:
    """Counts the runs of each study by status."""
    known = _known(options)
    print(f"{'study':34} {'complete':>9} {'diverged':>9} {'failed':>7} {'missing':>8}")
    for study, specs in with_specs(chosen(options.studies, options.size), options):
        counts = Counter(known.get(spec.run_id, "missing") for spec in specs)
        print(
            f"{study.name:34} {counts['complete']:9} {counts['diverged']:9} {counts['failed']:7} {counts['missing']:8}"
        )
    print(
        f"shards: {options.shards}; free there: {shutil.disk_usage(options.shards.parent if not options.shards.exists() else options.shards).free / 2**30:.0f} GiB"
    )
    return 0


def bake(options: argparse.Namespace) -> int:
    """Builds the database; says how many runs it has and its content hash."""
    from precompute import build, results_file

    chosen((), options.size)
    try:
        counts = build.build(options.shards, options.database, options.size)
        print(
            f"{options.database}: {counts['baked']} runs, {options.database.stat().st_size / 2**20:.1f} MiB, content {results_file.verify(options.database)}"
        )
    except results_file.ResultsError as problem:
        raise Usage(str(problem)) from None
    if counts["outside"]:
        print(f"{counts['outside']} finished runs are outside the grids of size {options.size} and were left out")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Checks the database; 1 when it is not what it says."""
    from precompute import results_file

    try:
        print(f"{options.database}: content {results_file.verify(options.database)}, as it says")
    except results_file.ResultsError as problem:
        print(f"precompute: {problem}", file=sys.stderr)
        return 1
    return 0


def compare_speed(options: argparse.Namespace) -> int:
    """Runs the benchmark and prints its table. A small one of a card runs anywhere, to try things out."""
    chosen((), options.size)
    if options.device == "cuda" or options.size == "smoke":
        device = _device("cpu" if options.device == "auto" else options.device, "serial")
        from precompute.card import measure

        found = measure(
            device,
            options.datasets,
            options.size,
            options.max_minutes,
            keep=lambda so_far: engine.write(so_far, options.engines) if device == "cuda" else None,
        )
        if device == "cuda":
            print(f"written to {options.engines}: {found}")
        return 0
    _check_data({"ylecun/mnist"}, options.datasets)
    from precompute.benchmark import benchmark, benchmark_grid

    benchmark(options.datasets)
    benchmark_grid(options.datasets)
    return 0


if __name__ == "__main__":
    sys.exit(main())
