"""What the developers do. Each scene is one thing that a person does, in as many requests as it takes."""

import random
from typing import Any
from uuid import uuid4

from loadtest import texts
from loadtest.client import Answer
from loadtest.developer import Developer

LISTS: tuple[dict[str, object], ...] = (
    {},
    {"assignee": "me", "status": "open,in_progress,reopened"},
    {"assignee": "none", "status": "open", "sort": "-priority,created_at"},
    {"priority": "high,critical", "sort": "-updated_at"},
    {"status": "resolved", "sort": "due_date"},
    {"search": ""},
)
LATER_PAGES = 0.2
REPEATS = 0.05
"""How often an answer is thought lost, and the request is sent again."""
ATTEMPTS = 3


def look_at_list(person: Developer) -> None:
    """A list with some filter, of one project or of all; sometimes one pages on."""
    query = dict(random.choice(LISTS))
    if "search" in query:
        query["search"] = random.choice(texts.PARTS)
    if random.random() < LATER_PAGES:
        query["page"] = random.randint(2, 5)
    person.list_issues(query, random.choice([*person.projects, ""]))


def open_issue(person: Developer) -> None:
    """An issue from a list that one has seen."""
    if issue := person.some_issue():
        person.read_issue(issue)


def read_comments(person: Developer) -> None:
    """What the others say."""
    if issue := person.some_issue():
        person.call("GET", "/api/issues/{issue}/comments", query={"limit": 50}, issue=issue)


def report_issue(person: Developer) -> None:
    """A new issue, now and then at once for somebody to do."""
    body: dict[str, object] = {"title": texts.title(), "priority": random.choice(texts.PRIORITIES)}
    body["description"] = texts.description()
    if random.random() < 0.3:
        body["assignee_id"] = random.choice(person.colleagues or [person.me["id"]])
    answer = create(person, "/api/projects/{project}/issues", body, project=random.choice(person.projects))
    if answer.outcome == "201":
        person.keep_tag(answer.body["id"], answer)


def add_comment(person: Developer) -> None:
    """A few words on an issue that one has seen."""
    if issue := person.some_issue():
        comment_on(person, issue)


def move_issue(person: Developer) -> None:
    """Move an issue to a status that it may have next, as it says itself.

    Somebody else may have been faster: then one looks again, and decides anew. To close a critical issue one
    has to say something first.
    """
    issues = movable_issues(person)
    if not issues:
        return
    issue = random.choice(issues)
    target = ""
    for _ in range(ATTEMPTS):
        issue = person.read_issue(issue["id"]) or issue
        if target not in issue["allowed_statuses"]:
            target = random.choice(issue["allowed_statuses"])
        person.think(1, 5)
        if change_status(person, issue["id"], target):
            return


def movable_issues(person: Developer) -> list[Any]:
    """A developer may move one's own; the others decide on what was resolved last, and meet there."""
    if person.me["role"] == "developer":
        return person.list_issues({random.choice(["assignee", "reporter"]): "me", "sort": "-updated_at"})
    return person.list_issues({"status": "resolved", "sort": "-updated_at", "limit": 3})


def change_status(person: Developer, issue: str, target: str) -> bool:
    """Try it on the state that one has read; whether there is nothing left to do."""
    answer = person.call(
        "PATCH",
        "/api/issues/{issue}",
        body={"status": target},
        headers=person.if_match(issue),
        expect=("200", "412 precondition_failed", "409 invalid_transition", "409 comment_required"),
        check=lambda answer: "" if answer.body["status"] in (target, 409, 412) else "200 in another status",
        issue=issue,
    )
    person.keep_tag(issue, answer)
    if answer.outcome == "409 comment_required":
        comment_on(person, issue)
    return answer.outcome not in ("412 precondition_failed", "409 invalid_transition", "409 comment_required")


def read_history(person: Developer) -> None:
    """Who did what to an issue."""
    if issue := person.some_issue():
        person.call("GET", "/api/issues/{issue}/history", issue=issue)


def look_at_projects(person: Developer) -> None:
    """Which there are today."""
    person.see_projects()


def find_colleague(person: Developer) -> None:
    """Whom one could ask to do something."""
    answer = person.call("GET", "/api/users", query={"is_active": "true", "sort": "username", "limit": 50})
    if answer.outcome == "200":
        person.colleagues = [item["id"] for item in answer.body["items"]]


def look_at_account(person: Developer) -> None:
    """Oneself, and where one is signed in."""
    person.call("GET", "/api/auth/me")
    person.call("GET", "/api/auth/sessions")


def refresh_tokens(person: Developer) -> None:
    """Before it is needed, as a page that is loaded anew does; what is about to expire is refreshed anyway."""
    person.session.refresh()


def go_to_lunch(person: Developer) -> None:
    """Sign out, and sign in again afterwards."""
    person.session.sign_out()
    person.think(30, 90)
    person.session.sign_in()


def comment_on(person: Developer, issue: str) -> None:
    """Write it."""
    create(person, "/api/issues/{issue}/comments", {"content": texts.comment()}, issue=issue)


def create(person: Developer, template: str, body: dict[str, object], **values: str) -> Answer:
    """Send something new with a key of its own. An answer that got lost is asked for again, and must be the same."""
    headers = {"Idempotency-Key": str(uuid4())}
    first = person.call("POST", template, body=body, headers=headers, expect=("201",), **values)
    if first.outcome == "201" and random.random() < REPEATS:

        def check(answer: Answer) -> str:
            return "" if identity(answer) == identity(first) else "201 for what there was already"

        person.call("POST", template, body=body, headers=headers, expect=("201",), check=check, **values)
    return first


def identity(answer: Answer) -> Any:
    """Which object was made."""
    return answer.body["id"]
