"""The guided steps of the page on batch size: fewer steps, no fewer examples, and the other optimizers."""

from explorer import format
from explorer.batch_size import sentences
from explorer.batch_size.controls import ALL
from explorer.guided import Step
from explorer.results import batch_size as results
from explorer.results.batch_size import Study

BACK = {"optimizer": None, "target": None, "measure": None, "paper": None}


def steps(study: Study, first: Study) -> list[Step]:
    """Up to three steps through a study: its steps at the target of the claims, the same runs counted in examples, every optimizer."""
    curve = results.curve(study, study.target, [study.optimizer]).to_pylist()
    if len(curve) < 2:
        return []
    back = BACK | {"study": study.code if study != first else None}
    small, large = curve[0], curve[-1]
    sizes = {"small": format.count(small["batch_size"]), "large": format.count(large["batch_size"])}
    fewer = {name: sentences.number(small[name]) for name in ("steps", "examples")}
    last = {f"last_{name}": sentences.number(large[name]) for name in ("steps", "examples")}
    found = [
        Step("steps", back, sizes | {"first": fewer["steps"], "last": last["last_steps"]}),
        Step(
            "examples",
            back | {"measure": "examples"},
            sizes | {"first": fewer["examples"], "last": last["last_examples"]},
        ),
    ]
    if len(study.optimizers) > 1:
        found.append(Step("optimizers", back | {"optimizer": ALL}, {"n": format.count(len(study.optimizers))}))
    return found
