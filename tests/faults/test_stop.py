"""A function is told to stop while clients are at it: each gets all of its answer, or a refusal that it can try again.

As a platform does it: SIGTERM, and SIGKILL where the process is still there ten seconds later.
"""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import count

import psutil
import pytest

from tests.support import crowd
from tests.support.api import JSON
from tests.support.crowd import Client, Connection, Reply, connect, request
from tests.support.people import Person
from tests.support.stack import Instance, Stack, api_of, people_of, wait_until_ready

SECONDS = 10.0
"""Within which the process has to be gone."""
CLIENTS = 24
HEAVY = ('{"title": "x"' + "".join(f', "{number}": "\\ud800"' for number in range(45_000)) + "}").encode()
"""A body that keeps a process busy for a good while: what comes meanwhile is not even accepted."""
DESCRIPTION = "🐞" * 5000
"""With its HTML 40 KB; a hundred of them are more than the kernel keeps for a client who does not read."""
SLOW = {
    "sends half a head": "503 service_unavailable",
    "sends half a body": "503 service_unavailable",
    "sends the rest of its body": "201",
    "asks half a second later": "200",
    "asks nothing more": "closed",
    "reads two seconds later": "200",
    "reads nothing": "cut",
}
"""What clients do whose connections are open when the stop begins, and what each of them gets."""

numbers = count(1)


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
    """An instance of issues, to be stopped by the test."""
    instance = stack.start("issues")
    wait_until_ready(instance)
    yield instance
    with suppress(psutil.NoSuchProcess):
        instance.process.kill()


@dataclass
class Asking:
    """Clients in a closed loop, who go to the next instance where the one refuses them."""

    instances: list[Instance]
    until: float = 0.0
    replies: dict[int, list[Reply]] = field(default_factory=dict)
    """By the port that was asked."""
    last: list[Reply] = field(default_factory=list)
    """Of each client that keeps its connection, the last answer of the first instance."""

    async def client(self, make: Callable[[], bytes], *, keep: bool) -> None:
        """Ask, one request after the other."""
        for place, instance in enumerate(self.instances):
            client = Client(instance.port, keep=keep)
            replies = self.replies.setdefault(instance.port, [])
            while time.monotonic() < self.until:
                reply = await client.ask(make())
                if reply.error == "refused":
                    break
                replies.append(reply)
                last = reply
            if keep and place == 0:
                self.last.append(last)
            client.close()


async def stopped(instance: Instance, number: signal.Signals = signal.SIGTERM) -> float:
    """Send the signal and wait for the end, which has to be in order; how many seconds it took."""
    began = time.monotonic()
    instance.process.send_signal(number)
    return await ended(instance, began)


async def ended(instance: Instance, began: float) -> float:
    """Wait for the end of an instance that was told to stop at ``began``; how many seconds that took."""
    while instance.process.poll() is None:
        assert time.monotonic() < began + SECONDS, instance.log.read_text(encoding="utf-8")[-2000:]
        await asyncio.sleep(0.01)
    assert instance.process.returncode == 0, instance.log.read_text(encoding="utf-8")[-2000:]
    return time.monotonic() - began


def logged(instance: Instance) -> list[str]:
    """What the instance has said that is worth an operator's eye."""
    lines = [json.loads(line) for line in instance.log.read_text(encoding="utf-8").splitlines()]
    return [line["message"] for line in lines if line["level"] in ("error", "critical")]


def titles(stack: Stack) -> list[str]:
    """Of all issues."""
    with stack.postgres.connect() as owner:
        return [title for (title,) in owner.execute("SELECT title FROM issues")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_clients_go_on_with_another_instance_and_lose_nothing(
    stack: Stack, admin: Person, project: JSON, instance: Instance, number: signal.Signals
) -> None:
    other = stack.start("issues")
    wait_until_ready(other)
    asking = Asking([instance, other])
    new = f"/api/projects/{project['id']}/issues"

    def read() -> bytes:
        return request("GET", "/api/issues?limit=5", admin.token)

    def write() -> bytes:
        return request("POST", new, admin.token, {"title": f"{number.name} {next(numbers)}"})

    async def scene() -> float:
        asking.until = time.monotonic() + 3
        async with asyncio.TaskGroup() as group:
            for place in range(CLIENTS):
                group.create_task(asking.client((read, write)[place % 2], keep=place % 4 < 2))
            await asyncio.sleep(0.7)
            return await stopped(instance, number)

    crowd.run(scene())
    told = {reply.told() for replies in asking.replies.values() for reply in replies}
    assert told == {"200", "201"}
    assert len(asking.replies) == 2
    assert len(asking.last) == CLIENTS // 2
    assert {reply.header("Connection") for reply in asking.last} == {"close"}
    acknowledged = [
        reply.json()["title"] for replies in asking.replies.values() for reply in replies if reply.status == 201
    ]
    assert sorted(title for title in titles(stack) if title.startswith(number.name)) == sorted(acknowledged)
    assert logged(instance) == []
    other.kill()


def test_who_has_connected_is_answered_however_busy_the_process_is(
    admin: Person, project: JSON, instance: Instance
) -> None:
    heavy = request("POST", f"/api/projects/{project['id']}/issues", admin.token, Content_Length=str(len(HEAVY)))
    heavy = heavy.replace(b"Host", b"Content-Type: application/json\r\nHost") + HEAVY

    async def late(pause: float) -> Reply:
        await asyncio.sleep(pause)
        return await Client(instance.port, keep=False).ask(request("GET", "/healthz"))

    async def scene() -> list[Reply]:
        async with asyncio.TaskGroup() as group:
            busy = [group.create_task(Client(instance.port, keep=False).ask(heavy)) for _ in range(4)]
            await asyncio.sleep(0.03)
            group.create_task(stopped(instance))
            others = [group.create_task(late(0.002 * place)) for place in range(100)]
        return [task.result() for task in busy + others]

    replies = crowd.run(scene())
    assert {reply.told() for reply in replies[:4]} == {"422 validation_failed"}
    told = [reply.told() for reply in replies[4:]]
    assert set(told) == {"200", "refused"}
    assert told.count("200") > 1, "nobody has come while the process was busy"


@pytest.mark.usefixtures("library")
def test_slow_clients_get_what_can_be_had_in_time(admin: Person, project: JSON, instance: Instance) -> None:
    report = request("POST", f"/api/projects/{project['id']}/issues", admin.token, {"title": "Slowly"})
    library = request("GET", "/api/issues?limit=100&search=long", admin.token)
    ways: dict[str, Connection] = {}

    async def scene() -> dict[str, Reply]:
        for role in SLOW:
            ways[role] = await connect(instance.port, reading=not role.startswith("reads"))
        for role in ("asks half a second later", "asks nothing more"):
            assert (await ways[role].ask(request("GET", "/healthz"))).status == 200
        ways["sends half a head"].send(report[:40])
        for role in ("sends half a body", "sends the rest of its body"):
            ways[role].send(report[:-5])
        for role in ("reads two seconds later", "reads nothing"):
            ways[role].send(library)
        await asyncio.sleep(0.5)
        async with asyncio.TaskGroup() as group:
            stopping = group.create_task(stopped(instance))
            answers = {role: group.create_task(ways[role].answer(SECONDS)) for role in SLOW}
            await asyncio.sleep(0.5)
            ways["asks half a second later"].send(request("GET", "/healthz"))
            await asyncio.sleep(1.5)
            ways["sends the rest of its body"].send(report[-5:])
            ways["reads two seconds later"].transport.resume_reading()
            await stopping
            ways["reads nothing"].transport.resume_reading()
        return {role: answer.result() for role, answer in answers.items()}

    replies = crowd.run(scene())
    assert {role: reply.told() for role, reply in replies.items()} == SLOW
    for role, reply in replies.items():
        assert reply.header("Connection") == "close" or role.startswith("reads") or not reply.status
        assert reply.header("Retry-After") or reply.status != 503
        assert reply.seconds < SECONDS / 2 or role == "reads nothing"
    assert len(replies["reads two seconds later"].json()["items"]) == 100
    assert "Slowly" in replies["sends the rest of its body"].json()["title"]


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


def _hang_postgres(stack: Stack) -> Callable[[], None]:
    stack.postgres.hang()
    return stack.postgres.resume


def _hang_valkey(stack: Stack) -> Callable[[], None]:
    stack.valkey.hang()
    return stack.valkey.resume


@pytest.mark.parametrize(
    ("hang", "expected"),
    [(_hang_postgres, "503 service_unavailable"), (_hang_valkey, "200")],
    ids=["PostgreSQL", "Redis"],
)
def test_a_dependency_that_hangs_does_not_keep_the_process(
    stack: Stack, admin: Person, instance: Instance, hang: Callable[[Stack], Callable[[], None]], expected: str
) -> None:
    read = request("GET", "/api/issues?limit=5", admin.token)

    async def scene() -> list[Reply]:
        kept = [Client(instance.port) for _ in range(10)]
        assert {reply.status for reply in await asyncio.gather(*(client.ask(read) for client in kept))} == {200}
        new = [Client(instance.port, keep=False) for _ in range(10)]
        with ExitStack() as closing:
            closing.callback(hang(stack))
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(client.ask(read)) for client in kept + new]
                await asyncio.sleep(0.2)
                await stopped(instance)
        return [task.result() for task in asked]

    replies = crowd.run(scene())
    assert {reply.told() for reply in replies} == {expected}
    assert {reply.header("Connection") for reply in replies} == {"close"}
    assert all(reply.header("Retry-After") for reply in replies if reply.status == 503)
    assert logged(instance) == []


def test_further_signals_change_nothing(stack: Stack, admin: Person, instance: Instance) -> None:
    read = request("GET", "/api/issues?limit=5", admin.token)

    async def scene() -> Reply:
        with stack.postgres.connect() as owner, owner.transaction():
            owner.execute("LOCK TABLE issues IN ACCESS EXCLUSIVE MODE")
            asked = asyncio.create_task(Client(instance.port).ask(read))
            await asyncio.sleep(0.2)
            began = time.monotonic()
            instance.terminate()
            for _ in range(10):
                await asyncio.sleep(0.05)
                instance.terminate()
        while instance.process.poll() is None:
            instance.terminate()
            await asyncio.sleep(0.002)
        await ended(instance, began)
        return await asked

    assert crowd.run(scene()).told() == "200"
    assert logged(instance) == []
