import io

import pyarrow as pa
from pyarrow import csv

from explorer import claim_parts, footer, run_list
from explorer.results import runs, site


def test_the_csv_holds_exactly_the_table():
    table = pa.table(
        {"width": pa.array([1, None], pa.int32()), "error": [0.1 + 0.2, 1e-17], "series": ['says "a, b"', "오차"]}
    )
    read = csv.read_csv(io.BytesIO(footer.as_csv(table)))
    assert read.column_names == table.column_names
    assert read["width"].to_pylist() == [1, None]
    assert read["error"].to_pylist() == [0.1 + 0.2, 1e-17]
    assert read["series"].to_pylist() == ['says "a, b"', "오차"]


def test_a_citation_names_title_page_version_and_date(language):
    text, bibtex = footer.citation("generalization")
    built = site.meta()["built_at"][:10]
    for part in (site.data_version(), built):
        assert part in text and part in bibtex
    assert bibtex.count("{") == bibtex.count("}")
    assert bibtex.startswith(f"@misc{{works_but_why_generalization_{site.data_version()},")
    assert footer.citation("claims")[1].split(",")[0] != bibtex.split(",")[0]


def test_the_statement_of_a_filtered_list_runs_as_it_is_printed(results_file):
    import duckdb

    study = "double_descent/mnist_mlp"
    width = runs.settings_that_vary(study)["width"][0]
    asked = runs.Filter(study=study, status="complete", settings={"width": width, "label_noise": 0.2})
    printed = run_list.filled(*runs.runs_sql(asked))
    with duckdb.connect(str(results_file), read_only=True) as connection:
        rows = connection.execute(printed).fetchall()
    assert len(rows) == runs.runs(asked).num_rows > 0


def test_a_measured_part_is_a_sentence_with_estimate_interval_seeds_and_bound(language):
    part = {
        "quantity": "widest_minus_first_minimum", "estimate": -4.13, "low": -5.21, "high": -3.06, "n": 3, "unit": "points",
        "bound": "high < 0", "holds": True, "details": "{}",
    }  # fmt: skip
    told = claim_parts.measured(part)
    seeds, interval = {"en": ("3 seeds", "(−5.2 to −3.1)"), "ko": ("시드 3개", "(−5.2 ~ −3.1)")}[language]
    assert seeds in told and interval in told and "−4.1" in told
    assert "_" not in told


def test_a_part_without_an_estimate_says_why(english):
    part = {
        "quantity": "widest_minus_first_minimum", "estimate": None, "low": None, "high": None, "n": 3, "unit": "points",
        "bound": "high < 0", "holds": False, "details": '{"why": "no_peak_over_x"}',
    }  # fmt: skip
    assert "no peak over the widths" in claim_parts.measured(part)


def test_every_measured_part_has_words_for_its_codes(language):
    for part in site.claim_parts().to_pylist():
        sentence = claim_parts.measured(part) + " ".join(claim_parts.kinds_of_interval([part]))
        assert "_" not in sentence and "low" not in sentence.split("Needed")[-1].replace("below", ""), sentence


def test_the_statement_of_the_home_page_gives_the_rows_of_its_picture(results_file):
    import duckdb

    from explorer import home
    from explorer.results.generalization import STUDY, along_the_row, main_maps, noisiest

    with duckdb.connect(str(results_file), read_only=True) as connection:
        printed = connection.execute(home.ROW_SQL.format(study=STUDY, noise=home.NOISE)).to_arrow_table().to_pylist()
    assert [(row["width"], row["mean"]) for row in printed] == [
        (row["width"], row["mean"]) for row in along_the_row(noisiest(main_maps()))
    ]
