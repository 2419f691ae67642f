"""Developers work for a while, and the processes grow by nothing: ``SOAK_SECONDS`` says how long, 30 s without it.

An hour's soak is ``SOAK_SECONDS=3600``; ``SOAK_RESULTS`` names a file that the whole curve is written to.
"""

import asyncio
import os
import random
import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import monotonic

import psutil
import pytest

from shared.settings import FUNCTION_NAMES, FunctionName
from tests.support import crowd
from tests.support.api import JSON
from tests.support.crowd import Client, Reply, request
from tests.support.people import PASSWORD
from tests.support.stack import Stack, api_of, people_of, start_all

SECONDS = float(os.environ.get("SOAK_SECONDS", "30"))
DEVELOPERS = 12
RATE = 120.0
"""Requests a second, of all developers together: about a quarter of what the machine takes."""
ARRIVAL_SECONDS = 0.25
"""Between two developers."""
SESSION_SECONDS = 60.0
"""After which a developer signs out and in again; a token is refreshed halfway."""
SAMPLE_SECONDS = 1.0
GROWTH = 4.0
"""MiB by which the median of the last quarter may exceed that of the quarter after the first third."""
LINES = 20
"""Of the curve, that are printed."""
MEBIBYTE = 1024 * 1024
TEXT = "Seen again on **staging** after the last deploy; the worker logs `timeout` twice and gives up.\n\n- a\n- b\n"

numbers = count(1)


@dataclass(frozen=True)
class Step:
    """A request to a function, and the statuses that are right."""

    function: FunctionName
    raw: bytes
    right: tuple[int, ...] = (200,)
    kept: list[JSON] | None = None
    """Where what it creates is remembered."""


@dataclass
class Developer:
    """Somebody who signs in, reads a lot, writes a little, and errs at times."""

    username: str
    project: str
    seed: int
    tokens: JSON = field(default_factory=dict)
    issues: list[JSON] = field(default_factory=list)
    comments: list[JSON] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311  # the same choices at every run

    @property
    def token(self) -> str:
        """The access token."""
        return str(self.tokens.get("access_token", ""))

    def issue(self) -> JSON:
        """One of the last that this developer has reported."""
        return self.random.choice(self.issues[-50:])

    def comment(self) -> JSON:
        """One of the last that this developer has written."""
        return self.random.choice(self.comments[-50:])

    def get(self, function: FunctionName, target: str, *right: int, **headers: str) -> Step:
        """A read."""
        return Step(function, request("GET", target, self.token, None, **headers), right or (200,))

    def send(self, function: FunctionName, method: str, target: str, body: JSON, *right: int, key: str = "") -> Step:
        """A write, with an idempotency key perhaps."""
        headers = {"Idempotency_Key": key} if key else {}
        return Step(function, request(method, target, self.token, body=body, **headers), right or (200,))

    def report(self) -> Step:
        """A new issue."""
        new = {"title": f"It breaks {next(numbers)}", "description": TEXT * self.random.randrange(1, 20)}
        step = self.send("issues", "POST", f"/api/projects/{self.project}/issues", new, 201)
        return Step(step.function, step.raw, step.right, self.issues)

    def write(self) -> Step:
        """A new comment, once in two with a key."""
        key = self.random.choice(("", f"key-{next(numbers)}"))
        target = f"/api/issues/{self.issue()['id']}/comments"
        step = self.send("comments", "POST", target, {"content": f"{TEXT} {next(numbers)}"}, 201, key=key)
        return Step(step.function, step.raw, step.right, self.comments)

    def step(self) -> Step:
        """What is done next."""
        if not self.issues:
            return self.report()
        if not self.comments:
            return self.write()
        (make,) = self.random.choices(tuple(STEPS), tuple(STEPS.values()))
        return make(self)


def _filters(developer: Developer) -> str:
    sort = developer.random.choice(("-created_at", "-updated_at", "priority", "title", "due_date", "status"))
    words = developer.issue()["title"].replace(" ", "+")
    choice = developer.random.choice(("status=open,in_progress", "assignee=none", f"search={words}", "limit=50"))
    return f"/api/issues?project={developer.project}&sort={sort}&{choice}"


STEPS: dict[Callable[[Developer], Step], int] = {
    lambda d: d.get("issues", f"/api/issues/{d.issue()['id']}"): 24,
    lambda d: d.get("issues", f"/api/issues/{d.issue()['id']}", 200, 304, If_None_Match=d.issue()["etag"]): 6,
    lambda d: d.get("issues", _filters(d)): 16,
    lambda d: d.get("issues", f"/api/projects/{d.project}/issues"): 4,
    lambda d: d.get("issues", f"/api/issues/{d.issue()['id']}/history"): 3,
    lambda d: d.get("issues", "/api/issues/7", 404): 1,
    lambda d: d.get("issues", "/api/issues?nonsense=1", 422): 1,
    Developer.report: 4,
    lambda d: d.send("issues", "PATCH", f"/api/issues/{d.issue()['id']}", {"title": f"It {next(numbers)}"}): 5,
    lambda d: d.get("comments", f"/api/issues/{d.issue()['id']}/comments"): 10,
    lambda d: d.get("comments", f"/api/comments/{d.comment()['id']}"): 3,
    lambda d: d.get("comments", f"/api/comments/{d.comment()['id']}/revisions"): 1,
    Developer.write: 5,
    lambda d: d.send("comments", "PATCH", f"/api/comments/{d.comment()['id']}", {"content": f"{next(numbers)}"}): 2,
    lambda d: d.get("projects", "/api/projects?search=project"): 5,
    lambda d: d.get("projects", f"/api/projects/{d.project}"): 4,
    lambda d: d.send("projects", "POST", "/api/projects", {"name": "Mine"}, 403): 1,
    lambda d: d.get("projects", "/readyz"): 1,
    lambda d: d.get("auth", "/api/users?search=dev"): 3,
    lambda d: d.get("auth", "/api/auth/me"): 4,
    lambda d: d.get("auth", "/.well-known/jwks.json"): 1,
    lambda d: d.get("issues", "/metrics"): 1,
}
"""A developer's day: what is done, and how often in a hundred."""


@dataclass(frozen=True)
class Sample:
    """What the processes hold at a moment."""

    seconds: float
    resident: dict[FunctionName, float]
    """MiB."""
    descriptors: dict[FunctionName, int]


@dataclass
class Soak:
    """Some developers at work, and what was seen."""

    stack: Stack
    developers: list[Developer]
    counted: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    signing_in: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Where others keep the processors busy, several password hashes at once are refused."""

    async def run(self) -> None:
        """Work for ``SECONDS``."""
        began = monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sample(began))
            for developer in self.developers:
                group.create_task(self._work(developer, began))

    async def _sample(self, began: float) -> None:
        processes = {name: psutil.Process(self.stack.functions[name].process.pid) for name in FUNCTION_NAMES}
        while (now := monotonic()) < began + SECONDS:
            resident = {name: process.memory_info().rss / MEBIBYTE for name, process in processes.items()}
            descriptors = {name: process.num_fds() for name, process in processes.items()}
            self.samples.append(Sample(now - began, resident, descriptors))
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _work(self, developer: Developer, began: float) -> None:
        """Steps at an even pace; one in twenty over a new connection."""
        kept = {name: Client(self.stack.functions[name].port) for name in FUNCTION_NAMES}
        pause = DEVELOPERS / RATE
        due = began + ARRIVAL_SECONDS * developer.seed
        await asyncio.sleep(due - began)
        await self._sign_in(developer, kept["auth"])
        ends, refreshes = due + SESSION_SECONDS, due + SESSION_SECONDS / 2
        while due < began + SECONDS:
            if due > ends:
                await self._sign_out(developer, kept["auth"])
                await self._sign_in(developer, kept["auth"])
                ends, refreshes = due + SESSION_SECONDS, due + SESSION_SECONDS / 2
            elif due > refreshes:
                await self._refresh(developer, kept["auth"])
                refreshes = ends
            step = developer.step()
            client = kept[step.function]
            if developer.random.random() < 0.05:
                client = Client(self.stack.functions[step.function].port, keep=False)
            reply = await self._ask(client, step)
            if step.kept is not None and reply.status == 201:
                step.kept.append({**reply.json(), "etag": reply.header("ETag") or ""})
                del step.kept[:-50]
            due += pause
            await asyncio.sleep(max(0.0, due - monotonic()))
        for client in kept.values():
            client.close()

    async def _ask(self, client: Client, step: Step) -> Reply:
        reply = await client.ask(step.raw)
        self.counted[step.function] += 1
        if reply.status not in step.right:
            line = step.raw.partition(b"\r\n")[0].decode()
            self.wrong.append(f"{line}: {reply.told()}")
        return reply

    async def _sign_in(self, developer: Developer, client: Client) -> None:
        credentials = {"username": developer.username, "password": PASSWORD}
        async with self.signing_in:
            reply = await self._ask(client, developer.send("auth", "POST", "/api/auth/login", credentials))
        developer.tokens = reply.json()

    async def _refresh(self, developer: Developer, client: Client) -> None:
        body = {"refresh_token": developer.tokens.get("refresh_token", "")}
        reply = await self._ask(client, developer.send("auth", "POST", "/api/auth/refresh", body))
        developer.tokens = reply.json()

    async def _sign_out(self, developer: Developer, client: Client) -> None:
        body = {"refresh_token": developer.tokens.get("refresh_token", "")}
        await self._ask(client, developer.send("auth", "POST", "/api/auth/logout", body, 204))

    def curve(self, lines: int) -> Iterator[str]:
        """The samples as a table of about so many lines."""
        yield "| seconds | " + " | ".join(f"{name} MiB, files" for name in FUNCTION_NAMES) + " |"
        yield "| ---: |" + " ---: |" * len(FUNCTION_NAMES)
        for sample in self.samples[:: -(-len(self.samples) // lines)]:
            cells = [f"{sample.resident[name]:.1f}, {sample.descriptors[name]}" for name in FUNCTION_NAMES]
            yield f"| {sample.seconds:.0f} | " + " | ".join(cells) + " |"

    def growth(self, name: FunctionName) -> tuple[float, float]:
        """By how many MiB and how many descriptors a function has grown."""
        early = self._between(1 / 3, 1 / 3 + 1 / 4)
        late = self._between(3 / 4, 1)
        memory = [statistics.median(sample.resident[name] for sample in samples) for samples in (early, late)]
        files = [statistics.median(sample.descriptors[name] for sample in samples) for samples in (early, late)]
        return memory[1] - memory[0], files[1] - files[0]

    def _between(self, begin: float, end: float) -> list[Sample]:
        return [sample for sample in self.samples if begin * SECONDS <= sample.seconds < end * SECONDS]


@pytest.fixture
def soak(stack: Stack) -> Iterator[Soak]:
    """Developers of a deployment that all functions have started."""
    functions = start_all(stack)
    with ExitStack() as closing:
        people = closing.enter_context(people_of(stack, closing.enter_context(api_of(functions["projects"]))))
        projects = [people.manager().project() for _ in range(4)]
        made = [people.developer() for _ in range(DEVELOPERS)]
        yield Soak(stack, [Developer(one.username, projects[n % 4]["id"], n) for n, one in enumerate(made)])


def test_memory_stays_flat_while_developers_work(soak: Soak, capsys: pytest.CaptureFixture[str]) -> None:
    crowd.run(soak.run())
    total = soak.counted.total()
    with capsys.disabled():
        print(f"\n{total} requests, {total / SECONDS:.0f} a second: {dict(soak.counted)}", *soak.curve(LINES), sep="\n")
    if results := os.environ.get("SOAK_RESULTS"):
        Path(results).write_text("\n".join([*soak.curve(len(soak.samples)), ""]), encoding="utf-8")
    assert not soak.wrong, (len(soak.wrong), soak.wrong[:10])
    assert total >= 0.9 * RATE * (SECONDS - ARRIVAL_SECONDS * DEVELOPERS), "the developers could not keep their pace"
    grown = {name: soak.growth(name) for name in FUNCTION_NAMES}
    assert all(memory <= GROWTH and files <= DEVELOPERS for memory, files in grown.values()), grown
