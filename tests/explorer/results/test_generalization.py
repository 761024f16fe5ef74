"""Against a results file written by hand, so that every expected number can be seen here."""

import json
import os

import duckdb
import pyarrow as pa
import pytest

from explorer.database import SCHEMA
from explorer.results import cells as of_cells
from explorer.results import generalization as results
from explorer.results.generalization import Map, Study

STUDY = results.STUDY
MAIN = Study(STUDY, "width", "epoch", "cross_entropy")
FLOW = Study("double_descent/random_features", "features", "time", "squared_error")
NOISY, CLEAN = Map(0, MAIN, 0.2), Map(1, MAIN, 0.0)
OF_FLOW = Map(2, FLOW, 0.2)
FOREVER = 1_000_000_000
BASE = {"activation": "relu", "batch_size": 250, "epochs": 10, "lr": 0.001, "n_train": 4000}
# run, configuration, seed, status, and per epoch the correct test and train examples of 1,000 and 4,000
RUNS = [
    (0, 0, 0, "complete", {1: (500, 2000), 10: (700, 3000)}),
    (1, 0, 1, "complete", {1: (520, 2040), 10: (720, 3040)}),
    (2, 1, 0, "complete", {1: (600, 2400), 10: (650, 3900)}),
    (3, 1, 1, "complete", {1: (610, 2440), 10: (670, 3940)}),
    (4, 2, 0, "diverged", {1: (600, 2400), 10: (None, None)}),
    (5, 4, 0, "complete", {1: (600, 2400), 10: (900, 4000)}),
    (6, 5, 0, "complete", {1: (100, 400), FOREVER: (800, 4000)}),
]


@pytest.fixture(autouse=True)
def hand_made(tmp_path, monkeypatch):
    file = tmp_path / "hand.duckdb"
    connection = duckdb.connect(str(file))
    connection.execute(SCHEMA.read_text(encoding="utf-8"))
    connection.execute(
        "INSERT INTO meta VALUES ('content_hash', 'abc'), ('built_at', '2026-01-01'), ('git_commit', 'abc')"
    )
    for study in (MAIN, FLOW):
        connection.execute(
            "INSERT INTO studies BY NAME SELECT ? study, 'generalization' question, 'd' dataset, 'D' dataset_copy, 'f' data_fingerprint,"
            " ? x_axis, ? clock, ? loss, 5 planned, 1 complete, 0 diverged, 0 failed",
            [study.name, study.x, study.clock, study.loss],
        )
    for number, noise in enumerate((0.2, 0.0)):
        connection.execute(
            "INSERT INTO maps VALUES (?, ?, ?)", [number, STUDY, json.dumps(BASE | {"label_noise": noise})]
        )
    connection.execute(
        "INSERT INTO maps VALUES (2, ?, ?)",
        [FLOW.name, json.dumps({"n_train": 1000, "label_noise": 0.2, "epochs": FOREVER})],
    )
    places = [(0, 0, 2), (1, 0, 8), (2, 0, 64), (3, 0, 128), (4, 1, 2), (5, 2, 40_000)]
    for configuration, number, width in places:
        settings = json.dumps(BASE | {"label_noise": 0.0 if number == 1 else 0.2, "width": width})
        study = FLOW.name if number == 2 else STUDY
        values = [configuration, number, study, float(width), 795 * width + 10, settings]
        connection.execute("INSERT INTO configurations VALUES (?, ?, ?, ?, ?, ?)", values)
    for run, configuration, seed, status, epochs in RUNS:
        study = FLOW.name if configuration == 5 else STUDY
        connection.execute(
            "INSERT INTO runs BY NAME SELECT ? run, ? run_id, ? configuration, ? study, ? seed, 1 recipe, ? status, 160 steps, 10 epochs,"
            " 1 best_epoch, 4000 n_train, 4000 n_val, 1000 n_test, 800 wrong_labels, 1e9 flops, 2.5 wall_s, 'cpu' device, 'loop' engine,"
            " 'fp32' \"precision\", '2' torch, '3' python, 'c0ffee' git_commit, 'f' data_fingerprint, now()::TIMESTAMP started_at",
            [run, f"{run:016x}", configuration, study, seed, status],
        )
        for epoch, (test, train) in epochs.items():
            loss = None if test is None else 1.0
            connection.execute(
                "INSERT INTO curves BY NAME SELECT ? run, ? epoch, ? train_loss, ? train_correct, ? test_loss, ? test_correct",
                [run, epoch, loss, train, loss, test],
            )
    intervals = [
        (0, "test_error", 1, 0.49, 0.4, 0.58, 3), (0, "test_error", 10, 0.29, 0.25, 0.33, 3), (0, "train_error", 10, 0.245, None, None, 2),
        (1, "test_error", 1, 0.395, 0.38, 0.41, 3), (1, "test_error", 10, 0.34, 0.335, 0.345, 3), (1, "train_error", 10, 0.02, None, None, 2),
        (0, "test_loss", 10, 1.0, 0.9, 1.1, 3), (1, "test_loss", 10, 2.0, 1.9, 2.1, 3),
        (4, "test_error", 10, 0.1, None, None, 1), (1, "gap", 10, 0.32, None, None, 2), (0, "early_stopped_test_error", None, 0.28, 0.27, 0.29, 3),
        (5, "test_error", 1, 0.9, None, None, 1), (5, "test_error", FOREVER, 0.2, None, None, 1), (5, "test_loss", FOREVER, 7.2, None, None, 1),
    ]  # fmt: skip
    connection.executemany("INSERT INTO intervals VALUES (?, ?, ?, ?, ?, ?, 0.01, ?)", intervals)
    landmarks = [
        ("threshold", 0.05, 1, None, None, None, None, False), ("threshold", 0.05, 10, 8, 8, 8, None, True),
        ("threshold", 0.1, 10, 2, 2, 8, None, True), ("ridge_across", None, 10, 8, 2, 8, 0.05, True), ("ridge_up", None, 2, None, None, None, None, False),
    ]  # fmt: skip
    of_flow = [
        ("threshold", 0.05, FOREVER, 40_000, None, None, None, True),
        ("ridge_up", None, 40_000, FOREVER, None, None, 0.1, False),
    ]
    for number, (kind, level, line, position, low, high, height, clear) in [
        *((0, landmark) for landmark in landmarks), *((2, landmark) for landmark in of_flow)
    ]:  # fmt: skip
        connection.execute(
            "INSERT INTO landmarks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 2, 3)",
            [number, kind, level, line, position, low, high, height, clear],
        )
    contrasts = [("small", -1.0), ("large", -20.0), ("other", -30.0)]
    for quantity, estimate in contrasts:
        connection.execute(
            "INSERT INTO contrasts BY NAME SELECT ? study, ? quantity, '{}' baseline, ? changed, ? estimate, 2 n, 'points' unit",
            [STUDY, quantity, json.dumps({"n_train": 1} if quantity == "other" else {"label_noise": 0.0}), estimate],
        )
    connection.close()
    monkeypatch.setenv("WHY_RESULTS", str(file))


def test_axes_hold_all_sampled_values_in_order():
    axes = results.axes(NOISY)
    assert axes.widths == [2, 8, 64, 128]
    assert axes.parameters == [1600, 6370, 50890, 101770]
    assert axes.epochs == [1, 10]
    assert axes.seeds == [0, 1]


def test_studies_come_in_the_order_offered_and_maps_by_label_noise():
    assert results.studies() == [MAIN, FLOW]
    assert results.maps(MAIN) == [CLEAN, NOISY]
    assert results.finding([CLEAN, NOISY]) == NOISY
    assert results.finding([CLEAN]) == CLEAN


def test_a_study_without_a_complete_run_or_without_texts_is_not_offered(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "STUDIES", ("random_features",))
    assert results.studies() == [FLOW]


def test_times_and_places_beyond_small_integers_are_whole():
    axes = results.axes(OF_FLOW)
    assert (axes.widths, axes.epochs) == ([40_000], [1, FOREVER])
    assert (axes.x, axes.clock, axes.loss) == ("features", "time", "squared_error")
    row = of_cells.cells(OF_FLOW, "test", [0]).to_pylist()[-1]
    assert (row["features"], row["time"], row["state"]) == (40_000, FOREVER, "value")
    assert of_cells.errors_of_maps([OF_FLOW], "test")["time"].to_pylist() == [1, FOREVER]
    assert results.threshold(OF_FLOW, 0.05).select(["epoch", "width"]).to_pylist() == [
        {"epoch": FOREVER, "width": 40_000}
    ]
    assert results.ridge(OF_FLOW, "up")["position"].to_pylist() == [FOREVER]
    assert of_cells.runs_of_cell(OF_FLOW, 40_000, FOREVER)["time"].to_pylist() == [FOREVER]
    assert of_cells.early_stopped(OF_FLOW)["width"].to_pylist() == [40_000]
    assert results.last_row(OF_FLOW).epoch == FOREVER


def test_maps_that_differ_in_more_than_label_noise_have_variants_in_order(monkeypatch):
    kept = {"label_noise": 0.2, "lr": 0.001}
    rows = [
        {"map": 7, "settings": json.dumps(kept | {"n_train": 8000, "epochs": 150})},
        {"map": 8, "settings": json.dumps(kept | {"n_train": 4000, "epochs": 10})},
        {"map": 9, "settings": json.dumps(kept | {"n_train": 1000, "epochs": 10, "label_noise": 0.0})},
    ]
    asked = results.query

    def answer(sql, params=()):
        return pa.Table.from_pylist(rows) if "SELECT map, settings" in sql else asked(sql, params)

    monkeypatch.setattr(results, "query", answer)
    maps = results.maps(MAIN)
    assert [each.variant for each in maps] == [
        (("n_train", 1000), ("epochs", 10)), (("n_train", 4000), ("epochs", 10)), (("n_train", 8000), ("epochs", 150)),
    ]  # fmt: skip
    assert [each.code for each in maps] == ["1000-10", "4000-10", "8000-150"]
    assert results.finding(maps).key == 8  # 4,000 images for 10 epochs are what the main study has


def test_one_scale_for_all_studies_reaches_as_far_as_the_widest(monkeypatch):
    own, other = results.colour_limits(MAIN, "test"), results.colour_limits(FLOW, "test")
    assert results.colour_limits(MAIN, "test", "all") == max(own, other) == (0.0, 0.85)
    assert results.colour_limits(MAIN, "loss", "all") == results.colour_limits(
        MAIN, "loss"
    )  # nats and squares have no common scale


def test_settings_are_those_of_the_map():
    assert results.settings(NOISY) == BASE | {"label_noise": 0.2}


def test_widths_without_a_complete_run_count_as_zero_seeds():
    assert results.seeds_by_width(NOISY) == {2: 2, 8: 2, 64: 0, 128: 0}


def test_a_cell_has_its_interval_from_the_table_and_each_seed_from_its_own_counts():
    rows = {(row["width"], row["epoch"]): row for row in of_cells.cells(NOISY, "test", [0, 1]).to_pylist()}
    cell = rows[2, 10]
    assert cell["test_error"] == pytest.approx(0.29)
    assert (cell["test_error_low"], cell["test_error_high"]) == pytest.approx((0.25, 0.33))
    assert (cell["test_error_seed_0"], cell["test_error_seed_1"]) == pytest.approx((0.3, 0.28))
    assert (cell["train_error_seed_0"], cell["train_error_seed_1"]) == pytest.approx((0.25, 0.24))
    assert cell["train_error_low"] is None
    assert (cell["n_params"], cell["seeds"], cell["state"]) == (1600, 3, "value")


def test_every_place_of_the_grid_has_a_cell_with_its_state():
    rows = {(row["width"], row["epoch"]): row["state"] for row in of_cells.cells(NOISY, "test", [0, 1]).to_pylist()}
    assert len(rows) == 8
    assert rows[64, 1] == rows[64, 10] == "diverged"
    assert rows[128, 1] == "not run"
    assert rows[8, 10] == "value"
    of_fewer = {row["width"]: row["state"] for row in of_cells.cells(CLEAN, "test", [0, 1]).to_pylist()}
    assert of_fewer == {2: "value", 8: "not run", 64: "not run", 128: "not run"}


def test_a_mean_says_how_many_runs_it_leaves_out():
    with duckdb.connect(os.environ["WHY_RESULTS"]) as connection:
        connection.execute(
            "UPDATE runs SET status = 'diverged' WHERE run = 1; UPDATE runs SET status = 'failed' WHERE run = 4"
        )
    for table in (of_cells.cells(NOISY, "test", [0, 1]), of_cells.errors_of_maps([CLEAN, NOISY], "test")):
        rows = {row["width"]: (row["state"], row["diverged"]) for row in table.to_pylist() if row.get("noise") != 0.0}
        assert rows == {2: ("value", 1), 8: ("value", 0), 64: ("failed", 0), 128: ("not run", 0)}


def test_the_highest_value_is_a_mean_an_end_of_an_interval_or_a_single_run():
    assert of_cells.highest(MAIN, "loss") == pytest.approx(2.1)
    assert of_cells.highest(FLOW, "loss") == pytest.approx(7.2)
    assert of_cells.highest(MAIN, "test") == pytest.approx(0.58)
    assert of_cells.highest(FLOW, "train") == pytest.approx(0.9)
    assert of_cells.highest(Study("double_descent/none", "width", "epoch", "cross_entropy"), "test") == 0


@pytest.mark.parametrize(
    "measure, columns",
    [
        ("test", {"test_error", "train_error"}),
        ("train", {"test_error", "train_error"}),
        ("gap", {"gap"}),
        ("loss", {"test_loss", "train_loss"}),
    ],
)
def test_each_measure_brings_its_own_curves(measure, columns):
    names = of_cells.cells(NOISY, measure, [0, 1]).column_names
    assert columns <= set(names)
    assert {f"{name}_seed_1" for name in columns} <= set(names)


def test_the_gap_of_a_seed_is_its_test_minus_its_train_error():
    rows = {(row["width"], row["epoch"]): row for row in of_cells.cells(NOISY, "gap", [0, 1]).to_pylist()}
    assert rows[8, 10]["gap_seed_0"] == pytest.approx((1 - 650 / 1000) - (1 - 3900 / 4000))


def test_the_threshold_is_read_at_the_level_asked_for():
    assert results.threshold(NOISY, 0.05).select(["epoch", "width"]).to_pylist() == [
        {"epoch": 1, "width": None},
        {"epoch": 10, "width": 8},
    ]
    assert results.threshold(NOISY, 0.1)["width"].to_pylist() == [2]
    assert results.threshold(CLEAN, 0.05).num_rows == 0


def test_the_last_row_is_read_at_its_landmarks():
    row = results.last_row(NOISY)
    assert (row.peak["width"], row.peak["mean"]) == (8, pytest.approx(0.34))
    assert (row.before["width"], row.before["mean"]) == (2, pytest.approx(0.29))
    assert (row.widest["width"], row.narrowest["width"], row.epoch, row.clear) == (8, 2, 10, True)


def test_a_row_without_a_ridge_has_no_peak():
    row = results.last_row(CLEAN)
    assert (row.peak, row.before, row.clear) == (None, None, False)


def test_a_peak_by_intervals_stands_above_cells_on_both_sides():
    assert results.peak_by_intervals(NOISY, "test_loss") is None  # the last width has nothing after it


def test_the_colour_scale_reaches_over_the_ridge_and_is_symmetric_for_the_gap():
    low, high = results.colour_limits(MAIN, "test")
    assert low == 0.0
    assert high >= 0.34
    assert high == pytest.approx(0.5)
    low, high = results.colour_limits(MAIN, "gap")
    assert low == -high


def test_the_runs_of_a_cell_carry_what_a_reader_needs_to_repeat_them():
    rows = of_cells.runs_of_cell(NOISY, 64, 10).to_pylist()
    assert [(row["run_id"], row["status"], row["test_error"]) for row in rows] == [(f"{4:016x}", "diverged", None)]
    assert json.loads(rows[0]["settings"])["width"] == 64
    assert of_cells.runs_of_cell(NOISY, 128, 10).num_rows == 0


def test_early_stopping_is_set_beside_the_last_epoch():
    rows = of_cells.early_stopped(NOISY).to_pylist()
    assert [(row["when"], row["width"], row["mean"]) for row in rows] == [
        ("last", 2, pytest.approx(0.29)), ("last", 8, pytest.approx(0.34)), ("stopped", 2, pytest.approx(0.28)),
    ]  # fmt: skip


def test_small_multiples_hold_their_maps_in_the_measure_asked_for():
    rows = of_cells.errors_of_maps([CLEAN, NOISY], "test").to_pylist()
    assert len(rows) == 4 + 8  # a row for every place, as of one map alone
    assert {(row["noise"], row["width"], row["epoch"]) for row in rows if row["value"] is not None} == {
        (0.0, 2, 10),
        (0.2, 2, 1),
        (0.2, 2, 10),
        (0.2, 8, 1),
        (0.2, 8, 10),
    }
    assert {row["noise"] for row in of_cells.errors_of_maps([CLEAN, NOISY], "loss").to_pylist()} == {0.2}


def test_the_means_of_a_cell_come_by_measure():
    means = of_cells.cell_means(NOISY, 8, 10)
    assert means["train_error"]["mean"] == pytest.approx(0.02)
    assert means["test_loss"]["n"] == 3
    assert of_cells.cell_means(NOISY, 128, 10) == {}


def test_contrasts_of_label_noise_come_largest_effect_first():
    assert results.contrasts(MAIN)["quantity"].to_pylist() == ["large", "small"]
