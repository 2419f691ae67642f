"""The demo itself, without a database: what a reader of the API could wonder about is consistent."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import RFC_4122

import pytest

from operations.seed_demo import ARCHIVED, ENDED, Demo, Issue, build
from shared.vocabulary import PRIORITIES, STATUSES

MOVES = {
    ("open", "in_progress"),
    ("in_progress", "resolved"),
    ("resolved", "closed"),
    ("resolved", "reopened"),
    ("closed", "reopened"),
    ("reopened", "in_progress"),
}


@pytest.fixture(scope="module")
def demo() -> Demo:
    return build()


def test_sizes_and_names(demo: Demo) -> None:
    names = ["admin", *(f"manager{n}" for n in range(1, 10)), *(f"dev{n}" for n in range(1, 41))]
    assert [user.username for user in demo.users] == names
    assert Counter(user.role for user in demo.users) == {"admin": 1, "manager": 9, "developer": 40}
    assert [project.text.is_archived for project in demo.projects].count(True) == 2
    assert len(demo.projects) == 10
    assert len({issue.title for issue in demo.issues}) == 500
    assert sum(len(issue.comments) for issue in demo.issues) == 1_500
    assert any(comment.edit for issue in demo.issues for comment in issue.comments)


def test_every_status_meets_every_priority(demo: Demo) -> None:
    assert {(issue.status, issue.priority) for issue in demo.issues} == set(product(STATUSES, PRIORITIES))


def test_texts_keep_the_limits_of_the_contract(demo: Demo) -> None:
    for project in demo.projects:
        assert 1 <= len(project.text.name) <= 100
        assert 1 <= len(project.text.description) <= 1_000
    for issue in demo.issues:
        assert 1 <= len(issue.title) <= 200
        assert len(issue.description) <= 5_000
        assert all(1 <= len(comment.content) <= 2_000 for comment in issue.comments)


def test_history_leads_to_the_present_by_allowed_moves(demo: Demo) -> None:
    for issue in demo.issues:
        moves = [(change.before, change.after) for change in issue.history if change.field == "status"]
        assert set(moves) <= MOVES
        assert ["open", *(after for _, after in moves)] == [*(before for before, _ in moves), issue.status]
        for field in ("assignee", "priority"):
            values = [change.after for change in issue.history if change.field == field]
            assert values in ([], [getattr(issue, field)])


def test_times_follow_each_other(demo: Demo) -> None:
    began = {project.text.name: project for project in demo.projects}
    for issue in demo.issues:
        project = began[issue.project]
        ended = ARCHIVED if project.text.is_archived else ENDED
        at = [issue.created_at, *(change.at for change in issue.history)]
        assert project.created_at < issue.created_at
        assert at == sorted(set(at))
        assert at[-1] == issue.updated_at < ended
        for comment in issue.comments:
            edited = comment.edit[2] if comment.edit else comment.created_at + timedelta(seconds=1)
            assert issue.created_at < comment.created_at < edited <= ended + timedelta(seconds=1)
    assert max(user.created_at for user in demo.users) < min(project.created_at for project in demo.projects)


def test_a_critical_issue_was_never_closed_without_a_comment(demo: Demo) -> None:
    def closed_at(issue: Issue) -> datetime | None:
        return next((change.at for change in issue.history if change.after == "closed"), None)

    closed = [(issue, at) for issue in demo.issues if issue.priority == "critical" and (at := closed_at(issue))]
    assert closed
    for issue, at in closed:
        assert min(comment.created_at for comment in issue.comments) < at


def test_ids_tell_their_time(demo: Demo) -> None:
    made = [(user.id, user.created_at) for user in demo.users]
    made += [(project.id, project.created_at) for project in demo.projects]
    for issue in demo.issues:
        made.append((issue.id, issue.created_at))
        made += [(change.id, change.at) for change in issue.history]
        made += [(comment.id, comment.created_at) for comment in issue.comments]
        made += [(comment.edit[0], comment.edit[2]) for comment in issue.comments if comment.edit]
    assert len({identity for identity, _ in made}) == len(made)
    for identity, at in made:
        assert (identity.version, identity.variant) == (7, RFC_4122)
        assert datetime.fromtimestamp((identity.int >> 80) / 1000, UTC) == at


def test_another_process_makes_the_same(demo: Demo) -> None:
    script = "from operations.seed_demo import build; import sys; sys.stdout.buffer.write(repr(build()).encode())"
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    other = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)  # noqa: S603  # our own
    assert hashlib.sha256(other.stdout).digest() == hashlib.sha256(repr(demo).encode()).digest()
