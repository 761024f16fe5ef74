"""Numbers in words: value, unit, interval and number of seeds, with no more decimals than the interval supports."""

import math

from explorer.text import t

SMALLEST_RATIO, LARGEST_RATIO = 0.01, 100_000  # beyond them a power of ten reads more easily
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MOST_DECIMALS = 2  # ten thousand test images resolve a hundredth of a percent


def decimals(half_width: float | None, default: int = 1) -> int:
    """Decimals no finer than an interval's half width: its first digit, the second too when that is a 1; `default` without one."""
    if half_width is None or not math.isfinite(half_width) or half_width <= 0:
        return default
    size = math.floor(math.log10(half_width))
    leading = half_width / 10**size
    return min(MOST_DECIMALS, max(0, (leading < 2) - size))


def percent(fraction: float, digits: int = 1) -> str:
    """A fraction as a percentage: 0.3061 -> "30.6%"."""
    return f"{_number(100 * fraction, digits)}%"


def points(fraction: float, digits: int = 1, signed: bool = True) -> str:
    """A difference of two fractions in percentage points: -0.1678 -> "−16.8 points" ("−16.8%p" in Korean)."""
    return t("site.format.points", value=_number(100 * fraction, digits, signed))


def interval(mean: float, low: float | None, high: float | None, n: int, counted: str | None = None) -> str:
    """Mean of fractions with its interval and seeds: "41.2% (39.6–42.8, 5 seeds)"; fewer than three seeds have no interval. `counted` are
    the words for n where it counts something else than seeds."""
    counted = counted or seeds(n)
    if low is None or high is None:
        return t("site.format.without_interval", mean=percent(mean), seeds=counted)
    digits = decimals(50 * (high - low))
    return t(
        "site.format.interval",
        mean=percent(mean, digits),
        low=_number(100 * low, digits),
        high=_number(100 * high, digits),
        seeds=counted,
    )


def quantity(estimate: float, low: float | None, high: float | None, unit: str, digits: int | None = None) -> str:
    """An estimate in its own unit (points are percentage points already), with its interval: "+8.2 points (+6.9 to +9.5)".

    A share is written in percent, as what is in percent already. A ratio, whose interval is even in its logarithm, has two digits
    wherever it lies: "0.69 (0.080 to 6.0)".
    """
    if unit == "percent":
        estimate, low, high = (None if value is None else value / 100 for value in (estimate, low, high))
    if unit in ("share", "percent"):
        ends = (None, None) if low is None or high is None else (100 * low, 100 * high)
        half = None if ends[0] is None else (ends[1] - ends[0]) / 2
        share = percent(estimate, decimals(half) if digits is None else digits)
        if ends[0] is None:
            return share
        return t(
            "site.format.range",
            value=share,
            **{n: percent(v / 100, decimals(half)) for n, v in zip(("low", "high"), ends)},
        )
    if unit == "ratio":
        told = {n: ratio(v) for n, v in (("value", estimate), ("low", low), ("high", high)) if v is not None}
        return t("site.format.range", **told) if len(told) == 3 else told["value"]
    if digits is None:
        digits = decimals(
            (high - low) / 2 if low is not None and high is not None else None, 1 if unit == "points" else 2
        )
    value = (
        t("site.format.points", value=_number(estimate, digits, True))
        if unit == "points"
        else _number(estimate, digits)
    )
    if low is None or high is None:
        return value
    return t(
        "site.format.range",
        value=value,
        low=_number(low, digits, unit == "points"),
        high=_number(high, digits, unit == "points"),
    )


def seeds(*counts: int) -> str:
    """ "5 seeds", or "3–5 seeds" where the `counts` of several things differ; "0 seeds" of none."""
    low, high = min(counts, default=0), max(counts, default=0)
    if low != high:
        return t("site.format.seeds", n=f"{low}–{high}")
    return t("site.format.seed" if high == 1 else "site.format.seeds", n=high)


def partly(done: int, planned: int) -> list[str]:
    """How many of the planned runs of a study are finished, as a sentence; nothing where all are."""
    return [t("site.format.partly", done=count(done), planned=count(planned))] if done < planned else []


def count(n: int) -> str:
    """A whole number with thousands separated: 813,050."""
    return f"{n:,}"


def plain(value: float | str) -> str:
    """A setting as one would write it: 0.2, 1,000, 1e-05, without needless zeros; a word as it is."""
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def rate(value: float) -> str:
    """A learning rate: a power of two below one as one divides, "1/4,096"; any other as it is, "0.1"."""
    power = math.log2(value)
    return f"1/{1 / value:,.0f}" if power < 0 and power == round(power) else f"{value:,g}"


def two_digits(value: float) -> str:
    """A number with two digits that count, also where the second is a zero: 1.976 -> "2.0", 124 -> "120"."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.2g}")
    return _number(rounded, max(0, 1 - math.floor(math.log10(abs(rounded)))))


def ratio(value: float) -> str:
    """A ratio with two digits that count; below a hundredth and from a hundred thousand on as a power of ten."""
    return two_digits(value) if value == 0 or SMALLEST_RATIO <= abs(value) < LARGEST_RATIO else power_of_ten(value)


def power_of_ten(value: float) -> str:
    """A very small or large number with two digits: 0.00000023 -> "2.3·10⁻⁷"."""
    factor, power = f"{value:.1e}".split("e")
    return f"{factor}·10{str(int(power)).translate(SUPERSCRIPT)}".replace("-", "\N{MINUS SIGN}")


def literal(text: str) -> str:
    """What a reader typed, or an address says, as Markdown that shows it as it stands: no sign in it is markup."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]()<>#+-.!|~$:&" else sign for sign in text)


def duration(seconds: float) -> str:
    """Seconds below two minutes, minutes below two hours, else hours."""
    if seconds < 120:
        return t("site.format.seconds", n=f"{seconds:.3g}")
    if seconds < 7200:
        return t("site.format.minutes", n=f"{seconds / 60:.0f}")
    return t("site.format.hours", n=f"{seconds / 3600:.1f}")


def _number(value: float, digits: int, signed: bool = False) -> str:
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    if float(text) == 0:  # which side of zero it lies on is beyond these digits
        text = text.lstrip("+-")
    return text.replace("-", "\N{MINUS SIGN}")
