"""Against a results file written by hand, so that every expected number can be seen here."""

import json

import duckdb
import pytest

from explorer.database import SCHEMA
from explorer.results import generalization as results

STUDY = results.STUDY
BASE = {"activation": "relu", "batch_size": 250, "epochs": 10, "lr": 0.001, "n_train": 4000}
# run, configuration, seed, status, and per epoch the correct test and train examples of 1,000 and 4,000
RUNS = [
    (0, 0, 0, "complete", {1: (500, 2000), 10: (700, 3000)}),
    (1, 0, 1, "complete", {1: (520, 2040), 10: (720, 3040)}),
    (2, 1, 0, "complete", {1: (600, 2400), 10: (650, 3900)}),
    (3, 1, 1, "complete", {1: (610, 2440), 10: (670, 3940)}),
    (4, 2, 0, "diverged", {1: (600, 2400), 10: (None, None)}),
    (5, 4, 0, "complete", {1: (600, 2400), 10: (900, 4000)}),
]


@pytest.fixture(autouse=True)
def hand_made(tmp_path, monkeypatch):
    file = tmp_path / "hand.duckdb"
    connection = duckdb.connect(str(file))
    connection.execute(SCHEMA.read_text(encoding="utf-8"))
    connection.execute("INSERT INTO meta VALUES ('content_hash', 'abc')")
    for number, noise in enumerate((0.2, 0.0)):
        connection.execute(
            "INSERT INTO maps VALUES (?, ?, ?)", [number, STUDY, json.dumps(BASE | {"label_noise": noise})]
        )
    places = [(0, 0, 2), (1, 0, 8), (2, 0, 64), (3, 0, 128), (4, 1, 2)]
    for configuration, number, width in places:
        settings = json.dumps(BASE | {"label_noise": 0.0 if number else 0.2, "width": width})
        values = [configuration, number, STUDY, float(width), 795 * width + 10, settings]
        connection.execute("INSERT INTO configurations VALUES (?, ?, ?, ?, ?, ?)", values)
    for run, configuration, seed, status, epochs in RUNS:
        connection.execute(
            "INSERT INTO runs BY NAME SELECT ? run, ? run_id, ? configuration, ? study, ? seed, 1 recipe, ? status, 160 steps, 10 epochs,"
            " 1 best_epoch, 4000 n_train, 4000 n_val, 1000 n_test, 800 wrong_labels, 1e9 flops, 2.5 wall_s, 'cpu' device, 'loop' engine,"
            " 'fp32' \"precision\", '2' torch, '3' python, 'c0ffee' git_commit, 'f' data_fingerprint, now()::TIMESTAMP started_at",
            [run, f"{run:016x}", configuration, STUDY, seed, status],
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
    ]  # fmt: skip
    connection.executemany("INSERT INTO intervals VALUES (?, ?, ?, ?, ?, ?, 0.01, ?)", intervals)
    landmarks = [
        ("threshold", 0.05, 1, None, None, None, None, False), ("threshold", 0.05, 10, 8, 8, 8, None, True),
        ("threshold", 0.1, 10, 2, 2, 8, None, True), ("ridge_across", None, 10, 8, 2, 8, 0.05, True), ("ridge_up", None, 2, None, None, None, None, False),
    ]  # fmt: skip
    for kind, level, line, position, low, high, height, clear in landmarks:
        connection.execute(
            "INSERT INTO landmarks VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, 2, 3)",
            [kind, level, line, position, low, high, height, clear],
        )
    contrasts = [("small", -1.0), ("large", -20.0)]
    for quantity, estimate in contrasts:
        connection.execute(
            "INSERT INTO contrasts VALUES (?, ?, '{}', '{}', ?, NULL, NULL, 2, 'points')", [STUDY, quantity, estimate]
        )
    connection.close()
    monkeypatch.setenv("WHY_RESULTS", str(file))


def test_axes_hold_all_sampled_values_in_order():
    axes = results.axes()
    assert axes.widths == [2, 8, 64, 128]
    assert axes.parameters == [1600, 6370, 50890, 101770]
    assert axes.epochs == [1, 10]
    assert axes.seeds == [0, 1]


def test_label_noises_are_those_with_a_complete_run():
    assert results.label_noises() == [0.0, 0.2]


def test_settings_are_those_that_all_maps_share():
    assert results.settings() == BASE


def test_widths_without_a_complete_run_count_as_zero_seeds():
    assert results.seeds_by_width(0.2) == {2: 2, 8: 2, 64: 0, 128: 0}


def test_a_cell_has_its_interval_from_the_table_and_each_seed_from_its_own_counts():
    rows = {(row["width"], row["epoch"]): row for row in results.cells(0.2, "test", [0, 1]).to_pylist()}
    cell = rows[2, 10]
    assert cell["test_error"] == pytest.approx(0.29)
    assert (cell["test_error_low"], cell["test_error_high"]) == pytest.approx((0.25, 0.33))
    assert (cell["test_error_seed_0"], cell["test_error_seed_1"]) == pytest.approx((0.3, 0.28))
    assert (cell["train_error_seed_0"], cell["train_error_seed_1"]) == pytest.approx((0.25, 0.24))
    assert cell["train_error_low"] is None
    assert (cell["n_params"], cell["seeds"], cell["state"]) == (1600, 3, "value")


def test_every_place_of_the_grid_has_a_cell_with_its_state():
    rows = {(row["width"], row["epoch"]): row["state"] for row in results.cells(0.2, "test", [0, 1]).to_pylist()}
    assert len(rows) == 8
    assert rows[64, 1] == rows[64, 10] == "diverged"
    assert rows[128, 1] == "not run"
    assert rows[8, 10] == "value"


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
    names = results.cells(0.2, measure, [0, 1]).column_names
    assert columns <= set(names)
    assert {f"{name}_seed_1" for name in columns} <= set(names)


def test_the_gap_of_a_seed_is_its_test_minus_its_train_error():
    rows = {(row["width"], row["epoch"]): row for row in results.cells(0.2, "gap", [0, 1]).to_pylist()}
    assert rows[8, 10]["gap_seed_0"] == pytest.approx((1 - 650 / 1000) - (1 - 3900 / 4000))


def test_the_threshold_is_read_at_the_level_asked_for():
    assert results.threshold(0.2, 0.05).select(["epoch", "width"]).to_pylist() == [
        {"epoch": 1, "width": None},
        {"epoch": 10, "width": 8},
    ]
    assert results.threshold(0.2, 0.1)["width"].to_pylist() == [2]
    assert results.threshold(0.0, 0.05).num_rows == 0


def test_the_last_row_is_read_at_its_landmarks():
    row = results.last_row(0.2)
    assert (row.peak["width"], row.peak["mean"]) == (8, pytest.approx(0.34))
    assert (row.before["width"], row.before["mean"]) == (2, pytest.approx(0.29))
    assert (row.widest["width"], row.narrowest["width"], row.epoch, row.clear) == (8, 2, 10, True)


def test_a_row_without_a_ridge_has_no_peak():
    row = results.last_row(0.0)
    assert (row.peak, row.before, row.clear) == (None, None, False)


def test_a_peak_by_intervals_stands_above_cells_on_both_sides():
    assert results.peak_by_intervals(0.2, "test_loss") is None  # the last width has nothing after it


def test_the_colour_scale_reaches_over_the_ridge_and_is_symmetric_for_the_gap():
    low, high = results.colour_limits("test")
    assert low == 0.0
    assert high >= 0.34
    assert high == pytest.approx(0.5)
    low, high = results.colour_limits("gap")
    assert low == -high


def test_the_runs_of_a_cell_carry_what_a_reader_needs_to_repeat_them():
    rows = results.runs_of_cell(0.2, 64, 10).to_pylist()
    assert [(row["run_id"], row["status"], row["test_error"]) for row in rows] == [(f"{4:016x}", "diverged", None)]
    assert json.loads(rows[0]["settings"])["width"] == 64
    assert results.runs_of_cell(0.2, 128, 10).num_rows == 0


def test_early_stopping_is_set_beside_the_last_epoch():
    rows = results.early_stopped(0.2).to_pylist()
    assert [(row["when"], row["width"], row["mean"]) for row in rows] == [
        ("last", 2, pytest.approx(0.29)), ("last", 8, pytest.approx(0.34)), ("stopped", 2, pytest.approx(0.28)),
    ]  # fmt: skip


def test_small_multiples_hold_all_maps_in_the_measure_asked_for():
    rows = results.errors_over_noises("test").to_pylist()
    assert {(row["noise"], row["width"], row["epoch"]) for row in rows} == {
        (0.0, 2, 10),
        (0.2, 2, 1),
        (0.2, 2, 10),
        (0.2, 8, 1),
        (0.2, 8, 10),
    }
    assert {row["noise"] for row in results.errors_over_noises("loss").to_pylist()} == {0.2}


def test_the_means_of_a_cell_come_by_measure():
    means = results.cell_means(0.2, 8, 10)
    assert means["train_error"]["mean"] == pytest.approx(0.02)
    assert means["test_loss"]["n"] == 3
    assert results.cell_means(0.2, 128, 10) == {}


def test_contrasts_come_largest_effect_first():
    assert results.contrasts()["quantity"].to_pylist() == ["large", "small"]
