import dataclasses

import pytest

from precompute.studies.tuning import at_chosen_rates, chosen_rate


@pytest.fixture
def tuning(make_spec):
    """Runs of two seeds at three rates, with the row of a shard from validation errors by rate; None is a run that diverged."""

    def make(errors: dict[float, tuple], **changes):
        runs = []
        for lr, by_seed in errors.items():
            for seed, error in enumerate(by_seed):
                spec = make_spec(lr=lr, seed=seed, optimizer="sgd", **changes)
                row = {"status": "diverged", "n_val": 100, "curves": [{"val_correct": None}]}
                if error is not None:
                    row |= {"status": "complete", "curves": [{"val_correct": 0}, {"val_correct": 100 - error}]}
                runs.append((spec, row))
        return runs

    return make


@pytest.mark.parametrize(
    ("errors", "rate"),
    [
        ({0.1: (20, 22), 0.2: (10, 31), 0.4: (30, 30)}, 0.2),
        ({0.1: (20, 22), 0.2: (22, 20), 0.4: (30, 30)}, 0.1),
        ({0.4: (20, 22), 0.2: (22, 20), 0.1: (30, 30)}, 0.2),
        ({0.1: (50, 50), 0.2: (10, None), 0.4: (None, None)}, 0.1),
        ({0.1: (50, None), 0.2: (None, 10), 0.4: (None, None)}, 0.2),
        ({0.1: (None, None), 0.2: (None, None)}, 0.1),
    ],
    ids=[
        "lowest mean",
        "equal",
        "equal, in another order",
        "a seed diverged",
        "one diverged everywhere",
        "all diverged",
    ],
)
def test_the_rate_with_the_lowest_validation_error_is_chosen(tuning, errors, rate):
    assert chosen_rate(tuning(errors)) == rate
    assert chosen_rate(reversed(tuning(errors))) == rate


def test_a_failed_run_counts_like_one_that_diverged(tuning):
    runs = tuning({0.1: (50, 50), 0.2: (10, 10)})
    runs[2][1]["status"] = "failed"
    assert chosen_rate(runs) == 0.1


def test_fresh_seeds_follow_for_every_configuration_that_is_tuned_to_the_end(tuning):
    runs = tuning({0.1: (20, 20), 0.2: (10, 10)}, width=4) + tuning({0.1: (20, 20), 0.2: (30, 30)}, width=8)
    specs, finished = [spec for spec, _ in runs], {spec.run_id: row for spec, row in runs}
    found = at_chosen_rates(specs, finished, range(2, 5), layer_measures=True)
    assert [(spec.seed, spec.width, spec.lr) for spec in found] == [
        (seed, width, lr) for seed in (2, 3, 4) for width, lr in ((4, 0.2), (8, 0.1))
    ]
    assert all(spec.layer_measures for spec in found)
    kept = dataclasses.replace(found[0], lr=specs[0].lr, seed=specs[0].seed, layer_measures=False)
    assert kept == specs[0], "nothing else changed"
    del finished[specs[1].run_id]
    assert {spec.width for spec in at_chosen_rates(specs, finished, range(2, 5))} == {8}
    assert at_chosen_rates(specs, {}, range(2, 5)) == []


def test_a_seed_of_the_tuning_is_not_fresh(tuning):
    runs = tuning({0.1: (20, 20)})
    with pytest.raises(ValueError, match="not fresh"):
        at_chosen_rates([spec for spec, _ in runs], {}, range(1, 4))
