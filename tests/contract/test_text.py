"""Text is trimmed at both ends and NFC-normalised; then its length counts, in code points."""

from typing import NamedTuple

import httpx2
import pytest

from tests.support.faults import faults
from tests.support.world import World


class Field(NamedTuple):
    """A member that holds text, and its limits."""

    route: str
    member: str
    low: int
    high: int


FIELDS = {
    "project name": Field("POST /api/projects", "name", 1, 100),
    "project description": Field("POST /api/projects", "description", 0, 1000),
    "changed project name": Field("PATCH /api/projects/{project}", "name", 1, 100),
    "changed project description": Field("PATCH /api/projects/{project}", "description", 0, 1000),
    "issue title": Field("POST /api/projects/{project}/issues", "title", 1, 200),
    "issue description": Field("POST /api/projects/{project}/issues", "description", 0, 5000),
    "changed issue title": Field("PATCH /api/issues/{issue}", "title", 1, 200),
    "changed issue description": Field("PATCH /api/issues/{issue}", "description", 0, 5000),
    "comment": Field("POST /api/issues/{issue}/comments", "content", 1, 2000),
    "changed comment": Field("PATCH /api/comments/{comment}", "content", 1, 2000),
}
NEEDED = {"POST /api/projects": {"name": "n"}, "POST /api/projects/{project}/issues": {"title": "t"}}
each_field = pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS.keys())

NORMALISED = {
    "spaces": ("  x y  ", "x y"),
    "tabs and line feeds": ("\t\r\n x \n", "x"),
    "no-break space": ("\N{NO-BREAK SPACE}x\N{NO-BREAK SPACE}", "x"),
    "ideographic space": ("\N{IDEOGRAPHIC SPACE}x", "x"),
    "em quad, which NFC makes an em space": ("\N{EM QUAD}x\N{EM QUAD}", "x"),
    "line separator": ("x\N{LINE SEPARATOR}", "x"),
    "composed": ("e\N{COMBINING ACUTE ACCENT}", "é"),
    "composed of three": ("o\N{COMBINING DOT BELOW}\N{COMBINING CIRCUMFLEX ACCENT}", "ộ"),
    "reordered": ("q\N{COMBINING DOT ABOVE}\N{COMBINING DOT BELOW}", "q\N{COMBINING DOT BELOW}\N{COMBINING DOT ABOVE}"),
    "singleton": ("\N{ANGSTROM SIGN}", "Å"),
    "Hangul": ("\N{HANGUL CHOSEONG HIEUH}\N{HANGUL JUNGSEONG A}\N{HANGUL JONGSEONG NIEUN}", "한"),
    "compatibility forms stay": ("ﬁ²", "ﬁ²"),
    "inner space stays": ("a  b\u00a0c", "a  b\u00a0c"),
    "zero width joiner stays": ("👩\u200d💻", "👩\u200d💻"),
}


def send(world: World, field: Field, text: str) -> httpx2.Response:
    method, _, path = field.route.partition(" ")
    ids = {"project": world.project["id"], "issue": world.issue["id"], "comment": world.comment["id"]}
    return world.admin.api.request(method, path.format(**ids), json={**NEEDED.get(field.route, {}), field.member: text})


@each_field
def test_the_longest_is_taken(world: World, field: Field) -> None:
    text = "🐞" * field.high
    assert send(world, field, text).json()[field.member] == text


@each_field
def test_one_more_is_too_long(world: World, field: Field) -> None:
    assert faults(send(world, field, "x" * (field.high + 1))) == [("body", f"/{field.member}", "string_too_long")]


@each_field
def test_length_counts_after_trimming_and_composing(world: World, field: Field) -> None:
    response = send(world, field, " \n" + "e\N{COMBINING ACUTE ACCENT}" * field.high + "\t ")
    assert response.json()[field.member] == "é" * field.high


@each_field
def test_blank_text_is_empty(world: World, field: Field) -> None:
    response = send(world, field, " \n\t\N{NO-BREAK SPACE}")
    if field.low:
        assert faults(response) == [("body", f"/{field.member}", "string_too_short")]
    else:
        assert not response.json()[field.member]


@pytest.mark.parametrize(("given", "kept"), NORMALISED.values(), ids=NORMALISED.keys())
def test_text_is_trimmed_and_composed(world: World, given: str, kept: str) -> None:
    assert send(world, FIELDS["changed comment"], given).json()["content"] == kept
