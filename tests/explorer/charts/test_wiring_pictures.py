"""The pictures of the page on wiring: one layout for all graphs, two shapes for graphs and seeds, and what has no place on an axis."""

import itertools

import pytest

from explorer.charts import families, family_strip, graph_drawing, graph_measures
from explorer.results.wiring import Family, Graph

pytestmark = pytest.mark.usefixtures("english")
WS, CHAIN = Family("ws", 4, 0.75), Family("chain", 0, 0.0)
NODES = [
    {"stage": 1, "node": 1, "x": 1.0, "y": 0.5, "in_degree": 0, "out_degree": 2},
    {"stage": 1, "node": 2, "x": 1.0, "y": -0.5, "in_degree": 0, "out_degree": 1},
    {"stage": 1, "node": 3, "x": 2.0, "y": 0.0, "in_degree": 2, "out_degree": 0},
    {"stage": 1, "node": 4, "x": 3.0, "y": 0.0, "in_degree": 1, "out_degree": 0},
]
EDGES = [
    {"stage": 1, "source": 1, "target": 3, "bend": 0.0},
    {"stage": 1, "source": 2, "target": 3, "bend": 0.0},
    {"stage": 1, "source": 1, "target": 4, "bend": 0.5},
]


def rows(specification, table):
    return specification["datasets"][table].to_pylist()


@pytest.mark.parametrize(
    ("family", "name", "code"),
    [
        (("ws", 4, 0.75), "WS(4, 0.75)", "ws-4-0.75"),
        (("ws", 4, 0.0), "WS(4, 0)", "ws-4-0"),
        (("er", 0, 0.2), "ER(0.2)", "er-0.2"),
        (("ba", 5, 0.0), "BA(5)", "ba-5"),
        (("residual_chain", 0, 0.0), "residual chain", "residual_chain"),
        (("small_world", 1, 0.5), "small_world", "small_world"),
    ],
)
def test_a_family_is_named_as_the_paper_writes_it_and_coded_for_an_address(family, name, code):
    assert families.name(Family(*family)) == name and Family(*family).code == code


def test_only_a_graph_of_a_random_family_bears_a_number():
    assert families.graph_name(Graph(WS, 3)) == "WS(4, 0.75), graph 3"
    assert families.graph_name(Graph(CHAIN, 0)) == "chain"
    assert families.graph_name(Graph(Family("ws", 4, 0.0), 0)) == "WS(4, 0)"


def test_no_two_generators_share_a_colour_or_a_shape():
    looks = list(families.GENERATORS.values())
    assert len({look.colour for look in looks}) == len({look.shape for look in looks}) == len(looks) <= 7


def test_the_input_feeds_every_source_and_every_sink_goes_to_the_output():
    found = {path.name: path for path in graph_drawing.paths(NODES, EDGES)}
    assert set(found) == {"1: 1→3", "1: 2→3", "1: 1→4", "1: in→1", "1: in→2", "1: 3→out", "1: 4→out"}
    assert found["1: in→1"].points == [(0.0, 0.0), (1.0, 0.5)]
    assert found["1: 4→out"].points == [(3.0, 0.0), (4.0, 0.0)]
    # node 3 lies a layer before the last: the way to the output bends by half a unit beside node 4, up for an odd number
    middle = found["1: 3→out"].points[graph_drawing.STEPS // 2]
    assert middle == pytest.approx((3.0, 0.5))


def test_an_edge_to_the_next_layer_is_straight_and_a_longer_one_bends():
    found = {path.name: path.points for path in graph_drawing.paths(NODES, EDGES)}
    assert len(found["1: 1→3"]) == 2 and len(found["1: 1→4"]) == graph_drawing.STEPS + 1
    assert found["1: 1→4"][graph_drawing.STEPS // 2] == pytest.approx((2.0, 0.25 + 0.5))
    assert graph_drawing.reach(graph_drawing.paths(NODES, EDGES))[0] == 4.0


def drawn(show, values):
    return graph_drawing.draw(NODES, EDGES, values, show, {1: "Stage 1"}).specification()


def test_weights_are_widths_of_edges_and_what_learns_nothing_is_dashed():
    picture = drawn("weights", {(1, 1, 3): 0.9, (1, 2, 3): 0.2, (1, 1, 4): 0.5})
    learned = [layer for layer in picture["layer"] if "strokeWidth" in layer["encoding"]]
    assert len(learned) == 1
    assert learned[0]["encoding"]["strokeWidth"]["scale"]["domain"] == [0, 1]
    dashed = [layer for layer in picture["layer"] if "strokeDash" in layer["mark"]]
    assert len(dashed) == 1 and "!datum.learns" in str(dashed[0]["transform"])
    assert {row["name"] for row in rows(picture, "paths") if row["value"] is None} == {
        "1: in→1", "1: in→2", "1: 3→out", "1: 4→out",
    }  # fmt: skip
    assert [row["label"] for row in rows(picture, "nodes")] == ["1", "2", "3", "4"]


def test_damage_is_written_into_nodes_and_its_colours_are_even_around_zero():
    picture = drawn("damage", {(1, 1, None): 12.4, (1, 2, None): -0.6, (1, 3, None): -0.2, (1, 4, None): 3.0, (1, 1, 3): 7.0})  # fmt: skip
    assert [row["label"] for row in rows(picture, "nodes")] == ["12", "−1", "0", "3"]
    fills = [layer["encoding"]["fill"]["scale"]["domain"] for layer in picture["layer"] if "fill" in layer["encoding"]]
    assert fills == [[-12.4, 0, 12.4]]


def test_nodes_bear_numbers_only_where_there_is_room_and_a_larger_graph_is_drawn_taller():
    line = lambda n: [{"stage": 1, "node": k, "x": float(k), "y": 0.0, "in_degree": int(k > 1), "out_degree": int(k < n)} for k in range(1, n + 1)]  # fmt: skip
    edges = lambda n: [{"stage": 1, "source": k, "target": k + 1, "bend": 0.0} for k in range(1, n)]
    small, large = (
        graph_drawing.draw(line(n), edges(n), {}, "bare", {1: "one"}).specification()
        for n in (graph_drawing.MOST_NUMBERED, graph_drawing.MOST_NUMBERED + 1)
    )
    words = lambda picture: [layer for layer in picture["layer"] if layer["mark"]["type"] == "text"]
    assert len(words(small)) == 1 and len(words(large)) == 0 and large["height"] > small["height"]


def test_a_graph_without_values_has_neither_widths_nor_fills():
    picture = drawn("bare", {})
    assert not any({"strokeWidth", "fill"} & layer["encoding"].keys() for layer in picture["layer"])


def test_stages_stand_one_below_the_other_on_one_scale():
    two = [row | {"stage": stage} for stage in (1, 2) for row in NODES]
    edges = [row | {"stage": stage} for stage in (1, 2) for row in EDGES]
    picture = graph_drawing.draw(two, edges, {}, "bare", {1: "one", 2: "two"}).specification()
    domains = {str(view["layer"][0]["encoding"]["x"]["scale"]["domain"]) for view in picture["vconcat"]}
    assert len(picture["vconcat"]) == 2 and len(domains) == 1
    assert picture["autosize"]["type"] == "fit-x"


def family(of, error, **changes):
    told = {"of": of, "family": of.family, "random": of.random, "test_error": error, "low": None, "high": None}
    return told | {"sd_graphs": None, "sd_seeds": None, "note": "", "failed": 0, "runs": 2} | changes


def run(of, number, seed, error, outcome="trained"):
    told = {"of": Graph(of, number), "seed": seed, "test_error": error, "outcome": outcome}
    return told | {"href": f"runs?run={seed}"}


def strip(families_, runs, limits=(0.3, 0.6)):
    graphs: dict = {}
    for each in runs:
        if each["outcome"] == "trained":
            graphs.setdefault(each["of"], []).append(each["test_error"])
        else:
            graphs.setdefault(each["of"], [])
    told = [
        {"of": of, "test_error": sum(errors) / len(errors) if errors else None, "trained": len(errors)}
        for of, errors in graphs.items()
    ]
    drawings = {row["of"]: (NODES, EDGES) for row in families_}
    return family_strip.draw(families_, runs, told, drawings, limits).specification()


def test_graphs_of_a_random_family_lie_in_lanes_and_so_do_the_seeds_of_a_single_graph():
    runs = [run(WS, graph, 2 * graph + seed, 0.4 + graph / 100) for graph in range(3) for seed in range(2)]
    runs += [run(CHAIN, 0, seed, 0.5) for seed in range(4)]
    picture = strip([family(WS, 0.4), family(CHAIN, 0.5)], runs)
    lanes = {}
    for row in rows(picture, "runs"):
        lanes.setdefault((row["family"], row["code"]), set()).add(round(row["y"], 3))
    assert [len(lanes["ws", f"ws-4-0.75-{graph}"]) for graph in range(3)] == [1, 1, 1]
    assert len(set.union(*(each for (name, _), each in lanes.items() if name == "ws"))) == 3
    assert len(lanes["chain", "chain-0"]) == 4
    assert all(0 < y < 1 for (name, _), each in lanes.items() if name == "ws" for y in each)
    assert all(1 < y < 2 for y in lanes["chain", "chain-0"])


def test_every_place_of_a_row_can_be_clicked_and_belongs_to_one_graph():
    runs = [run(WS, graph, graph, 0.4) for graph in range(3)] + [run(CHAIN, 0, 0, 0.5)]
    picture = strip([family(WS, 0.4), family(CHAIN, 0.5)], runs)
    lanes = sorted((row["from"], row["to"]) for row in rows(picture, "lanes"))
    assert lanes[0][0] == 0 and lanes[-1][1] == 2
    assert all(one[1] == pytest.approx(other[0]) for one, other in itertools.pairwise(lanes))
    assert len(lanes) == 4


def test_a_run_that_failed_has_no_place_on_the_axis_and_one_whose_code_raised_none_at_all():
    runs = [run(WS, 0, 0, 0.9, "untrained"), run(WS, 0, 1, None, "diverged"), run(WS, 1, 2, 0.4), run(WS, 1, 3, None, "raised")]  # fmt: skip
    picture = strip([family(WS, 0.4)], runs)
    told = {row["seed"]: (row["place"], row["error"]) for row in rows(picture, "runs")}
    assert told == {0: ("failed", None), 1: ("failed", None), 2: ("axis", pytest.approx(0.4)), 3: ("code", None)}
    assert [row["code"] for row in rows(picture, "graphs")] == ["ws-4-0.75-1"]
    assert len(rows(picture, "lanes")) == 2  # a graph of which no run trains can be opened all the same


def test_what_lies_beyond_the_axis_is_written_at_its_edge():
    picture = strip([family(WS, 0.4), family(CHAIN, 0.734)], [run(WS, 0, 0, 0.4), run(CHAIN, 0, 0, 0.734)])
    assert [row["beyond"] for row in rows(picture, "rows")] == [None, "▸ 73.4%"]
    assert {row["seed"]: row["place"] for row in rows(picture, "runs") if row["family"] == "chain"} == {0: "beyond"}


def test_a_family_beyond_the_axis_has_no_marks_even_where_a_run_of_it_would_have_a_place():
    runs = [run(WS, 0, 0, 0.4), run(CHAIN, 0, 0, 0.59), run(CHAIN, 0, 1, 0.65)]
    picture = strip([family(WS, 0.4), family(CHAIN, 0.62)], runs)
    assert {row["place"] for row in rows(picture, "runs") if row["family"] == "chain"} == {"beyond"}
    assert [row["inside"] for row in rows(picture, "graphs")] == [True, False]


def test_the_bars_of_the_deviations_are_one_to_each_side_and_only_where_there_are_some():
    row = family(WS, 0.4, sd_graphs=0.01, sd_seeds=0.02)
    picture = strip([row, family(CHAIN, 0.5, sd_seeds=0.005)], [run(WS, 0, 0, 0.4), run(CHAIN, 0, 0, 0.5)])
    bars = [(bar["family"], bar["kind"], bar["from"], bar["to"]) for bar in rows(picture, "spread")]
    assert bars == [
        ("ws", "graphs", pytest.approx(0.39), pytest.approx(0.41)),
        ("ws", "seeds", pytest.approx(0.38), pytest.approx(0.42)),
        ("chain", "seeds", pytest.approx(0.495), pytest.approx(0.505)),
    ]


def test_drawings_of_all_rows_share_the_scale_of_layers_and_stay_in_their_row():
    picture = strip([family(WS, 0.4), family(CHAIN, 0.5)], [run(WS, 0, 0, 0.4), run(CHAIN, 0, 0, 0.5)])
    dots = rows(picture, "dots")
    for number, name in enumerate(("ws", "chain")):
        mine = [dot for dot in dots if dot["family"] == name]
        assert len(mine) == 4 and all(number < dot["y"] < number + 1 for dot in mine)
        assert sorted({round(dot["x"], 3) for dot in mine}) == pytest.approx([0.255, 0.5, 0.745])
    assert picture["resolve"] == {"scale": {"x": "independent"}}


def test_the_near_axis_holds_the_random_families_and_the_residual_chain():
    residual = Family("residual_chain", 0, 0.0)
    rows_ = [family(WS, 0.4), family(residual, 0.42), family(CHAIN, 0.7)]
    errors = [(WS, 0.39), (WS, 0.41), (residual, 0.43), (CHAIN, 0.7)]
    low, high = family_strip.near(rows_, errors)
    assert low < 0.39 and 0.43 < high < 0.5
    assert family_strip.whole(errors)[1] > 0.7
    assert family_strip.near([family(CHAIN, 0.7)], [(CHAIN, 0.7)])[1] > 0.7


@pytest.mark.parametrize(("low", "high"), [(0.39, 0.43), (0.4, 0.75), (0.0, 1.0), (0.411, 0.412)])
def test_an_axis_has_few_round_ticks(low, high):
    found = family_strip.ticks(low, high)
    assert len(found) <= 8 and all(low <= tick <= high for tick in found)


def test_a_graph_beyond_the_axis_and_one_that_does_not_train_are_marks_at_the_edge():
    graphs = [
        {"of": Graph(of, 0), "path_length": 1.5, "test_error": error, "trained": n, "href": "runs"}
        for of, error, n in ((WS, 0.4, 2), (CHAIN, 0.7, 2), (Family("er", 0, 0.2), None, 0), (WS, 0.2, 2))
    ]
    picture = graph_measures.against(graphs, "path_length", (0.3, 0.5)).specification()
    assert [row["mark"] for row in rows(picture, "graphs")] == ["", "▲", "✕", "▼"]
    on_axis, above, below = picture["layer"]
    assert above["encoding"]["y"] == {"value": 6} and "!= '▼'" in str(above["transform"])
    assert below["encoding"]["y"] == {"value": "height"} and "== '▼'" in str(below["transform"])
    assert "datum.mark == ''" in str(on_axis["transform"]) and on_axis["encoding"]["y"]["scale"]["domain"] == [0.3, 0.5]


def test_the_map_of_rings_has_a_cell_for_what_was_not_run():
    cells = [
        {"links": 2, "p": 0.25, "test_error": 0.4, "label": "40.0%", "detail": "5 graphs", "href": "runs"},
        {"links": 2, "p": 0.0, "test_error": None, "label": "not run", "detail": "", "href": None},
    ]
    picture = graph_measures.ring_map(cells).specification()
    coloured = [layer for layer in picture["layer"] if "color" in layer["encoding"]]
    assert len(coloured) == 1 and "isValid(datum.error)" in str(coloured[0]["transform"])
    assert [row["error"] for row in rows(picture, "cells")] == [pytest.approx(0.4), None]


def test_damage_against_degree_keeps_stages_apart_by_shape_and_place():
    parts = [{"name": "a", "stage": stage, "degree": 2, "damage": 0.05} for stage in (1, 2, 3)]
    picture = graph_measures.damage(parts, "edges").specification()
    told = rows(picture, "parts")
    assert [row["damage"] for row in told] == pytest.approx([5, 5, 5])
    assert len({row["degree"] for row in told}) == 3 and {row["edges"] for row in told} == {2}
    shape = picture["layer"][1]["encoding"]["shape"]["scale"]
    assert len(set(shape["range"])) == 3
