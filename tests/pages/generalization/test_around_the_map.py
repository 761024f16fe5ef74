"""Guided steps, the guess, the forest, published marks, cards, and parts of the grid."""

import json
import re

import pyarrow.compute as pc
import pytest

from explorer import format, text
from tests.pages.generalization.conftest import (
    both,
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


@pytest.mark.parametrize(
    "language, gone, none",
    [
        ("en", "**The peak is gone.**", "no clear peak to remove"),
        ("ko", "**봉우리가 사라집니다.**", "뚜렷한 봉우리가 없었습니다"),
    ],
)
@pytest.mark.parametrize("clear", [True, False])
def test_stopping_in_time_removes_a_peak_only_where_there_is_one(
    opened, database, changed, clear, language, gone, none
):
    of_the_map = "map = (SELECT map FROM maps WHERE study = 'double_descent/mnist_mlp' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2)"
    changed(
        "UPDATE claims SET verdict = 'shown' WHERE claim = 'G7'; UPDATE claims SET verdict = 'not shown' WHERE claim = 'G1'",
        f"UPDATE landmarks SET position = 8, clear = {clear} WHERE kind = 'ridge_across' AND {of_the_map}",
    )
    app = opened("generalization", guess="skip", lang=language)
    told = "\n".join(each.value for each in app.markdown)
    assert (gone in told, none in told) == (clear, not clear)


def test_the_forest_plot_holds_the_table_of_contrasts_largest_first(once, database):
    app = once("generalization")
    rows = next(tables["contrasts"] for _, tables, _ in charts(app) if "contrasts" in tables)
    expected = ask(
        database, "SELECT estimate FROM contrasts WHERE study = 'double_descent/mnist_mlp' ORDER BY abs(estimate) DESC"
    )
    assert rows["estimate"].to_pylist() == pytest.approx([estimate for (estimate,) in expected], abs=1e-4)


def test_the_forest_says_that_its_places_were_chosen_on_the_same_seeds(once, database):
    assert any("chosen on the same seeds" in each.value for each in once("generalization").caption)


@pytest.mark.parametrize(
    "language, told",
    [("en", "the rise is below a point or its interval includes zero"), ("ko", "1%p보다 작거나 그 구간이 0을 포함")],
)
def test_clean_labels_say_what_the_rule_establishes_and_no_more(opened, database, changed, language, told):
    changed("UPDATE claims SET verdict = 'shown' WHERE claim = 'G3'")
    assert any(told in each.value for each in opened("generalization", lang=language).caption)


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
    assert any("20%" not in box.value and format.literal("0.2") in box.value for box in app.info)
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


def test_a_cell_that_lost_a_run_is_marked_counted_and_in_the_table(opened, database, changed):
    here = "configuration = (SELECT configuration FROM configurations WHERE study = 'double_descent/mnist_mlp' AND x = 64 AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2)"
    changed(
        f"UPDATE runs SET status = 'diverged', stop_step = 7 WHERE seed = 1 AND {here}",
        f"UPDATE intervals SET n = 2, low = NULL, high = NULL WHERE {here}",
    )
    app = opened("generalization")
    _, tables, alt = linked_map(app)
    place = tables["cells"].filter(pc.equal(tables["cells"]["width"], 64))["w"][0].as_py()
    assert tables["signs"].to_pylist() == [{"w": place, "e": 0, "sign": "×"}]
    told = "runs that diverged (1, at width 64)"
    assert told in alt
    assert sum(told in caption.value for caption in app.caption) == 2  # under the map and under its panel
    assert [each[1]["signs"].num_rows for each in panels(app) if "signs" in each[1]] == [1]
    frames = [frame.value for frame in app.dataframe if {"diverged", "state", "width"} <= set(frame.value.columns)]
    assert len(frames) == 2
    for frame in frames:
        found = frame[(frame["width"] == 64) & (frame.get("noise", 0.2) == 0.2)]
        assert set(zip(found["state"], found["seeds"], found["diverged"], strict=True)) == {("value", 2, 1)}


@pytest.mark.parametrize("least, title", [(0.0, "Without noise."), (0.1, "With less noise.")])
def test_the_last_step_says_without_noise_only_where_there_is_none(opened, database, changed, least, title):
    changed(
        f"UPDATE maps SET settings = json_merge_patch(settings, '{{\"label_noise\": {least}}}') WHERE study = 'double_descent/mnist_mlp'"
        " AND CAST(settings->>'label_noise' AS DOUBLE) = 0"
    )
    app = opened("generalization")
    assert any(title in block.value and f"{least:.0%} of the labels wrong" in block.value for block in app.markdown)
    app.button(key="generalization.step.3").click().run()
    assert not app.exception
    assert float(app.query_params["noise"]) == least


def ordinate(spec: dict) -> list[float] | None:
    """The ends of the first ordinate in a picture."""
    domain = spec.get("encoding", {}).get("y", {}).get("scale", {}).get("domain")
    found = (ordinate(part) for key in ("layer", "vconcat") for part in spec.get(key, []))
    return domain or next((each for each in found if each), None)


@both
def test_every_picture_that_ends_below_a_value_says_so(opened, database):
    app = opened("generalization", guess="skip")
    captions, pictures = " ".join(caption.value for caption in app.caption), charts(app)
    tables_of_curves = [(spec, tables["rows"]) for spec, tables, _ in pictures if "rows" in tables]
    curves = [(spec, rows) for spec, rows in tables_of_curves if "ratio" not in rows.column_names]
    assert len(curves) == 4  # stopped early, more data, weight decay, ours beside the published
    for spec, rows in curves:
        end, means = ordinate(spec)[1], rows["mean"].to_pylist()
        above = [mean for mean in means if mean > end + 1e-6]
        told = f"ends at {end:.0%}: {len(above)} of {len(means)} means lie above it, the highest at {max(means):.1%}"
        assert (told in captions) is bool(above)
    spec, tables, _ = linked_map(app)
    for part in spec["vconcat"][1:]:
        end, cells = ordinate(part)[1], tables["cells"]
        highest = max(pc.max(cells[name]).as_py() for name in cells.column_names if re.fullmatch("[ab][lh0-9]?", name))
        beyond = highest > end + 1e-6
        assert (
            f"Values above {end:.0%}" in str(part["title"]["subtitle"])
            if beyond
            else len(part["title"]["subtitle"]) == 1
        )


def test_a_label_noise_keeps_its_colour_shape_and_dash_when_another_is_gone(opened, database, changed):
    def looks(app) -> dict[str, tuple]:
        """How the picture of our own curves draws each label noise."""
        spec = next(
            s
            for s, tables, _ in charts(app)
            if "rows" in tables and "wrong labels" in tables["rows"]["series"][0].as_py()
        )
        line, point = (layer["encoding"] for layer in spec["layer"][-2:])
        scales = point["color"]["scale"], point["shape"]["scale"], line["strokeDash"]["scale"]
        parts = zip(*(scale["range"] for scale in scales), strict=True)
        return {word: json.dumps(part) for word, part in zip(scales[0]["domain"], parts, strict=True)}

    both = looks(opened("generalization"))
    assert len(both) == len(set(both.values())) == 2
    gone = "(SELECT map FROM maps WHERE study = 'double_descent/mnist_mlp' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2)"
    changed(f"DELETE FROM runs WHERE configuration IN (SELECT configuration FROM configurations WHERE map = {gone})")
    one = looks(opened("generalization"))
    assert len(one) == 1
    assert one.items() <= both.items()
