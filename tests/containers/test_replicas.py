"""Two instances of one function behind the gateway: they share the load, and one of them may go at any moment."""

import json
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx2 as httpx
import pytest

from tests.containers.conftest import Stack

CLIENTS = 4
READY_SECONDS = 30
FORGOTTEN_SECONDS = 3
"""Each process of nginx looks names up for itself, and goes by what it knows for 2 s."""
AT_ONCE = 16
BEFORE_SECONDS = 2
"""Until every client has sent something."""
AFTER_SECONDS = 5
"""In which an address that is gone would still be tried."""


@pytest.fixture
def instances(stack: Stack, tls: ssl.SSLContext) -> Iterator[list[str]]:
    """Both containers of ``issues``, known to the gateway; whatever becomes of them is mended."""
    found = stack.containers("issues")
    assert len(found) == 2
    deadline = time.monotonic() + READY_SECONDS
    shares = [0, 0]
    while min(shares) == 0:
        assert time.monotonic() < deadline
        shares = _shares(stack, tls, {}, found, 8)
    time.sleep(FORGOTTEN_SECONDS)  # nothing tells what nginx has cached
    yield found
    for container in found:
        stack.command("start", container)


def _shares(
    stack: Stack, tls: ssl.SSLContext, headers: dict[str, str], instances: list[str], requests: int
) -> list[int]:
    """How many of some requests, one after another, each instance answers."""
    before = [_answered(stack, container) for container in instances]
    with httpx.Client(base_url=stack.address, verify=tls, timeout=30, headers=headers) as client:
        for _ in range(requests):
            client.get("/api/issues?limit=1")
    return [_answered(stack, container) - earlier for container, earlier in zip(instances, before, strict=True)]


def _under_load(
    stack: Stack, tls: ssl.SSLContext, manager: dict[str, str], event: Callable[[], object]
) -> Counter[str]:
    """What clients are told who read without pause, before, while and after something happens."""
    stop = Event()

    def read() -> Counter[str]:
        told: Counter[str] = Counter()
        with httpx.Client(base_url=stack.address, verify=tls, timeout=30, headers=manager) as client:
            while not stop.is_set():
                try:
                    told[str(client.get("/api/issues?limit=5").status_code)] += 1
                except httpx.HTTPError as error:
                    told[repr(error)] += 1
        return told

    with ThreadPoolExecutor(CLIENTS) as pool:
        readers = [pool.submit(read) for _ in range(CLIENTS)]
        time.sleep(BEFORE_SECONDS)  # the load has to be there before the event
        event()
        time.sleep(AFTER_SECONDS)  # and to go on after it
        stop.set()
        return sum((reader.result() for reader in readers), Counter())


def _answered(stack: Stack, container: str) -> int:
    return stack.command("logs", container).stdout.count('"route": "/api/issues"')


def test_both_instances_get_their_share(
    stack: Stack, tls: ssl.SSLContext, manager: dict[str, str], instances: list[str]
) -> None:
    shares = _shares(stack, tls, manager, instances, 100)
    assert sum(shares) == 100
    assert min(shares) >= 20


def test_no_reader_notices_that_an_instance_is_killed(
    stack: Stack, tls: ssl.SSLContext, manager: dict[str, str], instances: list[str]
) -> None:
    told = _under_load(stack, tls, manager, lambda: stack.command("kill", instances[0]))
    assert set(told) == {"200"}
    assert told.total() > 100


def test_no_reader_notices_that_an_instance_is_stopped(
    stack: Stack, tls: ssl.SSLContext, manager: dict[str, str], instances: list[str]
) -> None:
    told = _under_load(stack, tls, manager, lambda: stack.command("stop", instances[1]))
    assert set(told) == {"200"}
    assert told.total() > 100
    (state,) = json.loads(stack.command("inspect", instances[1]).stdout)
    assert state["State"]["ExitCode"] == 0


def test_what_may_be_repeated_is_sent_to_the_other_instance_and_a_post_never(
    stack: Stack, tls: ssl.SSLContext, manager: dict[str, str], project: str, instances: list[str]
) -> None:
    """An instance takes requests, does not answer, and dies with them in its hands."""
    issues = f"/api/projects/{project}/issues"

    def send(method: str, number: int) -> int:
        body = {"title": f"Once {number}"} if method == "POST" else None
        with httpx.Client(base_url=stack.address, verify=tls, timeout=30, headers=manager) as client:
            return client.request(method, issues, json=body).status_code

    stack.command("pause", instances[0])
    try:
        with ThreadPoolExecutor(2 * AT_ONCE) as pool:
            posts = [pool.submit(send, "POST", number) for number in range(AT_ONCE)]
            reads = [pool.submit(send, "GET", number) for number in range(AT_ONCE)]
            time.sleep(BEFORE_SECONDS)  # the frozen instance cannot say that it has them
            stack.command("kill", instances[0])
    finally:
        stack.command("unpause", instances[0], check=False)
    assert {read.result() for read in reads} == {200}
    statuses = Counter(post.result() for post in posts)
    # Each goes to one of the two at random: that so many all go to one is one in thirty thousand.
    assert set(statuses) == {201, 503}
    with httpx.Client(base_url=stack.address, verify=tls, timeout=30, headers=manager) as client:
        titles = [issue["title"] for issue in client.get(f"{issues}?limit=100").json()["items"]]
    assert len(titles) == len(set(titles)) == statuses[201]
