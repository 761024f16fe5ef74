"""What other pages tell of the runs: cards, runs, the home page."""

import re

import pytest

from tests.pages.reading import ask, said
from tests.planted_norms import LINEAR, SMALL

HANGUL = re.compile("[가-힣]")
both = pytest.mark.parametrize("language", ["en", "ko"])


def test_the_cards_tell_quantities_bounds_and_intervals_in_words(opened, database):
    for language in ("en", "ko"):
        app = opened("claims", lang=language, question="batch_norm")
        text = said(app)
        for (code,) in ask(database, "SELECT DISTINCT quantity FROM claim_parts WHERE claim LIKE 'N%'"):
            assert code.replace("_", " ") not in text
        for (bound,) in ask(database, "SELECT DISTINCT bound FROM claim_parts WHERE claim LIKE 'N%'"):
            assert not re.search(rf"(Needed|조건): {re.escape(bound)}", text)
        assert not app.exception
        links = re.findall(r"\(batch_norm\?[^)]*study=(\w+)[^)]*#([\w-]+)\)", text)
        assert {("cifar10_vgg_small", "drift"), ("deep_linear", "probes"), ("cifar10_vgg_small", "ablations")} <= set(
            links
        )
        anchors = {each.proto.anchor for each in opened("batch_norm", lang=language).subheader}
        assert {anchor for _, anchor in links} <= anchors


def test_runs_that_diverged_are_counted_on_the_cards(opened):
    assert "Runs that diverged, counted in the value: batch norm: 0, no norm: 6" in said(
        opened("claims", question="batch_norm")
    )


@both
def test_a_run_of_the_linear_network_has_a_page_without_errors(opened, database, language):
    [(run, loss)] = ask(
        database,
        "SELECT run_id, last(train_loss ORDER BY epoch) FROM runs JOIN curves USING (run) WHERE study = ? AND seed = 0"
        " GROUP BY run_id ORDER BY run_id LIMIT 1",
        LINEAR,
    )
    app = opened("runs", lang=language, run=run)
    assert not app.exception
    assert f"**{loss:.3g}**" in said(app)
    alts = [element.proto.alt for element in app.get("vega_lite_chart")]
    assert len(alts) == 3 and all(bool(HANGUL.search(alt)) == (language == "ko") for alt in alts)
    assert not re.search("(Trained on|학습 데이터): none", said(app))


@both
def test_probes_of_a_run_that_diverged_are_said_to_be_missing(opened, database, language):
    [(run,)] = ask(database, "SELECT min(run_id) FROM runs WHERE study = ? AND status = 'diverged'", SMALL)
    [(missing, n)] = ask(
        database,
        "SELECT count(*) FILTER (loss_high IS NULL), count(*) FROM probes JOIN runs USING (run) WHERE run_id = ?",
        run,
    )
    app = opened("runs", lang=language, run=run)
    assert not app.exception and missing > 0
    assert any(str(missing) in each.value and str(n) in each.value for each in app.caption)


@both
def test_the_list_of_runs_has_the_linear_networks_and_the_norms_in_words(opened, language):
    app = opened("runs", lang=language, study=LINEAR)
    assert not app.exception and len(app.dataframe[0].value) == 10
    told = opened("runs", lang=language, study=SMALL, norm="noisy_batch")
    assert ("batch norm with noise behind it" if language == "en" else "뒤에 잡음을 더한 배치 정규화") in said(told)


@both
def test_the_home_page_tells_the_finding_of_the_page(opened, language):
    title = opened("batch_norm", lang=language).title[0].value
    app = opened("home", lang=language)
    assert not app.exception
    assert any(title in each.value for each in app.markdown)
