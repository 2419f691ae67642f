"""A client sends the largest input that is taken, of the shape that costs most: processor, memory, octets of an answer.

A defence gains factors of 10 to 1000: linear normalisation and none of what is too long (shared/fields.py,
shared/text.py), a bound on the faults that are looked for and told (shared/http/input.py, problems.py), on what is
hashed and parsed. Measured is the processor's time, which other work on the machine does not lengthen.
"""

import json
from time import process_time
from typing import NamedTuple
from urllib.parse import quote

import pytest

from tests.support.api import JSON, Headers
from tests.support.world import World

SECONDS = 0.5
MEBIBYTE = 1024 * 1024
QUERY = 60_000
"""Octets of a query; the parser takes no target of more than 64 KiB."""
READABLE = 20_000
"""Octets of one that succeeds: the links to the other pages repeat it, and clients read some 100 KiB of headers."""


class Attack(NamedTuple):
    """A request of the admin of a world; ``expected`` is its status, or the code of its problem."""

    expected: int | str
    method: str
    path: str
    content: bytes = b""
    headers: Headers = {}  # noqa: RUF012  # never changed


def large(expected: int | str, start: str, piece: str, end: str, path: str = "/api/projects") -> Attack:
    """A body of one mebibyte, filled up with a piece."""
    times = (MEBIBYTE - len(start.encode()) - len(end.encode())) // len(piece.encode())
    content = (start + piece * times + end).encode()
    return Attack(expected, "POST", path, content, {"Content-Type": "application/json"})


def numbered(expected: int | str, start: str, piece: str, end: str, path: str = "/api/projects") -> Attack:
    """A body of nearly one mebibyte, filled up with numbered pieces."""
    pieces = "".join(piece % number for number in range(MEBIBYTE // (len(piece) + 4)))
    return Attack(expected, "POST", path, (start + pieces + end).encode(), {"Content-Type": "application/json"})


def sent(expected: int | str, method: str, path: str, body: JSON) -> Attack:
    """A body with these members."""
    return Attack(
        expected, method, path, json.dumps(body, ensure_ascii=False).encode(), {"Content-Type": "application/json"}
    )


def asked(expected: int | str, path: str, query: str, headers: Headers | None = None) -> Attack:
    """A query."""
    return Attack(expected, "GET", f"{path}?{query}", headers=headers or {})


INVALID = "validation_failed"
MALFORMED = "malformed_json"
ISSUES = "/api/projects/PROJECT/issues"

BODIES = {
    "blanks": large(201, '{"name": "Blank"', " ", "}"),
    "unknown-members": numbered(INVALID, '{"name": "x"', ', "%d": 0', "}"),
    "unknown-members-of-a-registration": numbered(INVALID, '{"username": "x"', ', "%d": 0', "}", "/api/auth/register"),
    "unknown-member-of-a-megabyte": large(INVALID, '{"name": "x", "', "é", '": 0}'),
    "unknown-member-of-escapes": large(INVALID, '{"name": "x", "', "~", '": 0}'),
    "the-same-member": large(INVALID, '{"name": "x"', ', "name": 0', "}"),
    "members-named-by-lone-surrogates": numbered(INVALID, '{"name": "x"', ', "\\ud800%d": 0', "}"),
    "members-that-hold-lone-surrogates": numbered(INVALID, '{"name": "x"', ', "%d": "\\ud800"', "}"),
    "arrays-in-arrays": large(MALFORMED, '{"name": ', "[", ""),
    "objects-in-objects": large(MALFORMED, "", '{"name":', ""),
    "arrays-in-an-array": large(INVALID, '{"name": [[]', ",[]", "]}"),
    "objects-in-an-array": large(INVALID, '{"name": [{}', ",{}", "]}"),
    "arrays-of-a-hundred-arrays": large(INVALID, '{"name": [0', "," + "[" * 100 + "]" * 100, "]}"),
    "array-for-the-whole": large(INVALID, "[[]", ",[]", "]"),
    "numbers-in-an-array": large(INVALID, '{"name": [0', ",1e9", "]}"),
    "digits": large(MALFORMED, '{"name": 1', "9", "}"),
    "digits-of-a-fraction": large(INVALID, '{"name": 0.1', "9", "}"),
    "digits-of-an-exponent": large(INVALID, '{"name": 1e', "9", "}"),
    "escapes": large(INVALID, '{"name": "', "\\u0041", '"}'),
    "escapes-for-line-feeds": large(INVALID, '{"name": "', "\\n", '"}'),
    "lone-surrogates": large(INVALID, '{"name": "', "\\ud800", '"}'),
    "U+0000": large(INVALID, '{"name": "', "\\u0000", '"}'),
    "marks-in-a-name": large(INVALID, '{"name": "x', "\u0316\u0300", '"}'),
    "tibetan-marks-in-a-name": large(INVALID, '{"name": "x', "\u0f73\u0300", '"}'),
    "marks-in-a-login-name": large(
        INVALID, '{"password": "x", "username": "x', "\u0316\u0300", '"}', "/api/auth/login"
    ),
    "marks-in-a-title": large(INVALID, '{"title": "x', "\u0316\u0300", '"}', ISSUES),
    "password-of-a-login": large(
        "invalid_credentials", '{"username": "nobody", "password": "', "x", '"}', "/api/auth/login"
    ),
    "password-of-a-registration": large(
        "weak_password", '{"username": "x", "email": "x@y.example", "password": "Aa1!', "x", '"}', "/api/auth/register"
    ),
    "password-of-a-change": large(
        "permission_denied", '{"new_password": "x", "current_password": "', "x", '"}', "/api/auth/password"
    ),
    "new-password-of-a-change": large(
        "weak_password",
        '{"current_password": "Correct-horse-1", "new_password": "Aa1!',
        "x",
        '"}',
        "/api/auth/password",
    ),
    "marks-as-many-as-are-looked-at": sent(
        INVALID, "POST", ISSUES, {"title": "x", "description": "x" + "\u0f73" * 19_999}
    ),
    "marks-as-many-as-are-taken": sent(201, "POST", ISSUES, {"title": "x", "description": "x" + "\u0316\u0300" * 2499}),
    "refresh-token": large("invalid_token", '{"refresh_token": "', "x", '"}', "/api/auth/refresh"),
    "refresh-token-of-a-logout": large(204, '{"refresh_token": "', "x", '"}', "/api/auth/logout"),
}


QUERIES = {
    "unknown-names": asked(INVALID, "/api/issues", "&".join(f"n{number}" for number in range(QUERY // 7))),
    "unknown-names-where-none-is-known": asked(
        INVALID, "/api/auth/me", "&".join(f"n{number}" for number in range(QUERY // 7))
    ),
    "name-that-is-no-UTF-8": asked(INVALID, "/api/issues", "%ff" * (QUERY // 3)),
    "the-same-name": asked(INVALID, "/api/issues", "page=1" + "&page=1" * (QUERY // 7)),
    "separators": asked(200, "/api/issues", "&" * QUERY),
    "statuses": asked(200, "/api/issues", "status=open" + ",open" * (READABLE // 5)),
    "statuses-that-are-none": asked(INVALID, "/api/issues", "status=a" + ",a" * (QUERY // 2)),
    "different-statuses-that-are-none": asked(
        INVALID, "/api/issues", "status=" + ",".join(map(str, range(QUERY // 6)))
    ),
    "sort-keys": asked(INVALID, "/api/issues", "sort=title" + ",title" * (QUERY // 6)),
    "digits-of-a-page": asked(INVALID, "/api/issues", "page=1" + "0" * QUERY),
    "words-of-a-search": asked(200, "/api/issues", "search=" + "+".join("abcdefghijklmnopqrstuvwxyz" * 3)),
    "blanks-round-a-search": asked(200, "/api/issues", "search=it" + "+" * READABLE),
    "marks-in-a-search": asked(INVALID, "/api/issues", "search=x" + quote("\u0316\u0300") * (QUERY // 12)),
    "entity-tags": asked(200, "/api/issues/ISSUE", "", {"If-None-Match": '"x",' * (QUERY // 4)}),
    "idempotency-key": sent(INVALID, "POST", "/api/projects", {"name": "x"})._replace(
        headers={"Content-Type": "application/json", "Idempotency-Key": "k" * QUERY}
    ),
}


@pytest.mark.parametrize("attack", [*BODIES.values(), *QUERIES.values()], ids=[*BODIES, *QUERIES])
def test_the_largest_input_takes_little_time_and_gets_no_larger_answer(standing: World, attack: Attack) -> None:
    path = attack.path.replace("PROJECT", standing.project["id"]).replace("ISSUE", standing.issue["id"])
    started = process_time()
    answer = standing.admin.api.request(attack.method, path, content=attack.content, headers=attack.headers)
    took = process_time() - started
    assert attack.expected == (answer.json()["code"] if answer.status_code >= 400 else answer.status_code)
    assert took < SECONDS
    size = len(path) + len(attack.content)
    assert len(answer.content) + sum(len(value) for value in answer.headers.values()) < 4 * size + 65_536
