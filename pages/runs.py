import streamlit as st

from explorer import address, frame, own_results, run_list, run_pages
from explorer.question_page import READING
from explorer.results import runs
from explorer.text import t

frame.begin("runs")

asked = address.get("run")
run = run_pages.find(asked)
if asked is not None and run is None:
    address.notice("site.notice.no_run", asked=asked)

if run is not None:
    run_pages.one(run)
elif not runs.studies():
    st.title(t("runs.title"))
    st.info(t("runs.nothing"))
else:
    st.title(t("runs.title"))
    st.markdown(t("runs.lead"), width=READING)
    own_results.told()
    found, sort = run_list.filters()
    run_list.listed(found, sort)
