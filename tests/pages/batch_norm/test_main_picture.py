"""The main picture of each study."""

import dataclasses
import json
import re

import pytest

from explorer.charts.normalizations import name
from tests.pages.reading import ask, charts, said
from tests.planted_norms import AS_IN_THE_PAPERS, LINEAR, SIZES, SMALL, Rates

both = pytest.mark.parametrize("language", ["en", "ko"])


def test_every_dot_is_a_run_and_every_mean_is_in_the_table_of_intervals(seen, database):
    _, tables, _ = charts(seen(norms="all"))[0]
    found = ask(
        database,
        """
        SELECT settings->>'norm', CAST(settings->>'lr' AS DOUBLE), seed, 1 - test_correct / n_test
        FROM runs JOIN configurations USING (configuration) JOIN curves USING (run)
        WHERE runs.study = ? AND epoch = epochs AND status = 'complete'
        """,
        SMALL,
    )
    expected = {(name(norm), lr, seed): error for norm, lr, seed, error in found}
    drawn = {(row["name"], row["x"], row["seed"]): row["error"] for row in tables["dots"].to_pylist()}
    assert drawn == pytest.approx(expected, abs=1e-6) and len(drawn) > 200
    means = {(row["name"], row["x"]): row["mean"] for row in tables["means"].to_pylist()}
    for norm, lr, mean in ask(
        database,
        "SELECT settings->>'norm', CAST(settings->>'lr' AS DOUBLE), mean FROM intervals JOIN configurations USING (configuration)"
        " WHERE study = ? AND measure = 'test_error' AND epoch = 20 AND n = 3",
        SMALL,
    ):
        assert means[name(norm), lr] == pytest.approx(mean, abs=1e-6)


def test_the_table_has_every_mean_that_is_drawn(seen):
    app = seen(norms="all")
    _, tables, _ = charts(app)[0]
    drawn = {row["mean"] for row in tables["means"].to_pylist()} - {None}
    table = app.dataframe[0].value
    assert sorted(set(table["Test error: mean"].dropna())) == pytest.approx(sorted(drawn), abs=1e-6)
    assert {"Test error: 95% from", "Test error: 95% to", "Train error: mean", "Seeds in the means"} <= set(
        table.columns
    )


def test_runs_that_diverged_have_no_dot_and_no_mean_and_are_counted(seen, database):
    app = seen()
    _, tables, alt = charts(app)[0]
    [(lost,)] = ask(
        database,
        "SELECT count(*) FROM runs JOIN configurations USING (configuration) WHERE runs.study = ? AND status = 'diverged'"
        " AND settings->>'norm' IN ('none', 'batch')",
        SMALL,
    )
    assert lost == 6
    labels = {(row["name"], row["x"]): row["label"] for row in tables["cells"].to_pylist()}
    assert labels["no norm", 1.0] == labels["no norm", 2.0] == "✕3"
    assert not [row for row in tables["dots"].to_pylist() if row["name"] == "no norm" and row["x"] >= 1]
    means = {row["x"]: row["mean"] for row in tables["means"].to_pylist() if row["name"] == "no norm"}
    assert means[0.5] is not None and means[1.0] is None
    assert "no mean: 6" in said(app) and "6 of them diverged" in alt
    assert "code failed, shown nowhere here: 1" in said(app)


def test_a_norm_whose_own_rate_is_an_end_of_those_tried_is_said(planting, opened):
    rates = AS_IN_THE_PAPERS.rates | {"batch": Rates(0.33, -9, 0.4, 0.018)}
    story = dataclasses.replace(AS_IN_THE_PAPERS, rates=rates)
    planting(story, keep=lambda spec: spec.study == SMALL and spec.norm in ("none", "batch"))
    assert "At an end of the learning rates tried lies that of batch norm, so" in said(opened("batch_norm"))


def test_the_row_of_usable_rates_has_the_share_of_the_claim(seen, database):
    """Seed by seed, as N1 counts: the cells filled with all seeds, over all cells."""
    _, tables, _ = charts(seen())[0]
    [(shares,)] = ask(database, "SELECT details->'share' FROM claim_parts WHERE claim = 'N1' AND study = ?", SMALL)
    for norm, word in (("none", "no norm"), ("batch", "batch norm")):
        cells = [row for row in tables["cells"].to_pylist() if row["name"] == word]
        assert len(cells) == 11
        assert sum(row["good"] for row in cells) / 33 == pytest.approx(json.loads(shares)[norm])


def test_a_cell_leads_to_the_list_of_its_runs(opened, seen):
    _, tables, _ = charts(seen())[0]
    href = next(row["href"] for row in tables["cells"].to_pylist() if (row["name"], row["x"]) == ("batch norm", 0.125))
    page, _, asked = href.partition("?")
    query = dict(part.split("=") for part in asked.split("&") if not part.startswith("v="))
    listed = opened(page, **{name: value.replace("%2F", "/") for name, value in query.items()}).dataframe[0].value
    assert len(listed) == 3 and set(listed["setting.norm"]) == {"batch"} and set(listed["setting.lr"]) == {0.125}


def test_a_dot_leads_to_its_run(opened, seen):
    row = charts(seen())[0][1]["dots"].to_pylist()[0]
    run = re.search("run=([0-9a-f]{16})", row["href"])[1]
    assert run in opened("runs", run=run).title[0].value


def test_the_caption_has_the_numbers_of_the_database(seen, database):
    caption = next(each.value for each in seen().caption if "See how far" in each.value)
    told = re.findall(r"([\d.]+)% \(([\d.]+)–([\d.]+), 3 seeds\)", caption)
    rows = []
    for norm in ("none", "batch"):
        [(details,)] = ask(
            database, f"SELECT details->'rate'->>'{norm}' FROM claim_parts WHERE claim = 'N1' AND study = ?", SMALL
        )
        rows += ask(
            database,
            "SELECT mean, low, high FROM intervals JOIN configurations USING (configuration) WHERE study = ? AND epoch = 20"
            " AND measure = 'test_error' AND settings->>'norm' = ? AND CAST(settings->>'lr' AS DOUBLE) = ?",
            SMALL, norm, float(details),
        )  # fmt: skip
    assert told == [tuple(f"{100 * value:.1f}" for value in row) for row in rows] and len(told) == 2


def test_the_map_of_batch_sizes_has_the_means_and_a_cross_where_a_seed_diverged(seen, database):
    _, tables, _ = charts(seen(study="batch_size"))[0]
    cells = {(row["name"], row["x"]): row for row in tables["cells"].to_pylist()}
    assert len(cells) == 18
    assert cells["no norm", 4.0]["label"] == "✕1/3" and cells["no norm", 4.0]["mean"] is None
    for norm, size, mean in ask(
        database,
        "SELECT settings->>'norm', CAST(settings->>'batch_size' AS INTEGER), mean FROM intervals JOIN configurations"
        " USING (configuration) WHERE study = ? AND measure = 'test_error' AND epoch = 20 AND n = 3",
        SIZES,
    ):
        assert cells[name(norm), size]["label"] == f"{100 * mean:.1f}"


@both
def test_the_linear_network_is_shown_by_its_loss_alone(seen, database, language):
    app = seen(lang=language, study="deep_linear")
    _, tables, _ = charts(app)[0]
    drawn = sorted(row["value"] for row in tables["rows"].to_pylist())
    found = ask(database, "SELECT train_loss FROM curves JOIN runs USING (run) WHERE study = ?", LINEAR)
    assert drawn == pytest.approx(sorted(loss for (loss,) in found), rel=1e-6) and len(drawn) > 200
    columns = app.dataframe[0].value.columns
    assert not any("error" in name.lower() or "오차" in name for name in columns)
    assert app.segmented_control and not any(each.key == "address.error" for each in app.segmented_control)
