import streamlit as st

from explorer import address, claim_cards, claim_forests, frame, own_results
from explorer.footer import footer
from explorer.question_page import READING
from explorer.results import site
from explorer.text import t

frame.begin("claims")

st.title(t("claims.title", total=site.number_of_claims()))
st.markdown(t("claims.lead"), width=READING)
claim_cards.counted()
st.caption(t("claims.legend"))
own_results.told()

with st.container(horizontal=True, vertical_alignment="bottom"):
    question = address.choice(
        "question",
        ["all", *frame.QUESTIONS],
        "all",
        label=t("claims.filter.question"),
        format=claim_cards.question_name,
        widget="select",
    )
    verdict = address.choice(
        "verdict",
        ["all", *site.VERDICTS],
        "all",
        label=t("claims.filter.verdict"),
        format=claim_cards.verdict_name,
        widget="select",
    )

shown = claim_cards.chosen(question, verdict)
st.markdown(f"{claim_cards.filter_sentence(shown, question, verdict)} {claim_forests.way_there(shown)}")
claim_cards.grid(shown)
claim_forests.forests(shown)

with st.expander(t("claims.table"), icon=":material/table:"):
    st.dataframe(claim_cards.as_table(shown), hide_index=True, alt=t("claims.alt"))

sql, table = site.claims_with_parts(question, verdict, claim_cards.chosen_by_own(shown, verdict))
footer(page="claims", studies=claim_cards.studies(shown), table=table, sql=sql)
