"""All sections: a picture each, and what stands there without runs or with few."""

import json

import pytest

from tests.pages.generalization_studies.conftest import CHARTS, MAIN, QUESTIONS, both, charts, headings, said


@both
def test_every_section_has_a_picture_with_a_text_in_both_languages(seen, language):
    app = seen(lang=language)
    assert not app.exception
    drawn = charts(app)
    assert list(drawn) == CHARTS
    assert [sorted(tables) for _, tables, _ in drawn.values()] == [
        ["marks", "means", "seeds"], ["published"], ["published"], ["means"], ["rows"], ["peaks", "widths"], ["contrasts"],
        ["rows"], ["one", "rows"],
    ]  # fmt: skip
    assert all(len(alt) > 40 for _, _, alt in drawn.values())
    assert all(any("가" <= letter <= "힣" for letter in alt) == (language == "ko") for _, _, alt in drawn.values())


@pytest.mark.parametrize("code", QUESTIONS)
def test_a_study_that_is_not_there_is_told_in_one_line(opened, changed, code):
    study = f"'double_descent/{code}'"
    runs = f"(SELECT run FROM runs WHERE study = {study})"
    configurations = f"(SELECT configuration FROM configurations WHERE study = {study})"
    changed(
        f"DELETE FROM curves WHERE run IN {runs}",
        f"DELETE FROM intervals WHERE configuration IN {configurations}",
        f"DELETE FROM landmarks WHERE map IN (SELECT map FROM maps WHERE study = {study})",
        *(
            f"DELETE FROM {table} WHERE study = {study}"
            for table in ("runs", "configurations", "maps", "contrasts", "claim_parts")
        ),
        f"DELETE FROM claims WHERE study = {study}",
        f"DELETE FROM studies WHERE study = {study}",
    )
    app = opened("generalization")
    assert not app.exception
    assert QUESTIONS[code] in headings(app)
    told = [each.value for each in app.markdown if each.value.startswith("Not measured yet")]
    assert len(told) == (2 if code == "sample_wise" else 1), "one line a section"
    assert all(f"`double_descent/{code}`" in each for each in told)


def test_with_one_seed_there_are_lines_no_bands_and_the_number_is_said(opened, changed):
    changed(
        "DELETE FROM curves WHERE run IN (SELECT run FROM runs WHERE seed >= 1)",
        "DELETE FROM runs WHERE seed >= 1",
        "UPDATE intervals SET n = 1, low = NULL, high = NULL, sd = NULL",
        "UPDATE contrasts SET n = 1, low = NULL, high = NULL, p = NULL, p_adjusted = NULL",
        "UPDATE claim_parts SET n = 1, low = NULL, high = NULL, holds = false",
        "UPDATE claims SET verdict = 'not shown' WHERE study IS NOT NULL",
        "UPDATE landmarks SET n = 1, clear = clear AND kind = 'threshold'",
    )
    app = opened("generalization")
    assert not app.exception
    for name, (spec, _, _) in charts(app).items():
        assert '"type": "area"' not in json.dumps(spec), name
    assert said(app).count("1 seed (fewer than three, so no interval)") == 6
    assert "none can be decided yet" in said(app)


def test_a_width_without_runs_is_left_out(opened, changed):
    gone = f"(SELECT configuration FROM configurations c WHERE {MAIN} AND x = 64)"
    changed(
        f"DELETE FROM curves WHERE run IN (SELECT run FROM runs WHERE configuration IN {gone})",
        f"DELETE FROM intervals WHERE configuration IN {gone}",
        f"DELETE FROM runs WHERE configuration IN {gone}",
    )
    app = opened("generalization")
    assert not app.exception
    widths = charts(app)["epochs"][1]["means"]["width"].to_pylist()
    assert set(widths) == {24}
