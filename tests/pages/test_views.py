"""A page embedded in another, before an audience, and what can be taken away from a picture."""

import json

import pyarrow as pa
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer import views
from explorer.charts import style
from explorer.results import site
from explorer.text import of
from tests.pages.reading import components

PAGES = ("home", "generalization", "wiring", "claims", "data")


@pytest.fixture
def embedded(opened, monkeypatch):
    """Opens a page as it stands in the frame of another page."""

    def open_page(page: str, **query: str) -> AppTest:
        monkeypatch.setattr(type(st.context), "is_embedded", property(lambda _: True))
        return opened(page, **query)

    return open_page


def component(app: AppTest, name: str) -> dict:
    """What a component on the page was given."""
    (given,) = components(app, name)
    return given


def chart(app: AppTest) -> dict:
    return json.loads(app.get("vega_lite_chart")[0].proto.spec)


def source_line(app: AppTest) -> str:
    return app.caption[-1].value


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("page", PAGES)
def test_an_embedded_page_has_no_furniture_but_one_line_with_its_source(embedded, page, language):
    app = embedded(page, lang=language)
    assert not app.exception
    assert len(app.title) == 1
    assert not app.sidebar.get("page_link")
    assert not any("@misc{" in element.value for element in app.code) or page == "data"
    assert of(language, "site.footer.title") not in {element.value for element in app.header}
    line = source_line(app)
    assert f"v={site.data_version()}" in line and f"lang={language}" in line
    assert "embed" not in line and "present" not in line
    assert not app.get("download_button") or page in ("data",)


@pytest.mark.parametrize("page", PAGES)
def test_a_presenters_page_has_large_type_and_hides_what_can_be_operated(once, page):
    app = once(page, present="1")
    assert not app.sidebar.get("page_link")
    css = " ".join(element.proto.body for element in app.get("html"))
    assert "font-size: 22px" in css and '[data-testid="stButton"]' in css
    assert "present" not in source_line(app)
    plain = once(page)
    assert "font-size: 22px" not in " ".join(element.proto.body for element in plain.get("html"))


def test_a_presenters_map_is_larger_and_takes_its_keys_from_the_whole_page(once):
    before, after = once("generalization"), once("generalization", present="1")
    assert component(after, "linked_map_player")["presented"] is True
    assert component(before, "linked_map_player")["presented"] is False
    sizes = [
        spec[side][0]["title"]["fontSize"] for side, spec in (("vconcat", chart(before)), ("hconcat", chart(after)))
    ]
    assert sizes[1] == pytest.approx(1.35 * sizes[0], abs=0.06)
    assert len(after.header) == 0 < len(before.header)  # it ends with the picture


def test_a_picture_carries_title_source_version_and_is_offered_with_its_rows_and_statement(opened, results_file):
    for language in ("en", "ko"):
        app = opened("generalization", lang=language, noise="0.0")
        given = component(app, "picture_files")
        assert given["title"] == app.title[0].value
        assert any(element.value == given["subtitle"] for element in app.markdown)
        assert "double_descent/mnist_mlp" in given["lines"][0] and "MNIST" in given["lines"][0]
        assert site.data_version() in given["lines"][1] and of(language, "site.title") in given["lines"][1]
        assert given["fixed"] == {"lang": language, "v": site.data_version()}
        assert {"embed", "present"} <= set(given["dropped"])
        assert given["chart"] == views.PICTURE
        labels = [element.proto.label for element in app.get("download_button")]
        assert labels[:2] == ["CSV", "Parquet"]


def test_every_footer_offers_parquet_and_the_addresses_for_a_projector_and_for_embedding(opened):
    app = opened("claims", question="depth")
    assert "Parquet" in [element.proto.label for element in app.get("download_button")]
    links = [element.value for element in app.code if "question=depth" in element.value]
    assert any("present=1" in link for link in links)
    assert any(link.startswith("<iframe") and "embed=true" in link for link in links)
    assert all("v=" in link for link in links)


def test_an_enlarged_chart_has_the_same_data_and_only_sizes_changed():
    table = pa.table({"a": [1]})
    small = {
        "mark": {"type": "text", "fontSize": 10},
        "encoding": {"x": {"axis": {"labelFontSize": 11, "minExtent": 46, "values": [1, 2]}}},
        "datasets": {"d": table},
    }
    large = style.enlarged(small, 2)
    assert large["mark"] == {"type": "text", "fontSize": 20}
    assert large["encoding"]["x"]["axis"] == {"labelFontSize": 22, "minExtent": 92, "values": [1, 2]}
    assert large["datasets"]["d"] is table
    assert large["config"]["axis"]["titleFontSize"] == 24
    assert small["mark"]["fontSize"] == 10
