"""The page on batch size: what it draws and says, compared with the database by statements of the tests' own."""

import functools
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest

from explorer import format, text
from explorer.batch_size.controls import goal
from explorer.results import batch_size as results
from tests.pages import reading

ROOT = Path(__file__).resolve().parents[2]
FIXTURE = ROOT / "tests" / "fixtures" / "results.duckdb"
NAME, TARGET = "batch_size/mnist_mlp", 0.2
CHARTS = [
    "main", "steps", "examples", "seconds", "rates", "map", "momentum.8", "momentum.64", "ends", "noise", "equal",
    "equal.forest", "against",
]  # fmt: skip
HANGUL = re.compile("[가-힣]")
both = pytest.mark.parametrize("language", ["en", "ko"])


@pytest.fixture(autouse=True)
def database(monkeypatch) -> Path:
    monkeypatch.setenv("WHY_RESULTS", str(FIXTURE))
    return FIXTURE


@pytest.fixture
def seen(once):
    return functools.partial(once, "batch_size")


def ask(sql: str, *parameters) -> list[tuple]:
    return reading.ask(FIXTURE, sql, *parameters)


def charts(app) -> dict[str, tuple[dict, dict[str, pa.Table], str]]:
    """Specification, tables and alternative text of our own charts, in their order on the page."""
    return dict(zip(CHARTS, reading.charts(app), strict=False))


def said(app) -> str:
    kinds = ("title", "subheader", "markdown", "caption")
    return "\n".join(element.value for kind in kinds for element in getattr(app, kind))


def two_digits(value: float) -> str:
    return f"{int(float(f'{value:.2g}')):,}"


def regime(optimizer: str = "sgd", target: float = TARGET) -> tuple:
    return ask(
        "SELECT perfect_until, perfect_low, perfect_high, flat_from, flat_low, flat_high FROM regimes"
        " WHERE study = ? AND optimizer = ? AND target = ?", NAME, optimizer, target,
    )[0]  # fmt: skip


@both
def test_every_picture_is_there_with_a_text_in_both_languages(seen, language):
    app = seen(lang=language)
    assert not app.exception
    drawn = charts(app)
    tables = [set(tables) for _, tables, _ in drawn.values()]
    assert [min(each) for each in tables] == [
        "curve", "curve", "curve", "curve", "chosen", "cells", "cells", "cells", "ends", "bend", "means", "contrasts", "contrasts",
    ]  # fmt: skip
    assert all(bool(HANGUL.search(alt)) == (language == "ko") for _, _, alt in drawn.values())


@both
def test_title_and_caption_have_the_bend_of_the_database(seen, language):
    app = seen(lang=language)
    bend, low, high, flat, flat_low, flat_high = map(two_digits, regime())
    assert bend in app.title[0].value
    assert len(app.title[0].value.split()) <= 10
    to = " to " if language == "en" else " ~ "
    caption = app.caption[0].value
    assert f"{bend} ({low}{to}{high})" in caption and f"{flat} ({flat_low}{to}{flat_high})" in caption


@both
def test_the_title_is_of_the_optimizer_and_the_target_shown(seen, language):
    target = ask("SELECT max(target) FROM regimes WHERE study = ? AND optimizer = 'momentum'", NAME)[0][0]
    title = seen(lang=language, optimizer="momentum", target=f"{target:g}").title[0].value
    bend = regime("momentum", target)[0]
    assert {"en": "Momentum", "ko": "모멘텀"}[language] in title and goal(target) in title and len(title.split()) <= 10
    assert bend is None or two_digits(bend) in title


def test_the_main_picture_has_every_seed_and_its_curve_the_tuned_steps(seen):
    _, tables, alt = charts(seen())["main"]
    expected = ask(
        "SELECT batch_size, steps, low, high FROM tuned WHERE study = ? AND optimizer = 'sgd' AND target = ? AND steps IS NOT NULL"
        " ORDER BY 1", NAME, TARGET,
    )  # fmt: skip
    curve = tables["curve"].to_pylist()
    drawn = [(row["batch_size"], row["value"], row["low"], row["high"]) for row in curve if row["value"] is not None]
    assert drawn == [pytest.approx(row) for row in expected]
    runs = tables["runs"].to_pylist()
    assert len(runs) == ask("SELECT sum(seeds) FROM tuned WHERE study = ? AND optimizer = 'sgd' AND target = ?", NAME, TARGET)[0][0]  # fmt: skip
    for row in runs:
        run_id = re.search("run=([0-9a-f]+)", row["url"]).group(1)
        ((step, taken, size, seed),) = ask(
            "SELECT g.step, r.steps, c.x, r.seed FROM targets g JOIN runs r USING (run) JOIN configurations c USING (configuration)"
            " WHERE run_id = ? AND target = ?", run_id, TARGET,
        )  # fmt: skip
        assert (row["batch_size"], row["seed"], row["value"]) == (size, seed, taken if step is None else step)
    assert f"{len(runs)} runs" in alt


def test_what_was_not_reached_is_an_arrow_at_the_steps_it_took_and_is_told(seen):
    app = seen()
    spec, tables, alt = charts(app)["main"]
    missing = [row for row in tables["runs"].to_pylist() if row["state"] != "reached"]
    expected = ask("SELECT sum(seeds - seeds_reached) FROM tuned WHERE study = ? AND optimizer = 'sgd' AND target = ?", NAME, TARGET)[0][0]  # fmt: skip
    assert len(missing) == expected > 0 and f"of which {expected} did not" in alt
    assert all(row["value"] == 400 for row in missing), "the most steps of the tiny study"
    arrows = [layer for layer in spec["layer"] if layer["mark"].get("shape") == "arrow"]
    assert arrows[0]["transform"] == [{"filter": "datum.state == 'not_reached'"}]
    on_the_curve = {row["batch_size"] for row in tables["curve"].to_pylist() if row["value"] is not None}
    assert not on_the_curve & {row["batch_size"] for row in missing}
    assert "SGD did not reach the target with every seed at batch 2, 8" in said(app)


@both
def test_the_tuning_of_every_batch_size_is_counted(seen, language):
    app = seen(lang=language)
    least, widened, cells, runs, reached, missed, lost = ask(
        "SELECT min(rates), count(*) FILTER (rates > (SELECT min(rates) FROM tuned WHERE study = $1 AND optimizer = 'sgd' AND target = $2)),"
        " count(*), sum(runs), sum(reached), sum(not_reached), sum(diverged) FROM tuned"
        " WHERE study = $1 AND optimizer = 'sgd' AND target = $2", NAME, TARGET,
    )[0]  # fmt: skip
    assert runs == reached + missed + lost
    opening = "SGD: at each of" if language == "en" else "SGD: 배치 크기 4가지마다"
    sentence = next(each.value for each in app.markdown if each.value.startswith(opening))
    numbers = [int(number) for number in re.findall(r"(?<![\d.])\d+(?![\d.%])", sentence)]
    assert sorted([cells, least, 3, widened, cells, runs, reached, missed, lost]) == sorted(numbers)
    table = next(each.value for each in app.dataframe if "fewest_steps" in each.value.columns and "rates" in each.value.columns)  # fmt: skip
    assert table["runs"].sum() == runs and table["diverged"].sum() == lost


def test_the_reader_chooses_among_the_stored_targets_and_the_bends_of_all_are_drawn(seen):
    app = seen(target="0.25")
    control = next(each for each in app.segmented_control if each.key == "address.target")
    assert control.options == ["15%", "17.5%", "20%", "25%", "35%"]
    assert two_digits(regime(target=0.25)[0]) in app.caption[0].value
    assert two_digits(regime(target=0.25)[0]) in app.title[0].value, "the title is of the picture under it"
    ends = charts(app)["ends"][1]["ends"].to_pylist()
    rows = ask("SELECT perfect_until FROM regimes WHERE study = ?", NAME)
    assert sorted(row["batch_size"] for row in ends) == pytest.approx(sorted(end for (end,) in rows))
    assert charts(app)["ends"][0]["layer"][0]["encoding"]["y"]["axis"]["labelExpr"].count("●") == 1


def test_the_same_runs_are_counted_three_ways(seen):
    drawn = charts(seen())
    steps, examples, seconds = (
        [row for row in drawn[name][1]["curve"].to_pylist() if row["value"] is not None]
        for name in ("steps", "examples", "seconds")
    )
    assert [row["value"] for row in examples] == pytest.approx([row["value"] * row["batch_size"] for row in steps])
    assert [row["low"] for row in examples] == pytest.approx([row["low"] * row["batch_size"] for row in steps])
    assert all(row["value"] > 0 and row["low"] is None for row in seconds)
    level = {row["value"] for row in drawn["examples"][1]["perfect"].to_pylist()}
    assert max(level) == pytest.approx(min(level)), "perfect scaling is level in examples"
    turned = min(steps, key=lambda row: row["value"])["batch_size"], min(examples, key=lambda row: row["value"])["batch_size"]  # fmt: skip
    text = said(seen())
    assert (
        f"needs the fewest at batch {turned[0]:.0f}: " in text
        and f"needs the fewest at batch {turned[1]:.0f}: " in text
    )


@both
def test_all_optimizers_with_the_published_curve_say_that_it_is_digitised(seen, language):
    app = seen(lang=language, optimizer="all", paper="on", measure="examples")
    spec, tables, _ = charts(app)["main"]
    assert len(set(tables["curve"]["name"].to_pylist())) == 2
    expected = ask("SELECT x, y * x FROM published WHERE figure = 'Fig. 4' AND series = 'MNIST, simple CNN, SGD' ORDER BY x")  # fmt: skip
    drawn = sorted((row["batch_size"], row["value"]) for row in tables["published"].to_pylist())
    assert drawn == [pytest.approx(row) for row in expected]
    hollow = next(layer for layer in spec["layer"] if layer.get("data", {}).get("name") == "published")
    assert hollow["mark"]["filled"] is False
    word = "digitised" if language == "en" else "그림에서 읽음"
    assert word in tables["published"]["source"][0].as_py()
    assert any("Shallue et al. 2018" in each.value and word in each.value for each in app.caption)


def test_rates_and_map_are_those_of_the_chosen_optimizer(seen):
    drawn = charts(seen(optimizer="momentum"))
    chosen = ask("SELECT batch_size, best_lr FROM tuned WHERE study = ? AND optimizer = 'momentum' AND target = ? AND best_lr IS NOT NULL ORDER BY 1", NAME, TARGET)  # fmt: skip
    line = drawn["rates"][1]["chosen"].to_pylist()
    assert [(row["batch_size"], row["lr"]) for row in line if row["lr"] is not None] == chosen
    cells = drawn["map"][1]["cells"].to_pylist()
    assert len(cells) == ask("SELECT sum(rates) FROM tuned WHERE study = ? AND optimizer = 'momentum' AND target = ?", NAME, TARGET)[0][0]  # fmt: skip
    assert sum(cell["best"] for cell in cells) == len(chosen)
    assert all("momentum=0.9" in cell["url"] and "optimizer=sgd" in cell["url"] for cell in cells)


def test_a_cell_of_the_map_leads_to_exactly_its_runs(seen, opened):
    cell = charts(seen())["map"][1]["cells"].to_pylist()[0]
    query = dict(part.split("=") for part in cell["url"].partition("?")[2].replace("%2F", "/").split("&"))
    runs = opened("runs", **{name: value for name, value in query.items() if name != "v"})
    assert len(runs.dataframe[0].value) == 3 and not runs.info


def test_equal_budgets_show_every_fresh_seed_and_the_paired_differences(seen):
    app = seen()
    _, tables, _ = charts(app)["equal"]
    told = [json.loads(text) for (text,) in ask("SELECT details->>'test_error' FROM claim_parts WHERE claim = 'B4' ORDER BY part")]  # fmt: skip
    means = [row["error"] for row in tables["means"].to_pylist()]
    assert sorted(means) == pytest.approx(sorted(value / 100 for each in told for value in each.values()))
    assert len(tables["runs"]) == 3 * len(means)
    behind = next(each.value for each in app.dataframe if "amount" in each.value)
    assert sorted(set(behind["mean"])) == pytest.approx(sorted(set(means)))
    forest = charts(app)["equal.forest"][1]["contrasts"].to_pylist()
    rows = ask("SELECT estimate, low, high FROM contrasts WHERE study = 'batch_size/equal_epochs' ORDER BY abs(estimate) DESC")  # fmt: skip
    assert [(row["estimate"], row["low"], row["high"]) for row in forest] == [pytest.approx(row, rel=1e-5) for row in rows]  # fmt: skip
    assert all("n = 3" in row["label"] for row in forest)


def test_the_noise_scale_stands_beside_the_bend(seen):
    app = seen()
    _, tables, _ = charts(app)["noise"]
    bend = tables["bend"].to_pylist()[0]
    assert (bend["value"], bend["low"], bend["high"]) == pytest.approx(regime()[:3])
    ((estimate,),) = ask("SELECT estimate FROM claim_parts WHERE claim = 'B5' AND study = ?", NAME)
    assert f"**{format.two_digits(estimate)} (" in said(app)


@both
def test_every_measured_part_is_told_in_words(seen, language):
    text = said(seen(lang=language))
    codes = ask(
        "SELECT quantity, bound, details->>'interval', details->>'why' FROM claim_parts JOIN claims USING (claim, study) WHERE question = 'batch_size'"
    )
    assert len(codes) > 5
    for code in {code for row in codes for code in row if code and "_" in code}:
        assert code not in text, code
    assert "within 0.1 of -1, and" not in text and "low >" not in text and "high <" not in text
    doubling = {"en": "at least 1 doubling", "ko": "두 배 한 번 이상"}[language]
    assert doubling in text


def test_every_dot_is_also_a_link_in_the_table(seen):
    table = seen().dataframe[0].value
    assert len(table) == 12 and all(re.search(r"^runs\?run=[0-9a-f]{16}&", link) for link in table["run_id"])


def test_one_seed_has_dots_only_and_the_title_says_so(opened, changed):
    changed(
        "UPDATE tuned SET low = NULL, high = NULL, seeds = 1",
        "UPDATE regimes SET perfect_low = NULL, perfect_high = NULL, flat_low = NULL, flat_high = NULL, seeds = 1",
    )
    app = opened("batch_size", lang="en")
    assert not app.exception and "1 seed so far" in app.title[0].value
    spec, tables, _ = charts(app)["main"]
    assert set(tables["curve"]["low"].to_pylist()) == {None}
    kinds = [layer["mark"]["type"] for layer in spec["layer"]]
    assert "rect" not in kinds and kinds.count("rule") == 1  # where the regimes are, without a bar or a band


@pytest.mark.parametrize("verdict", ["shown", "not shown", "contradicted"])
@both
def test_headings_follow_the_verdicts(opened, changed, language, verdict):
    changed(f"UPDATE claims SET verdict = '{verdict}' WHERE question = 'batch_size' AND study IS NOT NULL")
    app = opened("batch_size", lang=language)
    assert not app.exception and len(app.title[0].value.split()) <= 10
    words = {"shown": ("halves", "절반"), "not shown": ("80%", "80%"), "contradicted": ("three regimes", "세 구간")}
    assert words[verdict][language == "ko"] in app.title[0].value
    factor = 2 ** ask("SELECT estimate FROM claim_parts WHERE claim = 'B2'")[0][0]
    assert (f"{factor:.2g}" in "".join(each.value for each in app.subheader)) == (verdict == "shown")


def test_a_batch_size_whose_tuning_is_not_finished_is_in_no_picture(opened, changed):
    changed("DELETE FROM tuned WHERE batch_size = 128", "DELETE FROM regimes")
    app = opened("batch_size", lang="en")
    assert not app.exception and app.title[0].value == "Too few batch sizes reached 20% with every seed"
    drawn = charts(app)
    assert set(drawn["main"][1]["runs"]["batch_size"].to_pylist()) == {2, 8, 32}
    assert set(drawn["rates"][1]["seeds"]["batch_size"].to_pylist()) == {32}
    assert set(drawn["map"][1]["cells"]["batch_size"].to_pylist()) == {"2", "8", "32"}


def test_a_study_in_which_no_two_sizes_reached_says_so(seen):
    app = seen(study="mnist_cnn", measure="seconds", paper="on")
    assert not app.exception
    assert "fewer than two batch sizes" in app.caption[0].value
    assert "There is no published curve" in said(app)


def test_a_run_of_an_equal_budget_that_diverged_is_counted_and_its_cross_explained(opened, changed):
    run = results.budgets()["run_id"][0].as_py()
    changed(f"UPDATE curves SET test_correct = NULL WHERE run = (SELECT run FROM runs WHERE run_id = '{run}')")
    app = opened("batch_size")
    assert "A cross at the top is a run that diverged; it has no error: 1." in said(app)
    _, tables, alt = charts(app)["equal"]
    assert tables["runs"]["diverged"].to_pylist().count(True) == 1 and "it has no error: 1." in alt


def test_without_a_finished_tuning_what_the_equal_budgets_say_stands_before_the_published_numbers(opened, changed):
    changed("DELETE FROM tuned", "DELETE FROM regimes")
    app = opened("batch_size", lang="en")
    assert not app.exception and "Measured in part" in app.info[0].value
    runs = next(tables["runs"] for _, tables, _ in reading.charts(app) if "runs" in tables)
    assert runs.num_rows == len(results.budgets()) > 0
    assert any(f"python -m precompute run {results.EQUAL}" in each.value for each in app.code)


def test_without_equal_budgets_either_the_published_numbers_stand_alone(opened, changed):
    changed(
        "DELETE FROM targets",
        "DELETE FROM tuned",
        "DELETE FROM regimes",
        f"UPDATE runs SET status = 'failed' WHERE study = '{results.EQUAL}'",
    )
    app = opened("batch_size", lang="en")
    assert not app.exception
    assert "Runs for this question are in the data" in app.info[0].value


def test_a_study_and_an_optimizer_alone_are_said_where_the_address_asks_for_others(opened, changed):
    changed("DELETE FROM tuned WHERE study <> 'batch_size/mnist_mlp' OR optimizer <> 'sgd'")
    app = opened("batch_size", study="mnist_cnn", optimizer="momentum")
    assert not app.exception
    told = " ".join(each.value for each in app.info)
    assert "cnn" in told and "MNIST, fully connected" in told and "momentum" in told and "SGD" in told


def test_an_unknown_target_falls_back_with_a_notice(opened):
    app = opened("batch_size", lang="en", target="0.5")
    assert not app.exception and format.literal("0.5") in app.info[0].value
    assert two_digits(regime()[0]) in app.caption[0].value


@both
def test_a_size_at_which_every_seed_reached_but_at_no_common_rate_is_named(opened, changed, language):
    changed(
        f"""UPDATE tuned SET best_lr = NULL, steps = NULL, low = NULL, high = NULL
        WHERE study = '{NAME}' AND optimizer = 'sgd' AND target = {TARGET} AND batch_size = 32 AND seeds_reached = seeds"""
    )
    app = opened("batch_size", lang=language)
    curve = charts(app)["main"][1]["curve"].to_pylist()
    assert [row["batch_size"] for row in curve if row["value"] is not None] == [128]
    told = text.of(language, "batch_size.legend.missing", optimizer="SGD", sizes="2, 8, 32")
    assert told in said(app) and ("one learning rate" if language == "en" else "한 학습률") in told
