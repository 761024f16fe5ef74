import math

import pytest

from precompute.measures.finite import finite


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e39, -1e39, None])
def test_what_fp32_cannot_hold_is_none(value):
    assert finite(value) is None


@pytest.mark.parametrize("value", [0.0, 3.4e38, -3.4e38, 1e-50, 7])
def test_what_it_can_stays_as_it_is(value):
    assert finite(value) == value
