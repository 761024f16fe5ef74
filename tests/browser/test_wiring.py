"""The page on wiring in a real browser: a click opens a graph, and its address opens it again."""

from urllib.parse import parse_qs, urlparse

CHART = '[data-testid="stVegaLiteChart"]'
BETWEEN = 0.26
"""Share of the width at which a row has neither drawing nor marks."""


def test_a_click_in_a_row_opens_its_graph_and_its_address_opens_it_again(server, visit, settled):
    page = visit(f"{server}/wiring?lang=en")
    assert page.locator("h2:has-text('WS(4, 0.75), graph 0')").count() == 1
    box = page.locator(CHART).first.bounding_box()
    page.mouse.click(box["x"] + BETWEEN * box["width"], box["y"] + 30)
    page.wait_for_url("**graph=residual_chain-0**")
    page.wait_for_selector("h2:has-text('residual chain')")
    settled(page)
    assert parse_qs(urlparse(page.url).query)["graph"] == ["residual_chain-0"]
    assert page.locator('[role="graphics-document"][aria-label*="Drawing of residual chain"]').count() == 1
    again = visit(page.url.replace("lang=en", "lang=ko"), size=(390, 844))
    assert again.locator("h2:has-text('잔차 사슬')").count() == 1
    assert again.evaluate("document.documentElement.scrollWidth") <= 390
