"""Batch normalization: the sweeps over learning rates, the probes along the gradient, covariate shift in both meanings, batch sizes.

Errors are fractions, contrasts in the unit of their row. Means and intervals over seeds are read from the table `intervals`, never made
here; a run's own averages over its steps and layers are. The *own rate* of a norm is the one that validation data choose for it, as in
precompute/evidence/batch_norm.py. Runs whose code raised say nothing of a network: they are counted and shown nowhere else.
"""

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from explorer.database import query

QUESTION = "batch_norm"
KINDS = {"cifar10_vgg_small": "rates", "cifar10_vgg": "rates", "batch_size": "sizes", "deep_linear": "linear"}
"""What a study varies beside the norm: learning rates, batch sizes, or nothing; in the order in which the studies are offered."""
NORMS = ("none", "batch", "noisy_batch", "noise", "layer", "group", "l1", "linf")
NONE, BATCH, NOISY = "none", "batch", "noisy_batch"
WITHIN = 2.0
"""Points of claim N1: a rate counts where the test error is at most so far above that at the norm's own rate, seed by seed."""
EARLY = 4
"""The first quarter of the steps is what claims N2 to N4 look at."""
PLACES = ("same", "own")
"""At which learning rate two networks are probed: both at that of the one without a norm, or each at its own."""

ENDS = """
WITH last AS (
    SELECT run, train_loss, train_correct, val_correct, test_correct
    FROM curves SEMI JOIN (SELECT run FROM runs WHERE study = $study) USING (run)
    QUALIFY row_number() OVER (PARTITION BY run ORDER BY epoch DESC) = 1
), ends AS (
    SELECT r.run, r.run_id, r.configuration, r.seed, r.status = 'complete' AS complete, r.steps, r.epochs, r.n_train,
           c.settings->>'norm' AS norm, CAST(c.settings->>'lr' AS DOUBLE) AS lr,
           coalesce(CAST(c.settings->>'batch_size' AS INTEGER), r.n_train) AS batch_size,
           CASE WHEN r.status = 'complete' THEN v.train_loss END AS train_loss,
           CASE WHEN r.status = 'complete' AND r.n_test > 0 THEN 1 - v.train_correct / r.n_train END AS train_error,
           CASE WHEN r.status = 'complete' AND r.n_val > 0 THEN 1 - v.val_correct / r.n_val END AS val_error,
           CASE WHEN r.status = 'complete' AND r.n_test > 0 THEN 1 - v.test_correct / r.n_test END AS test_error
    FROM runs r JOIN configurations c USING (configuration) LEFT JOIN last v USING (run)
    WHERE r.study = $study AND r.status <> 'failed'
), rates AS (
    SELECT norm, batch_size, lr, row_number() OVER (PARTITION BY norm, batch_size ORDER BY
               bool_or(NOT complete), round(avg(val_error), 12) NULLS LAST, lr) = 1 AS own
    FROM ends GROUP BY norm, batch_size, lr
), tried AS (
    SELECT e.*, c.own FROM ends e JOIN rates c USING (norm, batch_size, lr)
)"""
"""Every run of $study where it ended, and whether its learning rate is the own rate of its norm (and batch size): the lowest mean
validation error of a rate at which no seed diverged, of equals the smallest. As precompute.studies.tuning.chosen_rate."""

ORDER = f"list_position({list(NORMS)!r}, norm)"

MEANS = f"""{ENDS}, whole AS (
    SELECT configuration, any_value(norm) AS norm, any_value(lr) AS lr, any_value(batch_size) AS batch_size, max(epochs) AS epochs
    FROM ends GROUP BY configuration HAVING bool_and(complete)
), means AS (
    SELECT w.configuration, w.norm, w.lr, w.batch_size, replace(i.measure::VARCHAR, '_error', '') AS measure, i.mean, i.low, i.high, i.n
    FROM whole w JOIN intervals i ON i.configuration = w.configuration AND i.epoch = w.epochs
    WHERE i.measure IN ('train_error', 'test_error')
)"""
"""Beside them the means of configurations of which every seed came to the end."""

RUNS = f"""{MEANS}
SELECT a.norm, a.lr, a.batch_size, a.seed, a.run_id, CASE WHEN a.complete THEN 'complete' ELSE 'diverged' END AS status,
       a.train_loss, a.train_error, a.val_error, a.test_error, a.own,
       CASE WHEN b.test_error IS NOT NULL THEN coalesce(round(100 * a.test_error - 100 * b.test_error, 9) <= {WITHIN}, false) END AS near_best,
       m.mean AS train_mean, m.low AS train_low, m.high AS train_high, n.mean AS test_mean, n.low AS test_low, n.high AS test_high, n.n
FROM tried a LEFT JOIN tried b ON b.own AND b.norm = a.norm AND b.batch_size = a.batch_size AND b.seed = a.seed
LEFT JOIN means m ON m.configuration = a.configuration AND m.measure = 'train'
LEFT JOIN means n ON n.configuration = a.configuration AND n.measure = 'test'
WHERE list_contains($norms, a.norm) ORDER BY {ORDER.replace("norm)", "a.norm)")}, a.batch_size, a.lr, a.seed
"""

OWN_LOSSES = """
SELECT r.run_id, CASE WHEN r.status = 'complete' THEN max_by(v.train_loss, v.epoch) END AS train_loss,
       list({'epoch': v.epoch, 'train_loss': v.train_loss} ORDER BY v.epoch) AS curve
FROM runs r JOIN curves v USING (run) GROUP BY r.run_id, r.status
"""
OWN_MEASURES = ("train_loss", "curve")
"""Of any run the train loss at the end, NULL where it did not come to it, and along the steps: the columns of OWN_LOSSES beside its name."""


@dataclass(frozen=True)
class Study:
    """One study of the question."""

    name: str

    @property
    def code(self) -> str:
        """Its name in the address and in the texts: what stands behind the slash."""
        return self.name.partition("/")[2]

    @property
    def kind(self) -> str:
        """rates, sizes or linear."""
        return KINDS[self.code]


def studies() -> list[Study]:
    """The studies with at least one run that ended, in the order in which they are offered."""
    rows = query(
        "SELECT study FROM studies WHERE question = $question AND complete + diverged > 0", {"question": QUESTION}
    )
    found = [Study(name) for name in rows["study"].to_pylist() if Study(name).code in KINDS]
    return sorted(found, key=lambda study: list(KINDS).index(study.code))


def counted(study: Study) -> dict[str, int]:
    """How many runs of how many there are: planned, complete, diverged, failed, done; and what of the grid they are: norms, rates, sizes,
    seeds."""
    row = query(
        """
        SELECT planned, complete, diverged, failed, complete + diverged + failed AS done FROM studies WHERE study = $study
        """,
        {"study": study.name},
    ).to_pylist()[0]
    grid = query(
        f"""{ENDS} SELECT count(DISTINCT norm) AS norms, count(DISTINCT lr) AS rates, count(DISTINCT batch_size) AS sizes,
        count(DISTINCT seed) AS seeds FROM ends""",
        {"study": study.name},
    ).to_pylist()[0]
    return {name: int(value) for name, value in (row | grid).items()}


def norms(study: Study) -> list[str]:
    """The normalizations that a study has runs with."""
    rows = query(f"{ENDS} SELECT DISTINCT norm FROM ends", {"study": study.name})
    return sorted(rows["norm"].to_pylist(), key=lambda norm: NORMS.index(norm) if norm in NORMS else len(NORMS))


def settings(study: Study) -> dict[str, Any]:
    """The settings of one network of a study; what differs between its networks is norm, learning rate or batch size."""
    rows = query(
        "SELECT settings::VARCHAR AS settings FROM configurations WHERE study = $study ORDER BY configuration LIMIT 1",
        {"study": study.name},
    )
    return json.loads(rows["settings"][0].as_py())


def runs(study: Study, shown: list[str]) -> pa.Table:
    """The runs of some norms: norm, lr, batch_size, seed, run_id, status (complete or diverged), train_loss and the errors at the last epoch
    (NULL after a divergence), own (the rate is the norm's own), near_best (claim N1 counts it; NULL where its seed has no best), and of the
    configuration what `means` has: train_mean, train_low, train_high, test_mean, test_low, test_high, n."""
    return query(RUNS, {"study": study.name, "norms": shown})


def runs_sql(study: Study, shown: list[str]) -> str:
    """The statement behind `runs`, to be run as it stands."""
    return RUNS.replace("$study", f"'{study.name}'").replace("$norms", repr(shown))


def means(study: Study, shown: list[str]) -> pa.Table:
    """Mean and 95% t interval of train and test error at the last epoch, of configurations of which every seed came to the end: norm, lr,
    batch_size, measure (train, test), mean, low, high, n."""
    return query(
        f"""{MEANS} SELECT * EXCLUDE (configuration) FROM means WHERE list_contains($norms, norm)
        ORDER BY {ORDER}, batch_size, lr, measure""",
        {"study": study.name, "norms": shown},
    )


def cells(study: Study, shown: list[str]) -> list[dict[str, Any]]:
    """Every norm at every learning rate and batch size: norm, lr, batch_size, runs, complete, diverged, good (runs within WITHIN points of
    their best), judged (runs whose seed has a best), own."""
    return query(
        f"""WITH shown AS ({RUNS})
        SELECT norm, lr, batch_size, CAST(count(*) AS INTEGER) AS runs, CAST(count(*) FILTER (status = 'complete') AS INTEGER) AS complete,
               CAST(count(*) FILTER (status = 'diverged') AS INTEGER) AS diverged, CAST(count(*) FILTER (near_best) AS INTEGER) AS good,
               CAST(count(near_best) AS INTEGER) AS judged, bool_or(own) AS own
        FROM shown GROUP BY norm, lr, batch_size ORDER BY {ORDER}, batch_size, lr""",
        {"study": study.name, "norms": shown},
    ).to_pylist()


def own_rates(study: Study) -> dict[str, float]:
    """The own rate of every norm of a study with one batch size."""
    rows = query(f"{ENDS} SELECT norm, lr FROM rates WHERE own", {"study": study.name}).to_pylist()
    return {row["norm"]: row["lr"] for row in rows}


def probed_studies(offered: list[Study]) -> list[Study]:
    """Those that probed their networks."""
    rows = query("SELECT DISTINCT study FROM runs SEMI JOIN probes USING (run)")
    found = set(rows["study"].to_pylist())
    return [study for study in offered if study.name in found]


def rates_probed(study: Study, place: str) -> dict[str, float]:
    """The learning rate at which the probes of each norm are shown: that of the network without a norm, where it was run there, or its
    own."""
    own = own_rates(study)
    if place == "own" or NONE not in own:
        return own
    return dict.fromkeys(own, own[NONE])


PROBED = f"""{ENDS}
SELECT a.norm, a.lr, a.seed, a.run_id, a.steps, p.* EXCLUDE (run), p.step <= a.steps / {EARLY} AS early
FROM tried a JOIN TABLE p USING (run)
WHERE list_contains($norms, a.norm) AND a.lr = list_extract($rates, list_position($norms, a.norm))
ORDER BY {ORDER.replace("norm)", "a.norm)")}, a.seed, p.step"""


def probes(study: Study, rates: dict[str, float]) -> pa.Table:
    """The probes along the gradient of the norms in `rates` at those rates: norm, lr, seed, run_id, steps (of the run), the columns of the
    table probes, early (in the first quarter). NULL where a move left the finite range, and after divergence."""
    return _probed("probes", study, rates)


def shifts(study: Study, rates: dict[str, float]) -> pa.Table:
    """The same of the table shifts, a row a layer."""
    return _probed("shifts", study, rates)


def _probed(table: str, study: Study, rates: dict[str, float]) -> pa.Table:
    sql = PROBED.replace("TABLE", table) + (", p.layer" if table == "shifts" else "")
    return query(sql, {"study": study.name, "norms": list(rates), "rates": list(rates.values())})


def pairs_narrower(study: Study, rates: dict[str, float]) -> dict[str, tuple[int, int]]:
    """By picture (range, change, smoothness): at how many pairs of one seed and step of the first quarter the value with batch normalization
    is below that without, and of how many pairs."""
    rows = [row for row in probes(study, rates).to_pylist() if row["early"]]
    sides = [{(row["seed"], row["step"]): row for row in rows if row["norm"] == norm} for norm in (NONE, BATCH)]
    found = {}
    for picture in ("range", "change", "smoothness"):
        values = [
            (_size(one, picture), _size(sides[1][key], picture)) for key, one in sides[0].items() if key in sides[1]
        ]
        there = [(without, with_it) for without, with_it in values if without is not None and with_it is not None]
        found[picture] = sum(with_it < without for without, with_it in there), len(there)
    return found


def _size(row: dict[str, Any], picture: str) -> float | None:
    """What a picture shows of one probe as one number: the width of the range of the loss, the largest change, the smoothness."""
    if picture == "range":
        return None if row["loss_high"] is None or row["loss_low"] is None else row["loss_high"] - row["loss_low"]
    return row["change_high" if picture == "change" else "smoothness"]


def speed_and_drift(study: Study) -> pa.Table:
    """Every run at its norm's own rate that came to the end: norm, lr, seed, run_id, mean_train_error (along the training, a straight line
    between evaluations) and mean_drift, sd_drift: geometric means over layers and probed steps of the first quarter of how far what a
    layer is fed moved in the step; left_out counts the values among them that are missing or zero."""
    return query(
        f"""{ENDS}, line AS (
            SELECT a.run, v.epoch, 1 - v.train_correct / a.n_train AS error,
                   lag(v.epoch) OVER w AS before, lag(1 - v.train_correct / a.n_train) OVER w AS error_before
            FROM tried a JOIN curves v USING (run) WHERE a.own AND a.complete AND v.train_correct IS NOT NULL
            WINDOW w AS (PARTITION BY a.run ORDER BY v.epoch)
        ), speed AS (
            SELECT run, coalesce(sum((error + error_before) / 2 * (epoch - before)) / (max(epoch) - min(epoch)), any_value(error)) AS mean_train_error
            FROM line GROUP BY run
        ), drift AS (
            SELECT s.run, exp(avg(ln(s.mean_drift)) FILTER (s.mean_drift > 0)) AS mean_drift, exp(avg(ln(s.sd_drift)) FILTER (s.sd_drift > 0)) AS sd_drift,
                   CAST(count(*) FILTER (NOT coalesce(s.mean_drift > 0 AND s.sd_drift > 0, false)) AS INTEGER) AS left_out
            FROM tried a JOIN shifts s USING (run) WHERE a.own AND s.step <= a.steps / {EARLY} GROUP BY s.run
        )
        SELECT a.norm, a.lr, a.seed, a.run_id, p.mean_train_error, d.mean_drift, d.sd_drift, d.left_out
        FROM tried a JOIN speed p USING (run) JOIN drift d USING (run)
        WHERE a.own AND a.complete ORDER BY {ORDER}, a.seed""",
        {"study": study.name},
    )


def training(study: Study, shown: list[str]) -> pa.Table:
    """Train error (a fraction) and train loss (studies.loss) along the epochs of every run at its norm's own rate: norm, lr, seed, run_id,
    epoch, train_error, train_loss; NULL after a divergence."""
    return query(
        f"""{ENDS}
        SELECT a.norm, a.lr, a.seed, a.run_id, v.epoch, CASE WHEN v.train_correct IS NOT NULL THEN 1 - v.train_correct / a.n_train END AS train_error,
               v.train_loss
        FROM tried a JOIN curves v USING (run) WHERE a.own AND list_contains($norms, a.norm)
        ORDER BY {ORDER}, a.seed, v.epoch""",
        {"study": study.name, "norms": shown},
    )


def contrasts(study: Study) -> list[dict[str, Any]]:
    """The paired differences of a study, changed minus batch normalization, largest effect first: quantity, norm, lr and batch_size of the
    changed side (None where the contrast has none), baseline_lr, estimate, low, high, n, unit."""
    rows = query(
        """
        SELECT quantity, baseline::VARCHAR AS baseline, changed::VARCHAR AS changed, estimate, low, high, n, unit
        FROM contrasts WHERE study = $study ORDER BY abs(estimate) DESC, quantity, changed
        """,
        {"study": study.name},
    ).to_pylist()
    found = []
    for row in rows:
        baseline, changed = json.loads(row["baseline"]), json.loads(row["changed"])
        places = {"norm": changed["norm"], "lr": changed.get("lr"), "batch_size": changed.get("batch_size")}
        places["baseline_lr"] = baseline.get("lr")
        found.append(
            {"quantity": row["quantity"]} | places | {key: row[key] for key in ("estimate", "low", "high", "n", "unit")}
        )
    return found


def in_focus(among: list[Study], shown: Study) -> Study | None:
    """The study that is shown where it is among some, else the first of them."""
    return shown if shown in among else next(iter(among), None)


def of_kind(among: list[Study], kind: str) -> list[Study]:
    """The studies that vary this."""
    return [study for study in among if study.kind == kind]
