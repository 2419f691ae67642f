"""The guide is made of what runs, and each problem leads to its explanation there."""

import re
from html.parser import HTMLParser

import pytest

from operations.guide import SOURCE, guide_page
from operations.guide.blocks import BLOCKS, refreshed
from shared.http.problems import PROBLEMS
from shared.security.permissions import MATRIX, Permission
from tests.support.api import Api

TEXT = SOURCE.read_text(encoding="utf-8")
PAGE = guide_page().decode()


Element = tuple[str, dict[str, str]]


class Elements(HTMLParser):
    """Every element of a page, with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


@pytest.fixture(scope="module")
def elements() -> list[Element]:
    """Those of the guide."""
    parser = Elements()
    parser.feed(PAGE)
    return parser.found


def test_what_is_made_is_as_it_would_be_made_now() -> None:
    assert refreshed(TEXT) == TEXT, "python -m operations guide --refresh"
    assert set(re.findall(r"<!-- made: (\w+)", TEXT)) == set(BLOCKS)


def test_a_stale_part_is_noticed() -> None:
    stale = TEXT.replace('"priority": "high"', '"priority": "huge"', 1)
    assert stale != TEXT
    assert refreshed(stale) == TEXT


def test_it_is_served_without_a_token_and_runs_nothing(api: Api) -> None:
    answer = api.get("/api/docs/guide")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text == PAGE
    assert "<script" not in PAGE
    assert api.get("/api/docs/guide", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_each_id_is_there_once_and_each_link_leads_somewhere(elements: list[Element], api: Api) -> None:
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    links = {attributes["href"] for tag, attributes in elements if tag in ("a", "link")}
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    elsewhere = [link for link in links if not link.startswith("#")]
    assert {"/api/docs", "/api/docs/guide.css"} <= set(elsewhere)
    assert [api.get(link).status_code for link in elsewhere] == [200] * len(elsewhere)


def test_a_problem_leads_to_its_explanation(api: Api, elements: list[Element]) -> None:
    link = api.get("/api/issues").headers["Link"]
    found = re.fullmatch(r'<(/api/docs/guide)#(\w+)>; rel="help"', link)
    assert found
    assert found[2] == "authentication_required"
    assert set(PROBLEMS) <= {attributes.get("id") for _, attributes in elements}


def test_every_right_is_in_the_table() -> None:
    rows = re.findall(r"^\| ([\w ]+) \| (?:yes|no) \|", TEXT, re.MULTILINE)
    assert rows == [permission.value for permission in MATRIX if permission is not Permission.ENTER]
