import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from precompute import shards
from precompute.results_file import published_rows
from tests.pages.reading import chart_messages, charts, spoken, told_in_order
from tests.results_files import SHIPPED

ROOT = Path(__file__).resolve().parents[2]
HANGUL = re.compile("[가-힣]")
QUESTIONS = ("generalization", "activation", "depth", "batch_norm", "batch_size", "wiring")
PAGES = ("home", *QUESTIONS, "claims", "runs", "data", "about")
MARKS = {
    "activation": ("dots", "medians"),
    "depth": ("dots", "means", "failures"),
    "batch_norm": ("dots", "means", "cells"),
    "batch_size": ("runs", "curve"),
    "wiring": ("runs", "graphs"),
}
"""The tables of a main picture that have its marks."""


def one(results_file, sql: str, *parameters):
    with duckdb.connect(str(results_file), read_only=True) as connection:
        return connection.execute(sql, parameters).fetchone()


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_runs_in_both_languages(once, page, language):
    app = once(page, lang=language)
    assert len(app.title) == 1
    assert bool(HANGUL.search(app.title[0].value)) == (language == "ko")
    assert not app.info  # no notice without a cause


@pytest.mark.parametrize("page", PAGES)
def test_every_page_links_to_all_pages_in_its_own_language(once, page):
    app = once(page, lang="ko")
    links = [element.proto for element in app.sidebar.get("page_link")]
    assert len(links) == len(PAGES)
    version = one(os.environ["WHY_RESULTS"], "SELECT value FROM meta WHERE key = 'content_hash'")[0][:12]
    assert {link.query_string for link in links} == {f"lang=ko&v={version}"}
    assert all(HANGUL.search(link.label) for link in links)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("page", PAGES)
def test_every_chart_has_an_alternative_text_in_the_readers_language(once, page, language):
    for chart in chart_messages(once(page, lang=language)):
        assert len(chart.alt) > 30
        assert bool(HANGUL.search(chart.alt)) == (language == "ko")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_ends_with_what_can_be_taken_away(once, page):
    app = once(page)
    assert len(app.get("download_button")) >= 1
    assert "@misc{" in spoken(app)
    version = one(os.environ["WHY_RESULTS"], "SELECT value FROM meta WHERE key = 'content_hash'")[0][:12]
    assert f"v={version}" in spoken(app)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_the_results_that_are_shipped(opened, monkeypatch, page, language):
    monkeypatch.setenv("WHY_RESULTS", str(SHIPPED))
    app = opened(page, lang=language)
    assert not app.exception and not app.error and not app.warning
    (title,) = (each.value.replace("\u2060", "") for each in app.title)
    assert 1 <= len(title.split()) <= 10
    assert bool(HANGUL.search(title)) == (language == "ko")


def test_the_language_follows_the_browser_until_one_is_chosen(opened):
    assert HANGUL.search(opened("about", locale="ko-KR").title[0].value)
    assert not HANGUL.search(opened("about", locale="de-DE").title[0].value)
    assert not HANGUL.search(opened("about", locale="ko-KR", lang="en").title[0].value)


def test_the_chosen_language_goes_into_the_address_and_stays(opened):
    app = opened("about")
    app.sidebar.segmented_control[0].set_value("ko").run()
    assert HANGUL.search(app.title[0].value)
    assert app.query_params["lang"] == "ko"
    app.switch_page("pages/data.py").run()
    assert HANGUL.search(app.title[0].value)


def test_an_unknown_language_falls_back_with_a_notice(opened):
    app = opened("about", lang="tlh")
    assert not app.exception
    assert "tlh" in app.info[0].value


def test_a_link_from_another_data_version_says_so(opened, results_file):
    here = one(results_file, "SELECT value FROM meta WHERE key = 'content_hash'")[0][:12]
    assert "0123456789ab" in opened("claims", v="0123456789ab").info[0].value
    assert not opened("claims", v=here).info


def test_the_home_page_tells_the_finding_with_the_numbers_of_the_database(opened, results_file):
    app = opened("home")
    row = one(
        results_file,
        """
        SELECT CAST(c.x AS INTEGER), i.mean FROM intervals i JOIN configurations c USING (configuration)
        WHERE c.study = 'double_descent/mnist_mlp' AND i.measure = 'test_error' AND CAST(c.settings->>'label_noise' AS DOUBLE) = 0.2
          AND i.epoch = (SELECT max(epoch) FROM intervals JOIN configurations USING (configuration) WHERE study = 'double_descent/mnist_mlp')
        ORDER BY c.x DESC LIMIT 1
        """,
    )
    sentence = next(element.value for element in app.markdown if element.value.startswith("On MNIST with 20%"))
    assert f"width {row[0]}" in sentence
    stated = [float(number) for number in re.findall(r"(?:ends at|at) ([\d.]+)%", sentence)]
    assert stated[-1] == pytest.approx(100 * row[1], abs=0.5)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("question", QUESTIONS[1:])
def test_the_card_of_a_measured_question_has_title_subtitle_and_picture_of_its_page(once, question, language):
    page, home = once(question, lang=language), once("home", lang=language)
    assert f"**{page.title[0].value}**" in spoken(home)
    subtitle = told_in_order(page)[0]
    assert any(each.startswith(subtitle) for each in told_in_order(home))
    whole = next(tables for _, tables, _ in charts(page) if tables.keys() >= set(MARKS[question]))
    (little,) = [tables for _, tables, words in charts(home) if words and charts(page)[0][2].startswith(words)]
    assert sum(little[name].num_rows for name in MARKS[question])
    for name in MARKS[question]:
        lanes = [column for column in ("y",) if column in whole[name].column_names]  # nearer to each other in little
        assert little[name].drop_columns(lanes).equals(whole[name].drop_columns(lanes))


def test_a_card_says_whether_planned_runs_are_missing(opened, results_file, tmp_path, monkeypatch):
    path = tmp_path / "results.duckdb"
    shutil.copy(results_file, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE studies SET planned = complete + diverged + failed")
        connection.execute("UPDATE studies SET planned = planned + 1 WHERE study = 'wiring/cifar10_small'")
    monkeypatch.setenv("WHY_RESULTS", str(path))
    badges = re.findall(r"badge\[(measured [^]]*)\]", spoken(opened("home")))
    assert badges == [*["measured here"] * 4, "measured in part"]


def test_a_card_without_a_finding_has_the_published_numbers_as_hollow_marks(opened, nothing_baked):
    drawn = charts(opened("home"))
    assert len(drawn) == len(QUESTIONS) - 1
    for specification, _, _ in drawn:
        assert '"filled": false' in json.dumps(specification)


def test_the_home_picture_is_drawn_from_the_same_numbers(opened, results_file):
    headline = chart_messages(opened("home"))[0]
    drawn = pa.ipc.open_stream(headline.datasets[0].data.data).read_all()
    with duckdb.connect(str(results_file), read_only=True) as connection:
        expected = connection.execute(
            """
            SELECT c.x, 100 * i.mean FROM intervals i JOIN configurations c USING (configuration)
            WHERE c.study = 'double_descent/mnist_mlp' AND i.measure = 'test_error' AND CAST(c.settings->>'label_noise' AS DOUBLE) = 0.2
              AND i.epoch = (SELECT max(epoch) FROM intervals JOIN configurations USING (configuration) WHERE study = 'double_descent/mnist_mlp') ORDER BY c.x
            """
        ).fetchall()
    assert drawn["width"].to_pylist() == [row[0] for row in expected]
    assert drawn["mean"].to_pylist() == pytest.approx([row[1] for row in expected], rel=1e-5)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_page_without_runs_says_so_and_shows_every_published_number(opened, results_file, nothing_baked, question):
    app = opened(question)
    assert "not baked yet" in app.info[0].value
    table = app.dataframe[0].value
    with duckdb.connect(str(results_file), read_only=True) as connection:
        rows = connection.execute("SELECT y, tag, x FROM published WHERE question = ?", [question]).fetchall()
    assert sorted(table["y"]) == pytest.approx(sorted(row[0] for row in rows))
    drawn = [
        y
        for chart in chart_messages(app)
        for y in pa.ipc.open_stream(chart.datasets[0].data.data).read_all()["y"].to_pylist()
    ]
    # charts hold single precision
    # without a place on a logarithmic axis
    told = [row for row in rows if row[2] == 0 and question == "generalization"]
    assert {np.float32(row[0]) for row in rows if row not in told} <= {np.float32(y) for y in drawn}
    assert any("no place on a logarithmic axis" in element.value for element in app.caption) is bool(told)
    if any(tag == "D" for _, tag, _ in rows):
        assert any("digitised" in element.value for element in app.caption)


@pytest.mark.parametrize("question", QUESTIONS)
def test_published_marks_are_drawn_hollow(opened, nothing_baked, question):
    for chart in chart_messages(opened(question)):
        spec = json.loads(chart.spec)
        marks = [layer["mark"] for layer in spec.get("layer", [spec])]
        assert all(mark["filled"] is False for mark in marks if mark["type"] == "point")


def test_the_data_page_states_the_checksum_of_the_file(opened, results_file):
    text = spoken(opened("data"))
    assert hashlib.sha256(results_file.read_bytes()).hexdigest() in text
    assert "SELECT" in text and "MIT" in text and "CC BY 4.0" in text


def test_the_about_page_names_its_source(opened):
    for language in ("en", "ko"):
        text = spoken(opened("about", lang=language))
        assert "2019" in text and "MNIST" in text and "CC BY-SA 3.0" in text
    assert "Nam Se-dong" in spoken(opened("about", lang="en"))


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("page", ["home", "generalization", "runs"])
@pytest.mark.parametrize("harm", ["missing", "damaged", "older", "newer"])
def test_a_results_file_that_cannot_be_shown_gives_a_page_that_says_which(
    opened, results_file, tmp_path, monkeypatch, harm, page, language
):
    path = tmp_path / "results.duckdb"
    if harm == "damaged":
        path.write_bytes(b"\0" * 50_000)
    elif harm != "missing":
        shutil.copy(results_file, path)
        with duckdb.connect(str(path)) as connection:
            step = -1 if harm == "older" else 1
            connection.execute(
                "UPDATE meta SET value = CAST(CAST(value AS INTEGER) + ? AS VARCHAR) WHERE key = 'schema_version'",
                [step],
            )
    monkeypatch.setenv("WHY_RESULTS", str(path))
    app = opened(page, lang=language)
    assert not app.exception
    words = {
        "missing": ("There is no results file", "결과 파일이 없습니다"),
        "damaged": ("damaged", "손상"),
        "older": ("older", "오래"),
        "newer": ("newer", "새것"),
    }
    assert words[harm][language == "ko"] in app.title[0].value
    assert str(path) in spoken(app)
    build = f"python -m precompute build --shards DIR --database {path}"
    commands = {
        "missing": build,
        "damaged": f"mv {path} {path}.damaged && {build}",
        "older": f"python -m precompute build --database {path}",
        "newer": "git pull",
    }
    assert app.code[0].value == commands[harm]
    assert len(app.sidebar.get("page_link")) == len(PAGES)


@pytest.mark.parametrize("harm", ["missing", "damaged", "older"])
def test_the_command_on_that_page_mends_the_file(opened, results_file, tmp_path, monkeypatch, harm):
    path, folder = tmp_path / "results.duckdb", tmp_path / "shards"
    rows = published_rows(results_file)
    if harm == "older":
        shutil.copy(results_file, path)
        with duckdb.connect(str(path)) as connection:
            connection.execute(
                "UPDATE meta SET value = CAST(CAST(value AS INTEGER) - 1 AS VARCHAR) WHERE key = 'schema_version'"
            )
    else:
        shards.write(rows[:40], folder)
        if harm == "damaged":
            path.write_bytes(results_file.read_bytes()[:100_000])
    monkeypatch.setenv("WHY_RESULTS", str(path))
    broken = opened("about")
    command = broken.code[0].value.replace("DIR", str(folder))
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    # the runs of the tests are of the size that takes seconds
    subprocess.run(f"{command} --size smoke", shell=True, check=True, cwd=ROOT, env=environment, capture_output=True)
    app = opened("about")
    assert not app.exception and app.title[0].value != broken.title[0].value
    assert len(published_rows(path)) == (len(rows) if harm == "older" else 40)


@pytest.mark.parametrize("page", PAGES)
def test_a_database_without_a_run_is_shown_as_that(opened, nothing_baked, page):
    app = opened(page)
    assert not app.exception
    assert app.title


def test_no_page_imports_torch_or_precompute_and_all_take_less_than_300_mb():
    """What stays of a process after every page, in the units of the kernel: 1,024 bytes."""
    program = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("streamlit_app.py", default_timeout=60)
app.session_state["home.drawn"] = app.session_state["generalization.drawn"] = True
app.run()
for page in sys.argv[1:]:
    assert not app.switch_page(f"pages/{page}.py").run().exception, page
found = {name.split(".")[0] for name in sys.modules} & {"torch", "precompute", "scipy"}
assert not found, found
taken = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))
assert taken < 300 * 1024, taken
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *PAGES[1:]], check=False, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
