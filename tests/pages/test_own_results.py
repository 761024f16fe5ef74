"""One's own results over the published ones on the pages that are not about runs or claims."""

import os
import re
import shutil

import duckdb
import pytest

from tests import planted_depth, planted_wiring
from tests.pages.reading import ask, charts

HANGUL = re.compile("[가-힣]")
both = pytest.mark.parametrize("language", ["en", "ko"])


def hollow_marks(specification: dict) -> list[dict]:
    """The layers of one's own runs: those whose opacity has a place in the legend."""
    if "mark" in specification:
        return [specification] if "opacity" in specification.get("encoding", {}) else []
    parts = [part for key in ("layer", "vconcat", "hconcat") for part in specification.get(key, [])]
    return [mark for part in parts for mark in hollow_marks(part)]


def difference_of(frame) -> str:
    return next((name for name in frame.columns if name in ("Own − published (points)", "Own − published")), "")


def test_the_runs_behind_a_cell_of_the_map_show_ones_own_error_and_the_difference(opened, own):
    app = opened("generalization")
    assert not app.exception
    table = next(frame.value for frame in app.dataframe if "Own test error" in frame.value)
    there = table.dropna(subset=["Own test error"])
    assert 0 < len(there) < len(table)  # every second run is missing in one's own file
    assert (there["Own − published (points)"] > 0).all()
    assert list(there["Own − published (points)"]) == pytest.approx(
        list(100 * (there["Own test error"] - there["Test error"]))
    )


def test_the_cells_of_the_map_carry_ones_own_runs_and_the_slices_draw_them_hollow(opened, own, results_file):
    app = opened("generalization")
    specification, tables, _ = charts(app)[0]
    marks = hollow_marks(specification)
    assert len(marks) == 4  # test and train error in either slice
    assert all(mark["mark"]["filled"] is False for mark in marks)
    legends = [mark["encoding"]["opacity"] for mark in marks]
    assert legends[0]["scale"]["domain"] == ["your own runs"] and legends[0]["legend"] is not None
    cells = tables["cells"].to_pylist()
    columns = [name for name in cells[0] if name.startswith("oa_")]
    drawn = {
        (row["width"], row["epoch"], int(name[3:])): row[name]
        for row in cells
        for name in columns
        if row[name] is not None
    }
    wanted = ask(
        own,
        """SELECT CAST(c.x AS INTEGER), v.epoch, r.seed, 1 - v.test_correct / r.n_test
        FROM runs r JOIN configurations c USING (configuration) JOIN maps m USING (map) JOIN curves v USING (run)
        WHERE r.study = 'double_descent/mnist_mlp' AND CAST(m.settings->>'label_noise' AS DOUBLE) = 0.2""",
    )
    assert drawn == pytest.approx({(x, epoch, seed): error for x, epoch, seed, error in wanted}, abs=1e-6)
    seen = next(frame.value for frame in app.dataframe if "own_seeds" in frame.value)
    there = seen.dropna(subset=["difference"])
    assert 0 < len(there) and list(there["difference"]) == pytest.approx([100 * 10 / 10_000] * len(there), abs=1e-4)
    outline = tables["own"].to_pylist()
    assert {w for row in outline for w in range(row["w"], row["w_end"] + 1)} == {
        row["w"] for row in cells if any(row[c] is not None for c in columns)
    }
    assert any(f"{len({key[:2] for key in drawn})} cells" in each.value for each in app.caption)


@both
def test_the_depth_picture_has_ones_own_runs_hollow_and_counts_those_that_failed(opened, laid, tmp_path, language):
    published = planted_depth.plant(tmp_path, planted_depth.as_in_the_paper)
    laid(published, without="seed = 0")
    app = opened("depth", lang=language)
    assert not app.exception
    specification, tables, _ = charts(app)[0]
    assert {mark["mark"]["shape"] for mark in hollow_marks(specification)} == {"square", "circle"}
    theirs = {(row["depth"], row["series"], row["seed"]): row["error"] for row in tables["dots"].to_pylist()}
    mine = {(row["depth"], row["series"], row["seed"]): row for row in tables["own"].to_pylist()}
    assert {key for key in mine if key[2] != 99} == {key for key in theirs if key[2] != 0}
    for key, row in mine.items():
        if key in theirs:
            assert row["difference"] == pytest.approx(100 * (row["error"] - theirs[key]), abs=1e-3)
        else:  # the one run of one's own that is not published, of a configuration that is
            assert key[2] == 99 and row["difference"] is None
    caption = next(each.value for each in app.caption if "own.duckdb" in each.value)
    runs = {(row["depth"], row["architecture"], row["seed"]) for row in tables["own"].to_pylist()}
    assert str(len(runs)) in caption and bool(HANGUL.search(caption)) == (language == "ko")


def test_own_runs_of_a_picture_are_matched_by_configuration_and_follow_in_the_table(opened, laid, tmp_path):
    published = planted_depth.plant(tmp_path, planted_depth.as_in_the_paper)
    path = laid(published, without="seed = 0")
    with duckdb.connect(str(path)) as connection:  # a seed that is not published, of a configuration that is
        connection.execute(
            "UPDATE runs SET run_id = 'feedfacefeedfac1', seed = 77, status = 'diverged' WHERE run = (SELECT max(run) FROM runs WHERE run < 100000 AND study = 'depth/cifar10_resnet_small')"
        )
    app = opened("depth")
    table = next(frame.value for frame in app.dataframe if "Own test error" in frame.value)
    new = table[table["Seed"] == 77]
    assert len(new) == 1 and new["test error"].isna().all() and new["Outcome"].tolist() == ["failed: diverged"]
    assert new["Own test error"].isna().all() and new[difference_of(new)].isna().all()
    assert 77 not in charts(app)[0][1]["own"]["seed"].to_pylist()


def test_the_strip_of_functions_has_ones_own_runs_hollow_in_their_colour_and_shape(opened, laid, results_file):
    laid(results_file, without="false")
    app = opened("activation")
    assert not app.exception
    specification, tables, _ = charts(app)[0]
    (mark,) = hollow_marks(specification)
    assert {"color", "shape", "href"} <= mark["encoding"].keys()
    dots = {(row["function"], row["seed"]): row["error"] for row in tables["dots"].to_pylist()}
    mine = {(row["function"], row["seed"]): row["error"] for row in tables["own"].to_pylist()}
    assert dots and mine.keys() == dots.keys()
    assert all(mine[key] - dots[key] == pytest.approx(10 / 10_000, abs=1e-6) for key in dots)
    domain = specification["layer"][1]["encoding"]["x"]["scale"]["domain"]
    assert domain[0] < min(mine.values()) and max(mine.values()) < domain[1]
    table = next(frame.value for frame in app.dataframe if "Own test error" in frame.value)
    assert set(table[difference_of(table)]) == {"+0.10"}


def test_the_curve_of_batch_sizes_has_ones_own_steps_hollow_and_their_difference(opened, laid, results_file):
    path = laid(results_file, without="false")
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE targets SET step = step + 3 WHERE reached")
    app = opened("batch_size")
    assert not app.exception
    specification, tables, _ = charts(app)[0]
    assert len(hollow_marks(specification)) == 1
    theirs = {
        (row["batch_size"], row["seed"]): row["value"]
        for row in tables["runs"].to_pylist()
        if row["state"] == "reached"
    }
    mine = tables["own"].to_pylist()
    assert {(row["batch_size"], row["seed"]) for row in mine} == theirs.keys()
    assert {row["difference"] for row in mine} == {3.0}
    table = next(frame.value for frame in app.dataframe if "Own" in frame.value)
    assert set(table[difference_of(table)].dropna()) == {3.0}
    assert any("is 3 steps" in each.value for each in app.caption)


def test_the_strip_of_families_has_ones_own_runs_hollow_in_their_lane_and_counts_those_beyond(opened, laid, tmp_path):
    def outcome(spec):
        lost = spec.family == "ba" and spec.seed == 1
        return planted_wiring.FAILED if lost else planted_wiring.as_in_the_paper(spec)

    def keep(spec):
        return spec.seed < 3 and spec.family in ("chain", "residual_chain", "ba")

    published = planted_wiring.plant(tmp_path, outcome, keep=keep)
    path = laid(published, without="seed = 0")
    with duckdb.connect(str(path)) as connection:  # a seed that is not published, and did not train, of a graph that is
        connection.execute(
            """UPDATE runs SET run_id = 'feedfacefeedfac1', seed = 77, status = 'diverged' WHERE run = (SELECT max(run) FROM runs
            JOIN configurations USING (configuration) WHERE run < 100000 AND settings->>'family' = 'residual_chain')"""
        )
    near, whole = opened("wiring"), opened("wiring", axis="all")
    assert not near.exception and not whole.exception
    specification, tables, _ = charts(whole)[0]
    (mark,) = hollow_marks(specification)
    assert {"color", "href", "tooltip"} <= mark["encoding"].keys()
    runs = {(row["name"], row["seed"]): row for row in tables["runs"].to_pylist()}
    mine = {(row["name"], row["seed"]): row for row in tables["own"].to_pylist()}
    twins = {key: row for key, row in runs.items() if row["place"] == "axis" and key[1] != 0}
    gone = ("residual chain", 2)  # it has another seed in one's own file
    assert {key for key in mine if key[1] != 99} == twins.keys() - {gone}
    for key in mine.keys() & twins.keys():
        assert mine[key]["y"] == twins[key]["y"]
        assert mine[key]["error"] - twins[key]["error"] == pytest.approx(10 / 10_000, abs=1e-6)
        assert mine[key]["difference"] == pytest.approx(0.1, abs=1e-4)
    beyond = [key for key in mine if key[0] == "chain"]
    assert beyond and {key for key in mine if key not in beyond} == {
        (row["name"], row["seed"]) for row in charts(near)[0][1]["own"].to_pylist()
    }
    said = f"Beyond this axis lie {len(beyond)} more of your own runs"
    assert any(said in each.value for each in near.caption) and not any(said in each.value for each in whole.caption)
    legend = next(each.value for each in whole.caption if "Hollow" in each.value)
    lost = ask(path, "SELECT count(*) FROM runs")[0][0] - len(mine)
    assert lost and f"{len(mine)} in this picture" in legend and f"no such value: {lost}." in legend
    table = next(frame.value for frame in whole.dataframe if "Own test error" in frame.value)
    assert set(table[difference_of(table)].dropna().round(4)) == {0.1}
    assert list(table[table["Seed"] == 77]["Outcome"]) == ["failed: diverged"]


@both
@pytest.mark.parametrize(
    ("study", "measure"), [("cifar10_vgg_small", "test"), ("cifar10_vgg_small", "train"), ("batch_size", "test")]
)
def test_the_norms_have_ones_own_errors_hollow_in_their_colour_and_shape(opened, own, study, measure, language):
    app = opened("batch_norm", lang=language, study=study, norms="all", error=measure)
    assert not app.exception
    specification, tables, _ = charts(app)[0]
    (mark,) = hollow_marks(specification)
    assert {"color", "shape", "href"} <= mark["encoding"].keys()
    lr = "batch_size" if study == "batch_size" else "lr"
    found = ask(
        own,
        f"""SELECT CAST(settings->>'{lr}' AS DOUBLE), seed, 1 - {measure}_correct / n_{measure}
        FROM runs JOIN configurations USING (configuration) JOIN curves USING (run)
        WHERE runs.study = ? AND epoch = epochs AND status = 'complete'""",
        f"batch_norm/{study}",
    )
    rows = tables["own"].to_pylist()
    assert sorted((row["x"], row["seed"], round(row["error"], 5)) for row in rows) == sorted(
        (x, seed, round(error, 5)) for x, seed, error in found
    )
    theirs = {(row["name"], row["x"], row["seed"]): row["error"] for row in tables["dots"].to_pylist()}
    twins = [row for row in rows if (row["name"], row["x"], row["seed"]) in theirs]
    assert 0 < len(twins) < len(theirs)
    for row in twins:
        apart = 100 * (row["error"] - theirs[row["name"], row["x"], row["seed"]])
        assert row["difference"] == pytest.approx(apart, abs=1e-3)
        assert apart == pytest.approx(0.1 if measure == "test" else 0.0, abs=1e-3)
    ends = {error for row in rows for error in [row["error"]]}
    domain = next(layer for layer in specification["vconcat"][0]["layer"])["encoding"]["y"]["scale"]["domain"]
    assert domain[0] <= min(ends) and max(ends) <= domain[1]
    caption = next(each.value for each in app.caption if "own.duckdb" in each.value and str(len(rows)) in each.value)
    assert bool(HANGUL.search(caption)) == (language == "ko")
    if language == "en":
        table = app.dataframe[0].value
        name = {"test": "Own test error", "train": "Own train error"}[measure]
        assert table[name].notna().sum() == len(rows)
        assert table[difference_of(table)].notna().sum() == len(twins)


@both
def test_the_linear_network_has_ones_own_losses_hollow_along_the_steps(opened, laid, results_file, language):
    path = laid(results_file, without="seed = 0")
    with duckdb.connect(str(path)) as connection:  # a seed that is not published, of a configuration that is
        connection.execute(
            "UPDATE runs SET run_id = 'feedfacefeedfac1', seed = 77 WHERE run = (SELECT min(run) FROM runs WHERE study = 'batch_norm/deep_linear')"
        )
        connection.execute("UPDATE curves SET train_loss = train_loss + 0.25")
    app = opened("batch_norm", lang=language, study="deep_linear")
    assert not app.exception
    specification, tables, _ = charts(app)[0]
    (mark,) = hollow_marks(specification)
    assert mark["encoding"]["y"]["field"] == "value"
    mine = tables["own"].to_pylist()
    losses = ask(
        path, "SELECT epoch, train_loss FROM curves JOIN runs USING (run) WHERE study = 'batch_norm/deep_linear'"
    )
    drawn = sorted((row["x"], row["value"]) for row in mine)
    assert [number for pair in drawn for number in pair] == pytest.approx([n for pair in sorted(losses) for n in pair])
    assert all(row["difference"] == pytest.approx(0.25, rel=1e-5) for row in mine if row["seed"] != 77)
    assert {row["difference"] for row in mine if row["seed"] == 77} == {None}
    assert any("0.25" in each.value for each in app.caption if "own.duckdb" in each.value)
    if language == "en":
        table = next(frame.value for frame in app.dataframe if "Own" in frame.value)
        new = table[table["Seed"] == 77]
        assert len(new) == 1 and new["Train loss"].isna().all() and new["Own"].notna().all()
        assert list(table[difference_of(table)].dropna()) == pytest.approx(
            [0.25] * len(table.dropna(subset=["Own", "Train loss"])), rel=1e-5
        )


@pytest.mark.parametrize("page", ["generalization", "depth", "activation", "batch_norm", "batch_size", "wiring"])
def test_without_a_second_file_no_page_speaks_of_ones_own(opened, page):
    app = opened(page)
    names = {str(name) for frame in app.dataframe for name in frame.value} - {"Own rate"}  # of a norm: batch_norm
    assert not any("Own" in name or "own_" in name for name in names)
    assert not any("own runs" in each.value for each in app.caption if "Source: our own runs" not in each.value)
    specification, tables, _ = charts(app)[0]
    assert not hollow_marks(specification) and "own" not in tables
    assert not app.warning


def test_a_second_file_that_has_nothing_of_a_picture_is_said_to_have_nothing(opened, laid, results_file):
    laid(results_file, without="study = 'double_descent/mnist_mlp'")
    app = opened("generalization")
    assert not app.exception
    assert any("have no run of what this picture shows" in each.value for each in app.caption)
    assert not hollow_marks(charts(app)[0][0])


def test_what_an_own_run_took_is_its_own_and_not_that_of_a_published_seed(opened, laid, results_file):
    path = laid(results_file, without="false")
    with duckdb.connect(str(path)) as connection:  # seeds that are not published, of configurations that are
        connection.execute(
            """UPDATE runs SET run_id = 'feed' || substr(run_id, 5), seed = seed + 70, steps = steps + 7 + seed
            WHERE study = 'batch_size/mnist_mlp'"""
        )
    table = next(frame.value for frame in opened("batch_size").dataframe if "Own" in frame.value)
    new = table[table["seed"] >= 70]
    steps = dict(ask(path, "SELECT run_id, steps FROM runs WHERE seed >= 70"))
    assert len(new) and list(new["taken"]) == [steps[re.search("run=(feed[0-9a-f]+)", url)[1]] for url in new["run_id"]]


def test_cells_in_which_no_own_run_has_a_value_are_neither_outlined_nor_counted(opened, own):
    with duckdb.connect(str(own)) as connection:
        connection.execute(
            """UPDATE curves SET test_correct = NULL, test_loss = NULL WHERE run IN (SELECT run FROM runs WHERE study = 'double_descent/mnist_mlp')
            AND epoch = (SELECT max(epoch) FROM curves JOIN runs USING (run) WHERE study = 'double_descent/mnist_mlp')"""
        )
    app = opened("generalization")
    cells = charts(app)[0][1]["cells"].to_pylist()
    last = max(row["epoch"] for row in cells)
    there = [row for row in cells if any(row[name] is not None for name in row if name.startswith("oa_"))]
    assert there and last not in {row["epoch"] for row in there}
    assert any(f"{len(there)} cells" in each.value for each in app.caption)
    seen = next(frame.value for frame in app.dataframe if "own_seeds" in frame.value)
    assert seen["own_seeds"].notna().sum() == len(there) and seen["own_seeds"].min() >= 1


def test_the_graph_of_an_own_run_is_drawn_anew_when_its_file_is_made_anew(
    opened, laid, results_file, monkeypatch, tmp_path
):
    def weights(app) -> set[float]:
        (tables,) = [tables for _, tables, _ in charts(app) if "paths" in tables]
        return {row["value"] for row in tables["paths"].to_pylist() if row["learns"]}

    path, later = laid(results_file, without="false"), tmp_path / "later.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "UPDATE runs SET run_id = 'feedfacefeedfac1' WHERE run = (SELECT min(run) FROM runs JOIN edge_weights USING (run))"
        )
    shutil.copy(path, later)
    with duckdb.connect(str(later)) as connection:
        connection.execute("UPDATE edge_weights SET weight = weight + 1")
        connection.execute("UPDATE meta SET value = 'another hash of my own' WHERE key = 'content_hash'")
    before = weights(opened("runs", run="feedfacefeedfac1"))
    monkeypatch.setenv("WHY_RESULTS", f"{results_file}{os.pathsep}{later}")
    after = weights(opened("runs", run="feedfacefeedfac1"))
    assert before and sorted(after) == pytest.approx([weight + 1 for weight in sorted(before)], abs=1e-6)
