"""Wiring: the families of graphs that wire the stages of a network, every graph and run of them, and what a graph is worth part by part.

A run *fails to train* when it diverges, or when its train error is above 80% at the end; see precompute/evidence/families.py, whose rule
this is. Errors are fractions, contrasts percentage points. Means, deviations and intervals of families are read from the table `families`,
never made here; a graph is the mean of its seeds that train.
"""

import json
from typing import Any, NamedTuple

import pyarrow as pa

from explorer.database import PUBLISHED, query
from explorer.results.depth import FAILED, OUTCOME
from explorer.results.studies import Study, offered

QUESTION = "wiring"
STUDIES = ("cifar10_small", "cifar10")  # in the order offered
RESIDUAL = "residual_chain"
BASELINES = ("chain", RESIDUAL, "complete")
"""Families of one graph, beside which the others are seen."""
MEASURES = ("path_length", "clustering", "mean_degree")
BY_FAMILY = "c.settings->>'family' AS family, CAST(c.settings->>'links' AS INTEGER) AS links, CAST(c.settings->>'p' AS DOUBLE) AS p"

ENDS = f"""
WITH last AS (
    SELECT run, train_correct, val_correct, test_correct
    FROM curves SEMI JOIN (SELECT run FROM runs WHERE study = $study) USING (run)
    QUALIFY row_number() OVER (PARTITION BY run ORDER BY epoch DESC) = 1
), ends AS (
    SELECT r.run, r.run_id, r.configuration, r.seed, {BY_FAMILY}, CAST(c.settings->>'graph' AS INTEGER) AS graph, c.n_params,
           {OUTCOME} AS outcome,
           1 - v.train_correct / r.n_train AS train_error, 1 - v.val_correct / r.n_val AS val_error,
           1 - v.test_correct / r.n_test AS test_error
    FROM runs r JOIN configurations c USING (configuration) LEFT JOIN last v USING (run)
    WHERE r.study = $study
)"""
"""Every run of $study where it ended, with its family and the number of its graph."""

RUNS = f"""{ENDS}
SELECT e.family, e.links, e.p, e.graph, e.seed, e.run_id, e.n_params, e.outcome, e.train_error, e.val_error, e.test_error,
       f.test_error AS family_mean, f.low AS family_low, f.high AS family_high, f.n AS family_n
FROM ends e LEFT JOIN families f ON f.study = $study AND f.family = e.family AND f.links = e.links AND f.p = e.p
ORDER BY e.family, e.links, e.p, e.graph, e.seed
"""

GRAPHS = f"""{ENDS}
SELECT e.family, e.links, e.p, e.graph, g.n_params, g.path_length, g.clustering, g.mean_degree, g.longest_path, g.edges, g.sources, g.sinks,
       CAST(count(*) AS INTEGER) AS runs, CAST(count(*) FILTER (e.outcome IN {FAILED}) AS INTEGER) AS failed,
       CAST(count(*) FILTER (e.outcome = 'trained') AS INTEGER) AS trained,
       avg(e.test_error) FILTER (e.outcome = 'trained') AS test_error
FROM ends e JOIN (
    SELECT configuration, any_value(c.n_params) AS n_params, avg(path_length) AS path_length, avg(clustering) AS clustering,
           avg(mean_degree) AS mean_degree, avg(longest_path) AS longest_path, CAST(sum(edges) AS INTEGER) AS edges,
           CAST(sum(sources) AS INTEGER) AS sources, CAST(sum(sinks) AS INTEGER) AS sinks
    FROM graphs JOIN configurations c USING (configuration) GROUP BY configuration
) g USING (configuration)
GROUP BY ALL ORDER BY e.family, e.links, e.p, e.graph
"""


CONFIGURATION = """
        SELECT configuration FROM configurations WHERE study = $study AND settings->>'family' = $family
        AND CAST(settings->>'links' AS INTEGER) = $links AND CAST(settings->>'p' AS DOUBLE) = $p
        AND CAST(settings->>'graph' AS INTEGER) = $graph ORDER BY configuration LIMIT 1"""


class Family(NamedTuple):
    """A family of graphs with its parameters."""

    family: str
    links: int
    p: float

    @property
    def random(self) -> bool:
        """Whether its graphs differ, as in precompute/graphs.py."""
        return self.family in ("er", "ba") or (self.family == "ws" and self.p > 0)

    @property
    def code(self) -> str:
        """As an address has it: ws-4-0.75, er-0.4, ba-3, chain."""
        told = {"er": (self.p,), "ba": (self.links,), "ws": (self.links, self.p)}.get(self.family, ())
        return "-".join([self.family, *(f"{value:g}" for value in told)])


class Graph(NamedTuple):
    """One graph, which is one for each stage: its number within its family."""

    of: Family
    number: int

    @property
    def code(self) -> str:
        """As an address has it: ws-4-0.75-2; with a family of one graph its number is 0."""
        return f"{self.of.code}-{self.number}"


def studies() -> list[Study]:
    """The studies of the question with at least one finished run, in the order in which they are offered."""
    return offered(QUESTION, STUDIES)


def family_of(row: dict[str, Any]) -> Family:
    """The family that a row speaks of."""
    return Family(row["family"], row["links"], row["p"])


def graph_of(row: dict[str, Any]) -> Graph:
    """The graph that a row speaks of."""
    return Graph(family_of(row), row["graph"])


def families(study: Study) -> list[dict[str, Any]]:
    """The rows of the table `families`, the lowest mean test error first, those of which no run trains last; each with `of`, its Family."""
    rows = query(
        "SELECT * EXCLUDE (study) FROM families WHERE study = $study ORDER BY test_error NULLS LAST, family, links, p",
        {"study": study.name},
    ).to_pylist()
    return [row | {"of": family_of(row)} for row in rows]


def graphs(study: Study) -> list[dict[str, Any]]:
    """Every graph that was trained: its family, number, parameters, measures as means over its stages (edges, sources and sinks as sums),
    runs, failed, trained, and its mean test error over the seeds that train (None where none does); `of` is its Graph."""
    return [row | {"of": graph_of(row)} for row in query(GRAPHS, {"study": study.name}).to_pylist()]


def runs(study: Study) -> pa.Table:
    """Every run: family, links, p, graph, seed, run_id, n_params, outcome (trained, untrained, diverged, raised), train_error, val_error,
    test_error at the last epoch, and of its family the mean test error, its interval and what n counts: family_mean, family_low, family_high,
    family_n."""
    return query(RUNS, {"study": study.name})


def runs_sql(study: Study) -> str:
    """The statement that gives the runs of a study."""
    return RUNS.replace("$study", f"'{study.name}'")


def settings(study: Study) -> dict[str, Any]:
    """The settings of one network of a study; what differs between its networks is the family, its parameters and the graph."""
    rows = query(
        "SELECT settings::VARCHAR AS settings FROM configurations WHERE study = $study ORDER BY configuration LIMIT 1",
        {"study": study.name},
    )
    return json.loads(rows["settings"][0].as_py())


def settings_of(study: Study, name: str) -> list[Any]:
    """The values of one setting in the study's configurations, as text."""
    return query(
        "SELECT DISTINCT settings->>$name AS value FROM configurations WHERE study = $study ORDER BY value",
        {"study": study.name, "name": name},
    )["value"].to_pylist()


def stages(study: Study, graph: Graph, of: str = PUBLISHED) -> list[dict[str, Any]]:
    """The rows of the table `graphs` of one graph, stage by stage."""
    return _of_graph("graphs", "stage", study, graph, of)


def nodes(study: Study, graph: Graph, of: str = PUBLISHED) -> list[dict[str, Any]]:
    """The nodes of one graph and where they are drawn: stage, node, in_degree, out_degree, x, y."""
    return _of_graph("nodes", "stage, node", study, graph, of)


def edges(study: Study, graph: Graph, of: str = PUBLISHED) -> list[dict[str, Any]]:
    """The edges of one graph: stage, source, target, bend."""
    return _of_graph("edges", "stage, target, source", study, graph, of)


def _of_graph(table: str, order: str, study: Study, graph: Graph, of: str) -> list[dict[str, Any]]:
    return query(
        f"SELECT t.* EXCLUDE (configuration) FROM {table} t JOIN ({CONFIGURATION}) USING (configuration) ORDER BY {order}",
        _named(study, graph),
        of=of,
    ).to_pylist()


def weights(run_id: str, of: str = PUBLISHED) -> dict[tuple[int, int, int], float]:
    """The learned weight of each edge of a run, by stage, source and target; none where none were stored."""
    rows = query(
        "SELECT stage, source, target, weight FROM edge_weights JOIN runs USING (run) WHERE run_id = $run_id",
        {"run_id": run_id},
        of=of,
    ).to_pylist()
    return {(row["stage"], row["source"], row["target"]): row["weight"] for row in rows}


DAMAGE = """
WITH parts AS (
    SELECT d.kind, d.stage, d.part, d.target, coalesce(d.n_test, r.n_test) AS n_test, 1 - d.test_correct / coalesce(d.n_test, r.n_test) AS error_without
    FROM damage d JOIN runs r USING (run) WHERE r.run_id = $run_id
)
SELECT p.kind, p.stage, p.part, p.target, p.n_test, p.error_without, whole.error_without AS error_whole,
       p.error_without - whole.error_without AS damage
FROM parts p CROSS JOIN (SELECT error_without FROM parts WHERE kind = 'none') whole
WHERE p.kind IN ('node', 'edge') ORDER BY p.kind DESC, p.stage, p.part, p.target
"""


def damage(run_id: str, of: str = PUBLISHED) -> pa.Table:
    """What a trained network loses when one node or edge is taken out: kind, stage, part, target, n_test, the test error without it and of the whole
    network, both on the same examples, and their difference (fractions)."""
    return query(DAMAGE, {"run_id": run_id}, of=of)


def contrasts(study: Study) -> list[dict[str, Any]]:
    """Each family minus the residual chain, largest effect first: part (train, test), `of` (its Family), estimate, low, high (points), n, p and
    p_adjusted."""
    rows = query(
        """
        SELECT quantity, changed::VARCHAR AS changed, estimate, low, high, n, p, p_adjusted
        FROM contrasts WHERE study = $study ORDER BY abs(estimate) DESC, quantity, changed
        """,
        {"study": study.name},
    ).to_pylist()
    return [
        row
        | {
            "part": row["quantity"].removeprefix("final_").partition("_error_")[0],
            "of": family_of(json.loads(row["changed"])),
        }
        for row in rows
    ]


def claim(study: Study, code: str) -> tuple[str, dict[str, Any]] | None:
    """The verdict of a claim that the study tests and its only measured part, `details` as a dictionary; None where it does not test it."""
    rows = query(
        """
        SELECT c.verdict::VARCHAR AS verdict, p.* EXCLUDE (details), p.details::VARCHAR AS details
        FROM claims c JOIN claim_parts p ON p.claim = c.claim AND p.study = c.study WHERE c.claim = $claim AND c.study = $study
        """,
        {"claim": code, "study": study.name},
    ).to_pylist()
    return (rows[0]["verdict"], rows[0] | {"details": json.loads(rows[0]["details"])}) if rows else None


def _named(study: Study, graph: Graph) -> dict[str, Any]:
    return {"study": study.name, **graph.of._asdict(), "graph": graph.number}
