import streamlit as st

from explorer import claim_cards, first_picture, frame, guided, question_page, views
from explorer.double_descent import controls, evidence, picture, player, published, sentences
from explorer.double_descent import studies as study_by_study
from explorer.footer import footer
from explorer.results import cells as cell_results
from explorer.results import generalization as results
from explorer.results.verdicts import by_claim
from explorer.section import table
from explorer.take_away import take_away
from explorer.text import t

frame.begin("generalization")

studies = results.studies()
if not studies:
    question_page.before_its_runs(results.QUESTION, numbers=published.alone)

head = st.container()
main, side = views.picture_and_controls()
with side:
    study = controls.study(studies)
    maps = results.maps(study)
    player_slot = st.container()
    choices = controls.choices(maps)

finding, verdicts = results.finding(maps), by_claim(study.name)
axes, row, shown = results.axes(choices.map), results.last_row(finding), results.last_row(choices.map)
default = (shown.peak or shown.widest)["width"], axes.epochs[-1]
cell = controls.picked(axes, default)
chart, start = controls.mounted(choices.map, cell)
cells = picture.shown_cells(choices, axes)

title = sentences.title(shown, study, verdicts.get("G1") if choices.map == finding else None)
subtitle = sentences.subtitle(choices, results.settings(choices.map), results.seeds_by_width(choices.map))
sql = picture.filled(cell_results.cells_sql(choices.map, choices.view.measure, axes.seeds), choices.map)

steps = evidence.steps(finding, maps)
with head:
    views.head(title, subtitle)
    guided.presented(results.QUESTION, steps, arrows=False)  # the arrow keys move the cell
with main:
    picture.main_picture(chart, start, default, choices, axes, sentences.map_alt(cells, axes, choices, shown))
with player_slot:
    player.player(chart, axes)

st.caption(sentences.caption(shown, choices))
st.caption(picture.legend(choices, axes, cells))
picture.own_legend(choices)
first_picture.wait_for(results.QUESTION, chart)
take_away(page=results.QUESTION, title=title, subtitle=subtitle, studies=[study.name], table=cells, sql=sql)
table(cells, t("generalization.map.table"))

guided.show(results.QUESTION, steps)
picture.runs_of_the_cell(choices, axes, default)
picture.small_multiples(choices, maps, axes, default, verdicts.get("G3"))
st.markdown(sentences.loss_and_error(choices.map, shown), width=question_page.READING)
evidence.early_stopping(finding, verdicts.get("G7"), row.clear or verdicts.get("G1") == "shown")
evidence.ablations(study)

study_by_study.sections()

st.header(t("generalization.published.heading"))
sources = evidence.published_beside_ours(study)

st.header(t("question.claims"))
claim_cards.of_question(results.QUESTION)

question_page.known_and_open(results.QUESTION)
study_by_study.criticism()

footer(
    page=results.QUESTION,
    studies=[each.name for each in studies],
    table=cells,
    sql=sql,
    rerun=f"python -m precompute run {study.name}",
    sources=sources,
)
