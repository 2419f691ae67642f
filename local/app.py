"""The four functions in one process: what ``make run`` serves."""

import json
from functools import cache

from functions.auth.app import PREPARE
from operations.guide import guide_page
from operations.openapi import ENDPOINTS, whole_api
from shared.docs import docs_endpoints
from shared.function import Function
from shared.settings import Settings


def create_app(settings: Settings) -> Function:
    """The whole API as one application."""
    return Function(
        "local", [*ENDPOINTS, *docs_endpoints(_openapi, _guide)], settings=lambda: settings, prepare=PREPARE
    )


@cache
def _openapi() -> bytes:
    return json.dumps(whole_api()).encode()


@cache
def _guide() -> bytes:
    return guide_page()
