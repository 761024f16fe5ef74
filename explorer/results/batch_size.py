"""Batch size: steps to a validation error after tuning, the runs behind them, learning rates, noise scale and equal budgets.

Errors are fractions, contrasts in the unit of their row. Means over seeds with an interval, and of the studies that the claims are about the
best rates and the places of the regimes, are read from the results file, where the build has put them; a cell of a map is the mean over its
seeds, without an interval.
"""

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from explorer.database import query

QUESTION = "batch_size"
STUDIES = ("batch_size/mnist_mlp", "batch_size/mnist_cnn")  # in the order offered
EQUAL = "batch_size/equal_epochs"
MOMENTUM = "batch_size/momentum"
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adam")
BASELINE = "sgd"
MIDDLE = 2  # of the targets, hardest first: the one to begin with where no claim names one
SMALLEST = 3  # sizes whose mean examples stand for perfect scaling, as in the table regimes

OPTIMIZER = """CASE WHEN c.settings->>'optimizer' = 'sgd' AND CAST(c.settings->>'momentum' AS DOUBLE) > 0 THEN 'momentum'
              ELSE c.settings->>'optimizer' END"""

TRIED = f"""
SELECT {OPTIMIZER} AS optimizer, CAST(c.settings->>'batch_size' AS INTEGER) AS batch_size, CAST(c.settings->>'lr' AS DOUBLE) AS lr,
       CAST(c.settings->>'momentum' AS DOUBLE) AS momentum, r.seed, r.run, r.run_id, r.status::VARCHAR AS status, r.steps AS taken, r.n_train,
       g.reached, g.step, g.examples, g.seconds
FROM targets g JOIN runs r USING (run) JOIN configurations c USING (configuration)
WHERE r.study = $study AND g.target = $target
"""

OUTCOMES = """
count(*) AS runs, count(*) FILTER (reached) AS reached, count(*) FILTER (NOT reached AND status <> 'diverged') AS not_reached,
count(*) FILTER (NOT reached AND status = 'diverged') AS diverged, CASE WHEN bool_and(reached) THEN exp(avg(ln(step))) END AS steps
"""
"""Of all seeds of a cell; the steps are their geometric mean, NULL unless all of them reached."""

TUNED_RUNS = f"""
WITH tried AS ({TRIED})
SELECT optimizer, batch_size, seed, lr, run_id, CASE WHEN reached THEN 'reached' WHEN status = 'diverged' THEN 'diverged' ELSE 'not_reached' END AS state,
       step AS steps, examples, seconds, taken, n_train, best_lr, tuned_steps, low, high
FROM (
    SELECT tried.*, u.best_lr, u.steps AS tuned_steps, u.low, u.high,
           row_number() OVER (PARTITION BY tried.optimizer, tried.batch_size, seed
                              ORDER BY lr = u.best_lr DESC NULLS LAST, tried.reached DESC, step, taken DESC, lr) AS place
    FROM tried JOIN tuned u ON u.study = $study AND u.target = $target AND u.optimizer = tried.optimizer AND u.batch_size = tried.batch_size
)
WHERE place = 1 AND list_contains($optimizers, optimizer)
ORDER BY list_position(['sgd', 'momentum', 'nesterov', 'adam'], optimizer), batch_size, seed
"""
"""A run for each seed at each batch size: with the best rate of all seeds; where no rate reached with every seed, the seed's own best, or the
run that went furthest without reaching."""


FINISHED = f"""
tried AS ({TRIED}),
finished AS (
    FROM tried SEMI JOIN (
        SELECT batch_size, momentum FROM (SELECT batch_size, momentum, lr, count(*) AS seeds FROM tried GROUP BY ALL)
        GROUP BY ALL HAVING min(seeds) = (SELECT count(DISTINCT seed) FROM tried)
    ) USING (batch_size, momentum)
)
"""
"""Of a study of several momenta, the runs of those with which every rate is finished for every seed."""

REACHED = """
SELECT r.run_id, CASE WHEN g.reached THEN 'reached' WHEN r.status = 'diverged' THEN 'diverged' ELSE 'not_reached' END AS state,
       g.step AS steps, g.examples, CAST(g.seconds AS DOUBLE) AS seconds, r.steps AS taken
FROM targets g JOIN runs r USING (run) WHERE g.target = $target
"""
OWN_MEASURES = ("state", "steps", "examples", "seconds", "taken")
"""What any run took to a target: the columns of REACHED beside its name."""


@dataclass(frozen=True)
class Study:
    """A study that trains to targets. `optimizers` in their fixed order, `targets` hardest first, `target` the one that its claims are
    about."""

    name: str
    optimizers: tuple[str, ...]
    targets: tuple[float, ...]
    target: float

    @property
    def code(self) -> str:
        """Its name in the address and in the texts."""
        return self.name.partition("/")[2]

    @property
    def optimizer(self) -> str:
        """The baseline, or the first there is."""
        return BASELINE if BASELINE in self.optimizers else self.optimizers[0]


def optimizer_of(settings: dict[str, Any]) -> str:
    """The code of the optimizer of a run with these settings: one of OPTIMIZERS, as OPTIMIZER has it in SQL."""
    return "momentum" if settings["optimizer"] == "sgd" and settings["momentum"] > 0 else settings["optimizer"]


def studies() -> list[Study]:
    """The studies with at least one batch size whose tuning is finished."""
    rows = query(
        "SELECT DISTINCT study, optimizer, target FROM tuned SEMI JOIN (FROM studies WHERE complete > 0) USING (study)"
    ).to_pylist()
    claimed = query(
        "SELECT study, any_value(CAST(details->>'target' AS DOUBLE)) AS target FROM claim_parts WHERE claim = 'B1' GROUP BY study"
    ).to_pylist()
    named = {row["study"]: row["target"] for row in claimed}
    found = []
    for name in STUDIES:
        mine = [row for row in rows if row["study"] == name]
        if mine:
            optimizers = {row["optimizer"] for row in mine}
            targets = sorted({row["target"] for row in mine})
            wanted = named.get(name, targets[min(MIDDLE, len(targets) - 1)])
            target = min(targets, key=lambda each: abs(each - wanted))  # JSON and the column may round apart
            found.append(Study(name, tuple(each for each in OPTIMIZERS if each in optimizers), tuple(targets), target))
    return found


def settings(study: str) -> dict[str, Any]:
    """What all runs of a study share: n_train, width, the most steps, n_val, seeds, and the first and last batch size."""
    return query(
        """
        SELECT max(r.n_train) AS n_train, max(r.n_val) AS n_val, max(CAST(c.settings->>'width' AS INTEGER)) AS width,
               max(CAST(c.settings->>'steps' AS INTEGER)) AS most_steps, count(DISTINCT r.seed) AS seeds, count(*) AS runs,
               CAST(min(c.x) AS INTEGER) AS smallest, CAST(max(c.x) AS INTEGER) AS largest
        FROM runs r JOIN configurations c USING (configuration) WHERE r.study = $study
        """,
        {"study": study},
    ).to_pylist()[0]


def tuned_runs(study: Study, target: float, optimizers: list[str]) -> pa.Table:
    """The runs behind the curve of steps to a target: see TUNED_RUNS. `tuned_steps`, `low` and `high` are of the whole tuning."""
    return query(TUNED_RUNS, {"study": study.name, "target": target, "optimizers": optimizers})


def curve(study: Study, target: float, optimizers: list[str]) -> pa.Table:
    """The curve of each optimizer over the batch sizes that reached with every seed: optimizer, batch_size, best_lr, steps, low, high (of the
    table tuned), examples, seconds (geometric mean over the seeds), seeds."""
    return query(
        f"""
        WITH shown AS ({TUNED_RUNS})
        SELECT optimizer, batch_size, best_lr, any_value(tuned_steps) AS steps, any_value(low) AS low, any_value(high) AS high,
               any_value(tuned_steps) * batch_size AS examples, exp(avg(ln(seconds))) AS seconds, CAST(count(*) AS SMALLINT) AS seeds
        FROM shown WHERE best_lr IS NOT NULL GROUP BY optimizer, batch_size, best_lr
        ORDER BY list_position(['sgd', 'momentum', 'nesterov', 'adam'], optimizer), batch_size
        """,
        {"study": study.name, "target": target, "optimizers": optimizers},
    )


def tuned(study: Study, target: float, optimizer: str | None = None) -> list[dict[str, Any]]:
    """The rows of the table tuned, by optimizer and batch size, with `perfect`: the steps of perfect scaling from the smallest sizes.

    Perfect scaling keeps the examples of the SMALLEST smallest sizes of the curve (their geometric mean), by which the table regimes
    finds its end; NULL below the first of them, and where the curve has fewer than two sizes."""
    return query(
        f"""
        WITH start AS (
            SELECT optimizer, exp(avg(ln(steps * batch_size))) AS examples, min(batch_size) AS smallest
            FROM (SELECT t.*, row_number() OVER (PARTITION BY t.optimizer ORDER BY t.batch_size) AS place
                  FROM tuned t JOIN regimes g USING (study, optimizer, target)
                  WHERE study = $study AND target = $target AND t.batch_size BETWEEN g.smallest AND g.largest)
            WHERE place <= {SMALLEST} GROUP BY optimizer
        )
        SELECT t.* EXCLUDE (study, target), CASE WHEN t.batch_size >= s.smallest THEN s.examples / t.batch_size END AS perfect
        FROM tuned t LEFT JOIN start s USING (optimizer)
        WHERE study = $study AND target = $target AND coalesce(t.optimizer = $optimizer, true)
        ORDER BY list_position(['sgd', 'momentum', 'nesterov', 'adam'], t.optimizer), t.batch_size
        """,
        {"study": study.name, "target": target, "optimizer": optimizer},
    ).to_pylist()


def regimes(study: Study) -> list[dict[str, Any]]:
    """Where perfect scaling ends and the flat part begins, by target (hardest first) and optimizer."""
    return query(
        """
        SELECT * EXCLUDE (study) FROM regimes WHERE study = $study
        ORDER BY target, list_position(['sgd', 'momentum', 'nesterov', 'adam'], optimizer)
        """,
        {"study": study.name},
    ).to_pylist()


def regime(study: Study, target: float, optimizer: str) -> dict[str, Any] | None:
    """That of one curve; None where fewer than two sizes reached the target with every seed."""
    found = [row for row in regimes(study) if (row["target"], row["optimizer"]) == (target, optimizer)]
    return found[0] if found else None


def rate_cells(study: Study, target: float, optimizer: str) -> pa.Table:
    """Every learning rate at every batch size of one optimizer: batch_size, lr, runs, reached, not_reached, diverged, steps (geometric mean
    over the seeds, NULL unless all reached), ratio (to the best rate of that size), best (whether it is that rate), momentum, name."""
    return query(
        f"""
        WITH tried AS ({TRIED}),
        cells AS (SELECT batch_size, lr, {OUTCOMES} FROM tried WHERE optimizer = $optimizer GROUP BY batch_size, lr)
        SELECT cells.*, cells.steps / u.steps AS ratio, coalesce(cells.lr = u.best_lr, false) AS best
        FROM cells JOIN tuned u ON u.study = $study AND u.target = $target AND u.optimizer = $optimizer AND u.batch_size = cells.batch_size
        ORDER BY cells.batch_size, lr
        """,
        {"study": study.name, "target": target, "optimizer": optimizer},
    )


def hardest_target(study: str) -> float | None:
    """None where no run of the study has a target."""
    found = query(
        "SELECT min(g.target) AS target FROM targets g JOIN runs r USING (run) WHERE r.study = $study", {"study": study}
    )
    return found["target"][0].as_py()


def momentum_cells() -> pa.Table:
    """Every learning rate of every momentum at each batch size of MOMENTUM, at its hardest target, once all rates of that momentum are finished
    for every seed that any run has: batch_size, momentum, lr, runs, reached, not_reached, diverged, steps (see OUTCOMES), ratio (to the
    fewest steps at that batch size), best (whether no rate of that momentum has fewer; of equals the smallest)."""
    return query(
        f"""
        WITH {FINISHED}, cells AS (SELECT batch_size, momentum, lr, {OUTCOMES} FROM finished GROUP BY batch_size, momentum, lr)
        SELECT *, steps / min(steps) OVER (PARTITION BY batch_size) AS ratio,
               steps IS NOT NULL AND row_number() OVER (PARTITION BY batch_size, momentum ORDER BY steps NULLS LAST, lr) = 1 AS best
        FROM cells ORDER BY batch_size, momentum, lr
        """,
        {"study": MOMENTUM, "target": hardest_target(MOMENTUM)},
    )


def momentum_seeds() -> pa.Table:
    """The run with the fewest steps of each seed, momentum and batch size of `momentum_cells` (of equals the smallest rate), where one reached:
    batch_size, momentum, seed, lr, steps, ratio (to those of the same seed without momentum), run_id."""
    return query(
        f"""
        WITH {FINISHED},
        best AS (
            SELECT batch_size, momentum, seed, lr, step AS steps, run_id FROM finished WHERE reached
            QUALIFY row_number() OVER (PARTITION BY batch_size, momentum, seed ORDER BY step, lr) = 1
        )
        SELECT * EXCLUDE (run_id), steps / min(steps) FILTER (momentum = 0) OVER (PARTITION BY batch_size, seed) AS ratio, run_id
        FROM best ORDER BY batch_size, momentum, seed
        """,
        {"study": MOMENTUM, "target": hardest_target(MOMENTUM)},
    )


def momenta_of_others() -> list[float]:
    """The momenta with which MOMENTUM trains runs that another study trained too: same network, data, optimizer, batch size, rate and seed."""
    same = ("network", "n_train", "width", "optimizer", "momentum", "batch_size", "lr")
    told = ", ".join(f"c.settings->>'{name}' AS {name}" for name in same)
    rows = query(
        f"""
        WITH trained AS (SELECT r.study, r.seed, {told} FROM runs r JOIN configurations c USING (configuration)
                         JOIN studies s ON s.study = r.study
                         WHERE s.question = $question AND r.status <> 'failed' AND CAST(c.settings->>'last_target' AS DOUBLE) > 0)
        SELECT DISTINCT CAST(momentum AS DOUBLE) AS momentum FROM trained SEMI JOIN (FROM trained WHERE study <> $study) o
        USING (seed, {", ".join(same)}) WHERE study = $study ORDER BY 1
        """,
        {"question": QUESTION, "study": MOMENTUM},
    )
    return rows["momentum"].to_pylist()


def seeds_best_rates(study: Study, target: float, optimizer: str) -> pa.Table:
    """The rate with the fewest steps of each seed at each batch size whose tuning is finished (the smaller of equals), where any reached:
    batch_size, seed, lr, run_id."""
    return query(
        f"""
        WITH tried AS ({TRIED})
        SELECT batch_size, seed, lr, run_id FROM tried
        WHERE optimizer = $optimizer AND reached AND batch_size IN (
            SELECT batch_size FROM tuned WHERE study = $study AND target = $target AND optimizer = $optimizer)
        QUALIFY row_number() OVER (PARTITION BY batch_size, seed ORDER BY step, lr) = 1
        ORDER BY batch_size, seed
        """,
        {"study": study.name, "target": target, "optimizer": optimizer},
    )


def noise_scale(study: Study, target: float, optimizer: str) -> pa.Table:
    """The noise scale along the steps of the runs with the best rate of each batch size, up to the target: batch_size, step, value
    (trace and squared gradient averaged over the seeds, then divided; NULL where either is not positive), seeds. Only the steps at which
    every seed was measured: a mean over fewer would be another one."""
    return query(
        f"""
        WITH shown AS ({TUNED_RUNS.replace("run_id, CASE", "run, CASE")})
        SELECT batch_size, n.step, CASE WHEN avg(gradient_sq) > 0 AND avg(trace) > 0 THEN avg(trace) / avg(gradient_sq) END AS value,
               CAST(count(*) AS SMALLINT) AS seeds
        FROM shown s JOIN noise_scale n USING (run)
        WHERE s.best_lr IS NOT NULL AND n.step <= s.steps
        GROUP BY batch_size, n.step
        HAVING count(*) = (SELECT count(DISTINCT seed) FROM shown)
        ORDER BY batch_size, n.step
        """,
        {"study": study.name, "target": target, "optimizers": [optimizer]},
    )


BUDGETS = """
SELECT CASE WHEN CAST(c.settings->>'epochs' AS INTEGER) > 0 THEN 'epochs' ELSE 'steps' END AS unit,
       CAST(CASE WHEN unit = 'epochs' THEN c.settings->>'epochs' ELSE c.settings->>'steps' END AS INTEGER) AS amount,
       CAST(c.settings->>'batch_size' AS INTEGER) AS batch_size, CAST(c.settings->>'lr' AS DOUBLE) AS lr, r.seed, r.run_id,
       r.status::VARCHAR AS status, r.steps, 1 - v.test_correct / r.n_test AS test_error
FROM runs r JOIN configurations c USING (configuration) JOIN curves v USING (run)
WHERE r.study = $study AND r.status <> 'failed' AND r.seed NOT IN (
    SELECT t.seed FROM runs t JOIN configurations d USING (configuration) WHERE t.study = $study
    GROUP BY t.seed, d.settings->>'batch_size', d.settings->>'epochs', d.settings->>'steps' HAVING count(DISTINCT d.settings->>'lr') > 1
)
ORDER BY unit, amount, batch_size, r.seed
"""


def budgets() -> pa.Table:
    """The runs of equal budgets at the rate that validation data chose, with the test error at the end: a fraction, NULL for a run that
    diverged. The seed that tuned, the one with several rates, is not among them: its run was chosen for its error, so that the table
    `intervals`, which counts every seed of a configuration, is not what is wanted here."""
    return query(BUDGETS, {"study": EQUAL})


def contrasts(study: str, quantity: str) -> list[dict[str, Any]]:
    """Paired differences of a study: baseline and changed (dictionaries), estimate, low, high, n, p, p_adjusted, unit."""
    rows = query(
        """
        SELECT baseline::VARCHAR AS baseline, changed::VARCHAR AS changed, estimate, low, high, n, p, p_adjusted, unit
        FROM contrasts WHERE study = $study AND quantity = $quantity
        """,
        {"study": study, "quantity": quantity},
    ).to_pylist()
    return [row | {name: json.loads(row[name]) for name in ("baseline", "changed")} for row in rows]
