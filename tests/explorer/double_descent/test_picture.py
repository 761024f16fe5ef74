"""Where the names of the regions stand on a map, by its ridge and its errors."""

import pyarrow as pa
import pytest

from explorer.double_descent import picture
from explorer.results.generalization import Axes, Row

CHANNELS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]
EPOCHS = list(range(1, 37))
pytestmark = pytest.mark.usefixtures("english")


def notes_of(peak: int, *, clear_rows: int = 36, falls: float = 0.02, widths: list[int] = CHANNELS, before: int = 2):
    """The notes by text on a map whose ridge stands at the column `peak` from the last rows down, one column further right in others."""
    places = range(len(widths))
    errors = [0.5 - 0.05 * min(place, before) + 0.04 * max(0, place - before) for place in places][: peak + 1]
    errors += [errors[-1] - falls * (place - peak) for place in places[peak + 1 :]]
    cells = [
        {"width": width, "mean": error, "low": error - 0.008, "high": error + 0.008}
        for width, error in zip(widths, errors, strict=True)
    ]
    row = Row(EPOCHS[-1], cells[peak], cells[before], cells[-1], True, cells[0])
    rows = [
        {"at": e, "position": widths[peak if e > 28 else min(peak + 1, len(widths) - 1)], "clear": True} for e in EPOCHS
    ]
    axes = Axes(widths, [100 * w for w in widths], EPOCHS, [0, 1, 2])
    found = picture._notes(row, axes, pa.Table.from_pylist(rows[-clear_rows:]), lambda epoch: cells)
    return {text: (widths.index(width), epoch) for width, epoch, text in found}


@pytest.mark.parametrize("peak", [CHANNELS.index(k) for k in (3, 4, 6, 8)])
def test_the_names_of_ten_widths_stand_on_what_they_name(peak):
    found = notes_of(peak, before=max(1, peak - 2))
    column, epoch = found["The ridge"]
    assert column == peak + 1 and epoch > 28  # beside the dots of the rows whose ridge is at that peak
    column, epoch = found["Second descent"]
    assert peak + 1 < column < 9 and epoch < found["The ridge"][1]
    assert ("First descent" in found) is (peak > 2)
    if peak > 2:
        assert found["First descent"] == (max(1, peak - 2), 19)


def test_the_name_of_the_ridge_stands_at_a_row_in_which_the_ridge_is():
    assert notes_of(4, clear_rows=1)["The ridge"] == (5, 36)
    assert notes_of(4, clear_rows=36)["The ridge"] == (5, 35)
    twice = [*range(1, 25)]
    assert notes_of(8, widths=twice, before=4)["The ridge"][0] == 8 + 2  # the columns are narrower, the name is not


@pytest.mark.parametrize("peak", [7, 8, 9])
def test_beside_an_end_of_the_map_there_is_no_room_for_a_second_descent(peak):
    found = notes_of(peak)
    assert "Second descent" not in found
    assert found["The ridge"][0] == min(peak + 1, 9)


def test_a_second_descent_is_named_only_where_the_error_is_below_the_peak():
    assert "Second descent" not in notes_of(3, falls=0.001)
    assert notes_of(3, falls=0.0035)["Second descent"][0] == 8  # the only column whose interval lies below


def test_without_a_clear_peak_there_are_no_names():
    row = Row(36, None, None, {}, False, {})
    assert picture._notes(row, Axes([1, 2], [1, 2], [36], [0]), pa.table({}), lambda epoch: []) == []
    assert picture._notes(None, Axes([1, 2], [1, 2], [36], [0]), pa.table({}), lambda epoch: []) == []
