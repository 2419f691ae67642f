"""Issues, as they come in and go out."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from shared.fields import Count, Day, Html, Id, Input, Moment, Output, Patch, ProjectRef, Search, Text, UserRef, csv
from shared.http.paging import PageQuery, Sort, SortKeys
from shared.vocabulary import HistoryField, PriorityName, StatusName

Title = Annotated[str, Text(1, 200), Field(examples=["Receipt is cut off"])]


def _null_to_empty(description: object) -> object:
    return "" if description is None else description


_MARKDOWN = Text(0, 5000)
Description = Annotated[
    str,
    _MARKDOWN,
    BeforeValidator(_null_to_empty),
    WithJsonSchema(
        {
            "anyOf": [_MARKDOWN.document(), {"type": "null"}],
            "examples": ["Only on **A5** paper"],
            "description": "Markdown.",
        }
    ),
]


class Issue(Output):
    id: Id
    project: ProjectRef
    title: Title
    description: Annotated[str, _MARKDOWN, Field(description="Markdown.")]
    description_html: Html
    status: StatusName
    allowed_statuses: Annotated[
        list[StatusName],
        Field(description="The statuses that it may have next.", json_schema_extra={"uniqueItems": True}),
    ]
    priority: PriorityName
    reporter: UserRef
    assignee: UserRef | None
    due_date: Day | None
    created_at: Moment
    updated_at: Moment
    comment_count: Count


class NewIssue(Input):
    title: Title
    description: Description = ""
    priority: PriorityName = "medium"
    assignee_id: Annotated[Id | None, Field(description="An active user.")] = None
    due_date: Annotated[Day | None, Field(description="It may lie in the past.")] = None


class IssuePatch(Patch):
    title: Title = ""
    description: Description = ""
    status: StatusName = "open"
    priority: PriorityName = "medium"
    assignee_id: Id | None = None
    due_date: Day | None = None


HistoryValue = UserRef | str | None
"""Of an assignee a user, of all others text; null where there was or is none."""


class HistoryEntry(Output):
    id: Id
    at: Moment
    actor: UserRef
    field: HistoryField
    from_: Annotated[HistoryValue, Field(alias="from", description="The value before; of an assignee the user.")]
    to: Annotated[HistoryValue, Field(description="The value after; of an assignee the user.")]


_SEVERAL = Field(strict=False, json_schema_extra={"minItems": 1})
Statuses = Annotated[tuple[StatusName, ...], BeforeValidator(csv), _SEVERAL]
Priorities = Annotated[tuple[PriorityName, ...], BeforeValidator(csv), _SEVERAL]


class ProjectIssueQuery(PageQuery):
    """The filters within one project."""

    status: Annotated[Statuses, Field(description="One of these statuses.")] = ()
    priority: Annotated[Priorities, Field(description="One of these priorities.")] = ()
    assignee: Annotated[
        Id | Literal["me", "none"] | None, Field(description="Whom it is assigned to: a user's id, me, or none.")
    ] = None
    search: Search = ""
    sort: Annotated[SortKeys, Sort(("created_at", "updated_at", "due_date", "priority", "status", "title"))] = (
        ("created_at", True),
    )


class IssueQuery(ProjectIssueQuery):
    """The filters over all projects."""

    project: Annotated[Id | None, Field(description="The id of its project.")] = None
    reporter: Annotated[Id | Literal["me"] | None, Field(description="Who reported it: a user's id, or me.")] = None
