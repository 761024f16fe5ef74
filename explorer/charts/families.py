"""The families of graphs on every page: one name, one colour and one shape each, the name always written beside. The two chains have the
colours of the plain and the residual network, which they are."""

from typing import NamedTuple

from explorer.charts import style
from explorer.results.wiring import Family, Graph
from explorer.text import has, t


class Look(NamedTuple):
    """How the families of one generator are drawn."""

    colour: str
    shape: str


GENERATORS = {
    "er": Look("#3f9e5f", "circle"),
    "ba": Look("#b5538b", "square"),
    "ws": Look("#a67c00", "triangle-up"),
    "residual_chain": Look(style.ARCHITECTURES["residual"], "diamond"),
    "chain": Look(style.ARCHITECTURES["plain"], "cross"),
    "complete": Look(style.NEUTRAL, "triangle-down"),
}
"""By code, in the order of a legend."""


def name(of: Family) -> str:
    """A family as the paper writes it, WS(4, 0.75); one without parameters in words, and one newer than the texts by its code."""
    told = {"er": (of.p,), "ba": (of.links,), "ws": (of.links, of.p)}.get(of.family)
    if told is not None:
        return f"{of.family.upper()}({', '.join(f'{value:g}' for value in told)})"
    return t(f"wiring.family.{of.family}") if has(f"wiring.family.{of.family}") else of.family


def graph_name(graph: Graph) -> str:
    """ "WS(4, 0.75), graph 3", with the number that its runs have in their settings; the graph of a family of one is the family's name."""
    if not graph.of.random:
        return name(graph.of)
    return t("wiring.graph_name", family=name(graph.of), number=graph.number)


def generator(family: str) -> str:
    """A generator in words, for legends."""
    return t(f"wiring.generator.{family}") if has(f"wiring.generator.{family}") else family


def colour(family: str) -> str:
    """The colour of a generator."""
    return GENERATORS[family].colour if family in GENERATORS else style.NEUTRAL


def shape(family: str) -> str:
    """Its shape, which says the same without colour."""
    return GENERATORS[family].shape if family in GENERATORS else "stroke"


def in_order(codes: set[str]) -> list[str]:
    """Generators in the order of a legend."""
    order = list(GENERATORS)
    return sorted(codes, key=lambda code: (order.index(code) if code in GENERATORS else len(order), code))
