import streamlit as st

from explorer import claim_cards, frame, guided, question_page, views
from explorer.depth import controls, evidence, inside, picture, sentences, walk
from explorer.footer import footer
from explorer.results import depth as results
from explorer.take_away import take_away
from explorer.text import t

frame.begin("depth")

studies = results.studies()
if not studies:
    question_page.before_its_runs(results.QUESTION)

head = st.container()
main, side = views.picture_and_controls((5, 2))
with side:
    view = controls.view(studies)
    scale = controls.error_scale()
    st.markdown(t("depth.legend"))

title, subtitle = sentences.title(view), sentences.subtitle(view)
steps = walk.steps(studies)
with head:
    views.head(title, subtitle)
    guided.presented(results.QUESTION, steps)
with main:
    picture.main_picture(view, scale)

st.caption(sentences.caption(view))
take_away(
    page=results.QUESTION, title=title, subtitle=subtitle, studies=[view.study.name], table=picture.shown_runs(view),
    sql=results.runs_sql(view),
)  # fmt: skip
shown = picture.table(view)
guided.show(results.QUESTION, steps)

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
