"""Double descent: what the page on generalization asks of the results file.

Errors and the gap are fractions, losses nats; intervals are read from the table `intervals`, never made here.
"""

import json
import math
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from explorer.database import query

QUESTION = "generalization"
STUDY = "double_descent/mnist_mlp"

# What the colour of the map may show, and the pair of curves that its slices show: solid, and dashed where there is one.
PAIRS = {
    "test": ("test_error", "train_error"),
    "train": ("test_error", "train_error"),
    "gap": ("gap", None),
    "loss": ("test_loss", "train_loss"),
}
COLOURED = {"test": "test_error", "train": "train_error", "gap": "gap", "loss": "test_loss"}
PER_RUN = {
    "test_error": "1 - v.test_correct / r.n_test",
    "train_error": "1 - v.train_correct / r.n_train",
    "gap": "v.train_correct / r.n_train - v.test_correct / r.n_test",
    "test_loss": "v.test_loss",
    "train_loss": "v.train_loss",
}

NOISE = "CAST(m.settings->>'label_noise' AS DOUBLE)"


class Axes(NamedTuple):
    """The sampled values along both axes of every map of the study, in order, and the seeds; positions in these lists are the indices."""

    widths: list[int]
    parameters: list[int]
    epochs: list[int]
    seeds: list[int]


def axes() -> Axes:
    """The widths with their parameter counts, the evaluated epochs and the seeds over all maps of the study."""
    widths = query(
        "SELECT CAST(x AS INTEGER) AS width, any_value(n_params) AS n_params FROM configurations WHERE study = $study GROUP BY 1 ORDER BY 1",
        {"study": STUDY},
    )
    ids = "SELECT CAST(c.x AS INTEGER) AS width, c.n_params, r.seed, r.run FROM runs r JOIN configurations c USING (configuration) WHERE r.study = $study"
    seeds = query(f"SELECT DISTINCT seed FROM ({ids}) ORDER BY 1", {"study": STUDY})
    epochs = query(
        f"SELECT DISTINCT epoch FROM curves WHERE run IN (SELECT run FROM ({ids})) ORDER BY 1", {"study": STUDY}
    )
    return Axes(
        widths["width"].to_pylist(),
        widths["n_params"].to_pylist(),
        epochs["epoch"].to_pylist(),
        seeds["seed"].to_pylist(),
    )


def settings() -> dict[str, Any]:
    """The settings that all maps of the study share, by name."""
    maps = [
        json.loads(text)
        for text in query("SELECT settings::VARCHAR AS s FROM maps WHERE study = $study", {"study": STUDY})[
            "s"
        ].to_pylist()
    ]
    return {name: value for name, value in maps[0].items() if all(other.get(name) == value for other in maps)}


def cell_means(noise: float, width: int, epoch: int) -> dict[str, dict[str, Any]]:
    """The intervals of one cell by measure: mean, low, high (fractions or nats), n; a measure without a value is missing."""
    rows = query(
        f"""
        SELECT i.measure::VARCHAR AS measure, i.mean, i.low, i.high, i.n
        FROM intervals i JOIN configurations c USING (configuration) JOIN maps m USING (map)
        WHERE m.study = $study AND {NOISE} = $noise AND CAST(c.x AS INTEGER) = $width AND i.epoch = $epoch
        """,
        {"study": STUDY, "noise": noise, "width": width, "epoch": epoch},
    ).to_pylist()
    return {row["measure"]: row for row in rows}


def label_noises() -> list[float]:
    """The label noises with at least one complete run, ascending, as fractions of wrong training labels."""
    return query(
        f"""
        SELECT DISTINCT {NOISE} AS noise
        FROM maps m JOIN configurations c USING (map) JOIN runs r USING (configuration)
        WHERE m.study = $study AND r.status = 'complete' ORDER BY 1
        """,
        {"study": STUDY},
    )["noise"].to_pylist()


def seeds_by_width(noise: float) -> dict[int, int]:
    """Complete runs of each width of one map; a width without one is 0."""
    table = query(
        f"""
        SELECT CAST(c.x AS INTEGER) AS width, count(*) FILTER (WHERE r.status = 'complete') AS seeds
        FROM configurations c JOIN maps m USING (map) LEFT JOIN runs r USING (configuration)
        WHERE m.study = $study AND {NOISE} = $noise GROUP BY 1 ORDER BY 1
        """,
        {"study": STUDY, "noise": noise},
    )
    return dict(zip(table["width"].to_pylist(), table["seeds"].to_pylist(), strict=True))


def cells_sql(measure: str, seeds: list[int]) -> str:
    """The SELECT behind `cells`, with the parameters $study and $noise."""
    names = [name for name in PAIRS[measure] if name]
    means = [
        f"CAST(max({column}) FILTER (measure = '{name}') AS FLOAT) AS {name}{ending}"
        for name in names
        for column, ending in (("mean", ""), ("low", "_low"), ("high", "_high"))
    ]
    single = [f"max({name}) FILTER (seed = {seed}) AS {name}_seed_{seed}" for name in names for seed in seeds]
    per_run = [f"CAST({PER_RUN[name]} AS FLOAT) AS {name}" for name in names]
    shown = [column.rsplit(" AS ", 1)[1] for column in means + single]
    return f"""
WITH place AS (
    SELECT c.configuration, CAST(c.x AS SMALLINT) AS width, CAST(c.n_params AS INTEGER) AS n_params,
           count(*) FILTER (r.status = 'diverged') AS diverged
    FROM configurations c JOIN maps m USING (map) LEFT JOIN runs r USING (configuration)
    WHERE m.study = $study AND {NOISE} = $noise GROUP BY ALL
), means AS (
    SELECT configuration, epoch, max(n) AS seeds,
           {", ".join(means)}
    FROM intervals SEMI JOIN place USING (configuration)
    WHERE measure IN ({", ".join(f"'{name}'" for name in names)}) GROUP BY configuration, epoch
), single AS (
    SELECT configuration, epoch,
           {", ".join(single)}
    FROM (SELECT r.configuration, v.epoch, r.seed, {", ".join(per_run)}
          FROM curves v JOIN runs r USING (run) SEMI JOIN place USING (configuration))
    GROUP BY configuration, epoch
)
SELECT width, n_params, CAST(epoch AS SMALLINT) AS epoch,
       CASE WHEN seeds > 0 THEN 'value' WHEN diverged > 0 THEN 'diverged' ELSE 'not run' END AS state,
       CAST(coalesce(seeds, 0) AS SMALLINT) AS seeds,
       {", ".join(shown)}
FROM place CROSS JOIN (SELECT DISTINCT epoch FROM means)
LEFT JOIN means USING (configuration, epoch) LEFT JOIN single USING (configuration, epoch)
ORDER BY width, epoch
"""


def cells(noise: float, measure: str, seeds: list[int]) -> pa.Table:
    """One row per cell of a map: width, n_params, epoch, state, seeds, and per curve of `PAIRS[measure]` its mean, `_low`, `_high`
    (95% t interval, NULL under three seeds) and `_seed_N`. Single precision: seven digits, where the test set resolves four."""
    return query(cells_sql(measure, seeds), {"study": STUDY, "noise": noise})


def errors_over_noises(measure: str) -> pa.Table:
    """The coloured measure of all maps, for small multiples: noise, width, epoch, state, value, seeds."""
    return query(
        f"""
        SELECT {NOISE} AS noise, CAST(c.x AS SMALLINT) AS width, CAST(i.epoch AS SMALLINT) AS epoch, CAST(i.mean AS FLOAT) AS value,
               CAST(i.n AS SMALLINT) AS seeds
        FROM intervals i JOIN configurations c USING (configuration) JOIN maps m USING (map)
        WHERE m.study = $study AND i.measure = $measure AND i.epoch IS NOT NULL ORDER BY noise, width, epoch
        """,
        {"study": STUDY, "measure": COLOURED[measure]},
    )


def colour_limits(measure: str) -> tuple[float, float]:
    """The ends of the colour scale that all maps share: the peaks of the last row are just below the upper end, so that the ridge stands out.

    What lies beyond, as the narrowest networks do, is drawn in the last colour, and the page says so. The lower end is 0, for the gap minus
    the upper end.
    """
    return _limits(measure, "l.line = (SELECT max(epoch) FROM cells)")


def slice_limits(measure: str) -> tuple[float, float]:
    """The ends of the error axis of the slices, the same for all maps and cells: over every peak of a row of a point or more."""
    return _limits(measure, "l.height >= 0.01")


def _limits(measure: str, peaks: str) -> tuple[float, float]:
    """Over nine cells in ten and over the chosen peaks, rounded up to five points (losses: to a half)."""
    found = query(
        f"""
        WITH cells AS (
            SELECT c.map, c.x, i.epoch, i.mean
            FROM intervals i JOIN configurations c USING (configuration)
            WHERE c.study = $study AND i.measure = '{PAIRS[measure][0]}'
        )
        SELECT quantile_cont(mean, 0.9) AS high, min(mean) AS least,
               (SELECT max(mean) FROM cells JOIN landmarks l USING (map)
                WHERE l.kind = 'ridge_across' AND {peaks} AND l.line = epoch AND l.position = x) AS ridge
        FROM cells
        """,
        {"study": STUDY},
    ).to_pylist()[0]
    step = 0.5 if measure == "loss" else 0.05
    reach = max(found["high"] or 0, found["ridge"] or 0, -(found["least"] or 0) if measure == "gap" else 0)
    high = round(step * max(1, math.ceil(reach / step)), 2)
    return (-high if measure == "gap" else 0.0), high


def threshold(noise: float, level: float) -> pa.Table:
    """The interpolation threshold at each epoch: the first width whose mean train error is at most `level`, NULL where not reached;
    `low` and `high` are the smallest and largest over the single seeds that reach it (`reached` of `n`)."""
    return query(
        f"""
        SELECT CAST(l.line AS SMALLINT) AS epoch, CAST(l.position AS SMALLINT) AS width, l.low, l.high, l.reached, l.n
        FROM landmarks l JOIN maps m USING (map)
        WHERE m.study = $study AND {NOISE} = $noise AND l.kind = 'threshold' AND abs(l.level - $level) < 1e-9 ORDER BY 1
        """,
        {"study": STUDY, "noise": noise, "level": level},
    )


def ridge(noise: float, reading: str) -> pa.Table:
    """The peak of the test error: `reading` "across" gives epoch → width, "up" gives width → epoch.

    Columns at, position, low, high (bootstrap over seeds), height (a fraction, above the higher of the minima beside it), clear, n.
    """
    return query(
        f"""
        SELECT CAST(l.line AS INTEGER) AS "at", CAST(l.position AS INTEGER) AS position, l.low, l.high, l.height, l.clear, l.reached, l.n
        FROM landmarks l JOIN maps m USING (map)
        WHERE m.study = $study AND {NOISE} = $noise AND l.kind::VARCHAR = $kind ORDER BY 1
        """,
        {"study": STUDY, "noise": noise, "kind": f"ridge_{reading}"},
    )


class Row(NamedTuple):
    """One row of a map, read at its landmarks: each is a dict with width, n_params, mean, low, high, n. `peak` and `before` (the lowest
    mean at smaller widths) are None where the row has no peak; `clear` is whether it stands above seed noise on both sides."""

    epoch: int
    peak: dict[str, Any] | None
    before: dict[str, Any] | None
    widest: dict[str, Any]
    clear: bool
    narrowest: dict[str, Any]


def along_the_row(noise: float, measure: str = "test_error", epoch: int | None = None) -> list[dict[str, Any]]:
    """Mean and interval of a measure against width at one epoch (the last one if none is given)."""
    return query(
        f"""
        SELECT CAST(c.x AS INTEGER) AS width, c.n_params, i.epoch, i.mean, i.low, i.high, i.n
        FROM intervals i JOIN configurations c USING (configuration) JOIN maps m USING (map)
        WHERE m.study = $study AND {NOISE} = $noise AND i.measure::VARCHAR = $measure
          AND i.epoch = coalesce($epoch, (SELECT max(epoch) FROM intervals JOIN configurations USING (configuration) WHERE study = $study))
        ORDER BY c.x
        """,
        {"study": STUDY, "noise": noise, "measure": measure, "epoch": epoch},
    ).to_pylist()


def last_row(noise: float) -> Row | None:
    """The test error against width at the last epoch, read at the ridge, at the lowest point before it and at the widest network."""
    row = along_the_row(noise)
    if not row:
        return None
    at = ridge(noise, "across")
    at = at.filter(pc.and_(pc.equal(at["at"], row[0]["epoch"]), pc.is_valid(at["position"]))).to_pylist()
    by_width = {cell["width"]: cell for cell in row}
    peak = by_width.get(at[0]["position"]) if at else None
    earlier = [cell for cell in row if peak and cell["width"] < peak["width"]]
    before = min(earlier, key=lambda cell: cell["mean"]) if earlier else None
    return Row(
        row[0]["epoch"], peak if before else None, before, row[-1], bool(at and before and at[0]["clear"]), row[0]
    )


def peak_by_intervals(noise: float, measure: str) -> dict[str, Any] | None:
    """The highest inner cell of the last row whose interval lies above those of a cell on either side, or None: for saying whether the
    loss peaks where the error does."""
    row = [cell for cell in along_the_row(noise, measure) if cell["low"] is not None]
    clear = [
        cell
        for place, cell in enumerate(row)
        if any(cell["low"] > other["high"] for other in row[:place])
        and any(cell["low"] > other["high"] for other in row[place + 1 :])
    ]
    return max(clear, key=lambda cell: cell["mean"]) if clear else None


RUNS_OF_CELL = f"""
SELECT r.run_id, r.seed, r.status::VARCHAR AS status, CAST(c.x AS INTEGER) AS width, c.n_params, v.epoch,
       1 - v.test_correct / r.n_test AS test_error, 1 - v.train_correct / r.n_train AS train_error, v.test_loss, v.train_loss,
       r.best_epoch, r.wall_s, r.device, r.git_commit, r.started_at, r.stop_step, r.error, c.settings::VARCHAR AS settings
FROM configurations c JOIN maps m USING (map) JOIN runs r USING (configuration) LEFT JOIN curves v ON v.run = r.run AND v.epoch = $epoch
WHERE m.study = $study AND {NOISE} = $noise AND CAST(c.x AS INTEGER) = $width
ORDER BY r.seed
"""


def runs_of_cell(noise: float, width: int, epoch: int) -> pa.Table:
    """The runs behind one cell, a row per seed: errors and losses at that epoch, configuration, time (s), device, commit, status."""
    return query(RUNS_OF_CELL, {"study": STUDY, "noise": noise, "width": width, "epoch": epoch})


def early_stopped(noise: float) -> pa.Table:
    """Test error against width, at the last epoch and at each run's best epoch on validation data: width, when, mean, low, high, n."""
    return query(
        f"""
        SELECT CAST(c.x AS SMALLINT) AS width, c.n_params, CASE WHEN i.epoch IS NULL THEN 'stopped' ELSE 'last' END AS "when",
               i.mean, i.low, i.high, CAST(i.n AS SMALLINT) AS n
        FROM intervals i JOIN configurations c USING (configuration) JOIN maps m USING (map)
        WHERE m.study = $study AND {NOISE} = $noise AND (i.measure = 'early_stopped_test_error' OR i.measure = 'test_error' AND i.epoch =
              (SELECT max(epoch) FROM intervals JOIN configurations USING (configuration) WHERE study = $study))
        ORDER BY "when", c.x
        """,
        {"study": STUDY, "noise": noise},
    )


def contrasts() -> pa.Table:
    """The ablations of the study, largest effect first: quantity, baseline and changed (JSON text), estimate, low, high, n, unit."""
    return query(
        """
        SELECT quantity, baseline::VARCHAR AS baseline, changed::VARCHAR AS changed, estimate, low, high, n, unit
        FROM contrasts WHERE study = $study ORDER BY abs(estimate) DESC
        """,
        {"study": STUDY},
    )
