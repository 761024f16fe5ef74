import json

import pyarrow as pa
import pytest

from explorer.charts import along_epochs, complexity, doubling, per_label


def curve(with_interval: bool, **columns) -> pa.Table:
    n = len(next(iter(columns.values())))
    ends = {name: pa.array([0.1] * n if with_interval else [None] * n, pa.float64()) for name in ("low", "high")}
    return pa.table(columns | ends | {"n": [3 if with_interval else 1] * n})


def marks_of(view: dict) -> list[str]:
    return [layer["mark"]["type"] for layer in view["layer"]]


@pytest.fixture(params=[True, False], ids=["interval", "no interval"])
def with_interval(request) -> bool:
    return request.param


def one_network(axes, with_interval: bool, marks: int = 1) -> dict:
    means = curve(
        with_interval, epoch=[1, 10, 1, 10], measure=["test_error"] * 2 + ["train_error"] * 2, mean=[0.5, 0.3, 0.4, 0.1]
    )
    seeds = pa.table({"epoch": [1, 10], "seed": [0, 0], "measure": ["test_error"] * 2, "value": [0.52, 0.31]})
    places = pa.table({"epoch": [1] * marks, "mean": [0.5] * marks, "label": ["1"] * marks, "above": [True] * marks})
    return along_epochs.one(means, seeds, places, axes).specification()


def test_one_network_has_test_solid_and_train_dashed_in_one_hue_and_a_band_only_with_intervals(
    axes, english, with_interval
):
    drawn = one_network(axes, with_interval)
    assert marks_of(drawn).count("area") == with_interval
    lines = [layer for layer in drawn["layer"] if layer["mark"]["type"] == "line"]
    assert len({layer["mark"]["color"] for layer in lines}) == 1
    assert lines[1]["encoding"]["strokeDash"]["scale"]["range"] == [[1, 0], [5, 3]]
    assert drawn["datasets"]["seeds"]["value"].to_pylist() == pytest.approx([0.52, 0.31])


def test_places_are_marked_only_where_there_are_any(axes, english):
    assert "marks" in json.dumps(one_network(axes, True)["layer"])
    assert "marks" not in json.dumps(one_network(axes, True, marks=0)["layer"])


def test_several_networks_share_one_axis_and_have_a_colour_and_a_shape_each(axes, english, with_interval):
    means = curve(
        with_interval,
        width=[2, 2, 64, 64],
        epoch=[1, 1, 1, 1],
        measure=["memorized", "test_error"] * 2,
        mean=[0.1, 0.9, 0.8, 0.2],
    )
    titles = {"memorized": "Wrong", "test_error": "Test"}
    drawn = along_epochs.several(means, {2: "two", 64: "many"}, titles, axes).specification()
    assert [view["title"]["text"] for view in drawn["vconcat"]] == ["Wrong", "Test"]
    assert all(marks_of(view).count("area") == with_interval for view in drawn["vconcat"])
    axes_of_x = [view["layer"][-1]["encoding"]["x"]["scale"] for view in drawn["vconcat"]]
    assert axes_of_x[0] == axes_of_x[1]
    point = drawn["vconcat"][0]["layer"][-1]["encoding"]
    assert point["color"]["scale"]["domain"] == point["shape"]["scale"]["domain"] == ["two", "many"]


def test_a_clock_is_labelled_at_a_few_powers_of_ten(axes, english):
    axis = along_epochs.log_clock([1, 10**9], axes).to_dict()["axis"]
    assert axis["values"][0] == 1
    assert len(axis["values"]) <= along_epochs.MOST_TICKS
    assert all(value == 10 ** round(len(str(value)) - 1) for value in axis["values"])


@pytest.mark.parametrize("worse", [[], [8]])
def test_only_widths_where_more_data_is_worse_are_shaded(axes, english, worse):
    curves = curve(True, width=[2, 8, 2, 8], n_train=[250, 250, 500, 500], mean=[0.4, 0.2, 0.3, 0.25])
    drawn = doubling.draw(curves, worse, {250: "few", 500: "many"}, 0.5, axes).specification()
    if not worse:
        assert "worse" not in drawn["datasets"]
        return
    bars = drawn["datasets"]["worse"].to_pylist()
    assert [row["width"] for row in bars] == [8]
    assert (bars[0]["mean"], bars[0]["end"]) == pytest.approx((0.2, 0.25))
    assert drawn["layer"][1]["mark"]["type"] == "rule"
    curves, *shading = drawn["layer"]
    assert {layer["data"]["name"] for layer in curves["layer"]} == {"rows"}
    assert [layer["data"]["name"] for layer in shading] == ["worse", "worse"]


def test_theory_and_networks_stand_side_by_side_with_a_line_at_one(english, with_interval):
    rows = curve(
        with_interval,
        study=["random_features", "mnist_mlp"], noise=[0.2, 0.0], width=[100, 64], n_params=[1000, 50890], ratio=[1.0, 10.2],
        mean=[0.8, 0.1],
    )  # fmt: skip
    words = {"random_features": "theory", "mnist_mlp": "network"}
    drawn = per_label.draw(rows, words, {0.2: "noisy", 0.0: "clean"}).specification()
    assert drawn["datasets"]["one"]["ratio"].to_pylist() == [1.0]
    assert [view["title"]["text"] for view in drawn["vconcat"]] == ["noisy", "clean"]
    assert all(
        marks_of(view)[0] == "rule" and marks_of(view).count("area") == with_interval for view in drawn["vconcat"]
    )
    low, high = drawn["vconcat"][0]["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low < 1 < high


def test_what_a_width_fits_points_beyond_the_numbers_tried_and_a_peak_that_is_not_clear_is_dashed(axes, english):
    widths = [
        {"width": 2, "images": None, "fewest": 0, "most": 100},
        {"width": 8, "images": 100, "fewest": 100, "most": 100},
        {"width": 64, "images": 200, "fewest": 100, "most": 200},
    ]
    peaks = [
        {"n_train": 100, "peak": 8, "low": 8.0, "high": 16.0, "clear": True},
        {"n_train": 200, "peak": 64, "low": None, "high": None, "clear": False},
        {"n_train": 400, "peak": None, "low": None, "high": None, "clear": False},
    ]
    drawn = complexity.draw(widths, peaks, [100, 200], axes).specification()
    rows = drawn["datasets"]["widths"].to_pylist()
    assert [row["kind"] for row in rows] == ["none", "images fitted", "all that were tried"]
    assert rows[0]["at"] == rows[0]["low"] == pytest.approx(100 / 2**0.5) and rows[0]["high"] == 100
    assert drawn["datasets"]["peaks"]["n_train"].to_pylist() == [100, 200], "what has no peak is not drawn"
    encoding = drawn["layer"][-1]["encoding"]
    looks = {name: dict(zip(encoding[name]["scale"]["domain"], map(str, encoding[name]["scale"]["range"]), strict=True)) for name in ("fill", "shape", "strokeDash")}  # fmt: skip
    assert looks["fill"]["unclear peak"] == looks["fill"]["test error peak"] == "transparent", (
        "the width under it is seen"
    )
    assert looks["strokeDash"]["unclear peak"] != looks["strokeDash"]["test error peak"]
    assert (looks["shape"]["none"], looks["shape"]["all that were tried"]) == ("triangle-down", "triangle-up")
    bars = [layer["transform"][0]["filter"] for layer in drawn["layer"] if layer["mark"]["type"] == "rule"]
    assert bars == ["datum.low < datum.high", "isValid(datum.low)"]


def test_the_key_has_only_what_is_drawn(axes, english):
    widths = [{"width": 8, "images": 100, "fewest": 100, "most": 100}]
    drawn = complexity.draw(widths, [], [100, 200], axes).specification()
    assert drawn["layer"][-1]["encoding"]["shape"]["scale"]["domain"] == ["images fitted"]
