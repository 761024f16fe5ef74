"""What the queries on wiring answer, on planted runs of which every number is known."""

from pathlib import Path

import duckdb
import pytest

from explorer.results import studies, wiring
from explorer.results.wiring import Family, Graph, Study
from tests import planted_wiring
from tests.planted_wiring import DIVERGED, FAILED, RAISED, SMALL, name

STUDY = Study(SMALL)
WS = Family("ws", 4, 0.75)


def outcome(spec):
    """WS(4, 0.75) errs by 40% and a point more a graph; its graph 1 has a run that fails, graph 2 one that diverges, graph 3 one that raises."""
    failures = {2: FAILED, 4: DIVERGED, 6: RAISED}
    if name(spec) == "WS(4, 0.75)" and spec.seed in failures:
        return failures[spec.seed]
    return 0.2, 0.4 + spec.graph / 100


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Path:
    keep = lambda spec: name(spec) in ("WS(4, 0.75)", "residual_chain")
    return planted_wiring.plant(tmp_path_factory.mktemp("planted"), outcome, keep=keep)


@pytest.fixture(autouse=True)
def database(planted, monkeypatch) -> Path:
    monkeypatch.setenv("WHY_RESULTS", str(planted))
    return planted


def test_studies_are_those_with_runs():
    assert wiring.studies() == [STUDY] and STUDY.code == "cifar10_small"
    assert studies.planned(STUDY.name) == (20, 130)


def test_every_run_ends_in_one_of_four_ways():
    rows = [row for row in wiring.runs(STUDY).to_pylist() if row["family"] == "ws"]
    told = {row["seed"]: row["outcome"] for row in rows}
    assert told == {seed: {2: "untrained", 4: "diverged", 6: "raised"}.get(seed, "trained") for seed in range(10)}
    assert all(row["graph"] == row["seed"] // 2 for row in rows)


def test_a_graph_is_the_mean_of_its_seeds_that_train():
    rows = {row["of"]: row for row in wiring.graphs(STUDY)}
    told = [(rows[Graph(WS, n)]["trained"], rows[Graph(WS, n)]["failed"], rows[Graph(WS, n)]["runs"]) for n in range(5)]
    assert told == [(2, 0, 2), (1, 1, 2), (1, 1, 2), (1, 0, 2), (2, 0, 2)]
    assert [rows[Graph(WS, n)]["test_error"] for n in range(5)] == pytest.approx([0.4, 0.41, 0.42, 0.43, 0.44])


def test_the_measures_of_a_graph_are_means_over_its_stages(database):
    row = next(row for row in wiring.graphs(STUDY) if row["of"] == Graph(WS, 3))
    stages = wiring.stages(STUDY, Graph(WS, 3))
    assert [stage["stage"] for stage in stages] == [1, 2, 3]
    for measure in wiring.MEASURES:
        assert row[measure] == pytest.approx(sum(stage[measure] for stage in stages) / 3)
    assert row["edges"] == sum(stage["edges"] for stage in stages) == len(wiring.edges(STUDY, Graph(WS, 3))) == 60
    assert len(wiring.nodes(STUDY, Graph(WS, 3))) == 30


def test_families_come_best_first_and_agree_with_their_graphs():
    rows = wiring.families(STUDY)
    assert [row["of"].family for row in rows] == ["residual_chain", "ws"]
    assert rows[1]["of"] == WS and (rows[1]["failed"], rows[1]["runs"], rows[1]["n"]) == (2, 9, 5)
    assert rows[1]["test_error"] == pytest.approx(0.42)


def test_weights_and_damage_are_those_of_one_run(database):
    run = next(row for row in wiring.runs(STUDY).to_pylist() if (row["family"], row["seed"]) == ("ws", 9))
    graph = Graph(WS, 4)
    parts = wiring.damage(run["run_id"]).to_pylist()
    assert {(row["stage"], row["part"]) for row in parts if row["kind"] == "node"} == {
        (row["stage"], row["node"]) for row in wiring.nodes(STUDY, graph)
    }
    edges = {(row["stage"], row["source"], row["target"]) for row in wiring.edges(STUDY, graph)}
    assert {(row["stage"], row["part"], row["target"]) for row in parts if row["kind"] == "edge"} == edges
    assert set(wiring.weights(run["run_id"])) == edges
    for row in parts:
        assert row["damage"] == pytest.approx(row["error_without"] - row["error_whole"])
    assert all(row["error_whole"] == pytest.approx(0.44, abs=1e-3) for row in parts)


def test_a_run_that_did_not_end_has_neither_weights_nor_damage():
    run = next(row for row in wiring.runs(STUDY).to_pylist() if row["outcome"] == "diverged")
    assert wiring.weights(run["run_id"]) == {} and wiring.damage(run["run_id"]).num_rows == 0


def test_contrasts_name_the_family_that_is_held_against_the_chain(database):
    rows = wiring.contrasts(STUDY)
    assert {row["part"] for row in rows} == {"test", "train"} and {row["of"] for row in rows} == {WS}
    with duckdb.connect(str(database), read_only=True) as connection:
        (expected,) = connection.execute("SELECT estimate FROM contrasts WHERE quantity LIKE 'final_test%'").fetchone()
    assert next(row["estimate"] for row in rows if row["part"] == "test") == expected


def test_a_claim_is_told_where_the_study_tests_it():
    verdict, part = wiring.claim(STUDY, "W1")
    assert verdict == "contradicted" and part["details"]["graphs_failed"] == 2 and part["n"] == 5
    assert wiring.claim(STUDY, "W3") is None  # a single random family


def test_every_run_has_the_mean_of_its_family_that_is_drawn():
    means = {row["of"]: (row["test_error"], row["low"], row["high"], row["n"]) for row in wiring.families(STUDY)}
    for row in wiring.runs(STUDY).to_pylist():
        told = tuple(row[f"family_{name}"] for name in ("mean", "low", "high", "n"))
        assert told == means[wiring.family_of(row)]


def test_the_statement_of_the_runs_can_be_run_by_hand(database):
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute(wiring.runs_sql(STUDY)).fetchall() == [
            tuple(row.values()) for row in wiring.runs(STUDY).to_pylist()
        ]
