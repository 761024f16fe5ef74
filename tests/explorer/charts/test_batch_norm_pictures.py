"""The pictures of the page on batch normalization: what is drawn for what, and what is never drawn."""

import json

import pytest

from explorer.charts import along_steps, covariate_shift, error_by_norm, normalizations
from explorer.results.batch_norm import NORMS

pytestmark = pytest.mark.usefixtures("english")


def dot(norm, x, error, seed=0):
    return {"norm": norm, "x": x, "error": error, "seed": seed, "href": "runs?run=1"}


def mean(norm, x, value, spread=0.01):
    ends = {"low": None, "high": None} if spread is None else {"low": value - spread, "high": value + spread}
    return {"norm": norm, "x": x, "mean": value} | ends


def cell(norm, x, good=0, judged=3, diverged=0, runs=3, mean=None):
    return {
        "norm": norm,
        "x": x,
        "good": good,
        "judged": judged,
        "diverged": diverged,
        "runs": runs,
        "mean": mean,
        "href": "runs",
    }


def probed(norm, x, value=1.0, seed=0, **more):
    return {"norm": norm, "x": x, "value": value, "seed": seed, "rate": "1/8", "href": "runs"} | more


def rows(picture, table):
    return picture.specification()["datasets"][table].to_pylist()


def usable(*cells, dots=(), means=(), stars=()):
    return error_by_norm.usable_rates(list(dots), list(means), list(cells), list(stars), "Test error")


def test_every_norm_has_a_look_of_its_own():
    looks = [normalizations.LOOKS[norm] for norm in NORMS]
    assert (
        len({(look.colour, look.shape) for look in looks})
        == len({(look.colour, tuple(look.dash)) for look in looks})
        == 8
    )
    assert len({look.shape for look in looks}) == 8, "a shape tells them apart without colour"
    assert len({look.colour for look in looks}) == 4


def test_a_norm_newer_than_the_texts_is_drawn_and_stands_for_itself():
    picture = usable(cell("weight_norm", 0.1, 3), dots=[dot("weight_norm", 0.1, 0.4)])
    assert rows(picture, "cells")[0]["name"] == "weight norm"


@pytest.mark.parametrize(
    ("given", "label", "state"),
    [
        ({"good": 3}, "3/3", "all"),
        ({"good": 2}, "2/3", "some"),
        ({"good": 0}, "0/3", "none"),
        ({"diverged": 3}, "✕3", "none"),
        ({"good": 1, "diverged": 2}, "1✕2", "some"),
        ({"good": 0, "diverged": 1}, "✕1", "none"),
        ({"judged": 0}, "–", "none"),
    ],
)
def test_a_cell_says_how_many_seeds_train_and_how_many_diverged(given, label, state):
    [row] = rows(usable(cell("none", 0.5, **given)), "cells")
    assert (row["label"], row["state"]) == (label, state)
    assert (row["from"], row["to"]) == (pytest.approx(0.5 / 2**0.5), pytest.approx(0.5 * 2**0.5))


def test_a_line_breaks_where_a_norm_has_no_mean():
    means = [mean("none", 0.125, 0.4), mean("none", 0.5, 0.5), mean("batch", 0.25, 0.3)]
    picture = usable(cell("none", 0.125), means=means, dots=[dot("none", 0.25, 0.4)])
    assert [row["mean"] for row in rows(picture, "means") if row["name"] == "no norm"] == [
        pytest.approx(0.4),
        None,
        pytest.approx(0.5),
    ]


def test_a_band_is_drawn_only_with_intervals():
    def kinds(spread):
        picture = usable(cell("none", 0.5), means=[mean("none", 0.5, 0.4, spread)], dots=[dot("none", 0.5, 0.4)])
        return [layer["mark"]["type"] for layer in picture.specification()["vconcat"][0]["layer"]]

    assert "area" in kinds(0.01) and "area" not in kinds(None)


def test_a_star_stands_over_the_mean_at_a_norms_own_rate():
    star = {"norm": "none", "x": 0.5, "error": 0.4}
    picture = usable(cell("none", 0.5), dots=[dot("none", 0.5, 0.4)], stars=[star])
    assert rows(picture, "stars") == [{"name": "no norm", "x": 0.5, "error": pytest.approx(0.4)}]
    assert "stars" not in usable(cell("none", 0.5), dots=[dot("none", 0.5, 0.4)]).specification()["datasets"]


def test_the_error_axis_begins_near_the_errors():
    picture = usable(cell("none", 0.5), dots=[dot("none", 0.5, 0.42), dot("batch", 0.5, 0.33)])
    scales = [layer["encoding"]["y"]["scale"]["domain"] for layer in picture.specification()["vconcat"][0]["layer"]]
    assert scales[0] == [pytest.approx(0.3), pytest.approx(0.45)] and all(scale == scales[0] for scale in scales)


def test_everything_diverged_is_a_picture_of_crosses():
    picture = usable(cell("none", 1.0, judged=0, diverged=3), cell("none", 2.0, judged=0, diverged=3))
    assert rows(picture, "dots") == [] and [row["label"] for row in rows(picture, "cells")] == ["✕3", "✕3"]


def test_a_cell_of_the_map_without_a_mean_has_no_colour():
    cells = [cell("none", 4, diverged=1), cell("batch", 4, mean=0.412)]
    picture = error_by_norm.over_sizes([dot("batch", 4, 0.41)], [mean("batch", 4, 0.412)], cells, "Test error")
    assert [row["label"] for row in rows(picture, "cells")] == ["✕1/3", "41.2"]
    coloured = [layer for layer in picture.specification()["vconcat"][1]["layer"] if layer["encoding"].get("color", {}).get("field") == "mean"]  # fmt: skip
    assert coloured and all(layer["transform"][0]["filter"] == "isValid(datum.mean)" for layer in coloured)


def test_what_is_not_finite_is_a_cross_and_breaks_the_line():
    picture = along_steps.lines(
        [probed("none", 1), probed("none", 10, None), probed("none", 100, 0.0)], "y", x_title="Step"
    )
    assert [row["value"] for row in rows(picture, "rows")] == [1.0, None, None], "zero has no place on a log axis"
    marks = [layer["mark"] for layer in picture.specification()["layer"]]
    assert {mark["text"] for mark in marks if mark["type"] == "text"} == {"✕"}


def test_errors_along_epochs_may_be_zero():
    picture = along_steps.lines([probed("none", 1, 0.5), probed("none", 10, 0.0)], "y", x_title="Epoch", y_log=False)
    assert [row["value"] for row in rows(picture, "rows")] == [0.5, 0.0]


def test_ranges_of_two_networks_stand_on_one_scale_with_a_band_for_each_seed():
    data = [probed(norm, x, 1.0, seed, low=0.9, high=1.4 if norm == "none" else 1.1) for norm in ("none", "batch") for x in (1, 10) for seed in (0, 1)]  # fmt: skip
    data.append(probed("none", 100, 1.0, 0, low=None, high=None))
    picture = along_steps.ranges(data, "Loss", x_title="Step", early=25)
    views = picture.specification()["vconcat"]
    assert len(views) == 2
    scales = {json.dumps(layer["encoding"]["y"]["scale"]) for view in views for layer in view["layer"] if "scale" in layer["encoding"].get("y", {})}  # fmt: skip
    assert len(scales) == 1
    bands = [layer for view in views for layer in view["layer"] if layer["mark"]["type"] == "area"]
    assert len(bands) == 2 and all(band["encoding"]["detail"]["field"] == "seed" for band in bands)
    assert rows(picture, "early") == [{"x": 25.0}]


def test_layers_have_a_line_for_each_seed_and_a_reference_where_there_is_one():
    data = [{"norm": "batch", "seed": seed, "layer": layer, "value": 0.5, "rate": "1", "href": "runs"} for seed in (0, 1) for layer in (2, 3)]  # fmt: skip
    picture = covariate_shift.along_layers(data, "Cosine", y_log=False, reference=0.0)
    assert rows(picture, "reference") == [{"value": 0.0}]
    lines = [layer for layer in picture.specification()["layer"] if layer["mark"]["type"] == "line"]
    assert [line["encoding"]["detail"]["field"] for line in lines] == ["seed"]


def test_drift_and_speed_is_a_mark_for_each_run_on_a_logarithmic_axis():
    data = [{"norm": "batch", "seed": 0, "drift": 0.02, "error": 0.3, "rate": "1", "href": "runs?run=9"}]
    picture = covariate_shift.drift_and_speed(data)
    encoding = picture.specification()["encoding"]
    assert encoding["x"]["scale"]["type"] == "log" and encoding["href"]["field"] == "href"
    assert len(rows(picture, "rows")) == 1
