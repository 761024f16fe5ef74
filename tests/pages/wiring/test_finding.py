"""What the title says, for the whole grid and for parts of it."""

import re

import pytest

from explorer.results.wiring import Study
from explorer.wiring import sentences
from tests import planted_wiring
from tests.pages.reading import ask, said
from tests.pages.wiring.conftest import main_picture
from tests.planted_wiring import FAILED, SMALL, as_in_the_paper, name

both = pytest.mark.parametrize("language", ["en", "ko"])


def titled(changed, verdict: str, estimate: float, low: float | None, high: float | None) -> str:
    """The title where claim W4 has that verdict, estimate and interval."""
    ends = [f"{end} = {'NULL' if value is None else value}" for end, value in (("low", low), ("high", high))]
    changed(
        """UPDATE claim_parts SET details = json_merge_patch(details, '{"graphs_failed": 0}') WHERE claim = 'W1'""",
        f"UPDATE claims SET verdict = '{verdict}' WHERE claim = 'W4'",
        f"UPDATE claim_parts SET estimate = {estimate}, {', '.join(ends)} WHERE claim = 'W4'",
    )
    return sentences.title(Study(SMALL))


@both
def test_where_some_random_graphs_fail_nothing_is_claimed_of_the_others(seen, language):
    expected = {
        "en": "2 of 45 random graphs failed to train",
        "ko": "무작위 그래프 45개 가운데 2개가 학습에 실패했습니다",
    }
    assert seen(lang=language).title[0].value == expected[language]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (("shown", -2.3, -3.1, -1.5), "Random wiring beats a residual chain by 2.3 points"),
        (("shown", 0.1, -0.6, 0.8), "Random wiring ends within a point of a residual chain"),
        (("shown", -0.5, -1.4, 0.4), "Random wiring: ahead of residual chains or within a point"),
        (("contradicted", 3.4, 2.6, 4.2), "Random wiring is 3.4 points worse than a residual chain"),
        (("not shown", 0.9, -0.1, 1.9), "Random wiring: +0.9 points against a residual chain, not settled"),
        (("not shown", 0.9, None, None), "Random wiring: +0.9 points against a residual chain (4 graphs)"),
    ],
)
def test_every_verdict_has_a_title_with_the_number_of_the_database_in_ten_words(changed, found, told):
    title = titled(changed, *found)
    assert title == told and len(title.split()) <= 10


def test_where_most_random_graphs_fail_the_title_says_how_many(opened, tmp_path, monkeypatch):
    def outcome(spec):
        return FAILED if spec.random and spec.graph < 3 else as_in_the_paper(spec)

    file = planted_wiring.plant(tmp_path, outcome)
    monkeypatch.setenv("WHY_RESULTS", str(file))
    app = opened("wiring")
    assert not app.exception
    assert app.title[0].value == "27 of 45 random graphs failed to train"
    assert ask(file, "SELECT verdict FROM claims WHERE claim = 'W1'") == [("contradicted",)]


def test_where_nothing_trains_the_page_still_counts_it(opened, tmp_path, monkeypatch):
    file = planted_wiring.plant(tmp_path, lambda spec: FAILED, keep=lambda spec: spec.seed < 2 and spec.family in ("ws", "chain"))  # fmt: skip
    monkeypatch.setenv("WHY_RESULTS", str(file))
    for language in ("en", "ko"):
        app = opened("wiring", lang=language)
        assert not app.exception
    app = opened("wiring")
    assert app.title[0].value == "3 of 3 random graphs failed to train"
    _, tables, alt = main_picture(app)
    assert "no run trains" in alt
    assert set(tables["runs"]["place"].to_pylist()) == {"failed"} and tables["graphs"].num_rows == 0
    assert "This run failed to train (failed: train error above 80%)" in said(app)


@pytest.mark.parametrize(
    ("keep", "title"),
    [
        (lambda spec: spec.family in ("er", "ba"), "Families of random graphs lie at most"),
        (lambda spec: name(spec) == "WS(4, 0.75)", "Why does random wiring do as well?"),
        (lambda spec: spec.family == "chain", "Why does random wiring do as well?"),
        (lambda spec: spec.seed < 2 and name(spec) in ("WS(4, 0.75)", "residual_chain"), "Random wiring: "),
        (lambda spec: spec.seed == 0, "Random wiring: "),
    ],
)
def test_a_part_of_the_grid_is_shown_as_that_in_both_languages(opened, tmp_path, monkeypatch, keep, title):
    file = planted_wiring.plant(tmp_path, keep=keep)
    monkeypatch.setenv("WHY_RESULTS", str(file))
    for language in ("en", "ko"):
        app = opened("wiring", lang=language)
        assert not app.exception
        assert not app.info
    app = opened("wiring")
    assert app.title[0].value.startswith(title) and len(app.title[0].value.split()) <= 10
    ((done, planned, families),) = ask(
        file,
        "SELECT complete, planned, (SELECT count(*) FROM families) FROM studies WHERE study = ?",
        SMALL,
    )
    (graphs,) = ask(file, "SELECT count(*) FROM configurations WHERE study = ?", SMALL)[0]
    assert f"So far {done} of {planned} planned runs, of {graphs} graphs in {families} families" in said(app)


def test_with_the_whole_grid_nothing_is_said_to_be_missing(seen):
    assert "So far" not in said(seen())


def test_what_random_families_lie_apart_is_read_from_the_database(opened, tmp_path, monkeypatch):
    file = planted_wiring.plant(tmp_path, keep=lambda spec: spec.family in ("er", "ba"))
    monkeypatch.setenv("WHY_RESULTS", str(file))
    ((estimate,),) = ask(file, "SELECT estimate FROM claim_parts WHERE claim = 'W3'")
    told = re.search(r"([\d.]+) points apart", opened("wiring").title[0].value)
    assert float(told[1]) == pytest.approx(estimate, abs=0.06)
