"""What an operation answers, for the OpenAPI document: statuses with their codes, headers and bodies."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from operations.openapi.examples import Example, answered_header, problem_example
from operations.openapi.problems import MEANINGS, response_name, schema_name
from shared.endpoint import Endpoint
from shared.http.headers import REQUEST_ID
from shared.http.problems import GUIDE, PROBLEMS
from shared.security.permissions import MATRIX, SIGNED_IN, Permission, needs_token, role_decides

Schema = dict[str, Any]


class Header(NamedTuple):
    description: str
    schema: Schema
    example: str | int


_COUNT = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "integer", "minimum": 1}
HEADERS: Mapping[str, Header] = {
    "RateLimit-Limit": Header("Requests that a client address may make in a minute.", _COUNT, 100),
    "RateLimit-Remaining": Header("Requests that are left of them.", _COUNT, 97),
    "RateLimit-Reset": Header("Seconds until the oldest of them is forgotten.", _COUNT, 41),
    "X-Request-ID": Header(
        "Names the request in the logs; taken over when sent.",
        {"type": "string", "pattern": REQUEST_ID},
        "9c1f0a6be2d84f5c",
    ),
    "ETag": Header(
        "The strong entity tag of what is shown, for `If-None-Match` and `If-Match`.",
        {"type": "string", "pattern": '^"[!#-~]+"$'},
        answered_header("get_issue", "ETag"),
    ),
    "Page-Links": Header(
        "The first, last, next and prev page (RFC 8288); each keeps the other parameters.",
        {"type": "string", "pattern": '; rel="first"'},
        answered_header("list_issues", "Link"),
    ),
    "Help-Link": Header(
        "Where the guide explains the problem (RFC 8288).",
        {"type": "string", "pattern": '; rel="help"$'},
        f'<{GUIDE}#not_found>; rel="help"',
    ),
    "Location": Header(
        "The path of what was created.",
        {"type": "string", "format": "uri-reference"},
        answered_header("create_issue", "Location"),
    ),
    "Retry-After": Header("Seconds to wait.", _SECONDS, 2),
    "WWW-Authenticate": Header("How to sign in.", {"type": "string", "const": "Bearer"}, "Bearer"),
}
"""By the name of the component, which is the header's own but for the two kinds of ``Link``."""
_NAMES = {"Page-Links": "Link", "Help-Link": "Link"}
_ALWAYS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-Request-ID")
_WITH_STATUS = {401: "WWW-Authenticate", 423: "Retry-After", 429: "Retry-After", 503: "Retry-After"}


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


def answers(endpoint: Endpoint, output: Schema | None, example: Example) -> dict[str, Any]:
    """The responses of an operation by status.

    Args:
        endpoint: whose they are.
        output: the schema of what a success shows, or None where it shows nothing.
        example: what was once asked of it and answered.
    """
    success: dict[str, Any] = {
        "description": HTTPStatus(endpoint.status).phrase,
        "headers": _headers(_ALWAYS + _on_success(endpoint)),
    }
    if output:
        success["content"] = {"application/json": {"schema": output, "example": example["answer"]}}
    found = {str(endpoint.status): success}
    if endpoint.tagged and endpoint.method == "GET":
        found["304"] = {"description": "Not changed since", "headers": _headers((*_ALWAYS, "ETag"))}
    for status, codes in _by_status(endpoint).items():
        name = response_name(codes)
        found[str(status)] = {"$ref": f"#/components/responses/{name}"} if name else _problem(status, codes)
    return found


def shared_responses(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The responses that operations refer to, by their names."""
    each = [item for endpoint in endpoints for item in _by_status(endpoint).items()]
    return {name: _problem(status, codes) for status, codes in each if (name := response_name(codes))}


def _by_status(endpoint: Endpoint) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for code in problem_codes(endpoint):
        found.setdefault(PROBLEMS[code].status, []).append(code)
    return found


def _on_success(endpoint: Endpoint) -> tuple[str, ...]:
    told = {
        "ETag": endpoint.output and (endpoint.tagged or endpoint.idempotent),
        "Location": endpoint.status == HTTPStatus.CREATED,
        "Page-Links": endpoint.output and endpoint.output.__name__.startswith("Page["),
    }
    return tuple(name for name, is_told in told.items() if is_told)


def _problem(status: int, codes: Sequence[str]) -> dict[str, Any]:
    schemas = [{"$ref": f"#/components/schemas/{schema_name(code)}"} for code in codes]
    also = (_WITH_STATUS[status],) if status in _WITH_STATUS else ()
    return {
        "description": "\n".join(f"- [`{code}`]({GUIDE}#{code}): {MEANINGS[code]}" for code in codes),
        "headers": _headers((*_ALWAYS, "Help-Link", *also)),
        "content": {
            "application/problem+json": {
                "schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas},
                "examples": {code: {"summary": PROBLEMS[code].title, "value": problem_example(code)} for code in codes},
            }
        },
    }


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {_NAMES.get(name, name): {"$ref": f"#/components/headers/{name}"} for name in names}


def header_components() -> dict[str, Any]:
    """Every header of an answer. Where an answer has one, it always has it."""
    return {
        name: {
            "description": header.description,
            "required": True,
            "schema": header.schema,
            "example": header.example,
        }
        for name, header in HEADERS.items()
    }
