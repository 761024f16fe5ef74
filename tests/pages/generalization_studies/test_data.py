"""The section on twice the data."""

import re

import pytest

from tests.pages.generalization_studies.conftest import LAST, ask, charts, headings, said


@pytest.mark.parametrize(
    "language, regime, noise", [("en", "equal_epochs", 0.2), ("ko", "equal_steps", 0.0), ("en", "equal_steps", 0.2)]
)
def test_the_count_of_cells_is_that_of_the_contrasts(seen, language, regime, noise):
    app = seen(lang=language, data_regime=regime, data_noise=str(noise))
    where = f"quantity = 'more_data_at_{regime}' AND CAST(baseline->>'label_noise' AS DOUBLE) = {noise}"
    total, worse, better = ask(
        "SELECT count(*), count(*) FILTER (p_adjusted < 0.05 AND estimate > 0), count(*) FILTER (p_adjusted < 0.05 AND estimate < 0)"
        f" FROM contrasts WHERE {where}"
    )[0]
    sentence = next(
        each.value for each in app.markdown if each.value.startswith(f"**{'Of' if language == 'en' else '칸'} {total}")
    )
    bold = sentence.split("**")[1]
    numbers = [int(each) for each in re.findall(r"(?<![\d.])\d+(?!\d|\.\d|%)", bold)]
    assert numbers[0] == total
    assert numbers[-3:] == [worse, better, total - worse - better]


def test_the_curves_on_more_data_are_the_means_and_nothing_is_shaded_without_a_worse_cell(seen):
    tables = charts(seen(data_regime="equal_steps"))["data"][1]
    sql = f"""
        SELECT CAST(c.settings->>'n_train' AS INTEGER), CAST(c.x AS INTEGER), i.mean FROM intervals i JOIN configurations c USING (configuration)
        WHERE c.study = 'double_descent/sample_wise' AND CAST(c.settings->>'label_noise' AS DOUBLE) = 0.2 AND i.measure = 'test_error'
        AND i.epoch = {LAST} AND (c.settings->>'n_train', c.settings->>'epochs') IN (('250', '40'), ('500', '20'))
    """
    expected = {(f"{n} images", x): mean for n, x, mean in ask(sql)}
    drawn = {(row["series"], row["width"]): row["mean"] for row in tables["rows"].to_pylist()}
    assert drawn == pytest.approx(expected)
    assert "worse" not in tables


def test_the_maps_whose_peak_along_the_width_is_clear_are_told_apart_from_the_others(opened, changed):
    noisy = """
        SELECT map, CAST(settings->>'n_train' AS INTEGER), CAST(settings->>'epochs' AS INTEGER) FROM maps
        WHERE study = 'double_descent/sample_wise' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2 ORDER BY 2, 3
    """
    (first, n, epochs), *others = ask(noisy)
    assert len(others) > 1
    ridge = "kind = 'ridge_across' AND map"
    changed(
        f"UPDATE landmarks SET clear = false WHERE {ridge} IN (SELECT map FROM ({noisy}))",
        f"UPDATE landmarks SET clear = true, position = (SELECT x FROM configurations WHERE map = {first} ORDER BY x LIMIT 1 OFFSET 1) WHERE {ridge} = {first}",
    )
    told = "; ".join(f"{images} images, {times} epochs" for _, images, times in others)
    assert f"with: {n} images, {epochs} epochs. Not clear with: {told}." in said(opened("generalization"))


def test_a_cell_beyond_the_correction_is_shaded_and_counted(opened, changed):
    here = "quantity = 'more_data_at_equal_epochs' AND CAST(baseline->>'label_noise' AS DOUBLE) = 0.2"
    changed(
        f"UPDATE contrasts SET estimate = 3, p_adjusted = 0.01 WHERE {here} AND CAST(baseline->>'x' AS DOUBLE) = 8",
        f"UPDATE contrasts SET estimate = 3, p_adjusted = 0.06 WHERE {here} AND CAST(baseline->>'x' AS DOUBLE) = 24",
        "UPDATE claims SET verdict = 'shown' WHERE claim = 'G6'",
    )
    app = opened("generalization")
    _, tables, alt = charts(app)["data"]
    assert tables["worse"]["width"].to_pylist() == [8]
    assert "worse there: width 8." in alt
    assert "worse in 1, better in 0, undecided in 3" in said(app)
    assert any(each.startswith("More data can hurt.") for each in headings(app))
