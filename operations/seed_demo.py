"""The demo as plain values: the same users, projects, issues and comments on every machine and at every time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import TypeVar
from uuid import UUID

from operations.accounts import Account
from operations.seed_data import (
    AFTERTHOUGHTS,
    COMMENTS,
    DETAILS,
    EDITS,
    INTRODUCTIONS,
    PROJECTS,
    SYMPTOMS,
    ProjectText,
)
from shared.vocabulary import HistoryField, PriorityName, RoleName, StatusName

T = TypeVar("T")

ISSUES = 500
ISSUE_COMMENTS = 1_500
STARTED = datetime(2025, 9, 1, 8, tzinfo=UTC)
ARCHIVED = datetime(2026, 7, 1, 8, tzinfo=UTC)
ENDED = datetime(2026, 11, 13, 18, tzinfo=UTC)

# (how many issues, the moves from open that lead to the status)
PATHS: tuple[tuple[int, tuple[StatusName, ...]], ...] = (
    (150, ()),
    (70, ("in_progress",)),
    (20, ("in_progress", "resolved", "reopened", "in_progress")),
    (80, ("in_progress", "resolved")),
    (115, ("in_progress", "resolved", "closed")),
    (25, ("in_progress", "resolved", "reopened", "in_progress", "resolved", "closed")),
    (25, ("in_progress", "resolved", "reopened")),
    (15, ("in_progress", "resolved", "closed", "reopened")),
)
PRIORITIES: tuple[tuple[int, PriorityName], ...] = ((110, "low"), (210, "medium"), (125, "high"), (55, "critical"))


@dataclass(frozen=True, slots=True)
class Project:
    id: UUID
    text: ProjectText
    created_by: str
    created_at: datetime

    @property
    def updated_at(self) -> datetime:
        """An archived project was last touched when it was archived."""
        return ARCHIVED if self.text.is_archived else self.created_at


@dataclass(frozen=True, slots=True)
class Change:
    """A row of history; values of ``assignee`` are user names."""

    id: UUID
    at: datetime
    actor: str
    field: HistoryField
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Comment:
    id: UUID
    author: str
    content: str
    created_at: datetime
    edit: tuple[UUID, str, datetime] | None
    """Where it was edited: the id of the revision, the text before, the time of the edit."""


@dataclass(slots=True)
class Issue:
    """Users and the project are meant by their names: in another database they may have other ids."""

    id: UUID
    project: str
    title: str
    description: str
    priority: PriorityName
    reporter: str
    created_at: datetime
    ends_at: datetime
    """Nothing happens to it afterwards."""
    assignee: str | None = None
    due_date: date | None = None
    status: StatusName = "open"
    history: list[Change] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    @property
    def updated_at(self) -> datetime:
        return max([self.created_at, *(change.at for change in self.history)])


@dataclass(frozen=True, slots=True)
class Demo:
    users: list[Account]
    projects: list[Project]
    issues: list[Issue]


def build() -> Demo:
    """The whole demo. Every call gives the same."""
    rng = Random(20_261_113)  # noqa: S311  # nosec B311  # nothing secret: the same numbers every time are wanted
    names = ["admin", *(f"manager{n}" for n in range(1, 10)), *(f"dev{n}" for n in range(1, 41))]
    users = [_user(rng, name, STARTED + timedelta(hours=7 * n)) for n, name in enumerate(names)]
    projects = [
        _project(rng, text, f"manager{1 + n % 9}", STARTED + timedelta(days=20 + 8 * n))
        for n, text in enumerate(PROJECTS)
    ]
    issues = sorted(_issues(rng, projects, names), key=lambda issue: issue.created_at)
    _comment(rng, issues, names)
    return Demo(users, projects, issues)


def _user(rng: Random, name: str, at: datetime) -> Account:
    roles: dict[str, RoleName] = {"admin": "admin", "manager": "manager", "dev": "developer"}
    return Account(_uuid7(rng, at), name, f"{name}@flycatcher.example", roles[name.rstrip("0123456789")], at)


def _project(rng: Random, text: ProjectText, creator: str, at: datetime) -> Project:
    return Project(_uuid7(rng, at), text, creator, at)


def _issues(rng: Random, projects: list[Project], names: list[str]) -> Iterator[Issue]:
    paths = _shuffled(rng, PATHS)
    priorities = _shuffled(rng, PRIORITIES)
    titles = [(project, part, symptom) for project in projects for part in project.text.parts for symptom in SYMPTOMS]
    for (project, part, symptom), path, priority in zip(rng.sample(titles, ISSUES), paths, priorities, strict=True):
        ends_at = ARCHIVED if project.text.is_archived else ENDED
        created_at = _between(rng, project.created_at, ends_at - timedelta(days=2))
        issue = Issue(
            id=_uuid7(rng, created_at),
            project=project.text.name,
            title=f"{part} {symptom}",
            description=_description(rng),
            priority=priority,
            reporter=rng.choice(names),
            created_at=created_at,
            ends_at=ends_at,
        )
        if rng.random() < 0.4:
            issue.due_date = created_at.date() + timedelta(days=rng.randint(5, 90))
        _work_on(rng, issue, path, developers=names[10:], manager=project.created_by)
        yield issue


def _work_on(rng: Random, issue: Issue, path: tuple[StatusName, ...], *, developers: list[str], manager: str) -> None:
    """Assign the issue and move it along the path, at times that leave room for every step."""
    steps = len(path) + 2
    pause = (issue.ends_at - issue.created_at) / steps
    at = issue.created_at
    if path or rng.random() < 0.4:
        issue.assignee = rng.choice(developers)
        at = _between(rng, at, at + min(pause, timedelta(days=3)))
        issue.history.append(Change(_uuid7(rng, at), at, manager, "assignee", None, issue.assignee))
    if rng.random() < 0.15:
        at = _between(rng, at, at + min(pause, timedelta(days=2)))
        before: PriorityName = "high" if issue.priority == "medium" else "medium"
        issue.history.append(Change(_uuid7(rng, at), at, manager, "priority", before, issue.priority))
    for status in path:
        at = _between(rng, at, at + min(pause, timedelta(days=12)))
        actor = issue.assignee if status in ("in_progress", "resolved") else rng.choice([issue.reporter, manager])
        issue.history.append(Change(_uuid7(rng, at), at, actor or manager, "status", issue.status, status))
        issue.status = status


def _comment(rng: Random, issues: list[Issue], names: list[str]) -> None:
    """Spread the comments; an issue gets its first before it is closed, and a critical one cannot be closed without."""
    needed = [issue for issue in issues if issue.priority == "critical" and _closed_at(issue)]
    for issue in [*needed, *rng.choices(issues, k=ISSUE_COMMENTS - len(needed))]:
        until = (_closed_at(issue) if not issue.comments else None) or issue.ends_at
        involved = [issue.reporter, issue.assignee or issue.reporter, rng.choice(names)]
        created_at = _between(rng, issue.created_at, min(until, issue.created_at + timedelta(days=40)))
        content = _filled(rng, COMMENTS)
        if rng.random() < 0.3:
            content = f"{content}\n\n{rng.choice(AFTERTHOUGHTS)}"
        edit = None
        if rng.random() < 0.06:
            edited_at = _between(rng, created_at, min(issue.ends_at, created_at + timedelta(hours=2)))
            edit = (_uuid7(rng, edited_at), content, edited_at)
            content = f"{content}\n\n{rng.choice(EDITS)}"
        comment_id = _uuid7(rng, created_at)
        issue.comments.append(Comment(comment_id, rng.choice(involved), content, created_at, edit))


def _closed_at(issue: Issue) -> datetime | None:
    return next((change.at for change in issue.history if change.after == "closed"), None)


def _description(rng: Random) -> str:
    if rng.random() < 0.05:
        return ""
    details = rng.sample(DETAILS, rng.randint(0, 2))
    return "\n\n".join(_filled(rng, (text,)) for text in (rng.choice(INTRODUCTIONS), *details))


def _filled(rng: Random, texts: tuple[str, ...]) -> str:
    return rng.choice(texts).format(n=rng.randint(2, 60), d=rng.randint(1, 28), k=rng.randint(1, 9))


def _shuffled(rng: Random, counted: tuple[tuple[int, T], ...]) -> list[T]:
    every = [value for count, value in counted for _ in range(count)]
    rng.shuffle(every)
    return every


def _between(rng: Random, start: datetime, end: datetime) -> datetime:
    """A moment after ``start`` and before ``end``, to the millisecond, as far as a UUIDv7 tells time."""
    milliseconds = (end - start) // timedelta(milliseconds=1)
    return start + timedelta(milliseconds=rng.randint(1, max(1, milliseconds - 1)))


def _uuid7(rng: Random, at: datetime) -> UUID:
    """A UUIDv7 (RFC 9562) of that time, with bits from the seed."""
    milliseconds = (at - datetime.combine(date(1970, 1, 1), time(), UTC)) // timedelta(milliseconds=1)
    return UUID(int=milliseconds << 80 | 7 << 76 | rng.getrandbits(12) << 64 | 2 << 62 | rng.getrandbits(62))
