"""One run laid open: what was measured, its siblings, the ways back to list and picture, and what is said where it did not end well."""

import json
import os

import pytest

from tests.pages import reading
from tests.pages.reading import ask, chart_messages, spoken
from tests.pages.runs.conftest import HANGUL, MAIN, both, drawn, links


def studies() -> list[str]:
    return [row[0] for row in ask(os.environ["WHY_RESULTS"], "SELECT study FROM studies ORDER BY 1")]


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


KEYS = {"layers": {"layer"}, "damage": {"whole"}, "noise_scale": {"kind"}, "validation": {"kind"}, "probes": {"kind"}}
KEYS |= {"shifts": {"layer"}}
"""A column of the table that each chart draws."""


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
    assert f"other seeds ({band[0][3] - 1} seeds)" in chart_messages(app)[0].alt
    labels = [button.proto.label for button in app.get("download_button")]
    assert {f"other_seeds ({len(expected)} rows)", f"intervals ({len(band)} rows)"} <= set(labels)


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


def test_the_error_of_a_run_that_failed_is_quoted_as_text(opened, results_file, changed):
    run_id = ask(results_file, "SELECT run_id FROM runs WHERE study = ? ORDER BY run LIMIT 1", MAIN)[0][0]
    changed(
        f"UPDATE runs SET status = 'failed', error = 'KeyError: [in](https://evil.example) *x*' WHERE run_id = '{run_id}'"
    )
    (said,) = [each.value for each in opened("runs", run=run_id).error]
    assert "KeyError" in said and "](" not in said and " *x*" not in said


@both
def test_a_run_whose_last_loss_is_missing_is_laid_open_without_it(opened, results_file, changed, language):
    run_id = ask(results_file, "SELECT run_id FROM runs WHERE study = ? ORDER BY run LIMIT 1", MAIN)[0][0]
    changed(
        f"""UPDATE curves SET train_loss = NULL WHERE run = (SELECT run FROM runs WHERE run_id = '{run_id}') AND epoch = (
        SELECT max(epoch) FROM curves JOIN runs USING (run) WHERE run_id = '{run_id}')"""
    )
    app = opened("runs", run=run_id, lang=language)
    assert not app.exception
    assert any("–" in each.alt for each in chart_messages(app))
