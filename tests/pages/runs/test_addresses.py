"""Addresses that nobody would write."""

import json
import random
import string

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT
from tests.pages.reading import ask


@pytest.mark.parametrize("key", ["run", "v", "lang", "study", "page"])
def test_an_address_that_a_stranger_wrote_is_quoted_as_text(opened, key):
    evil = "[in](https://evil.example) ![x](https://evil.example/x.png)" + "9" * 5000
    said = [each.value for each in opened("runs", **{key: evil}).info]
    assert len(said) == 1 and "evil" in said[0]
    assert "](" not in said[0] and "![" not in said[0] and len(said[0]) < 600


GARBAGE = ["", " ", "0", "-1", "1e999", "nan", "inf", "None", "any", "𝔘𝔫𝔦", "한국어", "'; DROP TABLE runs; --", "%", "$run_id", "{}", "[x](y)",
           "<script>", "\\", "\0", "a" * 3000, "../..", "1.0000000000001", "٣", "$a$", ":red[x]", "true", "=", "width=="]  # fmt: skip


def address(draw: random.Random, known: dict[str, list[str]]) -> dict[str, str]:
    """A query that a hostile or forgetful reader could open: known names and made-up ones, right values and wrong ones."""
    names = draw.sample(sorted(known), draw.randint(0, 6))
    query = {name: draw.choice(known[name] if draw.random() < 0.6 else GARBAGE) for name in names}
    if draw.random() < 0.2:
        query["".join(draw.choices(string.ascii_letters + "_", k=5))] = draw.choice(GARBAGE)
    return query


@pytest.mark.parametrize(("page", "number"), [("runs", 880), ("run", 40), ("claims", 80)])
def test_a_thousand_addresses_that_nobody_would_write_open_without_an_exception(results_file, page, number):
    """A thousand in all, through the code of the pages themselves, one reader after the other opening them in one session."""
    rows = ask(
        results_file,
        "SELECT run_id, study, settings FROM runs r JOIN configurations c USING (configuration, study) ORDER BY run",
    )
    settings: dict[str, set[str]] = {}
    for _, _, text in rows:
        for name, value in json.loads(text).items():
            settings.setdefault(name, set()).add(str(value))
    known = {name: sorted(values) for name, values in settings.items()} | {
        "question": ["generalization", "depth", "activation", "batch_size", "wiring", "all"],
        "study": sorted({row[1] for row in rows}),
        "status": ["complete", "diverged", "failed", "any"],
        "sort": ["grid", "test_error", "-test_error", "-apart"],
        "page": ["1", "2", "3", "999"],
        "q": ["relu", "seed=1", "width=8", "mnist"],
        "origin": ["both", "own"],
        "lang": ["en", "ko"],
        "v": ["0123456789ab"],
        "layers": ["dead", "gradient_norm"],
        "verdict": ["shown", "not shown", "contradicted", "not tested here"],
        "axis": ["even", "stretched"],
    }
    draw = random.Random(f"addresses of {page}")
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.context = {"locale": "en-US", "url": "http://localhost:8501/"}
    app.switch_page(f"pages/{'claims' if page == 'claims' else 'runs'}.py")
    for _ in range(number):
        query = address(draw, known)
        if page == "run":
            query["run"] = draw.choice([row[0] for row in rows] + GARBAGE[:3])
        for name in list(app.query_params):
            del app.query_params[name]
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception, (query, [error.message for error in app.exception])
        assert len(app.title) == 1, query
