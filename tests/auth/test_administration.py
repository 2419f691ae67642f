"""What admins do to users."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.support.accounts import code, faults, login, outcome, sign_in
from tests.support.api import JSON, Api
from tests.support.fixtures import Owner, events
from tests.support.people import People, Person

NOBODY = "00000000-0000-7000-8000-000000000000"
ENDPOINTS: list[tuple[str, str, JSON | None]] = [
    ("GET", "/api/users/{id}", None),
    ("PATCH", "/api/users/{id}", {"role": "admin"}),
    ("POST", "/api/users/{id}/unlock", None),
    ("DELETE", "/api/users/{id}", None),
]


def patch(admin: Person, user_id: str, **members: object) -> httpx2.Response:
    return admin.api.patch(f"/api/users/{user_id}", json=members)


def test_an_admin_sees_a_user_whole(people: People) -> None:
    admin, bob = people.admin(), people.developer()
    user = admin.api.get(f"/api/users/{bob.id}").json()
    assert user == bob.api.get("/api/auth/me").json()
    assert user["email"] == bob.email


@pytest.mark.parametrize(("method", "path", "body"), ENDPOINTS)
def test_what_names_nobody_is_not_found(people: People, method: str, path: str, body: Any) -> None:
    admin = people.admin()
    for user_id in (NOBODY, "7", "me", f"{NOBODY}0"):
        assert outcome(admin.api.request(method, path.format(id=user_id), json=body)) == (404, "not_found")


@pytest.mark.parametrize("role", ["developer", "manager"])
@pytest.mark.parametrize(("method", "path", "body"), ENDPOINTS)
def test_nobody_else_may_not_even_to_oneself(
    people: People, owner: Owner, role: Any, method: str, path: str, body: Any
) -> None:
    person = people.person(role)
    for user_id in (person.id, NOBODY):
        response = person.api.request(method, path.format(id=user_id), json=body)
        assert outcome(response) == (403, "permission_denied")
    assert events(owner) == [("permission.denied", "denied")] * 2
    assert person.api.get("/api/auth/me").json()["role"] == role


@pytest.mark.parametrize(
    ("members", "actions"),
    [
        pytest.param({"role": "manager"}, ["user.role_change"], id="role"),
        pytest.param({"role": "admin"}, ["user.role_change"], id="to-admin"),
        pytest.param({"is_active": False}, ["user.deactivate"], id="deactivation"),
        pytest.param({"role": "manager", "is_active": False}, ["user.role_change", "user.deactivate"], id="both"),
    ],
)
def test_a_change_is_answered_audited_and_ends_the_sessions(
    people: People, owner: Owner, members: JSON, actions: list[str]
) -> None:
    admin, bob = people.admin(), people.developer()
    before = admin.api.get(f"/api/users/{bob.id}").json()
    response = patch(admin, bob.id, **members)
    assert response.status_code == 200
    assert response.json() == {**before, **members}
    assert events(owner) == [(action, "success") for action in actions]
    assert outcome(bob.api.get("/api/auth/me")) == (401, "token_revoked")
    assert admin.api.get("/api/auth/me").status_code == 200


@pytest.mark.parametrize(
    "members", [{}, {"role": "developer"}, {"is_active": True}, {"role": "developer", "is_active": True}], ids=str
)
def test_the_same_again_is_no_change(people: People, owner: Owner, members: JSON) -> None:
    admin, bob = people.admin(), people.developer()
    assert patch(admin, bob.id, **members).status_code == 200
    assert bob.api.get("/api/auth/me").status_code == 200
    assert events(owner) == []


def test_who_is_deactivated_cannot_sign_in_until_activated(api: Api, people: People, owner: Owner) -> None:
    admin, bob = people.admin(), people.developer()
    patch(admin, bob.id, is_active=False)
    assert outcome(login(api, bob.username)) == (401, "invalid_credentials")
    assert patch(admin, bob.id, is_active=True).json()["is_active"] is True
    assert login(api, bob.username).status_code == 200
    assert outcome(bob.api.get("/api/auth/me")) == (401, "token_revoked")
    assert ("user.activate", "success") in events(owner)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        pytest.param({"role": "owner"}, ("/role", "literal_error"), id="role"),
        pytest.param({"role": None}, ("/role", "literal_error"), id="null-role"),
        pytest.param({"is_active": "false"}, ("/is_active", "bool_type"), id="text"),
        pytest.param({"is_active": 0}, ("/is_active", "bool_type"), id="number"),
        pytest.param({"is_active": None}, ("/is_active", "bool_type"), id="null"),
        pytest.param({"username": "x"}, ("/username", "extra_forbidden"), id="name"),
        pytest.param({"password_hash": "x"}, ("/password_hash", "extra_forbidden"), id="mass-assignment"),
    ],
)
def test_a_wrong_change_is_refused(people: People, body: JSON, fault: tuple[str, str]) -> None:
    admin, bob = people.admin(), people.developer()
    response = admin.api.patch(f"/api/users/{bob.id}", json=body)
    assert outcome(response) == (422, "validation_failed")
    assert faults(response) == {fault}


LAST: dict[str, tuple[str, JSON | None]] = {
    "demoted": ("PATCH", {"role": "manager"}),
    "deactivated": ("PATCH", {"is_active": False}),
    "demoted-and-deactivated": ("PATCH", {"role": "developer", "is_active": False}),
    "deleted": ("DELETE", None),
}


@pytest.mark.parametrize("way", LAST)
def test_the_last_active_admin_stays(people: People, owner: Owner, way: str) -> None:
    admin, idle = people.admin(), people.admin()
    owner.execute("UPDATE users SET is_active = false WHERE id = %s", (idle.id,))
    admin.project()
    before = events(owner)
    method, body = LAST[way]
    assert outcome(admin.api.request(method, f"/api/users/{admin.id}", json=body)) == (409, "last_admin")
    assert admin.api.get(f"/api/users/{admin.id}").json()["role"] == "admin"
    assert events(owner) == before


@pytest.mark.parametrize("way", LAST)
def test_an_admin_may_go_while_another_stays(people: People, way: str) -> None:
    admin, other = people.admin(), people.admin()
    method, body = LAST[way]
    assert admin.api.request(method, f"/api/users/{admin.id}", json=body).is_success
    assert other.api.get("/api/audit").status_code == 200


@pytest.mark.parametrize("way", LAST)
def test_of_two_admins_who_remove_each_other_at_once_one_stays(people: People, owner: Owner, way: str) -> None:
    method, body = LAST[way]
    for _ in range(3):
        admins = [people.admin(), people.admin()]
        others = admins[::-1]
        with ThreadPoolExecutor(2) as threads:
            answers = list(
                threads.map(
                    lambda pair: pair[0].api.request(method, f"/api/users/{pair[1].id}", json=body),
                    zip(admins, others, strict=True),
                )
            )
        assert sorted(answer.is_success for answer in answers) == [False, True]
        (refused,) = [answer for answer in answers if not answer.is_success]
        assert code(refused) in ("token_revoked", "last_admin")
        row = owner.execute("SELECT count(*) FROM users WHERE role = 'admin' AND is_active").fetchone()
        assert row == (1,)
        owner.execute("DELETE FROM users")


def test_unlocking_ends_a_lockout_and_is_audited_once(api: Api, people: People, owner: Owner) -> None:
    admin, bob = people.admin(), people.developer()
    owner.execute(
        "INSERT INTO login_throttles (key, attempts, locked_until) VALUES (%s, '{}', now() + interval '1 h')",
        (f"account:{bob.id}",),
    )
    assert outcome(login(api, bob.username)) == (423, "account_locked")
    for _ in range(2):
        assert admin.api.post(f"/api/users/{bob.id}/unlock").status_code == 204
    assert events(owner) == [("auth.unlock", "success")]
    assert login(api, bob.username).status_code == 200


def test_a_user_who_left_no_trace_is_deleted(api: Api, people: People, owner: Owner) -> None:
    admin, bob = people.admin(), people.developer("bob")
    issue = admin.issue(admin.project(), assignee_id=bob.id)
    tokens = sign_in(api, bob)
    before = events(owner)
    assert admin.api.delete(f"/api/users/{bob.id}").status_code == 204
    assert outcome(admin.api.get(f"/api/users/{bob.id}")) == (404, "not_found")
    assert outcome(admin.api.delete(f"/api/users/{bob.id}")) == (404, "not_found")
    assert admin.api.get(f"/api/issues/{issue['id']}").json()["assignee"] is None
    assert outcome(api.signed_in(tokens["access_token"]).get("/api/issues")) == (401, "token_revoked")
    assert outcome(login(api, "bob")) == (401, "invalid_credentials")
    assert events(owner)[len(before) :] == [("user.delete", "success"), ("auth.login", "failure")]
    (event,) = admin.api.get("/api/audit?action=user.delete").json()["items"]
    assert (event["actor"], event["target"]) == (admin.ref, {"type": "user", "id": bob.id})


@pytest.mark.parametrize("trace", ["project", "issue", "comment"])
def test_a_user_who_left_a_trace_stays(people: People, owner: Owner, trace: str) -> None:
    admin, bob = people.admin(), people.manager()
    author = {name: bob if name == trace else admin for name in ("project", "issue", "comment")}
    author["comment"].comment(author["issue"].issue(author["project"].project()))
    before = events(owner)
    assert outcome(admin.api.delete(f"/api/users/{bob.id}")) == (409, "still_referenced")
    assert bob.api.get("/api/auth/me").status_code == 200
    assert events(owner) == before
