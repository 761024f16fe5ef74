"""A page of no run, of some runs, of one study."""

import re

import pytest

from explorer.text import of
from tests.pages.batch_norm.conftest import PARTS
from tests.pages.reading import ask, charts, said
from tests.planted_norms import LINEAR, SIZES, SMALL

HANGUL = re.compile("[가-힣]")
both = pytest.mark.parametrize("language", ["en", "ko"])


@both
def test_without_runs_the_page_is_the_introduction(without_runs, language):
    without_runs("batch_norm", language)


@both
@pytest.mark.parametrize("study", [SMALL, SIZES, LINEAR])
def test_one_study_alone_is_a_whole_page(opened, planting, study, language):
    planting(studies=[study])
    app = opened("batch_norm", lang=language)
    assert not app.exception and not app.info
    assert (
        app.title[0].value
        != ("Why does batch normalization help?", "배치 정규화는 왜 도움이 될까요?")[language == "ko"]
    )
    missing = of(language, "batch_norm.not_measured", study="`batch_norm/batch_size`")
    assert (missing in said(app)) == (study != SIZES)
    assert any(f"python -m precompute run {study}" in each.value for each in app.code)
    for _, _, alt in charts(app):
        assert bool(HANGUL.search(alt)) == (language == "ko")


@both
@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_grid_is_shown_and_counted(opened, planting, part, language):
    file = planting(studies=[SMALL], keep=PARTS[part])
    [(done, planned)] = ask(file, "SELECT complete + diverged, planned FROM studies")
    app = opened("batch_norm", lang=language)
    assert not app.exception
    so_far = {
        "en": f"So far {done} of {planned} planned runs",
        "ko": f"계획한 실행 {planned}개 가운데 지금까지 {done}개",
    }
    assert so_far[language] in said(app) and planned == 264
    assert len(app.title[0].value.split()) <= 10
    for query in ({"norms": "all", "error": "train"}, {"probes": "own"}):
        assert not opened("batch_norm", lang=language, **query).exception


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_one_norm_over_batch_sizes_is_shown(opened, planting, norm):
    planting(studies=[SIZES, LINEAR], keep=lambda spec: spec.norm == norm)
    for study in ("batch_size", *(["deep_linear"] if norm != "group" else [])):
        app = opened("batch_norm", study=study)
        assert not app.exception and app.title[0].value == "Why does batch normalization help?"
