"""Activation functions: fresh runs and tuning runs at a place of the grid, what was measured in their layers, and networks born dead.

A place is what networks share that differ in their function: depth and start of the weights, or the norm. Fresh runs are those with layer
measures: seeds on which no learning rate was chosen, at the rate that validation data chose on the seeds of the tuning runs. What became of a
run is told by the rule of results/depth.py.
"""

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from explorer.database import query
from explorer.results import site
from explorer.results.depth import OUTCOME, Failures

QUESTION = "activation"
MLP, CNN, BORN_DEAD = "activation/mnist_mlp", "activation/cifar10_cnn_small", "activation/born_dead"
AXES = {MLP: ("depth", "start"), CNN: ("norm",)}


@dataclass(frozen=True)
class Place:
    """A study and the settings that its networks share."""

    study: str
    settings: tuple[tuple[str, Any], ...]

    def __getitem__(self, name: str) -> Any:
        return dict(self.settings)[name]

    @property
    def where(self) -> str:
        """A condition on the columns of the study's view."""
        return " AND ".join(f"v.{name} = {_literal(value)}" for name, value in self.settings)


def studies() -> list[dict[str, Any]]:
    """The studies of this question that have runs, with their numbers of runs."""
    return [each for each in site.studies() if each["question"] == QUESTION]


def has_runs(study: str) -> bool:
    """Whether the study has any run; its view is there only then."""
    return any(each["study"] == study for each in studies())


def places(study: str) -> list[Place]:
    """The places of a study that have fresh runs, in order."""
    if not has_runs(study):
        return []
    names = AXES[study]
    rows = query(f'SELECT DISTINCT {", ".join(names)} FROM "{study}" WHERE layer_measures ORDER BY ALL').to_pylist()
    return [Place(study, tuple((name, row[name]) for name in names)) for row in rows]


def fresh_sql(place: Place) -> str:
    """The SELECT behind `fresh`."""
    return f"""
SELECT v.activation AS function, v.seed, v.run_id, v.lr, v.status::VARCHAR AS status,
       {OUTCOME} AS outcome,
       CASE WHEN v.status = 'complete' THEN CAST(1 - c.test_correct / r.n_test AS FLOAT) END AS test_error,
       CASE WHEN v.status = 'complete' THEN CAST(1 - c.train_correct / r.n_train AS FLOAT) END AS train_error
FROM "{place.study}" v JOIN runs r USING (run)
LEFT JOIN curves c ON c.run = v.run AND c.epoch = r.epochs
WHERE v.layer_measures AND {place.where}
ORDER BY v.activation, v.seed
"""


def fresh(place: Place) -> pa.Table:
    """The fresh runs at a place: function, seed, run_id, lr, status, outcome (trained, untrained, diverged, raised), test_error and train_error
    after the last epoch (fractions, NULL for a run that did not come to the end)."""
    return query(fresh_sql(place))


def summary(place: Place) -> list[dict[str, Any]]:
    """Each function at a place, best median first, those without a finished run last: function, lr, median (of the test errors of the
    complete runs, a fraction), complete, diverged, trained (runs that train), n (all of which the code did not raise), raised, and outcome:
    train, partly (some seeds do not), fail, or none where no run ended."""
    return _summarised(fresh_sql(place))


def _summarised(runs: str, by: str = "") -> list[dict[str, Any]]:
    """As `summary`, of the runs that the SELECT `runs` gives, for each value of the column `by` ("depth, ") where it has one."""
    rows = query(
        f"""
        SELECT {by}function, any_value(lr) AS lr, median(test_error) AS median, count(*) FILTER (outcome = 'trained') AS trained,
               count(*) FILTER (outcome <> 'raised') AS n, count(*) FILTER (status = 'complete') AS complete,
               count(*) FILTER (outcome = 'diverged') AS diverged, count(*) FILTER (outcome = 'raised') AS raised
        FROM ({runs}) GROUP BY {by}function ORDER BY {by}median NULLS LAST, function
        """
    ).to_pylist()
    return [row | {"outcome": Failures(row["n"] - row["trained"], row["n"], row["diverged"]).outcome} for row in rows]


def error_range(study: str) -> tuple[float, float]:
    """Smallest and largest test error of all fresh runs of a study, so that all its places can be drawn on one axis."""
    row = query(
        f"""
        SELECT min(1 - c.test_correct / r.n_test) AS low, max(1 - c.test_correct / r.n_test) AS high
        FROM "{study}" v JOIN runs r USING (run) JOIN curves c ON c.run = v.run AND c.epoch = r.epochs
        WHERE v.layer_measures AND v.status = 'complete'
        """
    ).to_pylist()[0]
    return (row["low"], row["high"]) if row["low"] is not None else (0.01, 1.0)


def tuning(place: Place) -> pa.Table:
    """The tuning at a place, without the runs whose code raised: function, lr, val_error (mean over the seeds, NULL where one diverged),
    complete, diverged, chosen (whether the fresh runs have this rate)."""
    return query(
        f"""
        WITH ended AS (
            SELECT v.activation AS function, v.lr, v.status, 1 - c.val_correct / r.n_val AS error
            FROM "{place.study}" v JOIN runs r USING (run) LEFT JOIN curves c ON c.run = v.run AND c.epoch = r.epochs
            WHERE NOT v.layer_measures AND v.status <> 'failed' AND {place.where}
        ), chosen AS (SELECT DISTINCT v.activation AS function, v.lr FROM "{place.study}" v WHERE v.layer_measures AND {place.where})
        SELECT e.function, e.lr, CASE WHEN bool_and(e.status = 'complete') THEN CAST(avg(e.error) AS FLOAT) END AS val_error,
               CAST(count(*) FILTER (e.status = 'complete') AS INTEGER) AS complete,
               CAST(count(*) FILTER (e.status = 'diverged') AS INTEGER) AS diverged, bool_or(h.lr IS NOT NULL) AS chosen
        FROM ended e LEFT JOIN chosen h ON h.function = e.function AND h.lr = e.lr
        GROUP BY e.function, e.lr ORDER BY e.function, e.lr
        """
    )


def layers(place: Place) -> pa.Table:
    """What was measured in the layers, means over the seeds that have it: function, epoch, layer, log_gradient (mean of log10, NULL where
    a norm is 0), zeros (seeds whose norm is 0), dead, saturated (shares), mean, sd (of the pre-activations), n."""
    return query(
        f"""
        SELECT v.activation AS function, CAST(l.epoch AS SMALLINT) AS epoch, CAST(l.layer AS SMALLINT) AS layer,
               CASE WHEN min(l.gradient_norm) > 0 THEN CAST(avg(log10(nullif(l.gradient_norm, 0))) AS FLOAT) END AS log_gradient,
               CAST(count(*) FILTER (l.gradient_norm = 0) AS SMALLINT) AS zeros,
               CAST(avg(l.dead) AS FLOAT) AS dead, CAST(avg(l.saturated) AS FLOAT) AS saturated,
               CAST(avg(l.preactivation_mean) AS FLOAT) AS mean, CAST(avg(l.preactivation_sd) AS FLOAT) AS sd,
               CAST(count(l.gradient_norm) AS SMALLINT) AS n
        FROM layers l JOIN "{place.study}" v USING (run)
        WHERE {place.where} GROUP BY ALL ORDER BY function, epoch, layer
        """
    )


def over_depth(start: str) -> pa.Table:
    """Each function at each depth with one start: depth, function, median test error of the complete fresh runs, complete, diverged."""
    names = ("depth", "function", "median", "complete", "diverged", "lr")
    return pa.Table.from_pylist([{name: row[name] for name in names} for row in summary_over_depth(start)])


def summary_over_depth(start: str) -> list[dict[str, Any]]:
    """The fully connected networks with one start: depth, and what `summary` has, depth by depth."""
    return _summarised(_over_depth_sql(start), "depth, ")


def fresh_over_depth(start: str) -> pa.Table:
    """The fresh runs of the fully connected networks with one start: depth, and what `fresh` has."""
    return query(f"{_over_depth_sql(start)} ORDER BY depth, function, seed")


def _over_depth_sql(start: str) -> str:
    every = Place(MLP, (("start", start),))
    return f'SELECT CAST(v.depth AS SMALLINT) AS depth, f.* FROM ({fresh_sql(every)}) f JOIN "{MLP}" v USING (run_id)'


def contrasts(place: Place) -> list[dict[str, Any]]:
    """Each function minus ReLU at a place, largest first: function, estimate, low, high (points), n, p_adjusted."""
    rows = query(
        """
        SELECT changed->>'activation' AS function, estimate, low, high, n, p_adjusted, unit, changed::VARCHAR AS changed
        FROM contrasts WHERE study = $study AND quantity = 'final_test_error_minus_relu' ORDER BY estimate DESC
        """,
        {"study": place.study},
    ).to_pylist()
    return [
        row for row in rows if place.settings == tuple((k, json.loads(row["changed"])[k]) for k, _ in place.settings)
    ]


def epochs_of_training(functions: tuple[str, ...]) -> pa.Table:
    """Train error along the epochs in the convolutional network without norm: function, seed, epoch, train_error (a fraction, NULL from where a
    run had diverged)."""
    return query(
        f"""
        SELECT v.activation AS function, v.seed, c.epoch, CAST(1 - c.train_correct / r.n_train AS FLOAT) AS train_error
        FROM "{CNN}" v JOIN runs r USING (run) JOIN curves c USING (run)
        WHERE v.layer_measures AND v.norm = 'none' AND v.status <> 'failed' AND list_contains($functions, v.activation)
        ORDER BY function, v.seed, c.epoch
        """,
        {"functions": list(functions)},
    )


BORN_DEAD_SQL = f"""
SELECT CAST(v.width AS INTEGER) AS width, CAST(v.depth AS INTEGER) AS depth, CAST(c.value AS INTEGER) AS dead,
       CAST(c.trials AS INTEGER) AS nets, c.value / c.trials AS share
FROM counts c JOIN "{BORN_DEAD}" v USING (run) WHERE c.quantity = 'born_dead' ORDER BY width, depth
"""


def born_dead() -> pa.Table:
    """Networks that are constant before training: width, depth (layers with weights), dead, nets, share."""
    return query(BORN_DEAD_SQL)


def settings(study: str) -> dict[str, Any]:
    """The settings of one network of a study, by name; what differs between its networks is the function, the learning rate and the axes of
    AXES. With `rates` (list) and `tuning_seeds` (how many)."""
    one = query(
        f"""
        SELECT any_value(c.settings::VARCHAR) AS settings, list_sort(list(DISTINCT v.lr) FILTER (NOT v.layer_measures)) AS rates,
               count(DISTINCT v.seed) FILTER (NOT v.layer_measures) AS tuning_seeds
        FROM "{study}" v JOIN configurations c USING (configuration)
        """
    ).to_pylist()[0]
    return json.loads(one["settings"]) | {name: one[name] for name in ("rates", "tuning_seeds")}


def verdict(claim: str) -> str:
    """The verdict on a claim of this question: of the study that tests it, or that none does."""
    found = [row["verdict"] for row in site.claims().to_pylist() if row["claim"] == claim]
    return found[0] if found else "not tested here"


def parts(claim: str) -> list[dict[str, Any]]:
    """The measured parts of a claim, with `where`: its details as a dictionary."""
    return [
        row | {"where": json.loads(row["details"])} for row in site.claim_parts().to_pylist() if row["claim"] == claim
    ]


def _literal(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else repr(value)
