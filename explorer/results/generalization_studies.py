"""Double descent, study by study: what the sections below the map ask of the results file.

Errors and fractions are fractions, contrasts in percentage points. Means, intervals and p values are read, never made here.
"""

import json
import math
from typing import Any, NamedTuple

import pyarrow as pa

from explorer.database import query
from explorer.results import generalization as results
from explorer.results.generalization import Map, Study

CLASSES = 10  # of MNIST and of CIFAR-10: a label is that many outputs of a squared loss
ALPHA = 0.05
THRESHOLD = 0.05  # train error: where a map without a peak has its threshold
SAMPLE_WISE, REGULARIZATION, RANDOM_FEATURES = "sample_wise", "regularization", "random_features"
REGIMES = ("equal_epochs", "equal_steps")
LAST = """(SELECT max(epoch) FROM intervals JOIN configurations USING (configuration) WHERE map = c.map)"""


class Verdict(NamedTuple):
    """What one study says about one claim; `parts` are its rows of claim_parts, `where` their details as a dictionary."""

    claim: str
    study: str
    verdict: str
    parts: list[dict[str, Any]]

    @property
    def seeds(self) -> int:
        return max((part["n"] for part in self.parts), default=0)


class Role(NamedTuple):
    """A width that is worth looking at, and why: narrowest, ridge, threshold, beyond, or widest."""

    name: str
    width: int


class Doubling(NamedTuple):
    """One training set and the one twice as large, on one label noise, for equal epochs or equal steps."""

    regime: str
    noise: float
    n_train: int
    epochs: int
    twice: int
    epochs_twice: int

    @property
    def code(self) -> str:
        """The pair in the address."""
        return f"{self.n_train}-{self.twice}"


class Count(NamedTuple):
    """Cells in which more data is worse, better, and undecided after Holm's correction."""

    worse: int
    better: int
    undecided: int

    @property
    def all(self) -> int:
        return self.worse + self.better + self.undecided


def study(code: str) -> Study | None:
    """The study of that code, where it has a complete run."""
    return next((found for found in results.studies() if found.code == code), None)


def memorising() -> list[Study]:
    """The studies on whose finding it was measured how many of its wrong labels are fitted. Those that vary the examples or the decay are
    left out, as along the epochs: their question is another."""
    rows = query(
        """
        SELECT DISTINCT c.map FROM intervals i JOIN configurations c USING (configuration)
        WHERE i.measure = 'memorized' AND CAST(c.settings->>'label_noise' AS DOUBLE) > 0
        """
    )
    found, others = set(rows["map"].to_pylist()), (SAMPLE_WISE, REGULARIZATION)
    offered = [each for each in results.studies() if each.code not in others]
    return [each for each in offered if results.finding(results.maps(each)).key in found]


def verdicts(claim: str) -> list[Verdict]:
    """The verdicts on a claim, the main study's first; empty where no study has tested it."""
    rows = query(
        "SELECT study, verdict::VARCHAR AS verdict FROM claims WHERE claim = $claim AND study IS NOT NULL",
        {"claim": claim},
    ).to_pylist()
    parts = query(
        """
        SELECT study, part, quantity, estimate, low, high, n, unit, bound, holds, details::VARCHAR AS details
        FROM claim_parts WHERE claim = $claim ORDER BY study, part
        """,
        {"claim": claim},
    ).to_pylist()
    parts = [part | {"where": json.loads(part["details"])} for part in parts]
    order = {f"double_descent/{code}": place for place, code in enumerate(results.STUDIES)}
    found = [
        Verdict(claim, row["study"], row["verdict"], [part for part in parts if part["study"] == row["study"]])
        for row in rows
    ]
    return sorted(found, key=lambda each: order.get(each.study, len(order)))


def roles(shown: Map) -> list[Role]:
    """Widths of a map by rule, narrowest first: the narrowest and the widest with runs; the ridge of the last row, or where there is none
    the first width whose mean train error is at most 5% at the last epoch; and the width in the middle, on a log axis, from there to the
    widest. One that falls together with another is left out."""
    row = results.along_the_row(shown)
    if not row:
        return []
    widths, epoch = [cell["width"] for cell in row], row[0]["epoch"]
    ridge = [each for each in results.ridge(shown, "across").to_pylist() if each["at"] == epoch]
    threshold = [each for each in results.threshold(shown, THRESHOLD).to_pylist() if each["epoch"] == epoch]
    found = [Role("narrowest", widths[0]), Role("widest", widths[-1])]
    turning = None
    if ridge and ridge[0]["position"] and ridge[0]["clear"]:
        turning = Role("ridge", ridge[0]["position"])
    elif threshold and threshold[0]["width"]:
        turning = Role("threshold", threshold[0]["width"])
    if turning and turning.width in widths:
        middle = (math.log(turning.width) + math.log(widths[-1])) / 2
        beyond = min(widths, key=lambda width: abs(math.log(width) - middle))
        found += [turning, Role("beyond", beyond)]
    first = {role.width: role for role in reversed(found)}  # of two roles of one width, that named first
    return sorted(first.values(), key=lambda role: role.width)


def along_epochs(shown: Map, widths: list[int], measures: list[str]) -> pa.Table:
    """Means along the epochs of some widths of a map: width, epoch, measure, mean, low, high, n."""
    return query(
        """
        SELECT CAST(c.x AS INTEGER) AS width, CAST(i.epoch AS BIGINT) AS epoch, i.measure::VARCHAR AS measure, i.mean, i.low, i.high,
               CAST(i.n AS SMALLINT) AS n
        FROM intervals i JOIN configurations c USING (configuration)
        WHERE c.map = $map AND list_contains($widths, CAST(c.x AS INTEGER)) AND list_contains($measures, i.measure::VARCHAR)
          AND i.epoch IS NOT NULL ORDER BY ALL
        """,
        {"map": shown.key, "widths": widths, "measures": measures},
    )


def seeds_along_epochs(shown: Map, width: int) -> pa.Table:
    """Test and train error of every run of one width along the epochs: width, epoch, seed, measure, value."""
    return query(
        """
        SELECT CAST(c.x AS INTEGER) AS width, CAST(v.epoch AS BIGINT) AS epoch, r.seed, m.measure,
               CASE m.measure WHEN 'test_error' THEN 1 - v.test_correct / r.n_test ELSE 1 - v.train_correct / r.n_train END AS value
        FROM curves v JOIN runs r USING (run) JOIN configurations c USING (configuration)
        CROSS JOIN (VALUES ('test_error'), ('train_error')) m(measure)
        WHERE c.map = $map AND CAST(c.x AS INTEGER) = $width AND v.test_correct IS NOT NULL ORDER BY ALL
        """,
        {"map": shown.key, "width": width},
    )


def doublings() -> list[Doubling]:
    """Every doubling of the examples that was compared, noisiest first, then by regime and number of examples."""
    rows = query(
        """
        SELECT DISTINCT quantity[14:] AS regime, CAST(baseline->>'label_noise' AS DOUBLE) AS noise,
               CAST(baseline->>'n_train' AS INTEGER) AS n_train, CAST(baseline->>'epochs' AS INTEGER) AS epochs,
               CAST(changed->>'n_train' AS INTEGER) AS twice, CAST(changed->>'epochs' AS INTEGER) AS epochs_twice
        FROM contrasts WHERE study = $study AND starts_with(quantity, 'more_data_at_') ORDER BY noise DESC, regime, n_train, epochs
        """,
        {"study": f"double_descent/{SAMPLE_WISE}"},
    ).to_pylist()
    return [Doubling(**row) for row in rows]


def doubling_cells(of: list[Doubling]) -> pa.Table:
    """The paired differences of some doublings, 2n minus n, in points: the fields of the doubling, width, estimate, low, high, n, p,
    p_adjusted (Holm's, over the widths of a doubling), and `cell`: worse, better or undecided."""
    rows = query(
        f"""
        SELECT quantity[14:] AS regime, CAST(baseline->>'label_noise' AS DOUBLE) AS noise,
               CAST(baseline->>'n_train' AS INTEGER) AS n_train, CAST(baseline->>'epochs' AS INTEGER) AS epochs,
               CAST(changed->>'n_train' AS INTEGER) AS twice, CAST(changed->>'epochs' AS INTEGER) AS epochs_twice,
               CAST(CAST(baseline->>'x' AS DOUBLE) AS INTEGER) AS width, estimate, low, high, CAST(n AS SMALLINT) AS n, p, p_adjusted,
               CASE WHEN p_adjusted < {ALPHA} AND estimate > 0 THEN 'worse' WHEN p_adjusted < {ALPHA} AND estimate < 0 THEN 'better'
                    ELSE 'undecided' END AS cell
        FROM contrasts WHERE study = $study AND starts_with(quantity, 'more_data_at_') ORDER BY n_train, epochs, width
        """,
        {"study": f"double_descent/{SAMPLE_WISE}"},
    )
    wanted = [tuple(row[name] for name in Doubling._fields) in of for row in rows.to_pylist()]
    return rows.filter(pa.array(wanted, pa.bool_()))


def count(of: list[Doubling]) -> Count:
    """In how many cells of some doublings more data is worse, better, undecided."""
    cells = doubling_cells(of)["cell"].to_pylist()
    return Count(*(cells.count(name) for name in Count._fields))


def doubling_curves(of: Doubling) -> pa.Table:
    """Test error at the last epoch against width, on n and on 2n examples: width, n_train, mean, low, high, n."""
    return query(
        f"""
        SELECT CAST(c.x AS INTEGER) AS width, CAST(m.settings->>'n_train' AS INTEGER) AS n_train, i.mean, i.low, i.high,
               CAST(i.n AS SMALLINT) AS n
        FROM maps m JOIN configurations c USING (map) JOIN intervals i USING (configuration)
        WHERE m.study = $study AND i.measure = 'test_error' AND i.epoch = {LAST}
          AND CAST(m.settings->>'label_noise' AS DOUBLE) = $noise
          AND (m.settings->>'n_train', m.settings->>'epochs') IN (($n_train, $epochs), ($twice, $epochs_twice))
        ORDER BY n_train, width
        """,
        {
            "study": f"double_descent/{SAMPLE_WISE}",
            "noise": of.noise,
            **{name: str(getattr(of, name)) for name in ("n_train", "epochs", "twice", "epochs_twice")},
        },
    )


def best_decays() -> pa.Table:
    """At each width the decay that validation data chose, and the test error with it minus that without, in points: width, decay,
    estimate, low, high, n."""
    return query(
        """
        SELECT CAST(CAST(changed->>'x' AS DOUBLE) AS INTEGER) AS width, CAST(changed->>'weight_decay' AS DOUBLE) AS decay,
               estimate, low, high, CAST(n AS SMALLINT) AS n
        FROM contrasts WHERE study = $study AND quantity = 'final_test_error_with_the_best_decay' ORDER BY width
        """,
        {"study": f"double_descent/{REGULARIZATION}"},
    )


def decays_at_the_edge() -> tuple[int, int, float] | None:
    """At how many widths the best decay is the largest that was tried, of how many widths, and that decay; None where none was tried."""
    tried, best = study(REGULARIZATION), best_decays()["decay"].to_pylist()
    if tried is None or not best:
        return None
    largest = max(dict(each.variant)["weight_decay"] for each in results.maps(tried))
    return best.count(largest), len(best), largest


def decay_curves() -> pa.Table:
    """Test error at the last epoch against width, without decay and with the chosen one: width, series (without, best), decay, mean, low,
    high, n."""
    return query(
        f"""
        WITH chosen AS (
            SELECT CAST(changed->>'x' AS DOUBLE) AS x, CAST(changed->>'weight_decay' AS DOUBLE) AS decay, 'best' AS series
            FROM contrasts WHERE study = $study AND quantity = 'final_test_error_with_the_best_decay'
            UNION ALL SELECT DISTINCT x, 0.0, 'without' FROM configurations WHERE study = $study
        )
        SELECT CAST(c.x AS INTEGER) AS width, h.series, h.decay, i.mean, i.low, i.high, CAST(i.n AS SMALLINT) AS n
        FROM chosen h JOIN configurations c ON c.study = $study AND c.x = h.x AND CAST(c.settings->>'weight_decay' AS DOUBLE) = h.decay
        JOIN intervals i USING (configuration) WHERE i.measure = 'test_error' AND i.epoch = {LAST} ORDER BY h.series DESC, width
        """,
        {"study": f"double_descent/{REGULARIZATION}"},
    )


def per_label(maps: list[Map]) -> pa.Table:
    """Test error at the last reading of the clock against parameters divided by labelled outputs (training images times classes): study
    (its code), noise, width (the x value), n_params, ratio, mean, low, high, n."""
    return query(
        f"""
        SELECT split_part(m.study, '/', 2) AS study, CAST(m.settings->>'label_noise' AS DOUBLE) AS noise, CAST(c.x AS INTEGER) AS width,
               c.n_params, c.n_params / (CAST(m.settings->>'n_train' AS INTEGER) * {CLASSES}) AS ratio, i.mean, i.low, i.high,
               CAST(i.n AS SMALLINT) AS n
        FROM maps m JOIN configurations c USING (map) JOIN intervals i USING (configuration)
        WHERE list_contains($maps, m.map) AND i.measure = 'test_error' AND i.epoch = {LAST}
        ORDER BY noise DESC, list_position($order, split_part(m.study, '/', 2)), c.x
        """,
        {"maps": [each.key for each in maps], "order": [RANDOM_FEATURES, *results.STUDIES]},
    )


PLACES = """
places AS (
    SELECT c.configuration, c.map, CAST(c.x AS INTEGER) AS width, CAST(m.settings->>'n_train' AS INTEGER) AS n_train
    FROM configurations c JOIN maps m USING (map) WHERE list_contains($maps, c.map)
)
"""


def in_regime(regime: str, noise: float) -> list[Map]:
    """The maps of SAMPLE_WISE with that label noise that are compared for equal epochs or equal steps, by number of examples."""
    found = study(SAMPLE_WISE)
    if found is None:
        return []
    pairs = {
        pair
        for each in doublings()
        if (each.regime, each.noise) == (regime, noise)
        for pair in ((each.n_train, each.epochs), (each.twice, each.epochs_twice))
    }
    told = [(results.settings(each), each) for each in results.maps(found) if each.noise == noise]
    chosen = [(of["n_train"], each) for of, each in told if (of["n_train"], of["epochs"]) in pairs]
    return [each for _, each in sorted(chosen, key=lambda pair: pair[0])]


def complexity(of: list[Map], level: float) -> pa.Table:
    """Effective model complexity (Nakkiran et al. 2019) at the last epoch of some maps that differ in the number of examples: width, images
    (the largest number of training examples, of those tried, on which the mean train error is at most `level`; NULL for none), fewest and
    most (the smallest and the largest of the single seeds, 0 for none), n (seeds). Only of widths that have complete runs on every number of
    examples, and of single seeds that have one on each."""
    return query(
        f"""
        WITH {PLACES},
        means AS (
            SELECT width, max(n_train) FILTER (i.mean <= $level + 1e-6) AS images
            FROM intervals i JOIN places USING (configuration)
            WHERE i.measure = 'train_error' AND i.epoch = (SELECT max(epoch) FROM intervals JOIN places p USING (configuration) WHERE p.map = places.map)
            GROUP BY width HAVING count(*) = len($maps)
        ),
        singles AS (
            SELECT width, r.seed, coalesce(max(places.n_train) FILTER (1 - v.train_correct / r.n_train <= $level + 1e-6), 0) AS images
            FROM curves v JOIN runs r USING (run) JOIN places USING (configuration)
            WHERE v.epoch = r.epochs AND r.status = 'complete' GROUP BY width, r.seed HAVING count(*) = len($maps)
        )
        SELECT m.width, m.images, min(s.images) AS fewest, max(s.images) AS most, CAST(count(*) AS SMALLINT) AS n
        FROM means m JOIN singles s USING (width) GROUP BY m.width, m.images ORDER BY m.width
        """,
        {"maps": [each.key for each in of], "level": level},
    )


def missing_fits(of: list[Map]) -> int:
    """How many runs of those maps are not there or did not end complete: of every width that any of them has, and every seed."""
    return query(
        f"""
        WITH {PLACES},
        asked AS (SELECT DISTINCT p.width, r.seed FROM places p JOIN runs r USING (configuration))
        SELECT (SELECT count(*) FROM asked) * len($maps)
             - (SELECT count(*) FROM runs r JOIN places USING (configuration) WHERE r.status = 'complete') AS missing
        """,
        {"maps": [each.key for each in of]},
    )["missing"][0].as_py()


class Fit(NamedTuple):
    """What one number of examples shows at the last epoch: from which width on it is fitted, with the narrowest and the widest of those
    single seeds that fit it (`reached` of `seeds`), and the peak of the test error over the width, None without one; `low` and `high` are its
    bootstrap interval."""

    n_train: int
    epochs: int
    threshold: int | None
    narrowest: int | None
    widest: int | None
    reached: int
    seeds: int
    peak: int | None
    low: float | None
    high: float | None
    clear: bool


def fits(of: list[Map], level: float) -> list[Fit]:
    """For each of some maps: see Fit."""
    found = []
    for each in of:
        at, ridge = (rows.to_pylist()[-1] for rows in (results.threshold(each, level), results.ridge(each, "across")))
        of_map = results.settings(each)
        where = (at["width"], at["low"], at["high"]) if at["width"] else (None, None, None)
        counted = at["reached"], at["n"]
        place = (ridge["position"], ridge["low"], ridge["high"]) if ridge["position"] else (None, None, None)
        found.append(Fit(of_map["n_train"], of_map["epochs"], *where, *counted, *place, bool(ridge["clear"])))
    return found
