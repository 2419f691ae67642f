"""The problems of the OpenAPI document: what each code means, its schema, and the responses that are shared."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from shared.http.headers import REQUEST_ID
from shared.http.problems import FAULTS_TOLD, GUIDE, PROBLEMS, problem_type
from shared.vocabulary import STATUSES

Schema = dict[str, Any]

MEANINGS: Mapping[str, str] = {
    "malformed_json": "The body does not parse as JSON (RFC 8259). Look for a comma, a quotation mark, or half a body.",
    "bad_request": "What came is not HTTP as the standard has it, or the body broke off. Send it again, whole.",
    "authentication_required": "There is no access token. Sign in and send `Authorization: Bearer` with it.",
    "invalid_token": "The token is none of ours, or not of this kind. Sign in again.",
    "token_expired": "The token has had its time. Get new ones with the refresh token, then ask again.",
    "token_revoked": "The session has ended: a sign-out, a new password or role, a token used twice. Sign in again.",
    "invalid_credentials": "The user name or the password is wrong, or the account is not active. Which is not told.",
    "permission_denied": "You are known, and may not do this. `detail` says why.",
    "not_found": "No such path, or nothing with this id.",
    "method_not_allowed": "The path is there, but not with this method. `Allow` names those that it has.",
    "already_exists": "A name or an address is there once, without regard to case, and this one is. Choose another.",
    "invalid_transition": "The status cannot make this move. `allowed` names those that it can make from where it is.",
    "comment_required": "A critical issue is closed with a reason: comment first, then close.",
    "project_archived": "An archived project can only be read. Its creator or an admin can restore it.",
    "still_referenced": "The user has written or created something, and stays. Deactivate the account instead.",
    "request_in_progress": "The first request with this key is still running. Wait for `Retry-After`, then repeat it.",
    "last_admin": "Somebody has to be able to make admins. Make another one first.",
    "precondition_failed": "It has changed since you read it, and its `ETag` with it. Read it again, and decide anew.",
    "payload_too_large": "A body may have 1 MiB.",
    "unsupported_media_type": "A body has to be `application/json`, without `Content-Encoding`.",
    "validation_failed": "The request was understood, and is not valid. `errors` has an entry for each thing wrong.",
    "weak_password": "The password breaks the rules that `errors` names.",
    "idempotency_key_reused": "This key belongs to a request with another body. Use a new one.",
    "account_locked": "Too many wrong passwords in a row. Wait for `Retry-After`, or let an admin unlock the account.",
    "rate_limited": "Too many requests of this address, or too many attempts to sign in. Wait for `Retry-After`.",
    "internal_error": "A fault of ours. Report the `request_id`: the log has the cause under it.",
    "service_unavailable": "A part is down or overloaded for the moment. Wait for `Retry-After`, then send it again.",
}
"""By code: what it means, and what a client does about it. The guide shows the same."""

_STATUS = {"type": "string", "enum": list(STATUSES)}
_FAULT: Schema = {
    "type": "object",
    "description": "One thing that is wrong with a request.",
    "additionalProperties": False,
    "required": ["in", "path", "code", "message"],
    "properties": {
        "in": {"type": "string", "enum": ["body", "query", "header"], "description": "Where it is."},
        "path": {
            "type": "string",
            "description": "A JSON pointer (RFC 6901) into the body, or the name of a query parameter or a header.",
        },
        "code": {"type": "string", "description": "What is wrong, for a program.", "examples": ["string_too_long"]},
        "message": {"type": "string", "description": "What is wrong, for a person."},
    },
}
_ERRORS = {
    "errors": {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Fault"},
        "minItems": 1,
        "maxItems": FAULTS_TOLD,
        "description": "One entry for each thing that is wrong.",
    }
}
_MEMBERS: Mapping[str, Mapping[str, Schema]] = {
    "validation_failed": _ERRORS,
    "weak_password": _ERRORS,
    "invalid_transition": {
        "from": {**_STATUS, "description": "The status that the issue has."},
        "to": {**_STATUS, "description": "The status that was asked for."},
        "allowed": {"type": "array", "items": _STATUS, "description": "The statuses that it may have next."},
    },
}
"""Members that a problem has besides those of every problem."""

RESPONSES: Mapping[tuple[str, ...], str] = {
    ("malformed_json", "bad_request"): "BadRequest",
    ("authentication_required", "invalid_token", "token_expired", "token_revoked"): "Unauthorized",
}
"""What the shared response of several codes is called; that of a single code has its code's name."""


def _camel(code: str) -> str:
    return code.title().replace("_", "")


def response_name(codes: Sequence[str]) -> str | None:
    """What the shared response of these codes is called, or None where an operation has them for itself."""
    return _camel(codes[0]) if len(codes) == 1 else RESPONSES.get(tuple(codes))


def schema_name(code: str) -> str:
    """What the schema of a problem is called."""
    return f"{_camel(code)}Problem"


def problem_schemas(codes: Container[str]) -> dict[str, Schema]:
    """A schema for each of the codes, so that a client knows by ``code`` what else is there."""
    return {"Fault": _FAULT} | {schema_name(code): _schema(code) for code in PROBLEMS if code in codes}


def _schema(code: str) -> Schema:
    status, title = PROBLEMS[code]
    properties: dict[str, Schema] = {
        "type": {"type": "string", "const": problem_type(code), "description": f"Explained at [{GUIDE}#{code}]."},
        "title": {"type": "string", "description": "The same for every problem of this type.", "examples": [title]},
        "status": {"type": "integer", "const": status, "description": "The status of the answer."},
        "code": {"type": "string", "const": code, "description": "The end of `type`, to decide by."},
        "detail": {"type": "string", "description": "What happened here, for a person."},
        "instance": {"type": "string", "format": "uri-reference", "description": "The path that was asked for."},
        "request_id": {
            "type": "string",
            "pattern": REQUEST_ID,
            "description": "Finds the request in the logs; also in `X-Request-ID`.",
        },
        **_MEMBERS.get(code, {}),
    }
    return {
        "type": "object",
        "description": f"{title}. {MEANINGS[code]}",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }
