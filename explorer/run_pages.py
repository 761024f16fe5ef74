"""One run laid open: what was measured, its configuration and provenance, its siblings, the way back, and the command that repeats it."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from explorer import address, database, format, run_list, run_measures, way_back
from explorer.charts.run_curves import run_curves
from explorer.database import OWN, PUBLISHED
from explorer.footer import footer, table_button
from explorer.frame import FILES, ICONS
from explorer.question_page import READING
from explorer.results import runs
from explorer.text import t

ERRORS, LOSSES = ("test_error", "train_error", "val_error"), ("test_loss", "train_loss", "val_loss")
FACTS = [
    "n_params", "steps", "epochs", "best_epoch", "n_train", "n_val", "n_test", "wrong_labels", "flops", "wall_s", "device", "engine",
    "precision", "torch", "python", "git_commit", "recipe", "started_at", "dataset_copy", "data_fingerprint",
]  # fmt: skip
COMPARED = ("steps", "epochs", "best_epoch", "wall_s", "device", "engine", "torch", "git_commit", "data_fingerprint")
MOST = 32  # letters of a fact where two stand side by side


def find(run_id: str | None) -> dict[str, Any] | None:
    """The run of that lasting name, or None. `of` names the file that has it, `own` is the same run in one's own results, None without."""
    if run_id is None:
        return None
    published = runs.run(run_id)
    own = None if database.own_meta() is None else runs.run(run_id, OWN)
    if published is not None:
        return published | {"of": PUBLISHED, "own": own}
    return None if own is None else own | {"of": OWN, "own": None}


def one(run: dict[str, Any]) -> None:
    """The page of one run."""
    run_id, of = run["run_id"], run["of"]
    curves = runs.curves(run_id, of)
    st.title(t("runs.run_title", id=run_id))
    _lead(run, curves)
    _ways_back(run, curves)
    if run["status"] == "diverged":
        st.warning(t("runs.diverged", step=format.count(run["stop_step"] or 0)), icon=":material/trending_up:")
    if run["status"] == "failed":
        st.error(t("runs.failed", message=format.literal(run["error"] or "–")), icon=":material/error:")
    if of == OWN:
        st.info(t("runs.only_own"), icon=":material/person:")
    own = None if run["own"] is None else runs.curves(run_id, OWN)
    others, band = (ask(run_id, of) for ask in (runs.others, runs.band))
    _curves(run, curves, own, others, band)
    if own is not None:
        _beside_own(run, curves, own)
    tables = run_measures.sections(run, curves)
    configuration, provenance = st.columns(2, gap="large")
    with configuration:
        st.subheader(t("runs.configuration"))
        settings = run["settings"].items()
        _facts(
            t("runs.configuration"),
            {
                run_list.setting_name(name, run["study"]): run_list.setting_value(value, name)
                for name, value in settings
            },
        )
    with provenance:
        st.subheader(t("runs.provenance"))
        _facts(t("runs.provenance"), {t(f"runs.fact.{name}"): _fact(name, run[name]) for name in FACTS})
    _siblings(run)
    command = f"python -m precompute run --run-id {run_id}"
    _repeat(command)
    seeds = {name: table for name, table in (("other_seeds", others), ("intervals", band)) if table.num_rows}
    _rows(run_id, {"curves": curves} | seeds | tables)
    sql = run_list.filled(runs.CURVES, {"run_id": run_id})
    footer(page="runs", studies=[run["study"]] if of == PUBLISHED else [], table=curves, sql=sql, rerun=command)


def _lead(run: dict[str, Any], curves: pa.Table) -> None:
    facts = {"study": f"`{run['study']}`", "seed": run["seed"], "status": run_list.status_name(run["status"])}
    st.markdown(t("runs.run_lead", **facts))
    if run["status"] != "complete" or not curves.num_rows:
        return
    end = curves.slice(curves.num_rows - 1).to_pylist()[0]
    told = [t("runs.at_the_end", kind=t(f"runs.column.{name}"), value=format.percent(end[name], 2))
            for name in ERRORS if end[name] is not None]  # fmt: skip
    if not told and end["train_loss"] is not None:  # a network without classes has no error
        told = [t("runs.at_the_end", kind=t("runs.column.train_loss"), value=f"{end['train_loss']:.3g}")]
    st.markdown(" · ".join(told))


def _ways_back(run: dict[str, Any], curves: pa.Table) -> None:
    """To the list as it was, or to the runs of the study, and to the picture that this run is part of."""
    left = run_list.in_the_address()
    with st.container(horizontal=True):
        st.page_link(
            FILES["runs"],
            label=t("runs.back") if left else t("runs.all"),
            icon=f":material/{ICONS['runs']}:",
            query_params=address.parameters(**(left or {"study": run["study"]})),
        )
        question = run["question"]
        st.page_link(
            FILES[question],
            label=t("runs.picture", question=t(f"site.nav.{question}")),
            icon=f":material/{ICONS[question]}:",
            query_params=address.parameters(**way_back.place(run, curves)),
        )


def _curves(run: dict[str, Any], curves: pa.Table, own: pa.Table | None, others: pa.Table, band: pa.Table) -> None:
    """Errors and losses along the clock; a run that is read at its end alone has them in words and in the table only, and one without
    classes has losses alone."""
    rows = curves.to_pylist()
    measured = [row for row in rows if row["test_error"] is not None]
    if len(measured) > 1:
        st.subheader(t("runs.curves"))
        kinds = _kinds(curves, ERRORS)
        chart = run_curves(
            curves, kinds, y_title=t("runs.error"), factor=100, others=others, band=band, **_titles(run, own)
        )
        behind = []
        if n := pc.count_distinct(others["seed"]).as_py():
            behind.append(t("runs.others_caption", seeds=format.seeds(n)))
        if band.num_rows:
            behind.append(t("runs.band_caption", seeds=format.seeds(band["n"][0].as_py())))
        alt = " ".join([_curves_alt(run, measured), *behind])
        st.vega_lite_chart(spec=chart.specification(), alt=alt, key="run.curves")
        hollow = [] if own is None else [t("runs.hollow")]
        st.caption(" ".join([t("runs.curves_caption"), *behind, *hollow]))
        with st.expander(t("runs.losses"), icon=":material/show_chart:"):
            ends = {name: _loss(measured[-1][name]) for name in ("test_loss", "train_loss")}
            _losses(run, curves, own, "runs.losses_alt", ends)
    else:
        trained = [row["train_loss"] for row in rows if row["train_loss"] is not None]
        if len(trained) > 1:
            st.subheader(t("runs.losses"))
            _losses(run, curves, own, "runs.losses_alt_train", {name: f"{trained[at]:.3g}" for name, at in (("first", 0), ("last", -1))})  # fmt: skip
    if curves.num_rows:
        with st.expander(t("runs.curves_table"), icon=":material/table:"):
            st.dataframe(curves, hide_index=True, column_config=run_list.columns(), alt=t("runs.curves_table"))


def _losses(run: dict[str, Any], curves: pa.Table, own: pa.Table | None, alt: str, ends: dict[str, str]) -> None:
    loss = t(f"generalization.loss_name.{run['loss']}.axis")
    chart = run_curves(curves, _kinds(curves, LOSSES), y_title=loss, y_log=True, **_titles(run, own))
    st.vega_lite_chart(spec=chart.specification(), alt=t(alt, loss=loss, **ends), key="run.losses")
    st.caption(t("runs.losses_caption"))


def _loss(value: float | None) -> str:
    """A loss with three digits; a run that diverged has none where it stopped."""
    return "–" if value is None else f"{value:.3g}"


def _kinds(curves: pa.Table, names: tuple[str, ...]) -> dict[str, str]:
    return {name: t(f"runs.curve.{name.partition('_')[0]}_error") for name in names if _there(curves, name)}


def _titles(run: dict[str, Any], own: pa.Table | None) -> dict[str, Any]:
    return {"x_title": t(f"generalization.clock.{run['clock']}.title"), "legend": t("runs.which"), "own": own}


def _there(curves: pa.Table, name: str) -> bool:
    return pc.count(curves[name]).as_py() > 0


def _curves_alt(run: dict[str, Any], measured: list[dict[str, Any]]) -> str:
    first, last, best = measured[0], measured[-1], min(measured, key=lambda row: row["test_error"])
    return t(
        "runs.curves_alt",
        clock=t(f"generalization.clock.{run['clock']}.word"),
        last=format.count(last["epoch"]),
        first=format.count(first["epoch"]),
        test_first=format.percent(first["test_error"]),
        test_last=format.percent(last["test_error"]),
        best=format.count(best["epoch"]),
        test_best=format.percent(best["test_error"]),
        train_last="–" if last["train_error"] is None else format.percent(last["train_error"]),
    )


def _beside_own(run: dict[str, Any], curves: pa.Table, own_curves: pa.Table) -> None:
    """The published run and one's own of the same name, value by value, with the difference."""
    own = run["own"]
    st.subheader(t("runs.own"))
    ours, theirs = ({row["epoch"]: row for row in table.to_pylist()} for table in (own_curves, curves))
    both = [
        (theirs[epoch]["test_error"], ours[epoch]["test_error"])
        for epoch in theirs.keys() & ours.keys()
        if theirs[epoch]["test_error"] is not None and ours[epoch]["test_error"] is not None
    ]
    if both:
        apart = max(abs(mine - published) for published, mine in both)
        key = "runs.own_same" if apart == 0 else "runs.own_apart"
        st.markdown(t(key, n=len(both), apart=format.points(apart, 2, signed=False)))
    else:
        st.markdown(t("runs.own_nothing_in_common"))
    rows = [(t("runs.status"), run_list.status_name(run["status"]), run_list.status_name(own["status"]), "")]
    ends = [table.to_pylist()[-1] if table.num_rows else dict.fromkeys(ERRORS) for table in (curves, own_curves)]
    for name in ERRORS:
        published, mine = (end[name] for end in ends)
        shown = ["–" if value is None else format.percent(value, 2) for value in (published, mine)]
        difference = "–" if None in (published, mine) else format.points(mine - published, 2)
        rows.append((t(f"runs.column.{name}"), *shown, difference))
    for name in COMPARED:
        shown = [_fact(name, value)[:MOST] for value in (run[name], own[name])]
        rows.append((t(f"runs.fact.{name}"), *shown, "" if shown[0] == shown[1] else t("runs.differs")))
    heads = [t(f"runs.beside.{name}") for name in ("what", "published", "own", "difference")]
    columns = dict(zip(heads, map(list, zip(*rows, strict=True)), strict=True))
    st.table(columns, border="horizontal", hide_index=True, alt=t("runs.own_alt"))


def _siblings(run: dict[str, Any]) -> None:
    st.subheader(t("runs.siblings"))
    siblings = runs.siblings(run["run_id"], run["of"])
    if run["of"] == PUBLISHED and run["own"] is not None:
        mine = {row["seed"]: row["test_error"] for row in runs.siblings(run["run_id"], OWN).to_pylist()}
        own = [mine.get(seed) for seed in siblings["seed"].to_pylist()]
        siblings = siblings.append_column("own_test_error", pa.array(own, pa.float64()))
        difference = pc.subtract(siblings["own_test_error"], siblings["test_error"])
        siblings = siblings.append_column("difference", run_list.in_points(difference))
    shown = run_list.linked(siblings)
    st.dataframe(shown, hide_index=True, column_config=run_list.columns(), alt=t("runs.siblings_alt"))


def _repeat(command: str) -> None:
    st.subheader(t("runs.repeat"))
    st.markdown(t("runs.repeat_text"), width=READING)
    st.code(command, language=None, wrap_lines=True)


def _rows(run_id: str, tables: dict[str, pa.Table]) -> None:
    """All that the file holds of this run, table by table, as CSV."""
    st.subheader(t("runs.rows"))
    with st.container(horizontal=True):
        for name, table in tables.items():
            label = t("runs.rows_of", table=name, n=format.count(table.num_rows))
            table_button(label, lambda table=table: table, f"{run_id}-{name}.csv", f"runs.rows.{name}")


def _facts(title: str, facts: dict[str, str]) -> None:
    names = {t("runs.column.name"): list(facts), t("runs.column.value"): list(facts.values())}
    st.table(names, border="horizontal", hide_index=True, hide_header=True, alt=title)


def _fact(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name == "data_fingerprint":
        return f"{value[:16]}…" if value else "–"
    if name == "flops":
        return f"{value:.3g}"
    if name == "wall_s":
        return format.duration(value)
    if name == "started_at":
        return f"{value:%Y-%m-%d %H:%M}"
    return format.count(value) if isinstance(value, int) else str(value) or "–"
