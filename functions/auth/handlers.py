"""Signing in and out: what happens at each endpoint under /api/auth."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import wraps
from typing import TypeVar
from uuid import UUID

from starlette.responses import Response

from functions.auth import sessions, throttles, users
from functions.auth.passwords import UNKNOWN, Hashing, check_password
from functions.auth.schemas import Credentials, PasswordChange, RefreshToken, Registration
from functions.auth.sessions import RefreshRow, SessionRow
from functions.auth.tokens import KeySet, Signer
from functions.auth.users import Account
from shared.call import Call, answered, created, done
from shared.data.audit import Target
from shared.data.conflicts import unique
from shared.data.database import Connection
from shared.endpoint import Reply
from shared.fields import Input
from shared.http.paging import PageQuery
from shared.http.problems import Problem
from shared.text import fold
from shared.vocabulary import AuditAction, RoleName

InputT = TypeVar("InputT", bound=Input)


def in_turn(handler: Callable[[Call, InputT], Awaitable[Reply]]) -> Callable[[Call, InputT], Awaitable[Reply]]:
    """Decorator for what hashes a password: it waits for its turn, and is refused where too many wait."""

    @wraps(handler)
    async def waiting(call: Call, given: InputT) -> Reply:
        async with call.services.resource(Hashing).turn(call.context.deadline):
            return await handler(call, given)

    return waiting


@in_turn
async def register(call: Call, new: Registration) -> Response:
    """Register an account

    The role is always developer; an admin can change it.
    """
    check_password(new.password, new.username, "/password")
    password_hash = await call.services.resource(Hashing).hash(new.password, call.context.deadline)
    async with call.transaction() as db:
        with unique("This user name or e-mail address is taken."):
            user_id = await users.add(db, new.username, new.email, password_hash, "developer")
        await call.audit(db, "auth.register", actor=user_id, target=("user", user_id))
        document = await users.new_document(db, user_id)
    return created(document, f"/api/users/{user_id}", tagged=False)


@in_turn
async def login(call: Call, credentials: Credentials) -> Response | Problem:
    """Sign in

    By user name or e-mail address.
    The answer is the same for an unknown user, a wrong password and an inactive account.
    """
    typed = fold(credentials.username)
    limit = call.services.settings.login_limit_per_minute
    async with call.transaction() as db:
        account = await users.account_by_name(db, typed)
        key = throttles.account_key(account.id if account else None, typed)
        address = throttles.address_key(call.context.origin.ip)
        refusal = await throttles.admit(db, key, address, limit)
    if refusal:
        if refusal.code == "rate_limited":
            call.services.metrics.rate_limited += 1
        return refusal
    hashing, lifetime = call.services.resource(Hashing), sessions.token_lifetime(call.services.settings)
    password_hash = account.password_hash if account else UNKNOWN
    right = await hashing.verify(password_hash, credentials.password, call.context.deadline)
    async with call.transaction() as db:
        role = await users.signed_in(db, account) if account and right else None
        throttle = await throttles.state(db, key)
        if problem := throttles.locked(throttle):
            raise problem
        if account is None or role is None:
            await _count_failure(call, db, throttle, account)
            return Problem("invalid_credentials")
        await throttles.succeed(db, throttle)
        session_id, refresh_token = await sessions.start(db, account.id, call.context.origin, lifetime)
        await call.audit(
            db, "auth.login", actor=account.id, target=("user", account.id), details={"session": str(session_id)}
        )
    if hashing.outdated(account.password_hash):
        await _rehash(call, account, credentials.password)
    return _tokens(call, account.id, session_id, role, refresh_token, lifetime=lifetime)


async def refresh(call: Call, given: RefreshToken) -> Response | Problem:
    """Get new tokens for a refresh token

    Each use replaces the refresh token. Using a replaced one is theft and ends the session.
    """
    row = await sessions.find_token(call.db, given.refresh_token)
    if row is None:
        return Problem("invalid_token")
    if row.is_over:
        return Problem("token_revoked")
    if row.replaced_at:
        await _end_stolen(call, row)
        return Problem("token_revoked")
    lifetime = sessions.token_lifetime(call.services.settings, row.now - row.started_at)
    if row.expires_at <= row.now or lifetime <= timedelta():
        return Problem("token_expired")
    refresh_token = await sessions.rotate(call.db, given.refresh_token, row.session_id, lifetime)
    await call.audit(call.db, "auth.refresh", actor=row.user_id, target=("session", row.session_id))
    return _tokens(call, row.user_id, row.session_id, row.role, refresh_token, lifetime=lifetime)


async def logout(call: Call, given: RefreshToken) -> Response:
    """Sign out

    Ends the session of the refresh token, and its access tokens with it.
    """
    row = await sessions.find_token(call.db, given.refresh_token)
    if row and row.replaced_at and not row.is_over:
        await _end_stolen(call, row)
    elif row and await sessions.end(call.db, row.session_id):
        call.ended.append(row.session_id)
        await call.audit(call.db, "auth.logout", actor=row.user_id, target=("session", row.session_id))
    return done()


async def logout_all(call: Call) -> Response:
    """Sign out everywhere

    Ends every session of the caller, this one included.
    """
    call.ended += await sessions.end_all(call.db, call.caller.id)
    await call.audit(call.db, "auth.logout_all", actor=call.caller.id, target=("user", call.caller.id))
    return done()


async def get_me(call: Call) -> Response:
    """Get the own account

    Who the access token speaks for.
    """
    return answered(await users.document(call.db, call.caller.id))


@in_turn
async def change_password(call: Call, change: PasswordChange) -> Response | Problem:
    """Change the own password

    Ends every session. A wrong current password counts as a failed login.
    """
    hashing = call.services.resource(Hashing)
    async with call.transaction() as db:
        account = await users.own_account(db, call.caller.id)
        if account is None:
            raise Problem("token_revoked")
        key = throttles.account_key(account.id, "")
        if problem := throttles.locked(await throttles.state(db, key)):
            return problem
    right = await hashing.verify(account.password_hash, change.current_password, call.context.deadline)
    async with call.transaction() as db:
        throttle = await throttles.state(db, key)
        if problem := throttles.locked(throttle):
            return problem
        if not right:
            await _count_failure(call, db, throttle, account, changing=True)
            return Problem("permission_denied", "The current password is wrong.")
    check_password(change.new_password, account.username, "/new_password")
    new_hash = await hashing.hash(change.new_password, call.context.deadline)
    async with call.transaction() as db:
        if not await users.set_password(db, account.id, account.password_hash, new_hash):
            raise Problem("token_revoked")
        await throttles.succeed(db, await throttles.state(db, key))
        call.ended += await sessions.end_all(db, account.id)
        await call.audit(db, "auth.password_change", actor=account.id, target=("user", account.id))
    return done()


async def list_sessions(call: Call, query: PageQuery) -> Response:
    """List the own sessions, newest first

    Each sign-in is a session; `current` marks the one that asks.
    """
    items, total = await sessions.page(call.db, call.caller.id, call.caller.session_id, query)
    return call.page(items, total, query)


async def end_session(call: Call, session: SessionRow) -> Response:
    """End one of the own sessions

    Its tokens are refused from then on.
    """
    if session.user_id != call.caller.id:
        raise Problem("not_found")
    await sessions.end(call.db, session.id)
    call.ended.append(session.id)
    await call.audit(call.db, "auth.session_end", actor=call.caller.id, target=("session", session.id))
    return done()


async def get_keys(call: Call) -> Response:
    """Get the public keys that verify access tokens

    A JSON Web Key Set (RFC 7517). A token names its key by `kid`.
    """
    keys = json.dumps({"keys": call.services.resource(KeySet).keys}).encode()
    return answered(keys, {"Cache-Control": "public, max-age=300"})


async def _count_failure(
    call: Call, db: Connection, throttle: throttles.Throttle, account: Account | None, *, changing: bool = False
) -> None:
    target: Target | None = ("user", account.id) if account else None
    actor = account.id if changing and account else None
    action: AuditAction = "auth.password_change" if changing else "auth.login"
    await call.audit(db, action, outcome="failure", actor=actor, target=target)
    if await throttles.fail(db, throttle, call.services.settings):
        call.services.metrics.lockouts += 1
        await call.audit(db, "auth.lockout", outcome="failure", actor=actor, target=target)


async def _rehash(call: Call, account: Account, password: str) -> None:
    new_hash = await call.services.resource(Hashing).hash(password, call.context.deadline)
    async with call.transaction() as db:
        await users.set_password(db, account.id, account.password_hash, new_hash)


async def _end_stolen(call: Call, row: RefreshRow) -> None:
    await sessions.end(call.db, row.session_id)
    call.ended.append(row.session_id)
    target: Target = ("session", row.session_id)
    await call.audit(call.db, "auth.refresh_reuse", outcome="failure", actor=row.user_id, target=target)


def _tokens(
    call: Call, user_id: UUID, session_id: UUID, role: RoleName, refresh_token: str, *, lifetime: timedelta
) -> Response:
    tokens = {
        "access_token": call.services.resource(Signer).access_token(user_id, session_id, role),
        "refresh_token": refresh_token,
        "token_type": "Bearer",
        "expires_in": call.services.settings.access_token_seconds,
        "refresh_expires_in": int(lifetime.total_seconds()),
    }
    return answered(json.dumps(tokens).encode())
