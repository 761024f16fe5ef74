from explorer.charts import landmarks


def test_the_threshold_is_a_staircase_at_the_first_width_that_reached_it(threshold, axes):
    _, tables = landmarks.threshold_line(threshold, axes)
    assert [(row["e"], row["w"]) for row in tables["threshold"].to_pylist()] == [(1, 2), (2, 2), (3, 1)]
    assert tables["threshold_treads"].to_pylist() == [{"e": 3, "w": 1, "to": 2}]


def test_a_threshold_that_is_never_reached_draws_nothing(threshold, axes):
    assert landmarks.threshold_line(threshold.slice(0, 1), axes) == ([], {})


def test_the_threshold_band_spans_the_single_seeds(threshold, axes):
    layers, tables = landmarks.threshold_line(threshold, axes)
    assert [(row["from"], row["to"]) for row in tables["threshold"].to_pylist()] == [(2, 2), (1, 2), (1, 2)]
    assert layers[0].to_dict()["mark"]["type"] == "rect"


def test_the_ridge_is_drawn_only_where_it_is_clear(ridge, axes):
    _, tables = landmarks.ridge_line(ridge, axes, "across")
    assert [(row["e"], row["w"]) for row in tables["ridge"].to_pylist()] == [(2, 1), (3, 1)]


def test_a_bootstrap_end_between_two_widths_moves_outward(ridge, axes):
    _, tables = landmarks.ridge_line(ridge, axes, "across")
    assert tables["ridge"].to_pylist()[0]["from"] == 0


def test_the_ridge_upward_runs_over_widths(axes, ridge):
    upward = ridge.slice(2, 2).set_column(0, "at", [[8, 64]]).set_column(1, "position", [[3, 10]])
    upward = upward.set_column(2, "low", [[3.0, 10.0]]).set_column(3, "high", [[10.0, 10.0]])
    _, tables = landmarks.ridge_line(upward, axes, "up")
    assert tables["ridge"].to_pylist() == [{"w": 1, "e": 1, "from": 1, "to": 2}, {"w": 2, "e": 2, "from": 2, "to": 2}]


def test_no_clear_ridge_draws_nothing(ridge, axes):
    assert landmarks.ridge_line(ridge.slice(0, 2), axes, "across") == ([], {})


def test_notes_stand_on_their_cells(axes):
    _, tables = landmarks.notes([(8, 40, "The ridge")], axes)
    assert tables["notes"].to_pylist() == [{"w": 1, "e": 3, "text": "The ridge"}]
    assert landmarks.notes([], axes) == ([], {})
