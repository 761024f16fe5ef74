"""What the pages about no single question ask: facts of the file, studies with their provenance, claims with their parts and verdicts."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from explorer import database
from explorer.database import PUBLISHED, query

VERSION_DIGITS = 12

VERDICTS = ("shown", "not shown", "contradicted", "not tested here")
STATUSES = ("complete", "diverged", "failed")


CLAIMS = """
SELECT claim, question, study, verdict::VARCHAR AS verdict
FROM claims
ORDER BY list_position(['generalization', 'activation', 'depth', 'batch_norm', 'batch_size', 'wiring'], question), claim, study
"""

CLAIM_PARTS = """
SELECT claim, study, part, quantity, estimate, low, high, n, unit, bound, holds, details::VARCHAR AS details
FROM claim_parts ORDER BY claim, study, part
"""

CLAIMS_WITH_PARTS = """
SELECT c.claim, c.question, c.study, c.verdict::VARCHAR AS verdict, p.part, p.quantity, p.estimate, p.low, p.high, p.n, p.unit, p.bound, p.holds
FROM claims c LEFT JOIN claim_parts p ON p.claim = c.claim AND p.study = c.study
"""


def claims_with_parts(question: str, verdict: str, others: Sequence[tuple[str, str]] = ()) -> tuple[str, pa.Table]:
    """The statement that gives the claims of a question with a verdict ("all" for any), one row a measured part, and its rows. `others` are
    claims and studies of that question which are there whatever their verdict."""
    asked = {"question": question, "verdict": verdict}
    wanted = [f"c.{name} = '{value}'" for name, value in asked.items() if value != "all"]
    if others:
        pairs = ", ".join(f"('{claim}', '{study}')" for claim, study in others)
        wanted[-1] = f"({wanted[-1]} OR (c.claim, c.study) IN ({pairs}))"
    where = f"WHERE {' AND '.join(wanted)}\n" if wanted else ""
    sql = f"{CLAIMS_WITH_PARTS.rstrip()}\n{where}ORDER BY c.claim, c.study, p.part"
    return sql, query(sql)


FACTS = "SELECT key, value FROM meta ORDER BY key"


def facts() -> pa.Table:
    """The facts about the results file: key, value."""
    return query(FACTS)


def meta() -> dict[str, str]:
    """The same by key, without asking the file again."""
    return database.meta()


def data_version() -> str:
    """The first twelve hex digits of the content hash: what `v=` in an address names."""
    return meta()["content_hash"][:VERSION_DIGITS]


def baked_questions() -> set[str]:
    """The questions with at least one finished run."""
    return set(query("SELECT DISTINCT question FROM studies WHERE complete > 0")["question"].to_pylist())


def unfinished_studies() -> set[str]:
    """The studies of which planned runs are missing."""
    return set(query("SELECT study FROM studies WHERE complete + diverged + failed < planned")["study"].to_pylist())


def studies() -> list[dict[str, Any]]:
    """Every study with its data set and its numbers of runs: planned, complete, diverged, failed."""
    return query("SELECT * FROM studies ORDER BY study").to_pylist()


def provenance(names: list[str]) -> dict[str, Any]:
    """Where the runs of some studies come from: `commits`, `devices`, `versions`, `datasets` (lists), `first`, `last` (UTC), `runs`."""
    table = query(
        """
        SELECT list_sort(list(DISTINCT r.git_commit)) AS commits, list_sort(list(DISTINCT r.device)) AS devices,
               list_sort(list(DISTINCT 'PyTorch ' || r.torch || ', Python ' || r.python)) AS versions,
               list_sort(list(DISTINCT s.dataset_copy) FILTER (s.dataset <> 'none')) AS datasets,
               min(r.started_at) AS first, max(r.started_at) AS last, count(*) AS runs
        FROM runs r JOIN studies s USING (study) WHERE list_contains($names, study)
        """,
        {"names": names},
    )
    facts = table.to_pylist()[0]
    return facts | {key: facts[key] or [] for key in ("commits", "devices", "versions", "datasets")}


def claims(of: str = PUBLISHED) -> pa.Table:
    """Every claim with its verdict: claim, question, study (NULL when none tests it), verdict."""
    return query(CLAIMS, of=of)


def claim_parts(of: str = PUBLISHED) -> pa.Table:
    """The measured parts behind the verdicts."""
    return query(CLAIM_PARTS, of=of)


def number_of_claims() -> int:
    """How many claims there are, each counted once."""
    return query("SELECT count(DISTINCT claim) AS n FROM claims")["n"][0].as_py()


def verdict_counts() -> dict[str, int]:
    """How many claims have each verdict; a claim tested by several studies counts once for each of its verdicts."""
    counted = query("SELECT verdict::VARCHAR AS verdict, count(DISTINCT claim) AS n FROM claims GROUP BY 1").to_pylist()
    found = {row["verdict"]: row["n"] for row in counted}
    return {verdict: found.get(verdict, 0) for verdict in VERDICTS}
