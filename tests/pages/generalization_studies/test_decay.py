"""The section on weight decay."""

import pytest

from tests.pages.generalization_studies.conftest import ask, charts, headings


@pytest.mark.parametrize(
    "language, verdict, clear",
    [("en", "shown", True), ("en", "shown", False), ("ko", "shown", False), ("en", "not shown", True), ("ko", "contradicted", False)],
)  # fmt: skip
def test_the_heading_on_weight_decay_says_the_verdict_and_the_rise(opened, changed, language, verdict, clear):
    """That a peak is gone only where one is clear without decay."""
    without = "SELECT map FROM maps WHERE study = 'double_descent/regularization' AND CAST(settings->>'weight_decay' AS DOUBLE) = 0"
    changed(
        f"UPDATE claims SET verdict = '{verdict}' WHERE claim IN ('G4', 'G6', 'G8')",
        f"UPDATE landmarks SET position = 24, clear = {clear} WHERE kind = 'ridge_across' AND map IN ({without})",
    )
    app = opened("generalization", lang=language)
    assert not app.exception
    rise = ask("SELECT estimate FROM claim_parts WHERE claim = 'G8'")[0][0]
    words = {
        "en": {"shown": "the peak is gone", "not shown": "is not shown", "contradicted": "A rise remains"},
        "ko": {"shown": "사라집니다", "not shown": "확인되지 않았습니다", "contradicted": "상승이 남습니다"},
    }
    heading = next(each for each in headings(app) if "decay" in each or "감쇠" in each)
    none = {"en": "No peak is clear without decay", "ko": "뚜렷한 봉우리가 없고"}[language]
    no_peak = verdict == "shown" and not clear
    assert (words[language][verdict] in heading, none in heading) == (not no_peak, no_peak)
    assert f"+{rise:.0f}" in heading


def test_a_best_decay_at_the_edge_of_those_tried_is_said(seen):
    ((at_the_edge, all_of_them),) = ask(
        "SELECT count(*) FILTER (CAST(changed->>'weight_decay' AS DOUBLE) = (SELECT max(CAST(settings->>'weight_decay' AS DOUBLE))"
        " FROM maps WHERE study = 'double_descent/regularization')), count(*)"
        " FROM contrasts WHERE quantity = 'final_test_error_with_the_best_decay'"
    )
    said = f"At {at_the_edge} of {all_of_them} the best is 1, the largest that was tried"
    assert any(said in each.value for each in seen().caption) == (at_the_edge > 0)


def test_the_forest_of_decays_has_a_row_for_each_width_with_its_decay_and_n(seen):
    rows = charts(seen())["decay.forest"][1]["contrasts"].to_pylist()
    expected = ask(
        "SELECT CAST(changed->>'x' AS DOUBLE), CAST(changed->>'weight_decay' AS DOUBLE), estimate, n FROM contrasts"
        " WHERE quantity = 'final_test_error_with_the_best_decay' ORDER BY 1"
    )
    assert [row["estimate"] for row in rows] == pytest.approx([estimate for *_, estimate, _ in expected])
    for row, (x, decay, _, n) in zip(rows, expected, strict=True):
        assert row["label"].startswith(f"width {x:g}, decay {decay:g}: ")
        assert row["label"].endswith(f"n = {n}")
