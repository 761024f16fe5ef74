import pytest

from explorer.charts import bends, budgets, log2, rates, scaling

REGIME = {"smallest": 1, "largest": 64, "perfect_until": 8.0, "perfect_low": 6.0, "perfect_high": 9.0,
          "flat_from": 32.0, "flat_low": 30.0, "flat_high": 40.0}  # fmt: skip


def run(size: int, value: float | None, state: str = "reached", **changes) -> dict:
    row = {
        "optimizer": "sgd",
        "batch_size": size,
        "seed": 0,
        "lr": 0.125,
        "state": state,
        "value": value,
        "url": "runs?run=a",
    }
    return row | changes


def point(size: int, value: float, low: float | None = None, high: float | None = None) -> dict:
    return {"optimizer": "sgd", "batch_size": size, "value": value, "low": low, "high": high}


def layers(chart: dict) -> list[dict]:
    """All simple layers, nested or not."""
    inner = chart.get("layer")
    return [chart] if inner is None else [each for layer in inner for each in layers(layer)]


def marks(chart: dict, kind: str) -> list[dict]:
    return [layer for layer in layers(chart) if layer["mark"]["type"] == kind]


def test_runs_that_did_not_reach_are_arrows_and_crosses_of_their_own_and_joined_by_no_line(english):
    runs = [run(1, 100.0), run(2, 400.0, "not_reached"), run(4, 300.0, "diverged")]
    drawn = scaling.draw(runs, [point(1, 100.0)], measure="steps").specification()
    shapes = {layer["transform"][0]["filter"]: layer["mark"].get("shape") for layer in marks(drawn, "point")}
    assert shapes == {
        "datum.state == 'reached'": None,
        "datum.state == 'not_reached'": "arrow",
        "datum.state == 'diverged'": scaling.CROSS,
    }
    assert drawn["datasets"]["runs"]["value"].to_pylist() == [100, 400, 300]
    curve = drawn["datasets"]["curve"]
    assert dict(zip(curve["batch_size"].to_pylist(), curve["value"].to_pylist(), strict=True)) == {
        1: 100,
        2: None,
        4: None,
    }
    assert [layer["data"]["name"] for layer in marks(drawn, "line")] == ["curve"]


def test_the_curve_breaks_at_a_batch_size_that_not_every_seed_reached(english):
    runs = [run(1, 100.0), run(2, 400.0, "not_reached"), run(4, 50.0)]
    drawn = scaling.draw(runs, [point(1, 100.0), point(4, 50.0)], measure="steps").specification()
    assert drawn["datasets"]["curve"]["value"].to_pylist() == [100, None, 50]


def test_a_run_without_a_number_of_its_own_stands_at_the_top_and_tells_none(english):
    drawn = scaling.draw([run(1, 2.0), run(2, 8.0), run(4, None, "not_reached")], [], measure="seconds").specification()
    assert drawn["datasets"]["runs"]["at"].to_pylist() == [2, 8, 8]
    assert drawn["datasets"]["runs"]["value"].to_pylist() == [2, 8, None]
    assert all(layer["encoding"]["y"]["field"] == "at" for layer in marks(drawn, "point"))
    assert "value" in {told["field"] for layer in marks(drawn, "point") for told in layer["encoding"]["tooltip"]}


def test_every_dot_leads_to_its_run(english):
    drawn = scaling.draw([run(1, 2.0)], [], measure="steps").specification()
    assert all(layer["encoding"]["href"]["field"] == "url" for layer in marks(drawn, "point"))
    assert drawn["datasets"]["runs"]["url"].to_pylist() == ["runs?run=a"]


@pytest.mark.parametrize("with_interval", [True, False])
def test_bars_are_drawn_only_where_there_is_an_interval(english, with_interval):
    ends = (90.0, 110.0) if with_interval else (None, None)
    drawn = scaling.draw([run(1, 100.0)], [point(1, 100.0, *ends)], measure="steps").specification()
    assert len(marks(drawn, "rule")) == with_interval


def test_the_regimes_are_marked_where_the_table_puts_them_with_a_note_on_each(language):
    drawn = scaling.draw([run(1, 64.0), run(64, 8.0)], [], measure="steps", regime=REGIME).specification()
    placed = drawn["datasets"]["regimes"].to_pylist()
    assert [(row["mark"], row["batch_size"], row["low"], row["high"]) for row in placed] == [
        ("perfect_until", 8, 6, 9),
        ("flat_from", 32, 30, 40),
    ]
    notes = drawn["datasets"]["notes"].to_pylist()
    assert [row["batch_size"] for row in notes] == pytest.approx([8**0.5, 16, (32 * 64) ** 0.5])
    assert len({row["note"] for row in notes}) == 3


def test_regimes_that_cannot_be_told_apart_have_no_note(english):
    drawn = scaling.draw([run(1, 64.0)], [], measure="steps", regime=REGIME | {"flat_from": 4.0}).specification()
    assert "notes" not in drawn["datasets"] and "regimes" in drawn["datasets"]


def test_a_regime_without_an_end_or_interval_is_drawn_without(english):
    few = REGIME | dict.fromkeys(("perfect_low", "perfect_high", "flat_low", "flat_high"))
    drawn = scaling.draw([run(1, 64.0)], [], measure="steps", regime=few).specification()
    assert not marks(drawn, "rect")
    nothing = scaling.draw(
        [run(1, 64.0)], [], measure="steps", regime=few | dict.fromkeys(("perfect_until", "flat_from"))
    )
    assert "regimes" not in nothing.tables


def test_published_marks_are_hollow_under_a_legend_of_their_own(english):
    paper = [{"batch_size": 2.0, "value": 500.0, "source": "MNIST, digitised"}]
    drawn = scaling.draw([run(1, 64.0)], [point(1, 64.0)], measure="steps", published=paper).specification()
    (hollow,) = [layer for layer in marks(drawn, "point") if layer["data"]["name"] == "published"]
    assert hollow["mark"]["filled"] is False and hollow["encoding"]["color"]["legend"]["orient"] == "bottom"
    assert all(layer["data"]["name"] != "published" for layer in marks(drawn, "line"))
    assert drawn["resolve"]["scale"]["color"] == "independent"


def test_the_guides_have_slope_one_and_one_half(english):
    chosen = [{"batch_size": 2, "best_lr": 0.125}, {"batch_size": 32, "best_lr": 0.5}]
    seeds = [{"batch_size": size, "seed": 0, "lr": 0.125, "url": "runs"} for size in (2, 32)]
    guides = rates.best(seeds, chosen, "red", "circle").tables["guides"].to_pylist()
    ends = {row["guide"]: row["lr"] for row in guides if row["batch_size"] == 32}
    assert ends == {"linear scaling": pytest.approx(2.0), "square-root scaling": pytest.approx(0.5)}
    assert rates.best(seeds, [], "red", "circle").tables["guides"].num_rows == 0


def test_the_best_rate_of_all_seeds_breaks_at_a_size_that_not_every_seed_reached(english):
    chosen = [{"batch_size": size, "best_lr": rate} for size, rate in ((2, 0.125), (4, None), (8, 0.5))]
    seeds = [{"batch_size": size, "seed": 0, "lr": 0.125, "url": "runs"} for size in (2, 4, 8)]
    assert rates.best(seeds, chosen, "red", "circle").tables["chosen"]["lr"].to_pylist() == [0.125, None, 0.5]


def cell(lr: float, reached: int, diverged: int = 0, **changes) -> dict:
    row = {"batch_size": 4, "lr": lr, "runs": 3, "reached": reached, "not_reached": 3 - reached - diverged}
    return row | {"diverged": diverged, "steps": None, "ratio": None, "best": False, "url": "runs"} | changes


def test_a_cell_that_did_not_reach_with_every_seed_is_on_no_colour_scale(english):
    cells = [cell(0.125, 3, steps=10.0, ratio=1.0, best=True), cell(0.25, 2), cell(0.5, 1, diverged=2)]
    drawn = rates.tried(cells).specification()
    assert drawn["datasets"]["cells"]["state"].to_pylist() == ["reached", "not_reached", "diverged"]
    assert drawn["datasets"]["cells"]["share"].to_pylist() == ["3/3", "2/3", "1/3"]
    coloured = [layer for layer in layers(drawn) if "color" in layer["encoding"]]
    assert [layer["transform"][0]["filter"] for layer in coloured] == ["datum.state == 'reached'"]
    (star,) = [layer for layer in marks(drawn, "point") if layer["mark"]["shape"] == rates.STAR]
    assert star["transform"][0]["filter"] == "datum.best"


def test_an_end_beyond_the_largest_size_is_an_arrow_there(english):
    rows = [
        {"goal": "4%", "optimizer": "sgd", "perfect_until": 20.0, "perfect_low": 16.0, "perfect_high": None, "largest": 64},
        {"goal": "4%", "optimizer": "adam", "perfect_until": None, "perfect_low": 32.0, "perfect_high": None, "largest": 64},
    ]  # fmt: skip
    table = bends.ends(rows, "4%").tables["ends"]
    assert table["batch_size"].to_pylist() == [20, 64] and table["beyond"].to_pylist() == [False, True]
    assert table["high"].to_pylist() == [64, 64]
    arrow = [layer for layer in marks(bends.ends(rows, "4%").specification(), "point") if layer["mark"].get("shape")]
    assert [layer["mark"]["shape"] for layer in arrow] == ["arrow"]


def test_the_noise_scale_leaves_out_what_could_not_be_formed_and_draws_the_bend_with_its_interval(english):
    rows = [{"batch_size": 4, "step": 16, "value": 50.0}, {"batch_size": 4, "step": 32, "value": None}]
    drawn = bends.noise(rows, REGIME).specification()
    assert drawn["datasets"]["noise"]["value"].to_pylist() == [50]
    assert drawn["datasets"]["bend"].to_pylist()[0]["value"] == 8 and len(marks(drawn, "rect")) == 1
    assert "bend" not in bends.noise(rows, None).tables


def test_epochs_and_steps_have_a_hue_and_a_shape_each_and_a_diverged_run_is_a_cross(english):
    runs = [
        {"unit": unit, "budget": f"5 {unit}", "batch_size": 4, "seed": 0, "test_error": error, "url": "runs"}
        for unit, error in (("epochs", 0.1), ("steps", None))
    ]
    drawn = budgets.draw(runs, []).specification()
    assert drawn["datasets"]["runs"]["diverged"].to_pylist() == [False, True]
    assert drawn["datasets"]["runs"]["error"].to_pylist() == [0.1, None], "it has a place, and no error to tell"
    assert drawn["datasets"]["runs"]["at"].to_pylist() == [0.1, 0.1]
    dots, cross = marks(drawn, "point")
    assert dots["encoding"]["color"]["scale"]["range"] == [budgets.COLOURS["epochs"], budgets.COLOURS["steps"]]
    assert dots["encoding"]["shape"]["scale"]["range"] == [budgets.SHAPES["epochs"][0], budgets.SHAPES["steps"][0]]
    assert cross["mark"]["shape"] == scaling.CROSS and cross["encoding"]["y"]["field"] == "at"


def test_epochs_and_steps_look_unlike_every_optimizer_of_the_same_page():
    assert not set(budgets.COLOURS.values()) & set(scaling.COLOURS.values())
    shapes = [shape for each in budgets.SHAPES.values() for shape in each]
    assert not set(shapes) & set(scaling.SHAPES.values()) and len(set(shapes)) == len(shapes)


def test_the_mean_of_a_budget_breaks_at_a_batch_size_that_has_none(english):
    runs = [
        {"unit": "steps", "budget": "5 steps", "batch_size": size, "seed": 0, "test_error": error, "url": "runs"}
        for size, error in ((1, 0.1), (2, None), (4, 0.2))
    ]
    means = [
        {"unit": "steps", "budget": "5 steps", "batch_size": size, "mean": mean} for size, mean in ((1, 0.1), (4, 0.2))
    ]
    assert budgets.draw(runs, means).tables["means"]["error"].to_pylist() == [0.1, None, 0.2]


def test_ticks_are_powers_of_two_and_few(english):
    assert log2.ticks(*log2.limits([1, 4096]))[0] == 1
    assert len(log2.ticks(*log2.limits([1, 2**20]))) <= log2.MOST_TICKS
    assert log2.ticks(*log2.limits([0.0625, 1])) == [0.0625, 0.125, 0.25, 0.5, 1]


def test_a_map_of_momenta_has_its_changes_and_their_seeds_above_it_on_the_axes_that_all_sizes_share(english):
    cells = [
        cell(0.25, 3, momentum=0.0, steps=10.0, ratio=2.0, best=True), cell(0.25, 2, momentum=0.9),
        cell(0.125, 3, momentum=0.9, steps=5.0, ratio=1.0, best=True),
    ]  # fmt: skip
    changes = [{"momentum": 0.9, "ratio": 0.5, "low": 0.4, "high": 0.6}, {"momentum": 0.99, "ratio": 4.0, "low": None, "high": None}]  # fmt: skip
    seeds = [{"momentum": 0.9, "ratio": ratio, "seed": seed, "url": "runs"} for seed, ratio in enumerate((0.4, 0.6))]
    drawn = rates.with_momentum(cells, changes, seeds, {0.5, 0.25, 0.125}, (0.25, 4.0)).specification()
    above, below = drawn["vconcat"]
    dots = above["layer"][-1]["encoding"]
    low, high = dots["y"]["scale"]["domain"]
    assert low < 0.25 and high > 4 and dots["x"]["scale"]["domain"] == ["0", "0.9"]
    assert below["layer"][0]["encoding"]["y"]["scale"]["domain"] == ["1/2", "1/4", "1/8"], (
        "also where this size did not try it"
    )
    assert below["layer"][0]["encoding"]["y"]["axis"]["minExtent"] == dots["y"]["axis"]["minExtent"], (
        "the columns line up"
    )
    level, of_seeds, bars = above["layer"][:3]
    assert level["encoding"] == {"y": {"datum": 1}}, "a level line through all of them"
    assert bars["transform"] == [{"filter": "isValid(datum.low)"}]
    assert of_seeds["encoding"]["href"]["field"] == "url" and drawn["datasets"]["seeds"].num_rows == 2
    assert drawn["datasets"]["changes"]["ratio"].to_pylist() == [0.5, 4.0]
    assert drawn["datasets"]["cells"]["state"].to_pylist() == ["reached", "not_reached", "reached"]
