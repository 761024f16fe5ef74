import jsonschema
import pyarrow as pa
import pytest

from explorer.charts import against_width, forest, panels, style
from explorer.charts.linked_map import View, round_epochs
from explorer.results.generalization import Axes


def test_small_multiples_take_the_scale_they_are_given_and_mark_the_picked_cell(axes, english):
    cells = pa.table(
        {
            "width": pa.array([2, 8], pa.int16()), "epoch": pa.array([1, 40], pa.int16()),
            "value": pa.array([0.5, None], pa.float32()), "seeds": pa.array([2, 0], pa.int16()),
            "diverged": pa.array([1, 0], pa.int16()), "state": ["value", "not run"],
        }
    )  # fmt: skip
    picture = panels.draw(cells, axes, View(), (0.0, 0.5), (8, 40))
    heat, grey, *_ = picture.specification()["layer"]
    assert heat["encoding"]["color"]["scale"]["domain"] == [0.0, 0.5]
    assert heat["encoding"]["color"]["legend"] is None
    assert picture.tables["picked"].to_pylist() == [{"w": 1, "e": 3}]
    assert [(row["w"], row["e"]) for row in picture.tables["cells"].to_pylist()] == [(0, 0), (1, 3)]
    assert [part["transform"][0]["filter"] for part in (heat, grey)] == [
        "datum.state === 'value'",
        "datum.state !== 'value'",
    ]
    assert picture.tables["signs"].to_pylist() == [{"w": 0, "e": 0, "sign": "×"}, {"w": 1, "e": 3, "sign": "–"}]


@pytest.mark.parametrize("widths", [[24], [24, 32], [2048]])
def test_widths_without_a_round_number_among_them_are_ticks_themselves(axes, english, widths):
    few = axes._replace(widths=widths, parameters=[795 * width + 10 for width in widths])
    cells = pa.table(
        {
            "width": pa.array(widths, pa.int16()), "epoch": pa.array([1] * len(widths), pa.int16()),
            "value": pa.array([0.5] * len(widths), pa.float32()), "seeds": pa.array([2] * len(widths), pa.int16()),
            "diverged": pa.array([0] * len(widths), pa.int16()), "state": ["value"] * len(widths),
        }
    )  # fmt: skip
    heat = panels.draw(cells, few, View(), (0.0, 0.5), (widths[0], 1)).specification()["layer"][0]
    assert set(heat["encoding"]["x"]["axis"]["values"]) == {0, len(widths) - 1}


def test_a_picture_that_is_no_valid_vega_lite_fails_wherever_a_test_draws_it():
    with pytest.raises(jsonschema.ValidationError, match="blob"):
        style.Picture(style.named("rows").properties(mark="blob"), {}).specification()


def test_the_forest_plot_keeps_the_order_and_has_a_zero_line_in_its_range(english):
    rows = [
        {"name": "large", "estimate": -20.0, "low": -22.0, "high": -18.0, "label": "large"},
        {"name": "small", "estimate": -1.0, "low": None, "high": None, "label": "small"},
    ]
    picture = forest.draw(rows, "points")
    assert picture.tables["contrasts"]["name"].to_pylist() == ["large", "small"]
    zero, _, marks, _ = picture.specification()["layer"]
    assert (zero["mark"]["type"], zero["encoding"]["x"]) == ("tick", {"datum": 0})
    low, high = marks["encoding"]["x"]["scale"]["domain"]
    assert low < -22
    assert high > 0


def test_rows_of_the_forest_have_the_look_that_they_bring_or_all_the_same(english):
    rows = [{"name": name, "estimate": -1.0, "low": -2.0, "high": 0.0, "label": name} for name in ("ELU", "GELU")]
    _, rule, marks, _ = forest.draw(rows, "points").specification()["layer"]
    assert not {"color", "shape"} & {*rule["encoding"], *marks["encoding"]}
    assert (marks["mark"]["shape"], marks["mark"]["color"]) == ("square", style.MEASURED)
    looks = [{"colour": "#2a8f6d", "shape": "circle"}, {"colour": "#b5538b", "shape": "triangle-up"}]
    picture = forest.draw([row | look for row, look in zip(rows, looks, strict=True)], "points")
    _, rule, marks, _ = picture.specification()["layer"]
    for encoding, channel, of in ((rule, "color", "colour"), (marks, "color", "colour"), (marks, "shape", "shape")):
        scale = encoding["encoding"][channel]["scale"]
        assert (scale["domain"], scale["range"]) == (["ELU", "GELU"], [look[of] for look in looks])


def test_a_long_label_takes_several_lines_with_its_numbers_whole_and_the_last_stands_at_its_row(english):
    """Words wider than a phone would leave no room for the marks."""
    long = "Rise from the first minimum to the peak width, wrong labels 20% → 10%: −5.1 points (−7.0 to −3.2), n = 5"
    korean = "첫 최솟값에서 봉우리 너비까지의 상승, 틀린 라벨 20% → 10%: −5.1%p (−7.0 ~ −3.2), n = 5"
    rows = [
        {"name": text, "estimate": -5.1, "low": -7.0, "high": -3.2, "label": text} for text in (long, korean, "a: 1")
    ]
    picture = forest.draw(rows, "points")
    first, second, third = (each.split("\n") for each in picture.tables["contrasts"]["label"].to_pylist())
    assert first == [
        "Rise from the first minimum to the peak width, wrong labels",
        "20% → 10%:",
        "−5.1 points (−7.0 to −3.2), n = 5",
    ]
    assert second == ["", "첫 최솟값에서 봉우리 너비까지의 상승, 틀린 라벨 20% → 10%:", "−5.1%p (−7.0 ~ −3.2), n = 5"]
    assert third == ["", "", "a: 1"]
    short = forest.draw(rows[2:], "points").specification()
    words = picture.specification()["layer"][-1]["mark"]
    assert words["dy"] == short["layer"][-1]["mark"]["dy"] - 2 * words["lineHeight"]
    assert picture.specification()["height"] / 3 == short["height"] + 2 * words["lineHeight"]


@pytest.mark.parametrize("with_interval, areas", [(True, 1), (False, 0)])
def test_curves_against_width_have_a_band_only_with_an_interval(english, axes, with_interval, areas):
    bound = pa.array([0.1, 0.2] if with_interval else [None, None], pa.float64())
    rows = pa.table(
        {"width": [2, 8], "series": ["a", "a"], "mean": [0.1, 0.2], "low": bound, "high": bound, "n": [3, 3]}
    )
    picture = against_width.draw(rows, ["a"], ["A"], [style.Look("#000000")], 0.5, axes)
    marks = [layer["mark"]["type"] for layer in picture.specification()["layer"]]
    assert marks.count("area") == areas
    assert picture.tables["rows"]["mean"].to_pylist() == pytest.approx([0.1, 0.2])


def test_labels_stand_at_the_sampled_epochs_nearest_to_round_numbers():
    epochs = [1, 2, 3, 5, 7, 9, 12, 17, 24, 33, 45, 61, 84, 115, 156, 213, 291, 397, 541, 740]
    labelled = [1, 2, 5, 9, 17, 45, 115, 213, 541, 740]  # for 1, 2, 5, 10, 20, 50, 100, 200 and 500, and the last one
    assert [epochs[place] for place in round_epochs(Axes([2, 8], [10, 20], epochs, [0]))] == labelled


def test_labels_of_a_long_clock_stand_at_powers_of_ten_alone():
    times = [1, 3, 12, 50, 90, 200, 800, 5000, 11_000, 40_000, 200_000]
    labelled = [1, 12, 90, 800, 11_000, 40_000, 200_000]  # for every power of ten up to 100,000, and the last one
    assert [times[place] for place in round_epochs(Axes([2], [10], times, [0]))] == labelled


def test_a_list_literal_is_safe_in_an_expression():
    assert style.javascript_list([1, "it's", ["a", None], True]) == "[1, 'it\\'s', ['a', null], true]"
