"""What was measured of one run besides its curves: inside its layers, with parts taken out, what was counted, and the way to its targets."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from explorer import address, format, run_list
from explorer.charts import run_curves, run_parts
from explorer.results import depth, runs, wiring
from explorer.text import has, t
from explorer.wiring import drawing

LAYER_MEASURES = ("gradient_norm", "preactivation_sd", "preactivation_mean", "dead", "saturated")


def sections(run: dict[str, Any], curves: pa.Table) -> dict[str, pa.Table]:
    """Draws a section for each table that holds rows of this run; returns those tables by name."""
    tables = {name: runs.measured(run["run_id"], name, run["of"]) for name in runs.MEASURED}
    tables = {name: table for name, table in tables.items() if table.num_rows}
    if "counts" in tables:
        _counts(tables["counts"])
    if "targets" in tables:
        _targets(tables["targets"], tables.get("validation"))
    if "noise_scale" in tables:
        _noise_scale(tables["noise_scale"])
    if "probes" in tables:
        _probes(tables["probes"])
    if "shifts" in tables:
        _shifts(tables["shifts"])
    if "layers" in tables:
        _layers(tables["layers"])
    if run["question"] == wiring.QUESTION:
        _graph(run, curves, tables.get("edge_weights"))
    if "damage" in tables:
        last = curves["test_error"][-1].as_py() if curves.num_rows and run["status"] == "complete" else None
        _damage(tables["damage"], last)
    return tables


def _counts(table: pa.Table) -> None:
    st.subheader(t("runs.counts"))
    for row in table.to_pylist():
        key = f"runs.count.{row['quantity']}"
        facts = {"n": format.count(row["value"]), "trials": format.count(row["trials"])}
        share = format.percent(row["value"] / row["trials"]) if row["trials"] else "–"
        what = t(key) if has(key) else row["quantity"].replace("_", " ")
        st.markdown(t("runs.counted", what=what, share=share, **facts))


def _targets(table: pa.Table, validation: pa.Table | None) -> None:
    st.subheader(t("runs.targets"))
    rows = table.to_pylist()
    reached = [row for row in rows if row["reached"]]
    facts = {"n": len(reached), "total": len(rows)}
    if validation is not None:
        titles = {"x_title": t("runs.step"), "y_title": t("runs.curve_title.val_error")}
        kinds = {"val_error": t("runs.curve.val_error")}
        chart = run_curves.run_curves(validation, kinds, x="step", factor=100, legend=t("runs.which"), **titles)
        ends = {
            "last": format.count(validation["step"][-1].as_py()),
            "least": format.percent(pc.min(validation["val_error"]).as_py()),
        }
        st.vega_lite_chart(
            spec=run_curves.with_targets(chart, table, **titles).specification(),
            alt=t("runs.targets_alt", **facts, **ends),
            key="run.targets",
        )
    st.caption(t("runs.targets_caption", **facts))
    shown = {
        t("runs.target"): [format.percent(row["target"]) for row in rows],
        t("runs.reached"): [t("runs.yes" if row["reached"] else "runs.not_reached") for row in rows],
        t("runs.step"): [_or_dash(row["step"], format.count) for row in rows],
        t("runs.examples"): [_or_dash(row["examples"], format.count) for row in rows],
        t("runs.column.wall_s"): [_or_dash(row["seconds"], lambda value: f"{value:.2f}") for row in rows],
        t("runs.best_val"): [_or_dash(row["best_val_error"], format.percent) for row in rows],
    }
    st.table(shown, border="horizontal", hide_index=True, alt=t("runs.targets_caption", **facts))
    if validation is not None:
        _behind(validation, t("runs.validation_table"))


def _noise_scale(table: pa.Table) -> None:
    st.subheader(t("runs.noise_scale"))
    values = pc.drop_null(table["value"])
    missing = table.num_rows - len(values)
    if len(values):
        titles = {"x_title": t("runs.step"), "y_title": t("runs.noise_scale_axis")}
        renamed = table.select(["step", "value"]).rename_columns(["step", "noise_scale"])
        chart = run_curves.run_curves(
            renamed, {"noise_scale": t("runs.noise_scale")}, x="step", y_log=True, legend=t("runs.which"), **titles
        )
        facts = {"low": f"{pc.min(values).as_py():.3g}", "high": f"{pc.max(values).as_py():.3g}", "n": len(values)}
        st.vega_lite_chart(spec=chart.specification(), alt=t("runs.noise_scale_alt", **facts), key="run.noise_scale")
    st.caption(t("runs.noise_scale_caption", missing=missing, n=table.num_rows))
    _behind(table, t("runs.noise_scale_table"))


def _probes(table: pa.Table) -> None:
    """The loss along the gradient at the probed steps: smallest, before the step, largest."""
    st.subheader(t("runs.probes"))
    there = table.filter(pc.is_valid(table["loss_high"]))
    if there.num_rows:
        columns = {
            f"{place}_loss": there[name] for place, name in (("high", "loss_high"), ("at", "loss"), ("low", "loss_low"))
        }
        kinds = {name: t(f"runs.probe.{name.partition('_')[0]}") for name in columns}
        titles = {"x_title": t("runs.step"), "y_title": t("runs.probe.axis"), "legend": t("runs.probe.where")}
        chart = run_curves.run_curves(
            pa.table({"step": there["step"]} | columns), kinds, x="step", y_log=True, **titles
        )
        smooth = pc.drop_null(there["smoothness"])
        facts = {"n": there.num_rows, "last": format.count(pc.max(there["step"]).as_py())}
        facts |= {end: f"{pick(smooth).as_py():.3g}" for end, pick in (("low", pc.min), ("high", pc.max))}
        st.vega_lite_chart(spec=chart.specification(), alt=t("runs.probes_alt", **facts), key="run.probes")
        st.caption(t("runs.probes_caption", **facts))
    if missing := table.num_rows - there.num_rows:
        st.caption(t("runs.probes_missing", missing=missing, n=table.num_rows))
    _behind(table, t("runs.probes_table"))


def _shifts(table: pa.Table) -> None:
    """The cosine of each layer's gradient before and after the layers below moved, as a map of layer and step."""
    st.subheader(t("runs.shifts"))
    found = [row for row in table.to_pylist() if row["cosine"] is not None]
    if found:
        named = table.select(["step", "layer", "cosine"]).rename_columns(["epoch", "layer", "cosine"])
        titles = {"layer": t("runs.layer_axis"), "epoch": t("runs.step"), "title": t("runs.cosine")}
        chart = run_parts.layer_map(named, "cosine", **titles)
        low, high = (pick(found, key=lambda row: row["cosine"]) for pick in (min, max))
        facts = {"layers": max(row["layer"] for row in found), "last": format.count(max(row["step"] for row in found))}
        facts |= {"low": f"{low['cosine']:.2f}", "low_layer": low["layer"], "low_step": format.count(low["step"])}
        facts |= {"high": f"{high['cosine']:.2f}", "high_layer": high["layer"], "high_step": format.count(high["step"])}
        st.vega_lite_chart(spec=chart.specification(), alt=t("runs.shifts_alt", **facts), key="run.shifts")
        st.caption(t("runs.shifts_caption"))
    _behind(table, t("runs.shifts_table"))


def _layers(table: pa.Table) -> None:
    st.subheader(t("runs.layers"))
    there = [name for name in LAYER_MEASURES if pc.count(table[name]).as_py()]
    if there:
        measure = address.choice(
            "layers", there, there[0], label=t("runs.layers_show"), format=lambda name: t(f"runs.layer.{name}")
        )
        title = t(f"runs.layer.{measure}")
        chart = run_parts.layer_map(table, measure, layer=t("runs.layer_axis"), epoch=t("runs.epoch"), title=title)
        found = [row for row in table.to_pylist() if row[measure] is not None]
        low, high = min(found, key=lambda row: row[measure]), max(found, key=lambda row: row[measure])
        facts = {
            "title": title, "layers": max(row["layer"] for row in found), "last": max(row["epoch"] for row in found),
            "low": f"{low[measure]:.3g}", "low_layer": low["layer"], "low_epoch": low["epoch"],
            "high": f"{high[measure]:.3g}", "high_layer": high["layer"], "high_epoch": high["epoch"],
        }  # fmt: skip
        st.vega_lite_chart(spec=chart.specification(), alt=t("runs.layers_alt", **facts), key=f"run.layers.{measure}")
        st.caption(t(f"runs.layer_caption.{measure}"))
    _behind(table, t("runs.layers_table"))


def _graph(run: dict[str, Any], curves: pa.Table, weights: pa.Table | None) -> None:
    """The graph that wires its stages, with what the run has learned or loses."""
    settings, study = run["settings"], wiring.Study(run["study"])
    graph = wiring.Graph(wiring.Family(*(settings[name] for name in wiring.Family._fields)), settings["graph"])
    st.subheader(t("runs.graph"))
    show = address.choice(
        "show", list(drawing.SHOWN), drawing.SHOWN[0], label=t("wiring.control.show"),
        format=lambda code: t(f"wiring.show.{code}"), help=t("wiring.control.show_help"),
    )  # fmt: skip
    end = curves.to_pylist()[-1] if curves.num_rows else {"train_error": None, "test_error": None}
    told = {"run_id": run["run_id"], "seed": run["seed"], "test_error": end["test_error"]}
    told["outcome"] = depth.outcome(run["status"], end["train_error"])
    drawing.drawn(study, graph, told, show, "run.graph", run["of"])
    if weights is not None:
        _behind(weights, t("wiring.weights.table"))


def _damage(table: pa.Table, whole: float | None) -> None:
    """A chart for each kind of part; the error of the whole network is that of the row of kind none where there is one."""
    st.subheader(t("runs.damage"))
    same = table.filter(pc.equal(table["kind"], "none"))["test_error"].to_pylist()
    whole = same[0] if same else whole
    for kind in dict.fromkeys(kind for kind in table["kind"].to_pylist() if kind != "none"):
        mine = table.filter(pc.equal(table["kind"], kind))
        rows = mine.to_pylist()
        names = [_part_name(row) for row in rows]
        named = mine.append_column("name", pa.array(names))
        word = t(f"runs.part.{kind}") if has(f"runs.part.{kind}") else kind
        worst = max(zip(names, rows, strict=True), key=lambda pair: pair[1]["test_error"])
        told = format.percent(whole) if whole is not None else "–"
        facts = {"n": len(rows), "part": word, "whole": told, "worst": worst[0]}
        facts["most"] = format.percent(worst[1]["test_error"])
        chart = run_parts.damage(named, whole, x_title=word, y_title=t("runs.curve_title.test_error"))
        st.vega_lite_chart(spec=chart.specification(), alt=t("runs.damage_alt", **facts), key=f"run.damage.{kind}")
        st.caption(t("runs.damage_caption", **facts))
    _behind(table, t("runs.damage_table"))


def _part_name(row: dict[str, Any]) -> str:
    """A block by its number, which counts through all stages; nodes and edges, numbered in each stage anew, with their stage before them."""
    if row["kind"] == "block":
        return f"{row['part']}"
    return f"{row['stage']}: {row['part']}" + ("" if row["target"] is None else f"→{row['target']}")


def _behind(table: pa.Table, title: str) -> None:
    with st.expander(title, icon=":material/table:"):
        st.dataframe(table, hide_index=True, column_config=run_list.columns(), alt=title)


def _or_dash(value: Any, written: Any) -> str:
    return "–" if value is None else written(value)
