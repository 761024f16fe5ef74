import numpy as np
import pytest

from precompute.evidence import StudyResults, study_claims, study_contrasts
from precompute.image_spec import ResNetSpec
from precompute.spec import MLPSpec

STUDY = "depth/cifar10_resnet_small"
JITTER = np.array([-0.5, 0.1, 0.4, -0.2, 0.2])
"""Points, by seed; the same for every network, so that paired differences have a narrow interval of their own."""
GROWS = {("plain", 20): (20, 50), ("plain", 56): (40, 60), ("residual", 20): (15, 50), ("residual", 56): (10, 45)}
"""Train and test error in points, as the paper has it."""


def resnet(architecture: str, depth: int, seed: int) -> ResNetSpec:
    return ResNetSpec(
        study=STUDY, seed=seed, dataset="uoft-cs/cifar10", side=16, n_train=1000, label_noise=0.0, width=8,
        optimizer="sgd", lr=0.1, batch_size=100, epochs=2, depth=depth, architecture=architecture,
    )  # fmt: skip


def row(train: float, test: float, ratio: float | None = None) -> dict:
    """A run of two epochs that ends with these errors; `ratio` is of the gradient norms of three layers, at the start ten times it."""
    curves = [{"epoch": epoch, "val_correct": 500} for epoch in (1, 2)]
    curves[0] |= {"train_correct": 100, "test_correct": 100}
    curves[1] |= {"train_correct": round(10 * (100 - train)), "test_correct": round(100 * (100 - test))}
    layers = []
    if ratio is not None:
        for epoch, times in ((0, 10), (1, 2), (2, 1)):
            norms = (3 * times * ratio, 1e9, 3.0)
            layers += [
                {"epoch": epoch, "layer": index, "gradient_norm": norm} for index, norm in enumerate(norms, start=1)
            ]
    return {"status": "complete", "n_train": 1000, "n_val": 1000, "n_test": 10_000, "curves": curves, "layers": layers}


DIVERGED = {"status": "diverged", "n_train": 1000, "n_val": 1000, "n_test": 10_000, "curves": [{}], "layers": []}


def make_runs(errors=GROWS, seeds=5, ratio=None, noise=0.3):
    rng = np.random.default_rng(0)
    return [
        (
            resnet(architecture, depth, seed),
            row(
                train + JITTER[seed] + rng.normal(0, noise),
                test + JITTER[seed] + rng.normal(0, noise),
                None if ratio is None else ratio * 1.1 ** JITTER[seed],
            ),
        )
        for (architecture, depth), (train, test) in errors.items()
        for seed in range(seeds)
    ]


def decided(runs):
    rows, parts = study_claims(StudyResults(STUDY, "depth", (), runs))
    return {each.claim: each.verdict for each in rows}, {each.claim: each for each in parts}


def changed(**errors):
    """GROWS with, for example, plain56=(10, 40)."""
    told = {(name.rstrip("0123456789"), int(name[-2:])): value for name, value in errors.items()}
    return GROWS | told


def test_what_the_paper_says_is_shown_where_it_is_planted():
    verdicts, parts = decided(make_runs(ratio=0.5))
    assert verdicts == dict.fromkeys(("L1", "L2", "L3", "L4"), "shown")
    assert (parts["L1"].estimate, parts["L2"].estimate) == pytest.approx((20, -5), abs=0.6)
    assert (parts["L1"].n, parts["L1"].unit) == (5, "points")
    assert parts["L1"].low < parts["L1"].estimate < parts["L1"].high
    assert parts["L1"].details["depth"] == [56, 20] and parts["L1"].details["architecture"] == "plain"
    assert parts["L3"].details["depth"] == 20 and parts["L3"].details["seeds"] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("claim", "errors", "verdict"),
    [
        ("L1", changed(plain56=(10, 60)), "contradicted"),
        ("L1", changed(plain56=(20, 60)), "not shown"),
        ("L2", changed(residual56=(10, 55)), "contradicted"),
        ("L2", changed(residual56=(10, 50)), "not shown"),
        ("L3", changed(plain20=(20, 53)), "contradicted"),
        ("L3", changed(plain20=(20, 47)), "contradicted"),
        ("L3", changed(plain20=(20, 50.9)), "not shown"),
    ],
)
def test_each_claim_may_be_contradicted_or_not_shown(claim, errors, verdict):
    assert decided(make_runs(errors, noise=0.6))[0][claim] == verdict


def test_the_test_error_does_not_decide_the_claim_about_train_error():
    assert decided(make_runs(changed(plain56=(10, 80))))[0]["L1"] == "contradicted"
    assert decided(make_runs(changed(residual56=(60, 45))))[0]["L2"] == "shown"


def test_runs_that_fail_to_train_are_counted_and_not_averaged_in():
    runs = make_runs()
    whole = decided(runs)[1]["L1"].estimate
    for seed, instead in ((0, DIVERGED), (1, row(90, 90)), (2, row(80, 80)), (3, row(80.1, 80))):
        place = next(
            i for i, (spec, _) in enumerate(runs) if (spec.architecture, spec.depth, spec.seed) == ("plain", 56, seed)
        )
        runs[place] = (runs[place][0], instead)
    verdicts, parts = decided(runs)
    l1 = parts["L1"]
    assert l1.details["failed_to_train"] == {"56": 3, "20": 0} and l1.details["runs"] == {"56": 5, "20": 5}
    assert l1.details["seeds"] == [2, 4] and (l1.n, l1.low) == (2, None), "80% is the line, and trains"
    assert l1.estimate == pytest.approx((80 + 40 - 2 * 20) / 2, abs=1) and l1.estimate != whole
    assert (verdicts["L1"], verdicts["L2"]) == ("not shown", "shown")


@pytest.mark.parametrize(
    ("claim", "network"),
    [("L1", ("plain", 20)), ("L2", ("residual", 56)), ("L3", ("plain", 20)), ("L3", ("residual", 20))],
)
def test_that_a_network_does_well_is_not_shown_on_the_seeds_that_survive(claim, network):
    runs = [
        (spec, row(90, 90) if (spec.architecture, spec.depth) == network and spec.seed == 0 else told)
        for spec, told in make_runs()
    ]
    verdicts, parts = decided(runs)
    assert verdicts[claim] == "not shown" and parts[claim].details["why"] == "a_run_failed_to_train"
    assert parts[claim].n == 4 and parts[claim].low is None


def test_without_a_seed_that_trains_there_is_no_estimate():
    runs = [
        (spec, row(90, 90) if (spec.architecture, spec.depth) == ("plain", 56) else told) for spec, told in make_runs()
    ]
    verdicts, parts = decided(runs)
    assert verdicts["L1"] == "not shown" and (parts["L1"].estimate, parts["L1"].n) == (None, 0)
    assert parts["L1"].details["why"] == "no_seed_trains_on_both_sides"
    assert "why" not in parts["L2"].details


def test_seeds_are_paired_by_their_number():
    runs = [(spec, told) for spec, told in make_runs() if spec.depth == 20 or spec.seed in (1, 3, 4)]
    part = decided(runs)[1]["L1"]
    assert part.n == 3 and part.details["seeds"] == [1, 3, 4] and part.details["runs"] == {"56": 3, "20": 5}


def test_two_seeds_show_nothing():
    verdicts, parts = decided(make_runs(seeds=2, ratio=0.5))
    assert set(verdicts.values()) == {"not shown"} and all(part.low is None for part in parts.values())


def test_a_study_without_56_layers_decides_what_20_decide():
    errors = {key: value for key, value in GROWS.items() if key[1] == 20}
    assert set(decided(make_runs(errors))[0]) == {"L3"}
    assert decided([]) == ({}, {})


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(0.5, "shown"), (0.1, "not shown"), (0.01, "contradicted"), (0, "contradicted")]
)
def test_l4_takes_the_smallest_ratio_of_the_deepest_plain_networks(ratio, verdict):
    verdicts, parts = decided(make_runs(ratio=ratio))
    assert verdicts["L4"] == verdict
    part = parts["L4"]
    assert (part.unit, part.n, part.details["depth"], part.details["epoch"]) == (
        ("ratio", 5, 56, [2] * 5) if ratio else ("ratio", 5, 56, [0] * 5)
    )
    if ratio:
        assert part.estimate == pytest.approx(ratio, rel=0.05)
        assert part.details["at_the_start"] == pytest.approx(10 * ratio, rel=0.05)


def test_networks_that_fail_to_train_still_show_their_gradients():
    runs = make_runs(changed(plain56=(90, 90)), ratio=0.01)
    verdicts, parts = decided(runs)
    assert verdicts["L4"] == "contradicted" and parts["L4"].details["failed_to_train"] == 5


def test_contrasts_are_residual_minus_plain_and_deep_minus_shallow():
    errors = GROWS | {("plain", 8): (40, 55), ("residual", 8): (30, 52), ("plain", 32): (30, 52)}
    rows = study_contrasts(StudyResults(STUDY, "depth", (), make_runs(errors, noise=0)))
    found = {(each.quantity, str(each.changed)): each for each in rows}
    assert len(found) == len(rows) == 2 * (3 + 2)
    for depth, train, test in ((8, -10, -3), (20, -5, 0), (56, -30, -15)):
        told = str({"architecture": "residual", "depth": depth})
        for part, expected in (("train", train), ("test", test)):
            one = found[f"final_{part}_error_residual_minus_plain", told]
            assert one.estimate == pytest.approx(expected, abs=0.11) and one.n == 5 and one.unit == "points"
            assert one.baseline == {"architecture": "plain", "depth": depth}
    deep = found["final_train_error_deep_minus_shallow", str({"architecture": "plain", "depth": 56})]
    assert deep.estimate == pytest.approx(20, abs=0.11) and deep.baseline == {"architecture": "plain", "depth": 20}


def mlp(depth: int, residual: int, norm: str, lr: float, seed: int) -> MLPSpec:
    return MLPSpec(
        study="depth/mnist_mlp", seed=seed, dataset="ylecun/mnist", n_train=1000, label_noise=0.0, width=64, depth=depth,
        residual=residual, norm=norm, optimizer="sgd", lr=lr, batch_size=100, epochs=2,
    )  # fmt: skip


def test_a_study_of_several_rates_is_taken_at_the_one_that_validation_chooses():
    """Depths 2 to 128 have no 20 and no 56: only the claim about gradients is decided, with batch norm."""
    runs = []
    for seed in range(3):
        for depth in (2, 128):
            for residual in (0, 2):
                for norm in ("none", "batch"):
                    for lr, wrong in ((0.1, 10), (0.2, 20), (0.4, None)):
                        told = row(wrong or 0, depth / 10 + wrong + seed if wrong else 0, ratio=2 * lr)
                        told["curves"][1]["val_correct"] = 900 if lr == (0.2 if residual else 0.1) else 100
                        runs.append((mlp(depth, residual, norm, lr, seed), told if wrong else DIVERGED))
    study = StudyResults("depth/mnist_mlp", "depth", (), runs)
    (claim,), (part,) = study_claims(study)
    assert (claim.claim, claim.verdict, part.details["depth"]) == ("L4", "shown", 128)
    assert part.estimate == pytest.approx(0.2)
    rows = study_contrasts(study)
    assert len(rows) == 2 * 2 * 2
    first = next(each for each in rows if each.quantity == "final_test_error_residual_minus_plain")
    assert first.baseline == {"norm": "batch", "architecture": "plain", "depth": 2, "lr": 0.1}
    assert first.changed == {"norm": "batch", "architecture": "residual", "depth": 2, "lr": 0.2}
    assert first.estimate == pytest.approx(10) and first.n == 3


def test_a_run_whose_code_raised_is_no_failure_to_train():
    runs = make_runs()
    broken = {"status": "failed", "n_train": 1000, "n_val": 0, "n_test": 0, "curves": [], "layers": []}
    runs[0] = (runs[0][0], broken)
    part = decided(runs)[1]["L1"]
    assert part.details["failed_to_train"] == {"56": 0, "20": 0} and part.n == 4
