"""The function ``issues``: every endpoint with its permission, and the application."""

import os

from functions.issues import edits, handlers
from functions.issues.schemas import (
    HistoryEntry,
    Issue,
    IssuePatch,
    IssueQuery,
    NewIssue,
    ProjectIssueQuery,
)
from shared.data.documents import exists_in
from shared.endpoint import endpoint
from shared.function import Function
from shared.http.paging import Page, PageQuery
from shared.security.permissions import Permission
from shared.settings import Settings

ENDPOINTS = [
    endpoint("GET", "/api/issues", Permission.VIEW_ISSUES, query=IssueQuery, output=Page[Issue])(handlers.list_issues),
    endpoint(
        "GET",
        "/api/projects/{id}/issues",
        Permission.VIEW_ISSUES,
        kind="project",
        exists=exists_in("projects"),
        query=ProjectIssueQuery,
        output=Page[Issue],
    )(handlers.list_project_issues),
    endpoint(
        "POST",
        "/api/projects/{id}/issues",
        Permission.CREATE_ISSUE,
        kind="project",
        subject=edits.project,
        body=NewIssue,
        markdown="description",
        output=Issue,
        status=201,
        idempotent=True,
        one_statement=True,
        problems=("project_archived",),
    )(handlers.create_issue),
    endpoint(
        "GET",
        "/api/issues/{id}",
        Permission.VIEW_ISSUES,
        kind="issue",
        exists=exists_in("issues"),
        output=Issue,
        tagged=True,
    )(handlers.get_issue),
    endpoint(
        "PATCH",
        "/api/issues/{id}",
        Permission.EDIT_ISSUE,
        kind="issue",
        subject=edits.lock,
        body=IssuePatch,
        markdown="description",
        member_permissions={"assignee_id": Permission.CHANGE_ASSIGNEE},
        output=Issue,
        tagged=True,
        problems=("project_archived", "invalid_transition", "comment_required"),
    )(handlers.edit_issue),
    endpoint(
        "GET",
        "/api/issues/{id}/history",
        Permission.VIEW_ISSUES,
        kind="issue",
        exists=exists_in("issues"),
        query=PageQuery,
        output=Page[HistoryEntry],
    )(handlers.list_history),
]

app = Function("issues", ENDPOINTS, settings=lambda: Settings.load(os.environ, "issues"))
