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
st.markdown(t("home.others_text"), width=home.READING)
home.cards()

read, claims = st.columns(2, gap="large")
with read:
    st.header(t("home.read_title"))
    st.markdown(t("home.read"))
with claims:
    home.verdicts()

footer(
    page="home", studies=home.studies(), table=shown, sql=sql, rerun="python -m precompute run double_descent/mnist_mlp"
)
