"""A search is nothing but text, whatever it looks like, of at most 200 code points."""

import pytest

from tests.support.faults import faults
from tests.support.world import World

HOSTILE = [
    "' OR 1=1",
    "'; DROP TABLE issues; --",
    "\\' OR 1=1",
    "a:*b",
    "a & !b | (c",
    "a <-> b",
    "(((((a",
    "a\\",
    "%(search)s",
    "{0}",
    "$1",
    "a\tb\nc",
    "x" * 200,
    "ß" * 200,
    "\N{MATHEMATICAL FRAKTUR CAPITAL U}" * 200,
    "登" * 200,
    "🐞" * 200,
    "e\u0301" * 200,
    "a " * 100,
    "\u200b\u200d\ufeff",
    "\u202eabc",
    "\uffff",
    "\U0010ffff",
]


@pytest.mark.parametrize("search", HOSTILE, ids=lambda search: ascii(search)[:30])
@pytest.mark.parametrize("path", ["/api/issues", "/api/projects", "/api/users"])
def test_a_search_is_nothing_but_text(standing: World, path: str, search: str) -> None:
    developer = standing.admin
    assert developer.api.get(path, params={"search": search}).status_code == 200


@pytest.mark.parametrize(("search", "accepted"), [("x" * 200, True), ("x" * 201, False), (" " * 50 + "🐞" * 200, True)])
def test_a_search_has_at_most_200_code_points(standing: World, search: str, accepted: bool) -> None:
    response = standing.admin.api.get("/api/issues", params={"search": search})
    if accepted:
        assert response.status_code == 200
    else:
        assert faults(response) == [("query", "search", "string_too_long")]
