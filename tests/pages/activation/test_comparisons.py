"""One thing changed: the depth, the function, batch normalization; and how soon ReLU and tanh learn."""

import json

import pytest

from explorer import text
from tests.activation_runs import CNN, MLP
from tests.pages.activation.conftest import FINAL, with_table
from tests.pages.reading import ask, spoken


def test_the_forest_holds_the_paired_differences(seen, database):
    expected = ask(
        database,
        f"""SELECT changed->>'activation', estimate, n FROM contrasts
        WHERE study = '{MLP}' AND changed->>'depth' = '8' AND changed->>'start' = 'xavier'""",
    )
    near, far = (chart[1]["contrasts"].to_pylist() for chart in with_table(seen(), "contrasts"))
    assert sorted(row["estimate"] for row in [*near, *far]) == pytest.approx(
        sorted(e for _, e, _ in expected), abs=1e-4
    )
    assert [row["name"] for row in far] == ["sigmoid"] and len(near) == 13
    assert any("n = 4" in row["label"] for row in near), "the seed that diverged leaves four pairs"


def test_a_function_looks_in_the_forest_as_it_does_in_the_strip(seen):
    def looks(chart):
        spec, tables, _ = chart
        names = {row["function"]: row["name"] for row in tables["dots"].to_pylist()} if "dots" in tables else {}
        (mark,) = [layer for layer in spec["layer"] if layer["mark"]["type"] == "point"]
        scales = [mark["encoding"][channel]["scale"] for channel in ("color", "shape")]
        assert scales[0]["domain"] == scales[1]["domain"]
        both = zip(scales[0]["domain"], scales[0]["range"], scales[1]["range"], strict=True)
        return {names.get(code, code): (colour, shape) for code, colour, shape in both}

    strip = looks(with_table(seen(), "dots")[0])
    for chart in with_table(seen(), "contrasts"):
        mine = looks(chart)
        assert mine and mine.items() <= strip.items()


def test_differences_without_an_interval_are_counted_apart(opened, changed):
    words = text.section_texts("en", "activation")
    place = "changed->>'depth' = '8' AND changed->>'start' = 'xavier'"
    path = changed(
        f"UPDATE contrasts SET low = NULL, high = NULL, n = 2 WHERE study = '{MLP}' AND {place} AND changed->>'activation' = 'identity'"
    )
    ((n, better, worse),) = ask(
        path,
        f"""SELECT count(low), count(*) FILTER (high < 0), count(*) FILTER (low > 0) FROM contrasts WHERE study = '{MLP}' AND {place}""",
    )
    app = opened("activation")
    seen = words["relu.seen"].format(n=n, better=better, worse=worse, open=n - better - worse)
    (told,) = [each.value for each in app.caption if seen in each.value]
    assert n == 13 and words["relu.bare"].format(names="identity") in told
    (medians,) = [each.value for each in app.caption if words["depth.not_to_conclude"] in each.value]
    assert words["depth.some"] in medians, "a seed of cos(x) − x diverges"


def test_the_forest_is_under_the_claim_only_where_the_claim_is_about_its_networks(seen, database):
    clear, n = ask(
        database,
        f"""SELECT count(*) FILTER (p_adjusted < 0.05), count(p_adjusted) FROM contrasts
        WHERE study = '{MLP}' AND changed->>'depth' = '8' AND changed->>'start' = 'xavier'""",
    )[0]
    counted, about_four = f"{clear} of {n} functions differ from ReLU", "p to 4 layers"
    for place, told, untold in (({}, counted, about_four), ({"depth": "1"}, about_four, "Holm's correction,")):
        headings = " ".join(each.value for each in seen(lang="en", **place).subheader)
        assert told in headings and untold not in headings


def test_the_sentence_on_batch_norm_has_the_gaps_of_the_claim(seen, database):
    ((details,),) = ask(database, "SELECT details FROM claim_parts WHERE claim = 'A3' AND part = 2")
    gaps = json.loads(details)
    heading = next(each.value for each in seen().subheader if "rescues" in each.value)
    assert f"{gaps['gap_without_norm']:+.1f}" in heading and f"{gaps['gap_with_norm']:+.1f}" in heading


@pytest.mark.parametrize("verdict", ["shown", "not shown", "contradicted"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_both_gaps_of_the_sigmoid_stand_over_the_strips_whatever_the_verdict_is(opened, changed, language, verdict):
    path = changed(f"UPDATE claims SET verdict = '{verdict}' WHERE claim = 'A3'")
    runs = FINAL.format(study=CNN, where="v.norm = '{norm}' AND v.activation IN ('sigmoid', 'relu')")
    sql = "SELECT 100 * avg(error) FILTER (activation = 'sigmoid') - 100 * avg(error) FILTER (activation = 'relu')"
    gaps = [
        ask(path, f"{sql} FROM ({runs.format(norm=norm)}) AS f(activation, seed, status, lr, error)")[0][0]
        for norm in ("none", "batch")
    ]
    app = opened("activation", lang=language)
    words = text.section_texts(language, "activation")["norm_section.gaps"]
    start = words.partition("{")[0]
    (told,) = [each.value for each in app.markdown if start and each.value.startswith(start)]
    assert all(f"{gap:+.1f}" in told for gap in gaps) and "5" in told
    ((details,),) = ask(path, "SELECT details FROM claim_parts WHERE claim = 'A3' AND part = 2")
    low, high = json.loads(details)["gap_with_norm_interval"]
    assert low < gaps[1] < high and f"{low:+.2f}" in told and f"{high:+.2f}" in told


def test_gaps_of_a_database_without_their_intervals_are_told_without(opened, changed):
    changed(
        "UPDATE claim_parts SET details = json_merge_patch(details, '{\"gap_with_norm_interval\": null}') WHERE claim = 'A3'"
    )
    words = text.section_texts("en", "activation")["norm_section.gaps"].partition("{")[0]
    (told,) = [each.value for each in opened("activation").markdown if each.value.startswith(words)]
    assert told.count(" to ") == 1, "the first part of the claim has that of the gap without a norm"


def test_how_many_runs_get_to_a_quarter_is_told_and_when_a_ratio_of_three_cannot_be_seen(opened, changed):
    """Training ends after 30 epochs. ReLU gets there with two seeds, the first time at epoch 12 or at epoch 9; tanh never does."""

    def runs(function):
        return f"SELECT run FROM \"{CNN}\" WHERE norm = 'none' AND activation = '{function}' AND layer_measures"

    nobody = f"UPDATE curves SET train_correct = 2000 WHERE run IN ({runs('relu')} UNION {runs('tanh')})"
    one = f"UPDATE curves SET train_correct = 3750 WHERE epoch >= 12 AND run IN ({runs('relu')} AND seed = 3)"
    other = f"UPDATE curves SET train_correct = 4000 WHERE epoch >= 15 AND run IN ({runs('relu')} AND seed = 5)"
    file = changed(nobody, one, other)
    told = spoken(opened("activation"))
    assert "Runs that reach 25% train error: tanh: 0 of 5; ReLU: 2 of 5, first at epoch 12." in told
    assert "A ratio of 3 could not be seen here: 3 times 12 epochs are 36, and training ends after 30." in told
    changed(one.replace(">= 12", ">= 9"), of=file)
    told = spoken(opened("activation"))
    assert "ReLU: 2 of 5, first at epoch 9." in told and "could not be seen here" not in told
    changed(nobody)
    told = spoken(opened("activation"))
    assert "tanh: 0 of 5; ReLU: 0 of 5." in told and "could not be seen here" not in told
