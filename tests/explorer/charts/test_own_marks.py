"""The marks of one's own runs: hollow, named, and over the published ones without touching their scales."""

import json

import pyarrow as pa
import pytest

from explorer.charts import against_depth, linked_map, own_marks, style
from explorer.charts.linked_map import View
from explorer.text import of

pytestmark = pytest.mark.usefixtures("english")


def encodings(part) -> list[dict]:
    found = [part] if "mark" in part else []
    for key in ("layer", "vconcat", "hconcat"):
        for inner in part.get(key, []):
            found += encodings(inner)
    return found


def test_a_hollow_mark_is_named_in_the_legend_by_a_channel_that_nothing_else_uses():
    mark = own_marks.hollow(style.named("own")).to_dict(validate=False)
    assert mark["mark"]["filled"] is False
    assert set(mark["encoding"]) == {"opacity"}
    assert mark["encoding"]["opacity"]["scale"]["domain"] == [of("en", "site.own.mark")]
    assert (
        own_marks.hollow(style.named("own"), named=False).to_dict(validate=False)["encoding"]["opacity"]["legend"]
        is None
    )


def test_ones_own_runs_of_the_depth_picture_are_within_its_axis_and_those_without_an_error_are_not_drawn():
    dots = [{"depth": d, "architecture": "plain", "train": 0.1, "test": 0.2, "seed": 0, "href": "runs"} for d in (2, 8)]
    failures = [{"depth": d, "architecture": "plain", "failed": 0, "n": 1, "href": "runs"} for d in (2, 8)]
    own = [
        {
            "depth": d,
            "architecture": "plain",
            "part": "test",
            "error": error,
            "difference": 1.0,
            "seed": 0,
            "href": "runs",
        }
        for d, error in ((2, 0.6), (8, None))
    ]
    picture = against_depth.draw(dots, [], failures, [], "linear", own)
    assert picture.tables["own"]["error"].to_pylist() == [pytest.approx(0.6)]
    (scale,) = {
        json.dumps(each["encoding"]["y"]["scale"])
        for each in encodings(picture.specification())
        if each["encoding"].get("y", {}).get("field") == "error" and "scale" in each["encoding"]["y"]
    }
    assert json.loads(scale)["domain"][1] >= 0.6


def with_own(cells: pa.Table, widths: dict[int, int]) -> pa.Table:
    """Cells with one own seed at some widths, up to an epoch, one point above the published mean."""
    rows = cells.to_pylist()
    for name in ("test_error", "train_error"):
        values = [row[name] + 0.01 if row["epoch"] <= widths.get(row["width"], 0) else None for row in rows]
        cells = cells.append_column(f"own_{name}_seed_1", pa.array(values, pa.float32()))
    return cells


def drawn(cells, axes, threshold, ridge, screen=None):
    return linked_map.draw(cells, axes, View(), (0.0, 0.5), (8, 40), 0.05, threshold, ridge, screen=screen)


@pytest.mark.parametrize(
    ("widths", "blocks"),
    [
        ({2: 40, 8: 40, 64: 40}, [(0, 2, 0, 3)]),
        ({2: 40, 64: 40}, [(0, 0, 0, 3), (2, 2, 0, 3)]),
        ({2: 3, 8: 40}, [(0, 0, 0, 1), (1, 1, 0, 3)]),
    ],
)
def test_the_map_outlines_what_ones_own_results_have_in_one_piece(cells_of, axes, threshold, ridge, widths, blocks):
    picture = drawn(with_own(cells_of("test_error", "train_error"), widths), axes, threshold, ridge)
    rows = picture.tables["own"].to_pylist()
    assert [(row["w"], row["w_end"], row["e"], row["e_end"]) for row in rows] == blocks


def test_ones_own_runs_are_columns_of_the_cells_so_that_a_pick_filters_them_with_the_rest(
    cells_of, axes, threshold, ridge
):
    plain = drawn(cells_of("test_error", "train_error"), axes, threshold, ridge)
    picture = drawn(with_own(cells_of("test_error", "train_error"), {8: 40}), axes, threshold, ridge)
    assert picture.tables["cells"].num_rows == plain.tables["cells"].num_rows
    assert {"oa_1", "ob_1"} <= set(picture.tables["cells"].column_names)
    marks = [each for each in encodings(picture.specification()) if "opacity" in each["encoding"]]
    assert len(marks) == 4 and not [each for each in encodings(plain.specification()) if "opacity" in each["encoding"]]
    assert all("indexof([0, 1, 2], datum.seed)" in json.dumps(mark["transform"]) for mark in marks)


def test_before_an_audience_the_slices_stand_beside_the_map_within_the_screen(cells_of, axes, threshold, ridge):
    specification = drawn(cells_of("test_error", "train_error"), axes, threshold, ridge, (1224, 560)).specification()
    whole, beside = specification["hconcat"]
    assert whole["width"] + beside["vconcat"][0]["width"] < 1224
    assert whole["height"] < 560 and sum(part["height"] for part in beside["vconcat"]) < 560
    assert "autosize" not in specification  # sizes are stated: nothing would fit them
