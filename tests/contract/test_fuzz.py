"""Whatever comes in, the answer is one of the contract's and never a fault of ours."""

import json
from urllib.parse import quote_from_bytes, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.endpoint import Endpoint
from tests.support.world import LISTS, WITH_BODY, World, body_of, named

CHANGED = [endpoint for endpoint in WITH_BODY if not endpoint.path.startswith(("/api/auth", "/api/users"))]

stable = settings(
    derandomize=True,
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
awkward = st.sampled_from(
    ["\0", "\ud800", "\uffff", "\u202e", "e\u0301", "🐞", "' OR 1=1", "open", "high", "2026-01-31", " ", "x" * 5001]
)
strings = awkward | st.text(st.characters(), max_size=20) | st.uuids().map(str)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | strings,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
    max_leaves=5,
)
octets = st.binary(max_size=8) | strings.map(lambda text: text[:300].encode("utf-8", "surrogatepass"))
ANSWERS = {200, 201, 400, 409, 412, 422}


@pytest.mark.parametrize("endpoint", CHANGED, ids=named)
@stable
@given(data=st.data())
def test_any_body_gets_an_answer_of_the_contract(world: World, endpoint: Endpoint, data: st.DataObject) -> None:
    assert endpoint.body
    members = st.sampled_from([*endpoint.body.model_fields, "unknown"])
    body = data.draw(values | st.dictionaries(members, values) | st.just(body_of(endpoint)))
    response = world.admin.api.request(
        endpoint.method,
        world.path(endpoint),
        content=json.dumps(body).encode("ascii"),
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code in ANSWERS


@pytest.mark.parametrize("endpoint", LISTS, ids=named)
@stable
@given(data=st.data())
def test_any_query_gets_an_answer_of_the_contract(world: World, endpoint: Endpoint, data: st.DataObject) -> None:
    assert endpoint.query
    names = st.sampled_from([*endpoint.query.model_fields, "unknown"])
    pairs = data.draw(st.lists(st.tuples(names, octets), max_size=4))
    response = world.admin.api.get(f"{world.path(endpoint)}?{urlencode(pairs)}")
    assert response.status_code in (200, 422)


@stable
@given(data=st.binary(max_size=40))
def test_any_octets_for_a_body_get_an_answer_of_the_contract(world: World, data: bytes) -> None:
    response = world.admin.api.post("/api/projects", content=data, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)


@stable
@given(data=octets)
def test_any_octets_for_an_id_are_404(world: World, data: bytes) -> None:
    response = world.admin.api.get(f"/api/issues/x{quote_from_bytes(data, safe='')}")
    assert response.status_code == 404


@stable
@given(text=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40))
def test_any_tags_get_an_answer_of_the_contract(world: World, text: str) -> None:
    path = f"/api/issues/{world.issue['id']}"
    assert world.admin.api.get(path, headers={"If-None-Match": text}).status_code in (200, 304)
    assert world.admin.api.patch(path, json={}, headers={"If-Match": text}).status_code in (200, 412)
