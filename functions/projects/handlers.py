"""What happens at each endpoint of projects."""

from uuid import UUID

from starlette.responses import Response

from functions.projects import queries
from functions.projects.queries import ProjectRow
from functions.projects.schemas import NewProject, ProjectPatch, ProjectQuery
from shared.call import Call, changed, created, done
from shared.data.conflicts import unique
from shared.http.problems import Problem
from shared.vocabulary import AuditAction

TAKEN = "A project of this name exists."


async def list_projects(call: Call, query: ProjectQuery) -> Response:
    """List projects

    Those that are not archived, unless `is_archived` asks for the others.
    """
    items, total = await queries.page(call.db, query)
    return call.page(items, total, query)


async def create_project(call: Call, new: NewProject) -> Response:
    """Create a project

    Its name is unique without regard to case.
    """
    with unique(TAKEN):
        project_id, document = await queries.add(call.db, new.name, new.description, call.caller.id)
    await _audit(call, "project.create", project_id)
    return created(document, f"/api/projects/{project_id}")


async def get_project(call: Call) -> Response:
    """Get a project

    Archived or not, with its `ETag`.
    """
    return call.document(await queries.document(call.db, call.id))


async def edit_project(call: Call, project: ProjectRow, patch: ProjectPatch) -> Response:
    """Change a project

    An archived project takes no change but `is_archived` to false, and others along with it.
    """
    call.require_match(project.document)
    name, description = patch.take("name", project.name), patch.take("description", project.description)
    is_archived = patch.take("is_archived", project.is_archived)
    edited = (name, description) != (project.name, project.description)
    if edited and project.is_archived and is_archived:
        raise Problem("project_archived")
    if not edited and is_archived == project.is_archived:
        return changed(project.document)
    with unique(TAKEN):
        document = await queries.change(call.db, project.id, name, description, is_archived=is_archived)
    if edited:
        await _audit(call, "project.edit", project.id)
    if is_archived != project.is_archived:
        await _audit(call, "project.archive" if is_archived else "project.restore", project.id)
    return changed(document)


async def archive_project(call: Call, project: ProjectRow) -> Response:
    """Archive a project

    It can be read from then on, and restored; nothing in it can be changed.
    """
    call.require_match(project.document)
    if not project.is_archived:
        await queries.change(call.db, project.id, project.name, project.description, is_archived=True)
        await _audit(call, "project.archive", project.id)
    return done()


async def _audit(call: Call, action: AuditAction, project_id: UUID) -> None:
    await call.audit(call.db, action, actor=call.caller.id, target=("project", project_id))
