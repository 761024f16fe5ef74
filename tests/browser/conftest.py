"""A real server and a real browser. Chromium is the system's own; nothing is downloaded."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
READY = '[data-testid="stApp"][data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]'
WIDE, PHONE = (1280, 900), (390, 844)


@contextmanager
def running_server() -> Iterator[str]:
    """Starts the app on a free port, waits until it is healthy, yields its address and ends it."""
    process, address = _started()
    try:
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def _started(again: bool = True) -> tuple[subprocess.Popen, str]:
    """A healthy server and its address. One that ends at once is started `again`: another program may have taken its port meanwhile."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [
        f"--server.port={port}",
        "--server.address=127.0.0.1",
        "--server.headless=true",
        "--server.fileWatcherType=none",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", *options],
        cwd=ROOT, env=os.environ.copy(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_until_healthy(process, f"http://127.0.0.1:{port}/_stcore/health")
    except Exception as problem:
        process.kill()
        process.wait()
        if again and isinstance(problem, RuntimeError):
            return _started(again=False)
        raise
    return process, f"http://127.0.0.1:{port}"


def _wait_until_healthy(process: subprocess.Popen, health: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode} before it was healthy")
        try:
            with urllib.request.urlopen(health, timeout=2) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"no answer from {health}")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A server shared by tests that do not care whether it is fresh."""
    with running_server() as address:
        yield address


@pytest.fixture
def fresh_server() -> Iterator[str]:
    """A server that nobody has visited yet."""
    with running_server() as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        program = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser) -> Iterator[Callable[..., Page]]:
    """visit(address, size=PHONE, dark=True, locale="ko-KR") -> the page when it has come to rest; checks for errors at the end, and that nothing
    was asked of another host. Every visit is that of a new reader, or of the reader of a page `after` which it comes: then the browser has the
    app's files already. One with `touch` has fingers. Who does not want things to be `moving` asks for reduced motion: placeholders that pulse cost a visit twice the time."""
    contexts, errors, elsewhere = [], [], []

    def asked(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname != "127.0.0.1":
            elsewhere.append(request.url)

    def open_page(
        address: str,
        *,
        size: tuple[int, int] = WIDE,
        dark: bool = False,
        locale: str = "en-US",
        moving: bool = False,
        touch: bool = False,
        after: Page | None = None,
    ) -> Page:
        if after is None:
            contexts.append(browser.new_context(locale=locale, has_touch=touch))
            page = contexts[-1].new_page()
        else:
            page = after.context.new_page()
            after.close()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(
            color_scheme="dark" if dark else "light", reduced_motion="no-preference" if moving else "reduce"
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", asked)
        page.goto(address)
        settle(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []
    assert elsewhere == []


def settle(page: Page) -> None:
    """Waits until the script has run, nothing is stale or a skeleton, and every chart is drawn."""
    page.wait_for_selector(READY, timeout=60_000)
    page.wait_for_timeout(300)  # Streamlit asks again shortly after it connects
    page.wait_for_selector(READY, timeout=60_000)
    page.wait_for_function(
        """() => !document.querySelector('[data-testid^="stSkeleton"], [data-testid="stAppSkeleton"], [data-stale="true"]')
          && [...document.querySelectorAll('[data-testid="stVegaLiteChart"]')].every(c => c.querySelector('.marks'))""",
        timeout=60_000,
    )


@pytest.fixture
def settled() -> Callable[[Page], None]:
    return settle
