import pytest
import streamlit as st


@pytest.fixture(autouse=True)
def no_results_file_is_held_over_from_another_test():
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture(params=["en", "ko"])
def language(request, monkeypatch) -> str:
    """Runs a test in both languages, outside a page."""
    monkeypatch.setattr("explorer.text.language", lambda: request.param)
    return request.param


@pytest.fixture
def english(monkeypatch) -> None:
    monkeypatch.setattr("explorer.text.language", lambda: "en")
