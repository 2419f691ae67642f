"""The page of the documentation, as somebody uses it, who is told whenever the browser has something to complain of."""

import json
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

from tests.support.api import JSON

WIDE, NARROW, HEIGHT = 1280, 360, 900
"""Pixels: a laptop and the narrowest telephone that is still about."""
Scheme = Literal["light", "dark"]
TABS = 60
"""So many stops of the keyboard are more than there are before anything that is looked for."""

EXCUSED = {
    "Deprecated: escaping deep link whitespace with `_`": "to Swagger UI the _ of an operation's id is a blank",
}
"""How a complaint that is none begins, and why it is none."""


class DocsPage:
    """A page in a tab of its own; ``faults`` are what must not happen on it."""

    def __init__(self, page: Page, origin: str, screenshots: Path) -> None:
        self.page = page
        self.faults: list[str] = []
        self._origin = origin
        self._screenshots = screenshots
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(f"exception: {error}"))
        page.on("request", self._asked)
        page.on("requestfailed", lambda request: self.faults.append(f"failed: {request.url} {request.failure}"))

    def _heard(self, message: ConsoleMessage) -> None:
        """Where the policy of the page is violated, Chromium says so here too."""
        if message.type == "error" and not message.text.startswith(tuple(EXCUSED)):
            self.faults.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self._origin}/", "data:")):
            self.faults.append(f"another origin: {request.url}")

    def open(self, fragment: str = "") -> None:
        """Wait until every operation is there."""
        self.page.goto(f"{self._origin}/api/docs{fragment}")
        expect(self.page.get_by_role("heading", name="Schemas")).to_be_visible()

    def operation(self, name: str) -> Locator:
        """An operation by its tag and its id, such as ``auth-login``."""
        return self.page.locator(f"#operations-{name}")

    def opened(self, name: str) -> Locator:
        """An operation that can be tried, the only one that is open: each makes the page slower."""
        for other in self.page.locator(".opblock.is-open > .opblock-summary > .opblock-summary-control").all():
            other.click()
        operation = self.operation(name)
        operation.locator(".opblock-summary-control").click()
        operation.get_by_role("button", name="Try it out").click()
        return operation

    def call(self, name: str, body: JSON | None = None, **parameters: str) -> tuple[int, Any]:
        """Try an operation: the status and the body that the page shows."""
        operation = self.opened(name)
        for parameter, value in parameters.items():
            operation.get_by_label(parameter, exact=True).fill(value)
        if body:
            operation.get_by_label("Request body").fill(json.dumps(body))
        operation.get_by_role("button", name="Execute").click()
        return answer(operation)

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


def answer(operation: Locator) -> tuple[int, Any]:
    """The status and the body that an operation that was tried has been answered."""
    shown = operation.locator(".live-responses-table tbody .response").first
    status = int(shown.locator(".response-col_status").inner_text().split()[0])
    return status, json.loads(shown.locator(".highlight-code code").first.inner_text())
