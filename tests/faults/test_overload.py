"""More comes than one instance can serve: the excess is refused soon, what is let in is served, and then all is well.

The load shares the processors with what it loads, and others may too: work is compared by the processor's time.
"""

import asyncio
import random
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support import crowd
from tests.support.crowd import Client, Connection, Reply, connect, request
from tests.support.stack import Instance, Stack, api_of, people_of, wait_until_ready

SECONDS = 3.0
CALM = 8
"""Clients who keep an instance busy and no more."""
HONEST = 100
"""Clients who ask at the same moment, once each: they are served."""
CROWD = 300
"""Clients who ask again as soon as they are answered, whatever the answer is."""
FACTOR = 2.0
"""How many times what is served comes in, be it answered or not."""
CONNECTIONS = 1000
"""Over which it comes: as many as a gateway has."""
GOOD, REFUSED = 2.0, 1.5
"""Seconds within which 99 of 100 good answers, and of 100 refusals, are there: a quiet machine takes 0.5 s for both."""
LATE = 8.0
"""Seconds after the last request until the last answer: whatever comes, no queue grows for long."""
WORTH = 0.2
"""The share of its calm work that a second of the processor's time still does: to refuse costs time as well."""
GROWN = 48.0
"""MiB that the process may keep of what a thousand connections took at once."""
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Measure:
    """What came of a load, and what it cost."""

    name: str
    replies: list[Reply]
    seconds: float
    processor: float
    """Seconds of the instance's processor time."""

    def times(self, *statuses: int) -> list[float]:
        """How long the answers of these statuses took, in order."""
        return sorted(reply.seconds for reply in self.replies if reply.status in statuses)

    @property
    def good(self) -> list[float]:
        """How long the answers took that were what was asked for."""
        return self.times(200, 201)

    @property
    def refused(self) -> list[float]:
        """How long the refusals took."""
        return self.times(503)

    @property
    def worth(self) -> float:
        """Good answers for a second of the instance's processor time."""
        return len(self.good) / self.processor

    def __str__(self) -> str:
        """A line of a table."""
        cells = [self.name]
        for times in (self.good, self.refused):
            waits = (f"{1000 * percentile(times, share):.0f}" for share in (0.5, 0.99, 1))
            cells += [f"{len(times) / self.seconds:.0f}", " / ".join(waits)]
        return f"| {' | '.join(cells)} | {self.worth:.0f} |"


HEAD = """
| load | good a second | ms: p50 / p99 / max | refused a second | ms: p50 / p99 / max | good for a processor's second |
| --- | ---: | ---: | ---: | ---: | ---: |"""


def percentile(ordered: list[float], share: float) -> float:
    """The value that ``share`` of them do not exceed; 0 of none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Target:
    """An instance of issues, and clients who do what developers do."""

    def __init__(self, instance: Instance, token: str, project: str) -> None:
        self._port = instance.port
        self._token = token
        self._project = project
        self._issues: list[str] = []
        self._process = psutil.Process(instance.process.pid)
        self._random = random.Random(1)  # noqa: S311  # the same choices at every run

    def make(self) -> bytes:
        """Of ten requests six read an issue, three list some, and one reports one."""
        (kind,) = self._random.choices(("read", "list", "report"), (6 if self._issues else 0, 3, 1))
        if kind == "read":
            return request("GET", f"/api/issues/{self._random.choice(self._issues)}", self._token)
        if kind == "list":
            return request("GET", f"/api/issues?project={self._project}&status=open", self._token)
        return self.report()

    def report(self) -> bytes:
        """A new issue."""
        return request("POST", f"/api/projects/{self._project}/issues", self._token, {"title": "One more"})

    async def fill(self) -> None:
        """Report some issues to be read."""
        client = Client(self._port)
        for _ in range(40):
            self._issues.append((await client.ask(self.report())).json()["id"])
        client.close()

    def measure(self, name: str, load: Coroutine[Any, Any, list[Reply]]) -> Measure:
        """Run a load."""
        began, spent = monotonic(), self._processor()
        replies = crowd.run(load)
        return Measure(name, replies, monotonic() - began, self._processor() - spent)

    async def closed(self, clients: int, seconds: float = SECONDS) -> list[Reply]:
        """So many clients, each of whom asks again when the answer is there."""
        ends, replies = monotonic() + seconds, list[Reply]()

        async def work() -> None:
            client = Client(self._port)
            while monotonic() < ends:
                replies.append(await client.ask(self.make()))
            client.close()

        await asyncio.gather(*(work() for _ in range(clients)))
        return replies

    async def open(self, rate: float) -> list[Reply]:
        """So many requests a second, whether they are answered or not."""
        idle, tasks, began = list[Client](), list[asyncio.Task[Reply]](), monotonic()
        ways = asyncio.Semaphore(CONNECTIONS)

        async def one() -> Reply:
            async with ways:
                client = idle.pop() if idle else Client(self._port)
                reply = await client.ask(self.make())
                idle.append(client)
                return reply

        for number in range(int(rate * SECONDS)):
            await asyncio.sleep(max(0.0, began + number / rate - monotonic()))
            tasks.append(asyncio.create_task(one()))
        replies = [await task for task in tasks]
        for client in idle:
            client.close()
        return replies

    async def at_once(self, clients: int) -> list[Reply]:
        """So many clients ask once, at the same moment."""
        ways = [await connect(self._port) for _ in range(clients)]
        replies = await asyncio.gather(*(way.ask(self.make()) for way in ways))
        for way in ways:
            way.close()
        return replies

    async def half_sent(self, clients: int) -> list[Connection]:
        """So many clients who send all of a request but the end of its body."""
        ways = [await connect(self._port) for _ in range(clients)]
        for way in ways:
            way.send(self.report()[:-5])
        await asyncio.sleep(0.3)
        return ways

    def memory(self) -> float:
        """MiB that the process holds."""
        return float(self._process.memory_info().rss) / MEBIBYTE

    def counted(self) -> float:
        """The refusals of which the metrics tell."""
        reply = crowd.run(Client(self._port, keep=False).ask(request("GET", "/metrics")))
        families = text_string_to_metric_families(reply.body.decode())
        samples = {sample.name: sample.value for family in families for sample in family.samples}
        return float(samples["flycatcher_database_requests_refused_total"])

    def _processor(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


@pytest.fixture(scope="module")
def target(stack: Stack) -> Iterator[Target]:
    """An instance of issues, with some in it."""
    projects, instance = stack.start("projects", wait=False), stack.start("issues")
    for started in (projects, instance):
        wait_until_ready(started, 20)
    with api_of(projects) as api, people_of(stack, api) as people:
        admin = people.admin()
        target = Target(instance, admin.token, admin.project()["id"])
    crowd.run(target.fill())
    yield target
    assert instance.process.poll() is None


def check_honest(replies: list[Reply]) -> None:
    """Each is a good answer or a refusal that says when to come again, and tells of the limit."""
    assert {reply.told() for reply in replies} <= {"200", "201", "503 service_unavailable"}
    for reply in replies:
        assert reply.header("Retry-After") or reply.status != 503
        assert all(reply.header(f"RateLimit-{name}") for name in ("Limit", "Remaining", "Reset"))


def test_a_hundred_at_once_are_served_however_many_bodies_are_on_the_way(target: Target) -> None:
    async def scene() -> list[Reply]:
        hanging = await target.half_sent(200)
        replies = [reply for _ in range(3) for reply in await target.at_once(HONEST)]
        for way in hanging:
            way.close()
        return replies

    replies = crowd.run(scene())
    check_honest(replies)
    assert {reply.status for reply in replies} <= {200, 201}


def test_the_excess_is_refused_soon_and_the_rest_is_served(target: Target, capsys: pytest.CaptureFixture[str]) -> None:
    calm = target.measure(f"{CALM} clients", target.closed(CALM))
    memory, counted = target.memory(), target.counted()
    rate = FACTOR * len(calm.good) / calm.seconds
    crowds = [target.measure(f"{clients} clients", target.closed(clients)) for clients in (CROWD // 2, CROWD)]
    flood = target.measure(f"{rate:.0f} requests a second", target.open(rate))
    after = target.measure(f"{CALM} clients again", target.closed(CALM, 1))
    grown = target.memory() - memory
    with capsys.disabled():
        print(HEAD, calm, *crowds, flood, after, f"{memory:.0f} MiB before, {grown:.1f} more afterwards", sep="\n")
    for calmly in (calm, after):
        assert len(calmly.good) == len(calmly.replies)
    for load in (*crowds, flood):
        check_honest(load.replies)
        assert load.refused, "this was no overload"
    for load in crowds:
        assert percentile(load.good, 0.99) < GOOD
        assert percentile(load.refused, 0.99) < REFUSED
        assert load.worth > WORTH * calm.worth
    assert flood.seconds < SECONDS + LATE
    assert target.counted() - counted == sum(len(load.refused) for load in (*crowds, flood))
    assert after.worth > 0.7 * calm.worth
    assert grown < GROWN
