"""From a run to the picture that it is part of: what the address of its question's page has to say."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from explorer.activation import controls
from explorer.database import PUBLISHED
from explorer.results import activation, batch_norm, batch_size, depth, generalization, wiring

Place = dict[str, Any]


def place(run: dict[str, Any], curves: pa.Table) -> Place:
    """The view of the page of the question of `run` that shows it, with its cell or network opened where there is such a thing; nothing for a
    run that is in no picture of the published results."""
    if run["of"] != PUBLISHED or run["question"] not in OF_QUESTION:
        return {}
    return OF_QUESTION[run["question"]](run, curves)


def _generalization(run: dict[str, Any], curves: pa.Table) -> Place:
    """The cell that the run lies in at its end."""
    study = _offered(generalization.studies(), run)
    if study is None or not curves.num_rows:
        return {}
    found = next((each for each in generalization.maps(study) if each.key == run["map"]), None)
    if found is None:
        return {}
    there = {"study": study.code, "variant": found.code or None, "noise": found.noise}
    return there | {"width": f"{run['x']:g}", "epoch": curves["epoch"][-1].as_py()}


def _activation(run: dict[str, Any], _: pa.Table) -> Place:
    """The place whose functions are compared: fresh runs are dots there, tuning runs cells of the picture of the rates."""
    study, settings = run["study"], run["settings"]
    if study not in controls.offered_studies():
        return {}
    names = ("norm",) if study == activation.CNN else ("start", "depth")
    for each in activation.places(study):
        if all(each[name] == settings[name] for name in names):
            return {"study": controls.code(study)} | {name: each[name] for name in names}
    return {}


def _depth(run: dict[str, Any], _: pa.Table) -> Place:
    """The opened network."""
    study = _offered(depth.studies(), run)
    if study is None:
        return {}
    norms, norm = depth.norms(study), run["settings"].get("norm")
    there = {"study": study.code, "norm": norm if len(norms) > 1 and norm in norms else None}
    return there | {"depth": run["settings"]["depth"], "seed": run["seed"]}


def _batch_norm(run: dict[str, Any], _: pa.Table) -> Place:
    study = _offered(batch_norm.studies(), run)
    return {} if study is None else {"study": study.code}


def _batch_size(run: dict[str, Any], _: pa.Table) -> Place:
    """The optimizer, of a study that trains to targets."""
    studies = batch_size.studies()
    study = _offered(studies, run)
    if study is None:
        return {}
    optimizer = batch_size.optimizer_of(run["settings"])
    several = {"study": study.code if len(studies) > 1 else None}
    return several | {"optimizer": optimizer if len(study.optimizers) > 1 and optimizer in study.optimizers else None}


def _wiring(run: dict[str, Any], _: pa.Table) -> Place:
    """The opened graph, and the seed."""
    study, settings = _offered(wiring.studies(), run), run["settings"]
    if study is None:
        return {}
    family = wiring.Family(*(settings[name] for name in wiring.Family._fields))
    return {"study": study.code, "graph": wiring.Graph(family, settings["graph"]).code, "seed": run["seed"]}


def _offered(studies: list[Any], run: dict[str, Any]) -> Any | None:
    return next((each for each in studies if each.name == run["study"]), None)


OF_QUESTION: dict[str, Callable[[dict[str, Any], pa.Table], Place]] = {
    "generalization": _generalization,
    "activation": _activation,
    "depth": _depth,
    "batch_norm": _batch_norm,
    "batch_size": _batch_size,
    "wiring": _wiring,
}
