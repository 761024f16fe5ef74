"""The frame around every page: its title, the language, the navigation, and a plain page where the results file cannot be shown.

Streamlit finds the pages itself in pages/. `st.navigation` is not called: with both, the first deep link on a freshly started server
opens the wrong thing. The navigation is drawn here, with translated labels.
"""

import shlex
from pathlib import Path

import streamlit as st

from explorer import address, database, own_results, text, views
from explorer.results import site
from explorer.text import LANGUAGES, t

QUESTIONS = ("generalization", "activation", "depth", "batch_norm", "batch_size", "wiring")
ICONS = {
    "home": "home",
    "generalization": "landscape",
    "activation": "show_chart",
    "depth": "layers",
    "batch_norm": "tune",
    "batch_size": "grid_view",
    "wiring": "hub",
    "claims": "fact_check",
    "runs": "manage_search",
    "data": "database",
    "about": "info",
}
FILES = {page: "streamlit_app.py" if page == "home" else f"pages/{page}.py" for page in ICONS}
# Korean lines end between words; Streamlit's own rule breaks them anywhere. Its placeholders pulse sixty times a second, for which a browser
# that draws without a graphics card uses up to half of the processor time of a page.
STYLE = """<style>
:lang(ko) :is(p, li, h1, h2, h3, h4, label) { word-break: keep-all !important }
[data-testid^="stSkeleton"] { animation: none !important }
</style>"""
TAPS = Path(__file__).with_name("taps.js").read_text(encoding="utf-8")
ICON = str(Path(__file__).with_name("icon.svg"))  # Streamlit would fetch its own icons from the internet


def begin(page: str) -> None:
    """Page configuration, language, navigation and the check of the results file; stops the page when there is nothing to show."""
    unknown = _settle_language()
    st.set_page_config(
        page_title=t("site.tab", page=t(f"site.nav.{page}"), site=t("site.title")),
        page_icon=ICON,
        layout="wide",
    )
    views.dress()
    _navigation()
    st.session_state["frame.notices"] = []
    st.session_state["frame.notice_slot"] = st.container()
    if unknown is not None:
        address.notice("site.notice.language", asked=unknown)
    try:
        database.meta()
    except database.Unusable as problem:
        _explain(problem)
        st.stop()
    if (problem := database.refused()) is not None:
        st.warning(own_results.refusal(problem), icon=":material/person_off:")
    _compare_data_version()


def _settle_language() -> str | None:
    """The browser's language first, then the reader's choice, which is in the address; returns an unknown language asked for."""
    asked = st.query_params.get("lang")
    if asked in LANGUAGES and asked != st.session_state.get(
        "language.in_address"
    ):  # a link or the back button, not our own writing
        st.session_state["language"] = asked
    if "language" not in st.session_state:
        st.session_state["language"] = "ko" if (st.context.locale or "").lower().startswith("ko") else "en"
    st.session_state["language.in_address"] = asked
    return asked if asked is not None and asked not in LANGUAGES else None


def _navigation() -> None:
    def chosen() -> None:
        st.session_state["language"] = st.session_state["language.control"]
        st.query_params["lang"] = st.session_state["language"]

    st.html(STYLE)
    if not views.furnished():
        _script()
        return
    with st.sidebar:
        st.markdown(f"**{t('site.title')}**")
        st.session_state["language.control"] = text.language()
        st.segmented_control(
            t("site.language"), LANGUAGES, key="language.control", required=True, on_change=chosen,
            format_func=lambda code: t(f"site.languages.{code}"), label_visibility="collapsed",
        )  # fmt: skip
        _link("home")
        st.caption(t("site.nav_questions"))
        for question in QUESTIONS:
            _link(question)
        st.caption(t("site.nav_evidence"))
        for other in ("claims", "runs", "data", "about"):
            _link(other)
        _script()


def _script() -> None:
    # Screen readers choose their voice by the language; Streamlit leaves it English.
    said = f"document.documentElement.lang = '{text.language()}'"
    st.html(f"<script>{said}\n{TAPS}</script>", unsafe_allow_javascript=True)


def _link(page: str) -> None:
    st.page_link(
        FILES[page],
        label=t(f"site.nav.{page}"),
        icon=f":material/{ICONS[page]}:",
        query_params=_everywhere(),
    )


def _everywhere() -> dict[str, str]:
    """What every link carries: the language, and the data version where there are data."""
    try:
        return address.parameters()
    except database.Unusable:
        return {"lang": text.language()}


def _compare_data_version() -> None:
    asked, here = st.query_params.get("v"), site.data_version()
    if asked is not None and asked != here:
        address.notice("site.notice.version", asked=asked, here=here)


def _mend(problem: database.Unusable) -> str:
    """The command that makes the file one that can be shown."""
    path = shlex.quote(str(problem.path))
    if problem.kind == "newer":
        return "git pull"
    if problem.kind != "older" and problem.path == database.SHIPPED.resolve():
        return f"git restore {database.SHIPPED.relative_to(database.ROOT)}"
    if problem.kind == "older":  # the build takes its runs over
        return f"python -m precompute build --database {path}"
    build = f"python -m precompute build --shards DIR --database {path}"
    # the build replaces no file that it cannot read
    return f"mv {path} {path}.damaged && {build}" if problem.kind == "damaged" else build


def _explain(problem: database.Unusable) -> None:
    st.title(t(f"site.database.{problem.kind}.title"))
    st.markdown(t(f"site.database.{problem.kind}.text", **problem.versions))
    st.markdown(t("site.database.where", path=f"`{problem.path}`"))
    if isinstance(problem, database.TooMany):
        return
    st.markdown(t("site.database.mend"))
    st.code(_mend(problem), language=None)
    if problem.detail:
        st.caption(t("site.database.detail", detail=problem.detail))
