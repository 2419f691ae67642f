"""Links of the OpenAPI document: what is documented of each is there, and each leads where it says."""

import re
from collections.abc import Callable
from functools import reduce
from typing import Any

import httpx2
import pytest

from operations.openapi import ENDPOINTS
from operations.openapi.links import operation_id
from tests.support.api import JSON, Api
from tests.support.document import DOCUMENT, resolved
from tests.support.fixtures import world
from tests.support.people import PASSWORD
from tests.support.world import World, body_of

__all__ = ["world"]

EXPECTED = """
archive_project < create_project
create_comment < create_issue
create_issue < create_project
delete_user < register
edit_comment < create_comment
edit_issue < create_issue
edit_project < create_project
edit_user < register
end_session < list_sessions
get_comment < create_comment
get_issue < create_issue
get_project < create_project
get_user < register
list_comments < create_issue
list_history < create_issue
list_project_issues < create_project
list_revisions < create_comment
login < register
logout < login
logout < refresh
refresh < login
refresh < refresh
unlock_user < register
"""
EXPRESSION = re.compile(r"\$(request|response)\.body#((?:/\w+)+)")
OPERATIONS: dict[str, JSON] = {
    operation["operationId"]: operation for item in DOCUMENT["paths"].values() for operation in item.values()
}
ENDPOINT = {operation_id(endpoint): endpoint for endpoint in ENDPOINTS}
LINKS: list[tuple[str, str, JSON]] = [
    (source, status, link)
    for source, operation in OPERATIONS.items()
    for status, response in operation["responses"].items()
    for link in response.get("links", {}).values()
]
links = pytest.mark.parametrize(
    ("source", "status", "link"), LINKS, ids=[f"{link['operationId']} < {source}" for source, _, link in LINKS]
)


def schema_of(content: JSON) -> JSON:
    """The schema of a JSON body, from what holds it."""
    schema: JSON = content["content"]["application/json"]["schema"]
    return target_of(schema)


def target_of(schema: JSON) -> JSON:
    """What a reference stands for; itself where it is none."""
    if "$ref" not in schema:
        return schema
    return resolved(schema["$ref"])


def member_schema(schema: JSON, step: str) -> JSON:
    """The schema of a member, or of an item."""
    return target_of(schema["items"] if step.isdecimal() else schema["properties"][step])


def expressions(link: JSON) -> list[str]:
    """The runtime expressions of a link."""
    return [*link.get("parameters", {}).values(), *link.get("requestBody", {}).values()]


def test_there_are_these_links_and_no_other() -> None:
    assert sorted(f"{link['operationId']} < {source}" for source, _, link in LINKS) == EXPECTED.split("\n")[1:-1]


@links
def test_what_a_link_names_is_there(source: str, status: str, link: JSON) -> None:
    target = OPERATIONS[link["operationId"]]
    assert int(status) == ENDPOINT[source].status
    assert set(link) - {"operationId"} in ({"parameters"}, {"requestBody"})
    needed = {parameter["name"] for parameter in target["parameters"] if parameter.get("required")}
    assert set(link.get("parameters", {})) == needed
    if "requestBody" in link:
        body = schema_of(target["requestBody"])
        assert set(link["requestBody"]) == set(body["required"]) == set(body["properties"])


@links
def test_what_a_link_takes_is_shown(source: str, status: str, link: JSON) -> None:
    for expression in expressions(link):
        found = EXPRESSION.fullmatch(expression)
        assert found
        operation = OPERATIONS[source]
        holder = operation["requestBody"] if found[1] == "request" else operation["responses"][status]
        assert reduce(member_schema, found[2].split("/")[1:], schema_of(holder))["type"] == "string"


def refresh_token(api: Api, username: str) -> str:
    """What a user who has just signed in was given."""
    answer = api.post("/api/auth/login", json={"username": username, "password": PASSWORD})
    return str(answer.json()["refresh_token"])


OWN: dict[str, Callable[[World], JSON]] = {
    "login": lambda world: {"username": world.admin.username, "password": PASSWORD},
    "refresh": lambda world: {"refresh_token": refresh_token(world.admin.api, world.admin.username)},
}
"""Bodies of operations that succeed for those alone who are known."""


def body_for(name: str, world: World) -> JSON | None:
    """A body with which the operation succeeds."""
    return OWN[name](world) if name in OWN else body_of(ENDPOINT[name])


def evaluated(expression: str, sent: JSON | None, answer: httpx2.Response) -> Any:
    """What a runtime expression stands for."""
    found = EXPRESSION.fullmatch(expression)
    assert found
    value: Any = sent if found[1] == "request" else answer.json()
    for step in found[2].split("/")[1:]:
        value = value[int(step) if step.isdecimal() else step]
    return value


@links
def test_a_link_leads_where_it_says(world: World, source: str, status: str, link: JSON) -> None:
    sent = body_for(source, world)
    first = world.admin.api.request(ENDPOINT[source].method, world.path(ENDPOINT[source]), json=sent)
    assert first.status_code == int(status)
    target = ENDPOINT[link["operationId"]]
    path = target.path
    for name, expression in link.get("parameters", {}).items():
        path = path.replace(f"{{{name}}}", evaluated(expression, sent, first))
    given = {name: evaluated(expression, sent, first) for name, expression in link.get("requestBody", {}).items()}
    second = world.admin.api.request(target.method, path, json=given or body_of(target))
    assert second.status_code == target.status
