import numpy as np
import pytest

from precompute.evidence import StudyResults, all_claims, configuration_intervals, landmarks, study_contrasts


def test_a_run_measured_at_some_epochs_only_is_refused(make_grid):
    errors = np.full((2, 3, 2), 0.3)
    errors[0, 2, 1] = np.nan
    with pytest.raises(ValueError, match="at some epochs only"):
        make_grid(errors)


def test_an_infinite_value_is_refused(make_grid):
    errors = np.full((2, 3, 2), 0.3)
    errors[1, 0, 0] = np.inf
    with pytest.raises(ValueError, match="infinite"):
        make_grid(errors)


@pytest.mark.parametrize(
    "wrong",
    [
        {"xs": [2.0, 1.0]},
        {"epochs": [1, 1, 2]},
        {"seeds": [4, 4]},
        {"train_error": np.zeros((2, 3, 1))},
    ],
)
def test_axes_and_shapes_that_do_not_fit_are_refused(make_grid, wrong):
    with pytest.raises(ValueError):
        make_grid(np.full((2, 3, 2), 0.3), **wrong)


def test_a_map_of_missing_runs_only_has_no_runs(make_grid):
    assert not make_grid(np.full((2, 3, 2), np.nan)).has_runs
    assert make_grid(np.full((2, 3, 2), 0.1)).has_runs


def test_a_map_whose_runs_all_diverged_has_no_epochs_and_gives_no_rows(make_grid):
    grid = make_grid(np.empty((2, 0, 3)))
    assert (
        configuration_intervals(grid)
        == landmarks(grid)
        == study_contrasts(StudyResults("s", "generalization", [grid]))
        == []
    )
    assert {row.verdict for row in all_claims([StudyResults("s", "generalization", [grid])])[0]} == {"not tested here"}
