"""What a reader may change, all of it in the address: the study, the place of its grid, and how the error axis is drawn."""

from dataclasses import dataclass

from explorer import address, format
from explorer.results import activation as results
from explorer.results import studies
from explorer.results.activation import CNN, MLP, Place
from explorer.text import t

DEPTH, START = 8, "xavier"  # of the first screen: where claim A2 looks


@dataclass(frozen=True)
class Choices:
    """The place whose functions are compared, and whether the error axis is logarithmic."""

    place: Place
    log: bool


def offered_studies() -> list[str]:
    """The studies that have a fresh run."""
    return [study for study in (MLP, CNN) if results.places(study)]


def first_place() -> Place | None:
    """The place of the first screen; None where no study has a fresh run yet."""
    for study in offered_studies():
        places = results.places(study)
        if study == CNN:
            return places[0]
        start = _first_start(places)
        depth = _first_depth([place["depth"] for place in places if place["start"] == start])
        return next(place for place in places if (place["depth"], place["start"]) == (depth, start))
    return None


def _first_start(places: list[Place]) -> str:
    starts = [place["start"] for place in places]
    return START if START in starts else starts[0]


def _first_depth(depths: list[int]) -> int:
    return min(depths, key=lambda depth: (abs(depth - DEPTH), depth))


def choices() -> Choices | None:
    """Draws the controls; None where no study has a fresh run yet."""
    offered = offered_studies()
    if not offered:
        return None
    study = address.one_of(
        "study", [code(each) for each in offered], code(offered[0]), label=t("site.study"), format=study_name,
        resets=("depth", "start", "norm"), widget="select",
    )  # fmt: skip
    place = _place(next(each for each in offered if code(each) == study))
    axis = address.choice(
        "axis", ["log", "linear"], "log", label=t("activation.control.axis"), format=lambda one: t(f"activation.axis.{one}")
    )  # fmt: skip
    return Choices(place, axis == "log")


def _place(study: str) -> Place:
    places = results.places(study)
    if study == CNN:
        norm = address.one_of(
            "norm", [place["norm"] for place in places], places[0]["norm"], label=t("activation.control.norm"), format=lambda one: t(f"activation.with.{one}")
        )  # fmt: skip
        return next(place for place in places if place["norm"] == norm)
    starts = list(dict.fromkeys(place["start"] for place in places))
    start = address.one_of(
        "start", starts, _first_start(places), label=t("activation.control.start"),
        format=lambda one: t(f"activation.start.{one}"), help=t("activation.control.start_help"),
    )  # fmt: skip
    depths = sorted(place["depth"] for place in places if place["start"] == start)
    nearest = _first_depth(depths)
    if len(depths) > 1:  # a slider of one value cannot be drawn
        depth = address.number(
            "depth", depths, nearest, label=t("activation.control.depth"), help=t("activation.control.depth_help")
        )
    else:
        depth = address.chosen("depth", depths, nearest, t("activation.control.depth"))
    return next(place for place in places if (place["depth"], place["start"]) == (depth, start))


def code(study: str) -> str:
    """The part of a study's name behind the question."""
    return study.partition("/")[2]


def study_name(one: str) -> str:
    """A study, by its code, in words."""
    return t(f"activation.study.{one}")


def norm_name(norm: str) -> str:
    """With or without batch normalization, in words."""
    return t(f"activation.norm.{norm}")


def place_in_words(place: Place) -> str:
    """ "8 hidden layers, Xavier start", or "without batch normalization"."""
    if place.study == CNN:
        return t(f"activation.place_norm.{place['norm']}")
    key = "activation.place_one" if place["depth"] == 1 else "activation.place"
    return t(key, depth=place["depth"], start=t(f"activation.start.{place['start']}"))


def fresh_seeds(*places: Place) -> str:
    """How many fresh seeds the functions at some places have."""
    return format.seeds(*(row["n"] + row["raised"] for place in places for row in results.summary(place)))


def setup(study: str) -> str:
    """Data, network and training of a study, in words, and how much of it is finished where that is not all."""
    shared = results.settings(study)
    numbers = {
        name: f"{shared[name]:,}" for name in ("n_train", "width", "batch_size", "epochs", "side") if name in shared
    }
    told = t(f"activation.setup.{code(study)}", momentum=f"{shared['momentum']:g}", **numbers)
    return " ".join([told, *format.partly(*studies.planned(study))])
