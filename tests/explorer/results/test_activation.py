"""What the page on activation functions asks of the results file, on made-up runs that went through the real build, and its titles."""

import shutil
from pathlib import Path

import duckdb
import pytest

from explorer.activation import strip, walk
from explorer.results import activation as results
from explorer.results.activation import MLP, Place
from tests.activation_runs import baked, error_of, row, rows_of

FUNCTIONS = ("sigmoid", "tanh", "relu", "gelu")
HERE = Place(MLP, (("depth", 8), ("start", "xavier")))


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Path:
    """A sigmoid fails with every seed; the others train."""
    wanted = lambda spec: (spec.depth, spec.start) == (8, "xavier") and spec.activation in FUNCTIONS
    made = lambda spec: row(spec, error_of(spec)[0])
    return baked(tmp_path_factory.mktemp("planted"), rows_of([MLP], wanted, made))


@pytest.fixture(scope="module")
def deeper(tmp_path_factory) -> Path:
    """Two functions at three depths with both starts; the sigmoid fails from 8 layers on."""
    wanted = lambda spec: spec.depth in (1, 8, 32) and spec.activation in ("sigmoid", "relu")
    made = lambda spec: row(spec, error_of(spec)[0])
    return baked(tmp_path_factory.mktemp("deeper"), rows_of([MLP], wanted, made))


@pytest.fixture
def ended(planted, tmp_path, monkeypatch):
    """Lets the fresh runs of a function end so with its first seeds: ended(tanh=("diverged", 4))."""

    def change(**ends: tuple[str, int]) -> dict[str, dict]:
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.duckdb"
        shutil.copy(planted, file)
        with duckdb.connect(str(file)) as connection:
            for function, (status, n) in ends.items():
                connection.execute(
                    f"""UPDATE runs SET status = '{status}' WHERE run IN (
                    SELECT run FROM "{MLP}" WHERE layer_measures AND activation = '{function}' ORDER BY seed LIMIT {n})"""
                )
        monkeypatch.setenv("WHY_RESULTS", str(file))
        return {each["function"]: each for each in results.summary(HERE)}

    return change


def test_a_function_trains_where_no_fresh_seed_of_it_fails_to(ended):
    rows = ended(tanh=("diverged", 4))
    assert (rows["relu"]["outcome"], rows["relu"]["trained"], rows["relu"]["n"]) == ("train", 5, 5)
    assert (rows["sigmoid"]["outcome"], rows["sigmoid"]["trained"], rows["sigmoid"]["complete"]) == ("fail", 0, 5)
    assert (rows["tanh"]["outcome"], rows["tanh"]["trained"], rows["tanh"]["diverged"]) == ("partly", 1, 4)
    assert strip.notes(list(rows.values())).keys() == {"tanh"}


def test_a_run_whose_code_raised_says_nothing_of_its_function_and_is_counted(ended, english):
    rows = ended(tanh=("failed", 2), relu=("failed", 5))
    assert (rows["tanh"]["outcome"], rows["tanh"]["trained"], rows["tanh"]["n"], rows["tanh"]["raised"]) == (
        "train",
        3,
        3,
        2,
    )
    assert (rows["relu"]["outcome"], rows["relu"]["n"]) == ("none", 0)
    assert "Runs whose code failed, counted nowhere else: 7." in strip.caption(HERE)
    assert strip.title(HERE).startswith("Sigmoid fails; 2 others"), "of the three of which runs ended"


def test_title_and_steps_count_the_same_functions(ended, english):
    """One of which no run ended is counted in neither."""
    ended(relu=("failed", 5))
    (step,) = walk.steps()
    assert (step.values["trained"], step.values["n"]) == ("2", "3") and len(strip.counted(HERE)) == 3


def test_the_survivor_of_a_function_that_diverged_is_in_no_title(ended, english):
    """What its one seed ended at says nothing of how far apart functions that train are."""
    ended(tanh=("diverged", 4))
    title = strip.title(HERE)
    medians = {each["function"]: each["median"] for each in results.summary(HERE)}
    apart = abs(medians["relu"] - medians["gelu"])
    assert title == f"2 of 4 functions train, and end within {100 * apart:.1f} points"
    assert "tanh (1 of 5)" in strip.caption(HERE)


@pytest.mark.parametrize(
    "ends",
    [
        {},
        {"tanh": ("diverged", 1)},
        {"tanh": ("diverged", 5)},
        {"sigmoid": ("failed", 5)},
        {"tanh": ("diverged", 1), "relu": ("diverged", 5)},
        {"tanh": ("diverged", 5), "relu": ("diverged", 5), "gelu": ("diverged", 5)},
        {"tanh": ("diverged", 4), "relu": ("diverged", 5), "gelu": ("diverged", 5)},
    ],
)
def test_however_the_functions_end_the_title_has_at_most_ten_words(ended, language, ends):
    ended(**ends)
    title = strip.title(HERE)
    assert len(title.split()) <= 10
    assert ("None of 4" in title) == (len(ends) == 3 and language == "en")


@pytest.mark.parametrize("code", ["cosx_x", "leaky_relu"])
def test_a_title_with_a_long_name_keeps_to_ten_words(language, code):
    values = {"name": strip._first_word(code), "trained": 13, "n": 14, "spread": strip._points(0.0123)}
    assert len(strip.t("activation.title.one_fails", **values).split()) <= 10


def test_over_the_depths_stands_what_stands_at_each_of_them(deeper, monkeypatch):
    monkeypatch.setenv("WHY_RESULTS", str(deeper))
    places = [place for place in results.places(MLP) if place["start"] == "he"]
    assert [place["depth"] for place in places] == [1, 8, 32]
    summaries, fresh = results.summary_over_depth("he"), results.fresh_over_depth("he").to_pylist()
    assert summaries == [{"depth": place["depth"]} | each for place in places for each in results.summary(place)]
    assert fresh == [{"depth": place["depth"]} | each for place in places for each in results.fresh(place).to_pylist()]
    assert len(fresh) == 3 * 2 * 5
    medians = results.over_depth("he").to_pylist()
    assert [(each["depth"], each["function"], each["median"]) for each in medians] == [
        (each["depth"], each["function"], each["median"]) for each in summaries
    ]


def test_a_tuning_run_whose_code_raised_takes_no_value_from_its_cell(planted, tmp_path, monkeypatch):
    file = tmp_path / "raised.duckdb"
    shutil.copy(planted, file)
    where = "NOT layer_measures AND activation = 'relu' AND lr = 0.125"
    with duckdb.connect(str(file)) as connection:
        tried = connection.execute(f'SELECT count(*) FROM "{MLP}" WHERE {where}').fetchone()[0]
        connection.execute(
            f"""UPDATE runs SET status = 'failed' WHERE run = (SELECT min(run) FROM "{MLP}" WHERE {where})"""
        )
    monkeypatch.setenv("WHY_RESULTS", str(file))
    (cell,) = [row for row in results.tuning(HERE).to_pylist() if (row["function"], row["lr"]) == ("relu", 0.125)]
    assert cell["val_error"] is not None and (cell["complete"], cell["diverged"]) == (tried - 1, 0)
