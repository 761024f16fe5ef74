"""The layers and the inputs of each function."""

import json

import pytest

from explorer import text
from tests.activation_runs import CNN, MLP
from tests.pages.activation.conftest import HERE, with_table
from tests.pages.reading import ask, spoken


@pytest.mark.parametrize("language", ["en", "ko"])
def test_gradients_are_said_to_be_over_a_part_of_the_training_images(seen, language):
    (told,) = [each.value for each in seen(lang=language).caption if "`layers`" in each.value]
    assert text.section_texts(language, "activation")["inside.not_to_conclude.gradient"] in told


def test_layer_maps_stand_on_one_scale_with_the_values_of_the_database(seen, database):
    maps = with_table(seen(), "layers")
    assert len(maps) == 4
    domains = {json.dumps(spec["layer"][0]["encoding"]["color"]["scale"]["domain"]) for spec, *_ in maps}
    assert len(domains) == 1
    drawn = {(row["epoch"], row["layer"]): row["value"] for row in maps[0][1]["layers"].to_pylist()}
    expected = ask(
        database,
        f"""SELECT l.epoch, l.layer, avg(log10(l.gradient_norm)) FROM layers l JOIN "{MLP}" v USING (run)
        WHERE {HERE} AND v.activation = 'sigmoid' GROUP BY ALL""",
    )
    assert drawn == pytest.approx({(epoch, layer): value for epoch, layer, value in expected}, abs=1e-4)


def test_dead_units_are_shown_when_the_address_asks_for_them(opened):
    app = opened("activation", inside="dead", depth="1")
    relu = next(c for c in with_table(app, "layers") if "ReLU" in c[2])[1]["layers"].to_pylist()
    assert max(row["value"] for row in relu) == pytest.approx(0.2, abs=1e-6) and {row["layer"] for row in relu} == {1}
    caption = next(each.value for each in app.caption if "Share of dead units" in each.value)
    assert "ReLU 20.0%" in caption and "tanh 0.0%" in caption
    assert len(with_table(app, "dots")[0][1]["dots"]) == 74 and "1 hidden layer," in spoken(app)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_headings_follow_the_verdicts_of_the_database(seen, database, language):
    verdicts = dict(ask(database, "SELECT claim, verdict::VARCHAR FROM claims WHERE question = 'activation'"))
    headings = {each.value.replace("\u2060", "") for each in seen(lang=language).subheader}
    for claim, key in (("A1", "inside.heading.A1"), ("A3", "norm_section.heading"), ("A4", "speed.heading")):
        words = text.section_texts(language, "activation")[f"{key}.{verdicts[claim]}"]
        assert any(heading.startswith(words.split("{")[0]) for heading in headings), (claim, verdicts[claim])
    assert verdicts["A1"] == verdicts["A3"] == "shown"


@pytest.mark.parametrize("query", [{"depth": "1"}, {"study": "cifar10_cnn_small"}])
def test_over_a_place_that_a_rule_is_not_about_stands_no_verdict_of_it(seen, query):
    """A1 and A6 are about fully connected networks of several layers."""
    headings = text.section_texts("en", "activation")
    shown = {each.value for each in seen().subheader}
    assert headings["inside.heading.A1.shown"] in shown
    app = seen(**query)
    there = {each.value for each in app.subheader}
    assert headings["inside.heading.A1.shown"] not in there
    assert headings["inside.heading.A1.not tested here"] in there


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    ("share", "difference", "key"),
    [
        ((0.0, 0.0, 0.0), (-3.6, -15, 8), "dead_share_of_relu"),
        ((0.2, 0.15, 0.25), (-3.6, -4, -3), "test_error_relu_minus_leaky_relu"),
    ],
)
def test_a_contradicted_claim_on_dead_units_says_which_of_its_parts_contradicts_it(
    opened, changed, language, share, difference, key
):
    def part(number, values):
        ends = ", ".join(f"{name} = {value}" for name, value in zip(("estimate", "low", "high"), values, strict=True))
        where = """details = json_merge_patch(details, '{"depth": 16, "start": "he"}')"""
        return f"UPDATE claim_parts SET {ends}, {where}, n = 5, holds = false WHERE claim = 'A6' AND part = {number}"

    changed("UPDATE claims SET verdict = 'contradicted' WHERE claim = 'A6'", part(1, share), part(2, difference))
    headings = text.section_texts(language, "activation")
    value = "0.0%" if key == "dead_share_of_relu" else text.of(language, "site.format.points", value="3.6")
    told = headings[f"inside.contradicted.{key}"].format(depth=16, start=headings["start.he"], value=value)
    app = opened("activation", lang=language, inside="dead")
    assert told in {each.value.replace("\u2060", "") for each in app.subheader} and len(told.split()) <= 10


@pytest.mark.parametrize("language", ["en", "ko"])
def test_saturated_outputs_stand_under_what_they_show_and_under_no_claim(opened, database, language):
    """The made-up outputs are all saturated alike, so that the first function is told."""
    headings = text.section_texts(language, "activation")
    app = opened("activation", lang=language, inside="saturated")
    [(share,)] = ask(
        database,
        f"""SELECT avg(l.saturated) FROM layers l JOIN "{MLP}" v USING (run) WHERE {HERE} AND v.activation = 'sigmoid' AND l.epoch = 10""",
    )
    told = headings["inside.heading.saturated"].format(name="sigmoid", share=f"{100 * share:.1f}%")
    shown = {each.value.replace("\u2060", "") for each in app.subheader}
    assert told in shown and not shown & {
        value for key, value in headings.items() if key.startswith("inside.heading.A")
    }
    assert not any(each.value.startswith(":gray-badge[A1]") and len(each.value) < 25 for each in app.markdown)


def test_what_is_lost_while_it_trains_is_counted_and_a_gradient_of_zero_is_written_so(opened, changed):
    """A run of tanh that diverges, and a sigmoid whose first layer gets nothing with one seed."""
    tanh = f"""SELECT run FROM "{CNN}" WHERE norm = 'none' AND activation = 'tanh' AND layer_measures AND seed = 3"""
    sigmoid = f"""SELECT run FROM "{MLP}" v WHERE {HERE} AND activation = 'sigmoid' AND layer_measures AND seed = 3"""
    path = changed(
        f"UPDATE runs SET status = 'diverged' WHERE run IN ({tanh})",
        f"UPDATE curves SET train_correct = NULL WHERE epoch > 5 AND run IN ({tanh})",
        f"UPDATE layers SET gradient_norm = 0 WHERE layer = 1 AND run IN ({sigmoid})",
    )
    app = opened("activation")
    ((_, tables, alt),) = with_table(app, "lost")
    [(first,)] = ask(path, f"SELECT min(epoch) FROM curves WHERE epoch > 5 AND run IN ({tanh})")
    assert tables["lost"].to_pylist() == [{"name": "tanh", "seed": 3, "epoch": first}]
    assert "Diverged runs: tanh 1." in alt and "with a cross at the top: 1." in spoken(app)
    assert "sigmoid 0, tanh 1.0" in spoken(app)


def lost_after_the_start(function: str, seeds: str) -> tuple[str, ...]:
    """Statements that let fresh runs of a function diverge in their first epoch."""
    runs = (
        f"""SELECT run FROM "{MLP}" v WHERE {HERE} AND activation = '{function}' AND layer_measures AND seed {seeds}"""
    )
    layers = "gradient_norm = NULL, preactivation_mean = NULL, preactivation_sd = NULL, dead = NULL, saturated = NULL"
    return (
        f"UPDATE runs SET status = 'diverged' WHERE run IN ({runs})",
        f"UPDATE curves SET train_correct = NULL, test_correct = NULL WHERE run IN ({runs})",
        f"UPDATE layers SET {layers} WHERE epoch > 0 AND run IN ({runs})",
    )


def test_what_diverged_has_no_share_at_the_last_epoch_and_crosses_in_its_map(opened, changed):
    """All runs of cos(x) − x are lost in the first epoch, and three of the five of ReLU."""
    changed(*lost_after_the_start("cosx_x", "> 0"), *lost_after_the_start("relu", "< 5"))
    app = opened("activation", inside="dead", beside="cosx_x", function="cosx_x")
    (told,) = [each.value for each in app.caption if "Share of dead units" in each.value]
    assert "ReLU 20.0% (2 of 5 seeds), cos(x) − x: diverged." in told and "tanh 0.0%," in told
    assert "Runs that diverged: ReLU (3 of 5), cos(x) − x (5 of 5). A cross stands" in told
    maps = {
        alt.split(",")[0].rpartition(" for ")[2]: (spec, tables, alt) for spec, tables, alt in with_table(app, "layers")
    }
    lost = {name: [row for row in tables["layers"].to_pylist() if row["lost"]] for name, (_, tables, _) in maps.items()}
    assert not lost["ReLU"] and not lost["tanh"]
    assert {row["layer"] for row in lost["cos(x) − x"]} == set(range(1, 9)) and len(lost["cos(x) − x"]) % 8 == 0
    assert all(row["value"] is None and row["epoch"] > 0 for row in lost["cos(x) − x"])
    crosses = [layer for layer in maps["cos(x) − x"][0]["layer"] if layer["mark"].get("text") == "×"]
    assert [layer["transform"][0]["filter"] for layer in crosses] == ["datum.lost"]
    assert "epochs 0 to 10" in maps["cos(x) − x"][2] and "Diverged runs: cos(x) − x (5 of 5)." in maps["cos(x) − x"][2]
    ((_, tables, alt),) = with_table(app, "inputs")
    assert set(tables["inputs"]["when"].to_pylist()) == {"at the start"} and "last epoch" not in alt
    assert any("Of cos(x) − x all 5 runs diverged" in each.value for each in app.caption)
