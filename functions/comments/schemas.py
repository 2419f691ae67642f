"""Comments, as they come in and go out."""

from typing import Annotated

from pydantic import Field

from shared.fields import Id, Input, Moment, Output, Patch, Text, UserRef
from shared.http.paging import PageQuery, Sort, SortKeys

Content = Annotated[str, Text(1, 2000), Field(description="Markdown.", examples=["With **thin** paper alone."])]
_Html = Annotated[str, Field(description="The same as HTML, sanitised: safe to put into a page as it is.")]


class Comment(Output):
    id: Id
    issue_id: Id
    author: UserRef
    content: Content
    content_html: _Html
    created_at: Moment
    updated_at: Moment
    edited: Annotated[bool, Field(description="Whether it has had another text.")]


class Revision(Output):
    """A text that the comment had before."""

    id: Id
    content: Content
    content_html: _Html
    created_at: Annotated[Moment, Field(description="When this text was written.")]


class NewComment(Input):
    content: Content


class CommentPatch(Patch):
    content: Content = ""


class CommentQuery(PageQuery):
    sort: Annotated[SortKeys, Sort(("created_at",))] = (("created_at", False),)
