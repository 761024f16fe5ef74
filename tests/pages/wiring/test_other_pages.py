"""What other pages tell of the runs, the page without a whole grid, and its address."""

import pytest

from explorer import format
from tests.pages.reading import ask, charts, said
from tests.pages.wiring.conftest import drawing
from tests.planted_wiring import SMALL
from tests.results_files import FIXTURE

both = pytest.mark.parametrize("language", ["en", "ko"])


def test_the_cards_tell_quantities_bounds_and_what_n_counts(seen, database):
    for language, quantity, counted in (
        ("en", "Share of random graphs of which a run fails to train", "45 graphs"),
        ("ko", "학습에 실패한 실행이 있는 무작위 그래프의 비율", "그래프 45개"),
    ):
        text = said(seen(lang=language))
        assert quantity in text and counted in text
        for (code,) in ask(database, "SELECT DISTINCT quantity FROM claim_parts WHERE claim LIKE 'W%'"):
            assert code.replace("_", " ") not in text
        for (bound,) in ask(database, "SELECT DISTINCT bound FROM claim_parts WHERE claim LIKE 'W%'"):
            assert bound not in text
    assert "ER(0.2): 1" in said(seen())


def test_the_claims_page_leads_to_what_a_claim_is_about(once):
    links = [element.proto for element in once("claims", question="wiring").get("page_link")]
    asked = [link.query_string for link in links if "study=cifar10_small" in link.query_string]
    assert len(asked) == 5
    assert sum("show=damage" in each for each in asked) == 1


@both
def test_the_page_of_a_run_draws_its_graph_and_leads_back_to_it(once, database, language):
    ((run_id,),) = ask(
        database,
        """SELECT run_id FROM runs JOIN configurations USING (configuration)
        WHERE settings->>'family' = 'er' AND settings->>'p' = '0.4' AND seed = 7""",
    )
    app = once("runs", run=run_id, lang=language)
    _, tables, alt = drawing(app)
    assert None not in tables["paths"].filter(tables["paths"]["learns"])["value"].to_pylist()
    assert "ER(0.4)" in alt
    assert len(tables["nodes"]) == 30
    links = [element.proto.query_string for element in app.get("page_link")]
    assert any("graph=er-0.4-3" in link and "seed=7" in link for link in links)
    names = [stem["name"] for _, given, _ in charts(app) for each in given.values() if "whole" in each.column_names for stem in each.to_pylist()]  # fmt: skip
    assert len(names) == len(set(names)) and any(each.startswith("3: ") for each in names)


def test_the_page_of_a_run_that_failed_draws_the_graph_alone(once, database):
    for status in ("diverged", "failed"):
        ((run_id,),) = ask(database, "SELECT run_id FROM runs WHERE status = ? AND study = ?", status, SMALL)
        app = once("runs", run=run_id)
        assert set(drawing(app)[1]["paths"]["value"].to_pylist()) == {None}


def test_the_home_card_says_what_was_found(once):
    app = once("home")
    assert any("2 of 45 random graphs failed to train" in each.value for each in app.markdown)


@both
def test_real_runs_of_a_small_grid_are_shown_whatever_they_did(opened, changed, language):
    changed("DELETE FROM claims WHERE claim = 'none'", of=FIXTURE)
    for study in ("cifar10_small", "cifar10"):
        for show in ("weights", "damage"):
            app = opened("wiring", lang=language, study=study, show=show)
            assert not app.exception
            assert len(app.title[0].value.split()) <= 10


@both
def test_without_runs_the_page_says_so_with_the_published_numbers(without_runs, language):
    without_runs("wiring", language)


def test_an_address_with_values_that_do_not_exist_falls_back_with_a_notice(opened):
    app = opened("wiring", study="imagenet", graph="ws-9-0.5-1", show="nothing", axis="log", seed="77")
    assert not app.exception
    notices = " ".join(each.value for each in app.info)
    for asked in ("imagenet", "ws-9-0.5-1", "nothing", "log", "77"):
        assert format.literal(asked) in notices
    assert "The graph that is open: WS(4, 0.75), graph 0" in [each.value for each in app.header]
