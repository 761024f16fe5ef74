"""Every page as a reader meets it: from a link on a server that nobody has visited, on a phone, in the dark, with a screen reader."""

import re
from pathlib import Path
from xml.etree import ElementTree

import axe_playwright_python
import pytest

QUESTIONS = ("generalization", "activation", "depth", "batch_norm", "batch_size", "wiring")
PAGES = ("", *QUESTIONS, "claims", "runs", "data", "about")
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
FIND_VIEW, WORDS_BEYOND = (
    (Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("find_view.js", "words_beyond.js")
)
SVG = "{http://www.w3.org/2000/svg}"
SPARE = 4  # pixels: letters are measured by another font than they are drawn in
LANGUAGES = ("en", "ko")
WIDE, PHONE = (1280, 900), (390, 844)


def names(page: str) -> str:
    return page or "home"


def check_whole(page) -> None:
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.locator('[role="dialog"]').count() == 0
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("m => m.scrollWidth - m.clientWidth") <= 0
    assert page.locator("h1").count() == 1
    assert words_beyond(page) == []


def lightness(page) -> float:
    """Of the page's ground, from 0, black, to 1."""
    ground = page.locator('[data-testid="stApp"]').evaluate("app => getComputedStyle(app).backgroundColor")
    return sum(map(int, re.findall(r"\d+", ground)[:3])) / (3 * 255)


def words_beyond(page) -> list[str]:
    """The words of charts that are cut off; asked again for a while, since a chart may just be drawn anew."""
    for _ in range(10):
        found = page.evaluate(WORDS_BEYOND, [FIND_VIEW, SPARE])
        if not found:
            break
        page.wait_for_timeout(500)
    return found


def check_accessible(page) -> None:
    page.wait_for_timeout(600)  # text that is still fading in has too little contrast
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [
        (violation["id"], [node["html"][:160] for node in violation["nodes"][:3]])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert serious == []


def check_taken_away(page) -> None:
    """The file of the main picture is that picture, as shapes, under the title of the page."""
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name=re.compile("^(This picture as|이 그림을) SVG")).click()
    drawing = ElementTree.parse(download.value.path())
    told, shapes, images = (list(drawing.iter(f"{SVG}{kind}")) for kind in ("text", "path", "image"))
    assert page.locator("h1").inner_text().strip() in " ".join("".join(text.itertext()) for text in told)
    assert shapes and not images


@pytest.mark.parametrize("name", PAGES, ids=names)
def test_a_link_opened_on_a_fresh_server_shows_its_page_whole(fresh_server, visit, name):
    """Half of the servers are visited in English first, the others in Korean."""
    first, second = LANGUAGES if PAGES.index(name) % 2 else reversed(LANGUAGES)
    page = None
    for language in (first, second):
        sizes = (WIDE, PHONE) if language == "en" else (PHONE, WIDE)
        for size, dark in zip(sizes, (False, True), strict=True):
            page = visit(f"{fresh_server}/{name}?lang={language}", size=size, dark=dark, after=page)
            check_whole(page)
            assert (lightness(page) < 0.5) == dark
            assert page.evaluate("document.documentElement.lang") == language
            assert {"en": "Works, but why?", "ko": "잘되는데, 왜?"}[language] in page.title()
            check_accessible(page)
            if name in QUESTIONS and size == WIDE:
                check_taken_away(page)
