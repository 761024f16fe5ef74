"""Repeats one published run and says how far the repetition is from it."""

import tempfile
from pathlib import Path

from precompute import shards
from precompute.executors import Settings, train_group
from precompute.missing import reader
from precompute.spec import Spec

SECOND_RUN = """the same machine and versions give the same numbers; another processor or version of PyTorch, or another
copy of the data, gives another run of the same kind, to be held against the spread over seeds"""


def repeat(spec: Spec, settings: Settings, database: Path) -> int:
    """Trains `spec` alone, in a folder of its own, and prints it beside the published run. Returns 1 when it failed."""
    print(f"{spec.study} seed {spec.seed}: " + ", ".join(f"{key} {value}" for key, value in spec.settings().items()))
    published = next((row for row in _published(database) if row["run_id"] == spec.run_id), None)
    ends = {spec.run_id: published["steps"]} if published and published["status"] != "failed" else None
    with tempfile.TemporaryDirectory() as folder:
        train_group([spec], Settings(Path(folder), settings.datasets, settings.device), ends)
        (here,) = shards.read(Path(folder))
    if here["status"] == "failed":
        print(f"failed: {here['error']}")
        return 1
    if published is None:
        print(f"status {here['status']}; {database} does not hold this run")
        _print_measures(here)
        return 0
    print(
        f"published on {published['device']}, torch {published['torch']}; here {here['device']}, torch {here['torch']}"
    )
    if here["data_fingerprint"] != published["data_fingerprint"]:
        print(f"from another copy of the data: published {published['dataset_copy']}, here {here['dataset_copy']}")
    _print_measures(here, published)
    compared = {name: (_timeless(here[name]), _timeless(published[name])) for name in shards.NESTED}
    differing = [a["epoch"] for a, b in zip(*compared["curves"], strict=True) if a != b]
    others = [name for name, (ours, theirs) in compared.items() if ours != theirs and name != "curves"]
    if not differing and not others and here["status"] == published["status"]:
        print(f"every number of all {sum(len(ours) for ours, _ in compared.values())} rows is the same")
    else:
        where = [f"from epoch {differing[0]} on"] * bool(differing) + [f"in {name}" for name in others]
        print(f"the numbers differ {', '.join(where) or 'in their status'}: {' '.join(SECOND_RUN.split())}")
    return 0


def _published(database: Path) -> list[dict]:
    results_file = reader()
    return results_file.published_rows(database) if results_file else []


def _timeless(rows: list[dict]) -> list[dict]:
    """`rows` without how long they took."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def _print_measures(here: dict, published: dict | None = None) -> None:
    """The last evaluation: errors in percent, losses in nats; of a run that only counts, its counts."""
    for place, count in enumerate(here["counts"]):
        values = [f"{row['counts'][place]['value']} of {count['trials']}" for row in (here, published) if row]
        print(f"{count['quantity']:>14}" + "".join(f"{value:>16}" for value in values))
    if not here["curves"]:
        return
    print(
        f"{'epoch ' + str(here['curves'][-1]['epoch']):>14}{'here':>12}" + (f"{'published':>12}" if published else "")
    )
    for name in ("train", "val", "test"):
        if not here[f"n_{name}"]:
            continue
        for measure in ("error", "loss"):
            if measure == "error" and here["n_test"] == 0:  # such a study classifies nothing
                continue
            values = [_value(row, name, measure) for row in (here, published) if row]
            print(f"{name + ' ' + measure:>14}" + "".join(f"{value:>12}" for value in values))


def _value(row: dict, name: str, measure: str) -> str:
    last = row["curves"][-1]
    if last[f"{name}_loss"] is None:
        return "diverged"
    if measure == "loss":
        return f"{last[f'{name}_loss']:.6f}"
    return f"{100 * (1 - last[f'{name}_correct'] / row[f'n_{name}']):.2f}%"
