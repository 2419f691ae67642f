"""What an answer promises anew takes nothing from a client: it is left out, since oasdiff counts it as a break."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

_PROMISES = ("enum", "format", "pattern")
"""Words that narrow a value, and where there was none promise more."""
_METHODS = ("get", "post", "put", "patch", "delete")
_SCHEMAS = "#/components/schemas/"


def without_new_promises(base: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """``now``, without what its answers promise and those of ``base`` do not. What may be sent too stays as it is."""
    kept = deepcopy(dict(now))
    _align(base["paths"], kept["paths"], answers=False)
    sent = _sent(kept)
    for name, schema in kept["components"]["schemas"].items():
        if name not in sent:
            _align(base["components"]["schemas"].get(name), schema, answers=True)
    return kept


def _align(base: Any, now: Any, *, answers: bool) -> None:
    if isinstance(base, list) and isinstance(now, list):
        for before, after in zip(base, now, strict=False):
            _align(before, after, answers=answers)
    if not (isinstance(base, Mapping) and isinstance(now, dict)):
        return
    if answers and base.get("type") == now.get("type") != "object":
        for word in _PROMISES:
            if word not in base:
                now.pop(word, None)
    for name in base.keys() & now.keys():
        _align(base[name], now[name], answers=answers or name == "responses")


def _sent(document: Mapping[str, Any]) -> set[str]:
    """The names of the schemas that a request may hold, by whatever way."""
    operations = [path[method] for path in document["paths"].values() for method in _METHODS if method in path]
    waiting = [name for each in operations for part in ("parameters", "requestBody") for name in _named(each.get(part))]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _named(document["components"]["schemas"][name])
    return found


def _named(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(reference := node.get("$ref"), str):
            yield reference.removeprefix(_SCHEMAS)
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _named(child)
