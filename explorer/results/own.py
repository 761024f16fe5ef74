"""One's own runs of what a picture shows: those of the same configurations, in the file that lies over the published one.

Two runs are of one configuration when study and settings are the same, whatever number either file gives it; two runs are the same when
their lasting names are.
"""

from typing import Any

from explorer import database
from explorer.database import OWN, query

ENDS = """
SELECT r.run_id, CASE WHEN r.status = 'complete' THEN 1 - ended.curve.train_correct / r.n_train END AS train_error,
       CASE WHEN r.status = 'complete' THEN 1 - ended.curve.val_correct / r.n_val END AS val_error,
       CASE WHEN r.status = 'complete' THEN 1 - ended.curve.test_correct / r.n_test END AS test_error
FROM runs r LEFT JOIN (
    SELECT run, max_by({'train_correct': train_correct, 'val_correct': val_correct, 'test_correct': test_correct}, epoch) AS curve
    FROM curves GROUP BY run
) ended ON ended.run = r.run
"""
"""Errors of every run after its last epoch, fractions; NULL for a run that did not come to the end."""


def alike(run_ids: list[str]) -> list[dict[str, Any]]:
    """One's own runs of the configurations of some published runs, by that configuration and seed: run_id, seed, status, and `like`: the
    lasting name of one of those published runs, the run itself where it is among them. Empty without a file of one's own."""
    if database.own_meta() is None or not run_ids:
        return []
    return query(
        """
        SELECT o.run_id, o.seed, o.status::VARCHAR AS status,
               coalesce(max(p.run_id) FILTER (p.run_id = o.run_id), min(p.run_id)) AS "like"
        FROM results.runs p JOIN results.configurations c USING (configuration)
        JOIN own.configurations k ON k.study = c.study AND k.settings::VARCHAR = c.settings::VARCHAR
        JOIN own.runs o ON o.configuration = k.configuration
        WHERE list_contains($run_ids, p.run_id)
        GROUP BY ALL ORDER BY "like", o.seed, o.run_id
        """,
        {"run_ids": run_ids},
    ).to_pylist()


def measured(run_ids: list[str], sql: str = ENDS, **params: Any) -> dict[str, dict[str, Any]]:
    """What a statement, asked of one's own file, measures of some of its runs, by run_id. The statement has a column run_id."""
    rows = query(f"SELECT * FROM ({sql}) WHERE list_contains($run_ids, run_id)", {"run_ids": run_ids} | params, of=OWN)
    return {row["run_id"]: row for row in rows.to_pylist()}
