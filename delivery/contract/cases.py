"""Changes whose judgement is known: whoever judges the changes of the API has to judge these rightly first."""

from collections.abc import Callable, Mapping
from typing import Any

KnownChange = Callable[[dict[str, Any]], object]
"""Changes a description of our API in place."""

_LIST = "/api/projects/{id}/issues"
_STATUS, _LIMIT = "status", "limit"


def _schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def _property(document: dict[str, Any], schema: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = _schema(document, schema)["properties"][name]
    return found


def _parameter(document: dict[str, Any], name: str) -> dict[str, Any]:
    parameters = document["paths"][_LIST]["get"]["parameters"]
    found: dict[str, Any] = next(item for item in parameters if item["name"] == name)
    return found


def _add_property(schema: str, *, required: bool) -> KnownChange:
    def change(document: dict[str, Any]) -> None:
        target = _schema(document, schema)
        target["properties"]["severity"] = {"type": "string"}
        target["required"] = [*target["required"], *(["severity"] if required else [])]

    return change


def _remove_property(document: dict[str, Any]) -> None:
    _schema(document, "Issue")["required"].remove("comment_count")
    del _schema(document, "Issue")["properties"]["comment_count"]


def _add_parameter(*, required: bool) -> KnownChange:
    added = {"in": "query", "name": "team", "required": required, "schema": {"type": "string"}}
    return lambda document: document["paths"][_LIST]["get"]["parameters"].append(added)


BREAKING: Mapping[str, KnownChange] = {
    "a path is removed": lambda document: document["paths"].pop("/api/audit"),
    "a method is removed": lambda document: document["paths"]["/api/issues/{id}"].pop("patch"),
    "a property of an answer is removed": _remove_property,
    "a property of an answer may be missing": lambda document: _schema(document, "Issue")["required"].pop(),
    "a request has a new required property": _add_property("NewIssue", required=True),
    "an enum of a request is narrowed": lambda document: _property(document, "NewIssue", "priority")["enum"].pop(),
    "an enum of a parameter is narrowed": lambda document: _parameter(document, _STATUS)["schema"]["items"][
        "enum"
    ].pop(),
    "an enum of an answer is widened": lambda document: _property(document, "Issue", "status")["enum"].append("parked"),
    "an answer may be null": lambda document: _property(document, "Issue", "project").update(
        {"anyOf": [{"$ref": _property(document, "Issue", "project").pop("$ref")}, {"type": "null"}]}
    ),
    "a request may not be null": lambda document: _property(document, "NewIssue", "due_date")["anyOf"].pop(),
    "there is a new required parameter": _add_parameter(required=True),
    "a type of an answer is another": lambda document: _property(document, "Issue", "comment_count").update(
        type="string"
    ),
    "a type of a request is another": lambda document: _property(document, "NewIssue", "title").update(type="integer"),
    "a status is removed": lambda document: document["paths"][_LIST]["post"]["responses"].pop("201"),
    "a text of a request is shorter": lambda document: _property(document, "NewIssue", "title").update(maxLength=100),
    "a text of a request has to be one of a few": lambda document: _property(document, "NewIssue", "title").update(
        enum=["It"]
    ),
    "a number of a request is smaller": lambda document: _parameter(document, _LIMIT)["schema"].update(maximum=50),
}
"""What a client of today would not survive."""

COMPATIBLE: Mapping[str, KnownChange] = {
    "there is a new path": lambda document: document["paths"].update({"/api/teams": document["paths"]["/api/audit"]}),
    "a request has a new optional property": _add_property("NewIssue", required=False),
    "an answer has a new property": _add_property("Issue", required=True),
    "a text of an answer is promised to be one of a few": lambda document: _property(document, "Issue", "title").update(
        enum=["It"]
    ),
    "a text of an answer is promised to be an address": lambda document: _property(document, "Issue", "title").update(
        format="uri"
    ),
    "there is a new optional parameter": _add_parameter(required=False),
    "a text of a request is longer": lambda document: _property(document, "NewIssue", "title").update(maxLength=300),
    "an enum of a request is widened": lambda document: _property(document, "NewIssue", "priority")["enum"].append(
        "top"
    ),
}
"""What every client of today survives, and one of tomorrow may use."""
