"""Everything that is wrong with a body is told at once, each fault with a JSON pointer to its place."""

import json
from typing import Any
from uuid import uuid4

import pytest

from shared.endpoint import Endpoint
from tests.support.faults import Fault, faults
from tests.support.world import WITH_BODY, World, body_of, named

LONE_SURROGATES = {"leading": "\ud800", "trailing": "a\udfff", "swapped": "\udc00\ud800"}

PROJECTS: dict[str, tuple[object, list[Fault]]] = {
    "a missing member": ({}, [("body", "/name", "missing")]),
    "a number for text": ({"name": 1}, [("body", "/name", "string_type")]),
    "null for text": ({"name": None}, [("body", "/name", "string_type")]),
    "an array for text": ({"name": ["x"]}, [("body", "/name", "string_type")]),
    "true for text": ({"name": True}, [("body", "/name", "string_type")]),
    "an object for text": ({"name": {"x": "y"}}, [("body", "/name", "string_type")]),
    "a number for text or null": ({"name": "x", "description": 1}, [("body", "/description", "string_type")]),
    "an unknown member": ({"name": "x", "owner": 1}, [("body", "/owner", "extra_forbidden")]),
    "a member in another case": ({"name": "x", "Name": "y"}, [("body", "/Name", "extra_forbidden")]),
    "a member that only the answer has": ({"name": "x", "id": str(uuid4())}, [("body", "/id", "extra_forbidden")]),
    "a member that only a change has": (
        {"name": "x", "is_archived": True},
        [("body", "/is_archived", "extra_forbidden")],
    ),
    "a name with a slash": ({"name": "x", "a/b": 1}, [("body", "/a~1b", "extra_forbidden")]),
    "a name with a tilde": ({"name": "x", "a~b": 1}, [("body", "/a~0b", "extra_forbidden")]),
    "a name with both": ({"name": "x", "~1/": 1}, [("body", "/~01~1", "extra_forbidden")]),
    "an empty name": ({"name": "x", "": 1}, [("body", "/", "extra_forbidden")]),
    "a name with U+0000": ({"name": "x", "\0": 1}, [("body", "/\0", "extra_forbidden")]),
    "a name that is a number": ({"name": "x", "0": 1}, [("body", "/0", "extra_forbidden")]),
    "a name with a lone surrogate": ({"name": "x", "\ud800": 1}, [("body", "", "string_unicode")]),
    "U+0000": ({"name": "a\0b"}, [("body", "/name", "string_unicode")]),
    "U+0000 at the end, where text is trimmed": ({"name": "a\0"}, [("body", "/name", "string_unicode")]),
    "a surrogate in an unknown member": ({"name": "x", "other": "\ud800"}, [("body", "/other", "string_unicode")]),
    "a surrogate inside a member that is refused": (
        {"name": ["", "\ud800"], "other": ["", "\ud800"]},
        [("body", "/name", "string_type"), ("body", "/other", "extra_forbidden")],
    ),
    "a surrogate beside other faults": (
        {"name": "\ud800", "description": 1, "other": 1},
        [
            ("body", "/description", "string_type"),
            ("body", "/name", "string_unicode"),
            ("body", "/other", "extra_forbidden"),
        ],
    ),
    "text that holds a surrogate and is too long": ({"name": "\ud800" * 101}, [("body", "/name", "string_unicode")]),
    "several unknown members": (
        {"name": "x", "a": 1, "b": 2},
        [("body", "/a", "extra_forbidden"), ("body", "/b", "extra_forbidden")],
    ),
    "everything at once": (
        {"description": "x" * 1001, "a": 1},
        [("body", "/a", "extra_forbidden"), ("body", "/description", "string_too_long"), ("body", "/name", "missing")],
    ),
}

ISSUES: dict[str, tuple[object, list[Fault]]] = {
    "an unknown priority": ({"title": "x", "priority": "urgent"}, [("body", "/priority", "literal_error")]),
    "a priority in upper case": ({"title": "x", "priority": "HIGH"}, [("body", "/priority", "literal_error")]),
    "a priority with a space": ({"title": "x", "priority": "high "}, [("body", "/priority", "literal_error")]),
    "a priority that is null": ({"title": "x", "priority": None}, [("body", "/priority", "literal_error")]),
    "a priority that is a number": ({"title": "x", "priority": 1}, [("body", "/priority", "literal_error")]),
    "a surrogate for a priority": ({"title": "x", "priority": "\ud800"}, [("body", "/priority", "string_unicode")]),
    "a status, which creation does not take": (
        {"title": "x", "status": "open"},
        [("body", "/status", "extra_forbidden")],
    ),
    "an assignee who is no UUID": ({"title": "x", "assignee_id": "me"}, [("body", "/assignee_id", "uuid_parsing")]),
    "an assignee who is a number": ({"title": "x", "assignee_id": 1}, [("body", "/assignee_id", "uuid_parsing")]),
    "an assignee who is nobody": (
        {"title": "x", "assignee_id": str(uuid4())},
        [("body", "/assignee_id", "not_assignable")],
    ),
    "a date with a time": ({"title": "x", "due_date": "2026-01-31T00:00:00Z"}, [("body", "/due_date", "date_parsing")]),
    "a day that is not": (
        {"title": "x", "due_date": "2026-02-30"},
        [("body", "/due_date", "date_from_datetime_parsing")],
    ),
    "a year of two digits": ({"title": "x", "due_date": "26-01-31"}, [("body", "/due_date", "date_parsing")]),
    "a date of other digits": (
        {"title": "x", "due_date": "2026-01-\N{ARABIC-INDIC DIGIT THREE}\N{ARABIC-INDIC DIGIT ONE}"},
        [("body", "/due_date", "date_parsing")],
    ),
    "a date that is a number": ({"title": "x", "due_date": 0}, [("body", "/due_date", "date_parsing")]),
    "an empty date": ({"title": "x", "due_date": ""}, [("body", "/due_date", "date_parsing")]),
    "everything at once": (
        {"title": " ", "description": 1, "priority": "x", "assignee_id": "x", "due_date": "x", "x": "x"},
        [
            ("body", "/assignee_id", "uuid_parsing"),
            ("body", "/description", "string_type"),
            ("body", "/due_date", "date_parsing"),
            ("body", "/priority", "literal_error"),
            ("body", "/title", "string_too_short"),
            ("body", "/x", "extra_forbidden"),
        ],
    ),
}


@pytest.mark.parametrize(("body", "expected"), PROJECTS.values(), ids=PROJECTS.keys())
def test_each_fault_of_a_project_is_told(standing: World, body: object, expected: list[Fault]) -> None:
    admin = standing.admin
    assert faults(admin.api.post("/api/projects", **raw(body))) == expected
    assert admin.api.get("/api/projects").json()["total"] == 1


@pytest.mark.parametrize(("body", "expected"), ISSUES.values(), ids=ISSUES.keys())
def test_each_fault_of_an_issue_is_told(standing: World, body: object, expected: list[Fault]) -> None:
    admin = standing.admin
    path = f"/api/projects/{standing.project['id']}/issues"
    assert faults(admin.api.post(path, **raw(body))) == expected
    assert admin.api.get(path).json()["total"] == 1


@pytest.mark.parametrize("value", ["", "x", 1, None, [], "true"], ids=repr)
def test_a_flag_in_a_body_is_a_boolean(standing: World, value: object) -> None:
    response = standing.admin.api.patch(f"/api/projects/{standing.project['id']}", json={"is_archived": value})
    assert faults(response) == [("body", "/is_archived", "bool_type")]


@pytest.mark.parametrize("text", LONE_SURROGATES.values(), ids=LONE_SURROGATES.keys())
def test_a_lone_surrogate_is_told_with_its_place(standing: World, text: str) -> None:
    assert faults(standing.admin.api.post("/api/projects", **raw({"name": text}))) == [
        ("body", "/name", "string_unicode")
    ]


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=named)
def test_an_unknown_member_is_422_at_every_endpoint(standing: World, endpoint: Endpoint) -> None:
    body = {**(body_of(endpoint) or {}), "unknown": 1}
    response = standing.admin.api.request(endpoint.method, standing.path(endpoint), json=body)
    assert faults(response) == [("body", "/unknown", "extra_forbidden")]


@pytest.mark.parametrize("text", ["x\0", "x\ud800"], ids=ascii)
@pytest.mark.parametrize("endpoint", WITH_BODY, ids=named)
def test_text_that_cannot_be_stored_is_422_in_every_member(standing: World, endpoint: Endpoint, text: str) -> None:
    body = dict.fromkeys(body_of(endpoint) or {}, text)
    response = standing.admin.api.request(endpoint.method, standing.path(endpoint), **raw(body))
    assert [path for _, path, _ in faults(response)] == sorted(f"/{name}" for name in body)


def raw(body: object) -> dict[str, Any]:
    """The options of a request with this body, lone surrogates and all, which a client would not send."""
    return {"content": json.dumps(body).encode("ascii"), "headers": {"Content-Type": "application/json"}}


def test_of_very_many_faults_the_first_hundred_are_told(standing: World) -> None:
    unknown = {f"x{number}": 1 for number in range(1000)}
    answers = [
        standing.admin.api.post("/api/projects", json={"name": "x", **unknown}),
        standing.admin.api.get("/api/projects", params=unknown),
    ]
    for response in answers:
        assert len(faults(response)) == 100
        assert response.json()["detail"] == "Only the first 100 faults are told."
