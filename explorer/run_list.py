"""The list of runs: the filters, all in the address, what they ask for in words, and a table of one page of the runs they find."""

import json
import re
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from explorer import address, database, format
from explorer.footer import footer, table_button
from explorer.frame import QUESTIONS
from explorer.results import runs, site
from explorer.results.runs import Filter
from explorer.text import has, t

ANY = "any"
PAGE_KEY = "page"
KEYS = ("question", "study", "status", "origin", "q", "sort", PAGE_KEY)
"""What the address may say of the list, beside the settings of a study."""


def in_the_address() -> dict[str, str]:
    """The part of the address that is about the list of runs."""
    study = address.get("study")
    settings = runs.settings_that_vary(study) if study else {}
    return {key: asked for key in (*KEYS, *settings) if (asked := address.get(key)) is not None}


def filters() -> tuple[Filter, str]:
    """Draws the filters; returns what they ask for, and the order."""
    studies = runs.studies()
    settings = tuple(
        key for key in st.query_params if key not in address.RESERVED.union(KEYS)
    )  # another study has its own
    with st.container(horizontal=True, vertical_alignment="bottom"):
        there = [question for question in QUESTIONS if question in {row["question"] for row in studies}]
        question = _choice(
            "question", there, t("runs.question"), lambda code: t(f"site.nav.{code}"), ("study", *settings)
        )
        names = [row["study"] for row in studies if question in (None, row["question"])]
        study = _choice("study", names, t("site.study"), str, settings)
        status = _choice("status", list(site.STATUSES), t("runs.status"), status_name)
        origin = None
        if database.own_meta() is not None:
            origin = _choice("origin", list(runs.ORIGINS), t("runs.origin"), lambda code: t(f"runs.origin_of.{code}"))
    asked = _settings(study) if study else {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = address.words(
            "q", label=t("runs.search"), placeholder=t("runs.search_example"), resets=(PAGE_KEY,)
        ).strip()
        sorts = list(runs.SORTS) + (list(runs.OWN_SORTS) if database.own_meta() is not None else [])
        sort = address.choice(
            "sort", sorts, "grid", label=t("runs.sort"), format=lambda code: t(f"runs.sorted.{code}"), widget="select",
            resets=(PAGE_KEY,),
        )  # fmt: skip
    return Filter(question, study, status, asked, words, origin), sort


def _settings(study: str) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, values in runs.settings_that_vary(study).items():
            value = _choice(name, values, setting_name(name, study), partial(setting_value, name=name))
            if value is not None:
                chosen[name] = value
    return chosen


def _choice(key: str, options: list[Any], label: str, format: Any, resets: tuple[str, ...] = ()) -> Any:
    """A choice among options or any of them, which is None."""
    value = address.choice(
        key, [ANY, *options], ANY, label=label, format=lambda code: t("runs.any") if code == ANY else format(code),
        widget="select", resets=(PAGE_KEY, *resets),
    )  # fmt: skip
    return None if value == ANY else value


def listed(asked: Filter, sort: str) -> None:
    """What was found in words, one page of it as a table, the way to the other pages, and the footer."""
    n = runs.number_of_runs(asked)
    pages = max(1, -(-n // runs.PAGE))
    sentence = st.container()
    page = address.page(PAGE_KEY, pages, label=t("runs.page"))
    table = runs.runs(asked, sort, page)
    with sentence:
        st.markdown(in_words(asked, sort, n, page))
    if n == 0:
        st.info(t("runs.none"))
    else:
        _table(table, asked.study)
        st.caption(t("runs.choose"))
        name = f"runs-{site.data_version()}.csv"
        table_button(t("runs.csv", n=format.count(n)), lambda: runs.runs(asked, sort), name, "runs.csv")
    studies = [asked.study] if asked.study else list(dict.fromkeys(table["study"].to_pylist()))
    sql, parameters = runs.runs_sql(asked, sort)
    footer(
        page="runs",
        studies=studies,
        table=table,
        sql=filled(f"{sql}\n{runs.of_page(page)}", parameters),
        rerun=f"python -m precompute run {' '.join(studies)}" if studies else None,
    )


def in_words(asked: Filter, sort: str, n: int, page: int) -> str:
    """The filter as a sentence: how many of how many runs, what was asked of them, their order, and which are shown."""
    parts = [t(f"site.nav.{asked.question}")] if asked.question and not asked.study else []
    parts += [f"`{asked.study}`"] if asked.study else []
    parts += [
        t("runs.filter", name=setting_name(name, asked.study), value=setting_value(value, name))
        for name, value in asked.settings.items()
    ]
    parts += [status_name(asked.status)] if asked.status else []
    parts += [t(f"runs.origin_of.{asked.origin}")] if asked.origin else []
    parts += [t("runs.with_words", words=format.literal(asked.words))] if asked.words else []
    total = format.count(runs.number_of_runs(Filter()))
    told = t("runs.sentence", n=format.count(n), total=total, asked=", ".join(parts) or t("runs.everything"))
    if n == 0:
        return told
    first, last = runs.PAGE * (page - 1) + 1, min(runs.PAGE * page, n)
    shown = t("runs.shown", first=format.count(first), last=format.count(last), sort=t(f"runs.sorted.{sort}"))
    return f"{told} {shown}"


def _table(table: pa.Table, study: str | None) -> None:
    st.dataframe(
        _columns_shown(table, study),
        hide_index=True,
        height="content",
        column_config=columns(study),
        on_select=lambda: _open_selected(table),
        selection_mode="single-row",
        key="runs.table",
        alt=t("runs.table_alt", n=table.num_rows),
    )


def _columns_shown(table: pa.Table, study: str | None) -> pa.Table:
    """The link first, then what tells the runs apart, then what was measured."""
    rows = [json.loads(text) for text in table["settings"].to_pylist()]
    if study:
        names = list(runs.settings_that_vary(study))
        told = {f"setting.{name}": pa.array([row.get(name) for row in rows]) for name in names}
    else:
        of = table["study"].to_pylist()
        varying = {name: list(runs.settings_that_vary(name)) for name in dict.fromkeys(of)}
        words = [
            ", ".join(_told(name, row[name], each) for name in varying[each] if name in row)
            for each, row in zip(of, rows, strict=True)
        ]
        told = {"study": table["study"], "settings": pa.array(words, pa.string())}
    measured = {name: table[name] for name in ("seed", "status", "train_error", "test_error")}
    if "own_test_error" in table.column_names:
        measured |= {"own_test_error": table["own_test_error"], "difference": in_points(table["difference"])}
        measured["origin"] = pa.array(
            [t(f"runs.origin_of.{code}") for code in table["origin"].to_pylist()], pa.string()
        )
    costs = {name: table[name] for name in ("n_params", "wall_s")}
    return linked(pa.table({"run_id": table["run_id"]} | told | measured | costs))


def _told(name: str, value: Any, study: str) -> str:
    return t("runs.filter", name=setting_name(name, study), value=setting_value(value, name))


def in_points(fractions: pa.ChunkedArray) -> pa.ChunkedArray:
    """Differences of fractions in percentage points."""
    return pc.multiply(fractions.cast(pa.float64()), 100.0)


def linked(table: pa.Table) -> pa.Table:
    """The same rows with the run as a link, and its status in words."""
    columns = {name: table[name] for name in table.column_names}
    columns["run_id"] = pa.array([address.link("runs", run=run) for run in table["run_id"].to_pylist()], pa.string())
    columns["status"] = pa.array([status_name(status) for status in table["status"].to_pylist()], pa.string())
    return pa.table(columns)


def columns(study: str | None = None) -> dict[str, Any]:
    """The names and formats of the columns of a table of runs or of a run's curves."""
    number, plain = st.column_config.NumberColumn, st.column_config.Column
    errors = ("train_error", "val_error", "test_error", "own_test_error")
    words = ("study", "settings", "seed", "status", "epoch", "train_loss", "val_loss", "test_loss", "origin")
    varying = list(runs.settings_that_vary(study)) if study else []
    return (
        {name: number(t(f"runs.column.{name}"), format="percent") for name in errors}
        | {name: plain(t(f"runs.column.{name}")) for name in words}
        | {f"setting.{name}": plain(setting_name(name, study)) for name in varying}
        | {
            "n_params": number(t("runs.column.n_params"), format="localized"),
            "wall_s": number(t("runs.column.wall_s"), format="%.1f"),
            "difference": number(t("runs.column.difference"), format="%+.2f"),
            "run_id": st.column_config.LinkColumn(t("runs.column.run_id"), display_text=r"run=([0-9a-f]+)"),
        }
    )


def _open_selected(table: pa.Table) -> None:
    rows = st.session_state["runs.table"].selection.rows
    if rows and rows[0] < table.num_rows:
        address.put("run", table["run_id"][rows[0]].as_py())


def setting_name(name: str, study: str | None = None) -> str:
    """A setting in words, as a study means it, or its own name where there are none."""
    special = f"runs.setting.{name}_of_resnets" if study and "resnet" in study else ""
    keys = [special, f"site.setting.{name}", f"runs.setting.{name}"]
    return next((t(key) for key in keys if key and has(key)), name.replace("_", " "))


def setting_value(value: Any, name: str = "") -> str:
    """A value of a setting as one would write it; in words where it is a code that has some."""
    if has(f"runs.value.{name}.{value}"):
        return t(f"runs.value.{name}.{value}")
    if isinstance(value, bool):
        return t("runs.yes" if value else "runs.no")
    return format.plain(value) if isinstance(value, int | float) else str(value)


def status_name(status: str) -> str:
    """A status in words."""
    return t(f"site.status.{status}")


def filled(sql: str, parameters: dict[str, Any]) -> str:
    """The statement with its parameters written in, to be run by hand."""

    def written(place: re.Match[str]) -> str:
        if place[1] not in parameters:
            return place[0]
        return "'" + str(parameters[place[1]]).replace("'", "''") + "'"

    return re.sub(r"\$(\w+)", written, sql)
