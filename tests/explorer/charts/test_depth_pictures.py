"""The pictures of the page on depth: what tells failing to train from overfitting, and what failures look like."""

import itertools

import pyarrow as pa
import pytest

from explorer.charts import against_depth, along_layers, depth_rate_map, forest, layer_map, style

pytestmark = pytest.mark.usefixtures("english")


def dot(depth, architecture, train, test, seed=0):
    named = {"depth": depth, "architecture": architecture, "train": train, "test": test}
    return named | {"seed": seed, "href": f"runs?depth={depth}"}


def mean(depth, architecture, part, value, spread=0.01):
    ends = {"low": None, "high": None} if spread is None else {"low": value - spread, "high": value + spread}
    return {"depth": depth, "architecture": architecture, "part": part, "mean": value, "n": 3} | ends


def failed(depth, architecture, failed, n=3):
    return {"depth": depth, "architecture": architecture, "failed": failed, "n": n, "href": "runs"}


def overfitting(depth: int) -> tuple[list, list, list]:
    """Every seed fits the training set and errs on the test set."""
    dots = [dot(depth, "plain", 0.01, 0.4, seed) for seed in range(3)]
    return dots, [mean(depth, "plain", "train", 0.01), mean(depth, "plain", "test", 0.4)], [failed(depth, "plain", 0)]


def degrading(depth: int) -> tuple[list, list, list]:
    """Training and test error are both high: the same test error as `overfitting`."""
    dots = [dot(depth, "plain", 0.38, 0.4, seed) for seed in range(3)]
    return dots, [mean(depth, "plain", "train", 0.38), mean(depth, "plain", "test", 0.4)], [failed(depth, "plain", 0)]


def failing(depth: int) -> tuple[list, list, list]:
    return [], [], [failed(depth, "plain", 3)]


def drawn(*networks, notes=(), scale="linear"):
    dots, means, failures = (list(itertools.chain(*parts)) for parts in zip(*networks, strict=True))
    return against_depth.draw(dots, means, failures, list(notes), scale).specification()


def rows(specification, table):
    return specification["datasets"][table].to_pylist()


def test_overfitting_degrading_and_failing_to_train_are_three_pictures():
    """On the test error alone the first two would be one, and the third nothing."""
    seen = {}
    for name, network in (("over", overfitting), ("worse", degrading), ("fails", failing)):
        picture = drawn(network(32))
        errors = {(row["part"], round(row["error"], 2)) for row in rows(picture, "dots")}
        seen[name] = (errors, [row["label"] for row in rows(picture, "failures")])
    assert seen["over"] == ({("test", 0.4), ("train", 0.01)}, ["0/3"])
    assert seen["worse"] == ({("test", 0.4), ("train", 0.38)}, ["0/3"])
    assert seen["fails"] == (set(), ["✕ 3/3"])


def test_train_is_dashed_test_solid_and_both_share_the_hue_of_their_network():
    errors = drawn(overfitting(8))["vconcat"][0]
    line = next(layer for layer in errors["layer"] if layer["mark"]["type"] == "line")["encoding"]
    words, colours = line["color"]["scale"]["domain"], line["color"]["scale"]["range"]
    dashes = dict(zip(words, line["strokeDash"]["scale"]["range"], strict=True))
    hue = dict(zip(words, colours, strict=True))
    for kind in ("plain", "residual"):
        assert hue[f"{kind}, train error"] == hue[f"{kind}, test error"] == style.ARCHITECTURES[kind]
        assert dashes[f"{kind}, train error"] == style.DASH and dashes[f"{kind}, test error"] == [1, 0]


def test_a_line_breaks_where_a_network_has_no_mean():
    picture = drawn(overfitting(8), failing(16), overfitting(32))
    line = [row["mean"] for row in rows(picture, "means") if row["series"] == "plain, test error"]
    assert line == [pytest.approx(0.4), None, pytest.approx(0.4)]
    assert {row["depth"] for row in rows(picture, "dots")} == {8, 32}


def test_a_band_is_drawn_only_with_intervals():
    dots, means, failures = overfitting(8)
    bare = [row | {"low": None, "high": None} for row in means]
    kinds = lambda picture: [layer["mark"]["type"] for layer in picture["vconcat"][0]["layer"]]
    assert "area" in kinds(drawn((dots, means, failures))) and "area" not in kinds(drawn((dots, bare, failures)))


def test_a_band_breaks_where_there_is_no_interval():
    """A row without ends has to reach the area: one that is filtered away is reached over."""
    picture = drawn(overfitting(8), failing(16), overfitting(32))
    (band,) = [layer for layer in picture["vconcat"][0]["layer"] if layer["mark"]["type"] == "area"]
    assert "transform" not in band
    low = [row["low"] for row in rows(picture, "means") if row["series"] == "plain, test error"]
    assert low == [pytest.approx(0.39), None, pytest.approx(0.39)]


def test_every_dot_and_every_count_leads_to_its_runs():
    picture = drawn(overfitting(8), failing(16))
    errors, counts = picture["vconcat"]
    assert any(layer["encoding"].get("href") for layer in errors["layer"])
    assert all(layer["encoding"]["href"]["field"] == "href" for layer in counts["layer"])
    assert all(row["href"].startswith("runs") for table in ("dots", "failures") for row in rows(picture, table))


def test_a_note_keeps_off_the_lines():
    note = {"depth": 8, "error": 0.4, "text": "here"}
    (placed,) = rows(drawn(overfitting(8), notes=[note]), "notes")
    assert abs(placed["error"] - 0.4) > 0.02 and abs(placed["error"] - 0.4) < 0.1


def test_an_error_of_zero_has_a_place_on_the_logarithmic_axis():
    dots, means, failures = overfitting(8)
    picture = drawn(([row | {"train": 0.0} for row in dots], means, failures), scale="log")
    scales = [
        layer["encoding"]["y"]["scale"]
        for layer in picture["vconcat"][0]["layer"]
        if "scale" in layer["encoding"].get("y", {})
    ]
    assert {scale["type"] for scale in scales} == {"symlog"} and all(scale["domain"][0] == 0 for scale in scales)


def cell(depth=2, lr=0.5, **changes):
    named = {"depth": depth, "lr": lr, "runs": 3, "trained": 3, "untrained": 0, "diverged": 0, "chosen": False}
    return named | {"val_error": 0.1, "href": "runs"} | changes


def test_a_cell_with_a_failure_has_no_colour_and_says_what_its_seeds_did():
    lost = cell(lr=0.125, trained=0, diverged=2, untrained=1, val_error=None, chosen=True)
    picture = depth_rate_map.draw([cell(), lost], [2], [0.125, 0.5], 0.3).specification()
    coloured = [layer for layer in picture["layer"] if "color" in layer["encoding"]]
    assert len(coloured) == 1 and "isValid(datum.val_error)" in str(coloured[0]["transform"])
    assert [row["label"] for row in rows(picture, "cells")] == ["", "✕2 –1"]
    assert coloured[0]["encoding"]["color"]["scale"]["domain"] == [0, 0.3]


def test_a_vanished_gradient_is_drawn_unlike_any_value():
    table = pa.table(
        {
            "layer": [1, 2, 3], "epoch": [0, 0, 0], "norm": [0.0, 1e-3, None],
            "log_norm": pa.array([None, -3.0, None], pa.float32()), "state": ["zero", "value", "none"],
        }
    )  # fmt: skip
    picture = layer_map.draw(table, (-3.0, 0.0), [0]).specification()
    coloured, *words = picture["layer"]
    assert coloured["mark"]["type"] == "rect" and "'value'" in str(coloured["transform"])
    assert coloured["encoding"]["color"]["scale"]["domain"] == [-3, 0]
    assert [layer["mark"]["type"] for layer in words] == ["text", "text"]
    assert [layer["encoding"]["text"]["value"] for layer in words] == ["0", "✕"]


def test_a_constant_signal_is_drawn_as_one_and_what_is_missing_breaks_the_line():
    table = pa.table(
        {"architecture": ["plain"] * 3, "seed": [0] * 3, "layer": [1, 2, 3], "sd": pa.array([1.0, None, 1.0])}
    )
    picture = along_layers.signal(table).specification()
    low, high = picture["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert low < 0.7 and high > 1.5, "an axis that enlarged rounding would show a pattern"
    assert [row["sd"] for row in rows(picture, "rows")] == [1, None, 1]


def test_damage_is_in_points_with_a_rule_where_a_stage_begins():
    table = pa.table(
        {
            "architecture": ["plain", "residual"] * 3,
            "seed": [0] * 6,
            "stage": [1, 1, 2, 2, 3, 3],
            "block": [1, 1, 2, 2, 3, 3],
        }
        | {"damage": [0.1, 0.0, 0.2, 0.01, 0.3, -0.005]}
    )
    picture = along_layers.damage(table).specification()
    assert [row["damage"] for row in rows(picture, "rows")] == pytest.approx([10, 0, 20, 1, 30, -0.5])
    assert [row["block"] for row in rows(picture, "edges")] == [1.5, 2.5]


def test_forests_side_by_side_have_one_axis():
    row = {"name": "a", "label": "a", "low": -2.0, "high": 2.0, "estimate": 0.0}
    wide = row | {"name": "b", "low": -20.0}
    domain = lambda picture: picture.specification()["layer"][2]["encoding"]["x"]["scale"]["domain"]
    assert domain(forest.draw([row], "d", beside=[wide])) == domain(forest.draw([wide], "d", beside=[row]))
    assert domain(forest.draw([row], "d")) != domain(forest.draw([wide], "d"))
