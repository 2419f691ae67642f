"""A Chromium of this machine, and the page of the documentation in it, on which nothing may go wrong unheard."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.docs_page import HEIGHT, WIDE, DocsPage
from tests.support.api import Server

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SECONDS = 10
"""So long the browser waits for what has to be there."""

OpenDocs = Callable[..., DocsPage]


def find_browser() -> str:
    """The program, which CHROMIUM names where it is not on the PATH."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.fail("There is no Chromium: install it (Debian: apt install chromium), or name it by CHROMIUM.", False)
    return found


# For each file: as long as it runs, no other test of this process could have an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser without a window."""
    program = find_browser()
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program, args=ARGUMENTS) as made:
        yield made


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where pictures go: SCREENSHOTS, or a directory that pytest removes."""
    path = Path(os.environ.get("SCREENSHOTS") or tmp_path)
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture
def open_docs(browser: Browser, server: Server, screenshots: Path) -> Iterator[OpenDocs]:
    """Opens the page, at a fragment of its address; afterwards nothing may have gone wrong on it."""
    pages: list[DocsPage] = []
    with ExitStack() as stack:

        def opening(fragment: str = "") -> DocsPage:
            context = browser.new_context(viewport={"width": WIDE, "height": HEIGHT}, color_scheme="light")
            stack.callback(context.close)
            context.set_default_timeout(SECONDS * 1000)
            pages.append(DocsPage(context.new_page(), server.url, screenshots))
            pages[-1].open(fragment)
            return pages[-1]

        yield opening
    assert [fault for page in pages for fault in page.faults] == []
