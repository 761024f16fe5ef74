"""Double descent: what single cells of a map hold, and the runs behind them. A cell is an x value at an epoch."""

from typing import Any

import pyarrow as pa

from explorer import database
from explorer.database import OWN, query
from explorer.results.generalization import COLOURED, PAIRS, Map, Study

PER_RUN = {
    "test_error": "1 - v.test_correct / r.n_test",
    "train_error": "1 - v.train_correct / r.n_train",
    "gap": "v.train_correct / r.n_train - v.test_correct / r.n_test",
    "test_loss": "v.test_loss",
    "train_loss": "v.train_loss",
}


STATE = "CASE WHEN seeds > 0 THEN 'value' WHEN diverged > 0 THEN 'diverged' WHEN failed > 0 THEN 'failed' ELSE 'not run' END AS state"
"""Of a cell: whether it has a mean, and if not, what came of its runs."""


def _places(study: Study, which: str) -> str:
    """A SELECT: for each map m that `which` names a row for every x value of its study, with the configuration there (NULL where none has
    been run), how many of its runs diverged and how many failed."""
    return f"""
    SELECT m.map, any_value(m.settings) AS settings, max(c.configuration) FILTER (c.map = m.map) AS configuration,
           CAST(c.x AS INTEGER) AS {study.x}, CAST(max(c.n_params) AS INTEGER) AS n_params,
           count(*) FILTER (c.map = m.map AND r.status = 'diverged') AS diverged,
           count(*) FILTER (c.map = m.map AND r.status = 'failed') AS failed
    FROM maps m JOIN configurations c USING (study) LEFT JOIN runs r USING (configuration)
    WHERE {which} GROUP BY m.map, c.x"""


def cells_sql(shown: Map, measure: str, seeds: list[int]) -> str:
    """The SELECT behind `cells`, with the parameter $map; the columns of both axes bear the study's own names."""
    names = [name for name in PAIRS[measure] if name]
    means = [
        f"CAST(max({column}) FILTER (measure = '{name}') AS FLOAT) AS {name}{ending}"
        for name in names
        for column, ending in (("mean", ""), ("low", "_low"), ("high", "_high"))
    ]
    single = [f"max({name}) FILTER (seed = {seed}) AS {name}_seed_{seed}" for name in names for seed in seeds]
    per_run = [f"CAST({PER_RUN[name]} AS FLOAT) AS {name}" for name in names]
    columns = [column.rsplit(" AS ", 1)[1] for column in means + single]
    return f"""
WITH place AS ({_places(shown.study, "m.map = $map")}
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
SELECT {shown.study.x}, n_params, CAST(epoch AS INTEGER) AS {shown.study.clock},
       {STATE}, CAST(coalesce(seeds, 0) AS SMALLINT) AS seeds, CAST(diverged AS SMALLINT) AS diverged,
       {", ".join(columns)}
FROM place CROSS JOIN (SELECT DISTINCT epoch FROM means)
LEFT JOIN means USING (configuration, epoch) LEFT JOIN single USING (configuration, epoch)
ORDER BY {shown.study.x}, epoch
"""


def cells(shown: Map, measure: str, seeds: list[int]) -> pa.Table:
    """One row per cell of a map: its x value and its epoch under the study's names for them, n_params, state, seeds, diverged (how many of
    its runs did, which are in no mean), and per curve of `PAIRS[measure]` its mean, `_low`, `_high` (95% t interval, NULL under three seeds) and `_seed_N`. Single precision: seven digits,
    where the test set resolves four."""
    return query(cells_sql(shown, measure, seeds), {"map": shown.key})


def errors_of_maps(maps: list[Map], measure: str) -> pa.Table:
    """The coloured measure of several maps of one study, for small multiples: map, noise, the x value and the epoch under the study's
    names, value, seeds, diverged, state."""
    study = maps[0].study
    return query(
        f"""
        WITH place AS ({_places(study, "list_contains($maps, m.map)")}
        ), means AS (
            SELECT map, configuration, epoch, mean, n AS seeds FROM intervals JOIN place USING (configuration)
            WHERE measure = $measure AND epoch IS NOT NULL
        )
        SELECT map, CAST(settings->>'label_noise' AS DOUBLE) AS noise, {study.x}, CAST(epoch AS INTEGER) AS {study.clock},
               CAST(mean AS FLOAT) AS value, CAST(coalesce(seeds, 0) AS SMALLINT) AS seeds, CAST(diverged AS SMALLINT) AS diverged, {STATE}
        FROM place JOIN (SELECT DISTINCT map, epoch FROM means) USING (map) LEFT JOIN means USING (map, configuration, epoch)
        ORDER BY map, {study.x}, epoch
        """,
        {"maps": [each.key for each in maps], "measure": COLOURED[measure]},
    )


def highest(study: Study, measure: str) -> float:
    """The highest value that a slice of any map of the study may show: a mean, the end of an interval, or a single run of
    `PAIRS[measure]`. 0 where nothing has been measured."""
    names = [name for name in PAIRS[measure] if name]
    single = ", ".join(PER_RUN[name] for name in names)
    found = query(
        f"""
        SELECT max(value) AS highest FROM (
            SELECT max(greatest(mean, high)) AS value FROM intervals JOIN configurations USING (configuration)
            WHERE study = $study AND epoch IS NOT NULL AND list_contains($names, measure::VARCHAR)
            UNION ALL
            SELECT max(greatest({single})) FROM curves v JOIN runs r USING (run) WHERE r.study = $study
        )
        """,
        {"study": study.name, "names": names},
    )
    return found["highest"][0].as_py() or 0.0


def cell_means(shown: Map, width: int, epoch: int) -> dict[str, dict[str, Any]]:
    """The intervals of one cell by measure: mean, low, high (fractions or losses), n; a measure without a value is missing."""
    rows = query(
        """
        SELECT i.measure::VARCHAR AS measure, i.mean, i.low, i.high, i.n
        FROM intervals i JOIN configurations c USING (configuration)
        WHERE c.map = $map AND CAST(c.x AS INTEGER) = $width AND i.epoch = $epoch
        """,
        {"map": shown.key, "width": width, "epoch": epoch},
    ).to_pylist()
    return {row["measure"]: row for row in rows}


def runs_of_cell_sql(shown: Map) -> str:
    """The SELECT behind `runs_of_cell`, with the parameters $map, $width (the x value) and $epoch."""
    return f"""
SELECT r.run_id, r.seed, r.status::VARCHAR AS status, CAST(c.x AS INTEGER) AS {shown.study.x}, c.n_params, v.epoch AS {shown.study.clock},
       1 - v.test_correct / r.n_test AS test_error, 1 - v.train_correct / r.n_train AS train_error, v.test_loss, v.train_loss,
       r.best_epoch, r.wall_s, r.device, r.git_commit, r.started_at, r.stop_step, r.error, c.settings::VARCHAR AS settings
FROM configurations c JOIN runs r USING (configuration) LEFT JOIN curves v ON v.run = r.run AND v.epoch = $epoch
WHERE c.map = $map AND CAST(c.x AS INTEGER) = $width
ORDER BY r.seed
"""


def runs_of_cell(shown: Map, width: int, epoch: int) -> pa.Table:
    """The runs behind one cell, a row per seed: errors and losses at that epoch, configuration, time (s), device, commit, status."""
    return query(runs_of_cell_sql(shown), {"map": shown.key, "width": width, "epoch": epoch})


def own_test_errors(run_ids: list[str], epoch: int) -> dict[str, float]:
    """By run_id, the test error at that epoch (a fraction) of those runs that one's own results have too; only where there are such."""
    rows = query(
        """
        SELECT run_id, 1 - test_correct / n_test AS test_error FROM runs JOIN curves USING (run)
        WHERE list_contains($run_ids, run_id) AND epoch = $epoch AND test_correct IS NOT NULL
        """,
        {"run_ids": run_ids, "epoch": epoch},
        of=OWN,
    ).to_pylist()
    return {row["run_id"]: row["test_error"] for row in rows}


OWN_PLACES = """
SELECT c.configuration, k.configuration AS own, CAST(c.x AS INTEGER) AS x
FROM results.configurations c JOIN own.configurations k ON k.study = c.study AND k.settings::VARCHAR = c.settings::VARCHAR
WHERE c.map = $map
"""
"""The configurations of a map that one's own results have too."""


def own_cells(shown: Map, measure: str) -> pa.Table | None:
    """What one's own results have of the cells of a map: its x value and epoch under the study's names, own_seeds (the runs with a value of the
    coloured measure; no cell without one), per curve of `PAIRS[measure]` own_<name>_seed_N, and `difference`: own minus published of the coloured measure, the mean over the runs that both
    have (points, or the unit of the loss; NULL where there is none). None without a second file, or where it has nothing of the map."""
    if database.own_meta() is None:
        return None
    seeds = query(
        f"SELECT DISTINCT r.seed FROM ({OWN_PLACES}) p JOIN own.runs r ON r.configuration = p.own ORDER BY 1",
        {"map": shown.key},
    )["seed"].to_pylist()
    if not seeds:
        return None
    names, coloured = [name for name in PAIRS[measure] if name], COLOURED[measure]
    per_run = ", ".join(f"CAST({PER_RUN[name]} AS DOUBLE) AS {name}" for name in names)
    single = ", ".join(
        f"CAST(max(mine.{name}) FILTER (seed = {seed}) AS FLOAT) AS own_{name}_seed_{seed}"
        for name in names
        for seed in seeds
    )
    return query(
        f"""
        WITH place AS ({OWN_PLACES}), mine AS (
            SELECT p.x, v.epoch, r.run_id, r.seed, {per_run} FROM place p JOIN own.runs r ON r.configuration = p.own JOIN own.curves v USING (run)
        ), theirs AS (
            SELECT r.run_id, v.epoch, {PER_RUN[coloured]} AS value
            FROM place p JOIN results.runs r USING (configuration) JOIN results.curves v USING (run)
        )
        SELECT x AS {shown.study.x}, CAST(epoch AS INTEGER) AS {shown.study.clock}, CAST(count(mine.{coloured}) AS SMALLINT) AS own_seeds, {single},
               CAST({1 if measure == "loss" else 100} * avg(mine.{coloured} - theirs.value) AS FLOAT) AS difference
        FROM mine LEFT JOIN theirs USING (run_id, epoch) GROUP BY x, epoch HAVING count(mine.{coloured}) > 0
        ORDER BY x, epoch
        """,
        {"map": shown.key},
    )


def with_own(cells: pa.Table, own: pa.Table | None) -> pa.Table:
    """The cells of a map with what one's own results have of each; as they are where those have nothing."""
    if own is None:
        return cells
    keys, rest = own.column_names[:2], own.column_names[2:]
    found = {tuple(row[key] for key in keys): row for row in own.to_pylist()}
    rows = [found.get(place, {}) for place in zip(*(cells[key].to_pylist() for key in keys), strict=True)]
    for name in rest:
        cells = cells.append_column(
            own.schema.field(name), pa.array([row.get(name) for row in rows], own.schema.field(name).type)
        )
    return cells


def early_stopped(shown: Map) -> pa.Table:
    """Test error against width, at the last epoch and at each run's best epoch on validation data: width, when, mean, low, high, n."""
    return query(
        """
        SELECT CAST(c.x AS INTEGER) AS width, c.n_params, CASE WHEN i.epoch IS NULL THEN 'stopped' ELSE 'last' END AS "when",
               i.mean, i.low, i.high, CAST(i.n AS SMALLINT) AS n
        FROM intervals i JOIN configurations c USING (configuration)
        WHERE c.map = $map AND (i.measure = 'early_stopped_test_error' OR i.measure = 'test_error' AND i.epoch =
              (SELECT max(epoch) FROM intervals JOIN configurations USING (configuration) WHERE map = $map))
        ORDER BY "when", c.x
        """,
        {"map": shown.key},
    )
