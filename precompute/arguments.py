"""What the command line takes, and what is wrong with it in one line."""

import argparse
import importlib.util
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from precompute import engine
from precompute.engine import Engine
from precompute.studies import STUDIES, Study
from precompute.studies.study import SIZES

ROOT = Path(__file__).parent.parent
DATABASE = ROOT / "data" / "results.duckdb"
SHARDS = ROOT / "data" / "shards"
ENGINES = ROOT / "data" / "engines.json"


class Usage(Exception):
    """Bad input: printed as one line, exit 2."""


def parser(commands: Mapping[str, Callable[[argparse.Namespace], int]]) -> argparse.ArgumentParser:
    """What the command line takes. `commands` has the function of each command by its name."""
    made = argparse.ArgumentParser(
        prog="python -m precompute",
        description="Trains the small networks of the studies and bakes their results into data/results.duckdb. "
        "Usual order: plan (what would it cost?), run (train; may be stopped and repeated), build (bake), verify (check).",
        epilog="Studies: " + ", ".join(STUDIES),
    )
    subparsers = made.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, summary: str) -> argparse.ArgumentParser:
        added = subparsers.add_parser(name, help=summary, description=summary)
        added.set_defaults(command=commands[name])
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

    added = command("plan", "Print runs, FLOPs and estimated minutes of each study; trains nothing.")
    choose(added)
    on_a_card(added)

    added = command("run", "Train what is missing. Stop it at any time: the same command goes on where it was.")
    choose(added)
    added.add_argument(
        "--run-id",
        metavar="ID",
        help="repeat this one run, and compare it with the database; it is kept where --shards names another folder than the default",
    )
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
    added.add_argument(
        "--retry-failed", action="store_true", help="train failed runs again; nothing follows from one before"
    )
    added.add_argument("--fail-fast", action="store_true", help="stop at the first failed run")

    added = command("status", "Count complete, diverged, failed and missing runs of each study.")
    choose(added)

    command("build", "Bake the finished runs, with those the database already holds, into the database.")
    added = command(
        "benchmark",
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
    command("verify", "Read every column of the database and check its content hash.")
    return made


def check(options: argparse.Namespace) -> None:
    """Raises Usage for what no command can work with: an unknown size, a file where the folder of shards is to be, no minutes."""
    chosen((), options.size)
    places = (options.shards, *options.shards.parents)
    blocking = next((place for place in places if place.exists() and not place.is_dir()), None)
    if blocking is not None:
        raise Usage(f"--shards takes a folder, and {blocking} is a file")
    minutes = getattr(options, "max_minutes", None)
    if minutes is not None and not minutes >= 0:
        raise Usage(f"--max-minutes takes a number from 0, not {minutes:g}")


def chosen(names: Sequence[str], size: str) -> list[Study]:
    """The named studies, each once, or all. Raises Usage for unknown names or sizes."""
    if size not in SIZES:
        raise Usage(f"no size {size!r}; sizes: {', '.join(SIZES)}")
    for name in names:
        if name not in STUDIES:
            raise Usage(f"no study {name!r}; studies: {', '.join(STUDIES)}")
    return [STUDIES[name] for name in (dict.fromkeys(names) or STUDIES)]


def engines_of(options: argparse.Namespace) -> dict[str, Engine]:
    """Card -> what was measured of it. Raises Usage for a file that is none of ours."""
    try:
        return engine.read(options.engines)
    except ValueError as problem:
        raise Usage(str(problem)) from None


def card_of(options: argparse.Namespace) -> Engine:
    """What is known of the card that is here; without one, of the first card that was measured."""
    measured = engines_of(options)
    import torch

    name = torch.cuda.get_device_name() if torch.cuda.is_available() else next(iter(measured), "")
    return measured.get(name, Engine())


def workers_of(options: argparse.Namespace, on: Engine | None) -> int:
    """As many worker processes as were asked for; else one a core, or on a card what was measured to be best."""
    if options.workers is not None and options.workers < 1:
        raise Usage("--workers takes a number from 1")
    return options.workers or (on.processes if on else os.cpu_count() or 1)


def device_of(name: str, executor: str) -> str:
    """cpu or cuda: what is asked for, or for auto what is here or on the cluster. Raises Usage where that is not there."""
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
