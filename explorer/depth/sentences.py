"""What the page says in words, read from the data: title, subtitle, captions, alternative texts. Nothing is estimated here."""

from typing import Any

from explorer import format
from explorer.results import depth as results
from explorer.results import studies
from explorer.results.depth import ARCHITECTURES, Failures, View
from explorer.results.verdicts import by_claim
from explorer.section import rates_at_ends, short_points
from explorer.text import t

FEWEST_SEEDS = 3  # for an interval
CLAIMED = (20, 56)  # the depths that claims L1 and L2 compare
NO_RUNS = Failures(0, 0, 0)
GAP = 0.1
"""Between the intervals of train and test error, from which on a note calls it overfitting: room for the words, no rule of a claim."""


def title(view: View) -> str:
    """The finding in at most ten words. Where the study tests L1 and L2, what their verdicts say, unless every seed at 56 layers failed to
    train; elsewhere what the deepest networks did."""
    verdicts, failures = by_claim(view.study.name), results.failures(view)
    if {"L1", "L2"} <= verdicts.keys():
        failed = {kind: failures.get((CLAIMED[1], kind), NO_RUNS).outcome == "fail" for kind in ARCHITECTURES}
        plain = "fail" if failed["plain"] else verdicts["L1"]
        residual = "fail" if failed["residual"] else verdicts["L2"]
        return t(
            "depth.title.claims",
            plain=t(f"depth.title.plain.{plain}"),
            residual=t(f"depth.title.residual.{residual}", shallow=CLAIMED[0], deep=CLAIMED[1]),
        )
    depths = in_common(failures)
    if not depths:
        return t("site.question.depth")
    deepest = depths[-1]
    plain, residual = (failures[deepest, kind].outcome for kind in ARCHITECTURES)
    if (plain, residual) != ("train", "train"):
        return t(f"depth.title.{plain}_{residual}", depth=deepest)
    found = _contrast(view, "train", deepest)
    if found is None:
        return t("site.question.depth")
    if found["low"] is None:
        return t("depth.title.few_seeds", depth=deepest, difference=short_points(found), seeds=format.seeds(found["n"]))
    kind = "lower" if found["high"] < 0 else "higher" if found["low"] > 0 else "alike"
    return t(f"depth.title.{kind}", depth=deepest, difference=short_points(found, signed=False))


def in_common(failures: dict[tuple[int, str], Failures]) -> list[int]:
    """The depths at which both architectures have runs, ascending."""
    return sorted({depth for depth, _ in failures if all((depth, kind) in failures for kind in ARCHITECTURES)})


def subtitle(view: View) -> str:
    """Measure, unit, data, fixed settings, how the rate was chosen, and the number of seeds; and how much of the grid is there."""
    settings = results.settings(view)
    values = {name: format.plain(value) for name, value in settings.items() if isinstance(value, int | float)}
    told = [
        t("depth.subtitle.text", setup=t(f"depth.setup.{view.study.code}", **values)),
        _seeds(results.failures(view)),
    ]
    if results.has_several_rates(view.study):
        told.append(t("depth.subtitle.chosen"))
    return " ".join([*told, *format.partly(*studies.planned(view.study.name))])


def _seeds(failures: dict[tuple[int, str], Failures]) -> str:
    counts = [each.n for each in failures.values()]
    enough = min(counts, default=0) >= FEWEST_SEEDS
    return t("depth.subtitle.seeds" if enough else "depth.subtitle.few_seeds", seeds=format.seeds(*counts))


def caption(view: View) -> str:
    """One sentence of what to see, from the shallowest to the deepest network, one of learning rates at an end of those tried, and one of what not
    to conclude."""
    failures = results.failures(view)
    depths = in_common(failures)
    if not depths:
        return t(f"depth.caption.not_to_conclude.{view.study.code}")
    means = {(row["depth"], row["architecture"], row["measure"]): row for row in results.means(view).to_pylist()}
    ends = (depths[0], depths[-1])
    told = {
        f"{kind}_{name}": train_error(means, failures, depth, kind)
        for kind in ARCHITECTURES
        for name, depth in zip(("first", "last"), ends, strict=True)
    }
    key = "depth.caption.seen" if len(depths) > 1 else "depth.caption.one"
    seen = [t(key, first=ends[0], last=ends[1], **told)]
    tried = results.rate_map(view).to_pylist()
    if at_ends := rates_at_ends(tried, lambda row: f"{row['architecture']} {row['depth']}"):
        seen.append(t("depth.caption.at_ends", k=len(at_ends), n=sum(row["chosen"] for row in tried)))
    return " ".join([*seen, t(f"depth.caption.not_to_conclude.{view.study.code}")])


def train_error(
    means: dict[tuple[int, str, str], dict[str, Any]],
    failures: dict[tuple[int, str], Failures],
    depth: int,
    kind: str,
) -> str:
    row, count = means.get((depth, kind, "train")), failures[depth, kind]
    if row is None:
        return t("depth.caption.failed", failed=count.failed, n=count.n)
    return format.interval(row["mean"], row["low"], row["high"], row["n"])


def alt(view: View) -> str:
    """The alternative text of the main picture: what `described` says, and where the table is."""
    return f"{described(view)} {t('depth.alt.table')}"


def described(view: View) -> str:
    """The main picture in words: kind, axes with their range, main shape, failures."""
    failures, means = results.failures(view), results.means(view).to_pylist()
    depths = sorted({depth for depth, _ in failures})
    shapes = []
    for kind in ARCHITECTURES:
        mine = {row["depth"]: row for row in means if (row["architecture"], row["measure"]) == (kind, "train")}
        failed = [depth for depth in depths if (kind_of := failures.get((depth, kind))) and kind_of.failed]
        told = {"architecture": t(f"depth.architecture.{kind}")}
        if mine:
            first, last = min(mine), max(mine)
            told |= {"first": first, "last": last}
            told |= {"from_": format.percent(mine[first]["mean"]), "to": format.percent(mine[last]["mean"])}
            shapes.append(t("depth.alt.line", **told))
        if failed:
            counted = ", ".join(
                t("depth.alt.failed_at", depth=d, failed=failures[d, kind].failed, n=failures[d, kind].n)
                for d in failed
            )
            shapes.append(t("depth.alt.failed", architecture=told["architecture"], places=counted))
    picture = t("depth.alt.main", first=depths[0], last=depths[-1], n=len(depths))
    return " ".join([picture, *shapes])


def notes(view: View) -> list[dict[str, Any]]:
    """At most three words on the picture, each only where the data say so: that plain networks degrade on the training set too, that the
    deepest residual one overfits."""
    found = []
    means = {(row["depth"], row["architecture"], row["measure"]): row for row in results.means(view).to_pylist()}
    deep, verdicts = CLAIMED[1], by_claim(view.study.name)
    worse = means.get((deep, "plain", "train"))
    if worse and verdicts.get("L1") == "shown":
        found.append({"depth": deep, "error": worse["mean"], "text": t("depth.note.degrades")})
    residual = [depth for depth, kind, _ in means if kind == "residual"]
    if residual:
        train, test = (means.get((max(residual), "residual", part)) for part in ("train", "test"))
        if train and test and None not in (train["high"], test["low"]) and test["low"] - train["high"] > GAP:
            middle = (train["mean"] + test["mean"]) / 2
            found.append({"depth": max(residual), "error": middle, "text": t("depth.note.overfits")})
    return found


def _contrast(view: View, part: str, depth: int) -> dict[str, Any] | None:
    return next(
        (
            row
            for row in results.contrasts(view)
            if (row["part"], row["kind"], row["depth"]) == (part, "residual_minus_plain", depth)
        ),
        None,
    )


def rates(rows: list[dict[str, Any]]) -> str:
    """The chosen rates of an architecture by depth: "2: 1/32, 4: 1/128"."""
    return ", ".join(f"{row['depth']}: {format.rate(row['lr'])}" for row in rows if row["chosen"])
