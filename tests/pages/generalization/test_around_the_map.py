"""Guided steps, the guess, the forest, published marks, cards, and parts of the grid."""

import json

import pytest

from explorer import text
from tests.pages.generalization.conftest import (
    linked_map,
    panels,
)
from tests.pages.reading import LOOKS, ask, charts, verdicts_on_cards


def test_a_guided_step_writes_its_view_into_the_address(opened):
    app = opened("generalization")
    app.button(key="generalization.step.2").click().run()
    assert not app.exception
    assert app.query_params["reading"] == "up"
    assert int(app.query_params["width"]) > 0
    app.button(key="generalization.step.1").click().run()
    assert "reading" not in app.query_params
    assert "width" not in app.query_params


def test_the_answer_about_early_stopping_waits_for_a_guess_or_a_skip(opened):
    def curves(app):
        return next(
            set(tables["rows"]["series"].to_pylist())
            for _, tables, alt in charts(app)
            if "early" in str(alt) or "rows" in tables
        )

    app = opened("generalization")
    assert len(curves(app)) == 1
    app.button(key="generalization.guess.gone").click().run()
    assert len(curves(app)) == 2
    assert app.query_params["guess"] == "gone"
    assert any("You guessed" in each.value for each in app.markdown)
    app.button(key="generalization.guess.again").click().run()
    assert len(curves(app)) == 1
    app.button(key="generalization.guess.skip").click().run()
    assert len(curves(app)) == 2


def test_the_forest_plot_holds_the_table_of_contrasts_largest_first(once, database):
    app = once("generalization")
    rows = next(tables["contrasts"] for _, tables, _ in charts(app) if "contrasts" in tables)
    expected = ask(
        database, "SELECT estimate FROM contrasts WHERE study = 'double_descent/mnist_mlp' ORDER BY abs(estimate) DESC"
    )
    assert rows["estimate"].to_pylist() == pytest.approx([estimate for (estimate,) in expected], abs=1e-4)


def test_published_marks_are_hollow_and_no_line_joins_them(once, database):
    drawn = [spec for spec, _, alt in charts(once("generalization")) if "published" in alt.lower()]
    assert len(drawn) == 3
    for spec in drawn:
        assert spec["mark"]["type"] == "point"
        assert spec["mark"]["filled"] is False


def test_every_claim_of_the_question_has_its_card_with_its_verdict(once, database):
    rows = ask(database, "SELECT claim, study, verdict::VARCHAR FROM claims WHERE question = 'generalization'")
    badges = verdicts_on_cards(once("generalization"), {study for _, study, _ in rows if study})
    assert rows and badges == {
        (claim, study): (*LOOKS[verdict], text.of("en", f"site.verdict.{verdict}")) for claim, study, verdict in rows
    }


def test_with_fewer_than_three_seeds_there_are_lines_and_no_band(opened, changed):
    changed(
        "DELETE FROM curves WHERE run IN (SELECT run FROM runs WHERE seed >= 2); DELETE FROM runs WHERE seed >= 2",
        "UPDATE intervals SET n = 2, low = NULL, high = NULL; UPDATE landmarks SET n = 2, clear = clear AND kind = 'threshold'",
        "UPDATE contrasts SET n = 2, low = NULL, high = NULL",
    )
    app = opened("generalization")
    assert not app.exception
    spec, _, _ = linked_map(app)
    assert '"type": "area"' not in json.dumps(spec)
    assert "n = 2" in json.dumps(spec)


def test_a_noise_that_is_not_baked_yet_is_not_offered(opened, changed):
    gone = "(SELECT configuration FROM configurations WHERE study = 'double_descent/mnist_mlp' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2)"
    changed(
        f"DELETE FROM curves WHERE run IN (SELECT run FROM runs WHERE configuration IN {gone})",
        f"DELETE FROM intervals WHERE configuration IN {gone}; DELETE FROM runs WHERE configuration IN {gone}",
        "DELETE FROM contrasts",
    )
    app = opened("generalization", noise="0.2")
    assert not app.exception
    assert any("20%" not in box.value and "0.2" in box.value for box in app.info)
    assert len(panels(app)) == 1


def test_a_diverged_cell_is_drawn_and_counted(opened, changed):
    here = "(SELECT configuration FROM configurations WHERE study = 'double_descent/mnist_mlp' AND x = 64 AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2)"
    changed(
        f"UPDATE runs SET status = 'diverged', stop_step = 7 WHERE configuration IN {here}",
        f"DELETE FROM intervals WHERE configuration IN {here}",
    )
    app = opened("generalization", width="64", epoch="40")
    assert not app.exception
    _, tables, alt = linked_map(app)
    states = tables["cells"]["state"].to_pylist()
    assert states.count("diverged") > 0
    assert f"{states.count('diverged')} of {len(states)} cells have no value" in alt
    assert any("diverged" in block.value and "no value" in block.value for block in app.markdown)
