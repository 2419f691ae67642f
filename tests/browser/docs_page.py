"""The page of the documentation, as somebody uses it."""

import json
from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.tab import Tab
from tests.support.api import JSON


class DocsPage(Tab):
    """Swagger UI."""

    def open(self, fragment: str = "") -> None:
        """Wait until every operation is there."""
        self.go(f"/api/docs{fragment}")
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


def answer(operation: Locator) -> tuple[int, Any]:
    """The status and the body that an operation that was tried has been answered."""
    shown = operation.locator(".live-responses-table tbody .response").first
    status = int(shown.locator(".response-col_status").inner_text().split()[0])
    return status, json.loads(shown.locator(".highlight-code code").first.inner_text())
