"""The depths of the page on activation functions in a real browser: played through, stepped, scrubbed, with reduced motion, on a phone."""

import itertools
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.activation_runs import MLP, baked, rows_of
from tests.browser.conftest import running_server
from tests.browser.test_every_page import check_accessible, check_whole
from tests.browser.test_generalization import FIND_VIEW, PHONE

CHART = '.st-key-activation_through_depths [data-testid="stVegaLiteChart"]'
DEPTHS = [1, 2, 4, 8, 16, 32]
# Every depth that is shown from now on, in milliseconds from the first on.
WATCH = """() => {
  window.shown = []
  view.addSignalListener("depth_place", (_, place) => window.shown.push([place, performance.now()]))
}"""
COUNT_MESSAGES = """() => {
  window.sent = 0
  const send = WebSocket.prototype.send
  WebSocket.prototype.send = function (...message) { window.sent += 1; return send.apply(this, message) }
}"""
STRIP = '.st-key-views_picture [data-testid="stVegaLiteChart"]'
# Where the first dot of a function lies on the screen.
DOT = """([selector, code]) => {
  const search = (mark, x, y) => {
    for (const item of mark.items ?? []) {
      if (mark.marktype === "symbol" && item.datum?.function === code) return [x + item.x, y + item.y]
      for (const child of mark.marktype === "group" ? item.items : []) {
        const found = search(child, x + (item.x ?? 0), y + (item.y ?? 0))
        if (found) return found
      }
    }
  }
  const canvas = document.querySelector(`${selector} .marks`).getBoundingClientRect()
  const [left, top] = view.origin()
  return search(view.scenegraph().root, canvas.left + left, canvas.top + top)
}"""
DRAWN = """() => {
  const texts = [], dots = new Set()
  const search = (mark) => {
    for (const item of mark.items ?? []) {
      if (mark.marktype === "text") texts.push(String(item.text))
      if (mark.marktype === "symbol" && item.datum?.depth !== undefined) dots.add(item.datum.depth)
      if (mark.marktype === "group") item.items.forEach(search)
    }
  }
  search(view.scenegraph().root)
  return [texts, [...dots]]
}"""


@pytest.fixture(scope="module")
def depths(planted_once):
    """The address of a server whose results hold three functions at six depths; a sigmoid fails from 8 layers on."""
    wanted = lambda spec: spec.start == "xavier" and spec.activation in ("sigmoid", "tanh", "relu")
    made_up = planted_once("through_depths", lambda folder: baked(folder, rows_of([MLP], wanted)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHY_RESULTS", str(made_up))
        with running_server() as address:
            yield address


@pytest.fixture
def explore(depths, visit):
    """Opens the page and finds the view of the chart that is played: explore("depth=4", size=PHONE)."""

    def open_page(query: str = "", language: str = "en", **how):
        page = visit(f"{depths}/activation?lang={language}&{query}", **how)
        page.wait_for_function(FIND_VIEW, arg=CHART, timeout=60_000)
        page.evaluate("() => view.runAsync().then(() => true)")
        return page

    return open_page


def shown(page) -> int:
    """The depth whose dots are drawn; it is what the title says, and the player."""
    page.evaluate("() => view.runAsync().then(() => true)")
    texts, (depth,) = page.evaluate(DRAWN)
    assert f"{depth} hidden layer{'' if depth == 1 else 's'}" in texts
    assert ("0 of 5 trained" in texts) == (depth >= 8)
    assert page.locator('[data-part="player"]').get_by_role("slider", name="Hidden layers").get_attribute(
        "aria-valuetext"
    ) == str(depth)
    assert page.locator('[data-part="played-value"]').inner_text() == str(depth)
    return depth


def button(page, name: str):
    """A button of the player."""
    return page.locator('[data-part="player"]').get_by_role("button", name=name)


def play(page, until: int) -> list[tuple[int, float]]:
    """Plays until so many depths were shown: their places and when."""
    page.evaluate(WATCH)
    button(page, "Play").click()
    page.wait_for_function("n => window.shown.length >= n", arg=until, timeout=60_000)
    return page.evaluate("() => window.shown")


@pytest.mark.parametrize("touch", [False, True], ids=["click", "tap"])
def test_a_dot_opens_the_fresh_runs_of_its_function(depths, visit, settled, touch):
    page = visit(f"{depths}/activation?lang=en&depth=8", touch=touch)
    page.wait_for_function(FIND_VIEW, arg=STRIP, timeout=60_000)
    page.evaluate("() => view.runAsync().then(() => true)")
    (page.touchscreen.tap if touch else page.mouse.click)(*page.evaluate(DOT, [STRIP, "tanh"]))
    page.wait_for_url("**/runs?**", timeout=30_000)
    settled(page)
    asked = parse_qs(urlsplit(page.url).query)
    assert (asked["study"], asked["activation"], asked["depth"]) == ([MLP], ["tanh"], ["8"])
    assert page.locator('[data-testid="stDataFrame"]').count() >= 1
    check_whole(page)


@pytest.mark.parametrize("moving", [True, False])
def test_play_walks_through_all_depths_and_shows_none_for_less_than_a_second(explore, moving):
    page = explore("depth=32", moving=moving)
    assert shown(page) == 32
    frames = play(page, 6)
    assert [place for place, _ in frames] == [0, 1, 2, 3, 4, 5]
    times = [time for _, time in frames]
    apart = [after - before for before, after in itertools.pairwise(times)]
    assert min(apart) > 950, "a frame more a second than one, less what a timer may be early by"
    button(page, "Play").wait_for(timeout=20_000)
    assert shown(page) == 32 and len(page.evaluate("() => window.shown")) == 6


def test_the_play_through_stops_where_it_is_paused_and_goes_on_from_there(explore):
    page = explore("depth=1", moving=True)
    assert shown(page) == 1
    play(page, 2)
    button(page, "Pause").click()
    stopped = shown(page)
    page.wait_for_timeout(2_500)
    assert shown(page) == stopped
    place = DEPTHS.index(stopped)
    assert play(page, 1)[0][0] == place + 1


def test_buttons_and_keys_step_through_the_depths_without_a_trip_to_the_server(explore):
    page = explore("depth=4")
    page.evaluate(COUNT_MESSAGES)
    button(page, "One depth on").click()
    assert shown(page) == 8
    button(page, "One depth back").click()
    button(page, "One depth back").click()
    assert shown(page) == 2
    slider = page.locator('[data-part="played"]')
    slider.focus()
    page.keyboard.press("End")
    assert shown(page) == 32
    page.keyboard.press("ArrowLeft")
    assert shown(page) == 16
    slider.fill("0")
    assert shown(page) == 1
    button(page, "One depth back").click()
    assert shown(page) == 1, "there is none before the first"
    assert page.evaluate("() => window.sent") == 0


def test_the_chart_hides_its_own_slider_and_the_player_has_one(explore):
    page = explore()
    assert page.locator(f"{CHART} form.vega-bindings").is_hidden()
    assert page.locator('[data-part="player"] input:visible').count() == 1


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_phone_shows_the_depths_whole(explore, language):
    page = explore("depth=16", language, size=PHONE, dark=language == "ko")
    check_whole(page)
    check_accessible(page)
    for part in (f"{CHART} .marks", '[data-part="player"]'):
        box = page.locator(part).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE[0]
