"""The guided steps of the page on depth: from training badly to overfitting, and what normalization has to do with it."""

from explorer import format
from explorer.depth import sentences
from explorer.guided import Step
from explorer.results import depth as results
from explorer.results.depth import Study, View
from explorer.text import t

BACK = {"study": None, "norm": None, "y": None, "depth": None, "seed": None}


def steps(offered: list[Study]) -> list[Step]:
    """Up to three steps through the first study: the train error of plain networks, the gap of residual ones, and without normalization; or
    the next study where it has none without. A step whose networks have no runs is left out."""
    first = View(offered[0], results.norms(offered[0])[0])
    depths = sentences.in_common(results.failures(first))
    if not depths:
        return []
    deepest = {"depth": format.count(depths[-1])}
    found = [Step("plain", BACK, deepest | _train_errors(first, depths))]
    means = {
        (row["depth"], row["measure"]): row
        for row in results.means(first).to_pylist()
        if row["architecture"] == "residual"
    }
    trained = [depth for depth in depths if {(depth, "train"), (depth, "test")} <= means.keys()]
    if trained:
        train, test = (format.percent(means[trained[-1], part]["mean"]) for part in ("train", "test"))
        values = {"depth": format.count(trained[-1]), "train": train, "test": test}
        found.append(Step("gap", BACK | {"y": "log"}, values))
    return [*found, *_other(offered)]


def _train_errors(view: View, depths: list[int]) -> dict[str, str]:
    """Train error of the shallowest and of the deepest plain network, or that it failed."""
    means = {(row["depth"], row["architecture"], row["measure"]): row for row in results.means(view).to_pylist()}
    failures = results.failures(view)
    ends = {"first": depths[0], "last": depths[-1]}
    told = {name: sentences.train_error(means, failures, depth, "plain") for name, depth in ends.items()}
    return told | {"shallow": format.count(depths[0])}


def _other(offered: list[Study]) -> list[Step]:
    """Without normalization in the first study that has both, or else another study."""
    for study in offered:
        norms = results.norms(study)
        if "none" in norms and len(norms) > 1:
            failures = results.failures(View(study, "none"))
            depths = sentences.in_common(failures)
            if not depths:
                continue
            plain, residual = (failures[depths[-1], kind] for kind in results.ARCHITECTURES)
            values = {"plain": f"{plain.failed}/{plain.n}", "residual": f"{residual.failed}/{residual.n}"}
            values |= {"name": t(f"depth.study.{study.code}")}
            view = BACK | {"study": study.code if study != offered[0] else None, "norm": "none"}
            return [Step("none", view, values | {"depth": format.count(depths[-1])})]
    if len(offered) > 1:
        name = t(f"depth.study.{offered[1].code}")
        return [Step("other", BACK | {"study": offered[1].code}, {"name": name})]
    return []
