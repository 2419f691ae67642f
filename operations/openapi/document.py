"""The OpenAPI 3.1 document, from the endpoints that serve and from nothing else."""

import re
from collections.abc import Iterable
from inspect import cleandoc
from typing import Any
from urllib.parse import urlsplit

from apispec import APISpec
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from operations.openapi.about import INFO, SERVERS, TAGS
from operations.openapi.answers import answers, header_components, problem_codes, shared_responses
from operations.openapi.examples import Example, operation_example
from operations.openapi.links import links, operation_id
from operations.openapi.problems import problem_schemas
from operations.openapi.who import who
from shared.endpoint import Endpoint
from shared.security.permissions import needs_token

_REFERENCE = "#/components/schemas/"
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The `access_token` that `/api/auth/login` gives. It lasts 15 minutes.",
}


def describe(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """The OpenAPI document of these endpoints."""
    listed = list(endpoints)
    spec = APISpec(
        title="Flycatcher",
        version=version,
        openapi_version="3.1.0",
        info=INFO,
        servers=SERVERS,
        security=[{"bearer": []}],
    )
    codes = {code for endpoint in listed for code in problem_codes(endpoint)}
    for tag in TAGS:
        spec.tag(tag)
    spec.components.security_scheme("bearer", _BEARER)
    for name, schema in (_schemas(listed) | problem_schemas(codes)).items():
        spec.components.schema(name, schema)
    for name, response in shared_responses(listed).items():
        spec.components.response(name, response)
    for name, header in header_components().items():
        spec.components.header(name, header)
    for path in dict.fromkeys(endpoint.path for endpoint in listed):
        here = [endpoint for endpoint in listed if endpoint.path == path]
        spec.path(path, operations={endpoint.method.lower(): _operation(endpoint, listed) for endpoint in here})
    document: dict[str, Any] = spec.to_dict()
    return document


def _schemas(endpoints: list[Endpoint]) -> dict[str, Any]:
    inputs: list[tuple[type[BaseModel], JsonSchemaMode]] = [(e.body, "validation") for e in endpoints if e.body]
    outputs: list[tuple[type[BaseModel], JsonSchemaMode]] = [(e.output, "serialization") for e in endpoints if e.output]
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


def _operation(endpoint: Endpoint, endpoints: list[Endpoint]) -> dict[str, Any]:
    summary, _, description = cleandoc(endpoint.handler.__doc__ or "").partition("\n\n")
    example = operation_example(operation_id(endpoint))
    responses = answers(endpoint, _reference(endpoint.output) if endpoint.output else None, example)
    if leading := links(endpoint, endpoints):
        responses[str(endpoint.status)]["links"] = leading
    operation: dict[str, Any] = {
        "operationId": operation_id(endpoint),
        "summary": summary,
        "description": "\n\n".join(filter(None, [description, _rights(endpoint)])),
        "tags": [endpoint.handler.__module__.split(".")[1]],
        "parameters": _parameters(endpoint, example),
        "responses": responses,
    }
    if not needs_token(endpoint.permission):
        operation["security"] = []
    if endpoint.body:
        content = {"schema": _reference(endpoint.body), "example": example["body"]}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _rights(endpoint: Endpoint) -> str:
    lines = [f"Who may: {who(endpoint.permission)}."]
    lines += [f"Naming `{name}`: {who(right)}." for name, right in endpoint.member_permissions.items()]
    return "\n\n".join(lines)


def _parameters(endpoint: Endpoint, example: Example) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    if "{id}" in endpoint.path:
        steps = zip(endpoint.path.split("/"), urlsplit(example["path"]).path.split("/"), strict=True)
        parameters.append(
            {
                "in": "path",
                "name": "id",
                "required": True,
                "description": f"The id of the {endpoint.kind}.",
                "schema": {"type": "string", "format": "uuid"},
                "example": next(given for step, given in steps if step == "{id}"),
            }
        )
    if endpoint.query:
        for name, schema in _query_schemas(endpoint.query).items():
            described = {"description": schema.pop("description")}
            parameters.append({"in": "query", "name": name, **described, "schema": schema, **_style(schema)})
    if endpoint.idempotent:
        parameters.append(_header("Idempotency-Key"))
    if endpoint.tagged:
        parameters.append(_header("If-Match" if endpoint.subject else "If-None-Match"))
    return parameters


REQUEST_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Idempotency-Key": (
        "A name of your own for the request, such as a UUID: within 24 hours the same gives the first answer again.",
        {"type": "string", "pattern": "^[!-~]{1,255}$"},
    ),
    "If-Match": ("Only if it still has this `ETag`; otherwise 412 and no change.", {"type": "string"}),
    "If-None-Match": ("Only if it no longer has this `ETag`; otherwise 304.", {"type": "string"}),
}
"""What an operation may take besides ``Authorization``."""


def _header(name: str) -> dict[str, Any]:
    """Without an example: Swagger UI would send it, and a stale tag or a key that was used is refused."""
    description, schema = REQUEST_HEADERS[name]
    return {"in": "header", "name": name, "description": description, "schema": schema}


def _query_schemas(query: type[BaseModel]) -> dict[str, Any]:
    """Each parameter's schema with what it needs inside it; null and empty defaults stand for not given."""
    document = query.model_json_schema()
    schemas = {}
    for name, member in document["properties"].items():
        schema = _relinked(member)
        choices = [choice for choice in schema.pop("anyOf", []) if choice != {"type": "null"}]
        schema |= choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {}
        if name == "sort":
            schema["default"] = [f"-{field}" if descends else field for field, descends in schema["default"]]
        elif schema.get("default") in (None, "", []):
            schema.pop("default", None)
        schemas[name] = schema
    return schemas


def _style(schema: dict[str, Any]) -> dict[str, Any]:
    """Several values are comma-separated."""
    return {"style": "form", "explode": False} if schema.get("type") == "array" else {}
