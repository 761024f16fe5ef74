"""The page of runs: the list, one run of every study laid open, one's own runs beside them, and addresses that nobody would write."""

import json
import os
import random
import re
import shutil
import string
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import reading
from tests.pages.reading import ask, chart_messages, spoken
from tests.results_files import ADDED, ten_thousand_runs

ROOT = Path(__file__).resolve().parents[2]
HANGUL = re.compile("[가-힣]")
MAIN = "double_descent/mnist_mlp"
both = pytest.mark.parametrize("language", ["en", "ko"])


def studies() -> list[str]:
    return [row[0] for row in ask(os.environ["WHY_RESULTS"], "SELECT study FROM studies ORDER BY 1")]


def drawn(chart) -> list[dict]:
    return [row for each in chart.datasets for row in pa.ipc.open_stream(each.data.data).read_all().to_pylist()]


def links(app: AppTest) -> dict[str, str]:
    return {element.proto.page: element.proto.query_string for element in app.main.get("page_link")}


def test_the_list_shows_one_page_and_says_what_it_shows(opened, results_file):
    total = ask(results_file, "SELECT count(*) FROM runs")[0][0]
    app = opened("runs", page="2")
    assert len(app.dataframe[0].value) == 25
    assert f"of {total:,} runs: all of them" in spoken(app) and "Shown: 26 to 50" in spoken(app)
    assert not app.info


def test_the_filters_are_in_the_address_and_said_in_words(opened, results_file):
    width = ask(results_file, "SELECT CAST(max(x) AS INTEGER) FROM configurations WHERE study = ?", MAIN)[0][0]
    expected = ask(
        results_file,
        """SELECT r.run_id, 1 - v.test_correct / r.n_test AS e FROM runs r JOIN configurations c USING (configuration) JOIN curves v USING (run)
        WHERE r.study = ? AND c.x = ? AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2 AND seed < 10
        AND v.epoch = (SELECT max(epoch) FROM curves WHERE run = r.run) ORDER BY e DESC""",
        MAIN,
        width,
    )
    app = opened(
        "runs", study=MAIN, width=str(width), label_noise="0.2", sort="-test_error", q="relu", status="complete"
    )
    table = app.dataframe[0].value
    assert [re.search("run=([0-9a-f]+)", link)[1] for link in table["run_id"]] == [row[0] for row in expected]
    assert list(table["test_error"]) == pytest.approx([row[1] for row in expected])
    for word in (
        MAIN,
        "label noise 0.2",
        f"width {width}",
        "complete",
        "containing “relu”",
        "highest test error first",
    ):
        assert word in spoken(app)
    assert [box.value for box in app.selectbox][:2] == ["any", MAIN]


def test_another_study_takes_the_page_and_the_order_stays(opened):
    app = opened("runs", page="3", sort="wall_s")
    next(box for box in app.selectbox if box.key == "address.study").set_value(MAIN).run()
    assert not app.exception
    assert app.query_params["study"] == MAIN and app.query_params["sort"] == "wall_s"
    assert "page" not in app.query_params


@both
def test_a_list_without_a_match_says_so(opened, language):
    app = opened("runs", q="no run has these words", lang=language)
    assert not app.dataframe and len(app.info) == 1
    assert bool(HANGUL.search(app.info[0].value)) == (language == "ko")


def test_an_unknown_run_gives_the_list_and_a_notice(opened):
    app = opened("runs", run="ffffffffffffffff")
    assert "ffffffffffffffff" in app.info[0].value
    assert len(app.dataframe) == 1


@pytest.mark.parametrize("key", ["run", "v", "lang", "study", "page"])
def test_an_address_that_a_stranger_wrote_is_quoted_as_text(opened, key):
    evil = "[in](https://evil.example) ![x](https://evil.example/x.png)" + "9" * 5000
    said = [each.value for each in opened("runs", **{key: evil}).info]
    assert len(said) == 1 and "evil" in said[0]
    assert "](" not in said[0] and "![" not in said[0] and len(said[0]) < 600


def test_another_study_takes_the_settings_of_the_one_before(opened):
    app = opened("runs", study=MAIN, label_noise="0.2")
    for name in ("double_descent/sample_wise", "depth/mnist_mlp"):
        next(box for box in app.selectbox if box.key == "address.study").set_value(name).run()
        assert not app.exception and not app.info
        assert app.query_params["study"] == name and "label_noise" not in app.query_params


def test_the_statement_of_the_list_gives_the_rows_shown_and_an_empty_list_has_no_command(opened, results_file):
    app = opened("runs", page="2")
    code = [each.value for each in app.code]
    (statement,) = [each for each in code if "OFFSET 25" in each]
    shown = [re.search("run=([0-9a-f]+)", link)[1] for link in app.dataframe[0].value["run_id"]]
    assert [row[0] for row in ask(results_file, statement)] == shown
    assert any("precompute run" in each for each in code)
    assert not any("precompute run" in each.value for each in opened("runs", q="no run has these words").code)


def test_what_is_seen_of_a_run_is_no_list_to_go_back_to(opened, results_file):
    study = "wiring/cifar10_small"
    run_id = ask(results_file, "SELECT run_id FROM runs WHERE study = ? LIMIT 1", study)[0][0]
    for asked in ({}, {"show": "damage"}, {"utm_source": "mail"}):
        assert f"study={study.replace('/', '%2F')}" in links(opened("runs", run=run_id, **asked))["runs"]
    kept = links(opened("runs", run=run_id, study=MAIN, label_noise="0.2", show="damage"))["runs"]
    assert "label_noise=0.2" in kept and "show" not in kept


@both
@pytest.mark.parametrize("study", studies())
def test_a_run_of_every_study_is_laid_open(opened, results_file, study, language):
    run_id, device, fingerprint, question = ask(
        results_file,
        "SELECT run_id, device, r.data_fingerprint, question FROM runs r JOIN studies USING (study) WHERE study = ? ORDER BY run DESC LIMIT 1",
        study,
    )[0]
    app = opened("runs", run=run_id, lang=language)
    assert not app.exception
    assert run_id in app.title[0].value
    assert f"python -m precompute run --run-id {run_id}" in spoken(app)
    tables = " ".join(str(table.value.to_dict()) for table in app.table)
    assert device in tables and fingerprint[:16] in tables
    siblings = app.dataframe[-1].value
    expected = ask(
        results_file,
        "SELECT count(*) FROM runs WHERE configuration = (SELECT configuration FROM runs WHERE run_id = ?)",
        run_id,
    )
    assert len(siblings) == expected[0][0] and any(run_id in link for link in siblings["run_id"])
    assert f"study={study.replace('/', '%2F')}" in links(app)["runs"]
    assert question in links(app)
    for chart in chart_messages(app):
        assert len(chart.alt) > 40 and bool(HANGUL.search(chart.alt)) == (language == "ko")


@pytest.mark.parametrize(("table", "numbers"), [
    ("layers", "SELECT gradient_norm FROM layers JOIN runs USING (run) WHERE run_id = ?"),
    ("damage", "SELECT 100 * (1 - d.test_correct / runs.n_test) FROM damage d JOIN runs USING (run) WHERE run_id = ?"),
    ("noise_scale", "SELECT value FROM noise_scale JOIN runs USING (run) WHERE run_id = ? AND value > 0"),
    ("validation", "SELECT 100 * (1 - v.val_correct / n_val) FROM validation v JOIN runs USING (run) WHERE run_id = ?"),
    ("probes", "SELECT unnest([loss_low, loss, loss_high]) FROM probes JOIN runs USING (run) WHERE run_id = ?"),
    ("shifts", "SELECT cosine FROM shifts JOIN runs USING (run) WHERE run_id = ?"),
])  # fmt: skip
def test_what_was_measured_besides_the_curves_is_drawn_and_can_be_taken_away(opened, results_file, table, numbers):
    run_id = ask(results_file, f"SELECT run_id FROM {table} JOIN runs USING (run) ORDER BY run LIMIT 1")[0][0]
    rows = ask(results_file, f"SELECT count(*) FROM {table} JOIN runs USING (run) WHERE run_id = ?", run_id)[0][0]
    app = opened("runs", run=run_id)
    expected = sorted(row[0] for row in ask(results_file, numbers, run_id))
    found = [
        sorted(row["value"] for row in drawn(chart) if row.get("value") is not None and set(row) & KEYS[table])
        for chart in chart_messages(app)
    ]
    assert any(values[: len(expected)] == pytest.approx(expected, rel=1e-4) for values in found)
    assert any(f"{table} ({rows:,} rows)" == button.proto.label for button in app.get("download_button"))


KEYS = {"layers": {"layer"}, "damage": {"whole"}, "noise_scale": {"kind"}, "validation": {"kind"}, "probes": {"kind"}}
KEYS |= {"shifts": {"layer"}}
"""A column of the table that each chart draws."""


def test_the_curves_of_a_run_are_those_of_the_database(opened, results_file):
    run_id = ask(results_file, "SELECT run_id FROM runs WHERE study = ? ORDER BY run DESC LIMIT 1", MAIN)[0][0]
    chart = chart_messages(opened("runs", run=run_id))[0]
    shown = sorted((row["epoch"], row["value"]) for row in drawn(chart) if row.get("kind") == "test")
    expected = ask(
        results_file,
        "SELECT epoch, 100 * (1 - test_correct / n_test) FROM curves JOIN runs USING (run) WHERE run_id = ? ORDER BY 1",
        run_id,
    )
    assert [row[0] for row in shown] == [row[0] for row in expected]
    assert [row[1] for row in shown] == pytest.approx([row[1] for row in expected], rel=1e-5)
    line = next(layer for layer in json.loads(chart.spec)["layer"] if "strokeDash" in layer["encoding"])
    dashes = line["encoding"]["strokeDash"]["scale"]["range"]
    assert dashes[0] == [1, 0] != dashes[1]  # test solid, train dashed


def test_behind_a_run_stand_the_other_seeds_of_its_configuration_and_their_interval(opened, results_file):
    run_id, seed = ask(results_file, "SELECT run_id, seed FROM runs WHERE study = ? ORDER BY run LIMIT 1", MAIN)[0]
    app = opened("runs", run=run_id)
    tables = reading.charts(app)[0][1]
    expected = ask(
        results_file,
        """
        SELECT seed, epoch, 100 * (1 - test_correct / n_test) FROM curves JOIN runs USING (run)
        WHERE configuration = (SELECT configuration FROM runs WHERE run_id = $1) AND seed <> $2 ORDER BY 1, 2
        """,
        run_id,
        seed,
    )
    others = [tuple(row.values()) for row in tables["others"].select(["seed", "epoch", "value"]).to_pylist()]
    assert len({row[0] for row in others}) > 1 and others == [pytest.approx(row, rel=1e-5) for row in expected]
    band = ask(
        results_file,
        """
        SELECT epoch, 100 * low, 100 * high, n FROM intervals WHERE measure = 'test_error' AND epoch IS NOT NULL
        AND configuration = (SELECT configuration FROM runs WHERE run_id = ?) ORDER BY 1
        """,
        run_id,
    )
    shown = [tuple(row.values()) for row in tables["band"].select(["epoch", "low", "high"]).to_pylist()]
    assert shown == [pytest.approx(row[:3], rel=1e-5) for row in band]
    told = " ".join(caption.value for caption in app.caption)
    assert f"other seeds ({band[0][3] - 1} seeds)" in told and f"over all of them ({band[0][3]} seeds)" in told


def test_a_run_leads_back_to_its_cell_on_the_map(opened, results_file):
    run_id, x, noise, epoch = ask(
        results_file,
        """SELECT run_id, CAST(x AS INTEGER), settings->>'label_noise', max(epoch) FROM runs r JOIN configurations c USING (configuration)
        JOIN curves USING (run) WHERE r.study = ? GROUP BY ALL ORDER BY 1 LIMIT 1""",
        MAIN,
    )[0]
    query = links(opened("runs", run=run_id))["generalization"]
    for part in ("study=mnist_mlp", f"noise={noise}", f"width={x}", f"epoch={epoch}"):
        assert part in query.split("&")


@pytest.mark.parametrize(
    "study, names",
    [
        ("depth/mnist_mlp", ("study", "norm", "depth", "seed")), ("depth/cifar10_resnet_small", ("study", "depth", "seed")),
        ("activation/mnist_mlp", ("study", "start", "depth")), ("activation/cifar10_cnn_small", ("study", "norm")),
        ("batch_norm/deep_linear", ("study",)), ("wiring/cifar10_small", ("study", "graph", "seed")),
        ("batch_size/mnist_mlp", ("study", "optimizer")), ("batch_size/equal_epochs", ()), ("activation/born_dead", ()),
    ],
)  # fmt: skip
def test_a_run_leads_back_to_the_view_that_it_is_in(opened, results_file, study, names):
    run_id, page = ask(
        results_file, "SELECT run_id, question FROM runs JOIN studies s ON s.study = runs.study WHERE runs.study = ? ORDER BY run DESC LIMIT 1", study
    )[0]  # fmt: skip
    query = dict(part.split("=") for part in links(opened("runs", run=run_id))[page].split("&"))
    assert {name for name in query if name not in ("lang", "v")} <= set(names)
    app = opened(page, **query)
    assert not app.exception and not app.warning and not app.info
    if "study" in names:
        assert query["study"] == study.partition("/")[2]


def test_a_diverged_run_says_so_and_has_no_error_at_its_end(opened, results_file):
    found = ask(results_file, "SELECT run_id, stop_step FROM runs WHERE status = 'diverged'")
    assert found  # the fixture has one
    app = opened("runs", run=found[0][0])
    assert f"{found[0][1]:,}" in app.warning[0].value
    assert "at the end" not in spoken(app)


@pytest.fixture
def rewritten(results_file, tmp_path, monkeypatch):
    """Runs statements on a copy of the results file, and lets the page read it."""

    def rewrite(*statements: str) -> None:
        shutil.copy(results_file, tmp_path / "rewritten.duckdb")
        with duckdb.connect(str(tmp_path / "rewritten.duckdb")) as connection:
            for statement in statements:
                connection.execute(statement)
        monkeypatch.setenv("WHY_RESULTS", str(tmp_path / "rewritten.duckdb"))

    return rewrite


def test_the_error_of_a_run_that_failed_is_quoted_as_text(opened, results_file, rewritten):
    run_id = ask(results_file, "SELECT run_id FROM runs WHERE study = ? ORDER BY run LIMIT 1", MAIN)[0][0]
    rewritten(
        f"UPDATE runs SET status = 'failed', error = 'KeyError: [in](https://evil.example) *x*' WHERE run_id = '{run_id}'"
    )
    (said,) = [each.value for each in opened("runs", run=run_id).error]
    assert "KeyError" in said and "](" not in said and " *x*" not in said


@both
def test_a_run_whose_last_loss_is_missing_is_laid_open_without_it(opened, results_file, rewritten, language):
    run_id = ask(results_file, "SELECT run_id FROM runs WHERE study = ? ORDER BY run LIMIT 1", MAIN)[0][0]
    rewritten(
        f"""UPDATE curves SET train_loss = NULL WHERE run = (SELECT run FROM runs WHERE run_id = '{run_id}') AND epoch = (
        SELECT max(epoch) FROM curves JOIN runs USING (run) WHERE run_id = '{run_id}')"""
    )
    app = opened("runs", run=run_id, lang=language)
    assert not app.exception
    assert any("–" in each.alt for each in chart_messages(app))


@both
def test_ones_own_run_lies_over_the_published_one(opened, own, results_file, language):
    run_id = ask(own, "SELECT run_id FROM runs WHERE study = ? AND run < 100000 ORDER BY run LIMIT 1", MAIN)[0][0]
    app = opened("runs", run=run_id, lang=language)
    assert not app.exception
    points = [row["value"] for row in drawn(chart_messages(app)[0]) if row.get("kind") in ("test", "테스트")]
    last = "SELECT 100 * (1 - test_correct / n_test) FROM curves JOIN runs USING (run) WHERE run_id = ? ORDER BY epoch DESC LIMIT 1"
    for file in (results_file, own):
        end = ask(file, last, run_id)[0][0]
        assert any(value == pytest.approx(end, rel=1e-4) for value in points)
    hollow = [
        layer["mark"]
        for layer in json.loads(chart_messages(app)[0].spec)["layer"]
        if layer["mark"].get("filled") is False
    ]
    assert len(hollow) == 1
    table = app.table[0].value.to_string()
    n = ask(own, "SELECT n_test FROM runs WHERE run_id = ?", run_id)[0][0]
    assert f"+{100 * 10 / n:.2f}" in table and "a machine of my own" in table


def test_a_run_that_only_ones_own_results_have_is_shown_as_that(opened, own):
    app = opened("runs", run=ADDED)
    assert not app.exception and "your own results only" in app.info[0].value
    listed = opened("runs", origin="own").dataframe[0].value
    assert len(listed) == 1 and ADDED in listed["run_id"][0]


def test_the_list_has_a_column_of_differences(opened, own):
    app = opened("runs", study=MAIN, origin="both", sort="-apart")
    table = app.dataframe[0].value
    assert list(table["difference"]) == pytest.approx(list(100 * (table["own_test_error"] - table["test_error"])))
    assert (table["difference"] > 0).all()


@both
def test_an_own_file_of_another_schema_is_refused_in_one_line_that_says_what_to_do(opened, own, language):
    with duckdb.connect(str(own)) as connection:
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
    app = opened("runs", lang=language)
    assert not app.exception and len(app.dataframe) == 1
    [line] = [element.value for element in app.warning]
    assert "\n" not in line and str(own) in line and "python -m precompute build --database" in line


def test_three_files_are_one_too_many(opened, own, results_file, monkeypatch):
    monkeypatch.setenv("WHY_RESULTS", os.pathsep.join([str(results_file), str(own), "third.duckdb"]))
    app = opened("runs")
    assert not app.exception and "third.duckdb" in spoken(app) and not app.dataframe


@pytest.mark.alone
def test_the_page_of_ten_thousand_runs_answers_in_half_a_second(opened, planted_once, monkeypatch):
    monkeypatch.setenv("WHY_RESULTS", str(planted_once("ten_thousand", ten_thousand_runs)))
    app = opened("runs")
    assert "10,000" in spoken(app) and len(app.dataframe[0].value) == 25
    taken = []
    for sort in ("-test_error", "wall_s", "train_error", "-n_params"):
        for name in list(app.query_params):
            del app.query_params[name]
        app.query_params["sort"], app.query_params["page"] = sort, "7"
        started = time.perf_counter()
        app.run()
        taken.append(time.perf_counter() - started)
        assert not app.exception and len(app.dataframe[0].value) == 25
    assert min(taken) < 0.5, taken  # of four, each asked for the first time


GARBAGE = ["", " ", "0", "-1", "1e999", "nan", "inf", "None", "any", "𝔘𝔫𝔦", "한국어", "'; DROP TABLE runs; --", "%", "$run_id", "{}", "[x](y)",
           "<script>", "\\", "\0", "a" * 3000, "../..", "1.0000000000001", "٣", "$a$", ":red[x]", "true", "=", "width=="]  # fmt: skip


def address(draw: random.Random, known: dict[str, list[str]]) -> dict[str, str]:
    """A query that a hostile or forgetful reader could open: known names and made-up ones, right values and wrong ones."""
    names = draw.sample(sorted(known), draw.randint(0, 6))
    query = {name: draw.choice(known[name] if draw.random() < 0.6 else GARBAGE) for name in names}
    if draw.random() < 0.2:
        query["".join(draw.choices(string.ascii_letters + "_", k=5))] = draw.choice(GARBAGE)
    return query


@pytest.mark.parametrize(("page", "number"), [("runs", 880), ("run", 40), ("claims", 80)])
def test_a_thousand_addresses_that_nobody_would_write_open_without_an_exception(results_file, page, number):
    """A thousand in all, through the code of the pages themselves, one reader after the other opening them in one session."""
    rows = ask(
        results_file,
        "SELECT run_id, study, settings FROM runs r JOIN configurations c USING (configuration, study) ORDER BY run",
    )
    settings: dict[str, set[str]] = {}
    for _, _, text in rows:
        for name, value in json.loads(text).items():
            settings.setdefault(name, set()).add(str(value))
    known = {name: sorted(values) for name, values in settings.items()} | {
        "question": ["generalization", "depth", "activation", "batch_size", "wiring", "all"],
        "study": sorted({row[1] for row in rows}),
        "status": ["complete", "diverged", "failed", "any"],
        "sort": ["grid", "test_error", "-test_error", "-apart"],
        "page": ["1", "2", "3", "999"],
        "q": ["relu", "seed=1", "width=8", "mnist"],
        "origin": ["both", "own"],
        "lang": ["en", "ko"],
        "v": ["0123456789ab"],
        "layers": ["dead", "gradient_norm"],
        "verdict": ["shown", "not shown", "contradicted", "not tested here"],
        "axis": ["even", "stretched"],
    }
    draw = random.Random(f"addresses of {page}")
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.context = {"locale": "en-US", "url": "http://localhost:8501/"}
    app.switch_page(f"pages/{'claims' if page == 'claims' else 'runs'}.py")
    for _ in range(number):
        query = address(draw, known)
        if page == "run":
            query["run"] = draw.choice([row[0] for row in rows] + GARBAGE[:3])
        for name in list(app.query_params):
            del app.query_params[name]
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception, (query, [error.message for error in app.exception])
        assert len(app.title) == 1, query
