"""The strip of fresh runs, and the map of the rates that were tried for them."""

import re
from urllib.parse import parse_qs, urlparse

import pytest

from explorer import text
from tests.activation_runs import MLP
from tests.pages.activation.conftest import FINAL, HERE, medians, with_table
from tests.pages.reading import ask, spoken

HANGUL = re.compile("[가-힣]")


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
