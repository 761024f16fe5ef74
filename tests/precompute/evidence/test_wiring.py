import numpy as np
import pytest

from precompute.evidence import StudyResults, study_claims, study_contrasts
from precompute.evidence.families import Wiring, family_rows
from precompute.studies.wiring import CIFAR10_SMALL, FAMILIES
from precompute.wiring_spec import WiringSpec

STUDY = "wiring/cifar10_small"
NAMES = {
    Wiring("er", 0, 0.2): "ER(0.2)", Wiring("ba", 3, 0.0): "BA(3)", Wiring("ws", 4, 0.75): "WS(4, 0.75)",
    Wiring("ws", 4, 0.0): "WS(4, 0)", Wiring("chain", 0, 0.0): "chain",
}  # fmt: skip
DAMAGE_N = 2000


def row(spec: WiringSpec, train: float, test: float, hubs: float | None) -> dict:
    """A run that ends with these errors in points. Damage follows the edges of a part with the sign of `hubs`; with 0 it is noise."""
    curves = [
        {
            "epoch": 15,
            "train_correct": round(50 * (100 - train)),
            "val_correct": 2000,
            "test_correct": 100 * (100 - test),
        }
    ]
    rng, damage = np.random.default_rng(spec.seed), []
    for stage, graph in enumerate(spec.graphs if hubs is not None else (), start=1):
        for node in range(1, graph.nodes + 1):
            cost = hubs * 30 * (len(graph.after(node)) or 1) + rng.uniform(0, 2) + 100 * stage
            damage.append(("node", stage, node, None, cost))
        for source, target in graph.edges:
            damage.append(("edge", stage, source, target, rng.uniform(0, 2) - 30 * hubs * len(graph.before(target))))
    return {
        "status": "complete", "n_train": 5000, "n_val": 5000, "n_test": 10_000, "curves": curves,
        "damage": [
            {"kind": kind, "stage": stage, "part": part, "target": target, "test_correct": round(1500 - cost), "n_test": DAMAGE_N}
            for kind, stage, part, target, cost in damage
        ],
    }  # fmt: skip


DIVERGED = {"status": "diverged", "n_train": 5000, "n_val": 5000, "n_test": 10_000, "curves": [{}], "damage": []}


def make_runs(shift=None, seeds=10, sd_graphs=0.1, sd_seeds=0.3, sd_common=1.0, hubs=None, families=FAMILIES):
    """Test errors of 40 points, plus `shift` by name of the family, plus what a graph, a seed and a run do to it."""
    rng = np.random.default_rng(4)
    common, graphs, rest = rng.normal(0, sd_common, 10), rng.normal(0, 1, (20, 5)), rng.normal(0, 1, (20, 10))
    runs = []
    for spec in CIFAR10_SMALL.specs("full"):
        wiring = Wiring(spec.family, spec.links, spec.p)
        if spec.seed < seeds and wiring in families:
            place = FAMILIES.index(wiring)
            test = 40 + (shift or {}).get(str(wiring), 0) + common[spec.seed] + sd_seeds * rest[place, spec.seed]
            test += sd_graphs * graphs[place, spec.graph] * wiring.random
            runs.append((spec, row(spec, 10, test, hubs)))
    return runs


def decided(runs, planned=()):
    rows, parts = study_claims(StudyResults(STUDY, "wiring", (), runs, planned))
    return {each.claim: each.verdict for each in rows}, {each.claim: each for each in parts}


def with_row(runs, chosen, instead):
    return [(spec, instead if chosen(spec) else told) for spec, told in runs]


RANDOM = [str(Wiring(*family)) for family in FAMILIES if Wiring(*family).random]


def test_families_are_written_as_the_paper_writes_them():
    assert {wiring: str(wiring) for wiring in NAMES} == NAMES
    assert len(RANDOM) == 9 and "WS(4, 0)" not in RANDOM


def test_what_the_paper_says_is_shown_where_it_is_planted():
    verdicts, parts = decided(make_runs(dict.fromkeys(RANDOM, -2), sd_graphs=0.2, sd_seeds=0.2, hubs=1.0))
    assert verdicts == dict.fromkeys(("W1", "W2", "W3", "W4", "W5"), "shown")
    assert (parts["W1"].estimate, parts["W1"].n) == (0, 45) and parts["W1"].high == pytest.approx(7.87, abs=0.01)
    assert parts["W2"].n == 45 and parts["W2"].estimate < parts["W2"].high <= 2
    assert parts["W3"].n == 5 and parts["W3"].estimate < parts["W3"].high <= 1
    assert parts["W4"].n == 5 and parts["W4"].estimate == pytest.approx(-2, abs=0.4) and parts["W4"].unit == "points"
    assert parts["W5"].n == 45 and 0.8 < parts["W5"].estimate <= 1
    assert parts["W5"].details["edge_correlation"]["estimate"] < -0.8


@pytest.mark.parametrize(
    ("claim", "changes", "verdict"),
    [
        ("W2", {"sd_graphs": 3.0, "sd_seeds": 0.3}, "contradicted"),
        ("W2", {"sd_graphs": 0.6, "sd_seeds": 0.3}, "not shown"),
        ("W3", {"shift": {"ER(0.2)": 4}}, "contradicted"),
        ("W3", {"shift": {"ER(0.2)": 1}, "sd_seeds": 0.5}, "not shown"),
        ("W4", {"shift": dict.fromkeys(RANDOM, 3)}, "contradicted"),
        ("W4", {"shift": dict.fromkeys(RANDOM, 1), "sd_seeds": 1.0}, "not shown"),
        ("W4", {"shift": dict.fromkeys(RANDOM, 0.4)}, "shown"),
        ("W5", {"hubs": -1.0}, "contradicted"),
        ("W5", {"hubs": 0.0}, "contradicted"),
    ],
)
def test_each_claim_may_be_contradicted_or_not_shown(claim, changes, verdict):
    assert decided(make_runs(**changes))[0][claim] == verdict


def test_a_family_that_is_no_random_one_decides_no_claim_but_the_one_against_it():
    shift = {"chain": 30, "complete": 20, "WS(4, 0)": 10}
    plain, shifted = decided(make_runs(hubs=1.0)), decided(make_runs(shift, hubs=1.0))
    assert plain == shifted
    assert decided(make_runs({"residual_chain": 5}))[1]["W4"].estimate == pytest.approx(
        plain[1]["W4"].estimate - 5, abs=0.02
    )


def test_what_a_seed_does_to_all_families_is_no_spread_of_graphs_or_seeds():
    quiet, loud = (decided(make_runs(sd_common=sd))[1]["W2"] for sd in (0.0, 20.0))
    assert quiet.estimate == pytest.approx(loud.estimate, abs=0.05)
    assert quiet.details["sd_seeds"] == pytest.approx(0.3, abs=0.1)
    assert set(quiet.details["by_family"]) == set(RANDOM)


def test_one_graph_that_fails_to_train_contradicts_the_claim_and_is_in_no_mean():
    runs = make_runs(hubs=1.0)
    chosen = lambda spec: (spec.family, spec.links, spec.seed) == ("ba", 3, 4)
    for instead in (DIVERGED, {**runs[0][1], "curves": [{**runs[0][1]["curves"][0], "train_correct": 900}]}):
        verdicts, parts = decided(with_row(runs, chosen, instead))
        assert verdicts["W1"] == "contradicted"
        assert parts["W1"].details["graphs_failed"] == 1 and parts["W1"].details["runs_failed"] == {"BA(3)": 1}
        assert parts["W1"].estimate == pytest.approx(100 / 45)
        assert parts["W3"].details["seeds"] == [0, 1, 2, 3, 5, 6, 7, 8, 9] and parts["W3"].n == 5
        assert parts["W2"].details["failed_to_train"] == 1 and parts["W2"].n == 45
        assert parts["W4"].details["failed_to_train"] == {"random": 1, "residual_chain": 0}
        assert abs(parts["W3"].estimate - decided(runs)[1]["W3"].estimate) < 0.5


def test_every_graph_is_said_of_the_whole_grid_alone_and_a_failure_contradicts_it_before():
    planned, runs = CIFAR10_SMALL.specs("full"), make_runs(hubs=1.0)
    assert decided(runs, planned)[0]["W1"] == "shown"
    verdicts, parts = decided(runs[:-1], planned)
    assert (verdicts["W1"], verdicts["W5"]) == ("not shown", "shown")
    assert parts["W1"].details["why"] == "planned_runs_missing" and (parts["W1"].low, parts["W1"].n) == (None, 45)
    assert decided([(runs[0][0], DIVERGED), *runs[1:-1]], planned)[0]["W1"] == "contradicted"


def test_a_run_whose_code_raised_says_nothing_of_its_graph():
    runs = make_runs(hubs=1.0)
    failed = {**DIVERGED, "status": "failed", "curves": []}
    chosen = lambda spec: (spec.family, spec.links, spec.graph) == ("ba", 3, 2)
    verdicts, parts = decided(with_row(runs, chosen, failed))
    assert verdicts["W1"] == "shown" and parts["W1"].n == 44
    assert parts["W3"].n == 4


def test_a_residual_chain_that_does_not_train_leaves_nothing_to_compare():
    runs = with_row(make_runs(), lambda spec: spec.family == "residual_chain", DIVERGED)
    verdicts, parts = decided(runs)
    assert verdicts["W4"] == "not shown" and (parts["W4"].estimate, parts["W4"].n) == (None, 0)
    assert parts["W4"].details["why"] == "no_seed_trains_on_all_sides"
    assert verdicts["W1"] == "shown" and not study_contrasts(StudyResults(STUDY, "wiring", (), runs))


def test_two_graphs_show_nothing_of_families():
    verdicts, parts = decided(make_runs(seeds=4, hubs=1.0))
    assert (parts["W3"].n, parts["W3"].low, verdicts["W3"]) == (2, None, "not shown")
    assert (parts["W4"].n, parts["W4"].low, verdicts["W4"]) == (2, None, "not shown")
    assert parts["W1"].n == 18, "each family has two, and the claim is about all"
    verdicts, parts = decided(make_runs(seeds=1, hubs=None))
    assert parts["W2"].estimate is None and parts["W2"].details["why"] == "too_few_runs"
    assert parts["W5"].estimate is None and parts["W5"].details["why"] == "no_damage_measured"
    few = decided(make_runs(seeds=4, families=(("er", 0, 0.2), ("residual_chain", 0, 0.0))))[0]
    assert few == dict.fromkeys(("W1", "W2", "W4", "W5"), "not shown"), "two graphs in all"


def test_a_study_without_random_graphs_or_without_runs_decides_nothing():
    assert decided(make_runs(families=(("chain", 0, 0.0), ("residual_chain", 0, 0.0)))) == ({}, {})
    assert decided([]) == ({}, {})


def test_contrasts_are_paired_by_seed_and_a_random_family_has_graphs_for_pairs():
    shift = {"chain": 6, "ER(0.2)": -2}
    rows = study_contrasts(StudyResults(STUDY, "wiring", (), make_runs(shift, sd_common=10)))
    assert len(rows) == 2 * 12 and len({(each.quantity, str(each.changed)) for each in rows}) == 24
    tests = {str(Wiring(**each.changed)): each for each in rows if "test_error" in each.quantity}
    assert all(each.baseline == {"family": "residual_chain", "links": 0, "p": 0.0} for each in rows)
    assert (tests["chain"].n, tests["ER(0.2)"].n, tests["WS(4, 0)"].n) == (10, 5, 10)
    assert tests["chain"].estimate == pytest.approx(6, abs=0.4)
    assert tests["ER(0.2)"].estimate == pytest.approx(-2, abs=0.6)
    assert tests["chain"].high - tests["chain"].low < 1, "what a seed does to both is not in it"
    assert tests["chain"].p < 1e-6 and tests["chain"].p_adjusted == pytest.approx(12 * tests["chain"].p)
    assert all(each.p is None or each.p <= each.p_adjusted <= 1 for each in rows)


def test_the_table_of_families_counts_graphs_and_not_runs():
    study = StudyResults(STUDY, "wiring", (), make_runs({"BA(3)": 5}, hubs=1.0, sd_common=0, sd_graphs=2, sd_seeds=0.1))
    rows = {str(Wiring(each.family, each.links, each.p)): each for each in family_rows(study)}
    assert len(rows) == 13
    ba, chain = rows["BA(3)"], rows["chain"]
    assert (ba.graphs, ba.runs, ba.failed, ba.n, ba.random) == (5, 10, 0, 5, True)
    assert (chain.graphs, chain.runs, chain.failed, chain.n, chain.random) == (1, 10, 0, 10, False)
    assert ba.low < ba.test_error < ba.high and 0.40 < ba.test_error < 0.50
    assert ba.sd_graphs > 5 * ba.sd_seeds and ba.sd_ratio_low > 2 and ba.sd_ratio_high > ba.sd_ratio_low
    assert (chain.sd_graphs, chain.sd_ratio_low) == (None, None) and 0.0005 < chain.sd_seeds < 0.002
    assert ba.node_correlation > 0.8 and chain.node_correlation is None, "in a chain all nodes have one edge out"
    assert not family_rows(StudyResults("depth/x", "depth", (), study.runs))


def test_the_edge_to_the_output_node_counts_as_an_edge_that_leaves():
    """Damage here grows with the edges that leave, the one to the output node included: counted without it, sinks spoil the ranks."""
    part = decided(make_runs(hubs=1.0))[1]["W5"]
    assert part.estimate > part.details["output_edge_left_out"] + 0.02
