"""An issue as its contract says that it behaves: plain values and pure functions, which import nothing of ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

ALLOWED: Mapping[str, list[str]] = {
    "open": ["in_progress"],
    "in_progress": ["resolved"],
    "resolved": ["closed", "reopened"],
    "closed": ["reopened"],
    "reopened": ["in_progress"],
}
PRIORITIES = ("low", "medium", "high", "critical")

REPORTER, MANAGER, HELPER = "reporter", "manager", "helper"
ACTORS = (REPORTER, MANAGER, HELPER)
"""Two developers and a manager. The first reports the issue, the manager created its project, the helper is at times
the assignee and else has no part in it."""
GONE = "gone"
"""Somebody who is not active."""
Patch = Mapping[str, str | None]
"""Members of a PATCH; people by what they are called here."""


@dataclass(frozen=True)
class Edit:
    """PATCH of the issue."""

    actor: str
    patch: Patch
    seen: int | None = None
    """The version whose tag goes with it as If-Match; without one, whatever there is."""


@dataclass(frozen=True)
class Comment:
    """POST of a comment."""

    actor: str
    content: str
    key: str | None = None
    """Its Idempotency-Key."""


@dataclass(frozen=True)
class Archive:
    """DELETE of the project, or PATCH of its ``is_archived``."""

    actor: str
    is_archived: bool
    by_delete: bool = False


Move = Edit | Comment | Archive


class Answer(NamedTuple):
    """What matters of an answer."""

    status: int
    code: str | None = None
    told: Any = None
    """The issue after an edit, the moves that there are instead of a wrong one, or the text of a comment."""


class Entry(NamedTuple):
    """A line of the history; ``edit`` counts the edits, of which each has lines of its own."""

    edit: int
    actor: str
    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Issue:
    """An issue and its project."""

    members: Patch = field(
        default_factory=lambda: {
            "title": "It breaks",
            "status": "open",
            "priority": "medium",
            "assignee_id": None,
            "due_date": None,
        }
    )
    comments: int = 0
    is_archived: bool = False
    history: tuple[Entry, ...] = ()
    version: int = 0
    """Counts the changes of what is shown, and with it of the entity tag."""
    edits: int = 0
    """Counts the changes of members, and with it of ``updated_at``."""
    kept: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """By actor and Idempotency-Key, what was created with it."""

    @property
    def shown(self) -> dict[str, Any]:
        """What one sees of it."""
        return {
            **self.members,
            "allowed_statuses": ALLOWED[str(self.members["status"])],
            "comment_count": self.comments,
        }


def apply(issue: Issue, move: Move) -> tuple[Answer, Issue]:
    """What a move is answered, and what the issue is after it."""
    if isinstance(move, Edit):
        refusal = _refusal(issue, move)
        return (refusal, issue) if refusal else _edited(issue, move)
    if isinstance(move, Comment):
        return _commented(issue, move)
    if move.actor != MANAGER:
        return Answer(403, "permission_denied"), issue
    return Answer(204 if move.by_delete else 200), replace(issue, is_archived=move.is_archived)


def _changes(issue: Issue, patch: Patch) -> Patch:
    return {name: value for name, value in patch.items() if value != issue.members[name]}


def _refusal(issue: Issue, edit: Edit) -> Answer | None:
    """The first rule that is broken, in the order of the contract."""
    may_edit = edit.actor != HELPER or issue.members["assignee_id"] == HELPER
    if not may_edit or (edit.actor == HELPER and "assignee_id" in edit.patch):
        return Answer(403, "permission_denied")
    if edit.patch.get("assignee_id") == GONE:
        return Answer(422, "validation_failed")
    if edit.seen is not None and edit.seen != issue.version:
        return Answer(412, "precondition_failed")
    changes = _changes(issue, edit.patch)
    if changes and issue.is_archived:
        return Answer(409, "project_archived")
    return _conflict(issue, changes)


def _conflict(issue: Issue, changes: Patch) -> Answer | None:
    before, after = str(issue.members["status"]), changes.get("status")
    if after and after not in ALLOWED[before]:
        return Answer(409, "invalid_transition", (before, after, ALLOWED[before]))
    is_critical = "critical" in (issue.members["priority"], changes.get("priority"))
    if after == "closed" and is_critical and not issue.comments:
        return Answer(409, "comment_required")
    return None


def _edited(issue: Issue, edit: Edit) -> tuple[Answer, Issue]:
    changes = _changes(issue, edit.patch)
    if changes:
        told = [
            Entry(issue.edits + 1, edit.actor, name.removesuffix("_id"), issue.members[name], value)
            for name, value in changes.items()
        ]
        issue = replace(
            issue,
            members={**issue.members, **changes},
            history=(*issue.history, *told),
            version=issue.version + 1,
            edits=issue.edits + 1,
        )
    return Answer(200, None, issue.shown), issue


def _commented(issue: Issue, comment: Comment) -> tuple[Answer, Issue]:
    request = (comment.actor, comment.key or "")
    if comment.key and request in issue.kept:
        if issue.kept[request] != comment.content:
            return Answer(422, "idempotency_key_reused"), issue
        return Answer(201, None, comment.content), issue
    if issue.is_archived:
        return Answer(409, "project_archived"), issue
    kept = {**issue.kept, request: comment.content} if comment.key else issue.kept
    return (
        Answer(201, None, comment.content),
        replace(issue, comments=issue.comments + 1, version=issue.version + 1, kept=kept),
    )
