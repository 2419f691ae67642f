"""What happens at each endpoint of comments."""

from starlette.responses import Response

from functions.comments import queries
from functions.comments.queries import CommentRow, IssueRow
from functions.comments.schemas import CommentPatch, CommentQuery, NewComment
from shared.call import Call, changed, created
from shared.http.paging import PageQuery
from shared.http.problems import Problem


async def list_comments(call: Call, query: CommentQuery) -> Response:
    """List the comments of an issue

    The oldest first, unless `sort` says otherwise.
    """
    items, total = await queries.page(call.db, call.id, query)
    return call.page(items, total, query)


async def create_comment(call: Call, issue: IssueRow, new: NewComment) -> Response:
    """Comment on an issue

    In Markdown; `content_html` is the same, safe to put into a page. A comment cannot be deleted.
    """
    if issue.project_is_archived:
        raise Problem("project_archived")
    comment_id, document = await queries.add(call.db, call.id, call.caller.id, new.content, call.html)
    return created(document, f"/api/comments/{comment_id}")


async def get_comment(call: Call) -> Response:
    """Get a comment

    With its `ETag`.
    """
    return call.document(await queries.document(call.db, call.id))


async def edit_comment(call: Call, comment: CommentRow, patch: CommentPatch) -> Response:
    """Change the text of a comment

    The earlier text is kept among the comment's revisions.
    """
    call.require_match(comment.document)
    content = patch.take("content", comment.content)
    if content == comment.content:
        return changed(comment.document)
    if comment.project_is_archived:
        raise Problem("project_archived")
    return changed(await queries.change(call.db, comment.id, content, call.html))


async def list_revisions(call: Call, query: PageQuery) -> Response:
    """List the earlier texts of a comment, newest first

    Each text that the comment had before it was changed.
    """
    items, total = await queries.revisions(call.db, call.id, query)
    return call.page(items, total, query)
