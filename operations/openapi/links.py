"""Links of the OpenAPI document: which operations an answer leads to, and with what of it."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.endpoint import Endpoint

Link = dict[str, Any]

_TOKEN = {"refresh_token": "$response.body#/refresh_token"}
BODIES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("register", "login"): {"username": "$response.body#/username", "password": "$request.body#/password"},
    ("login", "refresh"): _TOKEN,
    ("login", "logout"): _TOKEN,
    ("refresh", "refresh"): _TOKEN,
    ("refresh", "logout"): _TOKEN,
}
"""By source and target: the body that the target is sent, member by member."""

CREATED = "$response.body#/id"
IDS: Mapping[tuple[str, str], str] = {
    ("list_sessions", "end_session"): "$response.body#/items/0/id",
}
"""By source and target: the id that goes into the target's path. No operation creates what these show."""


def links(source: Endpoint, endpoints: Iterable[Endpoint]) -> dict[str, Link]:
    """The links of what ``source`` answers when it succeeds, each named as the operation that it leads to.

    A creation leads to every operation on what it creates; the rest is in the tables.
    """
    listed = list(endpoints)
    found = {operation_id(target): _by_id(target, CREATED) for target in _on_created(source, listed)}
    for target in listed:
        pair = operation_id(source), operation_id(target)
        if pair in IDS:
            found[operation_id(target)] = _by_id(target, IDS[pair])
        if pair in BODIES:
            found[operation_id(target)] = {"operationId": operation_id(target), "requestBody": dict(BODIES[pair])}
    return found


def operation_id(endpoint: Endpoint) -> str:
    """The ``operationId`` of an endpoint."""
    return endpoint.handler.__name__


def _by_id(target: Endpoint, expression: str) -> Link:
    return {"operationId": operation_id(target), "parameters": {"id": expression}}


def _on_created(source: Endpoint, endpoints: list[Endpoint]) -> list[Endpoint]:
    """What can be done with the id of a new object: its kind is that of the read that shows it."""
    if source.status != 201:
        return []
    kinds = {read.kind for read in endpoints if read.method == "GET" and read.kind and read.output is source.output}
    return [target for target in endpoints if target.kind in kinds]
