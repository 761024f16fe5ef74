"""The box on the Data page in which anybody asks the results file in SQL: examples, the statement, its rows, and its link."""

import streamlit as st

from explorer import address, format
from explorer.footer import table_button
from explorer.public_sql import ask
from explorer.public_sql.ask import LIMITS, LONGEST, Answer, Refused
from explorer.question_page import READING
from explorer.results import dictionary, site
from explorer.text import t

TEXT, SEEN, KEPT = "data.sql", "data.sql_in_address", "data.answer"
BOX_HEIGHT = 220
TABLE_HEIGHT = 420


@st.fragment(key="data.box")
def box() -> None:
    """The whole box. A statement in the address under `sql` is asked at once, so that a link carries its rows."""
    st.header(t("data.box.title"))
    facts = {"seconds": f"{LIMITS.seconds:g}", "megabytes": LIMITS.megabytes, "rows": format.count(LIMITS.rows)}
    st.markdown(t("data.box.text", **facts), width=READING)
    _examples()
    asked = address.get("sql")
    _statement(asked or dictionary.EXAMPLES["error"].strip())
    if asked is not None and asked.strip():
        _result(asked)


def _examples() -> None:
    st.caption(t("data.box.examples"))
    with st.container(horizontal=True, gap="small"):
        for code, sql in dictionary.EXAMPLES.items():
            st.button(
                t(f"data.box.example.{code}"),
                key=f"data.example.{code}",
                on_click=address.put,
                args=("sql", sql.strip()),
            )


def _statement(shown: str) -> None:
    # Written into the box only when the address has changed, or half a statement would be lost at the next rerun; and on coming back
    # from another page, where the box has been forgotten.
    if TEXT not in st.session_state or st.session_state.get(SEEN) != shown:
        st.session_state[TEXT] = st.session_state[SEEN] = shown[:LONGEST]
    with st.form("data.form", border=False):
        st.text_area(t("data.box.statement"), key=TEXT, height=BOX_HEIGHT, max_chars=LONGEST)
        st.form_submit_button(t("data.box.run"), icon=":material/play_arrow:", on_click=_into_the_address)


def _into_the_address() -> None:
    st.session_state.pop(KEPT, None)  # asked anew, even the same statement
    st.session_state[SEEN] = st.session_state[TEXT]
    address.put("sql", st.session_state[TEXT])


def _result(asked: str) -> None:
    try:
        answer = _answer(asked)
    except Refused as refused:
        st.warning(t(f"data.box.refused.{refused.reason}", detail=refused.detail), icon=":material/block:")
        if refused.reason == "error":
            st.code(
                refused.detail, language=None, wrap_lines=True
            )  # as it is: it quotes the statement, which may hold markup
        return
    rows = format.count(answer.table.num_rows)
    columns = answer.table.num_columns
    st.markdown(t("data.box.answer", rows=rows, columns=columns, seconds=f"{answer.seconds:.2f}"))
    for cut in _cuts(answer):
        st.info(cut, icon=":material/content_cut:")
    st.dataframe(
        answer.table, hide_index=True, height=_height(answer), alt=t("data.box.alt", rows=rows, columns=columns)
    )
    _take(answer)


def _answer(asked: str) -> Answer:
    """The answer; the last one is kept for the session, so that a change of language does not ask again."""
    question = asked, site.data_version()
    kept = st.session_state.get(KEPT)
    if kept is None or kept[0] != question:
        with st.spinner(t("data.box.running")):
            kept = question, ask.ask(asked)
        st.session_state[KEPT] = kept
    return kept[1]


def _cuts(answer: Answer) -> list[str]:
    said = []
    if answer.rows_cut:
        said.append(t("data.box.cut.rows", rows=format.count(answer.table.num_rows)))
    if answer.columns_cut:
        said.append(t("data.box.cut.columns", columns=answer.table.num_columns))
    if answer.cells_cut:
        cells = format.count(answer.cells_cut)
        said.append(t("data.box.cut.cells", cells=cells, characters=format.count(LIMITS.cell)))
    return said


def _height(answer: Answer) -> int | str:
    return TABLE_HEIGHT if answer.table.num_rows > 10 else "content"


def _take(answer: Answer) -> None:
    name = f"query-{site.data_version()}"
    with st.container(horizontal=True):
        table_button("CSV", lambda: answer.table, f"{name}.csv", "data.box.csv")
        table_button("Parquet", lambda: answer.table, f"{name}.parquet", "data.box.parquet")
        with st.popover(t("data.box.link"), icon=":material/link:"):
            st.caption(t("data.box.link_text"))
            st.code(address.here(), language=None, wrap_lines=True)
