"""What the OpenAPI document says of answers: every status with its codes and headers, and examples that fit."""

import re

import pytest
from openapi_schema_validator import OAS31Validator

from operations.openapi.answers import problem_codes
from shared.endpoint import Endpoint
from shared.http.problems import PROBLEMS
from tests.support.document import BY_NAME, DOCUMENT, OPERATIONS, PUBLIC, codes_of, nodes, responses


def is_tagged(endpoint: Endpoint) -> bool:
    """Whether it is about a single project, issue or comment, which have an entity tag."""
    return re.fullmatch(r"/api/(projects|issues|comments)/{id}", endpoint.path) is not None


def expected_statuses(endpoint: Endpoint) -> set[int]:
    """By the contract's general rules, without regard to how the document is made."""
    statuses = {endpoint.status, 422, 429, 500, 503}
    if endpoint.path not in PUBLIC:
        statuses.add(401)
    if endpoint.body:
        statuses |= {400, 413, 415}
    if "{id}" in endpoint.path:
        statuses.add(404)
    if is_tagged(endpoint):
        statuses.add(304 if endpoint.method == "GET" else 412)
    if endpoint.idempotent:
        statuses.add(409)
    return statuses


SPECIAL = {
    "POST /api/auth/register": {409},
    "POST /api/auth/login": {401, 423},
    "POST /api/auth/refresh": {401},
    "POST /api/auth/password": {403, 423},
    "GET /api/users/{id}": {403},
    "PATCH /api/users/{id}": {403, 409},
    "POST /api/users/{id}/unlock": {403},
    "DELETE /api/users/{id}": {403, 409},
    "GET /api/audit": {403},
    "POST /api/projects": {403, 409},
    "PATCH /api/projects/{id}": {403, 409},
    "DELETE /api/projects/{id}": {403},
    "POST /api/projects/{id}/issues": {409},
    "PATCH /api/issues/{id}": {403, 409},
    "POST /api/issues/{id}/comments": {409},
    "PATCH /api/comments/{id}": {403, 409},
}


SHOWS_A_TAG = {
    "POST /api/projects",
    "GET /api/projects/{id}",
    "PATCH /api/projects/{id}",
    "POST /api/projects/{id}/issues",
    "GET /api/issues/{id}",
    "PATCH /api/issues/{id}",
    "POST /api/issues/{id}/comments",
    "GET /api/comments/{id}",
    "PATCH /api/comments/{id}",
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_status_is_documented(name: str) -> None:
    assert {int(status) for status in responses(name)} == expected_statuses(BY_NAME[name]) | SPECIAL.get(name, set())
    for status, response in responses(name).items():
        assert response["description"]
        headers = set(response["headers"])
        assert {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-Request-ID"} <= headers
        assert ("WWW-Authenticate" in headers) == (status == "401")
        assert ("Location" in headers) == (status == "201")
        assert ("Retry-After" in headers) == (status in ("423", "429", "503"))
        assert ("ETag" in headers) == (name in SHOWS_A_TAG and int(status) < 400)
        if int(status) >= 400:
            assert set(response["content"]) == {"application/problem+json"}
            assert response["headers"]["Link"] == {"$ref": "#/components/headers/Help-Link"}
        elif status not in ("204", "304"):
            assert set(response["content"]) == {"application/json"}
        else:
            assert "content" not in response


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_code_is_named_under_its_status(name: str) -> None:
    told = {status: codes_of(response) for status, response in responses(name).items() if int(status) >= 400}
    assert sorted(code for codes in told.values() for code in codes) == sorted(problem_codes(BY_NAME[name]))
    for status, codes in told.items():
        response = responses(name)[status]
        for code in codes:
            assert PROBLEMS[code].status == int(status)
            assert f"[`{code}`](/api/docs/guide#{code})" in response["description"]
        assert list(response["content"]["application/problem+json"]["examples"]) == codes


def test_a_header_that_is_documented_is_always_there() -> None:
    assert all(header["required"] for header in DOCUMENT["components"]["headers"].values())


def test_every_example_fits_its_schema() -> None:
    shown = [node for node in nodes(DOCUMENT) if "schema" in node and {"example", "examples"} & set(node)]
    assert len(shown) > 90
    for node in shown:
        schema = {"$ref": "#/schema", "schema": node["schema"], "components": DOCUMENT["components"]}
        validator = OAS31Validator(schema)
        for example in [node["example"]] if "example" in node else [one["value"] for one in node["examples"].values()]:
            validator.validate(example)
