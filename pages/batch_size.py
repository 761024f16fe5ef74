import streamlit as st

from explorer import claim_cards, frame, guided, question_page, views
from explorer.batch_size import controls, evidence, momentum, picture, sentences, walk
from explorer.footer import footer
from explorer.results import batch_size as results
from explorer.results import site
from explorer.take_away import take_away
from explorer.text import t

frame.begin("batch_size")

studies = results.studies()
if not studies:
    sections = {results.MOMENTUM: momentum.section, results.EQUAL: evidence.equal_budgets}
    there = {results.MOMENTUM: results.momentum_cells(), results.EQUAL: results.budgets()}
    question_page.before_its_runs(
        results.QUESTION, {study: sections[study] for study in sections if there[study].num_rows}
    )

head, main = st.container(), st.container(key=views.PICTURE)
with st.container(key="views_controls" if views.presented() else None):
    choices = controls.choices(studies)

title, subtitle = sentences.title(choices), sentences.subtitle(choices)
steps = walk.steps(choices.study, studies[0])
with head:
    views.head(title, subtitle)
    guided.presented(results.QUESTION, steps)
with main:
    shown = picture.main_picture(choices)
st.caption(sentences.caption(choices))
st.caption(sentences.legend(choices))
if paper := picture.paper_line(choices):
    st.caption(paper)
take_away(
    page=results.QUESTION, title=title, subtitle=subtitle, studies=[choices.study.name], table=shown,
    sql=picture.sql(choices),
)  # fmt: skip
picture.behind("main", shown)
guided.show(results.QUESTION, steps)

picture.three_ways(choices)

st.header(t("batch_size.tuning.heading"))
left, right = st.columns(2, gap="large")
with left:
    evidence.best_rate(choices)
with right:
    evidence.rate_map(choices)
evidence.tuning_counted(choices)
momentum.section()

st.header(t("batch_size.bend.heading"))
left, right = st.columns(2, gap="large")
with left:
    evidence.ends_of_scaling(choices)
with right:
    evidence.noise_scale(choices)

st.header(t("batch_size.compared.heading"))
evidence.equal_budgets()
evidence.against_the_baseline(choices)

rows = question_page.published_numbers(results.QUESTION)

st.header(t("question.claims"))
claim_cards.of_question(results.QUESTION)

question_page.known_and_open(results.QUESTION)

every = [study["study"] for study in site.studies() if study["question"] == results.QUESTION]
footer(
    page=results.QUESTION,
    studies=every,
    table=shown,
    sql=picture.sql(choices),
    rerun="\n".join(f"python -m precompute run {name}" for name in every),
    sources=list(dict.fromkeys(row["source"] for row in rows)),
)
