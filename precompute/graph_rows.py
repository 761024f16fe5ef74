"""Rows of the tables `graphs`, `nodes` and `edges`: they follow from a specification, and are drawn anew for every build."""

from precompute.graphs import bends, layout, statistics
from precompute.spec import Spec
from precompute.wiring_spec import WiringSpec


def graph_rows(spec: Spec) -> dict[str, list[dict[str, int | float]]]:
    """By table, without the configuration; nothing for a network that no graph wires."""
    if not isinstance(spec, WiringSpec):
        return {}
    rows: dict[str, list[dict[str, int | float]]] = {"graphs": [], "nodes": [], "edges": []}
    for stage, (graph, channels) in enumerate(zip(spec.graphs, spec.channels, strict=True), start=1):
        rows["graphs"].append({"stage": stage, "channels": channels} | statistics(graph))
        rows["nodes"] += [
            {"stage": stage, "node": node, "x": x, "y": y}
            | {"in_degree": len(graph.before(node)), "out_degree": len(graph.after(node))}
            for node, (x, y) in sorted(layout(graph).items())
        ]
        rows["edges"] += [
            {"stage": stage, "source": source, "target": target, "bend": bend}
            for (source, target), bend in bends(graph).items()
        ]
    return rows
