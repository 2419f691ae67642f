"""What the history of an issue tells."""

from typing import Any
from uuid import UUID

import pytest

from tests.support.api import JSON
from tests.support.people import People, Person


def _history(person: Person, issue: JSON) -> list[JSON]:
    page = person.api.get(f"/api/issues/{issue['id']}/history?limit=100").json()
    items: list[JSON] = page["items"]
    assert page["total"] == len(items)
    return items


def _told(person: Person, issue: JSON) -> list[tuple[str, Any, Any]]:
    return [(entry["field"], entry["from"], entry["to"]) for entry in _history(person, issue)]


def test_a_new_issue_has_none_and_comments_make_none(people: People) -> None:
    manager = people.manager()
    issue = manager.issue(manager.project())
    manager.comment(issue)
    page = manager.api.get(f"/api/issues/{issue['id']}/history").json()
    assert page == {"items": [], "page": 1, "limit": 20, "total": 0, "pages": 0}


CHANGES = [
    pytest.param({"title": "New"}, ("title", "Old", "New"), id="title"),
    pytest.param({"title": "OLD"}, ("title", "Old", "OLD"), id="title in another case"),
    pytest.param({"description": " *New* "}, ("description", "Text", "*New*"), id="description"),
    pytest.param({"description": None}, ("description", "Text", ""), id="description emptied"),
    pytest.param({"status": "in_progress"}, ("status", "open", "in_progress"), id="status"),
    pytest.param({"priority": "critical"}, ("priority", "low", "critical"), id="priority"),
    pytest.param({"due_date": "1999-12-31"}, ("due_date", "2030-01-31", "1999-12-31"), id="due date"),
    pytest.param({"due_date": None}, ("due_date", "2030-01-31", None), id="due date cleared"),
]


@pytest.mark.parametrize(("members", "told"), CHANGES)
def test_every_change_is_one_entry(people: People, members: JSON, told: tuple[str, Any, Any]) -> None:
    reporter, manager = people.developer(), people.manager()
    old = {"title": "Old", "description": "Text", "priority": "low", "due_date": "2030-01-31"}
    issue = reporter.issue(manager.project(), **old)
    changed = manager.api.patch(f"/api/issues/{issue['id']}", json=members).json()
    (entry,) = _history(people.developer(), issue)
    field, before, after = told
    assert UUID(entry.pop("id")).version == 7
    assert entry == {"at": changed["updated_at"], "actor": manager.ref, "field": field, "from": before, "to": after}
    assert changed[field] == after


def test_an_assignee_is_told_as_a_user(people: People) -> None:
    manager, first, second = people.manager(), people.developer(), people.developer()
    issue = manager.issue(manager.project())
    for assignee_id in (first.id, second.id, second.id, None):
        manager.api.patch(f"/api/issues/{issue['id']}", json={"assignee_id": assignee_id})
    assert _told(manager, issue) == [
        ("assignee", second.ref, None),
        ("assignee", first.ref, second.ref),
        ("assignee", None, first.ref),
    ]


def test_several_changes_in_one_patch_have_one_time(people: People) -> None:
    manager = people.manager()
    issue = manager.issue(manager.project(), title="Old")
    body = {"title": "New", "status": "in_progress", "priority": "medium", "assignee_id": manager.id}
    changed = manager.api.patch(f"/api/issues/{issue['id']}", json=body).json()
    entries = _history(manager, issue)
    assert {entry["field"] for entry in entries} == {"title", "status", "assignee"}
    assert {entry["at"] for entry in entries} == {changed["updated_at"]}
    assert len({entry["id"] for entry in entries}) == 3


def test_the_newest_comes_first_over_all_pages(people: People) -> None:
    manager = people.manager()
    issue = manager.issue(manager.project(), title="0")
    for number in range(1, 6):
        manager.api.patch(f"/api/issues/{issue['id']}", json={"title": str(number)})
    path = f"/api/issues/{issue['id']}/history?limit=2&page="
    pages = [manager.api.get(f"{path}{number}").json()["items"] for number in (1, 2, 3)]
    assert [[entry["to"] for entry in page] for page in pages] == [["5", "4"], ["3", "2"], ["1"]]
    times = [entry["at"] for page in pages for entry in page]
    assert times == sorted(times, reverse=True)


def test_who_did_it_is_kept_after_the_user_is_deleted(people: People) -> None:
    reporter, leaver, assignee = people.developer(), people.manager(), people.developer()
    issue = reporter.issue(people.manager().project())
    leaver.api.patch(f"/api/issues/{issue['id']}", json={"assignee_id": assignee.id})
    admin = people.admin()
    for user in (leaver, assignee):
        assert admin.api.delete(f"/api/users/{user.id}").status_code == 204
    (entry,) = _history(reporter, issue)
    assert (entry["actor"], entry["from"], entry["to"]) == (leaver.ref, None, assignee.ref)


def test_each_issue_has_its_own(people: People) -> None:
    manager = people.manager()
    project = manager.project()
    issue, other = manager.issue(project), manager.issue(project)
    manager.api.patch(f"/api/issues/{issue['id']}", json={"priority": "low"})
    assert (len(_history(manager, issue)), len(_history(manager, other))) == (1, 0)


def test_it_cannot_be_sorted_filtered_or_written(people: People) -> None:
    manager = people.manager()
    path = f"/api/issues/{manager.issue(manager.project())['id']}/history"
    for query in ("sort=at", "field=title", "search=x"):
        assert manager.api.get(f"{path}?{query}").status_code == 422
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert manager.api.request(method, path, json={}).status_code == 405
