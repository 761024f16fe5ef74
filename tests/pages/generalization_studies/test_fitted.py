"""The section on how many images a network fits, held against errors that the tests read from the curves themselves."""

import pytest

from tests.pages import reading
from tests.pages.generalization_studies.conftest import both
from tests.results_files import FIXTURE

STUDY = "double_descent/sample_wise"
REGIMES = {"equal_steps": {(250, 40), (500, 20)}, "equal_epochs": {(250, 20), (500, 20)}}


def picture(app) -> tuple[dict, dict, str]:
    (found,) = [each for each in reading.charts(app) if {"widths", "peaks"} <= set(each[1])]
    return found


def last_train_errors(pairs: set[tuple[int, int]], noise: float) -> dict[tuple[int, int], dict[int, float]]:
    """(width, images) -> seed -> train error at the last epoch."""
    rows = reading.ask(
        FIXTURE,
        """SELECT CAST(c.x AS INTEGER), CAST(c.settings->>'n_train' AS INTEGER), CAST(c.settings->>'epochs' AS INTEGER), r.seed,
                  1 - arg_max(v.train_correct, v.epoch) / any_value(r.n_train)
           FROM curves v JOIN runs r USING (run) JOIN configurations c USING (configuration)
           WHERE r.study = ? AND CAST(c.settings->>'label_noise' AS DOUBLE) = ? GROUP BY ALL""",
        STUDY, noise,
    )  # fmt: skip
    found: dict[tuple[int, int], dict[int, float]] = {}
    for width, images, epochs, seed, error in rows:
        if (images, epochs) in pairs:
            found.setdefault((width, images), {})[seed] = error
    return found


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("noise, level", [(0.2, 0.1), (0.0, 0.05)])
def test_each_width_has_the_largest_number_of_images_whose_mean_train_error_is_low_enough(seen, regime, noise, level):
    errors = last_train_errors(REGIMES[regime], noise)
    tried = sorted({images for _, images in errors})
    assert tried == [250, 500]
    _, tables, _ = picture(seen(fit_regime=regime, fit_noise=f"{noise:g}", fit_level=f"{level:g}"))
    drawn = {row["width"]: row for row in tables["widths"].to_pylist()}
    assert set(drawn) == {width for width, _ in errors}
    bottom, kinds = tried[0] / 2**0.5, set()
    for width, row in drawn.items():
        mine = {images: seeds for (each, images), seeds in errors.items() if each == width}
        fitted = [images for images, seeds in mine.items() if sum(seeds.values()) / len(seeds) <= level + 1e-9]
        assert row["images"] == (max(fitted) if fitted else None)
        assert row["at"] == pytest.approx(max(fitted) if fitted else bottom)
        kind = "none" if not fitted else "all that were tried" if max(fitted) == tried[-1] else "images fitted"
        assert row["kind"] == kind
        kinds.add(kind)
        seeds = {seed for one in mine.values() for seed in one}
        single = [max((n for n, one in mine.items() if one[seed] <= level + 1e-9), default=0) for seed in seeds]
        assert (row["low"], row["high"]) == pytest.approx((min(single) or bottom, max(single) or bottom))
    assert "all that were tried" in kinds and len(kinds) > 1


@pytest.fixture
def peaks(changed):
    """Writes a clear peak at width 8 on 250 images and, at width 24 or nowhere, one that is not clear on 500; both are fitted from width 8 on."""

    def written(second: str) -> None:
        maps = f"""SELECT map FROM maps WHERE study = '{STUDY}' AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2
                   AND settings->>'epochs' = '{{}}' AND settings->>'n_train' = '{{}}'"""
        small, large = maps.format(40, 250), maps.format(20, 500)
        changed(
            f"UPDATE landmarks SET position = 8, low = 8, high = 24, clear = true WHERE kind = 'ridge_across' AND map = ({small})",
            f"UPDATE landmarks SET position = {second}, low = NULL, high = NULL, clear = false WHERE kind = 'ridge_across' AND map = ({large})",
            f"UPDATE landmarks SET position = 8, low = 8, high = 24 WHERE kind = 'threshold' AND map IN ({small} UNION ALL {large})",
        )

    return written


FITTED = {"en": "fitted from width 8 on (single seeds: 8–24)", "ko": "너비 8부터 맞춤(시드별로는 8–24)"}
CLEAR = {
    "en": "test error peaks at width 8 (bootstrap over seeds: 8–24).",
    "ko": "테스트 오차의 봉우리는 너비 8(시드 부트스트랩: 8–24).",
}
UNCLEAR = {
    "24": {
        "en": "a peak at width 24 is not clear of seed noise.",
        "ko": "너비 24의 봉우리는 시드의 흔들림보다 뚜렷하지 않음.",
    },
    "NULL": {"en": "no peak of the test error.", "ko": "테스트 오차의 봉우리 없음."},
}
KINDS = {"en": ["test error peak", "unclear peak"], "ko": ["테스트 오차 봉우리", "불분명한 봉우리"]}


@pytest.mark.parametrize("second", UNCLEAR)
@both
def test_every_number_of_images_is_told_with_its_threshold_and_its_peak(opened, peaks, language, second):
    peaks(second)
    app = opened("generalization", lang=language)
    _, tables, alt = picture(app)
    (listed,) = [each.value for each in app.markdown if FITTED[language] in each.value]
    lines = listed.splitlines()
    assert len(lines) == 2
    for line, told, numbers in zip(lines, (CLEAR, UNCLEAR[second]), (("250", "40"), ("500", "20")), strict=True):
        words = f"{FITTED[language]}; {told[language]}"
        assert line.endswith(words) and words in alt and all(number in line for number in numbers)
    assert "**" not in alt, "a screen reader reads no Markdown"
    table = next(each.value for each in app.dataframe if {"threshold", "peak", "clear"} <= set(each.value.columns))
    assert list(table["n_train"]) == [250, 500] and list(table["threshold"]) == [8, 8] and table["peak"][0] == 8
    drawn = [(row["n_train"], row["width"], row["kind"]) for row in tables["peaks"].to_pylist()]
    expected = [(250, 8, KINDS[language][0]), (500, 24, KINDS[language][1])]
    assert drawn == (expected if second == "24" else expected[:1])


@both
def test_the_heading_is_of_the_largest_number_of_images_with_a_clear_peak(opened, peaks, language):
    peaks("24")
    heading = {
        "en": "Networks fit 250 images from width 8 on; the test error on them peaks at width 8",
        "ko": "이미지 250장은 너비 8부터 맞추고, 테스트 오차의 봉우리는 너비 8에 있습니다",
    }[language]
    app = opened("generalization", lang=language)
    assert heading in [each.value.replace("\u2060", "") for each in app.subheader]


@both
def test_without_a_clear_peak_or_a_fit_the_heading_says_that(opened, changed, language):
    words = {
        "en": ("and no peak of the test error is clear", "No network fits"),
        "ko": ("뚜렷한 테스트 오차의 봉우리는 없습니다", "맞추는 신경망이 없습니다"),
    }[language]
    changed(
        "UPDATE landmarks SET clear = false WHERE kind = 'ridge_across'",
        "UPDATE landmarks SET position = 8, low = 8, high = 8 WHERE kind = 'threshold'",
    )
    assert any(words[0] in each.value for each in opened("generalization", lang=language).subheader)
    changed("UPDATE landmarks SET position = NULL, low = NULL, high = NULL WHERE kind = 'threshold'")
    app = opened("generalization", lang=language)
    assert not app.exception and any(words[1] in each.value for each in app.subheader)


def test_without_runs_of_the_study_the_section_says_how_to_get_them(opened, changed):
    changed(f"UPDATE studies SET complete = 0 WHERE study = '{STUDY}'")
    app = opened("generalization")
    assert not app.exception
    assert "How many images can a network fit, and is the peak there?" in [each.value for each in app.subheader]


@pytest.mark.parametrize("seeds", ["0, 1, 2", "2"], ids=["a width", "a seed"])
@both
def test_what_was_not_trained_is_not_taken_for_not_fitted(opened, changed, language, seeds):
    """The widest networks lack runs on the largest number of images."""
    lost = f"""SELECT run FROM runs r JOIN configurations c USING (configuration) WHERE r.study = '{STUDY}' AND c.x = 64 AND r.seed IN ({seeds})
               AND c.settings->>'n_train' = '500' AND c.settings->>'epochs' = '20' AND CAST(c.settings->>'label_noise' AS DOUBLE) = 0.2"""
    whole = seeds.count(",") == 2
    changed(
        f"CREATE TEMP TABLE lost AS {lost}",
        "CREATE TEMP TABLE cells AS SELECT DISTINCT configuration FROM runs JOIN lost USING (run)",
        "DELETE FROM curves WHERE run IN (FROM lost)",
        *(["DELETE FROM intervals WHERE configuration IN (FROM cells)"] if whole else []),
        "UPDATE runs SET status = 'failed' WHERE run IN (FROM lost)",
    )
    app = opened("generalization", lang=language)
    assert not app.exception
    _, tables, _ = picture(app)
    drawn = {row["width"]: row for row in tables["widths"].to_pylist()}
    assert (64 in drawn) is not whole and len(drawn) > 1
    if not whole:
        table = next(each.value for each in app.dataframe if {"width", "fewest"} <= set(each.value.columns))
        assert table.set_index("width")["n"][64] == 2, "a seed that was not trained on every number is none of a bar"
    number = len(seeds.split(","))
    words = {
        "en": f"**{number} runs of these are missing, failed or diverged**",
        "ko": f"실행 {number}개가 없거나 실패했거나 발산했습니다.",
    }
    assert any(words[language] in each.value for each in app.markdown)
    asked = {"en": "How many images can a network fit, and is the peak there?", "ko": "신경망은 이미지를 몇 장까지 맞출 수 있고, 봉우리는 거기에 있을까요?"}  # fmt: skip
    assert asked[language] in [each.value for each in app.subheader]


def test_seeds_that_fit_at_no_width_are_counted(opened, changed):
    changed("UPDATE landmarks SET position = 8, low = 8, high = 8, reached = 1, n = 3 WHERE kind = 'threshold'")
    app = opened("generalization")
    assert any("fitted from width 8 on (1 of 3 single seeds: 8)" in each.value for each in app.markdown)


def test_a_clear_peak_on_images_that_no_network_fits_is_in_the_heading(opened, changed):
    changed(
        "UPDATE landmarks SET position = NULL, low = NULL, high = NULL WHERE kind = 'threshold'",
        "UPDATE landmarks SET position = 8, clear = true WHERE kind = 'ridge_across'",
    )
    headings = [each.value.replace("\u2060", "") for each in opened("generalization").subheader]
    assert "No network fits 500 images; the test error on them peaks at width 8" in headings
