"""What holds for the page as a whole: order, texts, seeds, claims, published numbers, and what it says of few runs."""

import json
import re

import pytest

from explorer import text
from tests.activation_runs import CNN
from tests.pages.activation.conftest import with_table
from tests.pages.reading import ask, charts

HANGUL = re.compile("[가-힣]")


def test_behind_the_strip_come_the_rates_then_the_layers_then_the_functions(seen):
    order = [
        next(iter(chart[1].keys() & {"dots", "cells", "layers", "curves", "medians"}), "") for chart in charts(seen())
    ]
    found = [name for name in dict.fromkeys(order) if name]
    assert [name for name in found if name in ("cells", "layers", "curves")] == ["cells", "layers", "curves"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_chart_has_an_alternative_text_and_most_have_a_table(seen, language):
    found = charts(seen(lang=language))
    assert len(found) >= 14
    for _, _, alt in found:
        assert len(alt) > 30 and bool(HANGUL.search(alt)) == (language == "ko")
    assert len(seen(lang=language).expander) >= 9


def test_a_study_that_is_not_whole_says_how_many_of_its_runs_are_finished(seen, database):
    ((done, planned),) = ask(
        database, f"SELECT complete + diverged + failed, planned FROM studies WHERE study = '{CNN}'"
    )
    assert done < planned
    told = [
        each.value
        for each in seen(lang="en", study=CNN.partition("/")[2]).markdown
        if "Four convolutions" in each.value
    ]
    assert len(told) >= 4 and all(f"So far {done:,} of {planned:,} planned runs." in each for each in told)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_subtitle_has_the_number_of_its_seeds(seen, language):
    words = text.section_texts(language, "activation")
    five, two, some = (text.of(language, "site.format.seeds", n=n) for n in (5, 2, "4–5"))
    told = [each.value for each in seen(lang=language).markdown]
    others = dict.fromkeys(("inside", "bend", "depth", "norm_section", "speed"), five)
    for key, seeds in {"rates": two, "relu": some, **others}.items():
        subtitle = words[f"{key}.subtitle"]
        start, ends = subtitle.partition("{seeds}")[0], subtitle.partition("{seeds}")[2]
        before, after = re.escape(re.split(r"\{\w+\}", start)[-1]), re.escape(re.split(r"\{\w+\}", ends)[0])
        assert any(re.search(before + re.escape(seeds) + after, each) for each in told), key


@pytest.mark.parametrize(("holds", "low"), [(True, 0.2), (False, 0.2), (False, None)])
def test_the_card_tells_the_pair_and_the_place_and_calls_largest_only_what_is(opened, changed, holds, low):
    """Where the rule fails, the pair that decides is told, and another whose interval is narrow may be further apart."""
    where = '{"worse": "leaky_relu", "better": "elu", "depth": 1, "start": "he", "diverged": {"relu": 1, "elu": 0}}'
    ends = "low = 0.2, high = 1.4" if low else "low = NULL, high = NULL"
    changed(
        f"UPDATE claim_parts SET estimate = 0.8, {ends}, holds = {holds}, details = json_merge_patch(details, '{where}') WHERE claim = 'A5'",
        f"UPDATE claims SET verdict = '{'shown' if holds else 'not shown'}' WHERE claim = 'A5'",
    )
    app = opened("claims", question="activation")
    words = text.section_texts("en", "claims")
    name = words[
        "quantity_deciding.largest_gap_among_the_six" if low and not holds else "quantity.largest_gap_among_the_six"
    ]
    told = f"{name} (leaky ReLU minus ELU, 1 hidden layer, He start): **+0.8"
    assert any(told in each.value for each in app.markdown)
    (lost,) = [each.value for each in app.caption if "ReLU: 1" in each.value]
    assert (
        re.search(r"Runs that diverged, [^.]*[:,] ReLU: 1[,.]", lost) and "leaky ReLU: 0" in lost and "relu" not in lost
    )


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_every_code_of_the_measured_parts_has_words(database, language):
    words = text.section_texts(language, "claims")
    rows = ask(database, "SELECT quantity, bound, details FROM claim_parts WHERE claim LIKE 'A%'")
    assert len({quantity for quantity, *_ in rows}) == 8
    for quantity, bound, details in rows:
        told = json.loads(details)
        assert {f"quantity.{quantity}", f"bound.{bound}", f"interval.{told['interval']}"} <= words.keys()
    assert {"why.too_few_seeds", "why.relu_does_not_get_there"} <= words.keys()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_one_seed_of_two_functions_is_shown_as_that(opened, rebuilt, monkeypatch, language):
    monkeypatch.setenv("WHY_RESULTS", str(rebuilt))
    app = opened("activation", lang=language)
    assert ("1 seed so far" if language == "en" else "시드 1개") in app.title[0].value
    assert len(with_table(app, "dots")[0][1]["dots"]) == 2
    assert all(
        row["low"] is None for chart in with_table(app, "contrasts") for row in chart[1]["contrasts"].to_pylist()
    )


def test_without_fresh_runs_nothing_is_compared(opened, changed):
    """As while the rates are tuned: the question as title, and how far the tuning is."""
    fresh = "configuration IN (SELECT configuration FROM configurations WHERE settings->>'layer_measures' = 'true')"
    changed(
        f"DELETE FROM runs WHERE {fresh}",
        "DELETE FROM claim_parts",
        "UPDATE claims SET study = NULL, verdict = 'not tested here'",
    )
    app = opened("activation")
    assert app.title[0].value == text.of("en", "site.question.activation")
    assert "No fresh seed" in app.info[0].value and not with_table(app, "dots") and with_table(app, "counted")


def test_published_numbers_are_all_there_and_drawn_hollow(seen, database):
    rows = ask(database, "SELECT y FROM published WHERE question = 'activation'")
    found = [chart for chart in charts(seen()) if any("spread" in table.column_names for table in chart[1].values())]
    drawn = [round(y, 3) for chart in found for table in chart[1].values() for y in table["y"].to_pylist()]
    assert {round(y, 3) for (y,) in rows} <= set(drawn)
    marks = [layer["mark"] for spec, *_ in found for layer in spec.get("layer", [spec])]
    assert all(mark["filled"] is False for mark in marks if mark["type"] == "point")
    assert any(
        table.value.get("How obtained") is not None or len(table.value) == len(rows) for table in seen().dataframe
    )
