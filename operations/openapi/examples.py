"""Requests and answers that were captured from the running API: the examples of the document and of the guide."""

import json
from functools import cache
from pathlib import Path
from typing import Any, NotRequired, TypedDict

CAPTURED = Path(__file__).with_name("examples.json")
"""Written by ``make examples``; a test plays the same again and finds the same."""


class Example(TypedDict):
    """A request that succeeded."""

    method: str
    path: str
    """With its query, as it was sent."""
    headers: NotRequired[dict[str, str]]
    """Those that make it more than the bare request."""
    body: NotRequired[dict[str, Any]]
    status: int
    answer_headers: NotRequired[dict[str, str]]
    answer: NotRequired[Any]


class Examples(TypedDict):
    """All of them."""

    operations: dict[str, Example]
    """By operation id."""
    problems: dict[str, dict[str, Any]]
    """By code."""


@cache
def _examples() -> Examples:
    found: Examples = json.loads(CAPTURED.read_text(encoding="utf-8"))
    return found


def operation_example(operation_id: str) -> Example:
    """What was asked of an operation, and answered."""
    return _examples()["operations"][operation_id]


def problem_example(code: str) -> dict[str, Any]:
    """A problem that was answered."""
    return _examples()["problems"][code]


def answered_header(operation_id: str, name: str) -> str:
    """A header of what an operation answered."""
    return operation_example(operation_id)["answer_headers"][name]
