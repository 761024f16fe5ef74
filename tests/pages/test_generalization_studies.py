"""The sections on single studies: what they draw and say, compared with the database by statements of the tests' own."""

import functools
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest

from tests.pages import reading

ROOT = Path(__file__).resolve().parents[2]
FIXTURE = ROOT / "tests" / "fixtures" / "results.duckdb"
LAST = "(SELECT max(epoch) FROM intervals JOIN configurations USING (configuration) WHERE map = c.map)"
MAIN = "c.study = 'double_descent/mnist_mlp' AND CAST(c.settings->>'label_noise' AS DOUBLE) = 0.2"
QUESTIONS = {
    "sample_wise": "Can twice the data make a network worse?",
    "regularization": "Does weight decay remove the peak?",
    "random_features": "Where does theory put the peak, and where is it measured?",
}
CHARTS = [
    "epochs",
    "published.fig9",
    "published.logs",
    "memorised",
    "data",
    "fit",
    "decay.forest",
    "decay.curves",
    "theory",
]
both = pytest.mark.parametrize("language", ["en", "ko"])


@pytest.fixture(autouse=True)
def database(monkeypatch) -> Path:
    monkeypatch.setenv("WHY_RESULTS", str(FIXTURE))
    return FIXTURE


@pytest.fixture
def seen(once):
    return functools.partial(once, "generalization")


def ask(sql: str, file: Path = FIXTURE) -> list[tuple]:
    return reading.ask(file, sql)


def charts(app) -> dict[str, tuple[dict, dict[str, pa.Table], str]]:
    """Specification, tables and alternative text of the charts of these sections, in their order on the page."""
    found = reading.charts(app)
    first = next(place for place, (_, tables, _) in enumerate(found) if "seeds" in tables)
    return dict(zip(CHARTS, found[first:], strict=False))


def headings(app) -> list[str]:
    return [each.value.replace("\u2060", "") for each in app.subheader]


def said(app) -> str:
    return "\n".join(each.value for each in [*app.markdown, *app.caption])


def percents(*values: float) -> list[str]:
    return [f"{100 * value:.1f}%" for value in values]


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


def test_theory_and_networks_are_drawn_at_parameters_over_labelled_outputs(seen):
    app = seen()
    rows = charts(app)["theory"][1]["rows"].to_pylist()
    sql = f"""
        SELECT split_part(c.study, '/', 2), CAST(c.settings->>'label_noise' AS DOUBLE), CAST(c.x AS INTEGER),
               c.n_params / (10 * CAST(c.settings->>'n_train' AS INTEGER)), i.mean
        FROM intervals i JOIN configurations c USING (configuration)
        WHERE i.measure = 'test_error' AND i.epoch = {LAST} AND c.study IN ('double_descent/random_features', 'double_descent/mnist_mlp', 'double_descent/cifar10_cnn_small')
    """
    expected = {(study, noise, x): (ratio, mean) for study, noise, x, ratio, mean in ask(sql)}
    drawn = {(row["study"], row["noise"], row["width"]): (row["ratio"], row["mean"]) for row in rows}
    assert set(drawn) == set(expected)
    for place, pair in expected.items():
        assert drawn[place] == pytest.approx(pair)
    peak = ask(
        "SELECT position FROM landmarks JOIN maps USING (map) WHERE study = 'double_descent/random_features' AND kind = 'ridge_across'"
        " AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2 ORDER BY line DESC LIMIT 1"
    )[0][0]
    heading = next(each for each in headings(app) if each.startswith("Parameters per labelled output"))
    assert f"exact model: {peak / 100:.2g};" in heading
    assert heading.endswith("; MNIST, fully connected: no clear peak; CIFAR-10, small CNN: no clear peak")
    assert "Measured beside it: MNIST, fully connected; CIFAR-10, small CNN." in said(app)


@both
def test_the_four_papers_stand_with_their_numbers_and_our_verdicts(seen, language):
    text = "\n".join(each.value for each in seen(lang=language).markdown)
    for number in ("2310.18988", "2003.01897", "2303.14151", "2007.10099"):
        assert text.count(number) == 1
    claims = {"G8", "G1", "G3", "G4"}
    told = " ".join(part for part in text.split("\n") if "arXiv" in part)
    assert {claim for claim in claims if claim in told} == claims


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
