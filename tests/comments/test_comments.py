"""Comments, through HTTP: what is written, shown, changed by its author alone, and never deleted."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from tests.support.api import JSON
from tests.support.people import People, Person


def _issue(people: People) -> JSON:
    return people.developer().issue(people.manager().project())


def test_creating_answers_the_whole_comment_and_where_it_is(people: People) -> None:
    issue, author = _issue(people), people.developer()
    response = author.api.post(f"/api/issues/{issue['id']}/comments", json={"content": "  Me **too** \n"})
    comment = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"/api/comments/{comment['id']}"
    assert comment == {
        "id": comment["id"],
        "issue_id": issue["id"],
        "author": author.ref,
        "content": "Me **too**",
        "content_html": "<p>Me <strong>too</strong></p>",
        "created_at": comment["created_at"],
        "updated_at": comment["created_at"],
        "edited": False,
    }
    assert UUID(comment["id"]).version == 7
    assert people.developer().api.get(response.headers["Location"]).json() == comment


LIMITS = [
    pytest.param("ä", None, id="1"),
    pytest.param("🐛" * 2000, None, id="2000"),
    pytest.param(" " + "a\u0308" * 2000 + " ", None, id="2000 when trimmed and composed"),
    pytest.param("", "string_too_short", id="empty"),
    pytest.param(" \t\n\u00a0", "string_too_short", id="blank"),
    pytest.param("x" * 2001, "string_too_long", id="2001"),
    pytest.param(None, "string_type", id="null"),
    pytest.param({}, "string_type", id="an object"),
]


@pytest.mark.parametrize(("content", "code"), LIMITS)
def test_limits_hold_for_new_comments_and_for_changes(people: People, content: object, code: str | None) -> None:
    issue, author = _issue(people), people.developer()
    comment = author.comment(issue)
    creation = author.api.post(f"/api/issues/{issue['id']}/comments", json={"content": content})
    change = author.api.patch(f"/api/comments/{comment['id']}", json={"content": content})
    if code is None:
        assert (creation.status_code, change.status_code) == (201, 200)
        assert creation.json()["content"] == change.json()["content"]
        return
    for response in (creation, change):
        assert response.status_code == 422
        assert [(error["path"], error["code"]) for error in response.json()["errors"]] == [("/content", code)]
    assert author.api.get(f"/api/comments/{comment['id']}").json() == comment


@pytest.mark.parametrize("member", ["author", "author_id", "issue_id", "created_at", "content_html", "edited"])
def test_nothing_but_the_content_can_be_set(people: People, member: str) -> None:
    issue, author = _issue(people), people.developer()
    comment = author.comment(issue)
    body = {"content": "New", member: author.id}
    for response in (
        author.api.post(f"/api/issues/{issue['id']}/comments", json=body),
        author.api.patch(f"/api/comments/{comment['id']}", json=body),
    ):
        assert [(e["path"], e["code"]) for e in response.json()["errors"]] == [(f"/{member}", "extra_forbidden")]


def test_content_is_required(people: People) -> None:
    response = people.developer().api.post(f"/api/issues/{_issue(people)['id']}/comments", json={})
    assert [(error["path"], error["code"]) for error in response.json()["errors"]] == [("/content", "missing")]


def test_a_change_is_shown_as_edited(people: People) -> None:
    issue, author = _issue(people), people.developer()
    comment = author.comment(issue, "One")
    path = f"/api/comments/{comment['id']}"
    changed = author.api.patch(path, json={"content": " *Two* "}).json()
    expected = {"content": "*Two*", "content_html": "<p><em>Two</em></p>", "edited": True}
    assert changed == {**comment, **expected, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > comment["updated_at"]
    assert author.api.get(path).json() == changed
    assert author.api.get(f"/api/issues/{issue['id']}/comments").json()["items"] == [changed]
    assert author.api.get(f"/api/issues/{issue['id']}").json() == {**issue, "comment_count": 1}


@pytest.mark.parametrize(
    "members", [{}, {"content": "Me too."}, {"content": "\tMe too.\n"}], ids=["{}", "same", "trim"]
)
def test_no_change_is_no_edit(people: People, members: JSON) -> None:
    author = people.developer()
    comment = author.comment(_issue(people), "Me too.")
    path = f"/api/comments/{comment['id']}"
    response = author.api.patch(path, json=members)
    assert (response.status_code, response.json()) == (200, comment)
    assert author.api.get(f"{path}/revisions").json()["total"] == 0


OTHERS: dict[str, Callable[[People], Person]] = {
    "another developer": People.developer,
    "a manager": People.manager,
    "an admin": People.admin,
}


@pytest.mark.parametrize("who", OTHERS)
@pytest.mark.parametrize("members", [{"content": "Mine"}, {"content": "Me too."}, {}], ids=["change", "same", "{}"])
def test_nobody_but_the_author_changes_a_comment(people: People, who: str, members: JSON) -> None:
    comment = people.developer().comment(_issue(people), "Me too.")
    other = OTHERS[who](people)
    response = other.api.patch(f"/api/comments/{comment['id']}", json=members)
    assert response.json()["code"] == "permission_denied"
    assert other.api.get(f"/api/comments/{comment['id']}").json() == comment


@pytest.mark.parametrize(
    "path", ["/api/comments/{id}", "/api/issues/{issue_id}/comments", "/api/comments/{id}/revisions"]
)
def test_no_comment_can_be_deleted(people: People, path: str) -> None:
    author = people.admin()
    comment = author.comment(_issue(people))
    response = author.api.delete(path.format(**comment))
    assert response.status_code == 405
    assert "DELETE" not in response.headers["Allow"]
    assert author.api.get(f"/api/comments/{comment['id']}").json() == comment


def test_comments_are_listed_oldest_first_or_newest_first(people: People) -> None:
    issue, author = _issue(people), people.developer()
    comments = [author.comment(issue, str(number)) for number in range(3)]
    author.comment(_issue(people), "Elsewhere")
    path = f"/api/issues/{issue['id']}/comments"
    assert author.api.get(path).json() == {"items": comments, "page": 1, "limit": 20, "total": 3, "pages": 1}
    assert author.api.get(f"{path}?sort=created_at").json()["items"] == comments
    assert author.api.get(f"{path}?sort=-created_at").json()["items"] == comments[::-1]
    assert author.api.get(f"{path}?limit=2&page=2").json()["items"] == comments[2:]
    for query in ("sort=updated_at", "search=x", "author=me"):
        assert author.api.get(f"{path}?{query}").status_code == 422


def test_comments_are_taken_in_every_status(people: People) -> None:
    manager = people.manager()
    issue = _issue(people)
    for status in ("in_progress", "resolved", "closed"):
        assert manager.api.patch(f"/api/issues/{issue['id']}", json={"status": status}).status_code == 200
        manager.comment(issue)
    assert manager.api.get(f"/api/issues/{issue['id']}").json()["comment_count"] == 3


def test_a_comment_that_is_not_there(people: People) -> None:
    admin = people.admin()
    for response in (
        admin.api.get(f"/api/comments/{uuid4()}"),
        admin.api.get(f"/api/comments/{uuid4()}/revisions"),
        admin.api.patch(f"/api/comments/{uuid4()}", json={"content": "New"}),
        admin.api.get(f"/api/issues/{uuid4()}/comments"),
        admin.api.post(f"/api/issues/{uuid4()}/comments", json={"content": "New"}),
    ):
        assert response.status_code == 404
