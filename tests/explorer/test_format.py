import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer import format


def test_a_fraction_becomes_a_percentage():
    assert format.percent(0.3061) == "30.6%"
    assert format.percent(0.2, 0) == "20%"
    assert format.percent(0.0) == "0.0%"


@pytest.mark.parametrize(
    ("mean", "low", "high", "expected"),
    [
        (0.412, 0.396, 0.428, "41.2% (39.6–42.8, 5 seeds)"),
        (0.3456, 0.3156, 0.3756, "35% (32–38, 5 seeds)"),
        (0.08347, 0.08317, 0.08377, "8.35% (8.32–8.38, 5 seeds)"),
        (0.5, 0.3, 0.7, "50% (30–70, 5 seeds)"),
        (0.0, 0.0, 0.0, "0.0% (0.0–0.0, 5 seeds)"),
    ],
)
def test_an_interval_has_no_more_decimals_than_it_supports(english, mean, low, high, expected):
    assert format.interval(mean, low, high, 5) == expected


def test_seeds_are_counted_in_one_number_or_from_the_fewest_to_the_most(english):
    counted = [format.seeds(*counts) for counts in [(5,), (1,), (4, 3, 4), (5, 5), ()]]
    assert counted == ["5 seeds", "1 seed", "3–4 seeds", "5 seeds", "0 seeds"]


def test_few_seeds_have_no_interval_and_say_so(english):
    assert format.interval(0.412, None, None, 2) == "41.2% (2 seeds, no interval)"
    assert format.interval(0.412, None, None, 1) == "41.2% (1 seed, no interval)"


def test_a_difference_carries_its_sign(english):
    assert (format.points(-0.1678), format.points(0.0802)) == ("−16.8 points", "+8.0 points")
    assert format.points(-0.00001) == format.points(0.00001) == "0.0 points"
    assert format.quantity(-2.2, -4.3, -0.03, "points") == "−2 points (−4 to 0)"


def test_korean_words(monkeypatch):
    monkeypatch.setattr("explorer.text.language", lambda: "ko")
    assert format.interval(0.412, 0.396, 0.428, 5) == "41.2% (39.6–42.8, 시드 5개)"
    assert format.points(-0.1678) == "−16.8%p"


def test_a_quantity_keeps_its_unit(english):
    assert format.quantity(8.2, 6.9, 9.5, "points") == "+8.2 points (+6.9 to +9.5)"
    assert format.quantity(0.913, 0.85, 0.97, "correlation") == "0.91 (0.85 to 0.97)"
    assert format.quantity(8.2, None, None, "points") == "+8.2 points"
    assert format.quantity(0.234, 0.21, 0.26, "share") == "23% (21% to 26%)"
    assert format.quantity(0.234, None, None, "share") == "23.4%"
    assert format.quantity(23.4, 21, 26, "percent") == "23% (21% to 26%)"
    assert format.quantity(0.0, 0.0, 8.5, "percent") == "0% (0% to 8%)"


def test_a_small_ratio_is_a_power_of_ten(english):
    assert format.quantity(2.34e-7, 2e-7, 2.7e-7, "ratio") == "2.3·10⁻⁷ (2.0·10⁻⁷ to 2.7·10⁻⁷)"
    assert format.quantity(2.34e-7, None, None, "ratio") == "2.3·10⁻⁷"
    assert format.quantity(3.04, 2.8, 3.3, "ratio") == "3.0 (2.8 to 3.3)"


def test_a_ratio_has_two_digits_wherever_it_lies(english):
    assert format.quantity(1.976, 1.57, 2.486, "ratio") == "2.0 (1.6 to 2.5)"
    assert format.quantity(0.69, 0.08, 6, "ratio") == "0.69 (0.080 to 6.0)"
    assert [format.two_digits(value) for value in (0, 0.998, 9.96, 28.36, 124.0, 1550)] == [
        "0",
        "1.0",
        "10",
        "28",
        "120",
        "1600",
    ]


def test_the_ends_of_a_ratio_are_written_each_by_its_own_size(english):
    assert format.quantity(0.033, 7e-28, 1.6e24, "ratio") == "0.033 (7.0·10⁻²⁸ to 1.6·10²⁴)"
    assert format.quantity(0.004, 0.0, 120.0, "ratio") == "4.0·10⁻³ (0 to 120)"


def test_what_a_stranger_wrote_is_no_markup():
    told = format.literal("[in](https://evil.example) ![x](y) **b** `c` <b> :red[d] $e$ &amp;")
    assert told == (r"\[in\]\(https\://evil\.example\) \!\[x\]\(y\) \*\*b\*\* \`c\` \<b\> \:red\[d\] \$e\$ \&amp;")


@pytest.mark.parametrize(
    ("rate", "written"),
    [(0.125, "1/8"), (2.0**-12, "1/4,096"), (1.0, "1"), (2.0, "2"), (0.02, "0.02"), (0.1, "0.1"), (1e-4, "0.0001")],
)
def test_a_learning_rate_is_written_as_one_divides_where_it_is_a_power_of_two(rate, written):
    assert format.rate(rate) == written


def test_durations_and_counts(english):
    assert [format.duration(seconds) for seconds in (3.14159, 300, 9000)] == ["3.14 s", "5 min", "2.5 h"]
    assert format.count(813050) == "813,050"
    assert [format.plain(value) for value in (0.2, 1000, 1e-05, 0.0)] == ["0.2", "1,000", "1e-05", "0"]


@given(st.floats(1e-6, 1e3))
def test_the_last_decimal_is_no_finer_than_the_interval_but_for_a_leading_one(half_width):
    digits = format.decimals(half_width)
    assert 0 <= digits <= format.MOST_DECIMALS
    if digits > 0:
        assert 10**-digits <= half_width or digits == format.MOST_DECIMALS


@given(st.floats(0, 1), st.floats(0, 0.5), st.integers(3, 9))
def test_every_number_written_lies_within_its_rounding(mean, half, n):
    text = format.interval(mean, mean - half, mean + half, n)
    told = [found.replace("−", "-") for found in re.findall(r"−?\d+(?:\.\d+)?", text)[:3]]
    for number, exact in zip(told, (mean, mean - half, mean + half), strict=True):
        decimals = len(number.partition(".")[2])
        assert abs(float(number) - 100 * exact) <= 0.5 * 10**-decimals + 1e-9
