"""The activation functions on every page: one name, one colour and one shape each. A family shares a hue and differs in shape, so that no
more than five hues stand side by side; the name is always written beside."""

from typing import NamedTuple

from explorer.charts import style


class Look(NamedTuple):
    """How one function is written and drawn."""

    name: str
    family: str
    colour: str
    shape: str


SATURATING, RECTIFIERS, EXPONENTIAL, GATED, OTHERS = "#c8501e", style.MEASURED, "#2a8f6d", "#b5538b", style.NEUTRAL
FUNCTIONS = {
    "sigmoid": Look("sigmoid", "saturating", SATURATING, "circle"),
    "tanh": Look("tanh", "saturating", SATURATING, "square"),
    "softsign": Look("softsign", "saturating", SATURATING, "triangle-up"),
    "hardtanh": Look("hardtanh", "saturating", SATURATING, "diamond"),
    "relu": Look("ReLU", "rectifiers", RECTIFIERS, "circle"),
    "leaky_relu": Look("leaky ReLU", "rectifiers", RECTIFIERS, "square"),
    "prelu": Look("PReLU", "rectifiers", RECTIFIERS, "triangle-up"),
    "elu": Look("ELU", "exponential", EXPONENTIAL, "circle"),
    "selu": Look("SELU", "exponential", EXPONENTIAL, "square"),
    "softplus": Look("softplus", "exponential", EXPONENTIAL, "triangle-up"),
    "gelu": Look("GELU", "gated", GATED, "circle"),
    "silu": Look("SiLU", "gated", GATED, "square"),
    "mish": Look("Mish", "gated", GATED, "triangle-up"),
    "identity": Look("identity", "others", OTHERS, "cross"),
    "cosx_x": Look("cos(x) − x", "others", OTHERS, "diamond"),
}
"""By code, in the order of the families. The names are those of the published tables."""


def name(code: str) -> str:
    """A function as it is written; one that is newer than the table stands for itself."""
    return FUNCTIONS[code].name if code in FUNCTIONS else code


def colour(code: str) -> str:
    """The colour of its family."""
    return FUNCTIONS[code].colour if code in FUNCTIONS else style.NEUTRAL


def shape(code: str) -> str:
    """Its shape within the family."""
    return FUNCTIONS[code].shape if code in FUNCTIONS else "stroke"


def in_order(codes: set[str] | list[str]) -> list[str]:
    """Codes in the order of the families."""
    order = list(FUNCTIONS)
    return sorted(codes, key=lambda code: (order.index(code) if code in FUNCTIONS else len(order), code))
