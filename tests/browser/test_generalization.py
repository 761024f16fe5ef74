"""The linked map in a real browser: click, keys, play, links, a phone."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

MAP = '[class*="st-key-linked_map_"] [data-testid="stVegaLiteChart"]'
FIND_VIEW = (Path(__file__).parent / "find_view.js").read_text(encoding="utf-8")
PHONE = (390, 844)

# From the press of the pointer until both slices have been computed and a frame has been painted.
TIME_THE_NEXT_PICK = """() => {
  window.took = null
  const before = JSON.stringify(view.signal("cell"))
  document.addEventListener("pointerdown", () => {
    const start = performance.now()
    const look = async () => {
      if (JSON.stringify(view.signal("cell")) === before) return requestAnimationFrame(look)
      await view.runAsync()
      requestAnimationFrame(() => setTimeout(() => { window.took = performance.now() - start }, 0))
    }
    requestAnimationFrame(look)
  }, { capture: true, once: true })
}"""
# The work of one step of the play-through: from setting the input until the view has redrawn both slices.
TIME_STEPS = """async () => {
  const input = document.querySelector('[class*="st-key-linked_map_"] form.vega-bindings input[name="cell_e"]')
  const last = Number(input.max)
  const times = []
  for (let n = 0; n < 20; n++) {
    const start = performance.now()
    input.value = (Number(input.value) + 1) % (last + 1)
    input.dispatchEvent(new Event("input", { bubbles: true }))
    await view.runAsync()
    times.push(performance.now() - start)
    await new Promise((done) => setTimeout(done, 30))
  }
  return times.sort((a, b) => a - b)
}"""

# Every epoch that the play-through stops at, from the first on.
WATCH_EPOCHS = """() => {
  window.shown = []
  view.addSignalListener("at_e", (_, place) => window.shown.push(place))
}"""


@pytest.fixture
def explore(server, visit):
    """Opens the page and finds the view of its map; explore("reading=up", size=PHONE)."""

    def open_map(query: str = "", **how):
        page = visit(f"{server}/generalization?lang=en&{query}", **how)
        find(page)
        return page

    return open_map


def find(page) -> None:
    page.wait_for_selector(f"{MAP} .marks", timeout=60_000)
    page.wait_for_function(FIND_VIEW, arg=MAP, timeout=60_000)
    page.evaluate("() => view.runAsync().then(() => true)")


def cell(page) -> tuple[int, int]:
    return tuple(page.evaluate("() => [view.signal('at_w'), view.signal('at_e')]"))


def address(page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


# The middle of the rectangle with these indices, looked up in the drawing itself; the first rectangles in it are the map's.
PLACE = """([w, e]) => {
  const search = (mark, x, y) => {
    for (const item of mark.items ?? []) {
      if (mark.marktype === "rect" && item.datum?.w === w && item.datum?.e === e) return [x + item.x + item.width / 2, y + item.y + item.height / 2]
      for (const child of mark.marktype === "group" ? item.items : []) {
        const found = search(child, x + (item.x ?? 0), y + (item.y ?? 0))
        if (found) return found
      }
    }
  }
  const canvas = document.querySelector('[class*="st-key-linked_map_"] .marks').getBoundingClientRect()
  const [left, top] = view.origin()
  return search(view.scenegraph().root, canvas.left + left, canvas.top + top)
}"""


def click_cell(page, w: int, e: int) -> None:
    page.mouse.click(*page.evaluate(PLACE, [w, e]))


def test_a_click_moves_the_cell_redraws_both_slices_and_goes_into_the_address(explore):
    page = explore()
    before = page.evaluate("() => history.length")
    click_cell(page, 1, 5)
    page.wait_for_function("() => view.signal('at_w') === 1 && view.signal('at_e') === 5", timeout=20_000)
    drawn = page.evaluate(
        "() => [view.data('cells').find(d => d.w === 1).width, view.data('cells').find(d => d.e === 5).epoch]"
    )
    page.wait_for_function("([w, e]) => location.search.includes(`width=${w}&epoch=${e}`)", arg=drawn, timeout=30_000)
    page.wait_for_selector(f"text=The runs behind the cell: width {drawn[0]}, epoch {drawn[1]}", timeout=30_000)
    assert page.evaluate("() => history.length") == before + 1, "one step back takes the whole pick back"


def test_a_tap_picks_a_cell_and_a_finger_that_scrolls_does_not(explore):
    page = explore(size=PHONE, touch=True)
    page.evaluate("() => document.querySelector('[class*=\"st-key-linked_map_\"]').scrollIntoView()")
    page.touchscreen.tap(*page.evaluate(PLACE, [1, 5]))
    page.wait_for_function("() => view.signal('at_w') === 1 && view.signal('at_e') === 5", timeout=20_000)
    page.wait_for_function("() => location.search.includes('width=')", timeout=30_000)
    x, y = page.evaluate(PLACE, [0, 3])
    fingers = page.context.new_cdp_session(page)
    steps = [("touchStart", y), *(("touchMove", y - 12 * step) for step in range(1, 12)), ("touchEnd", None)]
    for kind, at in steps:
        points = [] if at is None else [{"x": x, "y": at}]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_timeout(1_000)
    assert page.evaluate("() => [view.signal('at_w'), view.signal('at_e')]") == [1, 5]


def test_a_pick_keeps_the_chart_that_was_drawn(explore):
    page = explore()
    page.evaluate("() => { window.canvas = document.querySelector('[class*=\"st-key-linked_map_\"] .marks') }")
    click_cell(page, 0, 3)
    page.wait_for_function("() => location.search.includes('width=')", timeout=30_000)
    page.wait_for_timeout(1_500)
    assert page.evaluate("() => window.canvas === document.querySelector('[class*=\"st-key-linked_map_\"] .marks')")


@pytest.mark.alone
def test_a_click_takes_less_than_a_third_of_a_second(explore):
    page = explore()
    times = []
    for place in (2, 9, 4, 12, 6, 1, 8):
        page.evaluate(TIME_THE_NEXT_PICK)
        click_cell(page, place % 4, place)
        page.wait_for_function("() => window.took !== null", timeout=20_000)
        times.append(page.evaluate("() => window.took"))
        page.wait_for_timeout(400)
    # The best of seven, since this machine may be busy with other work; it still fails when a pick goes through the server and back.
    assert min(times) < 300, times


@pytest.mark.alone
def test_a_step_of_the_play_through_takes_less_than_fifty_milliseconds(explore):
    page = explore()
    times = page.evaluate(TIME_STEPS)
    assert times[len(times) // 4] < 50, times


def test_play_walks_through_the_epochs_and_leaves_fading_lines_until_it_is_paused(explore):
    page = explore(moving=True)
    last = cell(page)[1]
    play = page.get_by_role("button", name="Play")
    play.click()
    page.wait_for_function("() => view.signal('at_e') > 2 && view.signal('trail') === true", timeout=30_000)
    page.get_by_role("button", name="Pause").click()
    stopped = cell(page)[1]
    assert 2 < stopped <= last
    page.wait_for_timeout(600)
    assert cell(page)[1] == stopped
    page.wait_for_function("() => location.search.includes('epoch=')", timeout=30_000)


def test_reduced_motion_walks_through_round_epochs_without_fading_lines(explore):
    page = explore()
    epochs = page.evaluate("() => [...new Set(view.data('cells').map(d => d.epoch))].sort((a, b) => a - b)")
    page.evaluate(WATCH_EPOCHS)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => window.shown.length >= 5", timeout=30_000)
    assert page.evaluate("() => view.signal('trail')") is False
    page.get_by_role("button", name="Pause").click()
    shown = [epochs[place] for place in page.evaluate("() => window.shown")]
    round_ones = [min(epochs, key=lambda epoch: abs(epoch - wanted)) for wanted in (1, 2, 5, 10, 20)]
    assert shown[:5] == round_ones, "the map of the tests ends at epoch 40"


def test_arrow_keys_move_the_cell_and_the_sliders_say_its_epoch_and_width(explore):
    page = explore()
    _, e = cell(page)
    epoch = page.get_by_role("slider", name="Epoch", exact=True)
    epoch.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("e => view.signal('at_e') === e", arg=e - 2, timeout=20_000)
    width = page.get_by_role("slider", name="Width", exact=True)
    width.focus()
    page.keyboard.press("Home")
    page.wait_for_function("() => view.signal('at_w') === 0", timeout=20_000)
    assert "units" in width.get_attribute("aria-valuetext")
    page.wait_for_function("() => location.search.includes('epoch=')", timeout=30_000)


def test_a_link_reproduces_the_view(explore, visit):
    page = explore("measure=gap&reading=up&threshold=0.1&noise=0.0")
    click_cell(page, 2, 4)
    page.wait_for_function("() => location.search.includes('epoch=')", timeout=30_000)
    again = visit(page.url)
    find(again)
    assert cell(again) == (2, 4) == cell(page)
    assert address(again) == address(page)
    assert again.get_by_role("radio", name="gap").is_checked()
    assert again.get_by_role("radio", name="up").is_checked()


def test_a_guided_step_moves_the_same_picture(explore):
    page = explore()
    page.get_by_role("button", name="Show that column").click()
    page.wait_for_function("() => location.search.includes('reading=up')", timeout=30_000)
    page.wait_for_timeout(1_500)
    find(page)
    widths = page.evaluate("() => [...new Set(view.data('cells').map(d => d.width))].sort((a, b) => a - b)")
    assert widths[cell(page)[0]] == int(address(page)["width"])
    box = page.locator(".st-key-views_picture").bounding_box()
    assert -1 <= box["y"] and box["y"] + 300 < page.viewport_size["height"], "the picture that a step changes is seen"


@pytest.mark.parametrize("query", ["", "measure=loss&y=log&x=log&reading=up", "measure=gap&threshold=0.01"])
def test_a_phone_shows_the_page_without_sideways_scroll(explore, query):
    page = explore(query, size=PHONE)
    sizes = page.evaluate(
        """() => { const main = document.querySelector('[data-testid="stMain"]')
                   return [document.documentElement.scrollWidth, innerWidth, main.scrollWidth, main.clientWidth] }"""
    )
    assert sizes[0] <= sizes[1]
    assert sizes[2] <= sizes[3]
    box = page.locator(f"{MAP} .marks").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE[0]


def test_a_tap_on_a_phone_moves_the_cell(explore):
    page = explore(size=PHONE)
    page.locator(MAP).scroll_into_view_if_needed()
    click_cell(page, 1, 2)
    page.wait_for_function("() => view.signal('at_w') === 1 && view.signal('at_e') === 2", timeout=20_000)


def test_the_tooltip_of_one_cell_does_not_take_the_next_click(explore):
    page = explore()
    click_cell(page, 0, 9)
    page.wait_for_function("() => view.signal('at_e') === 9", timeout=20_000)
    page.wait_for_timeout(300)
    click_cell(page, 0, 7)
    page.wait_for_function("() => view.signal('at_e') === 7", timeout=20_000)
