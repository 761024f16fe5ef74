"""Guided steps, and the same before an audience."""

import json
import random
import re

import pytest

from explorer import guided, text, views
from tests.pages.reading import components
from tests.pages.runs.test_addresses import GARBAGE

PAGES = ("generalization", "activation", "depth", "batch_norm", "batch_size", "wiring")
HANGUL = re.compile("[가-힣]")
both = pytest.mark.parametrize("language", text.LANGUAGES)


def keys(app) -> dict:
    """What the listener to the keys was given."""
    (given,) = components(app, "guided_keys")
    return given


def buttons(app, page: str) -> list:
    return [button for button in app.button if re.fullmatch(rf"{page}\.step\.\d", button.key or "")]


def picture(app, page: str) -> str:
    charts = [element.proto for element in app.get("vega_lite_chart")][
        : 2 if page == "wiring" else 1
    ]  # a graph beside it
    return "".join(each.spec + "".join(str(hash(one.data.data)) for one in each.datasets) for each in charts)


@both
@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_steps_that_change_its_picture_and_the_first_takes_it_back(opened, page, language):
    app = opened(page, lang=language)
    first = picture(app, page)
    there = buttons(app, page)
    assert 2 <= len(there) <= 3
    assert text.of(language, f"{page}.step.heading") in [header.value for header in app.header]
    sentences = [each.value for each in app.markdown if re.match(r"\*\*\d\. ", each.value)]
    assert len(sentences) == len(there)
    assert all(bool(HANGUL.search(sentence)) == (language == "ko") for sentence in sentences)
    seen = set()
    for place in range(len(there)):
        app.button(key=f"{page}.step.{place + 1}").click().run()
        assert not app.exception
        seen.add(picture(app, page))
    assert len(seen) == len(there)
    app.button(key=f"{page}.step.1").click().run()
    if page != "activation":  # whose usual depth is neither its shallowest nor its deepest
        assert picture(app, page) == first


@pytest.mark.parametrize("page", PAGES)
def test_before_an_audience_the_step_in_the_address_is_said_and_no_other(opened, once, page):
    plain = once(page, present="1")
    assert not [each for each in plain.markdown if re.match(r"\*\*\d\. ", each.value)]
    app = opened(page, present="1", step="2")
    (sentence,) = [each.value for each in app.markdown if re.match(r"\*\*\d\. ", each.value)]
    assert sentence.startswith("**2. ")
    assert not buttons(app, page)
    for wrong in ("0", "9", "two", "-1", "9" * 5000):
        app = opened(page, present="1", step=wrong)
        assert not app.exception and not [each for each in app.markdown if re.match(r"\*\*\d\. ", each.value)]
        assert any("under Step" in each.value for each in app.info), wrong


@pytest.mark.parametrize("page", PAGES)
def test_the_arrow_keys_go_through_the_steps_except_where_they_move_the_cell(once, page):
    given = keys(once(page, present="1"))
    assert ("ArrowRight" in given["next"]) == ("ArrowLeft" in given["previous"]) == (page != "generalization")
    assert "PageDown" in given["next"] and "PageUp" in given["previous"]
    assert given["screen"] == list(views.SMALLEST_SCREEN)
    assert not components(once(page), "guided_keys")


@pytest.mark.parametrize("page", PAGES)
def test_before_an_audience_the_picture_takes_what_the_screen_leaves(opened, once, page, monkeypatch):
    def heights(app) -> int:
        def all_of(part) -> int:
            inner = [all_of(each) for key in ("vconcat", "layer") for each in part.get(key, [])]
            own = part.get("height", 0)
            return max(own if isinstance(own, int | float) else 0, sum(inner) if "vconcat" in part else max(inner, default=0),
                       *(all_of(each) for each in part.get("hconcat", [])))  # fmt: skip

        return all_of(json.loads(app.get("vega_lite_chart")[0].proto.spec))

    small = heights(once(page, present="1"))
    assert small < 720 - views.HEAD
    monkeypatch.setattr(views, "screen", lambda: (1920, 1080))
    large = heights(opened(page, present="1"))
    assert large == pytest.approx(small + 360, abs=20) or page in (
        "activation",
        "wiring",
    )  # a row a function or a family: no higher than it needs
    assert large < 1080 - views.HEAD


def test_before_an_audience_the_subtitle_stands_under_the_picture(once):
    usual, app = once("depth"), once("depth", present="1")
    subtitle = next(
        each.value for each in usual.markdown if each.value.startswith("Train and test error at the last epoch")
    )
    assert subtitle not in [each.value for each in app.markdown]
    assert subtitle in [each.value for each in app.caption]


def test_a_step_is_no_part_of_the_address_that_is_given_away(opened):
    app = opened("depth", present="1", step="1", y="log")
    assert "y=log" in app.caption[-1].value and "step=" not in app.caption[-1].value


def test_the_addresses_in_the_footer_say_which_keys_there_are(once):
    for page, words in {
        "generalization": "move the cell",
        "depth": "go through the steps",
        "claims": "no controls.",
    }.items():
        assert any(words in each.value for each in once(page).caption), page


def test_a_guess_is_asked_before_it_is_answered_and_an_unknown_one_is_not_taken(opened):
    app = opened("generalization", guess="nonsense")
    assert any("nonsense" in each.value for each in app.info)
    assert app.button(key="generalization.guess.gone")
    assert not any(text.of("en", "site.guess.again") == button.label for button in app.button)


@both
def test_an_unknown_guess_is_said_to_give_the_question(opened, language):
    said = [each.value for each in opened("generalization", guess="nonsense", lang=language).info]
    assert any("nonsense" in each and text.of(language, "site.guess.open") in each for each in said)
    assert not any("None" in each for each in said)


def test_a_step_without_values_needs_none():
    assert guided.Step("plain", {}).values == {}


KNOWN = {
    "study": ["mnist_mlp", "random_features", "cifar10_resnet", "mnist_cnn"], "variant": ["0.1", "1000-300"], "noise": ["0.0", "0.2"],
    "measure": ["gap", "loss", "examples", "seconds"], "reading": ["up"], "threshold": ["0.1"], "x": ["log", "linear"], "y": ["log"],
    "scale": ["all"], "width": ["3", "1024"], "epoch": ["1", "7"], "guess": ["gone", "skip"], "depth": ["2", "56"], "seed": ["1"],
    "norm": ["none", "batch"], "start": ["he"], "axis": ["linear"], "optimizer": ["all", "adam"], "target": ["0.15"], "paper": ["on"],
    "step": ["1", "2", "3"], "lang": ["en", "ko"], "v": ["0123456789ab"],
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_addresses_that_nobody_would_write_open_with_a_picture_and_without_an_exception(opened, page):
    draw = random.Random(page)
    app = opened(page)
    for turn in range(30):
        names = draw.sample(sorted(KNOWN), draw.randint(1, 8))
        query = {name: draw.choice(KNOWN[name] if draw.random() < 0.6 else GARBAGE) for name in names}
        query |= (
            {"present": "1"} if turn % 6 else {}
        )  # mostly the main picture alone, which is what all of these change
        for name in list(app.query_params):
            del app.query_params[name]
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception, (query, [error.message for error in app.exception])
        assert len(app.title) == 1 and app.get("vega_lite_chart"), query
