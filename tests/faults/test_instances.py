"""What several instances do at the same moment is as if one had done it after the other."""

from collections import Counter
from functools import partial
from itertools import pairwise
from uuid import uuid4

import httpx2
import pytest

from shared.settings import FunctionName
from tests.faults.instances import Caller, Race, statuses
from tests.support.accounts import outcome
from tests.support.api import JSON
from tests.support.fixtures import Owner, wait_until_blocked
from tests.support.stack import Stack

ROUNDS = range(8)
RACERS = 4
ALLOWED = {
    ("open", "in_progress"),
    ("in_progress", "resolved"),
    ("resolved", "closed"),
    ("resolved", "reopened"),
    ("closed", "reopened"),
    ("reopened", "in_progress"),
}


def resolved(caller: Caller, project: JSON, **members: object) -> JSON:
    issue = caller.issue(project, **members)
    for status in ("in_progress", "resolved"):
        assert edit(caller, 0, issue, {"status": status}).status_code == 200
    return issue


def edit(caller: Caller, instance: int, issue: JSON, body: JSON) -> httpx2.Response:
    return caller.at("issues", instance).patch(f"/api/issues/{issue['id']}", json=body)


def history(caller: Caller, issue: JSON) -> list[JSON]:
    """What has changed, oldest first."""
    items: list[JSON] = caller.at("issues", 0).get(f"/api/issues/{issue['id']}/history?limit=100").json()["items"]
    return items[::-1]


@pytest.mark.parametrize(
    "moves",
    [
        pytest.param(["closed", "reopened"], id="two"),
        pytest.param(["closed", "reopened", "in_progress", "closed"], id="four"),
        pytest.param(["closed"] * RACERS, id="the-same"),
    ],
)
def test_moves_are_a_chain_and_each_is_made_once(manager: Caller, race: Race, moves: list[str]) -> None:
    project = manager.project()
    for _ in ROUNDS:
        issue = resolved(manager, project)
        answers = race([partial(edit, manager, number, issue, {"status": move}) for number, move in enumerate(moves)])
        made = [(entry["from"], entry["to"]) for entry in history(manager, issue)]
        assert set(made) <= ALLOWED
        assert all(before[1] == after[0] for before, after in pairwise([("", "open"), *made]))
        assert manager.at("issues", 1).get(f"/api/issues/{issue['id']}").json()["status"] == made[-1][1]
        done = [move for move, answer in zip(moves, answers, strict=True) if answer.status_code == 200]
        assert Counter(to for _, to in made[2:]) == Counter(set(done))
        refused = [answer for answer in answers if answer.status_code != 200]
        assert {outcome(answer) for answer in refused} <= {(409, "invalid_transition")}


def test_what_has_just_become_critical_is_not_closed_without_a_comment(
    manager: Caller, patient: Stack, race: Race
) -> None:
    """Both changes have been sent before either is done."""
    project = manager.project()
    for number in ROUNDS:
        issue = resolved(manager, project, priority="high")
        racers = [
            partial(edit, manager, number, issue, {"priority": "critical"}),
            partial(edit, manager, number + 1, issue, {"status": "closed"}),
        ]
        with patient.postgres.connect() as holder:
            with holder.transaction():
                holder.execute("SELECT FROM issues WHERE id = %s FOR UPDATE", [issue["id"]])
                begun = race.begin(racers)
                wait_until_blocked(holder, len(racers))
            raised, closed = [answer.result() for answer in begun]
        assert raised.status_code == 200
        made = [entry["to"] for entry in history(manager, issue)[2:]]
        if closed.status_code == 200:
            assert made == ["closed", "critical"]
        else:
            assert outcome(closed) == (409, "comment_required")
            assert made == ["critical"]
            manager.comment(issue)
            assert edit(manager, number, issue, {"status": "closed"}).status_code == 200


@pytest.mark.parametrize("kind", ["projects", "issues", "comments"])
@pytest.mark.parametrize("alike", [True, False], ids=["same-body", "other-bodies"])
def test_a_key_creates_once(manager: Caller, race: Race, owner: Owner, kind: FunctionName, alike: bool) -> None:
    project = manager.project()
    issue = manager.issue(project)
    path, member = {
        "projects": ("/api/projects", "name"),
        "issues": (f"/api/projects/{project['id']}/issues", "title"),
        "comments": (f"/api/issues/{issue['id']}/comments", "content"),
    }[kind]
    for _ in ROUNDS:
        key, text = str(uuid4()), str(uuid4())

        def send(number: int, text: str, key: str = key) -> httpx2.Response:
            api = manager.at(kind, number)
            return api.post(path, json={member: text}, headers={"Idempotency-Key": key})

        texts = [text if alike else f"{text} {number}" for number in range(RACERS)]
        answers = race([partial(send, number, sent) for number, sent in enumerate(texts)])
        made = [answer for answer in answers if answer.status_code == 201]
        assert made
        assert len({answer.content for answer in made}) == 1
        assert alike or len(made) == 1
        refusals = {outcome(answer) for answer in answers if answer.status_code != 201}
        assert refusals <= {(409, "request_in_progress")} | (set() if alike else {(422, "idempotency_key_reused")})
        first = made[0].json()[member]
        for number in range(2):
            assert send(number, first).content == made[0].content
            assert outcome(send(number, f"{text} again")) == (422, "idempotency_key_reused")
        rows = owner.execute(f"SELECT {member} FROM {kind} WHERE {member} LIKE %s", [f"{text}%"]).fetchall()  # noqa: S608
        assert rows == [(first,)]


@pytest.mark.parametrize("kind", ["projects", "issues", "comments"])
def test_of_changes_to_one_version_one_succeeds(manager: Caller, race: Race, kind: FunctionName) -> None:
    project = manager.project()
    issue = manager.issue(project)
    found, member = {
        "projects": (project, "description"),
        "issues": (issue, "title"),
        "comments": (manager.comment(issue), "content"),
    }[kind]
    path = f"/api/{kind}/{found['id']}"
    for _ in ROUNDS:
        apis = [manager.at(kind, number) for number in range(RACERS)]
        tag = apis[0].patch(path, json={member: str(uuid4())}).headers["ETag"]
        texts = [str(uuid4()) for _ in apis]
        answers = race(
            [
                partial(api.patch, path, json={member: text}, headers={"If-Match": tag})
                for api, text in zip(apis, texts, strict=True)
            ]
        )
        assert statuses(answers) == {200: 1, 412: RACERS - 1}
        (won,) = [text for text, answer in zip(texts, answers, strict=True) if answer.status_code == 200]
        assert apis[1].get(path).json()[member] == won


def test_a_project_name_is_given_once(manager: Caller, race: Race) -> None:
    for _ in ROUNDS:
        name = f"Apiary {uuid4()}"
        names = (name, name.upper(), name.lower(), name)
        apis = [manager.at("projects", number) for number in range(RACERS)]
        answers = race(
            [partial(api.post, "/api/projects", json={"name": sent}) for api, sent in zip(apis, names, strict=True)]
        )
        assert statuses(answers) == {201: 1, 409: RACERS - 1}
        assert {outcome(answer) for answer in answers if answer.status_code == 409} == {(409, "already_exists")}
        taken = f"Taken {uuid4()}"
        paths = [f"/api/projects/{manager.project()['id']}" for _ in range(2)]
        renamed = race([partial(api.patch, path, json={"name": taken}) for api, path in zip(apis, paths, strict=False)])
        assert statuses(renamed) == {200: 1, 409: 1}
