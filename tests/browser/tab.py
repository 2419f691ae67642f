"""A page in a tab of its own, as somebody uses it, who is told whenever the browser has something to complain of."""

from itertools import product
from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it says nothing of its types
from playwright.sync_api import ConsoleMessage, Locator, Page, Request

from shared.docs import ICON_PATH

WIDE, NARROW, HEIGHT = 1280, 360, 900
"""Pixels: a laptop and the narrowest telephone that is still about."""
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LOOKS = tuple(product((NARROW, WIDE), SCHEMES))
TABS = 60
"""So many stops of the keyboard are more than there are before anything that is looked for."""
CANNOT_BE_MENDED: dict[str, str] = {}
"""Rules of axe that Swagger UI breaks and that neither docs.css nor start.js can help, with the reason."""
REPEATED = [[".response ~ .response"]]
"""An operation has ten answers of the same elements: the first is looked at, which takes a third of the time."""

EXCUSED = {
    "Deprecated: escaping deep link whitespace with `_`": "to Swagger UI the _ of an operation's id is a blank",
}
"""How a complaint that is none begins, and why it is none."""
GIVEN_UP = "net::ERR_ABORTED"
"""What Chromium says of a request that it took back itself."""


class Tab:
    """A page; ``faults`` are what must not happen on it."""

    def __init__(self, page: Page, origin: str, screenshots: Path) -> None:
        self.page = page
        self.faults: list[str] = []
        self._origin = origin
        self._screenshots = screenshots
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(f"exception: {error}"))
        page.on("request", self._asked)
        page.on("requestfailed", self._failed)

    def _heard(self, message: ConsoleMessage) -> None:
        """Where the policy of the page is violated, Chromium says so here too."""
        if message.type == "error" and not message.text.startswith(tuple(EXCUSED)):
            self.faults.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self._origin}/", "data:")):
            self.faults.append(f"another origin: {request.url}")

    def _failed(self, request: Request) -> None:
        """Who leaves a page before its icon is there makes the browser give the icon up, which nobody sees."""
        if (request.url, request.failure) != (f"{self._origin}{ICON_PATH}", GIVEN_UP):
            self.faults.append(f"failed: {request.url} {request.failure}")

    def go(self, path: str) -> None:
        """Open a page of our own origin."""
        self.page.goto(f"{self._origin}{path}")

    def tab_to(self, target: Locator) -> None:
        """Press Tab until the target has the focus; wherever it is on the way can be seen."""
        for _ in range(TABS):
            self.page.keyboard.press("Tab")
            focused = self.page.locator("*:focus")
            outline = focused.evaluate("element => getComputedStyle(element).outlineStyle")
            assert outline != "none", focused.evaluate("element => element.outerHTML.slice(0, 200)")
            if target.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"the keyboard does not reach {target}")

    def become(self, width: int, scheme: Scheme) -> None:
        """Make the window so many pixels wide, and the system light or dark; wait until no colour changes any more."""
        self.page.set_viewport_size({"width": width, "height": HEIGHT})
        self.page.emulate_media(color_scheme=scheme)
        self.page.evaluate("Promise.allSettled(document.getAnimations().map(animation => animation.finished))")

    def is_wider_than_the_window(self) -> bool:
        """Whether the page could be scrolled sideways."""
        wider: bool = self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        return wider

    def keep(self, name: str) -> None:
        """A picture for whoever wants to look."""
        self.page.screenshot(path=self._screenshots / f"{name}.png")

    def barriers(self, selector: str) -> list[str]:
        """What keeps people out of a part of the page, by axe: rule, element and what is said of it."""
        context = {"include": [[selector]], "exclude": REPEATED}
        violations = Axe().run(self.page, context=context).response["violations"]
        return [
            f"{violation['id']}: {node['target']} {node['failureSummary']}"
            for violation in violations
            if violation["impact"] in ("serious", "critical") and violation["id"] not in CANNOT_BE_MENDED
            for node in violation["nodes"]
        ]
