"""Repeats one published run and says how far the repetition is from it."""

import itertools
import tempfile
from pathlib import Path

from precompute import shards
from precompute.executors import Settings, train_group
from precompute.missing import of_the_file
from precompute.spec import Spec

SECOND_RUN = """the same machine and versions give the same numbers; another processor or version of PyTorch, or another
copy of the data, gives another run of the same kind, to be held against the spread over seeds"""


def repeat(spec: Spec, settings: Settings, database: Path, kept: Path | None = None) -> int:
    """Trains `spec` alone, in a folder of its own, and prints it beside the published run; a run that did not fail stays as a shard in the
    folder `kept`, where one is named. Returns 1 when it failed. Raises Usage for a database that cannot be read."""
    rows = of_the_file(lambda results_file: results_file.published_rows(database))
    published = next((row for row in rows if row["run_id"] == spec.run_id), None)
    print(f"{spec.study} seed {spec.seed}: " + ", ".join(f"{key} {value}" for key, value in spec.settings().items()))
    ends = {spec.run_id: published["steps"]} if published and published["status"] != "failed" else None
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept) as folder:
        train_group([spec], Settings(Path(folder), settings.datasets, settings.device), ends)
        (here,) = shards.read(Path(folder))
        if kept is not None and here["status"] != "failed":
            for shard in Path(folder).iterdir():
                shard.replace(kept / shard.name)
            print(f"kept in {kept}; python -m precompute build --shards {kept} --database FILE bakes it")
    if here["status"] == "failed":
        print(f"failed: {here['error']}")
        return 1
    if published is None or published["status"] == "failed":
        there = "does not hold this run" if published is None else f"holds it as failed: {published['error']}"
        print(f"status {here['status']}; {database} {there}")
        _print_measures(here)
        return 0
    print(
        f"published on {published['device']}, torch {published['torch']}; here {here['device']}, torch {here['torch']}"
    )
    if here["data_fingerprint"] != published["data_fingerprint"]:
        print(f"from another copy of the data: published {published['dataset_copy']}, here {here['dataset_copy']}")
    _print_measures(here, published)
    compared = {name: (_timeless(here[name]), _timeless(published[name])) for name in shards.NESTED}
    differing = [(a or b)["epoch"] for a, b in itertools.zip_longest(*compared["curves"]) if a != b]
    others = [name for name, (ours, theirs) in compared.items() if ours != theirs and name != "curves"]
    if not differing and not others and here["status"] == published["status"]:
        print(f"every number of all {sum(len(ours) for ours, _ in compared.values())} rows is the same")
    else:
        ours, theirs = map(len, compared["curves"])
        where = [f"from epoch {first} on" for first in differing[:1]]
        where += [f"in the number of evaluations ({ours} here, {theirs} published)"] * (ours != theirs)
        where += [f"in {name}" for name in others]
        print(f"the numbers differ {', '.join(where) or 'in their status'}: {' '.join(SECOND_RUN.split())}")
    return 0


def _timeless(rows: list[dict]) -> list[dict]:
    """`rows` without how long they took."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def _print_measures(here: dict, published: dict | None = None) -> None:
    """The last evaluation, of two runs the last that both have: errors in percent, losses in nats; of a run that only counts, its counts."""
    for place, count in enumerate(here["counts"]):
        values = [f"{row['counts'][place]['value']} of {count['trials']}" for row in (here, published) if row]
        print(f"{count['quantity']:>14}" + "".join(f"{value:>16}" for value in values))
    last = min(len(row["curves"]) for row in (here, published) if row) - 1
    if last < 0:
        return
    print(
        f"{'epoch ' + str(here['curves'][last]['epoch']):>14}{'here':>12}" + (f"{'published':>12}" if published else "")
    )
    for name in ("train", "val", "test"):
        if not here[f"n_{name}"]:
            continue
        for measure in ("error", "loss"):
            if measure == "error" and here["n_test"] == 0:  # such a study classifies nothing
                continue
            values = [_value(row, row["curves"][last], name, measure) for row in (here, published) if row]
            print(f"{name + ' ' + measure:>14}" + "".join(f"{value:>12}" for value in values))


def _value(row: dict, point: dict, name: str, measure: str) -> str:
    if point[f"{name}_loss"] is None:
        return "diverged"
    if measure == "loss":
        return f"{point[f'{name}_loss']:.6f}"
    return f"{100 * (1 - point[f'{name}_correct'] / row[f'n_{name}']):.2f}%"
