"""The parts of the data page."""

from typing import Any

import streamlit as st

from explorer import address, format
from explorer.footer import citation
from explorer.question_page import READING
from explorer.results import dictionary, site
from explorer.text import t

STUDY_COLUMNS = ("study", "dataset", "planned", "complete", "diverged", "failed")


def download(tables: list[dict[str, Any]]) -> None:
    """What the file holds, the file, and its checksum."""
    rows = {table["table"]: table["rows"] for table in tables if not table["view"]}
    size = f"{dictionary.file_size() / 2**20:.1f} MiB"
    facts = {"runs": format.count(rows["runs"]), "studies": rows["studies"], "rows": format.count(sum(rows.values()))}
    st.markdown(t("data.lead", **facts, size=size), width=READING)
    st.download_button(
        t("data.download"),
        data=dictionary.file_bytes,
        file_name="results.duckdb",
        mime="application/vnd.duckdb",
        icon=":material/download:",
        on_click="ignore",
    )
    st.caption(t("data.checksum"))
    st.code(dictionary.checksum(), language=None, wrap_lines=True)


def sample_query() -> None:
    """A statement to start from, as a shell would run it."""
    st.header(t("data.query_title"))
    st.markdown(t("data.query_text"), width=READING)
    st.code(dictionary.SAMPLE.strip(), language=None, wrap_lines=True)


def cite() -> None:
    """How to cite the data: one line, and BibTeX."""
    st.header(t("data.cite_title"))
    text, bibtex = citation("data", address.first_view())  # of all data: the box changes the address without this page
    st.code(text, language=None, wrap_lines=True)
    st.code(bibtex, language=None, wrap_lines=True)


def licence() -> None:
    """What may be done with it."""
    st.header(t("data.licence_title"))
    st.markdown(t("data.licence"), width=READING)


def studies() -> None:
    """The studies with their numbers of runs."""
    st.header(t("data.studies"))
    rows = [row | {"dataset": row["dataset_copy"]} for row in site.studies()]
    columns = {t(f"data.study.{name}"): [row[name] for row in rows] for name in STUDY_COLUMNS}
    st.dataframe(columns, hide_index=True, alt=t("data.studies_alt"))


def columns(tables: list[dict[str, Any]]) -> None:
    """Every table with its columns, types and units."""
    st.header(t("data.tables"))
    st.markdown(t("data.tables_text"), width=READING)
    for table in tables:
        name = f"{table['table']} ({t('data.view')})" if table["view"] else table["table"]
        with st.expander(t("data.table_title", name=name, rows=format.count(table["rows"]))):
            if table["comment"]:
                st.markdown(table["comment"])
            shown = {
                t(f"data.column.{part}"): [column[part] for column in table["columns"]]
                for part in ("column", "type", "comment")
            }
            st.table(shown, border="horizontal", hide_index=True, alt=t("data.table_alt", name=table["table"]))


def versions() -> None:
    """The facts that the file states about itself."""
    st.header(t("data.versions"))
    facts = site.meta()
    st.markdown("\n".join(f"- {key}: `{value}`" for key, value in facts.items()))
