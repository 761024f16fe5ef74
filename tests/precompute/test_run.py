import itertools

import pytest

from precompute.training.run import evaluation_epochs, find_stop_step


def test_a_loss_that_stays_ten_times_above_its_start_counts_as_diverged():
    rows = [{"step": step, "train_loss": loss} for step, loss in ((10, 2.0), (20, 30.0), (30, 25.0), (40, 26.0))]
    assert find_stop_step(rows, -1, start_loss=2.3) == 20
    assert find_stop_step(rows[:2], -1, start_loss=2.3) is None, "one evaluation is no stay"
    assert find_stop_step([*rows, {"step": 50, "train_loss": 1.0}], -1, start_loss=2.3) is None
    assert find_stop_step(rows, 7, start_loss=2.3) == 7


@pytest.mark.parametrize("epochs", [1, 2, 40, 300, 1000])
def test_evaluations_are_log_spaced_with_the_first_and_the_last(epochs):
    when = evaluation_epochs(epochs)
    assert when[0] == 1 and when[-1] == epochs and when == sorted(set(when))
    gaps = [b - a for a, b in itertools.pairwise(when)]
    assert max(gaps, default=0) <= max(1, 0.12 * epochs)
    assert len(when) <= 72
