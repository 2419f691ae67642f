"""Clients send half of a request, or do not read their answer: others do not notice, and they are let go in time."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from time import monotonic, sleep

import psutil
import pytest

from tests.support import crowd
from tests.support.api import JSON
from tests.support.crowd import Client, Connection, Reply, connect, request
from tests.support.people import Person
from tests.support.stack import Instance, Stack, api_of, people_of, wait_until_ready

HALF = 100
"""Clients of each kind who send half of a request; every other of them goes on by an octet now and then."""
DEAF = 60
"""Clients who do not read what they have asked for."""
PAUSE = 0.08
"""Seconds between two of their requests, each of which is work for half of it: this is about what is kept for them."""
HEAD, BODY, WRITE = 5.0, 8.0, 10.0
"""Seconds that the server gives them here, in place of ten and thirty."""
LIMITS = f"""
import shared.http.input, shared.http.server
shared.http.server.HEAD_SECONDS, shared.http.server.WRITE_SECONDS = {HEAD}, {WRITE}
shared.http.input.BODY_SECONDS = {BODY}
"""
PATIENCE = 3.0
"""Seconds by which the server may be late on a machine that others use too."""
SECONDS = 2.0
"""For which honest clients are watched, without slow ones and beside them."""
SLOWER, NOISE = 3.0, 0.05
"""How many times what it was the 99th percentile may be, and how many seconds more."""
POOL = 5
"""Connections to PostgreSQL that may have been made meanwhile."""
GROWN = 32.0
"""MiB that the process may keep: each connection to PostgreSQL keeps room for the longest row that it has read."""
DESCRIPTION = "🐞" * 5000
"""With its HTML 40 KB; a hundred of them are more than the kernel keeps for a client who does not read."""
IDLE = 6.0
"""Seconds; uvicorn's own limit is 5."""
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def admin(stack: Stack) -> Iterator[Person]:
    """Somebody who may do all, by an instance of projects."""
    projects = stack.start("projects")
    wait_until_ready(projects)
    with api_of(projects) as api, people_of(stack, api) as people:
        yield people.admin()


@pytest.fixture(scope="module")
def project(admin: Person) -> JSON:
    """A project to report to."""
    return admin.project()


@pytest.fixture
def instance(stack: Stack) -> Iterator[Instance]:
    """An instance of issues with shorter limits, whose C library gives back at once what is freed in large pieces."""
    started = stack.start("issues", before=LIMITS, MALLOC_MMAP_THRESHOLD_="131072")
    wait_until_ready(started)
    yield started
    assert started.process.poll() is None
    started.kill()


async def honest(instance: Instance, make: Callable[[], bytes]) -> float:
    """Some clients ask for a while, and are all served; the 99th percentile of what they waited, in seconds."""
    ends, replies = monotonic() + SECONDS, list[Reply]()

    async def work() -> None:
        client = Client(instance.port)
        while monotonic() < ends:
            replies.append(await client.ask(make()))
        client.close()

    await asyncio.gather(*(work() for _ in range(4)))
    assert {reply.told() for reply in replies} == {"200"}
    return sorted(reply.seconds for reply in replies)[int(0.99 * len(replies))]


async def drip(ways: list[Connection]) -> None:
    """Send an octet now and then, as long as the server listens."""
    while any(way.is_open for way in ways):
        for way in ways:
            if way.is_open:
                way.send(b"a")
        await asyncio.sleep(0.5)


def connected(instance: Instance) -> int:
    """Clients whose connections the process has."""
    connections = psutil.Process(instance.process.pid).net_connections("tcp")
    return sum(one.laddr.port == instance.port and one.status != psutil.CONN_LISTEN for one in connections)


def memory(instance: Instance) -> float:
    """MiB that the process holds."""
    return float(psutil.Process(instance.process.pid).memory_info().rss) / MEBIBYTE


def test_half_sent_requests_hold_nobody_up_and_are_told_so(admin: Person, project: JSON, instance: Instance) -> None:
    report = request("POST", f"/api/projects/{project['id']}/issues", admin.token, {"title": "Half " * 20})
    process = psutil.Process(instance.process.pid)

    def read() -> bytes:
        return request("GET", "/api/issues?limit=5", admin.token)

    async def scene() -> tuple[float, float, list[Reply]]:
        alone = await honest(instance, read)
        descriptors, held = process.num_fds(), memory(instance)
        began = monotonic()
        ways = [await connect(instance.port) for _ in range(2 * HALF)]
        for place, way in enumerate(ways):
            way.send(report[:-50] if place < HALF else report[:100])
        async with asyncio.TaskGroup() as group:
            group.create_task(drip(ways[::2]))
            answers = [group.create_task(way.answer()) for way in ways]
            beside = await honest(instance, read)
            assert connected(instance) == 2 * HALF, "they are not held while this is measured"
        took = [answer.result().began + answer.result().seconds - began for answer in answers]
        for seconds, waited in ((BODY, took[:HALF]), (HEAD, took[HALF:])):
            assert min(waited) >= seconds
            assert max(waited) < seconds + PATIENCE
        for way in ways:
            await way.end(PATIENCE)
        assert connected(instance) == 0
        assert process.num_fds() <= descriptors + POOL
        assert memory(instance) < held + GROWN
        return alone, beside, [answer.result() for answer in answers]

    alone, beside, replies = crowd.run(scene())
    assert {reply.told() for reply in replies} == {"400 bad_request"}
    assert {reply.header("Content-Type") for reply in replies} == {"application/problem+json"}
    assert {reply.header("Connection") for reply in replies} == {"close"}
    assert beside < SLOWER * alone + NOISE


@pytest.mark.usefixtures("library")
def test_clients_who_read_nothing_are_cut_off(admin: Person, instance: Instance) -> None:
    library = request("GET", "/api/issues?limit=100&search=long", admin.token)

    def read() -> bytes:
        return request("GET", "/api/issues?limit=1&search=nothing", admin.token)

    async def scene() -> list[Reply]:
        await honest(instance, read)
        held = memory(instance)
        ways = [await connect(instance.port, reading=False) for _ in range(DEAF)]
        for way in ways:
            way.send(library)
            await asyncio.sleep(PAUSE)
        sent = monotonic()
        await honest(instance, read)
        # What the honest ones have closed may still be on its way out.
        while connected(instance) > DEAF:
            assert monotonic() < sent + SECONDS + PATIENCE, "honest clients do not go away"
            await asyncio.sleep(0.05)
        assert connected(instance) == DEAF, "they are not held while this is measured"
        assert memory(instance) > held + DEAF, "nothing was kept for them"
        while connected(instance):
            assert monotonic() < sent + WRITE + PATIENCE, "they are not cut off"
            await asyncio.sleep(0.05)
        assert memory(instance) < held + GROWN
        for way in ways:
            way.transport.resume_reading()
        return await asyncio.gather(*(way.answer() for way in ways))

    assert {reply.error for reply in crowd.run(scene())} == {"cut"}


def test_a_connection_may_idle_longer_than_uvicorn_lets_it(instance: Instance) -> None:
    """A proxy's pool keeps it; how long a function does is ``KEEP_ALIVE_SECONDS``."""
    with closing(HTTPConnection("127.0.0.1", instance.port, timeout=5)) as connection:
        connection.connect()
        opened = connection.sock
        for pause in (0, IDLE):
            sleep(pause)  # idling is what is tried
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
            assert connection.sock is opened


@pytest.fixture(scope="module")
def library(stack: Stack, admin: Person, project: JSON) -> None:
    """A hundred issues that are four megabytes together."""
    columns = "id, project_id, reporter_id, title, title_folded, description, description_html, search"
    values = "gen_random_uuid(), %s, %s, 'Long', 'long', %s, %s, array_to_tsvector('{long}')"
    with stack.postgres.connect() as owner:
        owner.execute(
            f"INSERT INTO issues ({columns}) SELECT {values} FROM generate_series(1, 100)".encode(),  # noqa: S608
            (project["id"], admin.id, DESCRIPTION, f"<p>{DESCRIPTION}</p>"),
        )
