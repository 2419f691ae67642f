"""What comes in with a request: the body's bytes, the query's pairs, and both checked against their models."""

import asyncio
import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Literal, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.types import Receive

from shared.http.problems import FAULTS_TOLD, Fault, Problem

BODY_LIMIT = 1024 * 1024
"""Octets of a request body."""
BODY_SECONDS = 30.0
"""In which a body has to come in."""
BRACKETS = 20_000
"""More than fit into the texts of any body; hundreds of thousands of arrays would keep the process busy."""
LOOKED_AT = 64 * 1024
"""Octets of a body beyond that which say whether it is JSON."""
_SURROGATE = re.compile("[\ud800-\udfff]")

ModelT = TypeVar("ModelT", bound=BaseModel)


async def read_body(headers: Headers, receive: Receive) -> bytes:
    """The whole JSON body, refused as early as can be told.

    Raises:
        Problem: payload_too_large, unsupported_media_type, bad_request where it does not come in.
    """
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > BODY_LIMIT:
        raise Problem("payload_too_large", f"A body may have {BODY_LIMIT} octets.")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem("unsupported_media_type")
    if "content-encoding" in headers:
        raise Problem("unsupported_media_type", "A compressed body is not taken.")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _chunks(receive)
    except TimeoutError:
        raise Problem("bad_request", "The body did not come in time.", headers={"Connection": "close"}) from None


async def _chunks(receive: Receive) -> bytes:
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem("bad_request", "The body ended early.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_LIMIT:
            raise Problem("payload_too_large", f"A body may have {BODY_LIMIT} octets.")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def parse_body(model: type[ModelT], body: bytes) -> ModelT | list[Fault]:
    """The body as a model, or what is wrong with it.

    pydantic's parser takes the good case. What it refuses is parsed again by the standard library, which keeps lone
    surrogates, so that they are told with their place beside the other faults, and refuses NaN, which is no JSON.

    Raises:
        Problem: malformed_json.
    """
    if _is_crowded(body):
        return [_crowded(body)]
    if b"NaN" in body or b"Infinity" in body:
        # No JSON, and yet pydantic takes it in a member that a later one of the same name replaces.
        parse_json(body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        # pydantic's depth is the limit, on every Python; the standard library's differs by version.
        if error.error_count() == 1 and "recursion limit" in error.errors()[0]["msg"]:
            raise Problem("malformed_json", "The body is nested too deeply.") from None
    parsed = parse_json(body)
    faults: list[Fault] = []
    try:
        model.model_validate_json(json.dumps(_outline(model, parsed, faults)))
    except ValidationError as error:
        known = {fault.path for fault in faults}
        faults += [fault for fault in _faults("body", error) if fault.path not in known]
    if not faults:
        raise Problem("malformed_json")
    return faults


def _is_crowded(body: bytes) -> bool:
    return body.count(b"[") + body.count(b"{") > BRACKETS


def _crowded(body: bytes) -> Fault:
    """What is wrong with a body of too many arrays, of which no more than the beginning is parsed.

    Raises:
        Problem: malformed_json.
    """
    try:
        from_json(body[:LOOKED_AT].decode("utf-8", "ignore"), allow_partial=True)
    except ValueError:
        raise Problem("malformed_json") from None
    return Fault("body", "", "too_many_values", "Must not hold so many arrays and objects")


def _outline(model: type[BaseModel], parsed: object, faults: list[Fault]) -> object:
    """The body with as much of it as it takes to say what is wrong; what cannot be shown goes to ``faults``.

    Every body here is one flat object. Of what is nested the kind is enough to refuse it, and of unknown members some:
    a megabyte holds a hundred thousand.
    """
    if not isinstance(parsed, dict):
        return _kind(parsed)
    unknown = islice((name for name in parsed if name not in model.model_fields), FAULTS_TOLD + 1)
    outline = {}
    for name in [name for name in model.model_fields if name in parsed] + list(unknown):
        value = _kind(parsed[name])
        if _SURROGATE.search(name):
            # No pointer can say this name, so that its object is named.
            faults.append(Fault("body", "", "string_unicode", "Must not name a member with a lone surrogate"))
            continue
        if isinstance(value, str) and _SURROGATE.search(value):
            faults.append(Fault("body", f"/{_escape(name)}", "string_unicode", "Must not hold a lone surrogate"))
            value = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
        outline[name] = value
    return outline


def _kind(value: object) -> object:
    return type(value)() if isinstance(value, dict | list) else value


def parse_json(body: bytes) -> object:
    """The body as plain values.

    Raises:
        Problem: malformed_json.
    """
    try:
        parsed: object = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Problem("malformed_json") from None
    return parsed


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def sent_texts(query_string: bytes, body: bytes) -> list[str]:
    """The texts that a client sent, as values of the query and of the body's members."""
    try:
        parsed = parse_json(body)
    except Problem:
        parsed = None
    members = parsed.values() if isinstance(parsed, dict) else ()
    return [value for _, value in query_pairs(query_string)] + [value for value in members if isinstance(value, str)]


def named_members(body: bytes) -> frozenset[str]:
    """The members that a body names, be it valid or not; none where it is no object, or refused as crowded.

    Raises:
        Problem: malformed_json.
    """
    if _is_crowded(body):
        return frozenset()
    parsed = parse_json(body)
    return frozenset(parsed) if isinstance(parsed, dict) else frozenset()


def parse_query(model: type[ModelT] | None, query_string: bytes) -> tuple[ModelT | None, list[Fault]]:
    """The query as a model, or what is wrong with it, once a parameter. Without a model no parameter is allowed."""
    values: dict[str, str] = {}
    faults: dict[str, Fault] = {}
    for name, value in query_pairs(query_string):
        if len(faults) > FAULTS_TOLD:
            break
        if model is None or name not in model.model_fields:
            shown = _printable(name)
            faults[shown] = Fault("query", shown, "extra_forbidden", "There is no such parameter")
        elif name in values:
            faults[name] = Fault("query", name, "repeated", "Must be given once")
        elif _SURROGATE.search(value):
            faults[name] = Fault("query", name, "string_unicode", "Must be UTF-8")
        values[name] = value
    if model is None:
        return None, list(faults.values())
    try:
        parsed = model.model_validate({name: value for name, value in values.items() if _printable(name) not in faults})
    except ValidationError as error:
        return None, [*faults.values(), *_faults("query", error)]
    return (None, list(faults.values())) if faults else (parsed, [])


def query_pairs(query_string: bytes) -> list[tuple[str, str]]:
    """The query's parameters in their order. What is not UTF-8 becomes lone surrogates."""
    text = query_string.decode("utf-8", "surrogateescape")
    return parse_qsl(text, keep_blank_values=True, errors="surrogateescape")


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _escape(name: str) -> str:
    """A reference token of a JSON pointer (RFC 6901)."""
    return _printable(name).replace("~", "~0").replace("/", "~1")


def _faults(where: Literal["body", "query"], error: ValidationError) -> list[Fault]:
    """What pydantic found, once a place: where a value may be of several kinds, it tells of each that it is not."""
    faults: dict[str, Fault] = {}
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        loc = item["loc"]
        path = "".join(f"/{_escape(str(part))}" for part in loc) if where == "body" else _printable(str(loc[0]))
        faults.setdefault(path, Fault(where, path, item["type"], item["msg"]))
    return list(faults.values())


def header_text(headers: Mapping[str, str], name: str, limit: int) -> str:
    """A header's value cut to ``limit`` characters, without U+0000; "" where it is missing."""
    return headers.get(name, "").replace("\0", "")[:limit]
