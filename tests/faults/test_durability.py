"""No acknowledged write is lost and none is half done, whoever is killed while clients write.

Killed are processes. What a machine loses that goes down itself is a matter of fsync, which is PostgreSQL's own.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import LiteralString

import psycopg
import pytest

from shared.settings import FunctionName
from tests.faults.conftest import Row
from tests.faults.half_done import check_nothing_half_done
from tests.faults.writers import (
    IN_PROGRESS,
    Author,
    Client,
    Developer,
    Fleet,
    Founder,
    Reporter,
    Visitor,
    Working,
    Writer,
    function_of,
    is_open,
)
from tests.support.accounts import refresh
from tests.support.api import JSON, Api
from tests.support.fixtures import Owner
from tests.support.load import Answer, slowest, told
from tests.support.people import People
from tests.support.stack import Stack, api_of, people_of

Readers = Mapping[FunctionName, Api]
Entry = tuple[str, str, object, object]

EACH = 2
"""Clients of each kind."""
LAST_WRITES: LiteralString = "audit_events, issue_history, comment_revisions, idempotency_keys"
"""Where transactions write last."""
LASTING, TOO_LONG = 0.3, 3.0
"""Seconds for which something is away, and after which every request has been answered."""
FIELDS = ("title", "description", "status", "priority", "due_date", "assignee")
"""The members of an issue that its history tells of."""
BROKEN = frozenset({"ConnectError", "ReadError", "RemoteProtocolError", "WriteError"})
"""How a connection ends whose process dies."""


@dataclass(frozen=True)
class Death:
    """Who dies, and is there again afterwards."""

    strike: Callable[[Fleet, int], None]
    strikes: int = 1
    answering: bool = True
    """The functions live: no connection ends without an answer."""
    hides: bool = False
    """Something is done that nobody is told of."""


def _kill_functions(fleet: Fleet, strike: int) -> None:
    fleet.kill(strike % 2)
    time.sleep(LASTING)
    fleet.replace(strike % 2, same_port=strike == 0)


@contextmanager
def _half_way(stack: Stack) -> Iterator[Owner]:
    """Whoever writes has written something, and waits before the last thing that belongs to it."""
    with stack.postgres.connect() as owner, owner.transaction():
        owner.execute(f"LOCK TABLE {LAST_WRITES} IN SHARE MODE")
        time.sleep(LASTING)
        yield owner


def _kill_functions_half_way(fleet: Fleet, strike: int) -> None:
    with fleet.favoured(strike % 2), _half_way(fleet.stack) as owner:
        fleet.kill(strike % 2)
        # A statement that waits goes on without its client, who may be gone before it has begun.
        owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    fleet.replace(strike % 2, same_port=strike == 0)


def _kill_functions_in_commit(fleet: Fleet, _strike: int) -> None:
    with fleet.favoured(1):
        fleet.stack.postgres.hold_commits()
        time.sleep(LASTING)
        fleet.kill(1)
        fleet.stack.postgres.release_commits()
    fleet.replace(1, same_port=False)


def _gone(strike: int) -> float:
    """Longer than anybody waits, so that somebody has to be told; then so short that nobody may notice."""
    return LASTING if strike else TOO_LONG


def _kill_postgres_half_way(fleet: Fleet, _strike: int) -> None:
    with suppress(psycopg.OperationalError), _half_way(fleet.stack):
        fleet.stack.postgres.kill()
    fleet.stack.postgres.start()


def _hold_commits(fleet: Fleet, _strike: int) -> None:
    """For longer than anybody waits: what has been committed is answered 503."""
    fleet.stack.postgres.hold_commits()
    time.sleep(TOO_LONG)
    fleet.stack.postgres.release_commits()


def _kill_postgres(fleet: Fleet, strike: int) -> None:
    fleet.stack.postgres.kill()
    time.sleep(_gone(strike))  # the outage itself
    fleet.stack.postgres.start()


def _stop_postgres(fleet: Fleet, strike: int) -> None:
    stop = (fleet.stack.postgres.quit, fleet.stack.postgres.stop)[strike % 2]
    stop()
    time.sleep(_gone(strike))  # the outage itself
    fleet.stack.postgres.start()


def _kill_backend(fleet: Fleet, _strike: int) -> None:
    with suppress(psycopg.OperationalError), _half_way(fleet.stack):
        fleet.stack.postgres.kill_backend()


DEATHS = {
    "functions killed": Death(_kill_functions, strikes=2, answering=False),
    "functions killed half-way": Death(_kill_functions_half_way, strikes=2, answering=False),
    "functions killed in commit": Death(_kill_functions_in_commit, answering=False, hides=True),
    "PostgreSQL commits without a word": Death(_hold_commits, hides=True),
    "PostgreSQL killed": Death(_kill_postgres, strikes=2),
    "PostgreSQL killed half-way": Death(_kill_postgres_half_way, strikes=2),
    "PostgreSQL stopped, at once and in order": Death(_stop_postgres, strikes=2),
    "a process of PostgreSQL killed": Death(_kill_backend, strikes=2),
}


@pytest.fixture(scope="module")
def fleet(stack: Stack) -> Fleet:
    """Two instances of each function."""
    return Fleet(stack)


@pytest.fixture
def people(stack: Stack, fleet: Fleet) -> Iterator[People]:
    """Makes users."""
    with api_of(fleet.every()[0]) as api, people_of(stack, api) as made:
        yield made


@pytest.mark.parametrize("name", DEATHS)
def test_what_was_acknowledged_is_there_and_nothing_is_half_done(
    fleet: Fleet, stack: Stack, people: People, rows: list[Row], name: str
) -> None:
    death = DEATHS[name]
    writers = [kind(fleet, people.manager()) for kind in (Founder, Reporter, Developer, Author) for _ in range(EACH)]
    visitors = [Visitor(fleet, people.developer()) for _ in range(EACH)]
    clients: list[Client] = [*writers, *visitors]
    recovery = 0.0
    with Working(clients) as working:
        working.wait_for_good(time.monotonic())
        began = time.monotonic()
        for strike in range(death.strikes):
            death.strike(fleet, strike)
            mended = time.monotonic()
            working.wait_for_good(mended)
            recovery = max(recovery, last_refusal(working.answers(began)) - mended)
    answers = working.answers(began)
    unseen = sum(writer.unseen for writer in writers)
    rows.append(Row(name, f"{told(answers)}; done unseen: {unseen}", slowest(answers), recovery))
    check_honest(answers, answering=death.answering)
    assert any(is_open(answer) for answer in answers), "nobody has noticed"
    assert unseen or not death.hides
    with stack.postgres.connect() as owner, ExitStack() as closing:
        wait_until_idle(owner)
        check_nothing_half_done(owner)
        readers = {instance.function: closing.enter_context(api_of(instance)) for instance in fleet.every()}
        for visitor in visitors:
            check_tokens(owner, readers["auth"], visitor)
        for writer in writers:
            check_stories(owner, readers, writer)
    check_logs(stack)


def last_refusal(answers: list[Answer]) -> float:
    """When the last of those was told that nobody can know."""
    return max((answer.began + answer.seconds for answer in answers if is_open(answer)), default=0.0)


def check_honest(answers: list[Answer], *, answering: bool) -> None:
    """Each was done, or got 503 or, where a process died, no answer. What is made again may find itself running."""
    refused = [answer for answer in answers if not answer.is_good and answer.code != IN_PROGRESS]
    allowed = {(503, "service_unavailable"), *((0, end) for end in BROKEN if not answering)}
    assert not [answer for answer in refused if (answer.status, answer.code) not in allowed], told(refused)
    assert all(answer.retry_after for answer in refused if answer.status)


def wait_until_idle(owner: Owner) -> None:
    """Wait until PostgreSQL has done, or given up, what functions that are dead had asked for."""
    busy = "SELECT FROM pg_stat_activity WHERE usename LIKE 'flycatcher%' AND state <> 'idle'"
    deadline = time.monotonic() + 10
    while owner.execute(busy).rowcount:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def check_tokens(owner: Owner, auth: Api, visitor: Visitor) -> None:
    """What was replaced is dead, and what was given and not used works; a theft has ended its session."""
    rows = owner.execute("""
        SELECT token_hash, replaced_at IS NOT NULL, ended_at IS NOT NULL
        FROM refresh_tokens JOIN sessions ON sessions.id = session_id
    """).fetchall()
    found = {token_hash: (is_replaced, has_ended) for token_hash, is_replaced, has_ended in rows}

    def of(tokens: list[str]) -> set[tuple[bool, bool]]:
        return {found[hashlib.sha256(token.encode()).digest()] for token in tokens}

    assert of(visitor.live) == {(False, False)}
    assert of(visitor.used) <= {(True, False), (True, True)}
    assert of(visitor.stolen) <= {(True, True)}
    assert {refresh(auth, token).status_code for token in visitor.live} == {200}


def check_stories(owner: Owner, readers: Readers, writer: Writer) -> None:
    """Each object is shown as it was last acknowledged, and tells of every change that was, once."""
    comments = counted(owner, "SELECT issue_id, count(*) FROM comments GROUP BY 1")
    edits = counted(owner, "SELECT target_id, count(*) FROM audit_events WHERE action = 'project.edit' GROUP BY 1")
    for path, story in writer.stories.items():
        function = function_of(path)
        api = readers[function].signed_in(writer.person.token)
        shown = api.get(path).json()
        if function == "projects":
            assert edits.get(shown["id"], 0) == len(story) - 1
        elif function == "issues":
            assert shown["comment_count"] == comments.get(shown["id"], 0)
            # It counts comments that got no answer, too.
            story[-1]["comment_count"] = shown["comment_count"]
            assert history(api, path) == expected_history(story)
        else:
            revisions = api.get(f"{path}/revisions?limit=100").json()["items"]
            assert [revision["content"] for revision in revisions] == [told["content"] for told in story[-2::-1]]
        assert shown == story[-1]


def counted(owner: Owner, query: LiteralString) -> dict[str, int]:
    """How many there are of each id."""
    return {str(row[0]): row[1] for row in owner.execute(query)}


def history(api: Api, path: str) -> list[Entry]:
    """When which member became what, oldest first."""
    entries = api.get(f"{path}/history?limit=100").json()["items"]
    found = [(entry["at"], entry["field"], entry["from"], entry["to"]) for entry in entries]
    return sorted(found, key=itemgetter(0, 1))


def expected_history(story: list[JSON]) -> list[Entry]:
    """The same, of an issue that was shown so after each change."""
    return [
        (after["updated_at"], field, before[field], after[field])
        for before, after in pairwise(story)
        for field in sorted(FIELDS)
        if before[field] != after[field]
    ]


def check_logs(stack: Stack) -> None:
    """Nothing went wrong that nobody was told of."""
    for log in stack.directory.glob("*-*.log"):
        levels = {json.loads(line)["level"] for line in log.read_text(encoding="utf-8").splitlines()}
        assert levels <= {"info", "warning"}, log
