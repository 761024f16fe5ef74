import pyarrow as pa
import streamlit as st

from explorer import claim_cards, frame, guided, question_page, views
from explorer.activation import comparisons, controls, dead, inside, strip, walk
from explorer.footer import footer
from explorer.results import activation as results
from explorer.take_away import take_away
from explorer.text import t

frame.begin("activation")

studies = results.studies()
if not studies:
    question_page.before_its_runs("activation")

head = st.container()
main, side = views.picture_and_controls((3, 1))
with side:
    choices = controls.choices()

if choices is None:
    with head:
        strip.not_yet()
else:
    place = choices.place
    title, subtitle = strip.title(place), strip.subtitle(place)
    steps = walk.steps()
    with head:
        views.head(title, subtitle)
        guided.presented("activation", steps)
    with main:
        strip.picture(place, choices.log)
    st.caption(strip.caption(place))
    take_away(
        page="activation", title=title, subtitle=subtitle, studies=[place.study], table=strip.shown_runs(place),
        sql=results.fresh_sql(place),
    )  # fmt: skip
    strip.behind(place)
    guided.show("activation", steps)

    st.header(t("activation.behind"))
    strip.rates(place)
    inside.layers(place)
    inside.bends(place)

    st.header(t("activation.changed"))
    comparisons.depth(place)
    comparisons.against_relu(place)
    comparisons.norm()
    comparisons.speed()

dead.born_dead()

published = question_page.published_numbers("activation")

st.header(t("question.claims"))
claim_cards.of_question("activation")

question_page.known_and_open("activation")

footer(
    page="activation",
    studies=[each["study"] for each in studies],
    table=results.fresh(choices.place) if choices else pa.Table.from_pylist(published),
    sql=results.fresh_sql(choices.place) if choices else question_page.published_sql("activation"),
    rerun="\n".join(f"python -m precompute run {each['study']}" for each in studies),
    sources=list(dict.fromkeys(row["source"] for row in published)),
)
