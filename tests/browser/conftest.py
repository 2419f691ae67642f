"""A Chromium of this machine, and the page of the documentation in it, on which nothing may go wrong unheard."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.docs_page import DocsPage
from tests.browser.tab import HEIGHT, WIDE, Tab
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
SECONDS = 30
"""So long the browser waits for what has to be there."""

TabT = TypeVar("TabT", bound=Tab)
OpenDocs = Callable[..., DocsPage]


class OpenTab(Protocol):
    """Makes a tab of a kind."""

    def __call__(self, kind: type[TabT]) -> TabT: ...


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
def open_tab(browser: Browser, server: Server, screenshots: Path) -> Iterator[OpenTab]:
    """Makes a tab; afterwards nothing may have gone wrong in any."""
    tabs: list[Tab] = []
    with ExitStack() as stack:

        def opening(kind: type[TabT]) -> TabT:
            context = browser.new_context(viewport={"width": WIDE, "height": HEIGHT}, color_scheme="light")
            stack.callback(context.close)
            context.set_default_timeout(SECONDS * 1000)
            tab = kind(context.new_page(), server.url, screenshots)
            tabs.append(tab)
            return tab

        yield opening
    assert [fault for tab in tabs for fault in tab.faults] == []


@pytest.fixture
def open_docs(open_tab: OpenTab) -> OpenDocs:
    """Opens the page of the documentation, at a fragment of its address."""

    def opening(fragment: str = "") -> DocsPage:
        page = open_tab(DocsPage)
        page.open(fragment)
        return page

    return opening
