from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def no_results_file_is_held_over_from_another_test():
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def opened():
    """Opens a page as a reader with that address and browser language would: opened("runs", lang="ko", run=ID)."""

    def open_page(page: str, /, *, locale: str = "en-US", **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        app.context = {"locale": locale, "url": "http://localhost:8501/"}
        if page != "home":
            app.switch_page(f"pages/{page}.py")
        # No browser draws the map here, so that the page would wait for it: explorer/double_descent/player.py.
        app.session_state["generalization.drawn"] = True
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return open_page
