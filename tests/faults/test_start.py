"""Functions start before what they stand on, or outlive it: they say so, and serve as soon as it is there."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from shared.settings import FUNCTION_NAMES, FunctionName
from tests.faults.conftest import Row
from tests.support import crowd
from tests.support.api import Api, new_client
from tests.support.crowd import Client, Reply, request
from tests.support.stack import Stack, people_of, wait_until_listening

RECOVERY = 3.0
"""Seconds from the return of what was away until all is served."""
AWAY = 10.5
"""Seconds of an outage: pauses that double from one second on end after 1, 3, 7 and 15, or two seconds later."""
LIMIT = 3.0
"""Seconds that an answer may take while something is away."""
ASKED: dict[FunctionName, str] = {
    "auth": "/api/auth/me",
    "projects": "/api/projects",
    "issues": "/api/issues",
    "comments": "/api/issues/00000000-0000-7000-8000-000000000000/comments",
}
"""What is asked of each function; it needs PostgreSQL."""
SERVED = {"auth": "200", "projects": "200", "issues": "200", "comments": "404 not_found"}
READY = b'{"status":"ok","redis":"ok"}'
WITHOUT_REDIS = b'{"status":"ok","redis":"down"}'

Action = Callable[[Stack], object]


@dataclass(frozen=True)
class Absence:
    """How something goes away and comes back."""

    go: Action
    come: Action


POSTGRES = {
    "not there": Absence(lambda s: s.postgres.stop(), lambda s: s.postgres.start()),
    "hung": Absence(lambda s: s.postgres.hang(), lambda s: s.postgres.resume()),
}
VALKEY = {
    "not there": Absence(lambda s: s.valkey.stop(), lambda s: s.valkey.start()),
    "hung": Absence(lambda s: s.valkey.hang(), lambda s: s.valkey.resume()),
}


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    """Of an admin, made while PostgreSQL is there."""
    with new_client("http://127.0.0.1") as unused, people_of(stack, Api(unused)) as people:
        return people.admin().token


@pytest.fixture
def away(stack: Stack) -> Iterator[Callable[[Absence], ExitStack]]:
    """Sends something away; closing what it gives brings it back, as the end of the test does."""
    with ExitStack() as closing:

        def send(absence: Absence) -> ExitStack:
            coming = closing.enter_context(ExitStack())
            absence.go(stack)
            coming.callback(absence.come, stack)
            return coming

        yield send


class Functions:
    """One instance of each of some functions, and what they answer."""

    def __init__(self, stack: Stack, token: str, names: Sequence[FunctionName] = FUNCTION_NAMES) -> None:
        self._instances = {name: stack.start(name, wait=False) for name in names}
        self._token = token
        for instance in self._instances.values():
            wait_until_listening(instance)

    def ask(self, path: str | None = None) -> dict[FunctionName, Reply]:
        """Ask all at once for a path, or each for its own."""

        async def scene() -> list[Reply]:
            ways = [Client(instance.port, keep=False) for instance in self._instances.values()]
            paths = [path or ASKED[name] for name in self._instances]
            return await asyncio.gather(
                *(way.ask(request("GET", asked, self._token)) for way, asked in zip(ways, paths, strict=True))
            )

        return dict(zip(self._instances, crowd.run(scene()), strict=True))

    def wait_until_served(self, ready: bytes = READY) -> float:
        """Wait until all are ready and serve; how many seconds that took."""
        began = time.monotonic()
        while True:
            probes, replies = self.ask("/readyz"), self.ask()
            bodies = {reply.body for reply in probes.values()}
            wrong = {name: reply.told() for name, reply in replies.items() if reply.told() != SERVED[name]}
            if bodies == {ready} and not wrong:
                return time.monotonic() - began
            assert time.monotonic() < began + 15, (bodies, wrong)

    def check_away(self) -> float:
        """They live, and say that they cannot serve; how long the longest answer took."""
        assert {reply.status for reply in self.ask("/healthz").values()} == {200}
        replies = [*self.ask("/readyz").values(), *self.ask().values()]
        assert {reply.told() for reply in replies} == {"503 service_unavailable"}
        assert {reply.header("Content-Type") for reply in replies} == {"application/problem+json"}
        assert {reply.header("Retry-After") for reply in replies} == {"2"}
        longest = max(reply.seconds for reply in replies)
        assert longest < LIMIT
        return longest

    def end(self) -> None:
        """End them; none has ended before."""
        for instance in self._instances.values():
            assert instance.process.poll() is None
            instance.kill()


@pytest.mark.parametrize("name", POSTGRES)
def test_functions_start_without_postgresql_and_serve_when_it_is_there(
    stack: Stack, token: str, rows: list[Row], away: Callable[[Absence], ExitStack], name: str
) -> None:
    coming = away(POSTGRES[name])
    functions = Functions(stack, token)
    longest = functions.check_away()
    coming.close()
    recovery = functions.wait_until_served()
    rows.append(Row(f"start with PostgreSQL {name}", "503 service_unavailable", longest, recovery))
    assert recovery < RECOVERY
    functions.end()


@pytest.mark.parametrize("name", VALKEY)
def test_functions_start_without_redis_and_serve(
    stack: Stack, token: str, rows: list[Row], away: Callable[[Absence], ExitStack], name: str
) -> None:
    coming = away(VALKEY[name])
    functions = Functions(stack, token, ["auth", "issues"])
    longest = functions.wait_until_served(WITHOUT_REDIS)
    coming.close()
    recovery = functions.wait_until_served()
    rows.append(Row(f"start with Redis {name}", "200", longest, recovery))
    assert recovery < RECOVERY
    functions.end()


@pytest.mark.parametrize("name", POSTGRES)
def test_a_long_outage_of_postgresql_is_over_when_it_is_back(
    stack: Stack, token: str, rows: list[Row], away: Callable[[Absence], ExitStack], name: str
) -> None:
    asked, alone = Functions(stack, token, ["auth", "issues"]), Functions(stack, token, ["projects", "comments"])
    for functions in (asked, alone):
        functions.wait_until_served()
    coming = away(POSTGRES[name])
    ends = time.monotonic() + AWAY
    longest = 0.0
    while time.monotonic() < ends:
        longest = max(longest, asked.check_away())
    coming.close()
    recovery = sum(functions.wait_until_served() for functions in (asked, alone))
    rows.append(Row(f"PostgreSQL {name} for {AWAY} s", "503 service_unavailable", longest, recovery))
    assert recovery < RECOVERY
    for functions in (asked, alone):
        functions.end()
