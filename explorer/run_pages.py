"""The two views of the runs page: the list of a study's runs, and one run laid open."""

import json
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, format
from explorer.charts.run_curves import run_curves
from explorer.footer import footer
from explorer.frame import FILES, ICONS
from explorer.results import runs, site
from explorer.text import has, t

ANY = "any"
FACTS = [
    "n_params",
    "steps",
    "epochs",
    "best_epoch",
    "n_train",
    "n_val",
    "n_test",
    "wrong_labels",
    "flops",
    "wall_s",
    "device",
    "engine",
    "precision",
    "torch",
    "python",
    "git_commit",
    "recipe",
    "started_at",
    "dataset_copy",
    "data_fingerprint",
]


def find(run_id: str | None) -> dict[str, Any] | None:
    """The run of that lasting name, or None."""
    return None if run_id is None else runs.run(run_id)


def filters() -> tuple[str, str | None, dict[str, Any]]:
    """Draws the filters; returns the study, the status (None for any) and the settings asked for. All are in the address."""
    names = [study["study"] for study in site.studies()]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        study = address.choice("study", names, names[0], label=t("site.study"), widget="select")
        status = address.choice(
            "status", [ANY, *site.STATUSES], ANY, label=t("runs.status"), format=_status_name, widget="select"
        )
    chosen: dict[str, Any] = {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, values in runs.settings_that_vary(study).items():
            value = address.choice(
                name, [ANY, *values], ANY, label=setting_name(name), format=_setting_value, widget="select"
            )
            if value != ANY:
                chosen[name] = value
    return study, None if status == ANY else status, chosen


def listed(study: str, status: str | None, settings: dict[str, Any]) -> None:
    """The list of runs, what it holds in words, and the footer."""
    table = runs.runs(study, status, settings)
    st.markdown(_sentence(table.num_rows, study, status, settings))
    if table.num_rows == 0:
        st.info(t("runs.none"))
    else:
        st.caption(t("runs.choose"))
        st.dataframe(
            _with_settings(table, list(runs.settings_that_vary(study))),
            hide_index=True,
            column_config=_columns(),
            on_select=lambda: _open_selected(table),
            selection_mode="single-row",
            key="runs.table",
            alt=t("runs.table_alt", n=table.num_rows),
        )
    sql, parameters = runs.runs_sql(study, status, settings)
    rerun = f"python -m precompute run {study}"
    footer(page="runs", studies=[study], table=table, sql=_filled(sql, parameters), rerun=rerun)


def one(run: dict[str, Any]) -> None:
    """One run: its curves, configuration, provenance, siblings and the command that repeats it."""
    st.title(t("runs.run_title", id=run["run_id"]))
    status = t(f"site.status.{run['status']}")
    st.markdown(t("runs.run_lead", study=f"`{run['study']}`", seed=run["seed"], status=status))
    st.page_link(
        FILES["runs"],
        label=t("runs.all"),
        icon=f":material/{ICONS['runs']}:",
        query_params=address.parameters(study=run["study"]),
    )
    if run["status"] == "diverged":
        st.warning(t("runs.diverged", step=format.count(run["stop_step"] or 0)), icon=":material/trending_up:")
    if run["status"] == "failed":
        st.error(t("runs.failed", message=run["error"]), icon=":material/error:")
    curves = runs.curves(run["run_id"])
    _curves(curves)
    configuration, provenance = st.columns(2, gap="large")
    with configuration:
        st.subheader(t("runs.configuration"))
        _facts({setting_name(name): _setting_value(value) for name, value in run["settings"].items()})
    with provenance:
        st.subheader(t("runs.provenance"))
        _facts({t(f"runs.fact.{name}"): _fact(name, run[name]) for name in FACTS})
    st.subheader(t("runs.siblings"))
    siblings = runs.siblings(run["run_id"])
    st.dataframe(_linked(siblings), hide_index=True, column_config=_columns(), alt=t("runs.siblings_alt"))
    st.subheader(t("runs.repeat"))
    st.markdown(t("runs.repeat_text"), width=760)
    command = f"python -m precompute run --run-id {run['run_id']}"
    st.code(command, language=None, wrap_lines=True)
    sql = _filled(runs.CURVES, {"run_id": run["run_id"]})
    footer(page="runs", studies=[run["study"]], table=curves, sql=sql, rerun=command)


def setting_name(name: str) -> str:
    """A setting in words, or its own name where there are none."""
    return t(f"site.setting.{name}") if has(f"site.setting.{name}") else name.replace("_", " ")


def _curves(curves: pa.Table) -> None:
    measured = [row for row in curves.to_pylist() if row["test_error"] is not None]
    if not measured:
        return
    st.subheader(t("runs.curves"))
    words = {kind: t(f"runs.curve.{kind}") for kind in ("train_error", "val_error", "test_error")}
    chart = run_curves(curves, names=words, x_title=t("runs.epoch"), y_title=t("runs.error"), legend=t("runs.which"))
    first, last, best = measured[0], measured[-1], min(measured, key=lambda row: row["test_error"])
    description = t(
        "runs.curves_alt",
        last=curves["epoch"][-1].as_py(),
        first=first["epoch"],
        test_first=format.percent(first["test_error"]),
        test_last=format.percent(last["test_error"]),
        best=best["epoch"],
        test_best=format.percent(best["test_error"]),
        train_last=format.percent(last["train_error"]),
    )
    st.altair_chart(chart, alt=description, key="run.curves")
    st.caption(t("runs.curves_caption"))
    with st.expander(t("runs.curves_table"), icon=":material/table:"):
        st.dataframe(curves, hide_index=True, column_config=_columns(), alt=t("runs.curves_table"))


def _sentence(n: int, study: str, status: str | None, settings: dict[str, Any]) -> str:
    total = sum(row["complete"] + row["diverged"] + row["failed"] for row in site.studies() if row["study"] == study)
    asked = [t("runs.filter", name=setting_name(name), value=_setting_value(value)) for name, value in settings.items()]
    if status is not None:
        asked.append(_status_name(status))
    filters = t("runs.with", filters=", ".join(asked)) if asked else ""
    return t("runs.sentence", n=format.count(n), total=format.count(total), study=f"`{study}`", filters=filters)


def _with_settings(table: pa.Table, names: list[str]) -> pa.Table:
    """The rows shown: the settings that vary first, then what was measured, then a link."""
    settings = [json.loads(text) for text in table["settings"].to_pylist()]
    columns = {setting_name(name): pa.array([row[name] for row in settings]) for name in names}
    columns |= {name: table[name] for name in table.column_names if name not in ("settings", "run_id", "epochs")}
    return _linked(pa.table({"run_id": table["run_id"]} | columns))


def _linked(table: pa.Table) -> pa.Table:
    """The same rows with the run as a link, and its status in words."""
    columns = {name: table[name] for name in table.column_names}
    columns["run_id"] = pa.array([address.link("runs", run=run) for run in table["run_id"].to_pylist()], pa.string())
    columns["status"] = pa.array([_status_name(status) for status in table["status"].to_pylist()], pa.string())
    return pa.table(columns)


def _columns() -> dict[str, Any]:
    errors = {
        name: st.column_config.NumberColumn(t(f"runs.column.{name}"), format="percent")
        for name in ("train_error", "val_error", "test_error")
    }
    plain = {
        name: st.column_config.Column(t(f"runs.column.{name}"))
        for name in ("seed", "status", "epochs", "epoch", "train_loss", "val_loss", "test_loss")
    }
    return errors | plain | {
        "n_params": st.column_config.NumberColumn(t("runs.column.n_params"), format="localized"),
        "wall_s": st.column_config.NumberColumn(t("runs.column.wall_s"), format="%.1f"),
        "run_id": st.column_config.LinkColumn(t("runs.column.run_id"), display_text=r"run=([0-9a-f]+)"),
    }  # fmt: skip


def _open_selected(table: pa.Table) -> None:
    rows = st.session_state["runs.table"].selection.rows
    if rows:
        address.put("run", table["run_id"][rows[0]].as_py())


def _facts(facts: dict[str, str]) -> None:
    names = {t("runs.column.name"): list(facts), t("runs.column.value"): list(facts.values())}
    st.table(names, border="horizontal", hide_index=True, hide_header=True)


def _fact(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name == "data_fingerprint":
        return f"{value[:16]}…"
    if name == "flops":
        return f"{value:.3g}"
    if name == "wall_s":
        return format.duration(value)
    if name == "started_at":
        return f"{value:%Y-%m-%d %H:%M}"
    return format.count(value) if isinstance(value, int) else str(value)


def _status_name(status: str) -> str:
    return t("runs.any") if status == ANY else t(f"site.status.{status}")


def _setting_value(value: Any) -> str:
    if value == ANY:
        return t("runs.any")
    return format.plain(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _filled(sql: str, parameters: dict[str, Any]) -> str:
    """The statement with its parameters written in, to be run by hand."""
    for name, value in sorted(parameters.items(), key=lambda item: -len(item[0])):
        quoted = str(value).replace("'", "''")
        sql = sql.replace(f"${name}", f"'{quoted}'")
    return sql
