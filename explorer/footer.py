"""The foot of every page: where the numbers come from, and how to take them away, cite them and make them again."""

from collections.abc import Callable
from datetime import datetime
from html import escape
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import streamlit as st
from pyarrow import csv, parquet

from explorer import address, views
from explorer.results import site
from explorer.text import has, t

SHORT_COMMIT = 10


def footer(
    *,
    page: str,
    studies: list[str],
    table: pa.Table,
    sql: str,
    rerun: str | None = None,
    sources: list[str] | None = None,
) -> None:
    """Draws the footer of `page`.

    `table` is exactly what the page shows and `sql` the statement that gives it; `rerun` is the command that makes the numbers again
    and `sources` names published sources that are shown.
    """
    if not views.furnished():
        source_line(page)
        return
    st.space("large")
    st.header(t("site.footer.title"))
    with st.container(horizontal=True):
        table_button(t("site.footer.csv"), lambda: table, f"{page}-{site.data_version()}.csv", "footer.csv")
        table_button("Parquet", lambda: table, f"{page}-{site.data_version()}.parquet", "footer.parquet")
        with st.popover("SQL", icon=":material/code:"):
            st.caption(t("site.footer.sql"))
            st.code(sql.strip(), language=None)
        if rerun:
            commands_button(t("site.footer.rerun"), t("site.footer.rerun_text"), rerun)
        _as_it_is_seen(page)
    st.caption("  \n".join(_lines(studies, sources or [])))


# A fragment that runs when a part of it is opened: a pick in a chart changes the address without running the page.
@st.fragment(key="footer.as_it_is_seen")
def _as_it_is_seen(page: str) -> None:
    with st.container(horizontal=True):
        _cite(page)
        _addresses(page)


def _cite(page: str) -> None:
    with st.popover(t("site.footer.cite"), icon=":material/format_quote:", on_change="rerun", key="footer.cite"):
        text, bibtex = citation(page)
        st.code(text, language=None, wrap_lines=True)
        st.code(
            bibtex, language=None
        )  # without a language: the colours of code fall short of the contrast small text needs


def _addresses(page: str) -> None:
    with st.popover(t("site.footer.address"), icon=":material/link:", on_change="rerun", key="footer.address"):
        st.caption(t("site.footer.address_text"))
        st.code(address.here(), language=None, wrap_lines=True)
        keys = "map" if has(f"{page}.map.input") else "steps" if has(f"{page}.step.heading") else "none"
        st.caption(t(f"site.footer.present.{keys}"))
        st.code(address.here(present="1"), language=None, wrap_lines=True)
        st.caption(t("site.footer.embed_text"))
        frame = (
            f'<iframe src="{escape(address.here(embed="true"))}" width="100%" height="900" style="border:0"></iframe>'
        )
        st.code(frame, language=None, wrap_lines=True)


def source_line(page: str) -> None:
    """All that a view without furniture has for a footer: the source with its data version, and the link to the whole page."""
    name = t("site.tab", page=t(f"site.nav.{page}"), site=t("site.title"))
    st.caption(t("site.footer.line", name=name, version=site.data_version(), link=address.here()))


def table_button(label: str, rows: Callable[[], pa.Table], file_name: str, key: str, help: str | None = None) -> None:
    """A button that gives the table which `rows` returns, asked for when it is pressed, as CSV or Parquet by the end of `file_name`."""
    write, mime = WRITERS[Path(file_name).suffix]
    st.download_button(
        label, data=lambda: write(rows()), file_name=file_name, mime=mime, help=help, icon=":material/download:",
        on_click="ignore", key=key,
    )  # fmt: skip


def commands_button(label: str, text: str, lines: str) -> None:
    """A button that opens the commands which make something again, to be copied. Closed, they cost the browser nothing."""
    with st.popover(label, icon=":material/replay:"):
        st.caption(text)
        st.code(lines, language=None, wrap_lines=True)


def as_csv(table: pa.Table) -> bytes:
    """The table as CSV in UTF-8, NULL as an empty field, numbers unrounded."""
    out = BytesIO()
    csv.write_csv(table, out)
    return out.getvalue()


def as_parquet(table: pa.Table) -> bytes:
    """The table as a Parquet file, types as they are."""
    out = BytesIO()
    parquet.write_table(table, out)
    return out.getvalue()


WRITERS = {".csv": (as_csv, "text/csv"), ".parquet": (as_parquet, "application/vnd.apache.parquet")}


def citation(page: str, url: str | None = None) -> tuple[str, str]:
    """How to cite a page of this explorer with this data, at `url` or else as it is seen: one line of text, and BibTeX."""
    built = site.meta()["built_at"][:10]
    facts = {
        "title": t("site.title"), "page": t(f"site.nav.{page}"), "version": site.data_version(), "date": built, "year": built[:4], "url": url or address.here()
    }  # fmt: skip
    text = t("site.footer.citation", **facts)
    fields = [
        ("author", "{The ``Works, but why?'' authors}"),
        ("title", f"{{{facts['title']}}}: {facts['page']}"),
        ("year", facts["year"]),
        ("note", f"Data version {facts['version']}, built {built}"),
        ("url", facts["url"]),
    ]
    body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields)
    return text, f"@misc{{works_but_why_{page}_{facts['version']},\n{body}\n}}"


def _lines(studies: list[str], sources: list[str]) -> list[str]:
    meta = site.meta()
    lines = [
        t(
            "site.footer.version",
            version=site.data_version(),
            date=meta["built_at"][:10],
            commit=meta["git_commit"][:SHORT_COMMIT],
        )
    ]
    if studies:
        facts = site.provenance(studies)
        lines.append(
            t("site.footer.studies", studies=", ".join(f"`{study}`" for study in studies), runs=f"{facts['runs']:,}")
        )
        lines.append(t("site.footer.trained", **_trained(facts)))
        if facts["datasets"]:  # some studies draw their examples at random
            lines.append(t("site.footer.datasets", datasets=", ".join(facts["datasets"])))
    if sources:
        lines.append(t("site.footer.sources", sources=" · ".join(sources)))
    return [*lines, t("site.footer.licence")]


def _trained(facts: dict) -> dict[str, str]:
    def day(moment: datetime | None) -> str:
        return f"{moment:%Y-%m-%d}" if moment else "–"

    first, last = day(facts["first"]), day(facts["last"])
    return {
        "devices": ", ".join(facts["devices"]),
        "versions": "; ".join(facts["versions"]),
        "commits": ", ".join(commit[:SHORT_COMMIT] for commit in facts["commits"]),
        "when": t("site.footer.days", first=first, last=last) if first != last else t("site.footer.day", day=first),
    }
