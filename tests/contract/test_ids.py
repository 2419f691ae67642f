"""Ids: in the path, what names nothing is 404; in a filter it is an empty list, and what is no UUID 422."""

from uuid import UUID, uuid4

import pytest

from shared.endpoint import Endpoint
from tests.support.api import Api
from tests.support.faults import code
from tests.support.wire import exchange
from tests.support.world import WITH_ID, World, body_of, named, unknown_path

SPELLINGS = {
    "in braces": "{%s}",
    "as a URN": "urn:uuid:%s",
}
NO_IDS = ["1", "0", "-1", "me", "null", "%00", "%FF", "%25", "..", "'", "a" * 36, "1e3", "*"]


@pytest.mark.parametrize("endpoint", WITH_ID, ids=named)
@pytest.mark.parametrize(
    "given", ["x", str(uuid4()), str(UUID(int=0)), uuid4().hex], ids=["x", "unknown", "nil", "hex"]
)
def test_an_id_that_names_nothing_is_404_at_every_endpoint(standing: World, endpoint: Endpoint, given: str) -> None:
    path = endpoint.path.replace("{id}", given)
    assert code(standing.admin.api.request(endpoint.method, path, json=body_of(endpoint))) == "not_found"


@pytest.mark.parametrize("endpoint", WITH_ID, ids=named)
def test_an_id_is_not_looked_at_before_it_is_known_who_calls(nobody: Api, endpoint: Endpoint) -> None:
    for path in (endpoint.path.replace("{id}", "x"), unknown_path(endpoint)):
        assert code(nobody.request(endpoint.method, path, json=body_of(endpoint))) == "authentication_required"


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_another_spelling_of_an_id_is_404(standing: World, spelling: str) -> None:
    given = spelling % standing.project["id"]
    assert code(standing.admin.api.get(f"/api/projects/{given}")) == "not_found"


@pytest.mark.parametrize("given", NO_IDS)
def test_what_is_no_uuid_is_404(standing: World, given: str) -> None:
    headers = {"Authorization": f"Bearer {standing.admin.token}"}
    url = str(standing.admin.api.client.base_url)
    assert exchange(url, "GET", f"/api/issues/{given}", headers=headers).code() == "not_found"


@pytest.mark.parametrize("endpoint", [each for each in WITH_ID if each.method == "GET"], ids=named)
def test_an_id_of_something_else_is_404(standing: World, endpoint: Endpoint) -> None:
    for other in (standing.project, standing.issue, standing.comment, {"id": standing.admin.id}):
        path = endpoint.path.replace("{id}", other["id"])
        if path != standing.path(endpoint):
            assert code(standing.admin.api.get(path)) == "not_found"


@pytest.mark.parametrize("endpoint", [each for each in WITH_ID if each.method == "GET"], ids=named)
def test_an_id_in_upper_case_is_the_same(standing: World, endpoint: Endpoint) -> None:
    path = standing.path(endpoint)
    upper = endpoint.path.replace("{id}", path.split("/")[3].upper())
    found, same = standing.admin.api.get(path), standing.admin.api.get(upper)
    assert same.status_code == 200
    assert same.content == found.content


@pytest.mark.parametrize("name", ["project", "reporter", "assignee"])
def test_an_issue_filter_that_names_nothing_gives_an_empty_list(standing: World, name: str) -> None:
    page = standing.admin.api.get(f"/api/issues?{name}={uuid4()}").json()
    assert (page["items"], page["total"], page["pages"]) == ([], 0, 0)


@pytest.mark.parametrize("name", ["actor", "target"])
def test_an_audit_filter_that_names_nothing_gives_an_empty_list(standing: World, name: str) -> None:
    page = standing.admin.api.get(f"/api/audit?{name}={uuid4()}").json()
    assert (page["items"], page["total"]) == ([], 0)


def test_an_id_in_a_filter_may_be_in_upper_case(standing: World) -> None:
    assert standing.admin.api.get(f"/api/issues?project={standing.project['id'].upper()}").json()["total"] == 1


def test_new_ids_are_of_version_7(standing: World) -> None:
    assert standing.admin.api.get("/api/users").status_code == 200
    assert {UUID(thing["id"]).version for thing in (standing.project, standing.issue, standing.comment)} == {7}
