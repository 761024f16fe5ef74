"""The page on wiring: what it draws and says, compared with the database by statements of the tests' own."""

import functools
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from streamlit.typing import VegaLiteState

from explorer import address
from explorer.results.wiring import Study
from explorer.wiring import controls, sentences
from tests import planted_wiring
from tests.pages.reading import ask, charts, said
from tests.planted_wiring import BY_FAMILY, DIVERGED, FAILED, RAISED, SMALL, as_in_the_paper, name

FIXTURE = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "results.duckdb"
both = pytest.mark.parametrize("language", ["en", "ko"])


def some_fail(spec):
    """Of ER(0.2) one run diverges, of WS(2, 0.25) both seeds of graph 2 stay untrained, and of BA(5) the code of one run raises."""
    failures = {("ER(0.2)", 3): DIVERGED, ("WS(2, 0.25)", 4): FAILED, ("WS(2, 0.25)", 5): FAILED, ("BA(5)", 0): RAISED}
    return failures.get((name(spec), spec.seed), as_in_the_paper(spec))


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Path:
    return planted_wiring.plant(tmp_path_factory.mktemp("planted"), some_fail)


@pytest.fixture(autouse=True)
def database(planted, monkeypatch) -> Path:
    monkeypatch.setenv("WHY_RESULTS", str(planted))
    return planted


@pytest.fixture
def seen(once):
    return functools.partial(once, "wiring")


def with_table(app, name: str) -> list[tuple[dict, dict[str, pa.Table], str]]:
    return [chart for chart in charts(app) if name in chart[1]]


def main_picture(app) -> tuple[dict, dict[str, pa.Table], str]:
    return with_table(app, "lanes")[0]


def drawing(app) -> tuple[dict, dict[str, pa.Table], str]:
    return with_table(app, "paths")[0]


def titled(changed, verdict: str, estimate: float, low: float | None, high: float | None) -> str:
    """The title where claim W4 has that verdict, estimate and interval."""
    ends = [f"{end} = {'NULL' if value is None else value}" for end, value in (("low", low), ("high", high))]
    changed(
        f"UPDATE claims SET verdict = '{verdict}' WHERE claim = 'W4'",
        f"UPDATE claim_parts SET estimate = {estimate}, {', '.join(ends)} WHERE claim = 'W4'",
    )
    return sentences.title(Study(SMALL))


@both
def test_the_title_is_what_the_verdict_on_random_wiring_says(seen, language):
    expected = {"en": "Random wiring ends within a point of a residual chain", "ko": "무작위 연결은 잔차 사슬과 1%p 안에서 같습니다"}  # fmt: skip
    assert seen(lang=language).title[0].value == expected[language]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (("shown", -2.3, -3.1, -1.5), "Random wiring beats a residual chain by 2.3 points"),
        (("shown", 0.1, -0.6, 0.8), "Random wiring ends within a point of a residual chain"),
        (("shown", -0.5, -1.4, 0.4), "Random wiring does no worse than a residual chain"),
        (("contradicted", 3.4, 2.6, 4.2), "Random wiring is 3.4 points worse than a residual chain"),
        (("not shown", 0.9, -0.1, 1.9), "Random wiring: +0.9 points against a residual chain, not settled"),
        (("not shown", 0.9, None, None), "Random wiring: +0.9 points against a residual chain (4 graphs)"),
    ],
)
def test_every_verdict_has_a_title_with_the_number_of_the_database_in_ten_words(changed, found, told):
    title = titled(changed, *found)
    assert title == told and len(title.split()) <= 10


def test_where_most_random_graphs_fail_the_title_says_how_many(opened, tmp_path, monkeypatch):
    def outcome(spec):
        return FAILED if spec.random and spec.graph < 3 else as_in_the_paper(spec)

    file = planted_wiring.plant(tmp_path, outcome)
    monkeypatch.setenv("WHY_RESULTS", str(file))
    app = opened("wiring")
    assert not app.exception
    assert app.title[0].value == "27 of 45 random graphs failed to train"
    assert ask(file, "SELECT verdict FROM claims WHERE claim = 'W1'") == [("contradicted",)]


def test_where_nothing_trains_the_page_still_counts_it(opened, tmp_path, monkeypatch):
    file = planted_wiring.plant(tmp_path, lambda spec: FAILED, keep=lambda spec: spec.seed < 2 and spec.family in ("ws", "chain"))  # fmt: skip
    monkeypatch.setenv("WHY_RESULTS", str(file))
    for language in ("en", "ko"):
        app = opened("wiring", lang=language)
        assert not app.exception
    app = opened("wiring")
    assert app.title[0].value == "3 of 3 random graphs failed to train"
    _, tables, alt = main_picture(app)
    assert "no run trains" in alt
    assert set(tables["runs"]["place"].to_pylist()) == {"failed"} and tables["graphs"].num_rows == 0
    assert "This run failed to train (failed: train error above 80%)" in said(app)


@pytest.mark.parametrize(
    ("keep", "title"),
    [
        (lambda spec: spec.family in ("er", "ba"), "Families of random graphs lie at most"),
        (lambda spec: name(spec) == "WS(4, 0.75)", "Why does random wiring do as well?"),
        (lambda spec: spec.family == "chain", "Why does random wiring do as well?"),
        (lambda spec: spec.seed < 2 and name(spec) in ("WS(4, 0.75)", "residual_chain"), "Random wiring: "),
        (lambda spec: spec.seed == 0, "Random wiring: "),
    ],
)
def test_a_part_of_the_grid_is_shown_as_that_in_both_languages(opened, tmp_path, monkeypatch, keep, title):
    file = planted_wiring.plant(tmp_path, keep=keep)
    monkeypatch.setenv("WHY_RESULTS", str(file))
    for language in ("en", "ko"):
        app = opened("wiring", lang=language)
        assert not app.exception
        assert not app.info
    app = opened("wiring")
    assert app.title[0].value.startswith(title) and len(app.title[0].value.split()) <= 10
    ((done, planned, families),) = ask(
        file,
        "SELECT complete, planned, (SELECT count(*) FROM families) FROM studies WHERE study = ?",
        SMALL,
    )
    (graphs,) = ask(file, "SELECT count(*) FROM configurations WHERE study = ?", SMALL)[0]
    assert f"So far {done} of {planned} planned runs, of {graphs} graphs in {families} families" in said(app)


def test_with_the_whole_grid_nothing_is_said_to_be_missing(seen):
    assert "So far" not in said(seen())


def test_what_random_families_lie_apart_is_read_from_the_database(opened, tmp_path, monkeypatch):
    file = planted_wiring.plant(tmp_path, keep=lambda spec: spec.family in ("er", "ba"))
    monkeypatch.setenv("WHY_RESULTS", str(file))
    ((estimate,),) = ask(file, "SELECT estimate FROM claim_parts WHERE claim = 'W3'")
    told = re.search(r"([\d.]+) points apart", opened("wiring").title[0].value)
    assert float(told[1]) == pytest.approx(estimate, abs=0.06)


@both
def test_every_section_has_a_picture_with_a_text_in_the_readers_language(seen, language):
    drawn = charts(seen(lang=language))
    assert len(drawn) == 16
    for _, _, alt in drawn:
        assert len(alt) > 40 and bool(re.search("[가-힣]", alt)) == (language == "ko")


def test_every_run_has_a_mark_and_every_failure_is_a_cross_off_the_axis(seen, database):
    _, tables, alt = main_picture(seen(axis="all"))
    runs = tables["runs"].to_pylist()
    assert len(runs) == 130
    found = ask(
        database,
        """
        SELECT r.run_id, 1 - v.test_correct / r.n_test, r.status, 1 - v.train_correct / r.n_train > 0.8
        FROM runs r LEFT JOIN curves v ON v.run = r.run AND v.epoch = r.epochs WHERE r.study = ?
        """,
        SMALL,
    )
    drawn = {re.search("run=([0-9a-f]+)", run["href"])[1]: run for run in runs}
    for run_id, error, status, untrained in found:
        mark = drawn[run_id]
        if status == "failed":
            assert mark["place"] == "code" and mark["error"] is None
        elif status == "diverged" or untrained:
            assert mark["place"] == "failed" and mark["error"] is None
        else:
            assert mark["place"] == "axis" and mark["error"] == pytest.approx(error, abs=1e-6)
    assert [run["place"] for run in runs].count("failed") == 3
    assert "ER(0.2) 1 of 10" in alt and "WS(2, 0.25) 2 of 10" in alt


def test_graphs_and_seeds_have_two_shapes_and_a_graph_is_the_mean_of_its_seeds(seen, database):
    spec, tables, _ = main_picture(seen())
    right = spec["layer"][1]["layer"]
    shapes = {layer["data"]["name"]: layer["mark"].get("shape") for layer in right if layer["mark"]["type"] == "point"}
    assert shapes["graphs"] == "diamond" and shapes["runs"] == "circle"
    drawn = {row["code"]: row["error"] for row in tables["graphs"].to_pylist()}
    found = ask(
        database,
        """
        SELECT settings->>'graph', avg(1 - test_correct / n_test) FROM runs JOIN configurations USING (configuration)
        JOIN curves USING (run) WHERE epoch = epochs AND settings->>'family' = 'ws' AND settings->>'p' = '0.75' GROUP BY 1
        """,
    )
    assert len(found) == 5
    for number, error in found:
        assert drawn[f"ws-4-0.75-{number}"] == pytest.approx(error, abs=1e-6)
    assert "ws-2-0.25-2" not in drawn  # both of its seeds failed


def test_the_deviations_between_graphs_and_seeds_stand_side_by_side_as_in_the_table_of_families(seen, database):
    _, tables, _ = main_picture(seen())
    notes = {row["name"]: row["note"] for row in tables["rows"].to_pylist()}
    bars = tables["spread"].to_pylist()
    found = ask(database, "SELECT family, links, p, test_error, sd_graphs, sd_seeds FROM families WHERE family = 'ws' AND p = 0.75")  # fmt: skip
    ((_, _, _, mean, graphs, seeds),) = found
    assert notes["WS(4, 0.75)"] == f"graphs ±{100 * graphs:.2f} · seeds ±{100 * seeds:.2f}"
    assert notes["residual chain"].startswith("seeds ±")
    row = next(row for row in tables["rows"].to_pylist() if row["name"] == "WS(4, 0.75)")
    mine = {bar["kind"]: bar for bar in bars if row["first"] < bar["y"] < row["end"]}
    for kind, sd in (("graphs", graphs), ("seeds", seeds)):
        assert mine[kind]["from"] == pytest.approx(mean - sd, abs=1e-6)
        assert mine[kind]["to"] == pytest.approx(mean + sd, abs=1e-6)
    assert len(tables["rows"]) == len(BY_FAMILY)


def test_the_rows_go_from_the_lowest_error_up_with_the_drawing_of_one_of_their_graphs(seen, database):
    _, tables, _ = main_picture(seen(axis="all"))
    order = [row["mean"] for row in tables["rows"].to_pylist()]
    assert order == sorted(order)
    expected = ask(database, "SELECT test_error FROM families ORDER BY test_error")
    assert order == pytest.approx([mean for (mean,) in expected], abs=1e-6)
    assert len(tables["dots"]) == 13 * 10  # nodes of one stage each


def test_what_lies_beyond_the_near_axis_is_written_at_its_edge(seen, database):
    _, tables, _ = main_picture(seen())
    beyond = {row["name"]: row["beyond"] for row in tables["rows"].to_pylist() if row["beyond"]}
    assert set(beyond) == {"chain", "complete graph"}
    ((mean,),) = ask(database, "SELECT test_error FROM families WHERE family = 'chain'")
    assert beyond["chain"] == f"▸ {100 * mean:.1f}%"
    places = {run["place"] for run in tables["runs"].to_pylist() if run["family"] == "chain"}
    assert places == {"beyond"}
    scatter = with_table(seen(), "graphs")[1][1]["graphs"].to_pylist()
    assert [row["mark"] for row in scatter if row["name"] == "chain"] == ["▲"]


def test_the_caption_has_the_numbers_of_the_database(seen, database):
    caption = next(each.value for each in seen().caption if "Random families go from" in each.value)
    told = re.findall(r"([\d.]+)% \(([\d.]+)–([\d.]+), (\d+) (graphs|seeds)\)", caption)
    rows = ask(database, "SELECT family, random, test_error, low, high, n FROM families ORDER BY test_error")
    random = [row for row in rows if row[1]]
    expected = [random[0], random[-1], *(row for row in rows if row[0] in ("chain", "residual_chain", "complete"))]
    assert len(told) == len(expected) == 5
    for (mean, low, high, n, counted), row in zip(told, expected, strict=True):
        assert [float(mean), float(low), float(high)] == pytest.approx([100 * value for value in row[2:5]], abs=0.06)
        assert int(n) == row[5] and counted == ("graphs" if row[1] else "seeds")
    assert "WS(2, 0.25) 2 of 10" in caption


def test_the_spread_over_all_families_is_that_of_claim_w2(seen, database):
    ((estimate, low, high, n, details),) = ask(
        database, "SELECT estimate, low, high, n, details FROM claim_parts WHERE claim = 'W2'"
    )
    details = json.loads(details)
    sentence = next(each.value for each in seen().caption if "(claim W2)" in each.value)
    assert f"{estimate:.2g} ({low:.2g} to {high:.2g}), from {n} graphs" in sentence
    assert f"({details['sd_graphs']:.2f} points)" in sentence and f"({details['sd_seeds']:.2f} points)" in sentence


def test_all_networks_are_said_to_be_of_equal_size_with_the_sizes_of_the_database(seen, database):
    ((low, high),) = ask(database, "SELECT min(n_params), max(n_params) FROM configurations WHERE study = ?", SMALL)
    subtitle = seen().markdown[0].value if "parameters" in seen().markdown[0].value else said(seen())
    assert f"{low:,} to {high:,} parameters: the largest has {100 * (high / low - 1):.1f}% more" in subtitle


def test_a_click_in_a_lane_puts_that_graph_into_the_address(seen, monkeypatch):
    code, written = "er-0.4-3", {}
    assert code in main_picture(seen())[1]["lanes"]["code"].to_pylist()
    monkeypatch.setattr(address, "put", lambda key, value: written.update({key: value}))
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
    caption = next(each.value for each in seen().caption if "Tukey" in each.value)
    found = {claim: (estimate, low, high, n, json.loads(details)) for claim, estimate, low, high, n, details in ask(
        database, "SELECT claim, estimate, low, high, n, details FROM claim_parts WHERE claim IN ('W3', 'W4')"
    )}  # fmt: skip
    told = re.search(r"at most ([\d.]+) points \(([\d.]+) to ([\d.]+)\) apart, (\d+) graphs each: (\S+.*) is lowest, (\S+.*) highest", caption)  # fmt: skip
    assert [float(each) for each in told.groups()[:3]] == pytest.approx(found["W3"][:3], abs=0.06)
    details = found["W3"][4]
    assert (int(told[4]), told[5], told[6]) == (found["W3"][3], details["best"], details["worst"])
    told = re.search(r"minus the residual chain: ([+−][\d.]+) points \(([+−][\d.]+) to ([+−][\d.]+)\), (\d+) graphs a family", caption)  # fmt: skip
    assert [float(each.replace("−", "-")) for each in told.groups()[:3]] == pytest.approx(found["W4"][:3], abs=0.06)


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


def test_the_cards_tell_quantities_bounds_and_what_n_counts(seen, database):
    for language, quantity, counted in (
        ("en", "Share of random graphs of which a run fails to train", "45 graphs"),
        ("ko", "학습에 실패한 실행이 있는 무작위 그래프의 비율", "그래프 45개"),
    ):
        text = said(seen(lang=language))
        assert quantity in text and counted in text
        for (code,) in ask(database, "SELECT DISTINCT quantity FROM claim_parts WHERE claim LIKE 'W%'"):
            assert code.replace("_", " ") not in text
        for (bound,) in ask(database, "SELECT DISTINCT bound FROM claim_parts WHERE claim LIKE 'W%'"):
            assert bound not in text
    assert "ER(0.2): 1" in said(seen())


def test_the_claims_page_leads_to_what_a_claim_is_about(once):
    links = [element.proto for element in once("claims", question="wiring").get("page_link")]
    asked = [link.query_string for link in links if "study=cifar10_small" in link.query_string]
    assert len(asked) == 5
    assert sum("show=damage" in each for each in asked) == 1


@both
def test_the_page_of_a_run_draws_its_graph_and_leads_back_to_it(once, database, language):
    ((run_id,),) = ask(
        database,
        """SELECT run_id FROM runs JOIN configurations USING (configuration)
        WHERE settings->>'family' = 'er' AND settings->>'p' = '0.4' AND seed = 7""",
    )
    app = once("runs", run=run_id, lang=language)
    _, tables, alt = drawing(app)
    assert None not in tables["paths"].filter(tables["paths"]["learns"])["value"].to_pylist()
    assert "ER(0.4)" in alt
    assert len(tables["nodes"]) == 30
    links = [element.proto.query_string for element in app.get("page_link")]
    assert any("graph=er-0.4-3" in link and "seed=7" in link for link in links)
    names = [stem["name"] for _, given, _ in charts(app) for each in given.values() if "whole" in each.column_names for stem in each.to_pylist()]  # fmt: skip
    assert len(names) == len(set(names)) and any(each.startswith("3: ") for each in names)


def test_the_page_of_a_run_that_failed_draws_the_graph_alone(once, database):
    for status in ("diverged", "failed"):
        ((run_id,),) = ask(database, "SELECT run_id FROM runs WHERE status = ? AND study = ?", status, SMALL)
        app = once("runs", run=run_id)
        assert set(drawing(app)[1]["paths"]["value"].to_pylist()) == {None}


def test_the_home_card_says_what_was_found(once):
    app = once("home")
    assert any("Random wiring ends within a point" in each.value for each in app.markdown)


@both
def test_real_runs_of_a_small_grid_are_shown_whatever_they_did(opened, changed, language):
    changed("DELETE FROM claims WHERE claim = 'none'", of=FIXTURE)
    for study in ("cifar10_small", "cifar10"):
        for show in ("weights", "damage"):
            app = opened("wiring", lang=language, study=study, show=show)
            assert not app.exception
            assert len(app.title[0].value.split()) <= 10


@both
def test_without_runs_the_page_says_so_with_the_published_numbers(opened, changed, language):
    emptied = (
        "runs",
        "curves",
        "intervals",
        "contrasts",
        "claim_parts",
        "configurations",
        "maps",
        "studies",
        "families",
    )
    file = changed(*(f"DELETE FROM {table}" for table in emptied))
    app = opened("wiring", lang=language)
    assert not app.exception
    assert ("not baked yet" if language == "en" else "아직") in app.info[0].value
    assert len(app.dataframe[0].value) == ask(file, "SELECT count(*) FROM published WHERE question = 'wiring'")[0][0]


def test_an_address_with_values_that_do_not_exist_falls_back_with_a_notice(opened):
    app = opened("wiring", study="imagenet", graph="ws-9-0.5-1", show="nothing", axis="log", seed="77")
    assert not app.exception
    notices = " ".join(each.value for each in app.info)
    for asked in ("imagenet", "ws-9-0.5-1", "nothing", "log", "77"):
        assert asked in notices
    assert "The graph that is open: WS(4, 0.75), graph 0" in [each.value for each in app.header]
