import ast
import csv
import re
import string
from collections.abc import Iterable
from pathlib import Path

import pytest

from explorer import text

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    ROOT / "streamlit_app.py",
    *sorted((ROOT / "pages").glob("*.py")),
    *sorted((ROOT / "explorer").rglob("*.py")),
]
HANGUL = re.compile("[가-힣]")
# A value in a key is one part of it, unless it is a number or a name such as "Fig. 1", which hold a dot themselves.
VALUE = r"(?:[^.\n]|\.(?=[\d ]))+"
# Names that are the same in both languages, though they look like English words.
NAMES = {
    "tanh",
    "softsign",
    "softplus",
    "hardtanh",
    "leaky",
    "max",
    "min",
    "sin",
    "cos",
    "sinc",
    "asinh",
    "sigmoid",
    "top",
    "test",
}


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def sections(language: str) -> list[str]:
    """The names of the files of texts."""
    return sorted(file.stem for file in (text.FOLDER / language).glob("*.toml"))


def all_texts(language: str) -> dict[str, str]:
    return {f"{s}.{key}": value for s in sections(language) for key, value in text.section_texts(language, s).items()}


def test_both_languages_have_the_same_sections():
    assert sections("en") == sections("ko")


@pytest.mark.parametrize("section", sections("en"))
def test_both_languages_have_the_same_keys_and_placeholders(section):
    english, korean = text.section_texts("en", section), text.section_texts("ko", section)
    assert english.keys() == korean.keys()
    differing = [key for key in english if placeholders(english[key]) != placeholders(korean[key])]
    assert differing == []


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_no_text_is_empty(language):
    assert [key for key, value in all_texts(language).items() if not value] == []


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_a_note_on_a_picture_has_at_most_twelve_words(language):
    notes = {key: value for key, value in all_texts(language).items() if ".note." in key}
    assert len(notes) > 5
    assert {key: value for key, value in notes.items() if len(value.split()) > 12} == {}


def test_korean_sentences_are_polite():
    plain = re.compile(r"[가-힣](?<!니)다[.!?]")
    assert {key: value for key, value in all_texts("ko").items() if plain.search(value)} == {}


def test_korean_emphasis_is_written_so_that_it_is_drawn():
    # Markdown takes "(…)**로" for no closing sign: punctuation before it, a letter behind it
    broken = re.compile(r"[^\s\w]\*\*[가-힣]")
    assert {key: value for key, value in all_texts("ko").items() if broken.search(value)} == {}


def test_an_unknown_key_and_a_missing_value_raise():
    with pytest.raises(KeyError, match="site.nothing_of_the_kind"):
        text.of("en", "site.nothing_of_the_kind")
    with pytest.raises(KeyError, match="no_such_section"):
        text.of("ko", "no_such_section.key")
    with pytest.raises(KeyError, match="mean"):
        text.of("en", "site.format.interval")


def asked_keys(path: Path) -> list[tuple[str, str]]:
    """The keys that a source file asks `t` or `of` or `notice` for: a pattern each, and where."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and node.args):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
        if name not in ("t", "notice"):
            continue
        first = node.args[0]
        options = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
        found += [(pattern, f"{path.name}:{node.lineno}") for option in options if (pattern := _pattern(option))]
    return found


def named_keys(path: Path) -> list[str]:
    """Every literal of a source file that could name a text, asked for at once or kept in a variable first."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [pattern for node in nodes if (pattern := _pattern(node, VALUE)) and _could_be_a_key(pattern)]


def _could_be_a_key(pattern: str) -> bool:
    """Words and dots, and a letter of its own: without one, as in "{prefix}.{code}", it would be every key."""
    own = pattern.replace(VALUE, "")
    return "\\." in own and re.search("[a-z]", own) is not None and re.fullmatch(r"(?:\w|\\\.)+", own) is not None


def _pattern(node: ast.AST, value: str = ".+") -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(re.escape(part.value) if isinstance(part, ast.Constant) else value for part in node.values)
    return None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_key_that_the_code_asks_for_has_a_text(path):
    keys = "\n".join(all_texts("en"))
    missing = [
        (pattern, where) for pattern, where in asked_keys(path) if not re.search(f"^{pattern}$", keys, re.MULTILINE)
    ]
    assert missing == []


def test_the_code_asks_for_many_keys():
    assert sum(len(asked_keys(path)) for path in SOURCES) > 100  # else the test above sees nothing


def unused(keys: Iterable[str]) -> list[str]:
    """Those of the keys that no literal of the code could name."""
    patterns = {pattern for path in SOURCES for pattern in named_keys(path)}
    named = re.compile("|".join(sorted(patterns)))
    return [key for key in keys if not named.fullmatch(key)]


def test_every_text_is_asked_for():
    planted = ["site.nobody_asks", "depth.nobody_asks", "depth.nobody.asks_for.this", "wiring.guess.nobody_asks.this"]
    assert unused([*all_texts("en"), *planted]) == planted


def test_every_claim_has_its_texts():
    claims = [f"{letter}{n}" for letter, count in zip("GALNBW", (8, 6, 4, 5, 5, 5)) for n in range(1, count + 1)]
    assert len(claims) == 33
    keys = all_texts("en")
    parts = ("sentence", "rule", "against", "change")
    assert [
        f"claims.{claim}.{part}" for claim in claims for part in parts if f"claims.{claim}.{part}" not in keys
    ] == []


def test_every_published_name_and_note_has_its_korean():
    names = text.section_texts("ko", "published")
    with open(ROOT / "data" / "published.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ("x_name", "y_name", "series", "figure", "note", "precision")
    asked = {row[column] for row in rows for column in columns}
    pieces = {piece for whole in asked if f"name.{whole}" not in names for piece in re.split("; |, ", whole)}
    english = {piece for piece in pieces if f"name.{piece}" not in names and _has_an_english_word(piece)}
    assert english == set()


def _has_an_english_word(piece: str) -> bool:
    return bool(set(re.findall(r"\b[a-z]{3,}\b", piece)) - NAMES)


def test_korean_texts_are_korean():
    words = {key: re.sub(r"\{.*?\}", "", value) for key, value in all_texts("ko").items()}
    english = {key for key, value in words.items() if re.search("[a-z]{4,}", value) and not HANGUL.search(value)}
    assert english == {"site.languages.en", "runs.fact.torch", "runs.fact.python", "activation.start.xavier"}
