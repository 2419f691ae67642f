"""A real server in a thread, and a client that holds every answer against what the endpoint declares."""

import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import unquote

import httpx2
from starlette.types import ASGIApp

from local.app import create_app
from operations.openapi import ENDPOINTS
from operations.openapi.answers import problem_codes
from shared.endpoint import Endpoint
from shared.http import server
from shared.http.headers import SECURITY_HEADERS
from shared.http.problems import PROBLEMS
from shared.settings import Settings

JSON = dict[str, Any]
Headers = dict[str, str]
T = TypeVar("T")
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that ask by HTTP alone: each would read all authorities of the web otherwise, which takes 30 ms."""
ROUTES = [(endpoint, re.compile(endpoint.path.replace("{id}", "[^/]+"))) for endpoint in ENDPOINTS]


class Server:
    """An application behind uvicorn on a free port of 127.0.0.1; the whole API unless another is given."""

    def __init__(self, settings: Settings, app: ASGIApp | None = None) -> None:
        self._app = app or create_app(settings)

    def __enter__(self) -> Self:
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # Longer than a client keeps a connection, as in `python -m functions`: none is closed under a request.
        self._server = server.Server(server.server_config(self._app, timeout_keep_alive=75))
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()


class Api:
    """The API as one caller sees it; all callers share the client and its connections."""

    def __init__(self, client: httpx2.Client, token: str | None = None) -> None:
        self.client = client
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def signed_in(self, token: str) -> "Api":
        """The same for somebody with this access token."""
        return Api(self.client, token)

    def request(self, method: str, path: str, *, headers: Headers | None = None, **options: Any) -> httpx2.Response:
        """Send a request with any of httpx's options."""
        headers = {**self._headers, **(headers or {})}
        return untraced(partial(self.client.request, method, path, headers=headers, **options))

    def get(self, path: str, **options: Any) -> httpx2.Response:
        """GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx2.Response:
        """POST."""
        return self.request("POST", path, **options)

    def patch(self, path: str, **options: Any) -> httpx2.Response:
        """PATCH."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> httpx2.Response:
        """DELETE."""
        return self.request("DELETE", path, **options)


def untraced(work: Callable[[], T]) -> T:
    """Do what is none of ours, such as a client's work, without measuring its coverage, which takes half as long again.

    Other threads, such as that of the server that is asked, go on being measured. It is no context manager, because the
    tracer has to be stopped and started in one frame: it keeps a stack of those that it has seen begin and end.
    """
    trace = sys.gettrace()
    sys.settrace(None)
    try:
        return work()
    finally:
        sys.settrace(trace)


def new_client(url: str) -> httpx2.Client:
    """A client whose every answer is checked."""
    return httpx2.Client(base_url=url, timeout=30, verify=PLAIN, event_hooks={"response": [check_answer]})


def check_answer(response: httpx2.Response) -> None:
    """Every answer: documented status, declared body, security headers, limits, request id."""
    response.read()
    path = response.request.url.path
    headers = dict(response.headers)  # which looks through all for each that it is asked for
    for name, value in SECURITY_HEADERS.items():
        assert name.lower() in headers, name
        assert headers[name.lower()] == value or name in ("Cache-Control", "Content-Security-Policy")
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", headers["x-request-id"])
    if path not in ("/healthz", "/readyz", "/metrics"):
        for name in ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"):
            assert int(headers[name]) >= 0
    endpoint = find_endpoint(response.request.method, path)
    if response.status_code >= 400:
        check_problem(response, endpoint)
    elif endpoint and response.status_code != 304 and response.request.method != "HEAD":
        assert response.status_code == endpoint.status
        if endpoint.output:
            assert response.headers["Content-Type"] == "application/json"
            endpoint.output.model_validate_json(response.content)
        else:
            assert response.content == b""


def find_endpoint(method: str, path: str) -> Endpoint | None:
    """The endpoint that a request is for, by the declarations."""
    method = "GET" if method == "HEAD" else method
    for endpoint, pattern in ROUTES:
        if endpoint.method == method and pattern.fullmatch(path):
            return endpoint
    return None


def check_problem(response: httpx2.Response, endpoint: Endpoint | None = None) -> None:
    """The one shape of an error (RFC 9457)."""
    if response.request.method == "HEAD":
        return
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    code = problem["code"]
    assert problem["status"] == response.status_code == PROBLEMS[code].status
    assert problem["type"] == f"urn:flycatcher:problem:{code}"
    assert {"title", "detail", "instance", "request_id"} <= set(problem)
    assert problem["instance"].isascii()
    assert unquote(problem["instance"]) == response.request.url.path
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert ("errors" in problem) == (code in ("validation_failed", "weak_password"))
    for error in problem.get("errors", []):
        assert set(error) == {"in", "path", "code", "message"}
        assert error["in"] in ("body", "query", "header")
    assert response.headers["Link"] == f'</api/docs/guide#{code}>; rel="help"'
    if response.status_code == 401:
        assert response.headers["WWW-Authenticate"] == "Bearer"
    if response.status_code in (423, 429, 503):
        assert int(response.headers["Retry-After"]) > 0
    if response.status_code == 405:
        assert response.headers["Allow"]
    elif endpoint:
        assert code in problem_codes(endpoint), f"{code} is not documented for {endpoint.method} {endpoint.path}"
