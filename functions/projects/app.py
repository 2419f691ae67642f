"""The function ``projects``: every endpoint with its permission, and the application.

It serves the documentation of the whole API besides: of the four it has the least to do, and no secret of its own.
"""

import os

from functions.projects import handlers, queries
from functions.projects.schemas import NewProject, Project, ProjectPatch, ProjectQuery
from shared.data.documents import exists_in
from shared.docs import built_document, built_guide, docs_endpoints
from shared.endpoint import endpoint
from shared.function import Function
from shared.http.paging import Page
from shared.security.permissions import Permission
from shared.settings import Settings

ENDPOINTS = [
    endpoint("GET", "/api/projects", Permission.VIEW_PROJECTS, query=ProjectQuery, output=Page[Project])(
        handlers.list_projects
    ),
    endpoint(
        "POST",
        "/api/projects",
        Permission.CREATE_PROJECT,
        body=NewProject,
        output=Project,
        status=201,
        idempotent=True,
        problems=("already_exists",),
    )(handlers.create_project),
    endpoint(
        "GET",
        "/api/projects/{id}",
        Permission.VIEW_PROJECTS,
        output=Project,
        kind="project",
        exists=exists_in("projects"),
        tagged=True,
    )(handlers.get_project),
    endpoint(
        "PATCH",
        "/api/projects/{id}",
        Permission.EDIT_PROJECT,
        subject=queries.lock,
        kind="project",
        tagged=True,
        body=ProjectPatch,
        member_permissions={"is_archived": Permission.ARCHIVE_PROJECT},
        output=Project,
        problems=("already_exists", "project_archived"),
    )(handlers.edit_project),
    endpoint(
        "DELETE",
        "/api/projects/{id}",
        Permission.ARCHIVE_PROJECT,
        subject=queries.lock,
        kind="project",
        tagged=True,
        status=204,
    )(handlers.archive_project),
]

app = Function(
    "projects",
    [*ENDPOINTS, *docs_endpoints(built_document, built_guide)],
    settings=lambda: Settings.load(os.environ, "projects"),
)
