import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from precompute.evidence import StudyResults, study_claims, study_contrasts
from precompute.evidence.intervals import holm, paired_p
from precompute.evidence.more_data import doublings, steps

STUDY = "question/sample_wise"
WIDTHS = [2.0, 4.0, 8.0, 16.0, 32.0]


@pytest.fixture
def make_study(make_grid):
    """Maps of 1,000, 2,000 and 4,000 examples for 100 epochs, and of the same steps as 4,000; `bump` points are added at width 8
    for 2,000 examples, whatever the epochs."""

    def make(bump=0.0, seeds=5, sd=0.001, label_noise=0.2):
        rng = np.random.default_rng(0)
        grids = []
        for n, epochs in ((1000, 100), (2000, 100), (4000, 100), (1000, 400), (2000, 200)):
            curve = 0.5 - 0.02 * np.log2(WIDTHS) - 0.01 * np.log2(n)
            curve = curve + np.where(np.array(WIDTHS) == 8, bump / 100 if n == 2000 else 0, 0)
            grid = make_grid(curve[:, None, None] + rng.normal(0, sd, (5, 1, seeds)), label_noise, xs=WIDTHS)
            grid.settings.update(n_train=n, epochs=epochs, batch_size=100)
            grids.append(grid)
        return grids

    return make


def test_doublings_are_found_at_equal_epochs_and_at_equal_steps(make_study):
    found = doublings(make_study(), 0.2)
    told = [(each.regime, each.small.settings["n_train"], each.large.settings["n_train"]) for each in found]
    assert told == [
        ("equal_epochs", 1000, 2000),
        ("equal_epochs", 2000, 4000),
        ("equal_steps", 1000, 2000),
        ("equal_steps", 2000, 4000),
    ]
    for each in found:
        if each.regime == "equal_steps":
            assert steps(each.small) == steps(each.large)
        else:
            assert each.small.settings["epochs"] == each.large.settings["epochs"]
    assert doublings(make_study(), 0.0) == []


def test_a_batch_that_does_not_divide_the_examples_counts_as_a_step(make_study):
    grid = make_study()[0]
    grid.settings.update(n_train=1001, epochs=3)
    assert steps(grid) == 33


def test_more_data_that_hurts_at_one_width_is_found_there_in_both_regimes(make_study):
    (claim,), parts = study_claims(StudyResults(STUDY, "generalization", make_study(bump=4)))
    assert (claim.claim, claim.verdict) == ("G6", "shown")
    assert [part.quantity for part in parts] == ["more_data_worse_at_equal_epochs", "more_data_worse_at_equal_steps"]
    for part in parts:
        assert part.details["x"] == 8 and part.details["n_train"] == [1000, 2000]
        assert 2.5 < part.estimate < 3.5 and part.low > 0 and part.details["p_adjusted"] < 0.05
        first, second = part.details["doublings"]
        assert first["worse_at_x"] == [8.0] and first["better"] == 4 and second["worse_at_x"] == []


def test_more_data_that_helps_everywhere_contradicts_and_no_effect_shows_nothing(make_study, make_grid):
    assert study_claims(StudyResults(STUDY, "generalization", make_study()))[0][0].verdict == "contradicted"
    flat = make_study(sd=0.02)
    for grid in flat:
        grid.test_error[:] = 0.3 + np.random.default_rng(grid.settings["n_train"]).normal(
            0, 0.02, grid.test_error.shape
        )
    assert study_claims(StudyResults(STUDY, "generalization", flat))[0][0].verdict == "not shown"


def test_maps_without_a_seed_in_common_compare_nothing(make_study):
    """Two single runs, of one seed each, are enough for maps, and not for a difference."""
    grids = make_study(bump=4)[:2]
    for grid, kept in zip(grids, (0, 1), strict=True):
        for name in ("train_error", "val_error", "test_error", "train_loss", "val_loss", "test_loss", "memorized"):
            getattr(grid, name)[..., [seed for seed in range(5) if seed != kept]] = np.nan
    study = StudyResults(STUDY, "generalization", grids)
    assert study_claims(study) == ([], []) and study_contrasts(study) == []


def test_two_seeds_decide_nothing(make_study):
    (claim,), parts = study_claims(StudyResults(STUDY, "generalization", make_study(bump=4, seeds=2)))
    assert claim.verdict == "not shown" and all(part.low is None for part in parts)


def test_every_cell_has_a_contrast_paired_by_seed_with_its_p(make_study):
    grids = make_study(bump=4)
    rows = study_contrasts(StudyResults(STUDY, "generalization", grids))
    assert len(rows) == 4 * len(WIDTHS)
    by_map = {(grid.settings["n_train"], grid.settings["epochs"]): grid for grid in grids}
    for row in rows:
        place = WIDTHS.index(row.changed["x"])
        large, small = (by_map[side["n_train"], side["epochs"]] for side in (row.changed, row.baseline))
        difference = 100 * (large.test_error[place, -1] - small.test_error[place, -1])
        assert row.estimate == pytest.approx(difference.mean())
        assert row.p == pytest.approx(stats.ttest_1samp(difference, 0).pvalue)
        assert row.p_adjusted >= row.p


def test_the_interval_told_excludes_zero_just_when_the_corrected_p_is_small(make_study):
    for bump in np.linspace(1, 2, 12):
        for part in study_claims(StudyResults(STUDY, "generalization", make_study(bump=bump, sd=0.003)))[1]:
            if part.estimate > 0:
                assert (part.low > 0) == (part.details["p_adjusted"] < 0.05)


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=20))
def test_holm_is_the_step_down_procedure(values):
    """Adjusted p below a level is rejection by the definition: step down until one fails."""
    p = np.array(values)
    adjusted = holm(p)
    for level in (0.01, 0.05, 0.5):
        rejected = np.zeros(len(p), bool)
        for rank, index in enumerate(np.argsort(p, kind="stable")):
            if (len(p) - rank) * p[index] >= level:
                break
            rejected[index] = True
        assert np.array_equal(adjusted < level, rejected)


def test_holm_leaves_out_what_was_not_tested():
    adjusted = holm(np.array([0.01, np.nan, 0.02]))
    assert adjusted[0] == pytest.approx(0.02) and adjusted[2] == pytest.approx(0.02) and np.isnan(adjusted[1])


def test_holm_keeps_false_alarms_below_five_percent_where_there_is_nothing():
    rng = np.random.default_rng(1)
    alarms = sum((holm(paired_p(rng.normal(0, 1, (14, 5)))) < 0.05).any() for _ in range(1500))
    assert alarms / 1500 < 0.065


def test_p_of_equal_differences():
    assert paired_p(np.array([0.0, 0.0, 0.0])) == 1
    assert paired_p(np.array([0.5, 0.5, 0.5])) == 0
    assert np.isnan(paired_p(np.array([0.5, 0.4])))
