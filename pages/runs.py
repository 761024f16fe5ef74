import streamlit as st

from explorer import address, frame, run_pages
from explorer.results import site
from explorer.text import t

frame.begin("runs")

asked = address.get("run")
run = run_pages.find(asked)
if asked is not None and run is None:
    address.notice("site.notice.no_run", asked=asked)

if not site.studies():
    st.title(t("runs.title"))
    st.info(t("runs.nothing"))
elif run is not None:
    run_pages.one(run)
else:
    st.title(t("runs.title"))
    st.markdown(t("runs.lead"), width=760)
    study, status, settings = run_pages.filters()
    run_pages.listed(study, status, settings)
