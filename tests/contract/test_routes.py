"""Paths and methods: what is not there is 404, what is there under another method 405 with all that there is.

Paths that mean harm are in tests/security/test_paths_outside.py.
"""

from uuid import uuid4

import pytest

from operations.openapi import ENDPOINTS
from shared.endpoint import Endpoint
from tests.support.api import Api, Server
from tests.support.faults import code
from tests.support.wire import exchange
from tests.support.world import World, named

PATHS = sorted({endpoint.path for endpoint in ENDPOINTS})
READS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "GET"]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
NOWHERE = {
    "root": "/",
    "API alone": "/api",
    "API with a slash": "/api/",
    "unknown": "/api/widgets",
    "below a list": "/api/projects/{id}/widgets",
    "below an id": "/api/projects/{id}/issues/{id}",
    "upper case": "/API/projects",
    "trailing slash": "/api/projects/",
    "trailing slash after an id": "/api/projects/{id}/",
    "an empty id": "/api/projects//issues",
}


@pytest.mark.parametrize("signed_in", [True, False], ids=["token", "no token"])
@pytest.mark.parametrize("path", NOWHERE.values(), ids=NOWHERE.keys())
def test_an_unknown_path_is_404_whoever_asks(server: Server, standing: World, path: str, signed_in: bool) -> None:
    headers = {"Authorization": f"Bearer {standing.admin.token}"} if signed_in else {}
    for method in ("GET", "POST", "DELETE"):
        answer = exchange(server.url, method, path.replace("{id}", str(uuid4())), headers=headers)
        assert answer.code() == "not_found"


@pytest.mark.parametrize("path", PATHS)
def test_another_method_is_405_with_every_method_of_the_path_whoever_asks(
    nobody: Api, standing: World, path: str
) -> None:
    offered = {endpoint.method for endpoint in ENDPOINTS if endpoint.path == path}
    offered |= {"HEAD"} if "GET" in offered else set()
    for caller in (nobody, standing.admin.api):
        for method in set(METHODS) - offered:
            response = caller.request(method, path.replace("{id}", str(uuid4())))
            assert response.status_code == 405
            assert set(response.headers["Allow"].split(", ")) == offered
            if method != "HEAD":
                assert code(response) == "method_not_allowed"


@pytest.mark.parametrize("endpoint", READS, ids=named)
def test_head_is_get_without_the_body(standing: World, endpoint: Endpoint) -> None:
    get, head = (standing.admin.api.request(method, standing.path(endpoint)) for method in ("GET", "HEAD"))
    assert head.content == b""
    assert get.content
    own = {"date", "x-request-id", "ratelimit-remaining", "ratelimit-reset"}
    assert head.status_code == get.status_code == 200
    assert {name: value for name, value in head.headers.items() if name not in own} == {
        name: value for name, value in get.headers.items() if name not in own
    }


@pytest.mark.parametrize("query", ["page=0", "unknown=1"])
def test_head_fails_where_get_does(standing: World, query: str) -> None:
    head = standing.admin.api.request("HEAD", f"/api/issues?{query}")
    assert (head.status_code, head.content) == (422, b"")


@pytest.mark.parametrize("path", ["/api/auth/me", "/api/projects"])
def test_head_needs_a_token_where_get_does(nobody: Api, path: str) -> None:
    head = nobody.request("HEAD", path)
    assert head.status_code == 401
    assert head.headers["WWW-Authenticate"] == "Bearer"


def test_options_of_another_origin_is_405_where_no_origin_is_allowed(nobody: Api) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    response = nobody.request("OPTIONS", "/api/projects", headers=headers)
    assert response.status_code == 405
    assert "Access-Control-Allow-Origin" not in response.headers
