"""Number of layers: the studies of the question, the runs of each network at the learning rate that validation data chose, and what was
measured inside them.

A run *fails to train* when it diverges, or when its train error is above 80% at the end; see precompute/evidence/depth.py, whose rule
this is. Errors are fractions, contrasts percentage points. Means and intervals are read from the table `intervals`, never made here.
"""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from explorer.database import query
from explorer.results.studies import Study, offered

QUESTION = "depth"
STUDIES = ("cifar10_resnet_small", "cifar10_resnet", "mnist_mlp")  # in the order offered
ARCHITECTURES = ("plain", "residual")
NORMS = ("batch", "none")
FAILED_ABOVE = 0.80
"""Train error at the last epoch of a run that fails to train, of ten classes (He et al. 2015)."""
FAILED = ("untrained", "diverged")
"""The outcomes that count as failing to train; `trained` does not, and `raised` says nothing of the network."""

OUTCOME = f"""CASE WHEN r.status = 'failed' THEN 'raised' WHEN r.status = 'diverged' THEN 'diverged'
                WHEN r.n_train - train_correct > {FAILED_ABOVE} * r.n_train THEN 'untrained' ELSE 'trained' END"""
"""What became of a run of the table runs as r, of the images that it has right at its last epoch."""

ENDS = f"""
WITH last AS (
    SELECT run, train_correct, val_correct, test_correct
    FROM curves SEMI JOIN (SELECT run FROM runs WHERE study = $study) USING (run)
    QUALIFY row_number() OVER (PARTITION BY run ORDER BY epoch DESC) = 1
), ends AS (
    SELECT r.run, r.run_id, r.configuration, r.seed, CAST(c.x AS INTEGER) AS depth, c.n_params, r.epochs,
           coalesce(c.settings->>'architecture',
                    CASE WHEN CAST(c.settings->>'residual' AS INTEGER) > 0 THEN 'residual' ELSE 'plain' END) AS architecture,
           coalesce(c.settings->>'norm', 'batch') AS norm, CAST(c.settings->>'lr' AS DOUBLE) AS lr,
           {OUTCOME} AS outcome,
           1 - v.train_correct / r.n_train AS train_error, 1 - v.val_correct / r.n_val AS val_error,
           1 - v.test_correct / r.n_test AS test_error
    FROM runs r JOIN configurations c USING (configuration) LEFT JOIN last v USING (run)
    WHERE r.study = $study
), rates AS (
    SELECT norm, architecture, depth, lr, any_value(configuration) AS configuration,
           row_number() OVER (PARTITION BY norm, architecture, depth ORDER BY
               count(*) FILTER (outcome IN ('diverged', 'raised')) > 0,
               round(avg(val_error) FILTER (outcome NOT IN ('diverged', 'raised')), 12) NULLS LAST, lr) = 1 AS chosen
    FROM ends GROUP BY norm, architecture, depth, lr
)"""
"""Every run of $study where it ended, and for every network the learning rate that validation data choose: the lowest mean validation
error of a rate at which no seed diverged or failed, of equals the smallest. As precompute.studies.tuning.chosen_rate."""

MEANS = f"""{ENDS}, whole AS (
    SELECT e.configuration, any_value(e.depth) AS depth, any_value(e.architecture) AS architecture, max(e.epochs) AS epochs
    FROM ends e JOIN rates c ON c.configuration = e.configuration AND c.chosen
    WHERE e.norm = $norm AND e.outcome <> 'raised' GROUP BY e.configuration HAVING bool_and(e.outcome = 'trained')
), means AS (
    SELECT w.configuration, w.depth, w.architecture, replace(i.measure::VARCHAR, '_error', '') AS measure, i.mean, i.low, i.high, i.n
    FROM whole w JOIN intervals i ON i.configuration = w.configuration AND i.epoch = w.epochs
    WHERE i.measure IN ('train_error', 'test_error')
)"""
"""Beside them the means of the networks that the view shows."""

RUNS = f"""{MEANS}
SELECT e.depth, e.n_params, e.architecture, e.norm, e.lr, e.seed, e.run_id, e.outcome, e.train_error, e.val_error, e.test_error,
       a.mean AS train_mean, a.low AS train_low, a.high AS train_high, b.mean AS test_mean, b.low AS test_low, b.high AS test_high, b.n
FROM ends e JOIN rates c ON c.configuration = e.configuration AND c.chosen
LEFT JOIN means a ON a.configuration = e.configuration AND a.measure = 'train'
LEFT JOIN means b ON b.configuration = e.configuration AND b.measure = 'test'
WHERE e.norm = $norm ORDER BY e.depth, e.architecture, e.seed
"""


@dataclass(frozen=True)
class View:
    """What the page shows: a study, and the networks of it with or without batch normalization."""

    study: Study
    norm: str = "batch"


class Failures(NamedTuple):
    """How many runs of one network failed to train, of how many that ended; the reader may ask why."""

    failed: int
    n: int
    diverged: int

    @property
    def outcome(self) -> str:
        """train, partly (some seeds do not), fail, or none where there is no run."""
        if self.n == 0:
            return "none"
        return "train" if self.failed == 0 else "fail" if self.failed == self.n else "partly"


def studies() -> list[Study]:
    """The studies of the question with at least one finished run, in the order in which they are offered."""
    return offered(QUESTION, STUDIES)


def norms(study: Study) -> list[str]:
    """The normalizations that a study has runs with."""
    rows = query(f"{ENDS} SELECT DISTINCT norm FROM ends", {"study": study.name})
    return sorted(rows["norm"].to_pylist(), key=NORMS.index)


def has_several_rates(study: Study) -> bool:
    """Whether the learning rate was chosen among several."""
    return query(f"{ENDS} SELECT count(DISTINCT lr) AS n FROM ends", {"study": study.name})["n"][0].as_py() > 1


def outcome(status: str, train_error: float | None) -> str:
    """What became of a run, as in `runs`, of the status in the table of runs and the train error at the end of one that came there."""
    if status != "complete":
        return {"failed": "raised"}.get(status, status)
    return "untrained" if train_error is not None and train_error > FAILED_ABOVE else "trained"


def settings(view: View) -> dict[str, Any]:
    """The settings of the deepest network of a view; what differs between its networks is depth, architecture and learning rate."""
    rows = query(
        f"""{ENDS} SELECT c.settings::VARCHAR AS settings FROM ends e JOIN configurations c USING (configuration)
        WHERE e.norm = $norm ORDER BY e.depth DESC LIMIT 1""",
        {"study": view.study.name, "norm": view.norm},
    )
    return json.loads(rows["settings"][0].as_py())


def runs(view: View) -> pa.Table:
    """The runs of every network at its chosen learning rate: depth, n_params, architecture, norm, lr, seed, run_id, outcome (trained,
    untrained, diverged, raised), the errors at the last epoch (NULL after a divergence), and of the network what `means` has: train_mean,
    train_low, train_high, test_mean, test_low, test_high, n."""
    return query(RUNS, {"study": view.study.name, "norm": view.norm})


def runs_sql(view: View) -> str:
    """The statement behind `runs`, to be run as it stands."""
    return RUNS.replace("$study", f"'{view.study.name}'").replace("$norm", f"'{view.norm}'")


def means(view: View) -> pa.Table:
    """Mean and 95% t interval of train and test error at the last epoch, for networks at their chosen rate of which no seed failed to
    train: depth, architecture, measure (train, test), mean, low, high, n."""
    return query(
        f"{MEANS} SELECT * EXCLUDE (configuration) FROM means ORDER BY depth, architecture, measure",
        {"study": view.study.name, "norm": view.norm},
    )


def failures(view: View) -> dict[tuple[int, str], Failures]:
    """By depth and architecture, at the chosen rate. A run whose code raised is left out: it says nothing of the network."""
    found: dict[tuple[int, str], list[str]] = {}
    for row in runs(view).to_pylist():
        if row["outcome"] != "raised":
            found.setdefault((row["depth"], row["architecture"]), []).append(row["outcome"])
    return {
        network: Failures(sum(o in FAILED for o in outcomes), len(outcomes), outcomes.count("diverged"))
        for network, outcomes in found.items()
    }


def rate_map(view: View) -> pa.Table:
    """Every learning rate of every network: architecture, depth, lr, runs, trained, untrained, diverged, whether the rate was chosen, and
    the mean validation error at the last epoch where every seed trained (NULL elsewhere)."""
    return query(
        f"""{ENDS}
        SELECT e.architecture, e.depth, e.lr, count(*) AS runs, count(*) FILTER (e.outcome = 'trained') AS trained,
               count(*) FILTER (e.outcome = 'untrained') AS untrained, count(*) FILTER (e.outcome = 'diverged') AS diverged,
               any_value(c.chosen) AS chosen, CASE WHEN bool_and(e.outcome = 'trained') THEN any_value(i.mean) END AS val_error
        FROM ends e JOIN rates c USING (configuration)
        LEFT JOIN intervals i ON i.configuration = e.configuration AND i.epoch = e.epochs AND i.measure = 'val_error'
        WHERE e.norm = $norm AND e.outcome <> 'raised' GROUP BY ALL ORDER BY e.architecture, e.depth, e.lr""",
        {"study": view.study.name, "norm": view.norm},
    )


def gradients(view: View, depth: int, seed: int) -> pa.Table:
    """The gradient norm of every layer at every measured epoch, 0 the start, in the two networks of one depth and seed: architecture,
    layer, epoch, norm, log_norm (base 10), state: value, zero, or none where it was not finite or the run had diverged."""
    return query(
        f"""{ENDS}
        SELECT e.architecture, l.layer, l.epoch, l.gradient_norm AS norm,
               CASE WHEN l.gradient_norm > 0 THEN CAST(log10(l.gradient_norm) AS FLOAT) END AS log_norm,
               CASE WHEN l.gradient_norm IS NULL THEN 'none' WHEN l.gradient_norm = 0 THEN 'zero' ELSE 'value' END AS state
        FROM ends e JOIN rates c ON c.configuration = e.configuration AND c.chosen JOIN layers l ON l.run = e.run
        WHERE e.norm = $norm AND e.depth = $depth AND e.seed = $seed ORDER BY e.architecture, l.epoch, l.layer""",
        {"study": view.study.name, "norm": view.norm, "depth": depth, "seed": seed},
    )


def signals(view: View, depth: int) -> pa.Table:
    """Standard deviation of what enters the activation of each layer but the last, at the start and at the last epoch, of every seed at one
    depth: architecture, seed, moment (start, end), layer, sd (NULL where it was not finite)."""
    return query(
        f"""{ENDS}, measured AS (
            SELECT e.architecture, e.seed, l.epoch, l.layer, l.preactivation_sd AS sd,
                   max(l.epoch) OVER (PARTITION BY e.run) AS last, max(l.layer) OVER (PARTITION BY e.run) AS layers
            FROM ends e JOIN rates c ON c.configuration = e.configuration AND c.chosen JOIN layers l ON l.run = e.run
            WHERE e.norm = $norm AND e.depth = $depth
        )
        SELECT architecture, seed, CASE WHEN epoch = 0 THEN 'start' ELSE 'end' END AS moment, layer, sd
        FROM measured WHERE (epoch = 0 OR epoch = last) AND layer < layers ORDER BY architecture, seed, moment DESC, layer""",
        {"study": view.study.name, "norm": view.norm, "depth": depth},
    )


def damage(view: View, depth: int) -> pa.Table:
    """What every trained network of one depth loses when one block is taken out: architecture, seed, stage, block, and the test error
    without it, whole, and their difference (fractions)."""
    return query(
        f"""{ENDS}
        SELECT e.architecture, e.seed, d.stage, d.part AS block, 1 - d.test_correct / r.n_test AS test_error_without,
               e.test_error AS test_error_whole, 1 - d.test_correct / r.n_test - e.test_error AS damage
        FROM ends e JOIN rates c ON c.configuration = e.configuration AND c.chosen JOIN damage d ON d.run = e.run
        JOIN runs r ON r.run = e.run
        WHERE e.norm = $norm AND e.depth = $depth AND d.kind = 'block' AND e.outcome = 'trained'
        ORDER BY e.architecture, e.seed, d.part""",
        {"study": view.study.name, "norm": view.norm, "depth": depth},
    )


def blocks_measured(study: Study) -> bool:
    """Whether the study took blocks out of its trained networks."""
    return bool(
        query(
            "SELECT count(*) AS n FROM damage d JOIN runs r USING (run) WHERE r.study = $study AND d.kind = 'block'",
            {"study": study.name},
        )["n"][0].as_py()
    )


def contrasts(view: View) -> list[dict[str, Any]]:
    """The paired differences of a view, largest effect first: part (train, test), kind (residual_minus_plain, deep_minus_shallow), depth,
    baseline_depth, architecture, estimate, low, high (points), n."""
    rows = query(
        """
        SELECT quantity, baseline::VARCHAR AS baseline, changed::VARCHAR AS changed, estimate, low, high, n, unit
        FROM contrasts WHERE study = $study ORDER BY abs(estimate) DESC, quantity
        """,
        {"study": view.study.name},
    ).to_pylist()
    found = []
    for row in rows:
        baseline, changed = json.loads(row["baseline"]), json.loads(row["changed"])
        if changed.get("norm", "batch") != view.norm:
            continue
        part, _, kind = row["quantity"].removeprefix("final_").partition("_error_")
        places = {"depth": changed["depth"], "baseline_depth": baseline["depth"]}
        places |= {"architecture": changed["architecture"]}
        found.append(
            {"part": part, "kind": kind} | places | {key: row[key] for key in ("estimate", "low", "high", "n")}
        )
    return found
