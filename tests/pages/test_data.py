"""The Data page: the box for SQL, the file, its citation and licence."""

import io
import re

import duckdb
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from explorer.footer import as_csv, as_parquet
from explorer.public_sql.ask import LIMITS
from explorer.results import dictionary

HANGUL = re.compile("[가-힣]")


def shown(app) -> str:
    kinds = ("header", "markdown", "caption", "info", "warning", "code")
    return "\n".join(element.value for kind in kinds for element in getattr(app, kind))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_link_with_a_statement_shows_its_rows(opened, results_file, language):
    sql = "SELECT study, planned FROM studies ORDER BY study"
    app = opened("data", lang=language, sql=sql)
    assert not app.exception
    with duckdb.connect(str(results_file), read_only=True) as connection:
        expected = connection.execute(sql).fetchall()
    table = app.dataframe[0].value
    assert list(table.itertuples(index=False, name=None)) == expected
    assert app.text_area[0].value == sql
    assert bool(HANGUL.search(app.text_area[0].label)) == (language == "ko")
    assert f"{len(expected)}" in next(element.value for element in app.markdown if "0." in element.value)
    link = next(element.value for element in app.code if "sql=SELECT" in element.value)
    assert "&v=" in link and f"lang={language}" in link


def test_nothing_is_asked_before_a_reader_asks(opened):
    app = opened("data")
    assert app.text_area[0].value == dictionary.EXAMPLES["error"].strip()
    assert "Rows: " in shown(app) and not any(element.value.startswith("Rows: ") for element in app.markdown)


def test_a_statement_that_is_sent_goes_into_the_address(opened):
    app = opened("data")
    app.text_area[0].set_value("SELECT 6 * 7 AS answer")
    next(button for button in app.button if button.label == "Run").click().run()
    assert app.query_params["sql"] in ("SELECT 6 * 7 AS answer", ["SELECT 6 * 7 AS answer"])
    assert app.dataframe[0].value["answer"].to_list() == [42]


def test_an_example_fills_the_box_and_runs(opened, results_file):
    app = opened("data")
    app.button(key="data.example.failures").click().run()
    assert app.text_area[0].value == dictionary.EXAMPLES["failures"].strip()
    with duckdb.connect(str(results_file), read_only=True) as connection:
        runs = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
    assert app.dataframe[0].value["runs"].sum() == runs


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM read_text('/etc/hostname')", "Permission Error"),
        ("DROP TABLE runs", "DROP"),
        ("SELECT 1; SELECT 2", "2"),
    ],
)
def test_a_statement_without_an_answer_says_why(opened, language, sql, said):
    app = opened("data", lang=language, sql=sql)
    assert not app.exception
    assert said in shown(app)
    assert bool(HANGUL.search(app.warning[0].value)) == (language == "ko")


def test_what_is_cut_is_said(opened):
    app = opened("data", sql="SELECT range, repeat('x', 3000) AS long FROM range(20000)")
    said = " ".join(element.value for element in app.info)
    rows = len(app.dataframe[0].value)
    assert rows <= LIMITS.rows and f"{rows:,}" in said and f"{LIMITS.cell:,}" in said


def test_the_page_says_how_to_cite_and_under_which_licence(opened):
    app = opened("data")
    assert sum("@misc{" in element.value for element in app.code) >= 1
    assert {"Cite", "Licence", "Versions"} <= {element.value for element in app.header}
    assert "CC BY 4.0" in shown(app)


def test_every_table_states_its_rows(opened, results_file):
    labels = {expander.label for expander in opened("data").expander}
    with duckdb.connect(str(results_file), read_only=True) as connection:
        for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            rows = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
            assert f"{table} · {rows:,} rows" in labels


def test_csv_and_parquet_hold_the_same_rows():
    table = pa.table({"n": pa.array([1, None], pa.int32()), "value": [0.1 + 0.2, 1e-17], "word": ["오차", 'a "b", c']})
    read = parquet.read_table(io.BytesIO(as_parquet(table)))
    assert read.equals(table)
    assert csv.read_csv(io.BytesIO(as_csv(table))).to_pylist() == table.to_pylist()
