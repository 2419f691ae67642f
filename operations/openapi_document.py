"""The OpenAPI 3.1 document, from the endpoints that serve and from nothing else."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

from apispec import APISpec
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from shared.endpoint import Endpoint
from shared.http.problems import PROBLEMS
from shared.security.permissions import MATRIX, SIGNED_IN, Permission, needs_token, role_decides

_REFERENCE = "#/components/schemas/"
_HEADERS = {
    "RateLimit-Limit": ("Requests that a client address may make in a minute.", "integer"),
    "RateLimit-Remaining": ("Requests that are left of them.", "integer"),
    "RateLimit-Reset": ("Seconds until the oldest of them is forgotten.", "integer"),
    "X-Request-ID": ("Names the request in the logs; taken over when sent.", "string"),
    "ETag": ("The strong entity tag of what is shown.", "string"),
    "Link": ("The first, last, next and prev page (RFC 8288).", "string"),
    "Location": ("The path of what was created.", "string"),
    "Retry-After": ("Seconds to wait.", "integer"),
    "WWW-Authenticate": ("Bearer.", "string"),
}
_ALWAYS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-Request-ID")


class ProblemEntry(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(alias="in")
    path: str
    code: str
    message: str


class ProblemDocument(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    request_id: str
    errors: list[ProblemEntry] = []


def describe(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """The OpenAPI document of these endpoints."""
    listed = list(endpoints)
    spec = APISpec(
        title="Flycatcher",
        version=version,
        openapi_version="3.1.0",
        info={"description": "An internal bug tracker: projects, issues, comments."},
        security=[{"bearer": []}],
    )
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    for name, schema in _schemas(listed).items():
        spec.components.schema(name, schema)
    for path in dict.fromkeys(endpoint.path for endpoint in listed):
        operations = {endpoint.method.lower(): _operation(endpoint) for endpoint in listed if endpoint.path == path}
        spec.path(path, operations=operations)
    document: dict[str, Any] = spec.to_dict()
    return document


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


def _schemas(endpoints: list[Endpoint]) -> dict[str, Any]:
    inputs: list[tuple[type[BaseModel], JsonSchemaMode]] = [(e.body, "validation") for e in endpoints if e.body]
    outputs: list[tuple[type[BaseModel], JsonSchemaMode]] = [(e.output, "serialization") for e in endpoints if e.output]
    outputs.append((ProblemDocument, "serialization"))
    _, definitions = models_json_schema([*inputs, *outputs], ref_template=_REFERENCE + "{model}")
    return {_renamed(name): _relinked(schema) for name, schema in definitions["$defs"].items()}


def _renamed(name: str) -> str:
    """``Page_Issue_``, as pydantic calls Page[Issue], is IssuePage."""
    return re.sub(r"^(\w+?)_(\w+)_$", r"\2\1", name)


def _relinked(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            name: _REFERENCE + _renamed(value.removeprefix(_REFERENCE)) if name == "$ref" else _relinked(value)
            for name, value in schema.items()
            if not (name == "title" and isinstance(value, str))
        }
    return [_relinked(item) for item in schema] if isinstance(schema, list) else schema


def _reference(model: type[BaseModel]) -> dict[str, str]:
    name = re.sub(r"^(\w+)\[(\w+)\]$", r"\2\1", model.__name__)
    return {"$ref": _REFERENCE + name}


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    summary, _, description = cleandoc(endpoint.handler.__doc__ or "").partition("\n\n")
    operation: dict[str, Any] = {
        "operationId": endpoint.handler.__name__,
        "summary": summary,
        "tags": [endpoint.handler.__module__.split(".")[1]],
        "parameters": _parameters(endpoint),
        "responses": _responses(endpoint),
    }
    if description:
        operation["description"] = description
    if not needs_token(endpoint.permission):
        operation["security"] = []
    if endpoint.body:
        schema = _reference(endpoint.body)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    parameters = []
    if "{id}" in endpoint.path:
        schema = {"type": "string", "format": "uuid"}
        parameters.append({"in": "path", "name": "id", "required": True, "schema": schema})
    if endpoint.query:
        parameters += [
            {"in": "query", "name": name, "schema": schema, **_style(schema)}
            for name, schema in _query_schemas(endpoint.query).items()
        ]
    if endpoint.idempotent:
        schema = {"type": "string", "pattern": "^[!-~]{1,255}$"}
        parameters.append({"in": "header", "name": "Idempotency-Key", "schema": schema})
    if endpoint.tagged:
        name = "If-Match" if endpoint.subject else "If-None-Match"
        parameters.append({"in": "header", "name": name, "schema": {"type": "string"}})
    return parameters


def _query_schemas(query: type[BaseModel]) -> dict[str, Any]:
    """Each parameter's schema with what it needs inside it; null and empty defaults stand for not given."""
    document = query.model_json_schema()
    schemas = {}
    for name, member in document["properties"].items():
        schema = _relinked(member)
        choices = [choice for choice in schema.pop("anyOf", []) if choice != {"type": "null"}]
        schema |= choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {}
        if schema.get("default") in (None, "", []) or name == "sort":
            schema.pop("default", None)
        schemas[name] = schema
    return schemas


def _style(schema: dict[str, Any]) -> dict[str, Any]:
    """Several values are comma-separated."""
    return {"style": "form", "explode": False} if schema.get("type") == "array" else {}


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    headers = list(_ALWAYS)
    if endpoint.tagged or endpoint.idempotent:
        headers.append("ETag")
    if endpoint.status == HTTPStatus.CREATED:
        headers.append("Location")
    if endpoint.output and endpoint.output.__name__.startswith("Page["):
        headers.append("Link")
    success: dict[str, Any] = {"description": HTTPStatus(endpoint.status).phrase, "headers": _headers(headers)}
    if endpoint.output:
        success["content"] = {"application/json": {"schema": _reference(endpoint.output)}}
    responses = {str(endpoint.status): success}
    if endpoint.tagged and endpoint.method == "GET":
        responses["304"] = {"description": "Not changed since", "headers": _headers([*_ALWAYS, "ETag"])}
    by_status: dict[int, list[str]] = {}
    for code in problem_codes(endpoint):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    for status, codes in by_status.items():
        responses[str(status)] = _problem(status, codes)
    return responses


def _problem(status: int, codes: list[str]) -> dict[str, Any]:
    headers = list(_ALWAYS)
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append("WWW-Authenticate")
    if status in (HTTPStatus.LOCKED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers.append("Retry-After")
    return {
        "description": ", ".join(codes),
        "headers": _headers(headers),
        "content": {"application/problem+json": {"schema": _reference(ProblemDocument)}},
    }


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"description": _HEADERS[name][0], "schema": {"type": _HEADERS[name][1]}} for name in names}
