"""Numbers from papers, as the panels in which a question's page shows them beside nothing of ours."""

import itertools
from dataclasses import dataclass
from typing import Any, Literal

from explorer.database import query

PUBLISHED = """
SELECT source, figure, series, x_name, x, y_name, y, precision, tag, note
FROM published WHERE question = $question
"""


@dataclass(frozen=True)
class Panel:
    """Some published numbers that can be read on one pair of axes.

    A strip has a row per series and its y along the axis; a scatter has x and y. `series` is how the names of its series begin. `group` names what tells marks of one series apart:
    the last part of the figure's name, or the value of x.
    """

    key: str
    figures: tuple[str, ...]
    y_name: str | None = None
    series: str = ""
    kind: Literal["strip", "scatter"] = "strip"
    group: Literal["figure", "x"] | None = None
    x_log: bool = False
    y_log: bool = False


PANELS = {
    "activation": (
        Panel("mish", ("table of 23 runs",)),
        Panel("swish_cifar10", ("tables, CIFAR-10,",), group="figure"),
        Panel("swish_cifar100", ("tables, CIFAR-100,",), group="figure"),
        Panel("elu", ("CIFAR-100, 11 convolutions",)),
        Panel("glorot", ("Table 1,",), group="figure"),
    ),
    "depth": (
        Panel("cifar", ("Table 6", "README table", "abstract"), kind="scatter", x_log=True),
        Panel("imagenet", ("Table 2",), kind="scatter"),
    ),
    "batch_norm": (
        Panel("steps", ("table of steps",), y_name="steps to 72.2% accuracy (millions)"),
        Panel("accuracy", ("table of steps",), y_name="top-1 accuracy (%)"),
        Panel("vgg", ("final accuracy",), group="x"),
    ),
    "batch_size": (
        Panel("steps", ("Fig. 1",), kind="scatter", x_log=True, y_log=True),
        Panel("momentum_cifar", ("Fig. 1", "Fig. 4"), series="CIFAR-10", kind="scatter", x_log=True, y_log=True),
        Panel("momentum_mnist", ("Fig. 1", "Fig. 4"), series="MNIST", kind="scatter", x_log=True, y_log=True),
        Panel("rate", ("Fig. 8",), kind="scatter", x_log=True, y_log=True),
        Panel("quality", ("Fig. 11",), kind="scatter", x_log=True),
    ),
    "wiring": (
        Panel("imagenet", ("ImageNet, small networks",)),
        Panel("instances", ("Fig. 1 (first version)",)),
        Panel("again", ("README, ImageNet",)),
        Panel("cifar", ("README, CIFAR-10", "README, CIFAR-100", "README, MNIST")),
    ),
}


def published(question: str) -> list[dict[str, Any]]:
    """The published numbers that a question is held against, in the order of data/published.csv."""
    return query(PUBLISHED, {"question": question}).to_pylist()


def of_panel(rows: list[dict[str, Any]], panel: Panel) -> list[dict[str, Any]]:
    """The rows of one panel, each with `group` (text or None) and `spread` (its own ± in units of y, or None) added."""
    found = [
        row
        for row in rows
        if _in(row["figure"], panel.figures)
        and row["series"].startswith(panel.series)
        and (panel.y_name is None or row["y_name"] == panel.y_name)
    ]
    return [row | {"group": _group(row, panel.group), "spread": _spread(row["precision"])} for row in found]


def _in(figure: str, prefixes: tuple[str, ...]) -> bool:
    # "Fig. 1" must not take "Fig. 11", nor "CIFAR-10" take "CIFAR-100"
    return any(
        figure == prefix or (figure.startswith(prefix) and not figure[len(prefix) :][0].isdigit())
        for prefix in prefixes
    )


def _group(row: dict[str, Any], by: str | None) -> str | None:
    if by == "figure":
        return row["figure"].rsplit(", ", 1)[-1]
    return f"{row['x']:g}" if by == "x" else None


def _spread(precision: str) -> float | None:
    stated = precision.removeprefix("± ").split(";")[0] if precision.startswith("± ") else ""
    return float(stated) if stated.replace(".", "", 1).isdigit() else None


DEEPEST_GAIN = 110
"""Layers up to which the residual networks of He et al. 2015 improve with each depth of their table."""
CARDS = {
    "activation": "mish",
    "depth": "cifar",
    "batch_norm": "steps",
    "batch_size": "momentum_cifar",
    "wiring": "imagenet",
}


def card(question: str) -> tuple[Panel, list[dict[str, Any]], dict[str, str]]:
    """The panel of a question's card on the home page, its rows, and the numbers that its sentence names."""
    panel = next(panel for panel in PANELS[question] if panel.key == CARDS[question])
    rows = of_panel(published(question), panel)
    return panel, rows, _numbers(question, rows)


def _numbers(question: str, rows: list[dict[str, Any]]) -> dict[str, str]:
    def at(series: str, x: float | None = None) -> float:
        return next(row["y"] for row in rows if row["series"] == series and (x is None or row["x"] == x))

    if question == "activation":
        others = [row["y"] for row in rows if row["series"] not in ("ReLU", "sigmoid")]
        named = {"relu": at("ReLU"), "sigmoid": at("sigmoid"), "low": min(others), "high": max(others)}
        return {name: f"{value:.1f}" for name, value in named.items()}
    if question == "depth":
        return {f"at{depth}": f"{at('residual', depth):.2f}" for depth in (20, 110, 1202)}
    if question == "batch_norm":
        return {"without": f"{at('no norm'):g}", "with_it": f"{at('batch norm, rate × 5'):g}"}
    if question == "batch_size":
        series, small, large = "CIFAR-10, ResNet-8, Nesterov momentum", 2, 256
        return {"small": str(small), "large": str(large)} | {
            f"steps_{name}": f"{_three_digits(at(series, batch)):,}"
            for name, batch in (("small", small), ("large", large))
        }
    random = "random wiring, WS(4, 0.75), C = 78"
    searched = [row["y"] for row in rows if "designed by search" in row["note"]]
    return {"random": f"{at(random):.1f}", "low": f"{min(searched):.1f}", "high": f"{max(searched):.1f}"}


def named(question: str) -> dict[str, str]:
    """The published numbers that the texts on what is known and what is open name."""
    rows = published(question)
    if question == "depth":
        table = [row for row in rows if row["figure"] == "Table 6" and row["series"] == "residual"]
        falling = [row["y"] for row in table if row["x"] <= DEEPEST_GAIN]
        first, *later = [before - after for before, after in itertools.pairwise(falling)]
        deepest = next(row["note"] for row in table if row["x"] == DEEPEST_GAIN)
        facts = {"first": f"{first:.1f}", "least": f"{min(later):.1f}", "most": f"{max(later):.1f}"}
        return facts | {"smallest": f"{min(later):.2f}", "spread": deepest.rpartition("± ")[2]}
    if question == "activation":
        table = [row for row in rows if row["source"].startswith("Glorot")]
        error = {(row["figure"], row["series"]): row["y"] for row in table}
        sets = {row["figure"] for row in table}
        gaps = sorted(error[each, "sigmoid"] - error[each, "tanh"] for each in sets)[
            :-1
        ]  # the last is the one far behind
        return {"least": f"{gaps[0]:.1f}", "most": f"{gaps[-1]:.1f}"}
    if question == "wiring":
        compared = [row for row in rows if row["figure"] == "Fig. 1 (first version)"]
        graphs = [f"{row['y']:.1f}" for row in compared if row["series"].startswith("random")]
        designed = next(row["y"] for row in compared if row["series"] == "ResNet-50")
        return {"graphs": ", ".join(graphs), "designed": f"{designed:.1f}"}
    return {}


def _three_digits(value: float) -> int:
    # a marker read off a plot carries no more
    return int(float(f"{value:.3g}"))
