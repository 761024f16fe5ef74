"""The names of a study's axes in words: what runs across its maps, what its clock counts, what its loss is.

Every function takes anything that says so in `unit`, `clock` and `loss`: a Study, or the Axes of a map.
"""

from typing import Protocol

from explorer import format
from explorer.text import t

MOST_DIGITS = 100_000  # from here on a tick is a power of ten
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Named(Protocol):
    """What a study or the axes of one of its maps say of themselves, in codes of the texts."""

    unit: str
    clock: str
    loss: str


def x_word(of: Named) -> str:
    """The abscissa within a sentence: "width"."""
    return t(f"generalization.x.{of.unit}.word")


def clock_word(of: Named) -> str:
    """The clock within a sentence: "epoch"."""
    return t(f"generalization.clock.{of.clock}.word")


def x_name(of: Named) -> str:
    """The abscissa as a label: "Width"."""
    return t(f"generalization.x.{of.unit}.name")


def clock_name(of: Named) -> str:
    """The clock as a label: "Epoch"."""
    return t(f"generalization.clock.{of.clock}.name")


def x_title(of: Named) -> str:
    """The title of the abscissa, with its unit."""
    return t(f"generalization.x.{of.unit}.title")


def clock_title(of: Named) -> str:
    """The title of the axis of the clock."""
    return t(f"generalization.clock.{of.clock}.title")


def place(of: Named, value: int | str) -> str:
    """One x value in a sentence: "width 1,024", "3,000 features". A text stands for itself, for expressions."""
    return t(f"generalization.x.{of.unit}.at", value=value if isinstance(value, str) else format.count(value))


def moment(of: Named, value: int | str) -> str:
    """One reading of the clock in a sentence: "epoch 1,000"."""
    return t(f"generalization.clock.{of.clock}.at", value=value if isinstance(value, str) else format.count(value))


def loss_title(of: Named) -> str:
    """The title of a loss axis, with its unit."""
    return t(f"generalization.loss_name.{of.loss}.axis")


def loss_unit(of: Named) -> str:
    """ "in nats", as it follows the name of a measure."""
    return t(f"generalization.loss_name.{of.loss}.unit")


def loss_value(of: Named, value: float) -> str:
    """A loss with its unit: "1.25 nats"."""
    return t(f"generalization.loss_name.{of.loss}.value", value=f"{value:.2f}")


def tick(value: int) -> str:
    """A sampled value as an axis has room for it: 1,000, or 10⁹, or 3.2·10⁶."""
    if value < MOST_DIGITS:
        return format.count(value)
    factor, power = f"{value:.1e}".split("e")
    ten = "10" + str(int(power)).translate(SUPERSCRIPT)
    return ten if factor == "1.0" else f"{factor}·{ten}"
