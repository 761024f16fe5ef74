import streamlit as st

from explorer import claim_cards, frame, question_page
from explorer.double_descent import controls, evidence, picture, player, sentences
from explorer.footer import footer
from explorer.results import generalization as results
from explorer.results import site
from explorer.text import t

frame.begin("generalization")

noises = results.label_noises()
if not noises:
    question_page.introduction(results.QUESTION)
    question_page.planned(results.QUESTION)
    st.stop()

axes = results.axes()
finding = controls.finding_noise(noises)
row = results.last_row(finding)
verdicts = {
    claim["claim"]: claim["verdict"] for claim in site.claims().to_pylist() if claim["question"] == results.QUESTION
}
default = (row.peak or row.widest)["width"], axes.epochs[-1]

st.title(sentences.title(row, verdicts.get("G1")))
subtitle = st.container()
main, side = st.columns([2, 1], gap="medium")
with side:
    player_slot = st.container()
    choices = controls.choices(noises)
cell = controls.picked(axes, default)
chart, start = controls.mounted(cell)
cells, shown = results.cells(choices.noise, choices.view.measure, axes.seeds), results.last_row(choices.noise)
with subtitle:
    st.markdown(sentences.subtitle(choices, results.settings(), results.seeds_by_width(choices.noise)))
with main:
    picture.main_picture(chart, start, default, choices, axes, sentences.map_alt(cells, axes, choices, shown))
with player_slot:
    player.player(chart, axes)

st.caption(sentences.caption(shown, choices.noise))
st.caption(
    sentences.legend(
        choices.level,
        results.threshold(choices.noise, choices.level),
        results.ridge(choices.noise, choices.view.reading),
        choices.view,
        axes,
    )
)
picture.table(cells, t("generalization.map.table"))

st.header(t("generalization.step.heading"))
evidence.guided_steps(row, noises, axes)

picture.runs_of_the_cell(choices, axes, default)

st.header(t("generalization.panels.heading"))
st.markdown(t("generalization.panels.text"), width=question_page.READING)
picture.small_multiples(choices, noises, axes, default, verdicts.get("G3"))
st.markdown(sentences.loss_and_error(choices.noise, shown), width=question_page.READING)

evidence.early_stopping(finding, verdicts.get("G7"))

st.header(t("generalization.ablation.heading"))
evidence.ablations()

st.header(t("generalization.published.heading"))
sources = evidence.published_beside_ours(noises)

st.header(t("question.claims"))
claim_cards.of_question(results.QUESTION)

question_page.known_and_open(results.QUESTION)

footer(
    page=results.QUESTION,
    studies=[results.STUDY],
    table=cells,
    sql=picture.filled(results.cells_sql(choices.view.measure, axes.seeds), choices.noise),
    rerun=f"python -m precompute run {results.STUDY}",
    sources=sources,
)
