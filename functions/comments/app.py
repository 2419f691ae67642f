"""The function ``comments``: every endpoint with its permission, and the application."""

import os

from functions.comments import handlers, queries
from functions.comments.schemas import Comment, CommentPatch, CommentQuery, NewComment, Revision
from shared.data.documents import exists_in
from shared.endpoint import endpoint
from shared.function import Function
from shared.http.paging import Page, PageQuery
from shared.security.permissions import Permission
from shared.settings import Settings

ENDPOINTS = [
    endpoint(
        "GET",
        "/api/issues/{id}/comments",
        Permission.VIEW_COMMENTS,
        kind="issue",
        exists=exists_in("issues"),
        query=CommentQuery,
        output=Page[Comment],
    )(handlers.list_comments),
    endpoint(
        "POST",
        "/api/issues/{id}/comments",
        Permission.ADD_COMMENT,
        kind="issue",
        subject=queries.issue,
        body=NewComment,
        markdown="content",
        output=Comment,
        status=201,
        idempotent=True,
        one_statement=True,
        problems=("project_archived",),
    )(handlers.create_comment),
    endpoint(
        "GET",
        "/api/comments/{id}",
        Permission.VIEW_COMMENTS,
        kind="comment",
        exists=exists_in("comments"),
        output=Comment,
        tagged=True,
    )(handlers.get_comment),
    endpoint(
        "PATCH",
        "/api/comments/{id}",
        Permission.EDIT_COMMENT,
        kind="comment",
        subject=queries.lock,
        body=CommentPatch,
        markdown="content",
        output=Comment,
        tagged=True,
        problems=("project_archived",),
    )(handlers.edit_comment),
    endpoint(
        "GET",
        "/api/comments/{id}/revisions",
        Permission.VIEW_COMMENTS,
        kind="comment",
        exists=exists_in("comments"),
        query=PageQuery,
        output=Page[Revision],
    )(handlers.list_revisions),
]

app = Function("comments", ENDPOINTS, settings=lambda: Settings.load(os.environ, "comments"))
