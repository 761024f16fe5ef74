import streamlit as st

from explorer import claim_cards, frame, question_page
from explorer.depth import controls, evidence, inside, picture, sentences
from explorer.footer import footer
from explorer.results import depth as results
from explorer.text import t

frame.begin("depth")

studies = results.studies()
if not studies:
    question_page.introduction(results.QUESTION)
    rows = question_page.published_numbers(results.QUESTION)
    question_page.planned(results.QUESTION)
    question_page.known_and_open(results.QUESTION)
    question_page.foot(results.QUESTION, rows)
    st.stop()

head = st.container()
main, side = st.columns([5, 2], gap="medium")
with side:
    view = controls.view(studies)
    scale = controls.error_scale()
    st.markdown(t("depth.legend"))

with head:
    st.title(sentences.title(view))
    st.markdown(sentences.subtitle(view))
with main:
    picture.main_picture(view, scale)

st.caption(sentences.caption(view))
shown = picture.table(view)

st.header(t("depth.behind"))
inside.look_behind(view)
evidence.learning_rates(view)
evidence.ablations(view)
sources = evidence.published_numbers()

st.header(t("question.claims"))
claim_cards.of_question(results.QUESTION)

question_page.known_and_open(results.QUESTION)

footer(
    page=results.QUESTION,
    studies=[view.study.name],
    table=shown,
    sql=results.runs_sql(view),
    rerun=f"python -m precompute run {view.study.name}",
    sources=sources,
)
