"""The map, its title and captions, its thresholds, ridge and panels, and the cell in the address."""

import json
import re

import pytest

from tests.pages.generalization.conftest import (
    FINAL,
    SHIPPED,
    allowed,
    both,
    linked_map,
    panels,
    percentages,
)
from tests.pages.reading import ask, charts


@both
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_title_is_the_finding_in_ten_words_with_numbers_of_the_last_row(once, database, language):
    app = once("generalization", lang=language)
    title = app.title[0].value
    row = ask(database, FINAL.format(measure="test_error", noise=0.2))
    peak = ask(
        database,
        "SELECT position FROM landmarks JOIN maps USING (map) WHERE kind = 'ridge_across' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2"
        " AND study = 'double_descent/mnist_mlp' ORDER BY line DESC LIMIT 1",
    )[0][0]
    means = {width: mean for width, mean, *_ in row}
    said = percentages(title)
    assert len(re.sub("\u2060", "", title).split()) <= 10
    assert said[-1] == f"{100 * row[-1][1]:.1f}"
    assert said[0] in {f"{100 * row[0][1]:.1f}", f"{100 * means.get(peak, row[0][1]):.1f}"}
    verdict = ask(
        database, "SELECT verdict::VARCHAR FROM claims WHERE claim = 'G1' AND study = 'double_descent/mnist_mlp'"
    )[0][0]
    if verdict == "shown":
        assert said[0] == f"{100 * means[peak]:.1f}"


LAST_RIDGE = """
kind = 'ridge_across' AND map = (SELECT map FROM maps WHERE study = 'double_descent/mnist_mlp' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2)
AND line = (SELECT max(epoch) FROM curves JOIN runs USING (run) WHERE study = 'double_descent/mnist_mlp')
"""


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("clear", [True, False], ids=["clear", "unclear"])
@pytest.mark.parametrize("verdict", ["shown", "not shown", "contradicted", "not tested here"])
def test_the_title_denies_a_clear_peak_only_where_there_is_none(opened, database, changed, verdict, clear, language):
    changed(
        f"UPDATE claims SET verdict = '{verdict}' WHERE claim = 'G1' AND study = 'double_descent/mnist_mlp'",
        f"UPDATE landmarks SET position = 8, low = 8, high = 8, height = 0.02, clear = {clear} WHERE {LAST_RIDGE}",
    )
    app = opened("generalization", lang=language)
    title = app.title[0].value
    assert len(re.sub("\u2060", "", title).split()) <= 10
    denied, unmet = {
        "en": ("no clear peak", "rule not met"), "ko": ("뚜렷한 봉우리는 없습니다", "규칙에는 못 미칩니다"),
    }[language]  # fmt: skip
    assert (denied in title) is (not clear and verdict != "shown")
    assert (unmet in title) is (clear and verdict in ("not shown", "contradicted"))


@both
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_title_is_of_the_map_that_is_shown(opened, database, language):
    """Also in the picture that is taken away, and before an audience."""
    titles = {noise: opened("generalization", lang=language, noise=str(noise)).title[0].value for noise in (0.0, 0.2)}
    for noise, title in titles.items():
        row = ask(database, FINAL.format(measure="test_error", noise=noise))
        assert percentages(title)[-1] == f"{100 * row[-1][1]:.1f}"
    assert titles[0.0] != titles[0.2]


@both
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_every_percentage_of_the_caption_is_in_the_last_row(opened, database, language, noise):
    app = opened("generalization", lang=language, noise=str(noise))
    caption = next(text.value for text in app.caption if "not conclude" in text.value or "결론짓지" in text.value)
    numbers = allowed(
        [value for row in ask(database, FINAL.format(measure="test_error", noise=noise)) for value in row[1:4]]
    )
    said = re.findall(r"(\d+(?:\.\d+)?)%", caption) + [
        end for pair in re.findall(r"\((\d[\d.]*)–(\d[\d.]*),", caption) for end in pair
    ]
    assert len(said) >= 2
    assert set(said) <= numbers | {f"{100 * noise:.0f}"}


@both
def test_every_cell_drawn_is_the_mean_in_the_table_of_intervals(once, database):
    _, tables, _ = linked_map(once("generalization"))
    drawn = {
        (row["width"], row["epoch"]): (row["a"], row["b"])
        for row in tables["cells"].to_pylist()
        if row["state"] == "value"
    }
    sql = """
        SELECT c.x, i.epoch, any_value(i.mean) FILTER (measure = 'test_error'), any_value(i.mean) FILTER (measure = 'train_error')
        FROM intervals i JOIN configurations c USING (configuration)
        WHERE c.study = 'double_descent/mnist_mlp' AND CAST(c.settings->>'label_noise' AS DOUBLE) = 0.2 AND i.epoch IS NOT NULL GROUP BY 1, 2
    """
    expected = {(int(x), epoch): (test, train) for x, epoch, test, train in ask(database, sql)}
    assert set(drawn) == set(expected)
    for place, pair in expected.items():
        assert drawn[place] == pytest.approx(pair, abs=1e-6)


def test_every_seed_drawn_is_the_count_in_the_table_of_curves(once, database):
    _, tables, _ = linked_map(once("generalization"))
    rows = {(row["width"], row["epoch"]): row for row in tables["cells"].to_pylist()}
    sql = """
        SELECT c.x, v.epoch, dense_rank() OVER (ORDER BY r.seed) - 1, 1 - v.test_correct / r.n_test
        FROM curves v JOIN runs r USING (run) JOIN configurations c USING (configuration)
        WHERE c.study = 'double_descent/mnist_mlp' AND CAST(c.settings->>'label_noise' AS DOUBLE) = 0.2
    """
    found = ask(database, sql)
    assert found
    for x, epoch, seed, error in found:
        assert rows[int(x), epoch][f"a{seed}"] == pytest.approx(error, abs=1e-6)


@pytest.mark.parametrize("level", [0.01, 0.05, 0.1])
def test_the_threshold_follows_the_readers_level(opened, database, level):
    _, tables, _ = linked_map(opened("generalization", threshold=str(level)))
    sql = f"""
        SELECT position FROM landmarks JOIN maps USING (map)
        WHERE kind = 'threshold' AND abs(level - {level}) < 1e-9 AND study = 'double_descent/mnist_mlp' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2 ORDER BY line
    """
    expected = [None if position is None else int(position) for (position,) in ask(database, sql)]
    assert tables["threshold_at"]["width"].to_pylist() == expected


@both
@pytest.mark.parametrize("reading", ["across", "up"])
def test_the_ridge_is_drawn_where_the_table_says_it_is_clear(once, database, reading):
    _, tables, _ = linked_map(once("generalization", **({"reading": "up"} if reading == "up" else {})))
    sql = f"""
        SELECT count(*) FROM landmarks JOIN maps USING (map)
        WHERE kind = 'ridge_{reading}' AND clear AND study = 'double_descent/mnist_mlp' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2
    """
    drawn = tables["ridge"].num_rows if "ridge" in tables else 0
    assert drawn == ask(database, sql)[0][0]
    assert drawn or (database, reading) != (SHIPPED, "across"), "else nothing is compared"


@pytest.mark.parametrize("measure, language", [("test", "ko"), ("train", "en"), ("gap", "ko"), ("loss", "en")])
def test_every_measure_draws_without_an_exception_and_every_chart_has_a_text(opened, database, measure, language):
    app = opened("generalization", lang=language, measure=measure, x="log", y="log", reading="up")
    assert not app.exception
    texts = [alt for _, _, alt in charts(app)]
    assert len(texts) >= 5
    assert all(len(text) > 40 for text in texts)
    scale = linked_map(app)[0]["vconcat"][0]["layer"][0]["encoding"]["color"]["scale"]
    if measure == "gap":
        assert scale["domain"][0] == -scale["domain"][2]
        assert scale["domain"][1] == 0
    else:
        assert scale["scheme"] == "viridis"


def test_small_multiples_share_one_scale_and_the_picked_cell(opened, database):
    app = opened("generalization", width="8", epoch="1")
    noises = [
        noise
        for (noise,) in ask(
            database,
            "SELECT DISTINCT CAST(settings->>'label_noise' AS DOUBLE) FROM maps WHERE study = 'double_descent/mnist_mlp'",
        )
    ]
    drawn = panels(app)
    assert len(drawn) == len(noises)
    scales = [json.dumps(spec["layer"][0]["encoding"]["color"]["scale"], sort_keys=True) for spec, _, _ in drawn]
    assert len(set(scales)) == 1
    assert len({json.dumps(tables["picked"].to_pylist()) for _, tables, _ in drawn}) == 1
    assert drawn[0][1]["picked"]["e"].to_pylist() == [0]


@both
def test_the_cell_in_the_address_is_where_the_chart_starts_and_whose_runs_are_listed(opened, database):
    app = opened("generalization", width="8", epoch="1", noise="0.2")
    spec, tables, _ = linked_map(app)
    [cell] = spec["vconcat"][0]["layer"][0]["params"]
    assert cell["name"] == "cell"
    widths = sorted({row["width"] for row in tables["cells"].to_pylist()})
    assert cell["value"] == [{"w": widths.index(8), "e": 0}]
    sql = """
        SELECT run_id FROM runs JOIN configurations USING (configuration)
        WHERE configurations.study = 'double_descent/mnist_mlp' AND x = 8 AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2 ORDER BY seed
    """
    runs = [run_id for (run_id,) in ask(database, sql)]
    commands = next(block.value for block in app.code if "--run-id" in block.value)
    assert commands.split("\n") == [f"python -m precompute run --run-id {run_id}" for run_id in runs]
    links = next(frame.value for frame in app.dataframe if "Run" in frame.value.columns)["Run"]
    assert [re.search(r"run=([0-9a-f]+)", link).group(1) for link in links] == runs


def test_what_was_not_sampled_becomes_the_nearest_with_a_notice(opened):
    app = opened("generalization", width="9", epoch="soon", measure="joy")
    assert not app.exception
    notices = " ".join(box.value for box in app.info)
    assert "soon" in notices
    assert "joy" in notices
    assert "8" in notices


@pytest.mark.parametrize("language", ["en", "ko"])
def test_of_another_measure_the_caption_says_that_the_words_are_of_the_test_error(opened, language):
    said = {
        "en": "the title and what follows speak of the test error",
        "ko": "제목과 다음 문장은 테스트 오차를 말합니다",
    }[language]
    units = {"en": ("in percentage points", "in percent,"), "ko": ("단위는 퍼센트포인트", "단위는 퍼센트.")}[language]
    for measure in ("test", "train", "gap", "loss"):
        app = opened("generalization", lang=language, measure=measure)
        captions = [each.value for each in app.caption if "not conclude" in each.value or "결론짓지" in each.value]
        assert (said in captions[0]) == (measure != "test")
        told = [each.value for each in app.markdown if units[measure != "gap"] in each.value]
        assert bool(told) == (measure != "loss")
