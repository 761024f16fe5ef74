"""The strip of families with its drawings and captions."""

import json
import re

import pytest

from explorer import format
from tests.pages.reading import ask, charts, said
from tests.pages.wiring.conftest import main_picture, with_table
from tests.planted_wiring import BY_FAMILY, SMALL

both = pytest.mark.parametrize("language", ["en", "ko"])


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
    told = [format.two_digits(value) for value in (estimate, low, high)]
    assert f"{told[0]} ({told[1]} to {told[2]}), from {n} graphs" in sentence
    assert f"({details['sd_graphs']:.2f} points)" in sentence and f"({details['sd_seeds']:.2f} points)" in sentence


def test_all_networks_are_said_to_be_of_equal_size_with_the_sizes_of_the_database(seen, database):
    ((low, high),) = ask(database, "SELECT min(n_params), max(n_params) FROM configurations WHERE study = ?", SMALL)
    subtitle = seen().markdown[0].value if "parameters" in seen().markdown[0].value else said(seen())
    assert f"{low:,} to {high:,} parameters: the largest has {100 * (high / low - 1):.1f}% more" in subtitle
