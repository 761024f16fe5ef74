import pyarrow as pa
import streamlit as st

from explorer import data_page, frame, sql_box
from explorer.footer import footer
from explorer.results import dictionary, site
from explorer.text import t

frame.begin("data")

tables = dictionary.tables()
st.title(t("data.title"))
data_page.download(tables)
sql_box.box()
data_page.columns(tables)
data_page.studies()
data_page.sample_query()
data_page.cite()
data_page.licence()
data_page.versions()

footer(
    page="data",
    studies=[study["study"] for study in site.studies()],
    table=pa.Table.from_pylist([column for table in tables for column in table["columns"]]),
    sql=dictionary.COLUMNS,
)
