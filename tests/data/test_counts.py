"""The counts that the totals of lists come from: right after every change, by whomever, at once and undone."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL

from operations.migrate import migrate
from tests.support.counts import NOBODY, check_counts
from tests.support.people import People

Owner = psycopg.Connection

USERS = """
    INSERT INTO users (id, username, username_folded, email, email_folded, password_hash, search)
    SELECT id, name, name, name || '@x', name || '@x', 'none', ''
    FROM unnest(%s::uuid[], %s::text[]) AS named (id, name)
"""
PROJECT = "INSERT INTO projects (id, name, name_folded, created_by, search) VALUES (%s, 'p', 'p', %s, '')"
ISSUES = """
    INSERT INTO issues (id, project_id, title, title_folded, reporter_id, assignee_id, priority, search)
    SELECT gen_random_uuid(), %s, 't', 't', %s, %s, (ARRAY['low', 'high']::issue_priority[])[1 + n %% 2], ''
    FROM generate_series(1, %s) AS n
"""
MOVES = [
    SQL("UPDATE issues SET status = 'closed'"),
    SQL("UPDATE issues SET status = 'open'"),
    SQL("UPDATE issues SET assignee_id = NULL"),
    SQL("DELETE FROM issues"),
]


def change_some(change: SQL, owner: Owner) -> None:
    """Do it to some issues that nobody else is changing."""
    some = SQL(" WHERE id IN (SELECT id FROM issues ORDER BY random() LIMIT 3 FOR UPDATE SKIP LOCKED)")
    owner.execute(change + some)


class Tracker:
    """A database with some users, one project and issues of theirs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.users = [uuid4() for _ in range(4)]
        self.project = uuid4()
        with psycopg.connect(url) as owner:
            owner.execute(USERS, (self.users, [f"user{number}" for number in range(4)]))
            owner.execute(PROJECT, (self.project, self.users[0]))
            self.report(owner, 40)

    def report(self, owner: Owner, issues: int) -> None:
        owner.execute(ISSUES, (self.project, self.users[0], self.users[3], issues))
        owner.execute(ISSUES, (self.project, self.users[1], None, issues))

    def check(self) -> None:
        """The counts are those of the rows."""
        with psycopg.connect(self.url) as owner:
            check_counts(owner)


@pytest.fixture
def tracker(migrated: str) -> Iterator[Tracker]:
    made = Tracker(migrated)
    made.check()
    yield made
    made.check()


EVENTS = """
    INSERT INTO audit_events (id, action, outcome, ip, user_agent, request_id)
    SELECT gen_random_uuid(), 'auth.login', 'failure', '', '', '' FROM generate_series(1, 3)
"""
CHANGES = [
    "UPDATE issues SET status = 'closed'",
    "UPDATE issues SET status = 'closed', priority = 'critical' WHERE priority = 'low'",
    "UPDATE issues SET title = 'u'",
    "UPDATE issues SET assignee_id = reporter_id",
    "UPDATE issues SET status = 'open' WHERE false",
    "DELETE FROM issues WHERE priority = 'low'",
    "DELETE FROM projects",
    "TRUNCATE issues CASCADE",
    EVENTS,
    "TRUNCATE audit_events",
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_counted_and_undone_with_it(tracker: Tracker, change: str) -> None:
    with closing(psycopg.connect(tracker.url)) as owner:
        owner.execute(change.encode())
        owner.rollback()
        tracker.check()
        owner.execute(change.encode())
        owner.commit()


def test_deleting_a_user_counts_the_issues_as_unassigned(tracker: Tracker) -> None:
    with psycopg.connect(tracker.url) as owner:
        owner.execute("DELETE FROM users WHERE id = %s", (tracker.users[3],))
        left = "SELECT sum(count) FROM issue_counts WHERE counted_by = 'assignee' AND user_id = %s"
        assert owner.execute(left, (NOBODY,)).fetchone() == (80,)
        assert owner.execute(left, (tracker.users[3],)).fetchone() == (None,)


def test_what_has_no_issue_has_no_row(tracker: Tracker) -> None:
    with psycopg.connect(tracker.url) as owner:
        owner.execute("DELETE FROM issues")
        assert owner.execute("SELECT FROM issue_counts").rowcount == 0


def test_nobody_waits_for_the_counts_of_another(tracker: Tracker) -> None:
    with psycopg.connect(tracker.url) as slow, psycopg.connect(tracker.url, options="-c lock_timeout=2s") as other:
        tracker.report(slow, 1)
        tracker.report(other, 1)
        other.commit()
        slow.commit()
    tracker.check()


def test_many_writers_at_once_lose_no_count(tracker: Tracker) -> None:
    """Each reports, moves, un-assigns and removes at random, in transactions of several statements, some undone."""
    moves: list[Callable[[Owner], object]] = [lambda owner: tracker.report(owner, 2)]
    moves += [partial(change_some, change) for change in MOVES]
    together = threading.Barrier(4)

    def write(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311  # nothing secret
        with closing(psycopg.connect(tracker.url)) as owner:
            together.wait()
            for _ in range(40):
                for move in chance.choices(moves, k=3):
                    move(owner)
                owner.rollback() if chance.random() < 0.2 else owner.commit()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))


def test_a_filled_database_is_counted_when_it_is_migrated(empty_database: str) -> None:
    migrate(empty_database, "0003")
    tracker = Tracker(empty_database)
    with psycopg.connect(empty_database) as owner:
        owner.execute("UPDATE issues SET status = 'closed' WHERE priority = 'low'")
    migrate(empty_database)
    tracker.check()
    migrate(empty_database, "0003")


def test_a_page_and_its_total_are_of_one_moment(people: People) -> None:
    manager = people.manager()
    project = manager.project()
    manager.issue(project)
    found = manager.api.get(f"/api/projects/{project['id']}/issues?status=open").json()
    assert (len(found["items"]), found["total"]) == (1, 1)
