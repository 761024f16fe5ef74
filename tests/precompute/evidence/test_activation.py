"""Claims A1 to A6 and the contrasts, on made-up runs of which the answer is known."""

import json

import numpy as np
import pytest

from precompute.evidence import StudyResults, study_claims, study_contrasts
from tests.activation_runs import CNN, FRESH, MLP, cnn, mlp, row

SIX = ("relu", "leaky_relu", "elu", "gelu", "silu", "mish")
STARTS = ("xavier", "he")
JITTER = dict(zip(FRESH, (-0.2, 0.05, 0.15, -0.1, 0.1), strict=True))
"""Points, by seed; the same for every network, so that paired differences are narrow."""


def networks(changes=None, seeds=FRESH, depths=(1, 2, 4, 8, 16), noise=0.05):
    """Runs of the six and the sigmoid; `changes` maps (function, depth, start) to arguments of a row, None standing for any."""
    rng = np.random.default_rng(0)
    runs = []
    for depth in depths:
        for start in STARTS:
            for function in (*SIX, "sigmoid"):
                fails = function == "sigmoid"
                told = {"error": 40.0 if fails else 5.0, "ratio": 1e-3 if fails else 1.0}
                told |= {"dead": 0.2 if function == "relu" else 0.0}
                for key in ((function, None, None), (function, depth, None), (function, depth, start)):
                    told |= (changes or {}).get(key, {})
                runs.append((mlp(function, depth, start, 0, fresh=False), row(mlp(function, depth, start, 0), 99.0)))
                for seed in seeds:
                    spec = mlp(function, depth, start, seed)
                    error = told["error"] + JITTER[seed] + rng.normal(0, noise)
                    runs.append((spec, row(spec, **told | {"error": error})))
    return runs


def decided(runs, study=MLP):
    claims, parts = study_claims(StudyResults(study, "activation", (), runs))
    json.dumps([part.details for part in parts], allow_nan=False)
    by_claim = {}
    for part in parts:
        by_claim.setdefault(part.claim, []).append(part)
    return {each.claim: each.verdict for each in claims}, by_claim


def test_what_is_planted_in_fully_connected_networks_is_shown():
    verdicts, parts = decided(networks())
    assert verdicts == dict.fromkeys(("A1", "A2", "A5", "A6"), "shown")
    (a1,), (a2,), (a5,), (dead, error) = (parts[claim] for claim in ("A1", "A2", "A5", "A6"))
    assert a1.estimate == pytest.approx(1e-3, rel=0.01) and (a1.unit, a1.n, a1.details["places"]) == ("ratio", 5, 4)
    assert a2.estimate == pytest.approx(35, abs=0.2) and a2.details["depth"] == 8 and a2.details["places"] == 2
    assert a2.low < a2.estimate < a2.high
    assert 0 <= a5.estimate < 0.3 and a5.details["places"] == 15 * 3 * 2 and a5.details["depth"] <= 4
    assert dead.estimate == pytest.approx(0.2) and dead.unit == "share" and dead.details["places"] == 3 * 2
    assert abs(error.estimate) < 0.2


@pytest.mark.parametrize(
    ("claim", "changes", "verdict"),
    [
        ("A1", {("sigmoid", None, None): {"ratio": 0.5}}, "contradicted"),
        ("A1", {("sigmoid", 8, "he"): {"ratio": 0.5}}, "contradicted"),
        ("A1", {("sigmoid", 4, None): {"ratio": 0.5}}, "shown"),
        ("A2", {("sigmoid", 8, None): {"error": 6}}, "contradicted"),
        ("A2", {("sigmoid", 8, "he"): {"error": 6}}, "contradicted"),
        ("A2", {("sigmoid", 8, "he"): {"error": 9.98}}, "not shown"),
        ("A2", {("sigmoid", 16, None): {"error": 5}}, "shown"),
        ("A5", {("elu", 2, "he"): {"error": 7}}, "contradicted"),
        ("A5", {("elu", 2, "he"): {"error": 5.98}}, "not shown"),
        ("A5", {("elu", 8, None): {"error": 20}}, "shown"),
        ("A6", {("relu", 8, "he"): {"dead": 0.02}}, "contradicted"),
        ("A6", {("relu", 2, None): {"dead": 0.0}}, "shown"),
        ("A6", {("relu", 16, "xavier"): {"error": 9}}, "contradicted"),
        ("A6", {("relu", 16, "xavier"): {"error": 1}}, "contradicted"),
        ("A6", {("relu", 16, "xavier"): {"error": 5.97}}, "not shown"),
    ],
)
def test_one_place_that_a_rule_covers_decides_against_it(claim, changes, verdict):
    assert decided(networks(changes))[0][claim] == verdict


def test_the_part_names_the_place_that_is_furthest_from_its_rule():
    _, parts = decided(networks({("sigmoid", 8, "he"): {"error": 20}, ("elu", 2, "he"): {"error": 5.9}}))
    a2, a5 = parts["A2"][0], parts["A5"][0]
    assert a2.details["start"] == "he" and a2.estimate == pytest.approx(15, abs=0.2)
    assert [each["start"] for each in a2.details["elsewhere"]] == ["he", "xavier"]
    assert (a5.details["worse"], a5.details["depth"], a5.details["start"]) == ("elu", 2, "he")


def test_the_place_that_is_told_is_one_that_decides():
    """A small gap with a wide interval keeps A5 open, and not the larger one whose interval is narrow."""
    runs = networks({("elu", 1, "he"): {"error": 5.6}}, noise=0.01)
    for place, (spec, told) in enumerate(runs):
        if (spec.activation, spec.depth, spec.start) == ("mish", 4, "xavier") and spec.layer_measures:
            runs[place] = spec, row(spec, 5.0 + (0, 0, 0, 0, 2)[spec.seed - FRESH[0]])
    verdicts, parts = decided(runs)
    (a5,) = parts["A5"]
    assert verdicts["A5"] == "not shown" and "mish" in (a5.details["worse"], a5.details["better"])
    assert a5.high >= 1 and not a5.holds


@pytest.mark.parametrize(
    ("function", "kept_open", "decided_still"),
    [("gelu", {"A5"}, {"A1", "A2", "A6"}), ("relu", {"A2", "A5", "A6"}, {"A1"}), ("sigmoid", set(), {"A1", "A2", "A5", "A6"})],
)  # fmt: skip
def test_an_absence_is_not_shown_on_the_runs_that_survive(function, kept_open, decided_still):
    runs = networks()
    for place, (spec, told) in enumerate(runs):
        if spec.layer_measures and spec.activation == function and spec.seed in FRESH[:2] and spec.depth in (4, 8):
            runs[place] = spec, told | {"status": "diverged"}
    verdicts, parts = decided(runs)
    assert {claim for claim, verdict in verdicts.items() if verdict == "not shown"} == kept_open
    assert {claim for claim, verdict in verdicts.items() if verdict == "shown"} == decided_still
    whys = {part.details.get("why") for claim in kept_open for part in parts[claim]}
    assert whys <= {"a_run_diverged"}


def test_noise_among_ninety_comparisons_contradicts_nothing():
    for claim in ("A5", "A6"):
        assert decided(networks(noise=0.9))[0][claim] == "not shown"


@pytest.mark.parametrize("seeds", [FRESH[:1], FRESH[:2]])
def test_fewer_than_three_fresh_seeds_decide_nothing(seeds):
    verdicts, parts = decided(networks(seeds=seeds))
    assert set(verdicts.values()) == {"not shown"}
    assert all(part.low is None and part.details["why"] == "too_few_seeds" for each in parts.values() for part in each)


def test_tuning_runs_are_no_evidence():
    """They end at 99 points, and without fresh runs nothing is tested."""
    assert decided(networks(seeds=())) == ({}, {})


def test_a_place_whose_fresh_runs_are_missing_keeps_the_claim_open():
    runs = [
        (spec, told) for spec, told in networks() if not (spec.layer_measures and (spec.depth, spec.start) == (8, "he"))
    ]
    verdicts, parts = decided(runs)
    assert verdicts == {"A1": "not shown", "A2": "not shown", "A5": "shown", "A6": "not shown"}
    assert parts["A2"][0].estimate == pytest.approx(35, abs=0.2) and parts["A2"][0].low is None


def test_diverged_runs_are_counted_and_drop_out_of_their_pairs():
    runs = networks()
    for place, (spec, _) in enumerate(runs):
        if (spec.activation, spec.depth, spec.start) == ("sigmoid", 8, "he") and spec.layer_measures and spec.seed < 4:
            runs[place] = spec, row(spec, 40.0, ratio=1e-3, diverged=True)
    verdicts, parts = decided(runs)
    a1, a2 = parts["A1"][0], parts["A2"][0]
    assert a2.details["diverged"] == {"sigmoid": 2, "relu": 0}
    assert {each["n"] for each in a2.details["elsewhere"]} == {3, 5} and verdicts["A2"] == "shown"
    assert verdicts["A1"] == "shown" and a1.n == 5, "the gradient at the start was measured before they diverged"


def test_a_study_decides_only_claims_whose_functions_and_depths_it_has():
    assert decided(networks(depths=(1, 2)))[0] == {"A5": "shown"}
    assert decided([(s, r) for s, r in networks() if s.activation != "mish"])[0].keys() == {"A1", "A2", "A6"}
    assert decided([]) == ({}, {})


def convolutions(errors=None, epochs=None, seeds=FRESH, noise=0.05):
    """Runs of sigmoid, tanh and ReLU. `errors` by (function, norm); `epochs` by function: the first with a train error of 25%."""
    rng = np.random.default_rng(1)
    ends = {("sigmoid", "none"): 60, ("sigmoid", "batch"): 42} | (errors or {})
    reach = {"relu": 2, "tanh": 9} | (epochs or {})
    runs = []
    for function in ("sigmoid", "tanh", "relu"):
        for norm in ("none", "batch"):
            runs.append((cnn(function, norm, 0, fresh=False), row(cnn(function, norm, 0, fresh=False), 99.0)))
            for seed in seeds:
                spec = cnn(function, norm, seed)
                error = ends.get((function, norm), 40) + JITTER[seed] + rng.normal(0, noise)
                at = reach.get(function)
                falls = None if at is None else (lambda epoch, at=at: 25.0 if epoch >= at else 60.0)
                runs.append((spec, row(spec, error, train_error=falls)))
    return runs


def test_what_is_planted_in_convolutional_networks_is_shown():
    verdicts, parts = decided(convolutions(), CNN)
    assert verdicts == {"A3": "shown", "A4": "shown"}
    without, shrinks = parts["A3"]
    assert without.estimate == pytest.approx(20, abs=0.2) and shrinks.estimate == pytest.approx(2 - 10, abs=0.2)
    assert shrinks.details["gap_with_norm"] == pytest.approx(2, abs=0.2) and shrinks.n == 5
    assert parts["A4"][0].estimate == pytest.approx(4.5) and parts["A4"][0].details["epochs"]["tanh"] == [9] * 5


def test_both_gaps_of_the_sigmoid_have_an_interval_where_the_claim_has_one():
    runs = convolutions()
    without, shrinks = decided(runs, CNN)[1]["A3"]
    assert shrinks.details["gap_without_norm_interval"] == [without.low, without.high]
    at = {
        (spec.activation, spec.norm, spec.seed): 100 - told["curves"][-1]["test_correct"] / 100 for spec, told in runs
    }
    gaps = np.array([at["sigmoid", "batch", seed] - at["relu", "batch", seed] for seed in FRESH])
    half = 2.7764451 * gaps.std(ddof=1) / np.sqrt(5)
    assert shrinks.details["gap_with_norm_interval"] == pytest.approx([gaps.mean() - half, gaps.mean() + half])
    two = decided(convolutions(seeds=FRESH[:2]), CNN)[1]["A3"][1].details
    lost = [
        (s, t | {"status": "diverged"} if (s.activation, s.norm, s.seed) == ("relu", "batch", 2) else t)
        for s, t in runs
    ]
    for details in (two, decided(lost, CNN)[1]["A3"][1].details):
        assert details["gap_with_norm"] and "gap_with_norm_interval" not in details


@pytest.mark.parametrize(
    ("errors", "verdict"),
    [
        ({("sigmoid", "batch"): 52}, "contradicted"),
        ({("sigmoid", "batch"): 50}, "not shown"),
        ({("sigmoid", "batch"): 35}, "shown"),
        ({("sigmoid", "none"): 30, ("sigmoid", "batch"): 10}, "contradicted"),
    ],
)
def test_a_gap_has_to_be_there_and_to_shrink_by_half(errors, verdict):
    assert decided(convolutions(errors), CNN)[0]["A3"] == verdict


@pytest.mark.parametrize(
    ("epochs", "verdict"), [({"tanh": 6}, "shown"), ({"tanh": 5}, "contradicted"), ({"tanh": 2}, "contradicted")]
)
def test_tanh_has_to_take_three_times_the_epochs(epochs, verdict):
    assert decided(convolutions(epochs=epochs), CNN)[0]["A4"] == verdict


def test_where_tanh_does_not_get_there_the_ratio_is_a_lower_bound():
    never, slow = {"tanh": 999}, {"tanh": 999, "relu": 12}
    assert {row["epoch"] for row in convolutions()[1][1]["curves"]} >= {2, 5, 6, 9, 12, 30}
    verdicts, parts = decided(convolutions(epochs=never), CNN)
    assert verdicts["A4"] == "shown" and parts["A4"][0].estimate == pytest.approx(15)
    assert parts["A4"][0].details["at_least"] and parts["A4"][0].details["tanh_not_there"] == 5
    assert decided(convolutions(epochs=slow), CNN)[0]["A4"] == "not shown", (
        "30 / 12 is too small, and only a lower bound"
    )


def test_where_relu_does_not_get_there_there_is_no_ratio():
    verdicts, parts = decided(convolutions(epochs={"relu": 999}), CNN)
    assert verdicts["A4"] == "not shown" and parts["A4"][0].estimate is None
    assert parts["A4"][0].details["why"] == "relu_does_not_get_there"


def test_contrasts_are_each_function_minus_relu_at_each_place():
    rows = study_contrasts(StudyResults(MLP, "activation", (), networks({("elu", 2, "he"): {"error": 7}})))
    assert len(rows) == 6 * 5 * 2
    elu = next(each for each in rows if each.changed == {"activation": "elu", "depth": 2, "start": "he", "lr": 0.125})
    assert elu.baseline == {"activation": "relu", "depth": 2, "start": "he", "lr": 0.125}
    assert elu.estimate == pytest.approx(2, abs=0.1) and (elu.n, elu.unit) == (5, "points")
    assert elu.p < elu.p_adjusted < 0.05
    normed = study_contrasts(StudyResults(CNN, "activation", (), convolutions()))
    assert [(each.changed["activation"], each.changed["norm"]) for each in normed] == [
        ("sigmoid", "batch"), ("tanh", "batch"), ("sigmoid", "none"), ("tanh", "none")
    ]  # fmt: skip
    assert study_contrasts(StudyResults(MLP, "activation", (), networks(seeds=()))) == []
