"""The OpenAPI document as tests read it: its operations, what references lead to, and everything inside it."""

from collections.abc import Iterator
from typing import Any

from operations.openapi import ENDPOINTS, whole_api
from shared.http.problems import PROBLEMS
from tests.support.api import JSON

DOCUMENT = whole_api()
PUBLIC = {
    "/api/auth/register",
    "/api/auth/login",
    "/api/auth/refresh",
    "/api/auth/logout",
    "/.well-known/jwks.json",
}


def operations() -> Iterator[tuple[str, JSON]]:
    """Every operation by its name, such as GET /api/projects."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def resolved(reference: str) -> JSON:
    """What a reference points to."""
    assert reference.startswith("#/")
    found: Any = DOCUMENT
    for name in reference[2:].split("/"):
        found = found[name]
    assert isinstance(found, dict)
    return found


def responses(name: str) -> JSON:
    """What an operation answers by status, whether it has the response for itself or shares it."""
    listed = OPERATIONS[name]["responses"].items()
    return {status: resolved(response["$ref"]) if "$ref" in response else response for status, response in listed}


def codes_of(response: JSON) -> list[str]:
    """The codes that the schemas of an error allow."""
    schema = response["content"]["application/problem+json"]["schema"]
    members = [resolved(one["$ref"])["properties"] for one in schema.get("oneOf", [schema])]
    assert all(PROBLEMS[member["code"]["const"]].status == member["status"]["const"] for member in members)
    return [member["code"]["const"] for member in members]


def nodes(value: Any) -> Iterator[JSON]:
    """Every object inside the document."""
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from nodes(member)
    elif isinstance(value, list):
        for item in value:
            yield from nodes(item)


OPERATIONS = dict(operations())
BY_NAME = {f"{endpoint.method} {endpoint.path}": endpoint for endpoint in ENDPOINTS}
