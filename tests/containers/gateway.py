"""What the tests of the gateway share: its own answers, what the functions have seen of a request, a second gateway."""

import json
import ssl
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4

import httpx2 as httpx

from shared.http.headers import SECURITY_HEADERS
from shared.http.problems import PROBLEMS
from shared.settings import FUNCTION_NAMES
from tests.containers.conftest import Stack
from tests.support.api import JSON
from tests.support.wire import Answer

SOMETHING = "01a20430-4a88-7233-b2b1-68fd54c44639"
"""An id that names nothing."""
REACHES = {
    "auth": "/api/auth/me",
    "projects": "/api/projects",
    "issues": "/api/issues",
    "comments": f"/api/comments/{SOMETHING}",
}
"""A path of each function's own."""
MEMBERS = {"type", "title", "status", "code", "detail", "instance", "request_id"}


def new_id() -> str:
    """A request id that nothing else has."""
    return f"seen-{uuid4().hex}"


def check_told(answer: Answer, status: int, code: str) -> JSON:
    """A problem of the gateway's own, in the shape and with the headers of a function's."""
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), answer
    problem: JSON = json.loads(answer.body)
    assert set(problem) == MEMBERS
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"urn:flycatcher:problem:{code}")
    assert problem["title"] == PROBLEMS[code].title
    assert answer.headers["link"] == f'</api/docs/guide#{code}>; rel="help"'
    assert problem["detail"].endswith(".")
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert {name: answer.headers.get(name.lower()) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    return problem


def answer_of(response: httpx.Response) -> Answer:
    """What httpx got, as the raw requests' answers are."""
    return Answer(response.status_code, dict(response.headers), response.content)


def functions_that_saw(stack: Stack) -> Mapping[str, set[str]]:
    """By the id of a request, the functions that wrote that they had it; all that was sent before is told.

    It is what they say themselves: what the gateway says that it did proves nothing.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for function, text in _settled(stack):
        for line in text.splitlines():
            if request := json.loads(line).get("request_id"):
                found[request].add(function)
    return found


def _settled(stack: Stack) -> Iterator[tuple[str, str]]:
    """What every instance has written, once it has written of a request that came after all others so far."""
    last = new_id()
    waiting = [(function, container) for function in FUNCTION_NAMES for container in stack.containers(function)]
    deadline = time.monotonic() + 20
    with httpx.Client(base_url=stack.address, verify=stack.tls()) as client:
        while waiting:
            assert time.monotonic() < deadline, f"never reached: {waiting}"
            for function in {function for function, _ in waiting}:
                for _ in range(4):
                    client.post(REACHES[function], headers={"X-Request-ID": last})  # which no cache answers
            for function, container in waiting[:]:
                if last in (text := stack.command("logs", container).stdout):
                    waiting.remove((function, container))
                    yield function, text


def access_log(stack: Stack, *ids: str) -> list[JSON]:
    """The gateway's own lines of these requests, in their order."""
    deadline = time.monotonic() + 5
    while True:
        text = stack.command("logs", stack.container("gateway")).stdout
        lines: dict[str, JSON] = {(line := json.loads(row))["request_id"]: line for row in text.splitlines()}
        if lines.keys() >= set(ids):
            return [lines[each] for each in ids]
        assert time.monotonic() < deadline, "the gateway wrote no line"
        time.sleep(0.1)  # polled; the deadline is above


@contextmanager
def second_gateway(stack: Stack, *networks: str, **environment: str) -> Iterator[str]:
    """Another gateway like the first but for these settings, on the edge and on these networks; its address."""
    first = stack.container("gateway")
    image = stack.command("inspect", "--format={{.Config.Image}}", first).stdout.strip()
    options = [f"--network={stack.project}_edge", f"--volumes-from={first}:ro", "--publish=127.0.0.1::8443"]
    options += ["--user=101:10001", "--tmpfs=/tmp:size=64m,mode=1777", "--entrypoint=/gateway/start"]
    options += [f"--env={name}={value}" for name, value in environment.items()]
    made = stack.command("create", "--rm", *options, image).stdout.strip()
    try:
        for network in networks:
            stack.command("network", "connect", f"{stack.project}_{network}", made)
        stack.command("start", made)
        address = stack.command("port", made, "8443/tcp").stdout.split()[0]
        url = f"https://localhost:{address.rpartition(':')[2]}"
        _wait_until_it_answers(url, stack.tls())
        yield url
    finally:
        stack.command("rm", "--force", "--time=0", made, check=False)


def _wait_until_it_answers(url: str, tls: ssl.SSLContext) -> None:
    deadline = time.monotonic() + 10
    with httpx.Client(verify=tls) as client:
        while True:
            try:
                client.get(f"{url}/nothing")
                return
            except httpx.TransportError:
                assert time.monotonic() < deadline, "the second gateway did not start"
                time.sleep(0.1)  # polled; the deadline is above
