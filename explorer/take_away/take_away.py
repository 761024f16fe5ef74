"""The line under a picture: PNG and SVG of it with title, source, data version and link inside, its rows as CSV and Parquet, its SQL.

The browser makes the image files (picture.js): it has drawn the chart already, with the reader's choices in it and with fonts for
Korean, which a server may not have. Drawing it again on the server (vl-convert) would cost 84 MB of package, 63 MB of memory and seconds.
"""

from pathlib import Path

import pyarrow as pa
import streamlit as st

from explorer import address, views
from explorer.footer import source_line, table_button
from explorer.results import site
from explorer.text import language, t

FOLDER = Path(__file__).parent

_component = st.components.v2.component(
    "picture_files",
    html=(FOLDER / "picture.html").read_text(encoding="utf-8"),
    css=(FOLDER / "picture.css").read_text(encoding="utf-8"),
    js=(FOLDER / "picture.js").read_text(encoding="utf-8"),
)


def take_away(
    *,
    page: str,
    title: str,
    table: pa.Table,
    sql: str,
    subtitle: str = "",
    studies: list[str] | None = None,
) -> None:
    """Draws the line for the chart in the container `views.PICTURE`; `table` is exactly what it shows and `sql` the statement that gives it.

    `studies` are our own studies in it; `title` and `subtitle` go into the picture as they are. An embedded view and a presenter's end
    with it, and with the source in one line.
    """
    if not views.furnished():
        if views.presented() and subtitle:
            st.caption(subtitle)
        source_line(page)
        st.stop()
    file, key = f"{page}-{site.data_version()}", f"take_away.{page}"
    with st.container(horizontal=True, vertical_alignment="center"):
        _component(
            key=f"{key}.files",
            data={
                "chart": views.PICTURE,
                "title": title,
                "subtitle": subtitle,
                "lines": [_source(studies or []), _version()],
                "base": st.context.url or "",
                "fixed": {"lang": language(), "v": site.data_version()},
                "dropped": sorted(address.VIEWS),
                "file": file,
                "words": {word: t(f"site.take_away.{word}") for word in ("png", "svg", "failed")},
            },
            width="content",
        )
        table_button("CSV", lambda: table, f"{file}.csv", f"{key}.csv", help=t("site.footer.csv"))
        table_button("Parquet", lambda: table, f"{file}.parquet", f"{key}.parquet")
        with st.popover("SQL", icon=":material/code:"):
            st.caption(t("site.footer.sql"))
            st.code(sql.strip(), language=None)


def _source(studies: list[str]) -> str:
    said = []
    if studies:
        facts = site.provenance(studies)
        said.append(t("site.footer.studies", studies=", ".join(studies), runs=f"{facts['runs']:,}"))
        if facts["datasets"]:  # some studies draw their examples at random
            said.append(t("site.footer.datasets", datasets=", ".join(facts["datasets"])))
    return " ".join(said)


def _version() -> str:
    built = site.meta()["built_at"][:10]
    return t("site.take_away.version", site=t("site.title"), version=site.data_version(), date=built)
