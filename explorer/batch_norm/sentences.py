"""What the page says in words, read from the data: titles, subtitles, captions, alternative texts. Nothing is estimated here."""

from typing import Any

from explorer import format
from explorer.batch_norm.controls import Choices
from explorer.charts import normalizations
from explorer.results import batch_norm as results
from explorer.results import verdicts
from explorer.results.batch_norm import BATCH, NONE, Study
from explorer.results.verdicts import Verdict
from explorer.section import rates_at_ends, short_points
from explorer.text import t

FEWEST_SEEDS = 3  # for an interval
QUESTION_TITLE = "site.question.batch_norm"
LAST_LOSS = "log10_final_train_loss_norm_minus_batch_norm"
TEST_ERROR = "final_test_error_norm_minus_batch_norm"


def title(study: Study) -> str:
    """The finding of a study in at most ten words; the question where nothing can be said."""
    return {"rates": _title_of_rates, "sizes": _title_of_sizes, "linear": _title_of_linear}[study.kind](study)


def _title_of_rates(study: Study) -> str:
    found = verdicts.verdict("N1", study.name)
    shares = found.parts[0]["where"]["share"] if found else {}
    if found is None or None in (shares[NONE], shares[BATCH]):
        return t(QUESTION_TITLE)
    told = {"without": format.percent(shares[NONE], 0), "with_it": format.percent(shares[BATCH], 0)}
    return t(f"batch_norm.title.rates.{outcome(found)}", **told)


def _title_of_sizes(study: Study) -> str:
    """Group against batch normalization at the smallest batch that has both, or what there is against it."""
    rows = [row for row in results.contrasts(study) if row["quantity"] == TEST_ERROR and row["batch_size"]]
    rows.sort(key=lambda row: (row["norm"] != "group", row["batch_size"]))
    if not rows:
        return t(QUESTION_TITLE)
    row = rows[0]
    told = {"norm": normalizations.name(row["norm"]), "size": format.count(row["batch_size"])}
    told["difference"] = short_points(row, signed=row["low"] is None)
    return t(f"batch_norm.title.sizes.{clear(row)}", **told)


def _title_of_linear(study: Study) -> str:
    row = next((row for row in results.contrasts(study) if row["quantity"] == LAST_LOSS), None)
    if row is None:
        return t(QUESTION_TITLE)
    told = {"depth": results.settings(study)["depth"], "factor": times(row), "seeds": format.seeds(row["n"])}
    return t(f"batch_norm.title.linear.{clear(row)}", **told)


def outcome(found: Verdict) -> str:
    """shown, not shown, contradicted; or few_seeds, where some part has no interval for want of seeds."""
    if any(part["estimate"] is not None and part["low"] is None for part in found.parts):
        return "few_seeds"
    return found.verdict


def clear(row: dict[str, Any]) -> str:
    """Whether a difference from batch normalization is clear of zero: higher, lower, alike; or few_seeds without an interval."""
    if row["low"] is None:
        return "few_seeds"
    return "higher" if row["low"] > 0 else "lower" if row["high"] < 0 else "alike"


def times(row: dict[str, Any]) -> str:
    """The factor that a difference of logarithms (base 10) is, one or more, with two digits."""
    factor = 10 ** abs(row["estimate"])
    return f"{factor:.2g}" if factor < 100 else format.power_of_ten(factor) if factor >= 1e4 else format.count(round(float(f"{factor:.2g}")))  # fmt: skip


def subtitle(choices: Choices) -> str:
    """Measure, unit, data, fixed settings, how a rate is chosen, the number of seeds, and how much of the grid is there."""
    study, settings, counted = choices.study, results.settings(choices.study), results.counted(choices.study)
    values = {name: format.plain(value) for name, value in settings.items() if isinstance(value, int | float)}
    measured = t(f"batch_norm.subtitle.{study.kind}", measure=t(f"batch_norm.axis.{choices.measure}_error"))
    told = [measured, t(f"batch_norm.setup.{study.code}", **values), _seeds(study, counted["seeds"])]
    if counted["done"] < counted["planned"]:
        told.append(_partly(study, counted))
    return " ".join(told)


def _partly(study: Study, counted: dict[str, int]) -> str:
    told = {name: format.count(value) for name, value in counted.items()}
    return t(f"batch_norm.subtitle.partly_{study.kind}", **told | {"seeds": format.seeds(counted["seeds"])})


def _seeds(study: Study, n: int) -> str:
    """How many seeds a network has, and what is drawn of them."""
    kind = "lines" if study.kind == "linear" else "seeds" if n >= FEWEST_SEEDS else "few_seeds"
    return t(f"batch_norm.subtitle.{kind}", seeds=format.seeds(n))


def caption(choices: Choices) -> str:
    """One sentence of what to see, one of what not to conclude, and the runs that are in no mean."""
    told = [_seen(choices), t(f"batch_norm.caption.not_to_conclude.{choices.study.kind}")]
    counted = results.counted(choices.study)
    lost = sum(row["diverged"] for row in results.cells(choices.study, list(choices.norms)))
    if lost:
        told.append(t("batch_norm.caption.diverged", n=format.count(lost)))
    if counted["failed"]:
        told.append(t("batch_norm.caption.failed", n=format.count(counted["failed"])))
    return " ".join(told)


def _seen(choices: Choices) -> str:
    study = choices.study
    if study.kind == "rates":
        return " ".join([t("batch_norm.caption.rates"), *_counted(study), *_best_of(choices), *_at_ends(choices)])
    if study.kind == "sizes":
        return t("batch_norm.caption.sizes")
    told = loss_ratio(study)
    return t("batch_norm.caption.linear", **told) if told else t("batch_norm.caption.linear_none")


def _counted(study: Study) -> list[str]:
    """What the shares of the title are of: a list of one sentence, empty where no verdict has them."""
    found = verdicts.verdict("N1", study.name)
    where = found.parts[0]["where"] if found else {}
    if not where or None in where["share"].values():
        return []
    tried = len(where["rates"]) * len(where["seeds"])
    usable = {norm: format.count(round(tried * where["share"][norm])) for norm in (NONE, BATCH)}
    return [t("batch_norm.caption.counted", tried=format.count(tried), **usable)]


def loss_ratio(study: Study) -> dict[str, str]:
    """How many times the last loss with batch normalization that without is, with its interval, and over how many seeds; empty where no seed
    has both."""
    row = next((row for row in results.contrasts(study) if row["quantity"] == LAST_LOSS), None)
    if row is None:
        return {}
    ends = (None if row[end] is None else 10 ** row[end] for end in ("low", "high"))
    return {"value": format.quantity(10 ** row["estimate"], *ends, "ratio"), "seeds": format.seeds(row["n"])}


def _best_of(choices: Choices) -> list[str]:
    """Of the networks without and with batch normalization: error at the own rate, with its interval."""
    own, rows = results.own_rates(choices.study), results.means(choices.study, [NONE, BATCH]).to_pylist()
    told = []
    for norm in (NONE, BATCH):
        for row in rows:
            if (row["norm"], row["lr"], row["measure"]) == (norm, own.get(norm), choices.measure):
                value = format.interval(row["mean"], row["low"], row["high"], row["n"])
                told.append(
                    t(
                        "batch_norm.caption.best",
                        norm=normalizations.name(norm),
                        rate=format.rate(row["lr"]),
                        value=value,
                    )
                )
    return told


def _at_ends(choices: Choices) -> list[str]:
    """The norms whose own rate is the smallest or the largest tried, in a sentence."""
    cells = [row | {"chosen": row["own"]} for row in results.cells(choices.study, list(choices.norms))]
    names = rates_at_ends(cells, lambda row: normalizations.name(row["norm"]))
    return [t("question.rates_at_ends", names=", ".join(names))] if names else []


def alt(choices: Choices) -> str:
    """The alternative text of the main picture: what `described` says, and where the table is."""
    return f"{described(choices)} {t('batch_norm.alt.table')}"


def described(choices: Choices) -> str:
    """The main picture in words: kind, axes with their range, main shape, what failed."""
    study = choices.study
    rows = results.runs(study, list(choices.norms)).to_pylist()
    names = ", ".join(normalizations.name(norm) for norm in choices.norms)
    if study.kind == "linear":
        return _alt_of_linear(study, rows, names)
    along = "lr" if study.kind == "rates" else "batch_size"
    places = sorted({row[along] for row in rows})
    told = [
        t(
            f"batch_norm.alt.{study.kind}",
            measure=t(f"batch_norm.axis.{choices.measure}_error"),
            first=format.rate(places[0]),
            last=format.rate(places[-1]),
            names=names,
        )
    ]
    for norm in choices.norms:
        mine = [row for row in rows if row["norm"] == norm]
        errors = [row[f"{choices.measure}_error"] for row in mine if row["status"] == "complete"]
        facts = {"norm": normalizations.name(norm), "n": len(mine), "diverged": len(mine) - len(errors)}
        if errors:
            ends = {"low": format.percent(min(errors)), "high": format.percent(max(errors))}
            told.append(t("batch_norm.alt.norm", **facts, **ends))
        else:
            told.append(t("batch_norm.alt.norm_lost", **facts))
    return " ".join(told)


def _alt_of_linear(study: Study, rows: list[dict[str, Any]], names: str) -> str:
    last = results.settings(study)["epochs"]
    told = [t("batch_norm.alt.linear", names=names, last=format.count(last))]
    for norm in dict.fromkeys(row["norm"] for row in rows):
        losses = [row["train_loss"] for row in rows if row["norm"] == norm and row["train_loss"] is not None]
        lost = sum(row["status"] != "complete" for row in rows if row["norm"] == norm)
        ends = {"low": f"{min(losses):.2g}", "high": f"{max(losses):.2g}"} if losses else {"low": "–", "high": "–"}
        told.append(
            t("batch_norm.alt.linear_norm", norm=normalizations.name(norm), n=len(losses), diverged=lost, **ends)
        )
    return " ".join(told)


def heading(section: str, found: Verdict | None) -> str:
    """The finding of a section in words, by its verdict; its question where nothing is tested or a part has no value."""
    if found is None or any(part["estimate"] is None for part in found.parts):
        return t(f"batch_norm.{section}.question")
    return t(f"batch_norm.{section}.heading.{outcome(found)}")


def rates(at: dict[str, float]) -> str:
    """Norms with the learning rates at which they are shown: "without 1/8, batch norm 1/2"; one rate for all is said once."""
    if len(set(at.values())) == 1:
        return t("batch_norm.rates.one", rate=format.rate(next(iter(at.values()))))
    told = (
        t("batch_norm.rates.each", norm=normalizations.name(norm), rate=format.rate(rate)) for norm, rate in at.items()
    )
    return ", ".join(told)


def network(study: Study) -> str:
    """The networks of a study in one short sentence."""
    return t(f"batch_norm.network.{study.code}")
