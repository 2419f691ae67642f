"""Comments, as they come in and go out."""

from typing import Annotated

from pydantic import Field

from shared.fields import Html, Id, Input, Moment, Output, Patch, Text, UserRef
from shared.http.paging import PageQuery, Sort, SortKeys

Content = Annotated[str, Text(1, 2000), Field(description="Markdown.", examples=["With **thin** paper alone."])]


class Comment(Output):
    id: Id
    issue_id: Id
    author: UserRef
    content: Content
    content_html: Html
    created_at: Moment
    updated_at: Moment
    edited: Annotated[bool, Field(description="Whether it has had another text.")]


class Revision(Output):
    """A text that the comment had before."""

    id: Id
    content: Content
    content_html: Html
    created_at: Annotated[Moment, Field(description="When this text was written.")]


class NewComment(Input):
    content: Content


class CommentPatch(Patch):
    content: Content = ""


class CommentQuery(PageQuery):
    sort: Annotated[SortKeys, Sort(("created_at",))] = (("created_at", False),)
