"""The OpenAPI document: valid by its structure, whole, and about nothing that is not served."""

import json
import re

import pytest

from shared.security.permissions import needs_token
from tests.support.api import Api
from tests.support.document import BY_NAME, DOCUMENT, OPERATIONS, PUBLIC, nodes, resolved

CONTRACT = """
POST /api/auth/register
POST /api/auth/login
POST /api/auth/refresh
POST /api/auth/logout
POST /api/auth/logout-all
GET /api/auth/me
POST /api/auth/password
GET /api/auth/sessions
DELETE /api/auth/sessions/{id}
GET /api/users
GET /api/users/{id}
PATCH /api/users/{id}
POST /api/users/{id}/unlock
DELETE /api/users/{id}
GET /api/audit
GET /.well-known/jwks.json
GET /api/projects
POST /api/projects
GET /api/projects/{id}
PATCH /api/projects/{id}
DELETE /api/projects/{id}
GET /api/projects/{id}/issues
POST /api/projects/{id}/issues
GET /api/issues
GET /api/issues/{id}
PATCH /api/issues/{id}
GET /api/issues/{id}/history
GET /api/issues/{id}/comments
POST /api/issues/{id}/comments
GET /api/comments/{id}
PATCH /api/comments/{id}
GET /api/comments/{id}/revisions
"""
TYPES = {"string", "integer", "number", "boolean", "object", "array", "null"}


def test_it_is_served_as_it_is_made(api: Api) -> None:
    answer = api.get("/api/openapi.json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json() == DOCUMENT


def test_it_says_what_it_is() -> None:
    assert re.fullmatch(r"3\.1\.\d", DOCUMENT["openapi"])
    assert DOCUMENT["info"]["title"] == "Flycatcher"
    assert re.fullmatch(r"\d+\.\d+\.\d+", DOCUMENT["info"]["version"])
    bearer = DOCUMENT["components"]["securitySchemes"]["bearer"]
    assert {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}.items() <= bearer.items()


def test_every_endpoint_of_the_contract_is_there_and_nothing_else() -> None:
    assert sorted(OPERATIONS) == sorted(CONTRACT.split("\n")[1:-1])


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_documented_is_served(api: Api, name: str) -> None:
    method, _, path = name.partition(" ")
    answer = api.request(method, path.replace("{id}", "00000000-0000-7000-8000-000000000000"))
    assert answer.status_code in {int(status) for status in OPERATIONS[name]["responses"]}
    assert answer.status_code != 405


def test_every_reference_resolves_and_every_component_is_used() -> None:
    used = {node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node}
    for reference in used:
        resolved(reference)
    assert used == {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "headers", "responses")
        for name in DOCUMENT["components"][kind]
    }


def test_names_are_such_as_the_standard_allows() -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in DOCUMENT["components"]["schemas"])
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z_]*", name) for name in ids)


def test_schemas_are_schemas() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        assert schema["type"] == "object"
        assert set(schema.get("required", [])) <= set(schema.get("properties", []))
        for node in nodes(schema):
            kinds = node.get("type", "object")
            if not isinstance(kinds, dict):  # which is a member called type
                assert ({kinds} if isinstance(kinds, str) else set(kinds)) <= TYPES
            assert "nullable" not in node
            if "pattern" in node and isinstance(node["pattern"], str):
                re.compile(node["pattern"])


def test_no_secret_default_or_database_word_is_in_it() -> None:
    text = json.dumps(DOCUMENT)
    for word in ("password_hash", "folded", "session_id", "http://", "functions."):
        assert word not in text


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_who_what_and_what_comes_back(name: str) -> None:
    operation, endpoint = OPERATIONS[name], BY_NAME[name]
    assert operation["summary"]
    assert "Who may: " in operation["description"]
    assert all(parameter["description"] for parameter in operation["parameters"])
    assert operation["tags"] in (["auth"], ["projects"], ["issues"], ["comments"])
    assert operation.get("security", DOCUMENT["security"]) == ([] if endpoint.path in PUBLIC else [{"bearer": []}])
    assert needs_token(endpoint.permission) == (endpoint.path not in PUBLIC)
    assert ("requestBody" in operation) == (endpoint.body is not None)
    in_path = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
    assert in_path == re.findall(r"{(\w+)}", endpoint.path)
    names = [(parameter["in"], parameter["name"]) for parameter in operation["parameters"]]
    assert len(set(names)) == len(names)
    for parameter in operation["parameters"]:
        assert parameter.get("required", False) == (parameter["in"] == "path")
        assert parameter["schema"]


@pytest.mark.parametrize("name", [name for name in OPERATIONS if BY_NAME[name].body])
def test_a_body_has_no_unknown_member(name: str) -> None:
    schema = resolved(OPERATIONS[name]["requestBody"]["content"]["application/json"]["schema"]["$ref"])
    assert schema["additionalProperties"] is False
    assert OPERATIONS[name]["requestBody"]["required"] is True


SORTS = {
    "GET /api/users": (["username", "created_at"], ["username"]),
    "GET /api/projects": (["name", "created_at", "updated_at"], ["-created_at"]),
    "GET /api/issues": (["created_at", "updated_at", "due_date", "priority", "status", "title"], ["-created_at"]),
    "GET /api/issues/{id}/comments": (["created_at"], ["created_at"]),
}


@pytest.mark.parametrize("name", SORTS)
def test_a_sort_is_documented_with_its_fields_both_ways_each_once(name: str) -> None:
    fields, default = SORTS[name]
    (sort,) = [parameter for parameter in OPERATIONS[name]["parameters"] if parameter["name"] == "sort"]
    assert (sort["style"], sort["explode"]) == ("form", False)
    schema = sort["schema"]
    assert schema["items"]["enum"] == [way for field in fields for way in (field, f"-{field}")]
    assert schema["default"] == default
    assert schema["minItems"] == 1
    once = [{"contains": {"enum": [field, f"-{field}"]}, "minContains": 0, "maxContains": 1} for field in fields]
    assert schema["allOf"] == once


def test_lists_are_documented_with_their_parameters() -> None:
    for name in ("GET /api/users", "GET /api/audit", "GET /api/auth/sessions", "GET /api/projects", "GET /api/issues"):
        parameters = {parameter["name"]: parameter["schema"] for parameter in OPERATIONS[name]["parameters"]}
        assert parameters["page"] == {"type": "integer", "minimum": 1, "maximum": 1_000_000_000, "default": 1}
        assert parameters["limit"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
        assert "Link" in OPERATIONS[name]["responses"]["200"]["headers"]
        schema = resolved(OPERATIONS[name]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"])
        assert set(schema["required"]) == {"items", "page", "limit", "total", "pages"}
    names = {parameter["name"] for parameter in OPERATIONS["GET /api/audit"]["parameters"]}
    assert names == {"actor", "action", "target", "since", "until", "page", "limit"}


def test_it_is_valid() -> None:
    from openapi_spec_validator import OpenAPIV31SpecValidator  # its import takes every process 2 s

    OpenAPIV31SpecValidator(DOCUMENT).validate()
