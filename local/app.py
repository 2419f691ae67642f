"""The four functions in one process: what ``make run`` serves."""

from functions.auth.app import PREPARE
from operations.guide import guide_page
from operations.openapi import ENDPOINTS, openapi_json
from shared.docs import docs_endpoints
from shared.function import Function
from shared.settings import Settings


def create_app(settings: Settings) -> Function:
    """The whole API as one application."""
    return Function(
        "local", [*ENDPOINTS, *docs_endpoints(openapi_json, guide_page)], settings=lambda: settings, prepare=PREPARE
    )
