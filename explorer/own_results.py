"""One's own results over the published ones: what is said of the second file, its runs over a picture, and the difference in the table.

A page lays them over its picture with three calls: `over(table)` gives its own runs as rows like those of the table behind the picture, which
`charts.own_marks.hollow` draws; `legend(...)` says them in words; `beside(table, ...)` is that table with the difference.
"""

from typing import Any, NamedTuple

import pyarrow as pa
import streamlit as st

from explorer import database, format
from explorer.database import query
from explorer.results import own
from explorer.text import t

MEASURES = ("train_error", "val_error", "test_error")
ERRORS = ("test_error", "train_error")  # those with a column of their own


class Twins(NamedTuple):
    """The own runs of a picture that have a value and those that have none, how many of the former are published too, and the largest
    difference between such two in the unit of the value (None without any)."""

    drawn: int
    without: int
    both: int
    apart: float | None


def told() -> None:
    """Says which file lies over the published one, how many runs it has, and how many of them are published too; nothing without one."""
    if database.own_meta() is None:
        return
    counts = query(
        "SELECT count(*) AS own, count(p.run_id) AS both FROM own.runs o LEFT JOIN results.runs p USING (run_id)"
    )
    facts = {name: format.count(counts[name][0].as_py()) for name in ("own", "both")}
    st.caption(t("site.own.there", file=_file(), **facts))


def refusal(problem: database.Unusable) -> str:
    """Why the file of one's own results is not laid over, and what to do, in one line."""
    return t(f"site.own.{problem.kind}", file=f"`{problem.path}`", **problem.versions)


def version() -> str:
    """The content of the second file in short, for what is kept of a picture; "" without one."""
    own_meta = database.own_meta()
    return own_meta["content_hash"] if own_meta else ""


def over(
    table: pa.Table, measures: tuple[str, ...] = MEASURES, sql: str = own.ENDS, **params: Any
) -> list[dict[str, Any]]:
    """One's own runs of the configurations that a table shows by its column run_id, each a row of that table with run_id, seed, status and
    `measures` of one's own; `published` is the row of the same run in the table, None without. Empty without a second file.

    `sql` gives the measures of every run by run_id; the default are its errors at the end. Every other column is that of a published run
    of the same configuration, so that `measures` names all that differ between its seeds.
    """
    shown = {row["run_id"]: row for row in table.to_pylist()}
    runs = own.alike(list(shown))
    found = own.measured([run["run_id"] for run in runs], sql, **params) if runs else {}
    return [
        shown[run["like"]]
        | {name: run[name] for name in ("run_id", "seed", "status")}
        | {name: found.get(run["run_id"], {}).get(name) for name in measures}
        | {"published": shown.get(run["run_id"])}
        for run in runs
    ]


def apart(row: dict[str, Any], value: str, factor: float = 100) -> float | None:
    """One's own value of a row of `over` minus the published one of the same run, times `factor`; None where either is missing."""
    pair = row[value], row["published"] and row["published"][value]
    return None if None in pair else factor * (pair[0] - pair[1])


def twins(rows: list[dict[str, Any]], value: str) -> Twins:
    """What `legend` says of the rows of `over`, by one of their measures."""
    there = [row for row in rows if row[value] is not None]
    sizes = [abs(size) for row in there if (size := apart(row, value, 1)) is not None]
    both = sum(row["published"] is not None for row in there)
    return Twins(len(there), len(rows) - len(there), both, max(sizes, default=None))


def legend(rows: list[dict[str, Any]], value: str = "test_error", unit: str = "points") -> None:
    """The hollow marks in words: how many of one's own runs are in the picture, how far they are from the published ones, how many have no
    mark. Nothing without a second file. `unit` is points of an error, or a key of site.own.unit: counts, or a loss with two digits."""
    if database.own_meta() is None:
        return
    if not rows:
        st.caption(t("site.own.none_here", file=_file()))
        return
    found = twins(rows, value)
    facts = {"file": _file(), "n": format.count(found.drawn), "both": format.count(found.both)}
    told = [t("site.own.legend", **facts)]
    if found.apart is not None:
        told.append(t("site.own.apart", size=_size(found.apart, unit)))
    if found.without:
        told.append(t("site.own.without", n=format.count(found.without)))
    st.caption(" ".join(told))


def beside(table: pa.Table, rows: list[dict[str, Any]], value: str = "test_error", factor: float = 100) -> pa.Table:
    """The table behind a picture with own_<value> and difference (own minus published, times `factor`: points of a fraction); own runs that
    are not published follow, without a published value. The table as it is without a second file."""
    if database.own_meta() is None:
        return table
    mine = {row["run_id"]: row for row in rows}
    told = [
        row | {f"own_{value}": mine[row["run_id"]][value] if row["run_id"] in mine else None}
        for row in table.to_pylist()
    ]
    new = [row for row in rows if row["published"] is None]
    empty = dict.fromkeys(MEASURES) | {value: None}
    told += [
        {name: row.get(name) for name in table.column_names} | _only(empty, table) | {f"own_{value}": row[value]}
        for row in new
    ]
    for row in told:
        pair = row[f"own_{value}"], row[value]
        row["difference"] = None if None in pair else factor * (pair[0] - pair[1])
    kinds = [*table.schema, pa.field(f"own_{value}", pa.float64()), pa.field("difference", pa.float64())]
    return pa.Table.from_pylist(told, schema=pa.schema(kinds))


def columns(shown: dict[str, list[Any]], table: pa.Table, value: str = "test_error") -> dict[str, list[Any]]:
    """The columns that `beside` added, under their names for the reader, after those of a table that is shown; without any as it is."""
    if f"own_{value}" not in table.column_names:
        return shown
    error = value in ERRORS
    return shown | {
        t(f"runs.column.own_{value}" if error else "site.own.column"): table[f"own_{value}"].to_pylist(),
        t("runs.column.difference" if error else "site.own.difference"): table["difference"].to_pylist(),
    }


def formats() -> dict[str, Any]:
    """How those columns of errors are written."""
    percent = st.column_config.NumberColumn(format="percent")
    errors = {t(f"runs.column.own_{value}"): percent for value in ERRORS}
    return errors | {t("runs.column.difference"): st.column_config.NumberColumn(format="%+.2f")}


def _size(apart: float, unit: str) -> str:
    if unit == "points":
        return format.points(apart, 2, signed=False)
    return t(f"site.own.unit.{unit}", n=f"{apart:.2g}" if unit == "loss" else format.count(round(apart)))


def _only(values: dict[str, Any], table: pa.Table) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in table.column_names}


def _file() -> str:
    return f"`{database.own_location().name}`"
