"""Whether loss and error peak together: one rule for both, and no disagreement where one of them is not settled."""

import pytest

MAIN = """
configuration IN (SELECT configuration FROM configurations WHERE study = 'double_descent/mnist_mlp' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2)
AND epoch = (SELECT max(epoch) FROM intervals JOIN configurations USING (configuration) WHERE study = 'double_descent/mnist_mlp')
"""
WIDTHS = (2, 8, 24, 64)
PEAK, OPEN, FALLING = (0.5, 0.3, 0.44, 0.2), (0.5, 0.41, 0.44, 0.4), (0.5, 0.4, 0.3, 0.2)


def planted(measure: str, means: tuple[float, ...]) -> list[str]:
    """The last row of a measure, each mean in an interval of ± 0.03."""
    return [
        f"UPDATE intervals SET mean = {mean}, low = {mean - 0.03}, high = {mean + 0.03} WHERE {MAIN} AND measure = '{measure}'"
        f" AND configuration IN (SELECT configuration FROM configurations WHERE x = {width})"
        for width, mean in zip(WIDTHS, means, strict=True)
    ]


def told(app) -> str:
    starts = ("**Loss and error", "**The peak is clear", "**Neither loss nor error")
    [found] = [each.value for each in app.markdown if each.value.startswith(starts)]
    return found


@pytest.mark.parametrize(
    "error, loss, start",
    [
        (PEAK, PEAK, "**Loss and error agree here.** At epoch 40 both peak"),
        (PEAK, FALLING, "**Loss and error disagree here.** At epoch 40 the test error peaks at width 24"),
        (FALLING, PEAK, "**Loss and error disagree here.** At epoch 40 the test loss peaks at width 24"),
        (PEAK, OPEN, "**The peak is clear in the error, not settled in the loss.**"),
        (OPEN, PEAK, "**The peak is clear in the loss, not settled in the error.**"),
        (FALLING, FALLING, "**Loss and error agree here.** At epoch 40 neither"),
        (OPEN, FALLING, "**Neither loss nor error has a clear peak here.**"),
    ],
)
def test_a_disagreement_needs_a_peak_and_a_known_absence(opened, database, changed, error, loss, start):
    changed(
        *planted("test_error", error),
        *planted("test_loss", loss),
        "UPDATE claim_parts SET high = 3 WHERE quantity = 'rise_to_the_peak'",
    )
    assert told(opened("generalization")).startswith(start)


@pytest.mark.parametrize("high, start", [(0.9, "**Loss and error disagree"), (1.1, "**The peak is clear in the loss")])
def test_a_rise_below_a_point_is_an_absence_of_the_error_s_peak(opened, database, changed, high, start):
    changed(
        *planted("test_error", OPEN),
        *planted("test_loss", PEAK),
        f"UPDATE claim_parts SET high = {high} WHERE quantity = 'rise_to_the_peak' AND claim = 'G1' AND study = 'double_descent/mnist_mlp'",
    )
    assert told(opened("generalization")).startswith(start)


def test_a_peak_that_only_the_ridge_finds_is_told_beside(opened, database, changed):
    ridge = """
    kind = 'ridge_across' AND map = (SELECT map FROM maps WHERE study = 'double_descent/mnist_mlp' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2)
    AND line = (SELECT max(epoch) FROM curves JOIN runs USING (run) WHERE study = 'double_descent/mnist_mlp')
    """
    find = f"UPDATE landmarks SET position = 24, low = 24, high = 24, height = 0.03, clear = true WHERE {ridge}"
    changed(*planted("test_error", OPEN), *planted("test_loss", PEAK), find)
    assert told(opened("generalization")).endswith("it has not been applied to the loss.")
    changed(*planted("test_error", PEAK), *planted("test_loss", PEAK), find)
    assert "pairs the seeds" not in told(opened("generalization"))
