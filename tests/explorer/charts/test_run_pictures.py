"""The pictures of one run and the forest of claims: what is drawn for what, and what is never drawn."""

import pyarrow as pa
import pytest

from explorer.charts import claim_forest, run_curves, run_parts
from explorer.claim_bounds import Region

KINDS = {"test_error": "test", "train_error": "train"}
WORDS = {"x_title": "Epoch", "y_title": "error (%)", "legend": "measured on"}
ABOVE_ZERO = Region(0, None)
STATES = {"holds": "part holds", "fails": "part does not hold"}


def curves(*test_error: float | None) -> pa.Table:
    epochs = list(range(1, len(test_error) + 1))
    return pa.table(
        {"epoch": epochs, "test_error": pa.array(test_error, pa.float64()), "train_error": [0.5] * len(epochs)}
    )


def part(name: str, estimate=1.0, low=0.5, high=1.5, region=ABOVE_ZERO, holds=True) -> dict:
    return {
        "name": name,
        "label": name,
        "estimate": estimate,
        "low": low,
        "high": high,
        "region": region,
        "holds": holds,
    } | {f"own_{end}": None for end in ("estimate", "low", "high")}


def drawn(rows: list[dict], unit: str = "points", stretched: bool = False) -> tuple[dict, list[dict]]:
    picture = claim_forest.draw(rows, unit, axis_title=unit, states=STATES, stretched=stretched)
    return picture.specification(), picture.tables["parts"].to_pylist()


def test_a_curve_that_breaks_off_has_no_value_after_its_end():
    table = run_curves._long(curves(0.9, 0.5, None), KINDS, "epoch", 100, False)
    values = [row["value"] for row in table.to_pylist() if row["kind"] == "test"]
    assert values == [pytest.approx(90), pytest.approx(50), None]


def test_a_loss_of_zero_is_left_off_a_logarithmic_axis():
    table = run_curves._long(curves(0.9, 0.0), {"test_error": "test"}, "epoch", 1, True)
    assert len(table) == 1


def test_ones_own_curve_is_hollow_and_has_no_line():
    chart = run_curves.run_curves(curves(0.9, 0.5), KINDS, own=curves(0.8, 0.4), **WORDS).specification()
    marks = [layer["mark"] for layer in chart["layer"]]
    assert [mark["type"] for mark in marks] == ["line", "point", "point"]
    assert [mark.get("filled") for mark in marks[1:]] == [True, False]


def test_other_seeds_and_their_band_lie_behind_the_curve_on_its_scale():
    others = pa.table({"seed": [1, 1, 2, 2], "epoch": [1, 2, 1, 2], "test_error": [0.8, 0.4, 0.7, 0.3]})
    band = pa.table({"epoch": [1, 2], "low": [0.6, 0.2], "high": [1.0, 0.6]})
    picture = run_curves.run_curves(curves(0.9, 0.5), KINDS, factor=100, others=others, band=band, **WORDS)
    layers = picture.specification()["layer"]
    assert [layer["mark"]["type"] for layer in layers] == ["area", "line", "line", "point"]
    assert layers[1]["encoding"]["detail"]["field"] == "seed"
    assert picture.tables["others"]["value"].to_pylist() == pytest.approx([80, 40, 70, 30])
    assert picture.tables["band"]["high"].to_pylist() == pytest.approx([100, 60])


def test_targets_lie_over_the_curve_and_one_that_was_missed_has_no_diamond():
    table = pa.table({"step": [10, 100], "val_error": [0.5, 0.1]})
    titles = {"x_title": "Step", "y_title": "error"}
    chart = run_curves.run_curves(table, {"val_error": "validation"}, x="step", factor=100, legend="", **titles)
    targets = pa.table({"target": [0.3, 0.05], "step": pa.array([60, None], pa.int32())})
    whole = run_curves.with_targets(chart, targets, **titles).specification()
    rules, curve, diamonds = whole["layer"]
    assert rules["mark"]["type"] == "rule" and "line" in [layer["mark"]["type"] for layer in curve["layer"]]
    assert [row["value"] for row in whole["datasets"][rules["data"]["name"]].to_pylist()] == pytest.approx([30, 5])
    assert diamonds["mark"]["shape"] == "diamond" and diamonds["transform"] == [{"filter": "isValid(datum.step)"}]
    assert {name: diamonds["encoding"][name]["field"] for name in "xy"} == {"x": "step", "y": "value"}
    valid = [row for row in whole["datasets"][diamonds["data"]["name"]].to_pylist() if row["step"] is not None]
    assert [(row["step"], row["value"]) for row in valid] == [(60, pytest.approx(30))]


def test_a_gradient_of_zero_is_a_cross_and_what_was_not_measured_is_blank():
    table = pa.table(
        {"epoch": [0, 0, 0], "layer": [1, 2, 3], "gradient_norm": pa.array([0.1, 0.0, None], pa.float32())}
    )
    chart = run_parts.layer_map(table, "gradient_norm", layer="layer", epoch="epoch", title="norm").specification()
    assert [layer["transform"][0]["filter"] for layer in chart["layer"]] == ["datum.value > 0", "datum.value <= 0"]
    assert chart["layer"][1]["mark"]["shape"] == "cross"
    assert chart["layer"][0]["encoding"]["color"]["scale"]["type"] == "log"
    [data] = chart["datasets"].values()
    assert data["layer"].to_pylist() == [1, 2]


def test_the_mean_before_the_activation_is_coloured_around_zero():
    table = pa.table({"epoch": [0, 0], "layer": [1, 2], "preactivation_mean": [-0.5, 0.2]})
    chart = run_parts.layer_map(table, "preactivation_mean", layer="layer", epoch="epoch", title="mean").specification()
    assert chart["layer"][0]["encoding"]["color"]["scale"]["domain"] == [-0.5, 0, 0.5]


def test_a_stem_starts_at_the_error_of_the_whole_network():
    table = pa.table({"name": ["1", "2"], "test_error": [0.4, 0.9]})
    chart = run_parts.damage(table, 0.3, x_title="block", y_title="error").specification()
    values = [row for rows in chart["datasets"].values() for row in rows.to_pylist() if "whole" in row]
    assert [row["whole"] for row in values] == pytest.approx([30] * len(values), rel=1e-5)
    assert [row["value"] for row in values][:2] == pytest.approx([40, 90], rel=1e-5)


def test_a_region_without_an_end_reaches_to_the_end_of_the_axis():
    specification, rows = drawn([part("G1", region=Region(3, None)), part("G3", region=Region(None, 1))])
    low, high = specification["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert (rows[0]["from"], rows[0]["to"]) == (3, pytest.approx(high, rel=1e-5))
    assert (rows[1]["from"], rows[1]["to"]) == (pytest.approx(low, rel=1e-5), 1)
    assert low < 0 and high > 3  # the bounds lie on the axis even where no estimate does


def test_a_part_without_a_value_has_a_row_and_no_mark():
    specification, rows = drawn([part("G2", None, None, None, holds=False), part("G1")])
    assert rows[0]["estimate"] is None and rows[0]["label"] == "G2"
    filters = [layer.get("transform", [{}])[0].get("filter") for layer in specification["layer"]]
    assert "isValid(datum.low)" in filters


def test_a_rule_that_is_not_known_has_no_ground():
    _, rows = drawn([part("G1", region=None)])
    assert rows[0]["from"] is None and rows[0]["to"] is None


def test_ratios_lie_on_a_logarithmic_axis_without_a_zero_line():
    specification, _ = drawn([part("B5", 0.7, 0.08, 6, Region(0.1, 10))], "ratio")
    scale = specification["layer"][0]["encoding"]["x"]["scale"]
    assert scale["type"] == "log" and scale["domain"][0] > 0
    assert "zero" not in specification["datasets"]


def test_the_stretched_axis_is_even_near_zero_and_logarithmic_beyond():
    specification, _ = drawn([part("G1", 60, 50, 70)], stretched=True)
    assert specification["layer"][0]["encoding"]["x"]["scale"] == {
        "type": "symlog", "constant": 1, "nice": False, "domain": specification["layer"][0]["encoding"]["x"]["scale"]["domain"]
    }  # fmt: skip


def test_ones_own_estimate_is_hollow_and_takes_part_in_the_axis():
    specification, rows = drawn([part("G1") | {"own_estimate": 20.0, "own_low": 10.0, "own_high": 30.0}])
    assert rows[0]["own_estimate"] == 20 and specification["layer"][0]["encoding"]["x"]["scale"]["domain"][1] > 30
    hollow = [layer["mark"] for layer in specification["layer"] if layer["mark"].get("filled") is False]
    assert len(hollow) == 1
