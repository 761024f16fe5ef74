"""results/site.py, results/runs.py and results/dictionary.py against the database itself."""

import hashlib

import pytest

from explorer.database import query
from explorer.results import dictionary, runs, site

STUDY = "double_descent/mnist_mlp"


def test_the_data_version_is_the_start_of_the_content_hash(raw):
    full = raw.execute("SELECT value FROM meta WHERE key = 'content_hash'").fetchone()[0]
    assert site.data_version() == full[:12]


def test_there_are_33_claims_in_the_order_of_the_questions():
    claims = site.claims().to_pylist()
    assert len({claim["claim"] for claim in claims}) == 33
    questions = list(dict.fromkeys(claim["question"] for claim in claims))
    assert questions == ["generalization", "activation", "depth", "batch_norm", "batch_size", "wiring"]


def test_a_claim_counts_once_for_each_of_its_verdicts(raw):
    counts = site.verdict_counts()
    assert list(counts) == list(site.VERDICTS)
    pairs = "SELECT count(*) FROM (SELECT DISTINCT claim, verdict FROM claims)"
    assert sum(counts.values()) == raw.execute(pairs).fetchone()[0] >= site.number_of_claims() == 33


def test_provenance_names_the_machines_and_commits_of_a_study(raw):
    facts = site.provenance([STUDY])
    assert facts["runs"] == raw.execute("SELECT count(*) FROM runs WHERE study = ?", [STUDY]).fetchone()[0]
    of_study = raw.execute("SELECT DISTINCT device FROM runs WHERE study = ?", [STUDY]).fetchall()
    assert set(facts["devices"]) == {device for (device,) in of_study}
    assert facts["datasets"] == ["MNIST"]
    assert site.provenance([])["commits"] == []


def test_the_settings_that_vary_are_width_and_label_noise(raw):
    varying = runs.settings_that_vary(STUDY)
    assert set(varying) == {"width", "label_noise"}
    widths = raw.execute("SELECT DISTINCT x FROM configurations WHERE study = ? ORDER BY 1", [STUDY]).fetchall()
    assert varying["width"] == [row[0] for row in widths]


def test_one_run_has_its_curves_settings_and_siblings(raw):
    run_id, configuration = raw.execute(
        "SELECT run_id, configuration FROM runs WHERE status = 'complete' LIMIT 1"
    ).fetchone()
    run = runs.run(run_id)
    assert run["run_id"] == run_id and run["settings"]["dataset"]
    curves = runs.curves(run_id).to_pylist()
    measured = raw.execute(
        "SELECT epoch, test_correct, train_correct, n_test, n_train FROM curves JOIN runs USING (run) WHERE run_id = ? ORDER BY 1",
        [run_id],
    ).fetchall()
    assert [row["epoch"] for row in curves] == [row[0] for row in measured]
    assert [row["test_error"] for row in curves] == pytest.approx([1 - row[1] / row[3] for row in measured])
    assert [row["train_error"] for row in curves] == pytest.approx([1 - row[2] / row[4] for row in measured])
    siblings = runs.siblings(run_id)
    expected = raw.execute("SELECT run_id FROM runs WHERE configuration = ? ORDER BY seed", [configuration]).fetchall()
    assert siblings["run_id"].to_pylist() == [row[0] for row in expected]
    assert run_id in siblings["run_id"].to_pylist()


def test_an_unknown_run_is_none():
    assert runs.run("0123456789abcdef") is None


def test_every_column_is_described():
    described = {table["table"]: table for table in dictionary.tables()}
    for name, table in described.items():
        assert table["columns"], name
        assert table["rows"] == query(f'SELECT count(*) AS n FROM "{name}"')["n"][0].as_py()
        if not table["view"]:
            assert table["comment"], name
            assert [column["column"] for column in table["columns"] if not column["comment"]] == []


def test_the_checksum_is_that_of_the_file_given_away(results_file):
    assert dictionary.file_bytes() == results_file.read_bytes()
    assert dictionary.checksum() == hashlib.sha256(results_file.read_bytes()).hexdigest()


def test_the_sample_query_runs(raw):
    rows = raw.sql(dictionary.SAMPLE).fetchall()
    assert len(rows) == raw.execute("SELECT count(*) FROM configurations WHERE study = ?", [STUDY]).fetchone()[0]
