"""The page on generalization: what it draws and says, compared with the database by statements of the tests' own."""

import json
import re
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from tests.pages.reading import ask, charts

ROOT = Path(__file__).resolve().parents[2]
FIXTURE = ROOT / "tests" / "fixtures" / "results.duckdb"
FINAL = """
SELECT CAST(c.x AS INTEGER) AS width, i.mean, i.low, i.high, i.n
FROM intervals i JOIN configurations c USING (configuration)
WHERE c.study = 'double_descent/mnist_mlp' AND i.measure = '{measure}' AND CAST(c.settings->>'label_noise' AS DOUBLE) = {noise}
  AND i.epoch = (SELECT max(epoch) FROM intervals JOIN configurations USING (configuration) WHERE study = 'double_descent/mnist_mlp')
ORDER BY c.x
"""


SHIPPED = ROOT / "data" / "results.duckdb"


@pytest.fixture
def database(request, monkeypatch) -> Path:
    """The tiny real database of the tests, or the file that a test asks for."""
    file = getattr(request, "param", FIXTURE)
    monkeypatch.setenv("WHY_RESULTS", str(file))
    return file


both = pytest.mark.parametrize("database", [FIXTURE, SHIPPED], ids=["fixture", "shipped"], indirect=True)


def linked_map(app) -> tuple[dict, dict[str, pa.Table], str]:
    return next(chart for chart in charts(app) if "threshold_at" in chart[1])


def panels(app) -> list[tuple[dict, dict[str, pa.Table], str]]:
    return [chart for chart in charts(app) if "picked" in chart[1]]


def percentages(text: str) -> list[str]:
    return re.findall(r"\d+\.\d+(?=%)", text.replace("\u2060", ""))


def allowed(values) -> set[str]:
    """Every way in which a number of the database may be written: in percent with no, one or two decimals."""
    return {f"{100 * value:.{digits}f}" for value in values if value is not None for digits in (0, 1, 2)}


@both
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_title_is_the_finding_in_ten_words_with_numbers_of_the_last_row(opened, database, language):
    app = opened("generalization", lang=language)
    title = app.title[0].value
    row = ask(database, FINAL.format(measure="test_error", noise=0.2))
    peak = ask(
        database,
        "SELECT position FROM landmarks JOIN maps USING (map) WHERE kind = 'ridge_across' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2"
        " AND study = 'double_descent/mnist_mlp' ORDER BY line DESC LIMIT 1",
    )[0][0]
    means = {width: mean for width, mean, *_ in row}
    said = percentages(title)
    assert len(re.sub("\u2060", "", title).split()) <= 10
    assert said[-1] == f"{100 * row[-1][1]:.1f}"
    assert said[0] in {f"{100 * row[0][1]:.1f}", f"{100 * means.get(peak, row[0][1]):.1f}"}
    verdict = ask(
        database, "SELECT verdict::VARCHAR FROM claims WHERE claim = 'G1' AND study = 'double_descent/mnist_mlp'"
    )[0][0]
    if verdict == "shown":
        assert said[0] == f"{100 * means[peak]:.1f}"


@both
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_every_percentage_of_the_caption_is_in_the_last_row(opened, database, language, noise):
    app = opened("generalization", lang=language, noise=str(noise))
    caption = next(text.value for text in app.caption if "not conclude" in text.value or "결론짓지" in text.value)
    numbers = allowed(
        [value for row in ask(database, FINAL.format(measure="test_error", noise=noise)) for value in row[1:4]]
    )
    said = re.findall(r"(\d+(?:\.\d+)?)%", caption) + [
        end for pair in re.findall(r"\((\d[\d.]*)–(\d[\d.]*),", caption) for end in pair
    ]
    assert len(said) >= 2
    assert set(said) <= numbers | {f"{100 * noise:.0f}"}


@both
def test_every_cell_drawn_is_the_mean_in_the_table_of_intervals(opened, database):
    _, tables, _ = linked_map(opened("generalization"))
    drawn = {
        (row["width"], row["epoch"]): (row["a"], row["b"])
        for row in tables["cells"].to_pylist()
        if row["state"] == "value"
    }
    sql = """
        SELECT c.x, i.epoch, any_value(i.mean) FILTER (measure = 'test_error'), any_value(i.mean) FILTER (measure = 'train_error')
        FROM intervals i JOIN configurations c USING (configuration)
        WHERE c.study = 'double_descent/mnist_mlp' AND CAST(c.settings->>'label_noise' AS DOUBLE) = 0.2 AND i.epoch IS NOT NULL GROUP BY 1, 2
    """
    expected = {(int(x), epoch): (test, train) for x, epoch, test, train in ask(database, sql)}
    assert set(drawn) == set(expected)
    for place, pair in expected.items():
        assert drawn[place] == pytest.approx(pair, abs=1e-6)


def test_every_seed_drawn_is_the_count_in_the_table_of_curves(opened, database):
    _, tables, _ = linked_map(opened("generalization"))
    rows = {(row["width"], row["epoch"]): row for row in tables["cells"].to_pylist()}
    sql = """
        SELECT c.x, v.epoch, dense_rank() OVER (ORDER BY r.seed) - 1, 1 - v.test_correct / r.n_test
        FROM curves v JOIN runs r USING (run) JOIN configurations c USING (configuration)
        WHERE c.study = 'double_descent/mnist_mlp' AND CAST(c.settings->>'label_noise' AS DOUBLE) = 0.2
    """
    found = ask(database, sql)
    assert found
    for x, epoch, seed, error in found:
        assert rows[int(x), epoch][f"a{seed}"] == pytest.approx(error, abs=1e-6)


@pytest.mark.parametrize("level", [0.01, 0.05, 0.1])
def test_the_threshold_follows_the_readers_level(opened, database, level):
    _, tables, _ = linked_map(opened("generalization", threshold=str(level)))
    sql = f"""
        SELECT position FROM landmarks JOIN maps USING (map)
        WHERE kind = 'threshold' AND abs(level - {level}) < 1e-9 AND study = 'double_descent/mnist_mlp' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2 ORDER BY line
    """
    expected = [None if position is None else int(position) for (position,) in ask(database, sql)]
    assert tables["threshold_at"]["width"].to_pylist() == expected


@pytest.mark.parametrize("reading", ["across", "up"])
def test_the_ridge_is_drawn_where_the_table_says_it_is_clear(opened, database, reading):
    _, tables, _ = linked_map(opened("generalization", reading=reading))
    sql = f"""
        SELECT count(*) FROM landmarks JOIN maps USING (map)
        WHERE kind = 'ridge_{reading}' AND clear AND study = 'double_descent/mnist_mlp' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2
    """
    drawn = tables["ridge"].num_rows if "ridge" in tables else 0
    assert drawn == ask(database, sql)[0][0]


@pytest.mark.parametrize("measure, language", [("test", "ko"), ("train", "en"), ("gap", "ko"), ("loss", "en")])
def test_every_measure_draws_without_an_exception_and_every_chart_has_a_text(opened, database, measure, language):
    app = opened("generalization", lang=language, measure=measure, x="log", y="log", reading="up")
    assert not app.exception
    texts = [alt for _, _, alt in charts(app)]
    assert len(texts) >= 5
    assert all(len(text) > 40 for text in texts)
    scale = linked_map(app)[0]["vconcat"][0]["layer"][0]["encoding"]["color"]["scale"]
    if measure == "gap":
        assert scale["domain"][0] == -scale["domain"][2]
        assert scale["domain"][1] == 0
    else:
        assert scale["scheme"] == "viridis"


def test_small_multiples_share_one_scale_and_the_picked_cell(opened, database):
    app = opened("generalization", width="8", epoch="1")
    noises = [
        noise
        for (noise,) in ask(
            database,
            "SELECT DISTINCT CAST(settings->>'label_noise' AS DOUBLE) FROM maps WHERE study = 'double_descent/mnist_mlp'",
        )
    ]
    drawn = panels(app)
    assert len(drawn) == len(noises)
    scales = [json.dumps(spec["layer"][0]["encoding"]["color"]["scale"], sort_keys=True) for spec, _, _ in drawn]
    assert len(set(scales)) == 1
    assert len({json.dumps(tables["picked"].to_pylist()) for _, tables, _ in drawn}) == 1
    assert drawn[0][1]["picked"]["e"].to_pylist() == [0]


@both
def test_the_cell_in_the_address_is_where_the_chart_starts_and_whose_runs_are_listed(opened, database):
    app = opened("generalization", width="8", epoch="1", noise="0.2")
    spec, tables, _ = linked_map(app)
    cell = next(param for param in spec["params"] if param["name"] == "cell")
    widths = sorted({row["width"] for row in tables["cells"].to_pylist()})
    assert cell["value"] == [{"w": widths.index(8), "e": 0}]
    sql = """
        SELECT run_id FROM runs JOIN configurations USING (configuration)
        WHERE configurations.study = 'double_descent/mnist_mlp' AND x = 8 AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2 ORDER BY seed
    """
    runs = [run_id for (run_id,) in ask(database, sql)]
    commands = next(block.value for block in app.code if "--run-id" in block.value)
    assert commands.split("\n") == [f"python -m precompute run --run-id {run_id}" for run_id in runs]
    links = next(frame.value for frame in app.dataframe if "Run" in frame.value.columns)["Run"]
    assert [re.search(r"run=([0-9a-f]+)", link).group(1) for link in links] == runs


def test_what_was_not_sampled_becomes_the_nearest_with_a_notice(opened):
    app = opened("generalization", width="9", epoch="soon", measure="joy")
    assert not app.exception
    notices = " ".join(box.value for box in app.info)
    assert "soon" in notices
    assert "joy" in notices
    assert "8" in notices


def test_a_guided_step_writes_its_view_into_the_address(opened):
    app = opened("generalization")
    app.button(key="generalization.step.2").click().run()
    assert not app.exception
    assert app.query_params["reading"] == "up"
    assert int(app.query_params["width"]) > 0
    app.button(key="generalization.step.1").click().run()
    assert "reading" not in app.query_params
    assert "width" not in app.query_params


def test_the_answer_about_early_stopping_waits_for_a_guess_or_a_skip(opened):
    def curves(app):
        return next(
            set(tables["rows"]["series"].to_pylist())
            for _, tables, alt in charts(app)
            if "early" in str(alt) or "rows" in tables
        )

    app = opened("generalization")
    assert len(curves(app)) == 1
    app.button(key="generalization.guess.gone").click().run()
    assert len(curves(app)) == 2
    assert app.query_params["guess"] == "gone"
    assert any("You guessed" in text.value for text in app.markdown)
    app.button(key="generalization.guess.again").click().run()
    assert len(curves(app)) == 1
    app.button(key="generalization.guess.skip").click().run()
    assert len(curves(app)) == 2


def test_the_forest_plot_holds_the_table_of_contrasts_largest_first(opened, database):
    app = opened("generalization")
    rows = next(tables["contrasts"] for _, tables, _ in charts(app) if "contrasts" in tables)
    expected = ask(
        database, "SELECT estimate FROM contrasts WHERE study = 'double_descent/mnist_mlp' ORDER BY abs(estimate) DESC"
    )
    assert rows["estimate"].to_pylist() == pytest.approx([estimate for (estimate,) in expected], abs=1e-4)


def test_published_marks_are_hollow_and_no_line_joins_them(opened, database):
    drawn = [spec for spec, _, alt in charts(opened("generalization")) if "published" in alt.lower()]
    assert len(drawn) == 3
    for spec in drawn:
        assert spec["mark"]["type"] == "point"
        assert spec["mark"]["filled"] is False


def test_every_claim_of_the_question_has_its_card_with_its_verdict(opened, database):
    app = opened("generalization")
    text = " ".join(block.value for block in app.markdown)
    for (claim,) in ask(database, "SELECT DISTINCT claim FROM claims WHERE question = 'generalization'"):
        assert claim in text


def test_with_fewer_than_three_seeds_there_are_lines_and_no_band(opened, tmp_path, monkeypatch):
    file = tmp_path / "two.duckdb"
    shutil.copy(FIXTURE, file)
    connection = duckdb.connect(str(file))
    connection.execute(
        "DELETE FROM curves WHERE run IN (SELECT run FROM runs WHERE seed >= 2); DELETE FROM runs WHERE seed >= 2"
    )
    connection.execute(
        "UPDATE intervals SET n = 2, low = NULL, high = NULL; UPDATE landmarks SET n = 2, clear = clear AND kind = 'threshold'"
    )
    connection.execute("UPDATE contrasts SET n = 2, low = NULL, high = NULL")
    connection.close()
    monkeypatch.setenv("WHY_RESULTS", str(file))
    app = opened("generalization")
    assert not app.exception
    spec, _, _ = linked_map(app)
    assert '"type": "area"' not in json.dumps(spec)
    assert "n = 2" in json.dumps(spec)


def test_a_noise_that_is_not_baked_yet_is_not_offered(opened, tmp_path, monkeypatch):
    file = tmp_path / "one.duckdb"
    shutil.copy(FIXTURE, file)
    connection = duckdb.connect(str(file))
    gone = "(SELECT configuration FROM configurations WHERE study = 'double_descent/mnist_mlp' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2)"
    connection.execute(f"DELETE FROM curves WHERE run IN (SELECT run FROM runs WHERE configuration IN {gone})")
    connection.execute(
        f"DELETE FROM intervals WHERE configuration IN {gone}; DELETE FROM runs WHERE configuration IN {gone}"
    )
    connection.execute("DELETE FROM contrasts")
    connection.close()
    monkeypatch.setenv("WHY_RESULTS", str(file))
    app = opened("generalization", noise="0.2")
    assert not app.exception
    assert any("20%" not in box.value and "0.2" in box.value for box in app.info)
    assert len(panels(app)) == 1


def test_a_diverged_cell_is_drawn_and_counted(opened, tmp_path, monkeypatch):
    file = tmp_path / "diverged.duckdb"
    shutil.copy(FIXTURE, file)
    connection = duckdb.connect(str(file))
    here = "(SELECT configuration FROM configurations WHERE study = 'double_descent/mnist_mlp' AND x = 64 AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2)"
    connection.execute(f"UPDATE runs SET status = 'diverged', stop_step = 7 WHERE configuration IN {here}")
    connection.execute(f"DELETE FROM intervals WHERE configuration IN {here}")
    connection.close()
    monkeypatch.setenv("WHY_RESULTS", str(file))
    app = opened("generalization", width="64", epoch="40")
    assert not app.exception
    _, tables, alt = linked_map(app)
    states = tables["cells"]["state"].to_pylist()
    assert states.count("diverged") > 0
    assert f"{states.count('diverged')} of {len(states)} cells have no value" in alt
    assert any("diverged" in block.value and "no value" in block.value for block in app.markdown)


SWITCHED = ["cifar10_cnn_small", "random_features", "sample_wise", "regularization"]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("study", SWITCHED)
def test_a_study_in_the_address_is_the_one_that_is_drawn_said_and_repeated(opened, database, study, language):
    app = opened("generalization", lang=language, study=study, scale="all", measure="test")
    assert not app.exception
    assert not app.info
    name = f"double_descent/{study}"
    key = int(
        re.search(r"-- map (\d+): (\S+),", next(b.value for b in app.code if b.value.startswith("-- map"))).group(1)
    )
    sql = f"""
        SELECT CAST(c.x AS INTEGER), i.epoch, i.mean FROM intervals i JOIN configurations c USING (configuration)
        WHERE c.study = '{name}' AND c.map = {key} AND i.measure = 'test_error' AND i.epoch IS NOT NULL
    """
    expected = {(x, epoch): mean for x, epoch, mean in ask(database, sql)}
    _, tables, _ = linked_map(app)
    drawn = {(row["width"], row["epoch"]): row["a"] for row in tables["cells"].to_pylist() if row["state"] == "value"}
    assert drawn.keys() == expected.keys()
    assert drawn == pytest.approx(expected, abs=1e-6)
    end = max(expected)
    assert percentages(app.title[0].value)[-1] == f"{100 * expected[end]:.1f}"
    assert len(re.sub("\u2060", "", app.title[0].value).split()) <= 10
    codes = [block.value for block in app.code]
    assert f"python -m precompute run {name}" in codes
    assert len({alt for _, _, alt in charts(app)}) == len(charts(app))
    text = " ".join(caption.value for caption in app.caption)
    assert name in text


def test_random_features_are_named_so_on_their_axes_and_never_called_epochs(opened, database):
    app = opened("generalization", study="random_features", measure="loss")
    spec, tables, alt = linked_map(app)
    words = json.dumps([spec["vconcat"], alt])
    assert "Random features" in words and "Time of gradient flow" in words and "Squared error" in words
    assert "Epoch" not in words and "epoch " not in words and "nats" not in words
    assert max(tables["cells"]["epoch"].to_pylist()) > 32_767
    frames = [set(frame.value.columns) for frame in app.dataframe]
    assert any({"features", "time", "test_loss"} <= columns for columns in frames)


def test_the_control_switches_the_study_and_forgets_what_only_the_other_has(opened, database):
    app = opened("generalization", width="8", epoch="1", noise="0.0", reading="up")
    app.selectbox(key="address.study").select("random_features").run()
    assert not app.exception
    assert not app.info
    assert app.query_params["study"] == "random_features"
    assert app.query_params["reading"] == "up"
    assert not {"width", "epoch", "noise"} & set(app.query_params)
    assert "features" in linked_map(app)[2]
    app.selectbox(key="address.study").select("mnist_mlp").run()
    assert not app.exception
    assert "study" not in app.query_params


@pytest.mark.parametrize("asked", ["imagenet", "double_descent/mnist_mlp", ""])
def test_an_unknown_study_falls_back_with_a_notice(opened, database, asked):
    app = opened("generalization", study=asked)
    assert not app.exception
    assert any("MNIST, fully connected" in box.value for box in app.info)
    assert any(block.value == "python -m precompute run double_descent/mnist_mlp" for block in app.code)


def test_a_study_without_complete_runs_is_not_offered(opened, tmp_path, monkeypatch):
    file = tmp_path / "without.duckdb"
    shutil.copy(FIXTURE, file)
    connection = duckdb.connect(str(file))
    connection.execute("UPDATE studies SET complete = 0 WHERE study LIKE '%random_features'")
    connection.close()
    monkeypatch.setenv("WHY_RESULTS", str(file))
    app = opened("generalization", study="random_features")
    assert not app.exception
    assert app.info
    assert "random features (theory)" not in app.selectbox(key="address.study").options


def test_the_variant_is_a_control_where_maps_differ_in_more_than_label_noise(opened, database):
    app = opened("generalization", study="regularization")
    control = app.selectbox(key="address.variant")
    sql = "SELECT DISTINCT CAST(settings->>'weight_decay' AS DOUBLE) FROM maps WHERE study = 'double_descent/regularization' ORDER BY 1"
    decays = [decay for (decay,) in ask(database, sql)]
    assert control.options == [f"weight decay {decay:g}" for decay in decays]
    assert control.value == "0"
    before = linked_map(app)[1]["cells"]
    control.select(f"{decays[-1]:g}").run()
    assert not app.exception
    assert app.query_params["variant"] == f"{decays[-1]:g}"
    assert linked_map(app)[1]["cells"] != before
    assert len(panels(app)) == len(decays)
    app = opened("generalization", study="regularization", variant="7")
    assert not app.exception
    assert any("weight decay 0" in box.value for box in app.info)


def test_variants_with_other_epochs_mark_the_nearest_that_was_sampled(opened, database):
    app = opened("generalization", study="sample_wise")
    keys = "SELECT DISTINCT CAST(settings->>'n_train' AS INTEGER) AS n, CAST(settings->>'epochs' AS INTEGER) AS e FROM maps"
    variants = ask(database, f"{keys} WHERE study = 'double_descent/sample_wise' ORDER BY n, e")
    assert app.selectbox(key="address.variant").options == [f"{n:,} images, {e:,} epochs" for n, e in variants]
    drawn = panels(app)
    assert len(drawn) == len(variants)
    for (_, epochs), (_, tables, _) in zip(variants, drawn, strict=True):
        assert max(tables["cells"]["epoch"].to_pylist()) == epochs
        assert tables["picked"]["e"].to_pylist()[0] <= max(tables["cells"]["e"].to_pylist())


def test_one_colour_scale_for_all_studies_is_the_readers_choice(opened, database):
    def domain(**query):
        return linked_map(opened("generalization", **query))[0]["vconcat"][0]["layer"][0]["encoding"]["color"]["scale"][
            "domain"
        ]

    assert domain(scale="all") == domain(scale="all", study="regularization")
    assert domain(scale="all")[1] >= max(domain()[1], domain(study="regularization")[1])


def test_the_rest_of_the_page_waits_until_the_browser_has_drawn_the_map(database):
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.switch_page("pages/generalization.py")
    app.run()
    assert not app.exception
    assert len(charts(app)) == 1
    assert app.title
    app.session_state["generalization.drawn"] = True
    app.run()
    assert len(charts(app)) > 5
