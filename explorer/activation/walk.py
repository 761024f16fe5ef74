"""The guided steps of the page on activation functions: shallow, deep, and with what helps the deep ones."""

from explorer import format
from explorer.activation import controls, strip
from explorer.guided import Step
from explorer.results import activation as results
from explorer.results.activation import CNN, MLP, Place

BACK = {"study": None, "depth": None, "start": None, "norm": None, "axis": None}


def steps() -> list[Step]:
    """Up to three steps: the shallowest and the deepest network of the usual start, then the other start; or, where the small CNN alone has
    runs, without and with batch normalization. A place without fresh runs has no step."""
    found = []
    mlp = results.places(MLP)
    starts = list(dict.fromkeys(place["start"] for place in mlp))
    if mlp:
        usual = controls.START if controls.START in starts else starts[0]
        depths = sorted((place for place in mlp if place["start"] == usual), key=lambda place: place["depth"])
        found.append(_step("shallow", depths[0]))
        if len(depths) > 1:
            found.append(_step("deep", depths[-1]))
        other = [place for place in mlp if place["start"] != usual and place["depth"] == depths[-1]["depth"]]
        if other:
            found.append(_step("start", other[0]))
    if len(found) < 3 and results.has_runs(CNN):
        found += [
            _step(f"cnn_{place['norm']}", place) for place in results.places(CNN) if place["norm"] in ("none", "batch")
        ]
    return found[:3]


def _step(name: str, place: Place) -> Step:
    """The view of a place, and what its fresh runs say."""
    words = controls.place_in_words(place)
    rows = strip.counted(place)
    trained = [row for row in rows if row["outcome"] == "train"]
    spread = trained[-1]["median"] - trained[0]["median"] if trained else 0.0
    values = {
        "place": words[0].upper() + words[1:],  # a sentence begins with it
        "trained": format.count(len(trained)),
        "n": format.count(len(rows)),
    }
    values |= {"spread": format.points(spread, signed=False), "failed": strip.untrained(rows) or "–"}
    first = results.places(MLP)[:1] or results.places(CNN)[:1]
    study = None if place.study == first[0].study else controls.code(place.study)
    return Step(name, BACK | {"study": study} | dict(place.settings), values)
