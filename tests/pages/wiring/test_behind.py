"""Measures of graphs, the map of rings, the forests, hubs and what was selected."""

import json
import re

import pytest

from tests import planted_wiring
from tests.pages.reading import ask, charts, said
from tests.pages.wiring.conftest import with_table
from tests.planted_wiring import SMALL

both = pytest.mark.parametrize("language", ["en", "ko"])


def test_a_mark_of_the_scatter_leads_to_the_runs_of_its_graph(seen, opened):
    scatter = with_table(seen(), "graphs")[1][1]["graphs"].to_pylist()
    row = next(row for row in scatter if row["name"] == "WS(4, 0.75), graph 3")
    query = dict(part.split("=") for part in row["href"].partition("?")[2].split("&") if not part.startswith("v="))
    query = {key: value.replace("%2F", "/") for key, value in query.items()}
    listed = opened("runs", **query).dataframe[0].value
    assert set(listed["seed"]) == {6, 7} and len(listed) == 2


def test_the_scatters_have_the_measures_of_the_table_of_graphs(seen, database):
    found = with_table(seen(), "graphs")[1:4]
    columns = ("path_length", "clustering", "mean_degree")
    for (_, tables, alt), column in zip(found, columns, strict=True):
        expected = ask(
            database,
            f"SELECT avg({column}) FROM graphs JOIN configurations USING (configuration) WHERE study = ? GROUP BY configuration",
            SMALL,
        )
        drawn = sorted(tables["graphs"]["value"].to_pylist())
        assert drawn == pytest.approx(sorted(value for (value,) in expected), abs=1e-5)
        assert "49 graphs" in alt


def test_the_map_of_rings_has_the_means_and_says_what_was_not_run(seen, database):
    cells = with_table(seen(), "cells")[0][1]["cells"].to_pylist()
    found = {(row["links"], row["p"]): row for row in cells}
    assert len(cells) == 6
    for links, p, mean in ask(database, "SELECT links, p, test_error FROM families WHERE family = 'ws'"):
        assert found[f"{links}", f"{p:g}"]["error"] == pytest.approx(mean, abs=1e-6)
    for missing in (("2", "0"), ("2", "0.75")):
        assert found[missing]["error"] is None and found[missing]["label"] == "not run"
    assert found["2", "0.25"]["detail"] == "✕ 2/10"


def test_the_forests_have_the_contrasts_and_correlations_of_the_database(seen, database):
    drawn = [tables["contrasts"].to_pylist() for _, tables, _ in charts(seen()) if "contrasts" in tables]
    assert len(drawn) == 4
    nodes, edges, test, train = (sorted(row["estimate"] for row in rows) for rows in drawn)
    for told, sql in (
        (nodes, "SELECT node_correlation FROM families WHERE node_correlation IS NOT NULL ORDER BY 1"),
        (edges, "SELECT edge_correlation FROM families WHERE edge_correlation IS NOT NULL ORDER BY 1"),
        (test, "SELECT estimate FROM contrasts WHERE quantity LIKE 'final_test%' AND study = 'wiring/cifar10_small' ORDER BY 1"),
        (train, "SELECT estimate FROM contrasts WHERE quantity LIKE 'final_train%' AND study = 'wiring/cifar10_small' ORDER BY 1"),
    ):  # fmt: skip
        assert told == pytest.approx([value for (value,) in ask(database, sql)], abs=1e-4)


def test_how_far_families_lie_apart_is_told_with_the_numbers_of_claims_w3_and_w4(seen, database):
    """Without intervals, since two graphs fail to train."""
    caption = next(each.value for each in seen().caption if "lie at most" in each.value)
    found = {claim: (estimate, low, n, json.loads(details)) for claim, estimate, low, n, details in ask(
        database, "SELECT claim, estimate, low, n, details FROM claim_parts WHERE claim IN ('W3', 'W4')"
    )}  # fmt: skip
    assert found["W3"][1] is None and found["W4"][1] is None and "Neither has an interval" in caption
    told = re.search(r"at most ([\d.]+) points apart, (\d+) graphs each: (\S+.*) is lowest, (\S+.*) highest", caption)
    assert float(told[1]) == pytest.approx(found["W3"][0], abs=0.06)
    details = found["W3"][3]
    assert (int(told[2]), told[3], told[4]) == (found["W3"][2], details["best"], details["worst"])
    told = re.search(r"minus the residual chain: ([+−][\d.]+) points, (\d+) graphs a family", caption)
    assert float(told[1].replace("−", "-")) == pytest.approx(found["W4"][0], abs=0.06)


def test_where_every_graph_trains_their_intervals_are_told(opened, tmp_path, monkeypatch):
    file = planted_wiring.plant(tmp_path, planted_wiring.as_in_the_paper)
    monkeypatch.setenv("WHY_RESULTS", str(file))
    app = opened("wiring")
    caption = next(each.value for each in app.caption if "Tukey" in each.value)
    found = {
        row[0]: row[1:]
        for row in ask(file, "SELECT claim, estimate, low, high FROM claim_parts WHERE claim IN ('W3', 'W4')")
    }
    told = re.search(r"at most ([\d.]+) points \(([\d.]+) to ([\d.]+)\) apart", caption)
    assert [float(each) for each in told.groups()] == pytest.approx(found["W3"], abs=0.06)
    told = re.search(r"minus the residual chain: ([+−]?[\d.]+) points \(([+−]?[\d.]+) to ([+−]?[\d.]+)\)", caption)
    assert [float(each.replace("−", "-")) for each in told.groups()] == pytest.approx(found["W4"], abs=0.06)


def test_hubs_are_told_by_claim_w5(seen, database, changed, opened):
    ((estimate,),) = ask(database, "SELECT estimate FROM claim_parts WHERE claim = 'W5'")
    headings = [each.value for each in seen().subheader]
    assert f"Removing hubs hurts more: rank correlation {estimate:.2f}" in headings
    for verdict, begins in (("not shown", "Hubs and damage"), ("contradicted", "Removing hubs hardly hurts more")):
        changed(f"UPDATE claims SET verdict = '{verdict}' WHERE claim = 'W5'")
        assert any(each.value.startswith(begins) for each in opened("wiring").subheader)


def test_an_audience_sees_the_opened_graph_only_where_the_address_names_one(seen):
    bare, named = seen(present="1"), seen(present="1", graph="er-0.4-1", show="damage")
    assert len(charts(bare)) == 1 and "lanes" in charts(bare)[0][1]
    assert [set(tables) & {"lanes", "paths"} for _, tables, _ in charts(named)] == [{"lanes"}, {"paths"}]
    assert not bare.header and not named.header


@both
def test_selection_and_the_tuned_generator_are_told_with_the_published_numbers(seen, database, language):
    found = dict(ask(database, "SELECT series, y FROM published WHERE question = 'wiring' AND figure LIKE 'ImageNet, small%'"))  # fmt: skip
    tuned, random = found["optimised graph generator (NAGO)"], found["random wiring, WS(4, 0.75), C = 78"]
    text = said(seen(lang=language))
    sentence = next(line for line in text.splitlines() if f"{tuned:g}%" in line and f"{random:g}%" in line)
    assert f"{tuned - random:.1f}" in sentence and "V2" in sentence
    assert {"en": "Random, but selected", "ko": "골라낸 것"}[language] in text
