"""The page on the number of layers: what it draws and says, compared with the database by statements of the tests' own."""

import itertools
import re
from pathlib import Path

import pyarrow as pa
import pytest

from explorer.depth import sentences
from explorer.results.depth import Study, View
from tests import planted_depth
from tests.pages.planted import of_planted
from tests.pages.reading import ask, charts, said
from tests.planted_depth import FAILED, MLP, SMALL, as_in_the_paper
from tests.results_files import FIXTURE

VERDICTS = ("shown", "not shown", "contradicted")
both = pytest.mark.parametrize("language", ["en", "ko"])


@pytest.fixture(scope="module")
def planted(planted_once) -> Path:
    return planted_once("depth", planted_depth.plant_deep_failures)


database, seen = of_planted("depth")


def main_picture(app) -> tuple[dict, dict[str, pa.Table], str]:
    return charts(app)[0]


@both
def test_the_title_is_what_the_verdicts_say_in_ten_words(seen, language):
    title = seen(lang=language).title[0].value
    expected = {
        "en": "Deeper plain networks train worse; with shortcuts, deeper is better",
        "ko": "일반 신경망은 깊을수록 훈련이 나빠지고, 지름길이 있으면 깊을수록 좋아집니다",
    }
    assert title == expected[language]


def test_every_pair_of_verdicts_has_a_title_of_its_own_of_at_most_ten_words(changed):
    titles = {}
    for plain, residual in itertools.product(VERDICTS, repeat=2):
        changed(
            f"UPDATE claims SET verdict = '{plain}' WHERE claim = 'L1' AND study = '{SMALL}'",
            f"UPDATE claims SET verdict = '{residual}' WHERE claim = 'L2' AND study = '{SMALL}'",
        )
        title = sentences.title(View(Study(SMALL)))
        assert len(title.split()) <= 10
        assert ("train worse" in title) == (plain == "shown")
        assert ("train better" in title) == (plain == "contradicted")
        assert ("deeper is better" in title) == (residual == "shown")
        assert ("56 layers test worse" in title) == (residual == "contradicted")
        titles[title] = plain, residual
    assert len(titles) == 9


@pytest.mark.parametrize("plain", ["train", "partly", "fail"])
@pytest.mark.parametrize("residual", ["train", "partly", "fail"])
def test_whatever_the_deepest_networks_did_there_is_a_title_of_at_most_ten_words(
    tmp_path, monkeypatch, plain, residual
):
    """The runs of one depth, planted so that none, one or all seeds of each kind fail; where none does, the difference decides."""

    def outcome(spec):
        failing = {"train": 0, "partly": 1, "fail": 3}[residual if spec.residual else plain]
        return FAILED if spec.depth == 128 and spec.seed < failing else (0.05, 0.06)

    monkeypatch.setenv("WHY_RESULTS", str(planted_depth.plant(tmp_path, mlp=outcome, depths=(2, 128))))
    title = sentences.title(View(Study(MLP)))
    assert title.startswith("At 128 layers") and len(title.split()) <= 10
    told = "fail" in title or "none" in title
    assert told == ((plain, residual) != ("train", "train"))


def test_a_study_without_those_claims_is_told_by_its_deepest_networks(seen):
    title = seen(study="mnist_mlp", norm="none").title[0].value
    assert title == "At 128 layers plain networks fail; with shortcuts they train"


def test_where_all_seeds_fail_the_title_says_so_instead_of_a_verdict(opened, tmp_path, monkeypatch):
    """L1 is 'not shown' then, since nothing is left to compare: that must not read as no effect."""

    def outcome(spec):
        return FAILED if (spec.architecture, spec.depth) == ("plain", 56) else as_in_the_paper(spec)

    file = planted_depth.plant(tmp_path, outcome)
    monkeypatch.setenv("WHY_RESULTS", str(file))
    assert ask(file, "SELECT verdict FROM claims WHERE claim = 'L1'") == [("not shown",)]
    app = opened("depth")
    assert app.title[0].value == "Deep plain networks fail; with shortcuts, deeper is better"
    labels = {(row["name"], row["depth"]): row["label"] for row in main_picture(app)[1]["failures"].to_pylist()}
    assert labels["plain", 56] == "✕ 5/5" and labels["residual", 56] == "0/5"
    assert "failure (5 of 5 seeds did not train)" in said(app)
    assert "No difference at 56 layers" in said(app)


@pytest.mark.parametrize(
    ("low", "high", "word"), [(-20, -10, "lower"), (10, 20, "raise"), (-5, 5, "no clear difference")]
)
def test_where_all_train_the_title_has_the_difference_of_the_database(opened, changed, low, high, word):
    changed(
        "UPDATE curves SET train_correct = 8000 FROM runs WHERE runs.run = curves.run AND train_correct < 2500"
        f" AND study = '{MLP}'",
        f"UPDATE contrasts SET changed = json_merge_patch(changed, '{{\"depth\": 128}}'), estimate = {(low + high) / 2},"
        f" low = {low}, high = {high} WHERE study = '{MLP}' AND changed->>'norm' = 'batch' AND changed->>'depth' = '32'"
        " AND quantity = 'final_train_error_residual_minus_plain'",
    )
    title = opened("depth", study="mnist_mlp").title[0].value
    assert word in title and len(title.split()) <= 10
    assert ("15 points" in title) == (word != "no clear difference")


@both
def test_every_section_has_a_picture_with_a_text_in_the_readers_language(seen, language):
    for query, pictures in (({}, 10), ({"study": "mnist_mlp", "norm": "none"}, 11)):
        app = seen(lang=language, **query)
        drawn = charts(app)
        assert len(drawn) == pictures
        for _, _, alt in drawn:
            assert len(alt) > 40 and bool(re.search("[가-힣]", alt)) == (language == "ko")


def test_every_dot_is_a_run_and_every_mean_is_in_the_table_of_intervals(seen, database):
    _, tables, _ = main_picture(seen())
    found = ask(
        database,
        """
        SELECT CAST(x AS INTEGER), settings->>'architecture', seed, 1 - test_correct / n_test, 1 - train_correct / n_train
        FROM runs JOIN configurations USING (configuration) JOIN curves USING (run)
        WHERE runs.study = ? AND epoch = epochs
        """,
        SMALL,
    )
    expected = {
        (depth, f"{kind}, {part} error", seed): error
        for depth, kind, seed, test, train in found
        for part, error in (("test", test), ("train", train))
    }
    drawn = {(row["depth"], row["series"], row["seed"]): row["error"] for row in tables["dots"].to_pylist()}
    assert drawn == pytest.approx(expected, abs=1e-6) and len(drawn) == 88
    means = {(row["depth"], row["series"]): row["mean"] for row in tables["means"].to_pylist()}
    for depth, kind, mean in ask(
        database,
        "SELECT CAST(x AS INTEGER), settings->>'architecture', mean FROM intervals JOIN configurations USING (configuration)"
        " WHERE study = ? AND measure = 'train_error' AND epoch = 30",
        SMALL,
    ):
        assert means[depth, f"{kind}, train error"] == pytest.approx(mean, abs=1e-6)


def test_the_table_has_every_mean_that_is_drawn(seen, database):
    table = seen().dataframe[0].value
    _, tables, _ = main_picture(seen())
    for part in ("train", "test"):
        for end in ("mean", "low", "high"):
            name = f"{part} error: {'mean' if end == 'mean' else '95% from' if end == 'low' else '95% to'}"
            drawn = {row[end] for row in tables["means"].to_pylist() if row["series"].endswith(f"{part} error")}
            assert sorted(set(table[name].dropna())) == pytest.approx(sorted(drawn - {None}), abs=1e-6)
    assert set(table["Seeds in the means"]) == {3, 5}


def test_failures_are_in_the_rows_below_and_nowhere_on_the_error_axis(seen):
    _, tables, alt = main_picture(seen(study="mnist_mlp", norm="none"))
    labels = {(row["name"], row["depth"]): row["label"] for row in tables["failures"].to_pylist()}
    assert (labels["plain", 16], labels["plain", 32], labels["plain", 128]) == ("0/3", "✕ 1/3", "✕ 3/3")
    assert max(row["error"] for row in tables["dots"].to_pylist()) < 0.5
    means = {row["depth"]: row["mean"] for row in tables["means"].to_pylist() if row["series"] == "plain, test error"}
    assert means[16] is not None and means[32] is None and means[128] is None
    assert "1 of 3 at 32 layers" in alt and "3 of 3 at 128 layers" in alt


def test_the_caption_has_the_numbers_of_the_database(seen, database):
    caption = next(each.value for each in seen().caption if "not conclude that these" in each.value)
    rows = ask(
        database,
        "SELECT mean, low, high FROM intervals JOIN configurations USING (configuration) WHERE study = ? AND x IN (8, 56)"
        " AND measure = 'train_error' AND epoch = 30",
        SMALL,
    )
    told = re.findall(r"([\d.]+)% \(([\d.]+)–([\d.]+), \d seeds\)", caption)
    assert len(told) == len(rows) == 4
    allowed = [tuple(f"{100 * value:.1f}" for value in row) for row in rows]
    assert sorted(told) == sorted(allowed)


@both
def test_networks_whose_rate_is_an_end_of_those_tried_are_counted_and_named_under_their_map(
    opened, tmp_path, monkeypatch, language
):
    """Every network is best at the largest rate but the plain one of two layers, which is so in the middle."""

    def outcome(spec):
        best = 2.0**-7 if (spec.depth, spec.residual) == (2, 0) else 2.0**-3
        return (0.05, 0.06) if spec.lr == best else (0.1, 0.2)

    monkeypatch.setenv("WHY_RESULTS", str(planted_depth.plant(tmp_path, mlp=outcome, depths=(2, 8))))
    captions = [each.value for each in opened("depth", study="mnist_mlp", lang=language).caption]
    end, counted = {
        "en": ("At an end of the learning rates tried lies that of {} layers", "At 3 of 4 networks the rate"),
        "ko": (". {}층의 학습률은 시도한 범위의 끝", "신경망 4개 가운데 3개에서 고른 학습률"),
    }[language]
    assert sum(end.format("8") in each for each in captions) == 1, "of the plain ones"
    assert sum(end.format("2, 8") in each for each in captions) == 1, "of the residual ones"
    assert counted in captions[0]


def test_a_dot_leads_to_the_list_of_its_runs(opened, seen):
    _, tables, _ = main_picture(seen(study="mnist_mlp", norm="none"))
    href = next(
        row["href"] for row in tables["dots"].to_pylist() if row["depth"] == 16 and row["series"].startswith("residual")
    )
    page, _, asked = href.partition("?")
    query = dict(part.split("=") for part in asked.split("&") if not part.startswith("v="))
    query = {name: value.replace("%2F", "/") for name, value in query.items()}
    assert page == "runs" and query["depth"] == "16" and query["study"] == MLP
    listed = opened("runs", **query).dataframe[0].value
    assert len(listed) == 3
    assert set(listed["setting.depth"]) == {16} and set(listed["setting.lr"]) == {2.0**-7}
    assert set(listed["setting.residual"]) == {2} and set(listed["setting.norm"]) == {"none"}


def test_every_run_of_a_depth_has_the_command_that_repeats_it(seen, database):
    app = seen()
    runs = {
        run
        for (run,) in ask(
            database,
            "SELECT run_id FROM runs JOIN configurations USING (configuration) WHERE x = 56 AND runs.study = ?",
            SMALL,
        )
    }
    commands = next(each.value for each in app.code if each.value.startswith("python -m precompute run --run-id"))
    assert set(re.findall(r"--run-id ([0-9a-f]{16})", commands)) == runs and len(runs) == 10


@both
def test_gradient_maps_stand_side_by_side_on_one_scale(seen, language):
    maps = [chart for chart in charts(seen(lang=language)) if "log_norm" in str(chart[1].get("cells", ""))]
    assert len(maps) == 2
    domains = {str(spec["layer"][0]["encoding"]["color"]["scale"]["domain"]) for spec, _, _ in maps}
    assert len(domains) == 1
    assert maps[0][1]["cells"].num_rows == 56 * 3


def test_a_vanished_gradient_is_said_to_be_zero(seen):
    maps = [
        chart for chart in charts(seen(study="mnist_mlp", norm="none")) if "log_norm" in str(chart[1].get("cells", ""))
    ]
    states = maps[0][1]["cells"]["state"].to_pylist()
    assert states.count("zero") == 19 * 3 and "none" not in states


def test_the_depth_and_the_seed_of_the_opened_network_are_in_the_address(seen):
    app = seen(depth="20", seed="2")
    assert "The runs of 20 layers" in [each.value for each in app.subheader]
    assert any("One run of 20 layers (seed 2)" in each.value for each in app.markdown)


def test_damage_is_drawn_for_convolutions_and_said_to_be_missing_for_the_others(seen):
    blocks = next(tables for _, tables, _ in charts(seen()) if "edges" in tables)
    assert {row["series"] for row in blocks["rows"].to_pylist()} == {"plain", "residual"}
    assert max(blocks["rows"]["block"].to_pylist()) == 27
    assert "Blocks were taken out of the convolutional networks only" in said(seen(study="mnist_mlp", norm="none"))


def test_the_forest_has_the_contrasts_of_the_database(seen, database):
    drawn = [tables["contrasts"].to_pylist() for _, tables, _ in charts(seen()) if "contrasts" in tables]
    found = ask(database, "SELECT estimate, low, high, n FROM contrasts WHERE study = ?", SMALL)
    told = sorted(row["estimate"] for rows in drawn for row in rows)
    assert told == pytest.approx(sorted(estimate for estimate, *_ in found), abs=1e-4) and len(told) == 16
    assert all("n = " in row["label"] for rows in drawn for row in rows)
    assert {row["name"] for row in drawn[0]} >= {"56 layers: residual − plain", "plain: 56 − 20 layers"}


def test_published_numbers_are_hollow_and_later_ones_are_told_with_their_tags(seen, database):
    app = seen()
    hollow = [spec for spec, tables, _ in charts(app) if spec.get("mark", {}) and spec["mark"].get("filled") is False]
    assert len(hollow) == 2
    text = said(app)
    for error, tag in ask(database, "SELECT y, tag FROM published WHERE question = 'depth' AND figure = 'abstract'"):
        assert re.search(rf"{error:.2f}%.*; {tag}\)", text)
    assert "1806.05393; V2" in text


def test_the_cards_tell_quantities_bounds_and_intervals_in_words(seen, database):
    for language, quantity in (
        ("en", "Train error of plain networks"),
        ("ko", "일반 신경망(plain network)의 훈련 오차"),
    ):
        text = said(seen(lang=language))
        assert quantity in text
        for (code,) in ask(database, "SELECT DISTINCT quantity FROM claim_parts WHERE claim LIKE 'L%'"):
            assert code.replace("_", " ") not in text
        for (bound,) in ask(database, "SELECT DISTINCT bound FROM claim_parts WHERE claim LIKE 'L%'"):
            assert bound not in text


@both
def test_smoke_runs_of_a_study_partly_there_are_shown_as_that(opened, changed, language):
    changed("DELETE FROM claims WHERE claim = 'none'", of=FIXTURE)
    for study in ("cifar10_resnet_small", "cifar10_resnet", "mnist_mlp"):
        app = opened("depth", lang=language, study=study)
        assert not app.exception
        assert len(app.title[0].value.split()) <= 10


def test_one_kind_of_network_alone_is_shown_without_a_finding(opened, changed):
    changed(
        "DELETE FROM contrasts", "DELETE FROM claims",
        f"DELETE FROM runs WHERE study = '{SMALL}' AND configuration IN"
        " (SELECT configuration FROM configurations WHERE settings->>'architecture' = 'residual')",
    )  # fmt: skip
    app = opened("depth")
    assert not app.exception
    assert app.title[0].value == "Why do more layers help, and when do they stop?"


@both
def test_without_runs_the_page_says_so_with_the_published_numbers(without_runs, language):
    without_runs("depth", language)


def test_an_address_with_values_that_do_not_exist_falls_back_with_a_notice(opened):
    app = opened("depth", study="mnist_mlp", norm="layer", depth="77", y="cubic")
    assert not app.exception
    notices = " ".join(each.value for each in app.info)
    assert "layer" in notices and "77" in notices and "cubic" in notices
    assert "The runs of 64 layers" in [each.value for each in app.subheader]
