"""Changes of one issue at the same moment: the database decides, and the history tells one consistent story."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx2
import pytest

from tests.support.api import JSON
from tests.support.people import People, Person

ROUNDS = range(8)
PARTIES = 4


@pytest.fixture(scope="module")
def threads() -> Iterator[ThreadPoolExecutor]:
    """Enough of them for everybody to start at once."""
    with ThreadPoolExecutor(PARTIES) as pool:
        yield pool


def _resolved(person: Person, project: JSON, **members: object) -> JSON:
    issue = person.issue(project, **members)
    for status in ("in_progress", "resolved"):
        assert person.api.patch(f"/api/issues/{issue['id']}", json={"status": status}).status_code == 200
    return issue


def _at_once(
    threads: ThreadPoolExecutor, person: Person, issue: JSON, bodies: list[JSON], tag: str | None = None
) -> list[httpx2.Response]:
    """The answers to these changes, sent together."""
    start = Barrier(len(bodies))
    headers = {"If-Match": tag} if tag else None

    def send(body: JSON) -> httpx2.Response:
        start.wait(timeout=10)
        return person.api.patch(f"/api/issues/{issue['id']}", json=body, headers=headers)

    return list(threads.map(send, bodies))


def _story(person: Person, issue: JSON) -> list[JSON]:
    """The history, oldest first, which must lead from each value to the next and end at today's."""
    entries: list[JSON] = person.api.get(f"/api/issues/{issue['id']}/history?limit=100").json()["items"][::-1]
    shown = person.api.get(f"/api/issues/{issue['id']}").json()
    values = {"status": "open", "priority": issue["priority"], "title": issue["title"]}
    for entry in entries:
        assert entry["from"] == values[entry["field"]]
        values[entry["field"]] = entry["to"]
    assert values == {field: shown[field] for field in values}
    return entries


def test_a_move_that_only_one_may_make_is_made_once(people: People, threads: ThreadPoolExecutor) -> None:
    manager = people.manager()
    project = manager.project()
    for _ in ROUNDS:
        issue = manager.issue(project)
        answers = _at_once(threads, manager, issue, [{"status": "in_progress"}] * PARTIES)
        assert [answer.json().get("status") for answer in answers] == ["in_progress"] * PARTIES
        assert [entry["to"] for entry in _story(manager, issue)] == ["in_progress"]


def test_a_resolved_issue_is_not_closed_after_it_was_reopened(people: People, threads: ThreadPoolExecutor) -> None:
    manager = people.manager()
    project = manager.project()
    for _ in ROUNDS:
        issue = _resolved(manager, project)
        closing, reopening = _at_once(threads, manager, issue, [{"status": "closed"}, {"status": "reopened"}])
        assert reopening.status_code == 200
        moves = [entry["to"] for entry in _story(manager, issue)][2:]
        if closing.status_code == 200:
            assert moves == ["closed", "reopened"]
        else:
            assert (closing.json()["code"], closing.json()["from"]) == ("invalid_transition", "reopened")
            assert moves == ["reopened"]


def test_an_issue_that_has_just_become_critical_is_not_closed(people: People, threads: ThreadPoolExecutor) -> None:
    manager = people.manager()
    project = manager.project()
    for _ in ROUNDS:
        issue = _resolved(manager, project)
        rising, closing = _at_once(threads, manager, issue, [{"priority": "critical"}, {"status": "closed"}])
        assert rising.status_code == 200
        told = [entry["field"] for entry in _story(manager, issue)][2:]
        assert told == (["status", "priority"] if closing.status_code == 200 else ["priority"])


def test_of_changes_to_the_same_version_one_succeeds(people: People, threads: ThreadPoolExecutor) -> None:
    manager = people.manager()
    project = manager.project()
    for _ in ROUNDS:
        issue = manager.issue(project)
        tag = manager.api.get(f"/api/issues/{issue['id']}").headers["ETag"]
        bodies: list[JSON] = [{"title": f"Title {number}"} for number in range(PARTIES)]
        answers = _at_once(threads, manager, issue, bodies, tag)
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
        assert len(_story(manager, issue)) == 1


def test_no_change_is_lost_among_others(people: People, threads: ThreadPoolExecutor) -> None:
    manager = people.manager()
    project = manager.project()
    for number in ROUNDS:
        issue = manager.issue(project)
        bodies: list[JSON] = [
            {"title": f"A {number}"},
            {"title": f"B {number}"},
            {"priority": "low"},
            {"status": "in_progress"},
        ]
        answers = _at_once(threads, manager, issue, bodies)
        assert [answer.status_code for answer in answers] == [200] * PARTIES
        assert sorted(entry["field"] for entry in _story(manager, issue)) == ["priority", "status", "title", "title"]
