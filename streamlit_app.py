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

footer(
    page="home", studies=home.studies(), table=shown, sql=sql, rerun="python -m precompute run double_descent/mnist_mlp"
)
