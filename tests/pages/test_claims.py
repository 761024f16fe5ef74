"""The page of claims: every claim with every study that tests it, every number from the database, and one's own beside it."""

import itertools
import json
import math
import os
import re
import shutil

import duckdb
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from explorer import claim_parts, text
from tests.pages.reading import BADGE, LOOKS, ask, spoken, told_in_order, verdicts_on_cards

HANGUL = re.compile("[가-힣]")
both = pytest.mark.parametrize("language", ["en", "ko"])


def forest_rows(app: AppTest) -> list[dict]:
    """The rows of all forest plots of a page, as the charts hold them."""
    tables = [
        pa.ipc.open_stream(each.data.data).read_all()
        for element in app.get("vega_lite_chart")
        for each in element.proto.datasets
        if each.name == "parts"
    ]
    return [row for table in tables for row in table.to_pylist()]


def test_all_claims_are_there_and_are_filtered(opened, results_file):
    everything = opened("claims")
    codes = [row[0] for row in ask(results_file, "SELECT DISTINCT claim FROM claims")]
    assert sorted(re.findall(r":gray-badge\[([A-Z]\d)\]", spoken(everything))) == sorted(codes)
    assert len(codes) == 33
    wiring = opened("claims", question="wiring")
    assert set(re.findall(r":gray-badge\[([A-Z]\d)\]", spoken(wiring))) == {"W1", "W2", "W3", "W4", "W5"}
    assert "5 of 33" in spoken(wiring)
    for verdict in ("shown", "contradicted"):
        n = ask(results_file, "SELECT count(DISTINCT claim) FROM claims WHERE verdict = ?", verdict)[0][0]
        assert f"{n} of 33" in spoken(opened("claims", verdict=verdict))


def test_a_card_tells_of_every_study_that_tests_its_claim(opened, results_file):
    studies = [row[0] for row in ask(results_file, "SELECT study FROM claims WHERE claim = 'G1' ORDER BY 1")]
    assert len(studies) > 1
    captions = [caption.value for caption in opened("claims", question="generalization").caption]
    assert all(captions.count(study) >= 1 for study in studies)


@both
def test_a_card_tells_what_its_rule_does_not_look_at(opened, results_file, language):
    """The factor of B2 at every stored target, and N4 with each network at its own rate."""
    (details,) = [json.loads(row[0]) for row in ask(results_file, "SELECT details FROM claim_parts WHERE claim = 'B2'")]
    ends = [details["by_target"][details[side]] for side in ("changed", "baseline")]
    expected = [ends[0][at] / end for at, end in ends[1].items() if end and ends[0].get(at)]
    told = [caption.value for caption in opened("claims", question="batch_size", lang=language).caption]
    (card,) = [each for each in told if "×" in each]
    assert [float(factor) for factor in re.findall(r"×(\d+(?:\.\d+)?)", card)] == pytest.approx(expected, rel=0.02)
    own = [
        json.loads(row[0])["at_own_rates"]
        for row in ask(results_file, "SELECT details FROM claim_parts WHERE claim = 'N4' ORDER BY study")
    ]
    told = [caption.value for caption in opened("claims", question="batch_norm", lang=language).caption]
    words = {"en": "each network at its own learning rate", "ko": "저마다의 학습률"}[language]
    said = " ".join(each for each in told if words in each)
    assert own and all(claim_parts.format.quantity(value, None, None, "ratio") in said for value in own)


@both
def test_the_card_on_weight_decay_says_at_how_many_widths_the_best_is_the_largest(opened, results_file, language):
    [(edge, widths, largest)] = ask(
        results_file,
        """
        SELECT count(*) FILTER (decay = tried), count(*), any_value(tried) FROM (
            SELECT CAST(changed->>'weight_decay' AS DOUBLE) AS decay,
                   (SELECT max(CAST(settings->>'weight_decay' AS DOUBLE)) FROM maps WHERE study = 'double_descent/regularization') AS tried
            FROM contrasts WHERE quantity = 'final_test_error_with_the_best_decay')
        """,
    )
    assert 0 < edge
    told = text.of(language, "claims.edge_of_decays", edge=edge, all=widths, largest=f"{largest:g}")
    assert [each.value for each in opened("claims", question="generalization", lang=language).caption].count(told) == 1


@both
def test_how_far_the_intervals_and_the_rules_of_double_descent_reach_is_said(opened, language):
    told = spoken(opened("claims", question="generalization", lang=language))
    words = {
        "en": ("somewhat too narrow", "at most 10% here", "rest on 3 seeds only"),
        "ko": ("조금 좁습니다", "평균 훈련 오차 10%", "시드가 3개뿐"),
    }
    assert [word for word in words[language] if word not in told] == []


def test_a_bootstrap_of_five_seeds_is_told_without_a_warning():
    part = {"details": {"interval": "bootstrap"}, "n": 5}
    assert claim_parts.kinds_of_interval([part]) == [text.of("en", "claims.interval.bootstrap")]
    warned = claim_parts.kinds_of_interval([part, part | {"n": 4}])
    assert len(warned) == 1 and warned[0].endswith(text.of("en", "claims.few_resampled", n=4))


@both
def test_the_badge_before_a_study_is_its_verdict_in_the_database(opened, results_file, language):
    rows = ask(results_file, "SELECT claim, study, verdict::VARCHAR FROM claims")
    assert len({verdict for *_, verdict in rows}) == len(LOOKS)
    badges = verdicts_on_cards(opened("claims", lang=language), {study for _, study, _ in rows if study})
    assert badges == {
        (claim, study): (*LOOKS[verdict], text.of(language, f"site.verdict.{verdict}"))
        for claim, study, verdict in rows
    }


@both
def test_the_verdicts_are_counted_as_on_the_home_page(opened, results_file, language):
    counts = dict(ask(results_file, "SELECT verdict::VARCHAR, count(DISTINCT claim) FROM claims GROUP BY 1"))
    words = {verdict: text.of(language, f"site.verdict.{verdict}") for verdict in counts}
    claims, home = (told_in_order(opened(page, lang=language)) for page in ("claims", "home"))
    badges = [found.groups() for told in claims if (found := BADGE.fullmatch(told))]
    line = [badge for badge in badges if badge[2][0].isdigit()]
    assert sorted(line) == sorted((*LOOKS[verdict], f"{n} {words[verdict]}") for verdict, n in counts.items())
    pairs = [
        (number[1], *badge.groups())
        for told, after in itertools.pairwise(home)
        if (number := re.fullmatch(r"\*\*(\d+)\*\*", told)) and (badge := BADGE.fullmatch(after))
    ]
    assert sorted(pairs) == sorted((str(n), *LOOKS[verdict], words[verdict]) for verdict, n in counts.items())


def test_the_forests_hold_every_part_with_the_numbers_of_the_database(opened, results_file):
    drawn = {row["name"]: row for row in forest_rows(opened("claims"))}
    parts = ask(results_file, "SELECT claim, study, part, unit, estimate, low, high, holds, n FROM claim_parts")
    valued = {unit for _, _, _, unit, estimate, *_ in parts if estimate is not None}
    assert len(drawn) == sum(unit in valued for _, _, _, unit, *_ in parts)
    for claim, study, part, unit, estimate, low, high, holds, n in parts:
        if unit not in valued:
            continue
        row = drawn[f"{claim} {study} {part}"]
        for name, value in (("estimate", estimate), ("low", low), ("high", high)):
            assert row[name] == (None if value is None else pytest.approx(value, rel=1e-5, abs=1e-5))
        assert row["state"] == text.of("en", f"claims.forest.{'holds' if holds else 'fails'}")
        assert estimate is None or f"n = {n}" in row["label"]
        assert row["own_estimate"] is None


def test_an_estimate_that_holds_is_drawn_on_the_ground_that_its_rule_needs(opened):
    rows = [row for row in forest_rows(opened("claims")) if row["state"] == "part holds" and not row["outside"]]
    inside = [row for row in rows if "G3" not in row["name"]]
    assert len(inside) > 5  # else this test sees nothing
    for row in inside:
        assert row["from"] - 1e-4 <= row["estimate"] <= row["to"] + 1e-4


@both
def test_a_chart_for_each_unit_with_words_in_the_readers_language(opened, results_file, language):
    app = opened("claims", lang=language, axis="stretched")
    units = [row[0] for row in ask(results_file, "SELECT DISTINCT unit FROM claim_parts WHERE estimate IS NOT NULL")]
    found = [element.proto for element in app.get("vega_lite_chart")]
    assert len(found) == len(units)
    for chart in found:
        assert len(chart.alt) > 40 and bool(HANGUL.search(chart.alt)) == (language == "ko")
    kinds = [
        layer["encoding"]["x"]["scale"]["type"]
        for c in found
        for layer in json.loads(c.spec)["layer"]
        if "scale" in layer["encoding"]["x"]
    ]
    assert "symlog" in kinds and "log" in kinds


@both
def test_every_code_of_the_measured_parts_has_its_words(results_file, language):
    codes = {
        "quantity": "SELECT DISTINCT quantity FROM claim_parts",
        "bound": "SELECT DISTINCT bound FROM claim_parts",
        "unit": "SELECT DISTINCT unit FROM claim_parts",
        "why": "SELECT DISTINCT details->>'why' FROM claim_parts WHERE details->>'why' IS NOT NULL",
        "interval": "SELECT DISTINCT details->>'interval' FROM claim_parts WHERE details->>'interval' IS NOT NULL",
    }
    words = text.section_texts(language, "claims")
    assert [
        (kind, code)
        for kind, sql in codes.items()
        for (code,) in ask(results_file, sql)
        if f"{kind}.{code}" not in words
    ] == []


def test_no_bound_in_doublings_or_ratios_is_said_in_points(opened, results_file):
    table = next(frame.value for frame in opened("claims").dataframe if "Unit" in frame.value)
    other = table[~table["Unit"].str.startswith("percentage points")]
    assert len(other) and not other["Needed"].str.contains("point").any()


def test_what_is_undecided_says_why(opened, results_file):
    told = spoken(opened("claims"))
    (unbaked,) = ask(results_file, "SELECT count(*) FROM claims WHERE question NOT IN (SELECT question FROM studies)")[
        0
    ]
    assert ("no run of this question is baked yet" in told) == bool(unbaked)
    missing = ask(results_file, "SELECT count(*) FROM claim_parts WHERE estimate IS NULL")[0][0]
    assert missing and "a quantity that the rule needs does not exist" in told
    failed = ask(results_file, "SELECT count(*) FROM claim_parts WHERE details->>'failed_to_train' IS NOT NULL")[0][0]
    assert failed and "Runs that failed to train" in told


@both
def test_a_part_that_waits_says_for_what_and_not_that_seeds_are_few(
    opened, results_file, tmp_path, monkeypatch, language
):
    path, why = tmp_path / "results.duckdb", text.section_texts(language, "claims")["why.planned_runs_missing"]
    shutil.copy(results_file, path)
    few = opened("claims", lang=language, question="wiring").main
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE claims SET verdict = 'not shown' WHERE claim = 'W1'")
        connection.execute(
            """UPDATE claim_parts SET estimate = 0, low = NULL, high = NULL, holds = false,
            details = json_merge_patch(details, '{"why": "planned_runs_missing"}') WHERE claim = 'W1'"""
        )
    monkeypatch.setenv("WHY_RESULTS", str(path))
    told = [each.value for each in opened("claims", lang=language, question="wiring").main if each.type == "caption"]
    assert not any(why in each.value for each in few if each.type == "caption")
    waiting = [each for each in told if why in each]
    assert waiting and all(
        text.section_texts(language, "claims")["undecided.few_seeds"] not in each for each in waiting
    )


def test_every_card_leads_to_its_picture(opened):
    app = opened("claims", question="generalization")
    links = [element.proto for element in app.main.get("page_link")]
    assert {link.page for link in links} == {"generalization"}
    assert any("study=random_features" in link.query_string for link in links)
    assert {link.page for link in [e.proto for e in opened("claims", question="depth").main.get("page_link")]} == {
        "depth"
    }


def test_a_study_that_its_page_offers_is_opened_at_it(opened, results_file):
    for question in ("depth", "batch_size", "activation", "wiring"):
        asked = [e.proto.query_string for e in opened("claims", question=question).main.get("page_link")]
        for (study,) in ask(
            results_file, "SELECT DISTINCT study FROM claims WHERE question = ? AND study IS NOT NULL", question
        ):
            if study not in ("batch_size/equal_epochs",):  # a section of the page, whatever the study that is open
                assert any(f"study={study.partition('/')[2]}" in each for each in asked), study


@pytest.mark.parametrize("asked", [{}, {"question": "depth"}, {"question": "depth", "verdict": "contradicted"}])
def test_the_statement_gives_the_parts_of_the_claims_shown(opened, results_file, asked):
    app = opened("claims", **asked)
    (statement,) = [each.value for each in app.code if "FROM claims" in each.value]
    found = {row[0] for row in ask(results_file, statement)}
    assert found == set(re.findall(r":gray-badge\[([A-Z]\d)\]", spoken(app)))


def test_runs_that_failed_are_said_to_be_in_the_value_where_they_are(opened, results_file):
    """W1 is the share of failures itself; W3 and W4 are of the runs that train."""
    parts = ask(results_file, "SELECT claim, details FROM claim_parts WHERE study = 'wiring/cifar10_small'")
    failed = {claim: json.loads(details) for claim, details in parts}
    assert failed["W1"]["runs_failed"] and failed["W3"]["failed_to_train"]
    told = spoken(opened("claims", question="wiring"))
    assert (
        f"counted in the value: {', '.join(f'{name}: {n}' for name, n in failed['W1']['runs_failed'].items())}" in told
    )
    assert f"counted and not averaged in: {failed['W3']['failed_to_train']}" in told


@both
def test_ones_own_numbers_stand_beside_the_published_ones(opened, own, results_file, language):
    app = opened("claims", lang=language)
    assert not app.exception
    for row in forest_rows(app):
        if row["estimate"] is not None:
            assert row["own_estimate"] == pytest.approx(row["estimate"] + 1, rel=1e-4, abs=1e-4)
    published = ask(results_file, "SELECT estimate FROM claim_parts WHERE estimate IS NOT NULL")
    column = text.of(language, "claims.column.difference")
    table = next(frame.value for frame in app.dataframe if column in frame.value)
    there = [value for value in table[column] if value is not None and not math.isnan(value)]
    assert len(there) == len(published) and there == pytest.approx([1.0] * len(there))
    assert f"{text.of(language, 'claims.own')}: {text.of(language, 'site.verdict.shown')}" in spoken(app)


def test_a_claim_that_only_ones_own_results_test_is_shown_as_that(opened, own, results_file, monkeypatch, tmp_path):

    bare = tmp_path / "bare.duckdb"
    shutil.copy(results_file, bare)
    with duckdb.connect(str(bare)) as connection:
        connection.execute("DELETE FROM claim_parts; UPDATE claims SET study = NULL, verdict = 'not tested here'")
    monkeypatch.setenv("WHY_RESULTS", f"{bare}{os.pathsep}{own}")
    app = opened("claims")
    assert not app.exception
    assert "in your own results only" in spoken(app)
    rows = forest_rows(app)
    assert rows and all(row["estimate"] is None for row in rows)
    assert any(row["own_estimate"] is not None for row in rows)


def test_a_code_that_is_newer_than_the_texts_stands_for_itself(opened, results_file, tmp_path, monkeypatch):

    path = tmp_path / "newer.duckdb"
    shutil.copy(results_file, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "UPDATE claim_parts SET quantity = 'something_new', bound = 'as good as it gets', unit = 'furlongs' WHERE claim = 'G2'"
        )
    monkeypatch.setenv("WHY_RESULTS", str(path))
    app = opened("claims", question="generalization")
    assert not app.exception
    assert "something new" in spoken(app) and "as good as it gets" in spoken(app)
    assert any("furlongs" in element.proto.alt for element in app.get("vega_lite_chart"))


def test_ones_own_parts_are_matched_by_their_budget_and_not_by_their_number(
    opened, own, results_file, tmp_path, monkeypatch
):
    """One's own file has two parts of B4: the later number of epochs, as its first, and one that is not published, as its second."""
    published = tmp_path / "published.duckdb"
    shutil.copy(results_file, published)
    columns = "claim, study, part, quantity, estimate, low, high, n, unit, bound, holds, details"
    budgets = [(1, 5, 1.0), (2, 20, 2.0)], [(1, 20, 12.0), (2, 80, 14.0)]
    for path, parts in zip((published, own), budgets, strict=True):
        with duckdb.connect(str(path)) as connection:
            connection.execute("DELETE FROM claim_parts WHERE claim = 'B4'")
            for number, epochs, estimate in parts:
                connection.execute(
                    f"""INSERT INTO claim_parts ({columns}) VALUES ('B4', 'batch_size/equal_epochs', ?,
                    'test_error_of_the_largest_minus_the_smallest_at_equal_epochs', ?, NULL, NULL, 5, 'points', '> 0', true, ?)""",
                    [number, estimate, json.dumps({"epochs": epochs})],
                )
    monkeypatch.setenv("WHY_RESULTS", f"{published}{os.pathsep}{own}")
    app = opened("claims", question="batch_size")
    assert not app.exception
    drawn = [row for row in forest_rows(app) if row["name"].startswith("B4 ")]
    assert sorted((row["estimate"], row["own_estimate"]) for row in drawn if row["estimate"]) == [
        (1.0, None),
        (2.0, 12.0),
    ]
    assert [row["own_estimate"] for row in drawn if row["estimate"] is None] == [14.0]
    assert len({row["name"] for row in drawn}) == 3
    (told,) = [each.value for each in app.markdown if "20 epochs each" in each.value]
    lines = {line.split(" epochs")[0].split()[-1]: line for line in told.splitlines()}
    assert "+10" in lines["20"] and "+12.0" in lines["20"] and "own" not in lines["5"]
    assert "in your own results only" in lines["80"]


def test_the_statement_gives_the_published_claims_that_only_ones_own_verdict_chose(opened, own, results_file):
    verdicts = "SELECT study, verdict::VARCHAR FROM claims WHERE claim = 'W4'"
    assert ask(results_file, verdicts) == [("wiring/cifar10_small", "not shown")]
    with duckdb.connect(str(own)) as connection:
        connection.execute("UPDATE claims SET verdict = 'contradicted' WHERE claim = 'W4'")
    for query in ({}, {"question": "wiring"}):
        app = opened("claims", verdict="contradicted", **query)
        (statement,) = [each.value for each in app.code if "FROM claims" in each.value]
        found = {row[0] for row in ask(results_file, statement)}
        assert "W4" in found and found == set(re.findall(r":gray-badge\[([A-Z]\d)\]", spoken(app)))
