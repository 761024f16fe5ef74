"""What a reader takes away, and the views without furniture, in a real browser."""

import io
import re
import time
import urllib.request
from urllib.parse import parse_qs, quote, urlsplit
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from explorer.results import site
from tests.browser.test_every_page import check_accessible, check_whole
from tests.browser.test_generalization import MAP, address, cell, click_cell, find

PHONE = (390, 844)
SVG = "{http://www.w3.org/2000/svg}"
SCALE = 2  # pixels of a PNG per pixel of the page: explorer/take_away/picture.js
TITLE_BAND = slice(24 * SCALE, 46 * SCALE)  # the first line of the title
LINK_BAND = 26 * SCALE  # from the bottom: the last line, which is the link


def taken(page, kind: str) -> bytes:
    button = page.get_by_role("button", name=re.compile(f"^(This picture as|이 그림을) {kind}"))
    with page.expect_download(timeout=60_000) as download:
        button.click()
    assert download.value.suggested_filename == f"generalization-{site.data_version()}.{kind.lower()}"
    return download.value.path().read_bytes()


def glyphs(band: np.ndarray) -> list[bytes]:
    """The shapes that stand apart in a line of text, from left to right; `band` holds the ink of each pixel as a boolean."""
    columns = np.flatnonzero(np.diff(np.concatenate([[False], band.any(axis=0), [False]]).astype(int)))
    return [band[:, start:end].tobytes() + bytes([end - start]) for start, end in columns.reshape(-1, 2)]


def ink(image: Image.Image) -> np.ndarray:
    """Where a picture differs clearly from its own ground."""
    pixels = np.asarray(image.convert("RGB")).astype(int)
    return np.abs(pixels - pixels[0, 0]).sum(axis=2) > 150


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_png_holds_title_source_version_and_link_with_korean_letters_drawn(server, visit, dark):
    page = visit(f"{server}/generalization?lang=ko&noise=0.0", dark=dark)
    find(page)
    image = Image.open(io.BytesIO(taken(page, "PNG")))
    image.load()
    title = page.locator("h1").inner_text().strip()
    assert image.text["Title"].replace("\u2060", "") == title.replace("\u2060", "")
    assert "double_descent/mnist_mlp" in image.text["Source"]
    assert site.data_version() in image.text["Description"]
    link = urlsplit(image.text["URL"])
    assert parse_qs(link.query) == {"lang": ["ko"], "noise": ["0.0"], "v": [site.data_version()]}
    drawn = ink(image)
    shapes = glyphs(drawn[TITLE_BAND])
    # A font without Korean draws one and the same box for every syllable.
    hangul = set(re.findall("[가-힣]", title))
    assert len(set(shapes)) > len(hangul) / 2 > 3
    assert drawn[-LINK_BAND:].sum() > 500
    ground = np.asarray(image.convert("RGB"))[0, 0].sum()
    assert (ground < 200) == dark
    again = visit(image.text["URL"])
    assert again.locator("h1").inner_text().strip() == title


def test_an_svg_holds_the_same_as_text_and_follows_the_picked_cell(server, visit):
    page = visit(f"{server}/generalization?lang=en")
    find(page)
    click_cell(page, 1, 5)
    page.wait_for_function("() => location.search.includes('epoch=')", timeout=30_000)
    picked = address(page)
    drawing = ElementTree.fromstring(taken(page, "SVG"))
    texts = ["".join(text.itertext()) for text in drawing.iter(f"{SVG}text")]
    whole = " ".join(texts)
    assert page.locator("h1").inner_text().strip() in whole
    assert site.data_version() in whole and "double_descent/mnist_mlp" in whole
    links = [anchor.get("href") for anchor in drawing.iter(f"{SVG}a")]
    assert parse_qs(urlsplit(links[0]).query)["epoch"] == [picked["epoch"]]
    assert parse_qs(urlsplit(links[0]).query)["width"] == [picked["width"]]
    assert f"width {picked['width']}" in whole.lower()  # the slice's own title: the chart is the one on the screen
    assert len(list(drawing.iter(f"{SVG}path"))) > 100  # drawn as shapes
    assert not list(drawing.iter(f"{SVG}image"))
    height, lowest = (
        float(drawing.get("height")),
        max(float(text.get("y", 0)) for text in drawing.findall(f".//{SVG}a/{SVG}text")),
    )
    assert lowest < height


def test_without_the_way_to_the_chart_the_files_hold_what_is_on_the_screen(server, visit):
    page = visit(f"{server}/generalization?lang=en")
    find(page)
    page.evaluate(
        """selector => { const chart = document.querySelector(selector)
             for (const key of Object.keys(chart)) if (key.startsWith("__reactFiber$")) delete chart[key] }""",
        MAP,
    )
    image = Image.open(io.BytesIO(taken(page, "PNG")))
    assert "Title" in image.text and ink(image).mean() > 0.2
    drawing = ElementTree.fromstring(taken(page, "SVG"))
    assert len(list(drawing.iter(f"{SVG}image"))) == 1
    assert site.data_version() in " ".join("".join(text.itertext()) for text in drawing.iter(f"{SVG}text"))


def test_before_an_audience_the_arrow_keys_move_the_cell_and_nothing_is_to_be_operated(server, visit, settled):
    page = visit(f"{server}/generalization?lang=en&present=1")
    find(page)
    w, e = cell(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft" if w else "ArrowRight")
    moved = [w - 1 if w else w + 1, e - 2]
    page.wait_for_function(
        "([w, e]) => view.signal('at_w') === w && view.signal('at_e') === e", arg=moved, timeout=20_000
    )
    page.wait_for_function("() => location.search.includes('epoch=')", timeout=30_000)
    settled(page)
    check_whole(page)
    assert address(page)["present"] == "1"
    visible = "els => els.filter(el => el.checkVisibility()).length"
    assert page.locator('button, input, select, [role="slider"], [role="radio"]').evaluate_all(visible) == 0
    assert page.get_by_text(f"data version {site.data_version()}").is_visible()
    page.keyboard.press(" ")
    page.wait_for_function("e => view.signal('at_e') !== e", arg=moved[1], timeout=20_000)
    page.keyboard.press(" ")


@pytest.mark.parametrize("name", ["generalization", "claims"])
def test_an_embedded_page_fits_its_frame_and_links_to_the_whole(server, visit, name):
    page = visit(f"{server}/{name}?embed=true&lang=ko", size=PHONE)
    check_whole(page)
    check_accessible(page)
    assert page.locator('[data-testid="stSidebar"]').count() == 0
    link = page.locator("a", has_text="잘되는데").last
    assert "embed" not in link.get_attribute("href") and f"v={site.data_version()}" in link.get_attribute("href")
    assert link.get_attribute("target") == "_blank"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_statement_in_a_link_runs_on_a_phone_and_its_rows_are_taken_away(server, visit, language):
    sql = "SELECT status, count(*) AS runs, repeat('가', 4000) AS long FROM runs GROUP BY ALL"
    page = visit(f"{server}/data?lang={language}&sql={quote(sql)}", size=PHONE, dark=language == "ko")
    page.wait_for_selector('[data-testid="stDataFrame"]', timeout=60_000)
    check_whole(page)
    check_accessible(page)
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert lines[0] == '"status","runs","long"' and lines[1].startswith('"complete",')


def test_a_statement_is_sent_with_the_keyboard(server, visit):
    page = visit(f"{server}/data?lang=en")
    box = page.get_by_role("textbox", name="Statement")
    box.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("SELECT 6 * 7 AS answer")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=Rows: 1. Columns: 1.", timeout=60_000)
    assert parse_qs(urlsplit(page.url).query)["sql"] == ["SELECT 6 * 7 AS answer"]


@pytest.mark.alone
def test_while_statements_run_to_their_limit_the_server_answers_others_within_a_second(server, browser):
    bomb = quote("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b")
    context = browser.new_context(locale="en-US")
    pages = [context.new_page() for _ in range(3)]
    for page in pages:
        page.goto(f"{server}/data?lang=en&sql={bomb}", wait_until="commit")
    waited = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        begun = time.monotonic()
        with urllib.request.urlopen(f"{server}/_stcore/health", timeout=10) as answer:
            assert answer.read() == b"ok"
        waited.append(time.monotonic() - begun)
        stopped = [page.get_by_text("Stopped after 5 seconds").count() for page in pages]
        if all(stopped):
            break
        pages[0].wait_for_timeout(100)
    assert all(stopped)
    assert max(waited) < 1
    context.close()
