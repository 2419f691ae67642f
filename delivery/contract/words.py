"""OpenAPI 3.1 said in the words of 3.0, the only ones that oasdiff reads."""

from collections.abc import Mapping
from typing import Any

_ONE = ("items", "not", "if", "then", "else", "contains", "additionalProperties")
_LISTS = ("allOf", "anyOf", "oneOf")
_BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_NULL = {"type": "null"}
_OURS = "#/components/schemas/"


def in_words_of_3_0(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document of version 3.1 as one of 3.0 that takes and answers the same, as far as 3.0 can say it."""
    return {**_Translation(document["components"]["schemas"]).node(document), "openapi": "3.0.3"}


class _Translation:
    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas

    def node(self, node: Any) -> Any:
        """Any part of the document."""
        if isinstance(node, list):
            return [self.node(item) for item in node]
        if not isinstance(node, Mapping):
            return node
        changed = {name: self.node(child) for name, child in node.items() if name not in {"schema", "schemas"}}
        if "schemas" in node:
            changed["schemas"] = {name: self.schema(child) for name, child in node["schemas"].items()}
        if "schema" in node:
            schema = self.schema(node["schema"])
            # oasdiff does not look into the items of a parameter; each of its values is one of them.
            changed["schema"] = schema.get("items", schema) if "in" in node else schema
        return changed

    def schema(self, schema: Any) -> dict[str, Any]:
        """What JSON Schema is said in."""
        if isinstance(schema, bool):
            return {} if schema else {"not": {}}
        changed: dict[str, Any] = {**schema}
        if "properties" in changed:
            changed["properties"] = {name: self.schema(child) for name, child in changed["properties"].items()}
        for word in _ONE:
            if isinstance(changed.get(word), Mapping):
                changed[word] = self.schema(changed[word])
        for word in _LISTS:
            if word in changed:
                changed[word] = [self.schema(child) for child in changed[word]]
        if "const" in changed:
            changed["enum"] = [changed.pop("const")]
        for word, bound in _BOUNDS.items():
            if word in changed:
                changed[bound], changed[word] = changed[word], True
        return self._nullable(changed)

    def _nullable(self, schema: dict[str, Any]) -> dict[str, Any]:
        choices = schema.get("anyOf", [])
        if _NULL not in choices:
            return schema
        others = [choice for choice in choices if choice != _NULL]
        rest = {word: value for word, value in schema.items() if word != "anyOf"}
        if len(others) > 1:
            return {**rest, "anyOf": others, "nullable": True}
        only = others[0]
        # Beside a reference, 3.0 ignores every other word.
        if "$ref" in only:
            only = self.schema(self._schemas[only["$ref"].removeprefix(_OURS)])
        return {**only, **rest, "nullable": True}
