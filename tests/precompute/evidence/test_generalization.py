"""Which claims a study of generalization decides follows from what is planned, also while it is partly trained."""

import numpy as np
import pytest

from precompute.evidence import StudyResults, study_claims, study_contrasts
from precompute.studies import STUDIES

CURVE = np.array([0.5, 0.3, 0.4, 0.25, 0.2])
CNN = "double_descent/cifar10_cnn"


@pytest.fixture
def partly(make_grid):
    """Name of a study and what some of its maps differ in -> what is known of it when those maps are trained and no other."""

    def make(name, *trained):
        study = STUDIES[name]
        planned, grids = study.specs("full"), []
        for number, told in enumerate(trained):
            rng = np.random.default_rng(number)
            grid = make_grid(CURVE[:, None, None] + rng.normal(0, 0.002, (5, 2, 3)))
            one = next(spec for spec in planned if told.items() <= spec.settings().items())
            grid.settings.clear()
            grid.settings.update({key: value for key, value in one.settings().items() if key != study.x_axis})
            grids.append(grid)
        return StudyResults(name, "generalization", grids, (), planned)

    return make


def claims_of(study):
    return {row.claim for row in study_claims(study)[0]}


def test_one_map_of_a_study_of_examples_or_of_decays_decides_nothing(partly):
    for name, told in (
        ("double_descent/sample_wise", {"n_train": 1000, "epochs": 300, "label_noise": 0.2}),
        ("double_descent/regularization", {"weight_decay": 0.0}),
    ):
        study = partly(name, told)
        assert claims_of(study) == set() and study_contrasts(study) == [], name


def test_two_maps_that_differ_in_epochs_alone_are_of_a_study_of_examples(partly):
    several = [{"n_train": 8000, "epochs": epochs, "label_noise": 0.2} for epochs in (300, 150)]
    study = partly("double_descent/sample_wise", *several)
    assert claims_of(study) == set() and study_contrasts(study) == []
    whole = partly("double_descent/sample_wise", *several, {"n_train": 4000, "label_noise": 0.2})
    assert claims_of(whole) == {"G6"} and {row.quantity for row in study_contrasts(whole)} == {
        "more_data_at_equal_epochs",
        "more_data_at_equal_steps",
    }


def test_augmented_maps_decide_nothing_where_others_are_planned(partly):
    plain, augmented = ({"label_noise": 0.2, "augment": name} for name in ("none", "crop_flip"))
    assert claims_of(partly(CNN, augmented)) == set()
    assert claims_of(partly(CNN, augmented, plain)) == claims_of(partly(CNN, plain)) >= {"G1", "G2"}


def test_one_map_of_a_study_of_label_noise_decides_what_it_would_in_the_end(partly):
    assert claims_of(partly("double_descent/mnist_mlp", {"label_noise": 0.2})) == {"G1", "G2", "G4", "G5", "G7"}
    assert claims_of(partly("double_descent/mnist_mlp", {"label_noise": 0.0})) == {"G3"}
