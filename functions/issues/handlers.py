"""What happens at each endpoint of issues."""

from uuid import UUID

from starlette.responses import Response

from functions.issues import edits, queries
from functions.issues.edits import Change, IssueRow, ProjectRow
from functions.issues.schemas import IssuePatch, IssueQuery, NewIssue, ProjectIssueQuery
from functions.issues.workflow import check_move, needs_comment
from shared.call import Call, changed, created
from shared.data.conflicts import referenced
from shared.http.paging import PageQuery
from shared.http.problems import Fault, Problem, invalid

ASSIGNEE = "fk_issues_assignee_id_users"


def not_assignable() -> Problem:
    """422 for an assignee who is not there or not active."""
    return invalid(Fault("body", "/assignee_id", "not_assignable", "Must name an active user"))


async def list_issues(call: Call, query: IssueQuery) -> Response:
    """List issues of all projects

    Archived projects too. Filters narrow the list together; several values of one are alternatives.
    """
    items, total = await queries.page(call.db, query, call.caller.id)
    return call.page(items, total, query)


async def list_project_issues(call: Call, query: ProjectIssueQuery) -> Response:
    """List issues of a project

    Filters narrow the list together; several values of one are alternatives.
    """
    items, total = await queries.page(call.db, query, call.caller.id, call.id)
    return call.page(items, total, query)


async def get_issue(call: Call) -> Response:
    """Get an issue

    With its `ETag`. `allowed_statuses` are the statuses that it may have next.
    """
    return call.document(await queries.document(call.db, call.id))


async def list_history(call: Call, query: PageQuery) -> Response:
    """List what has changed in an issue, newest first

    One entry for each member that a change has touched, with its value before and after.
    """
    items, total = await queries.history(call.db, call.id, query)
    return call.page(items, total, query)


async def create_issue(call: Call, project: ProjectRow, new: NewIssue) -> Response:
    """Report an issue

    Its status is `open`, its reporter the caller. An assignee has to be an active user.
    """
    if new.assignee_id:
        await _assignable(call, new.assignee_id)
    if project.is_archived:
        raise Problem("project_archived")
    with referenced(not_assignable(), ASSIGNEE):
        issue_id, document = await edits.add(
            call.db,
            call.id,
            call.caller.id,
            title=new.title,
            description=new.description,
            description_html=call.html,
            priority=new.priority,
            assignee_id=new.assignee_id,
            due_date=new.due_date,
        )
    return created(document, f"/api/issues/{issue_id}")


async def edit_issue(call: Call, issue: IssueRow, patch: IssuePatch) -> Response:
    """Change an issue

    All of it or nothing: a status move that is not allowed leaves the other members as they were, too.
    """
    assignee_id = patch.take("assignee_id", issue.assignee_id)
    changes = await _changes(call, issue, patch, assignee_id)
    call.require_match(issue.document)
    if not changes:
        return changed(issue.document)
    if issue.project_is_archived:
        raise Problem("project_archived")
    status, priority = patch.take("status", issue.status), patch.take("priority", issue.priority)
    check_move(issue.status, status)
    if needs_comment(issue.status, status, issue.priority, priority) and not await edits.has_comment(call.db, issue.id):
        raise Problem("comment_required")
    html = call.html if "description" in patch.model_fields_set else None
    with referenced(not_assignable(), ASSIGNEE):
        document = await edits.change(
            call.db, issue, call.caller.id, changes, assignee_id=assignee_id, description_html=html
        )
    return changed(document)


async def _changes(call: Call, issue: IssueRow, patch: IssuePatch, assignee_id: UUID | None) -> list[Change]:
    """The members whose values differ from today's."""
    pairs = [
        Change("title", issue.title, patch.take("title", issue.title)),
        Change("description", issue.description, patch.take("description", issue.description)),
        Change("status", issue.status, patch.take("status", issue.status)),
        Change("priority", issue.priority, patch.take("priority", issue.priority)),
        Change("due_date", issue.due_date, patch.take("due_date", issue.due_date)),
    ]
    if assignee_id != issue.assignee_id:
        before = _user(issue.assignee_id, issue.assignee_username)
        name = await _assignable(call, assignee_id) if assignee_id else None
        pairs.append(Change("assignee", before, _user(assignee_id, name)))
    return [pair for pair in pairs if pair.before != pair.after]


async def _assignable(call: Call, user_id: UUID) -> str:
    name = await edits.active_username(call.db, user_id)
    if name is None:
        raise not_assignable()
    return name


def _user(user_id: UUID | None, username: str | None) -> dict[str, str | None] | None:
    return {"id": str(user_id), "username": username} if user_id else None
