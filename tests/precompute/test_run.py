import itertools
import math

import pytest

from precompute.training.run import blank_after, evaluation_epochs, find_stop_step


def evaluated(step: int, train_loss: float, test_loss: float = 2.0) -> dict:
    return {"step": step, "train_loss": train_loss, "val_loss": 2.0, "test_loss": test_loss}


def test_a_loss_that_stays_ten_times_above_its_start_counts_as_diverged():
    rows = [evaluated(step, loss) for step, loss in ((10, 2.0), (20, 30.0), (30, 25.0), (40, 26.0))]
    assert find_stop_step(rows, -1, start_loss=2.3) == 20
    assert find_stop_step(rows[:2], -1, start_loss=2.3) is None, "one evaluation is no stay"
    assert find_stop_step([*rows, evaluated(50, 1.0)], -1, start_loss=2.3) is None
    assert find_stop_step(rows, 7, start_loss=2.3) == 7


@pytest.mark.parametrize("lost", [math.nan, math.inf, 1e39])
def test_an_evaluation_that_is_not_finite_counts_where_no_step_was_seen_to_break(lost):
    """The last update before an evaluation can break the network; the loss that it was made from was still finite."""
    calm, broken = evaluated(10, 2.0), evaluated(20, lost)
    assert find_stop_step([calm, broken], -1, start_loss=2.3) == 20
    assert find_stop_step([calm, broken, evaluated(30, lost)], 21, start_loss=2.3) == 20, "the next step saw it later"
    assert find_stop_step([calm, broken], 15, start_loss=2.3) == 15
    assert find_stop_step([calm, evaluated(20, 2.0, test_loss=lost)], -1, start_loss=2.3) == 20


def test_rows_are_blank_from_the_stop_step_on_by_their_step_or_their_epoch():
    rows = [{"step": step, "layer": 2, "norm": 1.0} for step in (1, 5, 9)]
    assert blank_after(None, rows) == rows
    assert [row["norm"] for row in blank_after(5, rows)] == [1.0, None, None]
    assert [(row["step"], row["layer"]) for row in blank_after(5, rows)] == [(1, 2), (5, 2), (9, 2)]
    rows = [{"epoch": epoch, "layer": 1, "norm": 1.0} for epoch in (0, 1, 3)]
    assert [(row["epoch"], row["norm"]) for row in blank_after(30, rows, {1: 10, 3: 30})] == [(0, 1), (1, 1), (3, None)]


@pytest.mark.parametrize("epochs", [1, 2, 40, 300, 1000])
def test_evaluations_are_log_spaced_with_the_first_and_the_last(epochs):
    when = evaluation_epochs(epochs, 72)
    assert when[0] == 1 and when[-1] == epochs and when == sorted(set(when))
    gaps = [b - a for a, b in itertools.pairwise(when)]
    assert max(gaps, default=0) <= max(1, 0.12 * epochs)
    assert len(when) <= 72
