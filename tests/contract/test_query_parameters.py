"""A query holds what the endpoint declares, each once and of its type: 422 with an entry for each that does not."""

import pytest

from operations.openapi import ENDPOINTS
from shared.endpoint import Endpoint
from tests.support.faults import faults
from tests.support.world import LISTS, World, body_of, named

UNSTORABLE = {
    "U+0000": "%00",
    "U+0000 within": "a%00b",
    "lone surrogate": "%ED%A0%80",
    "no UTF-8": "%FF",
    "UTF-8 cut short": "%C3",
    "overlong": "%C0%AF",
}
BAD_NAMES = {
    "unknown": ("unknown=1", "unknown"),
    "without a value": ("unknown", "unknown"),
    "in another case": ("Page=1", "Page"),
    "empty": ("=1", ""),
    "with brackets": ("page[]=1", "page[]"),
    "U+0000": ("%00=1", "\0"),
    "a known one with U+0000": ("page%00=1", "page\0"),
    "no UTF-8": ("%FF=1", "\\udcff"),
    "with a pointer's characters": ("a%2Fb~c=1", "a/b~c"),
    "a semicolon, which separates nothing": ("page;limit=1", "page;limit"),
}
BAD_VALUES = {
    "is_archived=True": "bool_type",
    "is_archived=1": "bool_type",
    "is_archived=yes": "bool_type",
    "is_archived=": "bool_type",
    "is_archived": "bool_type",
    "is_archived=true%20": "bool_type",
    "sort=": "sort",
    "search=" + "x" * 201: "string_too_long",
}
FILTERS = {
    "/api/issues": ["status", "priority", "assignee", "project", "reporter"],
    "/api/users": ["role", "is_active"],
    "/api/audit": ["actor", "action", "target", "since", "until"],
    "/api/projects": ["is_archived"],
}
FILTER_CODES = {
    "status": "literal_error",
    "priority": "literal_error",
    "role": "literal_error",
    "action": "literal_error",
    "is_active": "bool_type",
    "is_archived": "bool_type",
    "since": "datetime_parsing",
    "until": "datetime_parsing",
}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
def test_an_unknown_parameter_is_422_at_every_endpoint(standing: World, endpoint: Endpoint) -> None:
    response = standing.admin.api.request(
        endpoint.method, f"{standing.path(endpoint)}?unknown=1", json=body_of(endpoint)
    )
    assert faults(response) == [("query", "unknown", "extra_forbidden")]


@pytest.mark.parametrize("endpoint", LISTS, ids=named)
def test_a_repeated_parameter_is_422_once_at_every_list(standing: World, endpoint: Endpoint) -> None:
    response = standing.admin.api.get(f"{standing.path(endpoint)}?page=1&limit=5&page=1&page=1")
    assert faults(response) == [("query", "page", "repeated")]


@pytest.mark.parametrize(("query", "name"), BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_a_name_that_is_not_declared_is_422(standing: World, query: str, name: str) -> None:
    assert faults(standing.admin.api.get(f"/api/projects?{query}")) == [("query", name, "extra_forbidden")]


@pytest.mark.parametrize(("query", "code"), BAD_VALUES.items(), ids=[query[:20] for query in BAD_VALUES])
def test_a_value_of_another_kind_is_422(standing: World, query: str, code: str) -> None:
    name = query.partition("=")[0]
    assert faults(standing.admin.api.get(f"/api/projects?{query}")) == [("query", name, code)]


@pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE.keys())
def test_text_that_cannot_be_stored_is_422(standing: World, text: str) -> None:
    response = standing.admin.api.get(f"/api/projects?search={text}")
    assert faults(response) == [("query", "search", "string_unicode")]


@pytest.mark.parametrize("text", ["%00", "%FF", "", "x", "open;closed", "null"])
@pytest.mark.parametrize(
    ("path", "name"),
    [(path, name) for path, names in FILTERS.items() for name in names],
    ids=lambda value: value,
)
def test_every_filter_refuses_what_is_not_its_kind_with_one_entry(
    standing: World, path: str, name: str, text: str
) -> None:
    code = "string_unicode" if text == "%FF" else FILTER_CODES.get(name, "uuid_parsing")
    assert faults(standing.admin.api.get(f"{path}?{name}={text}")) == [("query", name, code)]


def test_every_fault_of_a_query_is_told_once(standing: World) -> None:
    query = "page=0&limit=101&status=new,old&assignee=x&sort=x&search=%00&limit=1&b=1&b=2"
    assert faults(standing.admin.api.get(f"/api/issues?{query}")) == [
        ("query", "assignee", "uuid_parsing"),
        ("query", "b", "extra_forbidden"),
        ("query", "limit", "repeated"),
        ("query", "page", "greater_than_equal"),
        ("query", "search", "string_unicode"),
        ("query", "sort", "sort"),
        ("query", "status", "literal_error"),
    ]


def test_faults_of_the_query_the_headers_and_the_body_are_told_together(standing: World) -> None:
    headers = {"Idempotency-Key": "a b"}
    response = standing.admin.api.post("/api/projects?x=1", json={"name": 1, "y": 1}, headers=headers)
    assert faults(response) == [
        ("body", "/name", "string_type"),
        ("body", "/y", "extra_forbidden"),
        ("header", "Idempotency-Key", "idempotency_key"),
        ("query", "x", "extra_forbidden"),
    ]


@pytest.mark.parametrize(
    "query", ["", "&", "&&page=1&", "page=%31", "%70age=1", "page=1&search=a+b%20c", "search=%zz%"]
)
def test_a_query_may_be_written_in_any_way_that_says_the_same(standing: World, query: str) -> None:
    assert standing.admin.api.get(f"/api/projects?{query}").status_code == 200


@pytest.mark.parametrize(("value", "total"), [("true", 0), ("false", 1)])
def test_a_flag_is_true_or_false(standing: World, value: str, total: int) -> None:
    assert standing.admin.api.get(f"/api/projects?is_archived={value}").json()["total"] == total
