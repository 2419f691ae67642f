"""PostgreSQL and Redis stop, die, hang, come back, run out of what they have: under load, in every function at once.

Every answer is quick and honest: what it should be, or 503 with Retry-After. Nothing has to be restarted afterwards.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count

import psycopg
import pytest

from tests.faults.conftest import Row
from tests.support.load import Answer, Load, Operation, slowest, told
from tests.support.people import PASSWORD, People, Person
from tests.support.stack import Stack, api_of, people_of, start_all

SECONDS = 3.0
"""The longest that anybody may wait for an answer."""
LASTING = 3.5
"""How long a fault lasts: longer than every limit that is to end a wait."""
RECOVERY = 5.0
"""Within which all is to succeed again."""
STEADY = 1.5
"""For which it is then watched going on to succeed."""
UNAVAILABLE = "service_unavailable"
numbers = count(1)

Break = Callable[[Stack], object]


@dataclass(frozen=True)
class Fault:
    """How something breaks and is mended; ``hurts`` whether anybody may notice."""

    breaking: Break
    mending: Break
    hurts: bool = True
    lasting: float = LASTING


def _end_connections(stack: Stack) -> None:
    with stack.postgres.connect() as owner:
        _end_connections_by(owner)


def _set_read_only(stack: Stack, *, value: str) -> None:
    """As after a failover to a server that is no primary yet. Sessions that are there learn it at once."""
    with stack.postgres.connect() as owner:
        owner.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}".encode())
        owner.execute("SELECT pg_reload_conf()")


class Hog:
    """Takes every connection that PostgreSQL has."""

    def __init__(self) -> None:
        self._held: list[psycopg.Connection] = []

    def take(self, stack: Stack) -> None:
        """Take what is free, then what the functions had: they take some of it back, until there is no more."""
        self._fill(stack)
        while _end_connections_by(self._held[0]):
            self._fill(stack)

    def give_back(self, _stack: Stack) -> None:
        """Let go."""
        while self._held:
            self._held.pop().close()

    def _fill(self, stack: Stack) -> None:
        with suppress(psycopg.OperationalError):
            while True:
                self._held.append(stack.postgres.connect())


def _end_connections_by(owner: psycopg.Connection) -> int:
    """How many there were."""
    ended = owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'flycatcher%'")
    return ended.rowcount


class Locked:
    """Somebody, such as a migration, has a table to himself."""

    def __init__(self) -> None:
        self._closing = ExitStack()

    def lock(self, stack: Stack) -> None:
        """Take the table."""
        owner = self._closing.enter_context(stack.postgres.connect())
        self._closing.enter_context(owner.transaction())
        owner.execute("LOCK TABLE issues IN ACCESS EXCLUSIVE MODE")

    def unlock(self, _stack: Stack) -> None:
        """Give it back."""
        self._closing.close()


hog, locked = Hog(), Locked()
FAULTS = {
    "PostgreSQL stopped": Fault(lambda s: s.postgres.stop(), lambda s: s.postgres.start()),
    "PostgreSQL killed": Fault(lambda s: s.postgres.kill(), lambda s: s.postgres.start()),
    "PostgreSQL hung": Fault(lambda s: s.postgres.hang(), lambda s: s.postgres.resume()),
    "PostgreSQL restarted": Fault(lambda s: s.postgres.stop(), lambda s: s.postgres.start(), hurts=False, lasting=0),
    "PostgreSQL ends every session": Fault(_end_connections, lambda _: None, lasting=0, hurts=False),
    "PostgreSQL out of connections": Fault(hog.take, hog.give_back),
    "PostgreSQL read-only": Fault(lambda s: _set_read_only(s, value="on"), lambda s: _set_read_only(s, value="off")),
    "a table locked": Fault(locked.lock, locked.unlock),
    "Redis stopped": Fault(lambda s: s.valkey.stop(), lambda s: s.valkey.start(), hurts=False),
    "Redis killed": Fault(lambda s: s.valkey.kill(), lambda s: s.valkey.start(), hurts=False),
    "Redis hung": Fault(lambda s: s.valkey.hang(), lambda s: s.valkey.resume(), hurts=False),
    "Redis restarted, empty": Fault(lambda s: s.valkey.kill(), lambda s: s.valkey.start(), hurts=False, lasting=0),
}


@pytest.fixture(scope="module")
def people(stack: Stack) -> Iterator[People]:
    """Makes users, of a deployment with every function."""
    functions = start_all(stack)
    with api_of(functions["projects"]) as api, people_of(stack, api) as made:
        yield made


@pytest.fixture(scope="module")
def operations(stack: Stack, people: People) -> list[Operation]:
    """What developers do all day, and a login."""
    admin, url = people.admin(), {name: instance.url for name, instance in stack.functions.items()}
    project = admin.project()
    with api_of(stack.functions["issues"]) as api:
        issue = api.signed_in(admin.token).post(f"/api/projects/{project['id']}/issues", json={"title": "It"}).json()
    token, issues = admin.token, url["issues"]
    return [
        Operation("get issue", "GET", f"{issues}/api/issues/{issue['id']}", token),
        Operation("list issues", "GET", f"{issues}/api/issues?sort=-updated_at", token),
        Operation(
            "create issue", "POST", f"{issues}/api/projects/{project['id']}/issues", token, lambda: {"title": "New"}
        ),
        Operation(
            "edit issue",
            "PATCH",
            f"{issues}/api/issues/{issue['id']}",
            token,
            lambda: {"title": f"It {next(numbers)}"},
        ),
        Operation("list projects", "GET", f"{url['projects']}/api/projects", token),
        Operation(
            "comment",
            "POST",
            f"{url['comments']}/api/issues/{issue['id']}/comments",
            token,
            lambda: {"content": f"Comment {next(numbers)}"},
            lambda: {"Idempotency-Key": f"key-{next(numbers)}"},
        ),
        Operation("get me", "GET", f"{url['auth']}/api/auth/me", token),
        Operation("sign in", "POST", f"{url['auth']}/api/auth/login", body=lambda: _credentials(admin)),
    ]


def _credentials(person: Person) -> dict[str, str]:
    return {"username": person.username, "password": PASSWORD}


def check_honest(answers: list[Answer]) -> None:
    """Each did what it should, or says 503 and when to come again; none took long."""
    wrong = [answer for answer in answers if not answer.is_good and (answer.status, answer.code) != (503, UNAVAILABLE)]
    assert not wrong, told(wrong)
    assert all(answer.retry_after for answer in answers if answer.status == 503)
    assert slowest(answers) < SECONDS


@contextmanager
def _broken(stack: Stack, fault: Fault) -> Iterator[None]:
    fault.breaking(stack)
    try:
        yield
    finally:
        fault.mending(stack)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_at_once_and_passes_by_itself(
    stack: Stack, operations: list[Operation], rows: list[Row], name: str
) -> None:
    fault = FAULTS[name]
    with Load(operations) as load:
        load.wait_for_good(time.monotonic(), count=2)
        began = time.monotonic()
        with _broken(stack, fault):
            time.sleep(fault.lasting)
        mended = time.monotonic()
        load.wait_for_good(mended, count=2)
        time.sleep(STEADY)
        load.wait_for_good(time.monotonic(), count=2)
    answers = load.answers(began)
    failed = [answer for answer in answers if not answer.is_good]
    last = max((answer.began + answer.seconds for answer in failed), default=mended)
    during = load.answers(began, mended)
    rows.append(Row(name, told(during), slowest(answers), max(0.0, last - mended)))
    check_honest(answers)
    assert last - mended < RECOVERY, told([answer for answer in failed if answer.began > mended])
    if fault.hurts:
        assert failed, "nobody has noticed the fault"
    else:
        assert len(failed) <= len(operations), told(failed)
