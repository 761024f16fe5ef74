import streamlit as st

from explorer import claim_cards, frame, guided, question_page, views
from explorer.batch_norm import controls, drift, evidence, inside, picture, rivals, sentences, walk
from explorer.footer import footer
from explorer.results import batch_norm as results
from explorer.take_away import take_away
from explorer.text import t

frame.begin("batch_norm")

studies = results.studies()
if not studies:
    question_page.before_its_runs(results.QUESTION)

head = st.container()
main, side = views.picture_and_controls((3, 1))
with side:
    choices = controls.choices(studies)
    st.markdown(t(f"batch_norm.legend.{choices.study.kind}"))

title, subtitle = sentences.title(choices.study), sentences.subtitle(choices)
steps = walk.steps(studies)
with head:
    views.head(title, subtitle)
    guided.presented(results.QUESTION, steps)
with main:
    picture.main_picture(choices)
st.caption(sentences.caption(choices))
sql = results.runs_sql(choices.study, list(choices.norms))
take_away(
    page=results.QUESTION, title=title, subtitle=subtitle, studies=[choices.study.name],
    table=picture.shown_runs(choices), sql=sql,
)  # fmt: skip
shown = picture.table(choices)
guided.show(results.QUESTION, steps)

st.header(t("batch_norm.behind"))
probed = results.probed_studies(studies)
if probed:
    inside.look_behind(results.in_focus(probed, choices.study))
else:
    st.markdown(t("batch_norm.not_probed"), width=question_page.READING)
if with_rates := results.of_kind(probed, "rates"):
    drift.drift(results.in_focus(with_rates, choices.study))

st.header(t("batch_norm.changed"))
if choices.study.kind != "sizes":
    evidence.batch_sizes(results.of_kind(studies, "sizes"))
evidence.ablations(choices.study)
rivals.rivals(studies)

rows = question_page.published_numbers(results.QUESTION)

st.header(t("question.claims"))
claim_cards.of_question(results.QUESTION)

question_page.known_and_open(results.QUESTION)

footer(
    page=results.QUESTION,
    studies=[study.name for study in studies],
    table=shown,
    sql=sql,
    rerun="\n".join(f"python -m precompute run {study.name}" for study in studies),
    sources=list(dict.fromkeys(row["source"] for row in rows)),
)
