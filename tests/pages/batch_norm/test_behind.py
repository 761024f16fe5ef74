"""The probes, the drift, the forests and the rival explanations."""

import re

import pytest

from explorer import format, text
from explorer.batch_norm import rivals
from explorer.results import batch_norm as results
from explorer.results.batch_norm import Study
from tests import planted_norms
from tests.pages.batch_norm.conftest import VIEWS
from tests.pages.reading import ask, charts, said
from tests.planted_norms import LINEAR, SMALL

HANGUL = re.compile("[가-힣]")
both = pytest.mark.parametrize("language", ["en", "ko"])


@both
def test_every_section_has_a_picture_with_a_text_in_the_readers_language(seen, language):
    for query in VIEWS:
        drawn = charts(seen(lang=language, **query))
        assert len(drawn) >= 13
        for _, _, alt in drawn:
            assert len(alt) > 40 and bool(HANGUL.search(alt)) == (language == "ko")


@pytest.mark.parametrize("column", ["smoothness", "change_high"])
def test_probe_pictures_have_the_probes_of_both_networks_at_one_rate(seen, database, column):
    place = {"change_high": 2, "smoothness": 3}[column]
    _, tables, _ = charts(seen())[place]
    [(rate,)] = ask(
        database, "SELECT details->'rate'->>'none' FROM claim_parts WHERE claim = 'N4' AND study = ?", SMALL
    )
    expected = ask(
        database,
        f"SELECT {column} FROM probes JOIN runs USING (run) JOIN configurations USING (configuration) WHERE runs.study = ?"
        " AND settings->>'norm' IN ('none', 'batch') AND CAST(settings->>'lr' AS DOUBLE) = ?",
        SMALL, float(rate),
    )  # fmt: skip
    drawn = sorted(row["value"] for row in tables["rows"].to_pylist())
    assert drawn == pytest.approx(sorted(value for (value,) in expected), rel=1e-5) and len(drawn) == 2 * 3 * 12


def test_the_range_is_of_one_probe_and_not_of_several_runs(seen):
    _, tables, _ = charts(seen())[1]
    rows = tables["rows"].to_pylist()
    assert len({(row["norm"], row["seed"], row["x"]) for row in rows}) == len(rows) == 72
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)


def test_the_pairs_that_are_lower_are_counted_from_the_probes(seen, database):
    text = said(seen())
    [(lower, n)] = ask(
        database,
        """
        WITH p AS (
            SELECT settings->>'norm' AS norm, seed, step, smoothness FROM probes JOIN runs USING (run) JOIN configurations USING (configuration)
            WHERE runs.study = ? AND CAST(settings->>'lr' AS DOUBLE) = 0.125 AND step <= steps / 4
        )
        SELECT count(*) FILTER (b.smoothness < n.smoothness), count(*)
        FROM p n JOIN p b USING (seed, step) WHERE n.norm = 'none' AND b.norm = 'batch'
        """,
        SMALL,
    )
    assert f"{lower} of {n} pairs" in text and n == 27


def test_at_own_rates_other_runs_are_shown(seen, database):
    _, tables, _ = charts(seen(probes="own"))[3]
    rates = {row["name"]: row["rate"] for row in tables["rows"].to_pylist()}
    own = results.own_rates(Study(SMALL))
    assert rates == {"no norm": "1/8", "batch norm": f"1/{round(1 / own['batch'])}"} and own["batch"] != 0.125
    assert "The same with each network at its own learning rate" in said(seen())


def test_covariate_shift_is_shown_layer_by_layer_at_the_step_of_the_address(seen, database):
    for query, step in (({}, None), ({"at": "1"}, 1)):
        app = seen(**query)
        at = step or max(
            s for (s,) in ask(database, "SELECT DISTINCT step FROM shifts JOIN runs USING (run) WHERE study = ? AND step <= steps / 4", SMALL)
        )  # fmt: skip
        cosine = charts(app)[4][1]["rows"].to_pylist()
        assert {row["layer"] for row in cosine} == set(range(2, 10)) and len(cosine) == 2 * 3 * 8
        expected = ask(
            database,
            "SELECT cosine FROM shifts JOIN runs USING (run) JOIN configurations USING (configuration) WHERE runs.study = ? AND step = ?"
            " AND CAST(settings->>'lr' AS DOUBLE) = 0.125 AND settings->>'norm' IN ('none', 'batch')",
            SMALL, at,
        )  # fmt: skip
        assert sorted(row["value"] for row in cosine) == pytest.approx(sorted(v for (v,) in expected), rel=1e-5)
        assert f"before step {at:,}" in said(app)


def test_the_argument_is_in_one_picture(seen):
    """Noise behind batch normalization lies to the right of the network without a norm, and below it."""
    rows = charts(seen())[6][1]["rows"].to_pylist()
    ends = lambda name, column: [row[column] for row in rows if row["name"] == name]
    assert min(ends("noisy batch norm", "drift")) > max(ends("no norm", "drift"))
    assert max(ends("noisy batch norm", "error")) < min(ends("no norm", "error"))
    assert {len(ends(name, "drift")) for name in ("no norm", "batch norm", "noisy batch norm")} == {3}


def test_probes_of_a_run_that_diverged_are_crosses_and_counted(opened, planting):
    """At every rate of its own the network without a norm diverges."""
    story = planted_norms.AS_IN_THE_PAPERS
    story = planted_norms.dataclasses.replace(
        story, rates=story.rates | {"none": planted_norms.Rates(0.4, -3, 1, 0.02, lost=-20)}
    )
    planting(story)
    app = opened("batch_norm")
    assert not app.exception
    assert app.title[0].value == "Why does batch normalization help?"
    values = [row["value"] for row in charts(app)[3][1]["rows"].to_pylist()]
    assert None in values
    lost = re.search(r"✕: (\d+) of (\d+) probes", said(app))
    assert int(lost[1]) == values.count(None) and int(lost[2]) == len(values)
    assert "no run of it came to the end: no norm" in said(app)


def test_the_forests_have_the_contrasts_of_the_database(seen, database):
    drawn = [tables["contrasts"].to_pylist() for _, tables, _ in charts(seen()) if "contrasts" in tables]
    assert len(drawn) == 3
    found = ask(database, "SELECT estimate FROM contrasts WHERE study = ? AND quantity NOT LIKE 'final_train%'", SMALL)
    told = sorted(row["estimate"] for rows in drawn for row in rows)
    assert told == pytest.approx(sorted(estimate for (estimate,) in found), abs=1e-4) and len(told) > 20
    assert all("n = 3" in row["label"] for rows in drawn for row in rows)


@both
def test_the_rivals_stand_in_one_table_with_the_numbers_of_the_database(seen, database, language):
    app = seen(lang=language)
    table = next(each.value for each in app.table if len(each.value) == 5)
    cells = table.astype(str).agg(" ".join, axis=1).tolist()
    for claim, row in (("N4", 0), ("N3", 3)):
        for study in (SMALL, LINEAR):
            [(estimate,)] = ask(
                database, "SELECT estimate FROM claim_parts WHERE claim = ? AND study = ? AND part = 1", claim, study
            )
            said = re.findall(r"\d+(?:\.\d+)?", cells[row])
            written = format.two_digits(estimate) if claim == "N4" else f"{abs(estimate):.2g}"
            assert written in said, (claim, study)
    [(same,), *_] = ask(
        database,
        "SELECT estimate FROM contrasts WHERE study = ? AND quantity = 'final_test_error_none_minus_batch_norm_at_one_rate'"
        " ORDER BY CAST(changed->>'lr' AS DOUBLE)",
        SMALL,
    )
    assert f"{same:.1f}" in cells[1] and "1/512" in cells[1]
    assert all(bool(HANGUL.search(cell)) == (language == "ko") for cell in cells)


def test_a_rival_that_was_not_measured_says_so(planting):
    planting(studies=[LINEAR])
    rows = {row["name"]: row["measured"] for row in rivals.told(results.studies())}
    assert rows["Length and direction"] == rows["Bias to the identity"] == "Not measured yet."
    assert "Deep linear" in rows["Smoothing"]


def test_without_any_train_error_of_the_three_norms_their_drift_is_drawn_alone(changed, opened):
    changed(
        f"""UPDATE curves SET train_correct = NULL WHERE run IN (SELECT run FROM runs r JOIN configurations c USING (configuration)
        WHERE r.study = '{SMALL}' AND c.settings->>'norm' IN ('none', 'batch', 'noisy_batch'))"""
    )
    app = opened("batch_norm")
    assert not app.exception
    told = [each.value for each in app.markdown]
    assert any(
        each.startswith("**" + text.section_texts("en", "batch_norm")["drift.layers"].partition("{")[0])
        for each in told
    )
    assert not any(text.of("en", "batch_norm.drift.training") in each for each in told)
