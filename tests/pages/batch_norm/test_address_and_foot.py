"""The address, what is taken away, the presenter's view and the guided steps."""

import json
import re

import pytest

from explorer.batch_norm import walk
from explorer.results import batch_norm as results
from explorer.results.batch_norm import Study
from tests.pages.batch_norm.conftest import PARTS
from tests.pages.reading import ask, charts
from tests.planted_norms import LINEAR, SIZES, SMALL

both = pytest.mark.parametrize("language", ["en", "ko"])


def test_an_address_with_values_that_do_not_exist_falls_back_with_a_notice(opened):
    app = opened("batch_norm", norms="seven", error="best", probes="there", at="77")
    assert not app.exception
    told = " ".join(each.value for each in app.info)
    assert all(asked in told for asked in ("seven", "best", "there", "77"))


def test_the_statement_of_the_footer_gives_the_rows_that_are_shown(seen, database):
    app = seen(norms="all")
    sql = next(each.value for each in app.code if "WITH last AS" in each.value)
    found = ask(database, sql)
    assert found == [tuple(row.values()) for row in results.runs(Study(SMALL), list(results.NORMS)).to_pylist()]
    assert len(found) == 263


@both
def test_the_picture_can_be_taken_away_and_the_page_cited(seen, language):
    app = seen(lang=language)
    [given] = [
        json.loads(e.proto.json) for e in app.get("bidi_component") if e.proto.component_name.endswith("picture_files")
    ]
    assert given["title"] == app.title[0].value and SMALL in given["lines"][0]
    labels = [element.proto.label for element in app.get("download_button")]
    assert labels.count("CSV") == 1 and labels.count("Parquet") == 2
    codes = "\n".join(each.value for each in app.code)
    assert "@misc{" in codes and all(f"python -m precompute run {study}" in codes for study in (SMALL, SIZES, LINEAR))


@both
def test_a_presenter_sees_the_finding_and_the_picture_alone(opened, language):
    app = opened("batch_norm", lang=language, present="1")
    assert not app.exception and len(charts(app)) == 1 and not app.header


def sentences_of(app) -> list[str]:
    return [each.value for each in app.markdown if re.match(r"\*\*\d\. ", each.value)]


@both
def test_the_steps_have_the_numbers_of_the_database(seen, database, language):
    rates, noise, sizes = sentences_of(seen(lang=language))
    [(shares,)] = ask(database, "SELECT details->'share' FROM claim_parts WHERE claim = 'N1' AND study = ?", SMALL)
    cells = charts(seen())[0][1]["cells"].to_pylist()
    whole = [sum(row["state"] == "all" for row in cells if row["name"] == word) for word in ("no norm", "batch norm")]
    told = re.findall(r"at (\d+) of (\d+)" if language == "en" else r"(\d+)가지 가운데 (\d+)가지", rates)
    counts = [sorted(map(int, pair)) for pair in told]
    assert counts == [[each, 11] for each in whole] and 0 < whole[0] < whole[1]
    assert all(
        whole[place] / 11 <= share + 1e-9
        for place, share in enumerate(json.loads(shares)[n] for n in ("none", "batch"))
    )

    def mean(study: str, **settings) -> str:
        wanted = " AND ".join(f"CAST(settings->>'{key}' AS VARCHAR) = '{value}'" for key, value in settings.items())
        [(value,)] = ask(
            database,
            f"SELECT mean FROM intervals JOIN configurations USING (configuration) WHERE study = ? AND epoch = 20 AND measure = 'test_error' AND {wanted}",
            study,
        )
        return f"{100 * value:.1f}%"

    own = results.own_rates(Study(SMALL))
    expected = [mean(SMALL, norm=norm, lr=own[norm]) for norm in ("none", "batch", "noisy_batch")]
    assert re.findall(r"[\d.]+%(?!p)", noise) == expected and len(set(expected)) == 3
    expected = [mean(SIZES, norm=norm, batch_size=size) for size in (2, 128) for norm in ("batch", "group")]
    assert re.findall(r"[\d.]+%(?!p)", sizes) == expected


WALKS = {
    (SMALL, SIZES, LINEAR): ["rates", "noise", "sizes"],
    (SMALL, LINEAR): ["rates", "noise", "linear"],
    (SMALL,): ["rates", "noise", "trained_rates"],
    (SIZES, LINEAR): ["sizes", "trained_sizes", "linear"],
    (SIZES,): ["sizes", "trained_sizes"],
    (LINEAR,): [],
}


@pytest.mark.parametrize("studies", WALKS, ids="+".join)
def test_steps_are_of_what_was_measured_and_begin_with_the_view_of_the_page(planting, studies):
    planting(studies=studies)
    found = walk.steps(results.studies())
    assert [step.name for step in found] == WALKS[studies]
    assert not found or not any(found[0].view.values())


@both
@pytest.mark.parametrize("part", ["batch alone", "one rate", "two norms, four rates", "what diverged"])
def test_a_part_of_the_grid_has_the_steps_whose_numbers_are_there(opened, planting, part, language):
    planting(studies=[SMALL], keep=PARTS[part])
    names = [step.name for step in walk.steps(results.studies())]
    expected = {"one rate": ["rates", "noise", "trained_rates"], "two norms, four rates": ["rates", "trained_rates"]}
    assert names == expected.get(part, [])
    for place, _ in enumerate(names, start=1):
        app = opened("batch_norm", lang=language, present="1", step=str(place))
        assert not app.exception and len(sentences_of(app)) == 1


def test_the_probed_step_of_the_address_is_no_presenters_step(opened):
    app = opened("batch_norm", at="1")
    assert any("at=1" in each.value for each in app.code)
