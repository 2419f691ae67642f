"""The pure rules behind the conventions, as properties."""

import json
import re
import unicodedata
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.projects.schemas import NewProject
from shared.http.conditional import etag, may_change, unchanged
from shared.http.input import parse_body, parse_query, query_pairs
from shared.http.paging import PageQuery, page_count, page_links
from shared.text import SEARCH_LENGTH, fold, prefix_query, words

stable = settings(derandomize=True, max_examples=100, deadline=None, database=None)
counts = st.integers(0, 10**12)
limits = st.integers(1, 100)
pairs = st.lists(st.tuples(st.text(min_size=1), st.text()).filter(lambda pair: pair[0] != "page"), max_size=4)
texts = st.text(st.characters(codec="utf-8"))
tags = st.binary().map(etag)
ENTRY = re.compile(r'<([^>]*)>; rel="(\w+)"')


def targets(header: str) -> dict[str, int]:
    return {relation: int(dict(parse_qsl(urlsplit(url).query))["page"]) for url, relation in ENTRY.findall(header)}


@stable
@given(counts, limits)
def test_the_pages_hold_every_row_and_none_is_empty(total: int, limit: int) -> None:
    pages = page_count(total, limit)
    assert pages * limit >= total
    assert pages == 0 or (pages - 1) * limit < total


@stable
@given(st.integers(1, 10**9), st.integers(0, 10**9))
def test_links_lead_to_pages_that_are_there(page: int, pages: int) -> None:
    found = targets(page_links("/x", [], page, pages))
    assert found["first"] == 1
    assert found.get("last") == (pages or None)
    assert found.get("next") == (page + 1 if page < pages else None)
    assert found.get("prev") == (min(page - 1, pages) if page > 1 and pages else None)


@stable
@given(pairs, st.integers(1, 9), st.integers(0, 9))
def test_links_keep_every_pair_in_its_order(sent: list[tuple[str, str]], page: int, pages: int) -> None:
    header = page_links("/x", [*sent, ("page", "5")], page, pages)
    for url, _ in ENTRY.findall(header):
        kept = parse_qsl(urlsplit(url).query, keep_blank_values=True)
        assert kept[:-1] == sent
        assert kept[-1][0] == "page"
    assert header.isascii()
    assert header.isprintable()


@stable
@given(texts)
def test_folding_forgets_case_and_composition_and_nothing_more_the_second_time(text: str) -> None:
    assert fold(unicodedata.normalize("NFD", text)) == fold(text)
    assert fold(text.casefold()) == fold(text)
    assert unicodedata.is_normalized("NFC", fold(text))


@stable
@given(texts, texts)
def test_words_are_letters_and_digits_and_come_from_either_text(left: str, right: str) -> None:
    found = words(left, None, right)
    assert found == sorted(set(words(left)) | set(words(right)))
    assert all(word.isalnum() and 1 <= len(word) <= SEARCH_LENGTH for word in found)


@stable
@given(texts)
def test_a_text_holds_every_word_that_is_searched_for_with_it(text: str) -> None:
    query = prefix_query(text)
    asked = [] if query is None else [word.removesuffix(":*") for word in query.split(" & ")]
    assert asked == words(text)
    assert all(any(held.startswith(word) for held in words(text)) for word in asked)


@stable
@given(texts)
def test_a_search_is_a_query_of_words_and_prefix_marks_alone(text: str) -> None:
    assert re.fullmatch(r"[^\W_]+:\*( & [^\W_]+:\*)*", prefix_query(text) or "a:*")


@stable
@given(st.binary(), st.binary())
def test_tags_are_strong_and_equal_for_equal_bytes_alone(left: bytes, right: bytes) -> None:
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag(left))
    assert (etag(left) == etag(right)) == (left == right)


@stable
@given(tags, st.lists(tags, max_size=3), st.lists(tags, max_size=3))
def test_a_tag_is_found_anywhere_in_a_list(tag: str, before: list[str], after: list[str]) -> None:
    for written in (tag, f"W/{tag}"):
        assert unchanged(", ".join([*before, written, *after]), tag)
    assert may_change(",".join([*before, tag, *after]), tag)
    assert may_change(", ".join([*before, f"W/{tag}", *after]), tag) == (tag in before + after)


@stable
@given(st.text(), tags)
def test_a_tag_that_is_not_in_the_list_is_not_found(header: str, tag: str) -> None:
    assert unchanged(header, tag) == may_change(header, tag) == (header.strip() == "*")


def pointed(document: object, pointer: str) -> object:
    """What a JSON pointer says (RFC 6901)."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]  # type: ignore[index]
    return document


@stable
@given(st.dictionaries(st.text(st.sampled_from("/~01aé ")), st.integers(), min_size=1))
def test_the_pointer_of_an_unknown_member_leads_to_it(members: dict[str, int]) -> None:
    found = parse_body(NewProject, json.dumps({"name": "x", **members}).encode())
    assert isinstance(found, list)
    assert {fault.code for fault in found} == {"extra_forbidden"}
    assert sorted(pointed(members, fault.path) for fault in found) == sorted(members.values())  # type: ignore[type-var]


surrogate = st.just("\ud800")
nested = st.recursive(
    st.text("ab/~") | surrogate,
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab/~"), inner),
    max_leaves=5,
)


@stable
@given(st.dictionaries(st.text("ab/~", min_size=1), nested, min_size=1))
def test_the_pointer_of_a_lone_surrogate_leads_to_it(others: dict[str, object]) -> None:
    document = {"name": "x", **others}
    found = parse_body(NewProject, json.dumps(document).encode())
    assert isinstance(found, list)
    unstorable = [pointed(document, fault.path) for fault in found if fault.code == "string_unicode"]
    assert unstorable == ["\ud800"] * list(others.values()).count("\ud800")


@stable
@given(st.binary(max_size=60))
def test_any_octets_are_a_query_or_told_what_is_wrong_once(query: bytes) -> None:
    parsed, found = parse_query(PageQuery, query)
    assert (parsed is None) == bool(found)
    assert len({fault.path for fault in found}) == len(found)
    json.dumps([fault.as_json() for fault in found]).encode()


@stable
@given(pairs)
def test_pairs_survive_the_query(sent: list[tuple[str, str]]) -> None:
    header = page_links("/x", sent, 1, 0)
    url, _ = ENTRY.findall(header)[0]
    assert query_pairs(urlsplit(url).query.encode())[:-1] == sent
