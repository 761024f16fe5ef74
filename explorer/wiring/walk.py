"""The guided steps of the page on wiring: the random families, the graphs that nobody would draw, and one graph taken apart."""

from explorer import format
from explorer.charts import families
from explorer.guided import Step
from explorer.results import wiring as results
from explorer.results.wiring import RESIDUAL, Study
from explorer.wiring import controls, drawing

BACK = {"axis": None, "graph": None, "seed": None, "show": None}


def steps(study: Study, first: Study) -> list[Step]:
    """Up to three steps through a study: its random families beside the residual chain, its other families on the whole axis, and the random
    graph with the lowest error with what each part of it is worth. A step whose runs are missing is left out."""
    back = BACK | {"study": study.code if study != first else None}
    rows = [row for row in results.families(study) if row["test_error"] is not None]
    random = [row for row in rows if row["random"]]
    errors = {row["family"]: format.percent(row["test_error"]) for row in rows if not row["random"]}
    found = []
    if len(random) > 1:
        best, worst = random[0], random[-1]
        ends = {"best": families.name(best["of"]), "low": format.percent(best["test_error"])}
        ends |= {"worst": families.name(worst["of"]), "high": format.percent(worst["test_error"])}
        beside = {"residual": errors[RESIDUAL]} if RESIDUAL in errors else {}
        found.append(Step("families" if beside else "alone", back, ends | beside))
        for name, others in (("both", ("chain", "complete")), ("chain", ("chain",)), ("complete", ("complete",))):
            if errors.keys() >= set(others):
                told = {"low": ends["low"], "high": ends["high"]} | {kind: errors[kind] for kind in others}
                found.append(Step(name, back | {"axis": "all"}, told))
                break
    return [*found, *_taken_apart(study, back)]


def _taken_apart(study: Study, back: dict[str, str | None]) -> list[Step]:
    """The random graph with the lowest mean of its seeds, and the part whose loss costs its run most; none where no part was taken out."""
    graphs = [row for row in results.graphs(study) if row["of"].of.random and row["test_error"] is not None]
    if not graphs:
        return []
    lowest = min(graphs, key=lambda row: row["test_error"])
    by_seed = controls.runs_of(study, lowest["of"])
    seed = controls.first_seed(by_seed)
    damage = drawing.values(by_seed[seed]["run_id"], "damage")
    if not damage:
        return []
    part = max(damage, key=damage.get)
    values = {
        "n": format.count(len(graphs)), "name": families.graph_name(lowest["of"]), "error": format.percent(lowest["test_error"]),
        "seed": format.count(seed), "part": drawing.part_name(part), "damage": format.points(damage[part] / 100),
    }  # fmt: skip
    return [Step("graph", back | {"graph": lowest["of"].code, "show": "damage"}, values)]
