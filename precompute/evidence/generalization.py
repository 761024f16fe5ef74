"""Which claims and ablations a study of generalization decides: it follows from what its maps differ in."""

import math
from collections.abc import Mapping, Sequence

from precompute.evidence import double_descent, more_data, weight_decay
from precompute.evidence.contrasts import ContrastRow, label_noise_contrasts
from precompute.evidence.grid import MapGrid, StudyResults
from precompute.evidence.verdicts import Part

DOUBLE_DESCENT = {
    "G1": (0.2, double_descent.peak_over_x),
    "G2": (0.2, double_descent.widest_below_the_first_minimum),
    "G3": (0.0, double_descent.no_peak_over_x),
    "G4": (0.2, double_descent.peak_over_epochs),
    "G5": (0.2, double_descent.ridge_follows_threshold),
    "G7": (0.2, double_descent.no_peak_with_early_stopping),
}
"""Claims that a study of test error over x and epochs decides: the label noise of the map, and the parts."""
MORE_DATA = {"G6": (0.2, more_data.more_data_hurts)}
"""Claims that a study of several numbers of examples decides."""
WEIGHT_DECAY = {"G8": (0.2, weight_decay.no_peak_with_best_decay)}
"""Claims that a study of several weight decays decides."""


def claims(study: StudyResults) -> list[tuple[str, list[Part]]]:
    """The claims that one study tests: those whose maps (by label noise) have runs.

    One that varies the examples or the decay decides the claim about that and no other: a verdict is of one map of each label noise, the
    rules name none of several, and to pick one after the fact would be a choice. What each map shows stands on its page. With fewer than three seeds a claim is 'not shown',
    whatever the estimate. One that trains with and without augmentation decides them without: its augmented maps stand beside. What a
    study varies is what is planned, so that one that is partly trained decides nothing that it would not decide in the end. Raises
    ValueError where maps differ in anything else, or two of the same kind have the label noise.
    """
    grids, kind = _as_they_are(study), _kind(study)
    if kind == "label noise":
        one = {claim: _map_with(noise, study.name, grids) for claim, (noise, _) in DOUBLE_DESCENT.items()}
        found = [
            (claim, noise, measure(one[claim]))
            for claim, (noise, measure) in DOUBLE_DESCENT.items()
            if one[claim] is not None
        ]
    elif kind == "more data":
        found = [(claim, noise, measure(grids, noise)) for claim, (noise, measure) in MORE_DATA.items()]
    else:
        found = []
        for claim, (noise, measure) in WEIGHT_DECAY.items():
            noisy = [grid for grid in grids if math.isclose(grid.settings["label_noise"], noise)]
            found.append((claim, noise, measure(noisy)))
    return [
        (claim, [part._replace(details={"label_noise": noise, **part.details}) for part in parts])
        for claim, noise, parts in found
        if parts
    ]


def contrasts(study: StudyResults) -> list[ContrastRow]:
    """The ablations of one study. Raises ValueError as `claims` does."""
    of_kind = {
        "label noise": label_noise_contrasts,
        "more data": more_data.more_data_contrasts,
        "weight decay": weight_decay.weight_decay_contrasts,
    }
    return of_kind[_kind(study)](study.name, _as_they_are(study))


def _settings(study: StudyResults) -> list[Mapping[str, object]]:
    """What the configurations of each map share, of the maps that have runs and of those that are planned."""
    there = [grid.settings for grid in study.maps if grid.has_runs]
    shared = {name for settings in there for name in settings}
    planned = ({name: value for name, value in spec.settings().items() if name in shared} for spec in study.planned)
    told = [*there, *planned]
    return [settings for settings in told if _is_plain(settings)] or told


def _is_plain(settings: Mapping[str, object]) -> bool:
    return settings.get("augment", "none") == "none"


def _as_they_are(study: StudyResults) -> list[MapGrid]:
    """The maps with runs that decide: those without augmentation of a study that has some with it and some without; of another all."""
    grids = [grid for grid in study.maps if grid.has_runs]
    return [grid for grid in grids if _is_plain(grid.settings)] if any(map(_is_plain, _settings(study))) else grids


def _kind(study: StudyResults) -> str:
    """What the maps of a study differ in besides label noise: "label noise" for nothing, "more data" or "weight decay"."""
    every = _settings(study)
    names = {name for settings in every for name in settings}
    differ = {name for name in names if len({repr(settings.get(name)) for settings in every}) > 1} - {"label_noise"}
    if not differ:
        return "label noise"
    if differ <= {"n_train", "epochs"} and "n_train" in differ:
        return "more data"
    if differ == {"weight_decay"}:
        return "weight decay"
    raise ValueError(f"the maps of {study.name} differ in {', '.join(sorted(differ))}: which claims do they test?")


def _map_with(label_noise: float, study: str, grids: Sequence[MapGrid]) -> MapGrid | None:
    found = [grid for grid in grids if math.isclose(grid.settings["label_noise"], label_noise)]
    if len(found) > 1:
        raise ValueError(f"{study} has {len(found)} maps with label noise {label_noise:g}: which one decides?")
    return found[0] if found else None
