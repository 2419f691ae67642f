"""Users and the audit log: what happens at each endpoint under /api/users and /api/audit."""

from uuid import UUID

from starlette.responses import Response

from functions.auth import events, sessions, throttles, users
from functions.auth.schemas import AuditQuery, MemberQuery, UserPatch
from functions.auth.users import UserRow
from shared.call import Call, answered, done
from shared.data.audit import Target
from shared.data.conflicts import referenced
from shared.http.problems import Problem
from shared.vocabulary import AuditAction


async def list_users(call: Call, query: MemberQuery) -> Response:
    """List users, to choose assignees from

    Without their e-mail addresses.
    """
    items, total = await users.page(call.db, query)
    return call.page(items, total, query)


async def get_user(call: Call) -> Response:
    """Get a user

    With the e-mail address and the last sign-in.
    """
    return answered(await users.document(call.db, call.id))


async def edit_user(call: Call, user: UserRow, patch: UserPatch) -> Response:
    """Change a user's role, or deactivate or activate one

    Either change ends the user's sessions at once.
    """
    role, is_active = patch.take("role", user.role), patch.take("is_active", user.is_active)
    if (role, is_active) == (user.role, user.is_active):
        return answered(user.document)
    if (role != "admin" or not is_active) and await users.is_last_admin(call.db, user):
        raise Problem("last_admin")
    await users.change(call.db, user.id, role, is_active=is_active)
    call.ended += await sessions.end_all(call.db, user.id)
    actor: UUID = call.caller.id
    target: Target = ("user", user.id)
    if role != user.role:
        details = {"from": user.role, "to": role}
        await call.audit(call.db, "user.role_change", actor=actor, target=target, details=details)
    if is_active != user.is_active:
        action: AuditAction = "user.activate" if is_active else "user.deactivate"
        await call.audit(call.db, action, actor=actor, target=target)
    return answered(await users.new_document(call.db, user.id))


async def unlock_user(call: Call, user: UserRow) -> Response:
    """End a lockout

    The account may sign in again at once. Without a lockout nothing happens.
    """
    if await throttles.unlock(call.db, throttles.account_key(user.id, "")):
        await call.audit(call.db, "auth.unlock", actor=call.caller.id, target=("user", user.id))
    return done()


async def delete_user(call: Call, user: UserRow) -> Response:
    """Delete a user who created no project, reported no issue and wrote no comment

    Issues that are assigned to the user become unassigned.
    """
    if await users.is_last_admin(call.db, user):
        raise Problem("last_admin")
    await call.audit(call.db, "user.delete", actor=call.caller.id, target=("user", user.id))
    call.ended += await sessions.end_all(call.db, user.id)
    with referenced(Problem("still_referenced")):
        await users.remove(call.db, user.id)
    return done()


async def list_events(call: Call, query: AuditQuery) -> Response:
    """List audit events, newest first

    Who did what to the accounts and projects, with what outcome, and from where.
    """
    items, total = await events.page(call.db, query)
    return call.page(items, total, query)
