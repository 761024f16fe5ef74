"""python -m precompute: trains the networks and bakes their results."""

import argparse
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence

TO_INSTALL = "is not installed: pip install -r precompute/requirements.txt"

try:
    from precompute import engine, executors
    from precompute.arguments import SHARDS, Usage, card_of, check, chosen, device_of, engines_of, parser, workers_of
    from precompute.missing import finished_rows, finished_statuses, missing_groups, missing_of, with_specs
    from precompute.progress import EFFICIENCY, Progress
    from precompute.spec import Spec
    from precompute.studies import STUDIES
    from precompute.studies.study import SIZES, flops_of
except ModuleNotFoundError as problem:
    print(f"precompute: {problem.name} {TO_INSTALL}", file=sys.stderr)
    sys.exit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Returns 0, 1 when runs failed or a check did not pass, or 2 for bad input."""
    options = parser(COMMANDS).parse_args(arguments)
    try:
        check(options)
        return options.command(options)
    except ModuleNotFoundError as problem:
        print(f"precompute: {problem.name} {TO_INSTALL}", file=sys.stderr)
        return 2
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


def plan(options: argparse.Namespace) -> int:
    """Prices the studies: on a CPU by their FLOPs at this machine's own matrix rate, measured now; on a card by what was measured of it, or by
    what is stated. Where no device is named, studies for a GPU are priced on a card, and the others on what is here."""
    studies = with_specs(chosen(options.studies, options.size), options)
    statuses = finished_statuses(options)
    here = device_of(options.device, "serial") if options.device != "cuda" else "cuda"  # a plan for another machine
    workers = workers_of(options, None)
    rate = executors.matrix_rate() * EFFICIENCY
    card = card_of(options)
    print(f"one worker trains at about {rate / 1e9:.0f} GFLOP/s here; {workers} workers")
    print(card)
    print(f"{'study':34} {'runs':>6} {'groups':>7} {'TFLOP':>8} {'minutes':>8}   missing: runs, minutes")
    for study, specs in studies:
        missing = missing_of(specs, statuses)
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


def run(options: argparse.Namespace) -> int:
    """Trains the missing runs of the chosen studies, group by group."""
    if options.executor not in executors.EXECUTORS:
        raise Usage(f"no executor {options.executor!r}; executors: {', '.join(executors.EXECUTORS)}")
    workers_of(options, None)
    device = device_of(options.device, options.executor)
    card = card_of(options) if device == "cuda" else None
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
    groups = missing_groups(studies, options, card, options.retry_failed)
    if not groups:
        print("nothing to train: every run is finished")
        return 0
    _check_data((spec for group in groups for spec in group), options.datasets)
    options.shards.mkdir(parents=True, exist_ok=True)

    started, failed = time.perf_counter(), []
    while groups:
        trained, left = _train(groups, settings, options, started)
        failed += [run_id for run_id, status in trained.items() if status == "failed"]
        if left or (failed and options.fail_fast) or not any(study.follow_up for study in studies):
            break
        groups = [
            group
            for group in missing_groups(studies, options, card)
            if not {spec.run_id for spec in group} <= trained.keys()
        ]  # what follows from the results
    if failed:
        print(
            f"{len(failed)} runs failed: {' '.join(failed[:20])}{' ...' if len(failed) > 20 else ''}; --retry-failed trains them again"
        )
    return 1 if failed else 0


def _train(
    groups: Sequence[Sequence[Spec]], settings: executors.Settings, options: argparse.Namespace, started: float
) -> tuple[dict[str, str], int]:
    """Trains groups within what is left of --max-minutes since `started`; run_id -> status, and how many groups were not started."""
    workers = 1 if options.executor == "serial" else min(workers_of(options, settings.engine), len(groups))
    minutes = None if options.max_minutes is None else options.max_minutes - (time.perf_counter() - started) / 60
    progress = Progress(groups, minutes, settings.engine)
    statuses: dict[str, str] = {}
    try:
        for outcome in executors.run_groups(
            groups, settings, options.executor, workers, progress.may_start, minutes is not None
        ):
            progress.ended(outcome)
            statuses |= outcome.statuses
            if options.fail_fast and "failed" in outcome.statuses.values():
                break
    finally:
        progress.close()
    return statuses, progress.groups - progress.ended_groups


def _check_data(specs: Iterable[Spec], folder: str | None) -> None:
    """Finds, fetches and decodes the data of `specs` once before the first worker starts, so that bad data is one line."""
    from precompute import datasets

    by_name: dict[str, list[Spec]] = {}
    for spec in specs:
        by_name.setdefault(STUDIES[spec.study].dataset, []).append(spec)
    for name in sorted(by_name):
        try:
            datasets.load_for(by_name[name], name, folder)
        except datasets.DatasetNotFound as problem:
            raise Usage(str(problem)) from None


def _repeat(options: argparse.Namespace, settings: executors.Settings) -> int:
    """Trains one run again, beside the published one, and prints both; keeps it where --shards names a folder."""
    from precompute.repeat import repeat

    by_id = {spec.run_id: spec for study in STUDIES.values() for size in SIZES for spec in study.specs(size)}
    if options.run_id not in by_id:
        rows = finished_rows(options)
        by_id |= {
            spec.run_id: spec for study in STUDIES.values() for size in SIZES for spec in study.all_specs(size, rows)
        }
    if options.run_id not in by_id:
        raise Usage(f"no run {options.run_id!r} in any study; the app's Runs page and the view of a study list them")
    _check_data([by_id[options.run_id]], options.datasets)
    return repeat(
        by_id[options.run_id], settings, options.database, None if options.shards == SHARDS else options.shards
    )


def status(options: argparse.Namespace) -> int:
    """Counts the runs of each study by status."""
    statuses = finished_statuses(options)
    print(f"{'study':34} {'complete':>9} {'diverged':>9} {'failed':>7} {'missing':>8}")
    for study, specs in with_specs(chosen(options.studies, options.size), options):
        counts = Counter(statuses.get(spec.run_id, "missing") for spec in specs)
        print(
            f"{study.name:34} {counts['complete']:9} {counts['diverged']:9} {counts['failed']:7} {counts['missing']:8}"
        )
    shards = options.shards.absolute()
    there = next(folder for folder in (shards, *shards.parents) if folder.exists())
    print(f"shards: {options.shards}; free there: {shutil.disk_usage(there).free / 2**30:.0f} GiB")
    return 0


def bake(options: argparse.Namespace) -> int:
    """Builds the database; says how many runs it has and its content hash."""
    from precompute import build, results_file

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
    device_of(options.device, "serial")
    if options.device == "cuda" or options.size == "smoke":
        from precompute.card import measure

        known = engines_of(options)
        told = ("cuda" if options.device == "cuda" else "cpu", options.datasets, options.size, options.max_minutes)
        if options.device == "cuda" and options.size == "full":
            measure(*told, lambda so_far: engine.write(so_far, options.engines), known)
            print(f"{options.engines}: {card_of(options)}")
        else:
            measure(*told)
        return 0
    from precompute.benchmark import benchmark, benchmark_grid

    timed = ("double_descent/mnist_mlp", "activation/mnist_mlp")
    _check_data((spec for name in timed for spec in STUDIES[name].specs("full")), options.datasets)

    benchmark(options.datasets)
    benchmark_grid(options.datasets)
    return 0


COMMANDS = {
    "plan": plan, "run": run, "status": status, "build": bake, "benchmark": compare_speed, "verify": verify,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
