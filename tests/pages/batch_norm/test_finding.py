"""What the title and the headings say."""

import json
import re

import pytest

from explorer.batch_norm import sentences
from explorer.results.batch_norm import Study
from explorer.text import of
from tests.pages.batch_norm.conftest import VIEWS
from tests.pages.reading import ask, said
from tests.planted_norms import LINEAR, SIZES, SMALL, THE_OTHER_WAY, UNCLEAR

both = pytest.mark.parametrize("language", ["en", "ko"])
WORDS = {
    "shown": ("widens", "늘립니다"),
    "not shown": ("unclear", "뚜렷하지"),
    "contradicted": ("narrows", "줄입니다"),
}


@both
def test_the_title_has_the_shares_of_the_claim_in_ten_words(seen, database, language):
    title = seen(lang=language).title[0].value
    [(shares,)] = ask(database, "SELECT details->'share' FROM claim_parts WHERE claim = 'N1' AND study = ?", SMALL)
    shares = json.loads(shares)
    assert [int(number) for number in re.findall(r"(\d+)%", title)] == [
        round(100 * shares["none"]),
        round(100 * shares["batch"]),
    ]
    assert len(title.split()) <= 10


@pytest.mark.parametrize("verdict", ["shown", "not shown", "contradicted"])
@both
def test_every_verdict_has_a_title_and_headings_of_its_own(opened, changed, verdict, language):
    changed(f"UPDATE claims SET verdict = '{verdict}' WHERE claim LIKE 'N%'")
    app = opened("batch_norm", lang=language)
    told = [app.title[0].value, *(each.value for each in app.subheader)]
    for claim, section in (("N4", "probe"), ("N3", "shift"), ("N2", "drift"), ("N5", "ablation")):
        assert of(language, f"batch_norm.{section}.heading.{verdict}") in told, claim
    assert WORDS[verdict][language == "ko"] in told[0] and len(told[0].split()) <= 10


@both
@pytest.mark.parametrize("story", [THE_OTHER_WAY, UNCLEAR], ids=["the other way", "unclear"])
def test_runs_that_say_otherwise_are_told_so_on_every_view(opened, planting, story, language):
    file = planting(story)
    verdict = "contradicted" if story is THE_OTHER_WAY else "not shown"
    assert ask(file, "SELECT DISTINCT verdict::VARCHAR FROM claims WHERE claim LIKE 'N%'") == [(verdict,)]
    for view in VIEWS:
        app = opened("batch_norm", lang=language, **view)
        assert not app.exception
        title, headings = app.title[0].value, [each.value for each in app.subheader]
        assert len(title.split()) <= 10
        sections = ("probe", "shift", "drift") if "study" in view else ("probe", "shift", "drift", "ablation")
        assert {of(language, f"batch_norm.{section}.heading.{verdict}") for section in sections} <= set(headings), view
        if "study" not in view:
            assert WORDS[verdict][language == "ko"] in title


@both
def test_the_title_of_the_batch_sizes_has_the_difference_of_the_database(seen, database, language):
    title = seen(lang=language, study="batch_size").title[0].value
    [(estimate,)] = ask(
        database,
        "SELECT estimate FROM contrasts WHERE study = ? AND quantity = 'final_test_error_norm_minus_batch_norm'"
        " AND changed->>'norm' = 'group' AND changed->>'batch_size' = '2'",
        SIZES,
    )
    assert f"{abs(estimate):.1f}" in title and "2" in title and len(title.split()) <= 10
    assert ("beats" in title or "낮습니다" in title) == (estimate < 0)


@pytest.mark.parametrize(
    ("low", "high", "word"), [(0.5, 1.5, "divides"), (-1.5, -0.5, "multiplies"), (-1.0, 1.0, "no clear")]
)
def test_the_title_of_the_linear_network_follows_the_interval(changed, low, high, word):
    middle = (low + high) / 2
    changed(f"UPDATE contrasts SET estimate = {middle}, low = {low}, high = {high} WHERE study = '{LINEAR}'")
    title = sentences.title(Study(LINEAR))
    assert word in title and len(title.split()) <= 10
    assert ("by 10" in title) == (word != "no clear")


@pytest.mark.parametrize("study", [SMALL, SIZES, LINEAR])
def test_two_seeds_have_a_title_without_a_verdict(opened, planting, study):
    planting(studies=[study], keep=lambda spec: spec.seed < 2)
    app = opened("batch_norm")
    assert not app.exception and len(app.title[0].value.split()) <= 10
    assert ("no interval with fewer than three" in said(app)) == (study != LINEAR)
    assert not re.search("widens|narrows|beats|trails|divides|multiplies", app.title[0].value)
