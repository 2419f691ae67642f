"""The OpenAPI document of the whole API: ``python -m operations openapi``."""

import argparse
import json
from functools import cache
from pathlib import Path
from typing import Any

from functions.auth.app import ENDPOINTS as AUTH
from functions.comments.app import ENDPOINTS as COMMENTS
from functions.issues.app import ENDPOINTS as ISSUES
from functions.projects.app import ENDPOINTS as PROJECTS
from operations.console import write
from operations.openapi.document import describe
from shared import VERSION

ENDPOINTS = [*AUTH, *PROJECTS, *ISSUES, *COMMENTS]


def whole_api() -> dict[str, Any]:
    """The document that the public entry serves."""
    return describe(ENDPOINTS, VERSION)


@cache
def openapi_json() -> bytes:
    """The same as it is sent."""
    return json.dumps(whole_api()).encode()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's options."""
    parser.add_argument("--output", type=Path, help="write to this file instead of standard output")


def run(args: argparse.Namespace) -> int:
    """Write the document; 0, or 1 where the file cannot be written."""
    return write("openapi", json.dumps(whole_api(), indent=2) + "\n", args.output)
