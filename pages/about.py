import streamlit as st

from explorer import frame
from explorer.footer import footer
from explorer.question_page import READING
from explorer.results import site
from explorer.text import t

frame.begin("about")

st.title(t("about.title"))
with st.container(width=READING):
    st.header(t("about.story_title"))
    st.markdown(t("about.story"))
    st.caption(t("about.source"))
    for part in ("answer", "method", "data", "limits"):
        st.header(t(f"about.{part}_title"))
        st.markdown(t(f"about.{part}"))

footer(page="about", studies=[], table=site.facts(), sql=site.FACTS)
