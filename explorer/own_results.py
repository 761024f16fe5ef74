"""One's own results over the published ones: what is said of the second file on the pages that show it."""

import streamlit as st

from explorer import database, format
from explorer.database import query
from explorer.text import t


def told() -> None:
    """Says which file lies over the published one, how many runs it has, and how many of them are published too; nothing without one."""
    if database.own_meta() is None:
        return
    counts = query(
        "SELECT count(*) AS own, count(p.run_id) AS both FROM own.runs o LEFT JOIN results.runs p USING (run_id)"
    )
    facts = {name: format.count(counts[name][0].as_py()) for name in ("own", "both")}
    st.caption(t("site.own.there", file=f"`{database.own_location().name}`", **facts))


def refusal(problem: database.Unusable) -> str:
    """Why the file of one's own results is not laid over, and what to do, in one line."""
    return t(f"site.own.{problem.kind}", file=f"`{problem.path}`", **problem.versions)
