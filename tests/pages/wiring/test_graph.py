"""The graph that a click opens: its drawing, its damage, its runs."""

import re

import pytest
from streamlit.typing import VegaLiteState

from explorer import address
from explorer.results.wiring import Study
from explorer.wiring import controls
from tests.pages.reading import ask, said
from tests.pages.wiring.conftest import drawing, main_picture
from tests.planted_wiring import SMALL

both = pytest.mark.parametrize("language", ["en", "ko"])


def test_a_click_in_a_lane_puts_that_graph_into_the_address(seen, monkeypatch):
    code, written = "er-0.4-3", {}
    assert code in main_picture(seen())[1]["lanes"]["code"].to_pylist()
    monkeypatch.setattr(address, "put_all", written.update)
    clicked = {"selection": {"opened": [{"code": code}]}}
    monkeypatch.setattr(controls.st, "session_state", {"wiring.main": VegaLiteState(clicked)})
    controls.remember("wiring.main", Study(SMALL))
    assert written == {"graph": code, "seed": None}


def test_an_opened_graph_is_ringed_and_named(seen):
    app = seen(graph="er-0.4-3")
    assert "The graph that is open: ER(0.4), graph 3" in [each.value for each in app.header]
    assert [row["code"] for row in main_picture(app)[1]["opened"].to_pylist()] == ["er-0.4-3"]


def test_the_opened_graph_is_drawn_with_every_node_edge_and_weight_of_the_database(seen, database):
    _, tables, alt = drawing(seen(graph="er-0.4-3", seed="7"))
    where = "settings->>'family' = 'er' AND settings->>'p' = '0.4' AND settings->>'graph' = '3'"
    nodes = ask(
        database, f"SELECT stage, node, nodes.x, y FROM nodes JOIN configurations USING (configuration) WHERE {where}"
    )
    assert {(row["stage"], row["node"], row["x"], row["y"]) for row in tables["nodes"].to_pylist()} == set(nodes)
    weights = ask(
        database,
        f"""SELECT w.stage, source, target, weight FROM edge_weights w JOIN runs USING (run)
        JOIN configurations USING (configuration) WHERE {where} AND seed = 7""",
    )
    drawn = {}
    for row in tables["paths"].to_pylist():
        if row["learns"]:
            drawn[row["name"]] = row["value"]
    assert drawn == {f"{stage}: {source}→{target}": weight for stage, source, target, weight in weights}
    least, most = min(weight for *_, weight in weights), max(weight for *_, weight in weights)
    assert f"{least:.2f}" in alt and f"{most:.2f}" in alt and "3 stages" in alt


def test_every_edge_begins_and_ends_at_its_nodes_and_the_middle_bends_as_stored(seen, database):
    _, tables, _ = drawing(seen(graph="complete-0"))
    places = {(row["stage"], row["node"]): (row["x"], row["y"]) for row in tables["nodes"].to_pylist()}
    lines: dict[str, list] = {}
    for row in tables["paths"].to_pylist():
        lines.setdefault(row["name"], []).append((row["x"], row["y"]))
    bends = ask(
        database,
        "SELECT stage, source, target, bend FROM edges JOIN configurations USING (configuration) WHERE settings->>'family' = 'complete'",
    )
    assert len(bends) == 3 * 45
    for stage, source, target, bend in bends:
        line = lines[f"{stage}: {source}→{target}"]
        assert line[0] == pytest.approx(places[stage, source]) and line[-1] == pytest.approx(places[stage, target])
        if bend:
            assert line[len(line) // 2][1] == pytest.approx((line[0][1] + line[-1][1]) / 2 + bend, abs=1e-5)


def test_damage_is_drawn_in_points_on_nodes_and_edges(seen, database):
    _, tables, alt = drawing(seen(graph="ba-3-1", seed="2", show="damage"))
    rows = ask(
        database,
        """
        SELECT d.kind, d.stage, d.part, d.target, 1 - d.test_correct / d.n_test FROM damage d JOIN runs USING (run)
        JOIN configurations USING (configuration)
        WHERE settings->>'family' = 'ba' AND settings->>'links' = '3' AND settings->>'graph' = '1' AND seed = 2
        """,
    )
    whole = next(error for kind, *_, error in rows if kind == "none")
    nodes = {(stage, part): 100 * (error - whole) for kind, stage, part, _, error in rows if kind == "node"}
    edges = {f"{stage}: {a}→{b}": 100 * (error - whole) for kind, stage, a, b, error in rows if kind == "edge"}
    drawn = {(row["stage"], row["node"]): row for row in tables["nodes"].to_pylist()}
    assert {key: row["value"] for key, row in drawn.items()} == pytest.approx(nodes, abs=1e-4)
    assert all(row["label"] == f"{nodes[key]:.0f}".replace("-0", "0") for key, row in drawn.items())
    found = {row["name"]: row["value"] for row in tables["paths"].to_pylist() if row["learns"]}
    assert found == pytest.approx(edges, abs=1e-4)
    most = max([*nodes.values(), *edges.values()])
    assert f"+{most:.1f} points" in alt


def test_a_run_that_diverged_has_its_graph_alone_and_one_that_stayed_untrained_says_so(seen):
    app = seen(graph="er-0.2-1", seed="3")
    assert set(drawing(app)[1]["paths"]["value"].to_pylist()) == {None}
    assert "There are no weights and no damage to draw" in said(app)
    app = seen(graph="ws-2-0.25-2")
    assert "This run failed to train (failed: train error above 80%)" in said(app)
    app = seen(graph="er-0.2-1")
    assert "Seed 2 (test error" in said(app)  # the seed that trains comes first


def test_the_runs_of_the_opened_graph_have_their_commands_and_links(seen, database):
    app = seen(graph="ws-4-0.25-4")
    runs = {
        run
        for (run,) in ask(
            database,
            """SELECT run_id FROM runs JOIN configurations USING (configuration)
            WHERE settings->>'family' = 'ws' AND settings->>'p' = '0.25' AND settings->>'links' = '4' AND settings->>'graph' = '4'""",
        )
    }
    commands = next(each.value for each in app.code if each.value.startswith("python -m precompute run --run-id"))
    assert set(re.findall(r"--run-id ([0-9a-f]{16})", commands)) == runs and len(runs) == 2
