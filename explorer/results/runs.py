"""Single runs: the list of a study's runs by settings and status, one run with its curves, and its siblings by seed."""

import json
from typing import Any

import pyarrow as pa

from explorer.database import query

CURVES = """
SELECT epoch,
       1 - train_correct / n_train AS train_error, 1 - val_correct / n_val AS val_error, 1 - test_correct / n_test AS test_error,
       train_loss, val_loss, test_loss
FROM curves JOIN runs USING (run)
WHERE run_id = $run_id
ORDER BY epoch
"""


def settings_that_vary(study: str) -> dict[str, list[Any]]:
    """The settings that differ between a study's configurations, each with its values in order."""
    table = query(
        "SELECT DISTINCT settings::VARCHAR AS settings FROM configurations WHERE study = $study", {"study": study}
    )
    values: dict[str, set[Any]] = {}
    for text in table["settings"].to_pylist():
        for name, value in json.loads(text).items():
            values.setdefault(name, set()).add(value if not isinstance(value, list) else json.dumps(value))
    return {
        name: sorted(found, key=lambda value: (isinstance(value, str), value))
        for name, found in sorted(values.items())
        if len(found) > 1 and None not in found
    }


def runs_sql(study: str, status: str | None, settings: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The SELECT behind `runs`, and its parameters."""
    conditions, parameters = ["r.study = $study"], {"study": study}
    if status is not None:
        conditions.append("r.status = $status")
        parameters["status"] = status
    for number, (name, value) in enumerate(settings.items()):
        conditions.append(f"json_extract_string(c.settings, $name{number}) = $value{number}")
        parameters |= {
            f"name{number}": f"$.{name}",
            f"value{number}": json.dumps(value) if not isinstance(value, str) else value,
        }
    sql = f"""
SELECT r.run_id, c.settings::VARCHAR AS settings, c.n_params, r.seed, r.status::VARCHAR AS status, r.epochs,
       1 - last.train_correct / r.n_train AS train_error, 1 - last.test_correct / r.n_test AS test_error, r.wall_s
FROM runs r
JOIN configurations c USING (configuration)
LEFT JOIN (SELECT run, max(epoch) AS epoch FROM curves GROUP BY run) ended USING (run)
LEFT JOIN curves last ON last.run = r.run AND last.epoch = ended.epoch
WHERE {" AND ".join(conditions)}
ORDER BY c.map, c.x, r.seed
"""
    return sql, parameters


def runs(study: str, status: str | None = None, settings: dict[str, Any] | None = None) -> pa.Table:
    """The runs of a study, errors as fractions after the last epoch; `settings` as JSON text."""
    return query(*runs_sql(study, status, settings or {}))


def run(run_id: str) -> dict[str, Any] | None:
    """Everything about one run: its row, its study's data set, `settings` as a dictionary; None when there is no such run."""
    rows = query(
        """
        SELECT r.*, r.status::VARCHAR AS status, c.settings::VARCHAR AS settings, c.n_params, s.question, s.dataset_copy, s.dataset
        FROM runs r JOIN configurations c USING (configuration) JOIN studies s ON s.study = r.study
        WHERE r.run_id = $run_id
        """,
        {"run_id": run_id},
    ).to_pylist()
    return rows[0] | {"settings": json.loads(rows[0]["settings"])} if rows else None


def curves(run_id: str) -> pa.Table:
    """Errors (fractions) and losses (nats) of one run at every evaluated epoch."""
    return query(CURVES, {"run_id": run_id})


def siblings(run_id: str) -> pa.Table:
    """The runs of the same configuration, this one included, by seed, with their errors after the last epoch."""
    return query(
        """
        SELECT r.run_id, r.seed, r.status::VARCHAR AS status,
               1 - last.train_correct / r.n_train AS train_error, 1 - last.test_correct / r.n_test AS test_error
        FROM runs r
        LEFT JOIN (SELECT run, max(epoch) AS epoch FROM curves GROUP BY run) ended USING (run)
        LEFT JOIN curves last ON last.run = r.run AND last.epoch = ended.epoch
        WHERE r.configuration = (SELECT configuration FROM runs WHERE run_id = $run_id)
        ORDER BY r.seed
        """,
        {"run_id": run_id},
    )
