import csv
from collections import Counter
from pathlib import Path

import pytest

from explorer.charts import published as charts
from explorer.database import query
from explorer.results import published

DATA = Path(__file__).resolve().parents[2] / "data"
COLUMNS = ["source", "question", "figure", "series", "x_name", "x", "y_name", "y", "precision", "tag", "note"]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with open(DATA / "published.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_file_has_the_columns_of_the_table(rows):
    assert list(rows[0]) == COLUMNS
    assert query("SELECT * FROM published LIMIT 0").column_names == COLUMNS


def test_every_row_says_how_exact_it_is_and_how_it_was_obtained(rows):
    for row in rows:
        assert row["tag"] in {"V1", "V2", "A", "D", "C"}, row
        assert row["precision"] and row["note"] and row["source"], row
        float(row["x"]), float(row["y"])


def test_what_the_authors_published_beside_their_paper_is_no_replication(rows):
    """The table of Mish is in the README of its author."""
    assert {row["tag"] for row in rows if row["source"].startswith("Misra 2019")} == {"A"}


def test_every_question_has_numbers_to_be_held_against(rows):
    counts = Counter(row["question"] for row in rows)
    assert set(counts) == {"generalization", *published.PANELS}
    assert min(counts.values()) >= 10


def test_no_number_stands_twice(rows):
    keys = Counter((row["source"], row["figure"], row["series"], row["x"], row["y_name"], row["note"]) for row in rows)
    assert [key for key, n in keys.items() if n > 1] == []


@pytest.mark.parametrize(
    ("figure", "series", "x", "y_name", "y"),
    [
        ("Table 6", "residual", 110, "test error (%)", 6.43),
        ("Table 2", "plain, ImageNet", 34, "top-1 error (%)", 28.54),
        ("table of 23 runs", "sigmoid", 50, "test accuracy (%)", 74.82),
        ("tables, CIFAR-10, ResNet-164", "cos(x) − x", 164, "test accuracy (%)", 94.1),
        ("Table 1, CIFAR-10", "tanh, normalised start", 5, "test error (%)", 52.92),
        ("table of steps to 72.2%", "batch norm, rate × 5", 0.0075, "steps to 72.2% accuracy (millions)", 2.1),
        ("ImageNet, small networks", "random wiring, WS(4, 0.75), C = 78", 5.6, "top-1 accuracy (%)", 74.7),
        ("Fig. 1", "test, clean labels", 10, "test error (%)", 30.3),
        ("Fig. 9", "width 12, test", 400, "test error (%)", 34.10),
    ],
)
def test_numbers_known_from_the_papers(rows, figure, series, x, y_name, y):
    found = [
        float(row["y"])
        for row in rows
        if (row["figure"], row["series"], row["y_name"]) == (figure, series, y_name) and float(row["x"]) == x
    ]
    assert found == [pytest.approx(y, abs=0.05)]


def test_digitised_rows_state_their_reading_error(rows):
    digitised = [row for row in rows if row["tag"] == "D"]
    assert len(digitised) > 100
    assert all(row["precision"].startswith("± ") and "digitised" in row["note"] for row in digitised)


@pytest.mark.parametrize("question", published.PANELS)
def test_every_published_number_of_a_question_is_on_a_panel(question):
    rows = published.published(question)
    shown = [row for panel in published.PANELS[question] for row in published.of_panel(rows, panel)]
    plain = [{name: row[name] for name in rows[0]} for row in shown]
    assert [row for row in rows if row not in plain] == []


def test_the_numbers_that_are_named_in_prose_are_those_of_the_tables():
    assert published.named("depth") == {
        "first": "1.2", "least": "0.2", "most": "0.5", "smallest": "0.20", "spread": "0.16",
    }  # fmt: skip
    assert published.named("activation") == {"least": "0.1", "most": "1.4"}  # 70.66 - 70.58 and 57.28 - 55.90
    assert published.named("wiring") == {"graphs": "79.1, 79.1, 79.0", "designed": "77.1"}


def test_a_figure_is_not_taken_for_one_whose_number_begins_alike():
    rows = published.published("batch_size")
    steps = next(panel for panel in published.PANELS["batch_size"] if panel.key == "steps")
    assert {row["figure"] for row in published.of_panel(rows, steps)} == {"Fig. 1"}


def test_a_spread_is_read_from_the_precision_only_where_it_is_one():
    mish = published.PANELS["activation"][0]
    spreads = {row["series"]: row["spread"] for row in published.of_panel(published.published("activation"), mish)}
    assert spreads["ReLU"] == 0.58
    assert spreads["hardtanh"] is None
    steps = published.PANELS["batch_size"][0]
    assert {row["spread"] for row in published.of_panel(published.published("batch_size"), steps)} == {None}


ON_CARDS = {
    "activation": {"relu": "86.7", "sigmoid": "74.8", "low": "82.7", "high": "87.5"},
    "depth": {"at20": "8.75", "at110": "6.43", "at1202": "7.93"},
    "batch_norm": {"without": "31", "with_it": "2.1"},
    "batch_size": {"small": "2", "large": "256", "steps_small": "122,000", "steps_large": "1,100"},
    "wiring": {"random": "74.7", "low": "73.1", "high": "75.7"},
}
"""As the papers have them: Misra 2019, He et al. 2015, Ioffe and Szegedy 2015, Shallue et al. 2018 (digitised), Xie et al. 2019."""


def test_every_card_has_numbers_known_from_its_paper():
    assert ON_CARDS.keys() == published.CARDS.keys()


@pytest.mark.parametrize("question", ON_CARDS)
def test_the_numbers_of_a_card_are_those_of_the_paper_under_their_names(question):
    assert published.card(question)[2] == ON_CARDS[question]


@pytest.mark.parametrize("question", published.PANELS)
def test_published_marks_are_hollow_and_never_joined(question):
    rows = published.published(question)
    for panel in published.PANELS[question]:
        spec = _chart(panel, published.of_panel(rows, panel)).specification()
        marks = [layer["mark"] for layer in spec.get("layer", [spec])]
        points = [mark for mark in marks if mark["type"] == "point"]
        assert points and all(mark["filled"] is False for mark in points)
        assert {mark["type"] for mark in marks} <= {"point", "rule"}


def _chart(panel, rows):
    if panel.kind == "strip":
        return charts.strip(rows, value="y", series="series", group=panel.group, rising=True, hint="source")
    scales = {"x_log": panel.x_log, "y_log": panel.y_log}
    return charts.scatter(rows, x_title="x", y_title="y", series="series", hint="source", **scales)
