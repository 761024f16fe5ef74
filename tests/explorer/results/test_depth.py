"""What the page on depth asks of the results file, on planted runs that went through the real build."""

import duckdb
import pytest

from explorer.results import depth as results
from explorer.results import studies
from explorer.results.depth import FAILED_ABOVE, Study, View
from precompute.evidence import depth as evidence
from precompute.studies import STUDIES
from precompute.studies.tuning import chosen_rate
from tests import planted_depth
from tests.planted_depth import MLP, SMALL, deep_plain_ones_fail


@pytest.fixture(scope="module")
def planted(planted_once):
    return planted_once("depth", planted_depth.plant_deep_failures)


@pytest.fixture(autouse=True)
def database(planted, monkeypatch):
    monkeypatch.setenv("WHY_RESULTS", str(planted))
    return planted


PLAIN = View(Study(MLP), "none")


def test_studies_come_in_the_order_offered_with_their_normalizations():
    assert [study.name for study in results.studies()] == [SMALL, MLP]
    assert results.norms(Study(SMALL)) == ["batch"] and results.norms(Study(MLP)) == ["batch", "none"]
    assert results.has_several_rates(Study(MLP)) and not results.has_several_rates(Study(SMALL))
    assert studies.planned(SMALL) == (44, 44)


def test_the_line_between_training_and_failing_is_the_one_of_the_claims():
    assert FAILED_ABOVE == evidence.FAILED_ABOVE


def test_the_rate_is_the_one_that_the_build_chooses_for_every_network():
    """As precompute chooses it, on the same runs; where nothing trains there is a rate too."""
    by_network = {}
    for spec in STUDIES[MLP].specs("full"):
        run = planted_depth.run_of(spec, deep_plain_ones_fail(spec))
        row = {"status": run.status, "curves": run.curves, "n_val": run.n_val}
        network = (spec.norm, "residual" if spec.residual else "plain", spec.depth)
        by_network.setdefault(network, []).append((spec, row))
    expected = {network: chosen_rate(runs) for network, runs in by_network.items()}
    found = {
        (norm, row["architecture"], row["depth"]): row["lr"]
        for norm in ("batch", "none")
        for row in results.rate_map(View(Study(MLP), norm)).to_pylist()
        if row["chosen"]
    }
    assert found == expected and len(found) == 28


def test_failures_are_counted_and_in_no_mean():
    failures = results.failures(PLAIN)
    assert failures[32, "plain"] == (1, 3, 0) and failures[32, "plain"].outcome == "partly"
    assert failures[64, "plain"].outcome == "fail" and failures[64, "residual"].outcome == "train"
    means = {(row["depth"], row["architecture"]) for row in results.means(PLAIN).to_pylist()}
    assert (16, "plain") in means and not {(32, "plain"), (64, "plain")} & means
    assert (128, "residual") in means


def test_means_are_those_of_the_table_of_intervals(database):
    row = next(
        row
        for row in results.means(View(Study(SMALL))).to_pylist()
        if (row["depth"], row["architecture"], row["measure"]) == (56, "plain", "train")
    )
    with duckdb.connect(str(database), read_only=True) as connection:
        expected = connection.execute(
            "SELECT mean, low, high, n FROM intervals JOIN configurations USING (configuration) WHERE study = ? AND x = 56"
            " AND settings->>'architecture' = 'plain' AND measure = 'train_error' AND epoch = 30",
            [SMALL],
        ).fetchone()
    assert (row["mean"], row["low"], row["high"], row["n"]) == pytest.approx(expected) and row["n"] == 5


def test_every_run_has_the_means_that_are_drawn_of_its_network():
    means = {(row["depth"], row["architecture"], row["measure"]): row for row in results.means(PLAIN).to_pylist()}
    for row in results.runs(PLAIN).to_pylist():
        for part in ("train", "test"):
            mean = means.get((row["depth"], row["architecture"], part), dict.fromkeys(("mean", "low", "high", "n")))
            assert [row[f"{part}_{end}"] for end in ("mean", "low", "high")] == [mean[end] for end in ("mean", "low", "high")]  # fmt: skip
            assert row["n"] == mean["n"]
    assert {row["n"] for row in results.runs(PLAIN).to_pylist()} == {3, None}


def test_a_rate_at_which_a_seed_failed_has_no_value(database):
    cells = {(row["architecture"], row["depth"], row["lr"]): row for row in results.rate_map(PLAIN).to_pylist()}
    diverged = cells["residual", 128, 2.0**-3]
    assert (diverged["diverged"], diverged["trained"], diverged["val_error"]) == (3, 0, None)
    partly = cells["plain", 32, 2.0**-7]
    assert (partly["untrained"], partly["trained"], partly["val_error"]) == (1, 2, None)
    assert cells["plain", 2, 2.0**-7]["val_error"] == pytest.approx(0.06 + 0.001 / 3, abs=1e-6)
    assert len(cells) == 2 * 7 * 5


def test_gradients_keep_zero_apart_from_what_was_not_finite():
    rows = results.gradients(PLAIN, 128, 0).to_pylist()
    states = {(row["architecture"], row["epoch"], row["layer"]): row["state"] for row in rows}
    assert states["plain", 0, 1] == "zero" and states["plain", 0, 129] == "value"
    assert {row["log_norm"] for row in rows if row["state"] == "zero"} == {None}
    assert len(rows) == 2 * 3 * 129


def test_the_signal_is_told_before_and_after_training_and_leaves_the_logits_out():
    rows = results.signals(View(Study(SMALL)), 20).to_pylist()
    assert {row["moment"] for row in rows} == {"start", "end"} and {row["seed"] for row in rows} == set(range(5))
    assert max(row["layer"] for row in rows) == 19
    assert {row["sd"] for row in rows if row["moment"] == "start"} == {1.0}


def test_damage_is_against_the_whole_network_of_the_same_seed():
    rows = results.damage(View(Study(SMALL)), 20).to_pylist()
    assert {row["block"] for row in rows} == set(range(1, 10)) and {row["stage"] for row in rows} == {1, 2, 3}
    for row in rows:
        added = 0.4 if row["architecture"] == "plain" else 0.02 + 0.1 / row["block"]
        assert row["damage"] == pytest.approx(added, abs=2e-4)
    assert not results.damage(PLAIN, 2).num_rows and not results.blocks_measured(Study(MLP))


def test_contrasts_are_those_of_the_shown_normalization():
    rows = results.contrasts(PLAIN)
    assert {row["kind"] for row in rows} == {"residual_minus_plain"}
    assert {row["depth"] for row in rows} == {2, 4, 8, 16, 32}, "64 and 128 have no seed that trains on both sides"
    sizes = [abs(row["estimate"]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    small = results.contrasts(View(Study(SMALL)))
    deep = [row for row in small if row["kind"] == "deep_minus_shallow"]
    assert {(row["part"], row["architecture"], row["depth"], row["baseline_depth"]) for row in deep} == {
        (part, kind, 56, 20) for part in ("train", "test") for kind in ("plain", "residual")
    }


def test_the_statement_of_the_footer_gives_the_rows_that_are_shown(database):
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(results.runs_sql(PLAIN)).fetchall()
    assert found == [tuple(row.values()) for row in results.runs(PLAIN).to_pylist()] and len(found) == 2 * 7 * 3
