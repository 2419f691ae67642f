"""The gateway as the manifests of a cluster run it: right in front of Knative, whose part is played."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address, ip_network
from typing import NamedTuple

import httpx2 as httpx
import pytest

from operations.openapi import ENDPOINTS
from shared.docs import docs_endpoints
from tests.cluster.gateway import SUFFIX, Cluster, cluster
from tests.containers.conftest import Stack
from tests.containers.gateway import SOMETHING, answer_of, check_told, new_id
from tests.containers.test_gateway_routes import NO_PATHS, NOWHERE, OWNERS, STRANGE_METHODS
from tests.support.knative_stub import TOLD
from tests.support.manifests import OVERLAYS
from tests.support.wire import exchange

METHODS = {(endpoint.method, endpoint.path) for endpoint in [*ENDPOINTS, *docs_endpoints(bytes, bytes)]}
ROUTES = sorted(METHODS | {("HEAD", path) for method, path in METHODS if method == "GET"})
"""The code's own tables."""
KEPT = r"/\.well-known/|/api/(openapi|docs)"
SLOW_SECONDS = 3
"""About the longest cold start that was seen."""
LIE = "203.0.113.9"
WITHOUT_A_BODY = ("GET", "HEAD", "DELETE")


class Error(NamedTuple):
    """What Knative answers, and what the client is told."""

    sent: str
    status: int
    detail: str


GONE, LATE, LOST = (
    "The function could not be reached.",
    "The function did not answer in time.",
    "There was no answer of the function.",
)
ERRORS = (
    Error("queue-proxy-502", 503, GONE),
    Error("activator-503", 503, LOST),
    Error("envoy-503", 503, LOST),
    Error("empty-503", 503, LOST),
    Error("queue-proxy-504", 503, LATE),
    Error("envoy-404", 503, LOST),
    Error("envoy-426", 503, LOST),
    Error("html-500", 503, LOST),
    Error("silence", 503, GONE),
)
OURS = tuple(name for name in TOLD if name.startswith("function-"))


@pytest.fixture(scope="module", params=OVERLAYS)
def made(request: pytest.FixtureRequest, stack: Stack) -> Iterator[Cluster]:
    with cluster(stack, request.param) as running:
        yield running


@pytest.fixture
def client(made: Cluster) -> Iterator[httpx.Client]:
    with made.client() as opened:
        yield opened


def test_every_route_reaches_its_function_and_no_other(made: Cluster, client: httpx.Client) -> None:
    assert len(ROUTES) > 40
    sent = {}
    for method, path in ROUTES:
        name = new_id()
        # The query keeps it from the cache.
        target = f"{re.sub(r'{[^}]+}', SOMETHING, path)}?of={name}"
        body = None if method in WITHOUT_A_BODY else b"{}"
        answer = client.request(method, target, headers={"X-Request-ID": name}, content=body)
        sent[method, path] = (name, target, answer.status_code)
    seen = made.seen()
    for (method, path), (name, target, status) in sent.items():
        came = [request for request in seen if ["x-request-id", name] in request["headers"]]
        owner = OWNERS.get(path.replace("{id}", SOMETHING)) or "projects"
        found = [(request["host"], request["method"], request["path"]) for request in came]
        # Of what it keeps, the gateway asks for the whole.
        asked = "GET" if method == "HEAD" and re.match(KEPT, path) else method
        assert (status, found) == (200, [(owner + SUFFIX, asked, target)])


def test_nothing_else_reaches_any(made: Cluster) -> None:
    ids = {}
    for method, path in [
        *(("GET", path) for path in NOWHERE),
        *((method, "/api/issues") for method in STRANGE_METHODS),
    ]:
        name = new_id()
        answer = exchange(made.https, method, path, headers={"X-Request-ID": name}, tls=made.tls)
        status = 400 if path in NO_PATHS else 404 if method == "GET" else 405
        assert answer.status == status, (method, path)
        assert answer.problem()["status"] == status
        ids[name] = (method, path)
    came = [value for request in made.seen() for name, value in request["headers"] if name == "x-request-id"]
    assert [ids[name] for name in came if name in ids] == []


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.sent)
def test_what_is_no_answer_of_the_function_is_a_problem(client: httpx.Client, error: Error, method: str) -> None:
    body = None if method in WITHOUT_A_BODY else b"{}"
    path = f"/api/issues/{SOMETHING}"
    answer = client.request(method, path, headers={"X-Stub": error.sent}, content=body)
    problem = check_told(answer_of(answer), 503, "service_unavailable")
    assert (problem["detail"], problem["instance"]) == (error.detail, path)
    assert answer.headers.get_list("Retry-After") == ["2"]
    assert answer.headers.get_list("Content-Type") == ["application/problem+json"]
    assert not {"x-accel-redirect", "x-function-address"} & set(answer.headers)


@pytest.mark.parametrize("path", ["/api/issues", "/api/openapi.json", f"/api/issues/{SOMETHING}"])
def test_it_is_one_on_every_way_there_is(client: httpx.Client, path: str) -> None:
    """A list, which is compressed; what is kept; and a single object."""
    query = f"?of={new_id()}"
    head = client.head(path + query, headers={"X-Stub": "activator-503"})
    assert (head.status_code, head.headers["Content-Type"], head.content) == (503, "application/problem+json", b"")
    assert head.headers["Retry-After"] == "2"
    check_told(answer_of(client.get(path + query, headers={"X-Stub": "activator-503"})), 503, "service_unavailable")
    assert client.get(path + query).status_code == 200, "it was kept"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", OURS)
def test_an_error_of_the_functions_own_comes_through_whole(client: httpx.Client, name: str, method: str) -> None:
    body = None if method in WITHOUT_A_BODY else b"{}"
    answer = client.request(method, f"/api/issues/{SOMETHING}", headers={"X-Stub": name}, content=body)
    told = TOLD[name]
    assert (answer.status_code, answer.content) == (told.status, told.body)
    assert {header: answer.headers.get_list(header) for header in told.headers} == {
        header: [value] for header, value in told.headers.items()
    }
    assert not {"x-accel-redirect", "x-function-address"} & set(answer.headers)


def test_a_kept_document_outlives_what_stands_before_its_function(client: httpx.Client) -> None:
    path = f"/api/openapi.json?of={new_id()}"
    kept = client.get(path, headers={"X-Stub": "expires-1"}).content
    time.sleep(2.1)  # until it has expired, by a clock of whole seconds
    for error in ("activator-503", "queue-proxy-502", "queue-proxy-504", "envoy-404", "silence"):
        answer = client.get(path, headers={"X-Stub": error})
        assert (answer.status_code, answer.content) == (200, kept)
        time.sleep(0.1)  # until the gateway has asked again, which nobody waits for
    fresh = [client.get(path).content for _ in range(2)]
    assert kept not in fresh[1:], "a function that is back is asked"


def test_a_cold_start_is_waited_for(client: httpx.Client) -> None:
    name = new_id()
    for method in ("GET", "POST"):
        answer = client.request(
            method, "/api/projects", headers={"X-Stub": f"wait-{SLOW_SECONDS}", "X-Request-ID": name}
        )
        assert (answer.status_code, answer.json()["method"]) == (200, method)
        assert answer.elapsed.total_seconds() >= SLOW_SECONDS


def test_a_request_that_was_long_waited_for_is_not_repeated(stack: Stack) -> None:
    """For more than the 6 s within which another instance is tried: there is perhaps a function at work on it."""
    name = new_id()
    with cluster(stack, "production", GATEWAY_TIMEOUT_SECONDS="7") as made, made.client() as client:
        answer = client.get("/api/issues", headers={"X-Stub": "wait-9", "X-Request-ID": name})
        problem = check_told(answer_of(answer), 503, "service_unavailable")
        assert problem["detail"] == LATE
        assert len(made.seen_of(name)) == 1


def test_a_request_that_broke_off_is_repeated_if_it_may_be(made: Cluster, client: httpx.Client) -> None:
    for method, times in (("GET", 2), ("POST", 1), ("PATCH", 1)):
        name = new_id()
        client.request(method, f"/api/issues/{SOMETHING}", headers={"X-Stub": "silence", "X-Request-ID": name})
        assert len(made.seen_of(name)) == times, method


def test_the_function_is_told_who_asks_and_how(client: httpx.Client) -> None:
    body = b'{"x": "' + b"y" * 100_000 + b'"}'
    sent = {
        "X-Request-ID": (name := new_id()),
        "Authorization": "Bearer x",
        "If-Match": '"x"',
        "Expect": "100-continue",
    }
    came = client.patch(f"/api/issues/{SOMETHING}?a=%2F&b=%C3%A9", headers=sent, content=body).json()
    headers = dict(came["headers"])
    assert len(headers) == len(came["headers"]), "a header twice"
    assert (came["host"], came["body"]) == (f"issues{SUFFIX}", body.decode())
    assert came["path"] == f"/api/issues/{SOMETHING}?a=%2F&b=%C3%A9"
    assert (headers["x-request-id"], headers["x-forwarded-proto"]) == (name, "https")
    assert (headers["authorization"], headers["if-match"]) == ("Bearer x", '"x"')
    assert not {"connection", "forwarded", "x-forwarded-host", "expect"} & set(headers)


def test_the_largest_head_that_is_taken_comes_through(client: httpx.Client) -> None:
    """Four buffers of 8 KiB full: what the gateway adds must have its place too."""
    large = {f"X-Large-{number}": "x" * 8170 for number in range(3)}
    answer = client.get(f"/api/issues?search={'x' * 8000}", headers=large)
    assert answer.status_code == 200
    assert [value for name, value in answer.json()["headers"] if name.startswith("x-large-")] == list(large.values())


def test_a_client_is_believed_of_its_address_only_where_the_manifests_trust_it(
    made: Cluster, client: httpx.Client
) -> None:
    def forwarded(**headers: str) -> str:
        came = client.get("/api/issues", headers={name.replace("_", "-"): text for name, text in headers.items()})
        (address,) = (value for name, value in came.json()["headers"] if name == "x-forwarded-for")
        return str(address)

    peer = forwarded()
    trusted = [ip_network(text) for text in made.environment["TRUSTED_PROXIES"].split(",") if text]
    is_believed = any(ip_address(peer) in network for network in trusted)
    assert forwarded(X_Forwarded_For=LIE) == (LIE if is_believed else peer)
    assert forwarded(X_Forwarded_For=f"198.51.100.1, {LIE}") == (LIE if is_believed else peer)
    assert forwarded(X_Real_IP=LIE, Forwarded=f"for={LIE}") == peer


def test_what_an_ingress_that_ends_tls_sends_is_served_where_it_is_trusted(stack: Stack) -> None:
    everybody = "0.0.0.0/0"
    with cluster(stack, "production", TRUSTED_PROXIES=everybody) as made:
        told = {"X-Forwarded-Proto": "https", "X-Forwarded-For": LIE}
        came = dict(httpx.get(f"{made.http}/api/issues", headers=told).json()["headers"])
        assert came["x-forwarded-for"] == LIE
        plain = httpx.get(f"{made.http}/api/issues", headers={"Host": "flycatcher.example.com"})
        assert (plain.status_code, plain.headers["Location"]) == (308, "https://flycatcher.example.com/api/issues")


def test_the_log_names_function_and_address(made: Cluster, client: httpx.Client) -> None:
    ids = {wanted: new_id() for wanted in ("", "activator-503", "queue-proxy-502")}
    for wanted, name in ids.items():
        client.get("/api/projects", headers={"X-Stub": wanted, "X-Request-ID": name})
    rows = made.stack.command("logs", made.gateway).stdout.splitlines()
    lines = {line["request_id"]: line for line in map(json.loads, rows)}
    for wanted, status in (("", 200), ("activator-503", 503), ("queue-proxy-502", 503)):
        line = lines[ids[wanted]]
        assert (line["status"], line["upstream"]) == (status, f"projects{SUFFIX}")
        assert line["upstream_address"] in ("127.0.0.1:80", "127.0.0.2:80")
        assert line["upstream_status"] == (wanted[-3:] or "200")


def test_a_stop_lets_a_request_in_flight_finish(stack: Stack) -> None:
    """With the signal of nginx's image, which Kubernetes sends too."""
    name = new_id()
    with cluster(stack, "production") as made, made.client() as client, ThreadPoolExecutor(1) as background:
        headers = {"X-Stub": f"wait-{SLOW_SECONDS}", "X-Request-ID": name}
        answer = background.submit(client.post, "/api/issues", headers=headers)
        deadline = time.monotonic() + 5
        while not made.seen_of(name):
            assert time.monotonic() < deadline, "the request did not come in"
        began = time.monotonic()
        stack.command("kill", "--signal=QUIT", made.gateway)
        assert stack.command("wait", made.gateway).stdout.strip() == "0"
        assert SLOW_SECONDS / 2 < time.monotonic() - began < SLOW_SECONDS + 5
        assert (answer.result().status_code, len(made.seen_of(name))) == (200, 1)
