"""Projects, as they come in and go out."""

from typing import Annotated

from pydantic import AfterValidator, Field

from shared.fields import Id, Input, Moment, Output, Patch, QueryBool, Search, Text, UserRef
from shared.http.paging import PageQuery, Sort, SortKeys


def _empty_to_null(description: str | None) -> str | None:
    return description or None


Name = Annotated[str, Text(1, 100), Field(examples=["Kiosk"])]
Description = Annotated[
    Annotated[str, Text(0, 1000)] | None, AfterValidator(_empty_to_null), Field(examples=["The machines in the hall"])
]


class Project(Output):
    id: Id
    name: Name
    description: Annotated[str, Text(1, 1000)] | None
    created_by: UserRef
    created_at: Moment
    updated_at: Moment
    is_archived: Annotated[bool, Field(description="Then it can only be read.")]


class NewProject(Input):
    name: Name
    description: Description = None


class ProjectPatch(Patch):
    name: Name = ""
    description: Description = None
    is_archived: bool = False


class ProjectQuery(PageQuery):
    search: Search = ""
    is_archived: Annotated[QueryBool, Field(description="The archived ones instead.")] = False
    sort: Annotated[SortKeys, Sort(("name", "created_at", "updated_at"))] = (("created_at", True),)
