"""Issues, as they come in and go out."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue, WithJsonSchema

from shared.fields import Day, Id, Input, Moment, Output, Patch, ProjectRef, Search, Text, UserRef, csv
from shared.http.paging import PageQuery, Sort, SortKeys
from shared.vocabulary import HistoryField, PriorityName, StatusName

Title = Annotated[str, Text(1, 200)]


def _null_to_empty(description: object) -> object:
    return "" if description is None else description


Description = Annotated[
    str,
    Text(0, 5000),
    BeforeValidator(_null_to_empty),
    WithJsonSchema({"anyOf": [{"type": "string", "maxLength": 5000}, {"type": "null"}]}),
]


class Issue(Output):
    id: Id
    project: ProjectRef
    title: str
    description: str
    description_html: str
    status: StatusName
    allowed_statuses: list[StatusName]
    priority: PriorityName
    reporter: UserRef
    assignee: UserRef | None
    due_date: Day | None
    created_at: Moment
    updated_at: Moment
    comment_count: int


class NewIssue(Input):
    title: Title
    description: Description = ""
    priority: PriorityName = "medium"
    assignee_id: Id | None = None
    due_date: Day | None = None


class IssuePatch(Patch):
    title: Title = ""
    description: Description = ""
    status: StatusName = "open"
    priority: PriorityName = "medium"
    assignee_id: Id | None = None
    due_date: Day | None = None


class HistoryEntry(Output):
    id: Id
    at: Moment
    actor: UserRef
    field: HistoryField
    from_: Annotated[JsonValue, Field(alias="from")]
    to: JsonValue


Statuses = Annotated[tuple[StatusName, ...], BeforeValidator(csv), Field(strict=False)]
Priorities = Annotated[tuple[PriorityName, ...], BeforeValidator(csv), Field(strict=False)]


class ProjectIssueQuery(PageQuery):
    """The filters within one project."""

    status: Statuses = ()
    priority: Priorities = ()
    assignee: Id | Literal["me", "none"] | None = None
    search: Search = ""
    sort: Annotated[SortKeys, Sort(("created_at", "updated_at", "due_date", "priority", "status", "title"))] = (
        ("created_at", True),
    )


class IssueQuery(ProjectIssueQuery):
    """The filters over all projects."""

    project: Id | None = None
    reporter: Id | Literal["me"] | None = None
