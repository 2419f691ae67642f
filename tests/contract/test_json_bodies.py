"""What is JSON and what is an object: 400 for what does not parse, 422 for what is no object."""

import json

import pytest

from shared.endpoint import Endpoint
from tests.support.api import Api
from tests.support.faults import code, faults
from tests.support.world import WITH_BODY, World, named

JSON_TYPE = {"Content-Type": "application/json"}

MALFORMED = {
    "empty": b"",
    "blank": b"  \n",
    "truncated object": b'{"name": "x"',
    "truncated string": b'{"name": "x',
    "trailing comma": b'{"name": "x",}',
    "trailing text": b'{"name": "x"} x',
    "two values": b'{"name": "x"}{"name": "y"}',
    "single quotes": b"{'name': 'x'}",
    "bare name": b'{name: "x"}',
    "comment": b'{"name": "x" /* y */}',
    "NaN": b'{"name": NaN}',
    "NaN in an unknown member": b'{"name": "x", "other": NaN}',
    "Infinity": b'{"name": Infinity}',
    "minus Infinity": b'{"name": "x", "other": [-Infinity]}',
    "leading zero": b'{"name": 01}',
    "hexadecimal": b'{"name": 0x1}',
    "Python's None": b'{"name": None}',
    "line feed in a string": b'{"name": "a\nb"}',
    "unknown escape": b'{"name": "\\x41"}',
    "short escape": b'{"name": "\\u12"}',
    "byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "octet that is no UTF-8": b'{"name": "\xff"}',
    "overlong UTF-8": b'{"name": "\xc0\xaf"}',
    "surrogate as UTF-8": b'{"name": "\xed\xa0\x80"}',
    "UTF-8 cut short": b'{"name": "\xc3"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"name": "x"}'.encode("utf-16-le"),
    "UTF-32": '{"name": "x"}'.encode("utf-32"),
    "Latin-1": '{"name": "Käfer"}'.encode("latin-1"),
    "arrays 100,000 deep": b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "arrays 100,000 deep, open": b"[" * 100_000,
    "objects 100,000 deep": b'{"name":' * 100_000 + b"1" + b"}" * 100_000,
    "arrays 500 deep": b'{"name": ' + b"[" * 500 + b"]" * 500 + b"}",
    "arrays 950 deep": b'{"name": ' + b"[" * 950 + b"]" * 950 + b"}",
    "arrays 5,000 deep": b'{"name": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a surrogate 900 deep": b'{"name": ' + b"[" * 900 + b'"\\ud800"' + b"]" * 900 + b"}",
    "number of 5,000 digits": b'{"name": ' + b"9" * 5000 + b"}",
}

NOT_OBJECTS = {
    "array": b"[]",
    "array of an object": b'[{"name": "x"}]',
    "string": b'"name"',
    "number": b"1",
    "true": b"true",
    "null": b"null",
}

TAKEN = {
    "space around": b'\r\n\t {"name" : "x" } \n',
    "escapes": rb'{"\u006eame": "\u0078 escaped"}',
    "escaped pair of surrogates": rb'{"name": "x\ud83d\udc1e"}',
    "emoji": '{"name": "x🐞🐞"}'.encode(),
    "null for a description": b'{"name": "x null", "description": null}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_does_not_parse_is_400(standing: World, body: bytes) -> None:
    admin = standing.admin
    before = admin.api.get("/api/projects").json()["total"]
    assert code(admin.api.post("/api/projects", content=body, headers=JSON_TYPE)) == "malformed_json"
    assert admin.api.get("/api/projects").json()["total"] == before


@pytest.mark.parametrize("body", NOT_OBJECTS.values(), ids=NOT_OBJECTS.keys())
def test_what_is_no_object_is_422_for_the_whole_body(standing: World, body: bytes) -> None:
    response = standing.admin.api.post("/api/projects", content=body, headers=JSON_TYPE)
    assert faults(response) == [("body", "", "model_type")]


@pytest.mark.parametrize("body", TAKEN.values(), ids=TAKEN.keys())
def test_what_is_json_is_taken(standing: World, body: bytes) -> None:
    response = standing.admin.api.post("/api/projects", content=body, headers=JSON_TYPE)
    assert response.status_code == 201
    assert response.json()["name"][0] == "x"


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=named)
def test_malformed_json_is_400_at_every_endpoint(standing: World, endpoint: Endpoint) -> None:
    response = standing.admin.api.request(endpoint.method, standing.path(endpoint), content=b"{", headers=JSON_TYPE)
    assert code(response) == "malformed_json"


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=named)
def test_an_array_is_422_at_every_endpoint(standing: World, endpoint: Endpoint) -> None:
    response = standing.admin.api.request(endpoint.method, standing.path(endpoint), json=[])
    assert faults(response) == [("body", "", "model_type")]


def test_answers_are_utf_8(nobody: Api, standing: World) -> None:
    project = standing.admin.project(name="Käfer 🐞")
    raw = standing.admin.api.get(f"/api/projects/{project['id']}").content
    assert json.loads(raw.decode("utf-8"))["name"] == "Käfer 🐞"
    assert nobody.get("/api/projects").headers["Content-Type"] == "application/problem+json"
