"""The audit log: one row for each thing that happened, and its filters."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from tests.support.accounts import BROWSER, code, faults, login, logout, outcome, refresh, registration, sign_in
from tests.support.api import JSON, Api
from tests.support.fixtures import Owner, events
from tests.support.people import PASSWORD, People, Person

NOBODY = "00000000-0000-7000-8000-000000000000"


def log(admin: Person, query: str = "") -> list[JSON]:
    response = admin.api.get(f"/api/audit{query}")
    assert response.status_code == 200, response.text
    items: list[JSON] = response.json()["items"]
    return items


def test_an_event_says_who_did_what_to_whom_from_where(people: People) -> None:
    admin, bob = people.admin("root"), people.developer()
    headers = {"User-Agent": "x" * 600, "X-Request-ID": "Request-1"}
    admin.api.patch(f"/api/users/{bob.id}", json={"role": "manager"}, headers=headers)
    (event,) = log(admin)
    assert event.pop("at").endswith("Z")
    assert event.pop("id")
    assert event == {
        "action": "user.role_change",
        "outcome": "success",
        "actor": {"id": admin.id, "username": "root"},
        "target": {"type": "user", "id": bob.id},
        "ip": "127.0.0.1",
        "user_agent": "x" * 500,
        "request_id": "Request-1",
        "details": {"from": "developer", "to": "manager"},
    }


def test_a_day_of_work_leaves_one_row_for_each_thing(api: Api, people: People) -> None:
    admin, bob = people.admin(), people.manager("bob")
    api.post("/api/auth/register", json=registration())
    first = sign_in(api, bob)
    second = refresh(api, first["refresh_token"]).json()
    session = api.signed_in(second["access_token"]).get("/api/auth/sessions").json()["items"][0]["id"]
    project = bob.project()
    path = f"/api/projects/{project['id']}"
    bob.api.patch(path, json={"name": "Other"})
    bob.api.delete(path)
    bob.api.patch(path, json={"is_archived": False})
    bob.api.delete(f"/api/auth/sessions/{session}")
    bob.api.get("/api/audit")
    logout(api, sign_in(api, bob)["refresh_token"])
    bob.api.post("/api/auth/logout-all")
    listed = [(event["action"], event["actor"], event["target"]) for event in log(admin)[::-1]]
    alice = listed[0][2]["id"]
    assert listed[0][1] == {"id": alice, "username": "alice"}
    assert [action for action, _, _ in listed] == [
        "auth.register",
        "auth.login",
        "auth.refresh",
        "project.create",
        "project.edit",
        "project.archive",
        "project.restore",
        "auth.session_end",
        "permission.denied",
        "auth.login",
        "auth.logout",
        "auth.logout_all",
    ]
    assert all(actor == bob.ref for _, actor, _ in listed[1:])
    targets = [target for _, _, target in listed]
    assert targets[2] == targets[7] == {"type": "session", "id": session}
    assert targets[3:7] == [{"type": "project", "id": project["id"]}] * 4
    assert targets[8] is None


def test_what_changes_nothing_leaves_no_row(people: People, owner: Owner) -> None:
    admin = people.admin()
    project = admin.project()
    path = f"/api/projects/{project['id']}"
    admin.api.delete(path)
    before = events(owner)
    admin.api.delete(path)
    admin.api.patch(path, json={})
    admin.api.patch(path, json={"is_archived": True})
    admin.api.patch(f"/api/users/{admin.id}", json={"role": "admin", "is_active": True})
    admin.api.post(f"/api/users/{admin.id}/unlock")
    admin.api.get("/api/users")
    admin.api.post("/api/projects", json={"name": project["name"]})
    assert events(owner) == before


def test_a_denial_names_the_object_where_there_is_one(people: People) -> None:
    admin, bob = people.admin(), people.developer()
    project = admin.project()
    bob.api.patch(f"/api/projects/{project['id']}", json={"name": "Mine"})
    bob.api.post("/api/projects", json={"name": "Mine"})
    bob.api.delete("/api/users/7")
    denied = log(admin, "?action=permission.denied")
    assert [event["outcome"] for event in denied] == ["denied"] * 3
    assert [event["target"] for event in denied] == [None, None, {"type": "project", "id": project["id"]}]
    assert [event["actor"] for event in denied] == [bob.ref] * 3
    assert denied[2]["details"] == {"method": "PATCH", "route": "/api/projects/{id}"}


def test_who_is_not_signed_in_is_not_denied_but_asked_to(api: Api, people: People, owner: Owner) -> None:
    people.developer()
    assert code(api.get("/api/audit")) == code(api.post("/api/projects", json={})) == "authentication_required"
    assert events(owner) == []


def test_an_actor_is_kept_after_the_user_is_deleted(api: Api, people: People) -> None:
    admin, bob = people.admin(), people.developer("bob")
    sign_in(api, bob)
    admin.api.delete(f"/api/users/{bob.id}")
    assert log(admin, "?action=auth.login")[0]["actor"] == {"id": bob.id, "username": "bob"}


@pytest.fixture
def history(people: People, owner: Owner) -> Person:
    """An admin, and one event each minute from 08:00 to 08:02, the last one without an actor."""
    admin = people.admin("root")
    for minute, action in enumerate(("user.activate", "user.deactivate", "auth.login")):
        owner.execute(
            "INSERT INTO audit_events (id, at, action, outcome, actor_id, actor_username, target_type, target_id, ip, "
            "user_agent, request_id) VALUES (gen_random_uuid(), %s, %s, 'success', %s, %s, 'user', %s, '', '', '')",
            (
                datetime(2026, 1, 31, 8, minute, tzinfo=UTC),
                action,
                *((admin.id, "root") if minute < 2 else (None, None)),
                admin.id if minute else NOBODY,
            ),
        )
    return admin


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", [2, 1, 0], id="newest-first"),
        pytest.param("actor={root}", [1, 0], id="actor"),
        pytest.param("target={root}", [2, 1], id="target"),
        pytest.param("action=auth.login", [2], id="action"),
        pytest.param("actor={root}&target={root}", [1], id="both"),
        pytest.param(f"actor={NOBODY}", [], id="actor-who-is-nobody"),
        pytest.param("since=2026-01-31T08:01:00Z", [2, 1], id="since-is-included"),
        pytest.param("until=2026-01-31T08:01:00Z", [0], id="until-is-not"),
        pytest.param("since=2026-01-31T09:01:00%2B01:00&until=2026-01-31T08:02:00Z", [1], id="from-to"),
        pytest.param("since=2026-01-31T08:01:00.000001Z", [2], id="microseconds"),
        pytest.param("since=0001-01-01T00:00:00%2B23:59&until=9999-12-31T23:59:59-23:59", [2, 1, 0], id="all-time"),
        pytest.param("limit=1&page=2", [1], id="second-page"),
    ],
)
def test_events_are_filtered(history: Person, query: str, expected: list[int]) -> None:
    names = ["user.activate", "user.deactivate", "auth.login"]
    found = [event["action"] for event in log(history, f"?{query.format(root=history.id)}")]
    assert found == [names[number] for number in expected]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        pytest.param("action=auth.unknown", "action", id="action"),
        pytest.param("action=", "action", id="empty-action"),
        pytest.param("actor=root", "actor", id="actor-that-is-no-uuid"),
        pytest.param("target=7", "target", id="target-that-is-no-uuid"),
        pytest.param("since=yesterday", "since", id="no-time"),
        pytest.param("since=2026-01-31", "since", id="date"),
        pytest.param("since=1769846400", "since", id="unix-time"),
        pytest.param("until=2026-01-31T08:00:00", "until", id="no-zone"),
        pytest.param("until=2026-02-30T08:00:00Z", "until", id="no-such-day"),
        pytest.param("outcome=failure", "outcome", id="unknown-parameter"),
        pytest.param("sort=at", "sort", id="no-sort"),
    ],
)
def test_a_wrong_filter_is_refused(people: People, query: str, path: str) -> None:
    response = people.admin().api.get(f"/api/audit?{query}")
    assert outcome(response) == (422, "validation_failed")
    assert {path for path, _ in faults(response)} == {path}


def test_the_log_can_be_read_from_a_moment_on(api: Api, people: People) -> None:
    admin, bob = people.admin(), people.developer()
    login(api, bob.username, "Wrong-horse-1")
    first = log(admin)[0]["at"]
    sign_in(api, bob)
    assert [event["outcome"] for event in log(admin, f"?since={quote(first)}")] == ["success", "failure"]
    assert [event["outcome"] for event in log(admin, f"?until={quote(first)}")] == []
    later = (datetime.fromisoformat(first) + timedelta(microseconds=1)).isoformat()
    assert [event["outcome"] for event in log(admin, f"?since={quote(later)}")] == ["success"]


def test_no_secret_is_ever_in_the_log(api: Api, people: People, owner: Owner) -> None:
    bob = people.developer()
    tokens = sign_in(api, bob)
    login(api, bob.username, "Wrong-horse-1")
    refresh(api, tokens["refresh_token"])
    refresh(api, tokens["refresh_token"])
    api.post("/api/auth/register", json=registration(), headers=BROWSER)
    row = owner.execute("SELECT string_agg(e::text, '') FROM audit_events e").fetchone()
    assert row is not None
    for secret in (PASSWORD, "Wrong-horse-1", tokens["refresh_token"], tokens["access_token"], "argon2"):
        assert secret not in row[0]
