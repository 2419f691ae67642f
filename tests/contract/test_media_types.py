"""A body is application/json and not compressed: 415 for all else, before it is asked who calls."""

import json
from uuid import uuid4

import pytest

from shared.endpoint import Endpoint
from tests.support.api import Api
from tests.support.faults import code
from tests.support.world import WITH_BODY, World, named, unknown_path

RIGHT = {
    "plain": "application/json",
    "with a charset": "application/json; charset=utf-8",
    "with a quoted charset": 'application/json;charset="UTF-8"',
    "in upper case": "APPLICATION/JSON",
    "with another parameter": "application/json; profile=x",
    "with a space before the parameter": "application/json ; charset=utf-8",
}
WRONG = {
    "empty": "",
    "text": "text/plain",
    "a form": "application/x-www-form-urlencoded",
    "a multipart form": "multipart/form-data; boundary=x",
    "any": "*/*",
    "a longer name": "application/jsonp",
    "a suffix": "application/merge-patch+json",
    "JSON as a parameter": "text/plain; application/json",
    "two at once": "application/json, text/plain",
    "a charset alone": "charset=utf-8",
}


@pytest.mark.parametrize("content_type", RIGHT.values(), ids=RIGHT.keys())
def test_json_is_taken(standing: World, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    response = standing.admin.api.post(
        "/api/projects", content=json.dumps({"name": str(uuid4())}).encode(), headers=headers
    )
    assert response.status_code == 201


@pytest.mark.parametrize("content_type", WRONG.values(), ids=WRONG.keys())
def test_another_type_is_415(standing: World, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    response = standing.admin.api.post("/api/projects", content=b'{"name": "Taken"}', headers=headers)
    assert code(response) == "unsupported_media_type"


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity", "", "gzip, identity"])
def test_a_content_encoding_is_415(standing: World, encoding: str) -> None:
    response = standing.admin.api.post("/api/projects", json={"name": "x"}, headers={"Content-Encoding": encoding})
    assert code(response) == "unsupported_media_type"


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=named)
def test_a_missing_type_is_415_at_every_endpoint_before_401(nobody: Api, endpoint: Endpoint) -> None:
    assert code(nobody.request(endpoint.method, unknown_path(endpoint), content=b"{}")) == "unsupported_media_type"


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=named)
def test_no_body_and_no_type_is_415_at_every_endpoint(nobody: Api, endpoint: Endpoint) -> None:
    assert code(nobody.request(endpoint.method, unknown_path(endpoint))) == "unsupported_media_type"
