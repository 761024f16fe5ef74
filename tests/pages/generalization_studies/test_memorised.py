"""The section on wrong labels that are fitted."""

import re

import pytest

from tests.pages.generalization_studies.conftest import MAIN, ask, both, charts, headings, said


@both
def test_the_heading_on_memorising_has_numbers_of_the_table(seen, language):
    app = seen(lang=language)
    sql = f"""
        SELECT i.measure::VARCHAR, i.epoch, i.mean FROM intervals i JOIN configurations c USING (configuration)
        WHERE {MAIN} AND c.x = 64 AND i.measure IN ('memorized', 'test_error')
    """
    means = {(measure, epoch): mean for measure, epoch, mean in ask(sql)}
    test = {epoch: mean for (measure, epoch), mean in means.items() if measure == "test_error"}
    low = min(test, key=test.get)
    wrong = [f"{100 * means['memorized', epoch]:.0f}%" for epoch in (low, max(test))]
    heading = next(each for each in headings(app) if wrong[0] in each)
    assert re.findall(r"\d+%", heading) == wrong
    rows = charts(app)["memorised"][1]["means"].to_pylist()
    drawn = {(row["measure"], row["epoch"]): row["mean"] for row in rows if row["width"] == 64}
    assert drawn == pytest.approx(means)


@pytest.mark.parametrize("study", ["cifar10_cnn_small", "random_features"])
def test_memorising_is_shown_of_another_study_that_the_address_asks_for(seen, study):
    app = seen(memorised_study=study)
    control = next(each for each in app.selectbox if each.key == "address.memorised_study")
    assert control.options == ["MNIST, fully connected", "CIFAR-10, small CNN", "random features (theory)"]
    rows = charts(app)["memorised"][1]["means"].to_pylist()
    sql = f"""
        SELECT CAST(c.x AS INTEGER), i.measure::VARCHAR, i.epoch, i.mean FROM intervals i JOIN configurations c USING (configuration)
        WHERE c.study = 'double_descent/{study}' AND CAST(c.settings->>'label_noise' AS DOUBLE) = 0.2
        AND i.measure IN ('memorized', 'test_error')
    """
    expected = {(x, measure, epoch): mean for x, measure, epoch, mean in ask(sql)}
    drawn = {(row["width"], row["measure"], row["epoch"]): row["mean"] for row in rows}
    assert drawn == pytest.approx({place: expected[place] for place in drawn})
    assert len({width for width, *_ in drawn}) > 1
    if study == "random_features":
        assert "picked by rule from the models measured, by number of features" in said(app)


def test_a_study_without_the_measure_or_without_wrong_labels_is_not_offered(opened, changed):
    cnn = "(SELECT configuration FROM configurations WHERE study = 'double_descent/cifar10_cnn_small')"
    changed(f"DELETE FROM intervals WHERE measure = 'memorized' AND configuration IN {cnn}")
    app = opened("generalization")
    options = next(each for each in app.selectbox if each.key == "address.memorised_study").options
    assert options == ["MNIST, fully connected", "random features (theory)"]
