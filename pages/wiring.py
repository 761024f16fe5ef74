import streamlit as st

from explorer import address, claim_cards, frame, guided, question_page, views
from explorer.footer import footer
from explorer.results import wiring as results
from explorer.take_away import take_away
from explorer.text import t
from explorer.wiring import controls, drawing, evidence, inside, picture, sentences, walk

frame.begin("wiring")

studies = results.studies()
if not studies:
    question_page.before_its_runs(results.QUESTION)

head = st.container()
main, side = views.picture_and_controls((5, 3))
with side:
    study = controls.study(studies)
    axis = controls.axis()
    opened = controls.opened(study)
beside = side
if views.presented() and address.get(
    "graph"
):  # before an audience the side is hidden, but not a graph that is asked for
    main, beside = main.columns((5, 3), gap="medium")
if not views.presented() or address.get("graph"):
    with beside:
        drawing.drawn(study, opened.graph, opened.run, opened.show, "wiring.drawing")

title, subtitle = sentences.title(study), sentences.subtitle(study)
steps = walk.steps(study, studies[0])
with head:
    views.head(title, subtitle)
    guided.presented(results.QUESTION, steps)
with main:
    picture.main_picture(study, axis, opened.graph)

st.caption(sentences.caption(study))
st.caption(t("wiring.legend"))
take_away(
    page=results.QUESTION, title=title, subtitle=subtitle, studies=[study.name], table=picture.shown_runs(study),
    sql=results.runs_sql(study),
)  # fmt: skip
st.caption(sentences.spread(study))
shown = picture.tables(study)
guided.show(results.QUESTION, steps)

inside.opened_graph(study, opened)

st.header(t("wiring.behind"))
evidence.ring_map(study)
evidence.measures(study, axis)
evidence.hubs(study)

st.header(t("wiring.changed"))
evidence.ablations(study)

sources = evidence.published_numbers()

st.header(t("question.claims"))
claim_cards.of_question(results.QUESTION)

question_page.known_and_open(results.QUESTION)

footer(
    page=results.QUESTION,
    studies=[study.name],
    table=shown,
    sql=results.runs_sql(study),
    rerun=f"python -m precompute run {study.name}",
    sources=sources,
)
