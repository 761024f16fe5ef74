"""The section on learning rate and momentum of the page on batch size: what it draws and says, held against the tiny real database."""

import functools
import math
import re
from collections import defaultdict
from pathlib import Path
from statistics import mean

import pytest
from scipy import stats

from explorer import format
from tests.pages import reading
from tests.results_files import FIXTURE, SHIPPED

STUDY, TARGET, SIZES = "batch_size/momentum", 0.2, (8, 64)
QUANTITY = "log2_steps_to_the_last_target"
both = pytest.mark.parametrize("language", ["en", "ko"])


@pytest.fixture(autouse=True)
def database(monkeypatch) -> Path:
    monkeypatch.setenv("WHY_RESULTS", str(FIXTURE))
    return FIXTURE


@pytest.fixture
def seen(once):
    return functools.partial(once, "batch_size")


def maps(app) -> list[tuple[dict, dict, str]]:
    """The charts of the section, one a batch size."""
    return [each for each in reading.charts(app) if "changes" in each[1]]


def section(app) -> str:
    return "\n".join([*(each.value for each in app.subheader), *(each.value for each in app.caption)])


def steps_taken(file: Path = FIXTURE, target: float = TARGET) -> dict[tuple, list[float]]:
    """(batch size, momentum, rate) -> the steps of each seed to the hardest target, infinite where it did not reach, by seed."""
    rows = reading.ask(
        file,
        """SELECT CAST(c.settings->>'batch_size' AS INTEGER), CAST(c.settings->>'momentum' AS DOUBLE),
                  CAST(c.settings->>'lr' AS DOUBLE), g.step, g.reached
           FROM targets g JOIN runs r USING (run) JOIN configurations c USING (configuration) WHERE r.study = ? AND g.target = ?
           ORDER BY r.seed""",
        STUDY, target,
    )  # fmt: skip
    found = defaultdict(list)
    for *cell, step, reached in rows:
        found[tuple(cell)].append(step if reached else math.inf)
    return found


def test_every_rate_of_every_momentum_is_a_cell_whose_colour_is_the_steps_over_the_fewest_of_its_map(seen):
    taken = steps_taken()
    drawn = maps(seen())
    assert len(drawn) == len(SIZES)
    for size, (_, tables, _) in zip(SIZES, drawn, strict=True):
        means = {
            (f"{momentum:g}", format.rate(lr)): 2 ** (sum(map(math.log2, steps)) / 3)
            for (batch, momentum, lr), steps in taken.items()
            if batch == size
        }
        fewest = min(means.values())
        cells = tables["cells"].to_pylist()
        assert {(cell["momentum"], cell["rate"]) for cell in cells} == set(means) and len(cells) == len(means)
        for cell in cells:
            steps = means[cell["momentum"], cell["rate"]]
            assert (cell["state"] == "reached") == math.isfinite(steps)
            assert cell["ratio"] == (pytest.approx(steps / fewest) if math.isfinite(steps) else None)
        for momentum in {cell["momentum"] for cell in cells}:
            mine = {rate: steps for (each, rate), steps in means.items() if each == momentum}
            starred = [cell["rate"] for cell in cells if cell["best"] and cell["momentum"] == momentum]
            reached = min(mine.values()) < math.inf
            assert starred == ([min(mine, key=mine.get)] if reached else [])
    assert not all(any(cell["best"] for cell in tables["cells"].to_pylist() if cell["momentum"] == "0.9") for _, tables, _ in drawn), "one momentum reached at no common rate"  # fmt: skip


def test_above_each_map_stand_the_paired_ratios_of_the_steps_on_one_axis(seen):
    drawn, axes = maps(seen()), set()
    for size, (spec, tables, alt) in zip(SIZES, drawn, strict=True):
        rows = reading.ask(
            FIXTURE,
            """SELECT CAST(changed->>'momentum' AS DOUBLE) AS momentum, estimate, low, high FROM contrasts
               WHERE study = ? AND quantity = ? AND CAST(changed->>'batch_size' AS INTEGER) = ? ORDER BY 1""",
            STUDY, QUANTITY, size,
        )  # fmt: skip
        told = [
            tuple(row[name] for name in ("momentum", "ratio", "low", "high")) for row in tables["changes"].to_pylist()
        ]
        assert told == [(f"{row[0]:g}", *(pytest.approx(2**each) for each in row[1:])) for row in rows] and rows
        for momentum, estimate, *_ in rows:
            assert f"momentum {momentum:g} {format.two_digits(2**estimate)}× (" in alt
        upper, lower = spec["vconcat"]
        axes.add(tuple(upper["layer"][-1]["encoding"]["y"]["scale"]["domain"]))
        across = [view["layer"][-1]["encoding"]["x"]["scale"]["domain"] for view in (upper, lower)]
        assert across == [["0", "0.5", "0.9"]] * 2, "a dot stands above its column"
    assert len(axes) == 1


@pytest.mark.parametrize("file, target", [(FIXTURE, TARGET), (SHIPPED, 0.04)], ids=["fixture", "shipped"])
def test_the_changes_are_found_again_from_the_runs(file, target):
    taken = steps_taken(file, target)
    best = {
        cell: [
            min(steps) for steps in zip(*(each for (*of, _), each in taken.items() if tuple(of) == cell), strict=True)
        ]
        for cell in {(size, momentum) for size, momentum, _ in taken}
    }
    rows = reading.ask(
        file,
        """SELECT CAST(changed->>'batch_size' AS INTEGER), CAST(changed->>'momentum' AS DOUBLE), estimate, low, high, n, p, p_adjusted, unit
           FROM contrasts WHERE study = ? AND quantity = ?""",
        STUDY, QUANTITY,
    )  # fmt: skip
    reached = {cell for cell, steps in best.items() if max(steps + best[cell[0], 0.0]) < math.inf and cell[1]}
    assert {tuple(row[:2]) for row in rows} == reached and rows
    for size in {row[0] for row in rows}:
        family = sorted(row[6] for row in rows if row[0] == size)
        holm = [max((len(family) - i) * p for i, p in enumerate(family[: place + 1])) for place in range(len(family))]
        for _, momentum, estimate, low, high, n, p, adjusted, unit in (row for row in rows if row[0] == size):
            differences = [math.log2(a / b) for a, b in zip(best[size, momentum], best[size, 0.0], strict=True)]
            found = stats.ttest_1samp(differences, 0.0)
            interval = found.confidence_interval(0.95)
            expected = (mean(differences), interval.low, interval.high, 3, found.pvalue)
            assert (estimate, low, high, n, p) == pytest.approx(expected) and unit == "doublings"
            assert adjusted == pytest.approx(min(1.0, holm[family.index(p)]))


def test_every_seed_is_a_dot_over_its_momentum_and_a_row_of_a_table(seen):
    taken, app = steps_taken(), seen()
    best = {
        (size, momentum, seed): min(steps[seed] for (b, m, _), steps in taken.items() if (b, m) == (size, momentum))
        for size, momentum, _ in taken
        for seed in range(3)
    }
    for size, (_, tables, _) in zip(SIZES, maps(app), strict=True):
        expected = {
            (f"{momentum:g}", seed): steps / best[size, 0.0, seed]
            for (b, momentum, seed), steps in best.items()
            if b == size and momentum and math.isfinite(steps)
        }
        dots = {(row["momentum"], row["seed"]): row["ratio"] for row in tables["seeds"].to_pylist()}
        assert dots == pytest.approx(expected) and dots
    table = next(each.value for each in app.dataframe if {"momentum", "seed", "run_id"} <= set(each.value.columns))
    assert len(table) == sum(map(math.isfinite, best.values())) and table["run_id"].str.startswith("runs?run=").all()


def test_a_cell_leads_to_exactly_its_runs(seen, opened):
    cell = maps(seen())[1][1]["cells"].to_pylist()[4]
    query = dict(part.split("=") for part in cell["url"].partition("?")[2].replace("%2F", "/").split("&"))
    runs = opened("runs", **{name: value for name, value in query.items() if name != "v"})
    assert len(runs.dataframe[0].value) == 3 and not runs.info


@both
def test_the_caption_counts_the_cells_and_the_clear_changes(opened, changed, seen, language):
    states = [cell["state"] for _, tables, _ in maps(seen()) for cell in tables["cells"].to_pylist()]
    few = [states.count(state) for state in ("reached", "not_reached", "diverged")]
    clear = {
        "en": "over them: 0 of 1 at batch 8, 1 of 2 at batch 64 (0.5); with clearly more: 0 of 1 at batch 8, 1 of 2 at batch 64 (0.9).",
        "ko": "적은 모멘텀: 배치 8에서 1가지 중 0가지, 배치 64에서 2가지 중 1가지 (0.5). 뚜렷하게 많은 모멘텀: 배치 8에서 1가지 중 0가지, 배치 64에서 2가지 중 1가지 (0.9).",
    }
    told = section(seen(lang=language))
    assert sum(few) == len(states) and few[0] and few[1]
    for number in few:
        assert re.search(rf"(?<!\d){number}(?!\d)", told)
    assert clear[language] not in told
    at = f"study = '{STUDY}' AND CAST(changed->>'batch_size' AS INTEGER) = 64 AND CAST(changed->>'momentum' AS DOUBLE)"
    changed(
        f"UPDATE contrasts SET p_adjusted = 0.01, estimate = -1 WHERE {at} = 0.5",
        f"UPDATE contrasts SET p_adjusted = 0.01, estimate = 1 WHERE {at} = 0.9",
    )
    assert clear[language] in section(opened("batch_size", lang=language))


@both
def test_the_heading_says_of_the_usual_momentum_what_is_clear_and_asks_where_it_is_not_known(
    opened, changed, seen, language
):
    asked = {
        "en": "Does momentum save steps at every batch size?",
        "ko": "모멘텀은 어느 배치 크기에서나 스텝을 줄일까요?",
    }
    assert asked[language] in [each.value for each in seen(lang=language).subheader], "0.9 reached at one size only"
    changed(
        f"""UPDATE contrasts SET changed = '{{"batch_size": 8, "momentum": 0.9}}', estimate = 1, low = -1, high = 3, p_adjusted = 0.06
        WHERE study = '{STUDY}' AND CAST(changed->>'batch_size' AS INTEGER) = 8""",
        f"""UPDATE contrasts SET estimate = -2, low = -3, high = -1, p_adjusted = 0.04 WHERE study = '{STUDY}'
        AND CAST(changed->>'batch_size' AS INTEGER) = 64 AND CAST(changed->>'momentum' AS DOUBLE) = 0.9""",
    )
    heading, usual = {
        "en": (
            "Momentum 0.9: no clear change at batch 8, 0.25× the steps at batch 64",
            "2.0× (0.50–8.0) at batch 8; 0.25× (0.12–0.50) at batch 64 (95% t interval, 3 seeds).",
        ),
        "ko": (
            "모멘텀 0.9: 배치 8에서 뚜렷한 변화 없음, 배치 64에서 스텝이 0.25배",
            "배치 8에서 2.0배(0.50–8.0); 배치 64에서 0.25배(0.12–0.50) (95% t 구간, 시드 3개).",
        ),
    }[language]
    app = opened("batch_size", lang=language)
    assert heading in [each.value for each in app.subheader]
    assert any(each.value.endswith(usual) for each in app.markdown)


def test_a_momentum_that_is_not_finished_is_left_out_and_without_runs_the_section_says_how_to_get_them(opened, changed):
    one = f"""SELECT run FROM runs r JOIN configurations c USING (configuration) WHERE r.study = '{STUDY}'
              AND c.settings->>'batch_size' = '64' AND CAST(c.settings->>'momentum' AS DOUBLE) = 0.5 AND r.seed = 2 LIMIT 1"""
    changed(f"DELETE FROM targets WHERE run IN ({one})")
    app = opened("batch_size")
    assert not app.exception
    assert {cell["momentum"] for cell in maps(app)[1][1]["cells"].to_pylist()} == {"0", "0.9"}
    changed(f"DELETE FROM targets WHERE run IN (SELECT run FROM runs WHERE study = '{STUDY}')")
    app = opened("batch_size")
    assert not app.exception and not maps(app)
    assert any(STUDY in each.value for each in app.markdown)


def test_with_two_seeds_there_are_no_bars_and_no_tests(opened, changed):
    changed(
        f"UPDATE contrasts SET low = NULL, high = NULL, p = NULL, p_adjusted = NULL, n = 2 WHERE study = '{STUDY}'",
        f"""DELETE FROM targets WHERE run IN (SELECT run FROM runs WHERE study = '{STUDY}' AND seed = 2)""",
        f"""DELETE FROM runs WHERE study = '{STUDY}' AND seed = 2""",
    )
    app = opened("batch_size")
    assert not app.exception and "Fewer than three seeds: no difference is tested." in section(app)
    assert {row["low"] for _, tables, _ in maps(app) for row in tables["changes"].to_pylist()} == {None}
    assert any("at batch 64 (2 seeds)" in each.value for each in app.markdown)


@both
def test_the_best_rates_over_one_minus_momentum_are_told_for_each_batch_size(seen, language):
    taken = steps_taken()
    told = section(seen(lang=language))
    for size in SIZES:
        lengths = []
        for momentum in {momentum for batch, momentum, _ in taken if batch == size}:
            means = {
                lr: sum(map(math.log2, steps)) for (b, m, lr), steps in taken.items() if (b, m) == (size, momentum)
            }
            best = min(means, key=means.get)
            if math.isfinite(means[best]):
                lengths.append(best / (1 - momentum))
        ends = "–".join(dict.fromkeys(format.two_digits(end) for end in (min(lengths), max(lengths))))
        expected = {"en": f"{ends} at batch {size}", "ko": f"배치 {size}에서 {ends}"}[language]
        assert expected in told


def test_the_section_stands_on_the_page_as_soon_as_its_own_study_has_runs(opened, changed):
    changed(
        "DELETE FROM tuned",
        "DELETE FROM regimes",
        "UPDATE runs SET status = 'failed' WHERE study = 'batch_size/equal_epochs'",
    )
    app = opened("batch_size")
    assert not app.exception and len(maps(app)) == len(SIZES)
    assert any(f"python -m precompute run {STUDY}" in each.value for each in app.code)


def test_a_seed_that_failed_altogether_is_counted_nowhere(opened, changed):
    seed = f"SELECT run FROM runs WHERE study = '{STUDY}' AND seed = 2"
    changed(f"DELETE FROM targets WHERE run IN ({seed})", f"UPDATE runs SET status = 'failed' WHERE run IN ({seed})")
    app = opened("batch_size")
    assert {cell["share"].partition("/")[2] for _, tables, _ in maps(app) for cell in tables["cells"].to_pylist()} == {
        "2"
    }
    (subtitle,) = [each.value for each in app.markdown if each.value.startswith("SGD to a validation error of 20%")]
    assert "2 seeds." in subtitle


def test_one_step_length_is_no_range_and_without_changes_nothing_stands_above_the_maps(opened, changed):
    one = f"""SELECT run FROM runs r JOIN configurations c USING (configuration)
              WHERE r.study = '{STUDY}' AND CAST(c.settings->>'momentum' AS DOUBLE) <> 0.5"""
    changed(f"DELETE FROM targets WHERE run IN ({one})", f"DELETE FROM contrasts WHERE study = '{STUDY}'")
    app = opened("batch_size")
    assert not app.exception
    assert re.search(r"Best rate over 1 − momentum: [\d.]+ at batch 8; [\d.]+ at batch 64\.", section(app))
    assert not any("Above each map" in each.value for each in app.markdown)


@both
def test_what_repeats_the_runs_of_another_study_is_said_of_those_momenta_and_only_where_there_is_one(
    opened, changed, seen, language
):
    words = {"en": "With momentum 0, 0.9 these runs repeat", "ko": "모멘텀 0, 0.9의 실행은"}[language]
    assert words in section(seen(lang=language))
    changed("UPDATE runs SET status = 'failed' WHERE study = 'batch_size/mnist_mlp'")
    assert words not in section(opened("batch_size", lang=language))
