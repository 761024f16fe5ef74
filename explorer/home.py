"""The parts of the home page: the headline finding, the cards of the other questions, and where the claims stand."""

from typing import Any

import pyarrow as pa
import streamlit as st

from explorer import address, claim_cards, findings, first_picture, format, question_page
from explorer.charts.findings import error_against_width
from explorer.frame import FILES, ICONS, QUESTIONS
from explorer.results import published, site
from explorer.results.generalization import NOISE, STUDY, Map, Row, along_the_row, last_row, main_maps, noisiest
from explorer.text import language, t

READING = question_page.READING
ROW_SQL = """
SELECT c.x AS width, c.n_params, i.epoch, i.mean, i.low, i.high, i.n
FROM intervals i JOIN configurations c USING (configuration)
WHERE c.study = '{study}' AND i.measure = 'test_error' AND CAST(c.settings->>'label_noise' AS DOUBLE) = {noise}
  AND i.epoch = (SELECT max(epoch) FROM intervals JOIN configurations USING (configuration) WHERE study = '{study}')
ORDER BY c.x
"""


def headline() -> tuple[pa.Table, str]:
    """Draws the finding of the generalization question with its picture; returns the rows shown and the statement that gives them."""
    maps = main_maps()
    if not maps:
        st.info(t("home.finding_none"))
        return pa.table({"width": pa.array([], pa.int32())}), ROW_SQL.format(study=STUDY, noise=NOISE)
    shown = noisiest(maps)
    cells, row = along_the_row(shown), last_row(shown)
    clear = row.peak is not None and row.clear
    with st.container(border=True):
        words, picture = st.columns([2, 3], gap="large", vertical_alignment="center")
        with words:
            st.header(t("home.finding_title") if clear else t("site.question.generalization"), anchor=False)
            st.markdown(_sentence(shown, row, clear))
            st.caption(t("home.caption", epoch=format.count(row.epoch)))
            st.page_link(
                FILES["generalization"], label=t("home.explore"), icon=f":material/{ICONS['generalization']}:",
                query_params=address.parameters(),
            )  # fmt: skip
        with picture:
            chart = _finding_chart(site.data_version(), language(), shown, clear)
            with st.container(key="home.picture"):  # only this and what can be picked in is named in the browser
                st.vega_lite_chart(spec=dict(chart), alt=_described(cells, row, clear), key="home.headline")
    first_picture.wait_for("home", "home.picture")
    return pa.Table.from_pylist(cells), ROW_SQL.format(study=STUDY, noise=shown.noise)


@st.cache_data(max_entries=4, show_spinner=False)
def _finding_chart(version: str, language: str, shown: Map, clear: bool) -> dict[str, Any]:
    """The last row of a map, with the word for its peak where that is clear."""
    row, titles = last_row(shown), {"x_title": t("home.axis_width"), "y_title": t("home.axis_error")}
    peak = row.peak["width"] if clear else None
    label = t("home.peak_label", peak=format.percent(row.peak["mean"]), width=peak) if clear else ""
    return error_against_width(along_the_row(shown), **titles, peak=peak, peak_label=label).specification()


def cards() -> None:
    """A card for every other question, and the way to its page: the finding and its picture where there is one, and under it in a sentence
    what was published before; else the published numbers as a picture. In the place beside the last: how to read the site, and where the
    claims stand."""
    measured, unfinished = site.baked_questions(), site.unfinished_studies()
    grid = st.grid(2, min_column_width=360)
    for question in QUESTIONS[1:]:
        panel, rows, numbers = published.card(question)
        finding = findings.of(question)
        with grid.cell(), st.container(border=True, height="stretch"):
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.markdown(f"**{t(f'site.question.{question}')}**", width="content")
                if question in measured:
                    whole = finding is not None and finding.study not in unfinished
                    st.badge(t("home.measured" if whole else "home.measured_in_part"), color="green")
                else:
                    st.badge(t("home.not_baked"), color="blue", icon=":material/hourglass_empty:")
            published_before = t(f"home.card.{question}", **numbers)
            if finding:
                st.markdown(f"**{finding.sentence}**")
                finding.draw()
                st.caption(finding.shown)
                source = question_page.source_line(rows)
                st.caption(t("home.published_before", sentence=published_before, source=source))
            else:
                st.markdown(published_before)
                question_page.draw_panel(question, panel, rows, titled=False)
            st.page_link(
                FILES[question],
                label=t(f"site.nav.{question}"),
                icon=f":material/{ICONS[question]}:",
                query_params=address.parameters(),
            )
    with grid.cell():
        st.header(t("home.read_title"))
        st.markdown(t("home.read"))
        _verdicts()


def _verdicts() -> None:
    """How many claims have each verdict."""
    counts = site.verdict_counts()
    st.header(t("home.claims_title"))
    st.markdown(t("home.claims_text", total=site.number_of_claims()))
    for verdict, n in counts.items():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{n}**", width=32, text_alignment="right")
            claim_cards.badge(verdict)
    st.page_link(
        FILES["claims"],
        label=t("home.claims_link"),
        icon=f":material/{ICONS['claims']}:",
        query_params=address.parameters(),
    )


def others() -> str:
    """What stands on the cards of the other questions; of published numbers only where one of them has nothing else."""
    told = [t("home.others_text")]
    if any(findings.of(question) is None for question in QUESTIONS[1:]):
        told.append(t("home.others_published"))
    return " ".join(told)


def studies() -> list[str]:
    """The studies behind the home page's own numbers."""
    told = [STUDY, *(finding.study for question in QUESTIONS[1:] if (finding := findings.of(question)))]
    return [study["study"] for study in site.studies() if study["study"] in told]


def _sentence(shown: Map, row: Row, clear: bool) -> str:
    facts: dict[str, Any] = {
        "noise": format.percent(shown.noise, 0),
        "widest": _interval(row.widest),
        "widest_width": format.count(row.widest["width"]),
    }
    if not clear:
        return t("home.finding_unclear", **facts)
    facts |= {
        "before": _interval(row.before),
        "before_width": format.count(row.before["width"]),
        "peak": _interval(row.peak),
        "peak_width": format.count(row.peak["width"]),
    }
    return t("home.finding", **facts)


def _interval(cell: dict[str, Any]) -> str:
    return format.interval(cell["mean"], cell["low"], cell["high"], cell["n"])


def _described(cells: list[dict[str, Any]], row: Row, clear: bool) -> str:
    ends = {"low_width": cells[0]["width"], "high_width": cells[-1]["width"]}
    widest = {"widest": format.percent(row.widest["mean"]), "widest_width": format.count(row.widest["width"])}
    if clear:
        before = {"before": format.percent(row.before["mean"]), "before_width": format.count(row.before["width"])}
        shape = t(
            "home.shape_peak",
            **before,
            peak=format.percent(row.peak["mean"]),
            peak_width=format.count(row.peak["width"]),
            **widest,
        )
    else:
        shape = t("home.shape_plain", first=format.percent(cells[0]["mean"]), low_width=cells[0]["width"], **widest)
    return t("home.alt", **ends, shape=shape)
