import streamlit as st

from explorer import frame, home
from explorer.footer import footer
from explorer.text import t

frame.begin("home")

st.title(t("site.title"))
st.markdown(f"**{t('home.refrain')}**")
st.markdown(t("home.lead"), width=home.READING)

shown, sql = home.headline()

st.header(t("home.others"))
st.markdown(home.others(), width=home.READING)
home.cards()

footer(
    page="home",
    studies=home.studies(),
    table=shown,
    sql=sql,
    rerun="\n".join(f"python -m precompute run {study}" for study in home.studies()),
)
