"""What stands below the map: guided steps, the picture of early stopping behind a guess, published curves, the forest plot."""

import json
from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import format, guided, question_page
from explorer.charts import against_width, forest, names, style
from explorer.double_descent import published, section, sentences
from explorer.guided import Step
from explorer.results import cells, site
from explorer.results import generalization as results
from explorer.results.generalization import Map, Study
from explorer.section import table
from explorer.text import has, language, t

GUESSES = ("stays", "shrinks", "gone")


def steps(finding: Map, maps: list[Map]) -> list[Step]:
    """Three steps that move the same picture: across, up, and without label noise or with less."""
    axes = results.axes(finding)
    back = {"noise": None, "variant": None, "measure": None, "reading": None}
    found = [Step("across", back | {"width": None, "epoch": None})]
    ridge = [peak for peak in results.ridge(finding, "up").to_pylist() if peak["clear"] and peak["position"]]
    if ridge:
        widest = max(ridge, key=lambda peak: peak["height"])
        values = {"place": names.place(axes, widest["at"]), "moment": names.moment(axes, widest["position"])}
        found.append(Step("up", back | {"reading": "up", "width": widest["at"], "epoch": widest["position"]}, values))
    else:
        found.append(Step("up_none", back | {"reading": "up", "width": axes.widths[-1], "epoch": axes.epochs[-1]}))
    least = min(each.noise for each in maps if each.variant == finding.variant)
    if least < finding.noise:
        view = back | {"noise": least, "width": None, "epoch": None}
        return [*found, Step("less" if least else "clean", view, {"noise": format.percent(least, 0)})]
    return [*found, Step("gap", back | {"measure": "gap", "width": None, "epoch": None})]


def early_stopping(shown: Map, verdict: str | None, peaks: bool) -> None:
    """The test error at the last epoch, and, after a guess that may be skipped, with each run stopped by its validation error. `peaks` says
    whether there is a clear peak without stopping, which stopping may remove."""
    rows = cells.early_stopped(shown)
    codes = [code for code in ("last", "stopped") if code in rows["when"].to_pylist()]
    if "stopped" not in codes:
        return
    st.subheader(t("generalization.early.title"))
    guess = guided.guessed("generalization.early", GUESSES)
    picture, words = st.columns([5, 3], gap="medium", vertical_alignment="center")
    with words:
        if guess is None:
            axis = {"clock": names.clock_word(shown.study), "x": names.x_word(shown.study)}
            guided.ask("generalization.early", GUESSES, **axis)
        else:
            guided.reveal("generalization.early", _early_stopping_in_words(rows, shown.study, verdict, peaks))
    drawn = codes if guess is not None else codes[:1]
    with picture:
        chart = _early_stopping_chart(site.data_version(), language(), shown, tuple(drawn))
        st.vega_lite_chart(spec=dict(chart), key="generalization.early", alt=_curves_alt(rows, drawn, shown))
        for line in sentences.cut([row for row in rows.to_pylist() if row["when"] in drawn], shown.study):
            st.caption(line)
    if guess is not None:
        table(rows, t("generalization.early.table"))


@st.cache_data(max_entries=16, show_spinner=False)
def _early_stopping_chart(version: str, language: str, shown: Map, codes: tuple[str, ...]) -> dict[str, Any]:
    rows = cells.early_stopped(shown).rename_columns({"when": "series"})
    rows = rows.filter(pa.compute.is_in(rows["series"], pa.array(codes)))
    words = [_series(code, shown.study) for code in codes]
    looks = against_width.TWO[: len(codes)]
    ceiling = results.slice_limits(shown.study, "test")[1]
    return against_width.draw(rows, list(codes), words, looks, ceiling, shown.study).specification()


def _series(code: str, study: Study) -> str:
    return t(f"generalization.early.{code}", clock=names.clock_word(study))


def _early_stopping_in_words(rows: pa.Table, study: Study, verdict: str | None, peaks: bool) -> str:
    stopped = [row for row in rows.to_pylist() if row["when"] == "stopped"]
    key = "no_peak" if verdict == "shown" and not peaks else verdict or "not tested here"
    return t(
        f"generalization.early.verdict.{key}",
        first=sentences.cell(stopped[0]),
        first_place=names.place(study, stopped[0]["width"]),
        end=sentences.cell(stopped[-1]),
        end_place=names.place(study, stopped[-1]["width"]),
    )


def _curves_alt(rows: pa.Table, codes: list[str], shown: Map) -> str:
    parts, study = [], shown.study
    for code in codes:
        mine = [row for row in rows.to_pylist() if row["when"] == code]
        least, most = min(mine, key=lambda r: r["mean"]), max(mine[len(mine) // 4 :], key=lambda r: r["mean"])
        parts.append(
            t(
                "generalization.alt.curve",
                name=_series(code, study),
                least=format.percent(least["mean"]),
                least_place=names.place(study, least["width"]),
                most=format.percent(most["mean"]),
                most_place=names.place(study, most["width"]),
            )
        )
    told = t("generalization.alt.early", noise=format.percent(shown.noise, 0), x=names.x_word(study))
    return " ".join([told, *parts, t("generalization.alt.table")])


def published_beside_ours(study: Study) -> list[str]:
    """The curves of the study that the page shows, or of the main one where it is none of trained networks, and the published ones against
    width, in pictures of their own; returns the sources of all published numbers."""
    rows = question_page.published.published(results.QUESTION)
    if not rows:
        return []
    maps = results.beside_published(study)
    grid = st.grid(2, min_column_width=340, gap="large")
    if maps:
        with grid.cell():
            st.markdown(f"**{t('generalization.published.ours', study=section.study_name(maps[0].study))}**")
            chart = _ours(site.data_version(), language(), maps)
            st.vega_lite_chart(spec=dict(chart), key="generalization.ours", alt=_ours_alt(maps))
            ours = [results.along_the_row(each) for each in maps]
            told = t("generalization.published.ours_caption", n=max(row[-1]["n"] for row in ours))
            cut = sentences.cut([each for row in ours for each in row], maps[0].study)
            st.caption(" ".join([told, *cut]))
    for figure in published.figures(rows, along_epochs=False):
        with grid.cell():
            published.draw(figure)
    if maps:
        against = t(f"generalization.published.against.{maps[0].study.code}", **section.values(maps[0]))
        st.markdown(t("generalization.published.differs", against=against), width=question_page.READING)
    question_page.published_table(rows)
    return list(dict.fromkeys(row["source"] for row in rows))


@st.cache_data(max_entries=8, show_spinner=False)
def _ours(version: str, language: str, maps: list[Map]) -> dict[str, Any]:
    rows = pa.Table.from_pylist(
        [row | {"series": f"{each.noise:g}"} for each in maps for row in results.along_the_row(each)]
    )
    words = [t("generalization.panels.noise", noise=format.percent(each.noise, 0)) for each in maps]
    codes, study = [f"{each.noise:g}" for each in maps], maps[0].study
    looks = [style.NOISES.get(each.noise, style.OTHER_NOISE) for each in maps]
    ceiling = results.slice_limits(study, "test")[1]
    return against_width.draw(rows, codes, words, looks, ceiling, study).specification()


def _ours_alt(maps: list[Map]) -> str:
    return " ".join(sentences.row_alt(results.last_row(each), each) for each in maps)


def ablations(study: Study) -> None:
    """The forest plot of what label noise changes in a study; nothing for a study with one label noise."""
    rows = results.contrasts(study).to_pylist()
    if not rows:
        return
    st.header(t("generalization.ablation.heading"))
    drawn = []
    for row in rows:
        changed, baseline = json.loads(row["changed"]), json.loads(row["baseline"])
        key = f"generalization.ablation.quantity.{row['quantity']}"
        name = t(
            "generalization.ablation.row",
            quantity=t(key) if has(key) else row["quantity"].replace("_", " "),
            change=", ".join(_change(setting, baseline.get(setting), value) for setting, value in changed.items()),
        )
        value = format.quantity(row["estimate"], row["low"], row["high"], row["unit"])
        drawn.append(row | {"name": name, "label": f"{name}: {value}, n = {row['n']}"})
    chart = _forest(site.data_version(), language(), study, drawn)
    facts = {"n": len(drawn), "largest": drawn[0]["label"], "smallest": drawn[-1]["label"]}
    st.vega_lite_chart(spec=dict(chart), key="generalization.forest", alt=t("generalization.alt.forest", **facts))
    st.caption(t("generalization.ablation.caption"))
    table(results.contrasts(study), t("generalization.ablation.table"))


@st.cache_data(max_entries=8, show_spinner=False)
def _forest(version: str, language: str, study: Study, _rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The forest plot of a study; its rows are those of its contrasts, in words."""
    return forest.draw(_rows, t("generalization.ablation.axis")).specification()


def _change(setting: str, before: Any, after: Any) -> str:
    if setting == "label_noise":
        return t("generalization.ablation.noise", before=format.percent(before, 0), after=format.percent(after, 0))
    return f"{setting} {before} → {after}"
