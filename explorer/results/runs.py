"""Single runs: the list by question, study, settings, status and words, one run with everything measured of it, its siblings by seed.

Where one's own results lie over the published ones, the list holds the runs of both, side by side by their lasting name.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from explorer import database
from explorer.database import OWN, PUBLISHED, query

PAGE = 25
"""Runs on one page of the list: the others stay on the server."""
MOST_WORDS = 8
"""Words of a search beyond these are not looked for."""

SORTS = ("grid", "test_error", "-test_error", "train_error", "-train_error", "n_params", "-n_params", "wall_s", "-wall_s", "-started_at")  # fmt: skip
"""Orders of the list: "grid" is that of the study's own grid, a minus is the largest first; what has no value comes last."""
OWN_SORTS = ("-apart",)
"""With one's own results: the runs whose test errors lie furthest apart first."""
ORIGINS = ("both", PUBLISHED, OWN)
"""Which file has a run: both, or one alone."""

SEARCHED = "concat_ws(' ', r.run_id, r.study, c.settings::VARCHAR, r.status::VARCHAR, r.device, r.engine, r.git_commit, r.error)"
"""What the words of a search are looked for in."""

CURVES = """
SELECT epoch,
       1 - train_correct / n_train AS train_error, 1 - val_correct / n_val AS val_error, 1 - test_correct / n_test AS test_error,
       train_loss, val_loss, test_loss
FROM curves JOIN runs USING (run)
WHERE run_id = $run_id
ORDER BY epoch
"""
MEASURED = {
    "layers": "SELECT m.* EXCLUDE (run) FROM layers m JOIN runs USING (run) WHERE run_id = $run_id ORDER BY epoch, layer",
    "damage": """
        SELECT m.kind, m.stage, m.part, m.target, 1 - m.test_correct / coalesce(m.n_test, runs.n_test) AS test_error, m.test_loss
        FROM damage m JOIN runs USING (run) WHERE run_id = $run_id ORDER BY m.kind, m.stage, m.part, m.target
        """,
    "edge_weights": """
        SELECT m.* EXCLUDE (run) FROM edge_weights m JOIN runs USING (run) WHERE run_id = $run_id ORDER BY stage, target, source
        """,
    "counts": "SELECT m.* EXCLUDE (run) FROM counts m JOIN runs USING (run) WHERE run_id = $run_id ORDER BY quantity",
    "targets": "SELECT m.* EXCLUDE (run) FROM targets m JOIN runs USING (run) WHERE run_id = $run_id ORDER BY target DESC",
    "validation": """
        SELECT m.step, 1 - m.val_correct / n_val AS val_error, m.val_loss
        FROM validation m JOIN runs USING (run) WHERE run_id = $run_id ORDER BY m.step
        """,
    "noise_scale": "SELECT m.* EXCLUDE (run) FROM noise_scale m JOIN runs USING (run) WHERE run_id = $run_id ORDER BY step",
    "probes": "SELECT m.* EXCLUDE (run) FROM probes m JOIN runs USING (run) WHERE run_id = $run_id ORDER BY step",
    "shifts": "SELECT m.* EXCLUDE (run) FROM shifts m JOIN runs USING (run) WHERE run_id = $run_id ORDER BY step, layer",
}
"""What may have been measured of a run besides its curves: the statement by table, errors as fractions."""


@dataclass(frozen=True)
class Filter:
    """Which runs are asked for; None and empty ask for any."""

    question: str | None = None
    study: str | None = None
    status: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    words: str = ""
    origin: str | None = None


def studies() -> list[dict[str, Any]]:
    """Every study with a run, of both files where there are two: study, question."""
    found = {row["study"]: row["question"] for of in _files() for row in query("FROM studies", of=of).to_pylist()}
    return [{"study": study, "question": question} for study, question in sorted(found.items())]


def settings_that_vary(study: str) -> dict[str, list[Any]]:
    """The settings that differ between a study's configurations, each with its values in order."""
    values: dict[str, set[Any]] = {}
    for of in _files():
        table = query(
            "SELECT DISTINCT settings::VARCHAR AS settings FROM configurations WHERE study = $study",
            {"study": study},
            of=of,
        )
        for text in table["settings"].to_pylist():
            for name, value in json.loads(text).items():
                values.setdefault(name, set()).add(value if not isinstance(value, list) else json.dumps(value))
    return {
        name: sorted(found, key=lambda value: (isinstance(value, str), value))
        for name, found in sorted(values.items())
        if len(found) > 1 and None not in found
    }


def runs_sql(asked: Filter, sort: str = "grid") -> tuple[str, dict[str, Any]]:
    """The SELECT of all runs that a filter asks for, and its parameters."""
    condition, parameters = _condition(asked)
    if database.own_meta() is None:
        return f"{_runs_of(PUBLISHED)}\nWHERE {condition}\nORDER BY {_order(sort)}", parameters
    return f"{_runs_of_both(condition, asked.origin)}\nORDER BY {_order(sort)}", parameters | _origin(asked)


def _origin(asked: Filter) -> dict[str, str]:
    return {} if asked.origin is None else {"origin": asked.origin}


def _runs_of_both(condition: str, origin: str | None) -> str:
    """The runs of both files side by side, of which one or the other meets the condition: what a run is in one file alone says nothing of
    where it is."""
    both = ("run_id", "question", "study", "map", "x", "settings", "n_params", "seed", "status", "started_at")
    columns = ",\n       ".join(f"coalesce(p.{name}, o.{name}) AS {name}" for name in both)
    wanted = f", ({condition}) AS wanted"
    return f"""WITH published AS ({_runs_of(PUBLISHED, wanted)}), own AS ({_runs_of(OWN, wanted)})
SELECT {columns},
       p.train_error, p.test_error, p.wall_s, o.status AS own_status, o.test_error AS own_test_error,
       o.test_error - p.test_error AS difference,
       CASE WHEN o.run_id IS NULL THEN '{PUBLISHED}' WHEN p.run_id IS NULL THEN '{OWN}' ELSE 'both' END AS origin
FROM published p FULL JOIN own o ON p.run_id = o.run_id
WHERE (p.wanted OR o.wanted){"" if origin is None else " AND origin = $origin"}"""


def runs(asked: Filter, sort: str = "grid", page: int | None = None) -> pa.Table:
    """The runs that a filter asks for, or one page of them counted from 1: run_id, question, study, settings as JSON text, n_params, seed,
    status, train_error, test_error (fractions at the end of a complete run, else NULL), wall_s, and with one's own results own_status,
    own_test_error, difference (own minus published) and origin."""
    sql, parameters = runs_sql(asked, sort)
    return query(sql if page is None else f"{sql}\n{of_page(page)}", parameters)


def of_page(page: int) -> str:
    """The end of a statement that takes one page of its rows, counted from 1."""
    return f"LIMIT {PAGE} OFFSET {PAGE * (page - 1)}"


def number_of_runs(asked: Filter) -> int:
    """How many runs a filter asks for; one that both files have counts once."""
    condition, parameters = _condition(asked)
    if database.own_meta() is None:
        sql = f"SELECT count(*) AS n {_from(PUBLISHED)} WHERE {condition}"
    else:
        sql, parameters = (
            f"SELECT count(*) AS n FROM ({_runs_of_both(condition, asked.origin)})",
            parameters | _origin(asked),
        )
    return query(sql, parameters)["n"][0].as_py()


def _files() -> tuple[str, ...]:
    return (PUBLISHED,) if database.own_meta() is None else (PUBLISHED, OWN)


def _from(of: str) -> str:
    return f"FROM {of}.runs r JOIN {of}.configurations c USING (configuration) JOIN {of}.studies s ON s.study = r.study"


def _runs_of(of: str, further: str = "") -> str:
    # Only a complete run has an error at its end: a curve that breaks off tells of the moment where it broke.
    return f"""
SELECT r.run_id, s.question, r.study, c.map, c.x, c.settings::VARCHAR AS settings, c.n_params, r.seed, r.status::VARCHAR AS status,
       CASE WHEN r.status = 'complete' THEN 1 - ended.curve.train_correct / r.n_train END AS train_error,
       CASE WHEN r.status = 'complete' THEN 1 - ended.curve.test_correct / r.n_test END AS test_error, r.wall_s, r.started_at{further}
{_from(of)}
LEFT JOIN (SELECT run, max_by({{'train_correct': train_correct, 'test_correct': test_correct}}, epoch) AS curve
           FROM {of}.curves GROUP BY run) ended ON ended.run = r.run"""


def _condition(asked: Filter) -> tuple[str, dict[str, Any]]:
    wanted = {"s.question": asked.question, "r.study": asked.study, "r.status": asked.status}
    conditions, parameters = [], {}
    for column, value in wanted.items():
        if value is not None:
            name = column.partition(".")[2]
            conditions.append(f"{column} = ${name}")
            parameters[name] = value
    settings, words = list(asked.settings.items()), []
    for word in asked.words.split()[:MOST_WORDS]:
        name, _, value = word.partition("=")
        if name.isidentifier() and value:
            settings.append((name, value))
        else:
            words.append(word)
    for number, (name, value) in enumerate(settings):
        is_seed = name == "seed"
        found = "CAST(r.seed AS VARCHAR)" if is_seed else f"json_extract_string(c.settings, $name{number})"
        conditions.append(_is(found, f"$value{number}"))
        parameters |= {f"value{number}": _text(value)} | ({} if is_seed else {f"name{number}": f"$.{name}"})
    for number, word in enumerate(words):
        conditions.append(f"contains(lower({SEARCHED}), lower($word{number}))")
        parameters[f"word{number}"] = word
    return " AND ".join(conditions) or "true", parameters


def _is(value: str, asked: str) -> str:
    """Equal as text, or as numbers however they are written: 1e-3 is 0.001."""
    return f"({value} = {asked} OR TRY_CAST({value} AS DOUBLE) = TRY_CAST({asked} AS DOUBLE))"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _order(sort: str) -> str:
    grid = "study, map, x, seed, run_id"
    if sort == "grid":
        return grid
    if sort == "-apart":
        return f"abs(difference) DESC NULLS LAST, {grid}"
    return f"{sort.lstrip('-')} {'DESC' if sort.startswith('-') else 'ASC'} NULLS LAST, {grid}"


def run(run_id: str, of: str = PUBLISHED) -> dict[str, Any] | None:
    """Everything about one run: its row, its map and x, its study's question, data set, x axis, clock and loss, `settings` as a dictionary; None when
    the file has no such run."""
    rows = query(
        """
        SELECT r.*, r.status::VARCHAR AS status, c.settings::VARCHAR AS settings, c.n_params, c.x, c.map, s.question, s.dataset_copy, s.dataset,
               s.x_axis, s.clock, s.loss
        FROM runs r JOIN configurations c USING (configuration) JOIN studies s ON s.study = r.study
        WHERE r.run_id = $run_id
        """,
        {"run_id": run_id},
        of=of,
    ).to_pylist()
    return rows[0] | {"settings": json.loads(rows[0]["settings"])} if rows else None


def curves(run_id: str, of: str = PUBLISHED) -> pa.Table:
    """Errors (fractions) and losses (as in `studies.loss`) of one run at every reading of its clock."""
    return query(CURVES, {"run_id": run_id}, of=of)


def measured(run_id: str, table: str, of: str = PUBLISHED) -> pa.Table:
    """The rows of a run in one of the tables of MEASURED; none where that was not measured."""
    return query(MEASURED[table], {"run_id": run_id}, of=of)


OTHERS = """
SELECT r.seed, c.epoch, 1 - c.test_correct / r.n_test AS test_error
FROM curves c JOIN runs r USING (run)
WHERE r.configuration = (SELECT configuration FROM runs WHERE run_id = $run_id) AND r.run_id <> $run_id
  AND c.test_correct IS NOT NULL AND r.n_test > 0
ORDER BY r.seed, c.epoch
"""
BAND = """
SELECT epoch, mean, low, high, n FROM intervals
WHERE configuration = (SELECT configuration FROM runs WHERE run_id = $run_id)
  AND measure::VARCHAR = 'test_error' AND low IS NOT NULL AND epoch IS NOT NULL
ORDER BY epoch
"""


def others(run_id: str, of: str = PUBLISHED) -> pa.Table:
    """The test error (a fraction) of the other seeds of a run's configuration at every reading: seed, epoch, test_error."""
    return query(OTHERS, {"run_id": run_id}, of=of)


def band(run_id: str, of: str = PUBLISHED) -> pa.Table:
    """Mean and interval of the test error (fractions) over the complete runs of a run's configuration: epoch, mean, low, high, n; no row
    where they are fewer than three."""
    return query(BAND, {"run_id": run_id}, of=of)


def siblings(run_id: str, of: str = PUBLISHED) -> pa.Table:
    """The runs of the same configuration, this one included, by seed, with their errors at the end."""
    condition = "WHERE r.configuration = (SELECT configuration FROM runs WHERE run_id = $run_id)"
    sql = f"SELECT run_id, seed, status, train_error, test_error FROM ({_runs_of(of)} {condition}) ORDER BY seed"
    return query(sql, {"run_id": run_id}, of=of)
