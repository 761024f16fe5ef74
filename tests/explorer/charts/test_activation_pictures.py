"""The pictures of the page on activation functions in which depth, or time, runs along the axis, or is played through."""

import pytest

from explorer.charts import functions_at_a_place, with_depth

pytestmark = pytest.mark.usefixtures("english")


def median(function, depth, value, complete=5, diverged=0):
    return {"function": function, "depth": depth, "median": value, "complete": complete, "diverged": diverged}


def test_a_line_breaks_at_a_depth_at_which_no_run_came_to_the_end():
    rows = [median("relu", 1, 0.1), median("relu", 2, None, 0, 5), median("relu", 4, 0.2), median("tanh", 1, 0.1)]
    picture = with_depth.errors(rows, (0.1, 0.9))
    drawn = [(row["name"], row["depth"], row["error"]) for row in picture.tables["medians"].to_pylist()]
    assert drawn == [
        ("tanh", 1, pytest.approx(0.1)), ("tanh", 2, None), ("tanh", 4, None),
        ("ReLU", 1, pytest.approx(0.1)), ("ReLU", 2, None), ("ReLU", 4, pytest.approx(0.2)),
    ]  # fmt: skip
    line, dots = picture.specification()["layer"]
    assert "transform" not in line and "isValid(datum.error)" in str(dots["transform"])


def test_a_median_of_fewer_than_all_runs_has_their_number_beside_it():
    rows = [median("relu", 1, 0.1), median("relu", 2, 0.2, 2, 3), median("relu", 4, None, 0, 5), median("tanh", 1, 0.1)]
    picture = with_depth.errors(rows, (0.1, 0.9))
    told = {(row["name"], row["depth"]): row["some"] for row in picture.tables["medians"].to_pylist()}
    assert {place: some for place, some in told.items() if some} == {("ReLU", 2): "2/5"}
    (words,) = [layer for layer in picture.specification()["layer"] if layer["mark"]["type"] == "text"]
    assert words["encoding"]["text"]["field"] == "some" and "isValid(datum.some)" in str(words["transform"])


def test_a_width_is_told_by_a_shape_beside_its_colour():
    rows = [{"width": width, "depth": depth, "share": 0.5} for width in (2, 4, 8, 16) for depth in (2, 10)]
    words = {"width": "Width", "depth": "Layers", "share": "Share"}
    layers = with_depth.born_dead(rows, rows, (10, 0.3), words).specification()["layer"]
    (dots,) = [layer for layer in layers if "shape" in layer["encoding"]]
    scales = [dots["encoding"][channel]["scale"] for channel in ("color", "shape")]
    assert scales[0]["domain"] == scales[1]["domain"] == ["2", "4", "8", "16"]
    assert all(len(set(scale["range"])) == 4 for scale in scales) and "diamond" not in scales[1]["range"]
    assert len(with_depth.WIDTH_SHAPES) == len(with_depth.WIDTHS)


def test_a_run_that_diverged_is_drawn_to_there_with_a_cross():
    ends = {"relu": (0.5, 0.3, 0.1), "tanh": (0.6, None, None)}
    rows = [
        {"function": function, "seed": 2, "epoch": epoch, "train_error": error}
        for function, errors in ends.items()
        for epoch, error in zip((1, 2, 4), errors, strict=True)
    ]
    picture = with_depth.training(rows, 0.25)
    assert picture.tables["runs"]["error"].to_pylist() == [pytest.approx(0.5), pytest.approx(0.3), pytest.approx(0.1), pytest.approx(0.6), None, None]  # fmt: skip
    assert picture.tables["lost"].to_pylist() == [{"name": "tanh", "seed": 2, "epoch": 2}]
    crosses = [layer for layer in picture.specification()["layer"] if layer["mark"].get("text") == with_depth.CROSS]
    assert [layer["data"]["name"] for layer in crosses] == ["lost"]


def run(function, depth, seed, error):
    return {"function": function, "depth": depth, "seed": seed, "test_error": error, "lr": 0.125}


def through_depths(start=1):
    """Three depths of two functions, the better one last in the order of the families; at the deepest a run of it has no error."""
    runs = [run("gelu", depth, 2, error) for depth, error in ((1, 0.05), (4, 0.06), (32, None))]
    runs += [run("tanh", depth, 2, 0.1) for depth in (1, 4, 32)]
    notes = {1: {}, 4: {"tanh": "four"}, 32: {"gelu": "gone", "tanh": "thirty-two"}}
    words = ["1 layer", "4 layers", "32 layers"]
    return functions_at_a_place.through_depths(runs, notes, (0.05, 0.9), words, start)


def test_of_the_depths_that_are_played_every_run_has_a_dot_and_every_note_its_depth():
    tables = through_depths().tables
    drawn = [(row["function"], row["depth"], row["error"]) for row in tables["dots"].to_pylist()]
    assert sorted(drawn) == [
        ("gelu", 1, pytest.approx(0.05)), ("gelu", 4, pytest.approx(0.06)),
        ("tanh", 1, pytest.approx(0.1)), ("tanh", 4, pytest.approx(0.1)), ("tanh", 32, pytest.approx(0.1)),
    ]  # fmt: skip
    told = [(row["depth"], row["name"], row["note"]) for row in tables["notes"].to_pylist()]
    assert told == [(4, "tanh", "four"), (32, "GELU", "gone"), (32, "tanh", "thirty-two")]


def test_one_input_of_the_chart_moves_dots_notes_and_title_and_neither_axis():
    drawn = through_depths(start=2).specification()
    (place,) = drawn["params"]
    assert (place["name"], place["value"]) == (functions_at_a_place.PLACE, 2)
    assert [place["bind"][end] for end in ("input", "min", "max", "step")] == ["range", 0, 2, 1]
    assert drawn["title"]["text"] == {"expr": f"['1 layer', '4 layers', '32 layers'][{place['name']}]"}
    for layer in drawn["layer"]:
        assert layer["transform"] == [{"filter": f"datum.depth === [1, 4, 32][{place['name']}]"}]
        assert layer["encoding"]["y"]["scale"]["domain"] == ["tanh", "GELU"]
    scale = drawn["layer"][0]["encoding"]["x"]["scale"]
    assert scale["type"] == "log" and scale["domain"] == pytest.approx([0.05 / 1.12, 0.9 * 1.12])
