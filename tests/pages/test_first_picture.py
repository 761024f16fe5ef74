"""What waits for the browser: the rest of a page for its first picture, and a presenter's picture for the size of the screen."""

import pytest
from streamlit.testing.v1 import AppTest

from explorer import views
from tests.pages.reading import charts, components
from tests.pages.test_guided import PAGES, keys
from tests.results_files import ROOT

PICTURES = {"home": "home.picture", "generalization": "linked_map_1"}


def visited(page: str, **query: str) -> AppTest:
    """A page at a session's first visit, as a server sends it before the browser answers."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    if page != "home":
        app.switch_page(f"pages/{page}.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("page", PICTURES)
def test_the_rest_of_the_page_waits_until_the_browser_has_drawn_the_first_picture(page):
    app = visited(page)
    (picture,) = charts(app)
    assert components(app, "first_picture") == [{"place": PICTURES[page]}]
    assert app.title and app.get("skeleton")
    app.session_state[f"{page}.drawn"] = True
    app.run()
    assert charts(app)[0] == picture and len(charts(app)) > 5
    assert not components(app, "first_picture") and not app.get("skeleton")


def test_a_page_without_a_picture_waits_for_none(nothing_baked):
    app = visited("home")
    assert not components(app, "first_picture")
    assert len(app.header) > 1


@pytest.mark.parametrize("page", PAGES)
def test_before_an_audience_the_picture_waits_until_the_screen_is_measured(page):
    app = visited(page, present="1")
    assert keys(app)["screen"] is None
    assert app.title and not charts(app)
    app.session_state[views.SCREEN] = (1920, 1080)
    app.run()
    assert keys(app)["screen"] == [1920, 1080]
    assert len(charts(app)) == 1
