"""The life of an issue: all 25 moves, what closing asks of a critical one, and one PATCH that is all or nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.issues.workflow import allowed_statuses, check_move, needs_comment
from shared.http.problems import Problem
from shared.vocabulary import PRIORITIES, STATUSES, PriorityName, StatusName
from tests.support.api import JSON
from tests.support.people import People, Person

ALLOWED: dict[StatusName, list[StatusName]] = {
    "open": ["in_progress"],
    "in_progress": ["resolved"],
    "resolved": ["closed", "reopened"],
    "closed": ["reopened"],
    "reopened": ["in_progress"],
}
WAYS: dict[str, list[str]] = {
    "open": [],
    "in_progress": ["in_progress"],
    "resolved": ["in_progress", "resolved"],
    "closed": ["in_progress", "resolved", "closed"],
    "reopened": ["in_progress", "resolved", "reopened"],
}


def _issue(person: Person, status: str, **members: object) -> JSON:
    issue = person.issue(person.project(), **members)
    for step in WAYS[status]:
        response = person.api.patch(f"/api/issues/{issue['id']}", json={"status": step})
        assert response.status_code == 200
        issue = response.json()
    return issue


@pytest.mark.parametrize("target", STATUSES)
@pytest.mark.parametrize("status", STATUSES)
def test_every_move(people: People, status: StatusName, target: StatusName) -> None:
    manager = people.manager()
    issue = _issue(manager, status)
    path = f"/api/issues/{issue['id']}"
    assert issue["allowed_statuses"] == ALLOWED[status]
    response = manager.api.patch(path, json={"status": target})
    if target == status:
        assert (response.status_code, response.json()) == (200, issue)
    elif target in ALLOWED[status]:
        assert (response.status_code, response.json()["status"]) == (200, target)
        assert response.json()["allowed_statuses"] == ALLOWED[target]
    else:
        problem = response.json()
        assert problem["code"] == "invalid_transition"
        assert [problem[member] for member in ("from", "to", "allowed")] == [status, target, ALLOWED[status]]
        assert manager.api.get(path).json() == issue


CLOSINGS = [
    # before, after, with a comment, answer
    ("critical", "critical", False, "comment_required"),
    ("critical", "low", False, "comment_required"),
    ("medium", "critical", False, "comment_required"),
    ("medium", "high", False, "closed"),
    ("high", "high", False, "closed"),
    ("critical", "critical", True, "closed"),
    ("critical", "low", True, "closed"),
    ("medium", "critical", True, "closed"),
]


@pytest.mark.parametrize(("before", "after", "commented", "answer"), CLOSINGS)
def test_closing_what_is_or_becomes_critical_needs_a_comment(
    people: People, before: str, after: str, commented: bool, answer: str
) -> None:
    manager = people.manager()
    issue = _issue(manager, "resolved", priority=before)
    manager.comment(_issue(manager, "open"))
    if commented:
        people.developer().comment(issue)
    path = f"/api/issues/{issue['id']}"
    before_closing = manager.api.get(path).json()
    change = {"status": "closed"} | ({"priority": after} if after != before else {})
    response = manager.api.patch(path, json=change)
    assert response.json()["code" if answer == "comment_required" else "status"] == answer
    if answer == "comment_required":
        assert manager.api.get(path).json() == before_closing


def test_a_critical_issue_needs_no_comment_for_anything_but_closing(people: People) -> None:
    manager = people.manager()
    for status in ("resolved", "reopened"):
        assert _issue(manager, status, priority="critical")["status"] == status


def test_a_closed_issue_may_become_critical_and_be_named_closed_again(people: People) -> None:
    manager = people.manager()
    path = f"/api/issues/{_issue(manager, 'closed')['id']}"
    assert manager.api.patch(path, json={"priority": "critical"}).json()["priority"] == "critical"
    changed = manager.api.patch(path, json={"status": "closed", "priority": "high"}).json()
    assert (changed["status"], changed["priority"]) == ("closed", "high")


def test_lowering_the_priority_first_is_another_change_and_allowed(people: People) -> None:
    manager = people.manager()
    path = f"/api/issues/{_issue(manager, 'resolved', priority='critical')['id']}"
    manager.api.patch(path, json={"priority": "low"})
    assert manager.api.patch(path, json={"status": "closed"}).json()["status"] == "closed"


NEVER: dict[str, tuple[dict[str, Any], int]] = {
    "a move that is not allowed": ({"status": "closed"}, 409),
    "an assignee who is not there": ({"assignee_id": "01890000-0000-7000-8000-000000000000"}, 422),
    "a priority that is not there": ({"priority": "urgent"}, 422),
    "an unknown member": ({"votes": 3}, 422),
}


@pytest.mark.parametrize("bad", NEVER)
def test_one_patch_is_all_or_nothing(people: People, bad: str) -> None:
    manager = people.manager()
    issue = _issue(manager, "in_progress")
    history = manager.api.get(f"/api/issues/{issue['id']}/history").json()
    members, status = NEVER[bad]
    good = {"title": "Lost", "description": "Lost", "due_date": "2030-01-31"}
    assert manager.api.patch(f"/api/issues/{issue['id']}", json=good | members).status_code == status
    assert manager.api.get(f"/api/issues/{issue['id']}").json() == issue
    assert manager.api.get(f"/api/issues/{issue['id']}/history").json() == history
    assert manager.api.get("/api/issues?search=lost").json()["total"] == 0


def test_of_two_conflicts_the_move_is_told_first(people: People) -> None:
    manager = people.manager()
    issue = _issue(manager, "open", priority="critical")
    response = manager.api.patch(f"/api/issues/{issue['id']}", json={"status": "closed"})
    assert response.json()["code"] == "invalid_transition"


def _accepts(status: StatusName, target: StatusName) -> bool:
    try:
        check_move(status, target)
    except Problem:
        return False
    return True


@given(st.lists(st.integers(min_value=0)))
def test_any_walk_of_allowed_moves_works_and_never_gets_stuck(choices: list[int]) -> None:
    status: StatusName = "open"
    for choice in choices:
        allowed = allowed_statuses(status)
        assert allowed
        assert status not in allowed
        assert {target for target in STATUSES if _accepts(status, target)} == {status, *allowed}
        status = allowed[choice % len(allowed)]
        assert status in STATUSES
        assert status != "open"


@given(st.sampled_from(STATUSES), st.sampled_from(STATUSES), st.sampled_from(PRIORITIES), st.sampled_from(PRIORITIES))
def test_a_comment_is_needed_only_to_become_closed_with_critical_on_either_side(
    before: StatusName, after: StatusName, old: PriorityName, new: PriorityName
) -> None:
    needed = needs_comment(before, after, old, new)
    assert needed == needs_comment(before, after, new, old)
    assert needed == (after == "closed" and before != "closed" and (old == "critical" or new == "critical"))
