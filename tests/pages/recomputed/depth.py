"""L1 to L4: plain and residual networks."""

import math
from collections import defaultdict

from tests.pages.recomputed.study import Found, Study, chosen_rate, interval, power, undecided


def depth(study: Study) -> dict[str, dict[str, Found]]:
    """L1 to L4 of networks with batch normalization, each at the rate that validation data choose."""
    cells: dict[tuple, dict[float, list[int]]] = defaultdict(lambda: defaultdict(list))
    for key, run in enumerate(study.runs):
        if run.settings.get("norm", "batch") == "batch":
            kind = run.settings.get("architecture") or ("residual" if run.settings["residual"] else "plain")
            cells[kind, run.settings["depth"]][run.settings["lr"]].append(key)
    best = {}
    for cell, by_rate in cells.items():
        rate = chosen_rate({rate: [study.runs[k] for k in keys] for rate, keys in by_rate.items()})
        best[cell] = {study.runs[k].seed: k for k in by_rate[rate]}

    def trained(cell: tuple, part: str) -> dict[int, float]:
        runs = {seed: study.runs[k] for seed, k in best[cell].items()}
        return {s: r.points(part) for s, r in runs.items() if r.status == "complete" and r.points("train") <= 80}

    def apart(a: tuple, b: tuple, part: str, well: list[tuple]) -> Found | None:
        """a minus b; nothing is decided where a run of one that the claim says does well fails to train."""
        if a not in best or b not in best:
            return None
        one, other = trained(a, part), trained(b, part)
        found = interval([one[s] - other[s] for s in sorted(one.keys() & other.keys())])
        finished = {cell: [k for k in best[cell].values() if study.runs[k].status != "failed"] for cell in well}
        return undecided(found) if any(len(trained(cell, part)) < len(finished[cell]) for cell in well) else found

    plain, residual = ((("plain", 56), ("plain", 20)), (("residual", 56), ("residual", 20)))
    shallow = plain[1], residual[1]
    found = {
        "L1": {"train_error_deep_minus_shallow": apart(*plain, "train", [plain[1]])},
        "L2": {"test_error_deep_minus_shallow": apart(*residual, "test", [residual[0]])},
        "L3": {"test_error_plain_minus_residual": apart(*shallow, "test", [*shallow])},
        "L4": {"gradient_norm_first_over_last": gradient_ratio(study, best)},
    }
    return {claim: parts for claim, parts in found.items() if None not in parts.values()}


def gradient_ratio(study: Study, best: dict) -> Found | None:
    deep = [
        cell
        for cell in best
        if cell[0] == "plain" and cell[1] >= 20 and any(study.layers[k] for k in best[cell].values())
    ]
    if not deep:
        return None
    smallest = []
    for _, key in sorted(best[max(deep)].items()):
        norms: dict[int, dict[int, float]] = defaultdict(dict)
        for row in study.layers[key]:
            norms[row["epoch"]][row["layer"]] = row["gradient_norm"]
        ratios = [by[min(by)] / by[max(by)] for by in norms.values() if by[min(by)] is not None and by[max(by)]]
        if ratios and study.runs[key].status == "complete":
            smallest.append(math.log(min(ratios)))
    return power(interval(smallest))
