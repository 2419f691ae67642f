"""Accounts, tokens, sessions and audit events, as they come in and go out."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from functions.auth.passwords import MAXIMUM, MINIMUM
from shared.fields import (
    NO_NUL,
    USERNAME,
    Count,
    Id,
    Input,
    Moment,
    Output,
    Patch,
    QueryBool,
    Search,
    ShownUsername,
    Storable,
    Text,
    UserRef,
)
from shared.http.paging import PageQuery, Sort, SortKeys
from shared.vocabulary import AuditAction, AuditOutcome, AuditTarget, RoleName

_USERNAME = re.compile(USERNAME)


def _username(value: str) -> str:
    if not _USERNAME.fullmatch(value):
        raise PydanticCustomError("username", "Must be of A-Z, a-z, 0-9, ., _ and -, starting with a letter or digit")
    return value


def _email(value: str) -> str:
    """Kept as given. Whether the domain takes mail is not asked: that would be a request to the outside.

    An internal domain such as corp.local is as good as any: the library's list of those that are not is emptied, in the
    way that it documents.
    """
    from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

    SPECIAL_USE_DOMAIN_NAMES.clear()
    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        raise PydanticCustomError("email", "Must be an e-mail address") from None
    return value


Username = Annotated[
    str,
    Text(1, 50),
    AfterValidator(_username),
    Field(examples=["ada"], json_schema_extra={"pattern": USERNAME}),
]
Email = Annotated[
    str,
    Text(3, 254),
    AfterValidator(_email),
    Field(examples=["ada@corp.local"], json_schema_extra={"format": "email", "pattern": NO_NUL}),
]
Password = Annotated[Storable, Field(json_schema_extra={"format": "password"})]
"""Not trimmed, not normalised."""
NewPassword = Annotated[
    Password,
    Field(
        description="With a lower-case letter, an upper-case letter, a digit and another character; without the user "
        "name, and no common password.",
        examples=["Correct-horse-1"],
        json_schema_extra={"minLength": MINIMUM, "maxLength": MAXIMUM},
    ),
]
"""The same, with rules of its own, which are judged after the shape of the whole and told as ``weak_password``."""


class User(Output):
    id: Id
    username: ShownUsername
    email: Annotated[str, Field(max_length=254, json_schema_extra={"format": "email"})]
    role: RoleName
    is_active: Annotated[bool, Field(description="Whether the account may sign in.")]
    created_at: Moment
    last_login: Annotated[Moment | None, Field(description="Null before the first sign-in.")]


class Member(Output):
    """A user as every other user may see one."""

    id: Id
    username: ShownUsername
    role: RoleName
    is_active: bool


class Tokens(Output):
    access_token: Annotated[
        str, Field(pattern=r"^[\w-]+\.[\w-]+\.[\w-]+$", description="For `Authorization: Bearer`. A JWT (RFC 9068).")
    ]
    refresh_token: Annotated[str, Field(min_length=1, description="Gets the next tokens, once.")]
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Field(gt=0, description="Seconds that the access token lasts.")]
    refresh_expires_in: Annotated[Count, Field(description="Seconds that the refresh token lasts.")]


class Session(Output):
    id: Id
    created_at: Moment
    last_used_at: Moment
    expires_at: Moment
    ip: str
    user_agent: str
    current: Annotated[bool, Field(description="Whether it is the one that asks.")]


class Target(Output):
    type: AuditTarget
    id: Id


class AuditEvent(Output):
    id: Id
    at: Moment
    action: AuditAction
    outcome: AuditOutcome
    actor: UserRef | None
    target: Target | None
    ip: str
    user_agent: str
    request_id: str
    details: dict[str, Any]


class PublicKeys(Output):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]


class Registration(Input):
    username: Username
    email: Email
    password: NewPassword


class Credentials(Input):
    username: Annotated[str, Text(1, 254), Field(description="The user name or the e-mail address, in any case.")]
    password: Password


class RefreshToken(Input):
    refresh_token: Storable


class PasswordChange(Input):
    current_password: Password
    new_password: NewPassword


class UserPatch(Patch):
    role: RoleName = "developer"
    is_active: bool = True


class MemberQuery(PageQuery):
    search: Search = ""
    role: Annotated[RoleName | None, Field(description="Of this role.")] = None
    is_active: Annotated[QueryBool | None, Field(description="Whether the account may sign in.")] = None
    sort: Annotated[SortKeys, Sort(("username", "created_at"))] = (("username", False),)


class AuditQuery(PageQuery):
    actor: Annotated[Id | None, Field(description="The id of the user who did it.")] = None
    action: Annotated[AuditAction | None, Field(description="What was done.")] = None
    target: Annotated[Id | None, Field(description="The id of what it was done to.")] = None
    since: Annotated[Moment | None, Field(description="From this time on.")] = None
    until: Annotated[Moment | None, Field(description="Before this time.")] = None
