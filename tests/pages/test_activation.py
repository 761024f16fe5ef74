"""The page on activation functions: what it draws and says, compared with the database by statements of the tests' own.

The fixture holds one fresh seed of two functions, so a database of made-up runs stands beside it that is built like the real one and holds
what the page has to tell apart: a function that fails, runs that diverge, five seeds.
"""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from explorer import text
from tests.activation_runs import CNN, DEAD, MLP, baked, rows_of
from tests.pages.planted import of_planted
from tests.pages.reading import ask, charts, components, spoken

HANGUL = re.compile("[가-힣]")
FINAL = """
SELECT v.activation, v.seed, v.status::VARCHAR, v.lr, 1 - c.test_correct / r.n_test
FROM "{study}" v JOIN runs r USING (run) LEFT JOIN curves c ON c.run = v.run AND c.epoch = r.epochs
WHERE v.layer_measures AND {where} ORDER BY 1, 2
"""
HERE = "v.depth = 8 AND v.start = 'xavier'"


def some(spec) -> bool:
    """Enough of the grid: the depths of A2 and A5 with one start, and the functions that claims name."""
    if spec.study == MLP:
        return spec.start == "xavier" and spec.depth in (1, 8)
    return spec.study == DEAD or spec.activation in ("sigmoid", "tanh", "relu", "identity", "elu")


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Path:
    return baked(tmp_path_factory.mktemp("made_up"), rows_of([MLP, CNN, DEAD], some))


database, seen = of_planted("activation")


def with_table(app: AppTest, name: str) -> list[tuple[dict, dict[str, pa.Table], str]]:
    return [chart for chart in charts(app) if name in chart[1]]


def medians(database: Path, study: str = MLP, where: str = HERE) -> dict[str, float]:
    sql = f"SELECT activation, median(e) FROM ({FINAL.format(study=study, where=where)}) AS f(activation, seed, status, lr, e)"
    return dict(ask(database, sql + " WHERE status = 'complete' GROUP BY 1 ORDER BY 2"))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_title_says_how_many_functions_train_with_every_seed_and_how_close_they_are(seen, database, language):
    title = seen(lang=language).title[0].value.replace("\u2060", "")
    others = ("identity", "sigmoid", "cosx_x")  # linear, fails, and a seed of it diverges
    found = {name: value for name, value in medians(database).items() if name not in others}
    assert len(title.split()) <= 10 and bool(HANGUL.search(title)) == (language == "ko")
    assert {"12", "14"} <= set(re.findall(r"\d+", title)) and len(found) == 12
    assert f"{100 * (max(found.values()) - min(found.values())):.1f}" in title


def test_every_dot_is_a_fresh_run_of_the_database(seen, database):
    dots = with_table(seen(), "dots")[0][1]["dots"].to_pylist()
    complete = [row for row in ask(database, FINAL.format(study=MLP, where=HERE)) if row[2] == "complete"]
    drawn = sorted((dot["function"], dot["seed"], round(dot["error"], 6)) for dot in dots)
    assert drawn == [(name, seed, round(error, 6)) for name, seed, _, _, error in complete]
    assert len(dots) == 15 * 5 - 1, "a run that diverged has no dot"


def test_rows_are_sorted_by_median_and_say_what_diverged(seen, database):
    _, tables, alt = with_table(seen(), "dots")[0]
    order = [row["name"] for row in tables["medians"].to_pylist()]
    assert tables["medians"]["median"].to_pylist() == pytest.approx(sorted(medians(database).values()), abs=1e-6)
    assert (
        order[-1] == "sigmoid"
        and {"name": "cos(x) − x", "note": "4 of 5 trained, 1 of 5 diverged"} in tables["notes"].to_pylist()
    )
    assert "sigmoid 88" in alt and "cos(x) − x 1" in alt and "cos(x) − x (4 of 5), sigmoid (0 of 5)" in alt
    assert "cos(x) − x (4 of 5), sigmoid (0 of 5)" in spoken(seen())


def through_depths(app: AppTest) -> tuple[dict, dict[str, pa.Table], str]:
    """The chart that is played through the depths."""
    (chart,) = [each for each in charts(app) if "params" in each[0]]
    return chart


def test_every_dot_of_the_play_through_is_a_fresh_run_of_its_depth(seen, database):
    _, tables, _ = through_depths(seen())
    expected = []
    for depth in (1, 8):
        rows = ask(database, FINAL.format(study=MLP, where=f"v.depth = {depth} AND v.start = 'xavier'"))
        expected += [
            (depth, name, seed, round(error, 6)) for name, seed, status, _, error in rows if status == "complete"
        ]
    drawn = [(row["depth"], row["function"], row["seed"], round(row["error"], 6)) for row in tables["dots"].to_pylist()]
    assert sorted(drawn) == sorted(expected) and len(expected) == 2 * (15 * 5 - 1)
    ((table,),) = [
        [each.value] for each in seen().dataframe if {"function", "depth", "seed"} <= set(each.value.columns)
    ]
    assert len(table) == 2 * 15 * 5 and set(table["status"]) == {"complete", "diverged"}


def test_at_each_depth_of_the_play_through_stands_what_diverged_and_what_does_not_train(seen):
    _, tables, _ = through_depths(seen())
    notes = {(row["depth"], row["name"]): row["note"] for row in tables["notes"].to_pylist()}
    assert notes == {
        (1, "cos(x) − x"): "4 of 5 trained, 1 of 5 diverged", (8, "cos(x) − x"): "4 of 5 trained, 1 of 5 diverged",
        (1, "identity"): "bends nothing", (8, "identity"): "bends nothing", (8, "sigmoid"): "0 of 5 trained",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "start"), [({}, 1), ({"depth": "1"}, 0), ({"study": "cifar10_cnn_small", "norm": "none"}, 0)]
)
def test_the_play_through_begins_at_the_depth_of_the_page_with_every_function_in_its_row(seen, query, start):
    spec, _, alt = through_depths(seen(**query))
    assert [param["value"] for param in spec["params"]] == [start]
    rows = spec["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert rows[:3] == ["sigmoid", "tanh", "softsign"] and len(rows) == 15
    assert "1: 13 of 14, 8: 12 of 14" in alt
    assert "with 1 hidden layer, 13 of 14 functions train with every seed; with 8 hidden layers, 12 of 14" in spoken(
        seen(**query)
    )
    (given,) = components(seen(**query), "player")
    assert given["played"] == {"input": spec["params"][0]["name"], "name": "Hidden layers", "texts": ["1", "8"]}
    assert given["beside"] is None is given["trail"] and given["frameMs"] == 1000 and given["calmPlaces"] == [0, 1]


def test_a_single_depth_is_not_played(opened, changed):
    deep = f"""SELECT run FROM "{MLP}" WHERE depth = 8 AND layer_measures"""
    changed(f"DELETE FROM runs WHERE run IN ({deep})")
    app = opened("activation")
    assert with_table(app, "dots") and not [each for each in charts(app) if "params" in each[0]]
    assert components(app, "player") == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_linear_network_is_drawn_and_counted_in_no_sentence(seen, database, language):
    """Its median is the highest of those that train."""
    found = {code: value for code, value in medians(database).items() if code not in ("sigmoid", "cosx_x")}
    assert max(found, key=found.get) == "identity"
    app = seen(lang=language)
    words = text.section_texts(language, "activation")
    (caption,) = [each.value for each in app.caption if words["caption.not_to_conclude"] in each.value]
    told, _, of_it = caption.partition(words["caption.linear"].format(name="identity"))
    assert of_it and "identity" not in told + of_it
    assert f"{100 * sorted(found.values())[-2]:.1f}%" in told and f"{100 * found['identity']:.1f}%" not in told


def test_a_dot_leads_to_the_fresh_runs_of_its_function(opened, seen, database):
    dot = next(d for d in with_table(seen(), "dots")[0][1]["dots"].to_pylist() if d["function"] == "relu")
    link = urlparse(dot["href"])
    asked = {name: values[0] for name, values in parse_qs(link.query).items()}
    assert link.path == "runs" and asked.pop("lang") == "en" and asked.pop("v")
    lr = ask(database, FINAL.format(study=MLP, where=HERE + " AND v.activation = 'relu'"))[0][3]
    expected = {
        "study": MLP,
        "activation": "relu",
        "depth": "8",
        "start": "xavier",
        "lr": str(lr),
        "layer_measures": "True",
    }
    assert asked == expected
    assert len(opened("runs", **asked).dataframe[0].value) == 5


def test_behind_the_strip_come_the_rates_then_the_layers_then_the_functions(seen):
    order = [
        next(iter(chart[1].keys() & {"dots", "cells", "layers", "curves", "medians"}), "") for chart in charts(seen())
    ]
    found = [name for name in dict.fromkeys(order) if name]
    assert [name for name in found if name in ("cells", "layers", "curves")] == ["cells", "layers", "curves"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_chart_has_an_alternative_text_and_most_have_a_table(seen, language):
    found = charts(seen(lang=language))
    assert len(found) >= 14
    for _, _, alt in found:
        assert len(alt) > 30 and bool(HANGUL.search(alt)) == (language == "ko")
    assert len(seen(lang=language).expander) >= 9


def test_the_map_of_rates_has_the_mean_validation_error_of_the_tuning_seeds(seen, database):
    ((spec, tables, _),) = with_table(seen(), "cells")
    cells = tables["cells"].to_pylist()
    assert len(cells) == 15 * 9 and sum(cell["chosen"] for cell in cells) == 15
    lost = [cell for cell in cells if cell["diverged"]]
    assert [(cell["name"], cell["rate"], cell["error"]) for cell in lost] == [("ELU", "1/2", None)]
    (expected,) = ask(
        database,
        f"""SELECT avg(1 - c.val_correct / r.n_val) FROM "{MLP}" v JOIN runs r USING (run) JOIN curves c ON c.run = v.run AND c.epoch = r.epochs
        WHERE NOT v.layer_measures AND {HERE} AND v.activation = 'tanh' AND v.lr = 0.125""",
    )
    assert next(c["error"] for c in cells if (c["name"], c["rate"]) == ("tanh", "1/8")) == pytest.approx(
        expected[0], abs=1e-6
    )
    crossed = [layer for layer in spec["layer"] if layer["mark"].get("text") == "×"]
    assert crossed and "color" not in crossed[0]["encoding"], "a diverged cell has no colour of the scale"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_column_of_the_map_of_rates_is_warned_of_only_where_the_chosen_rates_differ(seen, opened, changed, language):
    words = text.section_texts(language, "activation")["rates.not_to_conclude"]
    assert words in spoken(seen(lang=language))
    others = f"""SELECT run FROM "{MLP}" v WHERE {HERE} AND layer_measures AND lr <> 0.03125"""
    changed(f"DELETE FROM runs WHERE run IN ({others})")
    told = spoken(opened("activation", lang=language))
    assert text.section_texts(language, "activation")["rates.one"] in told and words not in told


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


def test_the_forest_holds_the_paired_differences(seen, database):
    expected = ask(
        database,
        f"""SELECT changed->>'activation', estimate, n FROM contrasts
        WHERE study = '{MLP}' AND changed->>'depth' = '8' AND changed->>'start' = 'xavier'""",
    )
    near, far = (chart[1]["contrasts"].to_pylist() for chart in with_table(seen(), "contrasts"))
    assert sorted(row["estimate"] for row in [*near, *far]) == pytest.approx(
        sorted(e for _, e, _ in expected), abs=1e-4
    )
    assert [row["name"] for row in far] == ["sigmoid"] and len(near) == 13
    assert any("n = 4" in row["label"] for row in near), "the seed that diverged leaves four pairs"


def test_a_function_looks_in_the_forest_as_it_does_in_the_strip(seen):
    def looks(chart):
        spec, tables, _ = chart
        names = {row["function"]: row["name"] for row in tables["dots"].to_pylist()} if "dots" in tables else {}
        (mark,) = [layer for layer in spec["layer"] if layer["mark"]["type"] == "point"]
        scales = [mark["encoding"][channel]["scale"] for channel in ("color", "shape")]
        assert scales[0]["domain"] == scales[1]["domain"]
        both = zip(scales[0]["domain"], scales[0]["range"], scales[1]["range"], strict=True)
        return {names.get(code, code): (colour, shape) for code, colour, shape in both}

    strip = looks(with_table(seen(), "dots")[0])
    for chart in with_table(seen(), "contrasts"):
        mine = looks(chart)
        assert mine and mine.items() <= strip.items()


def test_a_study_that_is_not_whole_says_how_many_of_its_runs_are_finished(seen, database):
    ((done, planned),) = ask(
        database, f"SELECT complete + diverged + failed, planned FROM studies WHERE study = '{CNN}'"
    )
    assert done < planned
    told = [
        each.value
        for each in seen(lang="en", study=CNN.partition("/")[2]).markdown
        if "Four convolutions" in each.value
    ]
    assert len(told) >= 4 and all(f"So far {done:,} of {planned:,} planned runs." in each for each in told)


def test_differences_without_an_interval_are_counted_apart(opened, changed):
    words = text.section_texts("en", "activation")
    place = "changed->>'depth' = '8' AND changed->>'start' = 'xavier'"
    path = changed(
        f"UPDATE contrasts SET low = NULL, high = NULL, n = 2 WHERE study = '{MLP}' AND {place} AND changed->>'activation' = 'identity'"
    )
    ((n, better, worse),) = ask(
        path,
        f"""SELECT count(low), count(*) FILTER (high < 0), count(*) FILTER (low > 0) FROM contrasts WHERE study = '{MLP}' AND {place}""",
    )
    app = opened("activation")
    seen = words["relu.seen"].format(n=n, better=better, worse=worse, open=n - better - worse)
    (told,) = [each.value for each in app.caption if seen in each.value]
    assert n == 13 and words["relu.bare"].format(names="identity") in told
    (medians,) = [each.value for each in app.caption if words["depth.not_to_conclude"] in each.value]
    assert words["depth.some"] in medians, "a seed of cos(x) − x diverges"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_subtitle_has_the_number_of_its_seeds(seen, language):
    words = text.section_texts(language, "activation")
    five, two, some = (text.of(language, "site.format.seeds", n=n) for n in (5, 2, "4–5"))
    told = [each.value for each in seen(lang=language).markdown]
    others = dict.fromkeys(("inside", "bend", "depth", "norm_section", "speed"), five)
    for key, seeds in {"rates": two, "relu": some, **others}.items():
        subtitle = words[f"{key}.subtitle"]
        start, ends = subtitle.partition("{seeds}")[0], subtitle.partition("{seeds}")[2]
        before, after = re.escape(re.split(r"\{\w+\}", start)[-1]), re.escape(re.split(r"\{\w+\}", ends)[0])
        assert any(re.search(before + re.escape(seeds) + after, each) for each in told), key


def test_the_forest_is_under_the_claim_only_where_the_claim_is_about_its_networks(seen, database):
    clear, n = ask(
        database,
        f"""SELECT count(*) FILTER (p_adjusted < 0.05), count(p_adjusted) FROM contrasts
        WHERE study = '{MLP}' AND changed->>'depth' = '8' AND changed->>'start' = 'xavier'""",
    )[0]
    counted, about_four = f"{clear} of {n} functions differ from ReLU", "p to 4 layers"
    for place, told, untold in (({}, counted, about_four), ({"depth": "1"}, about_four, "Holm's correction,")):
        headings = " ".join(each.value for each in seen(lang="en", **place).subheader)
        assert told in headings and untold not in headings


def test_the_sentence_on_batch_norm_has_the_gaps_of_the_claim(seen, database):
    ((details,),) = ask(database, "SELECT details FROM claim_parts WHERE claim = 'A3' AND part = 2")
    gaps = json.loads(details)
    heading = next(each.value for each in seen().subheader if "rescues" in each.value)
    assert f"{gaps['gap_without_norm']:+.1f}" in heading and f"{gaps['gap_with_norm']:+.1f}" in heading


@pytest.mark.parametrize("verdict", ["shown", "not shown", "contradicted"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_both_gaps_of_the_sigmoid_stand_over_the_strips_whatever_the_verdict_is(opened, changed, language, verdict):
    path = changed(f"UPDATE claims SET verdict = '{verdict}' WHERE claim = 'A3'")
    runs = FINAL.format(study=CNN, where="v.norm = '{norm}' AND v.activation IN ('sigmoid', 'relu')")
    sql = "SELECT 100 * avg(error) FILTER (activation = 'sigmoid') - 100 * avg(error) FILTER (activation = 'relu')"
    gaps = [
        ask(path, f"{sql} FROM ({runs.format(norm=norm)}) AS f(activation, seed, status, lr, error)")[0][0]
        for norm in ("none", "batch")
    ]
    app = opened("activation", lang=language)
    words = text.section_texts(language, "activation")["norm_section.gaps"]
    start = words.partition("{")[0]
    (told,) = [each.value for each in app.markdown if start and each.value.startswith(start)]
    assert all(f"{gap:+.1f}" in told for gap in gaps) and "5" in told
    ((details,),) = ask(path, "SELECT details FROM claim_parts WHERE claim = 'A3' AND part = 2")
    low, high = json.loads(details)["gap_with_norm_interval"]
    assert low < gaps[1] < high and f"{low:+.2f}" in told and f"{high:+.2f}" in told


def test_gaps_of_a_database_without_their_intervals_are_told_without(opened, changed):
    changed(
        "UPDATE claim_parts SET details = json_merge_patch(details, '{\"gap_with_norm_interval\": null}') WHERE claim = 'A3'"
    )
    words = text.section_texts("en", "activation")["norm_section.gaps"].partition("{")[0]
    (told,) = [each.value for each in opened("activation").markdown if each.value.startswith(words)]
    assert told.count(" to ") == 1, "the first part of the claim has that of the gap without a norm"


def test_how_many_runs_get_to_a_quarter_is_told_and_when_a_ratio_of_three_cannot_be_seen(opened, changed):
    """Training ends after 30 epochs. ReLU gets there with two seeds, the first time at epoch 12 or at epoch 9; tanh never does."""

    def runs(function):
        return f"SELECT run FROM \"{CNN}\" WHERE norm = 'none' AND activation = '{function}' AND layer_measures"

    nobody = f"UPDATE curves SET train_correct = 2000 WHERE run IN ({runs('relu')} UNION {runs('tanh')})"
    one = f"UPDATE curves SET train_correct = 3750 WHERE epoch >= 12 AND run IN ({runs('relu')} AND seed = 3)"
    other = f"UPDATE curves SET train_correct = 4000 WHERE epoch >= 15 AND run IN ({runs('relu')} AND seed = 5)"
    file = changed(nobody, one, other)
    told = spoken(opened("activation"))
    assert "Runs that reach 25% train error: tanh: 0 of 5; ReLU: 2 of 5, first at epoch 12." in told
    assert "A ratio of 3 could not be seen here: 3 times 12 epochs are 36, and training ends after 30." in told
    changed(one.replace(">= 12", ">= 9"), of=file)
    told = spoken(opened("activation"))
    assert "ReLU: 2 of 5, first at epoch 9." in told and "could not be seen here" not in told
    changed(nobody)
    told = spoken(opened("activation"))
    assert "tanh: 0 of 5; ReLU: 0 of 5." in told and "could not be seen here" not in told


def test_counts_of_dead_networks_are_drawn_under_their_bound(seen, database):
    ((_, tables, _),) = with_table(seen(), "counted")
    expected = ask(database, f'SELECT v.width, v.depth, c.value / c.trials FROM counts c JOIN "{DEAD}" v USING (run)')
    drawn = {(int(row["width"]), row["depth"]): row["share"] for row in tables["counted"].to_pylist()}
    assert drawn == pytest.approx({(width, depth): share for width, depth, share in expected}, abs=1e-6)
    bounds = {(int(row["width"]), row["depth"]): row["share"] for row in tables["bounds"].to_pylist()}
    assert bounds[2, 10] == pytest.approx(1 - (1 - 0.25) ** 9, abs=1e-6)


def test_the_readers_own_width_and_depth_are_in_the_address(opened, database):
    app = opened("activation", n="2", l="20", study="cifar10_cnn_small", norm="none", axis="linear")
    told = next(each.value for each in app.markdown if "Width 2, 20 layers" in each.value)
    ((value, trials),) = ask(
        database,
        f'SELECT c.value, c.trials FROM counts c JOIN "{DEAD}" v USING (run) WHERE v.width = 2 AND v.depth = 20',
    )
    assert "99.6%" in told and f"{value:,} of {trials:,}" in told
    own = with_table(app, "own")[0][1]["own"].to_pylist()
    assert own == [{"depth": 20, "share": pytest.approx(1 - 0.75**19, abs=1e-6)}]
    dots = with_table(app, "dots")[0][1]["dots"].to_pylist()
    expected = ask(database, FINAL.format(study=CNN, where="v.norm = 'none'"))
    assert sorted(dot["error"] for dot in dots) == pytest.approx(sorted(row[4] for row in expected), abs=1e-6)


@pytest.mark.parametrize(("holds", "low"), [(True, 0.2), (False, 0.2), (False, None)])
def test_the_card_tells_the_pair_and_the_place_and_calls_largest_only_what_is(opened, changed, holds, low):
    """Where the rule fails, the pair that decides is told, and another whose interval is narrow may be further apart."""
    where = '{"worse": "leaky_relu", "better": "elu", "depth": 1, "start": "he", "diverged": {"relu": 1, "elu": 0}}'
    ends = "low = 0.2, high = 1.4" if low else "low = NULL, high = NULL"
    changed(
        f"UPDATE claim_parts SET estimate = 0.8, {ends}, holds = {holds}, details = json_merge_patch(details, '{where}') WHERE claim = 'A5'",
        f"UPDATE claims SET verdict = '{'shown' if holds else 'not shown'}' WHERE claim = 'A5'",
    )
    app = opened("claims", question="activation")
    words = text.section_texts("en", "claims")
    name = words[
        "quantity_deciding.largest_gap_among_the_six" if low and not holds else "quantity.largest_gap_among_the_six"
    ]
    told = f"{name} (leaky ReLU minus ELU, 1 hidden layer, He start): **+0.8"
    assert any(told in each.value for each in app.markdown)
    (lost,) = [each.value for each in app.caption if "ReLU: 1" in each.value]
    assert (
        re.search(r"Runs that diverged, [^.]*[:,] ReLU: 1[,.]", lost) and "leaky ReLU: 0" in lost and "relu" not in lost
    )


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_every_code_of_the_measured_parts_has_words(database, language):
    words = text.section_texts(language, "claims")
    rows = ask(database, "SELECT quantity, bound, details FROM claim_parts WHERE claim LIKE 'A%'")
    assert len({quantity for quantity, *_ in rows}) == 8
    for quantity, bound, details in rows:
        told = json.loads(details)
        assert {f"quantity.{quantity}", f"bound.{bound}", f"interval.{told['interval']}"} <= words.keys()
    assert {"why.too_few_seeds", "why.relu_does_not_get_there"} <= words.keys()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_one_seed_of_two_functions_is_shown_as_that(opened, rebuilt, monkeypatch, language):
    monkeypatch.setenv("WHY_RESULTS", str(rebuilt))
    app = opened("activation", lang=language)
    assert ("1 seed so far" if language == "en" else "시드 1개") in app.title[0].value
    assert len(with_table(app, "dots")[0][1]["dots"]) == 2
    assert all(
        row["low"] is None for chart in with_table(app, "contrasts") for row in chart[1]["contrasts"].to_pylist()
    )


def test_without_fresh_runs_nothing_is_compared(opened, changed):
    """As while the rates are tuned: the question as title, and how far the tuning is."""
    fresh = "configuration IN (SELECT configuration FROM configurations WHERE settings->>'layer_measures' = 'true')"
    changed(
        f"DELETE FROM runs WHERE {fresh}",
        "DELETE FROM claim_parts",
        "UPDATE claims SET study = NULL, verdict = 'not tested here'",
    )
    app = opened("activation")
    assert app.title[0].value == text.of("en", "site.question.activation")
    assert "No fresh seed" in app.info[0].value and not with_table(app, "dots") and with_table(app, "counted")


def test_published_numbers_are_all_there_and_drawn_hollow(seen, database):
    rows = ask(database, "SELECT y FROM published WHERE question = 'activation'")
    found = [chart for chart in charts(seen()) if any("spread" in table.column_names for table in chart[1].values())]
    drawn = [round(y, 3) for chart in found for table in chart[1].values() for y in table["y"].to_pylist()]
    assert {round(y, 3) for (y,) in rows} <= set(drawn)
    marks = [layer["mark"] for spec, *_ in found for layer in spec.get("layer", [spec])]
    assert all(mark["filled"] is False for mark in marks if mark["type"] == "point")
    assert any(
        table.value.get("How obtained") is not None or len(table.value) == len(rows) for table in seen().dataframe
    )


def test_where_no_count_of_dead_networks_came_to_its_end_the_bound_stands_alone(opened, changed):
    changed(f"UPDATE runs SET status = 'failed' WHERE study = '{DEAD}'", "DELETE FROM counts")
    app = opened("activation")
    assert not app.exception and not with_table(app, "counted")
    assert any(f"no finished run of `{DEAD}`" in each.value for each in app.markdown)
    assert any("Width 4, 10 layers" in each.value for each in app.markdown)
