"""The words of the app: one TOML file per page and language, looked up by a dotted key whose first part names the file."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

LANGUAGES = ("en", "ko")
FOLDER = Path(__file__).parent


def language() -> str:
    """The language of this page view, "en" or "ko"; English before `frame.begin` has asked the browser."""
    return st.session_state.get("language", "en")


def t(key: str, /, **values: Any) -> str:
    """The text of `key` (for example "generalization.title") in the reader's language, its {placeholders} filled.

    Raises KeyError for an unknown key and for a placeholder without a value.
    """
    return of(language(), key, **values)


def of(language: str, key: str, /, **values: Any) -> str:
    """As `t`, in a named language; for code that runs outside a page."""
    section, _, rest = key.partition(".")
    try:
        text = section_texts(language, section)[rest]
    except (KeyError, FileNotFoundError):
        raise KeyError(f"no text {key!r} in {language!r}") from None
    return text.format_map(values)


def has(key: str) -> bool:
    """Whether there is a text of that name."""
    section, _, rest = key.partition(".")
    try:
        return rest in section_texts(language(), section)
    except FileNotFoundError:
        return False


@cache
def section_texts(language: str, section: str) -> dict[str, str]:
    """All texts of a section by their dotted key. Raises FileNotFoundError for an unknown section."""
    with open(FOLDER / language / f"{section}.toml", "rb") as file:
        return dict(_flat(tomllib.load(file)))


def _flat(table: dict[str, Any], prefix: str = ""):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value.strip()
