"""What the sections on single studies ask of the results file, against statements of the tests' own."""

import duckdb
import pytest

from explorer.results import generalization as results
from explorer.results import generalization_studies as studies

SAMPLE_WISE = "study = 'double_descent/sample_wise' AND starts_with(quantity, 'more_data')"


def ask(file, sql: str) -> list[tuple]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def map_of(code: str, noise: float) -> results.Map:
    return next(each for each in results.maps(studies.study(code)) if each.noise == noise)


def test_a_study_without_runs_is_none():
    assert studies.study("nothing_of_the_kind") is None
    assert studies.study("random_features").name == "double_descent/random_features"


def test_every_verdict_on_a_claim_comes_with_its_parts_and_the_main_study_first(results_file):
    found = studies.verdicts("G4")
    expected = dict(
        ask(results_file, "SELECT study, verdict::VARCHAR FROM claims WHERE claim = 'G4' AND study IS NOT NULL")
    )
    assert {each.study: each.verdict for each in found} == expected
    assert found[0].study == results.STUDY
    assert all(len(each.parts) == 3 and each.seeds == 3 for each in found)
    assert "on_all_seeds" in found[0].parts[0]["where"]
    assert studies.verdicts("no such claim") == []


def test_widths_worth_looking_at_are_picked_by_rule(results_file):
    roles = studies.roles(map_of("random_features", 0.2))
    row = ask(
        results_file,
        "SELECT position FROM landmarks JOIN maps USING (map) WHERE study = 'double_descent/random_features' AND kind = 'ridge_across'"
        " AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2 AND line = 1000000 AND clear",
    )
    assert [role.name for role in roles] == ["narrowest", "ridge", "beyond", "widest"]
    assert roles[1].width == row[0][0]
    assert [role.width for role in roles] == sorted({role.width for role in roles})


def test_without_a_ridge_the_threshold_stands_in_and_equal_widths_appear_once():
    names = {role.name: role.width for role in studies.roles(map_of("mnist_mlp", 0.0))}
    assert "ridge" not in names
    assert names["threshold"] == 8
    assert [role.name for role in studies.roles(map_of("mnist_mlp", 0.2))] == ["narrowest", "widest"]


def test_means_and_seeds_along_the_epochs_are_those_of_the_tables(results_file):
    shown = map_of("mnist_mlp", 0.2)
    means = {row["epoch"]: row["mean"] for row in studies.along_epochs(shown, [64], ["memorized"]).to_pylist()}
    sql = f"""
        SELECT v.epoch, avg(v.memorized / r.wrong_labels) FROM curves v JOIN runs r USING (run) JOIN configurations c USING (configuration)
        WHERE c.map = {shown.key} AND c.x = 64 GROUP BY 1
    """
    assert means == pytest.approx(dict(ask(results_file, sql)))
    seeds = studies.seeds_along_epochs(shown, 64).to_pylist()
    assert {row["seed"] for row in seeds} == {0, 1, 2}
    assert len(seeds) == 2 * 3 * len(means)


def test_cells_where_more_data_is_worse_are_those_beyond_the_correction(results_file):
    doublings = studies.doublings()
    cells = studies.doubling_cells(doublings).to_pylist()
    counted = studies.count(doublings)
    worse, better, everything = (
        ask(results_file, f"SELECT count(*) FROM contrasts WHERE {SAMPLE_WISE} AND {condition}")[0][0]
        for condition in ("p_adjusted < 0.05 AND estimate > 0", "p_adjusted < 0.05 AND estimate < 0", "true")
    )
    assert (counted.worse, counted.better, counted.all) == (worse, better, everything) == (0, 4, len(cells))
    assert studies.count([]).all == 0


def test_one_doubling_has_its_own_cells_and_two_curves(results_file):
    one = studies.doublings()[1]
    assert (one.regime, one.noise, one.code) == ("equal_steps", 0.2, "250-500")
    assert studies.doubling_cells([one]).num_rows == 4
    curves = studies.doubling_curves(one).to_pylist()
    assert {row["n_train"] for row in curves} == {250, 500}
    sql = """
        SELECT i.mean FROM intervals i JOIN configurations c USING (configuration) WHERE c.study = 'double_descent/sample_wise' AND c.x = 8
        AND CAST(c.settings->>'n_train' AS INTEGER) = 250 AND CAST(c.settings->>'epochs' AS INTEGER) = 40 AND i.epoch = 40
        AND CAST(c.settings->>'label_noise' AS DOUBLE) = 0.2 AND i.measure = 'test_error'
    """
    mine = next(row["mean"] for row in curves if row["width"] == 8 and row["n_train"] == 250)
    assert mine == pytest.approx(ask(results_file, sql)[0][0])


def test_the_difference_of_the_decay_curves_is_the_contrast():
    curves = {(row["width"], row["series"]): row["mean"] for row in studies.decay_curves().to_pylist()}
    rows = studies.best_decays().to_pylist()
    assert len(rows) == 4
    for row in rows:
        here = 100 * (curves[row["width"], "best"] - curves[row["width"], "without"])
        assert here == pytest.approx(row["estimate"], rel=1e-3)


def test_parameters_per_label_are_one_where_features_are_as_many_as_images():
    rows = studies.per_label(results.maps(studies.study("random_features")))
    at_one = [row for row in rows.to_pylist() if row["ratio"] == 1]
    assert {row["width"] for row in at_one} == {100}
    assert {row["noise"] for row in at_one} == {0.0, 0.2}
