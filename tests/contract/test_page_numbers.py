"""The numbers of pages and rows: whole and in range, else 422."""

import pytest

from shared.endpoint import Endpoint
from tests.support.faults import faults
from tests.support.world import LISTS, World, named

NO_NUMBER = {
    "empty": "",
    "text": "x",
    "a decimal point": "1.0",
    "an exponent": "1e2",
    "a space before": "%201",
    "a plus that means a space": "+1",
    "a plus": "%2B1",
    "a line feed after": "1%0A",
    "an underscore": "1_0",
    "hexadecimal": "0x1",
    "an Arabic digit": "%D9%A1",
    "a superscript digit": "%C2%B2",
    "more digits than any number here": "9" * 30,
    "true": "true",
    "two": "1,2",
}
PAGES = {
    "0": "greater_than_equal",
    "-1": "greater_than_equal",
    "1000000001": "less_than_equal",
    "9" * 19: "less_than_equal",
}
LIMITS = {
    "0": "greater_than_equal",
    "-1": "greater_than_equal",
    "101": "less_than_equal",
    "1000000000": "less_than_equal",
}


@pytest.mark.parametrize("text", NO_NUMBER.values(), ids=NO_NUMBER.keys())
@pytest.mark.parametrize("name", ["page", "limit"])
def test_what_is_no_whole_number_is_422(standing: World, name: str, text: str) -> None:
    assert faults(standing.admin.api.get(f"/api/projects?{name}={text}")) == [("query", name, "int_type")]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("page", *case) for case in PAGES.items()] + [("limit", *case) for case in LIMITS.items()],
)
def test_a_number_out_of_range_is_422(standing: World, name: str, value: str, code: str) -> None:
    assert faults(standing.admin.api.get(f"/api/projects?{name}={value}")) == [("query", name, code)]


@pytest.mark.parametrize("endpoint", LISTS, ids=named)
def test_the_last_page_of_all_is_empty_at_every_list(standing: World, endpoint: Endpoint) -> None:
    page = standing.admin.api.get(f"{standing.path(endpoint)}?page=1000000000&limit=100").json()
    assert page["items"] == []
    assert (page["page"], page["limit"]) == (1_000_000_000, 100)


@pytest.mark.parametrize("endpoint", LISTS, ids=named)
def test_a_page_has_twenty_rows_where_nothing_is_said(standing: World, endpoint: Endpoint) -> None:
    page = standing.admin.api.get(standing.path(endpoint)).json()
    assert (page["page"], page["limit"]) == (1, 20)
    assert page["pages"] == -(-page["total"] // 20)
    assert len(page["items"]) == min(page["total"], 20)
