"""Which runs are finished, in the shards or in the results file, and which are missing."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

from precompute import shards
from precompute.arguments import Usage
from precompute.engine import Engine
from precompute.spec import Spec
from precompute.studies import Study


def reader() -> ModuleType | None:
    """The module results_file; None on a machine without duckdb, which training does not need: then only the shards count."""
    try:
        from precompute import results_file
    except ModuleNotFoundError as module:
        if module.name != "duckdb":
            raise
        return None
    return results_file


def of_the_file(read: Callable[[ModuleType], list[dict]]) -> list[dict]:
    """What `read` takes from the database with the module results_file; nothing where that is None.

    Raises Usage for a database that cannot be read: to train what it holds once more, in silence, would be worse."""
    results_file = reader()
    if results_file is None:
        return []
    try:
        return read(results_file)
    except results_file.ResultsError as problem:
        raise Usage(str(problem)) from None


def finished_statuses(options: argparse.Namespace) -> dict[str, str]:
    """run_id -> status of every run that is finished, in the shards or in the database."""
    rows = list(shards.read(options.shards, ("run_id", "status")))
    rows += of_the_file(lambda results_file: results_file.known_runs(options.database))
    return {run_id: row["status"] for run_id, row in shards.best_of_equal(rows).items()}


def finished_rows(options: argparse.Namespace) -> dict[str, dict]:
    """run_id -> row of every finished run, in the shards or in the database."""
    rows = list(shards.read(options.shards))
    rows += of_the_file(lambda results_file: results_file.published_rows(options.database))
    return shards.best_of_equal(rows)


def with_specs(studies: Sequence[Study], options: argparse.Namespace) -> list[tuple[Study, list[Spec]]]:
    """Each study with its specifications, and those that follow from its finished runs."""
    rows = finished_rows(options) if any(study.follow_up for study in studies) else {}
    return [(study, study.all_specs(options.size, rows)) for study in studies]


def missing_of(specs: Sequence[Spec], statuses: Mapping[str, str], retry_failed: bool = False) -> list[Spec]:
    """Those of `specs` that `statuses` of finished runs has not; with `retry_failed` also those that failed."""
    return [
        spec for spec in specs if spec.run_id not in statuses or (retry_failed and statuses[spec.run_id] == "failed")
    ]


def missing_groups(
    studies: Sequence[Study], options: argparse.Namespace, card: Engine | None, retry_failed: bool = False
) -> list[list[Spec]]:
    """The missing runs of the studies, in groups."""
    statuses = finished_statuses(options)
    return [
        group
        for study, specs in with_specs(studies, options)
        for group in study.groups(missing_of(specs, statuses, retry_failed), card)
    ]
