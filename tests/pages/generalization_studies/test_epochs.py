"""The section along the epochs of one network, compared with the database by statements of the test's own."""

import json
import re

import pytest

from tests.pages import reading
from tests.pages.generalization_studies.conftest import LAST, MAIN, ask, both, charts, headings, percents, said


@both
def test_the_heading_on_epochs_has_the_test_error_at_the_places_of_the_rule(seen, language):
    app = seen(lang=language)
    details = [
        json.loads(text)["on_all_seeds"]["epoch"]
        for (text,) in ask(
            "SELECT details::VARCHAR FROM claim_parts WHERE claim = 'G4' AND study = 'double_descent/mnist_mlp' ORDER BY part"
        )
    ]
    places = [details[1]["minimum_before"], details[1]["peak"], details[2]["minimum_after"]]
    means = [
        ask(
            "SELECT mean FROM intervals JOIN configurations c USING (configuration)"
            f" WHERE {MAIN} AND x = 64 AND measure = 'test_error' AND epoch = {place}"
        )[0][0]
        for place in places
    ]
    heading = next(each for each in headings(app) if percents(means[0])[0] in each)
    assert re.findall(r"\d+\.\d%", heading) == percents(*means)
    assert ("No double descent" if language == "en" else "이중 하강이 없습니다") in heading
    marks = charts(app)["epochs"][1]["marks"]
    assert marks["epoch"].to_pylist() == places
    assert marks["mean"].to_pylist() == pytest.approx(means)


def test_every_study_that_tests_the_descent_along_epochs_has_its_verdict_beside_the_others(seen):
    app = seen()
    text = said(app)
    for study, estimate in ask("SELECT study, estimate FROM claim_parts WHERE claim = 'G4' AND part = 2"):
        assert f"{estimate:+.0f} points".replace("-", "−") in text, study
    assert next(each for each in app.selectbox if each.key == "address.epochs_study").options == [
        "MNIST, fully connected", "CIFAR-10, small CNN", "random features (theory)",
    ]  # fmt: skip


def test_another_network_is_in_the_address_and_only_the_widest_has_marks(seen):
    app = seen(epochs_study="random_features", epochs_width="100")
    spec, tables, alt = charts(app)["epochs"]
    assert "marks" not in json.dumps(spec["layer"])
    assert "100 features" in alt
    last = max(tables["means"].to_pylist(), key=lambda row: (row["measure"] == "test_error", row["epoch"]))
    sql = f"""
        SELECT i.mean FROM intervals i JOIN configurations c USING (configuration) WHERE c.study = 'double_descent/random_features'
        AND CAST(c.settings->>'label_noise' AS DOUBLE) = 0.2 AND c.x = 100 AND i.measure = 'test_error' AND i.epoch = {LAST}
    """
    assert last["mean"] == pytest.approx(ask(sql)[0][0])
    assert any("widest alone" in each.value for each in app.caption)


def test_published_curves_along_the_epochs_stand_in_their_section_and_nowhere_else(seen):
    app = seen()
    for name, figure in (("published.fig9", "Fig. 9"), ("published.logs", "authors' logs")):
        spec, tables, alt = charts(app)[name]
        assert (spec["mark"]["type"], spec["mark"]["filled"]) == ("point", False)
        assert spec["encoding"]["x"]["scale"]["type"] == "log" and figure in alt
        shown = ask(f"SELECT x, y FROM published WHERE question = 'generalization' AND figure = $${figure}$$ AND x > 0")
        drawn = zip(tables["published"]["x"].to_pylist(), tables["published"]["y"].to_pylist(), strict=True)
        assert sum(sorted(drawn), ()) == pytest.approx(sum(sorted(shown), ()))
    titles = [alt for _, tables, alt in reading.charts(app) if "published" in tables]
    assert len(titles) == 3 and "width k across" in titles[-1]


@pytest.mark.parametrize(
    "schedule, told",
    [
        ("constant", "the learning rate never falls here"),
        ("inverse_sqrt 512", "the learning rate falls by one schedule here"),
    ],
)
def test_whether_the_learning_rate_falls_is_read_from_the_settings(opened, changed, schedule, told):
    changed(
        f"UPDATE maps SET settings = json_merge_patch(settings, '{{\"schedule\": \"{schedule}\"}}') WHERE study LIKE '%cifar10_cnn_small'"
    )
    app = opened("generalization", epochs_study="cifar10_cnn_small")
    assert [each.value for each in app.caption if told in each.value]
    assert "moves all three places" not in said(app)
