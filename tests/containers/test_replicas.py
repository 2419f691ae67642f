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


@pytest.fixture
def instances(stack: Stack) -> Iterator[list[str]]:
    """Both containers of ``issues``; whatever became of them is mended."""
    found = stack.containers("issues")
    assert len(found) == 2
    yield found
    for container in found:
        stack.command("start", container)
    deadline = time.monotonic() + READY_SECONDS
    while not all(_is_ready(stack, container) for container in found):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _is_ready(stack: Stack, container: str) -> bool:
    return stack.execute(container, "python", "-m", "operations.healthcheck", check=False).returncode == 0


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
        time.sleep(2)
        event()
        time.sleep(5)
        stop.set()
        return sum((reader.result() for reader in readers), Counter())


def _answered(stack: Stack, container: str) -> int:
    return stack.command("logs", container).stdout.count('"route": "/api/issues"')


def test_both_instances_get_their_share(
    stack: Stack, tls: ssl.SSLContext, manager: dict[str, str], instances: list[str]
) -> None:
    before = [_answered(stack, container) for container in instances]
    with httpx.Client(base_url=stack.address, verify=tls, timeout=30, headers=manager) as client:
        for _ in range(100):
            assert client.get("/api/issues?limit=1").status_code == 200
    shares = [_answered(stack, container) - earlier for container, earlier in zip(instances, before, strict=True)]
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


def test_a_post_is_never_sent_twice(
    stack: Stack, tls: ssl.SSLContext, manager: dict[str, str], project: str, instances: list[str]
) -> None:
    """Without a key that makes it safe: an instance dies with a POST in its hands, and the other must not see it."""
    titles = [f"Once {number}" for number in range(400)]

    def report(title: str) -> int:
        with httpx.Client(base_url=stack.address, verify=tls, timeout=30, headers=manager) as client:
            return client.post(f"/api/projects/{project}/issues", json={"title": title}).status_code

    with ThreadPoolExecutor(CLIENTS) as pool:
        sent = [pool.submit(report, title) for title in titles]
        time.sleep(1.5)
        stack.command("kill", instances[0])
        statuses = Counter(future.result() for future in sent)
    assert set(statuses) <= {201, 503}
    with httpx.Client(base_url=stack.address, verify=tls, timeout=30, headers=manager) as client:
        found: Counter[str] = Counter()
        for page in range(1, 5):
            answer = client.get(f"/api/projects/{project}/issues", params={"limit": 100, "page": page})
            found.update(issue["title"] for issue in answer.json()["items"])
    assert set(found.values()) == {1}
    assert statuses[201] <= found.total() <= 400
