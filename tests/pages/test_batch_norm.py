"""The page on batch normalization: what it draws and says, compared with the database by statements of the tests' own."""

import functools
import json
import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from explorer.batch_norm import rivals, sentences, walk
from explorer.charts.normalizations import name
from explorer.results import batch_norm as results
from explorer.results.batch_norm import Study
from explorer.text import of
from tests import planted_norms
from tests.planted_norms import LINEAR, SIZES, SMALL, THE_OTHER_WAY, UNCLEAR

HANGUL = re.compile("[가-힣]")
both = pytest.mark.parametrize("language", ["en", "ko"])
VIEWS = ({}, {"norms": "all", "error": "train"}, {"study": "batch_size"}, {"study": "deep_linear"})


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Path:
    """Every claim is shown, one run has no code that ran, and every way to end is there."""
    raised = lambda spec: (spec.study, spec.norm, spec.seed, spec.lr) == (SMALL, "layer", 2, 2.0**-9)
    return planted_norms.plant(tmp_path_factory.mktemp("planted"), failed=raised)


@pytest.fixture(autouse=True)
def database(planted, monkeypatch) -> Path:
    monkeypatch.setenv("WHY_RESULTS", str(planted))
    return planted


@pytest.fixture
def seen(once):
    return functools.partial(once, "batch_norm")


@pytest.fixture
def planting(tmp_path, monkeypatch):
    """Plants another database and lets the page read it."""

    def plant(*arguments, **named) -> Path:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        file = planted_norms.plant(folder, *arguments, **named)
        monkeypatch.setenv("WHY_RESULTS", str(file))
        return file

    return plant


def ask(file: Path, sql: str, *parameters) -> list[tuple]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql, parameters).fetchall()


def charts(app) -> list[tuple[dict, dict[str, pa.Table], str]]:
    found = []
    for element in app.get("vega_lite_chart"):
        proto = element.proto
        tables = {each.name: pa.ipc.open_stream(each.data.data).read_all() for each in proto.datasets}
        found.append((json.loads(proto.spec), tables, proto.alt))
    return found


def said(app) -> str:
    return "\n".join(each.value for each in [*app.title, *app.header, *app.subheader, *app.markdown, *app.caption])


# --- the finding ---


@both
def test_the_title_has_the_shares_of_the_claim_in_ten_words(seen, database, language):
    title = seen(lang=language).title[0].value
    [(shares,)] = ask(database, "SELECT details->'share' FROM claim_parts WHERE claim = 'N1' AND study = ?", SMALL)
    shares = json.loads(shares)
    assert [int(number) for number in re.findall(r"(\d+)%", title)] == [
        round(100 * shares["none"]),
        round(100 * shares["batch"]),
    ]
    assert len(title.split()) <= 10


@pytest.mark.parametrize("verdict", ["shown", "not shown", "contradicted"])
@both
def test_every_verdict_has_a_title_and_headings_of_its_own(opened, changed, verdict, language):
    changed(f"UPDATE claims SET verdict = '{verdict}' WHERE claim LIKE 'N%'")
    app = opened("batch_norm", lang=language)
    told = [app.title[0].value, *(each.value for each in app.subheader)]
    for claim, section in (("N4", "probe"), ("N3", "shift"), ("N2", "drift"), ("N5", "ablation")):
        assert of(language, f"batch_norm.{section}.heading.{verdict}") in told, claim
    words = {
        "shown": ("widens", "넓힙니다"),
        "not shown": ("unclear", "뚜렷하지"),
        "contradicted": ("narrows", "좁힙니다"),
    }
    assert words[verdict][language == "ko"] in told[0] and len(told[0].split()) <= 10


@both
@pytest.mark.parametrize("story", [THE_OTHER_WAY, UNCLEAR], ids=["the other way", "unclear"])
def test_runs_that_say_otherwise_are_told_so_on_every_view(opened, planting, story, language):
    file = planting(story)
    found = {verdict for (verdict,) in ask(file, "SELECT verdict::VARCHAR FROM claims WHERE claim LIKE 'N%'")}
    assert found == {"contradicted"} if story is THE_OTHER_WAY else found == {"not shown"}
    for view in VIEWS:
        app = opened("batch_norm", lang=language, **view)
        assert not app.exception
        assert len(app.title[0].value.split()) <= 10


@both
def test_the_title_of_the_batch_sizes_has_the_difference_of_the_database(seen, database, language):
    title = seen(lang=language, study="batch_size").title[0].value
    [(estimate,)] = ask(
        database,
        "SELECT estimate FROM contrasts WHERE study = ? AND quantity = 'final_test_error_norm_minus_batch_norm'"
        " AND changed->>'norm' = 'group' AND changed->>'batch_size' = '2'",
        SIZES,
    )
    assert f"{abs(estimate):.1f}" in title and "2" in title and len(title.split()) <= 10
    assert ("beats" in title or "낮습니다" in title) == (estimate < 0)


@pytest.mark.parametrize(
    ("low", "high", "word"), [(0.5, 1.5, "divides"), (-1.5, -0.5, "multiplies"), (-1.0, 1.0, "no clear")]
)
def test_the_title_of_the_linear_network_follows_the_interval(changed, low, high, word):
    middle = (low + high) / 2
    changed(f"UPDATE contrasts SET estimate = {middle}, low = {low}, high = {high} WHERE study = '{LINEAR}'")
    title = sentences.title(Study(LINEAR))
    assert word in title and len(title.split()) <= 10
    assert ("by 10" in title) == (word != "no clear")


@pytest.mark.parametrize("study", [SMALL, SIZES, LINEAR])
def test_two_seeds_have_a_title_without_a_verdict(opened, planting, study):
    planting(studies=[study], keep=lambda spec: spec.seed < 2)
    app = opened("batch_norm")
    assert not app.exception and len(app.title[0].value.split()) <= 10
    assert ("no interval with fewer than three" in said(app)) == (study != LINEAR)
    assert not re.search("widens|narrows|beats|trails|divides|multiplies", app.title[0].value)


# --- the main picture ---


def test_every_dot_is_a_run_and_every_mean_is_in_the_table_of_intervals(seen, database):
    _, tables, _ = charts(seen(norms="all"))[0]
    found = ask(
        database,
        """
        SELECT settings->>'norm', CAST(settings->>'lr' AS DOUBLE), seed, 1 - test_correct / n_test
        FROM runs JOIN configurations USING (configuration) JOIN curves USING (run)
        WHERE runs.study = ? AND epoch = epochs AND status = 'complete'
        """,
        SMALL,
    )
    expected = {(name(norm), lr, seed): error for norm, lr, seed, error in found}
    drawn = {(row["name"], row["x"], row["seed"]): row["error"] for row in tables["dots"].to_pylist()}
    assert drawn == pytest.approx(expected, abs=1e-6) and len(drawn) > 200
    means = {(row["name"], row["x"]): row["mean"] for row in tables["means"].to_pylist()}
    for norm, lr, mean in ask(
        database,
        "SELECT settings->>'norm', CAST(settings->>'lr' AS DOUBLE), mean FROM intervals JOIN configurations USING (configuration)"
        " WHERE study = ? AND measure = 'test_error' AND epoch = 20 AND n = 3",
        SMALL,
    ):
        assert means[name(norm), lr] == pytest.approx(mean, abs=1e-6)


def test_runs_that_diverged_have_no_dot_and_no_mean_and_are_counted(seen, database):
    app = seen()
    _, tables, alt = charts(app)[0]
    [(lost,)] = ask(
        database,
        "SELECT count(*) FROM runs JOIN configurations USING (configuration) WHERE runs.study = ? AND status = 'diverged'"
        " AND settings->>'norm' IN ('none', 'batch')",
        SMALL,
    )
    assert lost == 6
    labels = {(row["name"], row["x"]): row["label"] for row in tables["cells"].to_pylist()}
    assert labels["no norm", 1.0] == labels["no norm", 2.0] == "✕3"
    assert not [row for row in tables["dots"].to_pylist() if row["name"] == "no norm" and row["x"] >= 1]
    means = {row["x"]: row["mean"] for row in tables["means"].to_pylist() if row["name"] == "no norm"}
    assert means[0.5] is not None and means[1.0] is None
    assert "no mean: 6" in said(app) and "6 of them diverged" in alt
    assert "code failed, shown nowhere here: 1" in said(app)


def test_the_row_of_usable_rates_has_the_share_of_the_claim(seen, database):
    """Seed by seed, as N1 counts: the cells filled with all seeds, over all cells."""
    _, tables, _ = charts(seen())[0]
    [(shares,)] = ask(database, "SELECT details->'share' FROM claim_parts WHERE claim = 'N1' AND study = ?", SMALL)
    for norm, word in (("none", "no norm"), ("batch", "batch norm")):
        cells = [row for row in tables["cells"].to_pylist() if row["name"] == word]
        assert len(cells) == 11
        assert sum(row["good"] for row in cells) / 33 == pytest.approx(json.loads(shares)[norm])


def test_a_cell_leads_to_the_list_of_its_runs(opened, seen):
    _, tables, _ = charts(seen())[0]
    href = next(row["href"] for row in tables["cells"].to_pylist() if (row["name"], row["x"]) == ("batch norm", 0.125))
    page, _, asked = href.partition("?")
    query = dict(part.split("=") for part in asked.split("&") if not part.startswith("v="))
    listed = opened(page, **{name: value.replace("%2F", "/") for name, value in query.items()}).dataframe[0].value
    assert len(listed) == 3 and set(listed["setting.norm"]) == {"batch"} and set(listed["setting.lr"]) == {0.125}


def test_a_dot_leads_to_its_run(opened, seen):
    row = charts(seen())[0][1]["dots"].to_pylist()[0]
    run = re.search("run=([0-9a-f]{16})", row["href"])[1]
    assert run in opened("runs", run=run).title[0].value


def test_the_caption_has_the_numbers_of_the_database(seen, database):
    caption = next(each.value for each in seen().caption if "See how far" in each.value)
    told = re.findall(r"([\d.]+)% \(([\d.]+)–([\d.]+), 3 seeds\)", caption)
    rows = []
    for norm in ("none", "batch"):
        [(details,)] = ask(
            database, f"SELECT details->'rate'->>'{norm}' FROM claim_parts WHERE claim = 'N1' AND study = ?", SMALL
        )
        rows += ask(
            database,
            "SELECT mean, low, high FROM intervals JOIN configurations USING (configuration) WHERE study = ? AND epoch = 20"
            " AND measure = 'test_error' AND settings->>'norm' = ? AND CAST(settings->>'lr' AS DOUBLE) = ?",
            SMALL, norm, float(details),
        )  # fmt: skip
    assert told == [tuple(f"{100 * value:.1f}" for value in row) for row in rows] and len(told) == 2


def test_the_map_of_batch_sizes_has_the_means_and_a_cross_where_a_seed_diverged(seen, database):
    _, tables, _ = charts(seen(study="batch_size"))[0]
    cells = {(row["name"], row["x"]): row for row in tables["cells"].to_pylist()}
    assert len(cells) == 18
    assert cells["no norm", 4.0]["label"] == "✕1/3" and cells["no norm", 4.0]["mean"] is None
    for norm, size, mean in ask(
        database,
        "SELECT settings->>'norm', CAST(settings->>'batch_size' AS INTEGER), mean FROM intervals JOIN configurations"
        " USING (configuration) WHERE study = ? AND measure = 'test_error' AND epoch = 20 AND n = 3",
        SIZES,
    ):
        assert cells[name(norm), size]["label"] == f"{100 * mean:.1f}"


@both
def test_the_linear_network_is_shown_by_its_loss_alone(seen, database, language):
    app = seen(lang=language, study="deep_linear")
    _, tables, _ = charts(app)[0]
    drawn = sorted(row["value"] for row in tables["rows"].to_pylist())
    found = ask(database, "SELECT train_loss FROM curves JOIN runs USING (run) WHERE study = ?", LINEAR)
    assert drawn == pytest.approx(sorted(loss for (loss,) in found), rel=1e-6) and len(drawn) > 200
    columns = app.dataframe[0].value.columns
    assert not any("error" in name.lower() or "오차" in name for name in columns)
    assert app.segmented_control and not any(each.key == "address.error" for each in app.segmented_control)


# --- behind ---


@both
def test_every_section_has_a_picture_with_a_text_in_the_readers_language(seen, language):
    for query in VIEWS:
        drawn = charts(seen(lang=language, **query))
        assert len(drawn) >= 13
        for _, _, alt in drawn:
            assert len(alt) > 40 and bool(HANGUL.search(alt)) == (language == "ko")


@pytest.mark.parametrize("column", ["smoothness", "change_high"])
def test_probe_pictures_have_the_probes_of_both_networks_at_one_rate(seen, database, column):
    place = {"change_high": 2, "smoothness": 3}[column]
    _, tables, _ = charts(seen())[place]
    [(rate,)] = ask(
        database, "SELECT details->'rate'->>'none' FROM claim_parts WHERE claim = 'N4' AND study = ?", SMALL
    )
    expected = ask(
        database,
        f"SELECT {column} FROM probes JOIN runs USING (run) JOIN configurations USING (configuration) WHERE runs.study = ?"
        " AND settings->>'norm' IN ('none', 'batch') AND CAST(settings->>'lr' AS DOUBLE) = ?",
        SMALL, float(rate),
    )  # fmt: skip
    drawn = sorted(row["value"] for row in tables["rows"].to_pylist())
    assert drawn == pytest.approx(sorted(value for (value,) in expected), rel=1e-5) and len(drawn) == 2 * 3 * 12


def test_the_range_is_of_one_probe_and_not_of_several_runs(seen):
    _, tables, _ = charts(seen())[1]
    rows = tables["rows"].to_pylist()
    assert len({(row["norm"], row["seed"], row["x"]) for row in rows}) == len(rows) == 72
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)


def test_the_pairs_that_are_lower_are_counted_from_the_probes(seen, database):
    text = said(seen())
    [(lower, n)] = ask(
        database,
        """
        WITH p AS (
            SELECT settings->>'norm' AS norm, seed, step, smoothness FROM probes JOIN runs USING (run) JOIN configurations USING (configuration)
            WHERE runs.study = ? AND CAST(settings->>'lr' AS DOUBLE) = 0.125 AND step <= steps / 4
        )
        SELECT count(*) FILTER (b.smoothness < n.smoothness), count(*)
        FROM p n JOIN p b USING (seed, step) WHERE n.norm = 'none' AND b.norm = 'batch'
        """,
        SMALL,
    )
    assert f"{lower} of {n} pairs" in text and n == 27


def test_at_own_rates_other_runs_are_shown(seen, database):
    _, tables, _ = charts(seen(probes="own"))[3]
    rates = {row["name"]: row["rate"] for row in tables["rows"].to_pylist()}
    own = results.own_rates(Study(SMALL))
    assert rates == {"no norm": "1/8", "batch norm": f"1/{round(1 / own['batch'])}"} and own["batch"] != 0.125
    assert "The same with each network at its own learning rate" in said(seen())


def test_covariate_shift_is_shown_layer_by_layer_at_the_step_of_the_address(seen, database):
    for query, step in (({}, None), ({"at": "1"}, 1)):
        app = seen(**query)
        at = step or max(
            s for (s,) in ask(database, "SELECT DISTINCT step FROM shifts JOIN runs USING (run) WHERE study = ? AND step <= steps / 4", SMALL)
        )  # fmt: skip
        cosine = charts(app)[4][1]["rows"].to_pylist()
        assert {row["layer"] for row in cosine} == set(range(2, 10)) and len(cosine) == 2 * 3 * 8
        expected = ask(
            database,
            "SELECT cosine FROM shifts JOIN runs USING (run) JOIN configurations USING (configuration) WHERE runs.study = ? AND step = ?"
            " AND CAST(settings->>'lr' AS DOUBLE) = 0.125 AND settings->>'norm' IN ('none', 'batch')",
            SMALL, at,
        )  # fmt: skip
        assert sorted(row["value"] for row in cosine) == pytest.approx(sorted(v for (v,) in expected), rel=1e-5)
        assert f"before step {at:,}" in said(app)


def test_the_argument_is_in_one_picture(seen):
    """Noise behind batch normalization lies to the right of the network without a norm, and below it."""
    rows = charts(seen())[6][1]["rows"].to_pylist()
    ends = lambda name, column: [row[column] for row in rows if row["name"] == name]
    assert min(ends("noisy batch norm", "drift")) > max(ends("no norm", "drift"))
    assert max(ends("noisy batch norm", "error")) < min(ends("no norm", "error"))
    assert {len(ends(name, "drift")) for name in ("no norm", "batch norm", "noisy batch norm")} == {3}


def test_probes_of_a_run_that_diverged_are_crosses_and_counted(opened, planting):
    """At every rate of its own the network without a norm diverges."""
    story = planted_norms.AS_IN_THE_PAPERS
    story = planted_norms.dataclasses.replace(
        story, rates=story.rates | {"none": planted_norms.Rates(0.4, -3, 1, 0.02, lost=-20)}
    )
    planting(story)
    app = opened("batch_norm")
    assert not app.exception
    assert app.title[0].value == "Why does batch normalization help?"
    values = [row["value"] for row in charts(app)[3][1]["rows"].to_pylist()]
    assert None in values
    lost = re.search(r"✕: (\d+) of (\d+) probes", said(app))
    assert int(lost[1]) == values.count(None) and int(lost[2]) == len(values)
    assert "no run of it came to the end: no norm" in said(app)


# --- what was changed, and the rivals ---


def test_the_forests_have_the_contrasts_of_the_database(seen, database):
    drawn = [tables["contrasts"].to_pylist() for _, tables, _ in charts(seen()) if "contrasts" in tables]
    assert len(drawn) == 3
    found = ask(database, "SELECT estimate FROM contrasts WHERE study = ? AND quantity NOT LIKE 'final_train%'", SMALL)
    told = sorted(row["estimate"] for rows in drawn for row in rows)
    assert told == pytest.approx(sorted(estimate for (estimate,) in found), abs=1e-4) and len(told) > 20
    assert all("n = 3" in row["label"] for rows in drawn for row in rows)


@both
def test_the_rivals_stand_in_one_table_with_the_numbers_of_the_database(seen, database, language):
    app = seen(lang=language)
    table = next(each.value for each in app.table if len(each.value) == 5)
    cells = table.astype(str).agg(" ".join, axis=1).tolist()
    for claim, row in (("N4", 0), ("N3", 3)):
        for study in (SMALL, LINEAR):
            [(estimate,)] = ask(
                database, "SELECT estimate FROM claim_parts WHERE claim = ? AND study = ? AND part = 1", claim, study
            )
            assert re.search(f"{abs(estimate):.2g}"[:4], cells[row]), (claim, study)
    [(same,), *_] = ask(
        database,
        "SELECT estimate FROM contrasts WHERE study = ? AND quantity = 'final_test_error_none_minus_batch_norm_at_one_rate'"
        " ORDER BY CAST(changed->>'lr' AS DOUBLE)",
        SMALL,
    )
    assert f"{same:.1f}" in cells[1] and "1/512" in cells[1]
    assert all(bool(HANGUL.search(cell)) == (language == "ko") for cell in cells)


def test_a_rival_that_was_not_measured_says_so(planting):
    planting(studies=[LINEAR])
    rows = {row["name"]: row["measured"] for row in rivals.told(results.studies())}
    assert rows["Length and direction"] == rows["Bias to the identity"] == "Not measured yet."
    assert "Deep linear" in rows["Smoothing"]


# --- parts of the grid ---


@both
def test_without_runs_the_page_is_the_introduction(opened, planting, changed, language):
    file = changed(
        *(f"DELETE FROM {table}" for table in ("runs", "curves", "intervals", "contrasts", "claim_parts", "configurations", "maps", "studies"))
    )  # fmt: skip
    app = opened("batch_norm", lang=language)
    assert not app.exception and app.info
    assert (
        len(app.dataframe[0].value) == ask(file, "SELECT count(*) FROM published WHERE question = 'batch_norm'")[0][0]
    )


@both
@pytest.mark.parametrize("study", [SMALL, SIZES, LINEAR])
def test_one_study_alone_is_a_whole_page(opened, planting, study, language):
    planting(studies=[study])
    app = opened("batch_norm", lang=language)
    assert not app.exception and not app.info
    assert (
        app.title[0].value
        != ("Why does batch normalization help?", "배치 정규화는 왜 도움이 될까요?")[language == "ko"]
    )
    missing = of(language, "batch_norm.not_measured", study="`batch_norm/batch_size`")
    assert (missing in said(app)) == (study != SIZES)
    assert any(f"python -m precompute run {study}" in each.value for each in app.code)
    for _, _, alt in charts(app):
        assert bool(HANGUL.search(alt)) == (language == "ko")


PARTS = {
    "batch alone": lambda spec: spec.norm == "batch",
    "none alone": lambda spec: spec.norm == "none",
    "one seed": lambda spec: spec.seed == 0,
    "one rate": lambda spec: getattr(spec, "lr", 0) in (0.125, 1e-4),
    "no batch norm": lambda spec: spec.norm != "batch",
    "two norms, four rates": lambda spec: spec.norm in ("none", "batch") and spec.lr < 2.0**-5,
    "what diverged": lambda spec: spec.norm == "none" and spec.lr >= 1,
    "group alone": lambda spec: spec.norm == "group",
}


@both
@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_grid_is_shown_and_counted(opened, planting, part, language):
    file = planting(studies=[SMALL], keep=PARTS[part])
    [(done, planned)] = ask(file, "SELECT complete + diverged, planned FROM studies")
    app = opened("batch_norm", lang=language)
    assert not app.exception
    so_far = {
        "en": f"So far {done} of {planned} planned runs",
        "ko": f"계획한 실행 {planned}개 가운데 지금까지 {done}개",
    }
    assert so_far[language] in said(app) and planned == 264
    assert len(app.title[0].value.split()) <= 10
    for query in ({"norms": "all", "error": "train"}, {"probes": "own"}):
        assert not opened("batch_norm", lang=language, **query).exception


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_one_norm_over_batch_sizes_is_shown(opened, planting, norm):
    planting(studies=[SIZES, LINEAR], keep=lambda spec: spec.norm == norm)
    for study in ("batch_size", *(["deep_linear"] if norm != "group" else [])):
        app = opened("batch_norm", study=study)
        assert not app.exception and app.title[0].value == "Why does batch normalization help?"


# --- the address, the foot and other pages ---


def test_an_address_with_values_that_do_not_exist_falls_back_with_a_notice(opened):
    app = opened("batch_norm", norms="seven", error="best", probes="there", at="77")
    assert not app.exception
    told = " ".join(each.value for each in app.info)
    assert all(asked in told for asked in ("seven", "best", "there", "77"))


def test_the_statement_of_the_footer_gives_the_rows_that_are_shown(seen, database):
    app = seen(norms="all")
    sql = next(each.value for each in app.code if "WITH last AS" in each.value)
    found = ask(database, sql)
    assert found == [tuple(row.values()) for row in results.runs(Study(SMALL), list(results.NORMS)).to_pylist()]
    assert len(found) == 263


@both
def test_the_picture_can_be_taken_away_and_the_page_cited(seen, language):
    app = seen(lang=language)
    [given] = [
        json.loads(e.proto.json) for e in app.get("bidi_component") if e.proto.component_name.endswith("picture_files")
    ]
    assert given["title"] == app.title[0].value and SMALL in given["lines"][0]
    labels = [element.proto.label for element in app.get("download_button")]
    assert labels.count("CSV") == 1 and labels.count("Parquet") == 2
    codes = "\n".join(each.value for each in app.code)
    assert "@misc{" in codes and all(f"python -m precompute run {study}" in codes for study in (SMALL, SIZES, LINEAR))


@both
def test_a_presenter_sees_the_finding_and_the_picture_alone(opened, language):
    app = opened("batch_norm", lang=language, present="1")
    assert not app.exception and len(charts(app)) == 1 and not app.header


def sentences_of(app) -> list[str]:
    return [each.value for each in app.markdown if re.match(r"\*\*\d\. ", each.value)]


@both
def test_the_steps_have_the_numbers_of_the_database(seen, database, language):
    rates, noise, sizes = sentences_of(seen(lang=language))
    [(shares,)] = ask(database, "SELECT details->'share' FROM claim_parts WHERE claim = 'N1' AND study = ?", SMALL)
    cells = charts(seen())[0][1]["cells"].to_pylist()
    whole = [sum(row["state"] == "all" for row in cells if row["name"] == word) for word in ("no norm", "batch norm")]
    told = re.findall(r"at (\d+) of (\d+)" if language == "en" else r"(\d+)가지 가운데 (\d+)가지", rates)
    counts = [sorted(map(int, pair)) for pair in told]
    assert counts == [[each, 11] for each in whole] and 0 < whole[0] < whole[1]
    assert all(
        whole[place] / 11 <= share + 1e-9
        for place, share in enumerate(json.loads(shares)[n] for n in ("none", "batch"))
    )

    def mean(study: str, **settings) -> str:
        wanted = " AND ".join(f"CAST(settings->>'{key}' AS VARCHAR) = '{value}'" for key, value in settings.items())
        [(value,)] = ask(
            database,
            f"SELECT mean FROM intervals JOIN configurations USING (configuration) WHERE study = ? AND epoch = 20 AND measure = 'test_error' AND {wanted}",
            study,
        )
        return f"{100 * value:.1f}%"

    own = results.own_rates(Study(SMALL))
    expected = [mean(SMALL, norm=norm, lr=own[norm]) for norm in ("none", "batch", "noisy_batch")]
    assert re.findall(r"[\d.]+%(?!p)", noise) == expected and len(set(expected)) == 3
    expected = [mean(SIZES, norm=norm, batch_size=size) for size in (2, 128) for norm in ("batch", "group")]
    assert re.findall(r"[\d.]+%(?!p)", sizes) == expected


WALKS = {
    (SMALL, SIZES, LINEAR): ["rates", "noise", "sizes"],
    (SMALL, LINEAR): ["rates", "noise", "linear"],
    (SMALL,): ["rates", "noise", "trained_rates"],
    (SIZES, LINEAR): ["sizes", "trained_sizes", "linear"],
    (SIZES,): ["sizes", "trained_sizes"],
    (LINEAR,): [],
}


@pytest.mark.parametrize("studies", WALKS, ids="+".join)
def test_steps_are_of_what_was_measured_and_begin_with_the_view_of_the_page(planting, studies):
    planting(studies=studies)
    found = walk.steps(results.studies())
    assert [step.name for step in found] == WALKS[studies]
    assert not found or not any(found[0].view.values())


@both
@pytest.mark.parametrize("part", ["batch alone", "one rate", "two norms, four rates", "what diverged"])
def test_a_part_of_the_grid_has_the_steps_whose_numbers_are_there(opened, planting, part, language):
    planting(studies=[SMALL], keep=PARTS[part])
    names = [step.name for step in walk.steps(results.studies())]
    expected = {"one rate": ["rates", "noise", "trained_rates"], "two norms, four rates": ["rates", "trained_rates"]}
    assert names == expected.get(part, [])
    for place, _ in enumerate(names, start=1):
        app = opened("batch_norm", lang=language, present="1", step=str(place))
        assert not app.exception and len(sentences_of(app)) == 1


def test_the_probed_step_of_the_address_is_no_presenters_step(opened):
    app = opened("batch_norm", at="1")
    assert any("at=1" in each.value for each in app.code)


def test_the_cards_tell_quantities_bounds_and_intervals_in_words(opened, database):
    for language in ("en", "ko"):
        app = opened("claims", lang=language, question="batch_norm")
        text = said(app)
        for (code,) in ask(database, "SELECT DISTINCT quantity FROM claim_parts WHERE claim LIKE 'N%'"):
            assert code.replace("_", " ") not in text
        for (bound,) in ask(database, "SELECT DISTINCT bound FROM claim_parts WHERE claim LIKE 'N%'"):
            assert not re.search(rf"(Needed|조건): {re.escape(bound)}", text)
        assert not app.exception
        links = re.findall(r"\(batch_norm\?[^)]*study=(\w+)[^)]*#([\w-]+)\)", text)
        assert {("cifar10_vgg_small", "drift"), ("deep_linear", "probes"), ("cifar10_vgg_small", "ablations")} <= set(
            links
        )
        anchors = {each.proto.anchor for each in opened("batch_norm", lang=language).subheader}
        assert {anchor for _, anchor in links} <= anchors


def test_runs_that_diverged_are_counted_on_the_cards(opened):
    assert "Runs that diverged, counted and not averaged in: batch norm: 0, no norm: 6" in said(
        opened("claims", question="batch_norm")
    )


@both
def test_a_run_of_the_linear_network_has_a_page_without_errors(opened, database, language):
    [(run, loss)] = ask(
        database,
        "SELECT run_id, last(train_loss ORDER BY epoch) FROM runs JOIN curves USING (run) WHERE study = ? AND seed = 0"
        " GROUP BY run_id ORDER BY run_id LIMIT 1",
        LINEAR,
    )
    app = opened("runs", lang=language, run=run)
    assert not app.exception
    assert f"**{loss:.3g}**" in said(app)
    alts = [element.proto.alt for element in app.get("vega_lite_chart")]
    assert len(alts) == 3 and all(bool(HANGUL.search(alt)) == (language == "ko") for alt in alts)
    assert not re.search("(Trained on|학습 데이터): none", said(app))


@both
def test_probes_of_a_run_that_diverged_are_said_to_be_missing(opened, database, language):
    [(run,)] = ask(database, "SELECT min(run_id) FROM runs WHERE study = ? AND status = 'diverged'", SMALL)
    [(missing, n)] = ask(
        database,
        "SELECT count(*) FILTER (loss_high IS NULL), count(*) FROM probes JOIN runs USING (run) WHERE run_id = ?",
        run,
    )
    app = opened("runs", lang=language, run=run)
    assert not app.exception and missing > 0
    assert any(str(missing) in each.value and str(n) in each.value for each in app.caption)


@both
def test_the_list_of_runs_has_the_linear_networks_and_the_norms_in_words(opened, language):
    app = opened("runs", lang=language, study=LINEAR)
    assert not app.exception and len(app.dataframe[0].value) == 10
    told = opened("runs", lang=language, study=SMALL, norm="noisy_batch")
    assert ("batch norm with noise behind it" if language == "en" else "뒤에 잡음을 더한 배치 정규화") in said(told)


@both
def test_the_home_page_tells_the_finding_of_the_page(opened, language):
    title = opened("batch_norm", lang=language).title[0].value
    app = opened("home", lang=language)
    assert not app.exception
    assert any(title in each.value for each in app.markdown)
