"""A page before an audience, in a real browser: what fits the screen, and the keys that go through the steps."""

import pytest

from tests.browser.test_every_page import check_accessible, check_whole
from tests.browser.test_generalization import MAP, address, cell, click_cell, find

SCREEN = (1280, 720)
PAGES = ("generalization", "activation", "depth", "batch_norm", "batch_size", "wiring")


def below(page, selector: str) -> float:
    """Where the lowest of some elements ends, in pixels from the top of the screen."""
    return page.locator(selector).evaluate_all(
        "all => Math.max(...all.map(each => each.getBoundingClientRect().bottom))"
    )


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", PAGES)
def test_title_step_and_the_whole_main_picture_fit_a_projector(server, visit, name, language):
    page = visit(f"{server}/{name}?lang={language}&present=1&step=1", size=SCREEN, dark=language == "ko")
    check_whole(page)
    check_accessible(page)
    assert page.locator("h1").bounding_box()["y"] >= 0
    drawn = page.locator('[data-testid="stVegaLiteChart"] .marks').first.bounding_box()
    assert drawn["y"] + drawn["height"] <= SCREEN[1] and drawn["x"] + drawn["width"] <= SCREEN[0]
    assert drawn["width"] > 0.9 * SCREEN[0]
    step = page.locator("text=/^1\\. /").first
    assert step.bounding_box()["y"] + step.bounding_box()["height"] <= drawn["y"] + 1


@pytest.mark.parametrize("name", ["depth", "batch_norm", "batch_size"])
def test_the_arrow_keys_and_a_remote_control_go_through_the_steps_and_stop_at_the_ends(server, visit, name):
    page = visit(f"{server}/{name}?lang=en&present=1", size=SCREEN)
    for key, step in (("ArrowRight", "1"), ("PageDown", "2"), ("ArrowLeft", "1")):
        page.keyboard.press(key)
        page.wait_for_function("step => location.search.includes(`step=${step}`)", arg=step, timeout=30_000)
        page.wait_for_selector(f"text=/^{step}\\. /", timeout=30_000)
    page.keyboard.press("PageUp")
    page.wait_for_timeout(1_500)
    assert address(page)["step"] == "1"


def test_on_the_map_the_arrow_keys_move_the_cell_and_the_page_keys_go_through_the_steps(server, visit, settled):
    page = visit(f"{server}/generalization?lang=en&present=1", size=SCREEN)
    find(page)
    w, _ = cell(page)
    page.keyboard.press("ArrowRight" if w == 0 else "ArrowLeft")
    page.wait_for_function("w => view.signal('at_w') !== w", arg=w, timeout=20_000)
    page.keyboard.press("PageDown")
    page.wait_for_function("() => location.search.includes('step=1')", timeout=30_000)
    settled(page)  # a key that comes while the page is made again is not heard
    page.keyboard.press("PageDown")
    page.wait_for_function("() => location.search.includes('reading=up')", timeout=30_000)
    settled(page)
    find(page)
    page.wait_for_timeout(500)
    w, e = cell(page)
    click_cell(page, 0 if w else 1, e)  # beside its slices the map is picked as ever
    page.wait_for_function("w => view.signal('at_w') !== w", arg=w, timeout=20_000)


def test_a_larger_screen_gets_a_larger_picture(server, visit):
    page = visit(f"{server}/generalization?lang=en&present=1", size=(1920, 1080))
    assert page.locator(f"{MAP} .marks").bounding_box()["width"] > 1700
    check_whole(page)
    assert 900 < below(page, f"{MAP} .marks") <= 1080
