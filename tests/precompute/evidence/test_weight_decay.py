import numpy as np
import pytest

from precompute.evidence import StudyResults, study_claims, study_contrasts
from precompute.evidence.weight_decay import best_decay

STUDY = "question/regularization"
WITHOUT = np.array([0.5, 0.3, 0.4, 0.45, 0.2])
LITTLE = np.array([0.5, 0.3, 0.35, 0.3, 0.2])
MUCH = np.array([0.6, 0.4, 0.28, 0.25, 0.24])
JITTER = 0.002 * np.array([-1, 0, 1])


@pytest.fixture
def make_study(make_grid):
    def make(curves, validation=None, seeds=3):
        grids = []
        for decay, curve in curves.items():
            error = curve[:, None, None] + JITTER[:seeds]
            chosen_by = error if validation is None else validation[decay][:, None, None] + JITTER[:seeds]
            grid = make_grid(error, val_error=chosen_by)
            grid.settings["weight_decay"] = decay
            grids.append(grid)
        return grids

    return make


def test_the_decay_of_each_x_is_chosen_on_validation_data(make_study):
    curves = {0.0: WITHOUT, 0.01: LITTLE, 1.0: MUCH}
    chosen = best_decay(make_study(curves))
    assert chosen.decay.tolist() == [0, 0, 1, 1, 0], "of equals the smallest"
    assert np.allclose(chosen.best.mean(axis=1), [50, 30, 28, 25, 20])
    misled = best_decay(make_study(curves, validation={0.0: MUCH, 0.01: MUCH + 0.1, 1.0: MUCH + 0.2}))
    assert misled.decay.tolist() == [0] * 5 and np.allclose(misled.best, misled.without)


def test_a_decay_that_lost_a_seed_is_not_chosen_on_the_others(make_study):
    grids = make_study({0.0: WITHOUT, 0.01: LITTLE, 1.0: MUCH})
    for name in ("test_error", "val_error"):
        getattr(grids[2], name)[3, :, :2] = np.nan
    assert best_decay(grids).decay.tolist() == [0, 0, 1, 0.01, 0]


def test_a_peak_that_the_best_decay_removes_shows_the_claim(make_study):
    (claim,), (part,) = study_claims(
        StudyResults(STUDY, "generalization", make_study({0.0: WITHOUT, 0.01: LITTLE, 1.0: MUCH}))
    )
    assert (claim.claim, claim.verdict) == ("G8", "shown")
    assert part.high < 1 and part.details["decay_at_x"]["3"] == 1.0


def test_a_peak_that_stays_contradicts_it(make_study):
    (claim,), (part,) = study_claims(StudyResults(STUDY, "generalization", make_study({0.0: WITHOUT, 0.01: WITHOUT})))
    assert claim.verdict == "contradicted" and part.estimate == pytest.approx(15)


def test_no_decay_beside_none_tests_nothing(make_study):
    assert study_claims(StudyResults(STUDY, "generalization", make_study({0.01: LITTLE, 1.0: MUCH}))) == ([], [])
    assert study_contrasts(StudyResults(STUDY, "generalization", make_study({0.01: LITTLE, 1.0: MUCH}))) == []


def test_each_x_has_a_contrast_paired_by_seed(make_study):
    rows = study_contrasts(StudyResults(STUDY, "generalization", make_study({0.0: WITHOUT, 0.01: LITTLE, 1.0: MUCH})))
    assert [(row.changed["x"], row.changed["weight_decay"]) for row in rows] == list(zip(range(1, 6), [0, 0, 1, 1, 0]))
    assert [row.estimate for row in rows] == pytest.approx([0, 0, -12, -20, 0], abs=1e-9)
    assert all(row.n == 3 and row.unit == "points" and row.baseline["weight_decay"] == 0 for row in rows)


def test_two_seeds_decide_nothing(make_study):
    assert (
        study_claims(StudyResults(STUDY, "generalization", make_study({0.0: WITHOUT, 1.0: MUCH}, seeds=2)))[0][
            0
        ].verdict
        == "not shown"
    )


def test_maps_that_differ_in_something_else_are_refused(make_study):
    grids = make_study({0.0: WITHOUT, 1.0: MUCH})
    grids[1].settings["batch_size"] = 3
    with pytest.raises(ValueError, match="batch_size"):
        study_claims(StudyResults(STUDY, "generalization", grids))
