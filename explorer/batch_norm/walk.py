"""The guided steps of the page on batch normalization: which rates train, noise behind it, small batches, and the linear network."""

from explorer import format
from explorer.batch_norm import controls, sentences
from explorer.charts import normalizations
from explorer.guided import Step
from explorer.results import batch_norm as results
from explorer.results.batch_norm import BATCH, NOISY, NONE, Study

BACK = {"study": None, "norms": None, "error": None} | dict.fromkeys(controls.INSIDE)
MOST = 3


def steps(offered: list[Study]) -> list[Step]:
    """Up to three steps, the first of which is the view that the page begins with: through the first study, its train error where there
    is room, and the other kinds of studies. A step whose networks have no runs is left out; one alone leads nowhere."""
    first = offered[0]
    here = {"rates": _of_rates, "sizes": _of_sizes, "linear": _of_linear}[first.kind](first)
    others = [
        study
        for study in (results.in_focus(results.of_kind(offered, kind), first) for kind in ("sizes", "linear"))
        if study
    ]
    elsewhere = []
    for study in others:
        if study != first:
            found = (_of_sizes if study.kind == "sizes" else _of_linear)(study)
            elsewhere += [Step(step.name, BACK | {"study": study.code}, step.values) for step in found[:1]]
    spare = MOST - len(here) - len(elsewhere)
    trained = _trained(first) if here and spare > 0 else []
    found = [*here, *trained, *elsewhere][:MOST]
    return found if len(found) > 1 and here else []


def _of_rates(study: Study) -> list[Step]:
    """At how many rates every seed is near its error at the own rate, without and with batch normalization; and the errors with noise
    behind it."""
    pair = (NONE, BATCH)
    cells = results.cells(study, list(pair))
    values = {}
    for norm in pair:
        mine = [cell for cell in cells if cell["norm"] == norm]
        if not any(cell["judged"] for cell in mine):
            return []
        values |= {
            norm: format.count(sum(cell["good"] == cell["runs"] for cell in mine)),
            f"{norm}_rates": format.count(len(mine)),
        }
    found = [Step("rates", BACK, values)]
    errors = _errors_at_own_rates(study, (*pair, NOISY), "test")
    if errors and "noise" in controls.groups(study):
        found.append(Step("noise", BACK | {"norms": "noise"}, errors))
    return found


def _of_sizes(study: Study) -> list[Step]:
    """Another norm against batch normalization at the smallest and the largest batch that have both."""
    found = _errors_at_sizes(study, "test")
    return [Step("sizes", BACK, found)] if found else []


def _of_linear(study: Study) -> list[Step]:
    told = sentences.loss_ratio(study)
    return [Step("linear", BACK, told | {"depth": format.count(results.settings(study)["depth"])})] if told else []


def _trained(study: Study) -> list[Step]:
    """The same networks on the images that they learned from; a linear network has no error."""
    if study.kind == "linear":
        return []
    errors = (
        _errors_at_own_rates(study, (NONE, BATCH), "train")
        if study.kind == "rates"
        else _errors_at_sizes(study, "train")
    )
    return [Step(f"trained_{study.kind}", BACK | {"error": "train"}, errors)] if errors else []


def _errors_at_own_rates(study: Study, norms: tuple[str, ...], measure: str) -> dict[str, str]:
    """The mean error of each norm at its own rate; empty where one has none."""
    own = results.own_rates(study)
    means = {
        row["norm"]: format.percent(row["mean"])
        for row in results.means(study, list(norms)).to_pylist()
        if row["measure"] == measure and row["lr"] == own.get(row["norm"])
    }
    return means if len(means) == len(norms) else {}


def _errors_at_sizes(study: Study, measure: str) -> dict[str, str]:
    """The mean errors of batch normalization and another norm (group normalization, where it was measured) at two batch sizes; empty where
    no two have both."""
    rows = results.means(study, results.norms(study)).to_pylist()
    means = {(row["norm"], row["batch_size"]): row["mean"] for row in rows if row["measure"] == measure}
    names = normalizations.in_order({norm for norm, _ in means} - {BATCH})
    for norm in sorted(names, key=lambda norm: norm != "group"):
        sizes = sorted(size for mine, size in means if mine == norm and (BATCH, size) in means)
        if len(sizes) > 1:
            ends = {"small": sizes[0], "large": sizes[-1]}
            told = {"norm": normalizations.name(norm)} | {end: format.count(size) for end, size in ends.items()}
            for end, size in ends.items():
                told |= {
                    f"{end}_other": format.percent(means[norm, size]),
                    f"{end}_batch": format.percent(means[BATCH, size]),
                }
            return told
    return {}
