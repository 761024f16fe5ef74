import json

import pyarrow as pa
import pytest

from explorer.charts import linked_map, slices
from explorer.charts.linked_map import View


@pytest.fixture
def drawn(cells_of, axes, threshold, ridge, english):
    """Draws the map and returns its specification and its tables."""

    def draw(*, start=(8, 40), limits=(0.0, 0.5), level=0.05, cells=None, notes=(), **view):
        view = View(**view)
        names = {"gap": ("gap",), "loss": ("test_loss", "train_loss")}.get(view.measure, ("test_error", "train_error"))
        cells = cells_of(*names) if cells is None else cells
        picture = linked_map.draw(cells, axes, view, limits, start, level, threshold, ridge, notes)
        specification = picture.specification()
        return {name: part for name, part in specification.items() if name != "datasets"}, picture.tables

    return draw


def layers(specification):
    """Every layer that draws marks, flat."""
    if "mark" in specification:
        yield specification
    for key in ("vconcat", "layer"):
        for part in specification.get(key, []):
            yield from layers(part)


def heatmap(specification):
    return specification["vconcat"][0]["layer"][0]


def test_every_cell_carries_the_numbers_of_the_table_it_was_drawn_from(drawn, cells_of):
    source = cells_of("test_error", "train_error")
    _, tables = drawn(cells=source)
    assert tables["cells"]["a"].to_pylist() == source["test_error"].to_pylist()
    assert tables["cells"]["b"].to_pylist() == source["train_error"].to_pylist()
    assert tables["cells"]["al"].to_pylist() == source["test_error_low"].to_pylist()
    assert tables["cells"]["b2"].to_pylist() == source["train_error_seed_2"].to_pylist()


def test_the_axes_are_ordinal_in_the_sampled_values_with_the_first_epoch_at_the_bottom(drawn):
    specification, _ = drawn()
    x, y = heatmap(specification)["encoding"]["x"], heatmap(specification)["encoding"]["y"]
    assert (x["type"], x["scale"]["domain"]) == ("ordinal", [0, 1, 2])
    assert (y["type"], y["scale"]["domain"]) == ("ordinal", [3, 2, 1, 0])
    assert "['2', '1.6k'], ['8', '6.37k'], ['64', '50.9k']" in x["axis"]["labelExpr"]


def test_errors_are_viridis_with_yellow_high_and_the_clamp_is_said(drawn):
    specification, _ = drawn()
    colour = heatmap(specification)["encoding"]["color"]
    assert colour["scale"] == {"domain": [0.0, 0.5], "scheme": "viridis", "clamp": True}
    assert "50% and more in one colour" in colour["legend"]["title"]


def test_the_gap_is_blue_to_orange_with_white_at_zero(drawn):
    specification, _ = drawn(measure="gap", limits=(-0.4, 0.4))
    scale = heatmap(specification)["encoding"]["color"]["scale"]
    assert scale["domain"] == [-0.4, 0, 0.4]
    assert scale["range"] == ["#2166ac", "#f7f7f7", "#e08214"]


def test_the_specification_is_the_same_for_every_table_so_that_new_rows_keep_the_chart(drawn, cells_of):
    cells = cells_of("test_error", "train_error")
    place = cells.column_names.index("test_error")
    one, before = drawn(cells=cells)
    other, after = drawn(cells=cells.set_column(place, "test_error", [cells["train_error"]]))
    assert before["cells"]["a"] != after["cells"]["a"]
    assert json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def test_the_picked_cell_starts_where_it_is_asked_to_and_has_a_way_in_for_the_keyboard(drawn):
    specification, _ = drawn(start=(64, 10))
    [cell] = specification["vconcat"][0]["layer"][0]["params"]
    assert cell["name"] == "cell"
    assert cell["value"] == [{"w": 2, "e": 2}]
    assert cell["bind"]["e"] == {"input": "range", "min": 0, "max": 3, "step": 1, "name": "Epoch, place in the list "}
    assert cell["select"]["on"] == "click"
    assert cell["select"]["clear"] is False


def test_the_marker_is_white_around_black(drawn):
    specification, tables = drawn()
    strokes = [
        (layer["mark"]["stroke"], layer["mark"]["strokeWidth"]) for layer in layers(specification["vconcat"][0])
        if layer["mark"].get("fillOpacity") == 0
    ]  # fmt: skip
    assert strokes == [("white", 5), ("black", 2)]
    assert tables["marker"].num_rows == 1


def test_the_slices_keep_their_range_and_draw_test_solid_and_train_dashed_in_one_hue(drawn):
    specification, _ = drawn()
    row = specification["vconcat"][1]
    means = [layer for layer in layers(row) if layer["mark"]["type"] == "line" and layer["mark"]["strokeWidth"] == 2.2]
    assert [layer["mark"]["strokeDash"] for layer in means] == [[1, 0], [5, 3]]
    assert len({layer["mark"]["color"] for layer in means}) == 1
    scales = [layer["encoding"]["y"]["scale"]["domain"] for layer in layers(specification["vconcat"][1])
              if layer["encoding"].get("y", {}).get("field")]  # fmt: skip
    scales += [layer["encoding"]["y"]["scale"]["domain"] for layer in layers(specification["vconcat"][2])
               if layer["encoding"].get("y", {}).get("field")]  # fmt: skip
    assert scales
    assert all(domain == [0.0, 0.5] for domain in scales)


def test_the_band_names_its_kind_and_n_and_is_absent_with_two_seeds(drawn, cells_of):
    with_band, _ = drawn()
    without, _ = drawn(cells=cells_of("test_error", "train_error", seeds=2))

    def areas(specification):
        return [layer for layer in layers(specification) if layer["mark"]["type"] == "area"]

    assert len(areas(with_band)) == 4  # test and train, in the row and in the column
    assert areas(without) == []
    assert with_band["vconcat"][1]["title"]["subtitle"][0] == "Thin: single seeds. Band: 95% t interval, n = 3 seeds."
    assert "n = 2. No band" in without["vconcat"][1]["title"]["subtitle"][0]


def test_every_seed_has_its_line(drawn):
    specification, _ = drawn()
    folds = [
        transform["fold"]
        for layer in layers(specification)
        for transform in layer.get("transform", [])
        if "fold" in transform
    ]
    assert folds.count(["a0", "a1", "a2"]) == 2
    assert folds.count(["b0", "b1", "b2"]) == 2


def test_the_reading_decides_which_slice_comes_first(drawn):
    def first(reading):
        specification, _ = drawn(reading=reading)
        return specification["vconcat"][1]["title"]["text"]["expr"]

    assert first("across").startswith("'Across")
    assert first("up").startswith("'Up")


def test_log_and_linear_axes_are_the_readers(drawn):
    specification, _ = drawn(x_scale="log", y_scale="log")
    line = next(layer for layer in layers(specification["vconcat"][1]) if layer["mark"].get("strokeWidth") == 2.2)
    assert line["encoding"]["x"]["scale"]["type"] == "log"
    assert line["encoding"]["y"]["scale"]["type"] == "symlog"
    assert line["encoding"]["x"]["field"] == "width"


def ordinates(specification) -> list[dict]:
    """The scales of the slices' ordinate, of all that is drawn there."""
    drawn = [layer["encoding"].get("y", {}) for part in specification["vconcat"][1:] for layer in layers(part)]
    return [y["scale"] for y in drawn if "field" in y]


def under_the_titles(specification) -> list[str]:
    row, column = (part["title"]["subtitle"] for part in specification["vconcat"][1:])
    assert row == column
    return row[1:]


@pytest.mark.parametrize(
    "measure, high, under, words",
    [("test", 0.94, 0.001, "0.1%"), ("train", 0.94, 0.001, "0.1%"), ("loss", 110.0, 0.0001, "0.0001")],
)
def test_a_logarithmic_axis_moves_no_value_and_has_a_place_for_zero(drawn, measure, high, under, words):
    specification, _ = drawn(measure=measure, y_scale="log", limits=(0.0, high))
    scales = ordinates(specification)
    assert scales
    assert all(s == {"type": "symlog", "constant": under, "domain": [0.0, high]} for s in scales)
    assert under_the_titles(specification) == [f"Log axis; linear below {words}, so that 0 has a place."]
    ticks = next(
        layer["encoding"]["y"]["axis"]["values"]
        for layer in layers(specification["vconcat"][1])
        if "values" in str(layer)
    )
    assert (ticks[0], ticks[1]) == (0.0, under)
    assert high / 10 < ticks[-1] <= high


@pytest.mark.parametrize(
    "view, limits, said",
    [
        ({}, (0.0, 0.45), ["Values above 45% (up to 61%) are in the table only."]),
        ({}, (0.0, 0.61), []),
        ({"measure": "gap"}, (-0.5, 0.5), ["Values beyond ±50% (up to 61% away from 0) are in the table only."]),
        ({"measure": "loss"}, (0.0, 0.5), ["Values above 0.5 (up to 0.61) are in the table only."]),
    ],
)
def test_the_slices_say_which_values_leave_them(drawn, view, limits, said):
    specification, _ = drawn(limits=limits, **view)
    assert under_the_titles(specification) == said


def greys(specification):
    return [layer for layer in layers(specification["vconcat"][0]) if layer["mark"].get("color") == "#b9bdc4"]


def test_cells_without_a_value_are_grey_with_a_sign_in_every_region(drawn, cells_of):
    whole, plain = drawn()
    missing = {(2, 1): "not run", (2, 10): "not run", (64, 10): "diverged", (64, 40): "diverged", (8, 3): "failed"}
    holed, tables = drawn(cells=cells_of("test_error", "train_error", missing=missing))
    assert (len(greys(whole)), len(greys(holed))) == (0, 1)
    assert "signs" not in plain
    assert sorted(set(tables["cells"]["state"].to_pylist())) == ["diverged", "failed", "not run", "value"]
    assert heatmap(holed)["transform"] == [{"filter": "datum.state === 'value'"}]
    signs = [(row["w"], row["e"], row["sign"]) for row in tables["signs"].to_pylist()]
    assert signs == [(0, 0, "–"), (0, 2, "–"), (1, 1, "–"), (2, 2, "×")]
    assert [
        layer["encoding"]["text"]["field"] for layer in layers(holed) if layer.get("data") == {"name": "signs"}
    ] == ["sign"] * 2


def test_a_mean_that_leaves_out_a_diverged_run_has_a_sign_on_its_colour(drawn, cells_of):
    specification, tables = drawn(cells=cells_of("test_error", "train_error", lost={8: 1}))
    assert greys(specification) == []
    assert [(row["w"], row["e"], row["sign"]) for row in tables["signs"].to_pylist()] == [(1, 0, "×")]
    assert "Diverged runs" in [line["title"] for line in heatmap(specification)["encoding"]["tooltip"]]


def test_a_text_becomes_an_expression_with_its_quotes_escaped():
    assert slices.expression("it's \0at\0", at="at_e").to_dict() == {"expr": "'it\\'s ' + at_e"}


@pytest.mark.parametrize(
    "n, text", [(805, "805"), (1600, "1.6k"), (11935, "11.9k"), (814090, "814k"), (2796202, "2.8M")]
)
def test_parameter_counts_are_short(n, text):
    from explorer.charts.style import short_number

    assert short_number(n) == text


def test_the_picture_fits_its_place_and_says_so(drawn):
    specification, _ = drawn()
    assert specification["autosize"] == {"type": "fit-x", "contains": "padding"}
    assert specification["usermeta"]["embedOptions"]["renderer"] == "canvas"


def test_the_axes_are_named_after_the_study_and_long_times_are_powers_of_ten(cells_of, axes, threshold, ridge, english):
    times = [1, 10_000, 300_000_000, 1_000_000_000]
    other = axes._replace(epochs=times, x="features", unit="features", clock="time", loss="squared_error")
    source = cells_of("test_loss", "train_loss")
    later = [times[axes.epochs.index(epoch)] for epoch in source["epoch"].to_pylist()]
    source = source.rename_columns(["features" if name == "width" else name for name in source.column_names])
    source = source.drop_columns("epoch").append_column("time", pa.array(later, pa.int32()))
    picture = linked_map.draw(
        source, other, View(measure="loss"), (0.0, 2.0), (8, times[-1]), 0.05, threshold.slice(0, 0), ridge.slice(0, 0)
    )
    specification = picture.specification()
    assert picture.tables["cells"]["epoch"].to_pylist() == later
    encoding = heatmap(specification)["encoding"]
    assert "Random features" in encoding["x"]["axis"]["title"]
    assert encoding["y"]["axis"]["title"] == "Time of gradient flow"
    assert "['1', '10,000', '3.0·10⁸', '10⁹']" in encoding["y"]["axis"]["labelExpr"]
    assert "Squared error" in encoding["color"]["legend"]["title"]
    assert "time " in specification["vconcat"][1]["title"]["text"]["expr"]
    assert " features" in specification["vconcat"][2]["title"]["text"]["expr"]
