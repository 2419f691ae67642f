"""What an operation answers, for the OpenAPI document: statuses with their codes, headers and bodies."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.endpoint import Endpoint
from shared.http.headers import REQUEST_ID
from shared.http.problems import FAULTS_TOLD, PROBLEMS
from shared.security.permissions import MATRIX, SIGNED_IN, Permission, needs_token, role_decides
from shared.vocabulary import StatusName

Schema = dict[str, Any]

_COUNT = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "integer", "minimum": 1}
HEADERS: Mapping[str, tuple[str, Schema]] = {
    "RateLimit-Limit": ("Requests that a client address may make in a minute.", _COUNT),
    "RateLimit-Remaining": ("Requests that are left of them.", _COUNT),
    "RateLimit-Reset": ("Seconds until the oldest of them is forgotten.", _COUNT),
    "X-Request-ID": ("Names the request in the logs; taken over when sent.", {"type": "string", "pattern": REQUEST_ID}),
    "ETag": ("The strong entity tag of what is shown.", {"type": "string", "pattern": '^"[!#-~]+"$'}),
    "Link": ("The first, last, next and prev page (RFC 8288).", {"type": "string", "pattern": '; rel="first"'}),
    "Location": ("The path of what was created.", {"type": "string", "format": "uri-reference"}),
    "Retry-After": ("Seconds to wait.", _SECONDS),
    "WWW-Authenticate": ("How to sign in.", {"type": "string", "const": "Bearer"}),
}
_ALWAYS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-Request-ID")
_WITH_STATUS = {401: "WWW-Authenticate", 423: "Retry-After", 429: "Retry-After", 503: "Retry-After"}

MEMBERS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("errors",): ("validation_failed", "weak_password"),
    ("from", "to", "allowed"): ("invalid_transition",),
}
"""Members that a problem has with these codes, and with no other."""


def _without_default(schema: Schema) -> None:
    """A member of ``MEMBERS`` is there or not; what the model has in its place is never shown."""
    del schema["default"]


class ProblemEntry(BaseModel):
    """One thing that is wrong with a request."""

    model_config = ConfigDict(extra="forbid")

    where: Literal["body", "query", "header"] = Field(alias="in")
    path: str
    code: str
    message: str


class ProblemDocument(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "allOf": [
                {
                    "if": {"properties": {"code": {"enum": list(codes)}}},
                    "then": {"required": list(members)},
                    "else": {"properties": dict.fromkeys(members, False)},
                }
                for members, codes in MEMBERS.items()
            ]
        },
    )

    type: Annotated[str, Field(pattern="^urn:flycatcher:problem:[a-z_]+$")]
    title: str
    status: int
    code: Annotated[str, Field(json_schema_extra={"enum": list(PROBLEMS)})]
    detail: str
    instance: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    request_id: Annotated[str, Field(pattern=REQUEST_ID)]
    errors: Annotated[
        list[ProblemEntry], Field(min_length=1, max_length=FAULTS_TOLD, json_schema_extra=_without_default)
    ] = []
    from_: Annotated[StatusName, Field(alias="from", json_schema_extra=_without_default)] = "open"
    to: Annotated[StatusName, Field(json_schema_extra=_without_default)] = "open"
    allowed: Annotated[list[StatusName], Field(json_schema_extra=_without_default)] = []


def problem_codes(endpoint: Endpoint) -> list[str]:
    """Every code that an endpoint can answer, by status and then in the order of the table."""
    codes = {"rate_limited", "validation_failed", "internal_error", "service_unavailable", *endpoint.problems}
    if needs_token(endpoint.permission):
        codes |= {"authentication_required", "invalid_token", "token_expired", "token_revoked"}
        if not role_decides(endpoint.permission) or _role_excludes(endpoint.permission):
            codes.add("permission_denied")
    if endpoint.body:
        codes |= {"malformed_json", "bad_request", "payload_too_large", "unsupported_media_type"}
    if "{id}" in endpoint.path:
        codes.add("not_found")
    if endpoint.tagged and endpoint.subject:
        codes.add("precondition_failed")
    if endpoint.idempotent:
        codes |= {"request_in_progress", "idempotency_key_reused"}
    return sorted(codes, key=list(PROBLEMS).index)


def _role_excludes(permission: Permission) -> bool:
    return not MATRIX[permission] >= SIGNED_IN


def answers(endpoint: Endpoint, output: Schema | None, problem: Schema) -> dict[str, Any]:
    """The responses of an operation by status.

    Args:
        endpoint: whose they are.
        output: the schema of what a success shows, or None where it shows nothing.
        problem: the schema of an error.
    """
    success: dict[str, Any] = {
        "description": HTTPStatus(endpoint.status).phrase,
        "headers": _headers(_ALWAYS + _on_success(endpoint)),
    }
    if output:
        success["content"] = {"application/json": {"schema": output}}
    found = {str(endpoint.status): success}
    if endpoint.tagged and endpoint.method == "GET":
        found["304"] = {"description": "Not changed since", "headers": _headers((*_ALWAYS, "ETag"))}
    by_status: dict[int, list[str]] = {}
    for code in problem_codes(endpoint):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return found | {str(status): _problem(status, codes, problem) for status, codes in by_status.items()}


def _on_success(endpoint: Endpoint) -> tuple[str, ...]:
    told = {
        "ETag": endpoint.output and (endpoint.tagged or endpoint.idempotent),
        "Location": endpoint.status == HTTPStatus.CREATED,
        "Link": endpoint.output and endpoint.output.__name__.startswith("Page["),
    }
    return tuple(name for name, is_told in told.items() if is_told)


def _problem(status: int, codes: list[str], problem: Schema) -> dict[str, Any]:
    narrowed = {"properties": {"status": {"const": status}, "code": {"enum": codes}}}
    return {
        "description": ", ".join(codes),
        "headers": _headers((*_ALWAYS, _WITH_STATUS[status]) if status in _WITH_STATUS else _ALWAYS),
        "content": {"application/problem+json": {"schema": {"allOf": [problem, narrowed]}}},
    }


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def header_components() -> dict[str, Any]:
    """Every header of an answer by its name. Where an answer has one, it always has it."""
    return {
        name: {"description": description, "required": True, "schema": schema}
        for name, (description, schema) in HEADERS.items()
    }
