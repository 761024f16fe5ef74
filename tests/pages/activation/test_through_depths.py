"""The strips of all depths, played through."""

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from tests.activation_runs import MLP
from tests.pages.activation.conftest import FINAL, with_table
from tests.pages.reading import ask, charts, components, spoken


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
        (1, "identity"): "identity bends nothing", (8, "identity"): "identity bends nothing", (8, "sigmoid"): "0 of 5 trained",
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
