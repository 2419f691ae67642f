"""A story played by the client that openapi-python-client generates: ``story.py ADDRESS``.

.ci/openapi-clients generates ``flycatcher_client``, and checks the types of both. story.ts plays the same.
"""

import sys
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from flycatcher_client import AuthenticatedClient, Client
from flycatcher_client.api.auth import get_me, list_events, login, logout
from flycatcher_client.api.comments import create_comment, edit_comment, list_revisions
from flycatcher_client.api.issues import create_issue, edit_issue, get_issue, list_issues
from flycatcher_client.api.projects import create_project
from flycatcher_client.models import (
    AuditEventPage,
    Comment,
    CommentPatch,
    Credentials,
    InvalidTransitionProblem,
    InvalidTransitionProblemAllowedItem,
    Issue,
    IssuePage,
    IssuePatch,
    IssuePatchStatus,
    ListEventsAction,
    ListIssuesPriorityItem,
    ListIssuesStatusItem,
    NewComment,
    NewIssue,
    NewIssuePriority,
    NewProject,
    PreconditionFailedProblem,
    Project,
    RefreshToken,
    RevisionPage,
    TokenRevokedProblem,
    Tokens,
    User,
)
from flycatcher_client.types import Response

PASSWORD = "Flycatcher-demo-1"  # noqa: S105  # the demo's, on a database that is thrown away

Shown = TypeVar("Shown")


def shown(answer: Response[Any], kind: type[Shown]) -> Shown:
    """What an answer shows, which has to be of this kind."""
    if not isinstance(answer.parsed, kind):
        sys.exit(f"story.py: no {kind.__name__}, but {answer.status_code}: {answer.content.decode()}")
    return answer.parsed


def expect(what: str, found: object, expected: object) -> None:
    """Stop where it is another."""
    if found != expected:
        sys.exit(f"story.py: {what}: {found!r} instead of {expected!r}")


def join(request: httpx.Request) -> None:
    """Several values of a parameter are comma-separated; what openapi-python-client generates repeats the parameter."""
    given = request.url.params
    request.url = request.url.copy_with(params={name: ",".join(given.get_list(name)) for name in given})


def sign_in(address: str, name: str) -> tuple[AuthenticatedClient, Tokens]:
    """A client with the rights of the user; a status that the description does not have raises."""
    with Client(address, raise_on_unexpected_status=True) as client:
        tokens = shown(login.sync_detailed(client=client, body=Credentials(name, PASSWORD)), Tokens)
    hooks = {"event_hooks": {"request": [join]}}
    return AuthenticatedClient(address, tokens.access_token, httpx_args=hooks, raise_on_unexpected_status=True), tokens


def create(client: AuthenticatedClient) -> tuple[Project, Issue]:
    """A project, once, however often it is asked for; three issues in it, and the first of them."""
    key, body = str(uuid4()), NewProject(f"Story in Python {uuid4()}")
    first, again = (create_project.sync_detailed(client=client, body=body, idempotency_key=key) for _ in range(2))
    project = shown(first, Project)
    expect("the project, asked for again", shown(again, Project), project)
    titles = ("Receipt is cut off", "Screen stays dark", "Beeps twice")
    created = [
        create_issue.sync_detailed(project.id, client=client, body=NewIssue(title, priority=NewIssuePriority.HIGH))
        for title in titles
    ]
    expect("where the first issue is", created[0].headers["location"], f"/api/issues/{shown(created[0], Issue).id}")
    return project, shown(created[0], Issue)


def read(client: AuthenticatedClient, project: Project) -> None:
    """The issues of the project, page by page."""
    titles: list[str] = []
    for number in (1, 2):
        answer = list_issues.sync_detailed(
            client=client,
            project=project.id,
            status=[ListIssuesStatusItem.OPEN, ListIssuesStatusItem.IN_PROGRESS],
            priority=[ListIssuesPriorityItem.HIGH],
            page=number,
            limit=2,
        )
        page = shown(answer, IssuePage)
        expect("items and pages", (page.total, page.pages), (3, 2))
        titles += [issue.title for issue in page.items]
    expect("issues on both pages", len(set(titles)), 3)


def change(client: AuthenticatedClient, issue: Issue) -> None:
    """Only what has not changed since it was read, and only by moves that there are."""
    tag = get_issue.sync_detailed(issue.id, client=client).headers["etag"]
    kept = get_issue.sync_detailed(issue.id, client=client, if_none_match=tag)
    expect("a read of what has not changed", (kept.status_code, kept.content), (304, b""))

    start = IssuePatch(status=IssuePatchStatus.IN_PROGRESS)
    changed = shown(edit_issue.sync_detailed(issue.id, client=client, body=start, if_match=tag), Issue)
    expect("the status", changed.status, "in_progress")
    late = edit_issue.sync_detailed(issue.id, client=client, body=IssuePatch(title="Late"), if_match=tag)
    expect("a late change", shown(late, PreconditionFailedProblem).code, "precondition_failed")

    close = IssuePatch(status=IssuePatchStatus.CLOSED)
    refused = shown(edit_issue.sync_detailed(issue.id, client=client, body=close), InvalidTransitionProblem)
    expect("the moves that there are", refused.allowed, [InvalidTransitionProblemAllowedItem.RESOLVED])


def comment(client: AuthenticatedClient, issue: Issue) -> None:
    """A comment, and what it said before it was edited."""
    body = NewComment("It is the **driver**")
    written = shown(create_comment.sync_detailed(issue.id, client=client, body=body), Comment)
    edited = edit_comment.sync_detailed(written.id, client=client, body=CommentPatch("It is the cable"))
    expect("the new text", shown(edited, Comment).content, "It is the cable")
    revisions = shown(list_revisions.sync_detailed(written.id, client=client), RevisionPage)
    expect("the earlier texts", [revision.content for revision in revisions.items], [body.content])


def main() -> None:
    address = sys.argv[1]
    manager, tokens = sign_in(address, "manager1")
    admin, _ = sign_in(address, "admin")
    with manager, admin:
        me = shown(get_me.sync_detailed(client=manager), User)
        project, issue = create(manager)
        read(manager, project)
        change(manager, issue)
        comment(manager, issue)

        asked = list_events.sync_detailed(client=admin, actor=me.id, action=ListEventsAction.AUTH_LOGIN)
        actors = {event.actor.id for event in shown(asked, AuditEventPage).items if event.actor}
        expect("who has signed in", actors, {me.id})

        left = logout.sync_detailed(client=manager, body=RefreshToken(tokens.refresh_token))
        expect("signing out", left.status_code, 204)
        ended = shown(get_me.sync_detailed(client=manager), TokenRevokedProblem)
        expect("an ended session", (ended.status, ended.code), (401, "token_revoked"))
    print("openapi: the client in Python has played its story")


if __name__ == "__main__":
    main()
