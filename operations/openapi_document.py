"""The OpenAPI 3.1 document, from the endpoints that serve and from nothing else."""

import re
from collections.abc import Iterable
from inspect import cleandoc
from typing import Any

from apispec import APISpec
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from operations.openapi_answers import ProblemDocument, answers, header_components
from operations.openapi_links import links, operation_id
from shared.endpoint import Endpoint
from shared.security.permissions import needs_token

_REFERENCE = "#/components/schemas/"


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


def _operation(endpoint: Endpoint, endpoints: list[Endpoint]) -> dict[str, Any]:
    summary, _, description = cleandoc(endpoint.handler.__doc__ or "").partition("\n\n")
    responses = answers(endpoint, _reference(endpoint.output) if endpoint.output else None, _reference(ProblemDocument))
    if leading := links(endpoint, endpoints):
        responses[str(endpoint.status)]["links"] = leading
    operation: dict[str, Any] = {
        "operationId": operation_id(endpoint),
        "summary": summary,
        "tags": [endpoint.handler.__module__.split(".")[1]],
        "parameters": _parameters(endpoint),
        "responses": responses,
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
        if name == "sort":
            schema["default"] = [f"-{field}" if descends else field for field, descends in schema["default"]]
        elif schema.get("default") in (None, "", []):
            schema.pop("default", None)
        schemas[name] = schema
    return schemas


def _style(schema: dict[str, Any]) -> dict[str, Any]:
    """Several values are comma-separated."""
    return {"style": "form", "explode": False} if schema.get("type") == "array" else {}
