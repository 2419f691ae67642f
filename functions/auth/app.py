"""The function ``auth``: every endpoint with its permission, and the application."""

import os

from functions.auth import administration, handlers, sessions, users
from functions.auth.passwords import Hashing
from functions.auth.schemas import (
    AuditEvent,
    AuditQuery,
    Credentials,
    Member,
    MemberQuery,
    PasswordChange,
    PublicKeys,
    RefreshToken,
    Registration,
    Session,
    Tokens,
    User,
    UserPatch,
)
from functions.auth.tokens import KeySet, Signer
from shared.data.documents import exists_in
from shared.endpoint import endpoint
from shared.function import Function, Prepare
from shared.http.paging import Page, PageQuery
from shared.security.permissions import Permission
from shared.settings import Settings

ENDPOINTS = [
    endpoint(
        "POST",
        "/api/auth/register",
        Permission.ENTER,
        body=Registration,
        output=User,
        status=201,
        own_connections=True,
        problems=("already_exists", "weak_password"),
    )(handlers.register),
    endpoint(
        "POST",
        "/api/auth/login",
        Permission.ENTER,
        body=Credentials,
        output=Tokens,
        own_connections=True,
        problems=("invalid_credentials", "account_locked"),
    )(handlers.login),
    endpoint(
        "POST",
        "/api/auth/refresh",
        Permission.ENTER,
        body=RefreshToken,
        output=Tokens,
        problems=("invalid_token", "token_expired", "token_revoked"),
    )(handlers.refresh),
    endpoint("POST", "/api/auth/logout", Permission.ENTER, body=RefreshToken, status=204)(handlers.logout),
    endpoint("POST", "/api/auth/logout-all", Permission.OWN_ACCOUNT, status=204)(handlers.logout_all),
    endpoint("GET", "/api/auth/me", Permission.OWN_ACCOUNT, output=User)(handlers.get_me),
    endpoint(
        "POST",
        "/api/auth/password",
        Permission.OWN_ACCOUNT,
        body=PasswordChange,
        status=204,
        own_connections=True,
        problems=("account_locked", "permission_denied", "weak_password"),
    )(handlers.change_password),
    endpoint("GET", "/api/auth/sessions", Permission.OWN_ACCOUNT, query=PageQuery, output=Page[Session])(
        handlers.list_sessions
    ),
    endpoint(
        "DELETE",
        "/api/auth/sessions/{id}",
        Permission.OWN_ACCOUNT,
        kind="session",
        subject=sessions.lock,
        status=204,
    )(handlers.end_session),
    endpoint("GET", "/.well-known/jwks.json", Permission.ENTER, output=PublicKeys, own_connections=True)(
        handlers.get_keys
    ),
    endpoint("GET", "/api/users", Permission.VIEW_USERS, query=MemberQuery, output=Page[Member])(
        administration.list_users
    ),
    endpoint("GET", "/api/users/{id}", Permission.MANAGE_USERS, kind="user", exists=exists_in("users"), output=User)(
        administration.get_user
    ),
    endpoint(
        "PATCH",
        "/api/users/{id}",
        Permission.MANAGE_USERS,
        kind="user",
        subject=users.lock,
        body=UserPatch,
        output=User,
        problems=("last_admin",),
    )(administration.edit_user),
    endpoint("POST", "/api/users/{id}/unlock", Permission.MANAGE_USERS, kind="user", subject=users.lock, status=204)(
        administration.unlock_user
    ),
    endpoint(
        "DELETE",
        "/api/users/{id}",
        Permission.MANAGE_USERS,
        kind="user",
        subject=users.lock,
        status=204,
        problems=("last_admin", "still_referenced"),
    )(administration.delete_user),
    endpoint("GET", "/api/audit", Permission.VIEW_AUDIT, query=AuditQuery, output=Page[AuditEvent])(
        administration.list_events
    ),
]

PREPARE: tuple[Prepare, ...] = (Signer, KeySet, Hashing)
"""What this function alone holds: the private key is given to no other."""

app = Function(
    "auth",
    ENDPOINTS,
    settings=lambda: Settings.load(os.environ, "auth"),
    prepare=PREPARE,
)
